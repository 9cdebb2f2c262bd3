"""`ex`: all that a learner does in a notebook. Each call is one line, and none runs forever."""

import atexit
import os
from pathlib import Path
from typing import Any

from workshop import doctor, env, fork_server
from workshop.audit import Audit
from workshop.checks.checker import Checker
from workshop.errors import WorkshopError
from workshop.exercises import EXERCISES, FOLDERS, exercise_folder, number_of
from workshop.history import as_text
from workshop.notebook import kernel
from workshop.notebook.asked import Asked, last_plain, plain_before, remember_plain, remembered_plain, words
from workshop.notebook.evidence import Evidence
from workshop.notebook.feedback import Checked, Feedback, Results
from workshop.notebook.kernel import says_what_to_fix, show
from workshop.notebook.live import show_comparison, show_live, timeline_of
from workshop.notebook.memory import Memory
from workshop.notebook.predictions import QUIZ, Predictions
from workshop.notebook.scripts import Script
from workshop.notebook.worker import Worker
from workshop.notebook.workflows import Workflows
from workshop.practice.client import Practice, faults_in_use
from workshop.practice.report import faults_shown, ledger_shown
from workshop.proof import Entry, PlainProof, Proof, prove, prove_plain
from workshop.proof_picture import ProofPicture
from workshop.settings import ROOT, Settings
from workshop.shown import Item, Shown
from workshop.svg import Picture
from workshop.text import Say, count
from workshop.timeline import PlainTimeline, Watched, awaits

CLEAR = "ex.clear()"
ONE_LINE = 10_000  # columns
PICKUP = 5.0  # seconds until a starter has printed the answer that the history has
HOPELESS = 3.0  # seconds to wait when there is no worker, in case one runs in a terminal
PLAIN = "01"  # the exercise whose starter runs the agent itself unless told --durable
SERVICES = ("practice-services", "temporal-server")  # findings that `make workshop` fixes

_open: dict[Path, "Exercise"] = {}  # one for each exercise, however many times its first cell is run


def exercise(number: str) -> "Exercise":
    """Prepares the kernel for an exercise and says what its programs will use.

    Raises:
        Stopped: something is wrong with the set-up. A notebook shows the one line of it, and no traceback.
    """
    try:
        folder = exercise_folder(number, ROOT)
        if before := _open.pop(folder, None):
            before.close()
        os.chdir(folder)
        env.unload()
        finding = doctor.first_problem(ROOT, os.environ)
        env.load(folder)
        if finding:
            step = "make workshop, in a terminal" if finding.code in SERVICES else finding.next_step
            raise WorkshopError(finding.message, step)
        settings = Settings.from_env(os.environ, ROOT)
    except WorkshopError as error:
        raise kernel.Stopped(str(error)) from None
    kernel.prepare(folder)
    if os.environ.get("OPENAI_DEFAULT_API") == "chat_completions":  # as connection.py does, for agents in cells
        from agents import set_default_openai_api

        set_default_openai_api("chat_completions")
    made = _open[folder] = Exercise(folder, settings)
    mode = doctor.mode_words(doctor.Facts.gather(ROOT, os.environ, quick=True))
    ui, console = settings.public_url(settings.temporal_ui_port), settings.public_url(settings.practice_port)
    where = f"Temporal at {settings.temporal_address}, its web UI {ui}, practice console {console}"
    show(print, Shown([Item(f"Exercise {made.number} is ready: {mode}."), Item(where)]))
    if (before_restart := made.before_restart()).blocks:
        show(print, before_restart)
    fork_server.warm_up()  # the packages are imported while the learner reads
    return made


class Exercise:
    """One exercise in one kernel. What goes wrong is said in a line; only an interrupted cell raises."""

    def __init__(self, folder: Path, settings: Settings, say: Say = print) -> None:
        self.number = number_of(folder)
        self.folder = folder
        self.worker = Worker(folder, settings, say)
        self._settings, self._say = settings, say
        self._workflows = Workflows(settings, EXERCISES[FOLDERS[self.number]])
        self._practice = Practice(settings.practice_url)
        self._checker = Checker(say)
        self._feedback = Feedback(folder, settings.state_dir, self._checker, say)
        self._asked: list[Asked] = []
        self._priced = False  # whether the note on prices was shown: once is enough
        self._plain_runs = Memory(settings.state_dir / "plain.json")  # of all exercises
        memory = self._feedback.memory
        self._evidence = Evidence(folder, settings, memory, self._asked)
        self._predictions = Predictions(self.number, memory, self._evidence, say)
        self._quiz = Predictions(QUIZ, memory, self._evidence, say)
        self._watched: dict[str, Watched] = {}  # by workflow: what was seen while it went on
        self._faults: dict[str, str] = {}  # target -> kind of those that were set here
        # For a kernel that ends by itself; with one that is killed, they are killed.
        atexit.register(self.close)

    def __repr__(self) -> str:
        return f"Exercise {self.number}, {FOLDERS[self.number]}"

    def before_restart(self) -> Shown:
        """What to do in a kernel that is new, for somebody who was here before; nothing at the very first time."""
        verdicts = self._feedback.memory.read("verdicts").values()
        if not verdicts or self.worker.running:
            return Shown([])
        passed = count(sum(one["outcome"] == "passed" for one in verdicts), "passed check")
        here = f"You were here before: {passed}. Your files are still there; variables are not, and no worker runs."
        step = "go on at your step. ex.worker.start() starts the worker; a cell that must run again is named."
        return Shown([Item(here), Item(step, "Next", indent=2)])

    def close(self) -> None:
        """Ends the processes of this kernel: worker, starters, checks."""
        atexit.unregister(self.close)
        self.worker.leave()
        for asked in self._asked:
            asked.end()
        self._checker.close()

    # Asking.

    def ask(self, question: str, wait: float = 10, watch: bool = False, **options: Any) -> Asked:
        """Runs `starter.py question`, prints what it prints, and waits for the answer for some seconds.

        Args:
            question: its first argument.
            wait: seconds from the start of the workflow; 0: only until that has started.
            watch: shows the picture of the run meanwhile, as `ex.watch` does.
            options: of starter.py: `durable=True` becomes `--durable`, `pause=10` becomes `--pause 10`.

        Returns:
            what was asked, with `.workflow_id`, `.exit_code`, `.output` and `.kill()`. If it cannot be asked, the first
            two are None.
        """
        durable = self.number != PLAIN or bool(options.get("durable"))
        log = self._log(f"starter-{self.number}-{len(self._asked) + 1}")
        asked = Asked(question, self.folder, log, durable, self._newest_entry)
        self._ask(asked, wait, watch, options)
        return asked

    @says_what_to_fix
    def _ask(self, asked: Asked, wait: float, watch: bool, options: dict[str, Any]) -> None:
        if not asked.question.strip():
            raise WorkshopError("The question is blank, so nothing was started.", "ask again, with words in it")
        if others := self._faults_of_others():
            what = "; ".join(faults_shown(others, CLEAR).lines(ONE_LINE))
            self._say(f"Another notebook or a terminal has set a fault, and it applies here, too: {what}")
        if asked.durable and (outdated := self.worker.outdated):
            self._say(outdated)
        asked.start(words(asked.question, options))
        self._asked.append(asked)
        if asked.durable:
            wait = self._patience(wait)
        try:
            over = asked.follow(0 if watch else wait, self._say)
            if watch and not over and asked.begun:
                # The starter hears of the answer a moment after the history has it.
                over = asked.follow(PICKUP if self._watch(wait) else 0, self._say)
        except KeyboardInterrupt:
            asked.end()
            raise
        if over or wait == 0:
            return
        if asked.workflow_id:
            # Nothing is lost with the starter: the workflow is the server's.
            asked.end()
            self._say(f"No answer after {wait:g} s; the workflow goes on without the starter.")
            self.why(asked.workflow_id)
        elif asked.durable:
            asked.end()
            self._say("starter.py did not start a workflow, and was ended. Its last lines are above.")
        else:
            self._say(f"No answer after {wait:g} s. The program still runs: ex.wait() waits for it.")

    @says_what_to_fix
    def wait(self, seconds: float = 30) -> None:
        """Waits until what was asked last is over, and prints its answer; if that takes longer, says why."""
        if self._asked and not self._asked[-1].durable:
            if not self._asked[-1].follow(seconds, self._say):
                self._say(f"Still no answer after {seconds:g} s.")
            return
        workflow_id = self._workflow_id(None)
        seconds = self._patience(seconds)
        self._say(f"... waiting for {workflow_id}, {seconds:g} s at most")
        run = self._workflows.finished(workflow_id, seconds)
        if run and run.status == "completed":
            self._say(as_text(run.result))
            return
        if run is None:
            self._say(f"Not finished after {seconds:g} s more.")
        self.why(workflow_id)

    @says_what_to_fix
    def run(self, script: str, *arguments: str | None, wait: float = 60) -> None:
        """Runs another program of the folder to its end, for `wait` seconds at most, and prints what it prints."""
        if None in arguments:  # the ID of a workflow that was not started
            raise WorkshopError(f"{script} was not run: there is no workflow that it could be about.", "ask first")
        program = Script(self.folder, script, self._log(f"{Path(script).stem}-{self.number}"))
        program.start([word for word in arguments if word is not None])
        over = False
        try:
            over = program.follow(wait, self._say)
        finally:
            program.end()
        if not over:
            self._say(f"{script} was ended: it took longer than {wait:g} s.")

    # Looking.

    @says_what_to_fix
    def audit(self, workflow_id: str | None = None) -> None:
        """Prints what a workflow did, by default the latest of this exercise: calls, attempts, errors, times."""
        show(self._say, Audit(self._workflows.run(self._workflow_id(workflow_id)), notebook=True))

    @says_what_to_fix
    def timeline(self, workflow_id: str | None = None) -> None:
        """Shows the same as a picture, with the kills, and beside the ledger; of a plain run, what the ledger has."""
        if workflow_id is None and self._plain_last:
            show(self._say, self._plain_picture())
            return
        run, others = self._workflows.run_among_others(self._workflow_id(workflow_id))
        show(self._say, timeline_of(run, others, self._settings, self._watched.get(run.workflow_id)))

    @says_what_to_fix
    def watch(self, seconds: float = 30) -> None:
        """Shows that picture of the latest run while it goes on, in place: until it is over, or for so many seconds."""
        self._watch(seconds)

    def _watch(self, seconds: float) -> bool:
        """Whether it was over then."""
        if self._plain_last:
            asked = self._asked[-1]

            def look_at_ledger() -> tuple[Picture, str]:
                awaited = "The program runs." if asked.running else ""
                return self._plain_picture(), awaited

            return show_live(look_at_ledger, seconds, self._say)
        workflow_id = self._workflow_id(None)
        _, others = self._workflows.run_among_others(workflow_id)
        watched = self._watched.setdefault(workflow_id, Watched())

        def look() -> tuple[Picture, str]:
            run = self._workflows.run(workflow_id)
            watched.look(run)
            return timeline_of(run, others, self._settings, watched), awaits(run)

        return show_live(look, seconds, self._say)

    @property
    def _plain_last(self) -> bool:
        """Whether the last question was asked of the plain agent."""
        return bool(self._asked) and not self._asked[-1].durable

    def _plain_picture(self) -> PlainTimeline:
        ledger = self._ledger()
        question, mine = last_plain(self._asked, ledger)
        runs = {entry["run"] for entry in mine or ()}
        kills = [asked.killed for asked in self._asked if asked.killed]
        entries = [entry for entry in ledger or () if entry["run"] in runs]
        return PlainTimeline(prove_plain(question, mine), entries, kills)

    def _ledger(self) -> list[Entry] | None:
        """All its entries; None where the practice services are not in use."""
        return self._practice.ledger()["entries"] if self._settings.practises else None

    @says_what_to_fix
    def why(self, workflow_id: str | None = None) -> None:
        """Prints why a workflow is not finished, or how it ended."""
        found = self._workflows.why(self._workflow_id(workflow_id))
        show(self._say, found.shown(notebook=True))
        if outdated := self.worker.outdated:
            self._say(outdated)

    @says_what_to_fix
    def ledger(self, since_last: bool = True, about: str = "") -> None:
        """Prints what the practice services were asked: since the last question, or since they were started.

        With `about`, only the runs in which that text occurs: `ex.ledger(about="New York")`.
        """
        if not self._settings.practises:
            self._say("The ledger belongs to the practice services, which are not in use now.")
            return
        since = self._asked[-1].since if since_last and self._asked else 0
        book = self._practice.ledger(since, about)
        show(self._say, ledger_shown(book, about, price_note=not self._priced))
        self._priced = self._priced or bool(book["entries"])

    @says_what_to_fix
    def proof(self, workflow_id: str | None = None) -> Proof | PlainProof:
        """Shows, and returns, what the history and the ledger say of the calls of the last question.

        Where the same question was asked of the plain agent before, that is shown beside it.
        """
        ledger = self._ledger()
        found: Proof | PlainProof
        if self._plain_last and workflow_id is None:
            question, entries = last_plain(self._asked, ledger)
            if entries:
                remember_plain(self._plain_runs, question, entries)
            found = prove_plain(question, entries)
            show(self._say, ProofPicture(found))
        else:
            run, others = self._workflows.run_among_others(self._workflow_id(workflow_id))
            found = prove(run, ledger, others)
            question = as_text(run.input)
            before = plain_before(self._asked, question, ledger or ())
            before = before or remembered_plain(self._plain_runs, question, ledger or ())
            plain = prove_plain(question, before) if before else None
            show(self._say, ProofPicture(found, plain))
        return found

    @says_what_to_fix
    def compare(self, questions: int = 6, seed: int = 1) -> None:
        """Asks the same questions under the same faults and kills three ways: plain, with a retry loop, durable.

        The solutions run, with services of their own: your worker, faults, ledger and workflows are not touched.
        """
        self._evidence.comparison = show_comparison(questions, seed, self._log("compare"), self._say)

    # Faults.

    @says_what_to_fix
    def fault(self, target: str, kind: str, **options: Any) -> None:
        """Makes the practice `model` or `weather` fail on purpose, as `workshop fault` does.

        Args:
            options: `times`, `after` (so many requests), `delay` (s), `retry_after` (s), `probability`, `seed`.
        """
        if not (self._settings.weather_practises if target == "weather" else self._settings.mode == "practice"):
            service = "weather" if target == "weather" else "model"
            self._say(f"The {service} in use is not the practice {service}, so there are no faults to set.")
            self._say("Back to practice: workshop use practice, in a terminal; then run the first cell again.")
            return
        show(self._say, faults_shown(self._practice.fault(target, kind, **options), CLEAR))
        self._faults[target] = kind

    @says_what_to_fix
    def clear(self, target: str | None = None) -> None:
        """Clears the faults of `model` or `weather`, by default of both."""
        if self._settings.practises:
            left = self._practice.clear(target)
            self._faults = {fault["target"]: self._faults.get(fault["target"], "") for fault in left}
            show(self._say, faults_shown(left, CLEAR))
        else:
            self._say("The practice services are not in use, so there are no faults to clear.")

    # Learning.

    @says_what_to_fix
    def check(self, name: str | None = None, value: Any = None) -> Checked | Results:
        """Checks that a TODO is done, or all of them.

        Args:
            name: of the check; by default all.
            value: the notebook's object that is meant, by default the variable of its usual name.
        """
        return self._feedback.check(name, value) if name else self._feedback.check_all()

    @says_what_to_fix
    def hint(self, name: str) -> None:
        """Prints a hint, and one more at each call, from a question to almost the answer."""
        self._feedback.hint(name)

    @says_what_to_fix
    def solution(self, name: str, apply: bool = False) -> None:
        """Shows what differs from the solution; `apply=True` takes the solution's file, and keeps a copy of yours."""
        self._feedback.solution(name, apply)

    @says_what_to_fix
    def predict(self, name: str, choice: Any = None) -> None:
        """With a choice, `ex.predict("kill", "b")`: remembers it. Without one: says what happened since, and why."""
        if choice is None:
            self._predictions.look(name)
        else:
            self._predictions.choose(name, choice)

    @says_what_to_fix
    def quiz(self, name: str, choice: Any = None) -> None:
        """A question of the quiz, `ex.quiz("pause", "b")`: remembers the choice, and looks at once what shows it."""
        if choice is None or self._quiz.choose(name, choice):
            self._quiz.look(name)

    @says_what_to_fix
    def progress(self) -> None:
        """Prints which checks have passed, and what came of the predictions."""
        made = (self._predictions.progress(), self._quiz.progress())
        predicted = [Item(line, indent=2) for line in made if line]
        show(self._say, Shown([*self._feedback.progress().blocks, *predicted]))

    # What these need to know.

    def _workflow_id(self, workflow_id: str | None) -> str:
        """The one that is named, or the latest asked here, or the latest on the exercise's task queue."""
        here = (asked.workflow_id for asked in reversed(self._asked) if asked.durable)
        return workflow_id or next(filter(None, here), None) or self._workflows.latest()

    def _patience(self, seconds: float) -> float:
        return min(seconds, HOPELESS) if self.worker.lost else seconds

    def _newest_entry(self) -> int:
        """The id of the ledger's newest entry; 0 if there is none, or no ledger."""
        try:
            return self._practice.newest() if self._settings.practises else 0
        except WorkshopError:
            return 0

    def _faults_of_others(self) -> list[dict[str, Any]]:
        """The faults that were not set by this notebook: all notebooks share the practice services."""
        faults = faults_in_use(self._settings)
        return [fault for fault in faults if self._faults.get(fault["target"]) != fault["kind"]]

    def _log(self, name: str) -> Path:
        return self._settings.state_dir / "logs" / f"{name}.log"
