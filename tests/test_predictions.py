"""Predictions and quiz: their data, their cells in the notebooks, and what they say of a real run."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest

from tests.folders import DURABLE
from tests.harness import PracticeFrom, Solutions
from tests.tree import exercise_folder, variables
from tools import notebooks
from tools.notebooks import copy_of_the_tree
from workshop.checks import CHECKS
from workshop.history import Kind, Row, Run
from workshop.notebook.evidence import WorkflowSight
from workshop.notebook.ex import Exercise
from workshop.notebook.kernel import cell_of
from workshop.notebook.predictions import PREDICTIONS, QUIZ
from workshop.practice.client import Practice
from workshop.practice.ledger import Ledger
from workshop.proof import prove
from workshop.services import own_services
from workshop.settings import Settings

SECTIONS = pytest.mark.parametrize("section", PREDICTIONS)
# Not in a workflow.
ELSEWHERE = {"tool", "check", "addresses", "compared", "printed", "answered", "again", "requests", "number"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copy_of_the_tree(tmp_path / "tree")


class Lesson(Exercise):
    """An exercise without a kernel; `said()` is what it has printed since it was asked before."""

    def __init__(self, root: Path, number: str, settings: Settings) -> None:
        self._lines: list[str] = []
        super().__init__(exercise_folder(root, number), settings, self._lines.append)

    def said(self) -> str:
        text = " ".join(self._lines)
        self._lines.clear()
        return re.sub(" +", " ", text)


@SECTIONS
def test_each_has_choices_a_right_one_and_a_tempting_one(section: str) -> None:
    for name, one in PREDICTIONS[section].items():
        assert "".join(one.choices) in ("ab", "abc", "abcd"), name
        tempting, why = one.tempting
        assert one.right in one.choices, name
        assert tempting in one.choices.keys() - {one.right}, name
        assert why.endswith("."), name
        assert one.shows.keys() <= vars(WorkflowSight).keys() | ELSEWHERE, name
        assert bool(one.shows) != bool(one.why), f"{name} is either looked at or said"
        assert one.shows.get("check") in (None, *(check.name for check in CHECKS.get(section, ())))
    assert len(PREDICTIONS[QUIZ]) == 6


@pytest.mark.parametrize("number", sorted(PREDICTIONS.keys() - {QUIZ}))
def test_each_question_of_a_notebook_has_its_choices_and_its_cells(number: str) -> None:
    """Text, cells and predictions.toml say the same, in the same order; the look comes before the *Why*."""
    cells = nbformat.read(notebooks.folder("exercises", number) / "exercise.ipynb", as_version=4).cells
    sources = [cell.source for cell in cells]
    found: dict[str, list[str]] = {"predict": [], "quiz": []}
    for at, source in enumerate(sources):
        if cells[at].cell_type == "markdown" and re.search(r"\*\*(Predict|Question \d)\.\*\*", source):
            choice = re.fullmatch(r'ex\.(predict|quiz)\("([\w-]+)", "\.\.\."\)', sources[at + 1])
            assert choice, source
            call, name = choice.groups()
            found[call].append(name)
            choices = PREDICTIONS[QUIZ if call == "quiz" else number][name].choices
            told = re.findall(r"^- \*\*(\w):\*\* (.+)$", source, re.M)
            assert told == list(choices.items()), name
            if call == "predict":
                look = next(i for i, one in enumerate(sources) if f'ex.predict("{name}")' in one.splitlines())
                why = next(i for i, one in enumerate(sources) if i > look and one.startswith("**Why.**"))
                assert at < look < why, name
    assert found["predict"] == list(PREDICTIONS[number])
    assert found["quiz"] == (list(PREDICTIONS[QUIZ]) if number == "04" else [])


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger in this process, in place of the practice services'."""
    book = Ledger()
    monkeypatch.setattr(Practice, "ledger", lambda self, since=0, about="": book.as_json(since, about))
    return book


@pytest.fixture
def lesson(root: Path, tmp_path: Path, book: Ledger) -> Lesson:
    return Lesson(root, "01", Settings.from_env({"WORKSHOP_STATE_DIR": str(tmp_path / "state"), **PRACTISES}, root))


PRACTISES = {"OPENAI_BASE_URL": "http://127.0.0.1:8234/v1", "OPENAI_API_KEY": "practice"}


def plain_run(book: Ledger, *fates: str) -> None:
    """A plain run: call 1 is answered, call 2 has these requests: a fault each, or `abandoned`, or `completed`."""
    for turn, fate in [(1, "completed"), *((2, fate) for fate in fates)]:
        body = {"turn": turn}
        entry = book.model_began(asked="CA?", body=body, instructions="x", opening="CA?", turn=turn, model="m")
        if fate == "completed":
            book.completed(entry, answered="yes")
        elif fate == "abandoned":
            book.abandoned(entry)
        else:
            book.failed(entry, answered="no", status=429, fault=fate)


def test_a_right_and_a_wrong_prediction_and_none(lesson: Lesson, book: Ledger) -> None:
    lesson.predict("rate-limit", "b")
    assert lesson.said().startswith('Your choice: b, "It tries call 2 again a few times')
    lesson.predict("drop", " B) ")
    assert lesson.said().startswith('Your choice: b, "worse')
    plain_run(book, *3 * ["rate-limit"])
    lesson.predict("rate-limit")
    said = lesson.said()
    assert said.startswith('You predicted b, "It tries call 2 again a few times')
    assert " That is what happens. Seen in run r1 of the ledger: #1 answered, #2 refused (rate-limit), " in said
    assert "a is tempting: the client does try again" in said
    lesson.predict("drop")  # no such run yet: nothing is given away
    said = lesson.said()
    assert said.startswith('You predicted b, "worse')
    assert "cannot be seen yet. Now, run r1 of the ledger has: #1 answered, #2 refused (rate-limit)" in said
    assert "What happens is" not in said
    assert "tempting" not in said
    plain_run(book, *3 * ["drop"])
    lesson.predict("drop")
    assert (
        'You predicted b, "worse, since a lost connection is not tried again". What happens is c, "the same'
        in lesson.said()
    )
    plain_run(book, "abandoned")
    lesson.predict("kill")
    said = lesson.said()
    assert said.startswith('You made no prediction. What happens is b, "that it was abandoned')
    assert "Seen in run r3 of the ledger: #9 answered, #10 abandoned" in said
    lesson.progress()
    assert "Predictions: 2 of 7 made; as you said: rate-limit; otherwise: drop" in lesson.said()


@pytest.mark.parametrize("choice", ["...", ..., "", "d", "bc", 2, "ab", ["a"], "\x1b[31m"])
def test_what_is_no_choice_says_how_to_make_one(lesson: Lesson, choice: object) -> None:
    lesson.predict("rate-limit", choice)
    said = lesson.said()
    assert "write a, b or c in " in said
    assert ", and run this cell again; or go on without a choice" in said
    assert "\x1b" not in said
    lesson.predict("rate-limitt", choice)
    assert "use one of these names: tool, run, rate-limit, " in lesson.said()
    lesson.progress()
    assert "Predictions: 0 of 7 made" in lesson.said()


def test_nothing_is_said_of_runs_before_the_choice(lesson: Lesson, book: Ledger, root: Path) -> None:
    plain_run(book, "abandoned")
    for entry in book._entries:
        entry.began = "2026-11-29T09:00:00.000000+00:00"
    lesson.predict("kill", "b")
    lesson.predict("kill")
    assert "There is no run to look at yet" in lesson.said()
    plain_run(book, "abandoned")
    lesson.predict("kill")
    assert "That is what happens. Seen in run r2" in lesson.said()
    # The cell with the choice is run again, changed, and the kernel is restarted: what was seen stays seen.
    lesson.predict("kill", "a")
    book.clear()
    plain_run(book, "completed")
    again = Lesson(root, "01", lesson._settings)
    again.predict("kill")
    said = again.said()
    assert 'You predicted a, "that it was answered: the model finishes what it began". What happens is b,' in said
    assert "Seen in run r2 of the ledger, earlier: #3 answered, #4 abandoned" in said
    book.clear()  # nothing at all is there
    again.predict("kill")
    assert "Seen in run r2 of the ledger, earlier:" in again.said()
    again.predict("count")
    assert "Nothing was asked in this kernel yet" in again.said()


def test_without_the_practice_services_nothing_is_compared(root: Path, tmp_path: Path) -> None:
    settings = Settings.from_env({"WORKSHOP_STATE_DIR": str(tmp_path / "state"), "OPENAI_API_KEY": "sk-x"}, root)
    lesson = Lesson(root, "03", settings)
    lesson.predict("kill", "b")
    lesson.said()
    lesson.predict("kill")
    assert "nothing can be compared here" in lesson.said()
    lesson.predict("function-tool")
    assert "Not looked at: The step replaces such a tool by an activity" in lesson.said()


def test_a_new_kernel_says_how_to_go_on(lesson: Lesson) -> None:
    assert not str(lesson.before_restart())
    for name, outcome in (("tool", "passed"), ("agent", "raised"), ("run", "passed")):
        lesson._feedback.memory.keep("verdicts", name, {"outcome": outcome, "file": ""})
    told = str(lesson.before_restart())
    assert "2 passed checks" in told
    assert "ex.worker.start()" in told


@pytest.mark.parametrize(
    ("number", "name", "step", "line"),
    [
        ("01", "weather_tool", "Step 1: a tool", "weather_tool = None"),
        ("01", "question", "Step 3: a run", 'question = "Any weather alerts in California?"'),
        ("02", "slip", "Step 8: a deliberate mistake", "slip = ["),
        ("03", "Path", "Step 2: the agent, in a workflow", "from pathlib import Path"),
        ("03", "old", "Step 2: the agent, in a workflow", "old, new = "),
        ("03", "change", "Step 11: what the `ModelActivityParameters` do", "def change("),
        ("03", "killed", "Step 9: ", "killed = ex.ask(question, wait=6)"),
    ],
)
def test_a_name_that_is_missing_after_a_restart_leads_to_its_cell(number: str, name: str, step: str, line: str) -> None:
    told = cell_of(number, name)
    assert step in told
    assert line in told


def test_a_name_that_no_cell_sets_leads_nowhere() -> None:
    assert {cell_of("01", name) for name in ("resutl", "print", "asked_")} == {""}


def test_what_a_script_printed_counts_if_it_ran_after_the_choice(root: Path, tmp_path: Path) -> None:
    settings = Settings.from_env({"WORKSHOP_STATE_DIR": str(tmp_path / "state"), "OPENAI_API_KEY": "sk-x"}, root)
    lesson = Lesson(root, "testing", settings)
    log = tmp_path / "state" / "logs" / "test_agent-testing.log"
    log.parent.mkdir(parents=True)
    outage = "test_agent.py::test_an_outage_of_minutes_is_waited_out PASSED [ 66%]\n"
    log.write_text(f"{outage}=== 3 passed in 1.02s ===\n", encoding="utf-8")
    os.utime(log, (0, 0))
    lesson.predict("outage", "a")
    lesson.said()
    lesson.predict("outage")
    assert "There is no run to look at yet" in lesson.said()
    log.write_text(f"{outage}=== 3 passed in 75.02s (0:01:15) ===\n", encoding="utf-8")
    lesson.predict("outage")
    assert "cannot be seen yet. Now, what test_agent.py printed has: test_agent.py::test_an_outage" in lesson.said()
    log.write_text(f"{outage}=== 3 passed in 1.02s ===\n", encoding="utf-8")
    lesson.predict("outage")
    said = lesson.said()
    assert 'What happens is b, "seconds". Seen in what test_agent.py printed: test_agent.py::' in said
    assert "PASSED [ 66%] 3 passed in 1.02s a is tempting" in said


NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)


def row(kind: str, **values: object) -> Row:
    return replace(Row(kind, "a name", "completed", 1, NOW, attempts=1), **values)


def fact(what: str, expected: object, *rows: Row, book: Ledger | None = None, sizes: tuple[int, ...] = ()) -> object:
    run = Run("careful-1", "run", "T", "queue", "running", NOW, None, None, None, (), "", "", rows, sizes=sizes)
    entries = book.as_json()["entries"] if book else []
    seen = WorkflowSight(run, prove(run, entries), {e["id"]: e for e in entries}, None)
    return getattr(seen, what)(expected)


def test_alerts_are_those_of_the_workflow(book: Ledger) -> None:
    call = row(Kind.TOOL, input=["FL", "Storm", "my-key"])
    assert fact("alerts", [], call, book=book) == (True, "requests to send an alert: none")
    for key in ("my-key", "another", "my-key", "careful-1/call"):
        book.sends(book.weather_began(area="FL", path=f"POST /alerts/send?area=FL key {key}: Storm"), key)
    told = "requests to send an alert: #1 sent, #3 not sent again"
    assert fact("alerts", ["sent", "not sent again", "sent"], call, book=book) == (True, f"{told}, #4 sent")
    assert fact("alerts", ["sent", "not sent again"], call, book=book) == (False, f"{told}, #4 sent")


def test_turns_are_those_of_each_run() -> None:
    hello, again = row(Kind.UPDATE, asked="Hello", output="Hello!"), row("continued as new")
    expected = [[["Hello", "Hello!"]], [["And now?", "Which"]]]
    told = "run 1: Hello -> Hello!\nrun 2: And now? -> "
    asked = row(Kind.UPDATE, asked="And now?", output="Which state?")
    assert fact("turns", expected, hello, again, asked, hello) == (True, f"{told}Which state?")
    assert fact("turns", expected, hello, again, replace(asked, output=None)) == (False, f"{told}no answer yet")
    for rows in ((), (hello,), (hello, asked), (hello, asked, again), (hello, hello, again, asked)):
        holds, _ = fact("turns", expected, *rows)
        assert not holds


def test_histories_are_even_within_a_tenth() -> None:
    told = "run 1: 1 KiB of history\nrun 2: 20 KiB of history\nrun 3: 21 KiB of history"
    assert fact("even", [2, 3], sizes=(1024, 20480, 21504, 9)) == (True, told)
    assert not fact("even", [2, 3], sizes=(1024, 20480, 24000))[0]
    assert not fact("even", [2, 3], sizes=(1024, 20480))[0]


@pytest.fixture
def solutions(tmp_path: Path) -> Iterator[Solutions]:
    """Solutions with services of their own: what is seen is the newest of all, and that of other tests is not meant."""
    with own_services(tmp_path / "services") as services:
        solutions = Solutions(services, PracticeFrom(services.settings.practice_url), tmp_path)
        yield solutions
        solutions.close()


def test_a_workflow_is_read_by_its_own_lesson_and_by_the_quiz(solutions: Solutions, root: Path) -> None:
    settings = Settings.from_env(variables(solutions, root, root / ".workshop"), root)
    lesson, last = Lesson(root, "03", settings), Lesson(root, "04", settings)
    lesson.predict("rate-limit", "c")
    solutions.worker(DURABLE)
    solutions.practice.fault("model", "rate-limit", after=1, times=3)
    starter = solutions.starter(DURABLE, "Any weather alerts in California?")
    workflow_id = solutions.workflow_id(starter)
    assert starter.wait() == 0
    lesson.said()
    lesson.predict("rate-limit")
    said = lesson.said()
    assert 'What happens is a, "Only the delay. Call 1 takes one request, call 2 takes four". Seen in' in said
    assert f"{workflow_id}: call 1: #" in said
    entries = solutions.practice.entries("model")
    refused = ", ".join(f"#{entry['id']} refused" for entry in entries if entry["outcome"] == "failed")
    assert f"call 2: {refused}, #{entries[-1]['id']} recorded fault: rate-limit" in said
    lesson.predict("kill")
    assert f"cannot be seen yet. Now, {workflow_id} has: call 1: #" in lesson.said()
    last.quiz("retries", "...")
    assert last.said().startswith("Nothing is chosen yet: write a, b or c in place of the dots")
    last.quiz("retries", "a")
    said = last.said()
    assert 'You answered a, "the client of OpenAI". The answer is c, "the retry policy of the activity"' in said
    assert f"Seen in {workflow_id}: call 1: " in said
    last.quiz("pause", "b")
    said = last.said()
    assert "Seen in" not in said
    assert said.rstrip().endswith("Next: run step 6, then this cell again")
    lesson.ledger(about="new york?&since=0")
    assert lesson.said() == "The ledger has nothing about 'new york?&since=0'."
    about = solutions.practice.ledger(about="CALIFORNIA")["entries"]
    assert {e["run"] for e in about} >= {entries[0]["run"]}
    assert {entry["id"] for entry in entries} <= {entry["id"] for entry in about}
    last.progress()
    assert "Quiz: 2 of 6 answered; otherwise: retries; not looked at yet: pause" in last.said()
