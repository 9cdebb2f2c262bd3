"""From a kill to the finished answer, with real workers, and with the solution's settings or with the usual ones.

The model answers within milliseconds from the kill on, so that what is measured is the recovery alone.
"""

import asyncio
import random
import re
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle

from tests.harness import Solutions
from workshop.demo import QUESTION
from workshop.history import Kind, Row, Run, read_history
from workshop.processes import Program, wait_for
from workshop.temporal import pid_of

FIRST, SECOND, PAUSE = "the first model call", "the second model call", "the durable pause (04)"
IN_TOOL, IN_TASK = "the tool", "a workflow task"
POINTS = (FIRST, SECOND, PAUSE, IN_TOOL, IN_TASK)
HOLD = 300.0  # seconds for which a call is held; always released long before
PAUSE_SECONDS = 3.0
PATIENCE = 120.0  # seconds; a bound against hanging


@dataclass(frozen=True)
class Lane:
    """One workflow at a time and the two workers that poll for it: one to kill, one to go on."""

    folder: Path
    workers: list[Program]

    @property
    def queue(self) -> str:
        found = re.search(r'^TASK_QUEUE = "(.+)"', (self.folder / "workflows.py").read_text(encoding="utf-8"), re.M)
        assert found
        return found[1]


def lanes(copies: Solutions, folder: Path, name: str, count: int = 1, usual: bool = False) -> list[Lane]:
    """Lanes with a copy of the folder each, so with a task queue each. `usual`: without the solution's settings."""
    folders = [copies.copy(folder, f"{name}{number}", {}) for number in range(count)]
    if usual:
        for copy in folders:
            with_usual_settings(copy)
    return [Lane(copy, []) for copy in folders]


def dismiss(crew: Sequence[Lane]) -> None:
    for worker in (worker for lane in crew for worker in lane.workers):
        worker.kill()


def with_usual_settings(folder: Path) -> None:
    """Leaves `start_to_close_timeout=30s` alone: of the model call, and of the tool."""
    worker, workflows = folder / "worker.py", folder / "workflows.py"
    usual = "ModelActivityParameters(start_to_close_timeout=timedelta(seconds=30))"
    text, calls = re.subn(
        r"ModelActivityParameters\(\n.*?^\)", usual, worker.read_text(encoding="utf-8"), count=1, flags=re.M | re.S
    )
    text, options = re.subn(r"^ +max_(heartbeat_throttle|cached|concurrent)\w+=.*\n", "", text, flags=re.M)
    worker.write_text(text, encoding="utf-8")
    text, tools = re.subn(
        r"(start_to_close_timeout=timedelta\(seconds)=\d+\),\n(?: +#.*\n)* +schedule_to_close.*\n +retry_policy.*\n",
        r"\1=30),\n",
        workflows.read_text(encoding="utf-8"),
    )
    workflows.write_text(text, encoding="utf-8")
    if (calls, options, tools) != (1, 4, 1):
        raise LookupError(f"{folder.name}: {calls} model settings, {options} worker options, {tools} tools found")


def staff(copies: Solutions, lane: Lane) -> None:
    """Two workers that poll, started as a person would."""
    lane.workers[:] = [worker for worker in lane.workers if worker.running]
    new = [copies.cold(lane.folder / "worker.py") for _ in range(2 - len(lane.workers))]
    lane.workers.extend(worker.until_printed("polls the task queue") for worker in new)


@dataclass(frozen=True)
class Recovered:
    """Seconds from the kill to the answer. `clean`: the killed call was tried again, and no other call was."""

    seconds: float
    clean: bool


async def recovery(copies: Solutions, client: Client, crew: Sequence[Lane], point: str) -> list[Recovered]:
    """Kills, in every lane at once, the worker that is at `point`."""
    for lane in crew:
        staff(copies, lane)
    copies.practice.begin()
    if point == IN_TASK:
        pairs = [await _caught_in_task(client, lane) for lane in crew]
    else:
        pairs = await _caught(copies, client, crew, point)
    killed = {}
    for handle, worker in pairs:
        killed[handle.id] = time.time()
        worker.kill()
    for lane in crew:
        for worker in lane.workers:
            if worker.running:
                worker.signal(signal.SIGCONT)
    copies.practice.clear()
    return [await _recovered(client, handle, killed[handle.id], point) for handle, _ in pairs]


async def start(client: Client, lane: Lane, question: str = QUESTION) -> WorkflowHandle[None, str]:
    """Starts the lane's workflow: 04's, if it has a pause, or else 03's with the question."""
    routing = "AgentRouting" in (lane.folder / "workflows.py").read_text(encoding="utf-8")
    arguments = ["Quelles alertes en Floride ?", PAUSE_SECONDS] if routing else [question]
    workflow_type = "AgentRouting" if routing else "DurableAgent"
    queue = lane.queue
    return await client.start_workflow(
        workflow_type, args=arguments, id=f"{queue}-{uuid4().hex[:8]}", task_queue=queue, result_type=str
    )


async def _caught(
    copies: Solutions, client: Client, crew: Sequence[Lane], point: str
) -> list[tuple[WorkflowHandle[None, str], Program]]:
    """Runs that are at `point`, each with the worker that has it."""
    practice = copies.practice
    if point == FIRST:
        practice.fault("model", "slow", delay=HOLD)
    elif point in (SECOND, IN_TOOL):
        practice.fault("weather", "slow", delay=HOLD)
    handles = [await start(client, lane) for lane in crew]
    if point in (SECOND, IN_TOOL):
        _in_flight(copies, "weather", len(crew))
    if point == SECOND:
        practice.fault("model", "slow", delay=HOLD)
        practice.clear("weather")
    if point in (FIRST, SECOND):
        _in_flight(copies, "model", len(crew))
        # Somewhere between two heartbeats, as chance has it.
        await asyncio.sleep(random.uniform(1, 2.5))
    pairs = []
    for handle, lane in zip(handles, crew, strict=True):
        if point == PAUSE:
            worker = (await _paused(client, handle)).worker
        else:
            pending = (await handle.describe()).raw_description.pending_activities
            worker = pending[0].last_worker_identity
        pairs.append((handle, _by_identity(lane, worker)))
    return pairs


async def _caught_in_task(client: Client, lane: Lane) -> tuple[WorkflowHandle[None, str], Program]:
    """A run whose first workflow task is in the hands of a worker: both are stopped, one of them is given it."""
    for worker in lane.workers:
        worker.signal(signal.SIGSTOP)
    handle = await start(client, lane)
    while True:
        async for event in handle.fetch_history_events():
            if event.HasField("workflow_task_started_event_attributes"):
                return handle, _by_identity(lane, event.workflow_task_started_event_attributes.identity)


async def _paused(client: Client, handle: WorkflowHandle[None, str]) -> Run:
    async with asyncio.timeout(PATIENCE):
        while True:
            run = await read_history(client, handle.id)
            if any(row.kind == Kind.TIMER for row in run.rows):
                return run


def _in_flight(copies: Solutions, service: str, count: int) -> None:
    wait_for(f"{count} {service} calls", lambda: copies.practice.outcomes(service).count("in flight") >= count)


def _by_identity(lane: Lane, identity: str) -> Program:
    """The worker that calls itself `pid@host`."""
    return next(worker for worker in lane.workers if str(worker.pid) == pid_of(identity))


async def _recovered(client: Client, handle: WorkflowHandle[None, str], killed: float, point: str) -> Recovered:
    async with asyncio.timeout(PATIENCE):
        await handle.result()
    run = await read_history(client, handle.id)
    assert run.closed
    since = killed
    if point == PAUSE:  # less the pause that was left
        timer = next(row for row in run.rows if row.kind == Kind.TIMER)
        assert timer.closed
        since = max(killed, timer.closed.timestamp())
    again: list[Row] = [row for row in run.rows if row.kind in (Kind.MODEL, Kind.TOOL) and row.attempts > 1]
    expected = {FIRST: [Kind.MODEL], SECOND: [Kind.MODEL], IN_TOOL: [Kind.TOOL]}.get(point, [])
    return Recovered(run.closed.timestamp() - since, [row.kind for row in again] == expected)


async def polite_stop(copies: Solutions, client: Client, lane: Lane) -> tuple[float, int]:
    """SIGTERM in a model call, a new worker started at the same moment.

    Returns:
        seconds to the answer beyond the new worker's start, and how many calls were made again.
    """
    worker, *others = [one for one in lane.workers if one.running] or [copies.cold(lane.folder / "worker.py")]
    for other in others:
        other.kill()
    worker.until_printed("polls the task queue")
    copies.practice.begin()
    copies.practice.fault("model", "slow", delay=HOLD)
    handle = await start(client, lane)
    _in_flight(copies, "model", 1)
    worker.signal(signal.SIGTERM)
    successor = copies.cold(lane.folder / "worker.py")
    lane.workers[:] = [successor]
    worker.until_printed("Stopping")
    copies.practice.clear()
    successor.until_printed("polls the task queue")
    started = time.time()
    async with asyncio.timeout(PATIENCE):
        await handle.result()
    run = await read_history(client, handle.id)
    assert run.closed
    again = sum(row.attempts - 1 for row in run.rows if row.kind in (Kind.MODEL, Kind.TOOL))
    repeats = sum(entry["repeats"] is not None for entry in copies.practice.entries("model"))
    return max(run.closed.timestamp() - started, 0.0), again + repeats
