"""Asks in French, Spanish or English: python starter.py "Quelles alertes en Floride ?" [--pause 10]"""

import argparse
import asyncio
from datetime import datetime
from uuid import uuid4

from connection import connect, load_env
from temporalio.openai_agents import OpenAIAgentsPlugin
from waiting import result_of, ui_link
from workflows import TASK_QUEUE, AgentRouting


async def main(question: str, pause_seconds: float) -> None:
    load_env()
    client = await connect(OpenAIAgentsPlugin())
    handle = await client.start_workflow(
        AgentRouting.run,
        args=[question, pause_seconds],
        id=f"{TASK_QUEUE}-{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}",
        task_queue=TASK_QUEUE,
    )
    print(f"Workflow {handle.id}\nSee it at {ui_link(client, handle.id)}", flush=True)
    print(await result_of(handle) or "The answer is empty: ask again.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("question", nargs="?", default="Quelles alertes météo en Floride ?")
    parser.add_argument("--pause", type=float, default=0, help="seconds between triage and specialist, durable")
    options = parser.parse_args()
    if not options.question.strip():
        parser.error("the question is blank, so nothing was started: ask again")
    asyncio.run(main(options.question, options.pause))
