"""A report as JSON data: sections, sentences, facts, tables and charts, as they are in `Report`.

Date-times are ISO 8601 in UTC; numbers stay numbers, with their units beside them.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.domain.reports import Report

__all__ = ["report_data"]


def report_data(report: Report) -> dict[str, Any]:
    """Return a report as data that JSON can hold."""
    data: dict[str, Any] = _plain(report)
    return data


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        moment = value if value.tzinfo is None else value.astimezone(UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return value
