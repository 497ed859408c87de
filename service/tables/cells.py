"""What stands in a cell: numbers with a decimal point, lists, moments, yes or no."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from optimizer.domain.fields import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from service.tables.columns import ColumnRule
    from service.tables.sheets import Row, Sheet

__all__ = ["read_cells"]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_WHOLE = re.compile(r"\+?\d{1,15}(\.0*)?")
_FLAGS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def read_cells(
    row: Row, sheet: Sheet, rules: Sequence[ColumnRule]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what could be read of a row, and column -> what is wrong with it."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for rule in rules:
        text = row.cells.get(rule.name)
        where = sheet.where(row.number, rule.name)
        if text is None:
            if rule.is_needed:
                wrong[rule.name] = f"{where}: is empty; give {rule.says}"
            continue
        try:
            values[rule.name] = _READERS[rule.kind](text)
        except ValueError as e:
            wrong[rule.name] = f"{where}: {e}"
    return values, wrong


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        hint = "write 1.5, not 1,5, and no thousands separator" if "," in text else "give digits"
        raise ValueError(f"must be a number with a decimal point, got {shown(text)}; {hint}")
    return float(text)


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"must be a whole number, got {shown(text)}; give digits only")
    return int(text.partition(".")[0])


def _moment(text: str) -> float | str:
    """Return hours, or the text that the instance reads as a date-time."""
    return float(text) if _NUMBER.fullmatch(text) else text


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError(f"must be yes or no, got {shown(text)}; true, false, 1 and 0 do as well")
    return _FLAGS[text.lower()]


def _list(text: str) -> list[str]:
    items = [item.strip() for item in text.split(";")]
    items = items[:-1] if not items[-1] else items  # a semicolon at the end adds nothing
    if not all(items):
        raise ValueError(
            f"must have a name between two semicolons, got {shown(text)}; take one out"
        )
    return items


def _wholes(text: str) -> list[int]:
    return [_whole(item) for item in _list(text)]


def _amounts(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in _list(text):
        name, is_given, amount = (part.strip() for part in item.partition("="))
        if not is_given or not name:
            raise ValueError(f"must be name=amount, got {shown(item)}; write credit=1200")
        if name in found:
            raise ValueError(f"must name every budget once, got {shown(name)} twice; add them up")
        found[name] = _number(amount)
    return found


_READERS: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "number": _number,
    "whole": _whole,
    "wholes": _wholes,
    "moment": _moment,
    "flag": _flag,
    "list": _list,
    "amounts": _amounts,
}
