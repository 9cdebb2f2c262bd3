"""A night of 14 hours between question and decision, with no worker: python overnight.py yes"""

import argparse
import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from activities import send_alert
from connection import load_env
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.openai_agents import OpenAIAgentsPlugin
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from waiting import result_of
from workflows import TASK_QUEUE, CarefulAgent

QUESTION = "Warn the residents of Ohio of the flood."
DEADLINE = 16 * 3600  # seconds: longer than the night


def worker(client: Client) -> Worker:
    # Without a cache: the test server does not notice that a worker is gone, and what it had cached.
    tools = [send_alert]
    return Worker(client, task_queue=TASK_QUEUE, workflows=[CarefulAgent], activities=tools, max_cached_workflows=0)


async def main(decision: str) -> None:
    load_env()
    async with await WorkflowEnvironment.start_time_skipping(
        plugins=[OpenAIAgentsPlugin()],
        runtime=Runtime(telemetry=TelemetryConfig(logging=None)),
        test_server_existing_path=str(Path(sys.executable).with_name("temporal-test-server")),
    ) as server:
        start = server.client.start_workflow
        async with worker(server.client):
            asked = await start(CarefulAgent.run, args=[QUESTION, DEADLINE], id="careful", task_queue=TASK_QUEUE)
            for _ in range(100):  # 20 s: the model may still be thinking
                if calls := await asked.query(CarefulAgent.open_calls):
                    break
                await asyncio.sleep(0.2)
            else:
                raise SystemExit("The agent asked nobody: see what the model said.")
            print(f"{await server.get_current_time():%A %H:%M}  The agent asks for permission. The worker stops.")
        await server.sleep(timedelta(hours=14))
        print(f"{await server.get_current_time():%A %H:%M}  A new worker starts. Somebody says {decision}.")
        async with worker(server.client):
            try:
                await asked.execute_update(CarefulAgent.decide, args=[next(iter(calls)), decision])
            except WorkflowUpdateFailedError as error:
                raise SystemExit(f"The workflow refuses that: {error.cause}") from None
            print(await result_of(asked))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("decision", metavar="yes|no")
    asyncio.run(main(parser.parse_args().decision))
