"""Asks the durable agent: python starter.py "Any weather alerts in California?" """

import argparse
import asyncio
from datetime import datetime
from uuid import uuid4

from connection import connect, load_env
from temporalio.openai_agents import OpenAIAgentsPlugin
from waiting import result_of, ui_link
from workflows import TASK_QUEUE, AlertAgent


async def main(question: str) -> None:
    load_env()
    client = await connect(OpenAIAgentsPlugin())
    handle = await client.start_workflow(
        AlertAgent.run,
        question,
        id=f"{TASK_QUEUE}-{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}",
        task_queue=TASK_QUEUE,
    )
    print(f"Workflow {handle.id}\nSee it at {ui_link(client, handle.id)}", flush=True)
    print(await result_of(handle) or "The answer is empty: ask again.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("question", nargs="?", default="Any weather alerts in California?")
    options = parser.parse_args()
    if not options.question.strip():
        parser.error("the question is blank, so nothing was started: ask again")
    asyncio.run(main(options.question))
