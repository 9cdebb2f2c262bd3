"""Keeps the history of a workflow, for a test that replays it: python record.py WORKFLOW_ID"""

import argparse
import asyncio
from pathlib import Path

from connection import connect, load_env


async def main(workflow_id: str) -> None:
    load_env()
    client = await connect()
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    Path(__file__).with_name("history.json").write_text(history.to_json(), encoding="utf-8")
    print(f"history.json has the {len(history.events)} events of {workflow_id}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workflow_id")
    asyncio.run(main(parser.parse_args().workflow_id))
