"""A Temporal dev server, a worker with every flow of temporal_flows.py, and a model that follows a script.

Fixtures for the test modules that name this one in `pytest_plugins`; they import it too, hence PYTEST_DONT_REWRITE.
"""

import asyncio
import gc
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import openai
import pytest
from agents import Model, ModelResponse
from agents.testing import ScriptedModel, assistant_message, function_call
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.openai_agents import ModelActivityParameters, OpenAIAgentsPlugin, OpenAIPayloadConverter
from temporalio.openai_agents.testing import TestModelProvider
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from tests import temporal_flows as flows
from workshop.history import Run, run_from_events
from workshop.settings import ROOT

HISTORIES = Path(__file__).parent / "histories"


def recorded(name: str) -> Run:
    """A run of tests/histories."""
    return run_from_events(name, WorkflowHistory.from_json(name, (HISTORIES / f"{name}.json").read_text()).events)


@pytest.fixture(scope="session")
def temporal_address() -> Iterator[str]:
    """host:port of a dev server of our own: its list of workflows holds only ours."""
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent))
    loop = asyncio.new_event_loop()
    environment = loop.run_until_complete(WorkflowEnvironment.start_local(dev_server_existing_path=binary))
    yield environment.client.service_client.config.target_host
    loop.run_until_complete(environment.shutdown())
    loop.close()


@pytest.fixture
async def client(temporal_address: str) -> Client:
    """A client without any plugin."""
    return await Client.connect(temporal_address)


@pytest.fixture
def queue() -> str:
    """A task queue that no other test uses."""
    return f"queue-{uuid4().hex[:8]}"


def refusal(status: int, code: str, message: str, **headers: str) -> openai.APIStatusError:
    """What the openai client raises for an answer of that status."""
    kinds = {401: openai.AuthenticationError, 429: openai.RateLimitError, 500: openai.InternalServerError}
    body = {"message": message, "code": code}
    request = httpx2.Request("POST", "http://127.0.0.1:1/v1/responses")
    response = httpx2.Response(status, request=request, headers=headers, json={"error": body})
    return kinds[status](f"Error code: {status} - {{'error': {body}}}", response=response, body=body)


TOOL_THEN_ANSWER = [
    [function_call("get_weather_alerts", {"state": "TX"}, call_id="c1")],
    [assistant_message("Floods.")],
]


class ScriptedSteps(Model):
    """Answers the n-th request of a worker with the n-th step: output items, or an exception that it raises."""

    def __init__(self, steps: list[Any]) -> None:
        self.steps = iter(steps)

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        step = next(self.steps)
        if isinstance(step, Exception):
            raise step
        # It copies the input, which fails on some that went through Temporal's converter, so it gets another.
        return await ScriptedModel([step]).get_response(*args, **(kwargs | {"input": ""}))

    def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


# A converter builds what checks a model call's types at the first of them, for 0.1 s of CPU: one does for all workers.
CONVERTER = DataConverter(payload_converter_class=OpenAIPayloadConverter)


class Sandbox(SandboxedWorkflowRunner):
    """The sandbox, in which a flow is loaded when it runs. A worker would load every flow at its start, too."""

    def prepare_workflow(self, defn: Any) -> None:
        pass


@asynccontextmanager
async def worker(address: str, queue: str, steps: list[Any] | None = None, **changes: Any) -> AsyncIterator[None]:
    """A worker with all flows and activities; `changes` are arguments of `Worker`."""
    plugin = OpenAIAgentsPlugin(
        model_params=ModelActivityParameters(
            start_to_close_timeout=timedelta(seconds=20), heartbeat_timeout=timedelta(seconds=5)
        ),
        model_provider=TestModelProvider(ScriptedSteps(steps or TOOL_THEN_ANSWER)),
    )
    client = await Client.connect(address, data_converter=CONVERTER)
    arguments = {"workflows": flows.WORKFLOWS, "activities": flows.ACTIVITIES, "build_id": "tests"} | changes
    async with Worker(client, task_queue=queue, plugins=[plugin], workflow_runner=Sandbox(), **arguments):
        yield
    # An agent that is under way when its worker ends is thrown away, and the Agents SDK then resets its context
    # variables in another context: its own noise, which must not fail whatever test runs next.
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    gc.collect()
    sys.unraisablehook = hook


async def start(client: Client, queue: str, flow: Any, *args: Any, **options: Any) -> WorkflowHandle[Any, Any]:
    """Starts a flow under a new id with brackets in it."""
    options = {"id": f"[bold]-{uuid4().hex[:8]}[/x]"} | options
    name = flow if isinstance(flow, str) else flow.__name__
    return await client.start_workflow(name, args=args, task_queue=queue, **options)


async def result(handle: WorkflowHandle[Any, Any]) -> Any:
    """The workflow's result, which is not waited for longer than 30 s."""
    return await asyncio.wait_for(handle.result(), 30)


async def eventually(ask: Callable[[], Awaitable[Any]], accept: Callable[[Any], bool], seconds: float = 20) -> Any:
    """Asks until the answer is acceptable; fails with the last answer after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not accept(answer := await ask()):
        assert asyncio.get_running_loop().time() < deadline, f"last answer: {answer}"
        await asyncio.sleep(0.05)
    return answer


def workshop(*arguments: str, address: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Runs the command as a person does, in a terminal so wide that nothing is wrapped."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "OPENAI_"))}
    own |= {"TEMPORAL_ADDRESS": address, "COLUMNS": "300", "NO_COLOR": "1", **env}
    command = [sys.executable, "-c", "from workshop.cli import main; main()", *arguments]
    return subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True, timeout=60)
