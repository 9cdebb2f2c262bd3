"""The faults, and how a run of the plain and of the durable agent ends under each: the one list of them.

tests/test_fault_table.py holds the solutions to it; `python -m bench.fault_table` runs it and writes docs/faults.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from tests.folders import DURABLE, ROUTING

# How a run ends. BLIND: the model is told that its tool failed, and says so; EMPTY: so is its answer. Both exit with 0.
ANSWERED, BLIND, LOST, FAILED = "answered", "answered without the weather", "lost", "failed, saying why"
EMPTY = "answered with nothing, saying so"

Edits = Mapping[str, tuple[str, str]]  # a file of a solution -> a text in it, and what stands there instead


@dataclass(frozen=True)
class Ends:
    """How a run ends, counted from the ledger. A run without an answer is asked again once the fault is over."""

    outcome: str
    attempts: int  # at the call that met the fault, before asking again
    paid: int  # model calls answered, or in flight when the caller was killed or gave up
    twice: int = 0  # of them, those that had been paid before
    says: str = field(default="", compare=False)  # what a person reads first names this

    def saying(self, words: str) -> "Ends":
        return replace(self, says=words)


@dataclass(frozen=True)
class Case:
    """One fault. `plain` is None where it cannot meet the plain agent."""

    id: str
    title: str
    plain: Ends | None
    durable: Ends
    target: str = "model"
    fault: Callable[[], dict[str, Any]] | None = None  # as for POST /faults, without its target
    in_full: Callable[[], dict[str, Any]] | None = None  # the fault without what the tests shorten
    at: int = 2  # the model call that meets it
    # "worker", "politely", "server", "both": in the middle of a call; "answered": between a call's answer and its
    # record. For the plain agent: itself.
    kill: str = ""
    folder: Path = DURABLE
    plain_edits: Edits = field(default_factory=dict)
    durable_edits: Edits = field(default_factory=dict)


def _(kind: str, times: int | None = None, **options: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {"kind": kind, "times": times, **options}


def _dated() -> dict[str, Any]:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    return {"kind": "rate-limit", "times": 1, "retry_after": soon}


# An undisturbed run is two model calls. A plain one that is lost in its second pays for the first of them again.
THREE_AND_LOST = Ends(LOST, attempts=3, paid=3, twice=1)
ONE_AND_LOST = Ends(LOST, attempts=1, paid=3, twice=1)
KILLED = Ends(LOST, attempts=1, paid=4, twice=2)
TOLD = Ends(BLIND, attempts=1, paid=2, says="The tool reported an error")
RETRIED = Ends(ANSWERED, attempts=4, paid=2)
REFUSED = Ends(FAILED, attempts=1, paid=3, twice=1)

# Timeouts of minutes, shortened so that nobody has to wait for them.
_CALL = "    try:\n        result"
SHORT_PLAIN = {
    "starter.py": (
        _CALL,
        f"    import agents, openai\n    agents.set_default_openai_client(openai.AsyncOpenAI(timeout=1))\n{_CALL}",
    )
}
SHORT_DURABLE = {
    "worker.py": ("start_to_close_timeout=timedelta(seconds=60)", "start_to_close_timeout=timedelta(seconds=2)")
}
_CHAT = "import agents\nagents.set_default_openai_api('chat_completions')\n"
CHAT = {
    "starter.py": ("async def run_plain", f"{_CHAT}async def run_plain"),
    "worker.py": ("async def main", f"{_CHAT}async def main"),
}

CASES = (
    Case("rate-limit", "rate limit, 3 times", THREE_AND_LOST.saying("429"), RETRIED, fault=_("rate-limit", 3)),
    Case(
        "retry-after",
        "rate limit, 3 times, with `Retry-After`",
        THREE_AND_LOST.saying("429"),
        RETRIED,
        fault=_("rate-limit", 3, retry_after=0.2),
    ),
    Case(
        "retry-after-date",
        "rate limit, once, with a date as `Retry-After`",
        Ends(ANSWERED, attempts=2, paid=2),
        Ends(ANSWERED, attempts=2, paid=2),
        fault=_dated,
    ),
    Case("down", "5xx, 3 times", THREE_AND_LOST.saying("503"), RETRIED, fault=_("down", 3)),
    Case("drop", "connection dropped, 3 times", THREE_AND_LOST.saying("Connection"), RETRIED, fault=_("drop", 3)),
    Case(
        "slow",
        "slower than the timeout, 3 times",
        Ends(LOST, attempts=3, paid=6, twice=4, says="APITimeoutError"),
        Ends(ANSWERED, attempts=4, paid=5, twice=3),
        fault=_("slow", 3, delay=60),
        plain_edits=SHORT_PLAIN,
        durable_edits=SHORT_DURABLE,
    ),
    Case("garbage", "an answer that is not JSON, 3 times", ONE_AND_LOST.saying("JSON"), RETRIED, fault=_("garbage", 3)),
    Case(
        "error-body",
        "an error with status 200 (Chat Completions), once",
        ONE_AND_LOST,
        Ends(ANSWERED, attempts=2, paid=2),
        fault=_("error-body", 1),
        plain_edits=CHAT,
        durable_edits=CHAT,
    ),
    Case(
        "bad-key",
        "401",
        ONE_AND_LOST.saying("Incorrect API key"),
        REFUSED.saying("Incorrect API key"),
        fault=_("bad-key"),
    ),
    Case(
        "quota",
        "no credit left (429 `insufficient_quota`)",
        THREE_AND_LOST.saying("billing"),
        replace(REFUSED, attempts=12).saying("billing"),
        fault=_("quota", retry_after=0.05),
        in_full=_("quota"),
    ),
    Case(
        "unknown-tool",
        "model asks for a tool that was never offered",
        ONE_AND_LOST.saying("get_forecast_now"),
        REFUSED.saying("get_forecast_now"),
        fault=_("unknown-tool", 1),
        at=1,
    ),
    Case(
        "bad-arguments",
        "model asks for a tool with arguments that are not an object",
        Ends(ANSWERED, attempts=1, paid=3),
        REFUSED.saying("must be a mapping"),
        fault=_("bad-arguments", 1),
        at=1,
    ),
    Case(
        "empty-answer",
        "model answers with nothing",
        Ends(EMPTY, attempts=1, paid=2, says="The answer is empty"),
        Ends(EMPTY, attempts=1, paid=2, says="The answer is empty"),
        fault=_("empty-answer", 1),
    ),
    Case(
        "two-handoffs",
        "model hands off to two agents at once",
        Ends(ANSWERED, attempts=1, paid=3),
        Ends(ANSWERED, attempts=1, paid=3),
        fault=_("two-handoffs", 1),
        at=1,
        folder=ROUTING,
    ),
    Case("weather-down", "weather: 5xx, twice", TOLD, replace(RETRIED, attempts=3), "weather", _("down", 2)),
    Case(
        "weather-slow",
        "weather: slower than its timeout",
        TOLD,
        replace(RETRIED, attempts=2),
        "weather",
        _("slow", 1, delay=60),
    ),
    Case(
        "weather-garbage",
        "weather: an answer that is not JSON",
        TOLD,
        replace(RETRIED, attempts=2),
        "weather",
        _("garbage", 1),
    ),
    Case("weather-not-found", "weather: 404", TOLD, REFUSED.saying("404"), "weather", _("not-found")),
    Case("weather-forbidden", "weather: 403", TOLD, REFUSED.saying("403"), "weather", _("forbidden")),
    Case("weather-huge", "weather: 3 MB", Ends(ANSWERED, 1, 2), Ends(ANSWERED, 1, 2), "weather", _("huge")),
    Case("worker-killed", "worker killed", KILLED, Ends(ANSWERED, attempts=2, paid=3, twice=1), kill="worker"),
    Case(
        "worker-killed-answered",
        "worker killed between an answer and its record",
        KILLED,
        Ends(ANSWERED, attempts=2, paid=3, twice=1),
        kill="answered",
    ),
    Case(
        "worker-stopped",
        "worker stopped politely (SIGTERM)",
        KILLED,
        Ends(ANSWERED, attempts=1, paid=2),
        kill="politely",
    ),
    Case(
        "server-killed",
        "server killed, in the tool",
        None,
        Ends(ANSWERED, attempts=1, paid=2),
        "weather",
        kill="server",
    ),
    Case("both-killed", "worker and server killed", KILLED, Ends(ANSWERED, attempts=2, paid=3, twice=1), kill="both"),
)
