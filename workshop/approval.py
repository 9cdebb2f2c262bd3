"""What waits in a workflow for a person's decision, and the decision: for `workshop approve` and `why`.

The workflow is one that has a query `open_calls`, which tells its open calls by their IDs, and an update `decide`.
"""

import asyncio
from collections.abc import Sequence

from temporalio.client import Client, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from workshop.errors import WorkshopError
from workshop.temporal import RPC_TIMEOUT
from workshop.text import count, printable

PATIENCE = 10.0  # seconds for one decision to be taken


async def open_calls(client: Client, workflow_id: str) -> dict[str, str]:
    """ID of a call -> what the agent wants to do; {} if nothing waits.

    Raises:
        WorkshopError: there is no such workflow, it asks nobody, or no worker answers for it.
    """
    try:
        found = await client.get_workflow_handle(workflow_id).query("open_calls", rpc_timeout=RPC_TIMEOUT)
    except WorkflowQueryFailedError:
        raise WorkshopError(
            f"{workflow_id} asks nobody: it has no query open_calls.", "name another workflow"
        ) from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise WorkshopError(f"There is no workflow {workflow_id!r} here.", "name one that there is") from None
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
    lines = []
    for (call_id, call), decision in zip(calls.items(), decisions, strict=True):
        update = client.get_workflow_handle(workflow_id).execute_update("decide", args=[call_id, decision])
        try:
            await asyncio.wait_for(update, PATIENCE)
        except WorkflowUpdateFailedError as error:
            raise WorkshopError(f"The workflow refuses {decision!r}: {printable(str(error.cause))}", again) from None
        except (RPCError, TimeoutError):
            raise WorkshopError("The decision was not taken: no worker answers.", "start its worker") from None
        lines.append(f"{decision}: {printable(call)}")
    return lines
