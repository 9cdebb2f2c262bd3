"""The shapes in which a workflow run is told: one `Run`, and in it one `Row` for everything that happened."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any


class Kind(StrEnum):
    """What a row is. One more is made in events.py, and is drawn as a bar if it stands in `WAITS` of timeline.py."""

    MODEL = "model call"
    TOOL = "tool call"
    INLINE_TOOL = "tool in workflow"
    HANDOFF = "handoff"
    ACTIVITY = "activity"
    TIMER = "timer"
    SIGNAL = "signal"
    UPDATE = "update"
    WAIT = "wait"
    CHILD = "child workflow"
    TASK_FAILURE = "workflow task failure"
    TASK_TIMEOUT = "workflow task timeout"
    # Rarer ones.
    CONTINUED = "continued as new"
    STARTED_AGAIN = "started again"
    CANCEL_REQUEST = "cancel request"
    SIGNAL_SENT = "signal sent"
    MARKER = "marker"
    EVENT = "event"  # any other


ACTIVITIES = (Kind.MODEL, Kind.TOOL, Kind.ACTIVITY)  # what a worker runs outside of the workflow


def short_path(path: Path) -> str:
    """A path as a person here would name it: relative to the current folder if it lies below it."""
    here = Path.cwd()
    if path == here:
        return "this folder"
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


@dataclass(frozen=True)
class Place:
    """A line of a person's own code."""

    file: str
    line: int
    function: str
    code: str

    @property
    def shown(self) -> str:
        """The file as a person here would name it."""
        return short_path(Path(self.file))


@dataclass(frozen=True)
class ChainedError:
    """One error of a chain: its type, its message, and the innermost line of a person's own code, if any."""

    type: str
    message: str
    place: Place | None = None

    def __str__(self) -> str:
        # httpx ends its messages with a link to a page about status codes.
        message = self.message.partition("\nFor more information check:")[0]
        if page := re.search(r"<(!doctype|html|head|body)\b.*", message, re.IGNORECASE | re.DOTALL):
            title = re.search(r"<title>([^<]*)", page[0], re.IGNORECASE)
            what = f"{' '.join(title[1].split()) if title else ''} [a page of {len(page[0]):,} characters]"
            message = f"{message[: page.start()]}{what.strip()}"
        return f"{self.type}: {message}" if message else self.type


def root(errors: tuple[ChainedError, ...]) -> ChainedError | None:
    """The root cause: the innermost error that says something (low-level timeouts have no message)."""
    return next((error for error in reversed(errors) if error.message), errors[0] if errors else None)


def place_of(errors: tuple[ChainedError, ...]) -> Place | None:
    """The innermost line of a person's own code in a chain of errors, the root cause's first."""
    return next((error.place for error in reversed(errors) if error.place), None)


@dataclass(frozen=True)
class RequestedCall:
    """A function call that a model asked for. `arguments` is JSON text."""

    id: str
    name: str
    arguments: str
    offered: bool = True

    def __str__(self) -> str:
        return f"{self.name}({self.arguments})"


@dataclass(frozen=True)
class ModelCall:
    """One request to a model: what it was told and offered, and what it said."""

    model: str  # "" = the worker's default
    instructions: str
    asked: str  # what is new since the model last spoke
    tools: tuple[str, ...]
    handoffs: tuple[tuple[str, str], ...]  # (name of the transfer tool, name of the agent)
    outputs: dict[str, str]  # call id -> what the call gave, for all calls so far
    text: str = ""
    calls: tuple[RequestedCall, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    opening: str = ""  # the first thing that the user said
    turn: int = 1  # one more for each reply of the model that it was shown
    response_id: str = ""  # of the answer, and of its HTTP response; no two answers have the same
    request_id: str = ""

    @property
    def answered(self) -> str:
        """What the model said, in one line for each part."""
        return "\n".join(filter(None, [self.text, *(f"-> {call}" for call in self.calls)]))

    @property
    def offered(self) -> tuple[str, ...]:
        """The names of everything that the model could call."""
        return (*self.tools, *(name for name, _ in self.handoffs))

    @property
    def nameless(self) -> list[str]:
        """Agents with a word of other letters than Latin: the Agents SDK leaves none of them in the name of a handoff,
        and offers only one of several that have the same name.
        """

        def lost(word: str) -> bool:
            return any(map(str.isalpha, word)) and not re.search("[A-Za-z0-9]", word)

        return [agent for name, agent in self.handoffs if "__" in name and any(map(lost, agent.split()))]

    def is_handoff(self, call: RequestedCall) -> bool:
        """Whether a call asks for another agent: offered as such, or named like one and offered as nothing else."""
        return any(call.name == name for name, _ in self.handoffs) or (
            call.name.startswith("transfer_to_") and call.name not in self.tools
        )


@dataclass(frozen=True)
class Row:
    """Something that happened, or still happens, in a run. Times are in UTC.

    `state` is "completed", "failed", "running", "retrying", "timed out", "scheduled" or "cancelled".
    """

    kind: Kind
    name: str
    state: str
    event: int  # the id of the event it began with; 0 for what is derived from other events
    scheduled: datetime
    started: datetime | None = None  # of the last attempt: the history keeps no earlier one
    attempt_ended: datetime | None = None  # of the last attempt, while the next one is awaited
    closed: datetime | None = None
    attempts: int = 0  # attempts begun
    input: Any = None  # decoded, whole
    output: Any = None
    asked: str = ""  # input and output in words, whole
    answered: str = ""
    errors: tuple[ChainedError, ...] = ()  # of the last failed attempt, outermost first
    worker: str = ""
    model: ModelCall | None = None
    local: bool = False  # a local activity: run inside a workflow task, in the history only once it is over
    next_try: datetime | None = None
    last_heartbeat: datetime | None = None
    heartbeat_timeout: float | None = None  # seconds
    start_to_close: float | None = None  # seconds
    schedule_to_close: float | None = None  # seconds; None = without a bound
    first_pause: float | None = None  # seconds between the first attempt and the second
    longest_pause: float | None = None  # seconds between two attempts
    backoff: float = 2.0  # by which each pause is longer than the one before
    maximum_attempts: int = 0  # 0 = no limit
    never_retried: tuple[str, ...] = ()  # types of errors that its retry policy does not retry
    task_queue: str = ""  # of an activity
    activity_id: str = ""
    notes: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        return self.state in ("running", "retrying", "scheduled")

    @property
    def duration(self) -> float | None:
        """Seconds from being scheduled to its end, waits between attempts included; None if open or unknown."""
        return (self.closed - self.scheduled).total_seconds() if self.closed and not self.local else None

    def pause_before(self, attempt: int) -> float:
        """The pause before an attempt, by its retry policy, in seconds."""
        if attempt < 2 or not self.first_pause:
            return 0.0
        growth = min(self.backoff, 1000.0) ** min(attempt - 2, 60)  # of more, a float would not hold the pause
        return float(min(self.first_pause * growth, self.longest_pause or math.inf))

    @property
    def pauses(self) -> float | None:
        """Seconds that all pauses take together, where there is a maximum of attempts."""
        if not self.maximum_attempts:
            return None
        most = min(self.maximum_attempts, 1000)  # of more, it is enough to know that they are many
        return sum(self.pause_before(attempt) for attempt in range(2, most + 1))

    @property
    def last_error(self) -> str:
        """The root cause of the last failed attempt, with its type."""
        return str(root(self.errors) or "")

    @property
    def place(self) -> Place | None:
        """The innermost line of a person's own code in the last error."""
        return place_of(self.errors)


@dataclass(frozen=True)
class Totals:
    model_calls: int  # completed
    tool_calls: int  # completed, as activities
    tools_in_workflow: int
    handoffs: int  # taken
    attempts: int  # begun, of all activities
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class WorkflowTask:
    """The workflow task that is open now: the workflow's next step, waiting for a worker or in its hands."""

    taken: bool  # by a worker
    attempt: int
    since: datetime  # when this attempt was scheduled or, if taken, started


@dataclass(frozen=True)
class Sign:
    """A moment at which a worker was at work, by the history. `offered`: when the workflow task it took then was."""

    at: datetime
    worker: str
    offered: datetime | None = None


@dataclass(frozen=True)
class Run:
    """One run of a workflow, or all runs of one that continued as new, as one.

    `status` is Temporal's, in lower case: "running", "completed", "continued as new" ...
    """

    workflow_id: str
    run_id: str  # of the last one
    type: str
    task_queue: str
    status: str
    started: datetime
    closed: datetime | None
    input: Any
    result: Any
    errors: tuple[ChainedError, ...]  # why the run failed, outermost first
    reason: str  # why it was terminated or cancelled, or the run that continues it
    worker: str  # that took the last workflow task
    rows: tuple[Row, ...]
    signs: tuple[Sign, ...] = ()  # of its workers, oldest first
    task: WorkflowTask | None = None  # the open one, known only from a live server
    continues: str = ""  # the id of the run before this one, which continued as new
    earlier: tuple[str, ...] = ()  # ids of the runs before the last one, oldest first, that are in here too
    notes: tuple[str, ...] = ()
    encoded: bool = False  # whether only a codec can read what it holds
    sizes: tuple[int, ...] = ()  # bytes of the history, of each run that is in here; known only from a live server
    events: tuple[int, ...] = ()  # events of the history, likewise

    @property
    def open(self) -> bool:
        return self.closed is None

    def now(self) -> datetime:
        """The present, or the latest moment that it tells of, where the server's clock is ahead of ours."""
        return max(datetime.now(UTC), self.latest)

    @property
    def latest(self) -> datetime:
        """The latest moment that it tells of, by the server's clock."""
        told = [self.closed, self.task.since if self.task else None]
        for row in self.rows:
            told += [row.scheduled, row.started, row.closed, row.last_heartbeat, row.attempt_ended]
        return max([self.started, *(time for time in told if time)])

    @property
    def failure(self) -> str:
        """The root cause why the run failed, with its type; "" if it did not."""
        return str(root(self.errors) or "")

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None while it is open."""
        return (self.closed - self.started).total_seconds() if self.closed else None

    @property
    def totals(self) -> Totals:
        done = [row for row in self.rows if row.state == "completed"]
        models = [row.model for row in self.rows if row.model]
        return Totals(
            model_calls=sum(row.kind == Kind.MODEL for row in done),
            tool_calls=sum(row.kind == Kind.TOOL for row in done),
            tools_in_workflow=sum(row.kind == Kind.INLINE_TOOL for row in self.rows),
            handoffs=sum(row.kind == Kind.HANDOFF for row in done),
            attempts=sum(row.attempts for row in self.rows if row.kind in ACTIVITIES),
            input_tokens=sum(model.input_tokens for model in models),
            output_tokens=sum(model.output_tokens for model in models),
        )


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """A run, or a part of one, with each of its texts changed."""
    if isinstance(value, str) and not isinstance(value, Kind):
        return change(value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: with_texts(getattr(value, f.name), change) for f in fields(value)})
    if isinstance(value, (list, tuple)):
        return type(value)(with_texts(item, change) for item in value)
    if isinstance(value, dict):
        return {with_texts(key, change): with_texts(item, change) for key, item in value.items()}
    return value


# Derived values that belong in the JSON form too, and what is in another field already.
_EXTRA = {Row: ("duration", "pauses", "last_error", "place"), Run: ("duration", "failure", "totals")}
_TWICE = {"outputs"}


def as_json(value: Any) -> Any:
    """A run, or a part of one, as what `json.dumps` takes: times become ISO 8601 in UTC, nothing is cut."""
    if is_dataclass(value) and not isinstance(value, type):
        names = (*(field.name for field in fields(value)), *_EXTRA.get(type(value), ()))
        return {name: as_json(getattr(value, name)) for name in names if name not in _TWICE}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: as_json(item) for key, item in value.items()}
    return value
