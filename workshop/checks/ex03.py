"""Exercise 03, the durable agent: an activity, a tool, a workflow, a worker and a starter; an outage; a kill.

A check runs the learner's code with services of its own, then reads the history of that run. It raises at the first
slip: a code, what was seen, what to do. Without a slip it returns what was seen. `CHECKS` below has them all.
"""

from functools import partial

from workshop.checks import activity, history
from workshop.checks.check import checks_of
from workshop.checks.learner import shorten
from workshop.checks.verdict import incorrect
from workshop.checks.work import Work
from workshop.checks.worker_and_starter import recovery, starter, worker
from workshop.history import INLINE_TOOL, MODEL, TOOL, Row, Run
from workshop.history.agent import SANDBOX_MARK

QUESTION = "Any weather alerts in Texas?"


async def tool(work: Work) -> str:
    """A tool that is an activity: in the history, and retried."""
    work.practice.fault("weather", "down", times=1)  # only a call that is retried gets through
    run = await work.run(QUESTION)
    history.raise_if_badly_limited(tool_call(run), "The tool is an activity")
    return "The tool call is an activity in the history: it failed once, and was tried again."


def tool_call(run: Run) -> Row:
    """The activity that the tool of a run was, whose first attempt failed; raises where it was none."""
    slip = "No retries, nothing of it in the history. Use activity_as_tool(...) where @function_tool is."
    inside = history.first(run, INLINE_TOOL)
    if inside:
        refused = f" It could not use the network there: {shorten(inside.last_error, 120)}." if inside.errors else ""
        seen = f"{inside.name}: this tool ran inside the workflow, not as an activity.{refused}"
        raise incorrect("tool-in-workflow", seen, slip)
    stuck, model = history.stuck_at(run), history.first(run, MODEL)
    if stuck and model and SANDBOX_MARK in stuck.last_error:
        refused = shorten(stuck.last_error, 120)
        seen = f"This tool ran inside the workflow, not as an activity, and the sandbox stopped it: {refused}."
        raise incorrect("tool-in-workflow", seen, slip)
    history.raise_if_stuck(run)

    call = history.first(run, TOOL)
    if not call:
        history.raise_if_failed(run)
        if not model or not model.model:
            seen = f"The workflow ended as {run.status}, and asked no model."
            raise incorrect("no-model-call", seen, "Await Runner.run(weather_agent(weather_tool), question).")
        tools = f"it was offered {', '.join(model.model.tools)}" if model.model.tools else "it was offered none"
        raise incorrect("no-tool", f"The model was asked, and no tool ran; {tools}.", "Is the agent given the tool?")
    if call.state != "completed" and run.status == "failed":
        history.raise_if_tried_once(call, "tool")
        raise incorrect("tool-failed", f"The tool failed: {shorten(call.last_error)}.", "See activities.py.")
    return call


async def workflow(work: Work) -> str:
    """The agent run by the workflow, its answer returned, its trace grouped by the workflow's ID."""
    run = await work.run(QUESTION)
    history.raise_if_stuck(run)
    history.raise_if_failed(run)
    history.raise_if_not_completed(run, "Asked a question")

    answers = [row.model for row in history.of_kind(run, MODEL) if row.model]
    if not answers:
        seen = f"The workflow returned {shorten(str(run.result), 80)!r}, and asked no model."
        raise incorrect("no-model-call", seen, "Await Runner.run(...), and return its final_output.")
    if not run.result:
        raise incorrect("no-result", "The workflow ended without a result.", "Return result.final_output.")
    if str(run.result).strip() != answers[-1].text.strip():
        seen = f"It returned {shorten(str(run.result), 80)!r}, which is not what the agent said."
        raise incorrect("other-result", seen, "Return result.final_output.")

    groups = [trace.get("group_id") for trace in work.traces]
    slip = "with trace(..., group_id=workflow.info().workflow_id):"
    if not groups:
        raise incorrect("trace-group", "The run left no trace.", slip)
    if run.workflow_id not in groups:
        group = f"its group is {groups[0]!r}" if groups[0] else "it has no group"
        raise incorrect(
            "trace-group", f"The run left a trace, and {group}: nobody finds it by the workflow's ID.", slip
        )
    return "Two model calls and a tool call, each an event in the history."


CHECKS = checks_of(
    "03",
    {
        "activity": activity.look,
        "tool": tool,
        "workflow": workflow,
        "worker": partial(worker, args=[QUESTION]),
        "starter": partial(starter, words=[QUESTION], args=[QUESTION]),
        "fixed": activity.look,
        "recovery": partial(recovery, args=[QUESTION]),
    },
)
