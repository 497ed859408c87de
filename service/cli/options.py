"""Options of the command line on their way to a question, and how they are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.errors import FleetwattError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from optimizer.questions import Question

__all__ = ["BadOption", "options_of"]


class BadOption(FleetwattError):
    """An option that is out of its range."""


def options_of(
    question: Question[Any, Any, Any], given: argparse.Namespace, names: Iterable[str], **more: Any
) -> Any:
    """Return a question's options of these names, and of some more.

    Raises
    ------
    BadOption
        With all that are out of range.
    """
    from pydantic import ValidationError

    options = {name: getattr(given, name) for name in names} | more
    if getattr(given, "unit_costs", None):
        options["unit_costs"] = dict(given.unit_costs)
    try:
        return question.options(**options)
    except ValidationError as e:
        said = (
            f"--{item['loc'][0]}: {item['msg'].replace('Input should', 'must')}, "
            f"got {item['input']}"
            for item in e.errors(include_url=False)
        )
        raise BadOption("\n".join(said)) from None
