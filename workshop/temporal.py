"""What we ask a Temporal server: a client, the latest workflows, who polls a task queue. Each request has a timeout."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import psutil  # type: ignore[import-untyped]
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    PollWorkflowTaskQueueRequest,
)
from temporalio.client import Client, WorkflowExecution
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.service import RPCError

from workshop.errors import WorkshopError
from workshop.processes import Patience

T = TypeVar("T")

RPC_TIMEOUT = timedelta(seconds=4)  # nobody waits longer for one answer of the server
POLLERS_TIMEOUT = timedelta(seconds=2)
# A worker's poll returns after a minute at the latest and is then repeated; older than this, nobody is there.
POLL_AGE = timedelta(seconds=75)
CLOCKS_DIFFER = timedelta(seconds=5)
PAGE = 100  # workflows that are looked at for the latest
WORKFLOWS, ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY

UP = "start one with: workshop up (or correct TEMPORAL_ADDRESS)"
TLS_WANTED = "what answers there speaks no TLS, which the TEMPORAL_... variables want"
_CONNECT_ERRORS = {  # what the SDK says -> why, and what to do
    "ConnectionRefused": ("nothing listens there", UP),
    "dns error": ("that host name is not known", UP),
    "grpc-status header missing": ("what answers there is no Temporal server", UP),
    "InvalidContentType": (TLS_WANTED, "workshop doctor"),
}


def connection(env: Mapping[str, str]) -> ClientConnectConfig:
    """How the solutions connect: by TEMPORAL_... variables and, where they name no address, by Temporal's own file.

    What that file and TEMPORAL_PROFILE say is for the server that they name, not for one at another address.

    Raises:
        WorkshopError: the settings make no sense.
    """
    try:
        return ClientConfig.load_client_connect_config(
            override_env_vars=dict(env), disable_file=bool(env.get("TEMPORAL_ADDRESS"))
        )
    except (RuntimeError, ValueError, OSError) as error:
        what = str(error).splitlines()[0]  # the next lines quote the file, perhaps its key
        raise WorkshopError(
            f"The settings for Temporal make no sense: {what}.", "correct the TEMPORAL_... variables: workshop doctor"
        ) from None


async def connect(env: Mapping[str, str], address: str, namespace: str) -> Client:
    """Connects as the solutions do.

    Args:
        env: the environment to read `connection` from.
        address: host:port to use where they name none. Likewise `namespace`.

    Raises:
        WorkshopError: the settings make no sense, or no server answers there.
    """
    config = connection(env)
    target = config.setdefault("target_host", address)
    config.setdefault("namespace", namespace)
    try:
        return await asyncio.wait_for(Client.connect(**config), RPC_TIMEOUT.total_seconds())
    except (TimeoutError, RuntimeError, ValueError) as error:
        text = str(error) or f"no answer within {RPC_TIMEOUT.seconds} s"
        why, step = next((known for mark, known in _CONNECT_ERRORS.items() if mark in text), (text, UP))
        raise WorkshopError(f"No Temporal server at {target}: {why}.", step) from None


async def _polls(
    client: Client, task_queue: str, kind: TaskQueueType.ValueType, timeout: timedelta
) -> list[tuple[str, datetime]]:
    """Who polls a task queue, as the server lists it: a worker's identity, and when it last polled."""
    queue = TaskQueue(name=task_queue)
    request = DescribeTaskQueueRequest(namespace=client.namespace, task_queue=queue, task_queue_type=kind)
    answer = await client.workflow_service.describe_task_queue(request, timeout=timeout)
    return [(poller.identity, when(poller.last_access_time)) for poller in answer.pollers]


async def clock_difference(client: Client) -> timedelta | None:
    """By how much the server's clock is ahead of ours. It tells when a task queue was polled last, so we poll one.

    None if it does not tell.

    Raises:
        RPCError: the server does not say.
    """
    name = f"what-time-is-it-{uuid4()}"
    request = PollWorkflowTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=name), identity="workshop doctor"
    )
    began = datetime.now(UTC)
    poll = client.workflow_service.poll_workflow_task_queue(request, timeout=timedelta(seconds=10))
    polling = asyncio.ensure_future(poll)
    try:
        seen = await follow(lambda: _polls(client, name, WORKFLOWS, RPC_TIMEOUT), bool, 5)
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
    return seen[0][1] - began if seen else None


def refused(client: Client, error: RPCError) -> WorkshopError:
    """What to tell of a server that answers with an error."""
    server = f"Temporal at {client.service_client.config.target_host}, namespace {client.namespace}"
    message = error.message.rstrip(".")
    return WorkshopError(
        f"{server}, does not answer: {message}.", "look at TEMPORAL_... in .env, then: workshop status"
    )


async def latest_workflows(client: Client, task_queue: str = "") -> list[WorkflowExecution]:
    """The workflows started last, of one task queue or of all, the newest first, without child workflows.

    The server's list lags: a workflow can take a second to appear.

    Raises:
        RPCError: the server does not say.
    """
    among = f"TaskQueue = '{task_queue}' AND " if task_queue else ""
    found = []
    # The list is in order of closing time, running ones first, so the newest are at the head of one of these two.
    for state in ("=", "!="):
        query = f"{among}ExecutionStatus {state} 'Running'"
        pages = client.list_workflows(query, limit=PAGE, page_size=PAGE, rpc_timeout=RPC_TIMEOUT)
        found += [workflow async for workflow in pages if workflow.parent_id is None]
    return sorted(found, key=lambda workflow: workflow.start_time, reverse=True)


async def latest_workflow_ids(client: Client, limit: int = 5) -> list[str]:
    """Ids of the workflows started last; one that continued as new counts once. Raises as `latest_workflows`."""
    return list(dict.fromkeys(workflow.id for workflow in await latest_workflows(client)))[:limit]


async def latest_workflow_id(client: Client) -> str:
    """Id of the workflow that was started last.

    Raises:
        WorkshopError: there is none, or the server does not say.
    """
    try:
        latest = await latest_workflow_ids(client, 1)
    except RPCError as error:
        raise refused(client, error) from None
    if not latest:
        raise WorkshopError(
            f"No workflow has been started yet in namespace {client.namespace}.",
            "start a worker and a starter, for example: python solutions/03_durable_agent/starter.py",
        )
    return latest[0]


async def retention(client: Client) -> float | None:
    """For how many seconds the server keeps a workflow that is over; None if it does not say."""
    request = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        answer = await client.workflow_service.describe_namespace(request, timeout=RPC_TIMEOUT)
    except RPCError:
        return None
    return answer.config.workflow_execution_retention_ttl.ToTimedelta().total_seconds()


@dataclass(frozen=True)
class Pollers:
    """Who polls a task queue: identities of workers, for workflow tasks and for activities."""

    workflows: tuple[str, ...]
    activities: tuple[str, ...]
    ahead: timedelta = timedelta()  # this machine's clock of the server's, where that matters


async def pollers(client: Client, task_queue: str) -> Pollers:
    """The live workers of a task queue. The server lists a killed one for a while; those known to be gone are left out.

    Raises:
        RPCError: the server does not say.
    """
    workflows, activities = await asyncio.gather(
        *(_polls(client, task_queue, kind, POLLERS_TIMEOUT) for kind in (WORKFLOWS, ACTIVITIES))
    )
    now, ahead = datetime.now(UTC), timedelta()
    newest = max((polled for _, polled in (*workflows, *activities)), default=now)
    if not -CLOCKS_DIFFER < now - newest < POLL_AGE:  # nobody is there any more, or the two clocks differ
        with suppress(RPCError):  # it may be forbidden to ask
            ahead = -(await clock_difference(client) or timedelta())
    oldest = now - ahead - POLL_AGE

    def alive(listed: list[tuple[str, datetime]]) -> tuple[str, ...]:
        return tuple(who for who, polled in listed if polled > oldest and not gone(who))

    return Pollers(alive(workflows), alive(activities), ahead)


def pid_of(identity: str) -> str:
    """The number of a worker's process: Temporal's SDK calls a worker pid@host."""
    return identity.partition("@")[0]


def _process(identity: str) -> psutil.Process | None:
    """A worker's process, if its identity, pid@host, names one of this machine.

    Raises:
        psutil.Error: it has ended, or cannot be looked at.
    """
    pid, _, host = identity.partition("@")
    ours = host == socket.gethostname() and pid.isascii() and pid.isdigit() and len(pid) < 10
    return psutil.Process(int(pid)) if ours else None


def gone(identity: str) -> bool:
    """Whether a worker has ended, as far as can be known."""
    try:
        process = _process(identity)
        return process is not None and bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def folder_of(identity: str) -> Path | None:
    """The folder of the script that a worker runs; None if that cannot be known."""
    try:
        if process := _process(identity):
            folder = Path(process.cwd())
            script = next((part for part in process.cmdline()[1:] if part.endswith(".py")), None)
            return (folder / script).parent if script else folder
    except psutil.Error:
        pass
    return None


async def follow(
    look: Callable[[], Awaitable[T]], until: Callable[[T], object], seconds: float, pause: float = 0.1
) -> T:
    """What `look` sees as soon as `until` holds for it, or else what it sees after so many seconds of `Patience`.

    Args:
        pause: seconds between the first two looks. Later pauses are longer, up to three times: each look costs CPU.
    """
    patience, longest = Patience(seconds), 3 * pause
    while True:
        seen = await look()
        left = patience.left
        if until(seen) or left <= 0:
            return seen
        await asyncio.sleep(min(left, pause))
        pause = min(1.2 * pause, longest)


def when(stamp: Timestamp) -> datetime:
    """A protobuf time as a UTC datetime."""
    return stamp.ToDatetime(UTC)
