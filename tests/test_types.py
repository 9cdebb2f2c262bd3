"""The types of the helper package, checked beside the other tests: it takes a quarter of a minute of one core."""

import subprocess
import sys

from workshop.settings import ROOT


def test_types_are_right() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "workshop"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
