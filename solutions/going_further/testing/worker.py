"""Runs the durable agent: python worker.py. Stop it with Ctrl+C, or kill it."""

import asyncio
import os
from datetime import timedelta

import openai.resources.responses  # noqa: F401  now: in the first model call it would delay heartbeats
from activities import get_weather_alerts
from connection import connect, load_env
from temporalio.common import RetryPolicy
from temporalio.openai_agents import ModelActivityParameters, OpenAIAgentsPlugin
from temporalio.worker import Worker
from waiting import until_stopped
from workflows import TASK_QUEUE, AlertAgent

MODEL_CALL = ModelActivityParameters(
    # The longest that one model call may take.
    start_to_close_timeout=timedelta(seconds=60),
    # A killed worker is noticed when its heartbeats stop, not when that minute is over.
    heartbeat_timeout=timedelta(seconds=3),  # short for a lesson: in production 10 s
    retry_policy=RetryPolicy(
        # Short: a call that was lost in a kill waits for it, too. It doubles at each attempt.
        initial_interval=timedelta(seconds=0.2),
        maximum_interval=timedelta(seconds=20),
        # Some 100 s: longer than a one-minute rate limit. Without credit the status is the same, 429, so not forever.
        maximum_attempts=12,
    ),
)


async def main() -> None:
    load_env()
    if "OPENAI_API_KEY" not in os.environ:
        raise SystemExit("OPENAI_API_KEY is not set.\nNext: put it into .env (in the workshop: workshop use practice)")
    client = await connect(OpenAIAgentsPlugin(model_params=MODEL_CALL))
    worker = Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[AlertAgent],
        activities=[get_weather_alerts],
        # Asked to stop, it lets a model call in flight finish: it is paid for.
        graceful_shutdown_timeout=timedelta(seconds=60),
        # Few at a time: if its heartbeats are late, a call is paid again. For your numbers, count attempts under load.
        max_concurrent_activities=20,
        max_concurrent_workflow_tasks=2,
        # By default a worker sends fewer heartbeats, which leaves a busy machine no slack.
        max_heartbeat_throttle_interval=timedelta(seconds=0.5),
        # No cache: a workflow in it would wait up to 10 s for a killed worker. Long workflows need one, as by default.
        max_cached_workflows=0,
    )
    async with worker:
        print(f"Worker polls the task queue {TASK_QUEUE}.", flush=True)
        await until_stopped()


if __name__ == "__main__":
    asyncio.run(main())
