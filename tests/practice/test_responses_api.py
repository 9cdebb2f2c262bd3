"""The practice model through the Responses API: the plain client, the Agents SDK, the plugin's converter."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from agents import (
    Agent,
    FunctionTool,
    HandoffInputData,
    ModelResponse,
    OpenAIProvider,
    RunConfig,
    Runner,
    Usage,
    function_tool,
)
from agents.extensions import handoff_filters
from agents.tool_context import ToolContext
from hypothesis import given
from hypothesis import strategies as st
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from temporalio.converter import DataConverter
from temporalio.openai_agents import OpenAIAgentsPlugin

from tests.practice.conftest import Entries
from workshop.loopback import NO_TLS
from workshop.practice.openai_api import STAND_IN, BadRequest, read
from workshop.practice.prices import cost_usd
from workshop.practice.server import PracticeServer

TOOL: Any = {
    "type": "function",
    "name": "get_weather_alerts",
    "description": "Active weather alerts for a US state.",
    "parameters": {"type": "object", "properties": {"state": {"type": "string"}}, "required": ["state"]},
    "strict": False,
}


def weather_tool(url: str, argument: str = "state") -> FunctionTool:
    """A tool such as learners write, its argument named as wished."""

    async def invoke(_context: ToolContext[Any], arguments: str) -> str:
        area = json.loads(arguments)[argument]
        async with httpx.AsyncClient(
            base_url=url, trust_env=False, verify=NO_TLS, headers={"User-Agent": "test"}
        ) as http:
            response = await http.get(f"/alerts/active/area/{area}")
        alerts = [alert["properties"] for alert in response.json()["features"]]
        return "\n".join(f"{alert['event']}: {alert.get('headline')}" for alert in alerts) or f"No alerts for {area}."

    schema = {
        "type": "object",
        "properties": {argument: {"type": "string"}},
        "required": [argument],
        "additionalProperties": False,
    }
    return FunctionTool("get_weather_alerts", "Active weather alerts.", schema, invoke)


def config(client: AsyncOpenAI, responses: bool, **options: Any) -> RunConfig:
    provider = OpenAIProvider(openai_client=client, use_responses=responses)
    return RunConfig(model_provider=provider, tracing_disabled=True, **options)


def triage(url: str) -> Agent:
    """An agent that hands over to one of three."""
    tool = weather_tool(url)
    names = ("French", "Spanish", "English")
    agents = [Agent(name=f"{name} agent", instructions=f"You answer in {name}.", tools=[tool]) for name in names]
    return Agent(name="Triage", instructions="Hand over to the agent of the message's language.", handoffs=[*agents])


def in_a_summary(history: list[Any]) -> list[Any]:
    """What a learner's own mapper may make of the history: one message that is not the user's."""
    return [{"role": "assistant", "content": f"The user asked: {history[0]['content']}"}]


def without_calls(handed: HandoffInputData) -> HandoffInputData:
    """A filter that keeps what the user said, and nothing else."""
    return handed.clone(pre_handoff_items=(), new_items=())


async def run(agent: Agent, question: str, settings: RunConfig, streamed: bool) -> tuple[str, str]:
    """The agent that answered, and its answer."""
    if not streamed:
        result = await Runner.run(agent, question, run_config=settings)
        return result.last_agent.name, result.final_output
    stream = Runner.run_streamed(agent, question, run_config=settings)
    text = [
        event.data.delta
        async for event in stream.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    assert "".join(text) == stream.final_output
    return stream.last_agent.name, stream.final_output


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("responses", [True, False], ids=["responses", "chat"])
class TestThroughTheAgentsSdk:
    """The same over both APIs, plain and streaming."""

    async def test_it_asks_the_tool_once_for_each_state_and_tells_its_output(
        self, server: PracticeServer, openai: AsyncOpenAI, entries: Entries, responses: bool, streamed: bool
    ) -> None:
        agent = Agent(name="Weather", instructions="Use the tool.", tools=[weather_tool(server.url)])
        _, answer = await run(agent, "Alerts in Florida, NY or Ohio?", config(openai, responses), streamed)
        assert "Rip Current Statement for the Pelican Keys" in answer
        assert "Winter Weather Advisory for the Upper Falls district" in answer
        assert "No alerts for OH." in answer
        asked = [entry["asked"] for entry in entries() if entry["service"] == "weather"]
        assert sorted(asked) == [f"/alerts/active/area/{area}" for area in ("FL", "NY", "OH")]

    async def test_it_asks_back_when_no_state_is_named(
        self, server: PracticeServer, openai: AsyncOpenAI, entries: Entries, responses: bool, streamed: bool
    ) -> None:
        agent = Agent(name="Weather", instructions="Use the tool.", tools=[weather_tool(server.url)])
        _, answer = await run(agent, "Is the weather bad?", config(openai, responses), streamed)
        assert "Which US state" in answer
        assert len(entries()) == 1

    @pytest.mark.parametrize(
        ("question", "name", "begins"),
        [
            ("Quelles alertes en Floride ?", "French agent", "Alertes météo pour Floride"),
            ("HAY AVISOS EN OHIO", "Spanish agent", "Alertas meteorológicas para Ohio"),
            ("Any alerts in Ohio?", "English agent", "Weather alerts for Ohio"),
            ("Gibt es Warnungen in Ohio?", "English agent", "Weather alerts for Ohio"),
            ("Bonjour et hola, what is active in Florida?", "English agent", "Weather alerts for Florida"),
        ],
    )
    async def test_it_hands_over_once_and_the_specialist_answers_in_its_language(
        self,
        server: PracticeServer,
        openai: AsyncOpenAI,
        entries: Entries,
        responses: bool,
        streamed: bool,
        question: str,
        name: str,
        begins: str,
    ) -> None:
        last, answer = await run(triage(server.url), question, config(openai, responses), streamed)
        assert last == name
        assert answer.startswith(begins)
        handoffs = [entry["answered"] for entry in entries() if "transfer_to_" in (entry["answered"] or "")]
        assert handoffs == [f"transfer_to_{name.lower().replace(' ', '_')}({{}})"]

    @pytest.mark.parametrize(
        "options",
        [
            {"nest_handoff_history": True},
            {"nest_handoff_history": True, "handoff_history_mapper": in_a_summary},
            {"handoff_input_filter": handoff_filters.remove_all_tools},
            {"handoff_input_filter": without_calls},
        ],
        ids=["nested", "summary", "no tools", "no calls"],
    )
    @pytest.mark.parametrize("question", ["Quelles alertes en Floride ?", "Any alerts\nin Ohio, and in NY?"])
    async def test_the_history_of_a_handoff_may_be_nested_or_filtered(
        self,
        server: PracticeServer,
        openai: AsyncOpenAI,
        entries: Entries,
        responses: bool,
        streamed: bool,
        question: str,
        options: dict[str, Any],
    ) -> None:
        """Case C17: the same answer as with the whole history."""
        plain = await run(triage(server.url), question, config(openai, responses), streamed)
        changed = await run(triage(server.url), question, config(openai, responses, **options), streamed)
        assert changed == plain
        if "handoff_history_mapper" not in options:
            first = " ".join(question.split())
            assert all(entry["asked"].startswith(first) for entry in entries() if entry["service"] == "model")

    async def test_the_argument_may_have_any_name(
        self, server: PracticeServer, openai: AsyncOpenAI, responses: bool, streamed: bool
    ) -> None:
        agent = Agent(name="Weather", tools=[weather_tool(server.url, "where")])
        _, answer = await run(agent, "Anything active in Puerto Rico?", config(openai, responses), streamed)
        assert "Río Ejemplo" in answer

    async def test_a_tool_that_fails_is_told_as_such(
        self, openai: AsyncOpenAI, responses: bool, streamed: bool
    ) -> None:
        @function_tool
        def get_weather_alerts(state: str) -> str:
            """Active weather alerts."""
            raise RuntimeError("gauge 7 is broken")

        agent = Agent(name="Weather", tools=[get_weather_alerts])
        _, answer = await run(agent, "Alerts in Texas?", config(openai, responses), streamed)
        assert "Texas" in answer
        assert "reported an error" in answer
        assert "gauge 7 is broken" in answer

    async def test_a_conversation_goes_on(
        self, server: PracticeServer, openai: AsyncOpenAI, responses: bool, streamed: bool
    ) -> None:
        agent = Agent(name="Weather", tools=[weather_tool(server.url)])
        settings = config(openai, responses)
        first = await Runner.run(agent, "Any storms near me?", run_config=settings)
        second = await Runner.run(
            agent, [*first.to_input_list(), {"role": "user", "content": "Ohio"}], run_config=settings
        )
        assert second.final_output == "Weather alerts for Ohio: No alerts for OH."
        third = await Runner.run(
            agent, [*second.to_input_list(), {"role": "user", "content": "And tomorrow?"}], run_config=settings
        )
        assert third.final_output == second.final_output


class TestThroughThePlainClient:
    """What the client's own types say of the answers."""

    async def test_a_text_and_its_usage(self, openai: AsyncOpenAI, entries: Entries) -> None:
        response = await openai.responses.create(model="gpt-4.1", instructions="Be kind.", input="Hello")
        assert response.status == "completed"
        assert response.output_text.startswith("Hello!")
        assert response.usage is not None
        assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
        assert response.metadata == {"stand_in": STAND_IN}
        (entry,) = entries()
        assert (entry["input_tokens"], entry["output_tokens"]) == (
            response.usage.input_tokens,
            response.usage.output_tokens,
        )
        assert entry["cost_usd"] == cost_usd("gpt-4.1", response.usage.input_tokens, response.usage.output_tokens)

    async def test_the_same_request_gets_the_same_answer_under_ids_of_its_own(
        self, openai: AsyncOpenAI, entries: Entries
    ) -> None:
        answers = [
            await openai.responses.create(model="m", input="Alerts in CA and TX?", tools=[TOOL]) for _ in range(3)
        ]
        for answer in answers:
            calls = [item for item in answer.output if item.type == "function_call"]
            assert [call.arguments for call in calls] == ['{"state": "CA"}', '{"state": "TX"}']
        ids = [call.call_id for answer in answers for call in answer.output if call.type == "function_call"]
        assert len({*ids, *(answer.id for answer in answers), *(answer._request_id for answer in answers)}) == 12
        assert [(entry["response_id"], entry["request_id"]) for entry in entries()] == [
            (answer.id, answer._request_id) for answer in answers
        ]
        assert len({entry["fingerprint"] for entry in entries()}) == 1

    async def test_one_call_at_a_time_when_parallel_calls_are_off(self, openai: AsyncOpenAI) -> None:
        response = await openai.responses.create(
            model="m", input="Alerts in CA and TX?", tools=[TOOL], parallel_tool_calls=False
        )
        assert len(response.output) == 1

    async def test_the_stream_ends_with_the_whole_response(self, openai: AsyncOpenAI) -> None:
        stream: AsyncIterator[Any] = await openai.responses.create(
            model="m", input="Alerts in CA?", tools=[TOOL], stream=True
        )
        events = [event async for event in stream]
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[0].type == "response.created"
        assert events[-1].type == "response.completed"
        deltas = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
        assert "".join(deltas) == events[-1].response.output[0].arguments == '{"state": "CA"}'

    async def test_a_structured_answer_fits_its_schema(self, openai: AsyncOpenAI) -> None:
        from pydantic import BaseModel

        class Assessment(BaseModel):
            about_weather: bool
            reason: str

        response = await openai.responses.parse(model="m", input="Alerts?", text_format=Assessment)
        assert response.output_parsed is not None
        assert response.output_parsed.reason

    async def test_models(self, openai: AsyncOpenAI) -> None:
        names = [model.id async for model in openai.models.list()]
        assert "gpt-4.1" in names
        assert (await openai.models.retrieve("gpt-4.1")).id == "gpt-4.1"
        with pytest.raises(NotFoundError, match="does not exist"):
            await openai.models.retrieve("gpt-0")

    async def test_stored_conversations_are_refused_in_words(self, openai: AsyncOpenAI) -> None:
        with pytest.raises(BadRequestError, match="send the whole conversation"):
            await openai.responses.create(model="m", input="Hi", previous_response_id="resp_1")

    async def test_the_key_is_kept_nowhere(self, openai: AsyncOpenAI, http: httpx.AsyncClient) -> None:
        await openai.responses.create(model="m", input="Hi")
        kept = (await http.get("/ledger")).text + (await http.get("/")).text
        assert "7Q2M" not in kept


async def test_the_plugins_converter_takes_the_response(openai: AsyncOpenAI) -> None:
    """The converter validates strictly, where the plain Runner does not."""
    response = await openai.responses.create(model="m", input="Alerts in CA?", tools=[TOOL])
    plugin_converter = OpenAIAgentsPlugin().configure_client({"data_converter": DataConverter()})["data_converter"]  # type: ignore[typeddict-item]
    sent = ModelResponse(output=response.output, usage=Usage(), response_id=response.id)
    payloads = await plugin_converter.encode([sent])
    (received,) = await plugin_converter.decode(payloads, [ModelResponse])
    assert received.output == response.output


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {"model": st.just("m") | JSON},
        optional=dict.fromkeys(("input", "instructions", "tools", "tool_choice", "text", "stream"), JSON),
    )
    | JSON
)
def test_any_body_is_read_or_refused(body: Any) -> None:
    with contextlib.suppress(BadRequest):  # nothing else may be raised
        assert read(body, chat=False).turn >= 1
