"""What several checks look for in the history of a run of the learner's workflow."""

from collections.abc import Sequence

from workshop.checks.learner import raised_elsewhere, shorten
from workshop.checks.verdict import incorrect
from workshop.history import TASK_FAILURE, Place, Row, Run

LONGEST_PAUSE = 10.0  # seconds


def of_kind(run: Run, kind: str) -> list[Row]:
    """Everything of one kind that happened in a run."""
    return [row for row in run.rows if row.kind == kind]


def first(run: Run, kind: str) -> Row | None:
    """The first of one kind that happened in a run."""
    return next(iter(of_kind(run, kind)), None)


def stuck_at(run: Run) -> Row | None:
    """What keeps a run from ever going on: workflow code that fails, or an activity that no worker has."""
    for row in run.rows:
        if row.open and (row.kind == TASK_FAILURE or "is not registered" in row.last_error):
            return row
    return None


def raise_if_stuck(run: Run, who: str = "The workflow") -> None:
    """For a run that cannot go on."""
    if row := stuck_at(run):
        raise raised_elsewhere(row.last_error, _line(row.place), who, "workflow-fails")


def raise_if_failed(run: Run) -> None:
    """For a run that an exception has ended."""
    if run.status == "failed":
        place = next((link.place for link in reversed(run.errors) if link.place), None)
        raise raised_elsewhere(run.failure or run.status, _line(place), "The workflow failed: it", "run-failed")


def raise_if_not_completed(run: Run, asked: str) -> None:
    """For a run that is still open, or has no result. `asked` begins the sentence."""
    if run.status != "completed":
        seen = f"{asked}, the workflow did not complete ({run.status}). {shorten(run.failure)}".strip()
        raise incorrect("not-finished", seen, "What does it wait for?" if run.open else "")


def raise_if_tried_once(row: Row, what: str) -> None:
    """For an activity that failed and was not retried."""
    if row.attempts < 2:
        seen = f"The weather service failed once, and the {what} was not retried."
        raise incorrect("no-retries", seen, "Does a RetryPolicy say maximum_attempts=1? Let it try again.")


def raise_if_unbounded(row: Row, what: str) -> None:
    """For an activity whose attempts have no end, or long pauses between them. `what` begins the sentence."""
    if row.schedule_to_close is None:
        seen = f"{what}, and nothing ends its attempts: it would wait out an outage of a year."
        raise incorrect("no-end", seen, "Limit them all to an hour: schedule_to_close_timeout=timedelta(hours=1).")
    if (row.longest_pause or 0) > LONGEST_PAUSE:
        seen = f"{what}, and its pauses between attempts grow to {row.longest_pause:g} s."
        slip = "retry_policy=RetryPolicy(...) takes a maximum_interval: timedelta(seconds=10)."
        raise incorrect("long-pauses", seen, slip)


def raise_if_not_timed(timers: Sequence[Row], seconds: float, slip: str, argument: str) -> None:
    """For a workflow that was asked to wait so many seconds, and set no timer or one of another length."""
    if not timers:
        raise incorrect("no-timer", f"Asked to wait {seconds} s, the workflow has no timer in its history.", slip)
    asked = {timer.asked for timer in timers}
    if asked != {f"{seconds} s"}:
        seen = f"Asked to wait {seconds} s, it set a timer of {', '.join(asked)}."
        raise incorrect("other-length", seen, f"Sleep for {argument}.")


def _line(place: Place | None) -> str:
    return f"{place.file.rpartition('/')[2]}, line {place.line}" if place else ""
