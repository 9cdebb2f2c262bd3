"""Histories of a real server, recorded ones, and odd data, told as rows."""

import json
from datetime import timedelta
from typing import Any

import pytest
from agents import Agent, Handoff
from agents.testing import assistant_message, function_call
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

from tests import temporal_flows as flows
from tests.steps import steps
from tests.temporal_env import HISTORIES, TOOL_THEN_ANSWER, eventually, recorded, refusal, result, start, worker
from workshop.errors import WorkshopError
from workshop.history import Kind, ModelCall, Row, Run, as_json, read_history, root, run_from_events
from workshop.history.agent import model_call
from workshop.history.payloads import chain, decode
from workshop.temporal import connect, follow, latest_workflow_id, latest_workflow_ids
from workshop.text import printable, span

pytest_plugins = ["tests.temporal_env"]


def only(run: Run, kind: str) -> Row:
    (row,) = (row for row in run.rows if row.kind == kind)
    return row


async def test_an_agents_run_by_a_client_without_plugin(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Asks, "alerts for [TX]")
        assert await result(handle) == "Floods."
    run = await read_history(client, handle.id)
    assert (run.workflow_id, run.type, run.task_queue, run.status) == (handle.id, "Asks", queue, "completed")
    assert (run.input, run.result, run.failure) == ("alerts for [TX]", "Floods.", "")
    assert steps(run) == [Kind.MODEL, Kind.TOOL, Kind.MODEL]
    asking, tool, answering = run.rows
    assert (asking.asked, asking.answered) == ("alerts for [TX]", '-> get_weather_alerts({"state":"TX"})')
    assert asking.model is not None
    assert (asking.model.instructions, asking.model.tools) == ("Use the tool.", ("get_weather_alerts",))
    assert (tool.name, tool.input, tool.output) == ("get_weather_alerts", "TX", f"{flows.BRACKETS} in TX")
    assert (tool.attempts, tool.state, tool.worker) == (1, "completed", run.worker)
    assert (answering.asked, answering.answered) == (f"{flows.BRACKETS} in TX", "Floods.")
    assert tool.started is not None
    assert tool.closed is not None
    assert run.started <= asking.scheduled <= tool.scheduled <= tool.started <= tool.closed <= answering.scheduled
    assert (run.totals.model_calls, run.totals.tool_calls, run.totals.handoffs, run.totals.attempts) == (2, 1, 0, 3)


async def test_a_wrapped_failure_shows_its_root_cause(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Calls, "fails", "disk full", 0)
        run = await eventually(lambda: read_history(client, handle.id), lambda run: run.rows and run.rows[0].errors)
    row = only(run, Kind.ACTIVITY)
    assert (row.state, row.attempts, row.last_error) == ("retrying", 1, "OSError: disk full")
    assert [link.type for link in row.errors] == ["RuntimeError", "OSError"]
    assert row.place is not None
    assert (row.place.code, row.place.file.endswith("temporal_flows.py")) == ("raise OSError(message)", True)
    assert row.next_try is not None
    assert row.next_try > row.scheduled
    assert run.open


async def test_finished_attempts_keep_their_last_error(client: Client, temporal_address: str, queue: str) -> None:
    steps = [refusal(429, "rate_limit_exceeded", "slow down", **{"retry-after-ms": "10"}), *TOOL_THEN_ANSWER]
    async with worker(temporal_address, queue, steps):
        handle = await start(client, queue, flows.Asks, "q")
        await result(handle)
    first = (await read_history(client, handle.id)).rows[0]
    assert (first.state, first.attempts) == ("completed", 2)
    assert first.last_error.startswith("RateLimitError: Error code: 429")


async def test_a_date_in_retry_after_does_not_hide_the_429(client: Client, temporal_address: str, queue: str) -> None:
    steps = [refusal(429, "x", "x", **{"retry-after": "Wed, 25 Nov 2026 12:00:00 GMT"}), *TOOL_THEN_ANSWER]
    async with worker(temporal_address, queue, steps):
        handle = await start(client, queue, flows.Asks, "q")
        await result(handle)
    for run in (await read_history(client, handle.id), recorded("retry_after_date")):
        error = run.rows[0].last_error
        assert error.startswith("APIStatusError: 429 (or 5xx)")
        assert "could not convert" not in error


@pytest.mark.parametrize(
    ("name", "lost"),
    [("Café Agent", False), ("Español", False), ("French - agent", False), ("日本語", True), ("Агент погоды", True)],
)
def test_an_agent_whose_handoff_keeps_letters_of_its_name_has_one(name: str, lost: bool) -> None:
    offered = ((Handoff.default_tool_name(Agent(name=name)), name),)
    assert ModelCall("", "", "", (), offered, {}).nameless == [name] * lost


@pytest.mark.parametrize("second", [[], [assistant_message("Bonjour.")]])
async def test_of_two_handoffs_the_taken_one_is_marked(
    client: Client, temporal_address: str, queue: str, second: list[Any]
) -> None:
    both = [function_call(f"transfer_to_{name}_agent", {}, call_id=name) for name in ("spanish", "french")]
    async with worker(temporal_address, queue, [[*both, *second], [assistant_message("Hola.")]]):
        handle = await start(client, queue, flows.Routes, "Bonjour et hola")
        await result(handle)
    run = await read_history(client, handle.id)
    handoffs = [(row.name, row.state, row.answered) for row in run.rows if row.kind == Kind.HANDOFF]
    assert handoffs == [
        ("Spanish agent", "completed", "taken"),
        ("French agent", "cancelled", "not taken: the agent asked for several at once"),
    ]
    assert run.totals.handoffs == 1
    assert run.rows[-1].name == "Spanish agent"
    assert run.rows[-1].asked == "Bonjour et hola"


async def test_an_announced_handoff_is_none(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue, [[assistant_message("I will pass you to the French agent.")]]):
        handle = await start(client, queue, flows.Routes, "Bonjour")
        await result(handle)
    run = await read_history(client, handle.id)
    assert steps(run) == [Kind.MODEL]
    assert run.totals.handoffs == 0


@pytest.mark.parametrize(("question", "state"), [("pure", "completed"), ("network", "failed")])
async def test_a_tool_without_activity_is_told_as_such(
    client: Client, temporal_address: str, queue: str, question: str, state: str
) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.PlainTool, question)
        await result(handle)
    run = await read_history(client, handle.id)
    assert steps(run) == [Kind.MODEL, Kind.INLINE_TOOL, Kind.MODEL]
    row = only(run, Kind.INLINE_TOOL)
    assert (row.state, row.attempts) == (state, 0)
    assert "not as an activity" in row.notes[0]
    assert ("from inside a workflow" in row.last_error) == (state == "failed")
    assert (run.totals.tool_calls, run.totals.tools_in_workflow) == (0, 1)


async def test_a_failing_workflow_task(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Misspells, "q")
        run = await eventually(lambda: read_history(client, handle.id), lambda run: Kind.TASK_FAILURE in steps(run))
    row = only(run, Kind.TASK_FAILURE)
    assert row.state == "retrying"
    assert row.last_error == "NameError: name 'resutl' is not defined"
    assert row.place is not None
    assert row.place.code.startswith("return resutl.final_output")
    assert run.totals.model_calls == 2


async def test_a_workflow_task_that_failed_again_and_again_is_counted(
    client: Client, temporal_address: str, queue: str
) -> None:
    """Its history keeps the first of failures that are alike, and the number of the attempt that went well."""
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Misspells, "q", task_timeout=timedelta(seconds=1))
        await eventually(
            lambda: read_history(client, handle.id),
            lambda run: any(row.kind == Kind.TASK_FAILURE and row.attempts >= 3 for row in run.rows),
        )
    async with worker(temporal_address, queue, workflows=[flows.MisspellsMended]):
        await result(handle)
    row = only(await read_history(client, handle.id), Kind.TASK_FAILURE)
    assert row.state == "failed"
    assert row.attempts >= 3


async def test_waits_signals_and_updates(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Approves)
        waiting = await eventually(lambda: read_history(client, handle.id), lambda run: Kind.WAIT in steps(run))
        assert only(waiting, Kind.WAIT).open
        assert await handle.execute_update("rename", "Ada") == "now Ada"
        await handle.signal("approve", "Ada [sic]")
        await result(handle)
    run = await read_history(client, handle.id)
    assert steps(run) == [Kind.UPDATE, Kind.SIGNAL]
    assert (only(run, Kind.UPDATE).name, only(run, Kind.UPDATE).asked, only(run, Kind.UPDATE).answered) == (
        "rename",
        "Ada",
        "now Ada",
    )
    assert (only(run, Kind.SIGNAL).name, only(run, Kind.SIGNAL).input) == ("approve", "Ada [sic]")


async def test_rarer_kinds_are_rows_too(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Parent, True)
        assert await result(handle) == "the end"
    first = await read_history(client, handle.id, handle.first_execution_run_id)
    assert first.status == "continued as new"
    assert set(steps(first)) >= {Kind.CHILD, Kind.ACTIVITY, "marker", "signal sent"}
    local = only(first, Kind.ACTIVITY)
    assert (local.local, local.name, local.output) == (True, "get_weather_alerts", f"{flows.BRACKETS} in TX")
    sent = only(first, "signal sent")
    assert (sent.state, sent.last_error) == ("failed", "external workflow execution not found")
    whole = await read_history(client, handle.id)
    last = await read_history(client, handle.id, whole.run_id)
    assert steps(last) == ["continued as new"]
    assert last.rows[0].asked == last.continues == handle.first_execution_run_id
    # Without a run's id, all of them are one.
    assert steps(whole) == steps(first) + steps(last)
    assert (whole.earlier, whole.continues) == ((first.run_id,), "")
    assert (whole.started, whole.closed, whole.result) == (first.started, last.closed, "the end")
    assert whole.input == first.input
    events = [row.event for row in whole.rows if row.event]
    assert len(set(events)) == len(events)


async def test_what_was_open_when_a_run_was_ended(client: Client, temporal_address: str, queue: str) -> None:
    async with worker(temporal_address, queue):
        handle = await start(client, queue, flows.Sleeps, 600.0)
        asleep = await eventually(lambda: read_history(client, handle.id), lambda run: Kind.TIMER in steps(run))
        assert only(asleep, Kind.TIMER).name == "a long night"
        await handle.terminate(reason="enough [for today]")
    run = await read_history(client, handle.id)
    assert (run.status, run.reason) == ("terminated", "enough [for today]")
    assert only(run, Kind.TIMER).state == "cancelled"


def test_a_killed_worker_leaves_its_marks() -> None:
    run = recorded("worker_killed")
    lost = run.rows[-1]
    assert (lost.kind, lost.state, lost.attempts) == (Kind.MODEL, "completed", 2)
    assert lost.notes == ("an attempt's heartbeats stopped: its worker was killed, or too busy to send them",)
    assert lost.last_error == f"heartbeat timeout: no heartbeat for {span(lost.heartbeat_timeout or 0)}"
    assert len({row.worker for row in run.rows}) == 2
    assert run.totals.attempts == 4


def test_a_recorded_agent_with_two_handoffs_and_a_pause() -> None:
    run = recorded("two_handoffs")
    assert steps(run) == [Kind.MODEL, Kind.HANDOFF, Kind.HANDOFF, Kind.TIMER, Kind.MODEL, Kind.TOOL, Kind.MODEL]
    assert [row.name for row in run.rows if row.state == "cancelled"] == ["French agent"]
    assert (run.totals.input_tokens, run.totals.output_tokens) == (930, 71)


def test_a_tool_that_was_never_offered() -> None:
    run = recorded("unknown_tool")
    assert (run.status, run.totals.tool_calls) == ("failed", 0)
    assert run.rows[0].notes == ("asked for get_forecast_now, which was never offered (offered: get_weather_alerts)",)


def test_a_call_that_a_person_refused_did_not_run_anywhere() -> None:
    """Of two calls of one tool the first was approved; its activity has another name than the tool."""
    run = recorded("solutions/approval")
    told = [
        (row.kind, row.name, row.state, row.attempts) for row in run.rows if row.kind in (Kind.TOOL, Kind.INLINE_TOOL)
    ]
    assert sorted(told) == [
        (Kind.TOOL, "send_alert", "completed", 1),
        (Kind.TOOL, "send_alert_to_residents", "cancelled", 0),
    ]
    assert '"state": "TX"' in next(row.asked for row in run.rows if row.state == "cancelled" and row.kind == Kind.TOOL)


@pytest.mark.parametrize("name", [path.stem for path in HISTORIES.glob("*.json")])
def test_every_beginning_of_a_history_can_be_told(name: str) -> None:
    events = WorkflowHistory.from_json(name, (HISTORIES / f"{name}.json").read_text()).events
    for length in range(1, len(events) + 1):
        run = run_from_events(name, events[:length])
        assert json.loads(json.dumps(as_json(run)))["workflow_id"] == name
        assert [row.scheduled for row in run.rows] == sorted(row.scheduled for row in run.rows)


def test_sticky_timeouts_are_told() -> None:
    events = list(WorkflowHistory.from_json("x", (HISTORIES / "worker_killed.json").read_text()).events)
    late = HistoryEvent(event_id=99, event_time=events[-1].event_time)
    late.workflow_task_timed_out_event_attributes.timeout_type = 2  # type: ignore[assignment]
    run = run_from_events("x", [*events, late])
    assert "killed?" in only(run, Kind.TASK_TIMEOUT).notes[0]


def test_a_step_that_the_server_begins_again_is_no_failure_of_the_workflow() -> None:
    """What came in while a worker answered makes the server ask again: nobody's code is wrong."""
    events = list(WorkflowHistory.from_json("x", (HISTORIES / "worker_killed.json").read_text()).events)
    again = HistoryEvent(event_id=99, event_time=events[-1].event_time)
    again.workflow_task_failed_event_attributes.cause = 1  # type: ignore[assignment]
    again.workflow_task_failed_event_attributes.failure.message = "UnhandledCommand"
    run = run_from_events("x", [*events[:-2], again])
    assert Kind.TASK_FAILURE not in steps(run)
    assert only(run, "event").name == "step begun again (unhandled command)"


def test_what_a_model_streams_is_one_row() -> None:
    events = list(WorkflowHistory.from_json("x", (HISTORIES / "worker_killed.json").read_text()).events)
    for number in range(3):
        words = HistoryEvent(event_id=90 + number, event_time=events[-1].event_time)
        words.workflow_execution_signaled_event_attributes.signal_name = "__temporal_workflow_stream_publish"
        listens = HistoryEvent(event_id=95 + number, event_time=events[-1].event_time)
        listens.workflow_execution_update_accepted_event_attributes.accepted_request.input.name = (
            "__temporal_workflow_stream_poll"
        )
        events += [words, listens]
    run = run_from_events("x", events)
    assert (only(run, Kind.SIGNAL).asked, only(run, Kind.SIGNAL).attempts) == ("in 3 parts", 0)
    assert Kind.UPDATE not in steps(run)


def test_unknown_events_are_shown_and_half_histories_do_not_raise() -> None:
    events = WorkflowHistory.from_json("x", (HISTORIES / "many_kinds.json").read_text()).events
    strange = HistoryEvent(event_id=98, event_type=9999)  # type: ignore[arg-type]
    rare = HistoryEvent(event_id=99)
    rare.nexus_operation_scheduled_event_attributes.service = "s"
    run = run_from_events("x", [events[0], *events[8:], strange, rare])
    plain = [row.name for row in run.rows if row.kind == "event"]
    assert plain[:2] == ["unknown event type 9999", "nexus operation scheduled"]
    with pytest.raises(ValueError, match="does not begin"):
        run_from_events("x", events[1:])


def test_a_timeout_says_how_long_it_is() -> None:
    """In the row of the activity, and in the run that it failed."""
    events = list(WorkflowHistory.from_json("x", (HISTORIES / "worker_killed.json").read_text()).events)
    scheduled = next(event for event in events if event.HasField("activity_task_scheduled_event_attributes"))
    scheduled.activity_task_scheduled_event_attributes.start_to_close_timeout.FromSeconds(60)
    late, lost = HistoryEvent(event_id=98), HistoryEvent(event_id=99)
    late.activity_task_timed_out_event_attributes.scheduled_event_id = scheduled.event_id
    late.activity_task_timed_out_event_attributes.failure.timeout_failure_info.timeout_type = 1  # type: ignore[assignment]
    lost.workflow_execution_failed_event_attributes.failure.CopyFrom(
        late.activity_task_timed_out_event_attributes.failure
    )
    run = run_from_events("x", [*events[: events.index(scheduled) + 1], late, lost])
    assert run.failure == run.rows[0].last_error == "start-to-close timeout: longer than 1 min 0 s"


async def test_latest_and_unknown_workflows(client: Client, queue: str) -> None:
    older = await start(client, queue, flows.Sleeps, 1.0)
    newer = await start(client, queue, flows.Sleeps, 1.0)
    await newer.terminate()
    await eventually(lambda: latest_workflow_ids(client), lambda ids: ids[:2] == [newer.id, older.id])
    assert await latest_workflow_id(client) == newer.id
    for nonsense in ("no-such-id", "", "x" * 2000):
        with pytest.raises(WorkshopError) as caught:
            await read_history(client, nonsense)
        assert newer.id in caught.value.message
        assert "One that is over is kept for 1 d 0 h." in caught.value.message
    await older.terminate()


async def test_no_server_and_no_namespace_are_one_line(temporal_address: str) -> None:
    for env, address in (({}, "127.0.0.1:1"), ({"TEMPORAL_ADDRESS": "nowhere.invalid:1"}, temporal_address)):
        with pytest.raises(WorkshopError, match="No Temporal server at") as caught:
            await connect(env, address, "default")
        assert "\n" not in caught.value.message
    with pytest.raises(WorkshopError, match="make no sense"):
        await connect({"TEMPORAL_PROFILE": "nobody"}, temporal_address, "default")
    lost = await connect({"TEMPORAL_NAMESPACE": "elsewhere"}, temporal_address, "default")
    for request in (latest_workflow_id(lost), read_history(lost, "x")):
        with pytest.raises(WorkshopError, match="elsewhere"):
            await request


async def test_something_is_followed_until_it_is_so_or_the_time_is_over() -> None:
    numbers = iter(range(1000))

    async def look() -> int:
        return next(numbers)

    assert await follow(look, lambda number: number == 3, 20, pause=0.001) == 3
    assert await follow(look, lambda number: number < 0, 0) == 4


encodings = st.sampled_from([b"json/plain", b"json/protobuf", b"binary/plain", b"binary/null", b"binary/x", b"\xff"])
bodies = st.binary() | st.sampled_from([b"NaN", b"1e999", b'"\\ud800"', b"[" * 5000])


@given(st.none() | encodings, bodies)
def test_any_payload_becomes_json(encoding: bytes | None, data: bytes) -> None:
    value = decode(Payload(metadata={"encoding": encoding} if encoding else {}, data=data))
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


def test_payloads_that_are_no_text() -> None:
    assert decode(Payload(metadata={"encoding": b"binary/null"})) is None
    assert decode(Payload(metadata={"encoding": b"binary/encrypted"}, data=b"123")) == "<3 bytes, binary/encrypted>"
    assert decode(Payload(metadata={"encoding": b"json/plain"}, data=b"not json")) == "not json"
    deep = b"[" * 500 + b"]" * 500
    assert decode(Payload(metadata={"encoding": b"json/plain"}, data=deep)) == deep.decode()


FIELDS = """input output tools handoffs role content type text name call_id usage input_tokens tool_config arguments
assistant function_call function_call_output message user output_text response.completed response"""
words = st.text(max_size=5) | st.sampled_from(FIELDS.split())
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
    max_leaves=30,
)


@given(anything, anything)
def test_any_conversation_can_be_read(request: Any, response: Any) -> None:
    call = model_call(request, response)
    assert isinstance(call.answered + call.asked, str)
    json.dumps(as_json(call))


def test_what_a_streaming_call_says() -> None:
    whole = {
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi."}]}],
        "usage": {"input_tokens": 3},
    }
    call = model_call(
        {"input": "Hello"}, [{"type": "response.created"}, {"type": "response.completed", "response": whole}]
    )
    assert (call.asked, call.answered, call.input_tokens) == ("Hello", "Hi.", 3)


def test_a_failure_without_words_gives_way_to_one_with_words() -> None:
    failure = Failure(message="Request timed out.")
    failure.application_failure_info.type = "APITimeoutError"
    failure.cause.application_failure_info.type = "TimeoutError"
    assert str(root(chain(failure))) == "APITimeoutError: Request timed out."
    assert root(()) is None


@given(st.text())
def test_data_cannot_move_the_cursor(text: str) -> None:
    shown = printable(text)
    assert all(c in "\n\t" or (ord(c) >= 32 and not 127 <= ord(c) < 160) for c in shown)
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.00 s"),
        (0.25, "0.25 s"),
        (12.34, "12.3 s"),
        (59.97, "1 min 0 s"),
        (185, "3 min 5 s"),
        (7380, "2 h 3 min"),
        (100_000, "1 d 3 h"),
    ],
)
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert span(seconds) == words
