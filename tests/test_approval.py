"""Going further of exercise 04: a person decides about each call of a tool, by update, also after a night."""

import re

import pytest

from tests.folders import ROUTING
from tests.harness import Solutions
from workshop.processes import Program

TWO = "Any weather alerts in New York and in Texas?"


def asked(solutions: Solutions, *arguments: str) -> tuple[int, list[str], list[str]]:
    """How overnight.py ends, and which requests it made for: of the model, of the weather."""
    script: Program = solutions.run(ROUTING / "overnight.py", *arguments)
    code = script.wait()
    assert "Traceback" not in script.text, script.text
    entries = solutions.practice.entries("weather")
    return code, solutions.practice.outcomes("model"), sorted(re.search(r"area=(..)", e["asked"])[1] for e in entries)


@pytest.mark.parametrize(
    ("arguments", "states"),
    [
        (("yes",), ["NY"]),
        (("no",), []),
        (("yes", "yes", "--question", TWO), ["NY", "TX"]),
        (("yes", "no", "--question", TWO), ["NY"]),
        (("no", "yes", "--question", TWO), ["TX"]),
    ],
)
def test_each_call_runs_only_after_its_own_yes(
    solutions: Solutions, arguments: tuple[str, ...], states: list[str]
) -> None:
    assert asked(solutions, *arguments) == (0, ["completed"] * 2, states)


@pytest.mark.parametrize("decision", ["maybe", "YES", ""])
def test_anything_but_yes_and_no_is_refused(solutions: Solutions, decision: str) -> None:
    assert asked(solutions, decision) == (1, ["completed"], [])


def test_a_run_that_fails_before_it_asks_is_told(solutions: Solutions) -> None:
    """A model that asks for a tool that was not offered ends the workflow, and nobody waits for its question."""
    solutions.practice.fault("model", "unknown-tool")
    assert asked(solutions, "yes") == (1, ["completed"], [])
