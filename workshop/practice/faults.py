"""A fault plan: what the practice services get wrong on purpose, how many times, and for how long.

One fault per target at most. A fault can be set, replaced and cleared while requests are in flight: requests that it
is delaying go on at once. Standard library only.
"""

import asyncio
import math
import random
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from email.utils import parsedate_to_datetime
from typing import Any

# Each kind, and what a caller meets. One more needs its line here and in the help of `workshop fault` (cli.py), and the
# place that acts it out: model_service.py for what goes wrong with a request, model.py for what the model says wrong,
# weather.py; a delay is endpoints.py's. How a plain and a durable run end under it: tests/fault_table.py.
KINDS = {
    "model": {
        "rate-limit": "429",
        "quota": "429, and no retry helps",
        "bad-key": "401",
        "down": "503",
        "server-error": "500",
        "drop": "the connection is cut without an answer",
        "slow": "answered after a delay",
        "garbage": "200, and a body that is not JSON",
        "error-body": "200, and an error inside",
        "unknown-tool": "asks for a tool that was not offered",
        "two-handoffs": "hands over to two agents at once",
        "bad-arguments": "asks for a tool with arguments that are not an object",
        "empty-answer": "answers with an empty text",
    },
    "weather": {
        "down": "503",
        "slow": "answered after a delay",
        "drop": "the connection is cut without an answer",
        "garbage": "200, and a body that is not JSON",
        "not-found": "404",
        "forbidden": "403",
        "huge": "3 MB of alerts",
        "over": "no alerts any more: with `after`, the warnings end after so many requests",
    },
}
Held = set["asyncio.Task[Any]"]  # requests that a fault delays
DEFAULT_DELAY = 5.0  # seconds, for `slow` without a delay
MAX_DELAY = 3600.0  # seconds


class BadFault(ValueError):
    """A fault that makes no sense; its text is one line a person can act on."""


@dataclass
class Fault:
    """One fault as it is set: `after` requests are let through, then it hits `times` of them (None: without end)."""

    target: str
    kind: str
    times: int | None = None
    after: int | None = None
    delay: float | None = None  # seconds, for any kind
    retry_after: str | None = None
    probability: float | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        self.left = self.times
        self.spare = self.after or 0  # requests still to be let through
        self.dice = random.Random(self.seed)
        self.released = asyncio.Event()  # set when the fault is cleared or replaced
        self.held: Held = set()

    @classmethod
    def parse(cls, spec: Any) -> "Fault":
        """Reads the JSON of `POST /faults`.

        Raises:
            BadFault: a value is missing, unknown or out of range.
        """
        if not spec or not isinstance(spec, dict):
            raise BadFault("a fault is a JSON object with target and kind")
        names = [field.name for field in fields(cls)]
        unknown = sorted(set(spec) - set(names))
        if unknown:
            raise BadFault(f"unknown field {unknown[0]!r}; a fault has: {', '.join(names)}")
        target, kind = spec.get("target"), spec.get("kind")
        if not isinstance(target, str) or target not in KINDS:
            raise BadFault(f"no such target: {target!r}; there are: {', '.join(KINDS)}")
        if not isinstance(kind, str) or kind not in KINDS[target]:
            raise BadFault(f"no such fault for {target}: {kind!r}; there are: {', '.join(KINDS[target])}")
        times = _number(spec, "times", 1, 1_000_000, whole=True)
        after = _number(spec, "after", 0, 1_000_000, whole=True)
        delay = _number(spec, "delay", 0, MAX_DELAY)
        probability = _number(spec, "probability", 0, 1)
        seed = _number(spec, "seed", -(2**63), 2**63, whole=True)
        if kind == "slow" and delay is None:
            delay = DEFAULT_DELAY
        return cls(target, kind, times, after, delay, _retry_after(spec.get("retry_after")), probability, seed)

    def as_json(self) -> dict[str, Any]:
        """The shape that `GET /faults` shows."""
        return {**asdict(self), "left": self.left, "spare": self.spare}

    def hits(self) -> bool:
        """Counts a request that has come in, and says whether the fault hits it."""
        if self.left == 0:
            return False
        if self.spare:
            self.spare -= 1
            return False
        if self.probability is not None and self.dice.random() >= self.probability:
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def hold(self) -> None:
        """Notes that this fault delays the current request, until that is answered."""
        if request := asyncio.current_task():
            self.held.add(request)
            request.add_done_callback(self.held.discard)

    def headers(self) -> dict[str, str]:
        """`Retry-After` as a whole number of seconds or an HTTP date; fractions also as OpenAI's `retry-after-ms`."""
        if self.retry_after is None:
            return {}
        seconds = _seconds(self.retry_after)
        if seconds is None:
            return {"Retry-After": self.retry_after}
        exact = {} if seconds.is_integer() else {"Retry-After-Ms": f"{seconds * 1000:.0f}"}
        return {"Retry-After": str(math.ceil(seconds)), **exact}


class Faults:
    """The plan in force. Used from one event loop only."""

    def __init__(self) -> None:
        self._now: dict[str, Fault] = {}

    def set(self, spec: Any) -> Held:
        """Sets one fault in place of its target's old one, which it clears: returns the requests that this delayed.

        Raises:
            BadFault: it makes no sense; nothing has changed then.
        """
        fault = Fault.parse(spec)
        released = self.clear(fault.target)
        self._now[fault.target] = fault
        return released

    def clear(self, target: str | None = None) -> Held:
        """Ends the fault of one target, or of all; releases the requests that it delays, and returns them.

        Raises:
            BadFault: there is no such target.
        """
        if target is not None and target not in KINDS:
            raise BadFault(f"no such target: {target!r}; there are: {', '.join(KINDS)}")
        released: Held = set()
        for name in [target] if target else list(KINDS):
            if fault := self._now.pop(name, None):
                fault.released.set()
                released |= fault.held
        return released

    def take(self, target: str, unless: Collection[str] = ()) -> Fault | None:
        """The fault that this request meets, counted, or None.

        Args:
            target: "model" or "weather".
            unless: kinds that cannot be shown on this request; they stay for a later one.
        """
        fault = self._now.get(target)
        return fault if fault and fault.kind not in unless and fault.hits() else None

    def as_json(self) -> list[dict[str, Any]]:
        """What is set now. A fault that is used up is left out: it stays only until what it delays is released."""
        return [fault.as_json() for fault in self._now.values() if fault.left != 0]


def _number(spec: dict[str, Any], name: str, low: float, high: float, whole: bool = False) -> Any:
    value = spec.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not low <= value <= high:
        limits = f" from {low:g} to {high:g}" if high < 2**62 else ""
        raise BadFault(f"{name} is a {'whole ' * whole}number{limits}, not {value!r}")
    return value if whole else float(value)


def _retry_after(value: Any) -> str | None:
    """Seconds, or an HTTP date, which some services send: a client that calls float() on it breaks."""
    if value is None:
        return None
    text = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else value
    if isinstance(text, str):
        text = text.strip()
        if _seconds(text) is not None:
            return text
        try:
            if text.isascii() and text.isprintable() and parsedate_to_datetime(text).tzinfo:
                return text
        except (ValueError, TypeError, IndexError, OverflowError):
            pass
    raise BadFault(
        f"retry_after is seconds up to 999999 (2, 0.5) or an HTTP date (Wed, 25 Nov 2026 12:00:00 GMT), not {value!r}"
    )


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text, re.ASCII) else None
