"""Every example in the README runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.main import main

if TYPE_CHECKING:
    import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("python")
    assert len(example.splitlines()) <= 12
    brief = example.replace("seconds=60", "seconds=3")
    assert brief != example
    exec(compile(brief, "<README>", "exec"), {})
    assert "memphis-bridge" in capsys.readouterr().out


def test_there_are_two_set_up_commands() -> None:
    (commands,) = blocks("sh")
    assert len(commands.splitlines()) == 2


def test_every_command_that_is_shown_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    shown = {line.split()[1] for line in README.splitlines() if line.startswith("fleetwatt ")}
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert shown
    assert all(re.search(rf"^ +{command}\s", said, re.MULTILINE) for command in shown)
