"""`workshop demo --talk`: its steps, as they run where there is no terminal. The demo itself: test_up_and_down.py."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import typer
from typer.testing import CliRunner

from tests.harness import Solutions
from workshop import cli, demo
from workshop.demo import STEPS, Demo
from workshop.errors import WorkshopError
from workshop.settings import ROOT, Settings
from workshop.text import Say


@pytest.fixture
def on_the_tests_services(monkeypatch: pytest.MonkeyPatch, solutions: Solutions, settings: Settings) -> None:
    """In place of services of the demo's own, which test_up_and_down.py starts.

    `solutions` has ended what other tests left open: a worker of the demo would go on with it, and meet its faults.
    """

    @contextmanager
    def services(say: Say) -> Iterator[Demo]:
        shown = Demo(settings, say)
        yield shown
        assert [program.kill() for program in shown.programs].count(True) == 0  # each step ends what it has started

    monkeypatch.setattr(demo, "on_own_services", services)


@pytest.mark.usefixtures("on_the_tests_services")
def test_the_talk_without_a_terminal_waits_for_nothing() -> None:
    result = CliRunner().invoke(cli.app, ["demo", "--talk"])
    assert (result.exit_code, result.exception) == (0, None), f"{result.exception}\n{result.stdout}"
    assert [f"{number}. {step.title}" in result.stdout for number, step in enumerate(STEPS, 1)] == [True] * len(STEPS)
    assert "Enter" not in result.stdout
    assert result.stdout.count("Answered calls made again: 1") == 2
    assert result.stdout.count("Recorded calls made again: 0") == 2


@pytest.mark.usefixtures("on_the_tests_services")
def test_a_step_of_the_talk_stands_alone() -> None:
    result = CliRunner().invoke(cli.app, ["demo", "--step", "3"])
    assert (result.exit_code, result.exception) == (0, None)
    assert "3. The same rate limit, durable" in result.stdout
    assert "these 2 answers, 3 refused" in result.stdout
    assert [step.title in result.stdout for step in STEPS].count(True) == 1


@pytest.mark.parametrize("step", ["0", "6"])
def test_a_step_that_there_is_not(step: str) -> None:
    result = CliRunner().invoke(cli.app, ["demo", "--step", step])
    assert isinstance(result.exception, WorkshopError)
    assert str(result.exception).endswith("workshop demo --step 1, or up to 5")


def test_the_talk_on_paper_has_the_steps_that_there_are() -> None:
    text = (ROOT / "docs" / "TALK.md").read_text(encoding="utf-8")
    told = re.findall(r"^## [\d:]+ Step (\d): (.*)$", text, re.MULTILINE)
    assert [(int(number), title.casefold()) for number, title in told] == [
        (number, step.title.casefold()) for number, step in enumerate(STEPS, 1)
    ]
    for command in re.findall(r"`workshop (\w+)", text):
        assert command in typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
