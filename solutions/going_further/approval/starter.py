"""Asks for alerts to be sent: python starter.py "Warn the residents of Ohio of the flood." [--deadline 3600]"""

import argparse
import asyncio
from datetime import datetime
from uuid import uuid4

from connection import connect, load_env
from temporalio.openai_agents import OpenAIAgentsPlugin
from waiting import result_of, ui_link
from workflows import TASK_QUEUE, CarefulAgent


async def main(question: str, deadline_seconds: float) -> None:
    load_env()
    client = await connect(OpenAIAgentsPlugin())
    handle = await client.start_workflow(
        CarefulAgent.run,
        args=[question, deadline_seconds],
        id=f"{TASK_QUEUE}-{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}",
        task_queue=TASK_QUEUE,
    )
    print(f"Workflow {handle.id}\nSee it at {ui_link(client, handle.id)}", flush=True)
    print(await result_of(handle) or "The answer is empty: ask again.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("question", nargs="?", default="Warn the residents of New York and Texas of the storm.")
    parser.add_argument("--deadline", type=float, default=3600, help="seconds that a person has to decide")
    options = parser.parse_args()
    if not options.question.strip():
        parser.error("the question is blank, so nothing was started: ask again")
    asyncio.run(main(options.question, options.deadline))
