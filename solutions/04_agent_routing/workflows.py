"""A triage agent hands each question to the specialist that speaks its language."""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities import get_weather_alerts
    from agents import Agent, AgentsException, RunContextWrapper, Runner, handoff, trace
    from temporalio.openai_agents.workflow import activity_as_tool

TASK_QUEUE = "agent-routing"


def specialist(language: str) -> Agent:
    weather_tool = activity_as_tool(
        get_weather_alerts,
        # Its HTTP call gives up after 2.5 s without an answer. A worker killed here is noticed after these 3 s.
        start_to_close_timeout=timedelta(seconds=3),
        # Tried for an hour, to outlast an outage, with pauses of 0.2 s, 0.4 s, 0.8 s ... and 10 s at most.
        schedule_to_close_timeout=timedelta(hours=1),
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=10)),
    )
    return Agent(
        name=f"{language} agent",
        handoff_description=f"Answers questions that are asked in {language}.",
        instructions=f"You answer questions about weather alerts in US states, always in {language}. Use the tool.",
        tools=[weather_tool],
    )


# If the model asks for a tool that we do not have, the workflow fails; without this it would retry forever.
@workflow.defn(failure_exception_types=[AgentsException])
class AgentRouting:
    @workflow.run
    async def run(self, question: str, pause_seconds: float = 0) -> str:
        async def pause(context: RunContextWrapper[Any]) -> None:
            # Triage is done and paid for. If the worker is killed now, another one goes on from here.
            await workflow.sleep(timedelta(seconds=pause_seconds))

        triage_agent = Agent(
            name="Triage agent",
            instructions="Hand the question to the agent that speaks its language. In doubt, to the English agent.",
            handoffs=[handoff(specialist(language), on_handoff=pause) for language in ("French", "Spanish", "English")],
        )
        with trace("Agent routing", group_id=workflow.info().workflow_id):
            result = await Runner.run(triage_agent, question)
        return str(result.final_output)
