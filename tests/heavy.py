"""Imported once by the process that scripts are forked from: the packages, and what they build at their first use.

The first model call of a process spends half a second of CPU on the types of OpenAI's requests and answers, a tenth on
the plugin's type for the two, and its first worker a quarter on hashing the code of all that is imported.
"""

import asyncio
import json
import stringprep  # noqa: F401

import agents  # noqa: F401
import anyio._backends._asyncio  # noqa: F401
import dotenv  # noqa: F401
import httpx  # noqa: F401
import httpx2
import pytest  # noqa: F401
import temporalio.envconfig
import temporalio.openai_agents  # noqa: F401
from openai import AsyncOpenAI
from pydantic import TypeAdapter
from temporalio.openai_agents._invoke_model_activity import ActivityModelInput
from temporalio.worker._worker import load_default_build_id
from temporalio.worker.workflow_sandbox import _in_sandbox  # noqa: F401

from workshop.practice import openai_api
from workshop.practice.request import Reply, ToolCall

CALL = ToolCall("get_weather_alerts", {"state": "CA"})
TOOL = {"type": "function", "name": CALL.name, "parameters": {}, "strict": True, "description": "Alerts."}


def answer(request: httpx2.Request) -> httpx2.Response:
    body = json.loads(request.content)
    reply = Reply(calls=(CALL,)) if len(body["input"]) == 1 else Reply(text="Windy.")
    return httpx2.Response(200, json=openai_api.write_response(reply, body, "key", (1, 1)))


async def ask() -> None:
    """What a model call does but for the part of the Agents SDK, which would read variables too early."""
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        client = AsyncOpenAI(api_key="none", http_client=http)
        given = [{"role": "user", "content": "Windy?"}]
        for _ in range(2):
            response = await client.responses.create(model="gpt-4.1", instructions="", input=given, tools=[TOOL])
            given += [*(one.to_dict() for one in response.output)]
            given.append({"type": "function_call_output", "call_id": "call_key_1", "output": "Wind"})


asyncio.run(ask())
# Where pydantic looks before it builds what checks a type: a dataclass has them by itself, a TypedDict has not.
adapter = TypeAdapter(ActivityModelInput)
for part in ("core_schema", "validator", "serializer"):
    setattr(ActivityModelInput, f"__pydantic_{part}__", getattr(adapter, part))
load_default_build_id()
