"""A test that kills a worker: pytest test_kill.py"""

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from agents.testing import ScriptedModel, assistant_message
from scripted import SERVER, plugin_for, run, scripted_model
from temporalio import activity
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from workflows import AlertAgent

pytestmark = pytest.mark.asyncio


@activity.defn(name="get_weather_alerts")
async def kill_the_worker(state: str) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return "This is never returned."


@activity.defn(name="get_weather_alerts")
async def report(state: str) -> str:
    return "Flood Watch"


async def first_worker(address: str) -> None:
    """In a process of its own: it makes the first model call, and dies in the tool."""
    client = await Client.connect(address, plugins=[plugin_for(scripted_model())])
    # Without a cache: the test server does not notice that a worker is gone, and what it had cached.
    tools = [kill_the_worker]
    async with Worker(client, task_queue="test", workflows=[AlertAgent], activities=tools, max_cached_workflows=0):
        await asyncio.sleep(60)  # longer than it lives; an end, if somebody stops the test


async def test_a_kill_repeats_no_recorded_model_call() -> None:
    model = ScriptedModel([[assistant_message("There is a flood watch.")]])  # the answer of the second call only
    skipping = WorkflowEnvironment.start_time_skipping(plugins=[plugin_for(model)], test_server_existing_path=SERVER)
    async with await skipping as server:
        asked = await server.client.start_workflow(AlertAgent.run, "What about Texas?", id="test", task_queue="test")
        first = [sys.executable, __file__, server.client.service_client.config.target_host]
        assert (await asyncio.to_thread(subprocess.run, first, timeout=60)).returncode == -signal.SIGKILL
        async with Worker(server.client, task_queue="test", workflows=[AlertAgent], activities=[report]):
            answer = await asked.result()
    assert answer == "There is a flood watch."
    assert len(model.calls) == 1
    assert "Flood Watch" in str(model.calls[0].input)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(first_worker(sys.argv[1]))
    else:
        raise SystemExit(run(__file__))
