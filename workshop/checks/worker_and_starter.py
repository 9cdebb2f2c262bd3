"""Looks at the learner's worker.py and starter.py: runs them as processes and sees what Temporal sees of them."""

import time
from collections.abc import Sequence
from typing import Any

from temporalio.client import Client

from workshop.checks import history
from workshop.checks.learner import raised_elsewhere, shorten
from workshop.checks.script import CheckedScript
from workshop.checks.verdict import NotPassed, incorrect
from workshop.checks.work import WARM_UP, Work
from workshop.diagnose.remedies import recognise_slip
from workshop.history import MODEL, Run, as_text, read_history
from workshop.history.agent import SANDBOX_MARK
from workshop.proof import prove
from workshop.temporal import Pollers, follow, pollers

NO_PLUGIN = "Put OpenAIAgentsPlugin(...) into connect(...), in worker.py and in starter.py."
NOTICED = 10.0  # seconds within which a killed worker has to be missed
ON_WORKER = "The workflow, on your worker,"


async def worker(work: Work, args: Sequence[Any], agent: bool = True) -> str:
    """A worker that polls the task queue, and has what the workflow needs: itself, the activity, the plugin.

    Args:
        args: what the workflow is given.
        agent: whether the plugin is needed.
    """
    queue, workflow = work.task_queue(), work.workflow()
    await work.connect(agent)
    script = work.script("worker.py")
    await _until_it_polls(work, script, queue)
    workflow_id = await work.start(workflow, queue, args)
    run = await work.follow(workflow_id, 3)
    if any(row.state == "scheduled" for row in run.rows) and not (await pollers(work.client, queue)).activities:
        seen = f"The worker polls {queue} for workflows but not for activities."
        raise incorrect("activity-missing", seen, "Add the activity to activities=[...] of the Worker.")
    run = await work.follow(workflow_id)
    _raise_if_not_completed(run, script, agent)
    call = history.first(run, MODEL)
    if call and call.heartbeat_timeout is None:
        seen = "The worker finished a workflow, but a kill in a model call would go unnoticed for too long."
        raise incorrect("no-heartbeat", seen, "Give the plugin model_params=MODEL_CALL, with its heartbeat_timeout.")
    return f"The worker polls {queue}, and finished a workflow."


async def recovery(work: Work, args: Sequence[Any]) -> str:
    """A worker that is killed in a model call, and a second one that finishes: noticed by heartbeats."""
    queue, workflow = work.task_queue(), work.workflow()
    await work.connect()
    first = work.script("worker.py")
    await _until_it_polls(work, first, queue)
    work.practice.fault("model", "slow", delay=60)
    workflow_id = await work.start(workflow, queue, args)

    async def in_flight() -> bool:
        return any(entry["outcome"] == "in flight" for entry in work.practice.entries("model"))

    asked = await follow(in_flight, bool, 5)
    run = await read_history(work.client, workflow_id)
    call = history.first(run, MODEL)
    if not asked or not call:
        history.raise_if_stuck(run, ON_WORKER)
        raise incorrect("no-model-call", "The workflow never asked the model.", 'See ex.check("worker") first.')
    limits = [limit for limit in (call.heartbeat_timeout, call.start_to_close) if limit]
    if not limits or min(limits) > NOTICED:
        long = f"for {min(limits):.0f} s" if limits else "forever"
        seen = f"A worker killed in a model call would go unnoticed {long}."
        slip = "Give ModelActivityParameters a heartbeat_timeout of a few seconds."
        raise incorrect("no-heartbeat", seen, slip)
    killed = time.monotonic()
    first.kill()
    work.practice.clear()
    second = work.script("worker.py")
    run = await work.follow(workflow_id, 16)
    _raise_if_not_completed(run, second)
    took = time.monotonic() - killed
    made_again = prove(run, work.practice.entries("model")).made_again
    if made_again:
        raise incorrect("call-repeated", f"Recorded model calls were made again: {made_again}.")
    return f"Killed in a model call, it was finished by a second worker {took:.1f} s later."


async def starter(work: Work, words: Sequence[str], args: Sequence[Any], agent: bool = True) -> str:
    """A starter that starts the workflow under an id of its own, passes the question on, and prints the answer.

    Args:
        words: its command line, the question first.
        args: what the workflow has to be given.
        agent: whether it needs the plugin.
    """
    queue, workflow = work.task_queue(), work.workflow()
    await work.connect(agent)
    # Both at once and before any worker: two that shared an id would collide for certain.
    scripts = [work.script("starter.py", *words) for _ in range(2)]
    ids = await _started(work.client, scripts)
    for workflow_id in ids:
        run = await read_history(work.client, workflow_id)
        if run.task_queue != queue:
            seen = f"It started a workflow on the task queue {run.task_queue}, where no worker of yours is."
            raise incorrect("other-queue", seen, "Use task_queue=TASK_QUEUE, from workflows.py.")
        given = run.input if isinstance(run.input, list) else [run.input]
        if given != list(args):
            had, wanted = (shorten(as_text(one), 120) for one in (run.input, list(args)))
            seen = f"The workflow was given {had}, not {wanted}."
            raise incorrect("other-input", seen, "Pass on what the starter was given.")
        if agent and not await _has_header(work.client, workflow_id):
            seen = "The starter's client has no plugin: traces of starter and workflow will not belong together."
            raise incorrect("plugin-missing", seen, NO_PLUGIN)
    for script in scripts:
        _raise_if_it_raised(script)
    if len(ids) < 2:
        seen = f"Run twice at once, it started only one workflow: {ids[0]}."
        raise incorrect("id-not-unique", seen, "Put something unique into the workflow's ID, such as uuid4().hex.")

    await work.serve(queue, [workflow])
    runs = [await work.follow(workflow_id) for workflow_id in ids]
    for run in runs:
        history.raise_if_stuck(run, "The workflow that it started")
        if run.status != "completed":
            seen = f"Its workflow did not complete ({run.status}). {shorten(run.failure)}"
            raise incorrect("run-failed", seen, "See workflows.py.")

    async def all_over() -> bool:
        return all(script.poll() for script in scripts)

    await follow(all_over, bool, 3)
    answer = as_text(runs[0].result).strip()
    for script in scripts:
        _raise_if_it_raised(script)
        if answer and answer.splitlines()[0] not in script.text:
            seen = f"The workflow has a result, and the starter does not print it: {shorten(script.text, 120)!r}."
            raise incorrect("answer-not-printed", seen, "Await the result, and print it.")
        if not script.poll():
            raise incorrect("starter-hangs", "It printed the answer, and does not end.", "What does it wait for?")
    return "Each question became a workflow of its own, and was answered."


async def _until_it_polls(work: Work, script: CheckedScript, queue: str) -> None:
    """Returns when workflows of the queue are polled for.

    Raises:
        NotPassed: it ends, or never polls.
    """
    half: list[float] = []  # when it was seen to poll for activities only

    def polls(found: Pollers) -> bool:
        return any(name.startswith(f"{script.pid}@") for name in found.workflows)

    def settled(found: Pollers) -> bool:
        # A worker asks for both kinds of tasks at once, if it asks for both.
        if found.activities:
            half.append(time.monotonic())
        return polls(found) or bool(script.poll()) or bool(half and time.monotonic() > half[0] + 1.5)

    found = await follow(lambda: pollers(work.client, queue), settled, 6)
    _raise_if_over(script)
    if polls(found):
        return
    if found.activities:
        seen = f"The worker polls {queue} for activities but not for workflows."
        raise incorrect("workflow-missing", seen, "Add the workflow's class to workflows=[...] of the Worker.")
    seen = f"worker.py runs, and does not poll the task queue {queue}."
    slip = "Is it Worker(..., task_queue=TASK_QUEUE, ...), and is it run, with `async with worker:`?"
    raise incorrect("not-polling", seen, slip)


async def _started(client: Client, scripts: Sequence[CheckedScript]) -> list[str]:
    """The ids of the workflows that the starters started.

    Raises:
        NotPassed: none was.
    """

    async def listed() -> list[str]:
        return [found.id async for found in client.list_workflows() if found.id != WARM_UP]

    async def settled() -> bool:
        over = [script.poll() for script in scripts]
        ids = await listed()
        # A starter that ended has no more to start.
        return len(ids) == len(scripts) or all(over) or (bool(ids) and any(over))

    await follow(settled, bool, 5)
    ids = await follow(listed, bool, 0.5)  # the list lags
    if ids:
        return ids
    for script in scripts:
        _raise_if_over(script)
    seen = "starter.py runs, and starts no workflow."
    raise incorrect("nothing-started", seen, "Await client.start_workflow(...), with the workflow's run method.")


async def _has_header(client: Client, workflow_id: str) -> bool:
    """Whether whoever started a workflow had the plugin: it sends its trace along."""
    async for event in client.get_workflow_handle(workflow_id).fetch_history_events():
        return "__openai_span" in event.workflow_execution_started_event_attributes.header.fields
    return False


def _raise_if_not_completed(run: Run, script: CheckedScript, agent: bool = True) -> None:
    """For a workflow that the learner's worker has not finished."""
    if run.status == "completed":
        return
    if stuck := history.stuck_at(run):
        if agent and not history.first(run, MODEL) and SANDBOX_MARK in stuck.last_error:
            seen = "The workflow could not ask the model: the worker's client has no plugin."
            raise incorrect("plugin-missing", seen, NO_PLUGIN)
        known = recognise_slip(shorten(stuck.last_error))
        if known and known.code in ("activity-missing", "workflow-missing"):
            # No exception of the learner's: it is how Temporal says what the worker lacks.
            raise incorrect(known.code, f"{shorten(stuck.last_error)}.", known.slip)
        history.raise_if_stuck(run, ON_WORKER)
    history.raise_if_failed(run)
    _raise_if_over(script)
    row = next((row for row in reversed(run.rows) if row.open), None)
    doing = f"{row.kind} {row.name} {row.state}" if row else "no step was taken"
    raise incorrect("not-finished", f"The workflow did not finish on your worker: {doing}.", "Look at worker.py.")


def _raise_if_over(script: CheckedScript) -> None:
    """For a script that has ended before its time."""
    _raise_if_it_raised(script)
    if not script.poll():
        return
    if script.name == "starter.py":
        raise incorrect("nothing-started", "starter.py ended without starting a workflow.")
    seen = "worker.py ended at once; it should run until it is stopped."
    raise incorrect("worker-ended", seen, "Is it run, with `async with worker:`, and does that block wait?")


def _raise_if_it_raised(script: CheckedScript) -> None:
    """For a script that has ended with an exception or an exit code."""
    ended = script.poll()
    if ended and ended.error:
        raise raised_elsewhere(ended.error, ended.at, script.name, "script-raised")
    if ended and ended.code:
        words = shorten(" ".join(script.text.strip().splitlines()[-2:]))
        raise NotPassed("raised", "script-failed", f"{script.name} ended with exit code {ended.code}: {words}")
