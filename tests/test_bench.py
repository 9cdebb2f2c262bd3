"""What the bench writes, and that it still finds in the solutions what it changes."""

import re
import shutil
from pathlib import Path

import pytest

from bench.document import table, with_section
from bench.recovery import with_usual_settings
from tests.faults import CASES, Ends
from tests.folders import DURABLE, ROUTING
from workshop.settings import ROOT

PAGE = "before\n<!-- faults:begin -->\nold\n<!-- faults:end -->\nafter\n"


def test_a_section_is_replaced_and_nothing_else() -> None:
    text = r"new \1 \g<0>"
    written = with_section(PAGE, "faults", text)
    assert written == f"before\n<!-- faults:begin -->\n{text}\n<!-- faults:end -->\nafter\n"
    assert with_section(written, "faults", text) == written


@pytest.mark.parametrize("page", ["", PAGE.replace("end", "ende"), PAGE + PAGE, PAGE.replace("begin", "bench")])
def test_a_page_without_the_marks_is_refused(page: str) -> None:
    with pytest.raises(LookupError):
        with_section(page, "faults", "new")


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
        assert not re.search(r"heartbeat_timeout=|sticky_queue\w*=|retry_policy=|schedule_to_close", text)


def numbers(ends: Ends | None) -> list[str]:
    return [str(n) for n in (ends.attempts, ends.paid, ends.twice)] if ends else ["-"] * 3


def test_the_published_faults_are_the_proved_ones() -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    lines = [line[2:-2].split(" | ") for line in page.splitlines() if line.count(" | ") == 8]
    published = {line[0]: (line[2:5], line[6:9], line[5].partition("<br>")[0]) for line in lines}
    for case in CASES:
        assert published[case.title] == (numbers(case.plain), numbers(case.durable), case.durable.outcome)


@pytest.mark.parametrize("name", ["faults", "bench"])
def test_the_readme_shows_what_is_published(name: str) -> None:
    """Or nothing yet."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition(f"<!-- {name}:begin -->\n")[2].partition(f"<!-- {name}:end -->")[0]
    page = ROOT / "docs" / f"{name}.md"
    assert not section or page.read_text(encoding="utf-8").endswith(f"\n\n{section}")
