"""The practice model through Chat Completions, with the plain client. The SDK's part is in test_responses_api.py."""

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai import AsyncOpenAI

from tests.practice.test_responses_api import JSON
from workshop.practice.openai_api import STAND_IN, BadRequest, read

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather_alerts",
        "description": "Active weather alerts.",
        "parameters": {"type": "object", "properties": {"state": {"type": "string"}}, "required": ["state"]},
    },
}


def asked(question: str) -> list[Any]:
    return [{"role": "system", "content": "Use the tool."}, {"role": "user", "content": question}]


async def test_a_tool_call_and_its_answer(openai: AsyncOpenAI) -> None:
    first = await openai.chat.completions.create(model="m", messages=asked("Alerts in Texas?"), tools=[TOOL])
    assert first.system_fingerprint == STAND_IN
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    assert call.function.arguments == '{"state": "TX"}'
    messages = [
        *asked("Alerts in Texas?"),
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "Frog rain: bring an umbrella"},
    ]
    second = await openai.chat.completions.create(model="m", messages=messages, tools=[TOOL])
    assert second.choices[0].finish_reason == "stop"
    assert second.choices[0].message.content == "Weather alerts for Texas: Frog rain: bring an umbrella"
    assert second.usage is not None
    assert second.usage.total_tokens == second.usage.prompt_tokens + second.usage.completion_tokens


async def test_a_stream_of_text_with_usage(openai: AsyncOpenAI) -> None:
    whole = await openai.chat.completions.create(model="m", messages=asked("Hello"))
    stream: Any = await openai.chat.completions.create(
        model="m", messages=asked("Hello"), stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens > 0


async def test_a_stream_of_two_calls(openai: AsyncOpenAI) -> None:
    stream: Any = await openai.chat.completions.create(
        model="m", messages=asked("Alerts in CA and Guam?"), tools=[TOOL], stream=True
    )
    arguments: dict[int, str] = {}
    async for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or []:
            arguments[call.index] = arguments.get(call.index, "") + (call.function.arguments or "")
    assert arguments == {0: '{"state": "CA"}', 1: '{"state": "GU"}'}


@given(
    st.fixed_dictionaries(
        {"model": st.just("m") | JSON},
        optional={
            "messages": st.lists(
                JSON
                | st.fixed_dictionaries(
                    {"role": st.sampled_from(["user", "assistant", "tool", "system"]) | JSON},
                    optional={"content": JSON, "tool_calls": JSON, "tool_call_id": JSON},
                ),
                max_size=4,
            )
            | JSON,
            "tools": JSON,
            "tool_choice": JSON,
            "response_format": JSON,
        },
    )
    | JSON
)
def test_any_body_is_read_or_refused(body: Any) -> None:
    with contextlib.suppress(BadRequest):  # nothing else may be raised
        assert read(body, chat=True).turn >= 1
