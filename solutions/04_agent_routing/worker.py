"""Runs triage and its specialists: python worker.py. Stop it with Ctrl+C, or kill it."""

import asyncio
import os
from datetime import timedelta

from activities import get_weather_alerts
from connection import connect, load_env, until_stopped, warm_up
from temporalio.common import RetryPolicy
from temporalio.openai_agents import ModelActivityParameters, OpenAIAgentsPlugin
from temporalio.worker import Worker
from workflows import TASK_QUEUE, AgentRouting

MODEL_CALL = ModelActivityParameters(
    # The longest that one model call may take.
    start_to_close_timeout=timedelta(seconds=60),
    # A killed worker is noticed when its heartbeats stop, not when that minute is over.
    heartbeat_timeout=timedelta(seconds=2.5),
    retry_policy=RetryPolicy(
        # Short, since a killed worker's call waits for it too; doubled at each attempt.
        initial_interval=timedelta(seconds=0.2),
        maximum_interval=timedelta(seconds=20),
        # About 100 s: longer than OpenAI's one-minute rate limits last. An account without
        # credit gets the same status, 429, and must not be asked for ever.
        maximum_attempts=12,
    ),
)


async def main() -> None:
    load_env()
    if "OPENAI_API_KEY" not in os.environ:
        raise SystemExit("OPENAI_API_KEY is not set.\nNext: put it into .env, or run: workshop use practice")
    await warm_up()
    client = await connect(OpenAIAgentsPlugin(model_params=MODEL_CALL))
    worker = Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[AgentRouting],
        activities=[get_weather_alerts],
        # Asked to stop, it lets a model call in flight finish: it is paid for.
        graceful_shutdown_timeout=timedelta(seconds=60),
        # Every heartbeat is sent. By default a worker saves some, which leaves a busy machine no slack.
        max_heartbeat_throttle_interval=timedelta(seconds=0.5),
        # After a kill, the server offers the workflow to the dead worker for this long, by default 10 s.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=0.2),
    )
    async with worker:
        print(f"Worker polls the task queue {TASK_QUEUE}.", flush=True)
        await until_stopped()


if __name__ == "__main__":
    asyncio.run(main())
