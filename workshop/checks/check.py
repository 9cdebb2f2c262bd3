"""A check: what a learner is told of it, what does its looking, and how its verdict comes about."""

import tomllib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.checks.learner import unforeseen
from workshop.checks.submission import Submission
from workshop.checks.verdict import NotPassed, Verdict
from workshop.errors import WorkshopError

# Returns what was seen that makes it right, or raises `NotPassed`.
Look = Callable[[Submission], Coroutine[Any, Any, str]]
_FILE = Path(__file__).with_name("checks.toml")


@dataclass(frozen=True)
class Check:
    """One thing that a learner has to get right. checks.toml has all but number, name and look."""

    number: str  # of the exercise
    name: str  # as in `ex.check("name")`
    title: str  # what is to be done, the rest of "to do: ..."
    hints: Sequence[str]  # from a question to almost the answer, at most three
    why: str  # after a pass, one sentence of why
    file: str = ""  # the file it is about; "" for a variable of the notebook
    todo: int | None = None  # the number of its TODO in that file or notebook; None for a step that has none
    variable: str = ""  # the notebook's variable that holds the answer, where there is one
    answer: str = ""  # the line that is right for it
    temporal: bool = False  # it needs a Temporal server
    scripts: int = 0  # how many of the learner's scripts it runs at most
    doing: str = ""  # what takes long about it, if something does; said beforehand
    needs: Sequence[int] = ()  # other TODOs of the exercise, without which nothing of this one can be seen
    look: Look = field(kw_only=True, repr=False)  # in a process of its own (or in the notebook, for a variable)


def checks_of(number: str, looks: Mapping[str, Look]) -> tuple[Check, ...]:
    """The checks of an exercise: what checks.toml says of each, and what does its looking."""
    told = tomllib.loads(_FILE.read_text(encoding="utf-8"))[number]
    return tuple(Check(number, name, **told[name], look=look) for name, look in looks.items())


async def verdict_of(check: Check, submission: Submission) -> Verdict:
    """What a check finds.

    Raises:
        WorkshopError: it could not be made, through no fault of the learner's.
    """
    try:
        submission.practice.clear()
        submission.practice.clear_ledger()
        return Verdict("passed", "passed", await check.look(submission))
    except NotPassed as found:
        return found.verdict
    except WorkshopError:
        raise
    except BaseException as error:
        return unforeseen(error, submission.folder)
