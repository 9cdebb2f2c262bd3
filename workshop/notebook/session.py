"""`ex`: everything that a learner does in a notebook, each a line, none of them forever."""

import atexit
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from workshop import doctor, env, warm
from workshop.checks.run import Checker
from workshop.errors import WorkshopError
from workshop.history import as_text
from workshop.notebook import kernel, scripts
from workshop.notebook.asking import Asked, words
from workshop.notebook.flows import Flows, as_table, show_timeline
from workshop.notebook.lessons import Checked, Lessons, Results
from workshop.notebook.worker import Worker
from workshop.practice.client import Practice
from workshop.practice.report import fault_lines, ledger_lines
from workshop.proof import PlainProof, Proof, of_question, prove, prove_plain
from workshop.settings import EXERCISES, ROOT, Settings, exercise_folder
from workshop.text import fold, scrub

F = TypeVar("F", bound=Callable[..., Any])

CLEAR = "ex.clear()"
HOPELESS = 3.0  # seconds that are waited when there is no worker, in case one runs in a terminal
PLAIN = "01"  # the exercise whose starter runs the agent itself unless told --durable
SERVICES = ("practice-services", "temporal-server")  # findings that `make workshop` fixes

_open: dict[Path, "Exercise"] = {}  # one an exercise, whatever number of times its first cell is run


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
    made = _open[folder] = Exercise(folder, settings)
    mode = doctor.mode_words(doctor.Facts.gather(ROOT, os.environ, quick=True))
    ui, console = settings.public_url(settings.temporal_ui_port), settings.public_url(settings.practice_port)
    print(
        f"Exercise {made.number} is ready: {mode}. Temporal at {settings.temporal_address}, "
        f"its web UI {ui}, practice console {console}"
    )
    warm.warm_up()  # the packages are imported while the learner reads
    return made


def said(method: F) -> F:
    """What a person can fix is said in a line, and stops no cell: the method returns None then."""

    @wraps(method)
    def call(self: "Exercise", *args: Any, **options: Any) -> Any:
        try:
            return method(self, *args, **options)
        except WorkshopError as error:
            self._say(scrub(str(error)))
            return None

    return cast(F, call)


class Exercise:
    """One exercise in one kernel. What goes wrong is said in a line; only an interrupted cell raises.

    Args:
        folder: `exercises/0N_name`.
        settings: ports, addresses and the directory for logs and pid files.
        say: prints a line.
    """

    def __init__(self, folder: Path, settings: Settings, say: Callable[[str], None] = print) -> None:
        self.number = folder.name[:2]
        self.folder = folder
        self._settings, self._say = settings, say
        self._flows = Flows(settings, EXERCISES[folder.name])
        self._practice = Practice(settings.practice_url)
        self._checker = Checker(say)
        self._lessons = Lessons(self.number, folder, settings.root, settings.state_dir, self._checker, say)
        self.worker = Worker(self.number, folder, settings.root, settings, EXERCISES[folder.name], say)
        self._asked: list[tuple[Asked, int]] = []  # each with the newest entry of the ledger before it
        # For a kernel that ends by itself; with one that is killed, they are killed.
        atexit.register(self.close)

    def __repr__(self) -> str:
        return f"Exercise {self.number}, {self.folder.name}"

    def close(self) -> None:
        """Ends the processes of this kernel: worker, starters, checks."""
        atexit.unregister(self.close)
        self.worker.leave()
        for asked, _ in self._asked:
            asked.leave()
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
        nothing = Asked(question, scripts.never_started(self.folder, self.folder / "no.log"), False, lambda: False)
        return self._ask(question, wait, options) or nothing

    @said
    def _ask(self, question: str, wait: float, options: dict[str, Any]) -> Asked:
        log = self._settings.state_dir / "logs" / f"starter-{self.number}-{len(self._asked) + 1}.log"
        newest = self._newest()
        durable = self.number != PLAIN or bool(options.get("durable"))
        script = scripts.run(self.folder, self._settings.root, "starter.py", words(question, options), log)
        asked = Asked(question, script, durable, lambda: self._newest() > newest)
        self._asked.append((asked, newest))
        if durable:
            wait = self._patience(wait)
        try:
            over = asked.follow(wait, self._say)
        except KeyboardInterrupt:
            asked.leave()
            raise
        if over or wait == 0:
            return asked
        if asked.workflow_id is None and durable:
            asked.leave()
            self._say("starter.py started no workflow, and was ended. Its last lines are above.")
        elif asked.workflow_id is None:
            self._say(f"No answer after {wait:g} s. The program still runs: ex.wait() waits for it.")
        else:
            # Nothing is lost with the starter: the workflow is the server's.
            asked.leave()
            self._say(f"No answer after {wait:g} s; the workflow goes on without the starter.")
            self._lines(self._flows.why(asked.workflow_id).lines(notebook=True))
        return asked

    @said
    def run(self, script: str, *arguments: str, wait: float = 60) -> None:
        """Runs another program of the folder to its end, for so many seconds at most, and prints what it prints."""
        log = self._settings.state_dir / "logs" / f"{Path(script).stem}-{self.number}.log"
        program = Asked(
            script, scripts.run(self.folder, self._settings.root, script, list(arguments), log), False, lambda: True
        )
        over = False
        try:
            over = program.follow(wait, self._say)
        finally:
            program.leave()
        if not over:
            self._say(f"{script} was ended: it took longer than {wait:g} s.")

    @said
    def wait(self, seconds: float = 30) -> None:
        """Waits until what was asked last is over, and prints its answer; if that takes longer, says why."""
        last = self._last()
        if last and not last.durable:
            if not last.follow(seconds, self._say):
                self._say(f"Still no answer after {seconds:g} s.")
            return
        workflow_id = self._workflow_id(None)
        seconds = self._patience(seconds)
        self._say(f"... waiting for {workflow_id}, {seconds:g} s at most")
        run = self._flows.finished(workflow_id, seconds)
        if run and run.status == "completed":
            self._say(as_text(run.result))
            return
        if run is None:
            self._say(f"Not finished after {seconds:g} s more.")
        self._lines(self._flows.why(workflow_id).lines(notebook=True))

    # Looking.

    @said
    def audit(self, workflow_id: str | None = None) -> None:
        """Prints what a workflow did, by default the latest of this exercise: calls, attempts, errors, times."""
        self._lines(as_table(self._flows.run(self._workflow_id(workflow_id))))

    @said
    def timeline(self, workflow_id: str | None = None) -> None:
        """Shows the same as a picture."""
        show_timeline(self._flows.run(self._workflow_id(workflow_id)))

    @said
    def why(self, workflow_id: str | None = None) -> None:
        """Prints why a workflow is not finished, or how it ended."""
        self._lines(self._flows.why(self._workflow_id(workflow_id)).lines(notebook=True))

    @said
    def ledger(self, since_last: bool = True) -> None:
        """Prints what the practice services were asked: since the last question, or ever."""
        if not self._ledger_is_kept:
            self._say("The ledger belongs to the practice services, which are not in use now.")
            return
        since = self._asked[-1][1] if since_last and self._asked else 0
        self._lines(ledger_lines(self._practice.ledger(since)))

    @said
    def proof(self, workflow_id: str | None = None) -> Proof | PlainProof | None:
        """Prints, and returns, what the history and the ledger say of the calls of the last question."""
        last = self._last()
        ledger = self._practice.ledger()["entries"] if self._ledger_is_kept else None
        found: Proof | PlainProof
        if last and not last.durable and workflow_id is None:
            entries = None if ledger is None else of_question(ledger, last.question, self._begun(last))
            found = prove_plain(last.question, entries)
        else:
            run, others = self._flows.run_among_others(self._workflow_id(workflow_id))
            found = prove(run, ledger, others)
        self._lines(found.lines)
        return found

    def _patience(self, seconds: float) -> float:
        return min(seconds, HOPELESS) if self.worker.lost else seconds

    def _begun(self, last: Asked) -> int:
        """The newest ledger entry before a plain question was asked first: runs of it that failed count with it."""
        alike = [one for one in self._asked if not one[0].durable and one[0].question == last.question]
        first = alike.pop()[1]
        while alike and alike[-1][0].exit_code != 0:
            first = alike.pop()[1]
        return first

    # Faults.

    @said
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
        self._lines(fault_lines(self._practice.fault(target, kind, **options), CLEAR))

    @said
    def clear(self, target: str | None = None) -> None:
        """Ends the faults of `model` or `weather`, by default of both."""
        if self._ledger_is_kept:
            self._lines(fault_lines(self._practice.clear(target), CLEAR))
        else:
            self._say("Neither model nor weather in use is the practice one, so there are no faults to set.")

    # Learning.

    @said
    def check(self, name: str | None = None, value: Any = None) -> Checked | Results | None:
        """Looks whether a TODO is done, or all of them.

        Args:
            name: of the check; by default all.
            value: the notebook's object that is meant, by default the variable of its usual name.
        """
        return self._lessons.check(name, value) if name else self._lessons.check_all()

    @said
    def hint(self, name: str) -> None:
        """Prints a hint, at each call one more, from a question to almost the answer."""
        self._lessons.hint(name)

    @said
    def solution(self, name: str, apply: bool = False) -> None:
        """Shows what differs from the solution; `apply=True` takes the solution's file, and keeps a copy of yours."""
        self._lessons.solution(name, apply)

    @said
    def progress(self) -> None:
        """Prints which checks have passed."""
        self._lines(self._lessons.progress())

    @property
    def _ledger_is_kept(self) -> bool:
        """Whether the practice services are in use, for the model or for the weather."""
        return self._settings.mode == "practice" or self._settings.weather_practises

    def _newest(self) -> int:
        """The id of the ledger's newest entry; 0 if there is none, or no ledger."""
        try:
            return self._practice.newest() if self._ledger_is_kept else 0
        except WorkshopError:
            return 0

    def _lines(self, lines: list[str]) -> None:
        for line in lines:
            for part in fold(line):
                self._say(part)

    def _last(self) -> Asked | None:
        return self._asked[-1][0] if self._asked else None

    def _workflow_id(self, workflow_id: str | None) -> str:
        """The one that is named, or the latest asked here, or the latest on the exercise's task queue."""
        if workflow_id:
            return workflow_id
        mine = (asked.workflow_id for asked, _ in reversed(self._asked) if asked.durable)
        return next((found for found in mine if found), None) or self._flows.latest()
