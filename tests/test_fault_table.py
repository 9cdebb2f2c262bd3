"""Every fault of tests/fault_table.py, met by the plain and by the durable agent: both end as the table says.

Its processes are forked from a server that has the imports, and each case is run once, its two agents side by side.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from bench.trial import QUESTIONS, Trial
from tests.fault_table import CASES, FAILED, Case
from tests.folders import DURABLE, ROUTING
from tests.steps import steps
from workshop.history import Kind, Row, Run
from workshop.services import Services
from workshop.why import recognise
from workshop.why.causes import ended

BY_ID = {case.id: case for case in CASES}
PLAIN = [case for case in CASES if case.plain]


@pytest.fixture(scope="module")
def trial(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    trial = Trial(services, tmp_path_factory.mktemp("faults"))
    yield trial
    trial.close()


def durable_run(trial: Trial, case: str) -> Run:
    run = trial.both(BY_ID[case])[1].run
    assert run
    return run


def rows(run: Run, kind: str) -> list[Row]:
    return [row for row in run.rows if row.kind == kind]


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.id)
def test_the_plain_agent_ends_as_the_table_says(trial: Trial, case: Case) -> None:
    seen, _ = trial.both(case)
    assert seen
    assert case.plain
    assert seen.ends == case.plain
    assert case.plain.says in seen.reads
    if seen.exit_code > 0:  # not killed
        assert seen.reads.startswith("The run is lost.")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_durable_agent_ends_as_the_table_says(trial: Trial, case: Case) -> None:
    _, seen = trial.both(case)
    assert seen.ends == case.durable
    assert case.durable.says in seen.reads
    assert seen.run
    assert seen.run.status == ("failed" if case.durable.outcome == FAILED else "completed")
    # The history, which the services know nothing of, counts the same attempts as their ledger.
    calls = rows(seen.run, Kind.TOOL if case.target == "weather" else Kind.MODEL)
    assert calls[case.at - 1 if case.target == "model" else 0].attempts == case.durable.attempts
    assert all(row.attempts == 1 for row in calls if row is not calls[-1])
    # And there is a remedy for each of its errors.
    assert [row.last_error for row in seen.run.rows if row.errors and recognise(row.errors) is None] == []


def test_a_date_in_retry_after_is_still_a_rate_limit(trial: Trial) -> None:
    """Case R11."""
    assert "429" in rows(durable_run(trial, "retry-after-date"), Kind.MODEL)[1].last_error


def test_an_error_inside_an_answer_is_told_in_its_own_words(trial: Trial) -> None:
    """Case R51."""
    plain, _ = trial.both(BY_ID["error-body"])
    assert plain
    assert "The upstream model did not answer" in plain.reads
    assert "The upstream model did not answer" in rows(durable_run(trial, "error-body"), Kind.MODEL)[1].last_error


def test_a_tool_that_was_never_offered_is_named_with_those_that_were(trial: Trial) -> None:
    """Case R15: it ends, no tool ran, and one line tells what was asked for and what there is."""
    run = durable_run(trial, "unknown-tool")
    assert run.duration
    assert run.duration < 30
    assert not rows(run, Kind.TOOL)
    (note,) = rows(run, Kind.MODEL)[0].notes
    assert "get_forecast_now" in note
    assert "get_weather_alerts" in note


def test_arguments_that_are_no_object_are_the_models_mistake(trial: Trial) -> None:
    """Case C39."""
    said = ended(durable_run(trial, "bad-arguments"))
    assert said.kind == "bad arguments"
    assert "get_weather_alerts" in said.why
    assert "workflows.py" not in said.why


async def test_triage_that_asks_for_a_tool_ends_too(trial: Trial) -> None:
    """Case R15, in 04."""
    stage = trial.durable
    stage.live_worker(ROUTING)
    stage.practice.begin()
    stage.practice.fault("model", "unknown-tool", times=1)
    starter = stage.starter(ROUTING, QUESTIONS[ROUTING])
    assert starter.wait() == 1
    assert "get_forecast_now" in starter.text
    run = await stage.history(starter)
    assert steps(run) == [Kind.MODEL]
    (note,) = run.rows[0].notes
    assert "transfer_to_french_agent" in note


def test_of_two_handoffs_one_is_taken(trial: Trial) -> None:
    """Case R17: every call has one output, and one specialist answers."""
    run = durable_run(trial, "two-handoffs")
    assert [row.state for row in rows(run, Kind.HANDOFF)] == ["completed", "cancelled"]
    triage, *specialist = rows(run, Kind.MODEL)
    assert triage.model
    assert len(triage.model.calls) == 2
    items = specialist[0].input["input"]
    outputs = [item["call_id"] for item in items if item.get("type") == "function_call_output"]
    assert sorted(outputs) == sorted(call.id for call in triage.model.calls)
    assert {row.name for row in specialist} == {"French agent"}


def test_three_megabytes_of_weather_stay_out_of_the_history(trial: Trial) -> None:
    """Case R55."""
    run = durable_run(trial, "weather-huge")

    async def largest() -> int:
        client = await Client.connect(trial.durable.env()["TEMPORAL_ADDRESS"])
        history = await client.get_workflow_handle(run.workflow_id, run_id=run.run_id).fetch_history()
        return max(event.ByteSize() for event in history.events)

    assert asyncio.run(largest()) < 100_000


async def test_a_tool_that_does_not_say_who_it_is_learns_why(trial: Trial) -> None:
    """Case R23: a learner deletes the header."""
    stage = trial.durable
    edit = {"activities.py": ('"User-Agent": "durable-ai-agents-workshop"', '"User-Agent": ""')}
    folder: Path = stage.copy(DURABLE, "nameless", edit)
    stage.live_worker(folder)
    stage.practice.begin()
    starter = stage.starter(folder, QUESTIONS[DURABLE])
    assert starter.wait() == 1
    assert "User-Agent" in starter.text
    assert [row.attempts for row in rows(await stage.history(starter), Kind.TOOL)] == [1]
