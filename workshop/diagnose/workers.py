"""Who polls a task queue, and what a live worker says of a workflow. Each question is bounded in time."""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psutil  # type: ignore[import-untyped]
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from workshop.history import when

ASK_TIMEOUT = timedelta(seconds=2)
# A worker's poll returns after a minute at the latest and is then repeated; older than this, nobody is there.
POLL_AGE = timedelta(seconds=75)


@dataclass(frozen=True)
class Pollers:
    """Who polls a task queue: identities of workers, for workflow tasks and for activities."""

    workflows: tuple[str, ...]
    activities: tuple[str, ...]


async def pollers(client: Client, task_queue: str) -> Pollers:
    """The live workers of a task queue. The server lists a killed one for a while; those known to be gone are left out.

    Raises:
        RPCError: the server does not say.
    """
    kinds = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
    answers = await asyncio.gather(*(_described(client, task_queue, kind) for kind in kinds))
    return Pollers(*answers)


async def polled_elsewhere(client: Client, task_queues: Iterable[str]) -> list[str]:
    """Those of the given task queues that some worker polls."""
    names = sorted(task_queues)
    found = await asyncio.gather(*(pollers(client, name) for name in names))
    return [name for name, workers in zip(names, found, strict=True) if workers.workflows or workers.activities]


async def _described(client: Client, task_queue: str, kind: TaskQueueType.ValueType) -> tuple[str, ...]:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=task_queue), task_queue_type=kind
    )
    answer = await client.workflow_service.describe_task_queue(request, timeout=ASK_TIMEOUT)
    oldest = datetime.now(UTC) - POLL_AGE
    return tuple(p.identity for p in answer.pollers if when(p.last_access_time) > oldest and not gone(p.identity))


def gone(identity: str) -> bool:
    """Whether a worker has ended, as far as can be known: its identity, pid@host, names a process of this machine."""
    pid, _, host = identity.partition("@")
    if host != socket.gethostname() or not (pid.isascii() and pid.isdigit()) or len(pid) > 9:
        return False
    try:
        return bool(psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


async def listens_to(client: Client, workflow_id: str, run_id: str) -> tuple[list[str], list[str]] | None:
    """Names of the signals and of the updates that a workflow takes, asked of its worker; None if none answers."""
    handle = client.get_workflow_handle(workflow_id, run_id=run_id)
    try:
        answer = await handle.query(
            "__temporal_workflow_metadata", result_type=WorkflowMetadata, rpc_timeout=ASK_TIMEOUT
        )
    except (RPCError, WorkflowQueryFailedError, RuntimeError):
        return None
    definition = answer.definition
    return (
        [signal.name for signal in definition.signal_definitions if signal.name],
        [update.name for update in definition.update_definitions if update.name],
    )
