"""The exercises, and what a fifth one needs."""

import re
from pathlib import Path

from workshop.errors import WorkshopError

# Folder of an exercise, and of its solution -> the task queue that its worker polls. A fifth exercise needs, beside its
# line here: both folders, its module in checks/ and a line in checks/__init__.py, its texts in checks/checks.toml,
# docs/img/05-flow.svg, its row in README.md and docs/INSTRUCTOR.md, and answers in tests/checks/right.py and wrong.py.
EXERCISES = {
    "01_agent_hello_world": "agent-hello-world",
    "02_temporal_hello_world": "temporal-hello-world",
    "03_durable_agent": "durable-agent",
    "04_agent_routing": "agent-routing",
}


def exercise_folder(number: str, root: Path) -> Path:
    """The folder of an exercise: `3`, `03` and `03_durable_agent` all name it.

    Raises:
        WorkshopError: there is no such exercise.
    """
    digits = re.match(r"\d+", str(number))
    found = sorted(root.glob(f"exercises/{int(digits[0]):02d}_*/")) if digits else []
    if not found:
        names = ", ".join(sorted(path.name for path in root.glob("exercises/[0-9][0-9]_*/")))
        raise WorkshopError(f"There is no exercise {number!r}.", f"choose one of {names or '01 to 04'}")
    return found[0]
