"""Imports a solution's modules, which import each other flat, into this process for a while."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

NAMES = ("activities", "agent", "connection", "waiting", "ways", "workflows")


@contextmanager
def modules_of(folder: Path) -> Iterator[dict[str, ModuleType]]:
    """The modules of one solution folder, by name; gone from `sys.modules` and `sys.path` afterwards."""
    sys.path.insert(0, str(folder))
    try:
        yield {name: importlib.import_module(name) for name in NAMES if (folder / f"{name}.py").is_file()}
    finally:
        sys.path.remove(str(folder))
        for name in NAMES:
            sys.modules.pop(name, None)
