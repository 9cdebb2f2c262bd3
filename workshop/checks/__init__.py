"""The checks: what looks at a learner's code, and what the learner is told of it.

ex01.py to ex04.py each have a table of their exercise's checks, and so has a file for each lesson of going_further/.
activity.py, worker.py and starter.py look at the learner's file of that name, in each exercise that has one.
checks.toml has the words: titles, hints, why it matters. To add a check, see its head.
"""

from workshop.checks import approval, conversation, ex01, ex02, ex03, ex04, polling, testing
from workshop.checks.check import Check
from workshop.checks.verdict import SIGNS, Outcome, Verdict
from workshop.errors import WorkshopError

__all__ = ["CHECKS", "SIGNS", "Check", "Outcome", "Verdict", "find"]

CHECKS: dict[str, tuple[Check, ...]] = {
    "01": ex01.CHECKS,
    "02": ex02.CHECKS,
    "03": ex03.CHECKS,
    "04": ex04.CHECKS,
    "approval": approval.CHECKS,
    "conversation": conversation.CHECKS,
    "polling": polling.CHECKS,
    "testing": testing.CHECKS,
}


def find(number: str, name: str) -> Check:
    """The check `name` of exercise `number`.

    Raises:
        WorkshopError: there is none of that name.
    """
    found = next((check for check in CHECKS[number] if check.name == name), None)
    if found is None:
        names = ", ".join(f'"{check.name}"' for check in CHECKS[number])
        raise WorkshopError(f'Exercise {number} has no check "{name}".', f"choose one of {names}")
    return found
