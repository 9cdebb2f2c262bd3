"""The solutions with a second, independent model: the Agents SDK's own scripted one."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from agents.testing import ScriptedModel, assistant_message, function_call
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.openai_agents import ModelActivityParameters, OpenAIAgentsPlugin
from temporalio.openai_agents.testing import TestModelProvider
from temporalio.worker import Worker

from tests.folders import DURABLE, HELLO_AGENT, ROUTING
from tests.harness import PracticeFrom
from tests.solution_modules import modules_of
from tests.steps import steps
from tests.temporal_env import CONVERTER
from workshop.history import Kind, Run, read_history
from workshop.settings import Settings

WORKFLOWS = {HELLO_AGENT: "AgentHelloWorld", DURABLE: "DurableAgent", ROUTING: "AgentRouting"}


async def run(folder: Path, settings: Settings, script: Sequence[Any], question: str) -> tuple[Run, ScriptedModel]:
    """Runs a solution's workflow and activity with a scripted model, to its end, good or bad."""
    model = ScriptedModel(script)
    plugin = OpenAIAgentsPlugin(
        model_provider=TestModelProvider(model),
        # Once only: a call that the script does not foresee fails the test instead of being retried.
        model_params=ModelActivityParameters(retry_policy=RetryPolicy(maximum_attempts=1)),
    )
    client = await Client.connect(settings.temporal_address, data_converter=CONVERTER)
    with modules_of(folder) as modules:
        workflow: Any = getattr(modules["workflows"], WORKFLOWS[folder])
        activities: ModuleType = modules["activities"]
        queue = f"scripted-{uuid4()}"
        async with Worker(
            client,
            task_queue=queue,
            workflows=[workflow],
            activities=[activities.get_weather_alerts],
            plugins=[plugin],
            build_id="tests",
        ):
            handle = await client.start_workflow(workflow.run, question, id=queue, task_queue=queue)
            with suppress(WorkflowFailureError):  # the history tells it
                await handle.result()
    return await read_history(client, queue), model


@pytest.fixture(autouse=True)
def weather(practice: PracticeFrom, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEATHER_API_URL", settings.practice_url)
    monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")


@pytest.mark.parametrize("folder", [HELLO_AGENT, DURABLE], ids=lambda folder: folder.name)
async def test_the_agent_answers_with_what_the_model_says(folder: Path, settings: Settings) -> None:
    script = [
        [function_call("get_weather_alerts", {"state": "CA"}, call_id="c1")],
        [assistant_message("Wind in California.")],
    ]
    history, model = await run(folder, settings, script, "Any alerts in California?")
    assert history.result == "Wind in California."
    assert steps(history) == [Kind.MODEL, Kind.TOOL, Kind.MODEL]
    assert model.remaining_steps == 0
    assert [call.tools[0].name for call in model.calls] == ["get_weather_alerts"] * 2


async def test_triage_runs_the_specialist_that_the_model_names(settings: Settings) -> None:
    script = [
        [function_call("transfer_to_spanish_agent", {}, call_id="c1")],
        [function_call("get_weather_alerts", {"state": "OH"}, call_id="c2")],
        [assistant_message("Nada en Ohio.")],
    ]
    history, model = await run(ROUTING, settings, script, "¿Hay avisos en Ohio?")
    assert history.result == "Nada en Ohio."
    assert [row.name for row in history.rows if row.kind == Kind.HANDOFF] == ["Spanish agent"]
    assert "Spanish" in str(model.calls[1].system_instructions)


async def test_a_handoff_in_words_only_is_no_handoff(settings: Settings) -> None:
    """Case R53."""
    script = [[assistant_message("I will pass you to the French agent.")]]
    history, _ = await run(ROUTING, settings, script, "Bonjour")
    assert history.totals.handoffs == 0


@pytest.mark.parametrize("folder", list(WORKFLOWS), ids=lambda folder: folder.name)
async def test_a_tool_that_was_never_offered_ends_the_run(folder: Path, settings: Settings) -> None:
    """Case R15: not retried for ever, and no tool ran."""
    script = [[function_call("get_forecast_now", {"city": "Reno"}, call_id="c1")]]
    history, _ = await run(folder, settings, script, "Reno?")
    assert history.status == "failed"
    assert "get_forecast_now" in history.failure
    assert steps(history) == [Kind.MODEL]


@pytest.mark.parametrize("arguments", ['{"state": 7, "x": [}', '{"city": "Reno"}', "[]", "null", '"CA"', ""])
async def test_bad_arguments_end_the_run(settings: Settings, arguments: str) -> None:
    script = [[function_call("get_weather_alerts", arguments, call_id="c1")]]
    history, _ = await run(DURABLE, settings, script, "Reno?")
    assert history.status == "failed"
    assert all(row.kind != Kind.TOOL for row in history.rows)


@pytest.mark.parametrize("state", ["ZZ", "../../secret", "CA&area=TX", "é"])
async def test_a_bad_state_is_asked_for_once(settings: Settings, practice: PracticeFrom, state: str) -> None:
    script = [[function_call("get_weather_alerts", {"state": state}, call_id="c1")]]
    history, _ = await run(DURABLE, settings, script, "Where?")
    assert history.status == "failed"
    assert [row.attempts for row in history.rows if row.kind == Kind.TOOL] == [1]
