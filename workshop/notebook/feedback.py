"""What the checks, hints, solutions and progress of an exercise say to a learner."""

import difflib
import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop import doctor
from workshop.checks import CHECKS, SIGNS, Check, Outcome, Verdict, find
from workshop.checks.check import verdict_of
from workshop.checks.checker import Checker
from workshop.checks.learner import raised
from workshop.checks.pristine import NOTHING
from workshop.checks.submission import Submission
from workshop.errors import WorkshopError
from workshop.exercises import GIVEN, number_of, root_of, solution_of
from workshop.notebook.kernel import last_run, raised_instead, result_of, shell, show, variable
from workshop.notebook.memory import Memory
from workshop.notebook.reset import dated
from workshop.notebook.scripts import imported, not_attempted
from workshop.shown import Cell, Code, Item, Shown, Table, Tone
from workshop.text import Printed, Say

TONES: dict[Outcome, Tone] = {"passed": "good", "incorrect": "bad", "raised": "bad", "not attempted": ""}
DIFFERENCE: dict[str, Tone] = {"+": "good", "-": "bad"}  # a line of one, by how it begins
PATIENCE = 30.0  # seconds for a check of a variable


@dataclass(frozen=True)
class Checked(Printed):
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
    def shown(self) -> Shown:
        """For a person: sign and word, what was seen, the likely slip or the reason why it matters."""
        check, verdict = self.check, self.verdict
        head = f"{SIGNS[verdict.outcome]} {verdict.outcome}: {check.name} ({check.title})"
        found = [Item(head, tone=TONES[verdict.outcome])]
        if verdict.seen:
            found.append(Item(verdict.seen, indent=2))
        if verdict.slip:
            found.append(Item(verdict.slip, "Next" if verdict.outcome == "not attempted" else "Likely", indent=2))
        if verdict.outcome == "passed":
            found.append(Item(check.why, "Why", indent=2))
        elif check.hints:
            helps = f'ex.hint("{check.name}") helps, ex.solution("{check.name}") shows what differs.'
            found.append(Item(helps, indent=2))
        return Shown(found)


class Results(list[Checked], Printed):
    """What several checks found."""


class Feedback:
    """The checks of one exercise in one folder, its hints and its solution."""

    def __init__(self, folder: Path, state_dir: Path, checker: Checker, say: Say) -> None:
        self.number, self.folder = number_of(folder), folder
        self._root, self._say, self._checker = root_of(folder), say, checker
        self._solution = solution_of(folder)
        self.memory = Memory(state_dir / f"exercise-{self.number}.json")
        # What a finished exercise has.
        self.files = sorted(path.name for path in self._solution.glob("*.py") if path.name not in GIVEN)

    def check(self, name: str, value: Any = None) -> Checked:
        """Makes one check, prints and remembers what it found. `value` as in `ex.check`."""
        check = find(self.number, name)
        hindered = self._not_attempted(check, value) or self._hindered(check, value)
        found = Checked(check, hindered or self._verdict(check, value))
        self.memory.keep("verdicts", name, {"outcome": found.outcome, "file": self._digest(check)})
        show(self._say, found.shown)
        return found

    def check_all(self) -> Results:
        """Makes all checks, those of variables only where there is a notebook."""
        checks = [check for check in CHECKS[self.number] if check.file or shell()]
        found = Results(self.check(check.name) for check in checks)
        passed = sum(one.outcome == "passed" for one in found)
        if passed == len(found):
            said = Item("All checks of this exercise have passed.", tone="good")
        else:
            said = Item(f"{passed} of {len(found)} checks have passed.")
        show(self._say, Shown([said]))
        return found

    def progress(self) -> Shown:
        """A row for each check: what it found last, and whether the file was changed since."""
        checks, known = CHECKS[self.number], self.memory.read("verdicts")
        passed = sum(one["outcome"] == "passed" for check in checks if (one := known.get(check.name)))
        rows: list[list[Cell]] = []
        for check in checks:
            last = known.get(check.name)
            outcome: Outcome = last["outcome"] if last else "not attempted"
            words = outcome if last else "not checked yet"
            stale = last and check.file and last["file"] != self._digest(check)
            since = [Item("its file has changed since: check it again")] if stale else []
            rows.append([[Item(check.name)], [Item(f"{SIGNS[outcome]} {words}", tone=TONES[outcome]), *since]])
        name = self.folder.name.replace("_", ", ", 1)
        title = f"Exercise {name}: {passed} of {len(checks)} checks passed"
        return Shown([Item(title, tone="strong"), Table(("Check", "Found last"), rows)])

    def hint(self, name: str) -> None:
        """Prints one more hint than at the last call, up to all."""
        check = find(self.number, name)
        shown = min(int(self.memory.read("hints").get(name, 0)) + 1, len(check.hints))
        hints = [Item(hint, f"Hint {at} of {len(check.hints)}") for at, hint in enumerate(check.hints[:shown], 1)]
        if shown == len(check.hints):
            hints.append(Item(f'That was the last hint. ex.solution("{name}") shows the difference.'))
        show(self._say, Shown(hints))
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
            said = f"You have no {file} yet. The solution's:"
            lines = [f"+ {line}" for line in theirs]
        else:
            yours = target.read_text(encoding="utf-8", errors="replace").splitlines()
            names = f"your {file}", f"the solution's {file}"
            lines = list(difflib.unified_diff(yours, theirs, *names, lineterm="", n=2))
            said = f"From yours to the solution's {file}:" if lines else f"Your {file} is the same as the solution's."
        code = Code([(line, DIFFERENCE.get(line[:1], "")) for line in lines])
        show(self._say, Shown([Item(said), *([code] if lines else [])]))

    def _not_attempted(self, check: Check, value: Any) -> Verdict | None:
        """What a check need not be made for: there is nothing yet, or nothing of the learner's."""
        if value is not None:
            return None
        if not check.file:
            return self._no_variable(check)
        path = self.folder / check.file
        if not path.is_file():
            seen = f"There is no {check.file} beside the notebook."
            return _not_in_file(check) or Verdict("not attempted", "file-missing", seen, "run the cell that writes it")
        if why := not_attempted(self.folder, check):
            step = "write it, and run the cell again"
            return _not_in_file(check) or Verdict("not attempted", "untouched", why, step)
        for other in CHECKS[self.number]:
            if other.todo in check.needs and (why := not_attempted(self.folder, other)):
                seen = f"{why} TODO {check.todo} cannot be checked without it."
                return Verdict("not attempted", "needs-another", seen, f"write TODO {other.todo} too")
        return None

    def _no_variable(self, check: Check) -> Verdict | None:
        """Why the notebook has no object to look at; None if it has one."""
        error, value = raised_instead(check.variable, check.todo), variable(check.variable)
        if error and not isinstance(error, NotImplementedError):
            return raised(error, self.folder, "The cell", "cell-raised").verdict
        if not error and value is not None and value is not ...:
            return None
        seen = f"The notebook has no {check.variable} yet."
        step = f"write TODO {check.todo}, and run the cell again"
        if (ran := last_run(check.todo)) and ran.made is not None:
            lines = [line.strip() for line in ran.lines.splitlines() if line.strip()]
            if check.variable not in ran.made:
                instead = f", but {' and '.join(ran.made)}" if ran.made else ""
                seen = f"The cell of TODO {check.todo} ran, and set no {check.variable}{instead}."
                step = f"write {check.variable} = ... there, in no function"
                if any(line.startswith("except") for line in lines):
                    step = "leave the `try` out: its `except` hides why, and the cell would say it"
            elif any(not NOTHING.match(line) for line in lines):
                seen = f"The cell of TODO {check.todo} ran, and {check.variable} is None."
                slip = "What is on the right of its = returns nothing, as print(...) does: print in another line."
                if any(re.match(rf"{check.variable}\b[^=]*= *None$", line) for line in lines):
                    kept = " and ".join(name for name in ran.made if name != check.variable)
                    kept = f"what you made is kept in {kept}" if kept else "nothing that you made is kept"
                    slip = f"`{check.variable} = None` still stands there, and {kept}: write {check.variable} = ..."
                return Verdict("incorrect", "nothing-kept", seen, slip)
        return Verdict("not attempted", "no-variable", seen, step)

    def _hindered(self, check: Check, value: Any) -> Verdict | None:
        """What keeps any check from being made, or from being understood."""
        if hidden := doctor.shadow(self.folder, self._root):
            return Verdict("raised", "shadow", hidden.message, hidden.next_step)
        if value is None:
            for other in imported(self._solution, check.file):
                if not (self.folder / other).is_file():
                    seen = f"There is no {other}, which {check.file} needs."
                    step = "workshop reset brings it back" if other in GIVEN else "write it first"
                    return Verdict("incorrect", "needs-file", seen, step)
        return None

    def _verdict(self, check: Check, value: Any) -> Verdict:
        if value is None and check.file:
            return self._checker.look(check, self.folder)
        # An object of the notebook stays here, and is looked at with the practice services of the checks.
        submission = Submission(self.number, self.folder, self._checker.settings())
        submission.variable = variable(check.variable) if value is None else value
        if value is None and isinstance(question := variable("question"), str):
            submission.question = question
        ran = last_run(check.todo)
        if value is None and ran and ran.made and ran.made.get(check.variable) is submission.variable:
            submission.code = ran.lines
        with submission.borrowed():
            try:
                return result_of(verdict_of(check, submission), PATIENCE)
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


def _not_in_file(check: Check) -> Verdict | None:
    """For a cell that ran, and did not write the file of its check."""
    ran = last_run(check.todo)
    if ran is None or ran.file == check.file:
        return None
    did = f"wrote {ran.file}" if ran.file else "ran in the notebook, and wrote no file"
    seen = f"The cell of TODO {check.todo} {did}: {check.file} has nothing of it."
    step = f"make `%%writefile {check.file}` the first line of that cell, and run it again"
    return Verdict("not attempted", "not-in-file", seen, step)
