"""What `ex.hint` and `ex.solution` say: from a question to almost the answer, then the difference from the solution."""

import difflib
import shutil
from pathlib import Path

from workshop.checks import find
from workshop.errors import WorkshopError
from workshop.exercises import number_of, root_of, solution_of
from workshop.notebook.kernel import show
from workshop.notebook.memory import Memory
from workshop.notebook.reset import CONNECTION, dated
from workshop.shown import Code, Item, Shown, Tone
from workshop.text import Say

TONES: dict[str, Tone] = {"+": "good", "-": "bad"}  # of a difference


class Hints:
    """The hints and the solution of one exercise, for what is in one folder."""

    def __init__(self, folder: Path, state_dir: Path, say: Say) -> None:
        self.number, self.folder = number_of(folder), folder
        self._root, self._say = root_of(folder), say
        self._solution = solution_of(folder)
        self.memory = Memory(state_dir / f"exercise-{self.number}.json")
        # What a finished exercise has.
        self.files = sorted(path.name for path in self._solution.glob("*.py") if path.name != CONNECTION)

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
        code = Code([(line, TONES.get(line[:1], "")) for line in lines])
        show(self._say, Shown([Item(said), *([code] if lines else [])]))
