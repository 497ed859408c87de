"""All errors of fleetwatt.

FleetwattError
├── InstanceError   bad problem data (also a ValueError): every finding, one line each
├── PlanError       a plan file that cannot be read as a plan (also a ValueError)
└── Unsupported     a capability that this question or engine does not have, by name
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FleetwattError", "InstanceError", "PlanError", "Unsupported"]


class FleetwattError(Exception):
    """Base of every error that fleetwatt raises on purpose."""


class InstanceError(FleetwattError, ValueError):
    """Bad problem data.

    Attributes
    ----------
    findings
        One line for each thing that is wrong: ``<path>: <what>, got <value>; <what is allowed>``.
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
