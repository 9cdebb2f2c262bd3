"""A check does not wait for what cannot come, and waits for what can."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from workshop.checks.history import sleeps_longer, waits_in_vain
from workshop.history import ChainedError, Kind, Row, Run

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
RUN = Run("id", "run", "T", "queue", "running", NOW, None, None, None, (), "", "", ())
FAILS = Row(
    Kind.ACTIVITY,
    "tool",
    "retrying",
    5,
    NOW,
    attempts=2,
    errors=(ChainedError("RuntimeError", ""), ChainedError("TypeError", "x")),
)


@pytest.mark.parametrize(
    ("row", "in_vain"),
    [
        (Row(Kind.WAIT, "for a signal or an update", "running", 0, NOW), True),
        (FAILS, True),
        (replace(FAILS, attempts=1), False),  # the service fails once
        (replace(FAILS, maximum_attempts=3), False),  # it ends by itself
        (replace(FAILS, errors=(ChainedError("ConnectError", "x"),)), False),
        (replace(FAILS, state="running"), False),
    ],
)
def test_what_cannot_come_is_not_waited_for(row: Row, in_vain: bool) -> None:
    assert waits_in_vain(replace(RUN, rows=(row,))) == in_vain


@pytest.mark.parametrize(("asked", "longer"), [("0.4 s", False), ("34560 s", True)])
def test_a_timer_that_is_too_long_is_not_waited_for(asked: str, longer: bool) -> None:
    timer = Row(Kind.TIMER, "timer", "running", 5, NOW, asked=asked)
    assert sleeps_longer(replace(RUN, rows=(timer,)), 0.4) == longer
    assert not sleeps_longer(replace(RUN, rows=(replace(timer, state="completed"),)), 0.4)
