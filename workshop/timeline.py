"""A run as a picture and as text, from what was seen: history, ledger, looks at a live run, and kills that were noted.

The history keeps the last attempt of a call and how many there were. When the earlier ones were is known from the
ledger, whose requests they made, and from looks at the run while it went on. What nobody saw is worked out from the
retry policy, and drawn as such.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from workshop import audit, proof
from workshop.audit import at, headline, outcome, title, totals
from workshop.chart import FAILED, LETTERS, Bar, BarKind, Chart, Gap, Loss, Track
from workshop.chart_svg import svg_of
from workshop.chart_text import text_of
from workshop.history import ACTIVITIES, Kind, Row, Run
from workshop.kills import Kill
from workshop.proof import Entry, LedgerRequest, PlainProof, ProvedCall, prove, rows_of
from workshop.shown import Block, Item, Table, wrapped
from workshop.svg import Picture
from workshop.text import count, printable, scrub, shorten, span

PICKUP = timedelta(seconds=2)  # a live worker takes a task within milliseconds, a busy one within this
WAITS = (Kind.TIMER, Kind.WAIT, Kind.UPDATE, Kind.CHILD, Kind.TASK_FAILURE)  # rows that last
TOUCH = timedelta(seconds=1)  # a caller that is killed leaves its request within this


@dataclass(frozen=True)
class Glimpse:
    """An attempt of which somebody saw the times."""

    began: datetime
    ended: datetime | None
    mark: str = ""  # of the chart: how it ended
    worker: str = ""  # "" where it is not known
    number: int = 0  # 0 where it is not known


@dataclass
class Watched:
    """What was seen of a run while it went on: attempts that its history does not keep."""

    glimpses: dict[tuple[int, int], Glimpse] = field(default_factory=dict)  # (event of the row, number) -> attempt
    heartbeats: dict[str, datetime] = field(default_factory=dict)  # of a worker, the last one

    def look(self, run: Run) -> None:
        """Adds what a live run shows now."""
        for row in run.rows:
            began = row.started or row.attempt_ended
            if row.kind in ACTIVITIES and row.open and began:
                key, failed = (row.event, row.attempts), FAILED if row.attempt_ended else ""
                if row.started is None and key in self.glimpses:  # seen when it ran
                    began = self.glimpses[key].began
                self.glimpses[key] = Glimpse(began, row.attempt_ended, failed, row.worker, row.attempts)
                if row.last_heartbeat:
                    self.heartbeats[row.worker] = row.last_heartbeat

    def of(self, row: Row) -> dict[int, Glimpse]:
        """The attempts of a row that were seen, by number, without its last."""
        return {n: seen for (event, n), seen in self.glimpses.items() if event == row.event and n < row.attempts}


class ChartPicture(Picture):
    """A chart, drawn and written."""

    chart: Chart

    def svg(self) -> str:
        return svg_of(self.chart)

    @property
    def spoken(self) -> str:
        return self.chart.spoken

    def lines(self, width: int) -> list[str]:
        return [*wrapped(shorten(self.chart.title, 4 * width), width, "  "), *text_of(self.chart, width)]


class Timeline(ChartPicture):
    """A workflow's run.

    Args:
        entries: of the ledger; None where there is none.
        others: runs that went on at the same time, for the ledger's sake.
        kills: those that were noted, of whatever worker.
        watched: what was seen while it went on.
        without: why there is no ledger.
        now: by the server's clock, where it is ahead of ours.
    """

    def __init__(
        self,
        run: Run,
        entries: Sequence[Entry] | None = None,
        others: Sequence[Run] = (),
        kills: Iterable[Kill] = (),
        watched: Watched | None = None,
        without: str = "",
        now: datetime | None = None,
    ) -> None:
        self.run = run
        self.now = now or run.now()
        self.proof = prove(run, entries, others)
        tools = prove(run, entries, others, "weather") if self.proof.service == "model" else self.proof
        self._calls: dict[int, ProvedCall] = {}  # by the event of their rows
        for one in (self.proof, tools):
            self._calls |= {row.event: call for row, call in zip(rows_of(run, one.service), one.calls, strict=True)}
        self._watched = watched or Watched()
        self._seen = {row.event: self._attempts(row) for row in run.rows if row.kind in ACTIVITIES}
        self._unseen = {row.event: self._inferred(row) for row in run.rows if row.kind in ACTIVITIES}
        # When which worker was at work: what the history says, and what was seen of attempts that it does not keep.
        self._sightings = [(sign.at, sign.worker) for sign in run.signs]
        self._sightings += [(row.started, row.worker) for row in run.rows if row.started and row.worker]
        self._sightings += [(seen.began, seen.worker) for seen in self._watched.glimpses.values() if seen.worker]
        self._workers = list(dict.fromkeys(worker for _, worker in sorted(self._sightings)))
        self._losses = self._lost(list(kills))
        self.chart = self._chart(without)

    @property
    def blocks(self) -> list[Block]:
        return [*map(Item, self.chart.said), audit.table(self.run, self.now)]

    def lines(self, width: int) -> list[str]:
        """The picture as text, and then a line for each row: when, what, how it ended."""
        lines = super().lines(width)
        for row in self.run.rows:
            told = f"{at(row, self.run):>9}  {_label(row)}: {outcome(row, self.now)}"
            lines += wrapped(told, width, " " * 11)
        return lines

    # What was seen.

    def _attempts(self, row: Row) -> list[Glimpse]:
        """The attempts of an activity whose times are known, oldest first; the last one's worker is known too."""
        call = self._calls.get(row.event)
        requests = list(call.requests) if call else []
        last: Glimpse | None = None
        if row.started or row.attempt_ended:
            if row.started:
                own = [r for r in requests if r.fate == proof.RECORDED or r.began >= row.started]
            else:  # while the next attempt is awaited, the server tells only when this one ended
                own = requests[-1:] if len(requests) == row.attempts else []
            requests = [r for r in requests if r not in own]
            last = self._last(row, own)
        numbered = len(requests) + (last is not None) == row.attempts
        watched = self._watched.of(row)
        found = []
        for number, request in enumerate(requests, 1):
            # A look at the same attempt knows more of it: who made it, and when it began there.
            alike = next((seen for seen in watched.values() if _meet(seen, request)), None)
            worker = alike.worker if alike else ""
            known = alike.number if alike else number if numbered else 0
            watched.pop(known, None)
            found.append(Glimpse(request.began, request.ended, request.fate, worker, known))
        found += watched.values()
        found += [Glimpse(r.began, r.ended, proof.AGAIN) for r in (call.again if call else ())]
        return sorted([*found, *([last] if last else [])], key=lambda seen: seen.began)

    def _last(self, row: Row, own: Sequence[LedgerRequest]) -> Glimpse:
        """The last attempt: the history has its beginning, and its end once it is over."""
        request = own[-1] if own else None
        began = row.started or (request.began if request else row.attempt_ended)
        assert began
        if row.closed:
            marks = {"completed": proof.RECORDED, "cancelled": proof.ABANDONED}
            mark = marks.get(row.state, request.fate if request and request.fate == proof.REFUSED else FAILED)
            return Glimpse(began, row.closed, mark, row.worker, row.attempts)
        if request:  # the ledger may know of its end before the server does
            return Glimpse(began, request.ended, request.fate, row.worker, row.attempts)
        mark = FAILED if row.attempt_ended else proof.IN_FLIGHT
        return Glimpse(began, row.attempt_ended, mark, row.worker, row.attempts)

    # Which workers were lost, and when none was at work.

    def _lost(self, kills: Sequence[Kill]) -> list[Loss]:
        """A loss for each worker that was lost."""
        run, found = self.run, []
        for worker in self._workers:
            moments = [moment for moment, who in self._sightings if who == worker]
            first, last = min(moments), max(moments)
            after = min((s.at for s in run.signs if s.worker != worker and s.at > last), default=None)
            over = run.closed or self.now
            noted = [kill.at for kill in kills if kill.worker == worker and first <= kill.at <= over]
            if noted:
                found.append(self._loss(worker, "killed (SIGKILL)", noted[-1]))
            elif left := self._left(worker, last, after):
                found.append(self._loss(worker, "gone", left))
            elif after and (silent := self._silent(worker, last)):
                found.append(self._loss(worker, "silent since", silent, seen=False))
        return found

    def _left(self, worker: str, last: datetime, after: datetime | None) -> datetime | None:
        """When a worker left a model call that it had made, and was never seen again.

        A tool leaves its request for reasons of its own; a model call is left only by a worker that is gone, or when
        it takes longer than it may, or when its run is over.
        """
        for row in self.run.rows:
            if row.kind != Kind.MODEL or (after is None and not row.open):
                continue
            call = self._calls.get(row.event)
            for request in call.requests if call else ():
                if request.fate != proof.ABANDONED or not request.ended or request.ended < last:
                    continue
                took, limit = (request.ended - request.began).total_seconds(), row.start_to_close
                if limit and took > limit - 0.5:
                    continue
                if self._last_before(request.began) == worker and (after is None or request.ended < after):
                    return request.ended
        return None

    def _last_before(self, moment: datetime) -> str:
        """The worker that was seen last before a moment: it has the run's call then, where there is one."""
        return next((sign.worker for sign in reversed(self.run.signs) if sign.at <= moment), "")

    def _silent(self, worker: str, last: datetime) -> datetime | None:
        """Since when, at the latest, a worker was silent whose heartbeats, or whose answer to a task, did not come."""
        heartbeat = self._watched.heartbeats.get(worker, last)
        for row in self.run.rows:
            if row.kind == Kind.TASK_TIMEOUT and row.worker == worker and row.scheduled >= last:
                return last
            timed_out = row.errors and row.errors[0].type == "heartbeat timeout"
            if not (
                timed_out and row.started and row.heartbeat_timeout and row.started > last and row.worker != worker
            ):
                continue
            lost = self._watched.glimpses.get((row.event, row.attempts - 1))
            if (lost.worker if lost else self._last_before(row.scheduled)) == worker:
                # No heartbeat came in the time before the server gave it up, which was a pause before the next attempt.
                silence = timedelta(seconds=row.pause_before(row.attempts) + row.heartbeat_timeout)
                return max(last, heartbeat, row.started - silence)
        return None

    def _loss(self, worker: str, what: str, when: datetime, seen: bool = True) -> Loss:
        """A loss, with the time until somebody was at work again."""
        work = [sign.at for sign in self.run.signs] + [one.began for seen in self._seen.values() for one in seen]
        back = min((moment for moment in work if moment > when), default=None)
        at = self._seconds(when)
        told = f"{what} at {span(at)}" if seen else f"{what} {span(at)} or earlier"
        words = f"worker {LETTERS[self._workers.index(worker) % len(LETTERS)]} {told}"
        return Loss(at, words, seen, self._seconds(back) if back else None, worker)

    def _gaps(self) -> tuple[Gap, ...]:
        """When no worker was at work though one was lost, or did not take what was there to be taken."""
        run, found = self.run, []
        for loss in self._losses:
            end = loss.until if loss.until is not None else self._seconds(run.closed or self.now)
            found.append((loss.at, end))
        waits = [(sign.offered, sign.at) for sign in run.signs if sign.offered]
        if run.task and not run.task.taken:
            waits.append((run.task.since, self.now))
        for row in run.rows:
            if row.kind not in ACTIVITIES or row.local:
                continue
            if row.attempts == 0 and row.open:
                waits.append((row.scheduled, self.now))
            elif row.attempts == 1 and row.started:
                waits.append((row.scheduled, row.started))
            elif row.state == "retrying" and row.next_try:
                waits.append((row.next_try, self.now))
        found += [(self._seconds(begin), self._seconds(end)) for begin, end in waits if end - begin > PICKUP]
        gaps: list[Gap] = []
        for begin, end in sorted(found):
            if gaps and begin <= gaps[-1].end:
                gaps[-1] = replace(gaps[-1], end=max(end, gaps[-1].end))
            else:
                gaps.append(Gap(begin, end))
        return tuple(gaps)

    # The chart.

    def _chart(self, without: str) -> Chart:
        run, number, tracks, hidden = self.run, 0, [], 0
        for row in run.rows:
            if row.kind == Kind.MODEL and row.local and not row.attempts:
                continue
            number += row.kind == Kind.MODEL
            label = f"model call {number}" if row.kind == Kind.MODEL else _label(row)
            words = outcome(row, self.now)
            if row.state == "retrying" and row.next_try and row.next_try > self.now:
                words = (
                    f"{count(row.attempts, 'attempt')}, next try in {span((row.next_try - self.now).total_seconds())}"
                )
            tracks.append(Track(label, words, self._bars(row)))
            if row.kind in ACTIVITIES and not row.local:
                known = sum(one.mark != proof.AGAIN for one in self._seen[row.event]) + len(self._unseen[row.event])
                hidden += max(row.attempts - known, 0)
        ends = [bar.end for track in tracks for bar in track.bars]
        notes = [f"{count(hidden, 'earlier attempt')} that nobody saw: not drawn"] if hidden else []
        return Chart(
            title=printable(f"Workflow {run.workflow_id}: {headline(run, self.now)}; {totals(run)}"),
            end=max([self._seconds(run.closed or self.now), *ends]),
            tracks=tuple(tracks),
            workers=tuple(_process(worker) for worker in self._workers),
            losses=tuple(self._losses),
            gaps=self._gaps(),
            witnesses=self.proof if self.proof.calls else None,
            notes=(*notes, *([without] if without else [])),
        )

    def _bars(self, row: Row) -> tuple[Bar, ...]:
        begin, end = self._seconds(row.scheduled), self._seconds(row.closed or self.now)
        if row.kind not in ACTIVITIES:
            failed = FAILED if row.state in ("failed", "timed out") else ""
            lasts = row.kind in WAITS and end > begin
            return (Bar(begin, end, BarKind.LASTING if lasts else BarKind.MOMENT, failed),)
        if row.local:
            return (Bar(begin, end, BarKind.MOMENT, proof.RECORDED if row.state == "completed" else FAILED),)
        bars = sorted([*self._drawn(self._seen[row.event]), *self._unseen[row.event]], key=lambda bar: bar.begin)
        between, reached = [], begin
        for bar in bars:
            if bar.begin > reached:
                between.append(Bar(reached, bar.begin, BarKind.BETWEEN))
            reached = max(reached, bar.end)
        if row.open and end > reached:
            between.append(Bar(reached, end, BarKind.BETWEEN))
        return (*between, *bars)

    def _drawn(self, seen: Iterable[Glimpse]) -> list[Bar]:
        bars = []
        for one in seen:
            worker, begin, end = one.worker, self._seconds(one.began), self._seconds(one.ended or self.now)
            if not worker and one.ended and one.mark == proof.ABANDONED:  # by whoever was lost in that moment
                near = [loss.worker for loss in self._losses if abs(loss.at - end) < TOUCH.total_seconds()]
                worker = near[0] if near else ""
            place = self._workers.index(worker) if worker in self._workers else None
            bars.append(Bar(begin, end, BarKind.ATTEMPT, one.mark, place))
        return bars

    def _inferred(self, row: Row) -> list[Bar]:
        """The attempts that nobody saw, by the retry policy: of equal length, with its pauses between them."""
        seen = self._seen[row.event]
        if len(seen) >= row.attempts or any(one.number == 0 for one in seen):
            return []
        bars: list[Bar] = []
        start = Glimpse(row.scheduled, row.scheduled)
        for before, after in pairwise([start, *sorted(seen, key=lambda one: one.number)]):
            missing = range(before.number + 1, after.number)
            reached = self._seconds(before.ended or before.began)
            pauses = [row.pause_before(number) for number in (*missing, after.number)]
            left = self._seconds(after.began) - reached - sum(pauses)
            if not missing or left < -0.3:  # then it is not as the policy has it: a service asked for other pauses
                continue
            length = max(left, 0.0) / len(missing)
            for pause in pauses[:-1]:
                bars.append(Bar(reached + pause, reached + pause + length, BarKind.INFERRED))
                reached += pause + length
        return bars

    def _seconds(self, moment: datetime) -> float:
        return max((moment - self.run.started).total_seconds(), 0.0)


def awaits(run: Run) -> str:
    """What an open run waits for, in a line; "" if it is over."""
    if not run.open:
        return ""
    now = run.now()
    rows = [f"{_label(row)}, {outcome(row, now)}" for row in run.rows if row.open]
    if run.task:
        rows.append("its next step, which a worker has" if run.task.taken else "a worker for its next step")
    return f"{run.workflow_id} waits for: {'; '.join(rows) or 'its next step'}"


class PlainTimeline(ChartPicture):
    """The requests of a plain run, and of those of the same question before it: only the ledger has them.

    Args:
        entries: of these runs, the tools' requests among them, oldest first.
        kills: when their programs were killed.
    """

    def __init__(
        self, found: PlainProof, entries: Sequence[Entry], kills: Sequence[datetime] = (), now: datetime | None = None
    ) -> None:
        self.proof = found
        self._entries = entries
        self.now = now or datetime.now(UTC)
        # By the number of their entry: a call, and what became of the request.
        self._calls = {one.entry: (call, one) for call in found.calls for one in (*call.requests, *call.again)}
        self.chart = self._chart(kills)

    @property
    def blocks(self) -> list[Block]:
        rows = []
        for entry in self._entries:
            call, request = self._of(entry)
            what = f"{entry['service']} {call}" if call else "tool call"
            cells = (f"#{entry['id']}", str(entry["run"]), what, request.fate, entry["asked"], entry["answered"] or "")
            rows.append([(Item(cell),) for cell in cells])
        table = Table(("Request", "Run", "What", "Outcome", "Asked", "Answered"), rows)
        return [*map(Item, self.chart.said), table]

    def _of(self, entry: Entry) -> tuple[str, LedgerRequest]:
        """The name of the model call that an entry is of, "" for a tool's; and what became of the request."""
        if entry["id"] in self._calls:
            call, request = self._calls[entry["id"]]
            return call.name, request
        return "", LedgerRequest.of(entry, proof.ANSWERED if entry["outcome"] == "completed" else "")

    def _chart(self, kills: Sequence[datetime]) -> Chart:
        """A run after the other, each from its own beginning: people wait between them, and that tells nothing."""
        runs = list(dict.fromkeys(entry["run"] for entry in self._entries))
        tracks, losses, whole, offset = [], [], 0.0, 0.0
        for number, run in enumerate(runs, 1):
            told = [self._of(entry) for entry in self._entries if entry["run"] == run]
            own = [request for _, request in told]
            began, ended = own[0].began, max(request.ended or self.now for request in own)
            for name in dict.fromkeys(name for name, _ in told):
                mine = [request for other, request in told if other == name]
                bars = []
                for one in mine:
                    begin, end = ((m - began).total_seconds() + offset for m in (one.began, one.ended or self.now))
                    bars.append(Bar(begin, end, mark=one.fate))
                fates = [one.fate for one in mine]
                times = {fate: fates.count(fate) for fate in fates}
                words = ", ".join(f"{n} times {fate}" if n > 1 else fate for fate, n in times.items())
                label = f"model {name}" if name else "tool call"
                tracks.append(Track(f"run {number}, {label}", words, tuple(bars)))
            killed = [kill for kill in kills if began <= kill <= ended + TOUCH]
            for request in own:
                if request.fate == proof.ABANDONED and request.ended:
                    at = (request.ended - began).total_seconds() + offset
                    how = "killed (SIGKILL)" if any(abs(kill - request.ended) < TOUCH for kill in killed) else "gone"
                    losses.append(Loss(at, f"program of run {number} {how} after {span(at - offset)}"))
            whole = offset + (ended - began).total_seconds()
            offset = whole + max(0.02 * whole, 0.05)
        return Chart(
            title=printable(
                f"{count(len(runs), 'plain run')} of {shorten(scrub(self.proof.question))!r}, without history"
            ),
            end=whole,
            tracks=tuple(tracks),
            losses=tuple(losses),
            witnesses=self.proof if self.proof.calls else None,
            notes=("The runs stand one after another; the time between them is left out.",) if len(runs) > 1 else (),
        )


def _process(worker: str) -> str:
    """A worker's identity, pid@host, as a person knows it."""
    pid, _, host = worker.partition("@")
    return f"process {pid}" if pid.isdigit() and host else shorten(worker, 24)


def _meet(seen: Glimpse, request: LedgerRequest) -> bool:
    """Whether an attempt that was looked at made this request."""
    return seen.began <= request.began and (seen.ended is None or request.began <= seen.ended)


def _label(row: Row) -> str:
    return row.kind if title(row) == row.kind else shorten(f"{row.kind}: {title(row)}", 100)
