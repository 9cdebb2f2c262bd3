"""An agent that asks a person before each call of its tool, since that tool acts on the world."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import send_alert
    from agents import Agent, AgentsException, Runner, function_tool
    from agents.tool_context import ToolContext

TASK_QUEUE = "approval"


@function_tool(needs_approval=True, failure_error_function=None)
async def send_alert_to_residents(context: ToolContext, state: str, message: str) -> str:
    """Sends an alert to the residents of a US state, given by its two-letter code."""
    key = f"{workflow.info().workflow_id}/{context.tool_call_id}"
    one, all_of_them = timedelta(seconds=6), timedelta(hours=1)
    return await workflow.execute_activity(
        send_alert, args=[state, message, key], start_to_close_timeout=one, schedule_to_close_timeout=all_of_them
    )


@workflow.defn(failure_exception_types=[AgentsException])
class CarefulAgent:
    def __init__(self) -> None:
        self.waiting: dict[str, str] = {}  # ID of a call: what the agent wants to do
        self.decisions: dict[str, str] = {}  # ID of a call: yes or no

    @workflow.query
    def open_calls(self) -> dict[str, str]:
        return self.waiting

    @workflow.update
    async def decide(self, call_id: str, decision: str) -> None:
        self.decisions[call_id] = decision
        del self.waiting[call_id]

    @decide.validator
    def refuse(self, call_id: str, decision: str) -> None:
        if decision not in ("yes", "no"):
            raise ValueError(f"Say yes or no, not {decision!r}.")
        if call_id not in self.waiting:
            raise ValueError(f"No call {call_id!r} waits for a decision.")

    @workflow.run
    async def run(self, question: str, deadline_seconds: float = 3600) -> str:
        agent = Agent(name="Careful agent", instructions="Use the tool, once a state.", tools=[send_alert_to_residents])
        result = await Runner.run(agent, question)
        while result.interruptions:
            self.waiting = {str(call.call_id): f"{call.name} {call.arguments}" for call in result.interruptions}
            state = result.to_state()
            try:
                await workflow.wait_condition(lambda: not self.waiting, timeout=timedelta(seconds=deadline_seconds))
            except TimeoutError:
                self.waiting = {}  # too late: from now on a decision is refused
            for call in result.interruptions:
                if self.decisions.get(str(call.call_id)) == "yes":
                    state.approve(call)
                else:
                    state.reject(call)
            result = await Runner.run(agent, state)
        return str(result.final_output)
