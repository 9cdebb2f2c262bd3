"""What fails in a check's own part is told as ours; only what comes out of the learner's code is the learner's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks.bank import Answer, solution, write
from workshop.checks import find
from workshop.checks.checker import Checker
from workshop.checks.learner import place, raised, raised_elsewhere, told, unforeseen
from workshop.errors import WorkshopError
from workshop.history import Place


def raised_by(path: Path, text: str) -> BaseException:
    """What a file raises when it is run."""
    try:
        exec(compile(text, str(path), "exec"))
    except Exception as error:
        return error
    raise AssertionError("it raised nothing")


def test_an_exception_of_the_learners_code_is_the_learners(tmp_path: Path) -> None:
    verdict = unforeseen(raised_by(tmp_path / "workflows.py", "\n\n[][0]"), tmp_path)
    assert (verdict.outcome, verdict.code) == ("raised", "raised")
    assert "workflows.py, line 3" in verdict.seen


def test_what_connection_py_raises_is_told_at_the_line_that_called_it(tmp_path: Path) -> None:
    inner = compile("\nplugin.connect_service_client", str(tmp_path / "connection.py"), "exec")
    outer = compile("\n\nexec(inner, {'plugin': {1}})", str(tmp_path / "worker.py"), "exec")
    with pytest.raises(AttributeError) as trouble:
        exec(outer, {"inner": inner})
    verdict = raised(trouble.value, tmp_path, "worker.py", "script-raised").verdict
    assert verdict.code == "plugin-by-name"
    assert "(worker.py, line 3)" in verdict.seen


@pytest.mark.parametrize(
    ("error", "file", "slip"),
    [
        (
            "NameError: name 'Runner' is not defined",
            "worker.py",
            "Runner is a name of starter.py and work",
        ),
        ("NameError: name 'Runner' is not defined", "workflows.py", "`from agents import Runner` is missing"),
        ("NameError: name 'resutl' is not defined", "worker.py", "A name is misspelt"),
    ],
)
def test_a_name_of_another_file_is_told(error: str, file: str, slip: str) -> None:
    assert raised_elsewhere(error, "It", "raised", Place(file, 37, "", "")).verdict.slip.startswith(slip)


@pytest.mark.parametrize("name", ["<ipython-input-3-0a1b>", "/tmp/ipykernel_123/456.py"])
def test_an_exception_of_a_cell_is_the_learners(tmp_path: Path, name: str) -> None:
    at = place(raised_by(Path(name), "int('x')"), tmp_path)
    assert at
    assert told(at) == "the cell, line 1"


def test_any_other_is_ours_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(WorkshopError, match="could not be made: ValueError") as trouble:
        unforeseen(raised_by(tmp_path.parent / "ex03.py", "\nint('x')"), tmp_path)
    assert "(ex03.py, line 2)" in trouble.value.message
    assert "not your code's" in trouble.value.message


def test_code_that_does_not_end_is_named(checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workshop.checks.checker.SECONDS", 1.0)
    endless = Answer("04", "specialists", "endless", "no-end", "while True:\n    pass")
    verdict = checker.look(endless.about, write(endless, tmp_path / "exercise"))
    assert (verdict.outcome, verdict.code) == ("raised", "no-end")
    assert "(workflows.py, line 2" in verdict.seen


def test_a_machine_that_is_too_slow_is_no_verdict(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is over while a check waits, and none of the learner's code runs in it."""
    monkeypatch.setattr("workshop.checks.checker.SECONDS", 0.2)
    with pytest.raises(WorkshopError, match="none of your code was busy"):
        checker.look(find("03", "recovery"), solution("03"))


CHECKS = """
from pathlib import Path
from workshop.checks import find
from workshop.checks.checker import Checker
from workshop.errors import WorkshopError
from workshop.history import Place
checker = Checker()
for name in ("timer", "activity"):
    try:
        print(checker.look(find("02", name), Path({folder!r})).outcome)
    except WorkshopError as error:
        print(error)
checker.close()
"""


@pytest.mark.parametrize("server", ["", "#!/bin/sh\necho no room; exit 1\n"], ids=["missing", "ends"])
def test_services_of_ours_that_cannot_be_had_are_no_verdict(tmp_path: Path, server: str) -> None:
    """Without a Temporal server right code gets no verdict, and no blame; what needs none is checked."""
    (tmp_path / "python").symlink_to(sys.executable)  # beside which it looks for the server
    if server:
        (tmp_path / "temporal").write_text(server)
        (tmp_path / "temporal").chmod(0o755)
    env = {"PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [str(tmp_path / "python"), "-c", CHECKS.format(folder=str(solution("02")))]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    trouble, *_, passed = ran.stdout.splitlines()
    assert trouble.startswith("The check could not be made: The Temporal server")
    assert ("no room" if server else "there is no `temporal` command") in ran.stdout
    assert "Next: workshop doctor" in ran.stdout
    assert passed == "passed"
