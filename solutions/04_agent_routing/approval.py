"""Going further: an agent that asks a person before its tool runs."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import get_weather_alerts
    from agents import Agent, Runner
    from temporalio.openai_agents.workflow import activity_as_tool

TASK_QUEUE = "agent-approval"


@workflow.defn
class CarefulAgent:
    def __init__(self) -> None:
        self.decision = ""
        self.asks = False

    @workflow.signal
    def decide(self, decision: str) -> None:
        self.decision = decision

    @workflow.update
    async def until_it_asks(self) -> None:
        await workflow.wait_condition(lambda: self.asks)

    @workflow.run
    async def run(self, question: str) -> str:
        weather_tool = activity_as_tool(get_weather_alerts, start_to_close_timeout=timedelta(seconds=5))
        weather_tool.needs_approval = True
        agent = Agent(name="Careful agent", instructions="You answer questions about alerts.", tools=[weather_tool])
        result = await Runner.run(agent, question)
        while result.interruptions:
            self.asks = True
            await workflow.wait_condition(lambda: self.decision != "")
            state = result.to_state()
            for item in result.interruptions:
                state.approve(item) if self.decision == "yes" else state.reject(item)
            result = await Runner.run(agent, state)
        return str(result.final_output)
