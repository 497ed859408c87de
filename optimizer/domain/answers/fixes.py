"""What brings something into an answer that is not in it: a change, and a plan that has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.domain.changes.patch import Change

__all__ = ["Fix"]


@dataclass(frozen=True, slots=True)
class Fix:
    """A change by which an offer, a build or a contract comes in, or goes out.

    Attributes
    ----------
    plan
        Of the changed instance; it has passed the checker.
    """

    kind: str
    text: str
    changes: tuple[Change, ...]
    plan: Any
