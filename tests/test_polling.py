"""Going further, polling: an agent that is told when warnings are over, in three ways, and asks no model meanwhile."""

from temporalio.client import Client

from tests.folders import POLLING
from tests.harness import Solutions
from workshop.history import MODEL, TIMER, read_history
from workshop.processes import Program
from workshop.temporal import follow
from workshop.why import why

QUESTION = "Tell me when the warnings for California are over."
# Attempts of each activity, and timers, for four looks.
FOUR = {"retry": ([4], 0), "heartbeat": ([1], 0), "timer": ([1, 1, 1, 1], 3)}


LOOKS = ("fail_while_active", "watch_while_active", "look_once")


def looks(solutions: Solutions) -> int:
    return len(solutions.practice.entries("weather"))


async def test_requests_are_the_same_and_events_are_not(solutions: Solutions) -> None:
    solutions.worker(POLLING)
    events = {}
    for way, (attempts, timers) in FOUR.items():
        before, paid = looks(solutions), len(solutions.practice.outcomes("model"))
        solutions.practice.fault("weather", "over", after=3)
        starter = solutions.starter(POLLING, QUESTION, "--way", way, "--every", "0.3", "--bound", "30")
        assert starter.wait() == 0
        assert "The warnings are over." in starter.text
        assert (looks(solutions) - before, len(solutions.practice.outcomes("model")) - paid) == (4, 2)
        run = await solutions.history(starter)
        assert [row.attempts for row in run.rows if row.name in LOOKS and row.attempts] == attempts
        assert [row.asked for row in run.rows if row.kind == TIMER] == ["0.3 s"] * timers
        events[way] = run.events
    assert events["retry"] == events["heartbeat"] < events["timer"]


def started(solutions: Solutions, bound: str) -> dict[str, Program]:
    """A workflow that waits in each of the ways: its starter."""
    options = ("--every", "0.3", "--bound", bound)
    return {way: solutions.starter(POLLING, QUESTION, "--way", way, *options) for way in FOUR}


async def test_the_worker_may_be_killed_while_they_wait(solutions: Solutions) -> None:
    worker = solutions.worker(POLLING)
    starters = started(solutions, bound="600")
    waiting = {way: solutions.workflow_id(starter) for way, starter in starters.items()}
    client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])

    async def at_it() -> set[str]:
        runs = [await read_history(client, name) for name in waiting.values()]
        looking = [any(row.name in LOOKS and row.attempts for row in run.rows) for run in runs]
        return {way for way, seen in zip(FOUR, looking, strict=True) if seen}

    assert await follow(at_it, lambda seen: len(seen) == len(FOUR), 20) == set(FOUR)

    async def told() -> str:
        return str(await why(client, waiting["retry"]))

    # Between two looks: during one it is at work.
    assert "wait, if it polls" in await follow(told, lambda text: "wait, if it polls" in text, 20)
    worker.kill()
    solutions.practice.fault("weather", "over")
    for way, name in (("retry", "fail_while_active"), ("heartbeat", "watch_while_active")):
        assert name in str(await why(client, waiting[way]))
    solutions.worker(POLLING)
    for way, starter in starters.items():
        assert starter.wait() == 0
        assert "The warnings are over." in starter.text
        run = await solutions.history(starter)
        assert [row.attempts for row in run.rows if row.kind == MODEL] == [1, 1], way
    assert solutions.practice.outcomes("model") == ["completed"] * 6


async def test_a_bound_that_runs_out_is_told(solutions: Solutions) -> None:
    solutions.worker(POLLING)
    for starter in started(solutions, bound="1.5").values():
        assert starter.wait() == 0
        assert "After 0:00:01.500000 of looking, the warnings were not over." in starter.text
    assert solutions.practice.outcomes("model") == ["completed"] * 6
    looked = looks(solutions)
    assert 9 <= looked <= 24
    # Nobody looks any more.
    solutions.practice.fault("weather", "over")
    starter = solutions.starter(POLLING, QUESTION)
    assert (starter.wait(), looks(solutions)) == (0, looked + 1)
    # Nor is a mistake taken for a warning that goes on.
    solutions.practice.fault("weather", "not-found")
    starter = solutions.starter(POLLING, QUESTION, "--every", "0.3", "--bound", "30")
    assert starter.wait() == 1
    assert "Weather service said 404" in starter.text
