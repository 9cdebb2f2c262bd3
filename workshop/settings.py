"""Ports, addresses and paths: what the workshop reads from the environment, read in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workshop.errors import WorkshopError

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"


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

    @classmethod
    def from_env(cls, env: Mapping[str, str], root: Path = ROOT) -> "Settings":
        """Reads settings from `env`, where an empty value counts as unset.

        Raises:
            WorkshopError: a port is not a number from 1 to 65535.
        """
        temporal_port = _port(env, "WORKSHOP_TEMPORAL_PORT", 7233)
        return cls(
            root=root,
            state_dir=Path(env.get("WORKSHOP_STATE_DIR") or root / ".workshop"),
            temporal_port=temporal_port,
            temporal_ui_port=_port(env, "WORKSHOP_TEMPORAL_UI_PORT", 8233),
            practice_port=_port(env, "WORKSHOP_PRACTICE_PORT", 8234),
            lab_port=_port(env, "WORKSHOP_LAB_PORT", 8888),
            temporal_address=env.get("TEMPORAL_ADDRESS") or f"{HOST}:{temporal_port}",
            temporal_namespace=env.get("TEMPORAL_NAMESPACE") or "default",
            openai_base_url=env.get("OPENAI_BASE_URL") or "",
            weather_api_url=env.get("WEATHER_API_URL") or "",
        )

    @property
    def practice_url(self) -> str:
        """Where the practice services answer; the model's API is below `/v1`."""
        return f"http://{HOST}:{self.practice_port}"

    @property
    def ui_url(self) -> str:
        """Where the Temporal web UI of the dev server answers."""
        return f"http://{HOST}:{self.temporal_ui_port}"

    @property
    def mode(self) -> str:
        """`practice`, `openai`, or the address of another OpenAI-compatible server."""
        if not self.openai_base_url:
            return "openai"
        return "practice" if self.openai_base_url.rstrip("/") == f"{self.practice_url}/v1" else self.openai_base_url


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = (env.get(name) or str(default)).strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise WorkshopError(f"{name}={text!r} is not a port.", f"set {name} to a number from 1 to 65535, or unset it")
    return int(text)
