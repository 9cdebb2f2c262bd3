"""Going further: a night between question and decision, with no worker: python overnight.py yes"""

import argparse
import asyncio
import sys
from datetime import timedelta
from itertools import cycle
from pathlib import Path

from activities import get_weather_alerts
from approval import TASK_QUEUE, CarefulAgent
from connection import load_env, result_of
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.openai_agents import OpenAIAgentsPlugin
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker


def worker(client: Client) -> Worker:
    # Without a cache: the test server does not notice that a worker is gone, and what it had cached.
    tools = [get_weather_alerts]
    return Worker(client, task_queue=TASK_QUEUE, workflows=[CarefulAgent], activities=tools, max_cached_workflows=0)


async def main(question: str, decisions: list[str]) -> None:
    load_env()
    async with await WorkflowEnvironment.start_time_skipping(
        plugins=[OpenAIAgentsPlugin()],
        runtime=Runtime(telemetry=TelemetryConfig(logging=None)),
        test_server_existing_path=str(Path(sys.executable).with_name("temporal-test-server")),
    ) as server:
        async with worker(server.client):
            asked = await server.client.start_workflow(CarefulAgent.run, question, id="careful", task_queue=TASK_QUEUE)
            try:
                calls = await asked.execute_update(CarefulAgent.until_it_asks)
            except (WorkflowUpdateFailedError, RPCError):
                print(f"It ended without asking. {await result_of(asked)}")
                return
            print(f"{await server.get_current_time():%A %H:%M}  The agent asks for permission. The worker stops.")
        await server.sleep(timedelta(hours=14))
        print(f"{await server.get_current_time():%A %H:%M}  A new worker starts.")
        async with worker(server.client):
            for (call_id, call), decision in zip(calls.items(), cycle(decisions), strict=False):
                print(f"{call}? Somebody says {decision}.")
                try:
                    await asked.execute_update(CarefulAgent.decide, args=[call_id, decision])
                except WorkflowUpdateFailedError as error:
                    raise SystemExit(f"The workflow refuses that: {error.cause}") from None
            print(await result_of(asked))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("decisions", nargs="+", metavar="yes|no", help="one for each call")
    parser.add_argument("--question", default="Any weather alerts in New York?")
    options = parser.parse_args()
    asyncio.run(main(options.question, options.decisions))
