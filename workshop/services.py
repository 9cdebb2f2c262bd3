"""The local services: what each is, how it is started, when it is well; and those of one `Settings` together."""

import os
import secrets
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from workshop import loopback, processes
from workshop.errors import WorkshopError
from workshop.processes import Program, die_with_parent, free_port, locked, port_trouble, stop, wait_for
from workshop.settings import HOST, PORTS, ROOT, Settings
from workshop.text import Say

EMBEDDED = ("temporal", "practice")  # what exercises, tests and the demo need
LAB = "lab"
KEEP_RUNS = 30 * 24 * 3600  # seconds
FIRST_EXERCISE = "exercises/01_agent_hello_world/exercise.ipynb"
GRACE = 10.0  # seconds between SIGTERM and SIGKILL; JupyterLab ends its kernels in this time


@dataclass(frozen=True)
class Service:
    """How one service is started and known to be well."""

    name: str
    title: str  # as within a sentence
    command: list[str]
    ports: dict[str, int]  # by the environment variable that changes it
    health_url: str  # answers 200 when all of the service is ready
    link: str  # for a browser
    patience: float = 60  # seconds it may take to answer
    env: dict[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The title as it begins a sentence."""
        return self.title[0].upper() + self.title[1:]


def catalogue(settings: Settings, *server_options: str) -> dict[str, Service]:
    """Every service, in the order in which people read about them.

    Args:
        server_options: of `temporal server start-dev`, beside the workshop's own.
    """
    temporal = shutil.which("temporal", path=search_path())
    services = [
        Service(
            "temporal",
            "the Temporal server",
            # The other ports it needs (HTTP API, metrics, its parts among themselves) it chooses among the free ones.
            [
                *(temporal or "temporal", "server", "start-dev", "--log-level", "warn", "--ui-disable-news-fetch"),
                *("--ip", HOST, "--port", f"{settings.temporal_port}"),
                *("--ui-ip", HOST, "--ui-port", f"{settings.temporal_ui_port}"),
                *("--db-filename", str(settings.state_dir / "temporal.db")),
                # By default timers of less than a second, such as a first retry's, may take a whole one.
                *("--dynamic-config-value", 'history.timerProcessorMaxTimeShift="10ms"'),
                # Likewise a step of a workflow that its worker took and never finished, killed: 10 s by default.
                *("--dynamic-config-value", 'history.defaultWorkflowTaskTimeout="3s"'),
                *server_options,
            ],
            {
                "WORKSHOP_TEMPORAL_PORT": settings.temporal_port,
                "WORKSHOP_TEMPORAL_UI_PORT": settings.temporal_ui_port,
            },
            # The web UI passes this on to the server: one answer proves both, and that the namespace is there.
            f"{settings.ui_url}/api/v1/namespaces/default",
            settings.public_url(settings.temporal_ui_port),
        ),
        Service(
            "practice",
            "the practice services",
            [
                *(sys.executable, "-m", "workshop.practice.server", "--port", f"{settings.practice_port}"),
                *("--ui-port", f"{settings.temporal_ui_port}", "--temporal-port", f"{settings.temporal_port}"),
            ],
            {"WORKSHOP_PRACTICE_PORT": settings.practice_port},
            f"{settings.practice_url}/health",
            settings.public_url(settings.practice_port),
        ),
        _lab(settings),
    ]
    return {service.name: service for service in services}


def _lab(settings: Settings) -> Service:
    """JupyterLab. A learner's own configuration of Jupyter and IPython does not reach it; its looks do."""
    port, link, state = settings.lab_port, settings.public_url(settings.lab_port), settings.state_dir
    ours = Path(__file__).parent / "jupyter/share/jupyter/lab"
    options = [
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={settings.root}",
        "--ServerApp.open_browser=False",
        # What the machine's own configuration may say, too.
        *("--ServerApp.base_url=/", "--ServerApp.certfile=", "--PasswordIdentityProvider.hashed_password="),
        # Nothing is asked of the network, no list of extensions from a registry; and nobody is asked about news.
        f"--LabApp.app_settings_dir={ours / 'settings'}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        # Our style sheet, by which each tab has a name of its own.
        "--LabApp.custom_css=True",
        f"--ServerApp.tornado_settings={ {'static_custom_path': [str(ours / 'custom')]} }",
        "--LanguageServerManager.autodetect=False",  # it would run npm to look for editors' helpers
        # A login shell would put the system's Python before ours.
        "--ServerApp.terminado_settings={'shell_command': ['" + os.environ.get("SHELL", "/bin/sh") + "']}",
    ]
    if settings.forwarding:  # the browser then comes under another name
        options += [f"--ServerApp.allow_origin={link}", f"--ServerApp.local_hostnames={link.partition('//')[2]}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--ServerApp.allow_root=True")
    token = secrets.token_urlsafe(24)
    start = f"/tree/{FIRST_EXERCISE}" if (settings.root / FIRST_EXERCISE).exists() else ""
    config = os.environ.get("JUPYTER_CONFIG_DIR") or Path.home() / ".jupyter"
    looks = os.environ.get("JUPYTERLAB_SETTINGS_DIR") or Path(config, "lab", "user-settings")
    env = {
        "JUPYTER_TOKEN": token,  # not on the command line, which every user of the machine can read
        "JUPYTER_CONFIG_DIR": str(state / "jupyter"),
        "JUPYTER_CONFIG_PATH": "",
        "JUPYTER_NO_CONFIG": "",
        "JUPYTER_PREFER_ENV_PATH": "1",  # its kernel is this Python
        "JUPYTERLAB_SETTINGS_DIR": str(looks),
        "IPYTHONDIR": str(state / "ipython"),
    }
    return Service(
        LAB,
        "JupyterLab",
        [sys.executable, "-m", "jupyterlab", *options],
        {"WORKSHOP_LAB_PORT": port},
        f"http://{HOST}:{port}/api",
        f"{link}/lab{start}?token={token}",
        patience=180,
        env=env,
    )


def search_path() -> str:
    """PATH with this environment's programs first."""
    programs = str(Path(sys.executable).parent)
    return f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


class Services:
    """The services of one `settings.state_dir`.

    Args:
        settings: ports and paths.
        say: told, one line each, what is being waited for.
        known: the services by name, instead of `catalogue(settings)`.
        before: called in each new process, see `processes.start`.
    """

    def __init__(
        self,
        settings: Settings,
        say: Say = lambda line: None,
        known: Mapping[str, Service] | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.known = dict(known or catalogue(settings))
        self._say, self._before = say, before

    def start(self, names: Iterable[str] = EMBEDDED) -> list[str]:
        """Starts those of `names` that do not run, and returns, with these names, when all of `names` are well.

        Raises:
            WorkshopError: something stands in the way; what this call had started is stopped again.
        """
        wanted = [self.known[name] for name in names]
        processes.prepare_directory(self.settings.state_dir)
        with self._only_one():
            missing = self._missing(wanted)
            names = [service.name for service in missing]
            try:
                for service in missing:
                    self._launch(service)
                for service in [*wanted, *wanted]:  # once more: one may have died while another was awaited
                    self._await_health(service)
                if "temporal" in names:
                    self._keep_runs()
            except BaseException:
                self._stop(names)
                raise
        return names

    def _keep_runs(self) -> None:
        """Makes our server keep finished runs for a month, where the default is a day: lessons are rehearsed."""
        url = f"{self.settings.ui_url}/api/v1/namespaces/default"
        try:
            with loopback.client() as http:
                token = http.get(url).raise_for_status().cookies["_csrf"]
                config = {"config": {"workflowExecutionRetentionTtl": f"{KEEP_RUNS}s"}}
                http.post(f"{url}/update", headers={"X-CSRF-Token": token}, json=config).raise_for_status()
        except (httpx.HTTPError, KeyError) as error:
            self._say(f"The Temporal server keeps runs for a day only: it refuses more ({error}).")

    def stop(self, names: Iterable[str] | None = None, wait: bool = False) -> list[str]:
        """Stops those of `names` (all by default) that we started and that still run; returns their names.

        Raises:
            WorkshopError: another command is at work on the services, and `wait` is false.
        """
        if not self.settings.state_dir.is_dir():
            return []
        with self._only_one(wait):
            return self._stop(list(self.known if names is None else names))

    def noted(self, name: str) -> Program | None:
        """The program that was started last as service `name`, even if it has ended since."""
        return Program.read(self._pid_file(name))

    def running(self, name: str) -> Program | None:
        """The program of service `name`; None when it does not run."""
        program = self.noted(name)
        return program if program and program.running else None

    def look(self, name: str) -> tuple[Program | None, str]:
        """The program of service `name`, if it runs, and in a phrase what is wrong; "" if it is well."""
        service, program = self.known[name], self.running(name)
        if program:
            return program, "" if loopback.answers(service.health_url) else "runs, but does not answer"
        taken = [f"port {port} {trouble}" for port in service.ports.values() if (trouble := port_trouble(port))]
        return None, "; ".join(["not running", *taken])

    def log(self, name: str) -> Path:
        """Where the service's output goes."""
        return self.settings.state_dir / "logs" / f"{name}.log"

    def _pid_file(self, name: str) -> Path:
        return self.settings.state_dir / f"{name}.pid"

    def _missing(self, wanted: list[Service]) -> list[Service]:
        """Those that do not run.

        Raises:
            WorkshopError: one runs on another port, or one cannot be started, as far as that can be seen beforehand.
        """
        missing = []
        for service in wanted:
            program = self.running(service.name)
            if program is None:
                missing.append(service)
            elif program.ports != list(service.ports.values()):
                here = ", ".join(map(str, program.ports))
                raise WorkshopError(
                    f"{service.heading}: up already on port {here}, but {' or '.join(service.ports)} says another.",
                    "run `workshop down` first, or take the setting back",
                )
        for service in missing:
            if not shutil.which(service.command[0], path=search_path()):
                raise WorkshopError(
                    f"{service.heading} cannot start: there is no `{service.command[0]}` command on this machine.",
                    "run `make workshop`, which installs it; on Windows use WSL or the devcontainer",
                )
            for variable, port in service.ports.items():
                if trouble := port_trouble(port, patience=0.5):
                    part = "the Temporal web UI" if variable == "WORKSHOP_TEMPORAL_UI_PORT" else service.title
                    raise WorkshopError(
                        f"Port {port}, meant for {part}, {trouble}.",
                        f"stop that program, or set {variable} to another port in .env, and see: workshop doctor",
                    )
        return missing

    def _launch(self, service: Service) -> None:
        env = dict(os.environ) | {"PATH": search_path(), "VIRTUAL_ENV": sys.prefix} | service.env
        if service.name != LAB:  # neither needs the key, and a cluster's settings are for clients
            env = {name: value for name, value in env.items() if not name.startswith(("OPENAI_", "TEMPORAL_"))}
        try:
            program = processes.start(service.command, env, self.settings.root, self.log(service.name), self._before)
            program = replace(program, ports=list(service.ports.values()), link=service.link)
            try:
                program.write(self._pid_file(service.name))
            except BaseException:
                program.kill()
                raise
        except OSError as error:
            raise WorkshopError(
                f"{service.heading} cannot start: {error.strerror} ({error.filename}).",
                "fix that and run `workshop up` again",
            ) from error

    def _await_health(self, service: Service) -> None:
        """Returns when `service` answers.

        Raises:
            WorkshopError: it ended, or does not answer within its `patience`.
        """

        def answers() -> bool:
            # Asked first: an answer, if the service has ended since, is not ours.
            found = loopback.answers(service.health_url)
            program = self.noted(service.name)
            if program is None or not program.running:
                raise WorkshopError(
                    f"{service.heading} ended at start{self.last_words(service.name, program)}",
                    "fix what it says, then run `workshop up` again",
                )
            return found

        if answers():
            return
        self._say(f"Waiting for {service.title} (at most {service.patience:.0f} s) ...")
        try:
            wait_for(service.title, answers, service.patience)
        except TimeoutError:
            raise WorkshopError(
                f"{service.heading} did not answer at {service.health_url} within {service.patience:.0f} s"
                f"{self.last_words(service.name, self.noted(service.name))}",
                "run `workshop down`, then `workshop up` again",
            ) from None

    def last_words(self, name: str, program: Program | None) -> str:
        """How the program ended, if that is known, and the end of its log: the rest of a message."""
        code = program.exit_code if program else None
        how = "" if code is None else f" (exit code {code})" if code >= 0 else f" ({signal.Signals(-code).name})"
        printed = [line for line in program.text.splitlines() if line.strip()] if program else []
        lines = "".join(f"\n    {line.rstrip()[:300]}" for line in printed[-6:])
        return f"{how}. Its log, {self.log(name)}, " + (f"ends with:{lines}" if lines else "is empty.")

    def settled(self, name: str) -> Program | None:
        """As `noted`, once no other command is at work: `workshop down` removes the note when it is done."""
        with self._only_one(wait=True):
            return self.noted(name)

    def _stop(self, names: list[str]) -> list[str]:
        running = {name: program for name in names if (program := self.running(name))}
        stop(running.values(), GRACE)
        for name in names:  # those of programs that were gone already, too
            with suppress(OSError):
                self._pid_file(name).unlink()
        return list(running)

    def _only_one(self, wait: bool = False) -> AbstractContextManager[None]:
        return locked(
            self.settings.state_dir / "lock",
            "Another `workshop up` or `workshop down` is at work on these services right now.",
            wait,
        )


def free_settings(state_dir: Path, root: Path = ROOT) -> Settings:
    """Settings with free ports, whose services keep all they have in `state_dir`."""
    return Settings.from_env({**{name: str(free_port()) for name in PORTS}, "WORKSHOP_STATE_DIR": str(state_dir)}, root)


@contextmanager
def own_services(
    state_dir: Path,
    root: Path = ROOT,
    say: Say = lambda line: None,
    server_options: Sequence[str] = (),
    names: Sequence[str] = EMBEDDED,
) -> Iterator[Services]:
    """A Temporal server and practice services of the caller's own, on free ports; on Linux, they end with this thread.

    Args:
        server_options: see `catalogue`.
        names: of those that are started.
    """
    settings = free_settings(state_dir, root)
    services = Services(settings, say, catalogue(settings, *server_options), die_with_parent)
    try:
        services.start(names)
        yield services
    finally:
        services.stop(wait=True)
