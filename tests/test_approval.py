"""Going further, approval: a person decides about each call of a tool that acts, and each act is done once."""

from typing import Any

import pytest
from temporalio.client import Client

from tests.folders import APPROVAL, DURABLE
from tests.harness import Solutions
from tests.temporal_env import workshop
from workshop.approval import decide, open_calls
from workshop.errors import WorkshopError
from workshop.history import MODEL, TOOL, UPDATE
from workshop.practice.report import ledger_shown
from workshop.processes import Program
from workshop.temporal import follow
from workshop.why import why

TWO = "Warn the residents of New York and of Texas of the storm."
ONE = "Warn the residents of Florida of the hurricane."


async def asked(solutions: Solutions, question: str) -> tuple[Client, str, Program]:
    """Returns once the agent has asked; its workflow, and its starter."""
    starter = solutions.starter(APPROVAL, question)
    workflow_id = solutions.workflow_id(starter)
    client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])
    assert await follow(lambda: open_calls(client, workflow_id), bool, 20)
    return client, workflow_id, starter


def alerts(solutions: Solutions) -> list[tuple[str, bool | None]]:
    """The areas of the requests to alert residents, and whether they did."""
    entries = solutions.practice.entries("weather")
    return [(entry["asked"].partition("area=")[2][:2], entry["sent"]) for entry in entries]


async def test_each_call_runs_only_after_its_own_yes(solutions: Solutions) -> None:
    solutions.worker(APPROVAL)
    client, workflow_id, starter = await asked(solutions, TWO)
    found = await why(client, workflow_id)
    assert (found.kind, len([note for note in found.notes if "send_alert_to_residents" in str(note)])) == (
        "approval",
        2,
    )
    assert f"workshop approve {workflow_id} yes yes" in str(found)
    (first, *calls, _) = await decide(client, workflow_id, [])
    assert (first, len(calls)) == (f"{workflow_id} waits for 2 decisions:", 2)
    for wrong, says in ((["yes"], "2 calls wait"), (["maybe", "yes"], "refuses 'maybe'"), (["no"] * 3, "3 decisions")):
        with pytest.raises(WorkshopError, match=says):
            await decide(client, workflow_id, wrong)
    assert alerts(solutions) == []
    said = workshop("approve", workflow_id, "no", "yes", address=solutions.settings.temporal_address)
    assert (said.returncode, [line[:3] for line in said.stdout.splitlines()]) == (0, ["no:", "yes"]), said.stderr
    assert starter.wait() == 0
    assert alerts(solutions) == [("TX", True)]
    run = await solutions.history(starter)
    # The one that was refused leaves no trace, nor does what the validator refused.
    assert [(row.input[0], row.state) for row in run.rows if row.kind == TOOL and row.attempts] == [("TX", "completed")]
    assert [row.input[1] for row in run.rows if row.kind == UPDATE] == ["no", "yes"]
    assert await decide(client, workflow_id, ["yes"]) == [f"Nothing of {workflow_id} waits for a decision."]


async def test_worker_and_server_may_be_killed_while_it_waits(solutions: Solutions) -> None:
    worker = solutions.worker(APPROVAL)
    client, workflow_id, starter = await asked(solutions, ONE)
    worker.kill()
    with pytest.raises(WorkshopError, match="no worker answers"):
        await open_calls(client, workflow_id)
    solutions.kill_server()
    solutions.start_server()
    solutions.worker(APPROVAL)
    client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])
    await decide(client, workflow_id, ["yes"])
    assert starter.wait() == 0
    assert (solutions.practice.outcomes("model"), alerts(solutions)) == (["completed"] * 2, [("FL", True)])


async def test_killed_between_the_effect_and_its_record_it_is_done_once(solutions: Solutions) -> None:
    worker = solutions.worker(APPROVAL)
    client, workflow_id, starter = await asked(solutions, ONE)
    solutions.practice.fault("weather", "slow", delay=120)
    await decide(client, workflow_id, ["yes"])
    solutions.practice.until_in_flight("weather", 1)
    worker.kill()
    solutions.practice.clear()
    solutions.worker(APPROVAL)
    assert starter.wait() == 0
    assert alerts(solutions) == [("FL", True), ("FL", False)]
    assert solutions.practice.outcomes("weather") == ["abandoned", "completed"]
    run = await solutions.history(starter)
    assert [(row.kind, row.attempts) for row in run.rows if row.attempts] == [(MODEL, 1), (TOOL, 2), (MODEL, 1)]
    first = solutions.practice.entries("weather")[0]["id"]
    lines = str(ledger_shown(solutions.practice.ledger(first - 1)))
    assert "alerts sent to residents: 1; not sent again, by their key: 1" in lines
    assert f"not sent again: sent as #{first}" in lines


@pytest.mark.parametrize(("decision", "code", "sent"), [("no", 0, []), ("maybe", 1, [])])
def test_a_night_lies_between_question_and_decision(
    solutions: Solutions, decision: str, code: int, sent: list[Any]
) -> None:
    script = solutions.run(APPROVAL / "overnight.py", decision)
    assert script.wait() == code
    assert "Traceback" not in script.text
    assert alerts(solutions) == sent


async def test_who_asks_nobody_is_told_apart(solutions: Solutions) -> None:
    """A workflow without such a query, one that there is not, and one whose model asks for no tool."""
    solutions.worker(DURABLE)
    starter = solutions.starter(DURABLE)
    assert starter.wait() == 0
    client = await Client.connect(solutions.env()["TEMPORAL_ADDRESS"])
    for workflow_id, says in ((solutions.workflow_id(starter), "asks nobody"), ("none", "There is no workflow 'none'")):
        with pytest.raises(WorkshopError, match=says):
            await open_calls(client, workflow_id)
