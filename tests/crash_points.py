"""Kills a lesson's worker at every event of the lesson's history, with many workflows under way.

Each kill hits them all, and each at another event. At which ones, their histories say: they are read while the worker
stands still, just before the kill, and again after it.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from tests.harness import Solutions
from workshop.history import Run, read_history
from workshop.proof import prove

CROWD = 6  # workflows under way at a time
MOST = 120  # workflows in all
SECONDS = 240  # for all of it; like MOST a bound, not an expectation
# What is written later than the event before it; all up to the next one of these comes at once.
BEGINS = ("WORKFLOW_TASK_COMPLETED", "ACTIVITY_TASK_STARTED", "TIMER_FIRED")
_over: dict[str, list[HistoryEvent]] = {}  # by ID, the events of runs that are over: they are read once
Go = Callable[[Client, str, int], Awaitable[None]]  # given a workflow's ID and number


async def killed_at_every_event(
    solutions: Solutions, folder: Path, workflow: str, arguments: Callable[[int], list[Any]], go: Go, kinds: int = 1
) -> list[Run]:
    """Kills the worker of many workflows, until one was hit at each event. No recorded model call is made again.

    Args:
        arguments: of the workflow of this number.
        go: what is done with it; returns when it has come to its end.
        kinds: how many workflows, one after another, show all events.
    """
    worker = solutions.worker(folder)
    client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])
    tasks: dict[str, asyncio.Future[None]] = {}

    async def start() -> str:
        number = len(tasks)
        handle = await client.start_workflow(
            workflow, args=arguments(number), id=f"killed-{folder.name}-{number}", task_queue=folder.name
        )
        tasks[handle.id] = asyncio.ensure_future(go(client, handle.id, number))
        return handle.id

    async def under_way() -> set[str]:
        """Where those stand that are not over."""
        names = [name for name, task in tasks.items() if not task.done()]
        return {points(await events_of(client, name))[-1] for name in names}

    async with asyncio.timeout(SECONDS):
        missing: set[str] = set()
        for _ in range(kinds):
            name = await start()
            await tasks[name]
            missing |= stops(await events_of(client, name))
        assert len(missing) >= 8, missing
        while missing:
            looks, new = 0, set[str]()
            # A kill costs as much CPU as some looks: first it has to hit some new points, later one will do.
            while len(new) < min(len(missing), max(1, 3 - looks // 5)):
                worker.signal(signal.SIGCONT)
                if sum(not task.done() for task in tasks.values()) < CROWD:
                    assert len(tasks) < MOST, f"never seen: {missing}"
                    await start()  # one at each look, so that they are not all at the same event
                await asyncio.sleep(0.05)
                worker.signal(signal.SIGSTOP)
                looks, new = looks + 1, missing & await under_way()
            worker.kill()
            missing -= await under_way()
            worker = await asyncio.to_thread(solutions.worker, folder)
        await asyncio.gather(*tasks.values())
    runs = [await read_history(client, name) for name in tasks]
    entries = solutions.practice.entries("model")
    for run in runs:
        proof = prove(run, entries)
        assert (proof.made_again, proof.agree) == (0, True), proof.lines
    return runs


def points(events: Sequence[HistoryEvent]) -> list[str]:
    """For each event of a history, what is known with it: what happened last, and how far the workflow's task is.

    All rounds of a loop are one point, and so are all attempts of a task.
    """
    found: list[str] = []
    run = calls = 0
    named: dict[int, str] = {}  # event with which an activity was scheduled -> the activity
    last = ""
    for event in events:
        name = name_of(event)
        of = getattr(event, str(event.WhichOneof("attributes")))
        if name.startswith("WORKFLOW_TASK_"):
            found.append(f"{last}, {name.replace('TIMED_OUT', 'SCHEDULED')}")
            continue
        if name == "WORKFLOW_EXECUTION_STARTED":
            run, named = run + 1, {}
        if name == "ACTIVITY_TASK_SCHEDULED":
            calls += of.activity_type.name == "invoke_model_activity"
            named[event.event_id] = of.activity_type.name.replace("invoke_model_activity", f"model call {calls}")
        activity = named.get(getattr(of, "scheduled_event_id", event.event_id), "")
        last = f"run {run}, {name} {activity}".rstrip()
        found.append(last)
    return found


def stops(events: Sequence[HistoryEvent]) -> set[str]:
    """The points of a history at which a killed worker can leave it.

    A task that waits for a worker is none: nobody has it, so nobody can lose it, and one that was lost waits again.
    """
    names, found, of_update = [name_of(event) for event in events], set(), False
    for point, before, name in zip(points(events), names, names[1:], strict=False):
        if name == "WORKFLOW_TASK_SCHEDULED":
            # An update's task comes by itself, and is written when it is completed.
            begins = of_update = before in ("TIMER_STARTED", "WORKFLOW_TASK_COMPLETED")
        else:
            begins = name in BEGINS and not of_update
            of_update = of_update and name != "WORKFLOW_TASK_COMPLETED"
        if begins:
            found.add(point)
    return found


def name_of(event: HistoryEvent) -> str:
    return EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")


async def events_of(client: Client, workflow_id: str) -> list[HistoryEvent]:
    """The events of all runs of a workflow."""
    events = list((await client.get_workflow_handle(workflow_id).fetch_history()).events)
    while before := events[0].workflow_execution_started_event_attributes.continued_execution_run_id:
        if before not in _over:
            _over[before] = list((await client.get_workflow_handle(workflow_id, run_id=before).fetch_history()).events)
        events = [*_over[before], *events]
    return events
