"""Ports, addresses and paths: what the workshop reads from the environment, read in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from workshop.errors import WorkshopError

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PORTS = {
    "WORKSHOP_TEMPORAL_PORT": 7233,
    "WORKSHOP_TEMPORAL_UI_PORT": 8233,
    "WORKSHOP_PRACTICE_PORT": 8234,
    "WORKSHOP_LAB_PORT": 8888,
}


@dataclass(frozen=True)
class Settings:
    """One reading of the environment. Ports are TCP ports on loopback."""

    root: Path
    state_dir: Path  # logs, pid files and the Temporal database
    temporal_port: int
    temporal_ui_port: int
    practice_port: int
    lab_port: int
    temporal_address: str  # host:port that solutions connect to
    temporal_namespace: str
    openai_base_url: str  # "" means OpenAI's own
    weather_api_url: str  # "" means api.weather.gov
    forwarding: tuple[str, str] | None = None  # GitHub Codespaces: name of the codespace, domain of its ports

    @classmethod
    def from_env(cls, env: Mapping[str, str], root: Path = ROOT, strict: bool = True) -> "Settings":
        """Reads settings from `env`, where an empty value counts as unset, and a wrong port too if not `strict`.

        Raises:
            WorkshopError: a port is not a number from 1 to 65535, or two services would share one.
        """
        env = {name: value.strip() for name, value in env.items()}
        ports, wrong = read_ports(env)
        if strict and wrong:
            name, twin = next(iter(wrong.items()))
            if twin:
                raise WorkshopError(f"{twin} and {name} are both {ports[twin]}.", f"set {name} to another port")
            # Not repeated: it may be a key in the wrong place.
            raise WorkshopError(f"{name} is not a port.", f"set {name} to a number from 1 to 65535, or unset it")
        temporal_port = ports["WORKSHOP_TEMPORAL_PORT"]
        codespace, domain = env.get("CODESPACE_NAME"), env.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
        return cls(
            root=root,
            # A relative directory is meant from the checkout, where `.env` is, wherever the command runs.
            state_dir=root / Path(env.get("WORKSHOP_STATE_DIR") or ".workshop").expanduser(),
            temporal_port=temporal_port,
            temporal_ui_port=ports["WORKSHOP_TEMPORAL_UI_PORT"],
            practice_port=ports["WORKSHOP_PRACTICE_PORT"],
            lab_port=ports["WORKSHOP_LAB_PORT"],
            temporal_address=env.get("TEMPORAL_ADDRESS") or f"{HOST}:{temporal_port}",
            temporal_namespace=env.get("TEMPORAL_NAMESPACE") or "default",
            openai_base_url=env.get("OPENAI_BASE_URL") or "",
            weather_api_url=env.get("WEATHER_API_URL") or "",
            forwarding=(codespace, domain) if codespace and domain else None,
        )

    def ports(self) -> dict[str, str]:
        """The variables that name these ports."""
        ports = (self.temporal_port, self.temporal_ui_port, self.practice_port, self.lab_port)
        return dict(zip(PORTS, map(str, ports), strict=True))

    @property
    def practice_url(self) -> str:
        """Where the practice services answer; the model's API is below `/v1`."""
        return f"http://{HOST}:{self.practice_port}"

    @property
    def ui_url(self) -> str:
        """Where the Temporal web UI of the dev server answers."""
        return f"http://{HOST}:{self.temporal_ui_port}"

    def public_url(self, port: int) -> str:
        """Where a person's browser reaches `port` of this machine: the forwarded address in GitHub Codespaces.

        https://docs.github.com/codespaces/developing-in-a-codespace/forwarding-ports-in-your-codespace
        """
        if self.forwarding is None:
            return f"http://{HOST}:{port}"
        codespace, domain = self.forwarding
        return f"https://{codespace}-{port}.{domain}"

    @property
    def mode(self) -> str:
        """`practice`, `openai`, or the address of another OpenAI-compatible server."""
        if not self.openai_base_url:
            return "openai"
        return "practice" if is_local(self.openai_base_url, self.practice_port, "/v1") else self.openai_base_url

    def practice_env(self) -> dict[str, str]:
        """The variables that lead programs to the services of these settings, and to no others."""
        return {
            "OPENAI_API_KEY": "practice",
            "OPENAI_BASE_URL": f"{self.practice_url}/v1",
            "WEATHER_API_URL": self.practice_url,
            "TEMPORAL_ADDRESS": f"{HOST}:{self.temporal_port}",
            "TEMPORAL_NAMESPACE": "default",
            "TEMPORAL_UI_URL": self.ui_url,
            "NO_PROXY": HOST,
            "no_proxy": HOST,
        }

    @property
    def practises(self) -> bool:
        """Whether the practice services are in use, for the model or for the weather."""
        return self.mode == "practice" or self.weather_practises

    @property
    def weather_practises(self) -> bool:
        """Whether the weather in use is the practice one."""
        return is_local(self.weather_api_url, self.practice_port)

    @property
    def own_temporal(self) -> bool:
        """Whether the Temporal server in use is the workshop's."""
        return is_local(f"http://{self.temporal_address}", self.temporal_port)


def host_of(url: str) -> str:
    """The host that an address names; "" if it names none."""
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""


def is_local(url: str, port: int, path: str = "") -> bool:
    """Whether `url` is plain HTTP to `port` and `path` of this machine, by whichever of its names."""
    try:
        parts = urlsplit(url)
        here = parts.hostname in (HOST, "localhost") and (parts.port or 80) == port
    except ValueError:
        return False
    return here and parts.scheme == "http" and parts.path.rstrip("/") == path


def port_number(text: str) -> int | None:
    """The TCP port that `text` is, or None."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536 else None


def read_ports(env: Mapping[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    """The port that each variable of `PORTS` names, the usual one where that is wrong; and those that are wrong.

    Wrong is what is no port: "", or a port that another variable has: that one's name.
    """
    ports: dict[str, int] = {}
    wrong: dict[str, str] = {}
    for name, usual in PORTS.items():
        port = port_number(env.get(name) or str(usual))
        twin = next((other for other in ports.keys() - wrong.keys() if ports[other] == port), "")
        if port is None or twin:
            wrong[name] = twin
        ports[name] = usual if port is None or twin else port
    return ports, wrong
