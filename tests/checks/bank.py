"""Answers of learners: how one is told, and how it becomes files beside a notebook.

A file is the starter's, its TODOs filled with the solution's lines, except for the one that the answer is about.
"""

import re
import shutil
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from textwrap import dedent, indent

from workshop.checks import Check, find
from workshop.checks.pristine import pristine_file
from workshop.exercises import FOLDERS
from workshop.settings import ROOT

# The lines of activities.py that ask the weather service, and what a single line would ask for.
ASKED = """    async with httpx.AsyncClient(base_url=url, timeout=2.5, verify=TLS) as http:
        # The service refuses callers that do not say who they are.
        headers = {"User-Agent": "durable-ai-agents-workshop"}
        response = await http.get("/alerts/active", params={"area": state}, headers=headers)
"""
REQUEST = 'f"{url}/alerts/active", params={"area": state}, headers={"User-Agent": "me"}'
# How the second of two TODOs in a row begins in the solution.
BEGINS = {"02": "return await", "03": "with trace("}
REGION = re.compile(
    r"(^[ \t]*# TODO (\d+)\b.*?(?:\n[ \t]*# (?!END TODO).*?)*\n)(.*?)(^[ \t]*# END TODO \2\b)", re.M | re.S
)


@dataclass(frozen=True)
class Answer:
    """An answer to one check.

    Args:
        number: of the exercise.
        check: its name.
        name: of the answer, for whoever reads a failure.
        todo: what stands in the check's TODO; None: what the solution has there.
        edits: then, in the check's file or the one named third: this text becomes that one.
        code: of the verdict that it should get; "passed" for a right answer.
        untouched: the TODO is unchanged.
    """

    number: str
    check: str
    name: str
    code: str
    todo: str | None = None
    edits: tuple[tuple[str, ...], ...] = field(default=())
    untouched: bool = False

    @property
    def about(self) -> Check:
        """The check."""
        return find(self.number, self.check)

    def __str__(self) -> str:
        return f"{self.number}-{self.check}-{self.name}"


def solution(number: str) -> Path:
    """The folder of a solution."""
    return ROOT / "solutions" / FOLDERS[number]


@cache
def solved(number: str, file: str) -> dict[int, str]:
    """What the solution has in each TODO of a file."""
    given = pristine_file(number, file).rstrip()
    parts = REGION.split(given)
    pattern, names = re.escape(parts[0]), []
    for at in range(1, len(parts), 5):
        names.append(int(parts[at + 1]))
        pattern += "(.*?)" + re.escape(parts[at + 4].removeprefix("\n"))
    match = re.fullmatch(pattern, (solution(number) / file).read_text(encoding="utf-8").rstrip(), re.S)
    assert match, f"{file} of the starter differs from the solution outside of its TODOs"
    found = dict(zip(names, match.groups(), strict=True))
    for one, other in pairwise(names):
        if not found[one]:  # nothing stands between the two TODOs
            lines = found[other].splitlines(keepends=True)
            at = next(at for at, line in enumerate(lines) if line.strip().startswith(BEGINS[number]))
            found[one], found[other] = "".join(lines[:at]), "".join(lines[at:])
    return found


def text_of(answer: Answer) -> str:
    """The check's file, as the learner who gives this answer has it."""
    check, known = answer.about, solved(answer.number, answer.about.file)

    def fill(region: re.Match[str]) -> str:
        begin, number, _given, end = region.groups()
        if answer.untouched and int(number) == check.todo:
            return region[0]
        if answer.todo is None or int(number) != check.todo:
            return f"{begin}{known[int(number)].rstrip()}\n{end}"
        margin = re.match(r"[ \t]*", begin)[0]  # type: ignore[index]
        return f"{begin}{indent(dedent(answer.todo).strip(chr(10)), margin)}\n{end}"

    text = REGION.sub(fill, pristine_file(answer.number, check.file))
    return edited(text, answer, check.file)


def edited(text: str, answer: Answer, file: str) -> str:
    """A file's text after the edits that are about it."""
    for old, new, *where in answer.edits:
        if (where or [answer.about.file]) == [file]:
            assert old in text, f"{answer}: there is no {old!r} in {file}"
            text = text.replace(old, new)
    return text


def write(answer: Answer, folder: Path) -> Path:
    """The learner's folder: the solution's files, and this answer's one."""
    folder.mkdir(parents=True)
    for path in solution(answer.number).glob("*.py"):
        text = edited(path.read_text(encoding="utf-8"), answer, path.name) if path.name != answer.about.file else ""
        (folder / path.name).write_text(text, encoding="utf-8")
    for path in solution(answer.number).glob("*.json"):  # what a program of the lesson has recorded
        shutil.copy(path, folder)
    (folder / answer.about.file).write_text(text_of(answer), encoding="utf-8")
    return folder
