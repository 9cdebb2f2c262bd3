"""Workers and the server killed at every point; history and ledger prove what was, and was not, done again."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle

from tests.folders import DURABLE, ROUTING
from tests.harness import Solutions
from workshop.history import Kind, Run, read_history
from workshop.processes import wait_for
from workshop.proof import prove
from workshop.why import causes, why

QUESTIONS = {DURABLE: "Any weather alerts in California?", ROUTING: "Quelles alertes en Floride ?"}
CALLS = {DURABLE: 2, ROUTING: 3}  # model calls of a run that nothing disturbs


async def paid_again(solutions: Solutions, run: Run, unanswered: list[str]) -> None:
    """Proves from both witnesses that the killed call alone was made again."""
    ledger = solutions.practice.entries("model") + solutions.practice.entries("weather")
    completed = [entry for entry in ledger if entry["outcome"] == "completed"]
    assert Counter(e["service"] for e in ledger if e["outcome"] != "completed") == Counter(unanswered)
    assert max(Counter((e["service"], e["fingerprint"]) for e in completed).values()) == 1
    assert all(entry["repeats"] is None for entry in ledger)
    assert run.status == "completed"
    calls = [row for row in run.rows if row.kind in (Kind.MODEL, Kind.TOOL)]
    assert all(row.state == "completed" for row in calls)
    assert sum(row.attempts - 1 for row in calls) == len(unanswered)


@pytest.mark.parametrize("folder", [DURABLE, ROUTING], ids=lambda folder: folder.name)
@pytest.mark.parametrize("point", ["first model call", "tool", "last model call"])
async def test_a_killed_worker_costs_its_call_in_flight_only(solutions: Solutions, folder: Path, point: str) -> None:
    worker = solutions.worker(folder)
    if point == "first model call":
        solutions.practice.fault("model", "slow", delay=120)
    else:
        solutions.practice.fault("weather", "slow", delay=120)
    starter = solutions.starter(folder, QUESTIONS[folder])
    service = "weather" if point == "tool" else "model"
    if point == "first model call":
        solutions.practice.until_in_flight("model", 1)
    else:
        solutions.practice.until_in_flight("weather", 1)
        if point == "last model call":
            solutions.practice.fault("model", "slow", delay=120)
            solutions.practice.clear("weather")
            solutions.practice.until_in_flight("model", CALLS[folder])
    worker.kill()
    solutions.practice.clear()
    solutions.worker(folder)
    assert starter.wait() == 0
    await paid_again(solutions, await solutions.history(starter), [service])
    assert solutions.practice.outcomes("model").count("completed") == CALLS[folder]


async def test_a_worker_killed_in_the_durable_pause_repeats_nothing(
    solutions: Solutions, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = solutions.worker(ROUTING)
    starter = solutions.starter(ROUTING, QUESTIONS[ROUTING], "--pause", "6")
    wait_for("triage to be done", lambda: solutions.practice.outcomes("model") == ["completed"])
    workflow_id = solutions.workflow_id(starter)
    while not any(row.kind == Kind.TIMER for row in (await solutions.history(starter)).rows):
        assert workflow_id
    # Whoever asks meanwhile is told of the timer, and of no worker that should be started.
    monkeypatch.setattr(causes, "PICKUP", -1.0)
    client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])
    assert (await why(client, workflow_id)).kind == "timer"
    worker.kill()
    solutions.worker(ROUTING)
    assert starter.wait() == 0
    await paid_again(solutions, await solutions.history(starter), [])
    assert solutions.practice.outcomes("model") == ["completed"] * CALLS[ROUTING]


async def test_a_killed_server_loses_nothing(solutions: Solutions) -> None:
    solutions.worker(DURABLE)
    solutions.practice.fault("weather", "slow", delay=120)
    starter = solutions.starter(DURABLE, QUESTIONS[DURABLE])
    solutions.practice.until_in_flight("weather", 1)
    solutions.kill_server()
    solutions.practice.clear()
    solutions.start_server()
    assert await solutions.result(starter)
    run = await solutions.history(starter)
    assert run.status == "completed"
    assert solutions.practice.outcomes("model") == ["completed", "completed"]


async def test_a_kill_is_noticed_within_seconds_wherever_it_falls(solutions: Solutions) -> None:
    """What the server waits for before another worker gets the step; how long that is, `make bench` measures."""
    solutions.worker(DURABLE)
    starter = solutions.starter(DURABLE, QUESTIONS[DURABLE])
    assert starter.wait() == 0
    run = await solutions.history(starter)
    assert {row.heartbeat_timeout for row in run.rows if row.kind == Kind.MODEL} == {3.0}
    assert {row.start_to_close for row in run.rows if row.kind == Kind.TOOL} == {3.0}
    client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])
    events = (await client.get_workflow_handle(run.workflow_id).fetch_history()).events
    assert events[0].workflow_execution_started_event_attributes.workflow_task_timeout.seconds == 3
    queues = [event.workflow_task_scheduled_event_attributes.task_queue for event in events]
    # None was ever offered to one worker alone, which might be dead.
    assert {queue.name for queue in queues if queue.name} == {run.task_queue}


async def test_a_worker_takes_no_more_calls_than_it_can_send_heartbeats_for(solutions: Solutions) -> None:
    """The others wait in the task queue, where nothing times out."""
    solutions.worker(DURABLE)
    solutions.practice.fault("model", "slow", delay=120)
    client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])
    handles = [
        await client.start_workflow(
            "DurableAgent", f"Alerts in Texas? ({n})", id=f"crowd-{n}", task_queue="durable-agent"
        )
        for n in range(30)
    ]
    wait_for(
        "the worker to have all that it takes", lambda: solutions.practice.outcomes("model").count("in flight") == 20
    )
    in_flight = []
    while await started_workflows(client, handles) < len(handles):
        in_flight.append(solutions.practice.outcomes("model").count("in flight"))
    solutions.practice.clear()
    for handle in handles:
        await handle.result()
        proof = prove(await read_history(client, handle.id), solutions.practice.entries("model"))
        assert (proof.recorded, proof.made_again, proof.agree) == (2, 0, True)
    assert max(in_flight, default=20) <= 20


async def started_workflows(client: Client, handles: list[WorkflowHandle[Any, Any]]) -> int:
    """How many have asked for their first model call."""
    runs = [await read_history(client, handle.id) for handle in handles]
    return sum(any(row.kind == Kind.MODEL for row in run.rows) for run in runs)
