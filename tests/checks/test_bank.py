"""Every answer of the banks, looked at as a learner's."""

from pathlib import Path

import pytest

from tests.checks.bank import Answer, write
from tests.checks.right import RIGHT
from tests.checks.wrong import UNTOUCHED, WRONG
from workshop.checks import CHECKS
from workshop.checks.run import Checker

ANSWERS = (*WRONG, *UNTOUCHED, *RIGHT)


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_an_answer_gets_its_verdict(answer: Answer, checker: Checker, tmp_path: Path) -> None:
    verdict = checker.look(answer.about, write(answer, tmp_path / "exercise"))
    assert verdict.code == answer.code, verdict
    assert (verdict.outcome == "passed") == (answer.code == "passed")
    assert verdict.seen
    assert "Traceback" not in verdict.seen + verdict.slip
    assert answer.code == "passed" or verdict.outcome in ("incorrect", "raised")


def test_the_banks_are_large_enough() -> None:
    assert len({str(answer) for answer in ANSWERS}) == len(ANSWERS)
    assert len(WRONG) >= 60
    assert len(RIGHT) >= 20
    todos = {(number, check.name) for number, checks in CHECKS.items() for check in checks if check.todo and check.file}
    assert {(answer.number, answer.check) for answer in UNTOUCHED} == todos
