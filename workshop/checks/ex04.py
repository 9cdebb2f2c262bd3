"""Exercise 04, routing: specialists, handoffs, a durable pause, a worker, a starter.

`CHECKS`, at the end, says where each check is: those of worker.py and starter.py are in the files of that name here.
"""

import functools
import importlib
import inspect
import logging
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

from workshop.checks import history, starter, worker
from workshop.checks.check import checks_of
from workshop.checks.ex03 import QUESTION, raise_if_swallowed, tool_call
from workshop.checks.learner import raised, shorten, sleeps
from workshop.checks.submission import Submission
from workshop.checks.verdict import incorrect
from workshop.history import Kind, Run
from workshop.practice.languages import named_in

QUESTIONS = {
    "French": "Quelles alertes météo au Texas ?",
    "Spanish": "¿Qué avisos meteorológicos hay en Texas?",
    "English": QUESTION,
}
PAUSE = 0.4  # seconds
HANDS_OVER = re.compile("(?i)hand|transfer|rout|deleg|forward|refer|direct|pass|send|choose|agent|specialist")
NO_AGENT = {
    "type": "That is a class. Agent(...) makes an agent of it: return Agent(name=...), with ().",
    "generator": "`yield` makes a generator: write `return` in its place.",
    "NoneType": "Is a `return` missing, or a branch for {language}?",
    "tuple": "A comma after the last bracket makes a tuple: leave it out.",
}
FLOWS = Path(__file__).parent / "flows"


async def specialists(submission: Submission) -> str:
    """An agent for each language, with instructions that say which, and a tool that is an activity."""
    from agents import Agent

    make = getattr(submission.module("workflows"), "specialist", None)
    if make is None:
        raise incorrect("no-specialist", "workflows.py has no function specialist.", "def specialist(language): ...")
    for language in QUESTIONS:
        try:
            agent = make(language)
        except Exception as error:
            raise raised(error, submission.folder, f"specialist({language!r})", "specialist-raises") from None
        if not isinstance(agent, Agent):
            seen = f"specialist({language!r}) returned {type(agent).__name__}, not an Agent."
            slip = NO_AGENT.get(type(agent).__name__, "return Agent(name=...)").format(language=language)
            raise incorrect("not-an-agent", seen, slip)
        if language.lower() not in str(agent.name).lower():
            seen = f"specialist({language!r}) is called {agent.name!r}: triage tells them apart by their names."
            slip = f'name=f"{{language}} agent"{_f_missing(agent.name)}'
            if agent.name == "Nobody":  # as the notebook has it
                slip = 'A function ends at its first `return`: delete the line `return Agent(name="Nobody")`.'
            raise incorrect("name-without-language", seen, slip)
        if not agent.instructions:
            seen, slip = f"{agent.name} has no instructions.", 'instructions=f"... in {language}"'
            if agent.handoff_description and "handoff_description=" not in submission.text("workflows.py"):
                seen += f" Its handoff_description is {shorten(agent.handoff_description, 80)!r}."
                slip += ". By position, an Agent takes its handoff_description second."
            raise incorrect("no-instructions", seen, slip)
        if not agent.tools:
            raise incorrect("no-tool", f"{agent.name} has no tool: it can only guess.", "tools=[weather_tool]")
        said = named_in(agent.handoff_description or "")
        if said and said != language.lower():
            seen = f"{agent.name} tells triage {shorten(str(agent.handoff_description), 80)!r}: another language."
            raise incorrect("other-description", seen, "Put {language} into the handoff_description.")

    # Each answers by itself: a workflow of ours runs it without triage.
    sys.path.append(str(FLOWS))
    flow = importlib.import_module("check_specialist").CheckSpecialist
    submission.practice.fault("weather", "down", times=1)  # only a call that is retried gets through
    runs = await submission.run_each(list(QUESTIONS.items()), workflow=flow)
    calls = [tool_call(run) for run in runs]
    # What the model was told: instructions may be a function.
    told = [row.model.instructions for run in runs if (row := history.first(run, Kind.MODEL)) and row.model]
    if len(set(told)) == 1:
        seen = f"All specialists have the same instructions, {shorten(told[0], 80)!r}: each needs its own language."
        raise incorrect("same-instructions", seen, f"Put {{language}} into the instructions{_f_missing(told[0])}.")
    for language, run, text in zip(QUESTIONS, runs, told, strict=True):
        history.raise_if_not_completed(run, f"Asked in {language}")
        named = {named_in(word) for word in re.findall(r"\w+", text)}  # of several, one may be what not to speak
        if language.lower() not in named or named_in(text) not in (language.lower(), None):
            seen = f"The {language} specialist is told {shorten(text, 120)!r}."
            raise incorrect("other-language", seen, f"Its instructions have to say: answer in {language}.")
    for language in QUESTIONS:
        if not (description := make(language).handoff_description):
            seen = f"{language} agent has no handoff_description: triage is not told what it is for."
            raise incorrect("no-description", seen, 'handoff_description=f"Answers in {language}."')
        if "{" in description:
            seen = f"{language} agent tells triage {shorten(description, 80)!r}, with no language in it."
            raise incorrect("other-description", seen, "Put an f before the quotes of handoff_description.")
    raise_if_swallowed(submission, calls)
    return "Each is told its language, and its tool is an activity: when the weather service failed, one was retried."


def _f_missing(text: str) -> str:
    """What to say of a text in which the name of a variable stands for its value."""
    return ", with an f before the quotes" if "{" in text else ""


async def handoffs(submission: Submission) -> str:
    """Triage hands each question to the specialist of its language."""
    from agents import Agent

    logged: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        logged.append(record.getMessage())
        return True

    # Of handoffs that share a name the Agents SDK offers the last one, and only its log says so.
    logging.getLogger("openai.agents").addFilter(note)
    made = _record_handoffs()
    runs = await submission.run_each([(question, PAUSE) for question in QUESTIONS.values()])
    if any(isinstance(options.get("tool_name_override"), Agent) for options in made):
        seen = "handoff(...) is given several agents: it took the second one for the name of its tool."
        raise incorrect("not-a-handoff", seen, "It takes one agent: make a handoff for each.")
    shared = any("name collision" in line for line in logged)
    for language, run in zip(QUESTIONS, runs, strict=True):
        asked = f"Asked in {language}"
        slip = f"Is the specialist for {language} among the handoffs?"
        history.raise_if_stuck(run)
        history.raise_if_failed(run)
        models = [row.model for row in run.rows if row.model]
        if models and models[0].opening.strip() != QUESTIONS[language]:
            seen = f"{asked}, triage was asked {shorten(models[0].opening, 80)!r}."
            raise incorrect("other-question", seen, "Runner.run(triage_agent, question): the variable, without quotes.")
        taken = [row.name for row in history.of_kind(run, Kind.HANDOFF) if row.state == "completed"]
        if not taken:
            if models and models[0].handoffs:
                known = ", ".join(agent or name for name, agent in models[0].handoffs)
                seen = f"{asked}, no handoff happened; triage may hand over to: {known}."
                if any(len((agent or name).split()[0]) < 2 for name, agent in models[0].handoffs):
                    slip = 'A text is taken letter by letter. Several languages: ("French", "Spanish", "English").'
                    raise incorrect("handoff-missing", seen, slip)
                if shared:
                    seen += " Handoffs of the same name count as one."
                    slip = f"Give each specialist a name of its own, with its language. {slip}"
                    raise incorrect("handoffs-share-a-name", seen, slip)
                raise incorrect("handoff-missing", seen, slip)
            seen = f"{asked}, no handoff happened: the history has none."
            if answer := next((model.text for model in reversed(models) if model.text), ""):
                seen += f" The agent that was run answered itself: {shorten(answer, 80)!r}."
            slip = "Give the triage agent handoffs=[...], words alone hand nothing over; and run that agent."
            if made:
                slip = "Handoffs are made, and the agent that was run has none: Runner.run(triage_agent, question)."
            if models and models[0].tools and not made:
                seen += f" It was offered the tools {', '.join(models[0].tools)}."
                slip = "A tool comes back with its answer, a handoff does not: handoffs=[handoff(...), ...], no tools."
            if made and all(options.get("is_enabled") is False for options in made):
                slip = "Leave is_enabled=False out of handoff(...): it hides the handoff from the model."
            raise incorrect("no-handoff", seen, slip)
        if named_in(taken[-1]) != language.lower() and language.lower() not in taken[-1].lower():
            raise incorrect("other-specialist", f"{asked}, triage handed over to {taken[-1]}.", slip)
        history.raise_if_not_completed(run, asked)
        if QUESTIONS[language] not in models[-1].opening:
            seen = f"{asked}, the {taken[-1]} was not given the question, but {shorten(models[-1].opening, 80)!r}."
            raise incorrect("question-lost", seen, "Leave input_filter=... out of the handoff.")
        if not HANDS_OVER.search(models[0].instructions):
            seen = f"Triage is told {shorten(models[0].instructions, 120)!r}: nothing of handing over."
            raise incorrect("other-instructions", seen, "Let it hand each question to the agent of its language.")
    _raise_if_some_pause(runs)
    by_hand = "Handoff(" in submission.text("workflows.py")
    pauses = any(history.first(run, Kind.TIMER) for run in runs)
    if any(not options.get("on_handoff") for options in made) or not (made or by_hand or pauses):
        seen = "The handoffs happened, and nothing runs at one of them: it has no on_handoff."
        raise incorrect("handoff-without-pause", seen, "Make each one by handoff(agent, on_handoff=pause).")
    slept = any(awaited for _, awaited in sleeps(submission.text("workflows.py")))
    if not pauses and (other := next(filter(None, (_other_than_pause(options, slept) for options in made)), "")):
        seen = f"The handoffs happened, and at one of them runs {other}: that is not pause."
        raise incorrect("handoff-without-pause", seen, "Pass the function itself: on_handoff=pause.")
    return "Each of three questions reached the specialist of its language, by a handoff in the history."


def _record_handoffs() -> list[dict[str, Any]]:
    """Lets `agents.handoff` note the options that it is given; of an agent among the handoffs nothing is noted."""
    import agents

    made, make = list[dict[str, Any]](), agents.handoff

    @functools.wraps(make)
    def noted(*args: Any, **options: Any) -> Any:
        one = make(*args, **options)
        made.append(inspect.signature(make).bind(*args, **options).arguments)
        return one

    agents.handoff = agents.handoffs.handoff = noted  # of this process, which ends soon
    return made


def _other_than_pause(options: dict[str, Any], slept: bool) -> str:
    """What runs on a handoff, where it is a function that has nothing to do with `pause`, or, if that would have slept,
    does not call it; else "".
    """
    code = getattr(options.get("on_handoff"), "__code__", None)
    if code is None or code.co_name == "pause" or (not slept and "pause" in (*code.co_freevars, *code.co_names)):
        return ""
    return "a lambda" if code.co_name == "<lambda>" else str(code.co_name)


def _raise_if_some_pause(runs: list[Run]) -> None:
    """For handoffs of which some pause, and some do not."""
    pauses = {language: bool(history.first(run, Kind.TIMER)) for language, run in zip(QUESTIONS, runs, strict=True)}
    without = [language for language, paused in pauses.items() if not paused]
    if without and len(without) < len(pauses):
        seen = f"The handoff to {' and '.join(without)} does not pause, though others do: its run has no timer."
        raise incorrect("handoff-without-pause", seen, "Give each handoff on_handoff=pause, of TODO 2.")


async def pause(submission: Submission) -> str:
    """A timer between triage and specialist, in each language."""
    questions = [(question, PAUSE) for question in QUESTIONS.values()]
    runs = await submission.run_each(questions, until=lambda run: history.sleeps_longer(run, PAUSE))
    for run in runs:
        history.raise_if_stuck(run)
        history.raise_if_failed(run)
    _raise_if_some_pause(runs)
    for language, run in zip(QUESTIONS, runs, strict=True):
        slip = "Has each handoff on_handoff=pause, and does pause await workflow.sleep(...)?"
        for sleep, awaited in sleeps(submission.text("workflows.py"))[:1]:
            slip = f"Line {sleep.lineno} of workflows.py calls a sleep without `await` before it, which does not wait."
            if awaited:
                slip = f"Line {sleep.lineno} of workflows.py, with the sleep, was not reached: has each handoff "
                slip += "on_handoff=pause, and does nothing stand before that line that keeps it from being run?"
        timers = history.of_kind(run, Kind.TIMER)
        history.raise_if_not_timed(timers[:1], PAUSE, slip, "pause_seconds")
        timer, models = timers[0], history.of_kind(run, Kind.MODEL)
        slip = "Pause on the handoff: handoff(agent, on_handoff=pause)."
        if not models or models[0].scheduled > timer.scheduled:
            seen = "It pauses before triage has spoken: nothing is done yet that could be lost."
            raise incorrect("pause-too-early", seen, slip)
        if len(models) > 1 and models[1].scheduled < timer.scheduled:
            raise incorrect("pause-too-late", "It pauses after the specialist has begun.", slip)
        if timer.closed is None or (len(models) > 1 and models[1].scheduled < timer.closed):
            seen = "It set a timer, and went on without waiting for it: the specialist began before it was over."
            raise incorrect("pause-not-awaited", seen, "Await it: await workflow.sleep(pause_seconds).")
        if len(timers) > 1:
            seen = f"Asked to wait {PAUSE} s, it set {len(timers)} timers."
            raise incorrect("other-length", seen, "Sleep once, for pause_seconds.")
        history.raise_if_failed(run)
        history.raise_if_not_completed(run, f"Asked in {language}, after the pause")
    return f"Asked in three languages, a timer of {PAUSE} s stands in each history, between triage and specialist."


CHECKS = checks_of(
    "04",
    {
        "specialists": specialists,
        "handoffs": handoffs,
        "pause": pause,
        "worker": partial(worker.check, args=[QUESTION, 0]),
        "starter": partial(starter.check, words=[QUESTION, "--pause", "0.3"], args=[QUESTION, 0.3]),
    },
)
