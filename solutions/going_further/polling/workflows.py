"""An agent whose tool waits until the warnings for a state are over, in one of three ways."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, RetryState
from ways import WAYS

with workflow.unsafe.imports_passed_through():
    from agents import Agent, AgentsException, Runner, function_tool

TASK_QUEUE = "polling"


@workflow.defn(failure_exception_types=[AgentsException])
class PatientAgent:
    @workflow.run
    async def run(self, question: str, way: str, every_seconds: float, bound_seconds: float) -> str:
        every, bound = timedelta(seconds=every_seconds), timedelta(seconds=bound_seconds)

        @function_tool(failure_error_function=None)
        async def wait_until_warnings_are_over(state: str) -> str:
            """Waits until no weather warning is active for a US state, given by its two-letter code."""
            try:
                over = await WAYS[way](state, every, bound)
            except ActivityError as error:
                if error.retry_state != RetryState.TIMEOUT:
                    raise  # what no further look can help
                over = False
            return "The warnings are over." if over else f"After {bound} of looking, the warnings were not over."

        agent = Agent(name="Patient agent", instructions="Use the tool.", tools=[wait_until_warnings_are_over])
        result = await Runner.run(agent, question)
        return str(result.final_output)
