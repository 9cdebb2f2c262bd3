"""Exercise 04, routing: specialists, handoffs, a durable pause, a worker, a starter."""

import importlib
import sys
from functools import partial
from pathlib import Path

from workshop.checks import history
from workshop.checks.check import checks_of
from workshop.checks.ex03 import tool_call
from workshop.checks.learner import raised, shorten
from workshop.checks.verdict import incorrect
from workshop.checks.work import Work
from workshop.checks.worker_and_starter import starter, worker
from workshop.history import HANDOFF, MODEL, TIMER

ENGLISH = "Any weather alerts in Texas?"
QUESTIONS = {
    "French": "Quelles alertes météo au Texas ?",
    "Spanish": "¿Qué avisos meteorológicos hay en Texas?",
    "English": ENGLISH,
}
PAUSE = 0.4  # seconds
FLOWS = Path(__file__).parent / "flows"


async def specialists(work: Work) -> str:
    """An agent for each language, with instructions that say which, and a tool that is an activity."""
    from agents import Agent

    make = getattr(work.module("workflows"), "specialist", None)
    if make is None:
        raise incorrect("no-specialist", "workflows.py has no function specialist.", "def specialist(language): ...")
    instructions = set()
    for language in QUESTIONS:
        try:
            agent = make(language)
        except Exception as error:
            raise raised(error, work.folder, f"specialist({language!r})", "specialist-raises") from None
        if not isinstance(agent, Agent):
            seen = f"specialist({language!r}) returned {type(agent).__name__}, not an Agent."
            raise incorrect("not-an-agent", seen, "Is a `return` missing?")
        if language.lower() not in str(agent.name).lower():
            seen = f"specialist({language!r}) is called {agent.name!r}: triage tells them apart by their names."
            raise incorrect("name-without-language", seen, 'name=f"{language} agent"')
        if not agent.instructions:
            seen = f"{agent.name} has no instructions."
            raise incorrect("no-instructions", seen, 'instructions=f"... in {language}"')
        if not agent.tools:
            raise incorrect("no-tool", f"{agent.name} has no tool: it can only guess.", "tools=[weather_tool]")
        instructions.add(str(agent.instructions))
    if len(instructions) == 1:
        seen = "All specialists have the same instructions: none is told its language."
        raise incorrect("same-instructions", seen, "Put {language} into the instructions.")

    # One of them answers by itself: a workflow of ours runs it without triage.
    sys.path.append(str(FLOWS))
    flow = importlib.import_module("check_specialist").CheckSpecialist
    work.practice.fault("weather", "down", times=1)  # only a call that is retried gets through
    tool_call(await work.run("French", QUESTIONS["French"], workflow=flow))
    return "Each speaks its language, and its tool is an activity."


async def handoffs(work: Work) -> str:
    """Triage hands each question to the specialist of its language."""
    runs = await work.run_each([(question, 0) for question in QUESTIONS.values()])
    for language, run in zip(QUESTIONS, runs, strict=True):
        asked = f"Asked in {language}"
        slip = f"Is a {language} agent among the handoffs?"
        history.raise_if_stuck(run)
        history.raise_if_failed(run)
        taken = [row.name for row in history.of_kind(run, HANDOFF) if row.state == "completed"]
        if not taken:
            models = [row.model for row in run.rows if row.model]
            if models and models[0].handoffs:
                known = ", ".join(agent or name for name, agent in models[0].handoffs)
                seen = f"{asked}, no handoff happened; triage may hand over to: {known}."
                raise incorrect("handoff-missing", seen, slip)
            seen = f"{asked}, no handoff happened: the history has none."
            if answer := next((model.text for model in reversed(models) if model.text), ""):
                seen += f" Triage answered itself: {shorten(answer, 80)!r}."
            raise incorrect("no-handoff", seen, "Give the triage agent handoffs=[...]: words alone hand nothing over.")
        if language.lower() not in taken[-1].lower():
            raise incorrect("other-specialist", f"{asked}, triage handed over to {taken[-1]}.", slip)
        history.raise_if_not_completed(run, asked)
    return "Each of three languages reached its specialist."


async def pause(work: Work) -> str:
    """A timer between triage and specialist."""
    run = await work.run(QUESTIONS["French"], PAUSE)
    history.raise_if_stuck(run)
    slip = "Has each handoff on_handoff=pause, and does pause await workflow.sleep(...)?"
    timers = history.of_kind(run, TIMER)[:1]
    history.raise_if_not_timed(timers, PAUSE, slip, "pause_seconds")
    set_at, models = timers[0].scheduled, history.of_kind(run, MODEL)
    slip = "Pause on the handoff: handoff(agent, on_handoff=pause)."
    if not models or models[0].scheduled > set_at:
        seen = "It pauses before triage has spoken: nothing is done yet that could be lost."
        raise incorrect("pause-too-early", seen, slip)
    if len(models) > 1 and models[1].scheduled < set_at:
        raise incorrect("pause-too-late", "It pauses after the specialist has begun.", slip)
    history.raise_if_not_completed(run, "After the pause")
    return "The timer stands in the history between triage and specialist."


CHECKS = checks_of(
    "04",
    {
        "specialists": specialists,
        "handoffs": handoffs,
        "pause": pause,
        "worker": partial(worker, args=[ENGLISH, 0]),
        "starter": partial(starter, words=[ENGLISH, "--pause", "0.3"], args=[ENGLISH, 0.3]),
    },
)
