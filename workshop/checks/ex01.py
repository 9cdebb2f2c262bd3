"""Exercise 01, an agent: a tool, an agent that has it, a run. They are variables of the notebook."""

import ast
import inspect
import re
from textwrap import dedent
from typing import Any

from workshop.checks.activity import names_one, raise_if_asked_otherwise
from workshop.checks.check import checks_of
from workshop.checks.learner import raised, shorten
from workshop.checks.pristine import tree_of
from workshop.checks.submission import Submission
from workshop.checks.verdict import incorrect
from workshop.history.agent import TOOL_FAILED
from workshop.text import count

STATES = {"TX": "Any weather alerts in Texas?", "CA": "Any weather alerts in California?"}


async def tool(submission: Submission) -> str:
    """`weather_tool`: a function tool that a model can call with a state."""
    from agents import Agent, FunctionTool, ModelSettings, function_tool

    made = submission.variable
    if inspect.iscoroutine(made):
        made.close()
    if not isinstance(made, FunctionTool):
        if made is function_tool:
            seen = "weather_tool is function_tool itself, which was not called: it made no tool yet."
            raise incorrect("function-called", seen, "Call it, with the function: function_tool(get_weather_alerts).")
        if inspect.isfunction(made) and made.__module__.startswith("agents."):
            seen = "weather_tool is not a tool: function_tool(...) was not given a function."
            slip = "Give it the function itself, without () and without quotes: function_tool(get_weather_alerts)."
            raise incorrect("function-called", seen, slip)
        what = "the function itself" if inspect.isfunction(made) else f"of type {type(made).__name__}"
        slip = "function_tool(...) makes a function a tool."
        if isinstance(made, list | tuple) and any(isinstance(one, FunctionTool) for one in made):
            what = f"a {type(made).__name__} with a tool in it"
            slip = "Leave out the brackets: they come later, in tools=[...]."
            if isinstance(made, tuple):
                slip = "A comma after the last bracket makes a tuple: leave it out."
        seen = f"weather_tool is {what}, not a tool: it cannot be offered to a model."
        raise incorrect("not-a-tool", seen, slip)
    if made.is_enabled is False:
        seen = f"The tool {made.name} is switched off, so no model is offered it."
        raise incorrect("tool-disabled", seen, "Leave is_enabled=False out.")
    properties = made.params_json_schema.get("properties", {})
    if not properties:
        seen = f"The tool {made.name} takes no arguments, so the model cannot name a state."
        raise incorrect("no-arguments", seen, "Its function needs a parameter: state: str.")
    if not made.description.strip():
        seen = f"The tool {made.name} has no description: the model would have to guess what it is for."
        raise incorrect("no-description", seen, "The function's docstring becomes the description.")
    for state in STATES:
        asks = Agent("Weather", tools=[made], model_settings=ModelSettings(tool_choice=made.name))
        result, requests = await _ask(submission, asks, state, "A call of the tool", "tool-raises")
        output = next((str(item.output) for item in result.new_items if item.type == "tool_call_output_item"), "")
        if output.startswith("<coroutine"):
            seen = f"Called for {state}, the tool returned {shorten(output, 60)!r}."
            raise incorrect("not-awaited", seen, "Its function has to be `async def`, and to await what it returns.")
        if not requests and TOOL_FAILED not in output:
            seen = f"Called for {state}, the tool returned {shorten(output, 100)!r}; the weather service was not asked."
            raise incorrect("not-asked", seen, "Make it from get_weather_alerts, of activities.py.")
        if requests:
            raise_if_asked_otherwise(requests[-1], state)
        if TOOL_FAILED in output:
            seen = f"Called for {state}, the tool failed: {shorten(output.partition('Error: ')[2] or output, 200)}."
            slip = "Its function raised that, and the model is told of it in place of alerts."
            if "'FunctionTool' object is not callable" in output:
                slip = "Inside its function a tool is called, which only a function can be: is a name used twice?"
            raise incorrect("tool-fails", seen, slip)
        if "FeatureCollection" in output:
            seen = f"Called for {state}, the tool returned all that the service answered: {len(output):,} characters."
            slip = "A model pays for each word that it reads: make it of get_weather_alerts, which picks headlines."
            raise incorrect("raw-answer", seen, slip)
        if not names_one(output, submission.alerts(state)):
            seen = f"Called for {state}, the tool returned {shorten(output, 100)!r}, with no alert of that state in it."
            slip = "Is a `return` missing?" if output == "None" else "get_weather_alerts returns them: make it of that."
            raise incorrect("not-the-alerts", seen, slip)
    return f"The tool {made.name} takes {', '.join(properties)}, and returned the alerts of {' and of '.join(STATES)}."


async def agent(submission: Submission) -> str:
    """The agent: `weather_agent(tool)` of workflows.py, or the notebook's variable `agent`."""
    from agents import Agent, Handoff, function_tool

    made, called = submission.variable, list[str]()
    if made is None:
        if "weather_agent" not in submission.text("workflows.py"):  # it may fail at what was pasted in its place
            seen = "workflows.py has no weather_agent, the function that makes the agent."
            slip = "Keep the rest of that cell as it was given, and write between `# TODO 2` and `# END TODO 2`."
            raise incorrect("no-agent", seen, slip)
        make = getattr(submission.module("workflows"), "weather_agent", None)
        if make is None:
            seen = "workflows.py has no weather_agent."
            raise incorrect("no-agent", seen, "It is the function that makes the agent.")
        given = function_tool(submission.activity()[1])
        invoke = given.on_invoke_tool

        async def noted(context: Any, arguments: str) -> Any:
            called.append(arguments)
            return await invoke(context, arguments)

        given.on_invoke_tool = noted
        try:
            made = make(given)
        except Exception as error:
            raise raised(error, submission.folder, "weather_agent(tool)", "agent-raises") from None
        if inspect.iscoroutine(made):
            made.close()
            seen = "weather_agent(tool) returned a coroutine, not an Agent."
            slip = "Write `def`, not `async def`." if inspect.iscoroutinefunction(make) else "return Agent(...)"
            raise incorrect("not-an-agent", seen, slip)
    if not isinstance(made, Agent):
        seen = f"The agent is of type {type(made).__name__}, not an Agent."
        slip = "Is a `return` missing?" if made is None else "Agent(name=..., ...)"
        lines = [node for node in ast.walk(tree_of(submission.text("workflows.py"))) if isinstance(node, ast.Return)]
        if made is not None and submission.variable is None and lines:
            slip = f"Line {lines[0].lineno} is `{shorten(ast.unparse(lines[0]), 80)}`: return Agent(name=..., ...)."
        if isinstance(made, tuple):
            slip = "A comma after the last bracket makes a tuple: leave it out."
        if inspect.isgenerator(made):
            slip = "`yield` makes a generator of a function: write `return Agent(...)`."
        raise incorrect("not-an-agent", seen, slip)
    if not made.name.strip():
        raise incorrect("no-name", "The agent has no name.", 'Agent(name="...")')
    if made.name == "Nobody" and not made.instructions:
        seen = "It is the agent of the unchanged starter, Nobody, without instructions and tools."
        raise incorrect("no-instructions", seen, 'Does `return Agent(name="Nobody")` still stand above your lines?')
    if not re.search(r"\w", str(made.instructions or "")):
        why, slip = "nothing tells the model what it is for", 'Agent(instructions="...")'
        if made.handoff_description:
            why = f"{shorten(made.handoff_description, 60)!r} is its handoff_description"
            slip = 'That is the second argument of Agent. Name each: Agent(name="...", instructions="...", tools=[...])'
        raise incorrect("no-instructions", f"The agent has no instructions: {why}.", slip)
    if not made.tools:
        instead = any(not isinstance(one, Agent | Handoff) for one in made.handoffs)
        seen = f"The agent has no tools{', but a tool among its handoffs' if instead else ''}: it can only guess."
        raise incorrect("no-tool", seen, "Agent(tools=[weather_tool])")
    result, requests = await _ask(submission, made, "TX", "A run of the agent", "run-raises")
    question = STATES["TX"]
    if not any(item.type == "tool_call_output_item" for item in result.new_items):
        seen = f"Asked {question!r}, it answered without its tool: {shorten(str(result.final_output), 120)!r}."
        slip = "Is it the weather tool, with a description that says what it does?"
        if made.model_settings.tool_choice == "none":
            slip = 'ModelSettings(tool_choice="none") forbids the model to ask for it.'
        raise incorrect("tool-not-called", seen, slip)
    if not requests or (submission.variable is None and not called):
        did = "asked the weather by itself" if requests else "did not ask the weather service"
        seen = f"Asked {question!r}, it called a tool that {did}, and not the one that weather_agent is given."
        if submission.variable is not None:
            seen = f"Asked {question!r}, it called a tool that {did}."
        raise incorrect("not-asked", seen, "Give it the tool that comes in as the argument: tools=[weather_tool].")
    raise_if_asked_otherwise(requests[-1], "TX")
    if len(result.raw_responses) < 2:
        return f"Asked about Texas, {made.name} called its tool, whose text was the answer: no second model call."
    told = made.instructions if isinstance(made.instructions, str) else "its tool"  # a function makes them
    named = any(word in told.lower() for word in ("tool", *(one.name for one in made.tools)))
    guess = "" if named else " Its instructions do not name the tool: a model may guess instead."
    return f"Asked about Texas, {made.name} called its tool and answered from it.{guess}"


async def run(submission: Submission) -> str:
    """`result`: what `await Runner.run(agent, question)` returns."""
    from agents import RunResultStreaming
    from agents.result import RunResultBase

    result = submission.variable
    if inspect.isawaitable(result):
        seen = "result is a task, and what the run returns is not there yet."
        if inspect.iscoroutine(result):
            result.close()
            seen = "result is a coroutine: the run was not even started."
        raise incorrect("not-awaited", seen, "In a notebook write `await Runner.run(...)`.")
    if isinstance(result, str):
        seen = f"result is a string, {shorten(result, 60)!r}, not what a run returns."
        slip = "Keep all that `await Runner.run(agent, question)` returns: its .final_output is the answer."
        raise incorrect("text-only", seen, slip)
    if isinstance(result, BaseException):
        seen = f"result is an exception that was caught: {shorten(f'{type(result).__name__}: {result}', 160)}."
        raise incorrect("exception-kept", seen, "Leave out the `try`, and correct what it says.")
    if not isinstance(result, RunResultBase):
        seen = f"result is of type {type(result).__name__}, not what a run returns."
        if isinstance(result, list | tuple) and any(isinstance(one, RunResultBase) for one in result):
            seen = f"result is a {type(result).__name__}, and what the run returned is in it."
        raise incorrect("not-a-result", seen, "result = await Runner.run(agent, question)")
    if isinstance(result, RunResultStreaming) and (not result.is_complete or result.final_output is None):
        seen = "result is a stream that was not read to its end: the run is not over."
        raise incorrect("not-finished", seen, "Read it: async for event in result.stream_events(): ...")
    if result.input == "question":
        seen = "The agent was asked the word 'question', and not what the variable holds."
        raise incorrect("quoted", seen, "Without quotes: Runner.run(agent, question).")
    asked = str(result.input)  # of a list of messages, as Python writes it
    if not any(question in asked for question in (submission.question, repr(submission.question)[1:-1])):
        seen = f"The agent was asked {shorten(asked, 80)!r}, and `question` is {shorten(submission.question, 80)!r}."
        raise incorrect("other-question", seen, "Runner.run(agent, question): the variable, as it is.")
    runs = _runs(submission.code)
    if runs > 1:
        seen = f"The cell runs the agent {runs} times: each run makes its own model calls, and you keep one of them."
        raise incorrect("run-twice", seen, "Ask once: result = await Runner.run(agent, question).")
    calls = [item for item in result.new_items if item.type == "tool_call_output_item"]
    if not calls:
        seen = f"The run called no tool; its answer was {shorten(str(result.final_output), 120)!r}."
        raise incorrect("tool-not-called", seen, "Ask an agent that has the tool about the weather alerts of a state.")
    if TOOL_FAILED in str(calls[-1].output):
        seen = f"In this run the tool failed: {shorten(str(calls[-1].output), 200)}."
        raise incorrect("tool-fails", seen, "ex.clear() ends a fault; then run the cell again.")
    return f"{count(len(result.raw_responses), 'model call')}, {count(len(calls), 'tool call')}, one answer."


def _runs(code: str) -> int:
    """How many statements of a cell run an agent: of one with branches, such as `try`, only one may have run."""
    try:
        body = ast.parse(dedent(code)).body
    except SyntaxError:  # of IPython's own
        return 0
    statements = [one for one in body if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    return sum(bool(re.search(r"\bRunner\.run(_streamed)?\(", ast.unparse(one))) for one in statements)


async def _ask(
    submission: Submission, agent: Any, state: str, doing: str, code: str
) -> tuple[Any, list[dict[str, Any]]]:
    """A run of an agent that is asked about a state, and the requests to the weather service that it made."""
    from agents import RunConfig, Runner
    from agents.models.openai_provider import OpenAIProvider
    from openai import AsyncOpenAI, BadRequestError, OpenAIError

    before = submission.practice.newest()
    # A client of its own: one that is shared belongs to the event loop that used it first.
    async with AsyncOpenAI(base_url=f"{submission.practice.url}/v1", api_key="practice") as client:
        provider = OpenAIProvider(openai_client=client, use_responses=True)
        config = RunConfig(model_provider=provider, tracing_disabled=True)
        try:
            result = await Runner.run(agent, STATES[state], run_config=config, max_turns=5)
        except BadRequestError as error:  # of what the agent sends
            raise raised(error, submission.folder, doing, code) from None
        except OpenAIError:  # of our own practice model
            raise
        except Exception as error:  # whatever an agent's parts make the SDK raise
            raise raised(error, submission.folder, doing, code) from None
    return result, submission.practice.entries("weather", before)


CHECKS = checks_of("01", {"tool": tool, "agent": agent, "run": run})
