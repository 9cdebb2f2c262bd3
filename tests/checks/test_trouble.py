"""What fails in a check's own part is told as ours; only what comes out of the learner's code is the learner's."""

import os
import sys
from pathlib import Path

import pytest

from tests.checks.bank import solution
from workshop.checks import find
from workshop.checks.learner import place, unforeseen
from workshop.checks.prober import Prober
from workshop.checks.stage import Stage
from workshop.errors import WorkshopError


def raised_by(path: Path, text: str) -> BaseException:
    """What a file raises when it is run."""
    try:
        exec(compile(text, str(path), "exec"))
    except Exception as error:
        return error
    raise AssertionError("it raised nothing")


def test_an_exception_of_the_learners_code_is_the_learners(tmp_path: Path) -> None:
    verdict = unforeseen(raised_by(tmp_path / "workflows.py", "\n\nint('x')"), tmp_path)
    assert (verdict.outcome, verdict.code) == ("raised", "raised")
    assert "workflows.py, line 3" in verdict.seen


@pytest.mark.parametrize("name", ["<ipython-input-3-0a1b>", "/tmp/ipykernel_123/456.py"])
def test_an_exception_of_a_cell_is_the_learners(tmp_path: Path, name: str) -> None:
    assert place(raised_by(Path(name), "int('x')"), tmp_path) == "the cell, line 1"


def test_any_other_is_ours_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(WorkshopError, match="could not be made: ValueError") as trouble:
        unforeseen(raised_by(tmp_path.parent / "ex03.py", "\nint('x')"), tmp_path)
    assert "(ex03.py, line 2)" in trouble.value.message
    assert "not your code's" in trouble.value.message


def test_services_of_ours_that_are_gone_are_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of the checks cannot be started: right code gets no verdict, and no blame."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "temporal").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "temporal").chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    stage = Stage(tmp_path)
    with pytest.raises(WorkshopError, match="own service did not start"):
        stage.address()
    stage.close()


def test_a_server_that_listens_is_not_yet_one_that_can_be_used(tmp_path: Path) -> None:
    """Clients that connect at once, one after another, as checks in a new kernel do."""
    import asyncio

    from temporalio.client import Client

    stage = Stage(tmp_path)
    try:
        client = asyncio.run(Client.connect(stage.address()))
        assert client.namespace == "default"
    finally:
        stage.close()


def test_trouble_of_a_probe_reaches_whoever_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its server a check of right code is no verdict."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    monkeypatch.setattr("sys.executable", str(programs / "python"))  # beside which it looks for the server
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    prober = Prober("02")
    try:
        with pytest.raises(WorkshopError, match="`temporal` is not in"):
            prober.look("02", find("02", "timer"), solution("02"))
        assert prober.look("02", find("02", "activity"), solution("02")).outcome == "passed"
    finally:
        prober.close()
