"""Exercise 02, Temporal alone: an activity that raises, a workflow with a timer, a worker, a starter."""

from pathlib import Path

from workshop.checks import activity, scripts
from workshop.checks.bounds import bounded
from workshop.checks.learner import raised_in_history, shorten
from workshop.checks.verdict import Check, NotPassed, incorrect
from workshop.checks.work import Work, in_trouble
from workshop.history import ACTIVITY, TIMER, Row, Run, as_text

PAUSE = 0.4  # seconds


async def timer(work: Work) -> str:
    """A durable timer of the length that the workflow is given, before the activity."""
    run = await work.run("TX", PAUSE, plugin=False)
    timers = [row for row in run.rows if row.kind == TIMER]
    trouble = in_trouble(run)
    if trouble:
        raise _stopped(trouble)
    if not timers:
        seen = f"Asked to wait {PAUSE} s, the workflow has no timer in its history."
        raise incorrect("no-timer", seen, "Await workflow.sleep(...) with the number of seconds that it is given.")
    asked = {row.asked for row in timers}
    if asked != {f"{PAUSE} s"}:
        seen = f"Asked to wait {PAUSE} s, it set a timer of {', '.join(asked)}."
        raise incorrect("other-length", seen, "Sleep for delay_seconds.")
    first = next((row for row in run.rows if row.kind == ACTIVITY), None)
    ended = timers[0].closed
    if first and (ended is None or first.scheduled < ended):
        seen = "It asked for the weather without waiting for the timer."
        raise incorrect("timer-not-awaited", seen, "Sleep first, and await it.")
    return "The timer is in the history: the server keeps it."


async def workflow(work: Work) -> str:
    """The activity executed by Temporal, retried when it fails, its result returned."""
    # The first attempt fails: only a run that is retried gets through.
    work.practice.fault("weather", "down", times=1)
    run = await work.run("TX", 0, plugin=False)
    return execution(run, work)


def _stopped(trouble: Row) -> NotPassed:
    if trouble.place and Path(trouble.place.file).name == "activities.py":
        seen = f"The workflow called the activity's function itself, and could not: {shorten(trouble.last_error, 120)}."
        return incorrect("called-directly", seen, "That is TODO 3: await workflow.execute_activity(...).")
    return raised_in_history(trouble, "The workflow", "workflow-fails")


def execution(run: Run, work: Work) -> str:
    """What a run says of its activity, whose first attempt failed."""
    trouble = in_trouble(run)
    rows = [row for row in run.rows if row.kind == ACTIVITY]
    if trouble:
        raise _stopped(trouble)
    if not rows:
        if work.practice.entries("weather"):
            seen = "The weather was asked, and no activity is in the history: the workflow called the function itself."
            raise incorrect("called-directly", seen, "Await workflow.execute_activity(...).")
        seen = f"The workflow ended as {run.status}, and ran no activity."
        raise incorrect("no-activity-run", seen, "Await workflow.execute_activity(the activity, the state, ...).")
    row = rows[0]
    if row.local:
        seen = "It is a local activity: the history has it only once it is over."
        raise incorrect("local-activity", seen, "Use workflow.execute_activity(...).")
    if row.input != "TX":
        seen = f"The activity was given {shorten(as_text(row.input), 80)!r}, not the state."
        raise incorrect("other-argument", seen, "Hand the workflow's `state` on as the second argument.")
    if row.state in ("failed", "timed out"):
        if row.attempts < 2:
            seen = "The weather service failed once, and the activity was not tried again."
            raise incorrect("no-retries", seen, "Does a RetryPolicy say maximum_attempts=1? Let it try again.")
        raise incorrect("run-failed", f"The activity failed after {row.attempts} attempts: {shorten(row.last_error)}.")
    if run.open:
        raise incorrect(
            "not-finished", f"The activity is {row.state} after {row.attempts} attempts.", "See its retries."
        )
    if run.result != row.output:
        what = "nothing" if run.result is None else shorten(as_text(run.result), 80)
        raise incorrect("no-result", f"The workflow returned {what}, not what the activity gave.", "Return its result.")
    bounded(row, "The activity is retried")
    return f"The service failed once; attempt {row.attempts} got the answer, and nobody had to do anything."


async def worker(work: Work) -> str:
    """See `scripts.worker`."""
    return await scripts.worker(work, ["TX", 0], agent=False)


async def starter(work: Work) -> str:
    """See `scripts.starter`."""
    return await scripts.starter(work, "TX", ["--delay", "0.3"], ["TX", 0.3], agent=False)


CHECKS = (
    Check(
        "activity",
        "let the activity raise when the weather service fails",
        "activities.py",
        1,
        (
            "What does Temporal have to see of an activity before it tries again?",
            "An exception. An HTTP error is none by itself: httpx has a method that raises it.",
            "response.raise_for_status()",
        ),
        "An error that is swallowed is never retried: the workflow would complete, with the wrong answer.",
        activity.look,
    ),
    Check(
        "timer",
        "let the workflow wait, on a timer that outlives the worker",
        "workflows.py",
        2,
        (
            "Which sleep is kept by the server, and which one only by the process?",
            "workflow.sleep takes seconds or a timedelta, and is awaited.",
            "await workflow.sleep(...)",
        ),
        "The timer is an event in the history, so it fires on time even if no worker lived in between.",
        timer,
        temporal=True,
    ),
    Check(
        "workflow",
        "execute the activity, with its time-outs",
        "workflows.py",
        3,
        (
            "Who should call the activity, so that it is retried and its result kept?",
            "await workflow.execute_activity(function, argument, start_to_close_timeout=...). All attempts together: "
            "schedule_to_close_timeout=.... The pauses: retry_policy=RetryPolicy(maximum_interval=...).",
            "return await workflow.execute_activity(get_weather_alerts, state, "
            "start_to_close_timeout=timedelta(seconds=3), schedule_to_close_timeout=timedelta(hours=1), ...)",
        ),
        "The workflow only says what is to be done; Temporal does it, as often as it takes, and keeps the result.",
        workflow,
        temporal=True,
    ),
    Check(
        "worker",
        "let the worker know the workflow and the activity",
        "worker.py",
        4,
        (
            "A task says only the name of a workflow or activity. How does the worker know the code?",
            "Worker(client, task_queue=..., workflows=[...], activities=[...])",
            "workflows=[TemporalHelloWorld], activities=[get_weather_alerts]",
        ),
        "The server keeps what happened, the worker has the code: neither can do the other's part.",
        worker,
        temporal=True,
        programs=1,
    ),
    Check(
        "starter",
        "start the workflow under an ID of its own",
        "starter.py",
        5,
        (
            "What does the server need to know of a new workflow: which one, with what, called what, for whom?",
            "await client.start_workflow(run method, args=[...], id=..., task_queue=TASK_QUEUE)",
            'client.start_workflow(TemporalHelloWorld.run, args=[state, delay_seconds], id=f"...{uuid4().hex}", ...)',
        ),
        "Once it is started, the starter may go: the workflow lives in the server.",
        starter,
        temporal=True,
        programs=2,
    ),
)
