"""Checks, hints, solutions and progress of one exercise: what they say to a learner."""

import difflib
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop import doctor
from workshop.checks import CHECKS, SIGNS, Check, Outcome, Verdict, find
from workshop.checks.check import verdict_of
from workshop.checks.learner import raised
from workshop.checks.run import Checker
from workshop.checks.starters import unwritten
from workshop.checks.work import Work
from workshop.errors import WorkshopError
from workshop.notebook.kernel import Say, raised_instead, result_of, say_folded, shell, variable
from workshop.notebook.progress import Memory
from workshop.notebook.reset import CONNECTION, dated
from workshop.text import Printed, scrub

PATIENCE = 30.0  # seconds for a check of a variable
# The files that a learner's file imports.
IMPORTS = {
    "workflows.py": ("activities.py",),
    "worker.py": (CONNECTION, "activities.py", "workflows.py"),
    "starter.py": (CONNECTION, "activities.py", "workflows.py"),
}


@dataclass(frozen=True)
class Checked(Printed):
    """A check and what it found."""

    check: Check
    verdict: Verdict

    @property
    def outcome(self) -> Outcome:
        """One of passed, incorrect, raised, not attempted."""
        return self.verdict.outcome

    @property
    def code(self) -> str:
        """The stable name of what was found."""
        return self.verdict.code

    @property
    def lines(self) -> list[str]:
        """For a person: sign and word, what was seen, the likely slip or the reason why it matters."""
        check, verdict = self.check, self.verdict
        found = [f"{SIGNS[verdict.outcome]} {verdict.outcome}: {check.name} ({check.title})"]
        if verdict.seen:
            found.append(f"  {verdict.seen}")
        if verdict.slip:
            found.append(f"  {'Next' if verdict.outcome == 'not attempted' else 'Likely'}: {verdict.slip}")
        if verdict.outcome == "passed":
            found.append(f"  Why: {check.why}")
        elif check.hints:
            found.append(f'  ex.hint("{check.name}") helps, ex.solution("{check.name}") shows what differs.')
        return [scrub(line) for line in found]


class Results(list[Checked], Printed):
    """What several checks found."""


class Feedback:
    """The checks of one exercise in one folder."""

    def __init__(self, folder: Path, state_dir: Path, checker: Checker, say: Say) -> None:
        self.number, self.folder = folder.name[:2], folder
        self._root = folder.parents[1]
        self._solution = self._root / "solutions" / folder.name
        self.memory = Memory(state_dir / f"exercise-{self.number}.json")
        self._checker, self._say = checker, say
        # What a finished exercise has.
        self.files = sorted(path.name for path in self._solution.glob("*.py") if path.name != CONNECTION)

    def check(self, name: str, value: Any = None) -> Checked:
        """Makes one check, prints and remembers what it found.

        Args:
            name: of the check.
            value: the notebook's object, for a check of a variable; by default the variable of its usual name.
        """
        check = find(self.number, name)
        hindered = self._not_attempted(check, value) or self._hindered(check, value)
        found = Checked(check, hindered or self._verdict(check, value))
        self.memory.keep("verdicts", name, {"outcome": found.outcome, "file": self._digest(check)})
        say_folded(self._say, found.lines)
        return found

    def check_all(self) -> Results:
        """Makes all checks, those of variables only where there is a notebook."""
        checks = [check for check in CHECKS[self.number] if check.file or shell()]
        found = Results(self.check(check.name) for check in checks)
        passed = sum(one.outcome == "passed" for one in found)
        if passed == len(found):
            self._say("All checks of this exercise have passed.")
        else:
            self._say(f"{passed} of {len(found)} checks have passed.")
        return found

    def hint(self, name: str) -> None:
        """Prints one more hint than at the last call, up to all."""
        check = find(self.number, name)
        shown = min(int(self.memory.read("hints").get(name, 0)) + 1, len(check.hints))
        for at, hint in enumerate(check.hints[:shown], 1):
            say_folded(self._say, [f"Hint {at} of {len(check.hints)}: {hint}"])
        if shown == len(check.hints):
            self._say(f'That was the last hint. ex.solution("{name}") shows the difference.')
        self.memory.keep("hints", name, shown)

    def solution(self, name: str, apply: bool = False) -> None:
        """Prints how the learner's file differs from the solution's, or puts the solution's in its place.

        Args:
            name: of a check, of a file, or the number of the exercise for all its files.
            apply: replace; a dated copy of the learner's file stays beside it.
        """
        if name.lstrip("0") == self.number.lstrip("0"):
            files = self.files
        elif name in self.files:
            files = [name]
        else:
            check = find(self.number, name)
            if not check.file:
                self._say(f"In a cell: {check.answer}")
                return
            files = [check.file]
        for file in files:
            if apply:
                self._apply(file)
            else:
                self._differ(file)

    def progress(self) -> list[str]:
        """A line for each check: what it found last, and whether the file was changed since."""
        checks, known = CHECKS[self.number], self.memory.read("verdicts")
        passed = sum(one["outcome"] == "passed" for check in checks if (one := known.get(check.name)))
        lines = [f"Exercise {self.number}, {self.folder.name[3:]}: {passed} of {len(checks)} checks passed"]
        for check in checks:
            last = known.get(check.name)
            outcome: Outcome = last["outcome"] if last else "not attempted"
            words = outcome if last else "not checked yet"
            stale = last and check.file and last["file"] != self._digest(check)
            since = " (its file has changed since: check it again)" if stale else ""
            lines.append(f"  {SIGNS[outcome]} {check.name:12} {words}{since}")
        return lines

    def _not_attempted(self, check: Check, value: Any) -> Verdict | None:
        """What a check need not be made for: there is nothing yet, or nothing of the learner's."""
        if value is not None:
            return None
        if not check.file:
            error, value = raised_instead(check.variable, check.todo), variable(check.variable)
            if error and not isinstance(error, NotImplementedError):
                return raised(error, self.folder, "The cell", "cell-raised").verdict
            if error or value is None or value is ...:
                seen = f"The notebook has no {check.variable} yet."
                return Verdict("not attempted", "no-variable", seen, f"write TODO {check.todo}, and run the cell again")
            return None
        path = self.folder / check.file
        if not path.is_file():
            seen = f"There is no {check.file} beside the notebook."
            return Verdict("not attempted", "file-missing", seen, "run the cell that writes it")
        if check.todo is None:
            return None
        if why := self._unwritten(check.file, check.todo):
            return Verdict("not attempted", "untouched", why, "write it, and run the cell again")
        for other in CHECKS[self.number]:
            if other.todo in check.needs and other.todo and (why := self._unwritten(other.file, other.todo)):
                seen = f"{why} TODO {check.todo} cannot be checked without it."
                return Verdict("not attempted", "needs-another", seen, f"write TODO {other.todo} too")
        return None

    def _unwritten(self, file: str, todo: int) -> str:
        """Why a TODO is not attempted yet; "" if it is, or if its file is not there."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
        return "" if text is None else unwritten(self.number, file, text, todo)

    def _hindered(self, check: Check, value: Any) -> Verdict | None:
        """What keeps any check from being made, or from being understood."""
        if hidden := doctor.shadow(self.folder, self._root):
            return Verdict("raised", "shadow", hidden.message, hidden.next_step)
        if value is None:
            for other in IMPORTS.get(check.file, ()):
                if other in (CONNECTION, *self.files) and not (self.folder / other).is_file():
                    seen = f"There is no {other}, which {check.file} needs."
                    step = "workshop reset brings it back" if other == CONNECTION else "write it first"
                    return Verdict("incorrect", "needs-file", seen, step)
        return None

    def _verdict(self, check: Check, value: Any) -> Verdict:
        if value is None and check.file:
            return self._checker.look(check, self.folder)
        # An object of the notebook stays here, and is looked at with the practice services of the checks.
        work = Work(self.number, self.folder, self._checker.settings())
        work.variable = variable(check.variable) if value is None else value
        with work.borrowed():
            try:
                return result_of(verdict_of(check, work), PATIENCE)
            except TimeoutError:
                seen = f"Your code was still busy after {PATIENCE:.0f} s."
                slip = "Does it wait forever? It still runs in this kernel: restart it, then run the first cell."
                return Verdict("raised", "no-end", seen, slip)

    def _digest(self, check: Check) -> str:
        """What tells whether the file of a check was changed; "" if there is none."""
        try:
            return hashlib.sha256((self.folder / check.file).read_bytes()).hexdigest()[:16] if check.file else ""
        except OSError:
            return ""

    def _apply(self, file: str) -> None:
        source, target = self._solution / file, self.folder / file
        if not source.is_file():
            raise WorkshopError(f"There is no {source.relative_to(self._root)}.", "git checkout solutions")
        if target.is_file() and target.read_bytes() == source.read_bytes():
            self._say(f"{file} is already the solution's.")
            return
        kept = ""
        if target.exists():
            copy = dated(target.with_name(f"{file}.bak"))
            shutil.copy2(target, copy)
            kept = f" Yours is kept as {copy.name}."
        shutil.copyfile(source, target)
        self._say(f"{file} is now the solution's.{kept} Running the cell that writes it would bring yours back.")

    def _differ(self, file: str) -> None:
        source, target = self._solution / file, self.folder / file
        theirs = source.read_text(encoding="utf-8").splitlines()
        if not target.is_file():
            self._say(f"You have no {file} yet. The solution's:")
            lines = [f"+ {line}" for line in theirs]
        else:
            yours = target.read_text(encoding="utf-8", errors="replace").splitlines()
            names = f"your {file}", f"the solution's {file}"
            lines = list(difflib.unified_diff(yours, theirs, *names, lineterm="", n=2))
        for line in lines or [f"Your {file} is the same as the solution's."]:
            self._say(line)
