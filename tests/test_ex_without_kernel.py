"""The parts of the notebook's side that need no kernel: first cell, reset, commands, proof, texts, processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from tests.harness import Solutions
from tests.tree import exercise_folder, variables
from tools.notebooks import copy_of_the_tree
from workshop import env, exercises
from workshop.checks.pristine import pristine_file, pristine_notebook
from workshop.errors import WorkshopError
from workshop.exercises import GIVEN
from workshop.notebook import ex as module
from workshop.notebook.asked import plain_before, remember_plain, remembered_plain, words
from workshop.notebook.kernel import Stopped
from workshop.notebook.memory import Memory
from workshop.notebook.reset import reset
from workshop.notebook.scripts import Script, to_do, without_frames
from workshop.notebook.workflows import Workflows
from workshop.processes import free_port
from workshop.settings import Settings
from workshop.text import scrub


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copy_of_the_tree(tmp_path / "tree")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, root: Path) -> Iterator[pytest.MonkeyPatch]:
    """A shell in which nothing of ours is set, and a workshop whose services do not run."""
    monkeypatch.chdir(root)
    for name in ("WORKSHOP_TEMPORAL_PORT", "WORKSHOP_TEMPORAL_UI_PORT", "WORKSHOP_PRACTICE_PORT", "WORKSHOP_LAB_PORT"):
        monkeypatch.setenv(name, str(free_port()))
    text = (root / ".env").read_text().replace("8234", os.environ["WORKSHOP_PRACTICE_PORT"])
    (root / ".env").write_text(text.replace("7233", os.environ["WORKSHOP_TEMPORAL_PORT"]))
    monkeypatch.setenv("WORKSHOP_STATE_DIR", str(root / ".workshop"))
    monkeypatch.setattr(module, "ROOT", root)
    before = dict(os.environ)
    yield monkeypatch
    env.unload()
    os.environ.clear()
    os.environ.update(before)


def first_line() -> str:
    """What the first cell says, and stops with."""
    with pytest.raises(Stopped) as stopped:
        module.exercise("03")
    shown = stopped.value._render_traceback_()
    assert len(shown) == 1
    assert "Traceback" not in shown[0]
    return shown[0]


def test_services_that_do_not_run_are_named(shell: pytest.MonkeyPatch) -> None:
    assert first_line().endswith("Next: make workshop, in a terminal")


def test_a_missing_env_file_is_named(shell: pytest.MonkeyPatch, root: Path) -> None:
    (root / ".env").rename(root / ".env.txt")
    assert "There is no .env, but a .env.txt" in first_line()


@pytest.mark.parametrize(
    ("added", "says"), [(b"# caf\xe9\n", "not UTF-8"), (b"MINE=a\x00\n", "NUL"), (b"\xff\xfe", "UTF-16")]
)
def test_an_env_file_that_is_not_text_is_named(shell: pytest.MonkeyPatch, root: Path, added: bytes, says: str) -> None:
    (root / ".env").write_bytes(added + (root / ".env").read_bytes())
    assert says in first_line()


def test_a_file_that_hides_a_package_is_named(shell: pytest.MonkeyPatch, root: Path) -> None:
    (exercise_folder(root, "03") / "agents.py").write_text("")
    assert "agents.py hides the package agents" in first_line()


def test_an_exercise_that_is_not_there_is_named(shell: pytest.MonkeyPatch) -> None:
    with pytest.raises(Stopped, match="no exercise '9'"):
        module.exercise("9")


def test_env_follows_its_file_and_the_shell_wins(tmp_path: Path) -> None:
    folder = tmp_path / "exercises" / "one"
    folder.mkdir(parents=True)
    file = tmp_path / ".env"
    environ = {"WEATHER_API_URL": "shell", "EMPTY": "", "MINE": "1"}
    file.write_bytes(b"\xef\xbb\xbfOPENAI_BASE_URL=a\nWEATHER_API_URL=b\nEMPTY=c\n")
    env.load(folder, environ)
    tracing = {"OPENAI_AGENTS_DISABLE_TRACING": "1"}
    assert environ == {"OPENAI_BASE_URL": "a", "WEATHER_API_URL": "shell", "EMPTY": "c", "MINE": "1"} | tracing
    file.write_text("OPENAI_API_KEY=k\n")
    env.load(folder, environ)
    assert environ == {"OPENAI_API_KEY": "k", "WEATHER_API_URL": "shell", "MINE": "1"}
    env.unload(environ)
    assert environ == {"WEATHER_API_URL": "shell", "MINE": "1"}


@pytest.mark.parametrize("name", ["2", "02", "02_temporal_hello_world"])
def test_an_exercise_has_several_names(name: str, root: Path) -> None:
    assert exercises.exercise_folder(name, root).name == "02_temporal_hello_world"


def test_reset_keeps_all_that_a_learner_had(root: Path) -> None:
    folder = exercise_folder(root, "02", solved=True)
    (folder / "exercise.ipynb").write_text('{"cells": [], "mine": 1}')
    for name in GIVEN:
        (folder / name).write_text("# mine\n")
    (folder / "notes.txt").write_text("mine\n")
    (folder / "more").mkdir()
    (folder / "more" / "deep.py").write_text("mine\n")
    mine = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    lines = reset(folder)
    kept = next(folder.glob("kept-*"))
    assert kept.name in lines[0]
    for name, data in mine.items():
        assert (kept / name).read_bytes() == data
    assert {path.name for path in folder.iterdir()} == {"exercise.ipynb", *GIVEN, kept.name}
    assert (folder / "exercise.ipynb").read_bytes() == pristine_notebook("02").read_bytes()
    for name in GIVEN:
        assert (folder / name).read_bytes() == (root / "solutions" / folder.name / name).read_bytes()
    # Once more, there is nothing to do, and nothing is touched.
    assert reset(folder) == ["Exercise 02 is unchanged."]
    assert [path.name for path in folder.glob("kept-*")] == [kept.name]


def test_two_resets_in_a_second_keep_both(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.strftime", lambda form: "20261125-130926")
    folder = exercise_folder(root, "02")
    for text in ("one", "two"):
        (folder / "worker.py").write_text(text)
        reset(folder)
    kept = sorted(path for path in folder.glob("kept-*"))
    assert [(path / "worker.py").read_text() for path in kept] == ["one", "two"]


def test_a_reset_that_cannot_copy_removes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = exercise_folder(root, "02", solved=True)
    before = {path.name: path.read_bytes() for path in folder.glob("*.py")}

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "kept")

    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(WorkshopError, match="No space left"):
        reset(folder)
    assert {path.name: path.read_bytes() for path in folder.glob("*.py")} == before


WORKSHOP = (sys.executable, "-c", "from workshop.cli import main; main()")


def test_check_and_reset_from_a_terminal(solutions: Solutions, root: Path) -> None:
    env = variables(solutions, root, root / ".workshop")
    folder = exercise_folder(root, "02", solved=True)

    def workshop(*arguments: str) -> tuple[int, str]:
        done = subprocess.run([*WORKSHOP, *arguments], cwd=root, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    code, text = workshop("check", "02")
    assert code == 0, text
    assert "All checks of this exercise have passed." in text
    assert "Exercise 02, temporal_hello_world: 5 of 5 checks passed" in workshop("check")[1]
    code, text = workshop("reset", "2")
    assert code == 0
    assert "Kept in exercises/02_temporal_hello_world/kept-" in text
    assert not (folder / "worker.py").exists()
    assert "Exercise 02, temporal_hello_world: 0 of 5 checks passed" in workshop("check")[1]
    code, text = workshop("check", "02")
    assert code == 1
    assert text.count("not attempted") == 5
    code, text = workshop("reset", "7")
    assert code == 1
    assert text.startswith("There is no exercise '7'.")


def test_watching_looks_again_at_every_change(solutions: Solutions, root: Path) -> None:
    env = variables(solutions, root, root / ".workshop") | {"PYTHONUNBUFFERED": "1"}
    folder = exercise_folder(root, "02")
    watched = [*WORKSHOP, "check", "02", "--watch"]
    with subprocess.Popen(watched, cwd=root, env=env, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout
        assert next(line for line in watching.stdout if line.startswith("Watching"))
        (folder / "activities.py").write_text("x = (\n")
        assert next(line for line in watching.stdout if "raised: activity" in line)
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=90)
    assert watching.returncode == 0


def test_a_script_that_cannot_do_anything_yet_is_not_started(root: Path) -> None:
    folder = exercise_folder(root, "02")
    script = Script(folder, "worker.py", root / "worker.log")
    with pytest.raises(WorkshopError, match=r"There is no worker\.py beside the notebook"):
        script.start()
    for name in ("activities.py", "workflows.py", "worker.py"):
        (folder / name).write_text(pristine_file("02", name))
    with pytest.raises(WorkshopError, match=r"TODO 1 in activities\.py is not done yet: .*\n.*ex\.hint\("):
        script.start()
    assert (script.running, script.exit_code, script.output) == (False, None, "")
    assert not (root / "worker.log").exists()


def test_a_todo_counts_in_whatever_file_a_script_imports(root: Path) -> None:
    """The worker imports workflows.py, and that imports ways.py, which has TODO 2."""
    folder = exercise_folder(root, "polling", solved=True)
    assert to_do(folder, "worker.py") is None
    (folder / "ways.py").write_text(pristine_file("polling", "ways.py"))
    for script in ("worker.py", "hour.py"):
        assert (waiting := to_do(folder, script))
        assert (waiting.todo, waiting.file) == (2, "ways.py")
    assert to_do(folder, "own.py") is None


def test_no_exception_is_lost_between_two_looks(shell: pytest.MonkeyPatch, root: Path) -> None:
    """A chain of exceptions shrinks to its last one, also when a part of it was printed before the rest was there."""
    folder = exercise_folder(root, "02")
    first = "Traceback (most recent call last):\nValueError: one\n\nDuring handling of the above exception, "
    rest = "another exception occurred:\n\nTraceback (most recent call last):\nRuntimeError: two"
    (folder / "other.py").write_text(
        f"import pathlib, time\nprint({first!r}, flush=True, end='')\n"
        f"while not pathlib.Path('seen').exists():\n    time.sleep(0.01)\nprint({rest!r})\n"
    )
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        (folder / "seen").touch()

    script = Script(folder, "other.py", root / "other.log")
    script.start()
    assert script.follow(60, say)
    assert said[0] == "ValueError: one"
    assert said[-1] == "RuntimeError: two"


@pytest.mark.parametrize("domain", ["app.github.dev", "example.test"])
def test_the_link_is_right_in_a_codespace(shell: pytest.MonkeyPatch, root: Path, domain: str) -> None:
    """Case R41: a starter's link leads to where the browser reaches the port; one of another cluster stays."""
    folder = exercise_folder(root, "02", solved=True)
    (folder / "link.py").write_text(
        "import waiting\nfrom types import SimpleNamespace as Object\n"
        "service = Object(config=Object(target_host='elsewhere.example:7233'))\n"
        "print(waiting.ui_link(Object(namespace='default', service_client=service), 'one'))\n"
    )

    def link() -> list[str]:
        script = Script(folder, "link.py", root / "link.log")
        script.start()
        assert script.program
        assert script.program.wait() == 0
        return script.output.split()

    shell.setenv("CODESPACE_NAME", "fluffy-disco-42")
    shell.setenv("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", domain)
    port = os.environ["WORKSHOP_TEMPORAL_UI_PORT"]
    assert link() == [f"https://fluffy-disco-42-{port}.{domain}/namespaces/default/workflows/one"]
    shell.setenv("TEMPORAL_UI_URL", "https://cloud.example")
    assert link() == ["https://cloud.example/namespaces/default/workflows/one"]


def test_a_proof_knows_the_runs_just_before_and_after(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """Case C40: the answer that one run has recorded was told as an unrecorded one of the next, half a second later."""
    noon = datetime(2026, 11, 30, 12, tzinfo=UTC)

    def run(name: str, began: float, ended: float | None) -> SimpleNamespace:
        start, close = (None if at is None else noon + timedelta(seconds=at) for at in (began, ended))
        times = {"start_time": start, "close_time": close, "started": start, "closed": close}
        return SimpleNamespace(id=name, run_id="", task_queue="queue", **times)

    mine = run("mine", 0, 5)
    others = [run("open", 2, None), run("just before", -9, -0.5), run("just after", 5.5, 6)]
    known = {one.id: one for one in (mine, *others, run("long before", -9, -3), run("long after", 8, None))}

    async def read(_client: Any, workflow_id: str, _run_id: str = "", environ: Any = None) -> Any:
        return known[workflow_id]

    monkeypatch.setattr("workshop.history.read_history", read)
    monkeypatch.setattr("workshop.notebook.workflows.connect", AsyncMock())
    monkeypatch.setattr("workshop.notebook.workflows.latest_workflows", AsyncMock(return_value=list(known.values())))
    assert Workflows(Settings.from_env({}, root), "queue").run_among_others("mine") == (mine, others)


def test_the_plain_run_of_the_same_question_is_known_again(tmp_path: Path) -> None:
    """In its own notebook, and in another one for as long as the ledger has it."""
    noon = "2026-11-30T12:00:0{}+00:00"
    same = {"service": "model", "turn": 1, "asked": "Texas?"}
    entries = [{**same, "id": number, "run": f"r{number}", "began": noon.format(number)} for number in range(1, 6)]

    def question(text: str, since: int, durable: bool, exit_code: int = 0) -> Any:
        return SimpleNamespace(question=text, since=since, durable=durable, exit_code=exit_code)

    asked = [question("Texas?", 0, True), question("Texas?", 1, False, 1), question("Texas?", 2, False)]
    asked += [question("Texas?", 3, True)]
    plain = plain_before(asked, "Texas?", entries)
    assert [entry["id"] for entry in plain] == [2, 3]
    assert plain_before(asked, "Ohio?", entries) == plain_before(asked[:1], "Texas?", entries) == []

    memory = Memory(tmp_path / "plain.json")
    assert remembered_plain(memory, "Texas?", entries) == []
    remember_plain(memory, "Texas?", plain)
    assert remembered_plain(memory, "Texas?", entries) == plain
    assert remembered_plain(memory, "Ohio?", entries) == []
    assert remembered_plain(memory, "Texas?", entries[:2]) == []  # the services were started again since
    (tmp_path / "plain.json").write_text("[]")
    assert remembered_plain(memory, "Texas?", entries) == []


def test_options_become_words_of_a_command_line() -> None:
    options = {"durable": True, "pause": 10, "delay": 0.5, "quiet": False, "name": None, "two_words": "x"}
    expected = ["Texas?", "--durable", "--pause", "10", "--delay", "0.5", "--two-words", "x"]
    assert words("Texas?", options) == expected


def test_a_traceback_becomes_its_last_line(tmp_path: Path) -> None:
    text = f"""before
Traceback (most recent call last):
  File "{tmp_path}/starter.py", line 7, in <module>
    inner()
  File "/elsewhere/lib.py", line 1, in inner
ValueError: one

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "{tmp_path}/starter.py", line 9, in <module>
    outer()
RuntimeError: two
after
"""
    assert without_frames(text, tmp_path) == ["before", "RuntimeError: two (starter.py, line 9)", "after"]
    begun = "before\nTraceback (most recent call last):\n  File"
    assert without_frames(begun, tmp_path, ended=False) == ["before"]


def test_keys_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "abcdefghijk")
    assert scrub("abcdefghijk sk-proj-12*****89 practice") == "(hidden) (hidden) practice"
