"""What the practice services were asked, what they answered, and what it would have cost.

In memory, bounded: the last 5,000 requests and 1,000 runs are kept. Used from one event loop only. Nothing of a
request's headers is kept, so no key can be. Standard library only.
"""

import hashlib
import itertools
import json
import re
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

MAX_ENTRIES = 5_000
MAX_RUNS = 1_000
MAX_TEXT = 300  # characters of a question or an answer that are kept
# Ids that the practice model has made: each answer has others, so they say which conversation a request belongs to.
MADE_ID = re.compile(r"\b(?:call|fc|msg|resp)_[0-9a-f]{32}(?:_\d+)?\b")


@dataclass
class Entry:
    """One request. `ended`, `answered` and `status` stay None while it is in flight.

    What one more field says is passed in by model_service.py or weather.py, and shown by report.py and console.html.
    """

    id: int
    service: str
    began: str
    asked: str
    fingerprint: str
    run: str | None = None
    turn: int | None = None
    model: str | None = None
    ended: str | None = None
    answered: str | None = None
    outcome: str = "in flight"
    status: int | None = None
    fault: str | None = None
    repeats: int | None = None  # the entry that completed the same request of the same run before
    # Of a request to alert residents: whether it did, or its key had been used before, by the entry that it repeats.
    sent: bool | None = None
    response_id: str | None = None  # of the answer; no two answers have the same
    request_id: str | None = None  # likewise, in its header X-Request-Id
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


@dataclass
class AgentRun:
    """One run of an agent, recognised by the ids in its conversation, or by how the conversation begins."""

    name: str
    instructions: str  # fingerprints
    opening: str
    answered: dict[str, int] = field(default_factory=dict)  # fingerprint -> the entry that completed it


class Ledger:
    """All requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self._runs: deque[AgentRun] = deque(maxlen=MAX_RUNS)
        self._by_answer: dict[str, AgentRun] = {}  # the unique part of an answer's ids -> the run that got it
        self._by_area: dict[str, tuple[str, int]] = {}  # area -> the run and turn that wait for it
        self._by_key: dict[str, int] = {}  # idempotency key -> the entry that alerted residents with it
        self._entry_ids, self._run_numbers = itertools.count(1), itertools.count(1)

    def model_began(self, *, asked: str, body: Any, instructions: str, opening: str, turn: int, model: str) -> Entry:
        """Notes a model request and the run it belongs to.

        A later turn holds ids of the answers that its run got before. A first turn begins a run, unless the newest run
        that began alike still waits for the answer to its first turn (then it is that call, made again). A
        conversation without ids of ours belongs to the newest run that began alike; after a handoff the instructions
        are others, so the opening message alone decides then.
        """
        run = self._find_run(body, instructions, opening, turn)
        # It has what it asked the weather for, or asks for it again with this call's answer.
        self._by_area = {area: asked for area, asked in self._by_area.items() if asked[0] != run.name}
        entry = self._begin("model", asked, fingerprint(body))
        entry.run, entry.turn, entry.model = run.name, turn, clean(model)[:80] or None
        entry.repeats = run.answered.get(entry.fingerprint)
        return entry

    def malformed_began(self, *, body: Any) -> Entry:
        """Notes a model request that cannot be read."""
        return self._begin("model", "(a request that cannot be read)", fingerprint(body))

    def weather_began(self, *, area: str, path: str) -> Entry:
        """Notes a weather request; it belongs to the run whose last model reply asked for this area."""
        entry = self._begin("weather", path, fingerprint(path))
        entry.run, entry.turn = self._by_area.get(area, (None, None))
        return entry

    def sends(self, entry: Entry, key: str) -> bool:
        """Notes that a request alerts residents now, and says so: it does unless one with the same key did before."""
        entry.repeats = self._by_key.get(key)
        entry.sent = entry.repeats is None
        if key and entry.sent:
            _put_newest(self._by_key, key, entry.id, MAX_ENTRIES)
        return entry.sent

    def completed(
        self,
        entry: Entry,
        *,
        answered: str,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cost_usd: float = 0.0,
        areas: Iterable[str] = (),
        fault: str | None = None,
        response_id: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """It was answered, and its caller was there. `areas` are those that the reply asks a tool about."""
        _end(entry, "completed", 200, fault, answered)
        entry.input_tokens, entry.output_tokens, entry.cost_usd = input_tokens, output_tokens, cost_usd
        entry.response_id, entry.request_id = response_id, request_id
        run = next((run for run in reversed(self._runs) if run.name == entry.run), None)
        if run:  # else it was forgotten meanwhile
            run.answered.setdefault(entry.fingerprint, entry.id)
            if response_id:
                _put_newest(self._by_answer, _unique(response_id), run, MAX_ENTRIES)
            for area in areas:
                _put_newest(self._by_area, area, (run.name, entry.turn or 1), MAX_RUNS)

    def failed(self, entry: Entry, *, answered: str, status: int | None, fault: str | None = None) -> None:
        """It was answered with an error or garbage, or its connection was cut on purpose (status None)."""
        _end(entry, "failed", status, fault, answered)

    def abandoned(self, entry: Entry, *, fault: str | None = None) -> None:
        """The caller went away before an answer was sent."""
        _end(entry, "abandoned", None, fault, None)

    def clear(self) -> None:
        """Forgets everything that was noted but keys of alerts: what was sent stays sent. Ids go on counting."""
        for notes in (self._entries, self._runs, self._by_answer, self._by_area):
            notes.clear()

    def runs_in(self, text: str) -> set[str]:
        """The runs of which an answer's id is in a text, such as the history of a workflow that recorded it."""
        words = set(re.findall(r"\w{16,}", text))
        ids = [(entry.run, {entry.response_id, entry.request_id}) for entry in self._entries if entry.run]
        return {run for run, made in ids if run and made & words}

    def as_json(self, since: int = 0, about: str = "") -> dict[str, Any]:
        """`{"entries": [...], "totals": {...}}` of the entries with an id above `since`.

        With `about`, of those only that name it, in what was asked or answered, and of the runs that such a one is in.
        """
        entries = [asdict(entry) for entry in self._entries if entry.id > since]
        if about:
            named = [e for e in entries if about.casefold() in f"{e['asked']} {e['answered'] or ''}".casefold()]
            ids, runs = {entry["id"] for entry in named}, {entry["run"] for entry in named} - {None}
            entries = [entry for entry in entries if entry["id"] in ids or entry["run"] in runs]
        asked = [entry for entry in entries if entry["service"] == "model"]
        model = {
            **_outcomes(asked),
            "completed_again": sum(entry["repeats"] is not None for entry in asked),
            "input_tokens": sum(entry["input_tokens"] for entry in asked),
            "output_tokens": sum(entry["output_tokens"] for entry in asked),
            "cost_usd": round(sum(entry["cost_usd"] for entry in asked), 8),
        }
        weather = _outcomes([entry for entry in entries if entry["service"] == "weather"])
        for name, sent in (("alerts_sent", True), ("alerts_not_sent_again", False)):
            weather[name] = sum(entry["sent"] is sent for entry in entries)
        return {"entries": entries, "totals": {"model": model, "weather": weather}}

    def _find_run(self, body: Any, instructions: str, opening: str, turn: int) -> AgentRun:
        for made in MADE_ID.findall(json.dumps(body)):
            if run := self._by_answer.get(_unique(made)):
                return run
        instructions, opening = fingerprint(instructions), fingerprint(opening)
        alike = [run for run in reversed(self._runs) if run.opening == opening]
        same = [run for run in alike if run.instructions == instructions]
        if turn == 1 and same and not same[0].answered:
            return same[0]
        if turn > 1 and alike:
            return (same or alike)[0]
        run = AgentRun(f"r{next(self._run_numbers)}", instructions, opening)
        self._runs.append(run)
        return run

    def _begin(self, service: str, asked: str, digest: str) -> Entry:
        entry = Entry(next(self._entry_ids), service, _now(), _short(asked), digest)
        self._entries.append(entry)
        return entry


def _end(entry: Entry, outcome: str, status: int | None, fault: str | None, answered: str | None) -> None:
    entry.outcome, entry.status, entry.fault, entry.ended = outcome, status, fault, _now()
    entry.answered = None if answered is None else _short(answered)


def fingerprint(value: Any) -> str:
    """Hex digest of a JSON value, the same whatever the order of its keys, and whatever ids the model has made in it.

    So the same question to the same agent has the same digest in each of its runs.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    places: dict[str, int] = {}
    plain = MADE_ID.sub(lambda made: f"id {places.setdefault(made[0], len(places))}", text)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def clean(text: str) -> str:
    """The text on one line, fit for any terminal: no control characters, no half surrogates."""
    # A surrogate that stands alone cannot be encoded; an escape sequence would be obeyed by a terminal.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in whole).split())


def _short(text: str) -> str:
    line = clean(text[: MAX_TEXT * 4])
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - 1]}…"


def _unique(made_id: str) -> str:
    """The part that the ids of one answer share: `call_UNIQUE_1`, `resp_UNIQUE`, `chatcmpl-UNIQUE`."""
    return re.split("[-_]", made_id)[1]


def _put_newest(table: dict[str, Any], key: str, value: Any, limit: int) -> None:
    """Puts a value last into a table that keeps its newest keys only."""
    table.pop(key, None)
    table[key] = value
    while len(table) > limit:
        del table[next(iter(table))]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _outcomes(entries: list[dict[str, Any]]) -> dict[str, Any]:
    outcomes = Counter(entry["outcome"] for entry in entries)
    names = ("completed", "failed", "abandoned", "in flight")
    return {"requests": outcomes.total(), **{name.replace(" ", "_"): outcomes[name] for name in names}}
