"""Exercise 04, routing: specialists, handoffs, a durable pause, worker, starter."""

import asyncio
import importlib
import sys
from pathlib import Path
from uuid import uuid4

from workshop.checks import scripts
from workshop.checks.ex03 import tool_is_an_activity
from workshop.checks.learner import raised, raised_in_history, raised_in_run, shorten
from workshop.checks.verdict import Check, incorrect
from workshop.checks.work import Work, in_trouble, start
from workshop.history import HANDOFF, MODEL, TIMER, Run

QUESTIONS = {
    "French": "Quelles alertes météo au Texas ?",
    "Spanish": "¿Qué avisos meteorológicos hay en Texas?",
    "English": "Any weather alerts in Texas?",
}
PAUSE = 0.4  # seconds
FLOWS = Path(__file__).parent / "flows"


async def specialists(work: Work) -> str:
    """An agent for each language, with instructions that say which, and the tool."""
    from agents import Agent

    make = getattr(work.module("workflows"), "specialist", None)
    if make is None:
        raise incorrect("no-specialist", "workflows.py has no function specialist.", "def specialist(language): ...")
    told = {}
    for language in QUESTIONS:
        try:
            agent = make(language)
        except Exception as error:
            raise raised(error, work.folder, f"specialist({language!r})", "specialist-raises") from None
        if not isinstance(agent, Agent):
            seen = f"specialist({language!r}) gives {type(agent).__name__}, not an Agent."
            raise incorrect("not-an-agent", seen, "Is a `return` missing?")
        if language.lower() not in str(agent.name).lower():
            seen = f"specialist({language!r}) is called {agent.name!r}: triage tells them apart by their names."
            raise incorrect("name-without-language", seen, 'name=f"{language} agent"')
        told[language] = str(agent.instructions or "")
        if not told[language]:
            raise incorrect(
                "no-instructions", f"{agent.name} has no instructions.", 'instructions=f"... in {language}"'
            )
        if not agent.tools:
            raise incorrect("no-tool", f"{agent.name} has no tool: it can only guess.", "tools=[weather_tool]")
    if len(set(told.values())) == 1:
        seen = "All specialists have the same instructions: none is told its language."
        raise incorrect("same-instructions", seen, "Put {language} into the instructions.")
    sys.path.append(str(FLOWS))
    flow = importlib.import_module("check_specialist").CheckSpecialist
    work.practice.fault("weather", "down", times=1)
    run = await work.run("French", QUESTIONS["French"], workflow=flow)
    tool_is_an_activity(run)
    return "Each speaks its language, and its tool is an activity."


async def handoffs(work: Work) -> str:
    """Triage hands each question to the specialist of its language."""
    runs = await _ask(work, QUESTIONS, 0)
    for language, run in runs.items():
        trouble = in_trouble(run)
        if trouble:
            raise raised_in_history(trouble, "The workflow", "workflow-fails")
        taken = [row.name for row in run.rows if row.kind == HANDOFF and row.state == "completed"]
        if run.status == "failed":
            raise raised_in_run(run)
        model = next((row.model for row in run.rows if row.model), None)
        if not taken and model and model.handoffs:
            known = ", ".join(agent or name for name, agent in model.handoffs)
            seen = f"Asked in {language}, no handoff happened; triage may hand over to: {known}."
            raise incorrect("handoff-missing", seen, f"Is a {language} agent among the handoffs?")
        if not taken:
            seen = f"Asked in {language}, no handoff happened: the history has none."
            answer = next((row.model.text for row in reversed(run.rows) if row.model and row.model.text), "")
            if answer:
                seen += f" Triage answered itself: {shorten(answer, 80)!r}."
            raise incorrect("no-handoff", seen, "Give the triage agent handoffs=[...]: words alone hand nothing over.")
        if language.lower() not in taken[-1].lower():
            seen = f"Asked in {language}, triage handed over to {taken[-1]}."
            raise incorrect("other-specialist", seen, f"Is a {language} agent among the handoffs?")
        if run.status != "completed":
            raise incorrect(
                "not-finished", f"Asked in {language}, the workflow is {run.status}. {shorten(run.failure)}"
            )
    return "Each of three languages reached its specialist."


async def pause(work: Work) -> str:
    """A timer between triage and specialist."""
    run = (await _ask(work, {"French": QUESTIONS["French"]}, PAUSE))["French"]
    trouble = in_trouble(run)
    if trouble:
        raise raised_in_history(trouble, "The workflow", "workflow-fails")
    models = [row for row in run.rows if row.kind == MODEL]
    timers = [row for row in run.rows if row.kind == TIMER]
    if not timers:
        seen = f"Asked to pause for {PAUSE} s, the workflow has no timer in its history."
        raise incorrect(
            "no-timer", seen, "Has each handoff on_handoff=pause, and does pause await workflow.sleep(...)?"
        )
    if timers[0].asked != f"{PAUSE} s":
        seen = f"Asked to pause for {PAUSE} s, it set a timer of {timers[0].asked}."
        raise incorrect("other-length", seen, "Sleep for pause_seconds.")
    if not models or models[0].scheduled > timers[0].scheduled:
        seen = "It pauses before triage has spoken: nothing is done yet that could be lost."
        raise incorrect("pause-too-early", seen, "Pause on the handoff: handoff(agent, on_handoff=pause).")
    if len(models) > 1 and models[1].scheduled < timers[0].scheduled:
        seen = "It pauses after the specialist has begun."
        raise incorrect("pause-too-late", seen, "Pause on the handoff: handoff(agent, on_handoff=pause).")
    if run.status != "completed":
        raise incorrect("not-finished", f"After the pause, the workflow is {run.status}. {shorten(run.failure)}")
    return "The timer stands in the history between triage and specialist."


async def _ask(work: Work, questions: dict[str, str], seconds: float) -> dict[str, Run]:
    """Runs the learner's workflow for several questions at once."""
    cls, queue = work.workflow(), f"check-{uuid4().hex[:8]}"
    client = await work.serve(queue, [cls])
    ids = [await start(client, cls, queue, [question, seconds]) for question in questions.values()]
    runs = await asyncio.gather(*(work.follow(client, workflow_id) for workflow_id in ids))
    return dict(zip(questions, runs, strict=True))


async def worker(work: Work) -> str:
    """See `scripts.worker`."""
    return await scripts.worker(work, [QUESTIONS["English"], 0])


async def starter(work: Work) -> str:
    """See `scripts.starter`."""
    question = QUESTIONS["English"]
    return await scripts.starter(work, question, ["--pause", "0.3"], [question, 0.3], agent=True)


CHECKS = (
    Check(
        "specialists",
        "make an agent for a language",
        "workflows.py",
        1,
        (
            "What must a French specialist know that a Spanish one must not?",
            "Agent(name=..., handoff_description=..., instructions=..., tools=[...]), with {language} in the texts.",
            'Agent(name=f"{language} agent", instructions=f"..., always in {language}.", tools=[weather_tool], ...)',
        ),
        "A specialist is an ordinary agent; triage sees only its name and its handoff description.",
        specialists,
        temporal=True,
    ),
    Check(
        "handoffs",
        "let triage hand over to each specialist",
        "workflows.py",
        2,
        (
            "How does the triage agent know to whom it may hand over?",
            "Agent(..., handoffs=[...]) takes agents, or handoff(agent, on_handoff=...).",
            "handoffs=[handoff(specialist(language), on_handoff=pause) for language in (...)]",
        ),
        "A handoff is a tool call that the model makes; an agent that only says it hands over does nothing.",
        handoffs,
        temporal=True,
        needs=(1,),
    ),
    Check(
        "pause",
        "pause between triage and specialist, durably",
        "workflows.py",
        3,
        (
            "Which sleep outlives a worker that is killed meanwhile?",
            "workflow.sleep, awaited in the function that runs on the handoff.",
            "await workflow.sleep(timedelta(seconds=...))",
        ),
        "In the pause nobody has to be alive: the timer is the server's, triage's answer is in the history.",
        pause,
        temporal=True,
        needs=(1, 2),
    ),
    Check(
        "worker",
        "give the worker the plugin, the workflow and the activity",
        "worker.py",
        4,
        (
            "What did the worker of 03 have that yours has not?",
            "The plugin on the client, workflows=[...] and activities=[...].",
            "connect(OpenAIAgentsPlugin(model_params=MODEL_CALL)); workflows=[...], activities=[get_weather_alerts]",
        ),
        "Agents are code of the workflow: three of them need no more workers than one.",
        worker,
        temporal=True,
        programs=1,
    ),
    Check(
        "starter",
        "start the workflow with question and pause",
        "starter.py",
        5,
        (
            "The workflow takes two arguments. How do both get there?",
            "client.start_workflow(AgentRouting.run, args=[..., ...], id=..., task_queue=TASK_QUEUE)",
            "args=[question, pause_seconds], and connect(OpenAIAgentsPlugin())",
        ),
        "The starter knows nothing of agents and languages: it hands a question over and waits.",
        starter,
        temporal=True,
        programs=2,
    ),
)
