"""Looks at the learner's worker.py and starter.py: runs them as processes and sees what Temporal sees of them."""

import asyncio
import re
import time
from collections.abc import Sequence
from typing import Any

from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.client import Client

from workshop.checks import history
from workshop.checks.learner import raised_elsewhere, shorten
from workshop.checks.script import CheckedScript
from workshop.checks.verdict import NotPassed, incorrect
from workshop.checks.work import WARM_UP, Work
from workshop.diagnose.remedies import recognise_slip
from workshop.history import ACTIVITY, MODEL, TOOL, Row, Run, as_text, read_history
from workshop.history.agent import SANDBOX_MARK
from workshop.proof import prove
from workshop.temporal import Pollers, follow, pollers
from workshop.text import count, span

NO_PLUGIN = "Put OpenAIAgentsPlugin(...) into connect(...), in worker.py and in starter.py."
NOTICED = 10.0  # seconds within which a killed worker has to be missed
OUTAGE_ATTEMPTS = 5  # that a model call takes in the lesson with the longest outage
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
    _raise_if_badly_limited(history.first(run, MODEL))
    run = await work.follow(workflow_id)
    _raise_if_not_completed(run, script, agent)
    _raise_if_over(script)
    done = [
        count(len(history.of_kind(run, kind)), kind) for kind in (MODEL, TOOL, ACTIVITY) if history.first(run, kind)
    ]
    return f"The worker polls {queue}, and finished a workflow: {' and '.join(done)}."


async def recovery(work: Work, args: Sequence[Any]) -> str:
    """A worker that is killed in a model call, and a second one that finishes: noticed by heartbeats."""
    queue, workflow = work.task_queue(), work.workflow()
    await work.connect()
    first = work.script("worker.py")
    await _until_it_polls(work, first, queue)
    work.practice.fault("model", "slow", delay=60)
    workflow_id = await work.start(workflow, queue, args)

    async def look() -> tuple[bool, Run]:
        in_flight = any(entry["outcome"] == "in flight" for entry in work.practice.entries("model"))
        return in_flight, await read_history(work.client, workflow_id)

    asked, run = await follow(look, lambda seen: seen[0] or not seen[1].open or history.stuck_at(seen[1]), 5)
    call = history.first(run, MODEL)
    _raise_if_badly_limited(call)
    if asked and not call:
        seen = "The model was asked, and the history has no event of it: it would be lost with its worker."
        raise incorrect("local-activity", seen, "Leave use_local_activity=True out of ModelActivityParameters.")
    if not asked or not call:
        _raise_if_not_completed(run, first)
        raise incorrect("no-model-call", "The workflow never asked the model.", 'See ex.check("worker") first.')
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
    # Both at once, before any worker, and as a second begins: two ids made of the same time collide.
    await asyncio.sleep(1 - time.time() % 1)
    scripts = [work.script("starter.py", *words) for _ in range(2)]
    ids = await _started(work.client, scripts)
    for workflow_id in ids:
        run, event = await read_history(work.client, workflow_id), await _start_of(work.client, workflow_id)
        if run.task_queue != queue:
            seen = (
                f"It started a workflow on the task queue {run.task_queue!r}, where no worker of yours is: {queue!r}."
            )
            raise incorrect("other-queue", seen, "Use task_queue=TASK_QUEUE, from workflows.py.")
        if run.type != vars(workflow)["__temporal_workflow_definition"].name:
            seen = f"It started a workflow named {run.type!r}, and yours is {workflow.__name__}."
            raise incorrect("other-workflow", seen, f"Pass its method, without quotes or (): {workflow.__name__}.run.")
        given = [run.input] if len(event.input.payloads) == 1 else run.input or []
        if given != list(args):
            raise _other_input(given, list(args))
        if agent and "__openai_span" not in event.header.fields:
            seen = "The starter's client has no plugin: traces of starter and workflow will not belong together."
            raise incorrect("plugin-missing", seen, NO_PLUGIN)
    for script in scripts:
        _raise_if_it_raised(script)
    slip = "Put something unique into the workflow's ID, such as uuid4().hex."
    if len(ids) < 2:
        raise incorrect("id-not-unique", f"Run twice at once, it started only one workflow: {ids[0]}.", slip)
    if differ_by_one(*ids[:2]):
        seen = f"Its workflow IDs differ by the second only: {' and '.join(sorted(ids))}."
        raise incorrect("id-not-unique", seen, f"Two questions in one second would share an ID. {slip}")

    await work.serve(queue, [workflow])
    runs = [await work.follow(workflow_id) for workflow_id in ids]
    for run in runs:
        history.raise_if_stuck(run, "The workflow that it started")
        if run.status != "completed":
            seen = f"Its workflow did not complete ({run.status}). {history.doing(run)}"
            raise incorrect("run-failed", seen.strip(), "See workflows.py.")

    if len(ids := await _ids(work.client)) > 2:
        seen = f"Run twice, it started {len(ids)} workflows: one question, one workflow."
        raise incorrect("started-twice", seen, "Is start_workflow or execute_workflow called once more?")

    async def all_over() -> bool:
        return all(script.poll() for script in scripts)

    await follow(all_over, bool, 5)
    answer = " ".join(as_text(runs[0].result).split())
    for script in scripts:
        _raise_if_it_raised(script)
        if answer[:60] not in " ".join(script.text.split()):
            seen = f"The workflow has a result, and the starter does not print it: {shorten(script.text, 120)!r}."
            raise incorrect("answer-not-printed", seen, "Await the result, and print it.")
        if not script.poll():
            raise incorrect("starter-hangs", "It printed the answer, and does not end.", "What does it wait for?")
    return "Run twice, it started two workflows, each with the question that it was given, and printed the answers."


def _other_input(given: Sequence[Any], wanted: list[Any]) -> NotPassed:
    """The verdict on a workflow that was started with other arguments."""
    had, right = (shorten(as_text(one), 120) for one in (given, wanted))
    seen = f"The workflow was given {had}, not {right}."
    if given == [wanted]:
        return incorrect("several-arguments", seen, "A list in the second place is one argument: write args=[...].")
    if given == list(str(wanted[0])):
        return incorrect("several-arguments", seen, "args= takes a list, and a text is one of its letters: args=[...].")
    if len(given) == len(wanted) > 1 and set(map(str, given)) == set(map(str, wanted)):
        return incorrect("other-input", seen, "The values are right; are their order and types those of run(...)?")
    if any(isinstance(one, str) and one.isidentifier() and one not in wanted for one in given):
        return incorrect("other-input", seen, "Without quotes, a name is the variable: its value is passed on.")
    return incorrect("other-input", seen, "Pass on what the starter was given, all of it.")


async def _until_it_polls(work: Work, script: CheckedScript, queue: str) -> None:
    """Returns when workflows of the queue are polled for. The namespace is the check's own: nobody else polls there.

    Raises:
        NotPassed: it ends, or never polls.
    """
    half: list[float] = []  # when it was seen to poll for activities only

    def settled(found: Pollers) -> bool:
        # A worker asks for both kinds of tasks at once, if it asks for both.
        if found.activities:
            half.append(time.monotonic())
        return bool(found.workflows or script.poll() or (half and time.monotonic() > half[0] + 1.5))

    found = await follow(lambda: pollers(work.client, queue), settled, 6)
    _raise_if_over(script)
    if found.workflows:
        return
    if found.activities:
        seen = f"The worker polls {queue} for activities but not for workflows."
        raise incorrect("workflow-missing", seen, "Add the workflow's class to workflows=[...] of the Worker.")
    seen = f"worker.py runs, and does not poll the task queue {queue!r}."
    named = re.search(r"task_queue=(\"[^\"]*\"|'[^']*')", (work.folder / "worker.py").read_text(encoding="utf-8"))
    if named:
        raise incorrect("not-polling", f"{seen} It has {named[0]}.", "Write task_queue=TASK_QUEUE, from workflows.py.")
    slip = "Is it Worker(..., task_queue=TASK_QUEUE, ...), and is it run, with `async with worker:`?"
    raise incorrect("not-polling", seen, slip)


async def _started(client: Client, scripts: Sequence[CheckedScript]) -> list[str]:
    """The ids of the workflows that the starters started.

    Raises:
        NotPassed: none was.
    """

    async def settled() -> bool:
        over = [script.poll() for script in scripts]
        return len(await _ids(client)) >= len(scripts) or all(over) or any(ended and ended.code for ended in over)

    await follow(settled, bool, 6)
    if ids := await follow(lambda: _ids(client), bool, 0.5):  # the list lags
        return ids
    for script in scripts:
        _raise_if_over(script)
    seen = "starter.py runs, and starts no workflow."
    raise incorrect("nothing-started", seen, "Await client.start_workflow(...), with the workflow's run method.")


async def _ids(client: Client) -> list[str]:
    """The ids of all workflows that a learner's code started."""
    return [found.id async for found in client.list_workflows() if found.id != WARM_UP]


async def _start_of(client: Client, workflow_id: str) -> WorkflowExecutionStartedEventAttributes:
    """What whoever started a workflow sent along: arguments, and the plugin's trace as a header."""
    async for event in client.get_workflow_handle(workflow_id).fetch_history_events():
        return event.workflow_execution_started_event_attributes
    raise AssertionError("a history begins with its start")


def differ_by_one(one: str, other: str) -> bool:
    """Whether two ids that were made at the same time are equal but for a number that went up by one."""
    digits = re.compile(r"\d+")
    numbers = [pair for pair in zip(digits.findall(one), digits.findall(other), strict=False) if pair[0] != pair[1]]
    alike = digits.sub("#", one) == digits.sub("#", other)
    return alike and len(numbers) == 1 and abs(int(numbers[0][0]) - int(numbers[0][1])) == 1


def _raise_if_badly_limited(call: Row | None) -> None:
    """For a model call whose limits make it end too soon, or let a lost worker go unnoticed."""
    if not call:
        return
    attempt, beat, pause = call.start_to_close or 0.0, call.heartbeat_timeout or 0.0, call.first_pause or 0.0
    unnoticed = f"A worker killed in a model call would go unnoticed for {span(beat or attempt)}"
    lost = f"A heartbeat is missed after {beat * 1000:g} ms: each attempt is taken for lost, and paid for again."
    tries = f"A model call fails for good after {count(call.maximum_attempts, 'attempt')}: no outage is over by then."
    minute = "In MODEL_CALL: start_to_close_timeout=timedelta(seconds=60). timedelta(60) would be days."
    beats = "Give the plugin model_params=MODEL_CALL, with heartbeat_timeout=timedelta(seconds=3)."
    policy = "In MODEL_CALL's RetryPolicy: initial_interval=timedelta(seconds=0.2), maximum_attempts=12."
    for odd, code, seen, slip in (
        (attempt < 1, "short-attempt", f"A model call is ended after {attempt * 1000:g} ms: none is as quick.", minute),
        (attempt > 3600, "long-attempt", f"A model that hangs is waited for {span(attempt)}, in one attempt.", minute),
        (not beat, "no-heartbeat", f"{unnoticed}: there are no heartbeats.", beats),
        (beat < 1, "short-heartbeat", lost, beats),
        (beat > NOTICED, "no-heartbeat", f"{unnoticed}.", beats),
        (pause > NOTICED, "long-pauses", f"A killed worker's call would wait {span(pause)} to be made again.", policy),
        (0 < call.maximum_attempts < OUTAGE_ATTEMPTS, "few-attempts", tries, policy),
    ):
        if odd:
            raise incorrect(code, seen, slip)


def _raise_if_not_completed(run: Run, script: CheckedScript, agent: bool = True) -> None:
    """For a workflow that the learner's worker has not finished."""
    if run.status == "completed":
        return
    call = history.first(run, MODEL)
    if call and call.open and "Failed converting" in call.last_error:
        seen = "The worker could not read the model call: its client has no plugin. Worker(...) is too late for it."
        raise incorrect("plugin-missing", seen, NO_PLUGIN)
    if stuck := history.stuck_at(run):
        if agent and not call and SANDBOX_MARK in stuck.last_error:
            seen = "The workflow could not ask the model: the worker's client has no plugin."
            raise incorrect("plugin-missing", seen, NO_PLUGIN)
        known = recognise_slip(shorten(stuck.last_error))
        if known and known.code in ("activity-missing", "workflow-missing"):
            # No exception of the learner's: it is how Temporal says what the worker lacks.
            raise incorrect(known.code, f"{shorten(stuck.last_error)}.", known.slip)
        history.raise_if_stuck(run, ON_WORKER)
    history.raise_if_failed(run)
    _raise_if_over(script)
    raise incorrect("not-finished", f"The workflow did not finish on your worker. {history.doing(run)}".strip())


def _raise_if_over(script: CheckedScript) -> None:
    """For a script that has ended before its time."""
    _raise_if_it_raised(script)
    if not script.poll():
        return
    if script.name == "starter.py":
        seen = "starter.py ended without starting a workflow."
        raise incorrect("nothing-started", seen, "Is asyncio.run(main(...)) called, and client.start_workflow awaited?")
    seen = "worker.py ended at once; it should run until it is stopped."
    slip = "Is main() run, by asyncio.run(main()), and the worker, by `async with worker:` with a block that waits?"
    raise incorrect("worker-ended", seen, slip)


def _raise_if_it_raised(script: CheckedScript) -> None:
    """For a script that has ended with an exception or an exit code."""
    ended = script.poll()
    if ended and ended.error:
        raise raised_elsewhere(ended.error, ended.at, script.name, "script-raised", ended.line)
    if ended and ended.code:
        words = shorten(" ".join(script.text.strip().splitlines()[-2:]))
        how = f"with exit code {ended.code}" if ended.code > 0 else "at once, by os._exit() or a signal"
        seen = f"{script.name} ended {how}{f': {words}' if words else ', and printed nothing'}."
        raise NotPassed("raised", "script-failed", seen)
