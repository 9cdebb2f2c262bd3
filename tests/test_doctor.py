"""Each mistake in a set-up is named as what it is, with its line and one next step, and without a piece of the key."""

import errno
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import certifi
import httpx
import pytest

from workshop import cli, doctor, env
from workshop.doctor import Facts, Finding, machine, variables
from workshop.processes import free_port
from workshop.settings import ROOT, Settings

SECRET = "7Q2M9X4T"
KEY = f"sk-canary-{SECRET}-0123456789"
GOOD = (
    "OPENAI_BASE_URL=http://127.0.0.1:8234/v1\nOPENAI_API_KEY=practice\n"
    "OPENAI_AGENTS_DISABLE_TRACING=1\nWEATHER_API_URL=http://127.0.0.1:8234\n"
)
OPENAI = f"OPENAI_API_KEY={KEY}\n"


def check(folder: Path, text: str | bytes, shell: dict[str, str] | None = None) -> list[Finding]:
    """What the doctor says of a `.env` with this text; whatever it says, no piece of the key is in it."""
    (folder / ".env").write_bytes(text.encode() if isinstance(text, str) else text)
    findings = doctor.diagnose(folder, shell or {}, doctor.SETTINGS)
    no_piece("\n".join(doctor.lines(findings)))
    return findings


def no_piece(printed: str) -> None:
    for start in range(len(SECRET) - 3):
        assert SECRET[start : start + 4].lower() not in printed.lower()


def the(findings: list[Finding], code: str) -> Finding:
    found = [finding for finding in findings if finding.code == code]
    assert found, f"{code} is not among {[(finding.code, str(finding)) for finding in findings]}"
    assert found[0].next_step or code == "env-missing"
    return found[0]


@pytest.mark.parametrize("text", [GOOD, "\ufeff" + GOOD, GOOD.replace("\n", "\r\n"), GOOD.rstrip(), OPENAI])
def test_what_is_right_is_left_in_peace(tmp_path: Path, text: str) -> None:
    assert check(tmp_path, text) == []


def test_all_that_can_be_said_has_a_next_step_and_is_said_somewhere() -> None:
    rows = json.loads((ROOT / "workshop" / "doctor" / "findings.json").read_text())["findings"]
    code = "".join(path.read_text() for path in (ROOT / "workshop" / "doctor").glob("*.py"))
    for row, (level, _, next_step) in rows.items():
        assert level in ("ok", "warning", "problem")
        assert (level == "ok") == (not next_step) or row in ("env-missing/shell", "unseen")
        assert f'"{row}"' in code or row.split("-", 1)[1] in ("practice", "wrong")


KEYS = [
    ("# paste your key here", "key-comment", "is followed by a comment, not by a key"),
    ("#paste-your-key-here", "key-comment", "is a comment, not a value"),
    ("", "key-missing", "is empty"),
    (f"OPENAI_API_KEY={KEY}", "key-repeats-name", "begins with a variable's name"),
    (f'export OPENAI_API_KEY="{KEY}"', "key-repeats-name", "begins with a variable's name"),
    (f"Bearer {KEY}", "key-bearer", 'begins with the word "Bearer"'),
    (f"'authorization: bearer {KEY}'", "key-bearer", 'begins with the word "Bearer"'),
    ("$OPENAI_KEY", "key-variable", "is the name of another variable"),
    (f"\u201c{KEY}\u201d", "key-smart-quotes", "has curly quotes in it"),
    (f"'\"{KEY}\"'", "key-quotes", "has quotation marks in it"),
    (f"{KEY}'", "key-quotes", "has quotation marks in it"),
    (KEY.replace("-", "\u2013"), "key-dashes", "has a long dash in it"),
    (KEY + "\u200b", "key-invisible", "has an invisible character in it"),
    ("\ufeff" + KEY, "key-invisible", "has an invisible character in it"),
    (f'"{KEY[:9]}\n{KEY[9:]}"', "key-line-break", "is broken over two lines"),
    (f"' {KEY}'", "key-spaces", "has a space in it"),
    (f"{KEY[:9]} {KEY[9:]}", "key-spaces", "has a space in it"),
    (f"{KEY[:9]}\u00a0{KEY[9:]}", "key-spaces", "has a space in it"),
    (KEY.replace("a", "\u0430"), "key-not-ascii", "has a letter in it that is none of A-Z"),
    *((text, "key-placeholder", "only stands where a key should be") for text in (
        "sk-...", "sk-\u2026", "your-key-here", "YOUR_API_KEY", "<your key>", "<OPENAI_API_KEY>", "changeme",
        "sk-xxxxxxxx", "sk-", "sk-proj-", "todo", "REPLACE_ME", "insert-key", "sk-your-key", "test", "none",
        "12345", "{{key}}", "sk-1234567890abcdef",
    )),
    ("practice", "key-placeholder", "is the practice services' key"),
    (f"sk-ant-{SECRET}", "key-vendor", "is a key of Anthropic"),
    (f"gsk_{SECRET}", "key-vendor", "is a key of Groq"),
    (f"sk-{SECRET}", "key-unusual", "does not look like a key of OpenAI"),
    (f"{SECRET * 4}", "key-unusual", "does not look like a key of OpenAI"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "code", "says"), KEYS)
def test_the_shape_of_a_wrong_key_is_named(tmp_path: Path, value: str, code: str, says: str) -> None:
    equals = "= " if value.startswith("# ") else "="
    finding = the(check(tmp_path, f"# mine\n\nOPENAI_API_KEY{equals}{value}\n"), code)
    assert says in finding.message or (code == "key-not-ascii" and "A-Z" in finding.message)
    assert finding.line == 3
    assert str(finding).startswith(".env line 3: OPENAI_API_KEY ")
    assert "line 3 of .env" in finding.next_step or code == "key-unusual"


def test_a_key_cannot_be_too_random_for_a_placeholder() -> None:
    for key in (KEY, "sk-proj-Xy7_test-bQ0here9Zyourk2", "sk-aXXXb12nonefoo_-__3", "sk-proj-" + "aB3-_" * 30):
        assert not variables.is_placeholder(key)
        assert variables.key_state(key) == "set"


LINES = [
    (f"OPENAI_API_KEY: {KEY}", "line-unreadable", "problem", "cannot be read", "OPENAI_API_KEY=value"),
    (f"set OPENAI_API_KEY={KEY}", "line-unreadable", "problem", "cannot be read", "nothing before the name"),
    (f'OPENAI_API_KEY="{KEY}', "line-unreadable", "problem", "opened here and never closed", "close the quot"),
    ("OTHER 'x", "line-unreadable", "warning", "cannot be read", "NAME=value"),
    (f"OPENAI_API_KEY:{KEY}", "line-colon", "problem", "no equals sign", "OPENAI_API_KEY=value"),
    (KEY, "line-bare-key", "problem", "by itself, without its name", "put OPENAI_API_KEY= before it"),
    (f"{SECRET}rest", "line-bare", "warning", "rest of the line above", "join it"),
    (f"$env:OPENAI_API_KEY='{KEY}'", "name-misspelt", "problem", "almost OPENAI_API_KEY", "call it OPENAI_API_KEY"),
    (f"openai_api_key={KEY}", "name-misspelt", "problem", "almost OPENAI_API_KEY", "in capitals"),
    (f"OPEN_AI_API_KEY={KEY}", "name-misspelt", "problem", "almost OPENAI_API_KEY", "call it"),
    (f"OPENAI_KEY={KEY}", "name-misspelt", "problem", "almost OPENAI_API_KEY", "call it"),
    ("OPENAI_API_BASE=http://x/v1", "name-misspelt", "problem", "almost OPENAI_BASE_URL", "call it OPENAI_BASE_URL"),
    (f"\ufeffOPENAI_API_KEY={KEY}", "name-misspelt", "problem", "invisible or foreign character", "call it"),
    ("TEMPORAL_HOST=x:1", "name-misspelt", "problem", "almost TEMPORAL_ADDRESS", "call it TEMPORAL_ADDRESS"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "level", "says", "next_step"), LINES)
def test_a_line_that_says_nothing_is_named(
    tmp_path: Path, text: str, code: str, level: str, says: str, next_step: str
) -> None:
    finding = the(check(tmp_path, f"# mine\n{text}\nMY_OWN=1\n"), code)
    assert (finding.level, finding.line) == (level, 2)
    assert says in finding.message
    assert next_step in finding.next_step


@pytest.mark.parametrize(
    "name", ["MY_OPENAI_API_KEY", "OPENAI_ORG_ID", "no_proxy", "OPENAI_PROJECT_ID", "TEMPORAL_WORKER_BUILD_ID"]
)
def test_names_of_others_are_left_in_peace(tmp_path: Path, name: str) -> None:
    assert check(tmp_path, f"{GOOD}{name}=1\n") == []


def test_a_misspelt_name_beside_the_right_one_only_warns(tmp_path: Path) -> None:
    assert the(check(tmp_path, f"{GOOD}OPENAI_KEY={KEY}\n"), "name-misspelt").level == "warning"


def test_a_key_that_is_commented_out_is_found(tmp_path: Path) -> None:
    finding = the(check(tmp_path, f"\n# OPENAI_API_KEY={KEY}\n"), "key-commented")
    assert (finding.line, finding.next_step) == (2, "take the # away, if that is your key")


def test_no_key_at_all(tmp_path: Path) -> None:
    finding = the(check(tmp_path, "MY_OWN=1\n"), "key-missing")
    assert "add the line OPENAI_API_KEY= and your key to .env (never on a command line)" in finding.next_step
    assert the(check(tmp_path, GOOD.replace("=practice", "=")), "key-missing").next_step == "workshop use practice"
    other = "OPENAI_BASE_URL=http://localhost:11434/v1\nOPENAI_AGENTS_DISABLE_TRACING=1\n"
    assert "any word, if that server wants none" in the(check(tmp_path, other), "key-missing").next_step


@pytest.mark.parametrize("value", ["chat_completions", "responses", "chat-completions", "Chat"])
def test_an_api_that_does_not_exist_is_named(tmp_path: Path, value: str) -> None:
    found = [one for one in check(tmp_path, f"{GOOD}OPENAI_DEFAULT_API={value}\n") if one.code == "model-api"]
    assert bool(found) == (value not in ("chat_completions", "responses"))
    assert all("OPENAI_DEFAULT_API is neither" in one.message for one in found)


def test_a_real_key_beside_the_practice_address(tmp_path: Path) -> None:
    finding = the(check(tmp_path, GOOD.replace("=practice", f"={KEY}")), "key-unused")
    assert (finding.level, finding.line) == ("problem", 2)
    assert "OPENAI_BASE_URL (line 1 of .env) leads to the practice model" in finding.message
    assert finding.next_step.startswith("workshop use openai; or workshop use practice")
    # A Codespaces secret is there for later.
    findings = check(tmp_path, GOOD, {"OPENAI_API_KEY": KEY, "CODESPACES": "true"})
    assert [finding.level for finding in findings] == ["warning", "warning"]
    assert "github.com/settings/codespaces" in the(findings, "shell-wins").next_step


ADDRESSES = [
    ("http://127.0.0.1:8234", "url-practice", "does not end in /v1"),
    ("http://127.0.0.1:8234/", "url-practice", "does not end in /v1"),
    ("http://127.0.0.1:8234/v1/responses", "url-practice", "ends in /responses"),
    ("http://127.0.0.1:8234/v1/chat/completions", "url-practice", "ends in /chat/completions"),
    ("https://127.0.0.1:8234/v1", "url-practice", "speak plain http://"),
    ("127.0.0.1:8234/v1", "url-practice", "does not begin with http://"),
    ("localhost:8234/v1", "url-practice", "does not begin with http://"),
    ("http:/127.0.0.1:8234/v1", "url-practice", "does not begin with http://"),
    ("' http://127.0.0.1:8234/v1'", "url-practice", "has a space around it"),
    ("http://[::1]:8234/v1", "url-practice", "does not lead to 127.0.0.1"),
    ("http://127.0.0.1:8243/v1", "url-port", "leads to port 8243, but the practice services are at port 8234"),
    ("api.other.test/v1", "url-scheme", "does not begin with http:// or https://"),
    ("ftp://other.test/v1", "url-scheme", "does not begin with http:// or https://"),
    ("http://other.test:port/v1", "url-malformed", "malformed"),
    ("http:///v1", "url-malformed", "has no host"),
    (f"https://me:{SECRET}@other.test/v1", "url-userinfo", "has a user or password in it"),
    (f"https://other.test/v1?key={SECRET}", "url-query", "has a ? or # in it"),
    (KEY, "url-is-key", "holds a key, not an address"),
    ("# later", "url-comment", "is a comment"),
    ("\u201chttp://other.test/v1\u201d", "url-smart-quotes", "has curly quotes"),
    ("https://other.test/v1/responses", "url-path", "ends in /responses"),
    ("https://api.openai.com/v1/chat/completions/", "url-path", "ends in /chat/completions"),
    ("https://other.test", "url-no-v1", "has no /v1 in it"),
]


@pytest.mark.parametrize(("value", "code", "says"), ADDRESSES)
def test_the_slip_in_an_address_is_named(tmp_path: Path, value: str, code: str, says: str) -> None:
    text = GOOD.replace("http://127.0.0.1:8234/v1", "'# later'" if value == "# later" else value)
    finding = the(check(tmp_path, text), code)
    assert says in finding.message
    assert finding.line == 1
    assert finding.next_step == "workshop use practice" or "line 1 of .env" in finding.next_step


@pytest.mark.parametrize(
    "value", ["http://localhost:11434/v1", "https://api.openai.com/v1", "https://other.test/api/v3/"]
)
def test_other_servers_are_left_in_peace(tmp_path: Path, value: str) -> None:
    text = f"OPENAI_BASE_URL={value}\nOPENAI_API_KEY={KEY}\nOPENAI_AGENTS_DISABLE_TRACING=1\n"
    assert check(tmp_path, text) == []


def test_the_practice_services_have_moved(tmp_path: Path) -> None:
    finding = the(check(tmp_path, GOOD + "WORKSHOP_PRACTICE_PORT=9001\n"), "url-practice")
    assert "leads to port 8234, but WORKSHOP_PRACTICE_PORT is 9001" in finding.message
    assert check(tmp_path, GOOD.replace("8234", "9001") + "WORKSHOP_PRACTICE_PORT=9001\n") == []


@pytest.mark.parametrize(
    ("value", "code", "says"),
    [
        ("http://127.0.0.1:8234/v1", "weather-practice", "has a path after the port"),
        ("https://127.0.0.1:8234", "weather-practice", "speak plain http://"),
        ("api.weather.gov", "weather-scheme", "does not begin with http"),
        ("https://api.weather.gov/alerts/active", "weather-path", "path of a request"),
    ],
)
def test_the_slip_in_the_weather_address_is_named(tmp_path: Path, value: str, code: str, says: str) -> None:
    finding = the(
        check(tmp_path, GOOD.replace("WEATHER_API_URL=http://127.0.0.1:8234", f"WEATHER_API_URL={value}")), code
    )
    assert says in finding.message
    assert finding.line == 4


def test_an_empty_address_counts_as_unset_and_is_said_to_be(tmp_path: Path) -> None:
    finding = the(check(tmp_path, f"OPENAI_BASE_URL=\n{OPENAI}"), "empty")
    assert (finding.level, finding.line) == ("warning", 1)
    assert "empty, which counts as unset: OpenAI itself is asked" in finding.message
    # With an empty variable in the shell, .env still counts.
    findings = check(tmp_path, GOOD, {"OPENAI_BASE_URL": ""})
    assert [finding.level for finding in findings] == []
    assert the(check(tmp_path, OPENAI, {"OPENAI_BASE_URL": ""}), "empty").next_step == "unset OPENAI_BASE_URL"


def test_a_mistake_in_the_shell_is_mended_in_the_shell(tmp_path: Path) -> None:
    findings = check(tmp_path, GOOD, {"OPENAI_BASE_URL": "http://127.0.0.1:8234"})
    finding = the(findings, "url-practice")
    assert (finding.line, finding.next_step) == (None, "unset OPENAI_BASE_URL")
    assert "shell sets OPENAI_BASE_URL too" in the(findings, "shell-wins").message
    assert the(check(tmp_path, GOOD, {"OPENAI_API_KEY": f"{KEY} "}), "key-spaces").next_step == "unset OPENAI_API_KEY"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TEMPORAL_ADDRESS", "cluster.test:7233"),
        ("TEMPORAL_NAMESPACE", "other"),
        ("TEMPORAL_UI_URL", "https://ui.test"),
    ],
)
def test_a_shell_that_leads_to_another_temporal_server_is_named(tmp_path: Path, name: str, value: str) -> None:
    file = f"{GOOD}TEMPORAL_ADDRESS=127.0.0.1:7233\nTEMPORAL_NAMESPACE=default\nTEMPORAL_UI_URL=http://127.0.0.1:8233\n"
    finding = the(check(tmp_path, file, {name: value}), "shell-wins")
    assert (finding.level, finding.next_step) == ("warning", f"unset {name}")
    assert check(tmp_path, file, {"TEMPORAL_ADDRESS": "127.0.0.1:7233"}) == []
    # That nothing stands in the file is no contradiction.
    assert check(tmp_path, GOOD, {"TEMPORAL_ADDRESS": "cluster.test:7233"}) == []


@pytest.mark.parametrize("value", ["0", "false", "", None])
def test_traces_that_would_leave_are_named(tmp_path: Path, value: str | None) -> None:
    text = GOOD.replace(
        "OPENAI_AGENTS_DISABLE_TRACING=1\n", "" if value is None else f"OPENAI_AGENTS_DISABLE_TRACING={value}\n"
    )
    finding = the(check(tmp_path, text), "tracing")
    assert finding.level == "warning"
    assert "prompts could still go to OpenAI" in finding.message


def test_duplicates_are_counted_from_the_last(tmp_path: Path) -> None:
    finding = the(check(tmp_path, f"OPENAI_API_KEY=practice\n\n{OPENAI}export OPENAI_API_KEY={KEY}\n"), "duplicate")
    assert (finding.level, finding.line) == ("warning", 4)
    assert "line 1, 3 too; only this one counts" in finding.message


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("TEMPORAL_ADDRESS=http://127.0.0.1:7233", "temporal-scheme", "begins with a scheme"),
        ("TEMPORAL_ADDRESS=127.0.0.1", "temporal-no-port", "has no port"),
        ("TEMPORAL_ADDRESS=host:grpc", "temporal-bad-port", "does not end in a port"),
        ("TEMPORAL_ADDRESS='127.0.0.1: 7233'", "temporal-spaces", "has a space in it"),
        ("TEMPORAL_ADDRESS=127.0.0.1:8233", "temporal-ui-port", "leads to the web UI's port"),
        ("TEMPORAL_ADDRESS=localhost:7234", "temporal-port", "starts Temporal at 7233"),
        (f"TEMPORAL_API_KEY={KEY}", "temporal-tls", "TLS is spoken"),
        (
            f"TEMPORAL_API_KEY={KEY}\nTEMPORAL_ADDRESS=x.tmprl.cloud:7233",
            "temporal-namespace",
            "no namespace called default",
        ),
        ("WORKSHOP_PRACTICE_PORT=82345", "port-setting", "is not a number from 1 to 65535"),
        (f"WORKSHOP_LAB_PORT={KEY}", "port-setting", "is not a number from 1 to 65535"),
        ("WORKSHOP_LAB_PORT=8234", "port-twice", "are the same port"),
    ],
)
def test_the_slip_in_an_address_of_temporal_or_a_port_is_named(tmp_path: Path, text: str, code: str, says: str) -> None:
    finding = the(check(tmp_path, f"{GOOD}{text}\n"), code)
    assert says in finding.message
    assert finding.line in (5, 6)


TLS = "[profile.default.tls]\ndisabled = false\n"
PROFILES = f'[profile.default]\naddress = "cluster.test:7233"\napi_key = "{KEY}"\n{TLS}'


@pytest.fixture
def temporal_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Temporal's own configuration file is, in a home of its own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    path = Path(variables.TEMPORAL_FILE.replace("~", str(tmp_path / "home")))
    path.parent.mkdir(parents=True)
    return path


LOCAL = "TEMPORAL_ADDRESS=127.0.0.1:7233\n"


@pytest.mark.parametrize(
    ("env", "shell", "file", "code", "line"),
    [
        (LOCAL, {"TEMPORAL_TLS": "true"}, "", "temporal-tls", None),
        (LOCAL + "TEMPORAL_TLS=1\n", {}, "", "temporal-tls", 6),
        (LOCAL, {"TEMPORAL_TLS_SERVER_NAME": "x"}, "", "temporal-tls", None),
        ("", {"TEMPORAL_TLS": "true"}, "", "temporal-tls", None),
        (LOCAL, {"TEMPORAL_PROFILE": "nope"}, PROFILES, "temporal-unused", None),
        ("", {"TEMPORAL_PROFILE": "nope"}, PROFILES, "temporal-profile", None),
        ("", {"TEMPORAL_CONFIG_FILE": "."}, "", "temporal-profile", None),
        ("", {}, f"{KEY} = [", "temporal-file", None),
        ("", {}, PROFILES, "temporal-file", None),
        ("", {}, TLS, "temporal-file", None),
        (LOCAL, {"TEMPORAL_TLS_SERVER_CA_CERT_PATH": "/nowhere/ca.pem"}, "", "temporal-path", None),
    ],
)
def test_what_leads_away_from_the_workshops_server_is_named(
    tmp_path: Path, temporal_file: Path, env: str, shell: dict[str, str], file: str, code: str, line: int | None
) -> None:
    """Case C03."""
    temporal_file.write_text(file)
    [finding] = check(tmp_path, GOOD + env, shell)
    assert (finding.code, finding.line) == (code, line)
    assert all(name in finding.message for name in shell)
    assert finding.next_step


def test_a_file_of_temporal_for_another_server_is_left_in_peace(tmp_path: Path, temporal_file: Path) -> None:
    temporal_file.write_text(PROFILES + '[profile.prod]\naddress = "prod.test:7233"\n')
    assert check(tmp_path, GOOD + LOCAL) == []
    assert check(tmp_path, GOOD, {"TEMPORAL_PROFILE": "prod"}) == []
    assert check(tmp_path, GOOD + LOCAL, {"TEMPORAL_TLS": "false"}) == []
    assert check(tmp_path, f"{GOOD}TEMPORAL_ADDRESS=cluster.test:7233\n", {"TEMPORAL_TLS": "true"}) == []


@pytest.mark.parametrize(
    ("text", "level", "name"),
    [
        ("WORKSHOP_TEMPORAL_PORT=17233", "problem", "TEMPORAL_ADDRESS"),
        (f"WORKSHOP_TEMPORAL_PORT=17233\n{LOCAL}", "problem", "TEMPORAL_ADDRESS"),
        ("WORKSHOP_TEMPORAL_UI_PORT=18233", "warning", "TEMPORAL_UI_URL"),
        ("WORKSHOP_TEMPORAL_UI_PORT=18233\nTEMPORAL_UI_URL=http://localhost:8233", "warning", "TEMPORAL_UI_URL"),
    ],
)
def test_a_port_that_moved_alone_is_named(tmp_path: Path, text: str, level: str, name: str) -> None:
    """Case C38."""
    [finding] = check(tmp_path, f"{GOOD}{text}\n")
    assert (finding.level, finding.code, finding.next_step) == (level, "port-forgotten", "workshop use practice")
    assert f"{name} does not follow" in finding.message
    env.use(tmp_path, "practice", None, {})
    assert doctor.diagnose(tmp_path, {}, doctor.SETTINGS) == []
    [finding] = check(tmp_path, f"{OPENAI}{text}\n")
    assert finding.next_step == "workshop use openai"


WEATHERS = [
    (GOOD, "practice model, practice weather"),
    (GOOD.replace("WEATHER_API_URL=http://127.0.0.1:8234", ""), "practice model, real weather"),
    (GOOD.replace("=http://127.0.0.1:8234\n", "=https://api.weather.gov/\n"), "practice model, real weather"),
    (GOOD.replace("=http://127.0.0.1:8234\n", "=http://127.0.0.1:9000\n"), "practice model, another weather service"),
    (GOOD.encode("utf-16"), "unknown"),
    (GOOD.encode() + b"# caf\xe9\n", "unknown"),
    (GOOD.encode() + b"X=\x00\n", "unknown"),
]


@pytest.mark.parametrize(("text", "says"), WEATHERS)
def test_model_and_weather_are_called_what_they_are(tmp_path: Path, text: str | bytes, says: str) -> None:
    """Case C41."""
    (tmp_path / ".env").write_bytes(text.encode() if isinstance(text, str) else text)
    assert says in doctor.mode_words(Facts.gather(tmp_path, {}))
    oks = [finding.code for finding in doctor.diagnose(tmp_path, {}) if finding.level == "ok"]
    assert ("mode" in oks) == (says != "unknown")


PROXIES = [
    ({"HTTP_PROXY": "http://proxy.test:3128"}, "proxy-loopback", "HTTP_PROXY sends requests for this machine"),
    ({"http_proxy": "proxy.test:3128"}, "proxy-loopback", "http_proxy sends"),
    ({"ALL_PROXY": "socks5://127.0.0.1:9"}, "proxy-loopback", "ALL_PROXY sends"),
    ({"all_proxy": "socks://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}, "proxy-scheme", "all_proxy begins with a scheme"),
    ({"HTTPS_PROXY": f"ftp://me:{SECRET}@x:1", "NO_PROXY": "127.0.0.1"}, "proxy-scheme", "HTTPS_PROXY begins with"),
    (
        {"HTTP_PROXY": "http://x", "NO_PROXY": "127.0.0.1", "no_proxy": "corp.test"},
        "proxy-loopback",
        "no_proxy wins over NO_PROXY",
    ),
    ({"HTTP_PROXY": "http://x", "NO_PROXY": "127.0.0.0/8,localhost"}, "proxy-loopback", "does not name 127.0.0.1"),
]


@pytest.mark.parametrize(("shell", "code", "says"), PROXIES)
def test_a_proxy_in_the_way_is_named_with_two_ways_out(
    tmp_path: Path, shell: dict[str, str], code: str, says: str
) -> None:
    finding = the(check(tmp_path, GOOD, shell), code)
    assert finding.level == "problem"
    assert says in finding.message
    assert "or: unset " in finding.next_step


@pytest.mark.parametrize(
    "entry", ["[::1]", "::1", "::1/128", "[::1]:80", "localhost:80", "host:port", "é.test", "*.test"]
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_an_exemption_that_stops_the_http_client_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, entry: str
) -> None:
    """Case C01. The client itself says which do."""
    monkeypatch.setenv(name, f"127.0.0.1, {entry}")
    try:
        httpx.Client(verify=False)
        starts = True
    except httpx.InvalidURL:
        starts = False
    found = check(tmp_path, GOOD, {name: f"127.0.0.1, {entry}"})
    assert starts == (not found)
    if not starts:
        finding = the(found, "proxy-exempt")
        assert finding.message.startswith(f"{name} has an entry, number 2, ")
        assert ("write ::1" in finding.next_step) == ("[" in entry)
    [finding] = check(tmp_path, f"{GOOD}NO_PROXY=[::1]\n")
    assert (finding.code, finding.line) == ("proxy-exempt", 5)
    # All are excepted, and the client reads no further.
    assert check(tmp_path, GOOD, {name: f"*,{entry}"}) == []


@pytest.mark.parametrize("url", ["http://proxy.test:80a", f"http://me:{SECRET}#w@proxy.test:1"])
def test_a_proxy_that_stops_the_http_client_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(httpx.InvalidURL):
        httpx.Client(verify=False)
    assert the(check(tmp_path, GOOD, {"HTTPS_PROXY": url}), "proxy-malformed").level == "problem"


def test_certificates_that_are_gone_are_named_and_others_stay_in_force(tmp_path: Path) -> None:
    """Case C02."""
    (tmp_path / "empty.pem").touch()
    shutil.copy(certifi.where(), tmp_path / "ca.pem")
    for path, says in (
        ("nowhere/ca.pem", "No such file"),
        ("empty.pem", "without a certificate"),
        (".", "cannot be used"),
    ):
        shell = {"SSL_CERT_FILE": str(tmp_path / path)}
        finding = the(check(tmp_path, GOOD, shell), "certificates")
        assert (finding.level, finding.next_step.endswith("or: unset SSL_CERT_FILE")) == ("problem", True)
        assert finding.message.startswith("SSL_CERT_FILE ")
        assert says in finding.message
        assert str(tmp_path) not in str(finding)
        assert the(check(tmp_path, f"{GOOD}SSL_CERT_FILE={tmp_path / path}\n"), "certificates").line == 5
    shell = {"SSL_CERT_FILE": str(tmp_path / "ca.pem"), "SSL_CERT_DIR": str(tmp_path / "nowhere")}
    assert check(tmp_path, GOOD, shell) == []
    del shell["SSL_CERT_FILE"]
    assert the(check(tmp_path, GOOD, shell), "certificates").level == "warning"
    assert check(tmp_path, GOOD, {"SSL_CERT_DIR": str(tmp_path)}) == []
    # Each client writes its keys there as it starts, where somebody wants to read along.
    assert the(check(tmp_path, GOOD, {"SSLKEYLOGFILE": "/nowhere/keys"}), "certificates").level == "problem"
    assert check(tmp_path, GOOD, {"SSLKEYLOGFILE": str(tmp_path / "keys")}) == []


def test_proxies_that_harm_nobody_are_left_in_peace(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD, {"ALL_PROXY": "socks5://127.0.0.1:9", "NO_PROXY": "localhost,127.0.0.1"}) == []
    assert check(tmp_path, GOOD, {"HTTP_PROXY": "http://x", "NO_PROXY": "*"}) == []
    assert check(tmp_path, GOOD, {"HTTPS_PROXY": "http://x"}) == []
    assert check(tmp_path, GOOD + "NO_PROXY=127.0.0.1\n", {"HTTP_PROXY": "http://x"}) == []
    assert check(tmp_path, OPENAI, {"HTTP_PROXY": "http://x"}) == []


def test_a_socks_proxy_without_its_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variables.importlib.util, "find_spec", lambda name: None)
    shell = {"ALL_PROXY": "socks5://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    assert "socksio, is not installed" in the(check(tmp_path, GOOD, shell), "proxy-socks").message


@contextmanager
def server(body: bytes) -> Iterator[int]:
    """An HTTP server on loopback that answers every GET with `body`; gives its port."""

    class Always(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Always) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running.server_address[1]
        finally:
            running.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "entry",
    ["127.0.0.1", "127.0.0.0/8", "localhost", " 127.0.0.1 ", "x,127.0.0.1:{port}", "http://127.0.0.1", "*"],
)
def test_the_exemption_is_read_as_the_http_client_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    with server(b"{}") as port:
        shell = {"HTTP_PROXY": f"http://127.0.0.1:{free_port()}", "NO_PROXY": entry.format(port=port)}
        for name, value in shell.items():
            monkeypatch.setenv(name, value)
        try:
            passes = httpx.get(f"http://127.0.0.1:{port}").status_code == 200
        except httpx.ProxyError:
            passes = False
        except httpx.ConnectError:  # nobody listens where the proxy should be
            passes = False
        text = GOOD.replace("8234", str(port)) + f"WORKSHOP_PRACTICE_PORT={port}\n"
        assert passes == (not any(finding.code == "proxy-loopback" for finding in check(tmp_path, text, shell)))


@pytest.mark.parametrize(
    ("data", "code", "says", "line"),
    [
        (GOOD.encode("utf-16"), "env-unreadable", "UTF-16", None),
        (GOOD.encode("utf-16-le"), "env-unreadable", "UTF-16", None),
        (b"# caf\xe9\n" + GOOD.encode(), "env-not-utf8", "not UTF-8", 1),
        (GOOD.encode() + b"OPENAI_API_KEY=sk\x00\n", "env-nul", "NUL character", 5),
    ],
)
def test_a_file_that_is_no_utf8_is_named_and_nothing_guessed(
    tmp_path: Path, data: bytes, code: str, says: str, line: int | None
) -> None:
    [finding] = check(tmp_path, data)
    assert (finding.level, finding.code, finding.line) == ("problem", code, line)
    assert says in finding.message
    assert "save .env as UTF-8" in finding.next_step


@pytest.mark.parametrize(
    ("name", "says"),
    [(".env.txt", "An editor added the ending"), ("env", "must begin with a dot"), ("env.txt", "added the ending")],
)
def test_a_misnamed_env_is_found(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / name).write_text(OPENAI)
    [finding] = doctor.diagnose(tmp_path, {}, doctor.SETTINGS)
    assert says in finding.message
    assert finding.next_step == f"mv {name} .env"


def test_no_env_at_all(tmp_path: Path) -> None:
    [finding] = doctor.diagnose(tmp_path, {}, doctor.SETTINGS)
    assert (finding.level, finding.next_step) == ("problem", "workshop use practice")
    shell = dict(line.split("=", 1) for line in GOOD.split())
    [finding] = doctor.diagnose(tmp_path, shell, doctor.SETTINGS)
    assert (finding.level, finding.code) == ("warning", "env-missing")
    (tmp_path / "inner").mkdir()
    (tmp_path / ".env").write_text(GOOD)
    assert (
        "the one in a folder above"
        in the(doctor.diagnose(tmp_path / "inner", {}, doctor.SETTINGS), "env-missing").message
    )
    (tmp_path / "inner" / ".env").mkdir()
    assert the(doctor.diagnose(tmp_path / "inner", {}, doctor.SETTINGS), "env-unreadable").level == "problem"


def test_env_txt_beside_env_warns(tmp_path: Path) -> None:
    (tmp_path / ".env.txt").write_text(OPENAI)
    assert the(check(tmp_path, GOOD), "env-stray").level == "warning"


def everything(facts: Facts, *checks: Callable[[Facts], Iterator[Finding]]) -> list[Finding]:
    return [finding for check in checks for finding in check(facts)]


def test_a_key_in_the_example_is_found(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("# OpenAI\n" + OPENAI)
    finding = the(everything(Facts.gather(tmp_path, {}), *doctor.FOLDERS), "example-key")
    assert "line 2 of .env.example, which nothing reads and git publishes" in finding.message
    no_piece(str(finding))
    shutil.copy(ROOT / ".env.example", tmp_path)
    assert everything(Facts.gather(tmp_path, {}), *doctor.FOLDERS) == []


def test_an_env_nearer_to_the_scripts_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "solutions" / "03_durable_agent"
    folder.mkdir(parents=True)
    (folder / ".env").write_text(GOOD)
    finding = the(everything(Facts.gather(tmp_path, {}), *doctor.FOLDERS), "env-nearer")
    assert finding.message.startswith("solutions/03_durable_agent/.env is nearer")


@pytest.mark.parametrize(
    "name",
    [
        *("agents.py", "openai.py", "httpx.py", "dotenv.py", "typing.py", "random.py", "temporalio/__init__.py"),
        *("workflows/__init__.py", "connection/__init__.py", "worker/__init__.py"),  # case C12
    ],
)
@pytest.mark.parametrize("folder", ["exercises/03_durable_agent", "solutions/01_agent_hello_world", "."])
def test_a_file_that_hides_a_package_is_named(tmp_path: Path, folder: str, name: str) -> None:
    path = tmp_path / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    (tmp_path / folder / "workflows.py").touch()
    (tmp_path / folder / "helpers.py").touch()
    [finding] = machine.shadows(Facts.gather(tmp_path, {}))
    shown = path.relative_to(tmp_path).as_posix().removesuffix("/__init__.py")
    assert finding.message.startswith(f"{shown} hides ")
    assert finding.next_step == f"give {shown} another name"
    # That is what Python does too.
    module = name.removesuffix(".py").split("/")[0]
    script = path.parent.parent / "script.py" if path.name == "__init__.py" else path.parent / "script.py"
    script.write_text(f"import {module}; print({module}.__file__)")
    seen = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout.strip()
    assert Path(seen).resolve() == path.resolve()


def test_a_file_that_hides_the_workshop_from_a_notebook_is_named(tmp_path: Path) -> None:
    """Case C12."""
    for name in ("workshop/__init__.py", "exercises/03_durable_agent/workshop.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    [finding] = machine.shadows(Facts.gather(tmp_path, {}))
    assert finding.message.startswith("exercises/03_durable_agent/workshop.py hides the package workshop")


def test_what_pythonpath_hides_is_named_once_a_folder(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "tree", tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("agents.py", "httpx.py", "notes.py"):
        (elsewhere / name).touch()
    [finding] = machine.shadows(Facts.gather(root, {"PYTHONPATH": f"{ROOT}:{elsewhere}:"}))
    assert finding.message.startswith(f"{elsewhere}/agents.py hides the package agents")


def test_a_folder_of_notes_hides_nothing(tmp_path: Path) -> None:
    for name in ("temporalio/notes.py", "solutions/03/time.py", "tests/test.py", "solutions/03/workflows/notes.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(machine.shadows(Facts.gather(tmp_path, {}))) == []


def test_the_checkout_itself_hides_nothing() -> None:
    assert list(machine.shadows(Facts.gather(ROOT, {}))) == []


def test_python_and_clock(tmp_path: Path) -> None:
    facts = Facts.gather(tmp_path, {})
    assert [finding.level for finding in machine.python(facts)] == ["ok"]
    for version in ((3, 10, 14), (3, 15, 0)):
        finding = the(list(machine.python(replace(facts, python=version))), "python")
        assert finding.level == "problem"
        assert f"This is Python {'.'.join(map(str, version))}; the workshop needs 3.11 to 3.14." in finding.message
    assert list(machine.clock(facts)) == []
    assert "The clock says 2001-09-09" in the(list(machine.clock(replace(facts, now=1e9))), "clock").message


def test_windows_is_told_what_to_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = Facts.gather(tmp_path, {})
    monkeypatch.setattr(sys, "platform", "win32")
    assert the(list(machine.python(facts)), "windows").next_step.startswith("use WSL")


def test_what_cannot_be_looked_at_is_said_and_stops_no_other_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pkgutil.iter_modules", refuse)
    found = doctor.diagnose(tmp_path, {})
    [unseen] = [finding for finding in found if finding.code == "unseen"]
    assert unseen.message == (
        "Could not look whether this holds: No file next to scripts or notebooks hides a package. (Permission denied)"
    )
    assert "temporal-server" in {finding.code for finding in found}


def test_another_python_than_the_checkouts(tmp_path: Path) -> None:
    assert "There is no .venv" in the(list(machine.venv(Facts.gather(tmp_path, {}))), "venv").message
    (tmp_path / ".venv").mkdir()
    facts = Facts.gather(tmp_path, {})
    assert "not the one in .venv" in the(list(machine.venv(facts)), "venv").message
    assert list(machine.venv(replace(facts, prefix=tmp_path / ".venv"))) == []


@pytest.mark.parametrize("quick", [False, True])
def test_packages_that_differ_from_the_lock(tmp_path: Path, quick: bool) -> None:
    def found(lock: str) -> list[Finding]:
        (tmp_path / "requirements.lock").write_text(lock)
        return [f for f in machine.packages(Facts.gather(tmp_path, {}, quick=quick)) if f.level != "ok"]

    assert found((ROOT / "requirements.lock").read_text()) == []
    finding = the(
        found("temporalio==0.1 \\\n    --hash=sha256:0\nno-such-package==2 ; sys_platform == 'none' \\\n"), "packages"
    )
    assert finding.level == "problem"
    assert "instead of 0.1" in finding.message
    assert [finding.level for finding in found("anyio==0.1\n")] == ([] if quick else ["warning"])
    (tmp_path / "requirements.lock").unlink()
    assert the(list(machine.packages(Facts.gather(tmp_path, {}))), "packages").level == "warning"


def test_packages_that_are_not_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in machine.COMPILED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(machine.sysconfig, "get_path", lambda name: str(tmp_path))
    facts = Facts.gather(tmp_path, {})
    assert "each worker takes some 6 s longer" in the(list(machine.compiled(facts)), "compiled").message
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(tmp_path)], check=True)
    assert list(machine.compiled(facts)) == []


def test_the_server_program_is_missing(tmp_path: Path) -> None:
    assert list(machine.binary(Facts.gather(tmp_path, {"PATH": ""}))) == []
    lost = replace(Facts.gather(tmp_path, {"PATH": ""}), prefix=tmp_path)
    assert "`temporal` is not in .venv" in the(list(machine.binary(lost)), "binary").message


def test_a_state_directory_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    facts = Facts.gather(tmp_path, {"WORKSHOP_STATE_DIR": str(tmp_path / "file")})
    finding = the(list(machine.disk(facts)), "state-dir")
    assert "The folder that WORKSHOP_STATE_DIR names" in finding.message
    assert str(tmp_path) not in str(finding)
    facts = Facts.gather(tmp_path, {})
    assert list(machine.disk(facts)) == []
    for free, level in ((900_000_000, "warning"), (100_000_000, "problem")):
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda path, free=free: shutil._ntuple_diskusage(0, 0, free))  # type: ignore[attr-defined]
        finding = the(list(machine.disk(facts)), "disk")
        assert (finding.level, f"{free // 1_000_000} MB free" in finding.message) == (level, True)


def practice_facts(folder: Path, quick: bool = False, **ports: int) -> Facts:
    names = ("WORKSHOP_TEMPORAL_PORT", "WORKSHOP_TEMPORAL_UI_PORT", "WORKSHOP_PRACTICE_PORT", "WORKSHOP_LAB_PORT")
    shell = {name: str(ports.get(name.split("_", 1)[1].lower(), 0) or free_port()) for name in names}
    url = f"http://127.0.0.1:{shell['WORKSHOP_PRACTICE_PORT']}"
    return Facts.gather(folder, shell | {"OPENAI_BASE_URL": f"{url}/v1", "WEATHER_API_URL": url}, quick)


@pytest.mark.parametrize("quick", [False, True])
def test_who_sits_at_the_practice_port(tmp_path: Path, quick: bool) -> None:
    finding = the(list(machine.practice_services(practice_facts(tmp_path, quick))), "practice-services")
    assert (finding.level, finding.next_step) == ("problem", "workshop up")
    with server(json.dumps({"service": "practice", "pid": 1}).encode()) as port:
        [finding] = machine.practice_services(practice_facts(tmp_path, quick, practice_port=port))
        assert finding.level == "ok"
    with server(b"<html>") as port:
        finding = the(
            list(machine.practice_services(practice_facts(tmp_path, quick, practice_port=port))), "port-taken"
        )
        assert f"Another program listens at port {port}, where the practice services should be." in finding.message
        assert finding.next_step == "stop it, or set WORKSHOP_PRACTICE_PORT to a free port"


def test_nobody_needs_the_practice_services_with_openai(tmp_path: Path) -> None:
    facts = Facts.gather(tmp_path, {"WORKSHOP_PRACTICE_PORT": str(free_port()), "OPENAI_API_KEY": KEY})
    assert list(machine.practice_services(facts)) == []


def test_who_sits_at_temporals_port(tmp_path: Path) -> None:
    finding = the(list(machine.temporal(practice_facts(tmp_path))), "temporal-server")
    assert (finding.level, finding.next_step) == ("problem", "workshop up")
    with server(b"<html>") as port:
        finding = the(list(machine.temporal(practice_facts(tmp_path, temporal_port=port))), "port-taken")
        assert "where Temporal should be" in finding.message
        finding = the(list(machine.other_ports(practice_facts(tmp_path, temporal_ui_port=port))), "port-taken")
        assert "where Temporal's web UI should be" in finding.message
        finding = the(list(machine.other_ports(practice_facts(tmp_path, lab_port=port))), "port-taken")
        assert (finding.level, "--no-lab" in finding.next_step) == ("warning", True)
    with server(b'{"version": "2.1"}') as port:
        assert list(machine.other_ports(practice_facts(tmp_path, lab_port=port))) == []


def test_a_cluster_elsewhere_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TEMPORAL_ADDRESS=cluster.invalid:7233\n")
    finding = the(list(machine.temporal(Facts.gather(tmp_path, {}))), "temporal-server")
    assert (finding.line, "cannot be reached" in finding.message) == (1, True)
    assert list(machine.temporal(Facts.gather(tmp_path, {}, quick=True))) == []


def test_the_real_services_are_well(services: object, settings: Settings, tmp_path: Path) -> None:
    ports = {
        "WORKSHOP_TEMPORAL_PORT": str(settings.temporal_port),
        "WORKSHOP_TEMPORAL_UI_PORT": str(settings.temporal_ui_port),
        "WORKSHOP_PRACTICE_PORT": str(settings.practice_port),
        "WORKSHOP_LAB_PORT": str(settings.lab_port),
    }
    shell = dict(line.split("=", 1) for line in GOOD.replace("8234", str(settings.practice_port)).split()) | ports
    shell |= {"PATH": os.environ["PATH"], "TEMPORAL_ADDRESS": settings.temporal_address}
    assert doctor.first_problem(ROOT, shell) is None
    findings = doctor.diagnose(ROOT, shell)
    assert [str(finding) for finding in findings if finding.level == "problem"] == []
    assert {"practice-services", "temporal-server"} <= {finding.code for finding in findings}
    lost = doctor.diagnose(ROOT, shell | {"TEMPORAL_NAMESPACE": "nowhere"})
    assert "no namespace of the name in TEMPORAL_NAMESPACE" in the(lost, "temporal-namespace").message


def test_the_server_is_asked_as_the_solutions_ask_it(
    services: object, settings: Settings, tmp_path: Path, temporal_file: Path
) -> None:
    """Case C03: by a profile, too, and not in TLS where a variable alone wants that."""
    temporal_file.write_text(f'[profile.prod]\naddress = "{settings.temporal_address}"\n{TLS}')
    [finding] = machine.temporal(Facts.gather(tmp_path, {"TEMPORAL_PROFILE": "prod"}))
    assert (finding.level, finding.code) == ("ok", "temporal-server")
    shell = {"TEMPORAL_ADDRESS": settings.temporal_address, "TEMPORAL_TLS": "true"}
    [finding] = machine.temporal(Facts.gather(tmp_path, shell))
    assert (finding.level, finding.code) == ("problem", "temporal-refuses")
    temporal_file.write_text(PROFILES)
    [finding] = machine.temporal(Facts.gather(tmp_path, {"TEMPORAL_ADDRESS": settings.temporal_address}))
    assert (finding.level, finding.code) == ("ok", "temporal-server")


@pytest.mark.parametrize(("minutes", "says"), [(90, "1 h 30 min ahead"), (-90, "1 h 30 min behind"), (0, "")])
def test_a_clock_that_differs_from_the_servers_is_named(
    services: object, settings: Settings, tmp_path: Path, minutes: int, says: str
) -> None:
    """Case C33: as a process whose clock is another one."""
    (tmp_path / "sitecustomize.py").write_text(
        "import datetime, time\n"
        "real = time.time\n"
        f"time.time = lambda: real() + {minutes * 60}\n"
        "class Moved(datetime.datetime):\n"
        "    @classmethod\n"
        "    def now(cls, tz=None):\n"
        "        return cls.fromtimestamp(time.time(), tz)\n"
        "datetime.datetime = Moved\n"
    )
    shell = os.environ | settings.practice_env() | settings.ports() | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", "from workshop.cli import main; main()", "doctor", "--report"]
    ended = subprocess.run(command, cwd=ROOT, env=shell, capture_output=True, text=True, check=False)
    assert says in ended.stdout
    assert ("clock:" in ended.stdout) == bool(minutes)
    assert "Temporal up at port" in ended.stdout


def test_the_first_problem_is_the_cause_not_the_effect(tmp_path: Path) -> None:
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    ports = {f"WORKSHOP_{name}_PORT": str(free_port()) for name in ("TEMPORAL", "PRACTICE")}
    ports["TEMPORAL_ADDRESS"] = f"127.0.0.1:{ports['WORKSHOP_TEMPORAL_PORT']}"
    first = doctor.first_problem(tmp_path, ports)
    assert first
    assert first.code == "env-missing"
    (tmp_path / ".env").write_text(GOOD.replace("8234", ports["WORKSHOP_PRACTICE_PORT"]).replace("/v1", ""))
    first = doctor.first_problem(tmp_path, ports)
    assert first
    assert first.code == "url-practice"
    (tmp_path / ".env").write_text(GOOD.replace("8234", ports["WORKSHOP_PRACTICE_PORT"]))
    first = doctor.first_problem(tmp_path, ports)
    assert first
    assert first.code == "practice-services"


def test_the_report_holds_no_secret_no_user_and_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home" / "ada.lovelace"
    root = home / "workshop"
    root.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOGNAME", "ada.lovelace")
    (root / ".env").write_text(OPENAI + f"OPENAI_KEY={KEY}\n# OPENAI_API_KEY={KEY}x\n")
    shell = {
        "OPENAI_BASE_URL": f"https://ada.lovelace:{SECRET}@private.test/v1",
        "HTTPS_PROXY": f"http://ada.lovelace:{SECRET}@proxy.private.test:1",
        "TEMPORAL_ADDRESS": "127.0.0.1",
        "WORKSHOP_STATE_DIR": str(home / "state"),
        "CODESPACES": "true",
        "CODESPACE_NAME": "fluffy-disco-42",
    }
    findings = doctor.diagnose(root, shell)
    findings.append(Finding("warning", "made-up", f"{home}/file of ada.lovelace with {KEY}"))
    report = doctor.report(root, shell, findings)
    no_piece(report)
    for private in ("lovelace", "private.test", "fluffy", str(tmp_path), KEY[:9]):
        assert private not in report
    for wanted in ("url-userinfo", "temporalio ", "Python ", "mode ", "CODESPACES", "HTTPS_PROXY", "practice 8234"):
        assert wanted in report


def test_the_command_counts_and_says_so_with_its_exit_code(tmp_path: Path) -> None:
    """As a process, in a checkout of its own: case R03, with a planted key."""
    shutil.copytree(ROOT / "workshop", tmp_path / "workshop", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    (tmp_path / ".env").write_text(
        "# mine [bold]\nOPENAI_API_KEY= # paste your key here\n" + f"# OPENAI_API_KEY={KEY}\n"
    )
    ports = {f"WORKSHOP_{name}_PORT": str(free_port()) for name in ("TEMPORAL", "TEMPORAL_UI", "PRACTICE", "LAB")}
    shell = os.environ | ports | {"NO_COLOR": "1"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from workshop.cli import main; main()", *arguments]
        ended = subprocess.run(command, cwd=tmp_path, env=shell, capture_output=True, text=True, check=False)
        no_piece(ended.stdout + ended.stderr)
        assert "Traceback" not in ended.stderr
        return ended

    assert run("use", "openai").returncode == 0
    ended = run("doctor")
    assert ended.returncode == 1
    assert (
        "problem  .env line 2: OPENAI_API_KEY is followed by a comment, not by a key.\n         Next: put"
        in ended.stdout
    )
    assert ended.stdout.splitlines()[-1].startswith("2 problems, ")
    report = run("doctor", "--report")
    assert report.returncode == 1
    assert "key-comment" in report.stdout
    assert str(tmp_path) not in report.stdout


def test_doctor_without_problems_exits_with_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "diagnose", lambda root, environ: [Finding("ok", "x", "[all] is well")])
    assert cli.app(["doctor"], standalone_mode=False) == 0
    assert capsys.readouterr().out == "ok       [all] is well\nno problems, no warnings\n"


def test_a_port_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert list(machine.practice_services(practice_facts(tmp_path, quick=True, practice_port=port))) == []
