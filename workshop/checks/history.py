"""What several checks look for in the history of a run of the learner's workflow."""

import ast
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from temporalio.api.common.v1 import RetryPolicy as RetryPolicyProto
from temporalio.common import RetryPolicy

from workshop.checks.learner import MISTAKES, raised_elsewhere, shorten, told
from workshop.checks.limits import DAY, raise_if_badly_limited
from workshop.checks.pristine import tree_of
from workshop.checks.verdict import incorrect
from workshop.history import ACTIVITIES, Kind, Place, Row, Run, place_of, root

# What the server says of an activity whose options made Python raise before all of them were written down.
HALF_SCHEDULED = "missing task queue name"
NOT_A_LENGTH = re.compile("Fail to convert to Duration|has no attribute 'total_seconds'")
# How many times too long a sleep is, and what its number was taken for.
UNITS = {
    DAY: "days, as timedelta(...) takes a first number",
    3600.0: "hours",
    60.0: "minutes",
    0.001: "milliseconds",
}
OURS = Path(__file__).parent


def of_kind(run: Run, kind: str) -> list[Row]:
    """Everything of one kind that happened in a run."""
    return [row for row in run.rows if row.kind == kind]


def first(run: Run, kind: str) -> Row | None:
    """The first of one kind that happened in a run."""
    return next(iter(of_kind(run, kind)), None)


def stuck_at(run: Run) -> Row | None:
    """What keeps a run from ever going on: workflow code that fails, or an activity that no worker can ever finish."""
    for row in run.rows:
        if row.open and (row.kind == Kind.TASK_FAILURE or "is not registered" in row.last_error or _hopeless(row, run)):
            return row
    return None


def _hopeless(row: Row, run: Run) -> bool:
    """Whether an activity has less time than any call takes, or waits where no worker is."""
    limits = [limit for limit in (row.start_to_close, row.heartbeat_timeout) if limit]
    return row.kind in ACTIVITIES and (row.task_queue not in ("", run.task_queue) or min(limits, default=1) < 0.1)


def waits_in_vain(run: Run) -> bool:
    """Whether a run waits for what will not come: for a signal, as no check sends any, or for an activity that failed
    twice, and by a mistake in it: no check lets a service fail more than once in a run.
    """
    return any(
        row.kind == Kind.WAIT
        or (row.state == "retrying" and row.attempts > 1 and not row.maximum_attempts and _is_mistake(row))
        for row in run.rows
    )


def _is_mistake(row: Row) -> bool:
    cause = root(row.errors)
    return row.kind in ACTIVITIES and cause is not None and cause.type in {mistake.__name__ for mistake in MISTAKES}


def raise_if_stuck(run: Run, who: str = "The workflow") -> None:
    """For a run that cannot go on."""
    row = stuck_at(run)
    if not row:
        return
    if HALF_SCHEDULED in row.last_error:
        option = _odd_option()
        seen = f"Temporal refused an activity: an option is not valid{f' ({told(option)})' if option else ''}."
        slip = "Timeouts and intervals are timedelta(seconds=...), never a number; retry_policy is RetryPolicy(...), "
        slip += "with no backoff_coefficient below 1, and no maximum_interval below its initial_interval of 1 s."
        raise incorrect("odd-option", seen, slip)
    if row.kind == Kind.TASK_FAILURE or "is not registered" in row.last_error:
        # An odd option of a model call stands in worker.py, and the error's line is where the agent runs.
        option = _odd_option() if NOT_A_LENGTH.search(row.last_error) else None
        raise raised_elsewhere(row.last_error, who, "workflow-fails", option or _theirs(row.place))
    if row.task_queue != run.task_queue:
        seen = f"{row.name} waits in the task queue {row.task_queue!r}, and the workers poll {run.task_queue!r}."
        raise incorrect("other-queue", seen, "Leave task_queue=... out: it then goes where the workflow is.")
    raise_if_badly_limited(row, "The activity is executed")


def _odd_option() -> Place | None:
    """An option that the learner's files give in another type than it has: a timeout or interval as a number or a text,
    a policy as a length of time.
    """
    for path in sorted(Path.cwd().glob("w*.py")):  # workflows and worker
        for node in ast.walk(tree_of(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.keyword):
                continue
            bare = isinstance(node.value, ast.Constant) and node.value.value is not None
            length = isinstance(node.value, ast.Call) and ast.unparse(node.value.func).endswith("timedelta")
            of_class = ast.unparse(node.value).endswith("RetryPolicy")  # without ()
            other = isinstance(node.value, ast.Dict | ast.List | ast.Tuple | ast.Lambda)
            if (bare and (node.arg or "").endswith(("_timeout", "_interval"))) or (
                node.arg == "retry_policy"
                and (bare or length or of_class or other or _contradicts_itself(ast.unparse(node.value)))
            ):
                return Place(str(path), node.value.lineno, "", f"{node.arg}={ast.unparse(node.value)}")
    return None


def _contradicts_itself(policy: str) -> bool:
    """Whether Temporal refuses a policy, given as code."""
    try:
        RetryPolicy(**eval(policy, {"RetryPolicy": dict, "timedelta": timedelta})).apply_to_proto(RetryPolicyProto())
    except ValueError:
        return True
    except Exception:  # it has other names in it, or is none
        return False
    return False


def raise_if_failed(run: Run) -> None:
    """For a run that an exception has ended."""
    if run.status == "failed":
        place = _theirs(place_of(run.errors))
        if place and "timeout" in place.code and run.failure.startswith("TimeoutError"):
            seen = f"The workflow failed with TimeoutError ({told(place)}): that wait raises it when its time is over."
            slip = "Catch it, with `except TimeoutError:`. Only to wait for a time: await workflow.sleep(...)."
            raise incorrect("wait-timed-out", seen, slip)
        raise raised_elsewhere(run.failure or run.status, "The workflow failed: it", "run-failed", place)


def raise_if_not_completed(run: Run, asked: str) -> None:
    """For a run that is still open, or has no result. `asked` begins the sentence."""
    if run.status != "completed":
        seen = f"{asked}, the workflow did not complete ({run.status}). {doing(run)}".strip()
        raise incorrect("not-finished", seen, "What does it wait for?" if run.open else "")


def raise_if_not_well(run: Run, asked: str) -> None:
    """For a run that cannot go on, has failed, or has no result. `asked` begins the last one's sentence."""
    raise_if_stuck(run)
    raise_if_failed(run)
    raise_if_not_completed(run, asked)


def doing(run: Run) -> str:
    """What an open run waits for, or what one that is over failed of, in a sentence."""
    row = next((row for row in reversed(run.rows) if row.open), None)
    if not row:
        return f"{shorten(run.failure)}." if run.failure else ""
    error = f", after {shorten(row.last_error)}" if row.errors else ""
    asked = f" of {row.asked}" if row.kind == Kind.TIMER else ""
    return f"It is at this: {row.kind} {row.name}{asked}, {row.state}{error}."


def raise_if_tried_once(row: Row, what: str) -> None:
    """For an activity that failed and was not retried."""
    if row.attempts >= 2:
        return
    seen = f"The weather service failed once, and the {what} was not retried: {shorten(row.last_error, 120)}."
    if row.maximum_attempts == 1:
        raise incorrect("no-retries", seen, "The RetryPolicy says maximum_attempts=1. Let it try again.")
    raise_if_badly_limited(row, f"The {what} failed")
    slip = "Does the activity raise with non_retryable=True, or the RetryPolicy name non_retryable_error_types?"
    raise incorrect("no-retries", seen, slip)


def length(timer: Row) -> float:
    """Of a timer, in seconds."""
    return float(timer.asked.removesuffix(" s"))


def sleeps_longer(run: Run, seconds: float) -> bool:
    """Whether a run is at its first timer, and that is longer than it was asked for."""
    timer = first(run, Kind.TIMER)
    return timer is not None and timer.open and length(timer) > seconds


def raise_if_not_timed(timers: Sequence[Row], seconds: float, slip: str, argument: str) -> None:
    """For a workflow that was asked to wait so many seconds, and set no timer or one of another length."""
    if not timers:
        raise incorrect("no-timer", f"Asked to wait {seconds} s, the workflow has no timer in its history.", slip)
    asked = {timer.asked for timer in timers}
    if asked != {f"{seconds} s"}:
        seen = f"Asked to wait {seconds} s, it set a timer of {', '.join(asked)}."
        times = round(length(timers[0]) / seconds, 6)
        unit = f" That is {times:g} times as long." if times.is_integer() else ""
        unit = f" It took the number for {UNITS[times]}." if times in UNITS else unit
        raise incorrect("other-length", seen, f"Sleep for {argument}, in seconds.{unit}")


def _theirs(place: Place | None) -> Place | None:
    """A line that raised; a workflow of the checks' own is nothing to look at."""
    return None if place is None or Path(place.file).is_relative_to(OURS) else place
