"""Slips that are known by their error: what its text looks like, and what to do."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Slip:
    """`pattern` is searched in "Type: message"; `code` names it; `slip` is the likely slip and its remedy."""

    code: str
    pattern: str
    slip: str


RUN_SYNC = Slip(
    "run-sync-in-notebook",
    r"(run_sync\(\)|asyncio\.run\(\)) cannot be called|event loop is (already )?running",
    "A notebook's event loop runs already: in a notebook write `await Runner.run(...)`.",
)
SLIPS = (
    RUN_SYNC,
    Slip("run-sync", r"do not support synchronous model calls", "Write `await Runner.run(...)`."),
    Slip(
        "no-timeout",
        r"start_to_close_timeout or schedule_to_close_timeout|at least one of",
        "An activity needs start_to_close_timeout=timedelta(...): without it nobody would notice a lost worker.",
    ),
    Slip("no-run-method", r"Missing @workflow\.run", "Put @workflow.run above the method that runs the workflow."),
    Slip("not-async", r"activity_executor must be present|is not async", "Write it as `async def`."),
    Slip(
        "nothing-registered",
        r"At least one activity.*must be specified",
        "Give the Worker workflows=[...] and activities=[...].",
    ),
    Slip(
        "activity-not-decorated",
        r"missing attributes, was it decorated with @activity\.defn|not an activity|Activity .* missing",
        "activities=[...] takes the function itself, without (), and it has @activity.defn above it.",
    ),
    Slip(
        "workflow-not-decorated",
        r"missing attributes, was it decorated with @workflow\.defn|not a workflow",
        "workflows=[...] takes the class itself, without (), and it has @workflow.defn above it.",
    ),
    Slip(
        "plugin-is-a-class",
        r"Plugin\.\w+\(\) missing \d required positional argument",
        "connect(...) takes a plugin that is made: OpenAIAgentsPlugin(...), with ().",
    ),
    Slip(
        "plugin-by-name",
        r"\bconnect\(\) got an unexpected keyword",
        "connect(...) of connection.py takes the plugin itself: connect(OpenAIAgentsPlugin(...)).",
    ),
    Slip("tools-no-list", r"tools must be a list", "tools=[...] takes a list, of one tool too: tools=[weather_tool]."),
    Slip(
        "agent-keyword",
        r"Agent\.__init__\(\) got an unexpected keyword",
        "An Agent takes name, instructions, tools=[...], handoffs=[...]: check the spelling.",
    ),
    Slip(
        "several-arguments",
        r"\b(start|execute)_\w+\(\) takes .* positional arguments? but",
        "Several arguments of a workflow or activity go into args=[...].",
    ),
    Slip(
        "not-deterministic",
        r"Cannot access (time|datetime|random|uuid|secrets|os\.urandom)\b\S* from inside a workflow",
        "A workflow must do the same again when it is replayed: use workflow.sleep(), workflow.now(), "
        "workflow.random() or workflow.uuid4().",
    ),
    Slip(
        "sandbox",
        r"Cannot access \S+ from inside a workflow",
        "Network and files belong in an activity. What activities.py imports goes through "
        "`with workflow.unsafe.imports_passed_through():`.",
    ),
    Slip(
        "activity-missing",
        r"Activity function .* is not registered",
        "Add the activity to activities=[...] of the Worker.",
    ),
    Slip(
        "workflow-missing",
        r"Workflow class .* is not registered",
        "Add the workflow's class to workflows=[...] of the Worker.",
    ),
    Slip(
        "not-awaited",
        r"coroutine.*(not JSON serializable|was never awaited)|ActivityHandle.*not JSON|'coroutine' object has no"
        r"|Unable to serialize unknown type: <class '(coroutine|.*ActivityHandle)'>",
        "An `await` is missing before the call.",
    ),
    Slip("await-too-many", r"can't be used in 'await' expression", "That call gives its result at once: no `await`."),
    Slip(
        "not-a-timedelta",
        r"'(int|float)' object has no attribute '\w*(total_seconds|microseconds|days)'|Duration",
        "Lengths of time are timedelta(seconds=...) here.",
    ),
    Slip(
        "id-not-unique",
        r"Workflow execution already started|WorkflowAlreadyStarted",
        "Two questions must not share a workflow ID: put something unique into it, such as uuid4().hex.",
    ),
    Slip(
        "called-directly",
        r"^NotImplementedError",
        "A workflow cannot use the network itself: let it await workflow.execute_activity(...).",
    ),
    Slip(
        "another-sleep",
        r"NameError: name '(time|asyncio)' is not defined",
        "The sleep of a workflow is workflow.sleep(...): the server keeps that timer. Elsewhere an import is missing.",
    ),
    Slip("name-unknown", r"NameError: name '\w+' is not defined", "A name is misspelt, or its import is missing."),
    Slip(
        "nothing-there",
        r"'NoneType' object",
        "Something there is None: is a TODO above it not done, or a `return` or an assignment missing?",
    ),
    Slip("no-such-module", r"No module named", "Check the spelling of the import."),
    Slip("no-such-name", r"cannot import name", "Check the spelling of the name in the import and in that file."),
    Slip("syntax", r"^(SyntaxError|IndentationError|TabError)", "Python cannot read this line or the one before it."),
)


def slip_of(text: str) -> Slip | None:
    """The first known slip that an error's "Type: message" matches."""
    return next((slip for slip in SLIPS if re.search(slip.pattern, text)), None)
