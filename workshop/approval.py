"""What waits in a workflow for a person's decision, and the decision: for `workshop approve`, `why` and the console.

The workflow is one that has a query `open_calls`, which tells its open calls by their IDs, and an update `decide`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from workshop.errors import WorkshopError
from workshop.history import Kind, read_history
from workshop.temporal import RPC_TIMEOUT, refused
from workshop.text import count, printable

PATIENCE = timedelta(seconds=10)  # for one decision to be taken


@dataclass(frozen=True)
class Waiting:
    """What waits in a workflow. Times are in UTC; None where the history does not tell."""

    calls: dict[str, str]  # ID of a call -> what the agent wants to do
    since: datetime | None  # when the model asked for it
    until: datetime | None  # the deadline: when the workflow's timer ends
    history: tuple[str, int]  # the run, and how many events it had: as long as it has no more, this is how it is


async def waiting(client: Client, workflow_id: str, known: Waiting | None = None) -> Waiting:
    """What waits in a workflow now. `known`, if nothing has happened since: then no worker is asked, nor needed.

    Raises:
        WorkshopError: as `open_calls`, or the server does not answer.
    """
    try:
        about = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        raise refused(client, error) from None
    now = (about.run_id or "", about.history_length)
    if known and known.history == now:
        return known
    run = await read_history(client, workflow_id)
    asked = [row.closed for row in run.rows if row.kind == Kind.MODEL and row.closed]
    ends = [row.next_try for row in run.rows if row.kind == Kind.TIMER and row.open and row.next_try]
    return Waiting(await open_calls(client, workflow_id), max(asked, default=None), min(ends, default=None), now)


async def open_calls(client: Client, workflow_id: str) -> dict[str, str]:
    """ID of a call -> what the agent wants to do; {} if nothing waits.

    Raises:
        WorkshopError: there is no such workflow, it asks nobody, or no worker answers for it.
    """
    handle = client.get_workflow_handle(workflow_id)
    try:
        found = await handle.query("open_calls", rpc_timeout=RPC_TIMEOUT)
    except WorkflowQueryFailedError:
        raise WorkshopError(
            f"{workflow_id} asks nobody: it has no query open_calls.", "name another workflow"
        ) from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise WorkshopError(f"There is no workflow {workflow_id!r} here.", "name one that there is") from None
        try:
            about = await handle.describe(rpc_timeout=RPC_TIMEOUT)
        except RPCError:
            raise refused(client, error) from None
        if about.status is not WorkflowExecutionStatus.RUNNING:
            return {}
        what = f"{workflow_id} does not say what waits: no worker answers."
        raise WorkshopError(what, "start its worker: python worker.py") from None
    return {str(one): str(what) for one, what in found.items()} if isinstance(found, dict) else {}


async def decide(client: Client, workflow_id: str, decisions: Sequence[str]) -> list[str]:
    """Sends a decision for each call that waits, in their order; without any, tells what waits. Returns lines to say.

    Raises:
        WorkshopError: as `open_calls`; or there are more decisions or fewer than calls, or one of them is refused.
    """
    calls = await open_calls(client, workflow_id)
    if not calls:
        return [f"Nothing of {workflow_id} waits for a decision."]
    again = f"workshop approve {workflow_id} {' '.join(['yes'] * len(calls))} (or no, for each)"
    if not decisions:
        return [f"{workflow_id} waits for {count(len(calls), 'decision')}:", *map(printable, calls.values()), again]
    if len(decisions) != len(calls):
        given = count(len(decisions), "decision")
        raise WorkshopError(f"{count(len(calls), 'call')} wait for a decision, and {given} came.", again)
    words = zip(calls.items(), decisions, strict=True)
    return [await _send(client, workflow_id, call_id, call, word, again) for (call_id, call), word in words]


async def decide_one(client: Client, workflow_id: str, call_id: str, decision: str) -> str:
    """Sends the decision about one call, which may have been shown a while ago. Returns what to say.

    Raises:
        WorkshopError: as `open_calls`; or the call waits no more, or the decision is refused.
    """
    calls = await open_calls(client, workflow_id)
    if call_id not in calls:
        what = "This call no longer waits: somebody has decided about it, or its deadline is over."
        raise WorkshopError(what, f"see what became of it: workshop audit {workflow_id}")
    line = await _send(client, workflow_id, call_id, calls[call_id], decision, f"workshop approve {workflow_id}")
    step = "decide about the rest" if len(calls) > 1 else f"see what it does now: workshop audit {workflow_id}"
    return f"Decided. {line}\n  Next: {step}"


async def _send(client: Client, workflow_id: str, call_id: str, call: str, decision: str, again: str) -> str:
    """Sends one decision. `again`: the next step after a refusal."""
    handle = client.get_workflow_handle(workflow_id)
    try:
        await handle.execute_update("decide", args=[call_id, decision], rpc_timeout=PATIENCE)
    except WorkflowUpdateFailedError as error:
        raise WorkshopError(f"The workflow refuses {decision!r}: {printable(str(error.cause))}", again) from None
    except RPCError as error:
        raise refused(client, error) from None
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        # The server keeps what it was sent, and gives it to the next worker.
        what = f"The decision was sent, and no worker answered within {PATIENCE.seconds} s: it may still be taken."
        raise WorkshopError(what, "start its worker: python worker.py") from None
    return f"{decision}: {printable(call)}"
