"""Imported once by the process that scripts are forked from: the packages, and what they build at their first use.

The first model call of a process spends half a second of CPU on the types of OpenAI's requests and answers, and its
first worker a quarter on hashing the code of all that is imported.
"""

import asyncio
import json

import dotenv  # noqa: F401
import httpx  # noqa: F401
import httpx2
import pytest  # noqa: F401
import temporalio.envconfig
import temporalio.openai_agents  # noqa: F401
from agents import Agent, OpenAIResponsesModel, RunConfig, Runner, function_tool
from openai import AsyncOpenAI
from temporalio.worker._worker import load_default_build_id

from workshop.practice import openai_api
from workshop.practice.request import Reply, ToolCall

QUESTION = "Windy?"


@function_tool
def get_weather_alerts(state: str) -> str:
    return state


def answer(request: httpx2.Request) -> httpx2.Response:
    body = json.loads(request.content)
    asked = body["input"][-1].get("content") == QUESTION
    reply = Reply(calls=(ToolCall("get_weather_alerts", {"state": "CA"}),)) if asked else Reply(text="Windy.")
    return httpx2.Response(200, json=openai_api.write_response(reply, body, "key", (1, 1)))


async def ask() -> None:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        model = OpenAIResponsesModel("gpt-4.1", AsyncOpenAI(api_key="none", http_client=http))
        agent = Agent("Agent", "Be brief.", tools=[get_weather_alerts], model=model)
        await Runner.run(agent, QUESTION, run_config=RunConfig(tracing_disabled=True))


asyncio.run(ask())
load_default_build_id()
