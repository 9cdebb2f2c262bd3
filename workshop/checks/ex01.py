"""Exercise 01, an agent: a tool, an agent that has it, a run. Two of the three are variables of the notebook."""

import inspect
from typing import Any

from workshop.checks.learner import raised, shorten
from workshop.checks.verdict import Check, incorrect
from workshop.checks.work import Work

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
            seen = "weather_tool is no tool: function_tool(...) was given no function."
            raise incorrect("function-called", seen, "Give it the function without calling it: get_weather_alerts.")
        what = "the function itself" if inspect.isfunction(made) else f"of type {type(made).__name__}"
        seen = f"weather_tool is {what}, not a tool: a model cannot be offered it."
        raise incorrect("not-a-tool", seen, "function_tool(...) makes a tool of a function.")
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
        seen = f"Called for TX, the tool gave {shorten(str(text), 100)!r}, and the weather service was not asked."
        raise incorrect("not-asked", seen, "Make it of get_weather_alerts, from activities.py.")
    if "error occurred" in str(text):
        raise incorrect("tool-fails", f"Called for TX, the tool gave: {shorten(str(text), 200)}", "")
    return f"The tool {made.name} takes {', '.join(properties)} and gives the alerts."


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
        seen = "The agent has no instructions: the model is not told what it is there for."
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
    """`result`: what `await Runner.run(agent, question)` gives."""
    from agents import RunResult

    result = work.variable
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        seen = "result is a coroutine: the run has not even begun."
        raise incorrect("not-awaited", seen, "In a notebook write `await Runner.run(...)`.")
    if isinstance(result, str):
        seen = "result is a text."
        raise incorrect("text-only", seen, "Keep all that Runner.run gives: its .final_output is the text.")
    if not isinstance(result, RunResult):
        seen = f"result is of type {type(result).__name__}, not what a run gives."
        raise incorrect("not-a-result", seen, "result = await Runner.run(agent, question)")
    calls = [item for item in result.new_items if item.type == "tool_call_output_item"]
    if not calls:
        seen = f"The run called no tool; its answer was {shorten(str(result.final_output), 120)!r}."
        raise incorrect("tool-not-called", seen, "Ask about the weather alerts of a state, an agent that has the tool.")
    return f"{len(result.raw_responses)} model calls, {len(calls)} tool call, one answer."


CHECKS = (
    Check(
        "tool",
        "make a tool of the function get_weather_alerts",
        "",
        1,
        (
            "What does a model have to know of a function before it can ask for it to be called?",
            "The Agents SDK reads name, parameters and docstring of a function: `from agents import function_tool`.",
            "function_tool can stand above a function as a decorator, or be called: weather_tool = function_tool(...)",
        ),
        "The model never runs the tool: it only asks for it by name, and the Runner calls your function.",
        tool,
        variable="weather_tool",
        answer="weather_tool = function_tool(get_weather_alerts)",
    ),
    Check(
        "agent",
        "give the agent its name, its instructions and the tool",
        "workflows.py",
        2,
        (
            "Which three things make an agent: what it is called, what it is told, what it may use?",
            "Agent(name=..., instructions=..., tools=[...]): the tool comes in as the function's argument.",
            'return Agent(name="Weather agent", instructions="You answer questions about ...", tools=[...])',
        ),
        "An agent is only a description: it stays as it is, whether it is run plainly or durably.",
        agent,
        variable="agent",
    ),
    Check(
        "run",
        "ask the agent, and keep what the run gives",
        "",
        3,
        (
            "Who goes back and forth between the model and the tool until there is an answer?",
            "Runner.run(agent, question) does. It is a coroutine: what has to stand before it in a notebook?",
            "result = await Runner.run(..., ...)",
        ),
        "One question was two model calls and a tool call, and all of it lived in this process only.",
        run,
        variable="result",
        answer="result = await Runner.run(agent, question)",
    ),
)
