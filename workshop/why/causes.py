"""What a run's rows and the pollers of its task queue say: each function looks for one kind of trouble."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import metadata
from pathlib import Path

from workshop.exercises import EXERCISES
from workshop.history import ACTIVITIES, AGENT_AS_TOOL, PAUSED, ChainedError, Kind, Row, Run, as_text, place_of, root
from workshop.shown import Item, Shown
from workshop.temporal import Pollers, folder_of, gone
from workshop.text import Advice, count, printable, shorten, span, told
from workshop.why.remedies import RESTART, START_WORKER, WORKER, Remedy, recognise

SLACK = 1.0  # seconds; heartbeats are sent in batches, and clocks differ
SHOWN = 300  # characters of a result
LONG_WAIT = 120.0  # seconds; OpenAI's own client does not wait longer for a server that asks it to
LONG_HISTORY, MANY_EVENTS = 10 * 2**20, 10_240  # bytes, events: from here on the server warns in its log
PICKUP = 2.0  # seconds; a live worker takes a task within milliseconds


@dataclass(frozen=True)
class Diagnosis:
    """`kind` is a stable name for programs, the rest are texts for a person, in their order."""

    kind: str
    what: str
    why: str = ""
    next_step: str | Advice = ""
    notes: tuple[str | Advice, ...] = ()
    service: str = ""  # `model` or `weather` if it is in trouble: in practice mode perhaps on purpose

    def lines(self, notebook: bool = False) -> list[str]:
        """The diagnosis as lines of text for a terminal or a notebook, verbatim: no markup, no control characters."""
        return [printable(f"{label}: {text}" if label else text) for label, text in self._parts(notebook)]

    def shown(self, notebook: bool = False) -> Shown:
        """The same for a person."""
        return Shown([Item(text, label) for label, text in self._parts(notebook)])

    def _parts(self, notebook: bool) -> list[tuple[str, str]]:
        notes = [("Also", told(note, notebook)) for note in self.notes]
        parts = [("", self.what), ("Why", self.why), *notes, ("Next", told(self.next_step, notebook))]
        return [(label, text) for label, text in parts if text]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def also(self, note: str | Advice) -> "Diagnosis":
        """The same with one more note."""
        return replace(self, notes=(*self.notes, note))


def ended(run: Run) -> Diagnosis:
    """How a run ended, and what in it was not as it should be."""
    what = f"{run.workflow_id} is over: {run.status} after {span(run.duration or 0)}."
    if run.status == "completed":
        return _completed(run, what)
    if run.status in ("failed", "timed out"):
        return _failed(run, what)
    if run.status == "continued as new":
        step = Advice(f"workshop audit {run.workflow_id}", "ex.audit()")
        return Diagnosis(run.status, what, "It goes on in a new run.", step)
    remedy = recognise((ChainedError(run.status, run.reason),))
    if remedy and remedy.kind == "history too long":  # whatever else is said there, a person has said
        return Diagnosis(remedy.kind, what, remedy.why, remedy.next_step(over=True))
    reason = f"somebody ended it{f', saying: {shorten(run.reason)}' if run.reason else ''}."
    return Diagnosis(run.status, what, reason, "start again if you still want the answer")


def besides(run: Run) -> Iterator[str]:
    """What else is wrong with a run, whatever it waits for."""
    finished = "await workflow.wait_condition(workflow.all_handlers_finished)"
    if lost := [row for row in run.rows if row.kind == Kind.UPDATE and row.state == "cancelled"]:
        yield (
            f"{count(len(lost), 'update')} accepted and never answered, such as {lost[0].name} "
            f"{shorten(lost[0].asked, 60)}: its run was over before. Before a run ends or continues as new: {finished}."
        )
    if failed := [row for row in run.rows if row.kind == Kind.UPDATE and row.state == "failed"]:
        last = failed[-1]
        error = f"{last.name} {shorten(last.asked, 60)}: {_brief(last.errors)}"
        yield f"{count(len(failed), 'update')} failed, the last one {error}. Who sent it was told."
    if run.open and run.sizes and (run.sizes[-1] > LONG_HISTORY or run.events[-1] > MANY_EVENTS):
        size = f"{run.sizes[-1] / 2**20:.0f} MiB and {run.events[-1]:,} events"
        yield f"Its history has {size}: let it continue as new. At 50 MiB or 51,200 events the server ends it."


def _completed(run: Run, what: str) -> Diagnosis:
    result = as_text(run.result)
    # The whole of it is in the audit.
    answer = f"Its result: {result[:SHOWN]}{'…' * (len(result) > SHOWN)}" if result else "It has no result."
    inline = [row for row in run.rows if row.kind == Kind.INLINE_TOOL]
    agent = next((row for row in inline if AGENT_AS_TOOL in row.notes and row.errors), None)
    if agent:
        what = f"{what} But {agent.name}, an agent used as a tool, failed inside, and the model was told so as text."
        calls = [row for row in run.rows if row.kind in ACTIVITIES and row.state in ("failed", "timed out")]
        lost = calls[-1] if calls else agent
        tried = f", after {count(lost.attempts, 'attempt')}" if lost.attempts else ""
        reason = f"{named(lost).capitalize()} failed{tried}: {_brief(lost.errors)}"
        step = "to have the run fail instead, or to say it in your words: as_tool(..., failure_error_function=...)"
        return Diagnosis("tool failed inside", what, reason, step, (answer,))
    inline = [row for row in inline if AGENT_AS_TOOL not in row.notes]
    refused = next((row for row in inline if row.errors), None)
    remedy = recognise(refused.errors) if refused else None
    if refused and remedy:
        what = f"{what} But its tool {refused.name} could not run, and the model had to do without it."
        advice = remedy.next_step(over=True)
        return Diagnosis(remedy.kind, what, remedy.why, advice, (answer,), _service(remedy, refused))
    nameless = next((row.model.nameless for row in run.rows if row.model and row.model.nameless), [])
    if nameless and not any(row.kind == Kind.HANDOFF for row in run.rows):
        offered = ", ".join(name for row in run.rows if row.model for name, _ in row.model.handoffs)
        reason = f"There was no handoff. A handoff's name keeps Latin letters only, and so none of {nameless[0]}"
        reason += f" ({offered}), and of several with the same name the model is offered only one."
        step = "give each handoff a tool_name_override in Latin letters, restart the worker, start again"
        return Diagnosis("handoffs share a name", f"{what}\n{answer}", reason, step)
    if inline:
        names = ", ".join(dict.fromkeys(row.name for row in inline))
        note = f"{names} ran inside the workflow: no activity, so no retries and nothing of it in the history."
        return Diagnosis("completed", f"{what}\n{answer}", "", "make it an activity: activity_as_tool(...)", (note,))
    return Diagnosis("completed", f"{what}\n{answer}")


def _failed(run: Run, what: str) -> Diagnosis:
    last = next((row for row in reversed(run.rows) if row.errors and not row.open), None)
    errors = run.errors or (last.errors if last else ())
    remedy = _remedy(last) if last and last.errors == errors else recognise(errors)
    notes = [f"The last error: {_brief(errors)}"] if errors else []
    if remedy and remedy.kind == "wrong arguments" and last:
        notes.append(f"{named(last).capitalize()} was given: {shorten(last.asked) or 'nothing'}")
    model = next((row.model for row in reversed(run.rows) if row.model), None)
    if remedy and remedy.kind == "unknown tool" and model:
        notes.insert(0, f"It was offered: {', '.join(model.offered) or 'no tools'}.")
    if last and last.attempts > 1:
        notes.append(f"{named(last).capitalize()} was tried {last.attempts} times.")
    if remedy:
        advice = remedy.next_step(over=True)
        return Diagnosis(remedy.kind, what, remedy.why, advice, tuple(notes), _service(remedy, last))
    if run.status == "timed out":
        reason = "The time that its starter allowed ran out."
        return Diagnosis(run.status, what, reason, "start again, with more time", tuple(notes))
    step = "fix the cause, restart the worker, start again"
    return Diagnosis("failed", what, _at(_brief(errors), errors), step, tuple(notes[1:]))


def paused(row: Row, run: Run, workers: Pollers, now: datetime) -> Diagnosis | None:
    """An activity that somebody holds back."""
    if PAUSED not in row.notes:
        return None
    what = f"{run.workflow_id} waits: {named(row)} is paused."
    return Diagnosis("paused", what, "Somebody paused it.", "resume it: temporal activity unpause")


def failing_task(run: Run, workers: Pollers) -> Diagnosis | None:
    """A workflow task that fails again and again: a mistake in the workflow's code, or in what the worker knows."""
    row = next((row for row in run.rows if row.kind == Kind.TASK_FAILURE and row.open), None)
    if row is None:
        return None
    what = f"{run.workflow_id} hangs: its workflow code fails, {count(row.attempts, 'time')} so far."
    remedy = _remedy(row)
    notes = [
        "What it has done so far is kept and not done again.",
        "After the restart it can take up to 10 s until the server offers it again.",
    ]
    if not workers.workflows:
        notes.append(f"No worker polls {run.task_queue} now.")
    given = f"The workflow {run.type} was given: {shorten(as_text(run.input)) or 'nothing'}"
    if remedy and remedy.kind == "wrong arguments":
        notes = [given]
    if remedy is None and not isinstance(run.input, str):  # as a solution's starter gives it, or for several arguments
        notes.insert(0, given)
    if remedy and remedy.kind == "non-determinism":
        notes = [*_both_steps(run, row.errors), *_installed_since(run), *notes]
    if remedy:
        return Diagnosis(remedy.kind, what, _at(remedy.why, row.errors), remedy.next_step(), tuple(notes))
    where = f"correct {row.place.shown}, line {row.place.line}," if row.place else "fix the code"
    reason = _at(_brief(row.errors), row.errors)
    return Diagnosis("workflow task failing", what, reason, f"{where} and {RESTART}", tuple(notes))


def _remedy(row: Row) -> Remedy | None:
    """The remedy for a row's errors. A call with wrong arguments in a person's own code is that code's own error."""
    remedy = recognise(row.errors)
    return None if remedy and remedy.kind == "wrong arguments" and row.place else remedy


def _service(remedy: Remedy, row: Row | None) -> str:
    """Whose trouble a row's error is, if it is a service's."""
    return "" if row is None or not remedy.upstream else "model" if row.kind == Kind.MODEL else "weather"


def _both_steps(run: Run, errors: Sequence[ChainedError]) -> list[str]:
    """What the history holds and what the code wants in its place, as far as Temporal's error names them."""
    text = "\n".join(link.message for link in errors)
    if names := re.search(r"(\w[\w ]*) of scheduled event '([^']*)' does not match .* command '([^']*)'", text):
        return [f"The history has {names[1].lower()} {names[2]}; the code now has {names[3]} in its place."]
    at = re.search(
        r"(?:([A-Z][\w ]*) machine does not handle this event|No command scheduled for event):? "
        r"HistoryEvent(?:\(id: | { event_id: )(\d+)",
        text,
    )
    if not at:
        return []
    row = next((row for row in run.rows if row.event == int(at[2])), None)
    step = f"{row.kind} {row.name}" if row and row.name != row.kind else row.kind if row else "another step"
    wanted = f"a step of another kind: {at[1].lower()}" if at[1] else "nothing"
    return [f"The history has {step} (event {at[2]}); the code now has {wanted} in its place."]


def _installed_since(run: Run) -> list[str]:
    """Packages of workflow code that were installed here after the run began."""
    found = []
    for name in ("temporalio", "temporalio-openai-agents", "openai-agents"):
        package = metadata.distribution(name)
        record = next((file for file in package.files or () if file.name == "RECORD"), None)
        if record and Path(str(record.locate())).stat().st_mtime > run.started.timestamp():
            found.append(f"{name} {package.version}")
    return [f"Installed since it began: {', '.join(found)}."] if found else []


def stuck_task(run: Run, workers: Pollers, now: datetime) -> Diagnosis | None:
    """A next step that no worker takes, or that a worker took and does not answer."""
    task = run.task
    if task is None:
        return None
    waited = (now - task.since).total_seconds()
    if not task.taken and (waited > PICKUP or not workers.workflows):
        return no_worker(run, workers.workflows, f"its next step has been waiting for {span(waited)}")
    if task.taken and (waited > PICKUP or gone(run.worker)):
        what = f"{run.workflow_id} waits: its next step was taken by {run.worker} {span(waited)} ago: no answer."
        if folder_of(run.worker):  # a process of this machine, which has not ended
            reason = "That worker is still there: it is paused, or its workflow code blocks, by a loop or time.sleep."
            step = f"let the workflow await instead: workflow.sleep(...), or an activity for slow work; then {RESTART}"
            return Diagnosis("worker blocked", what, reason, step)
        reason = "That worker was killed, or its workflow code blocks. The server will offer the step again."
        return Diagnosis("worker lost", what, reason, START_WORKER)
    return None


def no_worker(run: Run, listed: Sequence[str], waiting: str) -> Diagnosis:
    """Nobody takes what waits. `listed` are the workers that the server still counts as polling."""
    what = f"{run.workflow_id} waits for a worker: {waiting}."
    reason = f"No worker polls the task queue {run.task_queue}."
    if listed:
        listing = f"The server still lists {', '.join(listed)}: killed just now, or busy."
        reason = f"No worker takes anything from the task queue {run.task_queue}. {listing}"
    folder = next((folder for folder, queue in EXERCISES.items() if queue == run.task_queue), None)
    where = f"in exercises/{folder} or solutions/{folder}" if folder else "in the folder of its exercise"
    step = Advice(f"start its worker in another terminal: python worker.py, {where}", WORKER.notebook)
    return Diagnosis("no worker", what, reason, step)


def retrying(row: Row, run: Run, workers: Pollers, now: datetime) -> Diagnosis | None:
    """An activity that failed and will be tried again."""
    if row.state != "retrying":
        return None
    remedy = _remedy(row)
    left = (row.next_try - now).total_seconds() if row.next_try else 0.0
    if left < -PICKUP:
        found = no_worker(run, workers.activities, f"{named(row)} should have been tried again {span(-left)} ago")
        reason = remedy.why if remedy else f"Its last error: {_brief(row.errors)}"
        return found.also(f"The attempt before failed. {reason}")
    of = f" of {row.maximum_attempts}" if row.maximum_attempts else ""
    next_try = "next try now"
    if row.next_try and left > 0:
        next_try = f"next try in {span(left)}, at {row.next_try.astimezone():%H:%M:%S}"
    what = f"{run.workflow_id} is under way: {named(row)} failed at attempt {row.attempts}{of}; {next_try}."
    if remedy:
        given = f"It was given: {shorten(row.asked) or 'nothing'}"
        note = given if remedy.kind == "wrong arguments" else f"The error: {_brief(row.errors)}"
        found = Diagnosis(remedy.kind, what, remedy.why, remedy.next_step(), (note,), _service(remedy, row))
    else:
        where = f"if the code is wrong: correct {row.place.shown}, line {row.place.line}," if row.place else ""
        step = f"{where or 'fix its cause'} and {RESTART}"
        if row.backoff == 1:  # at one interval, as who polls tries again
            step = f"wait, if it polls, and this error says that it is not over yet; {step}"
        found = Diagnosis("activity failing", what, _at(_brief(row.errors), row.errors), step)
        if row.backoff == 1 and not row.maximum_attempts:
            never = "It never gives up: nobody would hear that it is not over. Give it a schedule_to_close_timeout."
            found = found.also(f"It gives up {span(end)} after it began." if (end := row.schedule_to_close) else never)
    if left > max(LONG_WAIT, row.longest_pause or 0):
        reset = f"temporal activity reset --workflow-id {shlex.quote(run.workflow_id)} --activity-id {row.activity_id}"
        honoured = (
            "The service asked for this wait (Retry-After), and Temporal honours it, whatever the retry policy is."
        )
        reason = f"{found.why} {honoured}"
        step = f"do not wait for that: once the cause is gone, try now: {reset}"
        found = replace(found, kind="long wait", why=reason, next_step=step, service="")
    return found if workers.activities else found.also(f"No worker polls {run.task_queue} now: " + WORKER)


def running(row: Row, run: Run, workers: Pollers, now: datetime) -> Diagnosis | None:
    """An activity in the hands of a worker, which may be gone."""
    if row.state != "running" or not row.attempts:
        return None
    lasted = (now - (row.started or row.scheduled)).total_seconds()
    beat = row.last_heartbeat or row.started or row.scheduled
    silent = (now - beat).total_seconds()
    what = f"{run.workflow_id} is under way: {named(row)}, attempt {row.attempts}, has been running for {span(lasted)}"
    notes = [f"The attempt before failed: {_brief(row.errors)}"] if row.errors else []
    if gone(row.worker) or (row.heartbeat_timeout and silent > row.heartbeat_timeout + SLACK):
        limit = row.heartbeat_timeout or row.start_to_close
        noticed = f"The server notices after {span(limit)} and lets another worker try again." if limit else ""
        reason = f"Its worker {row.worker} is gone. {noticed}"
        return Diagnosis("worker lost", f"{what}.", reason, START_WORKER, tuple(notes))
    sign = f"last heartbeat {span(silent)} ago" if row.last_heartbeat else "it sends no heartbeats"
    if row.start_to_close:
        # Without a limit of its own, the server lets an attempt take as long as all of them.
        alone = row.start_to_close == row.schedule_to_close
        which = "schedule_to_close_timeout, of all attempts together" if alone else "start_to_close_timeout"
        notes.append(f"It may take {span(row.start_to_close)} ({which}).")
    return Diagnosis("activity running", f"{what}; {sign}.", "It is being worked on.", "wait", tuple(notes))


def scheduled(row: Row, run: Run, workers: Pollers, now: datetime) -> Diagnosis | None:
    """An activity that no worker has taken yet."""
    waited = (now - row.scheduled).total_seconds()
    if row.state != "scheduled" or (workers.activities and waited <= PICKUP):
        return None
    return no_worker(run, workers.activities, f"{named(row)} has been waiting for {span(waited)}")


def approval(run: Run, calls: Mapping[str, str], found: Diagnosis) -> Diagnosis:
    """A run in which an agent asks a person. `found`: what it seems to wait for; a timer is the deadline."""
    what = f"{run.workflow_id} waits for a person, who has not decided about {count(len(calls), 'call')} yet."
    words = ["yes"] * len(calls)
    in_notebook = ", ".join(f'"{word}"' for word in ("decide.py", run.workflow_id, *words))
    step = Advice(f"workshop approve {run.workflow_id} {' '.join(words)}", f"ex.run({in_notebook})")
    notes = [*calls.values(), *([f"{found.what} That is the deadline: then it is refused."] * (found.kind == "timer"))]
    why = "Its agent wants to use a tool that needs an approval; the run goes on when each call is decided."
    return Diagnosis("approval", what, why, step + ", or no", tuple(notes))


def waiting(run: Run, now: datetime) -> Diagnosis:
    """A run that waits for something outside of its workers, or that just goes on."""
    still = [row for row in run.rows if row.open]
    for row in still:
        if row.kind == Kind.TIMER and row.next_try:
            left = (row.next_try - now).total_seconds()
            until = f"{row.next_try.astimezone():%Y-%m-%d %H:%M:%S}, in {span(left)}" if left > 0 else "now"
            what = f"{run.workflow_id} waits for a timer of {row.asked} ({row.name}), which ends {until}."
            return Diagnosis(
                "timer", what, "Its code sleeps; the server keeps the timer, so no worker is needed.", "wait"
            )
    for row in still:
        if row.kind == Kind.CHILD:
            child_id = row.name.partition(" ")[2]
            what = f"{run.workflow_id} waits for its child workflow {row.name}."
            return Diagnosis("child workflow", what, "", Advice(f"workshop why {child_id}", f'ex.why("{child_id}")'))
    if any(row.kind == Kind.WAIT for row in still):
        what = f"{run.workflow_id} waits for a signal or an update, such as somebody's approval."
        step = "send what it waits for, from the web UI (Signal) or with: temporal workflow signal"
        return Diagnosis("signal", what, "Its code waits for a condition, and nothing else is under way.", step)
    names = ", ".join(f"{row.kind} {row.name}" for row in still)
    doing = f"{count(len(still), 'thing')} under way: {names}" if still else "between two steps"
    return Diagnosis(
        "running", f"{run.workflow_id} is running, {doing}.", "Nothing is wrong as far as can be seen.", "wait"
    )


def named(row: Row) -> str:
    """An activity as a person would call it."""
    return (
        "the model call"
        if row.kind == Kind.MODEL
        else f"the {'tool' if row.kind == Kind.TOOL else row.kind} {row.name}"
    )


def _brief(errors: Sequence[ChainedError]) -> str:
    """The root cause's first line: the audit has all of it."""
    first, *more = str(root(tuple(errors)) or "unknown").splitlines() or [""]
    return f"{shorten(first)} …" if more else shorten(first)


def _at(text: str, errors: Sequence[ChainedError]) -> str:
    """With the line of a person's own code that raised it."""
    place = place_of(tuple(errors))
    if place is None:
        return text
    return f"{text} ({place.shown}, line {place.line}, in {place.function}{f': {place.code}' if place.code else ''})"
