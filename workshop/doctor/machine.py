"""Checks of Python, packages, disk and the files of the checkout."""

import importlib.metadata
import importlib.util
import os
import pkgutil
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.machinery import PathFinder
from pathlib import Path

from packaging.markers import Marker

from workshop.doctor.finding import Facts, Finding

OLDEST, NEWEST = (3, 11), (3, 14)
SET_UP_AGAIN = "delete .venv, then: make workshop"
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\\n]+))?", re.MULTILINE)
# Modules of a worker, far apart in its imports.
COMPILED = ("agents/run.py", "openai/_client.py", "temporalio/worker/__init__.py", "mcp/types.py")
FREE_BYTES_NEEDED = 200_000_000  # logs, the Temporal database, a notebook's copies
FREE_BYTES_WANTED = 1_000_000_000


def python(facts: Facts) -> Iterator[Finding]:
    """Python is one that the packages support."""
    version = ".".join(map(str, facts.python))
    if OLDEST <= facts.python[:2] <= NEWEST:
        yield Finding("ok", "python", f"Python {version}")
    else:
        message = f"This is Python {version}; the workshop needs 3.11 to 3.14."
        yield Finding("problem", "python", message, f"install one of these, {SET_UP_AGAIN}")
    if sys.platform == "win32":
        message = "The Temporal server that the workshop brings does not run on Windows."
        yield Finding("problem", "windows", message, "use WSL, or open the checkout in its dev container")


def venv(facts: Facts) -> Iterator[Finding]:
    """The Python that runs is the checkout's own."""
    own = facts.root / ".venv"
    if own.resolve() == facts.prefix.resolve():
        return
    message = "This Python is not the one in .venv, so other packages may be in use than scripts get there."
    if not own.is_dir():
        yield Finding("warning", "venv", "There is no .venv; this Python is another one.", "make workshop")
    else:
        where = ".venv/bin/workshop doctor; in a notebook choose the kernel of .venv"
        yield Finding("warning", "venv", message, where)


def packages(facts: Facts) -> Iterator[Finding]:
    """The packages are those of requirements.lock."""
    try:
        lock = (facts.root / "requirements.lock").read_text(encoding="utf-8")
        needed = {_plain(re.split(r"[^\w.-]", need)[0]) for need in importlib.metadata.requires("workshop") or []}
    except (OSError, importlib.metadata.PackageNotFoundError):
        yield Finding("warning", "packages", "The packages cannot be compared with requirements.lock.", SET_UP_AGAIN)
        return
    wrong: list[str] = []
    grave = False
    for name, version, marker in LOCKED.findall(lock):
        direct = _plain(name) in needed
        if (facts.quick and not direct) or (marker and not Marker(marker.strip()).evaluate()):
            continue
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = "missing"
        if installed != version:
            wrong.append(f"{name} {installed} instead of {version}")
            grave = grave or direct
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        message = f"Packages differ from requirements.lock: {', '.join(wrong[:5])}{more}."
        yield Finding("problem" if grave else "warning", "packages", message, SET_UP_AGAIN)
    elif not facts.quick:
        yield Finding("ok", "packages", "packages as in requirements.lock")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def compiled(facts: Facts) -> Iterator[Finding]:
    """The packages are byte-compiled: a worker starts in 4 s, not 10."""
    packages = Path(sysconfig.get_path("purelib"))
    there = [packages / name for name in COMPILED if (packages / name).is_file()]
    if not all(Path(importlib.util.cache_from_source(str(path))).exists() for path in there):
        message = "The packages are not byte-compiled, so that each worker takes some 6 s longer to start."
        yield Finding("warning", "compiled", message, "python -m compileall -q .venv/lib")


def binary(facts: Facts) -> Iterator[Finding]:
    """The Temporal server's program is there."""
    if not shutil.which("temporal", path=f"{facts.prefix / 'bin'}{os.pathsep}{facts.shell.get('PATH', '')}"):
        yield Finding(
            "problem", "binary", "The program `temporal` is not in .venv, so no server can start.", SET_UP_AGAIN
        )


def shadows(facts: Facts) -> Iterator[Finding]:
    """No file next to scripts or notebooks hides a package."""
    tops = [facts.root / "exercises", facts.root / "solutions"]
    for folder in [facts.root, *sorted(folder for top in tops for folder in top.glob("*/"))]:
        yield from shadows_in(folder, facts.root)


def shadows_in(folder: Path, root: Path) -> Iterator[Finding]:
    """The files in `folder` that Python imports in place of a package of the same name, such as `agents.py`."""
    site = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    for module in pkgutil.iter_modules([str(folder)]):
        if module.name in ("workshop", "test", "tests"):
            continue
        # A module inside the interpreter cannot be hidden.
        standard = module.name in sys.stdlib_module_names and module.name not in sys.builtin_module_names
        if not standard:
            spec = PathFinder.find_spec(module.name, site)
            if spec is None or spec.loader is None:
                continue
        found = folder / (module.name if module.ispkg else f"{module.name}.py")
        path = found.relative_to(root).as_posix()
        what = f"Python's own module {module.name}" if standard else f"the package {module.name}"
        message = f"{path} hides {what}: programs started there import your file instead."
        yield Finding("problem", "shadow", message, f"give {path} another name")


def disk(facts: Facts) -> Iterator[Finding]:
    """There is room for logs and the database, and they may be written."""
    state = facts.settings.state_dir
    exists = next((path for path in (state, *state.parents) if path.exists()), facts.root)
    what = "The folder .workshop" if state == facts.root / ".workshop" else "The folder that WORKSHOP_STATE_DIR names"
    try:
        with tempfile.TemporaryFile(dir=exists):
            pass
        free = shutil.disk_usage(exists).free
    except OSError as error:
        message = f"{what}, where logs and the database go, cannot be written: {error.strerror}."
        yield Finding("problem", "state-dir", message, "make it writable, or set WORKSHOP_STATE_DIR to another folder")
        return
    if free < FREE_BYTES_WANTED:
        message = f"The disk has {free // 1_000_000} MB free; logs and the database need room to grow."
        level = "problem" if free < FREE_BYTES_NEEDED else "warning"
        yield Finding("problem" if level == "problem" else "warning", "disk", message, "free 1 GB")


def clock(facts: Facts) -> Iterator[Finding]:
    """The clock is not behind: certificates, and so OpenAI and Temporal Cloud, would be refused."""
    written = Path(__file__).stat().st_mtime
    if facts.now < written - 24 * 3600:
        today = datetime.fromtimestamp(facts.now, UTC)
        message = f"The clock says {today:%Y-%m-%d}, which is before these files were written."
        yield Finding("warning", "clock", message, "set the clock")
