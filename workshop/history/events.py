"""Temporal's history events -> rows: an event that opens something makes a row, one that closes it completes it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import ContinueAsNewInitiator, TimeoutType
from temporalio.api.history.v1 import HistoryEvent

from workshop.history.conversation import MODEL_ACTIVITIES, model_call
from workshop.history.payloads import Link, as_text, chain, decode, decode_all
from workshop.history.rows import ACTIVITY, CHILD, MODEL, SIGNAL, TASK_FAILURE, TASK_TIMEOUT, TIMER, UPDATE, Row, Run
from workshop.temporal import when

# Events that say nothing a reader of the audit wants to know; other rows hold what matters of them.
_HOUSEKEEPING = {
    "workflow_task_scheduled",
    "activity_task_cancel_requested",
    "child_workflow_execution_started",
    "nexus_operation_started",
    "upsert_workflow_search_attributes",
    "workflow_properties_modified",
    "workflow_execution_update_admitted",
    "nexus_operation_cancel_requested",
    "nexus_operation_cancel_request_completed",
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
    "external_workflow_execution_cancel_requested": ("initiated_event_id", "completed"),
    "request_cancel_external_workflow_execution_failed": ("initiated_event_id", "failed"),
    "nexus_operation_completed": ("scheduled_event_id", "completed"),
    "nexus_operation_failed": ("scheduled_event_id", "failed"),
    "nexus_operation_timed_out": ("scheduled_event_id", "timed out"),
    "nexus_operation_canceled": ("scheduled_event_id", "cancelled"),
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


def seconds(duration: Duration) -> float | None:
    """A protobuf duration in seconds; None where 0 stands for "not set"."""
    return duration.ToTimedelta().total_seconds() or None


def run_of(workflow_id: str, events: Iterable[HistoryEvent]) -> Run:
    """Folds events, which begin with the start of the workflow, into a run whose rows are in time order."""
    fold = _Fold(workflow_id)
    for event in events:
        fold.add(event)
    return fold.run()


class _Fold:
    def __init__(self, workflow_id: str) -> None:
        self.workflow_id = workflow_id
        self.rows: dict[int, Row] = {}
        self.start: HistoryEvent | None = None
        self.end: HistoryEvent | None = None
        self.status = "running"
        self.worker = ""
        self.failing: int | None = None  # the row of the workflow task that fails again and again

    def add(self, event: HistoryEvent) -> None:
        field = event.WhichOneof("attributes") or ""
        name = field.removesuffix("_event_attributes")
        attributes = getattr(event, field) if field else None
        opener: Callable[[HistoryEvent, Any], None] | None = getattr(self, f"_on_{name}", None)
        if name in _ENDS:
            self.end, self.status = event, _ENDS[name]
        elif name in _CLOSES:
            self._close(event, attributes, *_CLOSES[name])
        elif opener:
            opener(event, attributes)
        elif name not in _HOUSEKEEPING:
            self._moment(event, "event", name.replace("_", " ") or f"unknown event type {event.event_type}")

    def run(self) -> Run:
        if self.start is None:
            raise ValueError(f"the history of {self.workflow_id} does not begin with a workflow's start")
        start = self.start.workflow_execution_started_event_attributes
        end: Any = getattr(self.end, self.end.WhichOneof("attributes") or "") if self.end else None
        return Run(
            workflow_id=self.workflow_id,
            run_id=start.original_execution_run_id,
            type=start.workflow_type.name,
            task_queue=start.task_queue.name,
            status=self.status,
            started=when(self.start.event_time),
            closed=when(self.end.event_time) if self.end else None,
            input=decode_all(start.input.payloads),
            result=decode_all(end.result.payloads) if self.status == "completed" else None,
            errors=chain(end.failure) if end and _has(end, "failure") else (),
            reason=_reason(end),
            worker=self.worker,
            continues=_continues(start),
            rows=tuple(sorted(self.rows.values(), key=lambda row: (row.scheduled, row.event))),
        )

    def _open(self, event: HistoryEvent, kind: str, name: str, state: str = "running", **more: Any) -> None:
        self.rows[event.event_id] = Row(kind, name, state, event.event_id, when(event.event_time), **more)

    def _moment(self, event: HistoryEvent, kind: str, name: str, **more: Any) -> None:
        """A row that is over as soon as it began."""
        self._open(event, kind, name, "completed", closed=when(event.event_time), **more)

    def _close(self, event: HistoryEvent, attributes: Any, opened_by: str, state: str) -> None:
        row = self.rows.get(getattr(attributes, opened_by))
        if row is None:  # its beginning is not in this history: a part of one, or a reset workflow's
            return
        output, errors = row.output, row.errors
        if _has(attributes, "result"):
            result = attributes.result
            output = decode_all(result.payloads) if hasattr(result, "payloads") else decode(result)
        elif _has(attributes, "outcome"):  # an update's
            output = decode_all(attributes.outcome.success.payloads)
            if attributes.outcome.HasField("failure"):
                state, errors = "failed", chain(attributes.outcome.failure)
        if _has(attributes, "failure"):
            errors = chain(attributes.failure)
        elif _cause(attributes):
            errors = (Link(_cause(attributes), ""),)
        model = model_call(row.input, output) if row.model else None
        self.rows[row.event] = replace(
            row,
            state=state,
            closed=when(event.event_time),
            output=output,
            answered=model.answered if model else as_text(output),
            errors=errors,
            model=model,
            notes=(*row.notes, *_timeout_notes(row, attributes)),
        )

    def _on_workflow_execution_started(self, event: HistoryEvent, attributes: Any) -> None:
        self.start = event
        if attributes.continued_execution_run_id:
            how = "continued as new" if _continues(attributes) else "started again"
            self._moment(event, how, "after an earlier run", asked=attributes.continued_execution_run_id)

    def _on_activity_task_scheduled(self, event: HistoryEvent, attributes: Any) -> None:
        name, request = attributes.activity_type.name, decode_all(attributes.input.payloads)
        model = model_call(request, None) if name in MODEL_ACTIVITIES else None
        policy = attributes.retry_policy
        steady = policy.backoff_coefficient == 1  # pauses do not grow
        self._open(
            event,
            MODEL if model else ACTIVITY,
            name,
            "scheduled",
            input=request,
            asked=model.asked if model else as_text(request),
            model=model,
            heartbeat_timeout=seconds(attributes.heartbeat_timeout),
            start_to_close=seconds(attributes.start_to_close_timeout),
            schedule_to_close=seconds(attributes.schedule_to_close_timeout),
            longest_pause=seconds(policy.initial_interval if steady else policy.maximum_interval),
            maximum_attempts=policy.maximum_attempts,
        )

    def _on_activity_task_started(self, event: HistoryEvent, attributes: Any) -> None:
        row = self.rows.get(attributes.scheduled_event_id)
        if row:
            # Written only when the activity closes; it says how many attempts it took and what the last failure was.
            errors = chain(attributes.last_failure) if attributes.HasField("last_failure") else ()
            self.rows[row.event] = replace(
                row,
                state="running",
                started=when(event.event_time),
                attempts=attributes.attempt,
                worker=attributes.identity,
                errors=errors,
                notes=lost_worker_notes(errors),
            )

    def _on_timer_started(self, event: HistoryEvent, attributes: Any) -> None:
        length = attributes.start_to_fire_timeout.ToTimedelta()
        summary = as_text(decode(event.user_metadata.summary)) if event.user_metadata.HasField("summary") else ""
        due = when(event.event_time) + length
        self._open(event, TIMER, summary or "timer", asked=f"{length.total_seconds():g} s", next_try=due)

    def _on_marker_recorded(self, event: HistoryEvent, attributes: Any) -> None:
        data = {key: decode_all(value.payloads) for key, value in attributes.details.items()}
        local = data.get("data")
        if attributes.marker_name != "core_local_activity" or not isinstance(local, dict):
            self._moment(event, "marker", attributes.marker_name, input=data, asked=as_text(data))
            return
        name, failed = as_text(local.get("activity_type")), attributes.HasField("failure")
        model = model_call(None, data.get("result")) if name in MODEL_ACTIVITIES else None
        attempt = local.get("attempt")
        self._open(
            event,
            MODEL if model else ACTIVITY,
            name,
            "failed" if failed else "completed",
            closed=when(event.event_time),
            attempts=attempt if isinstance(attempt, int) else 1,
            output=data.get("result"),
            answered=model.answered if model else as_text(data.get("result")),
            errors=chain(attributes.failure) if failed else (),
            model=model,
            local=True,
            worker=self.worker,
            notes=("a local activity: the history keeps neither its input nor its beginning",),
        )

    def _on_workflow_execution_signaled(self, event: HistoryEvent, attributes: Any) -> None:
        value = decode_all(attributes.input.payloads)
        self._moment(event, SIGNAL, attributes.signal_name, input=value, asked=as_text(value))

    def _on_workflow_execution_update_accepted(self, event: HistoryEvent, attributes: Any) -> None:
        request = attributes.accepted_request.input
        value = decode_all(request.args.payloads)
        self._open(event, UPDATE, request.name, input=value, asked=as_text(value))

    def _on_workflow_execution_cancel_requested(self, event: HistoryEvent, attributes: Any) -> None:
        self._moment(event, "cancel request", attributes.cause or "cancel")

    def _on_start_child_workflow_execution_initiated(self, event: HistoryEvent, attributes: Any) -> None:
        value = decode_all(attributes.input.payloads)
        name = f"{attributes.workflow_type.name} {attributes.workflow_id}"
        self._open(event, CHILD, name, input=value, asked=as_text(value))

    def _on_signal_external_workflow_execution_initiated(self, event: HistoryEvent, attributes: Any) -> None:
        value = decode_all(attributes.input.payloads)
        name = f"{attributes.signal_name} to {attributes.workflow_execution.workflow_id}"
        self._open(event, "signal sent", name, input=value, asked=as_text(value))

    def _on_request_cancel_external_workflow_execution_initiated(self, event: HistoryEvent, attributes: Any) -> None:
        self._open(event, "cancel sent", attributes.workflow_execution.workflow_id)

    def _on_nexus_operation_scheduled(self, event: HistoryEvent, attributes: Any) -> None:
        value = decode(attributes.input)
        self._open(
            event, "nexus operation", f"{attributes.service}.{attributes.operation}", input=value, asked=as_text(value)
        )

    def _on_workflow_task_scheduled(self, event: HistoryEvent, attributes: Any) -> None:
        if self.failing is not None:  # of the attempts that fail alike, the history keeps the first
            row = self.rows[self.failing]
            self.rows[row.event] = replace(row, attempts=max(row.attempts, attributes.attempt - 1))

    def _on_workflow_task_started(self, event: HistoryEvent, attributes: Any) -> None:
        self.worker = attributes.identity or self.worker

    def _on_workflow_task_completed(self, event: HistoryEvent, attributes: Any) -> None:
        self._end_failure(event, "then the same step went well")

    def _on_workflow_task_failed(self, event: HistoryEvent, attributes: Any) -> None:
        errors = chain(attributes.failure)
        row = self.rows[self.failing] if self.failing is not None else None
        if row and row.errors == errors:
            self.rows[row.event] = replace(row, attempts=row.attempts + 1)
            return
        self._end_failure(event, "then it failed in another way")
        self.failing = event.event_id
        self._open(
            event, TASK_FAILURE, _cause(attributes), "retrying", attempts=1, errors=errors, worker=attributes.identity
        )

    def _end_failure(self, event: HistoryEvent, note: str) -> None:
        if self.failing is not None:
            row = self.rows[self.failing]
            self.rows[row.event] = replace(row, state="failed", closed=when(event.event_time), notes=(*row.notes, note))
            self.failing = None

    def _on_workflow_task_timed_out(self, event: HistoryEvent, attributes: Any) -> None:
        if attributes.timeout_type == TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START:
            note = "offered first to the worker that had this workflow in memory, which did not take it (killed?)"
        else:
            note = "a worker took the workflow's next step and did not answer in time (killed, or its code blocked?)"
        self._open(
            event,
            TASK_TIMEOUT,
            "next step",
            "timed out",
            closed=when(event.event_time),
            notes=(note,),
            worker=self.worker,
        )


def _continues(started: Any) -> str:
    """The id of the run that continued as new into this one. A retry or a schedule starts over, and continues none."""
    by_itself = started.initiator == ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_WORKFLOW
    return str(started.continued_execution_run_id) if by_itself else ""


def _has(message: Any, field: str) -> bool:
    return field in message.DESCRIPTOR.fields_by_name and message.HasField(field)


def _cause(attributes: Any) -> str:
    """The words of an event's `cause`, whose enum differs by event; "" for an event without one."""
    field = attributes.DESCRIPTOR.fields_by_name.get("cause")
    if field is None or not attributes.cause:
        return ""
    value = field.enum_type.values_by_number.get(attributes.cause)
    return str(value.name).partition("CAUSE_")[2].lower().replace("_", " ") if value else f"cause {attributes.cause}"


def _reason(end: Any) -> str:
    """Why a run was terminated or cancelled, or the run that continues it."""
    if end is None:
        return ""
    for field in ("reason", "new_execution_run_id"):
        if field in end.DESCRIPTOR.fields_by_name and getattr(end, field):
            return str(getattr(end, field))
    return as_text(decode_all(end.details.payloads)) if _has(end, "details") else ""


def lost_worker_notes(errors: tuple[Link, ...]) -> tuple[str, ...]:
    """A note for an attempt whose heartbeats stopped."""
    lost = errors and errors[0].type == "heartbeat time-out"
    return ("an attempt's heartbeats stopped: its worker was killed, or too busy to send them",) if lost else ()


def _timeout_notes(row: Row, attributes: Any) -> tuple[str, ...]:
    return lost_worker_notes(chain(attributes.failure)) if _has(attributes, "failure") else ()
