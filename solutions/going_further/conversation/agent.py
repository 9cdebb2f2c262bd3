"""The weather agent of exercise 3, for somebody who waits for the answer."""

from datetime import timedelta

from activities import get_weather_alerts
from agents import Agent
from temporalio.common import RetryPolicy
from temporalio.openai_agents.workflow import activity_as_tool


def weather_agent() -> Agent:
    weather_tool = activity_as_tool(
        get_weather_alerts,
        # Its HTTP call gives up after 2.5 s without an answer. A worker killed here is noticed after these 3 s.
        start_to_close_timeout=timedelta(seconds=3),
        # Nobody waits for an hour in front of a chat: after a minute the message fails, and can be sent again.
        schedule_to_close_timeout=timedelta(minutes=1),
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=10)),
    )
    return Agent(
        name="Weather agent",
        instructions="You answer questions about weather alerts in US states. Use the tool; do not guess.",
        tools=[weather_tool],
    )
