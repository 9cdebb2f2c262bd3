"""What happened in a workflow run: Temporal's history -> plain rows, one for each call, wait, signal and failure.

Events and their meaning: https://docs.temporal.io/references/events. Works with any client and with recorded
histories; neither the plugin nor the workflow's own classes are needed.
"""

from collections.abc import Sequence
from dataclasses import replace

from temporalio.api.enums.v1 import PendingActivityState, PendingWorkflowTaskState, WorkflowExecutionStatus
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workshop.errors import WorkshopError
from workshop.history.conversation import MODEL_ACTIVITIES, Call, ModelCall
from workshop.history.events import lost_worker_notes, run_of
from workshop.history.payloads import Link, Place, as_text, chain, root
from workshop.history.roles import with_roles
from workshop.history.rows import (
    ACTIVITIES,
    ACTIVITY,
    CHILD,
    HANDOFF,
    INLINE_TOOL,
    MODEL,
    SIGNAL,
    TASK_FAILURE,
    TASK_TIMEOUT,
    TIMER,
    TOOL,
    UPDATE,
    WAIT,
    Row,
    Run,
    Totals,
    WorkflowTask,
    as_json,
)
from workshop.temporal import RPC_TIMEOUT, latest_workflow_ids, refused, when

__all__ = [
    "ACTIVITIES",
    "ACTIVITY",
    "CHILD",
    "HANDOFF",
    "INLINE_TOOL",
    "MODEL",
    "MODEL_ACTIVITIES",
    "PAUSED",
    "SIGNAL",
    "TASK_FAILURE",
    "TASK_TIMEOUT",
    "TIMER",
    "TOOL",
    "UPDATE",
    "WAIT",
    "Call",
    "Link",
    "ModelCall",
    "Place",
    "Row",
    "Run",
    "Totals",
    "WorkflowTask",
    "as_json",
    "as_text",
    "read_history",
    "root",
    "run_from_events",
]

PAUSED = "paused by somebody"


async def read_history(client: Client, workflow_id: str, run_id: str | None = None) -> Run:
    """Reads a workflow: its latest run, with all that continued as new into it, as one; or just the run that is named.

    Raises:
        WorkshopError: there is no such workflow or run, or the server does not say.
    """
    try:
        runs = [await _read_run(client, workflow_id, run_id)]
        while runs[0].continues and run_id is None:
            try:
                runs.insert(0, await _read_run(client, workflow_id, runs[0].continues))
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                break  # the server keeps a run that is over for some time only
    except RPCError as error:
        no_such_workflow = error.status is RPCStatusCode.NOT_FOUND and "amespace" not in error.message
        if not (no_such_workflow or error.status is RPCStatusCode.INVALID_ARGUMENT):
            raise refused(client, error) from None
        latest = await latest_workflow_ids(client)
        named = f"the latest are: {', '.join(latest)}" if latest else "none has been started yet"
        raise WorkshopError(
            f"There is no workflow {workflow_id!r} here; {named}.", "name one of them, or none for the latest"
        ) from None
    return joined(runs)


async def _read_run(client: Client, workflow_id: str, run_id: str | None) -> Run:
    # Described first: what happens between the two requests is then in the history, which knows better.
    handle = client.get_workflow_handle(workflow_id, run_id=run_id)
    description = (await handle.describe(rpc_timeout=RPC_TIMEOUT)).raw_description
    handle = client.get_workflow_handle(workflow_id, run_id=description.workflow_execution_info.execution.run_id)
    history = await handle.fetch_history(rpc_timeout=RPC_TIMEOUT)
    return run_from_events(workflow_id, history.events, description)


def joined(runs: Sequence[Run]) -> Run:
    """Runs of one workflow, oldest first, each of which continued as new into the next, as one."""
    rows: list[Row] = []
    for run in runs:
        before = max((row.event for row in rows), default=0)  # an event's id stays its own: each run begins with 1
        rows += [replace(row, event=row.event and row.event + before) for row in run.rows]
    first, last = runs[0], runs[-1]
    return replace(
        last,
        started=first.started,
        input=first.input,
        continues=first.continues,
        earlier=tuple(run.run_id for run in runs[:-1]),
        rows=tuple(rows),
    )


def run_from_events(
    workflow_id: str, events: Sequence[HistoryEvent], description: DescribeWorkflowExecutionResponse | None = None
) -> Run:
    """Makes a run of a history, for example of `WorkflowHistory.from_json(...).events`, and of what the server adds.

    Raises:
        ValueError: the events do not begin with the start of a workflow.
    """
    run = run_of(workflow_id, events)
    if description:
        # A reset workflow's history names the run that it was copied from.
        run = replace(run, run_id=description.workflow_execution_info.execution.run_id)
    if not run.open:
        run = replace(run, rows=tuple(_abandoned(row) if row.open else row for row in run.rows))
    elif description:
        status = (
            "paused"
            if description.workflow_execution_info.status == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_PAUSED
            else run.status
        )
        pending = {activity.activity_id: activity for activity in description.pending_activities}
        names = {event.event_id: event.activity_task_scheduled_event_attributes.activity_id for event in events}
        task = _open_task(description)
        rows = [
            _with_task(row, task) if row.kind == TASK_FAILURE else _with_pending(row, pending.get(names[row.event]))
            for row in run.rows
        ]
        run = replace(run, status=status, rows=tuple(rows), task=task)
    waiting = _wait(run, events[-1])
    return replace(run, rows=with_roles((*run.rows, waiting) if waiting else run.rows))


def _open_task(description: DescribeWorkflowExecutionResponse) -> WorkflowTask | None:
    if not description.HasField("pending_workflow_task"):
        return None
    task = description.pending_workflow_task
    taken = task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED
    return WorkflowTask(taken, task.attempt, when(task.started_time if taken else task.scheduled_time))


def _abandoned(row: Row) -> Row:
    """What was still open when the run ended."""
    state = "failed" if row.kind == TASK_FAILURE else "cancelled"
    return replace(row, state=state, notes=(*row.notes, "not over when the workflow ended"))


def _with_task(row: Row, task: WorkflowTask | None) -> Row:
    """A workflow task that fails again and again: after the first failures, the history keeps no further ones."""
    if task is None or not row.open:
        return row
    return replace(row, attempts=max(row.attempts, task.attempt if task.taken else task.attempt - 1))


def _with_pending(row: Row, pending: PendingActivityInfo | None) -> Row:
    """An open activity, and what only the server knows of it."""
    if pending is None or not row.open:
        return row
    started = pending.state not in (
        PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED,
        PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED,
    )
    errors = chain(pending.last_failure) if pending.HasField("last_failure") else ()
    waits = not started and pending.attempt > 1
    return replace(
        row,
        state="running" if started else "retrying" if waits else "scheduled",
        attempts=pending.attempt if started else pending.attempt - 1,
        started=when(pending.last_started_time) if pending.HasField("last_started_time") else None,
        errors=errors,
        worker=pending.last_worker_identity,
        next_try=when(pending.scheduled_time) if waits and pending.HasField("scheduled_time") else None,
        last_heartbeat=when(pending.last_heartbeat_time) if pending.HasField("last_heartbeat_time") else None,
        notes=(*lost_worker_notes(errors), *((PAUSED,) if pending.paused else ())),
    )


def _wait(run: Run, last: HistoryEvent) -> Row | None:
    """A row for a run that waits for word from outside: it is open, and nothing in it is."""
    idle = last.WhichOneof("attributes") == "workflow_task_completed_event_attributes"
    if not run.open or run.task or not idle or any(row.open for row in run.rows):
        return None
    return Row(WAIT, "for a signal or an update", "running", 0, when(last.event_time))
