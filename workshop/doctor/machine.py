"""Checks of Python, packages, disk, and of who answers at the ports: the practice services, Temporal, or others."""

import asyncio
import http.client
import importlib.metadata
import importlib.util
import json
import os
import pkgutil
import re
import shutil
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Literal

from packaging.markers import Marker

from workshop.doctor.finding import Facts, Finding, port_number
from workshop.doctor.variables import LOOPBACK
from workshop.settings import HOST

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
    if not own.is_dir():
        yield Finding("warning", "venv", "There is no .venv; this Python is another one.", "make workshop")
    elif own.resolve() != facts.prefix.resolve():
        message = "This Python is not the one in .venv, so other packages may be in use than scripts get there."
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
    try:
        with tempfile.TemporaryFile(dir=exists):
            pass
        free = shutil.disk_usage(exists).free
    except OSError as error:
        what = "The folder .workshop"
        what = what if state == facts.root / ".workshop" else "The folder that WORKSHOP_STATE_DIR names"
        message = f"{what}, where logs and the database go, cannot be written: {error.strerror}."
        yield Finding("problem", "state-dir", message, "make it writable, or set WORKSHOP_STATE_DIR to another folder")
        return
    if free < FREE_BYTES_WANTED:
        message = f"The disk has {free // 1_000_000} MB free; logs and the database need room to grow."
        yield Finding("problem" if free < FREE_BYTES_NEEDED else "warning", "disk", message, "free 1 GB")


def clock(facts: Facts) -> Iterator[Finding]:
    """The clock is not behind: certificates, and so OpenAI and Temporal Cloud, would be refused."""
    written = Path(__file__).stat().st_mtime
    if facts.now < written - 24 * 3600:
        today = datetime.fromtimestamp(facts.now, UTC)
        message = f"The clock says {today:%Y-%m-%d}, which is before these files were written."
        yield Finding("warning", "clock", message, "set the clock")


def practice_services(facts: Facts) -> Iterator[Finding]:
    """The practice services answer, where they are used."""
    port = facts.settings.practice_port
    used = facts.mode == "practice" or facts.practice_weather
    answer = _who(port, "/health", lambda found: found.get("service") == "practice", facts.quick)
    if answer == "right":
        yield Finding("ok", "practice-services", f"practice services up at port {port}")
    elif answer == "nobody" and used:
        message = f"The practice services do not run: nothing listens at port {port}."
        yield Finding("problem", "practice-services", message, "workshop up")
    elif answer == "other" or (answer == "silent" and used and not facts.quick):
        yield _taken(port, "the practice services", "WORKSHOP_PRACTICE_PORT")


def temporal(facts: Facts) -> Iterator[Finding]:
    """A Temporal server answers at TEMPORAL_ADDRESS, and knows the namespace."""
    host, _, port = facts.settings.temporal_address.rpartition(":")
    host, number = host.strip("[]"), port_number(port)
    local = host in LOOPBACK
    if not host or number is None or "/" in host or (facts.quick and not local):
        return  # another check speaks of the form
    if not _listens(host, number, 0.2 if facts.quick else 3):
        if local:
            message = f"The Temporal server does not run: nothing listens at port {number}."
            yield Finding("problem", "temporal-server", message, "workshop up")
        else:
            message = "The Temporal server that TEMPORAL_ADDRESS names cannot be reached."
            next_step = f"see to the network and the address {facts.place('TEMPORAL_ADDRESS')}, or take it out"
            yield Finding("problem", "temporal-server", message, next_step, facts.line("TEMPORAL_ADDRESS"))
    elif not facts.quick and local and not facts.env.get("TEMPORAL_API_KEY") and not facts.env.get("TEMPORAL_TLS"):
        # In a thread: a notebook's event loop runs already.
        with ThreadPoolExecutor(1) as pool:
            state = pool.submit(asyncio.run, _ask(f"{host}:{number}", facts.settings.temporal_namespace)).result()
        if state == "other":
            yield _taken(number, "Temporal", "WORKSHOP_TEMPORAL_PORT")
        elif state == "no namespace":
            message = "The Temporal server has no namespace of the name in TEMPORAL_NAMESPACE."
            next_step = f"take it out {facts.place('TEMPORAL_NAMESPACE')}: the namespace is then `default`"
            yield Finding("problem", "temporal-namespace", message, next_step, facts.line("TEMPORAL_NAMESPACE"))
        else:
            yield Finding("ok", "temporal-server", f"Temporal up at port {number}")


def other_ports(facts: Facts) -> Iterator[Finding]:
    """The ports that `workshop up` will want are free or its own."""
    settings = facts.settings
    if not _listens(HOST, settings.temporal_port, 1) and _listens(HOST, settings.temporal_ui_port, 1):
        yield _taken(settings.temporal_ui_port, "Temporal's web UI", "WORKSHOP_TEMPORAL_UI_PORT")
    if _who(settings.lab_port, "/api", lambda found: "version" in found, facts.quick) in ("other", "silent"):
        taken = _taken(settings.lab_port, "JupyterLab", "WORKSHOP_LAB_PORT")
        yield replace(taken, level="warning", next_step=f"{taken.next_step}; or: workshop up --no-lab")


def _taken(port: int, service: str, variable: str) -> Finding:
    message = f"Another program listens at port {port}, where {service} should be."
    return Finding("problem", "port-taken", message, f"stop it, or set {variable} to a free port")


def _listens(host: str, port: int, timeout: float) -> bool:
    try:
        with socket.create_connection((host, port), timeout):
            return True
    except OSError:
        return False


def _who(
    port: int, path: str, is_right: Callable[[dict[str, Any]], bool], quick: bool
) -> Literal["nobody", "silent", "other", "right"]:
    """Who answers GET `path` on loopback with JSON. Through http.client, which no proxy variable reaches."""
    connection = http.client.HTTPConnection(HOST, port, timeout=0.2 if quick else 3)
    try:
        connection.connect()
    except OSError:
        return "nobody"
    try:
        connection.request("GET", path)
        found = json.loads(connection.getresponse().read(10_000))
    except TimeoutError:
        return "silent"
    except (OSError, ValueError, http.client.HTTPException):
        return "other"
    finally:
        connection.close()
    return "right" if isinstance(found, dict) and is_right(found) else "other"


async def _ask(address: str, namespace: str) -> Literal["well", "other", "no namespace"]:
    # Here, for the other checks need not wait for these imports.
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.client import Client
    from temporalio.service import RPCError, RPCStatusCode

    try:
        client = await asyncio.wait_for(Client.connect(address), 5)
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    except RPCError as error:
        return "no namespace" if error.status == RPCStatusCode.NOT_FOUND else "other"
    except (RuntimeError, TimeoutError):
        return "other"
    return "well"
