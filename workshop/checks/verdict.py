"""The shapes of a check: what it is about, what it found."""

import tomllib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from workshop.checks.work import Work

Outcome = Literal["passed", "incorrect", "raised", "not attempted"]
# Returns what was seen that makes it right, or raises `NotPassed`.
Look = Callable[["Work"], Coroutine[Any, Any, str]]
# Colour and sign say nothing that the word does not say too.
SIGNS: dict[Outcome, str] = {"passed": "✔", "incorrect": "✘", "raised": "!", "not attempted": "○"}
_FILE = Path(__file__).with_name("checks.toml")


@dataclass(frozen=True)
class Verdict:
    """What a check found. Holds no secret and no traceback.

    Args:
        outcome: one of the four.
        code: a stable name of what was seen, such as `error-swallowed`, for programs and tests.
        seen: what was seen, a sentence or two.
        slip: the likely slip, and what to do; "" after a pass.
    """

    outcome: Outcome
    code: str
    seen: str = ""
    slip: str = ""


@dataclass(frozen=True)
class Check:
    """One thing that a learner has to get right. checks.toml has all but the last field.

    Args:
        name: as in `ex.check("name")`.
        title: what is to be done, the rest of "to do: ...".
        hints: from a question to almost the answer, at most three.
        why: after a pass, one sentence of why.
        file: the file it is about; "" for a variable of the notebook.
        todo: the number of its TODO in that file or notebook; None for a step that has none.
        variable: the notebook's variable that holds the answer, where there is one.
        answer: the line that is right for it.
        temporal: it needs a Temporal server.
        scripts: how many of the learner's scripts it runs at most.
        doing: what takes long about it, if something does; said beforehand.
        needs: other TODOs of the same file, without which nothing of this one can be seen.
        look: does the looking, in a process of its own (or in the notebook, for a variable).
    """

    name: str
    title: str
    hints: Sequence[str]
    why: str
    file: str = ""
    todo: int | None = None
    variable: str = ""
    answer: str = ""
    temporal: bool = False
    scripts: int = 0
    doing: str = ""
    needs: Sequence[int] = ()
    look: Look = field(kw_only=True, repr=False)


def checks_of(number: str, looks: Mapping[str, Look]) -> tuple[Check, ...]:
    """The checks of an exercise: what checks.toml says of each, and what does its looking."""
    told = tomllib.loads(_FILE.read_text(encoding="utf-8"))[number]
    return tuple(Check(name, **told[name], look=look) for name, look in looks.items())


class NotPassed(Exception):
    """A check has seen enough: why it is not passed, as the arguments of a `Verdict`."""

    def __init__(self, outcome: Outcome, code: str, seen: str, slip: str = "") -> None:
        super().__init__(code)
        self.verdict = Verdict(outcome, code, seen, slip)


def incorrect(code: str, seen: str, slip: str = "") -> NotPassed:
    """It runs, and does not do what it should."""
    return NotPassed("incorrect", code, seen, slip)
