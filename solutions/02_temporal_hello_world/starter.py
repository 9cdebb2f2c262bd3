"""Asks for the weather alerts of a state: python starter.py CA [--delay 30]"""

import argparse
import asyncio
from datetime import datetime
from uuid import uuid4

from connection import connect, load_env
from waiting import result_of, ui_link
from workflows import TASK_QUEUE, TemporalHelloWorld


async def main(state: str, delay_seconds: float) -> None:
    load_env()
    client = await connect()
    handle = await client.start_workflow(
        TemporalHelloWorld.run,
        args=[state, delay_seconds],
        id=f"{TASK_QUEUE}-{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}",
        task_queue=TASK_QUEUE,
    )
    print(f"Workflow {handle.id}\nSee it at {ui_link(client, handle.id)}", flush=True)
    print(await result_of(handle))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", nargs="?", default="CA", help="two-letter code")
    parser.add_argument("--delay", type=float, default=0, help="seconds to wait first, on a durable timer")
    options = parser.parse_args()
    if not options.state.strip():
        parser.error("the state is blank, so nothing was started: name one, such as CA")
    asyncio.run(main(options.state, options.delay))
