"""The limits of an activity, as the history has them: which are too short, too long, or missing, and what to write."""

from collections.abc import Iterator

import httpx

from workshop.checks.learner import written
from workshop.checks.verdict import incorrect
from workshop.history import Row
from workshop.text import count, span

DAY = 86400.0
SHORTEST = 1.0  # seconds: no call is as quick, no heartbeat as frequent
# Of a tool or another activity. The exercises ask for 3 s for an attempt, an hour for all, 10 s between two.
LONGEST_ATTEMPT = 10.0  # and a killed worker is missed no sooner
SHORTEST_OUTAGE, LONGEST_OUTAGE = 120.0, 7 * DAY
LONGEST_PAUSE = 10.0
CALL = 2.5  # seconds that the HTTP call of activities.py may take
OUTAGE = {name for name in dir(httpx) if name.endswith(("Error", "Timeout", "Exception"))} | {
    "RuntimeError",  # of the drill
    "Exception",
}  # types of errors that a service raises which is down
# Of a model call, which may take long: a killed worker is noticed by its heartbeats.
LONGEST_ANSWER = 3600.0
NOTICED = 10.0  # seconds within which a killed worker has to be missed
OUTAGE_ATTEMPTS = 5  # that a model call takes in the lesson with the longest outage

# Whether a limit is not as it should be, the verdict's code for that, what was seen, what to write.
Limits = Iterator[tuple[bool, str, str, str]]


def raise_if_badly_limited(row: Row, what: str = "") -> None:
    """For an activity whose limits make it wait too short or too long, or let a lost worker go unnoticed. `what` begins
    the sentence, unless it is a model call.
    """
    if row.local and row.model:  # the history has no limits of it
        seen = "The model call is a local activity: no heartbeats, and a kill loses it with the workflow task."
        raise incorrect("local-activity", seen, "Leave use_local_activity=True out of ModelActivityParameters.")
    for odd, code, seen, slip in _of_model(row) if row.model else _of_activity(row, what):
        if odd:
            raise incorrect(code, seen, slip)


def _of_activity(row: Row, what: str) -> Limits:
    one, together, beat = row.start_to_close or 0.0, row.schedule_to_close or 0.0, row.heartbeat_timeout or 0.0
    alone = one == together  # as the server has it, where only the limit of all attempts is given
    attempt = "start_to_close_timeout=timedelta(seconds=3)."

    seen = f"{what}, and an attempt is ended after {_long(one)}: no call is that fast."
    yield 0 < one < SHORTEST and not alone, "short-attempt", seen, f"One attempt: {attempt}"

    seen = f"{what}, and a heartbeat is missed after {_long(beat)}: every attempt counts as lost."
    yield 0 < beat < SHORTEST, "short-heartbeat", seen, "heartbeat_timeout=timedelta(seconds=3), or none."

    sends = "heartbeat" in written("activities.py")
    seen = f"{what}, and an attempt ends after {_long(beat)} without a heartbeat: activities.py sends none."
    slip = "Leave heartbeat_timeout out: one call of up to 2.5 s has nothing to report on its way."
    if alone:
        slip += f" What limits an attempt is {attempt}"
    yield beat > 0 and (alone or beat < min(one, CALL)) and not sends, "no-heartbeats-sent", seen, slip

    seen = f"{what}, and nothing ends its attempts: it would wait out an outage of a year."
    slip = "Limit them all to an hour: schedule_to_close_timeout=timedelta(hours=1)."
    if "schedule_to_start_timeout" in written("workflows.py"):
        slip += " schedule_to_start_timeout limits the wait for a worker, and nothing else."
    yield not together, "no-end", seen, slip

    seen = f"{what}, and gives up after {_long(together)}: an outage lasts longer."
    slip = "schedule_to_close_timeout is for all attempts together: timedelta(hours=1)."
    yield together < SHORTEST_OUTAGE, "short-end", seen, f"{'Are the two timeouts swapped? ' if alone else ''}{slip}"

    seen = f"{what}, and gives up only after {_long(together)}."
    yield together > LONGEST_OUTAGE, "no-end", seen, f"All attempts together: timedelta(hours=1).{_days(together)}"

    unnoticed = "a worker killed during it is not noticed before that"
    seen = f"{what}, and one attempt may take all of {_long(one)}: {unnoticed}."
    yield alone, "no-attempt-limit", seen, f"Limit one attempt: {attempt} timedelta(3) would be days."

    seen = f"{what}, and one attempt may take {_long(one)}: {unnoticed}."
    yield one > LONGEST_ATTEMPT, "long-attempt", seen, f"One attempt: {attempt}{_days(one)}"

    pauses = SHORTEST_OUTAGE if row.pauses is None else row.pauses  # without a maximum of attempts there is no end
    seen = f"{what}, and gives up after {count(row.maximum_attempts, 'attempt')}, with pauses of {_long(pauses)}."
    slip = "An outage lasts longer: leave maximum_attempts out, the hour is limit enough."
    yield pauses < SHORTEST_OUTAGE, "few-attempts", seen, slip

    never = [name for name in row.never_retried if name in OUTAGE]
    seen = f"{what}, and its RetryPolicy never retries {' and '.join(never)}: a service that is down raises that."
    yield bool(never), "no-retries", seen, "Leave non_retryable_error_types out: an outage is to be waited out."

    longest = row.longest_pause or 0.0
    slip = f"retry_policy=RetryPolicy(...) takes a maximum_interval: timedelta(seconds=10).{_days(longest)}"
    if (row.first_pause or 0) > LONGEST_PAUSE / 2:
        slip += f" Its initial_interval, which RetryPolicy(...) takes first, is {row.first_pause:g} s."
    seen = f"{what}, and its pauses between attempts grow to {longest:g} s."
    yield longest > LONGEST_PAUSE, "long-pauses", seen, slip


def _of_model(row: Row) -> Limits:
    one, beat, pause = row.start_to_close or 0.0, row.heartbeat_timeout or 0.0, row.first_pause or 0.0

    slip = "In MODEL_CALL: start_to_close_timeout=timedelta(seconds=60). timedelta(60) would be days."
    yield one < SHORTEST, "short-attempt", f"A model call is ended after {_long(one)}: no call is that fast.", slip
    seen = f"A model that hangs is waited for {span(one)}, in one attempt."
    yield one > LONGEST_ANSWER, "long-attempt", seen, slip

    slip = "Give the plugin model_params=MODEL_CALL, with heartbeat_timeout=timedelta(seconds=3)."
    unnoticed = f"A worker killed in a model call would go unnoticed for {span(beat or one)}"
    yield not beat, "no-heartbeat", f"{unnoticed}: there are no heartbeats.", slip
    seen = f"A heartbeat is missed after {_long(beat)}: each attempt counts as lost, and is paid for again."
    yield beat < SHORTEST, "short-heartbeat", seen, slip
    yield beat > NOTICED, "no-heartbeat", f"{unnoticed}.", slip

    slip = "Leave schedule_to_close_timeout out of MODEL_CALL: its RetryPolicy ends the attempts."
    seen = f"All attempts of a model call may take {_long(row.schedule_to_close or 0.0)} together: outages last longer."
    yield 0 < (row.schedule_to_close or 0.0) < SHORTEST_OUTAGE / 2, "short-end", seen, slip

    slip = "In MODEL_CALL's RetryPolicy: initial_interval=timedelta(seconds=0.2), maximum_attempts=12."
    seen = f"A killed worker's call would wait {span(pause)} to be made again."
    yield pause > NOTICED, "long-pauses", seen, slip
    seen = f"A model call fails for good after {count(row.maximum_attempts, 'attempt')}: no outage is over by then."
    yield 0 < row.maximum_attempts < OUTAGE_ATTEMPTS, "few-attempts", seen, slip


def _long(seconds: float) -> str:
    return span(seconds) if seconds >= 1 else f"{seconds * 1000:g} ms"


def _days(seconds: float) -> str:
    days = seconds / DAY
    return f" timedelta({days:g}) is {count(int(days), 'day')}." if days.is_integer() else ""
