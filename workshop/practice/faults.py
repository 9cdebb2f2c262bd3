"""A fault plan: what the practice services get wrong on purpose, how often, and for how long.

One fault a target at most. A fault can be set, replaced and cleared while requests are in flight: requests that it
is delaying go on at once. Standard library only.
"""

import asyncio
import math
import random
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

KINDS = {
    "model": (
        "rate-limit",
        "quota",
        "bad-key",
        "down",
        "server-error",
        "drop",
        "slow",
        "garbage",
        "error-body",
        "unknown-tool",
        "two-handoffs",
    ),
    "weather": ("down", "slow", "drop", "garbage", "not-found", "forbidden", "huge"),
}
Held = set["asyncio.Task[Any]"]  # requests that a fault delays
DEFAULT_DELAY = 5.0  # seconds, for `slow` without a delay
MAX_DELAY = 3600.0  # seconds
FIELDS = ("target", "kind", "times", "after", "delay", "retry_after", "probability", "seed")


class BadFault(ValueError):
    """A fault that makes no sense; its text is one line a person can act on."""


@dataclass(frozen=True)
class Hit:
    """What one request meets. `released` is set when the fault is cleared or replaced; `delay` is in seconds."""

    kind: str
    delay: float | None
    retry_after: str | None
    released: asyncio.Event
    held: Held

    def headers(self) -> dict[str, str]:
        """`Retry-After` as a whole number of seconds or an HTTP date; fractions also as OpenAI's `retry-after-ms`."""
        if self.retry_after is None:
            return {}
        seconds = _seconds(self.retry_after)
        if seconds is None:
            return {"Retry-After": self.retry_after}
        exact = {} if seconds.is_integer() else {"Retry-After-Ms": f"{seconds * 1000:.0f}"}
        return {"Retry-After": str(math.ceil(seconds)), **exact}

    def hold(self) -> None:
        """Counts the request that is being answered among those that this fault delays, until it is answered."""
        if request := asyncio.current_task():
            self.held.add(request)
            request.add_done_callback(self.held.discard)

    async def wait(self) -> None:
        """Lasts `delay` seconds, or until the fault is cleared."""
        if self.delay:
            try:
                await asyncio.wait_for(self.released.wait(), self.delay)
            except TimeoutError:
                return


@dataclass
class Fault:
    """One fault as it is set. `left` counts down from `times`, None means without end; `spare` counts down from
    `after`, the requests that are let through first.
    """

    target: str
    kind: str
    times: int | None = None
    after: int | None = None
    delay: float | None = None
    retry_after: str | None = None
    probability: float | None = None
    seed: int | None = None
    left: int | None = None
    spare: int = 0
    dice: random.Random = field(default_factory=random.Random, repr=False)
    released: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    held: Held = field(default_factory=set, repr=False)

    @classmethod
    def parse(cls, spec: Any) -> "Fault":
        """Reads the JSON of `POST /faults`.

        Raises:
            BadFault: a value is missing, unknown or out of range.
        """
        if not isinstance(spec, dict):
            raise BadFault("a fault is a JSON object with target and kind")
        unknown = sorted(set(spec) - set(FIELDS))
        if unknown:
            raise BadFault(f"unknown field {unknown[0]!r}; a fault has: {', '.join(FIELDS)}")
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
        return cls(
            target=target,
            kind=kind,
            times=None if times is None else int(times),
            left=None if times is None else int(times),
            after=None if after is None else int(after),
            spare=int(after or 0),
            delay=DEFAULT_DELAY if kind == "slow" and delay is None else delay,
            retry_after=_retry_after(spec.get("retry_after")),
            probability=probability,
            seed=None if seed is None else int(seed),
            dice=random.Random(None if seed is None else int(seed)),
        )

    def as_json(self) -> dict[str, Any]:
        """The shape that `GET /faults` shows."""
        return {name: getattr(self, name) for name in (*FIELDS, "left", "spare")}


class Faults:
    """The plan in force. Used from one event loop only."""

    def __init__(self) -> None:
        self._now: dict[str, Fault] = {}

    def set(self, spec: Any) -> Held:
        """Puts one fault in force, in place of its target's old one. Otherwise as `clear`."""
        fault = Fault.parse(spec)
        released = self.clear(fault.target)
        self._now[fault.target] = fault
        return released

    def clear(self, target: str | None = None) -> Held:
        """Ends the fault of one target, or all of them, and lets go the requests that they delay: those it returns.

        Raises:
            BadFault: there is no such target.
        """
        if target is not None and target not in KINDS:
            raise BadFault(f"no such target: {target!r}; there are: {', '.join(KINDS)}")
        released: Held = set()
        for name in [target] if target else list(KINDS):
            fault = self._now.pop(name, None)
            if fault:
                fault.released.set()
                released |= fault.held
        return released

    def as_json(self) -> list[dict[str, Any]]:
        """What is set now; one that is used up is no longer set."""
        return [fault.as_json() for fault in self._now.values() if fault.left != 0]

    def take(self, target: str, unless: Collection[str] = ()) -> Hit | None:
        """The fault that this request meets, counted, or None.

        Args:
            target: "model" or "weather".
            unless: kinds that cannot be shown on this request; they stay for a later one.
        """
        fault = self._now.get(target)
        if fault is None or fault.left == 0 or fault.kind in unless:
            return None
        if fault.spare:
            fault.spare -= 1
            return None
        if fault.probability is not None and fault.dice.random() >= fault.probability:
            return None
        if fault.left is not None:
            fault.left -= 1  # at 0 it stays here, so that `clear` can still let go what it delays
        return Hit(fault.kind, fault.delay, fault.retry_after, fault.released, fault.held)


def _number(spec: dict[str, Any], name: str, low: float, high: float, whole: bool = False) -> float | None:
    value = spec.get(name)
    if value is None:
        return None
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        what = "a whole number" if whole else "a number"
        limits = f" from {low:g} to {high:g}" if high < 2**62 else ""
        raise BadFault(f"{name} is {what}{limits}, not {value!r}")
    return int(value) if whole else float(value)


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text, re.ASCII) else None


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
    raise BadFault(f"retry_after is seconds (2, 0.5) or an HTTP date (Wed, 25 Nov 2026 12:00:00 GMT), not {value!r}")
