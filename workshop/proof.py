"""The proof: what a workflow's history says of its calls, beside the ledger of the service that they reached.

The two know nothing of each other. A model's answer has an id of its own, which both keep: so a recorded call is the
same call in both. Every other request of the run is an attempt whose result is not in the history.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from workshop.history import Kind, Row, Run, as_text
from workshop.text import Printed, count

Entry = dict[str, Any]  # of the ledger

# What became of a request, seen from the history. Only a recorded call is never made again.
RECORDED = "recorded"  # its result is in the history
UNRECORDED = "answered, not recorded"  # it was answered, and its result is not in the history
ABANDONED = "abandoned in flight"  # its caller was gone before there was an answer
IN_FLIGHT = "in flight"  # its caller waits for the answer now
REFUSED = "refused"  # it got an error, or nothing on purpose
ANSWERED = "answered, recorded nowhere"  # of a plain run, which has no history
AGAIN = "made again"  # though its answer was there
SEEN = {"completed": UNRECORDED, "abandoned": ABANDONED, "in flight": IN_FLIGHT, "failed": REFUSED}

SLACK = timedelta(seconds=1)  # by which the clocks of server and services may differ


@dataclass(frozen=True)
class LedgerRequest:
    """One request, as the ledger has it, and what became of it."""

    entry: int  # its number in the ledger
    fate: str  # RECORDED, UNRECORDED, ABANDONED, IN_FLIGHT or REFUSED
    began: datetime
    ended: datetime | None  # None while it is in flight

    @classmethod
    def of(cls, entry: Entry, fate: str = "") -> "LedgerRequest":
        """A ledger's entry; its fate, where it is not recorded, is what the ledger says."""
        ended = datetime.fromisoformat(entry["ended"]) if entry["ended"] else None
        return cls(entry["id"], fate or SEEN[entry["outcome"]], _began(entry), ended)


@dataclass
class ProvedCall:
    """One call of a run, with the requests that its attempts made, oldest first."""

    name: str  # "call 1", "call 2" ... of a model; of a tool its argument
    recorded: bool  # by the history
    attempts: int  # by the history
    requests: list[LedgerRequest] = field(default_factory=list)
    again: list[LedgerRequest] = field(default_factory=list)  # made although its result was there

    @property
    def in_ledger(self) -> bool:
        """Whether the ledger has the request whose answer is recorded."""
        return any(request.fate == RECORDED for request in self.requests)

    @property
    def fates(self) -> list[str]:
        """What became of all its requests."""
        return [*(request.fate for request in self.requests), *(AGAIN for _ in self.again)]


class Counted(Printed):
    """What follows from the calls of a run, durable or plain."""

    calls: tuple[ProvedCall, ...]
    ledger: bool  # False: the service is not the practice one, so there is none
    kept = "recorded"  # what a call is that must not be made again

    def having(self, fate: str) -> int:
        """How many requests had this fate; those that are made again are not among them."""
        return sum(request.fate == fate for call in self.calls for request in call.requests)

    @property
    def again(self) -> tuple[LedgerRequest, ...]:
        """Requests for calls whose result was there already: none, or the claim does not hold."""
        return tuple(request for call in self.calls for request in call.again)

    @property
    def made_again(self) -> int:
        return len(self.again)

    @property
    def unexplained(self) -> tuple[str, ...]:
        """What one witness says and the other does not, and no kind of call explains."""
        return ()

    @property
    def agree(self) -> bool:
        """Whether history and ledger tell the same."""
        return self.ledger and not self.unexplained

    @property
    def sign(self) -> str:
        """How it is to be taken: good, bad, or not known."""
        return "✗" if self.ledger and self.again else "✓" if self.agree else "?"

    @property
    def verdict(self) -> str:
        """What follows from the two witnesses, in words."""
        if not self.ledger:
            return "no ledger to compare with"
        if not self.agree and not self.again:
            return "history and ledger do not agree"
        names = [call.name for call in self.calls if call.again]
        named = f" ({', '.join(names[:6])}{' …' * (len(names) > 6)})" if names else ""
        return f"{count(self.made_again, f'{self.kept} call')} made again{named}"


@dataclass(frozen=True)
class Proof(Counted):
    """The calls of one workflow, by two witnesses."""

    workflow_id: str
    service: str  # whose calls: `model`, or `weather` where no model takes part
    calls: tuple[ProvedCall, ...]
    ledger: bool = True
    open: bool = False  # the run is not over

    @property
    def recorded(self) -> int:
        """Calls whose result is in the history."""
        return sum(call.recorded for call in self.calls)

    @property
    def unexplained(self) -> tuple[str, ...]:
        if not self.ledger:
            return ()
        lost = [call.name for call in self.calls if call.recorded and not call.in_ledger]
        found = [f"{', '.join(lost)}: recorded, and the ledger has no such answer. Was it cleared?"] if lost else []
        if self.again:
            numbers = ", ".join(f"#{request.entry}" for request in self.again)
            found.append(f"{numbers} in the ledger: made again although the call had been recorded.")
        return tuple(found)

    @property
    def others(self) -> list[str]:
        """How many requests brought nothing that is recorded, by what became of them."""
        return [f"{n} {fate}" for fate in (UNRECORDED, ABANDONED, IN_FLIGHT, REFUSED) if (n := self.having(fate))]

    @property
    def lines(self) -> list[str]:
        """The proof for a person."""
        found = [f"The {self.service} calls of {self.workflow_id}{', which is not over' if self.open else ''}:"]
        if not self.ledger:
            attempts = sum(call.attempts for call in self.calls)
            found.append(f"  the history: {count(self.recorded, 'call')} recorded, {count(attempts, 'attempt')}")
            return [*found, f"  There is no ledger: the {self.service} in use is not the practice one."]
        for call in self.calls:
            told = [f"#{request.entry} {request.fate}" for request in call.requests]
            if call.recorded and not call.in_ledger:
                told.append("recorded, and not in the ledger")
            found.append(f"  {call.name}: {', '.join(told) or 'no request reached the service'}")
        here = self.having(RECORDED)
        answers = f"these {here} answers" if here > 1 else "this answer" if here else "none of their answers"
        found.append(f"  the history has {count(self.recorded, 'recorded call')}")
        found.append(f"  the ledger has {', '.join([answers, *self.others])}")
        found.append(f"  recorded calls made again: {self.made_again}")
        if self.having(UNRECORDED) or self.having(ABANDONED):
            found.append("  (Calls in flight, or answered and not recorded, are made again: a provider may bill both.)")
        return found + [f"  The two do not agree. {text}" for text in self.unexplained]


@dataclass(frozen=True)
class PlainProof(Counted):
    """The model calls of a plain run, and of those of the same question that failed before it. Nothing records them."""

    question: str
    calls: tuple[ProvedCall, ...] = ()  # alike requests of all runs; those after the first answer are made again
    ledger: bool = True
    kept = "answered"

    @property
    def answered(self) -> int:
        return self.having(ANSWERED) + self.made_again

    @property
    def abandoned(self) -> int:
        """Requests that were in flight when their program was gone."""
        return self.having(ABANDONED)

    @property
    def refused(self) -> int:
        """Requests that got an error, or nothing on purpose."""
        return self.having(REFUSED)

    @property
    def sums(self) -> list[str]:
        """What the ledger counts, in words."""
        others = [f"{n} {fate}" for fate in (ABANDONED, REFUSED) if (n := self.having(fate))]
        return [count(self.answered, "answered call"), *others]

    @property
    def lines(self) -> list[str]:
        """The proof for a person."""
        found = [f"The model calls of {self.question!r}, which nothing recorded:"]
        if not self.ledger:
            return [*found, "  There is no ledger: the model in use is not the practice one."]
        return [*found, f"  the ledger has {', '.join(self.sums)}", f"  answered calls made again: {self.made_again}"]


def prove(run: Run, entries: Sequence[Entry] | None, others: Iterable[Run] = (), service: str = "") -> Proof:
    """Compares the history of a run with the ledger.

    Args:
        run: of a workflow, all its runs in one (see `read_history`).
        entries: all that the ledger has; None where there is none.
        others: runs that went on at the same time, so that what is theirs is not taken for this one's.
        service: whose calls; by default the model's, or the weather's where no model takes part.
    """
    service = service or ("model" if any(row.kind == Kind.MODEL for row in run.rows) else "weather")
    rows = rows_of(run, service)
    names = [f"call {number}" if service == "model" else as_text(row.input) for number, row in enumerate(rows, 1)]
    calls = [ProvedCall(name, row.state == "completed", row.attempts) for name, row in zip(names, rows, strict=True)]
    if entries is None:
        return Proof(run.workflow_id, service, tuple(calls), ledger=False, open=run.open)
    book = [entry for entry in entries if entry["service"] == service]
    theirs = [row for other in others for row in rows_of(other, service)]
    answers = {id(row): _answer_to(row, book) for row in (*rows, *theirs)}
    taken = {answer["id"] for answer in answers.values() if answer}
    free = [entry for entry in book if entry["id"] not in taken]
    lost: dict[int, list[Entry]] = {}  # the requests of a row's attempts that came to nothing
    for row in (*rows, *theirs):
        answer = answers[id(row)]
        alike = [e for e in free if _same(row, e, answer, book) and (answer is None or e["id"] < answer["id"])]
        # As many as there were attempts; of those that look alike, the last ones are its own.
        spare = row.attempts - (answer is not None)
        lost[id(row)] = alike[-spare:] if spare > 0 else []
        free = [entry for entry in free if entry not in lost[id(row)]]
    for row, call in zip(rows, calls, strict=True):
        answer = answers[id(row)]
        call.requests += [LedgerRequest.of(entry) for entry in lost[id(row)]]
        if answer:
            call.requests.append(LedgerRequest.of(answer, RECORDED))
            over = run.closed or datetime.max.replace(tzinfo=UTC)
            later = [e for e in free if e["id"] > answer["id"] and _same(row, e, answer, book) and _began(e) <= over]
            call.again += [LedgerRequest.of(entry) for entry in later]
            free = [entry for entry in free if entry not in later]
    return Proof(run.workflow_id, service, tuple(calls), open=run.open)


def prove_plain(question: str, entries: Sequence[Entry] | None) -> PlainProof:
    """Counts the model's entries of a plain run and of those before it; requests that are alike are one call."""
    calls: dict[str, ProvedCall] = {}
    for entry in entries or ():
        call = calls.setdefault(entry["fingerprint"], ProvedCall(f"call {len(calls) + 1}", False, 0))
        call.attempts += 1
        if entry["outcome"] != "completed":
            call.requests.append(LedgerRequest.of(entry))
        elif any(request.fate == ANSWERED for request in call.requests):
            call.again.append(LedgerRequest.of(entry, AGAIN))
        else:
            call.requests.append(LedgerRequest.of(entry, ANSWERED))
    return PlainProof(question, tuple(calls.values()), ledger=entries is not None)


def of_question(entries: Iterable[Entry], question: str, since: int) -> list[Entry]:
    """The model's entries of a question that was asked after entry `since`: those of the runs that begin with it."""
    later = [entry for entry in entries if entry["service"] == "model" and entry["id"] > since]
    runs = {entry["run"] for entry in later if entry["turn"] == 1 and _asks(entry, question)}
    return [entry for entry in later if entry["run"] in (runs or {entry["run"] for entry in later[:1]})]


def rows_of(run: Run, service: str) -> list[Row]:
    """The rows of a run that called a service: each is a call of its proof."""
    return [
        row for row in run.rows if row.kind in ((Kind.MODEL,) if service == "model" else (Kind.TOOL, Kind.ACTIVITY))
    ]


def _answer_to(row: Row, entries: Sequence[Entry]) -> Entry | None:
    """The entry whose answer is the result that the history has of a row."""
    if row.state != "completed":
        return None
    if row.model:
        ids = {row.model.response_id, row.model.request_id} - {""}
        return next((entry for entry in entries if ids & {entry["response_id"], entry["request_id"]}), None)
    # A weather report has no id: it is the last answer while the activity was under way.
    found = [entry for entry in entries if entry["outcome"] == "completed" and _same(row, entry, None, entries)]
    return found[-1] if found else None


def _same(row: Row, entry: Entry, answer: Entry | None, entries: Sequence[Entry]) -> bool:
    """Whether an entry asks what a row asked."""
    if _began(entry) < row.scheduled - SLACK:
        return False
    if row.model and answer:
        return bool(entry["fingerprint"] == answer["fingerprint"])
    if row.closed and _began(entry) > row.closed + SLACK:
        return False
    if row.model:
        first = next((one for one in entries if one["run"] == entry["run"]), entry)
        return entry["turn"] == row.model.turn and _asks(first, row.model.opening)
    area = as_text(row.input)
    return f"area={area}" in entry["asked"] or f"area/{area}" in entry["asked"]


def _asks(entry: Entry, question: str) -> bool:
    return str(entry["asked"]).startswith(" ".join(question.split())[:200])


def _began(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["began"])
