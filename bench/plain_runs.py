"""Times runs of 01's plain agent: copied next to the solution's files, run there as python plain_runs.py COUNT."""

import asyncio
import json
import sys
import time

from activities import get_weather_alerts  # type: ignore[import-not-found]
from agents import Runner, function_tool
from connection import load_env  # type: ignore[import-not-found]
from workflows import weather_agent  # type: ignore[import-not-found]


async def main(count: int) -> None:
    took = []
    for _ in range(count + 1):
        began = time.monotonic()
        await Runner.run(weather_agent(function_tool(get_weather_alerts)), "Any weather alerts in California?")
        took.append(time.monotonic() - began)
    print(json.dumps(took[1:]))


load_env()
asyncio.run(main(int(sys.argv[1])))
