"""What durability costs: a worker's start, a run's overhead, many agents at once, growth of histories."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil  # type: ignore[import-untyped]
from agents.models.openai_provider import OpenAIProvider
from openai import AsyncOpenAI
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.openai_agents import ModelActivityParameters, OpenAIAgentsPlugin
from temporalio.worker import Worker

from bench.conversation import GrowingConversation
from bench.recovery import Lane, start
from tests.folders import CONVERSATION, HELLO_AGENT
from tests.harness import Solutions
from workshop.history import ACTIVITIES, Kind, read_history
from workshop.settings import ROOT

BARE = "import temporalio.openai_agents, temporalio.worker"
WAVE = 10  # workflows at a time, for the false timeouts
# Workflows that are being started at a time: 20 keep a busy server from recording a workflow task's end within 3 s.
DOORS = 4


def worker_starts(copies: Solutions, folder: Path, count: int) -> list[tuple[float, float]]:
    """Seconds of the bare import of a worker's packages, and of a worker from its start until it polls, in turn."""
    pairs = []
    for _ in range(count + 1):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", BARE], check=True, env=copies.env(), cwd=folder)
        bare = time.monotonic() - began
        began = time.monotonic()
        worker = copies.cold(folder / "worker.py").until_printed("polls the task queue")
        pairs.append((bare, time.monotonic() - began))
        worker.kill()
    return pairs[1:]  # the first one reads the disk


def plain_runs(copies: Solutions, count: int, latency: float) -> list[float]:
    """Seconds that each of `count` runs of 01's agent takes, one after the other in one process, after one more."""
    folder = copies.copy(HELLO_AGENT, "plain-runs", {})
    script = Path(shutil.copy(ROOT / "bench" / "plain_runs.py", folder))
    _latency(copies, latency)
    program = copies.run(script, str(count))
    assert program.wait(600) == 0, program.text
    return [float(seconds) for seconds in json.loads(program.text.splitlines()[-1])]


async def durable_runs(copies: Solutions, client: Client, lane: Lane, count: int, latency: float) -> list[float]:
    """The same of 03's agent and one worker, measured by the client that starts them."""
    copies.live_worker(lane.folder)
    _latency(copies, latency)
    took = []
    for _ in range(count + 1):
        began = time.monotonic()
        await (await start(client, lane)).result()
        took.append(time.monotonic() - began)
    return took[1:]


def _latency(copies: Solutions, seconds: float) -> None:
    copies.practice.begin()
    if seconds:
        copies.practice.fault("model", "slow", delay=seconds)


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keeps every core of the machine busy."""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


async def false_timeouts(copies: Solutions, client: Client, lane: Lane, workflows: int, latency: float) -> list[str]:
    """What timed out in so many workflows, `WAVE` at a time, of two model calls each: of these, and of workflow tasks.

    The worker is a new one, so that its slow first calls are among them, and every core is busy.
    """
    worker = copies.cold(lane.folder / "worker.py").until_printed("polls the task queue")
    _latency(copies, latency)
    errors = []
    with busy_cores():
        for first in range(0, workflows, WAVE):
            wave = [await start(client, lane) for _ in range(min(WAVE, workflows - first))]
            await asyncio.gather(*(handle.result() for handle in wave))
            for handle in wave:
                rows = (await read_history(client, handle.id)).rows
                errors += [row.last_error for row in rows if row.kind == Kind.MODEL for _ in range(row.attempts - 1)]
                errors += [row.kind for row in rows if row.kind == Kind.TASK_TIMEOUT]
    copies.practice.clear()
    worker.kill()
    return errors


@dataclass(frozen=True)
class Crowd:
    """Many agents at once on one worker, which nobody killed."""

    seconds: float  # until the last answer
    requests: int  # that the model received
    again: int  # of these, for calls that had been answered
    retried: int  # activities with more than one attempt
    task_timeouts: int
    worker: float  # MB
    server: float  # MB


async def crowd(copies: Solutions, client: Client, lane: Lane, agents: int, latency: float, busy: bool) -> Crowd:
    """Asks so many questions of a new worker, as fast as the server takes them from `DOORS` callers."""
    worker = copies.cold(lane.folder / "worker.py").until_printed("polls the task queue")
    _latency(copies, latency)
    with busy_cores() if busy else nullcontext():
        began = time.monotonic()
        questions = [f"Any alerts in California? ({number})" for number in range(agents)]
        doors = asyncio.Semaphore(DOORS)

        async def enter(question: str) -> WorkflowHandle[None, str]:
            async with doors:
                return await start(client, lane, question)

        handles = await asyncio.gather(*map(enter, questions))
        await asyncio.gather(*(handle.result() for handle in handles))
        took = time.monotonic() - began
    rows = [row for handle in handles for row in (await read_history(client, handle.id)).rows]
    entries = copies.practice.entries("model")
    found = Crowd(
        seconds=took,
        requests=len(entries),
        again=sum(entry["repeats"] is not None for entry in entries),
        retried=sum(row.attempts > 1 for row in rows if row.kind in ACTIVITIES),
        task_timeouts=sum(row.kind == Kind.TASK_TIMEOUT for row in rows),
        worker=psutil.Process(worker.pid).memory_info().rss / 2**20,
        server=copies.server().memory_info().rss / 2**20,
    )
    copies.practice.clear()
    worker.kill()
    return found


@dataclass(frozen=True)
class Growth:
    """A conversation's history after so many turns."""

    turns: int
    kib: float
    events: int
    seconds: float


async def growth(copies: Solutions, turns: int) -> Growth:
    """Asks one agent so many questions of 400 characters in one workflow, each with all that was said before."""
    copies.practice.begin()
    provider = OpenAIProvider(
        openai_client=AsyncOpenAI(base_url=f"{copies.practice.url}/v1", api_key="practice", max_retries=0)
    )
    plugin = OpenAIAgentsPlugin(
        model_provider=provider,
        model_params=ModelActivityParameters(start_to_close_timeout=timedelta(seconds=60)),
    )
    client = await Client.connect(copies.settings.temporal_address, plugins=[plugin])
    queue = f"conversation-{uuid4().hex[:8]}"
    async with Worker(client, task_queue=queue, workflows=[GrowingConversation], build_id="bench"):
        began = time.monotonic()
        handle = await client.start_workflow(GrowingConversation.run, turns, id=queue, task_queue=queue)
        await handle.result()
        took = time.monotonic() - began
    info = (await handle.describe()).raw_description.workflow_execution_info
    return Growth(turns, info.history_size_bytes / 1024, info.history_length, took)


async def endless(copies: Solutions, client: Client, turns: int, remembered: int) -> Growth:
    """Says as much to solution `conversation`, which continues as new after ten turns; the sums of all its runs."""
    copies.practice.begin()
    copies.live_worker(CONVERSATION)
    name = f"conversation-{uuid4().hex[:8]}"
    began = time.monotonic()
    for turn in range(turns):
        conversation = WithStartWorkflowOperation(
            "Conversation",
            args=[[], 10, remembered],
            id=name,
            task_queue="conversation",
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        message = f"Question {turn:04}: ".ljust(400, ".")
        await client.execute_update_with_start_workflow("say", message, start_workflow_operation=conversation)
    took = time.monotonic() - began
    run = await read_history(client, name)
    return Growth(turns, sum(run.sizes) / 1024, sum(run.events), took)
