"""The shapes of a verdict: what a check found."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "incorrect", "raised", "not attempted"]
# Colour and sign say nothing that the word does not say too.
SIGNS: dict[Outcome, str] = {"passed": "✔", "incorrect": "✘", "raised": "!", "not attempted": "○"}


@dataclass(frozen=True)
class Verdict:
    """What a check found. Holds no secret and no traceback."""

    outcome: Outcome
    code: str  # a stable name of what was seen, such as `error-swallowed`, for programs and tests
    seen: str = ""  # a sentence or two
    slip: str = ""  # the likely slip, and what to do; "" after a pass


class NotPassed(Exception):
    """A check has seen enough: it is not passed."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.code)
        self.verdict = verdict


def incorrect(code: str, seen: str, slip: str = "") -> NotPassed:
    """It runs, and does not do what it should."""
    return NotPassed(Verdict("incorrect", code, seen, slip))
