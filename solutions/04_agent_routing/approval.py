"""Going further: an agent that asks a person before each call of its tool."""

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import get_weather_alerts
    from agents import Agent, AgentsException, Runner
    from temporalio.openai_agents.workflow import activity_as_tool

TASK_QUEUE = "agent-approval"


@workflow.defn(failure_exception_types=[AgentsException])
class CarefulAgent:
    def __init__(self) -> None:
        self.waiting: dict[str, str] = {}  # id of a call: what the agent wants to do
        self.decisions: dict[str, str] = {}  # id of a call: yes or no

    @workflow.update
    async def until_it_asks(self) -> dict[str, str]:
        await workflow.wait_condition(lambda: bool(self.waiting))
        return self.waiting

    @workflow.update
    async def decide(self, call_id: str, decision: str) -> None:
        self.decisions[call_id] = decision
        del self.waiting[call_id]

    @decide.validator
    def refuse(self, call_id: str, decision: str) -> None:
        # What is refused here leaves no trace in the history.
        if decision not in ("yes", "no"):
            raise ValueError(f"Say yes or no, not {decision!r}.")
        if call_id not in self.waiting:
            raise ValueError(f"No call {call_id} waits for a decision.")

    @workflow.run
    async def run(self, question: str) -> str:
        weather_tool = activity_as_tool(get_weather_alerts, start_to_close_timeout=timedelta(seconds=5))
        careful_tool = replace(weather_tool, needs_approval=True)
        agent = Agent(name="Careful agent", instructions="You answer questions about alerts.", tools=[careful_tool])
        result = await Runner.run(agent, question)
        while result.interruptions:
            self.waiting = {str(call.call_id): f"{call.name} {call.arguments}" for call in result.interruptions}
            await workflow.wait_condition(lambda: not self.waiting)
            state = result.to_state()
            for call in result.interruptions:
                if self.decisions[str(call.call_id)] == "yes":
                    state.approve(call)
                else:
                    state.reject(call)
            result = await Runner.run(agent, state)
        return str(result.final_output)
