"""What a learner submits to a check: modules and scripts, to be run with services of the check's own.

Lives in a process that was forked for one check and ends with it, so nothing here is put back in order.
"""

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.service import RPCError

from workshop import loopback
from workshop.checks.history import stuck_at, waits_in_vain
from workshop.checks.learner import activities_in, import_module, raised, workflows_in, written
from workshop.checks.pristine import pristine_file
from workshop.checks.script import CheckedScript
from workshop.checks.verdict import incorrect
from workshop.errors import WorkshopError
from workshop.history import Run, read_history
from workshop.practice.client import Practice
from workshop.settings import Settings
from workshop.temporal import follow

PATIENCE = 9.0  # seconds; a bound, never an expectation
ACTIVITY = "get_weather_alerts"  # of each exercise
WARM_UP = "warm-up"  # id of a workflow that only shows that the namespace can be used
AGENT = {"User-Agent": "workshop checks"}
CONNECTS_ITSELF = "Client.connect("  # in a script; connect(...) of connection.py is for that
CONNECT = "Connect with connect(...) of connection.py: it knows server and namespace."


def no_plugin(file: str) -> str:
    """What to do about a client without the plugin, in a script of the learner's."""
    for number, line in enumerate(written(file).splitlines(), 1):
        if re.match(r"[^#]*\bconnect\(\)", line):
            return f"Line {number} of {file} is {line.strip()!r}: put OpenAIAgentsPlugin(...) between the ()."
    return "Put OpenAIAgentsPlugin(...) into connect(...), in worker.py and in starter.py."


class Submission:
    """See the module. `connect` comes first, `start` and `follow` after it; `run` does all three.

    Args:
        settings: of the services that checks use.
        scripts: processes that wait to be scripts of the learner's.
    """

    client: Client  # from `connect` on

    def __init__(self, number: str, folder: Path, settings: Settings, scripts: Sequence[CheckedScript] = ()) -> None:
        self.number = number
        self.folder = folder
        self.practice = Practice(settings.practice_url)
        self._address = settings.temporal_address
        # A namespace of its own: what an earlier check left behind is not seen here.
        self._namespace = f"check-{uuid4().hex[:8]}"
        # The variables that lead a script here.
        self.env = settings.practice_env() | {"TEMPORAL_NAMESPACE": self._namespace}
        self._scripts = list(scripts)
        self.variable: Any = None  # the notebook's object that is looked at, where there is one
        self.question = ""  # the notebook's, where there is one
        self.code = ""  # what stands in the TODO of the notebook's cell, where that was run
        self._serving: asyncio.Task[None] | None = None  # this process as a worker, once it is one
        self.traces: dict[str, dict[str, Any]] = {}  # what workflows traced here, and how many agents ran in each

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
            slip = "Put @activity.defn above the function that Temporal may run."
            if line := re.search(r"^[ #]*@?activity\.defn.*", self.text("activities.py"), re.M):
                slip = f"{line[0]!r} is no decorator. Write @activity.defn, right above the function."
            tools = [name for name, value in vars(module).items() if type(value).__name__ == "FunctionTool"]
            if tools:
                others = f": {tools[0]} is a tool"
                slip = "Put @activity.defn above it, and no @function_tool: workflows.py makes the tool."
            raise incorrect("no-activity", f"activities.py defines no activity{others}.", slip)
        return found

    def activity(self) -> tuple[str, Any]:
        """The exercise's activity and its name. Others may stand beside it."""
        found, module = self.activities(), self.module("activities")
        named = [one for one in found if self._given("activities.py", found[one].__name__)]
        named = sorted(named, key=lambda one: found[one].__name__ != ACTIVITY)
        named += [one for one in found if "alert" in one or "weather" in one]
        name = [*named, *found][0]
        of = found[name].__name__
        if of != ACTIVITY and self._given("activities.py", of) and hasattr(module, ACTIVITY):
            seen = f"activities.py makes {name} an activity, and {ACTIVITY} is none."
            raise incorrect("no-activity", seen, f"Put @activity.defn in the line above `async def {ACTIVITY}`.")
        return name, found[name]

    def workflows(self) -> list[type]:
        """The learner's workflow classes, the exercise's first: the `SayHello` of the documentation may stand above."""
        found = workflows_in(self.module("workflows"))
        if not found:
            slip = "Put @workflow.defn above the class, and @workflow.run above its method."
            raise incorrect("no-workflow", "workflows.py defines no workflow.", slip)
        return sorted(found, key=lambda one: self._given("workflows.py", one.__name__))[::-1]

    def workflow(self) -> type:
        """The exercise's workflow class."""
        return self.workflows()[0]

    def _given(self, file: str, name: str) -> bool:
        """Whether the starter's file has a function or class of that name."""
        return bool(re.search(rf"^(async def|class) {name}\b", pristine_file(self.number, file), re.M))

    def text(self, file: str) -> str:
        """What stands in a file of the learner's; "" if it is not there."""
        return written(file, self.folder)

    def has_threads(self) -> bool:
        """Whether the learner's worker runs activities in threads, so that they may be plain functions."""
        return "activity_executor=" in self.text("worker.py")

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
        env = dict(os.environ) | self.env | {"OPENAI_AGENTS_DISABLE_TRACING": "1"}
        return self._scripts.pop(0).start(name, *arguments, env=env)

    async def connect(self, plugin: bool = True) -> None:
        """Makes the namespace, and a client as the solutions' worker has it; retries end sooner."""
        # Imported here, as is the worker: a kernel, which has this module too, would wait for it.
        from temporalio.openai_agents import ModelActivityParameters, OpenAIAgentsPlugin

        parameters = ModelActivityParameters(
            start_to_close_timeout=timedelta(seconds=20),
            streaming_topic="check",  # Runner.run_streamed needs one; Runner.run does not look at it
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_attempts=3),
        )
        plugins = [OpenAIAgentsPlugin(model_params=parameters)] if plugin else []
        self.client = await Client.connect(self._address, namespace=self._namespace, plugins=plugins)
        request = RegisterNamespaceRequest(namespace=self._namespace)
        request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
        await self.client.workflow_service.register_namespace(request)

        async def usable() -> bool:
            try:
                await self.client.start_workflow("none", id=WARM_UP, task_queue="nobody")
            except RPCError:
                return False
            return True

        if not await follow(usable, bool, 15):
            raise WorkshopError("The check could not be made: its namespace was not ready in time.", "try again")

    async def serve(self, queue: str, workflows: Sequence[type]) -> None:
        """Lets this process be a worker with the learner's activities."""
        from temporalio.worker import Worker

        self._record_traces()
        activities = list(self.activities().values())
        known = dict.fromkeys([*workflows, *self.workflows()])  # one of the learner's may start another
        try:
            worker = Worker(
                self.client,
                task_queue=queue,
                workflows=[*known],
                activities=activities,
                activity_executor=ThreadPoolExecutor() if self.has_threads() else None,
                build_id="check",
            )
        except (ValueError, RuntimeError, TypeError) as error:
            raise raised(error, self.folder, "A worker with this workflow", "worker-refuses") from None
        self._serving = asyncio.create_task(worker.run())

    async def served(self) -> tuple[str, type]:
        """The task queue and the class of the learner's workflow, with this process as its worker."""
        queue, workflow = self.task_queue(), self.workflow()
        if self._serving is None:
            await self.connect()
            await self.serve(queue, [workflow])
        return queue, workflow

    async def start(self, workflow: type, queue: str, args: Sequence[Any]) -> str:
        """Starts a workflow and returns its id."""
        name = vars(workflow)["__temporal_workflow_definition"].name
        workflow_id = f"check-{uuid4().hex[:8]}"
        await self.client.start_workflow(name, args=list(args), id=workflow_id, task_queue=queue)
        return workflow_id

    async def follow(
        self, workflow_id: str, patience: float = PATIENCE, until: Callable[[Run], object] = lambda _: False
    ) -> Run:
        """The run when it has ended, cannot go on, has done what is looked for, or has taken too long."""
        serving = self._serving
        run = await follow(
            lambda: read_history(self.client, workflow_id),
            lambda run: (
                not run.open
                or stuck_at(run)
                or waits_in_vain(run)
                or until(run)
                or (serving is not None and serving.done())
            ),
            patience,
        )
        if serving and serving.done():
            serving.result()  # raises: a worker that cannot poll is our trouble
        return run

    async def run(self, *args: Any, workflow: type | None = None, plugin: bool = True, **how: Any) -> Run:
        """Runs a workflow, the learner's if none is named, as far as `follow` does."""
        return (await self.run_each([args], workflow, plugin, **how))[0]

    async def run_each(
        self, arguments: Sequence[Sequence[Any]], workflow: type | None = None, plugin: bool = True, **how: Any
    ) -> list[Run]:
        """The same for several lists of arguments, at once."""
        workflow = workflow or self.workflow()
        # The learner's own, which an activity may be sent to by name.
        queue = getattr(self.module("workflows"), "TASK_QUEUE", None) or uuid4().hex
        await self.connect(plugin)
        await self.serve(queue, [workflow])
        ids = [await self.start(workflow, queue, args) for args in arguments]
        runs = await asyncio.gather(*(self.follow(one, **how) for one in ids))
        if any(run.open and not run.rows for run in runs):  # workflow code that blocks is seen after 2 s
            message = "The check could not be made: this machine was too busy to run the workflow in time."
            raise WorkshopError(message, "try again")
        return runs

    def _record_traces(self) -> None:
        # With a processor of ours in place of the exporter, nothing leaves this machine.
        from agents import tracing

        traces = self.traces

        class Recorder(tracing.TracingProcessor):
            def on_trace_start(self, trace: tracing.Trace) -> None:
                traces[trace.trace_id] = {"group_id": None, "agents": 0} | (trace.export() or {})

            def on_span_start(self, span: tracing.Span[Any]) -> None:
                if span.trace_id in traces and span.span_data.type == "agent":
                    traces[span.trace_id]["agents"] += 1

            def on_trace_end(self, trace: tracing.Trace) -> None: ...
            def on_span_end(self, span: tracing.Span[Any]) -> None: ...
            def shutdown(self) -> None: ...
            def force_flush(self) -> None: ...

        tracing.set_trace_processors([Recorder()])
