"""Checks of what the variables say, wherever they come from: model, key, weather, tracing, Temporal, ports, proxies."""

import importlib.util
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from workshop import modes
from workshop.doctor import shapes
from workshop.doctor.finding import Facts, Finding, Level, port_number
from workshop.modes import KEY, PRACTICE_KEY, TRACING, URL, WEATHER
from workshop.settings import HOST, PORTS, is_local

LOOPBACK = (HOST, "localhost", "::1", "0.0.0.0")
PROXIES = ("all_proxy", "http_proxy", "https_proxy")


def model_address(facts: Facts) -> Iterator[Finding]:
    """OPENAI_BASE_URL is absent, the practice services' address, or some server's."""
    value = facts.env.get(URL, "")
    line = facts.line(URL)
    if not value:
        yield from _empty(facts, URL, "OpenAI itself is asked")
        return
    if facts.mode == "practice":
        if value != value.strip() or not is_local(value, facts.settings.practice_port, "/v1"):
            message = _practice_mistake(facts, URL, "/v1")
            yield Finding("problem", "url-practice", message, facts.to_practice(URL), line)
        return
    if wrong := shapes.address_mistake(value):
        next_step = f"write {URL}=https://server.example/v1 {facts.place(URL)}, or: workshop use practice | openai"
        yield Finding("problem", f"url-{wrong[0]}", f"{URL} {wrong[1]}.", next_step, line)
        return
    parts = urlsplit(value)
    if ending := modes.request_path(value):
        message = f"{URL} ends in {ending}, which the client adds itself."
        yield Finding("problem", "url-path", message, f"leave that ending out {facts.place(URL)}", line)
    elif parts.hostname in LOOPBACK and (facts.env.get(KEY) == PRACTICE_KEY or parts.port in _other_ports(facts)):
        port = facts.settings.practice_port
        message = f"{URL} leads to port {parts.port or 80}, but the practice services are at port {port}."
        yield Finding("problem", "url-port", message, facts.to_practice(URL), line)
    elif not re.search(r"/v\d", parts.path) and facts.mode != "openai":
        message = f"{URL} has no /v1 in it; most servers want it."
        yield Finding("warning", "url-no-v1", message, f"add /v1 {facts.place(URL)}, if that server has it", line)


def weather_address(facts: Facts) -> Iterator[Finding]:
    """WEATHER_API_URL is absent, the practice services' address, or some server's."""
    value = facts.env.get(WEATHER, "")
    line = facts.line(WEATHER)
    if not value:
        yield from _empty(facts, WEATHER, "the real service is asked")
    elif facts.practice_weather:
        if value != value.strip() or not is_local(value, facts.settings.practice_port):
            message = _practice_mistake(facts, WEATHER, "")
            next_step = f"unset {WEATHER}" if facts.shell.get(WEATHER) else "workshop use --weather practice"
            yield Finding("problem", "weather-practice", message, next_step, line)
    elif wrong := shapes.address_mistake(value):
        next_step = f"workshop use --weather practice, or take {WEATHER} out {facts.place(WEATHER)}"
        yield Finding("problem", f"weather-{wrong[0]}", f"{WEATHER} {wrong[1]}.", next_step, line)
    elif "/alerts" in value:
        message = f"{WEATHER} ends in the path of a request, which scripts add themselves."
        yield Finding("problem", "weather-path", message, f"leave /alerts... out {facts.place(WEATHER)}", line)


def _empty(facts: Facts, name: str, so: str) -> Iterator[Finding]:
    if facts.shell.get(name) == "":
        message = f"The shell sets {name} to nothing, which counts as unset here, but not in every program."
        yield Finding("warning", "empty", message, f"unset {name}")
    elif line := facts.line(name):
        message = f"{name} is empty, which counts as unset: {so}."
        yield Finding("warning", "empty", message, "workshop use practice, or take the line out", line)


def _practice_mistake(facts: Facts, name: str, path: str) -> str:
    """Names the slip in an address that is almost the practice services'."""
    value, port = facts.env[name], facts.settings.practice_port
    match = modes.ON_THIS_MACHINE.fullmatch(value)
    if value.strip() != value:
        slip = "has a space around it"
    elif not re.match(r"https?://[^/]", value):
        slip = "does not begin with http://"
    elif value.startswith("https:"):
        slip = "begins with https://, but the practice services speak plain http://"
    elif match and int(match[1]) != port:
        slip = f"leads to port {match[1]}, but WORKSHOP_PRACTICE_PORT is {port}"
    elif urlsplit(value).hostname not in (HOST, "localhost"):
        slip = f"does not lead to {HOST}"
    elif ending := modes.request_path(value):
        slip = f"ends in {ending}, which the client adds itself"
    elif path:
        slip = f"does not end in {path}"
    else:
        slip = "has a path after the port"
    return f"{name} {slip}."


def _other_ports(facts: Facts) -> list[int]:
    settings = facts.settings
    return [settings.temporal_port, settings.temporal_ui_port, settings.lab_port]


def key(facts: Facts) -> Iterator[Finding]:
    """OPENAI_API_KEY is a key, where one is needed."""
    value, line = facts.env.get(KEY, ""), facts.line(KEY)
    own = f"put your key right after {KEY}= {facts.place(KEY)}"
    if facts.mode == "practice":
        own = facts.to_practice(KEY)
    wrong = shapes.mistake(value)
    if not value:
        yield _no_key(facts)
    elif shapes.is_placeholder(value) and (wrong or facts.mode == "openai"):
        what = "is the practice services' key" if value == PRACTICE_KEY else "only stands where a key should be"
        next_step = f"{own}, or: workshop use practice" if facts.mode == "openai" else own
        yield Finding("problem", "key-placeholder", f"{KEY} {what}; OpenAI refuses it.", next_step, line)
    elif wrong:
        yield Finding("problem", f"key-{wrong[0]}", f"{KEY} {wrong[1]}.", own, line)
    elif facts.mode == "openai":
        vendor = next((name for start, name in shapes.OTHER_VENDORS.items() if value.startswith(start)), None)
        if vendor:
            message = f"{KEY} is a key of {vendor}, and OpenAI refuses it."
            yield Finding("problem", "key-vendor", message, own, line)
        elif not value.startswith("sk-") or len(value) < 20:
            message = f"{KEY} is set, but does not look like a key of OpenAI: those begin with sk- and are long."
            yield Finding("warning", "key-unusual", message, "see whether all of it was copied", line)
    elif facts.mode == "practice" and shapes.is_real(value):
        place = f"line {facts.line(URL)} of .env" if facts.line(URL) else "the shell"
        message = f"a real key is set, yet {URL} ({place}) leads to the practice model: OpenAI is not asked."
        next_step = "workshop use openai; or workshop use practice, which puts the key aside"
        # A key that the shell or a Codespaces secret holds ready is no mistake.
        level: Level = "problem" if line else "warning"
        message = message if line else message[0].upper() + message[1:]
        yield Finding(
            level, "key-unused", message, next_step if line else "workshop use openai, if that was meant", line
        )


def _no_key(facts: Facts) -> Finding:
    statements = facts.file.statements if facts.file else []
    line = facts.line(KEY)
    own = f"put your key right after {KEY}= {facts.place(KEY)}" if line else f"add the line {KEY}= and your key to .env"
    if line and facts.file and "#" in facts.file.statements[facts.file.assignments(KEY)[-1]].text:
        message = f"{KEY} is followed by a comment, not by a key."
        return Finding("problem", "key-comment", message, _then(facts, own), line)
    off = [s.line for s in statements if not s.label and re.match(rf"#\s*(export\s+)?{KEY}\s*=\s*\S", s.text)]
    if off and not line and facts.mode != "practice":
        message = f"{KEY} is not set: its line is commented out."
        return Finding("problem", "key-commented", message, "take the # away, if that is your key", off[-1])
    message = f"{KEY} is empty." if line else f"{KEY} is not set."
    if facts.mode not in ("practice", "openai"):
        own += " (any word, if that server wants none)"
    return Finding("problem", "key-missing", message, _then(facts, own), line)


def _then(facts: Facts, own: str) -> str:
    if facts.mode == "practice":
        return "workshop use practice"
    return f"{own} (never on a command line), or: workshop use practice"


def tracing(facts: Facts) -> Iterator[Finding]:
    """Traces, and the prompts in them, go to OpenAI only when the model calls do."""
    if facts.mode != "openai" and not modes.is_on(facts.env.get(TRACING, "")):
        message = f"{TRACING} is not 1: traces do not follow {URL}, so prompts could still go to OpenAI."
        next_step = f"set {TRACING}=1 {facts.place(TRACING)}"
        next_step = facts.to_practice(TRACING) if facts.mode == "practice" else next_step
        yield Finding("warning", "tracing", message, next_step, facts.line(TRACING))


def temporal_address(facts: Facts) -> Iterator[Finding]:
    """TEMPORAL_ADDRESS reads host:port, and goes with the key and the namespace."""
    name, line = "TEMPORAL_ADDRESS", facts.line("TEMPORAL_ADDRESS")
    value = facts.env.get(name, "")
    host, _, port = value.rpartition(":")
    form = f"write {name}=host:port {facts.place(name)}, such as {HOST}:{facts.settings.temporal_port}"
    local = not value or host.strip("[]") in LOOPBACK
    wrong = shapes.mistake(value) if value else None
    if not value:
        pass
    elif "://" in value:
        message = f"{name} begins with a scheme; Temporal's address has none."
        yield Finding("problem", "temporal-scheme", message, form, line)
    elif wrong:
        yield Finding("problem", f"temporal-{wrong[0]}", f"{name} {wrong[1]}.", form, line)
    elif not host:
        yield Finding("problem", "temporal-no-port", f"{name} has no port.", form, line)
    elif not port_number(port):
        yield Finding("problem", "temporal-bad-port", f"{name} does not end in a port.", form, line)
    elif local and int(port) == facts.settings.temporal_ui_port:
        message = f"{name} leads to the web UI's port; workers need Temporal's own, {facts.settings.temporal_port}."
        yield Finding("problem", "temporal-ui-port", message, form, line)
    elif local and int(port) != facts.settings.temporal_port:
        message = f"{name} leads to port {port}, but `workshop up` starts Temporal at {facts.settings.temporal_port}."
        next_step = f"set WORKSHOP_TEMPORAL_PORT={port}, or mend {name} {facts.place(name)}"
        yield Finding("warning", "temporal-port", message, next_step, line)
    if facts.env.get("TEMPORAL_API_KEY") and local:
        message = (
            "TEMPORAL_API_KEY is set, so that TLS is spoken, to a Temporal server on this machine, which knows none."
        )
        next_step = f"take it out {facts.place('TEMPORAL_API_KEY')}"
        yield Finding("problem", "temporal-key", message, next_step, facts.line("TEMPORAL_API_KEY"))
    if host.endswith((".tmprl.cloud", ".temporal.io")) and not facts.env.get("TEMPORAL_NAMESPACE"):
        message = f"{name} leads to Temporal Cloud, which has no namespace called default."
        yield Finding("problem", "temporal-namespace", message, "set TEMPORAL_NAMESPACE=name.account in .env", line)


def ports(facts: Facts) -> Iterator[Finding]:
    """Each WORKSHOP_..._PORT is a port, and another one."""
    seen: dict[int, str] = {}
    for name, default in PORTS.items():
        port = port_number(facts.env.get(name, str(default)))
        if port is None:
            message = f"{name} is not a number from 1 to 65535."
            yield Finding(
                "problem", "port-setting", message, f"mend or remove it {facts.place(name)}", facts.line(name)
            )
        elif port in seen:
            message = f"{name} and {seen[port]} are the same port."
            yield Finding("problem", "port-twice", message, f"set {name} to another one", facts.line(name))
        else:
            seen[port] = name


def proxies(facts: Facts) -> Iterator[Finding]:
    """No proxy stands between the programs of this machine, and each is of a kind that the HTTP client knows.

    The rules are httpx's: small letters win over capitals, and NO_PROXY lists hosts, with * for all.
    """
    found = {name.lower(): name for name in sorted(facts.env) if name.lower() in PROXIES}
    excepted = facts.env.get("no_proxy", facts.env.get("NO_PROXY", ""))
    exempt = {entry.strip() for entry in excepted.split(",")}
    if not found or "*" in exempt:
        return
    for name in found.values():
        scheme = facts.env[name].partition("://")[0].lower() if "://" in facts.env[name] else "http"
        if scheme not in ("http", "https", "socks5", "socks5h"):
            message = (
                f"{name} begins with a scheme that the HTTP client does not know, and so it fails for every address."
            )
            next_step = f"begin it with socks5:// {facts.place(name)}, or: unset {name}"
            yield Finding("problem", "proxy-scheme", message, next_step, facts.line(name))
        elif scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
            message = f"{name} is a SOCKS proxy, and the package for these, socksio, is not installed."
            yield Finding("problem", "proxy-socks", message, f"make workshop, or: unset {name}", facts.line(name))
    used = [facts.env.get(URL, ""), facts.env.get(WEATHER, "")]
    hosts = {host for url in used if (host := _loopback_host(url))}
    here = found.get("http_proxy") or found.get("all_proxy")
    if here and any(not _is_exempt(host, exempt) for host in hosts):
        why = "no_proxy wins over NO_PROXY, and" if "no_proxy" in facts.env and "NO_PROXY" in facts.env else "NO_PROXY"
        message = f"{here} sends requests for this machine to a proxy too, for {why} does not name {HOST}."
        next_step = f"export NO_PROXY={HOST},localhost no_proxy={HOST},localhost; or: unset {here}"
        yield Finding("problem", "proxy-loopback", message, next_step, facts.line(here))


def _loopback_host(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host if host in LOOPBACK else ""


def _is_exempt(host: str, exempt: set[str]) -> bool:
    return any(re.fullmatch(rf"(?:\w+://)?{re.escape(host)}(?::\d+)?", entry) for entry in exempt)
