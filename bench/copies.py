"""Where runs are measured: the solutions as processes, and copies of them with one thing changed."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.harness import PracticeFrom, Solutions
from workshop.processes import Program
from workshop.services import Services


class SolutionCopies(Solutions):
    """A `Solutions` that keeps its workers, and that works on copies too."""

    def __init__(self, services: Services, practice: PracticeFrom, directory: Path) -> None:
        super().__init__(services, practice, directory)
        self._workers: dict[Path, Program] = {}

    def live_worker(self, folder: Path) -> Program:
        """The worker of `folder` that was started last, or a new one if it is gone."""
        if folder not in self._workers or not self._workers[folder].running:
            self._workers[folder] = self.worker(folder)
        return self._workers[folder]

    def server_pid(self) -> int:
        server = self._services.running("temporal")
        assert server
        return server.pid

    def copy(self, folder: Path, name: str, edits: Mapping[str, tuple[str, str]]) -> Path:
        """A solution's folder as it is, but for `edits` and its task queue, which `name` makes its own."""
        target = self._tmp_path / name
        if not target.exists():
            shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__", ".*", "*.ipynb"))
            for file, (old, new) in {**edits, "workflows.py": ('TASK_QUEUE = "', f'TASK_QUEUE = "{name}-')}.items():
                text = (target / file).read_text(encoding="utf-8")
                if old not in text:
                    raise LookupError(f"{file} of {folder.name} has no {old!r} any more")
                (target / file).write_text(text.replace(old, new), encoding="utf-8")
        return target
