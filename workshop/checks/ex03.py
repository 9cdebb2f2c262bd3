"""Exercise 03, the durable agent: activity, tool, workflow, worker, starter; the drill; a kill."""

from workshop.checks import activity, scripts
from workshop.checks.bounds import bounded
from workshop.checks.learner import raised_in_history, raised_in_run, shorten
from workshop.checks.verdict import Check, incorrect
from workshop.checks.work import Work, asked_model, in_trouble
from workshop.history import INLINE_TOOL, MODEL, TOOL, Run

QUESTION = "Any weather alerts in Texas?"
INSIDE = "this tool ran inside the workflow, not as an activity"


async def tool(work: Work) -> str:
    """A tool that is an activity: in the history, and retried."""
    # The first attempt fails: only an activity gets through.
    work.practice.fault("weather", "down", times=1)
    run = await work.run(QUESTION)
    tool_is_an_activity(run)
    bounded(next(row for row in run.rows if row.kind == TOOL), "The tool is an activity")
    return "The tool call is an activity in the history: it failed once, and was tried again."


def tool_is_an_activity(run: Run) -> None:
    """Raises for what is wrong with the tool of a run."""
    inline = next((row for row in run.rows if row.kind == INLINE_TOOL), None)
    if inline:
        refused = f" It could not use the network there: {shorten(inline.last_error, 120)}." if inline.errors else ""
        seen = f"{inline.name}: {INSIDE}.{refused}"
        slip = "No retries, nothing of it in the history. Use activity_as_tool(...) where @function_tool is."
        raise incorrect("tool-in-workflow", seen, slip)
    trouble = in_trouble(run)
    row = next((row for row in run.rows if row.kind == TOOL), None)
    if trouble:
        if asked_model(run) and "from inside a workflow" in trouble.last_error:
            seen = f"{INSIDE[0].upper()}{INSIDE[1:]}, and the sandbox stopped it: {shorten(trouble.last_error, 120)}."
            raise incorrect("tool-in-workflow", seen, "Use activity_as_tool(...) where @function_tool is.")
        raise raised_in_history(trouble, "The workflow", "workflow-fails")
    if row is None and run.status == "failed":
        raise raised_in_run(run)
    if row is None:
        first = next((row.model for row in run.rows if row.kind == MODEL and row.model), None)
        if first is None:
            seen = f"The workflow ended as {run.status}, and asked no model."
            raise incorrect("no-model-call", seen, "Await Runner.run(weather_agent(weather_tool), question).")
        offered = f"offered were: {', '.join(first.tools)}" if first.tools else "none was offered"
        raise incorrect("no-tool", f"The model was asked, and no tool ran; {offered}.", "Is the agent given the tool?")
    if row.state != "completed" and run.status == "failed":
        if row.attempts < 2:
            seen = "The weather service failed once, and the tool was not tried again."
            raise incorrect("no-retries", seen, "Does a RetryPolicy say maximum_attempts=1? Let it try again.")
        raise incorrect("tool-failed", f"The tool failed: {shorten(row.last_error)}.", "See activities.py.")


async def workflow(work: Work) -> str:
    """The agent run by the workflow, its answer returned, its trace grouped by the workflow's ID."""
    run = await work.run(QUESTION)
    trouble = in_trouble(run)
    if trouble:
        raise raised_in_history(trouble, "The workflow", "workflow-fails")
    if run.status == "failed":
        raise raised_in_run(run)
    if run.open:
        raise incorrect("not-finished", "The workflow did not finish.", "What does it wait for?")
    models = [row.model for row in run.rows if row.kind == MODEL and row.model]
    if not models:
        seen = f"The workflow returned {shorten(str(run.result), 80)!r}, and asked no model."
        raise incorrect("no-model-call", seen, "Await Runner.run(...), and return its final_output.")
    if not run.result:
        raise incorrect("no-result", "The workflow ended without a result.", "Return result.final_output.")
    if str(run.result).strip() != models[-1].text.strip():
        seen = f"It returned {shorten(str(run.result), 80)!r}, which is not what the agent said."
        raise incorrect("other-result", seen, "Return result.final_output.")
    groups = [trace.get("group_id") for trace in work.traces]
    if run.workflow_id not in groups:
        had = f"its group is {groups[0]!r}" if groups and groups[0] else "it has no group"
        seen = f"The run left a trace, and {had}: nobody finds the trace of a workflow."
        if not groups:
            seen = "The run left no trace."
        raise incorrect("trace-group", seen, "with trace(..., group_id=workflow.info().workflow_id):")
    return "Two model calls and a tool call, each an event in the history."


async def worker(work: Work) -> str:
    """See `scripts.worker`."""
    return await scripts.worker(work, [QUESTION])


async def starter(work: Work) -> str:
    """See `scripts.starter`."""
    return await scripts.starter(work, QUESTION, [], [QUESTION], agent=True)


async def recovery(work: Work) -> str:
    """See `scripts.recovery`."""
    return await scripts.recovery(work, [QUESTION])


CHECKS = (
    Check(
        "activity",
        "make the weather function an activity",
        "activities.py",
        1,
        (
            "How does a worker know that a function may be run for Temporal?",
            "By a decorator from temporalio's module `activity`.",
            "@activity.defn, in the line above `async def get_weather_alerts`",
        ),
        "As an activity it is retried when it raises, and its result is kept when it does not.",
        activity.look,
    ),
    Check(
        "tool",
        "make a tool of the activity",
        "workflows.py",
        2,
        (
            "In 01 function_tool made a tool of the function. Inside a workflow, who would retry that one?",
            "temporalio.openai_agents.workflow has activity_as_tool: it takes the activity and its time-outs.",
            "weather_tool = activity_as_tool(get_weather_alerts, start_to_close_timeout=timedelta(seconds=...))",
        ),
        "The model sees the same tool as before; behind it Temporal retries and remembers.",
        tool,
        temporal=True,
        needs=(3,),
    ),
    Check(
        "workflow",
        "run the agent, in a trace whose group is the workflow's ID",
        "workflows.py",
        3,
        (
            "What did you write in 01 to ask the agent, and what has to be awaited?",
            "The same: await Runner.run(...). Around it: with trace(name, group_id=...). The ID is in workflow.info().",
            'with trace("Durable agent", group_id=workflow.info().workflow_id): ... await Runner.run(..., question)',
        ),
        "The agent's code is the one of 01: what makes it durable is who runs it.",
        workflow,
        temporal=True,
        needs=(2,),
    ),
    Check(
        "worker",
        "give the worker the plugin, the workflow and the activity",
        "worker.py",
        4,
        (
            "Who makes the model calls now: the workflow, or something that can be retried?",
            "OpenAIAgentsPlugin(model_params=...) on the client makes each model call an activity.",
            "client = await connect(OpenAIAgentsPlugin(model_params=MODEL_CALL)); workflows=[...], activities=[...]",
        ),
        "The plugin turns every model call into an activity: that is why a recorded one is never made again.",
        worker,
        temporal=True,
        programs=1,
    ),
    Check(
        "starter",
        "give the starter the same plugin",
        "starter.py",
        5,
        (
            "Worker and starter exchange data and traces. What must both have, then?",
            "The same plugin, on the client: connect(...) takes plugins.",
            "client = await connect(OpenAIAgentsPlugin())",
        ),
        "Both sides then speak of the same data in the same way, and their traces belong together.",
        starter,
        temporal=True,
        programs=2,
    ),
    Check(
        "fixed",
        "fix the activity after the drill",
        "activities.py",
        None,
        (
            "Which of the two lines in get_weather_alerts is active now?",
            "Comment out the line with make_api_call_bug, uncomment the other one, write the file, restart the worker.",
        ),
        "The worker was replaced, the workflow was not: it went on from where it stood.",
        activity.look,
    ),
    Check(
        "recovery",
        "let a killed worker be noticed soon",
        "worker.py",
        None,
        (
            "A killed worker cannot say so. What does the server have to miss?",
            "Heartbeats: ModelActivityParameters has a heartbeat_timeout.",
            "heartbeat_timeout=timedelta(seconds=3)",
        ),
        "The call in flight at the kill was made again; no recorded one was.",
        recovery,
        temporal=True,
        programs=2,
        doing="kills your worker in a model call and starts another one: about 10 s",
    ),
)
