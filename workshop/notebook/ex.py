"""`ex`: all that a learner does in a notebook. Each call is one line, and none runs forever."""

import atexit
import os
from pathlib import Path
from typing import Any

from workshop import doctor, env, fork_server
from workshop.checks.checker import Checker
from workshop.errors import WorkshopError
from workshop.exercises import EXERCISES, FOLDERS, exercise_folder, number_of
from workshop.history import as_text
from workshop.notebook import kernel
from workshop.notebook.asked import Asked, first_asked, words
from workshop.notebook.feedback import Checked, Feedback, Results
from workshop.notebook.kernel import Say, say_folded, says_what_to_fix
from workshop.notebook.scripts import Script
from workshop.notebook.worker import Worker
from workshop.notebook.workflows import Workflows, as_table, show_timeline
from workshop.practice.client import Practice, faults_in_use
from workshop.practice.report import fault_lines, ledger_lines
from workshop.proof import PlainProof, Proof, of_question, prove, prove_plain
from workshop.settings import ROOT, Settings

CLEAR = "ex.clear()"
HOPELESS = 3.0  # seconds to wait when there is no worker, in case one runs in a terminal
PLAIN = "01"  # the exercise whose starter runs the agent itself unless told --durable
SERVICES = ("practice-services", "temporal-server")  # findings that `make workshop` fixes

_open: dict[Path, "Exercise"] = {}  # one for each exercise, however many times its first cell is run


def exercise(number: str) -> "Exercise":
    """Prepares the kernel for an exercise and says in a line what its programs will use.

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
    print(
        f"Exercise {made.number} is ready: {mode}. Temporal at {settings.temporal_address}, "
        f"its web UI {ui}, practice console {console}"
    )
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
        self._faults: dict[str, str] = {}  # target -> kind of those that were set here
        # For a kernel that ends by itself; with one that is killed, they are killed.
        atexit.register(self.close)

    def __repr__(self) -> str:
        return f"Exercise {self.number}, {FOLDERS[self.number]}"

    def close(self) -> None:
        """Ends the processes of this kernel: worker, starters, checks."""
        atexit.unregister(self.close)
        self.worker.leave()
        for asked in self._asked:
            asked.end()
        self._checker.close()

    # Asking.

    def ask(self, question: str, wait: float = 10, **options: Any) -> Asked:
        """Runs `starter.py question`, prints what it prints, and waits for the answer for some seconds.

        Args:
            question: its first argument.
            wait: seconds from the start of the workflow; 0: only until that has started.
            options: of starter.py: `durable=True` becomes `--durable`, `pause=10` becomes `--pause 10`.

        Returns:
            what was asked, with `.workflow_id`, `.exit_code`, `.output` and `.kill()`. If it cannot be asked, the first
            two are None.
        """
        durable = self.number != PLAIN or bool(options.get("durable"))
        log = self._log(f"starter-{self.number}-{len(self._asked) + 1}")
        asked = Asked(question, self.folder, log, durable, self._newest_entry)
        self._ask(asked, wait, options)
        return asked

    @says_what_to_fix
    def _ask(self, asked: Asked, wait: float, options: dict[str, Any]) -> None:
        if not asked.question.strip():
            raise WorkshopError("The question is blank, so nothing was started.", "ask again, with words in it")
        if others := self._faults_of_others():
            what = "; ".join(fault_lines(others, CLEAR))
            self._say(f"Another notebook or a terminal has set a fault, and it counts here, too: {what}")
        if asked.durable and (outdated := self.worker.outdated):
            self._say(outdated)
        asked.start(words(asked.question, options))
        self._asked.append(asked)
        if asked.durable:
            wait = self._patience(wait)
        try:
            over = asked.follow(wait, self._say)
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
        say_folded(self._say, as_table(self._workflows.run(self._workflow_id(workflow_id))))

    @says_what_to_fix
    def timeline(self, workflow_id: str | None = None) -> None:
        """Shows the same as a picture."""
        show_timeline(self._workflows.run(self._workflow_id(workflow_id)))

    @says_what_to_fix
    def why(self, workflow_id: str | None = None) -> None:
        """Prints why a workflow is not finished, or how it ended."""
        found = self._workflows.why(self._workflow_id(workflow_id))
        say_folded(self._say, [*found.lines(notebook=True), *filter(None, [self.worker.outdated])])

    @says_what_to_fix
    def ledger(self, since_last: bool = True) -> None:
        """Prints what the practice services were asked: since the last question, or since they were started."""
        if not self._settings.practises:
            self._say("The ledger belongs to the practice services, which are not in use now.")
            return
        since = self._asked[-1].since if since_last and self._asked else 0
        say_folded(self._say, ledger_lines(self._practice.ledger(since)))

    @says_what_to_fix
    def proof(self, workflow_id: str | None = None) -> Proof | PlainProof:
        """Prints, and returns, what the history and the ledger say of the calls of the last question."""
        ledger = self._practice.ledger()["entries"] if self._settings.practises else None
        found: Proof | PlainProof
        if self._asked and not self._asked[-1].durable and workflow_id is None:
            first = first_asked(self._asked)
            entries = None if ledger is None else of_question(ledger, first.question, first.since)
            found = prove_plain(first.question, entries)
        else:
            run, others = self._workflows.run_among_others(self._workflow_id(workflow_id))
            found = prove(run, ledger, others)
        say_folded(self._say, found.lines)
        return found

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
        say_folded(self._say, fault_lines(self._practice.fault(target, kind, **options), CLEAR))
        self._faults[target] = kind

    @says_what_to_fix
    def clear(self, target: str | None = None) -> None:
        """Clears the faults of `model` or `weather`, by default of both."""
        if self._settings.practises:
            left = self._practice.clear(target)
            self._faults = {fault["target"]: self._faults.get(fault["target"], "") for fault in left}
            say_folded(self._say, fault_lines(left, CLEAR))
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
    def progress(self) -> None:
        """Prints which checks have passed."""
        say_folded(self._say, self._feedback.progress())

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
