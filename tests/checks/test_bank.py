"""Every answer of the banks, looked at as a learner's."""

from pathlib import Path

import pytest

from tests.checks.bank import Answer, write
from tests.checks.right import RIGHT
from tests.checks.wrong import SAYS, UNTOUCHED, WRONG
from workshop.checks import CHECKS
from workshop.checks.checker import Checker
from workshop.checks.starter import differ_by_one

ANSWERS = (*WRONG, *UNTOUCHED, *RIGHT)


# Three lanes, each with services of its own, of which each does about as much: xdist keeps together what has the same
# name up to its last "::".
LANES = {"01": "01 03", "02": "02", "03": "01 03"}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda one: f"{LANES.get(one.number, 'others')}::{one}")
def test_an_answer_gets_its_verdict(answer: Answer, checker: Checker, tmp_path: Path) -> None:
    verdict = checker.look(answer.about, write(answer, tmp_path / "exercise"))
    assert verdict.code == answer.code, verdict
    assert (verdict.outcome == "passed") == (answer.code == "passed")
    assert verdict.seen
    assert SAYS.get(str(answer), "").casefold() in f"{verdict.seen} {verdict.slip}".casefold()
    assert "Traceback" not in verdict.seen + verdict.slip
    assert answer.code == "passed" or verdict.outcome in ("incorrect", "raised")


@pytest.mark.parametrize(
    ("one", "other", "by_the_second"),
    [
        ("durable-agent-20261129-120000", "durable-agent-20261129-120001", True),
        ("q-1764417600", "q-1764417599", True),
        ("q-1764417600.104233", "q-1764417600.104871", False),
        ("durable-agent-20261129-120000-1f2e3d4c", "durable-agent-20261129-120001-90ab12cd", False),
    ],
)
def test_ids_that_differ_by_a_second_are_one_by_the_second(one: str, other: str, by_the_second: bool) -> None:
    """Two starters that are started at once are told apart by the clock, if it strikes between them."""
    assert differ_by_one(one, other) == by_the_second


def test_the_banks_are_large_enough() -> None:
    assert len({str(answer) for answer in ANSWERS}) == len(ANSWERS)
    assert SAYS.keys() <= {str(answer) for answer in WRONG}
    assert len(WRONG) >= 60
    assert len(RIGHT) >= 20
    todos = {(number, check.name) for number, checks in CHECKS.items() for check in checks if check.todo and check.file}
    assert {(answer.number, answer.check) for answer in UNTOUCHED} == todos
