"""Exit codes of the command line."""

from __future__ import annotations

__all__ = ["ABORTED", "BAD_INPUT", "GOOD", "NOT_GOOD", "NO_PLAN"]

GOOD = 0
NOT_GOOD = 1
"""The plan breaks a rule."""
BAD_INPUT = 2
NO_PLAN = 3
"""No plan was found that places every must job, no mix that serves what must be served, or no
expansion that keeps all rules; the plan file says whether that is proven, or claimed."""
ABORTED = 130
