"""The shapes of a verdict: what a check found."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "incorrect", "raised", "not attempted"]
# Colour and sign say nothing that the word does not say too.
SIGNS: dict[Outcome, str] = {"passed": "✔", "incorrect": "✘", "raised": "!", "not attempted": "○"}


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


class NotPassed(Exception):
    """A check has seen enough: why it is not passed, as the arguments of a `Verdict`."""

    def __init__(self, outcome: Outcome, code: str, seen: str, slip: str = "") -> None:
        super().__init__(code)
        self.verdict = Verdict(outcome, code, seen, slip)


def incorrect(code: str, seen: str, slip: str = "") -> NotPassed:
    """It runs, and does not do what it should."""
    return NotPassed("incorrect", code, seen, slip)
