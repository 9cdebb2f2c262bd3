"""Looks at the learner's worker.py and starter.py: runs them as processes and sees what Temporal sees of them."""

import signal
import time
from collections.abc import Sequence
from typing import Any

from temporalio.client import Client

from workshop.checks.learner import LOOK, raised_in_history, raised_in_run, shorten
from workshop.checks.script import CheckedScript, Ended
from workshop.checks.verdict import NotPassed, incorrect
from workshop.checks.work import WARM_UP, Work, asked_model, in_trouble, start
from workshop.diagnose.remedies import recognise_slip
from workshop.history import MODEL, Run, as_text, read_history
from workshop.proof import prove
from workshop.temporal import pollers

NO_PLUGIN = "OpenAIAgentsPlugin(...) belongs into connect(...), in worker.py and in starter.py."


async def worker(work: Work, args: Sequence[Any], agent: bool = True) -> str:
    """A worker that polls the task queue, and has what the workflow needs: itself, the activity, the plugin."""
    queue, workflow = work.task_queue(), work.workflow()
    client = await work.client(plugin=agent)
    program = work.script("worker.py")
    await _until_it_polls(work, client, program, queue)
    workflow_id = await start(client, workflow, queue, args)
    run = await work.follow(client, workflow_id, 3)
    if any(row.state == "scheduled" for row in run.rows) and not (await pollers(client, queue)).activities:
        seen = f"The worker polls {queue} for workflows, and for no activity."
        raise incorrect("activity-missing", seen, "Add the activity to activities=[...] of the Worker.")
    run = await work.follow(client, workflow_id)
    trouble = in_trouble(run)
    if run.status == "completed":
        call = next((row for row in run.rows if row.kind == MODEL), None)
        if call and call.heartbeat_timeout is None:
            seen = "The worker finished a workflow, but a kill in a model call would go unnoticed for long."
            raise incorrect(
                "no-heartbeat", seen, "Give the plugin model_params=MODEL_CALL, with its heartbeat_timeout."
            )
        return f"The worker polls {queue}, and finished a workflow."
    if trouble and agent and not asked_model(run) and "from inside a workflow" in trouble.last_error:
        seen = "The workflow could not ask the model: the worker's client has no plugin."
        raise incorrect("plugin-missing", seen, NO_PLUGIN)
    if trouble:
        found = raised_in_history(trouble, "The workflow, on your worker,", "workflow-fails")
        # That something is not registered is Temporal's way to say what the worker lacks.
        verdict = found.verdict
        if verdict.code in ("activity-missing", "workflow-missing"):
            raise incorrect(verdict.code, f"{shorten(trouble.last_error)}.", verdict.slip)
        raise found
    if run.status == "failed":
        raise raised_in_run(run)
    raise _not_over(run, program)


def _not_over(run: Run, program: CheckedScript) -> NotPassed:
    ended = program.poll()
    if ended:
        return _ended(ended, program, "worker.py")
    row = next((row for row in reversed(run.rows) if row.open), None)
    doing = f"{row.kind} {row.name} {row.state}" if row else "no step was taken"
    return incorrect("not-finished", f"The workflow did not finish on your worker: {doing}.", "Look at worker.py.")


async def _until_it_polls(work: Work, client: Client, program: CheckedScript, queue: str) -> None:
    """Returns when workflows of the queue are polled for.

    Raises:
        NotPassed: it ends, or never polls.
    """

    async def look() -> str:
        if program.poll():
            return "ended"
        found = await pollers(client, queue)
        if any(name.startswith(f"{program.pid}@") for name in found.workflows):
            return "polls"
        # A worker asks for both kinds of tasks at once, if it asks for both.
        if found.activities:
            half.append(time.monotonic())
        return "half" if half and time.monotonic() > half[0] + 1.5 else ""

    half: list[float] = []
    seen = await work.wait(look, 6)
    if seen == "polls":
        return
    if ended := program.poll():
        raise _ended(ended, program, "worker.py")
    if (await pollers(client, queue)).activities:
        text = f"The worker polls {queue} for activities, and for no workflow."
        raise incorrect("workflow-missing", text, "Add the workflow's class to workflows=[...] of the Worker.")
    text = f"worker.py runs, and does not poll the task queue {queue}."
    slip = "Is it Worker(..., task_queue=TASK_QUEUE, ...), and is it run, with `async with worker:`?"
    raise incorrect("not-polling", text, slip)


def _ended(ended: Ended, program: CheckedScript, script: str) -> NotPassed:
    """A script that ended before its time."""
    if ended.error:
        known = recognise_slip(ended.error)
        seen = f"{script} raised {ended.error}{f' ({ended.at})' if ended.at else ''}."
        return NotPassed("raised", known.code if known else "script-raised", seen, known.slip if known else LOOK)
    if ended.code:
        words = shorten(" ".join(program.text.strip().splitlines()[-2:]))
        return NotPassed("raised", "script-failed", f"{script} ended with exit code {ended.code}: {words}")
    if script == "starter.py":
        return incorrect("nothing-started", "starter.py came to its end, and no workflow was started.", "")
    seen = f"{script} came to its end at once, where it should go on until it is stopped."
    return incorrect("worker-ended", seen, "Is it run, with `async with worker:`, and waited in?")


async def recovery(work: Work, args: Sequence[Any]) -> str:
    """A worker that is killed in a model call, a second one that finishes: noticed by heartbeats."""
    queue, workflow = work.task_queue(), work.workflow()
    client = await work.client()
    first = work.script("worker.py")
    await _until_it_polls(work, client, first, queue)
    work.practice.fault("model", "slow", delay=60)
    workflow_id = await start(client, workflow, queue, args)

    async def in_flight() -> bool:
        return any(entry["outcome"] == "in flight" for entry in work.practice.entries("model"))

    run = await read_history(client, workflow_id)
    if not await work.wait(in_flight, 5):
        run = await read_history(client, workflow_id)
        trouble = in_trouble(run)
        if trouble:
            raise raised_in_history(trouble, "The workflow, on your worker,", "workflow-fails")
        raise incorrect("no-model-call", "The workflow never asked the model.", 'See ex.check("worker") first.')
    run = await read_history(client, workflow_id)
    call = next((row for row in run.rows if row.kind == MODEL), None)
    limits = [limit for limit in (call.heartbeat_timeout, call.start_to_close) if limit] if call else []
    if not limits or min(limits) > 10:
        longest = f"{min(limits):.0f} s" if limits else "ever"
        seen = f"A worker killed in a model call would be missed for {longest}."
        slip = "Give ModelActivityParameters a heartbeat_timeout of a few seconds."
        raise incorrect("no-heartbeat", seen, slip)
    killed = time.monotonic()
    first.signal(signal.SIGKILL)
    work.practice.clear()
    second = work.script("worker.py")
    run = await work.follow(client, workflow_id, 16)
    if run.status != "completed":
        raise _not_over(run, second)
    took = time.monotonic() - killed
    proof = prove(run, work.practice.entries("model"))
    if proof.made_again:
        raise incorrect("call-repeated", f"{proof.made_again} recorded model calls were made again.")
    return f"Killed in a model call, it was finished by a second worker {took:.1f} s later."


async def starter(work: Work, argument: str, extra: Sequence[str], args: Sequence[Any], agent: bool) -> str:
    """A starter that starts the workflow under an id of its own, hands the question on, prints the answer.

    Args:
        argument: the question, its only word on the command line but for the options `extra`.
        args: what the workflow has to be given.
        agent: whether it needs the plugin.
    """
    queue, workflow = work.task_queue(), work.workflow()
    client = await work.client(plugin=agent)
    # Both at once and before any worker: two that shared an id would collide for certain.
    programs = [work.script("starter.py", argument, *extra) for _ in range(2)]
    ids = await _started(work, client, programs)
    known = {run.workflow_id: run for run in [await read_history(client, workflow_id) for workflow_id in ids]}
    for run in known.values():
        if run.task_queue != queue:
            seen = f"It started a workflow on the task queue {run.task_queue}, where no worker of yours is."
            raise incorrect("other-queue", seen, "Use task_queue=TASK_QUEUE, from workflows.py.")
        given = run.input if isinstance(run.input, list) else [run.input]
        if given != list(args):
            seen = (
                f"The workflow was given {shorten(as_text(run.input), 120)}, not {shorten(as_text(list(args)), 120)}."
            )
            raise incorrect("other-input", seen, "Hand on what the starter was asked with.")
        if agent and not await _has_header(client, run.workflow_id):
            seen = "The starter's client has no plugin: traces of starter and workflow will not belong together."
            raise incorrect("plugin-missing", seen, NO_PLUGIN)
    for program in programs:
        ended = program.poll()
        if ended and (ended.error or ended.code):
            raise _ended(ended, program, "starter.py")
    if len(known) < 2:
        seen = f"Asked twice at once, it started one workflow only: {', '.join(known)}."
        raise incorrect("id-not-unique", seen, "Put something unique into the workflow's ID, such as uuid4().hex.")
    await work.serve(queue, [workflow], plugin=agent)
    runs = [await work.follow(client, workflow_id) for workflow_id in known]
    for run in runs:
        if run.status != "completed":
            trouble = in_trouble(run)
            if trouble:
                raise raised_in_history(trouble, "The workflow that it started", "workflow-fails")
            raise incorrect("run-failed", f"Its workflow is {run.status}. {shorten(run.failure)}", "See workflows.py.")

    async def all_over() -> bool:
        return all(program.poll() for program in programs)

    await work.wait(all_over, 3)
    answer = as_text(runs[0].result).strip()
    for program in programs:
        end = program.poll()
        if end and (end.error or end.code):
            raise _ended(end, program, "starter.py")
        if answer and answer.splitlines()[0] not in program.text:
            seen = f"The workflow has a result, and the starter does not print it: {shorten(program.text, 120)!r}."
            raise incorrect("answer-not-printed", seen, "Await the result, and print it.")
        if end is None:
            raise incorrect("starter-hangs", "It printed the answer, and does not end.", "What does it wait for?")
    return "Each question became a workflow of its own, and was answered."


async def _started(work: Work, client: Client, programs: Sequence[CheckedScript]) -> list[str]:
    """The ids of the workflows that the starters started.

    Raises:
        NotPassed: none was.
    """

    async def listed() -> list[str]:
        return [found.id async for found in client.list_workflows() if found.id != WARM_UP]

    async def settled() -> bool:
        over = [program.poll() for program in programs]
        ids = await listed()
        # A starter that ended has no more to start.
        return len(ids) == len(programs) or all(over) or (bool(ids) and any(over))

    await work.wait(settled, 5)
    ids = await work.wait(listed, 0.5)  # the list lags
    if ids:
        return ids
    for program in programs:
        if end := program.poll():
            raise _ended(end, program, "starter.py")
    seen = "starter.py runs, and starts no workflow."
    raise incorrect("nothing-started", seen, "Await client.start_workflow(...), with the workflow's run method.")


async def _has_header(client: Client, workflow_id: str) -> bool:
    """Whether whoever started a workflow had the plugin: it sends its trace along."""
    async for event in client.get_workflow_handle(workflow_id).fetch_history_events():
        return "__openai_span" in event.workflow_execution_started_event_attributes.header.fields
    return False
