"""The shapes in which a workflow run is told: one `Run`, and in it one `Row` for everything that happened."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any

from workshop.history.conversation import ModelCall
from workshop.history.payloads import Link, Place, root

MODEL, TOOL, INLINE_TOOL, HANDOFF, ACTIVITY = "model call", "tool call", "tool in workflow", "handoff", "activity"
TIMER, SIGNAL, UPDATE, WAIT, CHILD = "timer", "signal", "update", "wait", "child workflow"
ACTIVITIES = (MODEL, TOOL, ACTIVITY)  # what a worker runs outside of the workflow
TASK_FAILURE, TASK_TIMEOUT = "workflow task failure", "workflow task time-out"


@dataclass(frozen=True)
class Row:
    """Something that happened, or still happens, in a run. Times are in UTC.

    `state` is "completed", "failed", "running", "retrying", "timed out", "scheduled" or "cancelled".
    """

    kind: str  # one of the constants above, or Temporal's own word for what is rarer
    name: str
    state: str
    event: int  # the id of the event it began with; 0 for what is derived from other events
    scheduled: datetime
    started: datetime | None = None  # of the last attempt: the history keeps no earlier one
    closed: datetime | None = None
    attempts: int = 0  # attempts begun
    input: Any = None  # decoded, whole
    output: Any = None
    asked: str = ""  # input and output in words, whole
    answered: str = ""
    errors: tuple[Link, ...] = ()  # of the last failed attempt, outermost first
    worker: str = ""
    model: ModelCall | None = None
    local: bool = False  # a local activity: run inside a workflow task, in the history only once it is over
    next_try: datetime | None = None
    last_heartbeat: datetime | None = None
    heartbeat_timeout: float | None = None  # seconds
    start_to_close: float | None = None  # seconds
    schedule_to_close: float | None = None  # seconds; None = without a bound
    longest_pause: float | None = None  # seconds between two attempts
    maximum_attempts: int = 0  # 0 = without a bound
    notes: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it is not over yet."""
        return self.state in ("running", "retrying", "scheduled")

    @property
    def duration(self) -> float | None:
        """Seconds from being scheduled to its end, waits between attempts included; None if open or unknown."""
        return (self.closed - self.scheduled).total_seconds() if self.closed and not self.local else None

    @property
    def last_error(self) -> str:
        """The root cause of the last failed attempt, with its type."""
        link = root(self.errors)
        return str(link) if link else ""

    @property
    def place(self) -> Place | None:
        """The innermost line of a person's own code in the last error, the root cause's first."""
        return next((link.place for link in reversed(self.errors) if link.place), None)


@dataclass(frozen=True)
class Totals:
    """The sums of a run."""

    model_calls: int  # completed
    tool_calls: int  # completed, as activities
    tools_in_workflow: int
    handoffs: int  # taken
    attempts: int  # begun, of all activities
    input_tokens: int
    output_tokens: int


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
    errors: tuple[Link, ...]  # why the run failed, outermost first
    reason: str  # for whom a termination, cancellation or continuation has one
    worker: str  # that took the last workflow task
    rows: tuple[Row, ...]
    task: "WorkflowTask | None" = None  # the open one, known only from a live server
    continues: str = ""  # the id of the run before this one, which continued as new
    earlier: tuple[str, ...] = ()  # ids of the runs before the last one, oldest first, that are in here too

    @property
    def open(self) -> bool:
        """Whether the run is not over."""
        return self.closed is None

    @property
    def failure(self) -> str:
        """The root cause why the run failed, with its type; "" if it did not."""
        link = root(self.errors)
        return str(link) if link else ""

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None while it is open."""
        return (self.closed - self.started).total_seconds() if self.closed else None

    @property
    def totals(self) -> Totals:
        """The sums over all rows."""
        done = [row for row in self.rows if row.state == "completed"]
        models = [row.model for row in self.rows if row.model]
        return Totals(
            model_calls=sum(row.kind == MODEL for row in done),
            tool_calls=sum(row.kind == TOOL for row in done),
            tools_in_workflow=sum(row.kind == INLINE_TOOL for row in self.rows),
            handoffs=sum(row.kind == HANDOFF for row in done),
            attempts=sum(row.attempts for row in self.rows if row.kind in ACTIVITIES),
            input_tokens=sum(model.input_tokens for model in models),
            output_tokens=sum(model.output_tokens for model in models),
        )


@dataclass(frozen=True)
class WorkflowTask:
    """The workflow task that is open now: the workflow's next step, waiting for a worker or in its hands."""

    taken: bool  # by a worker
    attempt: int
    since: datetime  # when this attempt was scheduled or, if taken, started


# Derived values that belong in the JSON form too, and what is in another field already.
_EXTRA = {Row: ("duration", "last_error", "place"), Run: ("duration", "failure", "totals")}
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
