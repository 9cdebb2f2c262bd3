"""Looks at the learner's worker.py, of any exercise: runs it as a process and sees what Temporal sees of it."""

import re
import time
from collections.abc import Sequence
from typing import Any

from temporalio.api.enums.v1 import TaskQueueKind

from workshop.checks import history
from workshop.checks.learner import shorten, written
from workshop.checks.limits import raise_if_badly_limited
from workshop.checks.script import CheckedScript
from workshop.checks.submission import CONNECT, CONNECTS_ITSELF, Submission, no_plugin
from workshop.checks.verdict import incorrect
from workshop.history import ACTIVITIES, Kind, Run, read_history
from workshop.history.agent import SANDBOX_MARK
from workshop.proof import prove
from workshop.temporal import Pollers, follow, pollers
from workshop.text import count
from workshop.why.remedies import recognise_slip

BOTH = 1.5  # seconds within which a worker asks for both kinds of tasks, if it asks for both


async def check(submission: Submission, args: Sequence[Any], agent: bool = True) -> str:
    """A worker that polls the task queue, and has what the workflow needs: itself, the activity, the plugin.

    Args:
        args: what the workflow is given.
        agent: whether the plugin is needed.
    """
    queue, workflow = submission.task_queue(), submission.workflow()
    await submission.connect(agent)
    script = submission.script("worker.py")
    await _until_it_polls(submission, script, queue)
    workflow_id = await submission.start(workflow, queue, args)
    run = await submission.follow(workflow_id, 3, lambda run: any(row.kind in ACTIVITIES for row in run.rows))
    if any(row.state == "scheduled" for row in run.rows):
        polled = await follow(lambda: pollers(submission.client, queue), lambda found: found.activities, BOTH)
        if not polled.activities:
            seen = f"The worker polls {queue} for workflows but not for activities."
            raise incorrect("activity-missing", seen, "Add the activity to activities=[...] of the Worker.")
    if call := history.first(run, Kind.MODEL):
        raise_if_badly_limited(call)
    run = await submission.follow(workflow_id, until=_unreadable)
    _raise_if_not_completed(run, script, agent)
    _raise_if_over(script)
    if "Worker polls" in submission.text("worker.py") and "Worker polls" not in script.text:
        seen = "The worker polls, and worker.py never comes to the line that says so: it would not stop in good order."
        slip = "`async with worker:`, below the TODO, runs it. Make it, and nothing more: worker = Worker(...)."
        raise incorrect("worker-run-twice", seen, slip)
    events = (await submission.client.get_workflow_handle(workflow_id).fetch_history()).events
    queues = [event.workflow_task_scheduled_event_attributes.task_queue.kind for event in events]
    done = [
        count(len(history.of_kind(run, kind)), kind)
        for kind in (Kind.MODEL, Kind.TOOL, Kind.ACTIVITY)
        if history.first(run, kind)
    ]
    told = f"The worker polls {queue}, and finished a workflow: {' and '.join(done)}."
    if TaskQueueKind.TASK_QUEUE_KIND_STICKY in queues:
        told += " It keeps workflows in its cache: were it killed, the next worker would get them only after 10 s."
    return told


async def recovery(submission: Submission, args: Sequence[Any]) -> str:
    """A worker that is killed in a model call, and a second one that finishes: noticed by heartbeats."""
    queue, workflow = submission.task_queue(), submission.workflow()
    await submission.connect()
    first = submission.script("worker.py")
    await _until_it_polls(submission, first, queue)
    submission.practice.fault("model", "slow", delay=60)
    workflow_id = await submission.start(workflow, queue, args)

    async def look() -> tuple[bool, Run]:
        in_flight = any(entry["outcome"] == "in flight" for entry in submission.practice.entries("model"))
        return in_flight, await read_history(submission.client, workflow_id)

    asked, run = await follow(look, lambda seen: seen[0] or not seen[1].open or history.stuck_at(seen[1]), 5)
    if call := history.first(run, Kind.MODEL):
        raise_if_badly_limited(call)
    if asked and not call:
        seen = "The model was asked, and the history has no event of it: it would be lost with its worker."
        raise incorrect("local-activity", seen, "Leave use_local_activity=True out of ModelActivityParameters.")
    if not asked or not call:
        _raise_if_not_completed(run, first)
        raise incorrect("no-model-call", "The workflow never asked the model.", 'See ex.check("worker") first.')
    killed = time.monotonic()
    first.kill()
    submission.practice.clear()
    second = submission.script("worker.py")
    run = await submission.follow(workflow_id, 16)
    _raise_if_not_completed(run, second)
    took = time.monotonic() - killed
    made_again = prove(run, submission.practice.entries("model")).made_again
    if made_again:
        raise incorrect("call-repeated", f"Recorded model calls were made again: {made_again}.")
    return f"Killed in a model call, it was finished by a second worker {took:.1f} s later."


async def _until_it_polls(submission: Submission, script: CheckedScript, queue: str) -> None:
    """Returns when workflows of the queue are polled for. The namespace is the check's own: nobody else polls there.

    Raises:
        NotPassed: it ends, or never polls.
    """
    text = submission.text("worker.py")
    named = re.search(r"task_queue=(\"[^\"]*\"|'[^']*')", text)
    other = named[1][1:-1] if named else ""
    # Of a stranger name the server would not tell who polls it.
    queues = [queue, other] if re.fullmatch(r"[\w .-]{1,100}", other) else [queue]
    begun: list[float] = []  # when it was seen to poll for anything, if only for activities or elsewhere

    async def look() -> list[Pollers]:
        return [await pollers(submission.client, one) for one in queues]

    def settled(found: list[Pollers]) -> bool:
        if any(one.workflows or one.activities for one in found):
            begun.append(time.monotonic())
        return bool(found[0].workflows or script.poll() or (begun and time.monotonic() > begun[0] + BOTH))

    found = (await follow(look, settled, 6))[0]
    _raise_if_over(script)
    if found.workflows:
        return
    if found.activities:
        seen = f"The worker polls {queue} for activities but not for workflows."
        raise incorrect("workflow-missing", seen, "Add the workflow's class to workflows=[...] of the Worker.")
    seen = f"worker.py runs, and does not poll the task queue {queue!r}."
    if named:
        raise incorrect("not-polling", f"{seen} It has {named[0]}.", "Write task_queue=TASK_QUEUE, from workflows.py.")
    slip = "Is it Worker(..., task_queue=TASK_QUEUE, ...), and is it run, with `async with worker:`?"
    if CONNECTS_ITSELF in text:
        seen = f"worker.py runs, and does not poll {queue!r} where TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE lead."
        slip = CONNECT
    raise incorrect("not-polling", seen, slip)


def _raise_if_not_completed(run: Run, script: CheckedScript, agent: bool = True) -> None:
    """For a workflow that the learner's worker has not finished."""
    if run.status == "completed":
        return
    call = history.first(run, Kind.MODEL)
    if _unreadable(run):
        seen = "The worker could not read the model call: its client has no plugin. Worker(...) is too late for it."
        raise incorrect("plugin-missing", seen, no_plugin("worker.py"))
    if stuck := history.stuck_at(run):
        if agent and not call and SANDBOX_MARK in stuck.last_error:
            seen = "The workflow could not ask the model: the worker's client has no plugin."
            raise incorrect("plugin-missing", seen, no_plugin("worker.py"))
        known = recognise_slip(shorten(stuck.last_error))
        if known and known.code in ("activity-missing", "workflow-missing"):
            # No exception of the learner's: it is how Temporal says what the worker lacks.
            raise incorrect(known.code, f"{shorten(stuck.last_error)}.", known.slip)
        history.raise_if_stuck(run, "The workflow, on your worker,")
    history.raise_if_failed(run)
    _raise_if_over(script)
    error = next((row.last_error for row in reversed(run.rows) if row.open and row.errors), "")
    known = recognise_slip(shorten(error))
    code, slip = (known.code, known.slip) if known else ("not-finished", "")
    raise incorrect(code, f"The workflow did not finish on your worker. {history.doing(run)}".strip(), slip)


def _unreadable(run: Run) -> bool:
    """Whether a worker without the plugin's converter cannot read a model call; a first one that is a text it can."""
    return any(row.open and "Failed converting" in row.last_error for row in history.of_kind(run, Kind.MODEL))


def _raise_if_over(script: CheckedScript) -> None:
    """For a worker that has ended before its time."""
    script.raise_if_it_failed()
    if script.poll():
        seen = "worker.py ended at once; it should run until it is stopped."
        slip = "Is main() run, by asyncio.run(main()), and the worker, by `async with worker:` with a block that waits?"
        code = written("worker.py")
        if early := re.search(r"^ +return\b.*$", code, re.M):
            slip = f"`{early[0].strip()}` ends main(): what stands below it is never done."
        raise incorrect("worker-ended", seen, slip)
