"""The four solutions, run to their end as an instructor runs them."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError

from tests.folders import DURABLE, HELLO_AGENT, HELLO_TEMPORAL, ROUTING
from tests.harness import Solutions
from tests.steps import steps
from workshop.history import Kind
from workshop.temporal import retention


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
    assert steps(run) == [Kind.MODEL, Kind.TOOL, Kind.MODEL]
    assert run.status == "completed"


async def test_temporal_alone_waits_and_asks(solutions: Solutions) -> None:
    solutions.worker(HELLO_TEMPORAL)
    starter = solutions.starter(HELLO_TEMPORAL, "TX", "--delay", "0.2")
    assert starter.wait() == 0
    run = await solutions.history(starter)
    assert [row.name for row in run.rows if row.kind != Kind.TIMER] == ["get_weather_alerts"]
    assert steps(run).count(Kind.TIMER) == 1
    assert solutions.practice.outcomes("model") == []


@pytest.mark.cold
async def test_the_durable_agent_keeps_every_step(solutions: Solutions) -> None:
    solutions.worker(DURABLE)
    starter = solutions.starter(DURABLE, "Any weather alerts in California?")
    assert starter.wait() == 0
    run = await solutions.history(starter)
    assert [(row.kind, row.attempts) for row in run.rows] == [(Kind.MODEL, 1), (Kind.TOOL, 1), (Kind.MODEL, 1)]
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
        assert [row.name for row in run.rows if row.kind == Kind.HANDOFF] == [f"{language} agent"]
        assert run.totals.model_calls == 3
    assert solutions.practice.outcomes("model") == ["completed"] * 9


@pytest.mark.parametrize("blank", ["", "  ", "\t\n"])
@pytest.mark.parametrize("folder", [HELLO_AGENT, HELLO_TEMPORAL, DURABLE, ROUTING], ids=lambda folder: folder.name)
async def test_a_blank_question_starts_and_costs_nothing(solutions: Solutions, folder: Path, blank: str) -> None:
    """Case C20."""
    starter = solutions.starter(folder, blank)
    assert starter.wait() == 2
    assert "nothing was started" in starter.text.splitlines()[-1]
    assert "Workflow " not in starter.text
    assert solutions.practice.outcomes("model") == solutions.practice.outcomes("weather") == []


async def test_an_empty_answer_is_told(solutions: Solutions) -> None:
    """Case C42."""
    solutions.practice.fault("model", "empty-answer")
    solutions.worker(DURABLE)
    starters = [solutions.starter(HELLO_AGENT, "Hello"), solutions.starter(DURABLE, "Hello")]
    for starter in starters:
        assert starter.wait() == 0
        assert starter.text.splitlines()[-1] == "The answer is empty: ask again."


async def test_no_state_is_not_every_state(solutions: Solutions) -> None:
    """Case C42: what a client of another language may send, `[null]`."""
    solutions.worker(HELLO_TEMPORAL)
    client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])
    with pytest.raises(WorkflowFailureError) as failed:
        await client.execute_workflow(
            "TemporalHelloWorld", args=[None], id=f"null-{uuid4()}", task_queue="temporal-hello-world"
        )
    assert "Weather service said 400" in str(failed.value.__cause__.__cause__)  # type: ignore[union-attr]
    assert solutions.practice.outcomes("weather") == ["failed"]


async def test_the_link_leads_to_the_web_ui(solutions: Solutions) -> None:
    solutions.worker(HELLO_TEMPORAL)
    for url in ("", "https://cloud.example"):
        starter = solutions.starter(HELLO_TEMPORAL, TEMPORAL_UI_URL=url)
        assert starter.wait() == 0
        link = f"{url or 'http://127.0.0.1:8233'}/namespaces/default/workflows/{solutions.workflow_id(starter)}"
        assert link in starter.text.split()


async def test_a_run_that_is_over_is_kept_for_weeks(solutions: Solutions) -> None:
    client = await Client.connect(solutions.settings.temporal_address)
    assert (await retention(client) or 0) >= 4 * 7 * 24 * 3600
