"""Exercise 03, the durable agent: an activity, a tool, a workflow, a worker and a starter; an outage; a kill.

A check runs the learner's code with services of its own, then reads the history of that run. It raises at the first
slip: a code, what was seen, what to do. Without a slip it returns what was seen. `CHECKS`, at the end, says where each
check is: those of activities.py, worker.py and starter.py are in the files of the same name here, for all exercises.
"""

from functools import partial

from workshop.checks import activity, history, starter, worker
from workshop.checks.check import checks_of
from workshop.checks.learner import shorten, written
from workshop.checks.limits import raise_if_badly_limited
from workshop.checks.submission import Submission
from workshop.checks.verdict import incorrect
from workshop.history import Kind, ModelCall, Row, Run
from workshop.history.agent import SANDBOX_MARK
from workshop.text import count

QUESTION = "Are there weather alerts in Nevada today?"  # in words that nobody would write as a constant


async def tool(submission: Submission) -> str:
    """A tool that is an activity: in the history, and retried."""
    submission.practice.fault("weather", "down", times=1)  # only a call that is retried gets through
    call = tool_call(await submission.run(QUESTION))
    raise_if_swallowed(submission, [call])
    return f"The tool call is an activity in the history: attempt 1 failed, attempt {call.attempts} got the alerts."


def tool_call(run: Run) -> Row:
    """The activity that the tool of a run was; raises where it was none, was not finished, or has odd limits."""
    _raise_if_executed(run)
    inside, stuck, model = history.first(run, Kind.INLINE_TOOL), history.stuck_at(run), history.first(run, Kind.MODEL)
    stopped = inside or (stuck if stuck and model and SANDBOX_MARK in stuck.last_error else None)
    if stopped:
        seen = f"{inside.name if inside else 'The tool'} ran inside the workflow, not as an activity."
        if stopped.errors:
            seen += f" The sandbox stopped it: {shorten(stopped.last_error, 120)}."
        slip = "No retries, nothing of it in the history. Use activity_as_tool(...) where @function_tool is."
        raise incorrect("tool-in-workflow", seen, slip)
    history.raise_if_stuck(run)

    call = history.first(run, Kind.TOOL)
    if not call:
        history.raise_if_failed(run)
        raise_if_no_tool(run, model.model if model else None)
        said = model.model if model else None
        seen = f"The model was offered {', '.join(said.tools) if said else 'no tool'}, and called none."
        slip = "Is it the weather's tool, and is the agent asked the question?"
        if said and said.calls:
            seen, slip = f"The model called {said.calls[0].name}, and it was not run.", "Does it need an approval?"
        elif "tool_choice" in written("workflows.py"):
            slip = "Leave tool_choice out: it may keep the model from calling a tool."
        raise incorrect("no-tool", seen, slip)
    if call.state == "failed":
        history.raise_if_tried_once(call, "tool")
        raise incorrect("tool-failed", f"The tool failed: {shorten(call.last_error)}.", "See activities.py.")
    raise_if_badly_limited(call, "The tool is an activity")
    if call.state != "completed":
        error = f": {shorten(call.last_error)}" if call.errors else ""
        seen = f"The tool's activity is {call.state} after {count(call.attempts, 'attempt')}{error}."
        raise incorrect("tool-failed", seen, "See activities.py." if error else "Does it wait or loop?")
    return call


def raise_if_no_tool(run: Run, model: ModelCall | None) -> None:
    """For a run in which no tool could run: no model was asked, or it was offered none."""
    if not model:
        returned = f" and returned {shorten(str(run.result), 80)!r}" if run.result else ""
        seen = f"The workflow is {run.status}{returned}. It asked no model."
        raise incorrect("no-model-call", seen, "Await Runner.run(...), and return its final_output.")
    if not model.tools:
        seen = "The model was asked, and was offered no tool."
        raise incorrect("no-tool", seen, "Is the agent given the tool, in a list: tools=[weather_tool]?")


def raise_if_swallowed(submission: Submission, calls: list[Row]) -> None:
    """For tools none of which failed, though the weather service did."""
    if all(call.attempts < 2 for call in calls):
        if len(submission.practice.entries("weather")) > len(calls):
            seen = "The weather service answered with status 503, and the activity asked it again by itself."
            raise incorrect("own-retries", seen, "Leave that to Temporal: raise at once, at each attempt.")
        seen = "The weather service answered with status 503, and the activity returned "
        seen += f"{shorten(str(calls[0].output), 80)!r}, at its first attempt."
        slip = "Is an exception caught in activities.py? Only what raises is retried."
        raise incorrect("error-swallowed", seen, slip)


async def workflow(submission: Submission) -> str:
    """The agent run by the workflow, once, with the question; its answer returned; its trace grouped by the ID."""
    run = await submission.run(QUESTION, until=lambda run: len(_begun(run)) > 1 or history.first(run, Kind.CHILD))
    if child := history.first(run, Kind.CHILD):
        seen = f"The workflow started another one, {child.name.partition(' ')[0]}, in place of its agent."
        raise incorrect("no-model-call", seen, "Await Runner.run(weather_agent(weather_tool), question).")
    _raise_if_executed(run)
    history.raise_if_stuck(run)
    history.raise_if_failed(run)
    calls = [row.model for row in history.of_kind(run, Kind.MODEL) if row.model]
    if len(_begun(run)) > 1:
        seen = f"The agent was run more than once: {count(len(calls), 'model call')} for one question."
        raise incorrect("run-twice", seen, "Call Runner.run once, inside the trace, and keep its result.")
    history.raise_if_not_completed(run, "Asked a question")
    raise_if_no_tool(run, calls[0] if calls else None)
    if calls[0].opening.strip() != QUESTION:
        seen = f"The workflow was given {QUESTION!r}, and the agent was asked {shorten(calls[0].opening, 80)!r}."
        raise incorrect("other-question", seen, "Runner.run(agent, question): the variable, without quotes.")
    if not run.result:
        raise incorrect("no-result", "The workflow ended without a result.", "Return result.final_output.")
    if str(run.result).strip() != calls[-1].text.strip():
        seen = f"It returned {shorten(str(run.result), 80)!r}, which is not what the agent said."
        slip, text = "Return result.final_output.", submission.text("workflows.py")
        if "run_streamed(" in text and run.result == "None":
            slip = "run_streamed(...) returns at once, without an answer yet. Write result = await Runner.run(...)."
        elif "except" in text:
            slip += " Is an exception caught in workflows.py that should end the run? Let it through."
        raise incorrect("other-result", seen, slip)
    _raise_if_not_traced(submission, run)
    calls_made = f"{count(run.totals.model_calls, 'model call')} and {count(run.totals.tool_calls, 'tool call')}"
    return f"{calls_made}, each an activity in the history; the trace's group is the workflow's ID."


def _raise_if_executed(run: Run) -> None:
    """For a workflow that does the work of its agent's tool itself."""
    if (executed := history.first(run, Kind.ACTIVITY)) and not history.first(run, Kind.MODEL):
        seen = f"The workflow executed the activity {executed.name} itself, and asked no model."
        slip = "activity_as_tool(get_weather_alerts, ...) only makes the tool; the agent calls it: "
        raise incorrect("no-model-call", seen, f"{slip}await Runner.run(weather_agent(weather_tool), question).")


def _begun(run: Run) -> list[ModelCall]:
    """The first model call of each run of an agent."""
    return [row.model for row in run.rows if row.model and row.model.turn == 1]


def _raise_if_not_traced(submission: Submission, run: Run) -> None:
    """For an agent that ran in no trace, or in one that nobody finds by the workflow's ID."""
    slip = "with trace(..., group_id=workflow.info().workflow_id):"
    around = [trace for trace in submission.traces.values() if trace["agents"]]
    if not around:
        if "disabled=True" in submission.text("workflows.py").replace(" ", ""):
            slip = f"Leave disabled=True out: {slip}"
        raise incorrect("trace-group", "The run left no trace.", slip)
    if all(trace["group_id"] == run.workflow_id for trace in around):
        return
    if any(trace["group_id"] == run.workflow_id for trace in submission.traces.values()):
        seen = "A trace has the workflow's ID as its group, and the agent ran outside of it: that trace is empty."
        slip = "Indent `result = await Runner.run(...)` below the line `with trace(...):`."
        raise incorrect("trace-empty", seen, slip)
    group = next(trace["group_id"] for trace in around if trace["group_id"] != run.workflow_id)
    has = f"its group is {shorten(str(group), 80)!r}" if group else "it has no group"
    has += " (the ID of the run)" if group == run.run_id else ""
    if any(trace["workflow_name"] == "Agent workflow" for trace in around):
        has = "it is the one that the Agents SDK makes by itself, around a run in none"
    raise incorrect("trace-group", f"The run left a trace, and {has}: nobody finds it by the workflow's ID.", slip)


CHECKS = checks_of(
    "03",
    {
        "activity": activity.check,
        "tool": tool,
        "workflow": workflow,
        "worker": partial(worker.check, args=[QUESTION]),
        "starter": partial(starter.check, words=[QUESTION], args=[QUESTION]),
        "fixed": activity.check,
        "recovery": partial(worker.recovery, args=[QUESTION]),
    },
)
