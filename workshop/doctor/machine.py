"""Checks of Python, packages, disk, and of who answers at the ports: the practice services, Temporal, or others."""

import asyncio
import importlib.metadata
import importlib.util
import os
import pkgutil
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.machinery import PathFinder
from itertools import islice
from pathlib import Path
from typing import Literal

import httpx
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from workshop import env, loopback
from workshop.doctor import variables
from workshop.doctor.finding import Facts, Finding, finding
from workshop.errors import WorkshopError
from workshop.processes import listens
from workshop.settings import HOST, port_number
from workshop.text import span

OLDEST, NEWEST = (3, 11), (3, 14)
# Modules of a worker, far apart in its imports.
COMPILED = ("agents/run.py", "openai/_client.py", "temporalio/worker/__init__.py", "mcp/types.py")
SCRIPTS = ("worker", "starter", "workflows", "activities", "connection", "waiting")  # in each exercise, as .py
FREE_BYTES_NEEDED = 200_000_000  # logs, the Temporal database, a notebook's copies
FREE_BYTES_WANTED = 1_000_000_000
CLOCKS_MAY_DIFFER = 5.0  # seconds


def python(facts: Facts) -> Iterator[Finding]:
    """Python is one that the packages support."""
    right = OLDEST <= facts.python[:2] <= NEWEST
    yield facts.finding("python/right" if right else "python", version=".".join(map(str, facts.python)))
    if sys.platform == "win32":
        yield facts.finding("windows")


def venv(facts: Facts) -> Iterator[Finding]:
    """The Python that runs is the checkout's own."""
    own = facts.root / ".venv"
    if not own.is_dir():
        yield facts.finding("venv/none")
    elif own.resolve() != facts.prefix.resolve():
        yield facts.finding("venv")


def packages(facts: Facts) -> Iterator[Finding]:
    """The packages are those of requirements.lock."""
    try:
        lock = (facts.root / "requirements.lock").read_text(encoding="utf-8")
        needed = {canonicalize_name(Requirement(need).name) for need in importlib.metadata.requires("workshop") or []}
    except (OSError, importlib.metadata.PackageNotFoundError):
        yield facts.finding("packages/unknown")
        return
    wrong: list[str] = []
    level = "warning"
    for line in lock.splitlines():
        if "==" not in line:
            continue  # a hash of the one above
        pinned = Requirement(line.rstrip(" \\"))
        direct = canonicalize_name(pinned.name) in needed
        if (facts.quick and not direct) or (pinned.marker and not pinned.marker.evaluate()):
            continue
        found = installed(pinned.name)
        if f"=={found}" != str(pinned.specifier):
            wrong.append(f"{pinned.name} {found} instead of {str(pinned.specifier)[2:]}")
            level = "problem" if direct else level
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        yield facts.finding("packages", wrong=", ".join(wrong[:5]) + more, level=level)
    elif not facts.quick:
        yield facts.finding("packages/right")


def installed(package: str) -> str:
    """The version of a package, or `missing`."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def compiled(facts: Facts) -> Iterator[Finding]:
    """The packages are byte-compiled: a worker starts in 4 s, not 10."""
    packages = Path(sysconfig.get_path("purelib"))
    there = [packages / name for name in COMPILED if (packages / name).is_file()]
    if not all(Path(importlib.util.cache_from_source(str(path))).exists() for path in there):
        yield facts.finding("compiled")


def binary(facts: Facts) -> Iterator[Finding]:
    """The Temporal server's program is there."""
    if not shutil.which("temporal", path=f"{facts.prefix / 'bin'}{os.pathsep}{facts.shell.get('PATH', '')}"):
        yield facts.finding("binary")


def shadows(facts: Facts) -> Iterator[Finding]:
    """No file next to scripts or notebooks hides a package."""
    for folder in (facts.root, *facts.script_folders):
        yield from shadows_in(folder, facts.root)
    for entry in facts.shell.get("PYTHONPATH", "").split(os.pathsep):
        if entry and not (Path(entry) / "workshop" / "doctor").is_dir():  # a checkout
            # One will do: another environment's packages hide many.
            yield from islice(shadows_in(Path(entry), facts.root), 1)


def shadows_in(folder: Path, root: Path) -> Iterator[Finding]:
    """What Python imports from `folder` in place of a package, such as `agents.py`, or of a script: `workflows/`."""
    site = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    for module in pkgutil.iter_modules([str(folder)]):
        if module.name in ("test", "tests") or (module.name == "workshop" and folder == root):
            continue
        # A module inside the interpreter cannot be hidden.
        standard = module.name in sys.stdlib_module_names and module.name not in sys.builtin_module_names
        spec = None if standard else PathFinder.find_spec(module.name, site)
        if module.ispkg and module.name in SCRIPTS:
            what = f"{module.name}.py"
        elif standard:
            what = f"Python's own module {module.name}"
        elif module.name == "workshop" or (spec and spec.loader and module.name not in SCRIPTS):
            what = f"the package {module.name}"
        else:
            continue
        path = folder / (module.name if module.ispkg else f"{module.name}.py")
        path = path.relative_to(root) if path.is_relative_to(root) else path
        yield finding("shadow", path=path.as_posix(), what=what)


def disk(facts: Facts) -> Iterator[Finding]:
    """There is room for logs and the database, and they may be written."""
    state = facts.settings.state_dir
    exists = next((path for path in (state, *state.parents) if path.exists()), facts.root)
    try:
        with tempfile.TemporaryFile(dir=exists):
            pass
        free = shutil.disk_usage(exists).free
    except OSError as error:
        folder = ".workshop" if state == facts.root / ".workshop" else "that WORKSHOP_STATE_DIR names"
        yield facts.finding("state-dir", folder=folder, reason=error.strerror)
        return
    if free < FREE_BYTES_WANTED:
        level = "problem" if free < FREE_BYTES_NEEDED else "warning"
        yield facts.finding("disk", free=free // 1_000_000, level=level)


def clock(facts: Facts) -> Iterator[Finding]:
    """The clock is not behind: certificates, and so OpenAI and Temporal Cloud, would be refused."""
    if facts.now < Path(__file__).stat().st_mtime - 24 * 3600:
        yield facts.finding("clock", today=f"{datetime.fromtimestamp(facts.now, UTC):%Y-%m-%d}")


def practice_services(facts: Facts) -> Iterator[Finding]:
    """The practice services answer, where they are used."""
    port = facts.settings.practice_port
    used = "practice" in (facts.mode, facts.weather)
    url = f"{facts.settings.practice_url}/health"
    answer = loopback.who(url, lambda found: found.get("service") == "practice", facts.patience)
    if answer == "right":
        yield facts.finding("practice-services/right", port=port)
    elif answer == "other" or (answer == "silent" and used and not facts.quick):
        yield facts.finding("port-taken/practice", port=port)
    elif answer == "nobody" and used:
        yield facts.finding("practice-services", port=port)


def model_server(facts: Facts) -> Iterator[Finding]:
    """A model's server that is neither OpenAI nor ours has the API that is used. It is asked without the key."""
    url = facts.env.get(env.URL, "").rstrip("/")
    if facts.quick or facts.mode in ("practice", "openai") or not url.startswith("http"):
        return

    def has(path: str) -> bool:
        # A request that says nothing is refused, for its key or its body, where there is such an API.
        return httpx.post(url + path, json={}, timeout=5).status_code not in (404, 405, 501)

    chat = facts.env.get(variables.API) == "chat_completions"
    try:
        if not has("/chat/completions" if chat else "/responses"):
            row = "model-api/chat" if not chat and has("/chat/completions") else "model-api"
            yield facts.finding(row, env.URL)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        yield facts.finding("model-api/silent", env.URL, reason=type(error).__name__)


def temporal(facts: Facts) -> Iterator[Finding]:
    """A Temporal server answers where the settings lead, knows the namespace, and its clock is ours."""
    # Imported here, so that the other checks need not wait for it.
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.service import RPCError, RPCStatusCode

    from workshop import temporal

    settings = facts.settings
    try:
        config = temporal.connection(facts.env)
    except WorkshopError:
        return  # another check speaks of that, and of an address that makes no sense
    host, _, digits = config.get("target_host", settings.temporal_address).rpartition(":")
    host, port = host.strip("[]"), port_number(digits)
    local = host in variables.LOOPBACK
    if not host or not port or "/" in host or (facts.quick and not local):
        return
    if not listens(host, port, facts.patience):
        if local:
            yield facts.finding("temporal-server", port=port)
        else:
            yield facts.finding("temporal-server/elsewhere", "TEMPORAL_ADDRESS")
        return
    if facts.quick:
        return

    async def ask() -> tuple[Literal["well", "other", "no namespace"], float]:
        """How the server is, and by how many seconds its clock is ahead of ours."""
        try:
            client = await temporal.connect(facts.env, settings.temporal_address, settings.temporal_namespace)
            await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
            ahead = await temporal.clock_difference(client)
        except RPCError as error:
            if error.status == RPCStatusCode.PERMISSION_DENIED:
                return "well", 0  # it may be used, if not described
            return ("no namespace" if error.status == RPCStatusCode.NOT_FOUND else "other"), 0
        except WorkshopError:
            return "other", 0
        return "well", ahead.total_seconds() if ahead else 0

    # In a thread: a notebook's event loop runs already.
    with ThreadPoolExecutor(1) as pool:
        state, ahead = pool.submit(asyncio.run, ask()).result()
    if state == "other" and local and not config.get("tls"):
        yield facts.finding("port-taken/temporal", port=port)
    elif state == "other":
        yield facts.finding("temporal-refuses", port=port)
    elif state == "no namespace":
        yield facts.finding("temporal-namespace", "TEMPORAL_NAMESPACE")
    else:
        yield facts.finding("temporal-server/right", port=port)
    if abs(ahead) >= CLOCKS_MAY_DIFFER:
        yield facts.finding("clock/behind" if ahead > 0 else "clock/ahead", difference=span(abs(ahead)))


def other_ports(facts: Facts) -> Iterator[Finding]:
    """The ports that `workshop up` will want are free or its own."""
    settings = facts.settings
    if not listens(HOST, settings.temporal_port, 1) and listens(HOST, settings.temporal_ui_port, 1):
        yield facts.finding("port-taken/ui", port=settings.temporal_ui_port)
    lab = loopback.who(f"http://{HOST}:{settings.lab_port}/api", lambda found: "version" in found, facts.patience)
    if lab in ("other", "silent"):
        yield facts.finding("port-taken/lab", port=settings.lab_port)
