"""Tests of the agent, which need no key, no network and no waiting: pytest test_agent.py"""

from pathlib import Path

import pytest
from scripted import ask, plugin_for, run, scripted_model
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from workflows import AlertAgent

pytestmark = pytest.mark.asyncio


async def test_the_answer_is_made_of_what_the_tool_reports() -> None:
    model, asked = scripted_model(), []

    async def report(state: str) -> str:
        asked.append(state)
        return "Flood Watch"

    answer = await ask("What about Texas?", model, report)
    assert asked == ["TX"]
    assert answer == "There is a flood watch."
    assert "What about Texas?" in str(model.calls[0].input)
    assert "Flood Watch" in str(model.calls[1].input)


async def test_an_outage_of_minutes_is_waited_out() -> None:
    attempts = 0

    async def report(state: str) -> str:
        nonlocal attempts
        attempts += 1
        if attempts < 30:
            raise RuntimeError("The weather service cannot be reached.")
        return "Flood Watch"

    assert await ask("What about Texas?", scripted_model(), report) == "There is a flood watch."


async def test_a_run_that_is_under_way_survives_an_update() -> None:
    text = Path(__file__).with_name("history.json").read_text(encoding="utf-8")
    history = WorkflowHistory.from_json("recorded", text)
    replayer = Replayer(workflows=[AlertAgent], plugins=[plugin_for(scripted_model())])
    await replayer.replay_workflow(history)


if __name__ == "__main__":
    raise SystemExit(run(__file__))
