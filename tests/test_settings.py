"""What the workshop reads from the environment."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from workshop import cli
from workshop.errors import WorkshopError
from workshop.settings import PORTS, Settings, is_local

PRACTICE = {"OPENAI_BASE_URL": "http://127.0.0.1:8234/v1", "OPENAI_API_KEY": "practice"}


def test_defaults(tmp_path: Path) -> None:
    settings = Settings.from_env({}, tmp_path)
    assert (settings.temporal_port, settings.temporal_ui_port) == (7233, 8233)
    assert (settings.practice_port, settings.lab_port) == (8234, 8888)
    assert settings.temporal_address == "127.0.0.1:7233"
    assert settings.temporal_namespace == "default"
    assert settings.state_dir == tmp_path / ".workshop"
    assert settings.practice_url == "http://127.0.0.1:8234"
    assert settings.ui_url == "http://127.0.0.1:8233"
    assert settings.mode == "openai"


def test_empty_and_blank_values_count_as_unset(tmp_path: Path) -> None:
    names = [*PORTS, "WORKSHOP_STATE_DIR", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "OPENAI_BASE_URL"]
    for nothing in ("", "  ", "\t"):
        assert Settings.from_env(dict.fromkeys(names, nothing), tmp_path) == Settings.from_env({}, tmp_path)


def test_the_address_follows_the_port_until_it_is_given() -> None:
    assert Settings.from_env({"WORKSHOP_TEMPORAL_PORT": "7333"}).temporal_address == "127.0.0.1:7333"
    given = {"WORKSHOP_TEMPORAL_PORT": "7333", "TEMPORAL_ADDRESS": "cluster.example:7233"}
    assert Settings.from_env(given).temporal_address == "cluster.example:7233"


@pytest.mark.parametrize("text", ["0", "65536", "-1", "8233.0", "http", "8 233", "٨٢٣٣", "²", "9" * 5000])
@pytest.mark.parametrize("name", PORTS)
def test_a_port_that_is_none(name: str, text: str) -> None:
    with pytest.raises(WorkshopError, match=rf"^{name} is not a port") as caught:
        Settings.from_env({name: text})
    assert name in caught.value.next_step


def test_a_port_with_spaces_around_is_one() -> None:
    assert Settings.from_env({"WORKSHOP_PRACTICE_PORT": " 9234 "}).practice_port == 9234


def test_two_services_cannot_share_a_port() -> None:
    with pytest.raises(WorkshopError, match="WORKSHOP_TEMPORAL_UI_PORT and WORKSHOP_LAB_PORT are both 8233"):
        Settings.from_env({"WORKSHOP_LAB_PORT": "8233"})


def test_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def state_dir(text: str) -> Path:
        return Settings.from_env({"WORKSHOP_STATE_DIR": text}, tmp_path / "checkout").state_dir

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert state_dir(str(tmp_path / "elsewhere")) == tmp_path / "elsewhere"
    assert state_dir("~/state") == tmp_path / "home" / "state"
    monkeypatch.chdir(tmp_path)
    assert state_dir("state") == tmp_path / "checkout" / "state"  # wherever the command is run


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("", "openai"),
        ("http://127.0.0.1:8234/v1", "practice"),
        ("http://127.0.0.1:8234/v1/", "practice"),
        ("http://localhost:8234/v1", "practice"),
        ("HTTP://LOCALHOST:8234/v1", "practice"),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:8234", "http://127.0.0.1:8234"),
        ("https://127.0.0.1:8234/v1", "https://127.0.0.1:8234/v1"),
        ("https://llm.example/v1", "https://llm.example/v1"),
        ("http://[oops:8234/v1", "http://[oops:8234/v1"),
        ("http://127.0.0.1:99999/v1", "http://127.0.0.1:99999/v1"),
    ],
)
def test_mode(url: str, mode: str) -> None:
    assert Settings.from_env({"OPENAI_BASE_URL": url}).mode == mode


def test_is_local_knows_the_default_port() -> None:
    assert is_local("http://localhost/", 80)
    assert not is_local("http://localhost/", 8234)


@pytest.mark.parametrize("domain", ["app.github.dev", "example.test"])
def test_forwarded_addresses_in_codespaces(domain: str) -> None:
    env = {
        "CODESPACES": "true",
        "CODESPACE_NAME": "fluffy-disco-42",
        "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": domain,
    }
    assert Settings.from_env(env).public_url(8233) == f"https://fluffy-disco-42-8233.{domain}"
    for name in ("CODESPACE_NAME", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"):
        without = {key: value for key, value in env.items() if key != name}
        assert Settings.from_env(without).public_url(8233) == "http://127.0.0.1:8233"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_practice_mode_survives_a_windows_editor(mark: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{name}={value}".encode() for name, value in PRACTICE.items()]
    (tmp_path / ".env").write_bytes(mark + b"\r\n".join(lines))
    for name in (*PORTS, "OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", "")  # set but empty: .env counts
    monkeypatch.setenv("WORKSHOP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    cli.settings.cache_clear()
    try:
        assert cli.settings().mode == "practice"
        assert "practice model" in CliRunner().invoke(cli.app, ["status"]).output
    finally:
        cli.settings.cache_clear()
