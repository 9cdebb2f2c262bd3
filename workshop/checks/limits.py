"""The limits of an activity, as the history has them: which are too short, too long, or missing, and what to write."""

from workshop.checks.verdict import incorrect
from workshop.history import Row
from workshop.text import count, span

DAY = 86400.0
SHORTEST = 1.0  # seconds: no call is as quick, no heartbeat as frequent
# Of a tool or another activity. The exercises ask for 3 s for an attempt, an hour for all, 10 s between two.
LONGEST_ATTEMPT = 60.0
SHORTEST_OUTAGE, LONGEST_OUTAGE = 120.0, 7 * DAY
LONGEST_PAUSE = 10.0
# Of a model call, which may take long: a killed worker is noticed by its heartbeats.
LONGEST_ANSWER = 3600.0
NOTICED = 10.0  # seconds within which a killed worker has to be missed
OUTAGE_ATTEMPTS = 5  # that a model call takes in the lesson with the longest outage

# A limit that is not as it should be: whether it is so, the verdict's code, what was seen, what to write.
Limit = tuple[bool, str, str, str]


def raise_if_badly_limited(row: Row, what: str = "") -> None:
    """For an activity whose limits make it wait too short or too long, or let a lost worker go unnoticed. `what` begins
    the sentence, unless it is a model call.
    """
    limits = _of_model(row) if row.model else [(a, b, f"{what}, and {seen}", d) for a, b, seen, d in _of_activity(row)]
    for odd, code, seen, slip in limits:
        if odd:
            raise incorrect(code, seen, slip)


def _of_activity(row: Row) -> list[Limit]:
    one, together, beat = row.start_to_close or 0.0, row.schedule_to_close or 0.0, row.heartbeat_timeout or 0.0
    alone = one == together  # as the server has it, where only the limit of all attempts is given
    missed = "a worker killed in it is not missed before."
    swapped = "Are the two timeouts swapped? " if alone else ""
    attempt, attempts = "start_to_close_timeout=timedelta(seconds=3).", "schedule_to_close_timeout=timedelta(hours=1)."
    return [
        (
            0 < one < SHORTEST and not alone,
            "short-attempt",
            f"an attempt is ended after {_long(one)}: no call is as quick.",
            f"One attempt: {attempt}",
        ),
        (
            0 < beat < SHORTEST,
            "short-heartbeat",
            f"a heartbeat is missed after {_long(beat)}: every attempt is taken for lost.",
            "heartbeat_timeout=timedelta(seconds=3), or none.",
        ),
        (
            not together,
            "no-end",
            "nothing ends its attempts: it would wait out an outage of a year.",
            f"Limit them all to an hour: {attempts}",
        ),
        (
            together < SHORTEST_OUTAGE,
            "short-end",
            f"gives up after {_long(together)}: an outage lasts longer.",
            f"{swapped}schedule_to_close_timeout is for all attempts together: timedelta(hours=1).",
        ),
        (
            together > LONGEST_OUTAGE,
            "no-end",
            f"gives up only after {_long(together)}.",
            f"All attempts together: timedelta(hours=1).{_days(together)}",
        ),
        (
            alone,
            "no-attempt-limit",
            f"one attempt may take all of {_long(one)}: {missed}",
            f"Limit one attempt: {attempt}",
        ),
        (
            one > LONGEST_ATTEMPT,
            "long-attempt",
            f"one attempt may take {_long(one)}: {missed}",
            f"One attempt: {attempt}{_days(one)}",
        ),
        (
            row.pauses is not None and row.pauses < SHORTEST_OUTAGE / 2,
            "few-attempts",
            f"{count(row.maximum_attempts, 'attempt')} are all: it gives up within {_long(row.pauses or 0)} of pauses.",
            "An outage lasts longer: leave maximum_attempts out, the hour is limit enough.",
        ),
        (
            (row.longest_pause or 0) > LONGEST_PAUSE,
            "long-pauses",
            f"its pauses between attempts grow to {row.longest_pause or 0:g} s.",
            "retry_policy=RetryPolicy(...) takes a maximum_interval: timedelta(seconds=10).",
        ),
    ]


def _of_model(row: Row) -> list[Limit]:
    one, beat, pause = row.start_to_close or 0.0, row.heartbeat_timeout or 0.0, row.first_pause or 0.0
    unnoticed = f"A worker killed in a model call would go unnoticed for {span(beat or one)}"
    minute = "In MODEL_CALL: start_to_close_timeout=timedelta(seconds=60). timedelta(60) would be days."
    beats = "Give the plugin model_params=MODEL_CALL, with heartbeat_timeout=timedelta(seconds=3)."
    policy = "In MODEL_CALL's RetryPolicy: initial_interval=timedelta(seconds=0.2), maximum_attempts=12."
    return [
        (one < SHORTEST, "short-attempt", f"A model call is ended after {_long(one)}: none is as quick.", minute),
        (
            one > LONGEST_ANSWER,
            "long-attempt",
            f"A model that hangs is waited for {span(one)}, in one attempt.",
            minute,
        ),
        (not beat, "no-heartbeat", f"{unnoticed}: there are no heartbeats.", beats),
        (
            beat < SHORTEST,
            "short-heartbeat",
            f"A heartbeat is missed after {_long(beat)}: each attempt is taken for lost, and paid for again.",
            beats,
        ),
        (beat > NOTICED, "no-heartbeat", f"{unnoticed}.", beats),
        (
            pause > NOTICED,
            "long-pauses",
            f"A killed worker's call would wait {span(pause)} to be made again.",
            policy,
        ),
        (
            0 < row.maximum_attempts < OUTAGE_ATTEMPTS,
            "few-attempts",
            f"A model call fails for good after {count(row.maximum_attempts, 'attempt')}: no outage is over by then.",
            policy,
        ),
    ]


def _long(seconds: float) -> str:
    return span(seconds) if seconds >= 1 else f"{seconds * 1000:g} ms"


def _days(seconds: float) -> str:
    days = seconds / DAY
    return f" timedelta({days:g}) is {count(int(days), 'day')}." if days.is_integer() else ""
