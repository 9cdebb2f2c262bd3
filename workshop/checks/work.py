"""What a check works with: the learner's modules, a Temporal server and practice services of its own.

Lives in a process that was forked for one check and ends with it, so nothing here is put back in order.
"""

import asyncio
import importlib
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from workshop import loopback
from workshop.checks.learner import activities_in, import_module, raised, unforeseen, workflows_in
from workshop.checks.script import CheckedScript
from workshop.checks.verdict import Check, NotPassed, Verdict, incorrect
from workshop.errors import WorkshopError
from workshop.history import MODEL, TASK_FAILURE, Row, Run, read_history
from workshop.practice.client import Practice
from workshop.settings import Settings

if TYPE_CHECKING:
    from temporalio.client import Client

T = TypeVar("T")
PATIENCE = 9.0  # seconds; a bound, never an expectation
WARM_UP = "warm-up"  # id of a workflow that only shows that the namespace can be used
AGENT = {"User-Agent": "workshop checks"}


class Work:
    """See the module. `variable` is the notebook's object that is looked at, where there is one.

    Args:
        folder: of the learner's files.
        settings: of the services that checks use.
        scripts: processes that wait to be scripts of the learner's.
    """

    def __init__(self, folder: Path, settings: Settings, scripts: Sequence[CheckedScript] = ()) -> None:
        self.folder = folder
        self.practice = Practice(settings.practice_url)
        self.address = settings.temporal_address
        # A namespace of its own: what an earlier check left behind is not seen here.
        self.namespace = f"check-{uuid4().hex[:8]}"
        # The variables that lead a script here.
        self.env = settings.practice_env() | {"TEMPORAL_NAMESPACE": self.namespace}
        self.variable: Any = None
        self._registered = False
        self._scripts = list(scripts)
        self.traces: list[dict[str, Any]] = []  # what was traced while workflows ran here

    def alerts(self, area: str) -> list[dict[str, Any]]:
        """The properties of the alerts of an area."""
        with loopback.client(self.practice.url) as http:
            answer = http.get("/alerts/active", params={"area": area}, headers=AGENT).raise_for_status().json()
        return [feature["properties"] for feature in answer["features"]]

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """Leads this process's own calls here for a while: for objects of a notebook."""
        before = {name: os.environ.get(name) for name in self.env}
        os.environ.update(self.env)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def module(self, name: str) -> ModuleType:
        """One of the learner's modules."""
        return import_module(self.folder, name)

    def activities(self) -> dict[str, Any]:
        """The learner's activities by name; at least one."""
        module = self.module("activities")
        found = activities_in(module)
        if not found:
            functions = [value.__name__ for value in vars(module).values() if asyncio.iscoroutinefunction(value)]
            others = f", only functions: {', '.join(functions)}" if functions else ""
            seen = f"activities.py defines no activity{others}."
            raise incorrect("no-activity", seen, "Put @activity.defn above the function that Temporal may run.")
        return found

    def workflow(self) -> type:
        """The learner's workflow class."""
        found = workflows_in(self.module("workflows"))
        if not found:
            slip = "Put @workflow.defn above the class, and @workflow.run above its method."
            raise incorrect("no-workflow", "workflows.py defines no workflow.", slip)
        return found[0]

    def task_queue(self) -> str:
        """The task queue that workflows.py names."""
        name = getattr(self.module("workflows"), "TASK_QUEUE", "")
        if not isinstance(name, str) or not name:
            seen = "workflows.py names no TASK_QUEUE."
            raise incorrect("no-task-queue", seen, 'Write TASK_QUEUE = "..." there: worker and starter share it.')
        return name

    def script(self, name: str, *arguments: str) -> CheckedScript:
        """Starts a script of the learner's as a process."""
        if not (self.folder / name).is_file():
            self.module(name.removesuffix(".py"))  # says that it is missing
        return self._scripts.pop(0).start(name, *arguments, env=dict(os.environ) | self.env)

    async def client(self, plugin: bool = True) -> "Client":
        """A client as the solutions' worker has it, with a bound on retries that a check can wait for."""
        from temporalio.client import Client
        from temporalio.common import RetryPolicy

        await self._register()
        if not plugin:
            return await Client.connect(self.address, namespace=self.namespace)
        from temporalio.openai_agents import ModelActivityParameters, OpenAIAgentsPlugin

        parameters = ModelActivityParameters(
            start_to_close_timeout=timedelta(seconds=20),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_attempts=3),
        )
        plugins = [OpenAIAgentsPlugin(model_params=parameters)]
        return await Client.connect(self.address, namespace=self.namespace, plugins=plugins)

    async def _register(self) -> None:
        """Makes the namespace, and returns when it can be used."""
        from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
        from temporalio.client import Client
        from temporalio.service import RPCError

        if self._registered:
            return
        self._registered = True
        client = await Client.connect(self.address, namespace=self.namespace)
        request = RegisterNamespaceRequest(namespace=self.namespace)
        request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
        await client.workflow_service.register_namespace(request)

        async def usable() -> bool:
            try:
                await client.start_workflow("none", id=WARM_UP, task_queue="nobody")
            except RPCError:
                return False
            return True

        await self.wait(usable, 5)

    async def serve(self, queue: str, workflows: Sequence[type], plugin: bool = True) -> "Client":
        """Lets this process be a worker with the learner's activities; returns its client."""
        from temporalio.worker import Worker

        client = await self.client(plugin)
        activities = list(self.activities().values())
        if plugin:
            self._record_traces()
        try:
            worker = Worker(client, task_queue=queue, workflows=workflows, activities=activities, build_id="check")
        except (ValueError, RuntimeError, TypeError) as error:
            raise raised(error, self.folder, "A worker with this workflow", "worker-refuses") from None
        self._running = asyncio.create_task(worker.run())
        return client

    async def run(self, *args: Any, workflow: type | None = None, plugin: bool = True) -> Run:
        """Runs the learner's workflow on a task queue of its own, until it ends or is in trouble."""
        cls = workflow or self.workflow()
        queue = f"check-{uuid4().hex[:8]}"
        client = await self.serve(queue, [cls], plugin)
        return await self.follow(client, await start(client, cls, queue, args))

    async def follow(self, client: "Client", workflow_id: str, patience: float = PATIENCE) -> Run:
        """The run when it has ended, is in trouble, or has taken too long."""
        deadline = time.monotonic() + patience
        while True:
            run = await read_history(client, workflow_id)
            if not run.open or in_trouble(run) or time.monotonic() > deadline:
                return run
            await asyncio.sleep(0.1)

    async def wait(self, look: Callable[[], Awaitable[T | None]], patience: float = PATIENCE) -> T | None:
        """What `look` sees as soon as it sees something; None if it never does."""
        deadline = time.monotonic() + patience
        while not (seen := await look()) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        return seen

    def _record_traces(self) -> None:
        # With a processor of ours in place of the exporter, nothing leaves this machine.
        tracing = importlib.import_module("agents.tracing")
        traces = self.traces

        class Recorder(tracing.TracingProcessor):  # type: ignore[misc, name-defined]
            def on_trace_start(self, trace: Any) -> None:
                traces.append(trace.export() or {})

            def on_trace_end(self, trace: Any) -> None: ...
            def on_span_start(self, span: Any) -> None: ...
            def on_span_end(self, span: Any) -> None: ...
            def shutdown(self) -> None: ...
            def force_flush(self) -> None: ...

        tracing.set_trace_processors([Recorder()])


async def verdict_of(check: Check, work: Work) -> Verdict:
    """What a check finds.

    Raises:
        WorkshopError: it could not be made, through no fault of the learner's.
    """
    try:
        work.practice.clear()
        work.practice.clear_ledger()
        return Verdict("passed", "passed", await check.look(work))
    except NotPassed as found:
        return found.verdict
    except WorkshopError:
        raise
    except BaseException as error:
        return unforeseen(error, work.folder)


async def start(client: "Client", workflow: type | str, queue: str, args: Sequence[Any]) -> str:
    """Starts a workflow and returns its id."""
    from temporalio.client import Client

    assert isinstance(client, Client)
    name = workflow if isinstance(workflow, str) else vars(workflow)["__temporal_workflow_definition"].name
    handle = await client.start_workflow(name, args=list(args), id=f"check-{uuid4().hex[:8]}", task_queue=queue)
    return handle.id


def in_trouble(run: Run) -> Row | None:
    """What keeps a run from going on for certain: failing workflow code, or an activity that nobody has."""
    for row in run.rows:
        if row.open and (row.kind == TASK_FAILURE or "is not registered" in row.last_error):
            return row
    return None


def asked_model(run: Run) -> bool:
    """Whether a model was asked at all."""
    return any(row.kind == MODEL for row in run.rows)
