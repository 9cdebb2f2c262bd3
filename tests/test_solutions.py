"""The four solutions, run to their end as an instructor runs them."""

import re

import pytest

from tests.folders import DURABLE, HELLO_AGENT, HELLO_TEMPORAL, ROUTING
from tests.harness import Solutions
from workshop.history import HANDOFF, MODEL, TIMER, TOOL


@pytest.mark.cold
def test_the_plain_agent_answers_from_the_tool(solutions: Solutions) -> None:
    starter = solutions.starter(HELLO_AGENT, "Any weather alerts in California?")
    assert starter.wait() == 0
    assert solutions.practice.outcomes("model") == ["completed", "completed"]
    assert solutions.practice.outcomes("weather") == ["completed"]


async def test_the_same_agent_runs_durably(solutions: Solutions) -> None:
    solutions.worker(HELLO_AGENT)
    starter = solutions.starter(HELLO_AGENT, "--durable", "Any weather alerts in California?")
    assert starter.wait() == 0
    run = await solutions.history(starter)
    assert [row.kind for row in run.rows] == [MODEL, TOOL, MODEL]
    assert run.status == "completed"


async def test_temporal_alone_waits_and_asks(solutions: Solutions) -> None:
    solutions.worker(HELLO_TEMPORAL)
    starter = solutions.starter(HELLO_TEMPORAL, "TX", "--delay", "0.2")
    assert starter.wait() == 0
    run = await solutions.history(starter)
    assert [row.name for row in run.rows if row.kind != TIMER] == ["get_weather_alerts"]
    assert [row.kind for row in run.rows].count(TIMER) == 1
    assert solutions.practice.outcomes("model") == []


@pytest.mark.cold
async def test_the_durable_agent_keeps_every_step(solutions: Solutions) -> None:
    solutions.worker(DURABLE)
    starter = solutions.starter(DURABLE, "Any weather alerts in California?")
    assert starter.wait() == 0
    run = await solutions.history(starter)
    assert [(row.kind, row.attempts) for row in run.rows] == [(MODEL, 1), (TOOL, 1), (MODEL, 1)]
    assert run.result in starter.text
    assert re.fullmatch(r"durable-agent-\d{8}-\d{6}-[0-9a-f]{8}", run.workflow_id)


async def test_triage_hands_off_to_the_specialist(solutions: Solutions) -> None:
    solutions.worker(ROUTING)
    questions = {
        "French": "Quelles alertes en Floride ?",
        "Spanish": "¿Hay avisos en Ohio?",
        "English": "What is active in Texas?",
    }
    starters = {language: solutions.starter(ROUTING, question) for language, question in questions.items()}
    for language, starter in starters.items():
        assert starter.wait() == 0
        run = await solutions.history(starter)
        assert [row.name for row in run.rows if row.kind == HANDOFF] == [f"{language} agent"]
        assert run.totals.model_calls == 3
    assert solutions.practice.outcomes("model") == ["completed"] * 9


async def test_the_link_leads_to_the_web_ui(solutions: Solutions) -> None:
    solutions.worker(HELLO_TEMPORAL)
    for url in ("", "https://cloud.example"):
        starter = solutions.starter(HELLO_TEMPORAL, TEMPORAL_UI_URL=url)
        assert starter.wait() == 0
        link = f"{url or 'http://127.0.0.1:8233'}/namespaces/default/workflows/{solutions.workflow_id(starter)}"
        assert link in starter.text.split()
