"""What the bench writes, and that it still finds in the solutions what it changes."""

import json
import re
import shutil
from pathlib import Path

import pytest

from bench.__main__ import MEASURED, PARTS, TITLE, main, page
from bench.document import table
from bench.recovery import with_usual_settings
from tests.fault_table import CASES, Ends
from tests.folders import DURABLE, ROUTING
from workshop.settings import ROOT


def test_a_cell_cannot_break_the_table() -> None:
    assert table(["a"], [["x | y\nz"]]).splitlines() == ["| a |", "| --- |", "| x \\| y<br>z |"]


@pytest.mark.parametrize("folder", [DURABLE, ROUTING], ids=lambda folder: folder.name)
def test_the_usual_settings_are_a_time_out_alone(tmp_path: Path, folder: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    with_usual_settings(copy)
    for name in ("worker.py", "workflows.py"):
        text = (copy / name).read_text(encoding="utf-8")
        compile(text, name, "exec")
        assert "start_to_close_timeout=timedelta(seconds=30)" in text
        assert not re.search(r"heartbeat_timeout=|max_(cached|concurrent)\w*=|retry_policy=|schedule_to_close", text)


def test_the_page_is_made_of_what_was_measured() -> None:
    """A part that was not measured anew keeps its lines."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    assert list(measured) == list(PARTS)
    written = (ROOT / "docs" / "bench.md").read_text(encoding="utf-8")
    assert written == f"# {TITLE}\n\n{page(measured)}\n"


def test_a_quick_run_is_not_published(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--quick", "--write"])
    with pytest.raises(SystemExit):
        main()
    assert "Next: leave out --quick, or --write" in capsys.readouterr().err


def numbers(ends: Ends | None) -> list[str]:
    return [str(n) for n in (ends.attempts, ends.paid, ends.twice)] if ends else ["-"] * 3


def test_the_published_faults_are_the_proved_ones() -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    lines = [line[2:-2].split(" | ") for line in page.splitlines() if line.count(" | ") == 8]
    published = {line[0]: (line[2:5], line[6:9], line[5].partition("<br>")[0]) for line in lines}
    for case in CASES:
        assert published[case.title] == (numbers(case.plain), numbers(case.durable), case.durable.outcome)
