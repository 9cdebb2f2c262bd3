"""Going further: a night between question and decision, with no worker: python overnight.py yes"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from activities import get_weather_alerts
from approval import TASK_QUEUE, CarefulAgent
from connection import load_env
from temporalio.client import Client
from temporalio.openai_agents import OpenAIAgentsPlugin
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker


def worker(client: Client) -> Worker:
    # Without a cache: the test server does not notice that a worker is gone, and what it had cached.
    tools = [get_weather_alerts]
    return Worker(client, task_queue=TASK_QUEUE, workflows=[CarefulAgent], activities=tools, max_cached_workflows=0)


async def main(decision: str) -> None:
    load_env()
    async with await WorkflowEnvironment.start_time_skipping(
        plugins=[OpenAIAgentsPlugin()],
        runtime=Runtime(telemetry=TelemetryConfig(logging=None)),
        test_server_existing_path=str(Path(sys.executable).with_name("temporal-test-server")),
    ) as server:
        async with worker(server.client):
            question = "Any weather alerts in New York?"
            asked = await server.client.start_workflow(CarefulAgent.run, question, id="careful", task_queue=TASK_QUEUE)
            await asked.execute_update(CarefulAgent.until_it_asks)
            print(f"{await server.get_current_time():%A %H:%M}  The agent asks for permission. The worker stops.")
        await server.sleep(timedelta(hours=14))
        await asked.signal(CarefulAgent.decide, decision)
        print(f"{await server.get_current_time():%A %H:%M}  Somebody says {decision}. A new worker starts.")
        async with worker(server.client):
            print(await asked.result())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Say what is decided: python overnight.py yes")
    asyncio.run(main(sys.argv[1]))
