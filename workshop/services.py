"""The local services: starts them, waits until each answers, stops what it started."""

import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from workshop.errors import WorkshopError
from workshop.processes import Record, free_port, last_lines, launch, port_trouble, prepare_directory, stop
from workshop.settings import HOST, Settings

__all__ = ["EMBEDDED", "LAB", "Service", "Services", "State", "free_port"]

EMBEDDED = ("temporal", "practice")  # what exercises, tests and the demo need
LAB = "lab"
GRACE = 10.0  # seconds between SIGTERM and SIGKILL; JupyterLab ends its kernels in this time
FIRST_EXERCISE = "exercises/01_agent_hello_world/exercise.ipynb"


@dataclass(frozen=True)
class Service:
    """How one service is started and known to be well."""

    name: str
    title: str
    command: list[str]
    ports: dict[str, int]  # by the environment variable that changes it
    health_url: str  # answers 200 when all of the service is ready
    link: str  # for a browser
    patience: float  # seconds it may take to answer
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """How a service is now. `record` is the process we started, if it runs."""

    service: Service
    record: Record | None
    healthy: bool  # ours, and it answers
    trouble: str  # "" or why it is not: one phrase


def catalogue(settings: Settings) -> dict[str, Service]:
    """Every service, in the order in which people read about them."""
    python, loopback = sys.executable, settings.public_url
    temporal = shutil.which("temporal", path=_search_path())
    token = secrets.token_urlsafe(24)
    start = f"/tree/{FIRST_EXERCISE}" if (settings.root / FIRST_EXERCISE).exists() else ""
    services = [
        Service(
            "temporal",
            "Temporal server",
            # The other ports it needs (HTTP API, metrics, its parts among themselves) it chooses among the free ones.
            [
                *(temporal or "temporal", "server", "start-dev", "--log-level", "warn", "--ui-disable-news-fetch"),
                *("--ip", HOST, "--port", f"{settings.temporal_port}"),
                *("--ui-ip", HOST, "--ui-port", f"{settings.temporal_ui_port}"),
                *("--db-filename", str(settings.state_dir / "temporal.db")),
            ],
            {
                "WORKSHOP_TEMPORAL_PORT": settings.temporal_port,
                "WORKSHOP_TEMPORAL_UI_PORT": settings.temporal_ui_port,
            },
            # The web UI passes this on to the server: one answer proves both, and that the namespace is there.
            f"{settings.ui_url}/api/v1/namespaces/default",
            loopback(settings.temporal_ui_port),
            patience=60,
        ),
        Service(
            "practice",
            "Practice services",
            [python, "-m", "workshop.practice.server", "--port", f"{settings.practice_port}"],
            {"WORKSHOP_PRACTICE_PORT": settings.practice_port},
            f"{settings.practice_url}/health",
            loopback(settings.practice_port),
            patience=60,
        ),
        Service(
            "lab",
            "JupyterLab",
            _lab_command(settings),
            {"WORKSHOP_LAB_PORT": settings.lab_port},
            f"http://{HOST}:{settings.lab_port}/api",
            f"{loopback(settings.lab_port)}/lab{start}?token={token}",
            patience=180,
            # In the environment, since every user of the machine can read command lines.
            env={"JUPYTER_TOKEN": token},
        ),
    ]
    return {service.name: service for service in services}


def _lab_command(settings: Settings) -> list[str]:
    options = [
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={settings.lab_port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={settings.root}",
        "--ServerApp.open_browser=False",
        # Nothing is asked of the network, no dialog about news, no list of extensions from a registry.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        # A login shell would put the system's Python before ours.
        "--ServerApp.terminado_settings={'shell_command': ['" + os.environ.get("SHELL", "/bin/sh") + "']}",
    ]
    if settings.forwarding:  # the browser then comes under another name
        link = settings.public_url(settings.lab_port)
        options += [f"--ServerApp.allow_origin={link}", f"--ServerApp.local_hostnames={link.partition('//')[2]}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--ServerApp.allow_root=True")
    return [sys.executable, "-m", "jupyterlab", *options]


def _search_path() -> str:
    """PATH with this environment's programs first."""
    programs = str(Path(sys.executable).parent)
    return f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


class Services:
    """The services of one `settings.state_dir`.

    Args:
        settings: ports and paths.
        say: told, one line each, what is being waited for.
        known: the services by name, instead of `catalogue(settings)`.
    """

    def __init__(
        self,
        settings: Settings,
        say: Callable[[str], None] = lambda line: None,
        known: Mapping[str, Service] | None = None,
    ) -> None:
        self.settings = settings
        self.known = dict(known or catalogue(settings))
        self._say = say

    def start(self, names: Iterable[str] = EMBEDDED) -> list[str]:
        """Starts those of `names` that do not run, and returns, with these names, when all of `names` are well.

        Raises:
            WorkshopError: something stands in the way; what this call had started is stopped again.
        """
        wanted = [self.known[name] for name in names]
        prepare_directory(self.settings.state_dir)
        with self._only_one():
            missing = [service for service in wanted if not self._is_up(service)]
            self._check(missing)
            started: dict[str, Record] = {}
            try:
                for service in missing:
                    started[service.name] = self._launch(service)
                for service in wanted:
                    self._await_health(service)
            except BaseException:
                self._stop(started)
                raise
        return list(started)

    def stop(self, names: Iterable[str] | None = None) -> list[str]:
        """Stops those of `names` (all by default) that we started and that still run; their names."""
        if not self.settings.state_dir.is_dir():
            return []
        with self._only_one():
            records = {name: record for name in names or self.known if (record := self.record(name))}
            return self._stop(records)

    def record(self, name: str) -> Record | None:
        """What we know of the running process of service `name`; None when it does not run."""
        record = Record.read(self._pid_file(name))
        return record if record and record.process() else None

    def state(self, name: str) -> State:
        """Looks at service `name` now."""
        service, record = self.known[name], self.record(name)
        if record:
            healthy = _answers(service)
            return State(service, record, healthy, "" if healthy else "runs, but does not answer")
        taken = [f"port {port} {trouble}" for port in service.ports.values() if (trouble := port_trouble(port))]
        return State(service, None, False, "; ".join(["not running", *taken]))

    def log(self, name: str) -> Path:
        """Where the service's output goes."""
        return self.settings.state_dir / "logs" / f"{name}.log"

    def _pid_file(self, name: str) -> Path:
        return self.settings.state_dir / f"{name}.pid"

    def _is_up(self, service: Service) -> bool:
        record = self.record(service.name)
        if record and record.ports != list(service.ports.values()):
            here = ", ".join(map(str, record.ports))
            raise WorkshopError(
                f"{service.title} runs on port {here} already, but {' and '.join(service.ports)} ask for another.",
                "run `workshop down` first, or take the setting back",
            )
        return record is not None

    def _check(self, missing: list[Service]) -> None:
        """Raises before anything is started for what can be seen beforehand."""
        for service in missing:
            if not shutil.which(service.command[0]):
                raise WorkshopError(
                    f"{service.title} cannot start: there is no `{service.command[0]}` command on this machine.",
                    "run `make workshop`, which installs it; on Windows use WSL or the devcontainer",
                )
            for variable, port in service.ports.items():
                if trouble := port_trouble(port):
                    part = "Temporal web UI" if variable == "WORKSHOP_TEMPORAL_UI_PORT" else service.title
                    raise WorkshopError(
                        f"Port {port}, which the {part} wants, {trouble}.",
                        f"stop that program, or set {variable} to another port in .env",
                    )

    def _launch(self, service: Service) -> Record:
        env = dict(os.environ) | {"PATH": _search_path(), "VIRTUAL_ENV": sys.prefix} | service.env
        if service.name != LAB:  # neither needs the key, and a cluster's settings are for clients
            env = {name: value for name, value in env.items() if not name.startswith(("OPENAI_", "TEMPORAL_"))}
        try:
            record = launch(
                service.command,
                list(service.ports.values()),
                service.link,
                env,
                self.settings.root,
                self.log(service.name),
            )
            try:
                record.write(self._pid_file(service.name))
            except BaseException:
                stop([record], GRACE)
                raise
        except OSError as error:
            raise WorkshopError(
                f"{service.title} cannot start: {error.strerror} ({error.filename}).",
                "mend that and run `workshop up` again",
            ) from error
        return record

    def _await_health(self, service: Service) -> None:
        """Returns when `service` answers.

        Raises:
            WorkshopError: it ended, or does not answer within its `patience`.
        """
        if _answers(service):
            return
        self._say(f"Waiting for {service.title} to answer (at most {service.patience:.0f} s) ...")
        deadline = time.monotonic() + service.patience
        while not _answers(service):
            record = Record.read(self._pid_file(service.name))
            if record is None or not record.process():
                code = record.exit_code() if record else None
                how = "" if code is None else f" (exit code {code})"
                raise WorkshopError(
                    f"{service.title} ended as it started{how}.{self.tail(service.name)}",
                    "mend what it says and run `workshop up` again",
                )
            if time.monotonic() > deadline:
                raise WorkshopError(
                    f"{service.title} did not answer at {service.health_url} "
                    f"within {service.patience:.0f} s.{self.tail(service.name)}",
                    "run `workshop down`, then `workshop up` again",
                )
            time.sleep(0.1)

    def tail(self, name: str) -> str:
        """The end of the service's log as further lines of a message."""
        lines = last_lines(self.log(name))
        said = "".join(f"\n    {line}" for line in lines) or " nothing"
        return f" Its log, {self.log(name)}, says:{said}" if lines else f" Its log, {self.log(name)}, is empty."

    def _stop(self, records: Mapping[str, Record]) -> list[str]:
        stop(records.values(), GRACE)
        for name in records:
            self._pid_file(name).unlink(missing_ok=True)
        return list(records)

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        """Holds the lock of the state directory, which two terminals cannot both have."""
        with (self.settings.state_dir / "lock").open("a") as file:
            if sys.platform != "win32":
                import fcntl

                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    raise WorkshopError(
                        "Another `workshop up` or `workshop down` is at work on these services right now.",
                        "wait until it is done, then see `workshop status`",
                    ) from error
            yield


def _answers(service: Service) -> bool:
    try:
        # No proxy of the environment may stand between us and this machine.
        with httpx.Client(trust_env=False, timeout=5) as client:
            return client.get(service.health_url).status_code == 200
    except httpx.HTTPError:
        return False
