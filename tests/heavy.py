"""Imported once by the process that scripts are forked from: the packages, and the types that they build late.

The first model call of a process spends a second of CPU on building the types of OpenAI's answers.
"""

import agents  # noqa: F401
import dotenv  # noqa: F401
import httpx  # noqa: F401
import pytest  # noqa: F401
import temporalio.envconfig
import temporalio.openai_agents
import temporalio.worker  # noqa: F401
from openai import AsyncOpenAI
from openai.types.responses import Response

from workshop.practice import openai_api
from workshop.practice.request import Reply, ToolCall

AsyncOpenAI(api_key="none").responses  # noqa: B018 (this property imports)
for reply in (Reply(text="Windy."), Reply(calls=(ToolCall("get_weather_alerts", {"state": "CA"}),))):
    Response.construct(**openai_api.write_response(reply, {"model": "gpt-4.1"}, "key", (1, 1)))
