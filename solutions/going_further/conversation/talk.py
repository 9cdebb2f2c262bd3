"""Talks for so many turns, and shows how the history grows: python talk.py 20 [--name ada]"""

import argparse
import asyncio
import time

from connection import connect, load_env
from starter import say
from temporalio.openai_agents import OpenAIAgentsPlugin
from waiting import ui_link
from workflows import TASK_QUEUE


async def main(turns: int, name: str, turns_per_run: int, remembered_turns: int) -> None:
    load_env()
    client = await connect(OpenAIAgentsPlugin())
    workflow_id = f"{TASK_QUEUE}-{name}"
    print(f"Workflow {workflow_id}\nSee it at {ui_link(client, workflow_id)}", flush=True)
    for turn in range(1, turns + 1):
        began = time.monotonic()
        await say(client, workflow_id, f"Hello, this is message {turn}.", turns_per_run, remembered_turns)
        took = time.monotonic() - began
        latest = (await client.get_workflow_handle(workflow_id).describe()).raw_description.workflow_execution_info
        print(
            f"turn {turn:3}: {took:4.1f} s; events in the history of this run: {latest.history_length:4}, "
            f"{latest.history_size_bytes / 1024:4.0f} KiB",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("turns", type=int)
    parser.add_argument("--name", default="me", help="whose conversation it is")
    parser.add_argument("--turns-per-run", type=int, default=10, help="after how many it continues as new")
    parser.add_argument("--remembered-turns", type=int, default=10, help="how many the model is shown")
    options = parser.parse_args()
    asyncio.run(main(options.turns, options.name, options.turns_per_run, options.remembered_turns))
