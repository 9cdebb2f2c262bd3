"""Workflows in every state that history, audit and diagnosis tell about. A module of its own, for the sandbox."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from agents import Agent, AgentsException, Runner, Tool, function_tool
    from temporalio.openai_agents.workflow import activity_as_tool

SECONDS = timedelta(seconds=1)
BRACKETS = "[URGENT] Flood [/all counties] [bold red]now"


@activity.defn
async def get_weather_alerts(state: str) -> str:
    """Alerts for a state."""
    return f"{BRACKETS} in {state}"


@activity.defn
async def fails(message: str) -> str:
    """Fails in the way of a library that wraps another's error."""
    try:
        raise OSError(message)
    except OSError as error:
        raise RuntimeError("the outer error") from error


@activity.defn
async def refuses(message: str) -> str:
    raise ApplicationError(message, type="Refused", non_retryable=True)


@activity.defn
async def hangs(message: str) -> str:
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.2)


@activity.defn
async def nobody_has_it(message: str) -> str:
    return message


def agent(tool: Tool) -> Agent:
    return Agent(name="Weather agent", instructions="Use the tool.", tools=[tool])


def weather_tool() -> Tool:
    return activity_as_tool(get_weather_alerts, start_to_close_timeout=5 * SECONDS)


@workflow.defn(failure_exception_types=[AgentsException])
class Asks:
    @workflow.run
    async def run(self, question: str) -> str:
        return str((await Runner.run(agent(weather_tool()), question)).final_output)


@workflow.defn
class Misspells:
    @workflow.run
    async def run(self, question: str) -> str:
        result = await Runner.run(agent(weather_tool()), question)  # noqa: F841
        return resutl.final_output  # type: ignore[name-defined]  # noqa: F821


@workflow.defn
class PlainTool:
    """The tool is no activity; with a network, the sandbox stops it."""

    @workflow.run
    async def run(self, question: str) -> str:
        @function_tool(name_override="get_weather_alerts")
        async def plain(state: str) -> str:
            """Alerts for a state."""
            if "network" in question:
                import urllib.request

                return str(urllib.request.urlopen("http://127.0.0.1:1/").read())  # noqa: ASYNC210
            return f"none in {state}"

        return str((await Runner.run(agent(plain), question)).final_output)


@workflow.defn
class Routes:
    @workflow.run
    async def run(self, question: str, languages: tuple[str, ...] = ("French", "Spanish")) -> str:
        specialists = [Agent(name=f"{name} agent", instructions=f"Speak {name}.") for name in languages]
        triage = Agent(name="Triage agent", instructions="Hand over.", handoffs=[*specialists])
        return str((await Runner.run(triage, question)).final_output)


@workflow.defn
class Sleeps:
    @workflow.run
    async def run(self, length: float) -> None:
        await workflow.sleep(length, summary="a long night")


@workflow.defn
class Approves:
    def __init__(self) -> None:
        self.approved = False

    @workflow.signal
    def approve(self, who: str) -> None:
        self.approved = True

    @workflow.update
    async def rename(self, name: str) -> str:
        return f"now {name}"

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.approved)
        return "approved"


@workflow.defn
class Calls:
    """One activity, by name."""

    @workflow.run
    async def run(self, name: str, text: str, attempts: int) -> str:
        # Bounded attempts follow at once; an unbounded one's second is never due while a test looks.
        retry = RetryPolicy(initial_interval=SECONDS / 100 if attempts else 600 * SECONDS, maximum_attempts=attempts)
        return str(
            await workflow.execute_activity(
                name, text, start_to_close_timeout=300 * SECONDS, heartbeat_timeout=2 * SECONDS, retry_policy=retry
            )
        )


@workflow.defn
class Clock:
    @workflow.run
    async def run(self) -> str:
        import datetime

        return str(datetime.datetime.now())


@workflow.defn
class Parent:
    """A bit of everything that is no agent."""

    @workflow.run
    async def run(self, again: bool) -> str:
        if again:
            await self.everything()
        return "the end"

    async def everything(self) -> None:
        await workflow.execute_child_workflow(Sleeps.run, 0.01)
        await workflow.execute_local_activity(get_weather_alerts, "TX", start_to_close_timeout=SECONDS)
        workflow.patched("a-patch")
        handle = workflow.get_external_workflow_handle("nobody-of-this-name")
        try:
            await handle.signal("hello")
        except ApplicationError:
            workflow.logger.debug("expected")
        workflow.continue_as_new(False)


@workflow.defn(name="Changed")
class ChangedBefore:
    def __init__(self) -> None:
        self.go = False

    @workflow.signal
    def go_on(self) -> None:
        self.go = True

    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(0.01)
        await workflow.wait_condition(lambda: self.go)


@workflow.defn(name="Changed")
class ChangedAfter:
    @workflow.signal
    def go_on(self) -> None:
        pass

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(get_weather_alerts, "TX", start_to_close_timeout=SECONDS)


@workflow.defn
class TakesTurns:
    """A run for each turn of a conversation, which goes on in the next one."""

    @workflow.run
    async def run(self, questions: list[str], said: list[Any] | None = None) -> str:
        items = [*(said or []), {"role": "user", "content": questions[0]}]
        result = await Runner.run(agent(weather_tool()), items)
        if questions[1:]:
            workflow.continue_as_new(args=[questions[1:], result.to_input_list()])
        return str(result.final_output)


@workflow.defn(failure_exception_types=[AgentsException])
class AsksAnAgent:
    """An agent that has another one as its tool."""

    @workflow.run
    async def run(self, question: str) -> str:
        inner = agent(weather_tool())
        tool = inner.as_tool(tool_name="weather_desk", tool_description="Knows the weather.")
        outer = Agent(name="Outer agent", instructions="Ask the desk.", tools=[tool])
        return str((await Runner.run(outer, question)).final_output)


@workflow.defn
class Streams:
    @workflow.run
    async def run(self, question: str) -> str:
        result = Runner.run_streamed(agent(weather_tool()), question)
        async for _ in result.stream_events():
            pass
        return str(result.final_output)


WORKFLOWS = [Asks, Misspells, PlainTool, Routes, Sleeps, Approves, Calls, Clock, Parent, AsksAnAgent, Streams]
ACTIVITIES = [get_weather_alerts, fails, refuses, hangs]


@workflow.defn(name="Misspells")
class MisspellsMended:
    @workflow.run
    async def run(self, question: str) -> str:
        result = await Runner.run(agent(weather_tool()), question)
        return str(result.final_output)
