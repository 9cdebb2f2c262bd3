"""Going further, approval: a person decides about each call of a tool that acts, and each act is done once."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from tests.crash_points import killed_at_every_event
from tests.folders import APPROVAL, DURABLE
from tests.harness import Solutions
from tests.temporal_env import workshop
from workshop import approval
from workshop.approval import decide, open_calls
from workshop.errors import WorkshopError
from workshop.history import Kind
from workshop.loopback import NO_TLS
from workshop.practice.report import ledger_shown
from workshop.processes import Program, wait_for
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


def in_console(solutions: Solutions, workflow_id: str) -> dict[str, Any]:
    """What the console tells of a workflow that waits, once it does."""

    def look() -> Any:
        state = httpx.get(f"{solutions.practice.url}/state", trust_env=False, verify=NO_TLS).json()
        return next((one for one in state["approvals"] if one["workflow"] == workflow_id), None)

    found: dict[str, Any] = wait_for("the console to show what waits", look)
    return found


def press(
    solutions: Solutions, workflow_id: str, call_id: str, decision: str, origin: str | None = None
) -> tuple[int, str]:
    """What a button of the console sends; status and text of the answer."""
    url = solutions.practice.url
    asked = {"workflow_id": workflow_id, "call_id": call_id, "decision": decision}
    headers = {"Origin": origin or url}
    answer = httpx.post(f"{url}/approvals", json=asked, headers=headers, trust_env=False, verify=NO_TLS, timeout=60)
    return answer.status_code, str(next(iter(answer.json().values())))


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
    shown = in_console(solutions, workflow_id)
    ((new_york, told), (texas, other)) = shown["calls"]
    assert (told, other) == tuple(calls)
    assert datetime.fromisoformat(shown["until"]) - datetime.fromisoformat(shown["since"]) > timedelta(minutes=59)
    assert press(solutions, workflow_id, new_york, "no", "http://127.0.0.1:1")[0] == 403
    status, said = press(solutions, workflow_id, new_york, "maybe")
    assert (status, said.partition(": ")[0], "Say yes or no" in said) == (409, "The workflow refuses 'maybe'", True)
    assert alerts(solutions) == []
    # What the validator refused is not in the history: it waits as before.
    assert (await why(client, workflow_id)).notes[:2] == found.notes[:2]
    assert press(solutions, workflow_id, new_york, "no") == (200, f"Decided. no: {told}\n  Next: decide about the rest")
    wait_for("the other one to be left", lambda: in_console(solutions, workflow_id)["calls"] == [[texas, other]])
    status, said = press(solutions, workflow_id, texas, "yes")
    assert (status, said.partition("\n")[0]) == (200, f"Decided. yes: {other}")
    assert starter.wait() == 0
    assert alerts(solutions) == [("TX", True)]
    run = await solutions.history(starter)
    # The one that was refused leaves no trace, nor does what the validator refused.
    assert [(row.input[0], row.state) for row in run.rows if row.kind == Kind.TOOL and row.attempts] == [
        ("TX", "completed")
    ]
    assert [row.input[1] for row in run.rows if row.kind == Kind.UPDATE] == ["no", "yes"]
    assert await decide(client, workflow_id, ["yes"]) == [f"Nothing of {workflow_id} waits for a decision."]


async def test_worker_and_server_may_be_killed_while_it_waits(
    solutions: Solutions, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = solutions.worker(APPROVAL)
    client, workflow_id, starter = await asked(solutions, ONE)
    ((call_id, _),) = in_console(solutions, workflow_id)["calls"]
    worker.kill()
    assert press(solutions, workflow_id, call_id, "yes") == (
        409,
        f"{workflow_id} does not say what waits: no worker answers.\n  Next: start its worker: python worker.py",
    )
    solutions.kill_server()
    solutions.start_server()
    # Its worker answered when it was asked what waits, and was killed then: the decision may still be taken.
    with monkeypatch.context() as patch:
        patch.setattr(approval, "open_calls", AsyncMock(return_value={call_id: "an alert"}))
        patch.setattr(approval, "PATIENCE", timedelta(seconds=1))
        with pytest.raises(WorkshopError, match="no worker answered within 1 s: it may still be taken"):
            await approval.decide_one(client, workflow_id, call_id, "yes")
    solutions.worker(APPROVAL)
    press(solutions, workflow_id, call_id, "yes")  # once more, in case that the server had not kept it
    assert await solutions.result(starter)
    status, said = press(solutions, workflow_id, call_id, "yes")
    assert (status, said[:26]) == (409, "This call no longer waits:")
    assert (solutions.practice.outcomes("model"), alerts(solutions)) == (["completed"] * 2, [("FL", True)])


async def test_killed_between_the_effect_and_its_record_it_is_done_once(solutions: Solutions) -> None:
    worker = solutions.worker(APPROVAL)
    _, workflow_id, starter = await asked(solutions, ONE)
    solutions.practice.fault("weather", "slow", delay=120)
    said = workshop("approve", workflow_id, "yes", address=solutions.settings.temporal_address)
    assert (said.returncode, said.stdout[:29]) == (0, "yes: send_alert_to_residents "), said.stderr
    solutions.practice.until_in_flight("weather", 1)
    worker.kill()
    solutions.practice.clear()
    solutions.worker(APPROVAL)
    assert starter.wait() == 0
    assert alerts(solutions) == [("FL", True), ("FL", False)]
    assert solutions.practice.outcomes("weather") == ["abandoned", "completed"]
    run = await solutions.history(starter)
    assert [(row.kind, row.attempts) for row in run.rows if row.attempts] == [
        (Kind.MODEL, 1),
        (Kind.TOOL, 2),
        (Kind.MODEL, 1),
    ]
    first = solutions.practice.entries("weather")[0]["id"]
    lines = str(ledger_shown(solutions.practice.ledger(first - 1)))
    assert "alerts sent to residents: 1; not sent again, by their key: 1" in lines
    assert f"not sent again: sent as #{first}" in lines


async def test_killed_at_every_event_it_acts_once(solutions: Solutions) -> None:
    def arguments(number: int) -> list[Any]:
        return [f"Warn the residents of Florida of hurricane {number}."]

    async def go(client: Client, name: str, number: int) -> None:
        handle = client.get_workflow_handle(name)

        async def over() -> bool:
            # With a kill between question and decision, the workflow may not wait again yet: the decision comes again.
            with suppress(WorkshopError):
                await decide(client, name, ["yes"])
            return (await handle.describe()).status != WorkflowExecutionStatus.RUNNING

        await follow(over, bool, 60, pause=1)
        assert "the residents of Florida" in await handle.result()

    for service in ("model", "weather"):
        solutions.practice.fault(service, "slow", delay=0.2)  # so that a kill often falls into a call
    runs = await killed_at_every_event(solutions, APPROVAL, "CarefulAgent", arguments, go)
    posts = solutions.practice.entries("weather")
    for run in runs:
        assert [row.kind for row in run.rows if row.attempts or row.kind == Kind.UPDATE] == [
            Kind.MODEL,
            Kind.UPDATE,
            Kind.TOOL,
            Kind.MODEL,
        ]
        assert [post["sent"] for post in posts if f"key {run.workflow_id}/" in post["asked"]].count(True) == 1


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
