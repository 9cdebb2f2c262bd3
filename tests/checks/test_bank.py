"""Every answer of the banks, looked at in processes as a learner's: as many at once as there are processors."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import pytest

from tests.checks.bank import Answer, write
from tests.checks.right import RIGHT
from tests.checks.wrong import UNTOUCHED, WRONG
from workshop.checks import CHECKS, Verdict
from workshop.checks.prober import Prober

ANSWERS = (*WRONG, *UNTOUCHED, *RIGHT)
AT_ONCE = 2


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Verdict]]:
    """The verdict on each answer that a test of this run asks for."""
    here = [item for item in request.session.items if item.path == request.path]
    wanted = [
        item.callspec.params["answer"]
        for item in here
        if hasattr(item, "callspec") and "answer" in item.callspec.params
    ]
    home = tmp_path_factory.mktemp("answers")
    probers = [Prober() for _ in range(AT_ONCE)]
    free: Queue[Prober] = Queue()
    for prober in probers:
        prober.warm_up()
        free.put(prober)
    number = iter(range(len(wanted)))
    lock = threading.Lock()

    def look(answer: Answer) -> tuple[str, Verdict]:
        with lock:
            folder = home / str(next(number))
        write(answer, folder)
        prober = free.get()
        try:
            return str(answer), prober.look(answer.number, answer.about, folder)
        finally:
            free.put(prober)

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield dict(pool.map(look, wanted))
    finally:
        for prober in probers:
            prober.close()


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_an_answer_gets_its_verdict(answer: Answer, verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts[str(answer)]
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
