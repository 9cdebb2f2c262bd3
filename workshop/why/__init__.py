"""Why is this workflow not finished? What happened, why, and the one next step."""

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from typing import Any

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from workshop.approval import open_calls
from workshop.errors import WorkshopError
from workshop.exercises import EXERCISES
from workshop.history import ACTIVITIES, Run, read_history
from workshop.temporal import CLOCKS_DIFFER, POLLERS_TIMEOUT, Pollers, pollers
from workshop.text import Advice, span
from workshop.why import causes
from workshop.why.causes import Diagnosis
from workshop.why.remedies import REMEDIES, WORKER, Remedy, recognise

__all__ = ["REMEDIES", "Diagnosis", "Remedy", "recognise", "why"]

PATIENCE = 9.0  # seconds for the whole answer


async def why(
    client: Client,
    workflow_id: str,
    faults: Sequence[Mapping[str, Any]] = (),
    environ: Mapping[str, str] = os.environ,
) -> Diagnosis:
    """Says how a workflow ended, or why it has not.

    Args:
        client: any client; no plugin is needed.
        workflow_id: whose latest run is looked at.
        faults: that are set in the practice services now, where trouble is there on purpose.
        environ: whose keys are hidden in what is said.

    Raises:
        WorkshopError: there is no such workflow, or the server does not answer in time.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            run = await read_history(client, workflow_id, environ=environ)
            found = causes.ended(run) if run.closed else await _unfinished(client, run)
    except (TimeoutError, RPCError) as error:
        text = getattr(error, "message", "").rstrip(".") or f"no answer within {PATIENCE:.0f} s"
        raise WorkshopError(f"The Temporal server does not answer: {text}.", "workshop status") from None
    if set_here := [fault["kind"] for fault in faults if fault["target"] == found.service]:
        names = " and ".join(f"{found.service} {kind}" for kind in set_here)
        goes_on = "start again" if run.closed else "the run goes on by itself"
        ends = Advice("workshop fault clear", "ex.clear()") + f" ends the practice fault ({names}); then {goes_on}"
        found = replace(found, next_step=ends)
    return replace(found, notes=(*found.notes, *causes.besides(run), *run.notes))


async def _unfinished(client: Client, run: Run) -> Diagnosis:
    if run.status == "paused":
        step = f"temporal workflow unpause --workflow-id {run.workflow_id}"
        return Diagnosis("paused", f"{run.workflow_id} is paused.", "Somebody paused it.", step)
    workers = await pollers(client, run.task_queue)
    found = await _at(client, run, workers, max(datetime.now(UTC) - workers.ahead, run.latest))
    if abs(workers.ahead) < CLOCKS_DIFFER:
        return found
    which = f"{span(abs(workers.ahead).total_seconds())} {'ahead of' if workers.ahead > timedelta() else 'behind'}"
    return found.also(f"The clock of this machine is {which} the server's: set one of them right.")


async def _at(client: Client, run: Run, workers: Pollers, now: datetime) -> Diagnosis:
    """What an open run waits for, at a moment of the server's clock."""
    found = causes.failing_task(run, workers) or causes.stuck_task(run, workers, now)
    activities = [row for row in run.rows if row.open and row.kind in ACTIVITIES]
    # The worst first: what fails, then what is worked on, then what waits.
    for look in (causes.paused, causes.retrying, causes.running, causes.scheduled):
        found = found or next(filter(None, (look(row, run, workers, now) for row in activities)), None)
    found = found or await _waiting(client, run, workers, now)
    if found.kind == "no worker":
        # A worker of another exercise is a usual reason why nobody polls this one's task queue.
        others = sorted(set(EXERCISES.values()) - {run.task_queue})
        polled = await asyncio.gather(*(pollers(client, queue) for queue in others))
        elsewhere = [queue for queue, them in zip(others, polled, strict=True) if them.workflows or them.activities]
        if near := next((queue for queue in others if _alike(queue, run.task_queue)), None):
            names = f'It waits on the task queue "{run.task_queue}"; the exercise\'s is "{near}"'
            reason = f"{names}: {_difference(run.task_queue, near)}."
            step = "use TASK_QUEUE of workflows.py in worker.py and starter.py; then terminate this run and start again"
            return Diagnosis("other queue", found.what, reason, step)
        if elsewhere:
            return found.also(f"A worker polls {' and '.join(elsewhere)}: that is another exercise's.")
    return found


def _alike(queue: str, other: str) -> bool:
    one, two = (re.sub(r"[\W_]+", "-", name.lower()).strip("-") for name in (queue, other))
    return SequenceMatcher(None, one, two).ratio() > 0.85


def _difference(queue: str, other: str) -> str:
    """How two names differ that look alike."""
    if queue.strip().lower() == other:
        return "capitals count" if queue.strip() == queue else "there is one space too many"
    at = next((at for at, (one, two) in enumerate(zip(queue, other, strict=False)) if one != two), len(other))
    return f"character {at + 1} differs"


async def _waiting(client: Client, run: Run, workers: Pollers, now: datetime) -> Diagnosis:
    """A run that waits for something outside of its workers."""
    found = causes.waiting(run, now)
    if not workers.workflows:
        return found.also(f"No worker polls {run.task_queue}: it does not go on until one does (" + WORKER + ").")
    if found.kind in ("timer", "signal"):
        # Both at once: a worker that has just ended answers neither, and each may be asked twice before that is known.
        calls, taken = await asyncio.gather(_asked(client, run), _taken_by(client, run))
        if calls:
            return causes.approval(run, calls, found)
        if taken is None:
            return found.also("No worker answered when asked about it: is one running?")
        return found.also(f"It takes {taken}.") if taken else found
    return found


async def _asked(client: Client, run: Run) -> dict[str, str]:
    """The calls that wait for a decision, as `open_calls`; {} too where nobody is asked, or no worker answers."""
    with suppress(WorkshopError):
        return await open_calls(client, run.workflow_id)
    return {}


async def _taken_by(client: Client, run: Run) -> str | None:
    """The signals and updates that a workflow takes, in words, asked of its worker; None if none answers."""
    handle = client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
    try:
        answer = await handle.query(
            "__temporal_workflow_metadata", result_type=WorkflowMetadata, rpc_timeout=POLLERS_TIMEOUT
        )
    except (RPCError, WorkflowQueryFailedError, RuntimeError):
        return None
    told = answer.definition
    words = []
    for word, taken in (("signal", told.signal_definitions), ("update", told.update_definitions)):
        if names := [one.name for one in taken if one.name]:
            words.append(f"the {word}{'s' * (len(names) > 1)} {', '.join(names)}")
    return " and ".join(words)
