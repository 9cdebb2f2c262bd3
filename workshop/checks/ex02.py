"""Exercise 02, Temporal alone: an activity that raises, a workflow with a timer, a worker, a starter."""

from functools import partial
from pathlib import Path

from workshop.checks import activity, history
from workshop.checks.learner import shorten
from workshop.checks.verdict import checks_of, incorrect
from workshop.checks.work import Work
from workshop.checks.worker_and_starter import starter, worker
from workshop.history import ACTIVITY, TIMER, Run, as_text
from workshop.text import count

PAUSE = 0.4  # seconds


async def timer(work: Work) -> str:
    """A durable timer of the length that the workflow is given, before the activity."""
    run = await work.run("TX", PAUSE, plugin=False)
    _raise_if_stuck(run)
    timers = history.of_kind(run, TIMER)
    slip = "Await workflow.sleep(...) with the number of seconds that it is given."
    history.raise_if_not_timed(timers, PAUSE, slip, "delay_seconds")
    asked, waited = history.first(run, ACTIVITY), timers[0].closed
    if asked and (waited is None or asked.scheduled < waited):
        seen = "It asked for the weather without waiting for the timer."
        raise incorrect("timer-not-awaited", seen, "Sleep first, and await it.")
    return "The timer is in the history: the server keeps it."


async def workflow(work: Work) -> str:
    """The activity executed by Temporal, retried when it fails, its result returned."""
    work.practice.fault("weather", "down", times=1)  # only a call that is retried gets through
    run = await work.run("TX", 0, plugin=False)
    _raise_if_stuck(run)

    row = history.first(run, ACTIVITY)
    if not row:
        if work.practice.entries("weather"):
            seen = "The weather was asked, and no activity is in the history: the workflow called the function itself."
            raise incorrect("called-directly", seen, "Await workflow.execute_activity(...).")
        seen = f"The workflow ended as {run.status}, and ran no activity."
        raise incorrect("no-activity-run", seen, "Await workflow.execute_activity(the activity, the state, ...).")
    if row.local:
        seen = "It is a local activity: the history has it only once it is over."
        raise incorrect("local-activity", seen, "Use workflow.execute_activity(...).")
    if row.input != "TX":
        seen = f"The activity was given {shorten(as_text(row.input), 80)!r}, not the state."
        raise incorrect("other-argument", seen, "Pass the workflow's `state` on, as the second argument.")
    attempts = count(row.attempts, "attempt")
    if row.state in ("failed", "timed out"):
        history.raise_if_tried_once(row, "activity")
        raise incorrect("run-failed", f"The activity failed after {attempts}: {shorten(row.last_error)}.")
    if run.open:
        raise incorrect("not-finished", f"The activity is {row.state} after {attempts}.", "Look at its retries.")
    if run.result != row.output:
        what = "nothing" if run.result is None else shorten(as_text(run.result), 80)
        seen = f"The workflow returned {what}, not what the activity returned."
        raise incorrect("no-result", seen, "Return its result.")
    history.raise_if_unbounded(row, "The activity is retried")
    return f"The service failed once; attempt {row.attempts} got the answer, and nobody had to do anything."


def _raise_if_stuck(run: Run) -> None:
    """As in `history`, but a workflow that calls the activity as a function has a slip of its own."""
    stuck = history.stuck_at(run)
    if stuck and stuck.place and Path(stuck.place.file).name == "activities.py":
        seen = f"The workflow called the activity's function itself, and could not: {shorten(stuck.last_error, 120)}."
        raise incorrect("called-directly", seen, "That is TODO 3: await workflow.execute_activity(...).")
    history.raise_if_stuck(run)


CHECKS = checks_of(
    "02",
    {
        "activity": activity.look,
        "timer": timer,
        "workflow": workflow,
        "worker": partial(worker, args=["TX", 0], agent=False),
        "starter": partial(starter, words=["TX", "--delay", "0.3"], args=["TX", 0.3], agent=False),
    },
)
