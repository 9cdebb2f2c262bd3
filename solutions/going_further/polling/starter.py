"""Asks to be told when warnings are over: python starter.py "Tell me when ... are over." [--way timer] [--every 60]"""

import argparse
import asyncio
from datetime import datetime
from uuid import uuid4

from connection import connect, load_env
from temporalio.openai_agents import OpenAIAgentsPlugin
from waiting import result_of, ui_link
from ways import WAYS
from workflows import TASK_QUEUE, PatientAgent


async def main(question: str, way: str, every_seconds: float, bound_seconds: float) -> None:
    load_env()
    client = await connect(OpenAIAgentsPlugin())
    handle = await client.start_workflow(
        PatientAgent.run,
        args=[question, way, every_seconds, bound_seconds],
        id=f"{TASK_QUEUE}-{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}",
        task_queue=TASK_QUEUE,
    )
    print(f"Workflow {handle.id}\nSee it at {ui_link(client, handle.id)}", flush=True)
    print(await result_of(handle) or "The answer is empty: ask again.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("question", nargs="?", default="Tell me when the warnings for California are over.")
    parser.add_argument("--way", choices=list(WAYS), default="retry", help="how it waits")
    parser.add_argument("--every", type=float, default=60, help="seconds between two looks")
    parser.add_argument("--bound", type=float, default=24 * 3600, help="seconds after which it gives up")
    options = parser.parse_args()
    if not options.question.strip():
        parser.error("the question is blank, so nothing was started: ask again")
    if not 0.1 <= options.every <= options.bound:
        parser.error("--every must be at least 0.1 s, and not longer than --bound")
    asyncio.run(main(options.question, options.way, options.every, options.bound))
