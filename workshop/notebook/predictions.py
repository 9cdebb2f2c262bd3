"""`ex.predict` and `ex.quiz`: a choice beforehand, and afterwards what happened, as it was seen."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workshop.errors import WorkshopError
from workshop.notebook.evidence import Evidence, Sight
from workshop.notebook.kernel import show
from workshop.notebook.memory import Memory
from workshop.shown import Item, Shown
from workshop.text import Say, shorten

QUIZ = "quiz"  # the section of the quiz, and what the memory calls it
# What was done, if nothing was, of a right choice, of another one.
WORDS = {
    "predictions": ("You predicted", "You made no prediction.", "That is what happens.", "What happens is"),
    QUIZ: ("You answered", "You gave no answer.", "That is right.", "The answer is"),
}
_FILE = Path(__file__).with_name("predictions.toml")


@dataclass(frozen=True)
class Prediction:
    """One question with its choices. predictions.toml says what each of these means."""

    name: str
    choices: Mapping[str, str]  # letter -> words
    right: str
    tempting: tuple[str, str]  # a wrong letter, and why it is tempting
    shows: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    exercise: str = ""  # whose runs show it; "" = the one it belongs to
    step: str = "the cells of this step from the top"  # what to run, so that it is seen

    def told(self, letter: str) -> str:
        return f'{letter}, "{self.choices[letter].removesuffix(".")}"'


# What an exercise is called, or "quiz" -> name -> prediction.
PREDICTIONS = {
    section: {name: Prediction(name, **told) for name, told in questions.items()}
    for section, questions in tomllib.loads(_FILE.read_text(encoding="utf-8")).items()
}


class Predictions:
    """The predictions of one exercise, or the questions of the quiz. Nothing in here stops a cell."""

    def __init__(self, section: str, memory: Memory, evidence: Evidence, say: Say) -> None:
        self._section, self._memory, self._evidence, self._say = section, memory, evidence, say
        self._kept = "predictions" if section != QUIZ else QUIZ
        self._call = "ex.predict" if section != QUIZ else "ex.quiz"

    def choose(self, name: str, choice: Any) -> bool:
        """Remembers a choice; says how to make one where none is made yet. Whether one was made."""
        prediction = self._find(name)
        letter = str(choice).strip().lower().rstrip(".):") if choice is not ... else ""
        if letter not in prediction.choices:
            what = f"{shorten(repr(choice), 40)} is not one of the choices" if letter else "Nothing is chosen yet"
            place = "its place" if letter else "place of the dots"
            *first, last = prediction.choices
            how = f"write {', '.join(first)} or {last} in {place}, and run this cell again; or go on without a choice"
            self._say(f"{what}: {how}.")
            return False
        known = self._memory.read(self._kept).get(name, {})
        # What happened since the first choice counts: nobody has to run a step again after a change of mind.
        at = known.get("at", datetime.now(UTC).isoformat())
        self._memory.keep(self._kept, name, known | {"choice": letter, "at": at})
        show(self._say, Shown([Item(prediction.told(letter), "Your choice")]))
        return True

    def look(self, name: str) -> None:
        """Says what was chosen and, once it was seen, what happened and why the tempting one is tempting."""
        prediction = self._find(name)
        known = self._memory.read(self._kept).get(name, {})
        choice = known.get("choice", "")
        did, none, right, other = WORDS[self._kept]
        head = f"{did} {prediction.told(choice)}." if choice else none
        if prediction.shows:
            since = datetime.fromisoformat(known["at"]) if choice and self._section != QUIZ else None
            earlier = Sight(True, f"{known['where']}, earlier", tuple(known["facts"])) if known.get("seen") else None
            try:
                sight = self._evidence.look(prediction.shows, since, prediction.exercise)
            except WorkshopError:
                if earlier is None:
                    raise
                sight = earlier
            if sight.holds and sight is not earlier:
                known |= {"seen": True, "where": sight.where, "facts": list(sight.facts)}
            elif earlier:  # by now others are the newest, or nothing is there any more
                sight = earlier
            facts = [Item(fact, indent=4) for fact in sight.facts]
            if not sight.holds:
                yet = f"What happens cannot be seen yet. Now, {sight.where} has:"
                now = Item(yet if sight.where else "There is no run to look at yet.", indent=2)
                step = Item(f"run {prediction.step}, then this cell again", "Next", indent=2)
                show(self._say, Shown([Item(head), now, *facts, step]))
                return
            seen = [Item(f"Seen in {sight.where}:", indent=2), *facts]
        else:
            known |= {"seen": True}
            right, other = WORDS[QUIZ][2:]  # nothing has happened that could be seen
            seen = [Item(prediction.why, "Not looked at", indent=2)]
        self._memory.keep(self._kept, name, known)
        head += f" {right}" if choice == prediction.right else f" {other} {prediction.told(prediction.right)}."
        tempting, why = prediction.tempting
        show(self._say, Shown([Item(head, tone="strong"), *seen, Item(f"{tempting} is tempting: {why}", indent=2)]))

    def _find(self, name: str) -> Prediction:
        known = PREDICTIONS.get(self._section, {})
        if name not in known:
            names = ", ".join(known)
            raise WorkshopError(f"There is no {self._call}({name!r}) here.", f"use one of these names: {names}")
        return known[name]

    def progress(self) -> str:
        """What came of the choices, in a line; "" where none can be made, and for a quiz that was not begun."""
        known, asked, quiz = self._memory.read(self._kept), PREDICTIONS.get(self._section, {}), self._section == QUIZ
        if not asked or (quiz and not known):
            return ""
        chosen = {name: known[name]["choice"] for name in asked if known.get(name, {}).get("choice")}
        seen = {name: letter for name, letter in chosen.items() if known[name].get("seen")}
        right = [name for name, letter in seen.items() if letter == asked[name].right]
        groups = {
            "right" if quiz else "as you said": right,
            "otherwise": [name for name in seen if name not in right],
            "not looked at yet": [name for name in chosen if name not in seen],
        }
        made = f"{len(chosen)} of {len(asked)} {'answered' if quiz else 'made'}"
        parts = [f"{words}: {', '.join(names)}" for words, names in groups.items() if names]
        return "; ".join([f"{'Quiz' if quiz else 'Predictions'}: {made}", *parts])
