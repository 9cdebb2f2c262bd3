"""The bounds that an activity's retries are given."""

from workshop.checks.verdict import incorrect
from workshop.history import Row

LONGEST_PAUSE = 10.0  # seconds


def bounded(row: Row, what: str) -> None:
    """Raises for what is missing of the bounds that the history holds for an activity: an end, and short pauses."""
    if row.schedule_to_close is None:
        seen = f"{what}, and nothing ends its attempts: an outage of a year is waited out."
        raise incorrect("no-end", seen, "All together an hour: schedule_to_close_timeout=timedelta(hours=1).")
    if (row.longest_pause or 0) > LONGEST_PAUSE:
        seen = f"{what}, and its pauses between attempts grow to {row.longest_pause:g} s."
        slip = "retry_policy=RetryPolicy(...) takes a maximum_interval: timedelta(seconds=10)."
        raise incorrect("long-pauses", seen, slip)
