"""Temporal's history events -> rows: an event that opens something makes a row, one that closes it completes it.

Events and their meaning: https://docs.temporal.io/references/events.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import (
    ContinueAsNewInitiator,
    PendingActivityState,
    PendingWorkflowTaskState,
    TimeoutType,
    WorkflowExecutionStatus,
)
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from workshop.history.agent import MODEL_ACTIVITIES, model_call, with_calls
from workshop.history.payloads import Encoded, as_text, chain, decode, decode_all
from workshop.history.rows import ChainedError, Kind, Row, Run, Sign, WorkflowTask
from workshop.temporal import when
from workshop.text import count, span

PAUSED = "paused by somebody"

STREAM = "__temporal_workflow_stream_"  # signals and updates of temporalio.contrib.workflow_streams

NOT_TAKEN = "offered first to the worker that had this workflow in memory, which did not take it (killed?)"
NOT_ANSWERED = "a worker took the workflow's next step and did not answer in time (killed, or its code blocked?)"

# Why a server has a workflow task done again though its worker did nothing wrong, such as news that came meanwhile.
_BEGUN_AGAIN = {
    "unhandled command",
    "unhandled update",
    "reset sticky task queue",
    "force close command",
    "failover close command",
    "reset workflow",
}

# Events that say nothing a reader of the audit wants to know; other rows hold what matters of them.
_HOUSEKEEPING = {
    "activity_task_cancel_requested",
    "child_workflow_execution_started",
    "upsert_workflow_search_attributes",
    "workflow_properties_modified",
    "workflow_execution_update_admitted",
}

# How a row ends: event -> (the attribute that names the opening event, the state it ends in).
_CLOSES = {
    "activity_task_completed": ("scheduled_event_id", "completed"),
    "activity_task_failed": ("scheduled_event_id", "failed"),
    "activity_task_timed_out": ("scheduled_event_id", "timed out"),
    "activity_task_canceled": ("scheduled_event_id", "cancelled"),
    "timer_fired": ("started_event_id", "completed"),
    "timer_canceled": ("started_event_id", "cancelled"),
    "workflow_execution_update_completed": ("accepted_event_id", "completed"),
    "child_workflow_execution_completed": ("initiated_event_id", "completed"),
    "child_workflow_execution_failed": ("initiated_event_id", "failed"),
    "child_workflow_execution_timed_out": ("initiated_event_id", "timed out"),
    "child_workflow_execution_canceled": ("initiated_event_id", "cancelled"),
    "child_workflow_execution_terminated": ("initiated_event_id", "cancelled"),
    "start_child_workflow_execution_failed": ("initiated_event_id", "failed"),
    "external_workflow_execution_signaled": ("initiated_event_id", "completed"),
    "signal_external_workflow_execution_failed": ("initiated_event_id", "failed"),
}

# What a worker reports, or takes.
_SIGNS = {f"{task}_{what}" for task in ("workflow_task", "activity_task") for what in ("started", "completed")} | {
    "activity_task_failed",
    "activity_task_canceled",
}

# How a run ends: event -> its status.
_ENDS = {
    "workflow_execution_completed": "completed",
    "workflow_execution_failed": "failed",
    "workflow_execution_timed_out": "timed out",
    "workflow_execution_canceled": "cancelled",
    "workflow_execution_terminated": "terminated",
    "workflow_execution_continued_as_new": "continued as new",
}


def run_from_events(
    workflow_id: str, events: Sequence[HistoryEvent], description: DescribeWorkflowExecutionResponse | None = None
) -> Run:
    """Makes a run of a history, for example of `WorkflowHistory.from_json(...).events`, and of what the server adds.

    Raises:
        ValueError: the events do not begin with the start of a workflow.
    """
    run = _Fold(workflow_id).run(events)
    if description:
        # A reset workflow's history names the run that it was copied from.
        info = description.workflow_execution_info
        run = replace(run, run_id=info.execution.run_id, sizes=(info.history_size_bytes,))
    if not run.open:
        run = replace(run, rows=tuple(_abandoned(row) if row.open else row for row in run.rows))
    elif description:
        run = _described(run, description)
    idle = events[-1].WhichOneof("attributes") == "workflow_task_completed_event_attributes"
    rows = run.rows
    if run.open and run.task is None and idle and not any(row.open for row in rows):
        rows = (*rows, Row(Kind.WAIT, "for a signal or an update", "running", 0, when(events[-1].event_time)))
    run = replace(run, rows=with_calls(rows))
    data = [run.input, run.result, *(part for row in run.rows for part in (row.input, row.output))]
    parts = [part for value in data for part in (value if isinstance(value, list) else [value])]
    if encoded := next((part for part in parts if isinstance(part, Encoded)), None):
        show = f"temporal workflow show --workflow-id {workflow_id} --codec-endpoint URL"
        lost = "what was asked and answered, which tools and how many tokens, is not known"
        note = f"encrypted ({encoded}), and this command has no codec: {lost}; with your codec server: {show}"
        run = replace(run, encoded=True, notes=(*run.notes, note))
    return run


def _abandoned(row: Row) -> Row:
    """What was still open when the run ended."""
    state = "failed" if row.kind == Kind.TASK_FAILURE else "cancelled"
    return replace(row, state=state, notes=(*row.notes, "not over when the workflow ended"))


def _described(run: Run, description: DescribeWorkflowExecutionResponse) -> Run:
    """An open run with what only the server knows: attempts of what is under way, and the open workflow task."""
    task = None
    if description.HasField("pending_workflow_task"):
        open_task = description.pending_workflow_task
        taken = open_task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED
        since = open_task.started_time if taken else open_task.scheduled_time
        task = WorkflowTask(taken, open_task.attempt, when(since))
    pending = {activity.activity_id: activity for activity in description.pending_activities}
    rows = []
    for row in run.rows:
        activity = pending.get(row.activity_id)
        if row.kind == Kind.TASK_FAILURE and row.open and task:
            # After the first failures of a workflow task, the history keeps no further ones.
            row = replace(row, attempts=max(row.attempts, task.attempt if task.taken else task.attempt - 1))
        elif row.open and activity:
            row = _pending(row, activity)
        rows.append(row)
    paused = description.workflow_execution_info.status == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_PAUSED
    return replace(run, status="paused" if paused else run.status, rows=tuple(rows), task=task)


def _pending(row: Row, activity: PendingActivityInfo) -> Row:
    """An open activity with what only the server knows of it."""
    started = activity.state not in (
        PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED,
        PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED,
    )
    waits = not started and activity.attempt > 1
    errors = _errors(activity.last_failure, row) if activity.HasField("last_failure") else ()
    return replace(
        row,
        state="running" if started else "retrying" if waits else "scheduled",
        attempts=activity.attempt if started else activity.attempt - 1,
        started=when(activity.last_started_time) if activity.HasField("last_started_time") else None,
        attempt_ended=when(activity.last_attempt_complete_time) if waits else None,
        errors=errors,
        worker=activity.last_worker_identity,
        next_try=when(activity.scheduled_time) if waits and activity.HasField("scheduled_time") else None,
        last_heartbeat=when(activity.last_heartbeat_time) if activity.HasField("last_heartbeat_time") else None,
        notes=(*_lost_worker(errors), *((PAUSED,) if activity.paused else ())),
    )


class _Fold:
    """What a history has told so far."""

    def __init__(self, workflow_id: str) -> None:
        self.workflow_id = workflow_id
        self.rows: dict[int, Row] = {}
        self.worker = ""
        self.signs: list[Sign] = []
        self.offered: datetime | None = None  # when the last workflow task was
        self.stream: list[int] = []  # the events of what a model streamed
        self.failing: int | None = None  # the row of the workflow task that fails again and again

    def run(self, events: Iterable[HistoryEvent]) -> Run:
        first: HistoryEvent | None = None
        last, end, status, last_id = None, None, "running", 0
        for event in events:
            last_id = event.event_id
            field = event.WhichOneof("attributes") or ""
            name, told = field.removesuffix("_event_attributes"), getattr(event, field) if field else None
            if name == "workflow_execution_started":
                first = event
            if name == "workflow_task_scheduled":
                self.offered = when(event.event_time)
            if told and name in _SIGNS and told.identity:
                offered = self.offered if name == "workflow_task_started" else None
                self.signs.append(Sign(when(event.event_time), told.identity, offered))
            if name in _ENDS:
                last, end, status = event, told, _ENDS[name]
            elif name in _CLOSES:
                self._close(event, told, *_CLOSES[name])
            elif name not in _HOUSEKEEPING:
                self._tell(event, name, told)
        if first is None:
            raise ValueError(f"the history of {self.workflow_id} does not begin with a workflow's start")
        start = first.workflow_execution_started_event_attributes
        failed = next((row for row in reversed(self.rows.values()) if row.state in ("failed", "timed out")), None)
        return Run(
            workflow_id=self.workflow_id,
            run_id=start.original_execution_run_id,
            type=start.workflow_type.name,
            task_queue=start.task_queue.name,
            status=status,
            started=when(first.event_time),
            closed=when(last.event_time) if last else None,
            input=decode_all(start.input.payloads),
            result=decode_all(end.result.payloads) if end and status == "completed" else None,
            errors=_errors(end.failure, failed) if end and _has(end, "failure") else (),
            reason=_reason(end),
            worker=self.worker,
            continues=_continues(start),
            signs=tuple(self.signs),
            rows=tuple(sorted(self.rows.values(), key=lambda row: (row.scheduled, row.event))),
            events=(last_id,),
        )

    def _open(self, event: HistoryEvent, kind: Kind, name: str, state: str = "running", **more: Any) -> None:
        self.rows[event.event_id] = Row(kind, name, state, event.event_id, when(event.event_time), **more)

    def _moment(self, event: HistoryEvent, kind: Kind, name: str, state: str = "completed", **more: Any) -> None:
        """A row that is over as soon as it began."""
        self._open(event, kind, name, state, closed=when(event.event_time), **more)

    def _change(self, event_id: int, **changes: Any) -> None:
        """Changes the row that an event opened, if that event is in this history."""
        if row := self.rows.get(event_id):
            self.rows[event_id] = replace(row, **changes)

    def _close(self, event: HistoryEvent, told: Any, opened_by: str, state: str) -> None:
        row = self.rows.get(getattr(told, opened_by))
        if row is None:  # its beginning is not in this history: a part of one, or a reset workflow's
            return
        output, errors, notes = row.output, row.errors, row.notes
        if _has(told, "result"):
            output = decode_all(told.result.payloads)
        elif _has(told, "outcome"):  # an update's
            output = decode_all(told.outcome.success.payloads)
            if told.outcome.HasField("failure"):
                state, errors = "failed", chain(told.outcome.failure)
        if _has(told, "failure"):
            errors = _errors(told.failure, row)
            notes = (*notes, *_lost_worker(errors))
        elif cause := _cause(told):
            errors = (ChainedError(cause, ""),)
        model = model_call(row.input, output) if row.model else None
        self._change(
            row.event,
            state=state,
            closed=when(event.event_time),
            output=output,
            answered=model.answered if model else as_text(output),
            errors=errors,
            model=model,
            notes=notes,
        )

    def _tell(self, event: HistoryEvent, name: str, told: Any) -> None:
        match name:
            case "workflow_execution_started":
                if told.continued_execution_run_id:
                    how = Kind.CONTINUED if _continues(told) else Kind.STARTED_AGAIN
                    self._moment(event, how, "after an earlier run", asked=told.continued_execution_run_id)
            case "activity_task_scheduled":
                self._scheduled(event, told)
            case "activity_task_started":
                # Written only when the activity closes: it says how many attempts it took, and the last failure.
                row = self.rows.get(told.scheduled_event_id)
                errors = _errors(told.last_failure, row) if told.HasField("last_failure") else ()
                self._change(
                    told.scheduled_event_id,
                    state="running",
                    started=when(event.event_time),
                    attempts=told.attempt,
                    worker=told.identity,
                    errors=errors,
                    notes=_lost_worker(errors),
                )
            case "timer_started":
                length = told.start_to_fire_timeout.ToTimedelta()
                due, name = when(event.event_time) + length, _summary(event) or "timer"
                self._open(event, Kind.TIMER, name, asked=f"{length.total_seconds():g} s", next_try=due)
            case "marker_recorded":
                self._marker(event, told)
            case "workflow_execution_signaled" if told.signal_name == f"{STREAM}publish":
                # A model's words while it speaks, which its result holds once more: one row for all of them.
                self.stream.append(event.event_id)
                if len(self.stream) == 1:
                    self._moment(event, Kind.SIGNAL, "the model's words, streamed")
                asked = f"in {count(len(self.stream), 'part')}"
                self._change(self.stream[0], asked=asked, closed=when(event.event_time))
            case "workflow_execution_signaled":
                self._moment(event, Kind.SIGNAL, told.signal_name, **_said(told.input))
            case "workflow_execution_update_accepted" if told.accepted_request.input.name.startswith(STREAM):
                pass  # somebody listens
            case "workflow_execution_update_accepted":
                request = told.accepted_request.input
                self._open(event, Kind.UPDATE, request.name, **_said(request.args))
            case "workflow_execution_cancel_requested":
                self._moment(event, Kind.CANCEL_REQUEST, told.cause or "cancel")
            case "start_child_workflow_execution_initiated":
                self._open(event, Kind.CHILD, f"{told.workflow_type.name} {told.workflow_id}", **_said(told.input))
            case "signal_external_workflow_execution_initiated":
                to = told.workflow_execution.workflow_id
                self._open(event, Kind.SIGNAL_SENT, f"{told.signal_name} to {to}", **_said(told.input))
            case "workflow_task_scheduled":
                if self.failing is not None:  # of the attempts that fail alike, the history keeps the first
                    before = self.rows[self.failing].attempts
                    self._change(self.failing, attempts=max(before, told.attempt - 1))
            case "workflow_task_started":
                self.worker = told.identity or self.worker
            case "workflow_task_completed":
                self._end_failure(event, "then the same step went well")
            case "workflow_task_failed" if _cause(told) in _BEGUN_AGAIN:
                self._moment(event, Kind.EVENT, f"step begun again ({_cause(told)})")
            case "workflow_task_failed":
                errors = chain(told.failure)
                row = self.rows[self.failing] if self.failing is not None else None
                if row and row.errors == errors:
                    self._change(row.event, attempts=row.attempts + 1)
                    return
                self._end_failure(event, "then it failed in another way")
                self.failing = event.event_id
                self._open(
                    event, Kind.TASK_FAILURE, _cause(told), "retrying", attempts=1, errors=errors, worker=told.identity
                )
            case "workflow_task_timed_out":
                untaken = told.timeout_type == TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START
                note = NOT_TAKEN if untaken else NOT_ANSWERED
                self._moment(event, Kind.TASK_TIMEOUT, "next step", "timed out", notes=(note,), worker=self.worker)
            case _:
                self._moment(event, Kind.EVENT, name.replace("_", " ") or f"unknown event type {event.event_type}")

    def _scheduled(self, event: HistoryEvent, told: Any) -> None:
        name, request = told.activity_type.name, decode_all(told.input.payloads)
        model = model_call(request, None) if name in MODEL_ACTIVITIES else None
        policy = told.retry_policy
        steady = policy.backoff_coefficient == 1  # pauses do not grow
        self._open(
            event,
            Kind.MODEL if model else Kind.ACTIVITY,
            (_summary(event) or name) if model else name,
            "scheduled",
            input=request,
            asked=model.asked if model else as_text(request),
            model=model,
            heartbeat_timeout=_seconds(told.heartbeat_timeout),
            start_to_close=_seconds(told.start_to_close_timeout),
            schedule_to_close=_seconds(told.schedule_to_close_timeout),
            first_pause=_seconds(policy.initial_interval),
            backoff=policy.backoff_coefficient or 2.0,
            longest_pause=_seconds(policy.initial_interval if steady else policy.maximum_interval),
            maximum_attempts=policy.maximum_attempts,
            never_retried=tuple(policy.non_retryable_error_types),
            task_queue=told.task_queue.name,
            activity_id=told.activity_id,
        )

    def _marker(self, event: HistoryEvent, told: Any) -> None:
        data = {key: decode_all(value.payloads) for key, value in told.details.items()}
        local = data.get("data")
        if told.marker_name != "core_local_activity" or not isinstance(local, dict):
            self._moment(event, Kind.MARKER, told.marker_name, input=data, asked=as_text(data))
            return
        name, failed = as_text(local.get("activity_type")), told.HasField("failure")
        model = model_call(None, data.get("result")) if name in MODEL_ACTIVITIES else None
        attempt = local.get("attempt")
        self._moment(
            event,
            Kind.MODEL if model else Kind.ACTIVITY,
            name,
            "failed" if failed else "completed",
            attempts=attempt if isinstance(attempt, int) else 1,
            output=data.get("result"),
            answered=model.answered if model else as_text(data.get("result")),
            errors=chain(told.failure) if failed else (),
            model=model,
            local=True,
            worker=self.worker,
            notes=("a local activity: the history keeps neither its input nor its beginning",),
        )

    def _end_failure(self, event: HistoryEvent, note: str) -> None:
        if self.failing is not None:
            notes = (*self.rows[self.failing].notes, note)
            self._change(self.failing, state="failed", closed=when(event.event_time), notes=notes)
            self.failing = None


def _said(payloads: Any) -> dict[str, Any]:
    value = decode_all(payloads.payloads)
    return {"input": value, "asked": as_text(value)}


def _seconds(duration: Duration) -> float | None:
    """A protobuf duration in seconds; None where 0 stands for "not set"."""
    return duration.ToTimedelta().total_seconds() or None


def _continues(started: Any) -> str:
    """The id of the run that continued as new into this one. A retry or a schedule starts over, and continues none."""
    by_itself = started.initiator == ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_WORKFLOW
    return str(started.continued_execution_run_id) if by_itself else ""


def _has(message: Any, field: str) -> bool:
    return message is not None and field in message.DESCRIPTOR.fields_by_name and message.HasField(field)


def _cause(told: Any) -> str:
    """The words of an event's `cause`, whose enum differs by event; "" for an event without one."""
    field = told.DESCRIPTOR.fields_by_name.get("cause")
    if field is None or not told.cause:
        return ""
    value = field.enum_type.values_by_number.get(told.cause)
    return str(value.name).partition("CAUSE_")[2].lower().replace("_", " ") if value else f"cause {told.cause}"


def _reason(end: Any) -> str:
    """Why a run was terminated or cancelled, or the run that continues it."""
    for field in ("reason", "new_execution_run_id"):
        if getattr(end, field, ""):
            return str(getattr(end, field))
    return as_text(decode_all(end.details.payloads)) if _has(end, "details") else ""


def _errors(failure: Failure, row: Row | None) -> tuple[ChainedError, ...]:
    """As `chain` has them; a timeout of an activity, whose row is known, says how long it is."""
    timeouts = row and {
        "heartbeat timeout": ("no heartbeat for", row.heartbeat_timeout),
        "start-to-close timeout": ("longer than", row.start_to_close),
        "schedule-to-close timeout": ("all attempts took longer than", row.schedule_to_close),
    }
    errors = []
    for error in chain(failure):
        words, limit = (timeouts or {}).get(error.type, ("", None))
        errors.append(replace(error, message=f"{words} {span(limit)}") if limit else error)
    return tuple(errors)


def _lost_worker(errors: tuple[ChainedError, ...]) -> tuple[str, ...]:
    """A note for an attempt whose heartbeats stopped."""
    lost = errors and errors[0].type == "heartbeat timeout"
    return ("an attempt's heartbeats stopped: its worker was killed, or too busy to send them",) if lost else ()


def _summary(event: HistoryEvent) -> str:
    """What a timer or an activity was given as its summary: of a model call it is, by default, the agent's name."""
    data = event.user_metadata
    return as_text(decode(data.summary)) if data.HasField("summary") else ""
