"""Recorded histories still replay: a running workflow survives an update of the code."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.openai_agents import OpenAIAgentsPlugin
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from tests.folders import APPROVAL, CONVERSATION, DURABLE, HELLO_AGENT, HELLO_TEMPORAL, POLLING, ROUTING
from tests.record_histories import HISTORIES
from tests.solution_modules import modules_of

WORKFLOWS = {
    HELLO_AGENT: "AgentHelloWorld",
    HELLO_TEMPORAL: "TemporalHelloWorld",
    DURABLE: "DurableAgent",
    ROUTING: "AgentRouting",
    APPROVAL: "CarefulAgent",
    CONVERSATION: "Conversation",
    POLLING: "PatientAgent",
}


async def replay(folder: Path, history: str) -> None:
    plugins = [] if folder == HELLO_TEMPORAL else [OpenAIAgentsPlugin()]
    with modules_of(folder) as modules:
        replayer = Replayer(workflows=[getattr(modules["workflows"], WORKFLOWS[folder])], plugins=plugins)
        await replayer.replay_workflow(WorkflowHistory.from_json("recorded", history))


@pytest.mark.parametrize("folder", list(WORKFLOWS), ids=lambda folder: folder.name)
async def test_the_recorded_history_replays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "practice")
    await replay(folder, (HISTORIES / f"{folder.name}.json").read_text(encoding="utf-8"))


async def test_another_history_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the test above means something."""
    monkeypatch.setenv("OPENAI_API_KEY", "practice")
    events = json.loads((HISTORIES / f"{DURABLE.name}.json").read_text(encoding="utf-8"))
    text = json.dumps(events).replace("get_weather_alerts", "get_tide_tables")
    with pytest.raises(NondeterminismError):
        await replay(DURABLE, text)
