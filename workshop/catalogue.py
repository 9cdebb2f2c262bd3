"""What the local services are: how each is started, on which ports, and how one knows that it is well."""

import os
import secrets
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from workshop.settings import HOST, Settings

EMBEDDED = ("temporal", "practice")  # what exercises, tests and the demo need
LAB = "lab"
FIRST_EXERCISE = "exercises/01_agent_hello_world/exercise.ipynb"
# What has to name the new port too when one of these is changed.
FOLLOWERS = {
    "WORKSHOP_TEMPORAL_PORT": "TEMPORAL_ADDRESS",
    "WORKSHOP_TEMPORAL_UI_PORT": "TEMPORAL_UI_URL",
    "WORKSHOP_PRACTICE_PORT": "OPENAI_BASE_URL and WEATHER_API_URL",
}


@dataclass(frozen=True)
class Service:
    """How one service is started and known to be well."""

    name: str
    title: str  # as within a sentence
    command: list[str]
    ports: dict[str, int]  # by the environment variable that changes it
    health_url: str  # answers 200 when all of the service is ready
    link: str  # for a browser
    patience: float  # seconds it may take to answer
    env: dict[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The title as it begins a sentence."""
        return self.title[0].upper() + self.title[1:]


def catalogue(settings: Settings) -> dict[str, Service]:
    """Every service, in the order in which people read about them."""
    python, loopback = sys.executable, settings.public_url
    temporal = shutil.which("temporal", path=search_path())
    token = secrets.token_urlsafe(24)
    start = f"/tree/{FIRST_EXERCISE}" if (settings.root / FIRST_EXERCISE).exists() else ""
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
            "the practice services",
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
        # Nothing is asked of the network, no list of extensions from a registry; and nobody is asked about news.
        f"--LabApp.app_settings_dir={Path(__file__).with_name('lab')}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--LanguageServerManager.autodetect=False",  # it would run npm to look for editors' helpers
        # A login shell would put the system's Python before ours.
        "--ServerApp.terminado_settings={'shell_command': ['" + os.environ.get("SHELL", "/bin/sh") + "']}",
    ]
    if settings.forwarding:  # the browser then comes under another name
        link = settings.public_url(settings.lab_port)
        options += [f"--ServerApp.allow_origin={link}", f"--ServerApp.local_hostnames={link.partition('//')[2]}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--ServerApp.allow_root=True")
    return [sys.executable, "-m", "jupyterlab", *options]


def search_path() -> str:
    """PATH with this environment's programs first."""
    programs = str(Path(sys.executable).parent)
    return f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
