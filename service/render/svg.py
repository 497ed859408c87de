"""Drawing in SVG as text: elements with everything escaped, and paths."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["BOLD", "LETTER", "Drawn", "picture", "short", "tag", "words"]

LETTER, BOLD = 6.3, 7.4
"""Mean width of a letter of the charts' 11 px type, plain and bold [px]."""


class Drawn(str):
    """Markup that is escaped already; what is a plain `str` is text."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str | float) -> Drawn:
    """Return an element.

    Parameters
    ----------
    children
        Markup (`Drawn`), or text, which is escaped.
    attributes
        `class_` stands for class, `text_anchor` for text-anchor; None of them empty.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    inner = "".join(c if isinstance(c, Drawn) else escape(c) for c in children)
    return Drawn(f"<{name}{said}>{inner}</{name}>")


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else short(value)


def short(value: float) -> str:
    """Return a coordinate [px] with one decimal at most."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def words(x: float, y: float, text: str, anchor: str = "start", class_: str = "") -> Drawn:
    """Return a line of text that starts, has its middle or ends at x; y is its base line [px]."""
    return tag("text", text, x=x, y=y, text_anchor=anchor, class_=class_ or "note")


def picture(width: float, height: float, label: str, parts: Iterable[str]) -> Drawn:
    """Return a drawing of a size [px] that scales with the page; the label is read aloud."""
    view = f"0 0 {short(width)} {short(height)}"
    return tag("svg", *parts, viewBox=view, role="img", aria_label=label)


def steps(edges: Sequence[float], heights: Sequence[float | None]) -> str:
    """Return path data of a line of steps: heights[i] from edges[i] to edges[i + 1]; None: gap."""
    said, before = list[str](), None
    for left, right, y in zip(edges, edges[1:], heights, strict=False):
        if y is not None:
            said.append(f"{'M' if before is None else 'L'}{short(left)} {short(y)}H{short(right)}")
        before = y
    return "".join(said)
