"""Going further, polling: a retry policy that polls, an activity that polls and heartbeats, a workflow that polls."""

from workshop.checks import history
from workshop.checks.check import checks_of
from workshop.checks.learner import shorten
from workshop.checks.submission import PATIENCE, Submission
from workshop.checks.verdict import NotPassed, incorrect
from workshop.history import Kind, Row, Run
from workshop.text import count, span

QUESTION = "Tell me when the warnings for California are over."
EVERY, LONG, SHORT = 0.3, 60.0, 1.2  # seconds: between two looks; a bound that nobody waits for, and one that passes
ACTIVE = 3  # looks that find a warning
SEEN = 2.5  # seconds within which a heartbeat has to come: before the server misses it
SOME = 4  # looks, at least, of which the pauses are measured


async def retry(submission: Submission) -> str:
    """One activity, tried again at one interval until it is over, or until the bound."""
    name = "fail_while_active"
    workflow_id = await _ask(submission, "retry", LONG)
    run = await submission.follow(workflow_id, until=lambda run: any(row.attempts > 1 for row in _looks(run, name)))
    history.raise_if_stuck(run)
    row = _polled(run, name)[0]
    if row.maximum_attempts:
        seen = f"It gives up after {count(row.maximum_attempts, 'look')}, whatever the bound is."
        raise incorrect("gives-up", seen, "Leave maximum_attempts out of the RetryPolicy.")
    if row.backoff != 1:
        seen = f"Each pause is {row.backoff:g} times as long as the one before, so the end is noticed later and later."
        raise incorrect("pause-grows", seen, "RetryPolicy(..., backoff_coefficient=1)")
    if row.first_pause != EVERY:
        seen = f"Asked to look every {EVERY} s, it pauses for {span(row.first_pause or 0)}."
        raise incorrect("other-pause", seen, "RetryPolicy(initial_interval=every, ...)")
    if row.schedule_to_close != LONG:
        bound = span(row.schedule_to_close) if row.schedule_to_close else "never"
        seen = f"Asked to give up after {span(LONG)}, it gives up after {bound}.".replace("after never", "never")
        raise incorrect("no-bound", seen, "schedule_to_close_timeout is for all attempts together.")
    run = await _ended(submission, workflow_id)
    attempts = sum(row.attempts for row in _looks(run, name))
    return f"{count(attempts, 'look')}, each {EVERY} s after the one before, and one activity in the history."


async def heartbeat(submission: Submission) -> str:
    """One attempt that makes all looks, with pauses, and heartbeats in between."""
    name = "watch_while_active"
    submission.practice.clear()  # the warnings do not end, until that was looked at
    workflow_id = await _ask(submission, "heartbeat", LONG, active=None)

    def settled(run: Run) -> bool:
        return any(row.attempts > 1 or row.errors or row.last_heartbeat for row in _looks(run, name))

    run = await submission.follow(workflow_id, SEEN, until=settled)
    history.raise_if_stuck(run)
    rows = _looks(run, name)
    if not run.open:
        raise _stopped(submission, run)
    if rows and rows[0].errors and "heartbeat" not in rows[0].last_error:
        seen = f"{name} failed: {shorten(rows[0].last_error, 120)}."
        raise incorrect("look-fails", seen, "What it does while warnings are active must not raise.")
    if not rows or not rows[0].last_heartbeat:
        history.raise_if_failed(run)
        looks = count(len(submission.practice.entries("weather")), "look")
        seen = f"After {looks} there was no heartbeat, so the server would take the attempt for lost."
        raise incorrect("no-heartbeat", seen, "Call activity.heartbeat() after each look.")
    before = len(submission.practice.entries("weather"))
    submission.practice.fault("weather", "over", after=SOME)
    run = await _ended(submission, workflow_id)
    if submission.practice.entries("weather")[-1]["fault"] != "over":
        raise _stopped(submission, run)
    row, made = _looks(run, name)[0], len(submission.practice.entries("weather"))
    if row.attempts > 1:
        seen = f"It took {count(row.attempts, 'attempt')}: {before} looks were in the first one."
        raise incorrect("several-attempts", seen, "One attempt makes all looks, each with a heartbeat.")
    if row.closed and row.started and (row.closed - row.started).total_seconds() < (made - 1) * EVERY * 0.9:
        seen = f"Asked to look every {EVERY} s, it made {made} looks in {span(row.duration or 0)}."
        raise incorrect("no-pause", seen, "await asyncio.sleep(every_seconds): without `await` nothing waits.")
    return f"{count(made, 'look')} in one attempt, with heartbeats."


async def timer(submission: Submission) -> str:
    """A loop of the workflow's, with a timer after each look, and an end."""
    name, (least, most) = "look_once", (2, round(SHORT / EVERY) + 2)
    workflow_id = await _ask(submission, "timer", LONG)
    run = await _ended(submission, workflow_id)
    looks = _polled(run, name)
    if len(looks) <= ACTIVE:
        seen = f"Warnings were active at {count(len(looks), 'look')}, and then {_said(run)}."
        raise incorrect("stops-early", seen, "Look again, until it says 0 or the time is over.")
    timers = [
        row for row in history.of_kind(run, Kind.TIMER) if history.length(row) <= EVERY or row.state == "completed"
    ]
    history.raise_if_not_timed(timers, EVERY, "await workflow.sleep(every)", "every")
    if "not over" in str(run.result):
        raise incorrect("says-not-over", f"At the last look none was active, and {_said(run)}.", "Return True then.")
    submission.practice.clear()
    before = len(submission.practice.entries("weather"))
    workflow_id = await _ask(submission, "timer", SHORT, active=None)
    run = await submission.follow(workflow_id, until=lambda run: len(_looks(run, name)) > most)
    made = len(submission.practice.entries("weather")) - before
    if run.open or len(_looks(run, name)) > most:
        seen = f"Asked to give up after {SHORT} s, it went on looking: {count(made, 'look')} so far."
        raise incorrect("no-bound", seen, "End the loop once workflow.now() is past the start and the bound.")
    history.raise_if_failed(run)
    if "not over" not in str(run.result):
        seen = f"After {SHORT} s the warnings were active, and {_said(run)}."
        raise incorrect("says-over", seen, "Return False when the time is over.")
    if made < least:
        seen = f"Asked to look every {EVERY} s for {SHORT} s, it made {count(made, 'look')}."
        raise incorrect("other-length", seen, "`bound` is the time for all looks, `every` the pause between two.")
    return f"{count(len(looks), 'look')} and {count(len(timers), 'timer')}; and when the time was over, it said so."


async def _ask(submission: Submission, way: str, bound: float, active: int | None = ACTIVE) -> str:
    """Starts a workflow that waits; `active`: so many looks find warnings, by default all of them."""
    queue, workflow = await submission.served()
    if active:
        submission.practice.fault("weather", "over", after=active)
    return await submission.start(workflow, queue, [QUESTION, way, EVERY, bound])


async def _ended(submission: Submission, workflow_id: str) -> Run:
    run = await submission.follow(workflow_id, PATIENCE)
    history.raise_if_not_well(run, "When the warnings were over")
    return run


def _stopped(submission: Submission, run: Run) -> NotPassed:
    looks = count(len(submission.practice.entries("weather")), "look")
    seen = f"The warnings were active, and after {looks} {_said(run)}."
    return incorrect("stops-early", seen, "while await count_warnings(state): ...")


def _looks(run: Run, name: str) -> list[Row]:
    return [row for row in run.rows if row.name == name and row.attempts]


def _polled(run: Run, name: str) -> list[Row]:
    """The same, where there has to be one."""
    if looks := _looks(run, name):
        return looks
    history.raise_if_failed(run)
    seen = f"It ran no {name}, and {_said(run)}."
    raise incorrect("not-polled", seen, f"await workflow.execute_activity({name}, state, ...)")


def _said(run: Run) -> str:
    """What the agent said, in words that follow an `and`."""
    return f"said: {shorten(str(run.result), 100)}" if run.result else f"had said nothing ({run.status})"


CHECKS = checks_of("polling", {"heartbeat": heartbeat, "retry": retry, "timer": timer})
