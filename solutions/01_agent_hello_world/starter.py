"""Asks the weather agent: python starter.py "Any weather alerts in California?" [--durable]"""

import argparse
import asyncio
import logging
import os
from datetime import datetime
from uuid import uuid4

from activities import get_weather_alerts
from agents import Runner, function_tool
from connection import connect, load_env
from temporalio.openai_agents import OpenAIAgentsPlugin
from waiting import result_of, ui_link
from workflows import TASK_QUEUE, AgentHelloWorld, weather_agent


async def run_plain(question: str) -> None:
    """The agent in this process. Whatever goes wrong, all that it had done is lost."""
    load_env()
    # What the SDK would log of an error is told below, with the next step.
    logging.getLogger("openai.agents").addHandler(logging.NullHandler())
    if "OPENAI_API_KEY" not in os.environ:
        raise SystemExit("OPENAI_API_KEY is not set.\nNext: put it into .env (in the workshop: workshop use practice)")
    try:
        result = await Runner.run(weather_agent(function_tool(get_weather_alerts)), question)
    except (Exception, asyncio.CancelledError) as error:
        reason = f"{type(error).__name__}: {str(error.__cause__ or '') or error}"[:500]
        raise SystemExit(f"The run is lost. {reason}\nNext: ask again, from the beginning") from None
    print(result.final_output or "The answer is empty: ask again.")


async def run_durable(question: str) -> None:
    """The same agent in worker.py, by way of Temporal: exercise 03 explains it."""
    load_env()
    client = await connect(OpenAIAgentsPlugin())
    handle = await client.start_workflow(
        AgentHelloWorld.run,
        question,
        id=f"{TASK_QUEUE}-{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}",
        task_queue=TASK_QUEUE,
    )
    print(f"Workflow {handle.id}\nSee it at {ui_link(client, handle.id)}", flush=True)
    print(await result_of(handle) or "The answer is empty: ask again.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("question", nargs="?", default="Any weather alerts in California?")
    parser.add_argument("--durable", action="store_true", help="run it in worker.py, through Temporal")
    options = parser.parse_args()
    if not options.question.strip():
        parser.error("the question is blank, so nothing was started: ask again")
    asyncio.run(run_durable(options.question) if options.durable else run_plain(options.question))
