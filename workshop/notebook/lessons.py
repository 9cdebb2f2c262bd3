"""Checks, hints, solutions and progress of one exercise: what they say, and what they remember between kernels."""

import asyncio
import difflib
import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from workshop import doctor
from workshop.checks import CHECKS, SIGNS, Check, Outcome, Verdict, find
from workshop.checks.run import Checker
from workshop.checks.starters import untouched
from workshop.checks.work import Work, verdict_of
from workshop.diagnose.remedies import RUN_SYNC
from workshop.errors import WorkshopError
from workshop.notebook.kernel import Quiet, last_slip, shell
from workshop.notebook.reset import dated
from workshop.text import fold, scrub

Say = Callable[[str], None]
GIVEN = "connection.py"
ALL_DONE = "All checks of this exercise have passed."


@dataclass(frozen=True)
class Checked(Quiet):
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
            found.append(
                f"  Likely: {verdict.slip}" if verdict.outcome != "not attempted" else f"  Next: {verdict.slip}"
            )
        if verdict.outcome == "passed":
            found.append(f"  Why: {check.why}")
        elif check.hints:
            found.append(f'  ex.hint("{check.name}") helps, ex.solution("{check.name}") shows what differs.')
        return [scrub(line) for line in found]


class Results(list[Checked], Quiet):
    """What several checks found."""


class Lessons:
    """The checks of one exercise in one folder."""

    def __init__(self, number: str, folder: Path, root: Path, state_dir: Path, checker: Checker, say: Say) -> None:
        self.number, self.folder, self._root = number, folder, root
        self._solution = root / "solutions" / folder.name
        self._memory = state_dir / f"exercise-{number}.json"
        self._checker, self._say = checker, say
        # What a finished exercise has.
        self.files = sorted(path.name for path in self._solution.glob("*.py") if path.name != GIVEN)

    def check(self, name: str, value: Any = None) -> Checked:
        """Makes one check, prints and remembers what it found.

        Args:
            name: of the check.
            value: the notebook's object, for a check of a variable; by default the variable of its usual name.
        """
        found = self.look(find(self.number, name), value)
        self._folded(*found.lines)
        return found

    def _folded(self, *lines: str) -> None:
        for line in lines:
            for part in fold(line):
                self._say(part)

    def check_all(self) -> Results:
        """Makes all checks, those of variables only where there is a notebook."""
        checks = [check for check in CHECKS[self.number] if check.file or shell()]
        found = Results(self.check(check.name) for check in checks)
        passed = sum(one.outcome == "passed" for one in found)
        self._say(ALL_DONE if passed == len(found) else f"{passed} of {len(found)} checks have passed.")
        return found

    def look(self, check: Check, value: Any = None) -> Checked:
        """Makes one check, and remembers what it found."""
        verdict = self._not_attempted(check, value) or self._hindered(check, value) or self._verdict(check, value)
        self._remember("verdicts", check.name, {"outcome": verdict.outcome, "file": self._digest(check)})
        return Checked(check, verdict)

    def hint(self, name: str) -> None:
        """Prints one hint more than at the last call, up to all."""
        check = find(self.number, name)
        shown = min(int(self._recall("hints").get(name, 0)) + 1, len(check.hints))
        for index, hint in enumerate(check.hints[:shown], 1):
            self._folded(f"Hint {index} of {len(check.hints)}: {hint}")
        if shown == len(check.hints):
            self._say(f'That was the last hint. ex.solution("{name}") shows the difference.')
        self._remember("hints", name, shown)

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
        lines = []
        known = self._recall("verdicts")
        for check in CHECKS[self.number]:
            last = known.get(check.name)
            outcome: Outcome = last["outcome"] if last else "not attempted"
            words = outcome if last else "not checked yet"
            stale = last and check.file and last.get("file") != self._digest(check)
            since = " (its file has changed since: check it again)" if stale else ""
            lines.append(f"  {SIGNS[outcome]} {check.name:12} {words}{since}")
        done = sum(bool(known.get(check.name, {}).get("outcome") == "passed") for check in CHECKS[self.number])
        return [
            f"Exercise {self.number}, {self.folder.name[3:]}: {done} of {len(CHECKS[self.number])} checks passed",
            *lines,
        ]

    def forget(self) -> None:
        """Hints and verdicts begin anew."""
        self._memory.unlink(missing_ok=True)

    def _not_attempted(self, check: Check, value: Any) -> Verdict | None:
        if value is None and not check.file:
            return self._no_variable(check)
        if value is not None or not check.file:
            return None
        path = self.folder / check.file
        if not path.is_file():
            seen = f"There is no {check.file} beside the notebook."
            return Verdict("not attempted", "file-missing", seen, "run the cell that writes it")
        if check.todo is None:
            return None
        text = path.read_text(encoding="utf-8", errors="replace")
        if untouched(self.number, check.file, text, check.todo):
            seen = f"TODO {check.todo} in {check.file} is as it was given out."
            return Verdict("not attempted", "untouched", seen, "write it, and run the cell again")
        for other in check.needs:
            if untouched(self.number, check.file, text, other):
                seen = f"TODO {other} in {check.file} is as it was given out; TODO {check.todo} cannot be seen without."
                return Verdict("incorrect", "needs-another", seen, f"Write TODO {other} too.")
        return None

    def _no_variable(self, check: Check) -> Verdict | None:
        here = shell()
        slip = last_slip()
        if slip:
            return Verdict("raised", RUN_SYNC.code, f"The cell raised {slip}.", RUN_SYNC.slip)
        value = here.user_ns.get(check.variable) if here else None
        if value is None or value is ...:
            seen = f"The notebook has no {check.variable} yet."
            return Verdict("not attempted", "no-variable", seen, f"write TODO {check.todo}, and run the cell again")
        return None

    def _hindered(self, check: Check, value: Any) -> Verdict | None:
        """What keeps any check from being made, or from being understood."""
        if hidden := doctor.shadow(self.folder, self._root):
            return Verdict("raised", "shadow", hidden.message, hidden.next_step)
        if value is None and check.file:
            for other in (GIVEN, *self.files):
                if other != check.file and not (self.folder / other).is_file() and self._uses(check, other):
                    seen = f"There is no {other}, which {check.file} needs."
                    step = "workshop reset brings it back" if other == GIVEN else "write it first"
                    return Verdict("incorrect", "needs-file", seen, step)
        return None

    @staticmethod
    def _uses(check: Check, other: str) -> bool:
        needs = {
            "activities.py": (),
            "workflows.py": ("activities.py",),
            "worker.py": ("connection.py", "activities.py", "workflows.py"),
            "starter.py": ("connection.py", "activities.py", "workflows.py"),
        }
        return other in needs.get(check.file, ())

    def _verdict(self, check: Check, value: Any) -> Verdict:
        if value is None and check.file:
            return self._checker.look(self.number, check, self.folder)
        here = shell()
        work = Work(self.folder, self._checker.settings())
        work.variable = here.user_ns.get(check.variable) if value is None and here else value
        return _in_a_thread(check, work)

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
            self._say(f"{file} is the solution's already.")
            return
        kept = ""
        if target.exists():
            copy = dated(target.with_name(f"{file}.bak"))
            shutil.copy2(target, copy)
            kept = f" Yours is kept as {copy.name}."
        shutil.copyfile(source, target)
        self._say(f"{file} is the solution's now.{kept} Running the cell that writes it would bring yours back.")

    def _differ(self, file: str) -> None:
        source, target = self._solution / file, self.folder / file
        if not target.is_file():
            self._say(f"You have no {file} yet. The solution's:")
            for line in source.read_text(encoding="utf-8").splitlines():
                self._say(f"+ {line}")
            return
        yours, theirs = (path.read_text(encoding="utf-8", errors="replace").splitlines() for path in (target, source))
        lines = list(difflib.unified_diff(yours, theirs, f"your {file}", f"the solution's {file}", lineterm="", n=2))
        for line in lines or [f"Your {file} is the same as the solution's."]:
            self._say(line)

    def _recall(self, what: str) -> dict[str, Any]:
        try:
            found = json.loads(self._memory.read_text(encoding="utf-8")).get(what, {})
        except (OSError, ValueError, AttributeError):
            return {}
        return found if isinstance(found, dict) else {}

    def _remember(self, what: str, name: str, value: Any) -> None:
        memory = {key: self._recall(key) for key in ("hints", "verdicts")}
        memory[what][name] = value
        # Not worth stopping a lesson for: a full disk, a folder that may not be written.
        with suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            part = self._memory.with_suffix(".part")
            part.write_text(json.dumps(memory), encoding="utf-8")
            part.replace(self._memory)


def _in_a_thread(check: Check, work: Work) -> Verdict:
    """Looks at a variable: beside the notebook's own event loop, with the practice services of the checks."""
    found: list[Verdict | WorkshopError] = []

    def look() -> None:
        try:
            found.append(asyncio.run(verdict_of(check, work)))
        except WorkshopError as trouble:
            found.append(trouble)

    with work.borrowed():
        thread = Thread(target=look, daemon=True)
        thread.start()
        thread.join(30)
    if not found:
        return Verdict("raised", "no-end", "Your code was still busy after 30 s.", "")
    if isinstance(found[0], WorkshopError):
        raise found[0]
    return found[0]
