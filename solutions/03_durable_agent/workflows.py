"""The durable weather agent: the agent of exercise 01, run by a workflow."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities import get_weather_alerts
    from agents import Agent, AgentsException, Runner, Tool, trace
    from temporalio.openai_agents.workflow import activity_as_tool

TASK_QUEUE = "durable-agent"


def weather_agent(weather_tool: Tool) -> Agent:
    return Agent(
        name="Weather agent",
        instructions="You answer questions about weather alerts in US states. Use the tool; do not guess.",
        tools=[weather_tool],
    )


# If the model asks for a tool that we do not have, the workflow fails; without this it would retry forever.
@workflow.defn(failure_exception_types=[AgentsException])
class DurableAgent:
    @workflow.run
    async def run(self, question: str) -> str:
        weather_tool = activity_as_tool(
            get_weather_alerts,
            # Its HTTP call gives up after 2.5 s without an answer. A worker killed here is noticed after these 3 s.
            start_to_close_timeout=timedelta(seconds=3),
            # Tried for an hour, to outlast an outage, with pauses of 0.2 s, 0.4 s, 0.8 s ... and 10 s at most.
            schedule_to_close_timeout=timedelta(hours=1),
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=10)),
        )
        with trace("Durable agent", group_id=workflow.info().workflow_id):
            result = await Runner.run(weather_agent(weather_tool), question)
        return str(result.final_output)
