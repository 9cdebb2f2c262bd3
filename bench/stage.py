"""Where runs are measured: the services, the solutions as processes, copies of them with one thing changed."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.harness import Bench, Practice
from tests.program import Program
from workshop.catalogue import catalogue
from workshop.services import Services, free_port
from workshop.settings import ROOT, Settings


class Stage(Bench):
    """A `Bench` that keeps its workers, and that works on copies too."""

    def __init__(self, services: Services, practice: Practice, directory: Path) -> None:
        super().__init__(services, practice, directory)
        self._workers: dict[Path, Program] = {}

    def live_worker(self, folder: Path) -> Program:
        """The worker of `folder` that was started last, or a new one if it is gone."""
        if folder not in self._workers or not self._workers[folder].runs:
            self._workers[folder] = self.worker(folder)
        return self._workers[folder]

    def server_pid(self) -> int:
        """The process of the Temporal server."""
        record = self._services.record("temporal")
        assert record
        return record.pid

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


@contextmanager
def services_of_our_own(*server_settings: str) -> Iterator[tuple[Services, Path]]:
    """A Temporal server and the practice services on free ports, gone at the end; and a directory, likewise.

    Args:
        server_settings: KEY=VALUE of Temporal's dynamic configuration, beside the workshop's own.
    """
    names = ("WORKSHOP_TEMPORAL_PORT", "WORKSHOP_TEMPORAL_UI_PORT", "WORKSHOP_PRACTICE_PORT")
    with TemporaryDirectory(prefix="workshop-bench-") as directory:
        env = {**{name: str(free_port()) for name in names}, "WORKSHOP_STATE_DIR": f"{directory}/state"}
        settings = Settings.from_env(env, ROOT)
        known = catalogue(settings)
        options = [part for setting in server_settings for part in ("--dynamic-config-value", setting)]
        known["temporal"] = replace(known["temporal"], command=[*known["temporal"].command, *options])
        services = Services(settings, known=known)
        try:
            services.start()
            yield services, Path(directory)
        finally:
            services.stop(wait=True)
