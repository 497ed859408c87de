"""Field types that every entity shares: strict, finite, bounded, frozen."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ChipCount",
    "Entity",
    "Id",
    "KwPerChip",
    "Share",
    "Text",
    "Usd",
    "UsdPerHour",
    "shown",
    "values_withheld",
]

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/+-]*$", max_length=80)]
Text = Annotated[str, StringConstraints(max_length=2000)]
ChipCount = Annotated[int, Field(ge=1, le=100_000_000)]
KwPerChip = Annotated[float, Field(gt=0, le=20)]
Share = Annotated[float, Field(gt=0, le=1)]
Usd = Annotated[float, Field(ge=0, le=1e9)]
UsdPerHour = Annotated[float, Field(ge=0, le=1e8)]


class Entity(BaseModel):
    """A frozen piece of an instance: unknown fields, coerced types and NaN are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True
    )


_withheld = ContextVar("withheld", default=False)
_KINDS = {str: "text", bool: "true or false", dict: "an object", list: "a list"}


@contextmanager
def values_withheld() -> Iterator[None]:
    """Have messages name the kind of a bad value, not the value: what strangers send is not sent
    back to them, and gets into no log."""
    before = _withheld.set(True)
    try:
        yield
    finally:
        _withheld.reset(before)


def shown(value: Any) -> str:
    """Return a value as an error message shows it: repr, cut at 60 characters; or its kind."""
    if _withheld.get():
        return "null" if value is None else _KINDS.get(type(value), "a number")
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
