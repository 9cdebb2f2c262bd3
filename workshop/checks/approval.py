"""Going further, approval: the key of a call, what a decision is refused for, the wait for it with its deadline."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio.client import (
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError

from workshop.checks import history
from workshop.checks.check import checks_of
from workshop.checks.learner import shorten
from workshop.checks.submission import PATIENCE, Submission
from workshop.checks.verdict import incorrect
from workshop.history import Kind, Run
from workshop.temporal import follow
from workshop.text import count

QUESTION = "Warn the residents of Nevada and Utah of the dust storm."
ONE = "Warn the residents of Nevada of the dust storm."
LONG, SHORT = 600.0, 1.5  # seconds of a deadline: nobody waits for it, and one that passes
LENGTH = "deadline_seconds"
ASKED = 12.0  # seconds within which the agent has to ask: code that blocks is told within 4, on a busy machine too
ANSWERED = 8.0  # seconds within which a decision has to be answered
Asked = tuple[WorkflowHandle[Any, Any], dict[str, str]]  # a workflow, and the calls that wait in it


async def key(submission: Submission) -> str:
    """A key that all attempts of a call share, and no other call has."""
    submission.practice.fault("weather", "drop", times=1)  # the alert is sent, and nobody hears of it
    asked = await _ask(submission, (QUESTION, LONG), (QUESTION, LONG))
    for handle, calls in asked:
        for call_id in calls:
            await _decide(submission, handle, call_id, "yes")
    runs = await _ended(submission, asked)
    posts = [entry for entry in submission.practice.entries("weather") if entry["asked"].startswith("POST")]
    if not posts:
        seen = "Everything was approved, and no alert was sent."
        raise incorrect("not-sent", seen, "Does the tool await workflow.execute_activity(send_alert, ...)?")
    if any("without a key" in entry["asked"] for entry in posts):
        seen = f"{count(sum('without a key' in entry['asked'] for entry in posts), 'request')} came without a key."
        slip = "Its retry alerted the residents again. Make the key of the workflow's ID and the call's."
        raise incorrect("no-key", seen, slip)
    sent = [entry for entry in posts if entry["sent"]]
    if len(sent) > 4:
        seen = f"Four alerts were approved, and {len(sent)} were sent: an attempt had another key than the one before."
        raise incorrect("key-changes", seen, "Make the key of what stays: the workflow's ID and the call's.")
    if len(sent) < 4:
        seen = f"Four alerts were approved, and {count(len(sent), 'alert')} sent: calls have a key in common."
        slip = "The workflow's ID is shared by its calls, a text by all who say it: put the call's ID in, too."
        raise incorrect("key-shared", seen, slip)
    attempts = sum(row.attempts for run in runs for row in run.rows if row.name == "send_alert")
    return f"An answer was lost, so {attempts} attempts were made of four calls. Each call had a key of its own."


async def refuse(submission: Submission) -> str:
    """A validator that takes yes and no for a call that waits, and nothing else."""
    (handle, calls), (other, others) = await _ask(submission, (ONE, LONG), (ONE, LONG))
    (call_id,), (other_id,) = calls, others
    for decision in ("maybe", "YES", ""):
        if await _decide(submission, handle, call_id, decision) is None:
            seen = f"The decision {decision!r} was taken."
            slip = "Raise ValueError unless the decision is one of the two words: return refuses nothing."
            raise incorrect("takes-anything", seen, slip)
    unknown = asyncio.create_task(_decide(submission, handle, "call_nobody_asked_for", "yes"))
    run = await submission.follow(handle.id, ANSWERED, until=lambda _: unknown.done())
    if history.stuck_at(run) or await unknown is None:
        seen = "A decision about a call that does not wait was taken."
        seen += " Then the workflow failed at it." * bool(history.stuck_at(run))
        raise incorrect("takes-any-call", seen, "Raise ValueError unless call_id is in self.waiting.")
    for one, one_id, decision in ((handle, call_id, "yes"), (other, other_id, "no")):
        if (error := await _decide(submission, one, one_id, decision)) is not None:
            seen = f"The decision {decision!r} about a call that waits was refused: {shorten(error, 120)}."
            raise incorrect("refuses-all", seen, 'Refuse only what is neither "yes" nor "no", and unknown calls.')
    return "Yes and no are taken; maybe, YES and a call that does not wait are refused."


async def decide(submission: Submission) -> str:
    """The wait for all decisions, each call by its own; with a deadline, after which it counts as no."""
    asked = await _ask(submission, (QUESTION, LONG), (QUESTION, LONG), (ONE, SHORT))
    if submission.practice.entries("weather"):
        raise incorrect("sent-unasked", "An alert was sent before anybody had decided.", "Wait first: TODO 3.")
    last = asked[2][0]
    run = await submission.follow(last.id, until=lambda run: history.first(run, Kind.TIMER))
    history.raise_if_not_timed(history.of_kind(run, Kind.TIMER)[:1], SHORT, "wait_condition takes a timeout.", LENGTH)
    for (handle, calls), words in zip(asked[:2], (("yes", "no"), ("no", "yes")), strict=True):
        for call_id, word in zip(calls, words, strict=True):
            if error := await _decide(submission, handle, call_id, word):
                run = await submission.follow(handle.id, 1)
                history.raise_if_stuck(run)
                seen = f"Of two calls one was decided, and then the other did not wait any more: {shorten(error, 120)}."
                raise incorrect("went-on-early", seen, "Wait until self.waiting is empty.")
    await _ended(submission, asked)
    areas = [
        [area for area in ("NV", "UT") if any(f"area={area} key {handle.id}" in entry["asked"] for entry in posts)]
        for posts in [submission.practice.entries("weather")]
        for handle, _ in asked[:2]
    ]
    if areas == [["NV"], []]:
        seen = "Of two calls only the decision about the first one counted: a yes for the second alerted nobody."
        raise incorrect("went-on-early", seen, "Wait until self.waiting is empty.")
    if areas != [["NV"], ["UT"]]:
        told = [" and ".join(found) or "nobody" for found in areas]
        seen = f"Yes for NV and no for UT alerted {told[0]}; no for NV and yes for UT alerted {told[1]}."
        raise incorrect("other-calls", seen, "Approve a call whose own decision is yes, and reject the others.")
    if any(last.id in entry["asked"] for entry in submission.practice.entries("weather")):
        seen = "Nobody decided, and after the deadline the alert was sent."
        raise incorrect("sent-unasked", seen, "No word is a no.")
    if await _waiting(last):
        seen = "After the deadline the call still counts as waiting, so a late yes would be taken, and do nothing."
        raise incorrect("still-waiting", seen, "Empty self.waiting when the time is over: decide then refuses.")
    return "Of two calls, the one with its own yes was made; and after the deadline, none."


async def _ask(submission: Submission, *arguments: tuple[str, float]) -> list[Asked]:
    """Starts workflows, each with question and deadline, and returns when all of them ask."""
    queue, workflow = await submission.served()
    handles = [
        submission.client.get_workflow_handle(await submission.start(workflow, queue, args)) for args in arguments
    ]
    return [(handle, await _until_it_asks(submission, handle)) for handle in handles]


async def _until_it_asks(submission: Submission, handle: WorkflowHandle[Any, Any]) -> dict[str, str]:
    async def look() -> tuple[dict[str, str], Run]:
        run = await submission.follow(handle.id, 0)
        return {} if history.stuck_at(run) else await _waiting(handle), run

    calls, run = await follow(look, lambda seen: seen[0] or not seen[1].open or history.stuck_at(seen[1]), ASKED)
    if not calls:
        history.raise_if_stuck(run)
        history.raise_if_failed(run)
        seen = f"Asked to send an alert, the workflow asked nobody ({run.status}). {history.doing(run)}".strip()
        raise incorrect("asks-nobody", seen, "Leave needs_approval=True at the tool, and self.waiting as it was given.")
    return calls


async def _waiting(handle: WorkflowHandle[Any, Any]) -> dict[str, str]:
    try:
        found: dict[str, str] = await asyncio.wait_for(handle.query("open_calls"), 3)
    except (RPCError, TimeoutError):
        return {}
    return found


async def _decide(submission: Submission, handle: WorkflowHandle[Any, Any], call_id: str, decision: str) -> str | None:
    """None if a decision is taken, else why it is not.

    Raises:
        NotPassed: the workflow's code fails at it.
    """
    try:
        await handle.execute_update("decide", args=[call_id, decision], rpc_timeout=timedelta(seconds=ANSWERED))
    except WorkflowUpdateFailedError as error:
        return str(error.cause)
    except RPCError as error:  # the workflow is over
        return error.message
    except WorkflowUpdateRPCTimeoutOrCancelledError:  # it was taken, and came to no end
        history.raise_if_stuck(await submission.follow(handle.id, 0))
        return None
    return None


async def _ended(submission: Submission, asked: list[Asked]) -> list[Run]:
    """The runs, once they are completed."""
    runs = await asyncio.gather(*(submission.follow(handle.id, PATIENCE) for handle, _ in asked))
    for run in runs:
        history.raise_if_not_well(run, "Once it was decided, or too late")
    return runs


CHECKS = checks_of("approval", {"key": key, "refuse": refuse, "decide": decide})
