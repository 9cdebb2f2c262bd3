"""Exercise 02, Temporal alone: an activity that raises, a workflow with a timer, a worker, a starter."""

import ast
from functools import partial
from pathlib import Path

from workshop.checks import activity, history, starter, worker
from workshop.checks.check import checks_of
from workshop.checks.learner import shorten, sleeps
from workshop.checks.limits import LONGEST_PAUSE, raise_if_badly_limited
from workshop.checks.pristine import unwritten
from workshop.checks.submission import Submission
from workshop.checks.verdict import incorrect
from workshop.history import Kind, Run, as_text
from workshop.text import count, span

STATE = "TX"
PAUSE = 0.4  # seconds


async def timer(submission: Submission) -> str:
    """A durable timer of the length that the workflow is given, before the activity."""

    both = [(STATE, PAUSE), (STATE, 0)]
    run, at_once = await submission.run_each(both, plugin=False, until=lambda run: history.sleeps_longer(run, PAUSE))
    slip = f"{_idle(submission)}Await workflow.sleep(...) with the number of seconds that it is given."
    if history.sleeps_longer(run, PAUSE):
        history.raise_if_not_timed(history.of_kind(run, Kind.TIMER)[:1], PAUSE, slip, "delay_seconds")
    _raise_if_stuck(run)
    history.raise_if_failed(run)
    asked = history.first(run, Kind.ACTIVITY)
    every = history.of_kind(run, Kind.TIMER)
    # One that fires later is not what it waits for: asyncio.wait_for(...) sets a timer beside the activity.
    fired = [row for row in every if row.state == "completed" and row.closed]
    timers = [row for row in fired if not asked or (row.closed and row.closed <= asked.scheduled)]
    if asked and asked.closed and every and every[0].scheduled >= asked.closed:
        raise incorrect("timer-too-late", "It asked for the weather first, and then waited.", "Sleep first.")
    if every and not timers:
        seen = "It set a timer, and went on without waiting for it."
        raise incorrect("timer-not-awaited", seen, "Await it: await workflow.sleep(...).")
    if len(timers) > 1 and round(sum(map(history.length, timers)), 3) != PAUSE:
        lengths = " and ".join(row.asked for row in timers)
        raise incorrect("other-length", f"Asked to wait {PAUSE} s, it set timers of {lengths}.", "Sleep once.")
    if len(timers) < 2:
        history.raise_if_not_timed(timers, PAUSE, slip, "delay_seconds")
    over = not run.open and not asked and not run.result
    if over and not unwritten("02", "workflows.py", submission.text("workflows.py"), 3):
        seen = "The workflow ended when the timer had fired: what stands below it in run(...) did not run."
        raise incorrect("returns-too-early", seen, "Leave `return` out of that line: await workflow.sleep(...).")
    then = history.first(at_once, Kind.ACTIVITY)
    every = [row for row in history.of_kind(at_once, Kind.TIMER) if history.length(row) > 0]
    waited = [row for row in every if not then or (row.closed and row.closed <= then.scheduled)]
    if waited:
        seen = f"Asked to wait 0 s, it set a timer of {waited[0].asked}."
        raise incorrect("other-length", seen, "Sleep for delay_seconds, whatever its value is.")
    before = ", and the activity was scheduled after it" if asked else ""
    return f"A timer of {PAUSE} s is in the history, where the server keeps it{before}."


async def workflow(submission: Submission) -> str:
    """The activity executed by Temporal, retried when it fails, its result returned."""
    submission.practice.fault("weather", "down", times=1)  # only a call that is retried gets through

    def misled(run: Run) -> bool:
        """Whether what the history has is enough: another input, or a first pause that nobody waits for."""
        asked = history.first(run, Kind.ACTIVITY)
        if asked is None or asked.local:
            return False
        long = (asked.first_pause or 0) > 2 and (asked.longest_pause or 0) > LONGEST_PAUSE
        return asked.input != STATE or (asked.state == "retrying" and long)

    run = await submission.run(STATE, 0, plugin=False, until=misled, patience=13)  # a pause of 10 s is right
    row = history.first(run, Kind.ACTIVITY)
    if row and not row.local and row.input != STATE:
        seen = f"The activity was given {shorten(as_text(row.input), 80)!r}, not the state."
        slip = "Pass the workflow's `state` on, as the second argument."
        if row.input == list(STATE):
            slip = "args= takes a list, and a string counts as a list of letters: args=[state], or state alone."
        elif isinstance(row.input, list):
            slip = "The activity takes one argument: pass `state` alone, without [...]."
        elif row.input == "state":
            slip = "Without quotes, state is the workflow's argument."
        elif isinstance(row.input, str) and "{" in row.input:
            slip = "Only with an f before the quotes are braces filled in. Better: state alone, without quotes."
        raise incorrect("other-argument", seen, slip)
    _raise_if_stuck(run)
    if str(run.result).startswith(("<coroutine", "<_ActivityHandle")):
        seen = f"The workflow returned {shorten(str(run.result), 60)!r}: what it should have waited for."
        raise incorrect("not-awaited", seen, "Await it: return await workflow.execute_activity(...).")
    if not row:
        history.raise_if_failed(run)
        if submission.practice.entries("weather"):
            seen = "The weather was asked, and no activity is in the history: the workflow called the function itself."
            raise incorrect("called-directly", seen, "Await workflow.execute_activity(...).")
        returned = f" with {shorten(as_text(run.result), 80)!r}" if run.result else ""
        seen = f"The workflow ended as {run.status}{returned}, and ran no activity."
        slip = "Await workflow.execute_activity(the activity, the state, ...)."
        raise incorrect("no-activity-run", seen, f"{_left(run)}{slip}")
    if row.local:
        seen = "It is a local activity: the history has it only once it is over."
        raise incorrect("local-activity", seen, "Use workflow.execute_activity(...).")
    attempts = count(row.attempts, "attempt")
    if row.state in ("failed", "timed out"):
        if row.state == "timed out":
            raise_if_badly_limited(row, f"The activity was executed, {attempts}")
        history.raise_if_tried_once(row, "activity")
        raise incorrect("run-failed", f"The activity failed after {attempts}: {shorten(row.last_error)}.")
    if row.open and not run.open:
        seen = "The workflow ended without waiting for its activity."
        raise incorrect("not-awaited", seen, "Await it: return await workflow.execute_activity(...).")
    if run.open:
        raise_if_badly_limited(row, f"The activity is {row.state} after {attempts}")
        last = f"; the last raised {shorten(row.last_error, 200)}" if row.errors else ""
        seen = f"The activity is {row.state} after {attempts}{last}."
        if not row.open:
            seen = f"The activity was completed after {attempts}, and the workflow was not: what does it wait for?"
        raise incorrect("not-finished", seen)
    history.raise_if_failed(run)
    if run.result != row.output:
        what = "nothing" if run.result is None else repr(shorten(as_text(run.result), 80))
        seen = f"The workflow returned {what}, not what the activity returned."
        slip = "Return its result: return await workflow.execute_activity(...)."
        raise incorrect("no-result", seen, f"{_left(run)}{slip}")
    raise_if_badly_limited(row, "The activity was executed")
    again = [
        other for other in history.of_kind(run, Kind.ACTIVITY) if (other.name, other.input) == (row.name, row.input)
    ]
    if len(again) > 1:
        seen = f"The activity was executed {len(again)} times, with the same argument, for one result."
        raise incorrect("run-twice", seen, "Execute it once: asking again after an error is what Temporal does.")
    if row.attempts < 2:
        seen = "Temporal executed the activity, and the workflow returned its result. The service failed once"
        return f"{seen}, and no attempt did: see what `activity` says."
    limits = f"{span(row.start_to_close or 0)} for one, {span(row.schedule_to_close or 0)} for all together"
    seen = f"The service failed once: attempt 1 raised, attempt {row.attempts} got the answer, and nobody had to act."
    return f"{seen} Attempts have {limits}, and pauses of at most {span(row.longest_pause or 0)}."


def _idle(submission: Submission) -> str:
    """Of the learner's line that sleeps, for a run in which nothing slept."""
    for sleep, awaited in sleeps(submission.text("workflows.py")):
        line = f"`{ast.unparse(sleep)}` in line {sleep.lineno}"
        return f"{line} set none: does an `if` stand above it? " if awaited else f"{line} has no `await`. "
    return ""


def _left(run: Run) -> str:
    """Of the starter's line that returned in the learner's place."""
    left = str(run.result).startswith("TODO")
    return "The `return` of the starter still stands there: leave it out. " * left


def _raise_if_stuck(run: Run) -> None:
    """As in `history`, but a workflow that calls the activity as a function has a slip of its own."""
    stuck = history.stuck_at(run)
    if stuck and stuck.kind == Kind.TASK_FAILURE and stuck.place and Path(stuck.place.file).name == "activities.py":
        seen = f"The workflow called the activity's function itself, and could not: {shorten(stuck.last_error, 120)}."
        raise incorrect("called-directly", seen, "That is TODO 3: await workflow.execute_activity(...).")
    history.raise_if_stuck(run)


CHECKS = checks_of(
    "02",
    {
        "activity": activity.check,
        "timer": timer,
        "workflow": workflow,
        "worker": partial(worker.check, args=["TX", 0], agent=False),
        "starter": partial(starter.check, words=["TX", "--delay", "0.3"], args=["TX", 0.3], agent=False),
    },
)
