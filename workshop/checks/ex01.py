"""Exercise 01, an agent: a tool, an agent that has it, a run. They are variables of the notebook."""

import inspect
from typing import Any

from workshop.checks.check import checks_of
from workshop.checks.learner import raised, shorten
from workshop.checks.verdict import incorrect
from workshop.checks.work import Work
from workshop.text import count

QUESTION = "Any weather alerts in Texas?"


async def tool(work: Work) -> str:
    """`weather_tool`: a function tool that a model can call with a state."""
    from agents import FunctionTool
    from agents.tool_context import ToolContext

    made = work.variable
    if inspect.iscoroutine(made):
        made.close()
    if not isinstance(made, FunctionTool):
        if inspect.isfunction(made) and made.__module__.startswith("agents."):
            seen = "weather_tool is not a tool: function_tool(...) was not given a function."
            raise incorrect("function-called", seen, "Give it the function without calling it: get_weather_alerts.")
        what = "the function itself" if inspect.isfunction(made) else f"of type {type(made).__name__}"
        seen = f"weather_tool is {what}, not a tool: it cannot be offered to a model."
        raise incorrect("not-a-tool", seen, "function_tool(...) makes a function a tool.")
    properties = made.params_json_schema.get("properties", {})
    if not properties:
        seen = f"The tool {made.name} takes no arguments, so the model cannot name a state."
        raise incorrect("no-arguments", seen, "Its function needs a parameter: state: str.")
    if not made.description.strip():
        seen = f"The tool {made.name} has no description: the model would have to guess what it is for."
        raise incorrect("no-description", seen, "The function's docstring becomes the description.")
    arguments = f'{{"{next(iter(properties))}": "TX"}}'
    context: Any = ToolContext(context=None, tool_name=made.name, tool_call_id="c1", tool_arguments=arguments)
    try:
        text = await made.on_invoke_tool(context, arguments)
    except Exception as error:
        raise raised(error, work.folder, "Called for TX, the tool", "tool-raises") from None
    if not work.practice.entries("weather"):
        seen = f"Called for TX, the tool returned {shorten(str(text), 100)!r}, and the weather service was not asked."
        raise incorrect("not-asked", seen, "Make it from get_weather_alerts, of activities.py.")
    if "error occurred" in str(text):
        raise incorrect("tool-fails", f"Called for TX, the tool returned: {shorten(str(text), 200)}")
    return f"The tool {made.name} takes {', '.join(properties)} and returns the alerts."


async def agent(work: Work) -> str:
    """The agent: `weather_agent(tool)` of workflows.py, or the notebook's variable `agent`."""
    from agents import Agent, RunConfig, Runner, function_tool
    from agents.models.openai_provider import OpenAIProvider
    from openai import AsyncOpenAI, OpenAIError

    made = work.variable
    if made is None:
        make = getattr(work.module("workflows"), "weather_agent", None)
        if make is None:
            seen = "workflows.py has no weather_agent."
            raise incorrect("no-agent", seen, "It is the function that makes the agent.")
        try:
            made = make(function_tool(next(iter(work.activities().values()))))
        except Exception as error:
            raise raised(error, work.folder, "weather_agent(tool)", "agent-raises") from None
    if not isinstance(made, Agent):
        seen = f"The agent is of type {type(made).__name__}, not an Agent."
        raise incorrect("not-an-agent", seen, "Is a `return` missing?" if made is None else "Agent(name=..., ...)")
    if not made.instructions:
        seen = "The agent has no instructions: nothing tells the model what it is for."
        raise incorrect("no-instructions", seen, 'Agent(instructions="...")')
    if not made.tools:
        raise incorrect("no-tool", "The agent has no tools: it can only guess.", "Agent(tools=[weather_tool])")
    # A client of its own: one that is shared belongs to the event loop that used it first.
    async with AsyncOpenAI(base_url=f"{work.practice.url}/v1", api_key="practice") as client:
        provider = OpenAIProvider(openai_client=client, use_responses=True)
        config = RunConfig(model_provider=provider, tracing_disabled=True)
        try:
            result = await Runner.run(made, QUESTION, run_config=config, max_turns=5)
        except OpenAIError:  # of our own practice model
            raise
        except Exception as error:  # whatever an agent's parts make the SDK raise
            raise raised(error, work.folder, "A run of the agent", "run-raises") from None
    kinds = [item.type for item in result.new_items]
    if "tool_call_output_item" not in kinds:
        seen = f"Asked {QUESTION!r}, it answered without its tool: {shorten(str(result.final_output), 120)!r}."
        raise incorrect("tool-not-called", seen, "Is it the weather tool, with a description that says what it does?")
    if not work.practice.entries("weather"):
        seen = f"Asked {QUESTION!r}, it called a tool that did not ask the weather service."
        raise incorrect("not-asked", seen, "Give it the tool that comes in as the argument.")
    return f"Asked about Texas, {made.name} called its tool and answered from it."


async def run(work: Work) -> str:
    """`result`: what `await Runner.run(agent, question)` returns."""
    from agents import RunResult

    result = work.variable
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        seen = "result is a coroutine: the run has not even begun."
        raise incorrect("not-awaited", seen, "In a notebook write `await Runner.run(...)`.")
    if isinstance(result, str):
        seen = "result is a text."
        raise incorrect("text-only", seen, "Keep what Runner.run returns: its .final_output is the text.")
    if not isinstance(result, RunResult):
        seen = f"result is of type {type(result).__name__}, not what a run returns."
        raise incorrect("not-a-result", seen, "result = await Runner.run(agent, question)")
    calls = [item for item in result.new_items if item.type == "tool_call_output_item"]
    if not calls:
        seen = f"The run called no tool; its answer was {shorten(str(result.final_output), 120)!r}."
        raise incorrect("tool-not-called", seen, "Ask an agent that has the tool about the weather alerts of a state.")
    return f"{count(len(result.raw_responses), 'model call')}, {count(len(calls), 'tool call')}, one answer."


CHECKS = checks_of("01", {"tool": tool, "agent": agent, "run": run})
