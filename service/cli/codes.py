"""Exit codes of the command line."""

from __future__ import annotations

__all__ = ["ABORTED", "BAD_INPUT", "GOOD", "NOT_GOOD"]

GOOD = 0
NOT_GOOD = 1
"""The plan breaks a rule."""
BAD_INPUT = 2
ABORTED = 130
