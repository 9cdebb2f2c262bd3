"""The command line: everything is documented, nothing answers nonsense with a traceback."""

import re

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from workshop import cli
from workshop.errors import WorkshopError
from workshop.settings import ROOT

COMMANDS = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
HARMLESS = ["fault", "ledger", "status", "audit", "why", "approve"]


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_and_is_in_the_readme(name: str) -> None:
    result = CliRunner().invoke(cli.app, [name, "--help"])
    assert result.exit_code == 0
    assert COMMANDS[name].help
    assert re.search(rf"`(workshop )?{name}\b", (ROOT / "README.md").read_text(encoding="utf-8"))


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named <= targets


def test_every_file_of_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in re.findall(r"(?:solutions|exercises)/0\d_\w+(?:/\w+\.\w+)?|(?<=\]\()[\w/]+(?:\.\w+)?(?=\))", text):
        assert (ROOT / path).exists(), path


def test_the_readme_is_read_to_its_end() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@given(st.sampled_from(HARMLESS), st.lists(st.text(max_size=12).filter(lambda word: word != "clear"), max_size=4))
def test_nonsense_is_refused_in_words(command: str, words: list[str]) -> None:
    result = CliRunner().invoke(cli.app, [command, *words, "--no-such-option"])
    assert result.exit_code in (0, 1, 2)
    assert result.exception is None or isinstance(result.exception, SystemExit | WorkshopError)
