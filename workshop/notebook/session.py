"""`ex`: everything that a learner does in a notebook, each a line, none of them for ever."""

import atexit
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from workshop import env, warm
from workshop.checks.run import Checker
from workshop.errors import WorkshopError
from workshop.history import as_text
from workshop.notebook import kernel, scripts, surroundings
from workshop.notebook.asking import Asked, words
from workshop.notebook.desk import Desk
from workshop.notebook.flows import Flows, as_table, show_timeline
from workshop.notebook.lessons import Checked, Lessons, Results
from workshop.notebook.worker import Worker
from workshop.proof import PlainProof, Proof, of_question, prove, prove_plain
from workshop.settings import EXERCISES, ROOT, Settings
from workshop.text import fold, scrub

T = TypeVar("T")

HOPELESS = 3.0  # seconds that are waited when there is no worker, in case one runs in a terminal
PLAIN = "01"  # the exercise whose starter runs the agent itself unless told --durable

_open: dict[Path, "Exercise"] = {}  # one an exercise, whatever number of times its first cell is run


def exercise(number: str) -> "Exercise":
    """Prepares the kernel for an exercise and says in a line what its programs will use.

    Raises:
        Stopped: something is wrong with the set-up. A notebook shows the one line of it, and no traceback.
    """
    try:
        folder = surroundings.folder_of(number, ROOT)
        if before := _open.pop(folder, None):
            before.close()
        os.chdir(folder)
        wrong = surroundings.problem(ROOT)
        env.load(folder)
        if wrong:
            raise kernel.Stopped(str(wrong))
        settings = Settings.from_env(os.environ, ROOT)
    except WorkshopError as error:
        raise kernel.Stopped(str(error)) from None
    kernel.prepare(folder)
    made = _open[folder] = Exercise(folder, settings)
    print(surroundings.ready_line(made.number, settings, ROOT))
    warm.warm_up()  # the packages are imported while the learner reads
    return made


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
        self._desk = Desk(settings)
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
        asked = self._told(lambda: self._ask(question, wait, options))
        return asked or Asked(
            question, scripts.never_started(self.folder, self.folder / "no.log"), False, lambda: False
        )

    def _ask(self, question: str, wait: float, options: dict[str, Any]) -> Asked:
        log = self._settings.state_dir / "logs" / f"starter-{self.number}-{len(self._asked) + 1}.log"
        newest = self._desk.newest()
        durable = self.number != PLAIN or bool(options.get("durable"))
        script = scripts.run(self.folder, self._settings.root, "starter.py", words(question, options), log)
        asked = Asked(question, script, durable, lambda: self._desk.newest() > newest)
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

    def run(self, script: str, *arguments: str, wait: float = 60) -> None:
        """Runs another program of the folder to its end, for so many seconds at most, and prints what it prints."""
        self._told(lambda: self._run(script, arguments, wait))

    def _run(self, script: str, arguments: tuple[str, ...], wait: float) -> None:
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

    def wait(self, seconds: float = 30) -> None:
        """Waits until what was asked last is over, and prints its answer; if that takes longer, says why."""
        self._told(lambda: self._wait(seconds))

    def _wait(self, seconds: float) -> None:
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

    def audit(self, workflow_id: str | None = None) -> None:
        """Prints what a workflow did, by default the latest of this exercise: calls, attempts, errors, times."""
        self._told(lambda: self._lines(as_table(self._flows.run(self._workflow_id(workflow_id)))))

    def timeline(self, workflow_id: str | None = None) -> None:
        """Shows the same as a picture."""
        self._told(lambda: show_timeline(self._flows.run(self._workflow_id(workflow_id))))

    def why(self, workflow_id: str | None = None) -> None:
        """Prints why a workflow is not finished, or how it ended."""
        self._told(lambda: self._lines(self._flows.why(self._workflow_id(workflow_id)).lines(notebook=True)))

    def ledger(self, since_last: bool = True) -> None:
        """Prints what the practice services were asked: since the last question, or ever."""
        since = self._asked[-1][1] if since_last and self._asked else 0
        self._told(lambda: self._lines(self._desk.ledger(since)))

    def proof(self, workflow_id: str | None = None) -> Proof | PlainProof | None:
        """Prints, and returns, what the history and the ledger say of the calls of the last question."""
        return self._told(lambda: self._prove(workflow_id))

    def _prove(self, workflow_id: str | None) -> Proof | PlainProof:
        last = self._last()
        ledger = self._desk.entries() if self._desk.model_practises or self._desk.weather_practises else None
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

    def fault(self, target: str, kind: str, **options: Any) -> None:
        """Makes the practice `model` or `weather` fail on purpose, as `workshop fault` does.

        Args:
            options: `times`, `after` (so many requests), `delay` (s), `retry_after` (s), `probability`, `seed`.
        """
        self._told(lambda: self._lines(self._desk.fault(target, kind, **options)))

    def clear(self, target: str | None = None) -> None:
        """Ends the faults of `model` or `weather`, by default of both."""
        self._told(lambda: self._lines(self._desk.clear(target)))

    # Learning.

    def check(self, name: str | None = None, value: Any = None) -> Checked | Results | None:
        """Looks whether a TODO is done, or all of them.

        Args:
            name: of the check; by default all.
            value: the notebook's object that is meant, by default the variable of its usual name.
        """
        return self._told(lambda: self._lessons.check(name, value) if name else self._lessons.check_all())

    def hint(self, name: str) -> None:
        """Prints a hint, at each call one more, from a question to almost the answer."""
        self._told(lambda: self._lessons.hint(name))

    def solution(self, name: str, apply: bool = False) -> None:
        """Shows what differs from the solution; `apply=True` takes the solution's file, and keeps a copy of yours."""
        self._told(lambda: self._lessons.solution(name, apply))

    def progress(self) -> None:
        """Prints which checks have passed."""
        self._told(lambda: self._lines(self._lessons.progress()))

    def _told(self, do: Callable[[], T]) -> T | None:
        """Does it; what a person can mend is said in its line, and stops nothing."""
        try:
            return do()
        except WorkshopError as error:
            self._say(scrub(str(error)))
            return None

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
