"""The proof: what the history says of a run's calls, beside what the ledger of the service that they reached says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from workshop.history import ACTIVITY, MODEL, TOOL, Run, count
from workshop.notebook.kernel import Quiet

Entry = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Proof(Quiet):
    """The calls of one run, counted by two witnesses. The history's counts are None for a plain run, the ledger's
    where there is no ledger.
    """

    run: str  # the workflow's id, or the question of a plain run
    service: str  # whose calls: `model`, or `weather` where no model takes part
    in_history: int | None  # completed
    attempts: int | None  # begun
    in_ledger: int | None  # completed
    failed: int | None  # answered with an error, or not at all
    completed_again: int | None  # completed calls that were made again
    in_flight_again: int | None  # calls that were abandoned, and made again

    @property
    def agree(self) -> bool:
        """Whether both witnesses counted the same completed calls, each made once."""
        return self.in_history == self.in_ledger and not self.completed_again

    @property
    def lines(self) -> list[str]:
        """The proof for a person."""
        found = [f"The {self.service} calls of {self.run}:"]
        if self.in_history is not None and self.attempts is not None:
            said = f"{count(self.in_history, 'call')} completed, {count(self.attempts, 'attempt')} in all"
            found.append(f"  the history (Temporal's): {said}")
        if self.in_ledger is None:
            return [*found, f"  There is no ledger: the {self.service} is not the practice one."]
        failed = f", {self.failed} failed" if self.failed else ""
        cut = f", {self.in_flight_again} abandoned" if self.in_flight_again else ""
        found.append(f"  the ledger (the {self.service}'s): {count(self.in_ledger, 'call')} completed{failed}{cut}")
        found.append(f"  completed calls made again: {self.completed_again}")
        found.append(f"  in-flight calls made again: {self.in_flight_again}")
        if self.in_flight_again:
            found.append("  (It was under way when its process went, so it was made again; a provider may bill both.)")
        if self.in_history is not None and self.in_history != self.in_ledger:
            found.append("  The two do not agree. Is the workflow still running, or was the ledger cleared?")
        return found

    def __repr__(self) -> str:
        return "\n".join(self.lines)


def prove(run: Run, entries: Sequence[Entry] | None) -> Proof:
    """Compares a workflow's history with the ledger's entries of it; None where there is no ledger."""
    service = service_of(run)
    kinds = (MODEL,) if service == "model" else (TOOL, ACTIVITY)
    rows = [row for row in run.rows if row.kind in kinds]
    completed, attempts = sum(row.state == "completed" for row in rows), sum(row.attempts for row in rows)
    return Proof(run.workflow_id, service, completed, attempts, *_counts(entries))


def prove_plain(question: str, entries: Sequence[Entry] | None) -> Proof:
    """What a plain run, and the failed ones before it, did: it has no history."""
    return Proof(repr(question), "model", None, None, *_counts(entries))


def service_of(run: Run) -> str:
    """Whose calls a run is about."""
    return "model" if any(row.kind == MODEL for row in run.rows) else "weather"


def _counts(entries: Sequence[Entry] | None) -> tuple[int | None, int | None, int | None, int | None]:
    """Completed, failed, completed and made again, abandoned and made again."""
    if entries is None:
        return None, None, None, None
    done = [entry for entry in entries if entry["outcome"] == "completed"]
    cut = [entry for entry in entries if entry["outcome"] == "abandoned"]
    later = [one for one in cut if any(e["fingerprint"] == one["fingerprint"] for e in entries if e["id"] > one["id"])]
    failed = sum(entry["outcome"] == "failed" for entry in entries)
    return len(done), failed, len(done) - len({entry["fingerprint"] for entry in done}), len(later)


def of_question(entries: Iterable[Entry], question: str, since: int) -> list[Entry]:
    """The model's entries of a question that was asked after entry `since`: those of the runs that begin with it."""
    later = [entry for entry in entries if entry["service"] == "model" and entry["id"] > since]
    begin = " ".join(question.split())[:200]
    runs = {entry["run"] for entry in later if entry["turn"] == 1 and str(entry["asked"]).startswith(begin)}
    return [entry for entry in later if entry["run"] in (runs or {entry["run"] for entry in later[:1]})]


def of_weather(entries: Iterable[Entry], area: str, since: int) -> list[Entry]:
    """The weather's entries about an area since entry `since`."""
    later = [entry for entry in entries if entry["service"] == "weather" and entry["id"] > since]
    return [entry for entry in later if f"area={area}" in entry["asked"] or f"area/{area}" in entry["asked"]]
