"""Why a workflow is not finished: each state of a real workflow, and each error of the table."""

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from agents.testing import assistant_message, function_call
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.workflowservice.v1 import PauseActivityRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.worker import Worker

from tests import temporal_flows as flows
from tests.temporal_env import TOOL_THEN_ANSWER, eventually, recorded, refusal, result, start, worker, workshop
from workshop.audit import Audit, totals
from workshop.errors import WorkshopError
from workshop.history import AGENT_AS_TOOL, ChainedError, Kind, Row, Run, WorkflowTask, as_json, as_text, read_history
from workshop.settings import ROOT
from workshop.temporal import Pollers, gone, pollers
from workshop.timeline import Timeline
from workshop.why import REMEDIES, Diagnosis, causes, recognise, why
from workshop.why.remedies import Remedy, recognise_slip

pytest_plugins = ["tests.temporal_env"]

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ALIVE = Pollers(("1@elsewhere",), ("1@elsewhere",))


async def found(client: Client, handle: WorkflowHandle[Any, Any], kind: str, **options: Any) -> Diagnosis:
    """The diagnosis, once it is of that kind; it must be within 10 s of the trouble."""
    return await eventually(lambda: why(client, handle.id, **options), lambda said: said.kind == kind, 10)


async def test_what_a_failing_workflow_was_given_is_told_if_it_is_no_text(
    client: Client, temporal_address: str, queue: str
) -> None:
    """Started by hand: the plugin lets a number pass where a text is expected."""
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Misspells, 42, task_timeout=timedelta(seconds=1))
        said = await found(client, handle, "workflow task failing")
        assert said.notes[0] == "The workflow Misspells was given: 42"
        await handle.terminate()


async def test_misspelled_name_then_mended(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Misspells, "q", task_timeout=timedelta(seconds=1))
        said = await found(client, handle, "workflow task failing")
    text = str(said)
    assert "NameError: name 'resutl' is not defined" in said.why
    code = Path(flows.__file__).read_text().splitlines()
    line = 1 + next(i for i, text in enumerate(code) if "return resutl" in text)
    assert f"tests/temporal_flows.py, line {line}" in said.why
    assert (
        said.next_step == f"correct tests/temporal_flows.py, line {line}, and restart the worker; it goes on by itself"
    )
    assert handle.id in text
    async with worker(temporal_address, queue, [RuntimeError("no model to call")], workflows=[flows.MisspellsMended]):
        assert await result(handle) == "Floods."
    run = await read_history(client, handle.id)
    assert run.totals.model_calls == 2  # the worker that finished it had no model to call
    assert (await why(client, handle.id)).kind == "completed"


async def test_activity_missing_then_added(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue, activities=[flows.fails]):
        handle = await start(client, queue, flows.Asks, "q")
        said = await found(client, handle, "activity not registered")
    assert "no activity named get_weather_alerts" in said.why
    assert "fails" in said.why
    assert "worker.py" in str(said.next_step)
    async with worker(temporal_address, queue, [TOOL_THEN_ANSWER[1]]):
        assert await result(handle) == "Floods."


async def test_handoffs_that_share_a_name_are_named(client: Client, temporal_address: str, queue: str) -> None:
    """Case C27: of a name in another script, the Agents SDK keeps no letter."""
    async with worker(temporal_address, queue, [[assistant_message("I cannot choose.")]]):
        handle = await start(client, queue, flows.Routes, "Bonjour", ["法语", "西语"])
        await result(handle)
    said = await why(client, handle.id)
    assert said.kind == "handoffs share a name"
    (asked,) = (row.model for row in (await read_history(client, handle.id)).rows if row.model)
    ((name, agent),) = asked.handoffs  # of two
    assert name in said.why
    assert agent in said.why


async def test_workflow_missing(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, "Askz", "q")
        said = await found(client, handle, "workflow not registered")
    assert "no workflow named Askz" in said.why
    assert "Asks" in said.why
    assert "worker.py" in str(said.next_step)


async def test_nobody_polls(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, "agent-routing"):
        handle = await start(client, queue, flows.Asks, "q")
        said = await found(client, handle, "no worker")
    assert f"No worker polls the task queue {queue}." in said.why
    assert "python worker.py" in str(said.next_step)
    assert said.notes == ("A worker polls agent-routing: that is another exercise's.",)


async def test_a_queue_of_an_exercise_names_its_folder(client: Client) -> None:
    handle = await start(client, "temporal-hello-world", flows.Asks, "q")
    said = await found(client, handle, "no worker")
    assert "solutions/02_temporal_hello_world" in str(said.next_step)
    await handle.terminate()


async def test_retrying(client: Client, temporal_address: str, queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Calls, "fails", "disk [full]", 0)
        said = await found(client, handle, "activity failing")
        assert "the activity fails failed at attempt 1; next try in " in said.what
        assert said.why.startswith("OSError: disk [full] (tests/temporal_flows.py, line ")
    monkeypatch.setattr("workshop.temporal.gone", lambda _: True)  # this process lives, its worker does not
    later = await found(client, handle, "activity failing")
    assert [str(note) for note in later.notes] == [f"No worker polls {queue} now: python worker.py"]
    assert later.lines(notebook=True)[-2] == f"Also: No worker polls {queue} now: ex.worker.start()"


@pytest.mark.parametrize(
    ("refused", "kind", "says"),
    [
        (refusal(429, "rate_limit_exceeded", "slow down", **{"retry-after": "100"}), "rate limit", "429"),
        (refusal(429, "insufficient_quota", "no", **{"retry-after": "100"}), "quota", "credit and billing"),
        (refusal(500, "server_error", "oh", **{"retry-after": "100"}), "service down", "500"),
    ],
)
async def test_the_providers_trouble(
    client: Client, temporal_address: str, queue: str, refused: Exception, kind: str, says: str
) -> None:
    async with worker(temporal_address, queue, [refused]):
        handle = await start(client, queue, flows.Asks, "q")
        said = await found(client, handle, kind)
        assert says in said.why
        assert "wait" not in str(said.next_step) or kind != "quota"
        faults = [{"target": "weather", "kind": "slow"}, {"target": "model", "kind": "rate-limit"}]
        practising = await why(client, handle.id, faults)
        assert str(practising.next_step).startswith("workshop fault clear ends the practice fault (model rate-limit)")
        for others in ([], faults[:1]):
            assert "fault" not in str((await why(client, handle.id, others)).next_step)


@pytest.mark.parametrize("header", ["inf", "1e400", "nan", "-inf", "9" * 30, "soon", "Wed, 25 Nov 2026 12:00:00 GMT"])
async def test_a_retry_after_of_nonsense_does_not_hide_the_429(
    client: Client, temporal_address: str, queue: str, header: str
) -> None:
    steps = [refusal(429, "rate_limit_exceeded", "slow down", **{"retry-after": header}), *TOOL_THEN_ANSWER]
    async with worker(temporal_address, queue, steps):
        handle = await start(client, queue, flows.Asks, "q")
        await result(handle)
    errors = (await read_history(client, handle.id)).rows[0].errors
    assert errors[-1].message.startswith("429 (or 5xx): the provider")
    found = recognise(errors)
    assert found
    assert found.kind == "rate limit"


async def test_a_wait_that_is_too_long_can_be_ended(client: Client, temporal_address: str, queue: str) -> None:
    steps = [refusal(429, "rate_limit_exceeded", "slow down", **{"retry-after": "99999999"}), *TOOL_THEN_ANSWER]
    async with worker(temporal_address, queue, steps):
        handle = await start(client, queue, flows.Asks, "q", id=queue)
        said = await found(client, handle, "long wait", faults=[{"target": "model", "kind": "rate-limit"}])
        program, *rest = shlex.split(str(said.next_step).partition("try now: ")[2])
        subprocess.run(  # noqa: ASYNC221
            [Path(sys.executable).with_name(program), *rest, "--address", temporal_address], check=True, timeout=60
        )
        assert await result(handle) == "Floods."


async def test_a_key_in_an_error_is_hidden_and_said_to_stand_in_the_history(
    client: Client, temporal_address: str, queue: str
) -> None:
    keys = {"a variable's": "a-key-of-a-foreign-server-1", "a provider's": "sk-proj-" + "a1B2" * 8}
    for key in keys.values():
        said = f"Incorrect API key {key} provided: {key}. Authorization was: Bearer {key}"
        async with worker(temporal_address, queue, [refusal(401, "invalid_api_key", said)]):
            handle = await start(client, queue, flows.Asks, f"is it {key}?")
            await found(client, handle, "bad key")
        environ = {"OPENAI_API_KEY": keys["a variable's"]}
        run = await read_history(client, handle.id, environ=environ)
        told = [str(await why(client, handle.id, environ=environ)), json.dumps(as_json(run)), str(Timeline(run))]
        told += [str(Audit(run)), Audit(run).html()]
        assert key not in "".join(told)
        (note,) = run.notes
        assert handle.id in note
        assert note in told[0]
        assert "".join(note.split()) in "".join("".join(told).split())
        # A command reads .env, or here the variable, by itself.
        for command in (["why"], ["audit"], ["audit", "--json"]):
            shown = workshop(*command, handle.id, address=temporal_address, OPENAI_API_KEY=environ["OPENAI_API_KEY"])
            assert (shown.returncode, shown.stderr) == (0, "")
            assert key not in shown.stdout


async def test_an_error_that_is_a_page_is_told_in_a_line(client: Client, temporal_address: str, queue: str) -> None:
    page = f"<!DOCTYPE html>\n<html><head><title> Access\nDenied </title></head>{'<p>no</p>' * 3000}</html>"
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Calls, "refuses", f"Weather service said 403: {page}", 0)
        said = await found(client, handle, "user agent")
        assert len(str(said)) < 1000
        assert "<p>" not in str(said)
    run = await read_history(client, handle.id)
    assert run.failure.startswith("Refused: Weather service said 403: Access Denied [a page of 27,")
    assert "<p>" not in run.rows[0].last_error
    assert run.errors[-1].message.endswith("</html>")


async def test_a_refused_key_ends_the_run(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue, [refusal(401, "invalid_api_key", "no")]):
        handle = await start(client, queue, flows.Asks, "q")
        said = await found(client, handle, "bad key")
    assert "is over: failed" in said.what
    assert "OPENAI_API_KEY" in str(said.next_step)


async def test_a_tool_that_was_never_offered(client: Client, temporal_address: str, queue: str) -> None:
    steps = [[function_call("get_forecast_now", {"city": "Reno"}, call_id="c1")]]
    async with worker(temporal_address, queue, steps):
        handle = await start(client, queue, flows.Asks, "q")
        said = await found(client, handle, "unknown tool")
    assert "get_forecast_now" in said.why
    assert "It was offered: get_weather_alerts." in said.notes


async def test_the_sandbox(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        plain, clock = await start(client, queue, flows.PlainTool, "network"), await start(client, queue, flows.Clock)
        said = await found(client, plain, "sandbox")
        assert "But its tool get_weather_alerts could not run" in said.what
        assert "activity_as_tool" in str(said.next_step)
        said = await found(client, clock, "sandbox")
        assert "datetime.datetime.now returns something else each time" in said.why
        assert "workflow.now()" in str(said.next_step)


async def test_a_pure_function_as_tool_is_named(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.PlainTool, "pure")
        await result(handle)
    said = await why(client, handle.id)
    assert said.kind == "completed"
    assert "get_weather_alerts ran inside the workflow: no activity" in said.notes[0]
    assert "activity_as_tool" in str(said.next_step)


async def test_timer_and_signal(
    client: Client, temporal_address: str, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with worker(temporal_address, queue):
        sleeps, approves = await start(client, queue, flows.Sleeps, 600.0), await start(client, queue, flows.Approves)
        said = await found(client, sleeps, "timer")
        assert "a timer of 600 s (a long night), which ends " in said.what
        said = await found(client, approves, "signal")
        assert said.notes == ("It takes the signal approve and the update rename.",)
    said = await found(client, approves, "signal")
    assert said.notes == ("No worker answered when asked about it: is one running?",)
    monkeypatch.setattr("workshop.temporal.gone", lambda _: True)
    said = await found(client, approves, "signal")
    assert [str(note) for note in said.notes] == [
        f"No worker polls {queue}: it does not go on until one does (python worker.py)."
    ]


async def test_a_running_activity_and_its_heartbeats(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Calls, "hangs", "", 0)
        said = await eventually(lambda: why(client, handle.id), lambda said: "last heartbeat" in said.what, 10)
        assert said.kind == "activity running"
        assert "the activity hangs, attempt 1, has been running for" in said.what
        assert "300" in said.notes[0] or "5 min 0 s" in said.notes[0]
        await handle.terminate()


async def test_a_killed_worker(client: Client, temporal_address: str, queue: str) -> None:
    code = f"""
import asyncio
from tests.temporal_env import worker
async def main():
    async with worker({temporal_address!r}, {queue!r}):
        await asyncio.Event().wait()
asyncio.run(main())"""
    handle = await start(client, queue, flows.Calls, "hangs", "", 0)
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as process:  # noqa: ASYNC220
        await eventually(lambda: why(client, handle.id), lambda said: said.kind == "activity running", 40)
        process.send_signal(signal.SIGKILL)
    said = await why(client, handle.id)
    assert said.kind == "worker lost"
    assert f"Its worker {process.pid}@" in said.why
    assert (await pollers(client, queue)) == Pollers((), ())  # although the server lists it still
    # The heartbeat timeout comes, and then nobody is there for the second attempt.
    await eventually(lambda: why(client, handle.id), lambda said: "heartbeats stopped" in str(said), 10)
    await handle.terminate()


async def test_a_paused_activity(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Calls, "fails", "no", 0)
        await found(client, handle, "activity failing")
        execution = WorkflowExecution(workflow_id=handle.id)
        request = PauseActivityRequest(namespace="default", execution=execution, type="fails", identity="tests")
        await client.workflow_service.pause_activity(request)
        assert "the activity fails is paused" in (await found(client, handle, "paused")).what


async def test_code_that_changed_under_a_run(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue, workflows=[flows.ChangedBefore]):
        handle = await start(client, queue, "Changed")
        await found(client, handle, "signal")
    async with worker(temporal_address, queue, workflows=[flows.ChangedAfter]):
        await handle.signal("go_on")
        said = await found(client, handle, "non-determinism")
    assert "TMPRL1100" in said.why
    assert "workflows.py" in said.why
    assert said.notes[0] == (
        "The history has timer (event 5); the code now has a step of another kind: activity in its place."
    )
    assert not any("Installed since" in str(note) for note in said.notes)


NONDETERMINISM = "[TMPRL1100] Nondeterminism error: "
EVENT_5 = "HistoryEvent(id: 5, TimerStarted)"


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        (f"Timer machine does not handle this event: {EVENT_5}", ("activity tool", "timer")),
        (f"Complete workflow machine does not handle this event: {EVENT_5}", ("activity tool", "complete workflow")),
        (
            "Child workflow machine does not handle this event: HistoryEvent { event_id: 5, event_time:",
            ("tool", "child"),
        ),
        (f"No command scheduled for event {EVENT_5}", ("activity tool", "nothing")),
        (
            "Activity type of scheduled event 'tool' does not match activity type of activity command 'slow'",
            ("activity type tool", "slow"),
        ),
    ],
)
def test_both_steps_of_changed_code_are_named(message: str, parts: tuple[str, ...]) -> None:
    failure = Row(
        Kind.TASK_FAILURE, "", "retrying", 9, NOW, errors=(ChainedError("ApplicationError", NONDETERMINISM + message),)
    )
    said = causes.failing_task(replace(RUN, rows=(ROW, failure)), ALIVE)
    assert said
    assert said.kind == "non-determinism"
    assert all(part in str(said.notes[0]) for part in parts)
    long_ago = replace(RUN, rows=(ROW, failure), started=NOW.replace(year=2000))
    said = causes.failing_task(long_ago, ALIVE)
    assert said
    assert f"openai-agents {metadata.version('openai-agents')}" in str(said.notes[1])


async def test_wrong_arguments_are_named(client: Client, queue: str) -> None:
    async with Worker(
        client,
        task_queue=queue,
        workflows=[flows.Sleeps],
        build_id="tests",
    ):
        for given, says in (
            (["soon"], "was <class 'str'>"),
            ([{"state": "TX"}], "was <class 'dict'>"),
            ([], "missing 1 required positional argument: 'length'"),
            ([1, 2, 3], "takes 2 positional arguments but 4 were given"),
        ):
            handle = await start(client, queue, flows.Sleeps, *given)
            said = await found(client, handle, "wrong arguments")
            assert says in said.why
            assert "terminate it and start again" in str(said.next_step)
            shown = as_text(given[0] if len(given) == 1 else given) if given else "nothing"
            assert said.notes == (f"The workflow Sleeps was given: {shown}",)
            await handle.terminate()


async def test_wrong_arguments_of_an_activity(client: Client, temporal_address: str, queue: str) -> None:
    # The plugin lets a dict pass where a text is expected; the activity's worker has no plugin.
    plain = Worker(client, task_queue=queue, activities=[flows.get_weather_alerts])
    async with plain, worker(temporal_address, queue, activities=[], no_remote_activities=True):
        handle = await start(client, queue, flows.Calls, "get_weather_alerts", {"state": "TX"}, 1)
        said = await found(client, handle, "wrong arguments")
    assert "Expected value to be str, was <class 'dict'>" in said.why
    assert 'The activity get_weather_alerts was given: {"state": "TX"}' in said.notes


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("durable_agent", " differs"),
        ("durable-agent ", "space"),
        ("Durable-Agent", "capitals"),
        ("durable-agnet", " differs"),
    ],
)
async def test_a_queue_whose_name_differs_by_little(client: Client, name: str, says: str) -> None:
    handle = await start(client, name, flows.Asks, "q")
    said = await found(client, handle, "other queue")
    assert f'"{name}"' in said.why
    assert '"durable-agent"' in said.why
    assert says in said.why
    await handle.terminate()


async def test_an_agent_used_as_a_tool_that_failed_inside(client: Client, temporal_address: str, queue: str) -> None:
    steps: list[Any] = [
        [function_call("weather_desk", {"input": "TX"}, call_id="c1")],
        refusal(401, "invalid_api_key", "no"),
        [assistant_message("I could not find out.")],
    ]
    async with worker(temporal_address, queue, steps):
        handle = await start(client, queue, flows.AsksAnAgent, "q")
        assert await result(handle) == "I could not find out."
    said = await why(client, handle.id)
    assert said.kind == "tool failed inside"
    assert "weather_desk" in said.what
    assert "401" in said.why
    assert "failure_error_function" in str(said.next_step)
    run = await read_history(client, handle.id)
    row = next(row for row in run.rows if row.name == "weather_desk")
    assert (row.state, row.notes) == ("failed", (AGENT_AS_TOOL,))


async def test_an_agent_used_as_a_tool_that_went_well(client: Client, temporal_address: str, queue: str) -> None:
    asks = [function_call("weather_desk", {"input": "TX"}, call_id="c0")]
    async with worker(temporal_address, queue, [asks, *TOOL_THEN_ANSWER, [assistant_message("Floods, they say.")]]):
        handle = await start(client, queue, flows.AsksAnAgent, "q")
        assert await result(handle) == "Floods, they say."
    assert await why(client, handle.id) == Diagnosis("completed", (await why(client, handle.id)).what)


async def test_streaming_without_a_topic(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Streams, "q")
        said = await found(client, handle, "streaming")
    assert "worker.py" in str(said.next_step)
    assert "streaming_topic" in str(said.next_step)


class Reverses(PayloadCodec):
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(metadata={"encoding": b"binary/encrypted"}, data=payload.SerializeToString()[::-1])
            for payload in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload.FromString(payload.data[::-1]) for payload in payloads]


async def test_data_that_only_a_codec_reads(client: Client, temporal_address: str, queue: str) -> None:
    converter = replace(DataConverter.default, payload_codec=Reverses())
    encrypts = await Client.connect(temporal_address, data_converter=converter)
    arguments: Any = {
        "task_queue": queue,
        "workflows": [flows.Calls],
        "activities": [flows.get_weather_alerts],
        "build_id": "tests",
    }
    async with Worker(encrypts, **arguments):
        handle = await start(encrypts, queue, flows.Calls, "get_weather_alerts", "TX", 1)
        await result(handle)
    run = await read_history(client, handle.id)
    assert run.encoded
    (note,) = run.notes
    assert "binary/encrypted" in note
    assert "no codec" in note
    assert "--codec-endpoint" in note
    said = await why(client, handle.id)
    assert (said.kind, said.notes) == ("completed", (note,))
    assert "tokens not known" in totals(replace(run, rows=recorded("worker_killed").rows))
    async with Worker(client, **arguments):
        handle = await start(encrypts, queue, flows.Calls, "get_weather_alerts", "TX", 1)
        said = await found(client, handle, "other converter")
        assert "binary/encrypted" in said.why
        assert "data_converter" in str(said.next_step)
        await handle.terminate()


@pytest.mark.parametrize(("jump", "how"), [(90, "ahead of"), (3, "ahead of"), (-90, "behind")])
async def test_a_clock_that_jumps_makes_no_worker_dead(
    client: Client, temporal_address: str, queue: str, monkeypatch: pytest.MonkeyPatch, jump: int, how: str
) -> None:
    class Jumped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Jumped":
            return super().now(tz) + timedelta(minutes=jump)

    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Calls, "fails", "no", 0)
        await found(client, handle, "activity failing")
        for module in ("why", "temporal"):
            monkeypatch.setattr(f"workshop.{module}.datetime", Jumped)
        said = await why(client, handle.id)
    assert said.kind == "activity failing"
    assert re.search(r"next try in (9|10) min", said.what)
    (note,) = said.notes
    assert how in str(note)
    assert re.search(r"1 h (29|30) min" if abs(jump) > 60 else r"3 min 0|2 min 59", str(note))


async def test_ends(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        refused = await start(client, queue, flows.Calls, "refuses", "not [ever]", 0)
        tried = await start(client, queue, flows.Calls, "fails", "no", 2)
        cancelled = await start(client, queue, flows.Sleeps, 600.0)
        terminated = await start(client, queue, flows.Sleeps, 600.0)
        late = await start(client, queue, flows.Sleeps, 600.0, execution_timeout=timedelta(seconds=1))
        await cancelled.cancel()
        await terminated.terminate(reason="enough")
        said = await found(client, refused, "failed")
        assert said.why.startswith("Refused: not [ever] (tests/temporal_flows.py, line ")
        said = await found(client, tried, "failed")
        assert "The activity fails was tried 2 times." in said.notes
        assert (await found(client, cancelled, "cancelled")).next_step
        assert "enough" in (await found(client, terminated, "terminated")).why
        assert "ran out" in (await found(client, late, "timed out")).why


async def test_the_server_is_asked_within_a_bound(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> Run:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("workshop.why.read_history", never)
    monkeypatch.setattr("workshop.why.PATIENCE", 0.05)
    with pytest.raises(WorkshopError, match="does not answer: no answer within"):
        await why(client, "x")


def test_recorded_ends() -> None:
    assert causes.ended(recorded("unknown_tool")).kind == "unknown tool"
    said = causes.ended(recorded("worker_killed"))
    assert said.kind == "completed"
    assert "Its result: Weather alerts for Texas:" in said.what
    assert len(str(said)) < 500


RUN = Run("id", "run", "T", "durable-agent", "running", NOW, None, None, None, (), "", "1@elsewhere", ())
ROW = Row(Kind.ACTIVITY, "tool", "running", 5, NOW, started=NOW, attempts=1, worker="1@elsewhere", start_to_close=60.0)


@pytest.mark.parametrize(
    ("worker", "kind"),
    [("1@elsewhere", "worker lost"), (f"{os.getpid()}@{socket.gethostname()}", "worker blocked")],
    ids=["elsewhere", "here"],
)
def test_a_step_that_was_taken_and_not_answered(worker: str, kind: str) -> None:
    """By a worker that may have been killed, and by one that is still there."""
    run = replace(RUN, task=WorkflowTask(True, 1, NOW), worker=worker)
    assert causes.stuck_task(run, ALIVE, NOW + timedelta(seconds=1)) is None
    said = causes.stuck_task(run, ALIVE, NOW + timedelta(seconds=5))
    assert said is not None
    assert said.kind == kind


def test_a_step_that_no_listed_worker_takes() -> None:
    run = replace(RUN, task=WorkflowTask(False, 1, NOW))
    assert causes.stuck_task(run, ALIVE, NOW + timedelta(seconds=1)) is None
    said = causes.stuck_task(run, ALIVE, NOW + timedelta(seconds=5))
    assert said is not None
    assert "still lists 1@elsewhere" in said.why
    assert "exercises/03_durable_agent" in str(said.next_step)


def test_heartbeats_that_stopped_are_seen_before_the_server_does() -> None:
    beating = replace(ROW, heartbeat_timeout=2.0, last_heartbeat=NOW)
    said = causes.running(beating, RUN, ALIVE, NOW + timedelta(seconds=1))
    assert said is not None
    assert said.kind == "activity running"
    said = causes.running(beating, RUN, ALIVE, NOW + timedelta(seconds=3.5))
    assert said is not None
    assert said.kind == "worker lost"


def test_a_run_that_is_over_is_not_told_to_wait() -> None:
    failed = replace(RUN, status="failed", closed=NOW)
    said = causes.ended(replace(failed, errors=(ChainedError("X", "Error code: 429"),)))
    assert str(said.next_step) == "start again later"
    for error, message, kind, _ in EXAMPLES:
        if kind:
            said = causes.ended(replace(failed, errors=(ChainedError(error, message),)))
            assert said.kind == kind
            assert "by itself" not in str(said.next_step)


def test_a_history_that_gets_too_long_is_told_before_and_afterwards() -> None:
    assert list(causes.besides(replace(RUN, sizes=(9 * 2**20,), events=(9000,)))) == []
    for sizes, events in (((11 * 2**20,), (900,)), ((2**20, 2**20), (20_000, 11_000))):
        (said,) = causes.besides(replace(RUN, sizes=sizes, events=events))
        assert f"has {sizes[-1] >> 20} MiB and {events[-1]:,} events" in said
    # Of a run before, it does not matter any more.
    assert list(causes.besides(replace(RUN, sizes=(11 * 2**20, 2**20), events=(20_000, 9000)))) == []
    ended = replace(RUN, status="terminated", closed=NOW, reason="Workflow history size exceeds limit.")
    assert causes.ended(ended).kind == "history too long"
    assert "saying: rate limit" in causes.ended(replace(ended, reason="rate limit")).why


def test_a_next_step_is_a_command_in_a_terminal_and_a_cell_in_a_notebook() -> None:
    late = NOW + timedelta(seconds=60)
    nobody = causes.no_worker(RUN, (), "the activity x has been waiting for 3.0 s")
    lost = causes.running(replace(ROW, heartbeat_timeout=2.0), RUN, ALIVE, late)
    alone = causes.running(replace(ROW, start_to_close=9.0, schedule_to_close=9.0), RUN, ALIVE, NOW)
    turned = causes.ended(replace(RUN, status="failed", closed=NOW, errors=(ChainedError("MaxTurnsExceeded", ""),)))
    assert alone
    assert "It may take 9.0 s (schedule_to_close_timeout, of all attempts together)." in alone.notes
    assert lost
    for said, terminal, notebook in (
        (nobody, "start its worker in another terminal: python worker.py, in exercises/03_", "ex.worker.start()"),
        (lost, "have a worker running: python worker.py", "ex.worker.start()"),
        (turned, "look at the calls with: workshop audit; then", "look at the calls with: ex.audit(); then"),
    ):
        assert said.lines()[-1].startswith(f"Next: {terminal}")
        assert said.lines(notebook=True)[-1].startswith(f"Next: {notebook}")


def test_only_processes_of_this_machine_are_known_to_be_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        pass
    assert gone(f"{process.pid}@{socket.gethostname()}")
    assert not gone(f"{process.pid}@elsewhere")
    assert not gone(f"[x]@{socket.gethostname()}")
    assert not gone("")


# What each error looks like, the innermost of its chain: its name in a diagnosis, and in a check's verdict.
EXAMPLES = [
    ("AgentsException", "Runner.run_sync() cannot be called when", "", "run-sync-in-notebook"),
    ("RuntimeError", "asyncio.run() cannot be called from a running event loop", "", "run-sync-in-notebook"),
    ("RuntimeError", "Temporal workflows do not support synchronous model calls.", "", "run-sync"),
    ("ValueError", "Activity must have start_to_close_timeout or schedule_to_close_timeout", "", "no-timeout"),
    ("ValueError", "Missing @workflow.run method", "", "no-run-method"),
    ("ValueError", "activity_executor must be present for non-async activity", "", "not-async"),
    ("ValueError", "At least one activity, workflow or service must be specified", "", "nothing-registered"),
    ("TypeError", "Activity x missing attributes, was it decorated with @activity.defn?", "", "activity-not-decorated"),
    ("ValueError", "Class X missing attributes, was it decorated with @workflow.defn?", "", "workflow-not-decorated"),
    ("TypeError", "OpenAIAgentsPlugin.name() missing 1 required positional argument", "", "plugin-is-a-class"),
    ("TypeError", "connect() got an unexpected keyword argument 'plugins'", "", "plugin-by-name"),
    ("TypeError", "Agent tools must be a list, got FunctionTool", "", "tools-no-list"),
    (
        "RestrictedWorkflowAccessError",
        "Cannot access random.random from inside a workflow",
        "sandbox",
        "not-deterministic",
    ),
    ("RuntimeError", "The payload converter must be of type OpenAIPayloadConverter", "", "plugin-twice"),
    ("AttributeError", "'str' object has no attribute 'start_to_close_timeout'", "", "plugin-keyword"),
    ("BadRequestError", "Invalid 'tools[0].name': string does not match pattern.", "", "tool-name"),
    ("AttributeError", "'coroutine' object has no attribute 'name'", "", "not-a-tool"),
    ("AttributeError", "'function' object has no attribute '__mro__'", "", "other-decorator"),
    ("AttributeError", "'FunctionTool' object has no attribute '__name__'", "", "other-decorator"),
    ("TypeError", "Dynamic activity must accept a single Sequence[RawValue]", "", "defn-argument"),
    ("TypeError", "Object of type function is not JSON serializable", "", "arguments-swapped"),
    ("TypeError", "'float' object cannot be interpreted as an integer", "", "not-an-integer"),
    ("RPCError", "workflow not found for ID: q-1", "", "nothing-started"),
    ("TypeError", "object float can't be used in 'await' expression", "", "await-too-many"),
    ("TypeError", "object Agent can't be used in 'await' expression", "", "await-too-many"),
    ("RestrictedWorkflowAccessError", "Cannot access threading.Event from inside a workflow", "sandbox", "time-sleep"),
    ("AttributeError", "'tuple' object has no attribute 'name'", "", "tuple-by-comma"),
    ("AttributeError", "'list' object has no attribute 'name'", "", "not-a-tool"),
    ("AttributeError", "'str' object has no attribute 'name'", "", "not-a-tool"),
    ("TypeError", "Agent tools must be a list, got str", "", "agent-argument"),
    ("TypeError", "unhashable type: 'Handoff'", "", "agent-argument"),
    ("AttributeError", "'Handoff' object has no attribute 'name'", "", "not-a-tool"),
    ("AttributeError", "'RunResult' object has no attribute 'text'", "", "no-such-attribute"),
    ("RuntimeError", "Failed creating worker\nRegistration of multiple workers with", "", "registered-twice"),
    ("TypeError", "Activity run missing attributes, was it decorated", "", "activity-not-decorated"),
    ("ValueError", "Function already contains activity definition", "", "defn-argument"),
    ("UserError", "on_handoff must take two arguments: context and input", "", "handoff-argument"),
    ("UserError", "on_handoff must take one argument: context", "", "handoff-argument"),
    ("TypeError", "object function can't be used in 'await' expression", "", "not-called"),
    ("TypeError", "object module can't be used in 'await' expression", "", "not-called"),
    ("AttributeError", "'Agent' object has no attribute 'run'", "", "no-method"),
    ("AttributeError", "type object 'DurableAgent' has no attribute 'Run'", "", "no-such-attribute"),
    ("Cancelled", "", "", "cancelled"),
    ("TypeError", "'coroutine' object does not support the asynchronous context manager protocol", "", "not-awaited"),
    ("ValueError", "More than one activity named invoke_model_activity", "", "plugin-twice"),
    ("AttributeError", "'Client' object has no attribute 'start_to_close_timeout'", "", "plugin-keyword"),
    ("AttributeError", "'_ActivityHandle' object has no attribute 'name'", "", "not-a-tool"),
    ("TypeError", "'TraceImpl' object is not callable", "", "async-with"),
    ("TypeError", "type 'Worker' is not subscriptable", "", "not-called"),
    ("TypeError", "activity_as_tool() got an unexpected keyword argument 'timeout'", "", "keyword-unknown"),
    ("TypeError", "Runner.run() got an unexpected keyword argument 'agent'", "", "keyword-unknown"),
    ("NotFoundError", "Activity function sleep is not registered on", "activity not registered", "another-sleep"),
    ("TypeError", "list expected at most 1 argument, got 2", "", "several-arguments"),
    ("TypeError", "RetryPolicy.__init__() got an unexpected keyword argument 'max_interval'", "", "keyword-unknown"),
    ("TypeError", "ModelActivityParameters.__init__() got an unexpected keyword argument 'x'", "", "keyword-unknown"),
    ("TypeError", "trace() got an unexpected keyword argument 'workflow_id'", "", "keyword-unknown"),
    ("TypeError", "handoff() got an unexpected keyword argument 'on_handoffs'", "", "keyword-unknown"),
    ("TypeError", "Client.start_workflow() got an unexpected keyword argument 'plugins'", "", "keyword-unknown"),
    ("NameError", "name 'DurableAgent' is not defined", "", "name-elsewhere"),
    ("TypeError", "'UUID' object is not subscriptable", "", "not-subscriptable"),
    ("AttributeError", "'ModelActivityParameters' object has no attribute 'get_model'", "", "plugin-keyword"),
    ("TypeError", "'<' not supported between instances of 'RunContextWrapper' and 'int'", "", "text-for-number"),
    ("UnboundLocalError", "cannot access local variable 'agent' where", "", "name-unknown"),
    (
        "TypeError",
        "execute_child_workflow() got an unexpected keyword argument 'start_to_close_timeout'",
        "",
        "another-call",
    ),
    ("TypeError", "object Response can't be used in 'await' expression", "", "await-too-many"),
    ("SyntaxError", "'return' with value in async generator", "", "syntax"),
    ("SyntaxError", "cannot assign to await expression here", "", "syntax"),
    ("SyntaxError", "'await' outside async function", "", "syntax"),
    ("SyntaxError", "'return' outside function", "", "syntax"),
    ("AttributeError", "'TraceImpl' object has no attribute 'final_output'", "", "no-such-attribute"),
    ("AttributeError", "'RunContextWrapper' object has no attribute 'pause_seconds'", "", "no-such-attribute"),
    ("BadRequestError", "Invalid type for 'input[0]': expected an object.", "", "other-question"),
    ("RuntimeError", "Cannot send a request, as the client has been closed.", "", "client-closed"),
    ("TypeError", "Agent.__init__() got an unexpected keyword argument 'description'", "", "agent-argument"),
    ("TypeError", "Agent.__init__() got an unexpected keyword argument 'tool'", "", "agent-keyword"),
    (
        "TypeError",
        "Client.start_workflow() takes from 2 to 3 positional arguments but 4 were given",
        "",
        "several-arguments",
    ),
    ("NotImplementedError", "", "", "called-directly"),
    ("TypeError", "Object of type coroutine is not JSON serializable", "", "not-awaited"),
    ("TypeError", "object str can't be used in 'await' expression", "", "await-too-many"),
    ("AttributeError", "'int' object has no attribute 'total_seconds'", "", "not-a-timedelta"),
    ("RPCError", "missing task queue name", "", "no-task-queue"),
    ("WorkflowAlreadyStartedError", "Workflow execution already started", "", "id-not-unique"),
    ("NameError", "name 'asyncio' is not defined", "", "another-sleep"),
    ("NameError", "name 'timedelta' is not defined", "", "name-unknown"),
    ("AttributeError", "'NoneType' object has no attribute 'final_output'", "", "nothing-there"),
    ("ModuleNotFoundError", "No module named 'activites'", "", "no-such-module"),
    ("ImportError", "cannot import name 'x' from 'activities'", "", "no-such-name"),
    ("SyntaxError", "'(' was never closed", "", "syntax"),
    ("SyntaxError", "f-string: expecting '}'", "", "syntax"),
    ("AttributeError", "type object 'Runner' has no attribute 'run_async'", "", "no-method"),
    ("AttributeError", "'str' object has no attribute 'handoffs'", "", "not-an-agent"),
    ("TypeError", "string indices must be integers, not 'str'", "", "other-data"),
    ("TypeError", "cannot unpack non-iterable RunResult object", "", "several-names"),
    ("TypeError", "Runner.run() got multiple values for argument 'starting_agent'", "", "argument-twice"),
    ("ValueError", "invalid literal for int() with base 10: 'TX'", "", "text-for-number"),
    ("AttributeError", "'function' object has no attribute 'sleep'", "", "another-sleep"),
    ("SyntaxError", "invalid decimal literal", "", "syntax"),
    ("SyntaxError", "keyword argument repeated: workflows", "", "syntax"),
    ("TypeError", "'member_descriptor' object is not callable", "", "not-a-timedelta"),
    ("KeyError", "'properties'", "", "no-such-key"),
    ("TypeError", "Activity <lambda> missing attributes, was it decorated", "", "activity-not-decorated"),
    ("ValueError", "Activity <unknown> missing attributes, was it decorated", "", "activity-not-decorated"),
    ("ValueError", "Workflow run missing attributes, was it decorated", "", "workflow-not-decorated"),
    ("TypeError", "'async for' requires an object with __aiter__ method, got coroutine", "", "not-awaited"),
    ("AttributeError", "'Client' object has no attribute 'run_workflow'", "", "no-such-attribute"),
    ("AttributeError", "type object 'Agent' has no attribute 'create'", "", "no-such-attribute"),
    ("SyntaxError", "unmatched ')'", "", "syntax"),
    ("SyntaxError", "unterminated string literal (detected at line 3)", "", "syntax"),
    ("SyntaxError", "invalid syntax. Perhaps you forgot a comma?", "", "syntax"),
    ("SyntaxError", "expected ':'", "", "syntax"),
    ("SyntaxError", "positional argument follows keyword argument", "", "syntax"),
    ("SyntaxError", "cannot assign to function call", "", "syntax"),
    ("SyntaxError", "invalid character '“' (U+201C)", "", "syntax"),
    ("SyntaxError", "invalid syntax", "", "unreadable"),
    ("IndentationError", "expected an indented block after function definition on line 16", "", "syntax"),
    ("IndentationError", "unindent does not match any outer indentation level", "", "syntax"),
    ("TypeError", "Activity TemporalHelloWorld missing attributes, was it decorated", "", "activity-not-decorated"),
    ("TypeError", "Activity make_api_call missing attributes, was it decorated", "", "activity-not-decorated"),
    (
        "TypeError",
        "Client.start_workflow() missing 1 required positional argument: 'workflow'",
        "",
        "argument-missing",
    ),
    ("AttributeError", "'coroutine' object has no attribute 'result'", "", "not-awaited"),
    ("AttributeError", "'coroutine' object has no attribute 'start_workflow'", "", "not-awaited"),
    ("TypeError", "object method can't be used in 'await' expression", "", "not-called"),
    ("AttributeError", "'function' object has no attribute 'as_tool'", "", "not-a-tool"),
    ("AttributeError", "'builtin_function_or_method' object has no attribute 'strftime'", "", "not-called"),
    ("TypeError", "unsupported operand type(s) for -: 'datetime.datetime' and 'UUID'", "", "two-types"),
    ("AttributeError", "'Agent' object has no attribute 'run'", "", "no-method"),
    ("AttributeError", "module 'httpx' has no attribute 'raise_for_status'", "", "no-such-attribute"),
    ("UserError", "Unknown tool type: <class 'str'>, tool", "", "not-a-tool"),
    ("UserError", "Unknown tool type: <class 'list'>, tool", "", "not-a-tool"),
    (
        "NotFoundError",
        "Activity function a for workflow w is not registered on this worker, available activities: b, c",
        "activity not registered",
        "activity-missing",
    ),
    (
        "ValueError",
        "Activity function a is not registered on this worker, no available activities.",
        "activity not registered",
        "activity-missing",
    ),
    (
        "NotFoundError",
        "Workflow class W is not registered on this worker, available workflows: A",
        "workflow not registered",
        "workflow-missing",
    ),
    (
        "NotFoundError",
        "Workflow class W is not registered on this worker, no available workflows.",
        "workflow not registered",
        "workflow-missing",
    ),
    (
        "RestrictedWorkflowAccessError",
        "Cannot access time.sleep from inside a workflow. If this is",
        "sandbox",
        "time-sleep",
    ),
    (
        "RestrictedWorkflowAccessError",
        "Cannot access socket.socket.__call__ from inside a workflow.",
        "sandbox",
        "sandbox",
    ),
    ("TypeError", "'type' object is not iterable", "", "not-a-list"),
    ("AttributeError", "'list' object has no attribute 'connect_service_client'", "", "plugin-by-name"),
    (
        "ValueError",
        "Function get_weather_alerts missing attributes, was it decorated with @workflow.run and was its class "
        "decorated with @workflow.defn?",
        "",
        "method-missing",
    ),
    ("ValueError", "More than one activity named get_weather_alerts", "", "registered-twice"),
    ("AttributeError", "'str' object has no attribute '__name__'", "", "defn-argument"),
    ("ValueError", "Provided tool is not a tool type. If using an activity, make sure to wrap it", "", "not-a-tool"),
    ("TypeError", "'pause' is not a callable object", "", "text-for-function"),
    ("TypeError", "Workflow must be a string or callable", "", "method-called"),
    ("TypeError", "unsupported type for timedelta seconds component: str", "", "not-a-timedelta"),
    ("RecursionError", "maximum recursion depth exceeded", "", "recursion"),
    ("TypeError", "execute_activity() got an unexpected keyword argument 'state'", "", "keyword-unknown"),
    ("TypeError", "'<' not supported between instances of 'function' and 'int'", "", "function-for-value"),
    ("TypeError", "'float' object is not iterable", "", "number-for-list"),
    ("TypeError", "Runner() takes no arguments", "", "no-method"),
    ("RuntimeError", "Failed client connect: Server connection error", "", "no-server"),
    ("NameError", "name 'raise_for_status' is not defined", "", "name-unknown"),
    ("AttributeError", "'Info' object has no attribute 'id'", "", "no-such-attribute"),
    ("AttributeError", "'DurableAgent' object has no attribute 'question'", "", "no-such-attribute"),
    ("AttributeError", "'dict' object has no attribute 'raise_for_status'", "", "no-such-attribute"),
    ("TypeError", "Worker.__init__() got an unexpected keyword argument 'workflow'", "", "keyword-unknown"),
    (
        "ApplicationError",
        "invalid_tool: Bare function without tool and activity decorators is not supported",
        "",
        "activity-not-decorated",
    ),
    ("AttributeError", "module 'temporalio.workflow' has no attribute 'timer'", "", "no-such-attribute"),
    ("AttributeError", "'str' object has no attribute 'final_output'", "", "text-only"),
    (
        "TypeError",
        "OpenAIAgentsPlugin.__init__() got an unexpected keyword argument 'parameters'",
        "",
        "plugin-keyword",
    ),
    ("TypeError", "bad argument type for built-in operation", "", "argument-type"),
    ("TypeError", "Unknown handoff type: <class 'str'>", "", "not-a-handoff"),
    ("AttributeError", "'function' object has no attribute 'tools'", "", "not-an-agent"),
    ("TypeError", "'TraceImpl' object does not support the asynchronous context manager protocol", "", "async-with"),
    ("TypeError", "unhashable type: 'FunctionTool'", "", "tools-no-list"),
    ("UserError", "Unknown tool type: <class 'function'>, tool", "", "not-a-tool"),
    ("TypeError", "Agent instructions must be a string, callable, or None, got list", "", "agent-argument"),
    ("TypeError", "Activity must be a string or callable", "", "activity-called"),
    ("AttributeError", "'dict' object has no attribute 'apply_to_proto'", "", "not-a-retry-policy"),
    ("TypeError", "execute_activity() got an unexpected keyword argument 'timeout'", "", "keyword-unknown"),
    (
        "TypeError",
        "TemporalHelloWorld.run() missing 2 required positional arguments: 'self' and",
        "wrong arguments",
        "method-called",
    ),
    ("AttributeError", "'Agent' object has no attribute 'copy'", "", "arguments-swapped"),
    ("AttributeError", "type object 'Agent' has no attribute 'handoffs'", "", "not-an-agent"),
    (
        "TypeError",
        "function_tool() takes from 0 to 1 positional arguments but 2 were given",
        "wrong arguments",
        "arguments-too-many",
    ),
    ("AttributeError", "'str' object has no attribute 'id'", "", "result-for-handle"),
    ("TypeError", "'Worker' object does not support the context manager protocol", "", "async-with"),
    ("TypeError", "start_workflow() missing 1 required keyword-only argument: 'id'", "", "argument-missing"),
    ("TypeError", "'<' not supported between instances of 'str' and 'int'", "", "text-for-number"),
    ("TypeError", "'second' is an invalid keyword argument for __new__()", "", "keyword-unknown"),
    ("ValueError", "Backoff coefficient cannot be less than 1", "", "not-a-retry-policy"),
    ("_NotInWorkflowEventLoopError", "Not in workflow event loop", "", "not-in-workflow"),
    ("TypeError", "'method' object is not subscriptable", "", "not-called"),
    ("TypeError", "Object of type builtin_function_or_method is not JSON serializable", "", "not-called"),
    ("TypeError", "'Info' object is not subscriptable", "", "not-subscriptable"),
    ("TypeError", "Plugin() argument after ** must be a mapping, not Parameters", "", "arguments-too-many"),
    ("TypeError", "defn() got an unexpected keyword argument 'retry_policy'", "", "other-decorator"),
    ("TypeError", "'module' object is not callable", "", "module-called"),
    ("TypeError", "'FunctionTool' object is not callable", "", "not-a-function"),
    ("TypeError", "list indices must be integers or slices, not str", "", "other-data"),
    ("AttributeError", "'Response' object has no attribute 'ok'", "", "no-such-attribute"),
    ("TypeError", "exceptions must derive from BaseException", "", "raises-no-exception"),
    (
        "NondeterminismError",
        "[TMPRL1100] Nondeterminism error: Activity machine does not handle",
        "non-determinism",
        "",
    ),
    (
        "RuntimeError",
        "[TMPRL1101] Potential deadlock detected: workflow didn't yield within 2 second(s).",
        "deadlock",
        "deadlock",
    ),
    (
        "ServerError",
        "[TMPRL1103] Attempted to upload payloads with size that exceeded the error limit.",
        "too large",
        "",
    ),
    ("RuntimeError", "Failed decoding arguments", "other converter", ""),
    ("KeyError", "Unknown payload encoding binary/encrypted", "other converter", ""),
    (
        "TypeError",
        "Asks.run() missing 1 required positional argument: 'question'",
        "wrong arguments",
        "argument-missing",
    ),
    (
        "ApplicationError",
        "Failed decoding arguments\nTypeError: Expected value to be str, was <class 'int'>",
        "wrong arguments",
        "",
    ),
    (
        "AgentsWorkflowError",
        "Runner.run_streamed requires ModelActivityParameters.streaming_topic to be set.",
        "streaming",
        "not-streaming",
    ),
    (
        "RateLimitError",
        "Error code: 429 - You exceeded your current quota, please check your plan and billing details.",
        "quota",
        "",
    ),
    ("RateLimitError", "Error code: 429 - Rate limit reached for requests.", "rate limit", ""),
    (
        "APIStatusError",
        "429 (or 5xx): the provider's Retry-After is no length of time: infinite or not a number",
        "rate limit",
        "",
    ),
    ("AuthenticationError", "Error code: 401 - Incorrect API key provided.", "bad key", ""),
    (
        "NotFoundError",
        "Error code: 404 - The model `x` does not exist or you do not have access to it.",
        "unknown model",
        "",
    ),
    ("ModelBehaviorError", 'Tool get_alerts" /> not found in agent Weather agent', "unknown tool", ""),
    # Case C39: arguments that are no JSON, no object, or another type's.
    ("ApplicationError", "Invalid JSON input for tool get_weather_alerts: {", "bad arguments", ""),
    (
        "TypeError",
        "agents.function_schema.get_weather_alerts_args() argument after ** must be a mapping, not NoneType",
        "bad arguments",
        "",
    ),
    (
        "ValidationError",
        "1 validation error for get_weather_alerts_args\nstate\n  Input should be a valid string",
        "bad arguments",
        "",
    ),
    ("MaxTurnsExceeded", "Max turns (10) exceeded", "too many turns", "too-few-turns"),
    ("ApplicationError", "Weather service said 403: <html>Access Denied</html>", "user agent", ""),
    (
        "HTTPStatusError",
        "Client error '403 Forbidden' for url 'http://127.0.0.1:8234/alerts/active?area=CA'",
        "user agent",
        "",
    ),
    ("ApplicationError", "Weather service said 404: nothing here", "refused", ""),
    ("NotFoundError", "Error code: 404", "no such api", ""),
    ("NotFoundError", 'Error code: 404 - model "llama" not found, try pulling it first', "unknown model", ""),
    (
        "BadRequestError",
        "Error code: 400 - This model's maximum context length is 8192 tokens.",
        "context too long",
        "",
    ),
    ("PermissionDeniedError", "Error code: 403 - Country, region, or territory not supported", "region", ""),
    ("PermissionDeniedError", "Error code: 403 - You have insufficient permissions.", "forbidden", ""),
    ("BadRequestError", "Error code: 400 - Unsupported parameter: 'temperature'", "model refused", ""),
    ("HTTPStatusError", "Server error '503 Service Unavailable' for url 'http://127.0.0.1:8234/x'", "service down", ""),
    ("InternalServerError", "Error code: 500 - oh", "service down", ""),
    ("ConnectionRefusedError", "[Errno 111] Connect call failed ('127.0.0.1', 8234)", "connection refused", ""),
    ("ConnectError", "All connection attempts failed", "connection refused", ""),
    ("InvalidURL", "Invalid port: ':1]'", "unreadable address", ""),
    ("gaierror", "[Errno -2] Name or service not known", "unknown host", ""),
    ("RemoteProtocolError", "Server disconnected without sending a response.", "dropped", ""),
    ("APITimeoutError", "Request timed out.", "slow service", ""),
    ("JSONDecodeError", "Expecting value: line 1 column 1 (char 0)", "garbage", ""),
    ("ValidationError", "1 validation error for ModelResponse", "garbage", ""),
    ("terminated", "Workflow history size exceeds limit.", "history too long", ""),
    ("heartbeat timeout", "no heartbeat for 3.0 s", "worker lost", ""),
    ("start-to-close timeout", "longer than 1 min 0 s", "too slow", ""),
    ("schedule-to-close timeout", "all attempts took longer than 1 h 0 min", "too slow", ""),
]


# Those that a check tells by the code that raised, too: what raised, its file and line of code, its name in a verdict.
SLIPS = [
    ("TypeError: 'float' object is not callable", "", "not-a-function"),
    ("SyntaxError: invalid syntax", "activities.py, line 28: throw ValueError()", "syntax"),
    ("SyntaxError: invalid syntax", "workflows.py, line 20: await await workflow.sleep(3)", "syntax"),
    ("SyntaxError: invalid syntax", "workflows.py, line 20: async workflow.sleep(3)", "syntax"),
    ("SyntaxError: invalid syntax", "workflows.py, line 20: workflow.await(3)", "syntax"),
    ("SyntaxError: invalid syntax", "workflows.py, line 14: @workflow.def", "syntax"),
    ("SyntaxError: invalid syntax", "worker.py, line 19: workflows=[TemporalHelloWorld];", "syntax"),
    ("SyntaxError: invalid syntax", "the cell, line 5: weather_tool = @function_tool", "syntax"),
    (
        "SyntaxError: positional argument follows keyword argument",
        "worker.py, line 19: workflows: [TemporalHelloWorld],",
        "syntax",
    ),
    ("PydanticSerializationError: Unable to serialize unknown type: <class 'function'>", "", "other-result"),
    ("AttributeError: 'function' object has no attribute 'name'", "w.py, line 5: handoff(specialist)", "not-a-handoff"),
    ("IndentationError: expected an indented block", "activities.py, line 40: async def alerts():", "syntax"),
    (
        "AttributeError: 'coroutine' object has no attribute 'final_output'",
        "workflows.py, line 43: result = await Runner.run(weather_agent(weather_tool), question).final_output",
        "await-too-far",
    ),
    (
        "AttributeError: 'str' object has no attribute 'name'",
        "workflows.py, line 53: handoff(language)",
        "not-a-handoff",
    ),
    ("AttributeError: 'list' object has no attribute 'final_output'", "workflows.py, line 45: result.x", "text-only"),
    (
        "AttributeError: 'dict' object has no attribute 'raise_for_status'",
        "activities.py, line 29: response.raise_for_status()",
        "no-such-attribute",
    ),
    (
        "AttributeError: 'list' object has no attribute 'name'",
        "workflows.py, line 53: handoff([a, b])",
        "not-a-handoff",
    ),
    (
        "NameError: name 'datetime' is not defined",
        "workflows.py, line 31: datetime.timedelta(seconds=3)",
        "name-elsewhere",
    ),
    ("TypeError: get() missing 1 required positional argument: 'state'", "", "argument-missing"),
    ("KeyError: 'french'", "workflows.py, line 28: rules[language]", "no-such-key"),
    ("NameError: name 'context' is not defined", "workflows.py, line 3: on_handoff=pause(context)", "method-called"),
    ("NameError: name 'workflow' is not defined", "activities.py, line 37: @workflow.defn", "other-decorator"),
    ("NameError: name 'MODEL_CALL' is not defined", "starter.py, line 16: client = x", "plugin-keyword"),
    ("TypeError: list indices must be integers", "starter.py, line 17: [x][y]", "arguments-too-many"),
    ("NameError: name 'specialist' is not defined", "worker.py, line 37: worker = Worker(", "name-elsewhere"),
    ("NameError: name 'agent' is not defined", "workflows.py, line 43: result = x", "name-elsewhere"),
    (
        "NameError: name 'Client' is not defined",
        "starter.py, line 15: client = await Client.connect()",
        "plugin-by-name",
    ),
    ("NameError: name 'function_tool' is not defined", "workflows.py, line 31: x = y", "tool-in-workflow"),
    ("NameError: name 'function_tool' is not defined", "workflows.py, line 20: tools=[x]", "tool-in-workflow"),
    ("NameError: name 'activity' is not defined", "workflows.py, line 45: await activity.sleep(3)", "another-sleep"),
]


@pytest.mark.parametrize(("error", "where", "code"), SLIPS)
def test_what_raised_an_error_tells_slips_apart(error: str, where: str, code: str) -> None:
    slip, other = recognise_slip(error, where), recognise_slip(error, "other.py, line 1: x")
    assert slip
    assert slip.code == code
    assert other is None or slip.slip != other.slip
    assert "{" not in slip.slip


@pytest.mark.parametrize(("error", "message", "kind", "code"), EXAMPLES)
def test_every_error_has_its_remedy(error: str, message: str, kind: str, code: str) -> None:
    found = recognise([ChainedError("ApplicationError", "outer"), ChainedError(error, message)])
    slip = recognise_slip(str(ChainedError(error, message)))
    assert (found.kind if found else "", slip.code if slip else "") == (kind, code)
    if found:
        assert "{" not in found.why + str(found.next_step()).replace('{"User-Agent"', "")
        assert str(found.next_step())
    if slip:
        assert "{" not in slip.slip.replace("{TASK_QUEUE}-{uuid4()}", "")
        assert slip.slip.endswith((".", "?"))


def test_every_remedy_has_an_example() -> None:
    matched: list[Remedy] = []
    for error, message, *_ in EXAMPLES:
        link = ChainedError(error, message)
        matched += filter(None, (recognise([link]), recognise_slip(str(link))))
    matched += filter(None, (recognise_slip(error, where) for error, where, _ in SLIPS))
    assert {(one.pattern, one.where) for one in matched} == {(one.pattern, one.where) for one in REMEDIES}


def test_the_table_of_faults_holds_no_error_without_a_remedy() -> None:
    read = re.findall(
        "“(?:The run is lost|The workflow has no result)[.:] (.*?)”", (ROOT / "docs/faults.md").read_text()
    )
    assert len(read) > 10
    assert [text for text in read if recognise([ChainedError(text, "")]) is None] == []


def test_what_a_trouble_names() -> None:
    refused = recognise([ChainedError("X", "[Errno 111] Connect call failed ('127.0.0.1', 8234)")])
    assert refused is not None
    assert refused.why == "Nothing listens at 127.0.0.1:8234."
    down = recognise([ChainedError("X", "Server error '503 Service Unavailable' for url 'http://h/x'")])
    assert down is not None
    assert down.why == "The service has a problem of its own: it answers 503 http://h/x."


@given(st.lists(st.builds(ChainedError, st.text(), st.text()), max_size=3))
def test_no_error_text_raises(errors: list[ChainedError]) -> None:
    assert recognise(errors) is None or recognise(errors)
    failed = replace(RUN, status="failed", closed=NOW, errors=tuple(errors))
    assert all("\x1b" not in line for line in causes.ended(failed).lines())
    retrying = replace(ROW, state="retrying", errors=tuple(errors))
    assert causes.retrying(retrying, RUN, ALIVE, NOW)
