"""All errors of fleetwatt.

FleetwattError
├── InstanceError   bad problem data (also a ValueError): every finding, one line each
├── PlanError       a plan file that cannot be read as a plan (also a ValueError)
└── Unsupported     a capability that this question or engine does not have, by name
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Finding", "FleetwattError", "InstanceError", "PlanError", "Unsupported"]


class FleetwattError(Exception):
    """Base of every error that fleetwatt raises on purpose."""


class Finding(str):
    """A line of what is wrong that also knows what kind of thing it is, and where.

    Attributes
    ----------
    code
        Its kind, one of `optimizer.domain.findings.where.CODES`.
    pointer
        JSON pointer of the place in the data.
    """

    __slots__ = ("code", "pointer")

    code: str
    pointer: str

    def __new__(cls, text: str, code: str, pointer: str = "") -> Self:
        made = super().__new__(cls, text)
        made.code, made.pointer = code, pointer
        return made


class InstanceError(FleetwattError, ValueError):
    """Bad problem data.

    Attributes
    ----------
    findings
        One line for each thing that is wrong: ``<path>: <what>, got <value>; <what is allowed>``;
        `Finding`s where the data are at hand.
    """

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings: tuple[str, ...] = tuple(findings)
        super().__init__("\n".join(self.findings))


class PlanError(FleetwattError, ValueError):
    """A plan file that cannot be read as a plan, or belongs to another instance."""


class Unsupported(FleetwattError):
    """A capability that is not there.

    Attributes
    ----------
    capability
        Its name, as the documentation uses it.
    """

    def __init__(self, capability: str, hint: str = "") -> None:
        self.capability = capability
        super().__init__(f"{capability} is not supported{': ' + hint if hint else ''}")
