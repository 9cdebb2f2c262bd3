"""Going further, polling: an agent that is told when warnings are over, in three ways, and asks no model meanwhile."""

from functools import partial
from typing import Any

from temporalio.client import Client

from tests.crash_points import killed_at_every_event
from tests.folders import POLLING
from tests.harness import Solutions
from workshop.history import Kind
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
        assert [row.asked for row in run.rows if row.kind == Kind.TIMER] == ["0.3 s"] * timers
        events[way] = run.events
    assert events["retry"] == events["heartbeat"] < events["timer"]


def started(solutions: Solutions, bound: str) -> dict[str, Program]:
    """A workflow that waits in each of the ways: its starter."""
    options = ("--every", "0.3", "--bound", bound)
    return {way: solutions.starter(POLLING, QUESTION, "--way", way, *options) for way in FOUR}


async def test_why_says_what_a_poll_waits_for(solutions: Solutions) -> None:
    worker = solutions.worker(POLLING)
    waiting = {way: solutions.workflow_id(starter) for way, starter in started(solutions, bound="600").items()}
    client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])

    async def told(way: str) -> str:
        return str(await why(client, waiting[way]))

    for way, says in (
        # Between two looks.
        ("retry", "It gives up 10 min 0 s after it began.\nNext: wait, if it polls, and this error says that it is"),
        ("heartbeat", "watch_while_active, attempt 1, has been running for"),
        ("timer", "waits for a timer of 0.3 s"),
    ):
        assert says in await follow(partial(told, way), lambda text, says=says: says in text, 20)
    worker.kill()
    for way, name in (("retry", "fail_while_active"), ("heartbeat", "watch_while_active")):
        assert name in await told(way)


async def test_a_poll_that_never_ends_is_told(solutions: Solutions) -> None:
    bound = "        schedule_to_close_timeout=bound,\n        retry_policy=same_pause"
    edits = {"ways.py": (bound, "        retry_policy=same_pause")}
    solutions.worker(solutions.copy(POLLING, "endless", edits, own_queue=False))
    starter = solutions.starter(POLLING, QUESTION, "--every", "0.3", "--bound", "0.3")
    client, name = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"]), solutions.workflow_id(starter)

    async def told() -> str:
        return str(await why(client, name))

    never = "It never gives up: nobody would hear that it is not over."
    assert never in await follow(told, lambda text: never in text, 20)


async def test_killed_at_every_event_it_asks_no_model_twice(solutions: Solutions) -> None:
    ways = list(FOUR)

    def arguments(number: int) -> list[Any]:
        solutions.practice.fault("weather", "over", after=3, delay=0.2)
        return [f"{QUESTION} ({number})", ways[number % len(ways)], 0.6, 600.0]

    async def go(client: Client, name: str, number: int) -> None:
        assert "The warnings are over." in await client.get_workflow_handle(name).result()

    solutions.practice.fault("model", "slow", delay=0.2)  # so that a kill often falls into a call
    runs = await killed_at_every_event(solutions, POLLING, "PatientAgent", arguments, go, kinds=len(ways))
    for run in runs:
        assert [row.state for row in run.rows if row.kind == Kind.MODEL] == ["completed"] * 2


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
