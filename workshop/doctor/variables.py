"""Checks of `.env` and of the shell's variables: model, key, weather, tracing, Temporal, ports, proxies."""

import importlib.util
import ipaddress
import os
import re
import ssl
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx

from workshop import env
from workshop.doctor.finding import TABLE, UNREADABLE, Facts, Finding
from workshop.env import (
    ADDRESS,
    KEY,
    MANAGED,
    NAMESPACE,
    PRACTICE_KEY,
    PROFILES,
    SERVER,
    TRACING,
    URL,
    WEATHER,
    address_mistake,
    mistake,
)
from workshop.errors import WorkshopError
from workshop.settings import HOST, PORTS, host_of, is_local, port_number, read_ports
from workshop.text import like_a_key

TEMPORAL_KEY = "TEMPORAL_API_KEY"
API = "OPENAI_DEFAULT_API"
# One more variable that solutions read: here, where connection.py or activities.py reads it, in .env.example, and in
# env.py if `workshop use` switches it.
OURS = (
    *(*MANAGED, *SERVER, TEMPORAL_KEY),
    *(*PORTS, "WORKSHOP_STATE_DIR", "OPENAI_DEFAULT_MODEL", API),
)
# Names that people write for ours, as bare capitals.
MEANT = {re.sub("[^A-Z]", "", name): name for name in OURS}
MEANT |= {wrong: name for name, all_wrong in TABLE["misspelt"].items() for wrong in all_wrong}
TEMPORAL_FILE = f"~/{'Library/Application Support' if sys.platform == 'darwin' else '.config'}/temporalio/temporal.toml"
LOOPBACK = (HOST, "localhost", "::1", "0.0.0.0")
PROXIES = ("all_proxy", "http_proxy", "https_proxy")


def file_is_there(facts: Facts) -> Iterator[Finding]:
    """`.env` exists under this very name, and is text that scripts can read."""
    if facts.unreadable:
        yield Finding("problem", "env-unreadable", facts.unreadable.message, facts.unreadable.next_step)
        return
    strays = [name for name in TABLE["misnamed"] if (facts.root / name).is_file()]
    if not facts.missing:
        for stray in strays:
            if stray in (".env.txt", "env.txt", ".env.env"):
                yield facts.finding("env-stray", stray=stray)
    elif strays:
        yield facts.finding("env-misnamed", stray=strays[0], why=TABLE["misnamed"][strays[0]])
    elif facts.shell.get(URL) or facts.shell.get(KEY):
        yield facts.finding("env-missing/shell")
    else:
        above = any((folder / ".env").is_file() for folder in facts.root.resolve().parents)
        yield facts.finding("env-missing/above" if above else "env-missing")
    texts = ((each.line, each.before + each.text) for each in facts.file.statements)
    if bad := next(((line, text) for line, text in texts if UNREADABLE.search(text)), None):
        yield facts.finding("env-nul" if "\x00" in bad[1] else "env-not-utf8", line=bad[0], save=env.SAVE_AS_UTF8)


def example(facts: Facts) -> Iterator[Finding]:
    """Nobody put a key into `.env.example`, which is in git."""
    try:
        file = env.read(facts.root / ".env.example") or env.EnvFile()
    except WorkshopError:
        return
    for found in file.assignments(KEY):
        if is_real(found.value or ""):
            yield facts.finding("example-key", at=found.line)


def nearer(facts: Facts) -> Iterator[Finding]:
    """No other `.env` lies between a script and the checkout's."""
    for folder in (facts.root / "exercises", facts.root / "solutions", *facts.script_folders):
        if (folder / ".env").exists():
            yield facts.finding("env-nearer", folder=folder.relative_to(facts.root).as_posix())


def lines(facts: Facts) -> Iterator[Finding]:
    """Each line is an assignment or a comment, and its name is spelt right."""
    for statement in facts.file.statements:
        name, text, line = statement.name or "", statement.text, statement.line
        if statement.error:
            ours = next((ours for ours in OURS if ours in text), None)
            after = text.partition("=")[2].lstrip()
            is_open = after[:1] in ("'", '"') and after.count(after[0]) % 2
            row = "line-unreadable/quote" if is_open else "line-unreadable"
            yield facts.finding(row, line=line, ours=ours or "NAME", level="problem" if ours else "warning")
        elif statement.name is None or statement.kept_for or name in OURS:
            continue
        elif meant := MEANT.get(re.sub(r"^(\$ENV:)?(EXPORT)?(SET)?|[^A-Z]", "", name.upper())):
            odd = "" if name.isascii() else ": there is an invisible or foreign character in it"
            level = "warning" if facts.env.get(meant) else "problem"
            yield facts.finding("name-misspelt", line=line, meant=meant, odd=odd, level=level)
        elif statement.value is not None:
            continue
        elif like_a_key(re.sub(r"^\W+", "", name)):
            yield facts.finding("line-bare-key", line=line)
        elif begins := next((ours for ours in OURS if name.startswith(ours)), None):
            yield facts.finding("line-colon", line=line, ours=begins)
        else:
            yield facts.finding("line-bare", line=line)


def duplicates(facts: Facts) -> Iterator[Finding]:
    """Each name of ours is set once."""
    for name in OURS:
        found = [each.line for each in facts.file.assignments(name)]
        if len(found) > 1:
            yield facts.finding("duplicate", line=found[-1], which=name, others=", ".join(map(str, found[:-1])))


def shell_wins(facts: Facts) -> Iterator[Finding]:
    """The shell does not say something else than `.env`."""
    for name in [] if facts.missing or facts.unreadable else env.overridden(facts.file, facts.shell):
        secret = name == KEY and facts.shell.get("CODESPACES")
        yield facts.finding("shell-wins/codespaces" if secret else "shell-wins", which=name)


def model_address(facts: Facts) -> Iterator[Finding]:
    """OPENAI_BASE_URL is absent, the practice services' address, or some server's."""
    yield from _address(facts, URL, facts.mode == "practice")
    value, settings = facts.env.get(URL, ""), facts.settings
    if not value or facts.mode == "practice" or address_mistake(value):
        return
    parts = urlsplit(value)
    ours = parts.port in (settings.temporal_port, settings.temporal_ui_port, settings.lab_port)
    if ending := env.request_path(value):
        yield facts.finding("url-path", URL, ending=ending)
    elif parts.hostname in LOOPBACK and (ours or facts.env.get(KEY) == PRACTICE_KEY):
        yield facts.finding("url-port", URL, port=parts.port or 80, right=settings.practice_port)
    elif not re.search(r"/v\d", parts.path) and facts.mode != "openai":
        yield facts.finding("url-no-v1", URL)


def model_api(facts: Facts) -> Iterator[Finding]:
    """OPENAI_DEFAULT_API, where it is set, names one of the two APIs."""
    if facts.env.get(API, "responses") not in ("chat_completions", "responses"):
        yield facts.finding("model-api/unknown", API)


def weather_address(facts: Facts) -> Iterator[Finding]:
    """WEATHER_API_URL is absent, the practice services' address, or some server's."""
    yield from _address(facts, WEATHER, facts.weather == "practice")
    value = facts.env.get(WEATHER, "")
    if "/alerts" in value and facts.weather != "practice" and not address_mistake(value):
        yield facts.finding("weather-path", WEATHER)


def _address(facts: Facts, name: str, practice: bool) -> Iterator[Finding]:
    """Mistakes in an address of any service, or of the `practice` services."""
    value, port = facts.env.get(name, ""), facts.settings.practice_port
    kind, path, whose = ("url", "/v1", "OpenAI itself") if name == URL else ("weather", "", "the real service")
    if not value and facts.shell.get(name) == "":
        yield facts.finding("empty/shell", which=name)
    elif not value and facts.line(name):
        yield facts.finding("empty", name, so=whose)
    elif practice and (value != value.strip() or not is_local(value, port, path)):
        match, ending = env.ON_THIS_MACHINE.fullmatch(value), env.request_path(value)
        leads = match and int(match[1])
        slips = [
            (value.strip() != value, "has a space around it"),
            (not re.match(r"https?://[^/]", value), "does not begin with http://"),
            (value.startswith("https:"), "begins with https://, but the practice services speak plain http://"),
            (leads and leads != port, f"leads to port {leads}, but WORKSHOP_PRACTICE_PORT is {port}"),
            (not re.match(r"\w+://(127\.0\.0\.1|localhost):", value, re.I), f"does not lead to {HOST}"),
            (ending, f"ends in {ending}, which the client adds itself"),
            (path, f"does not end in {path}"),
            (True, "has a path after the port"),
        ]
        yield facts.finding(f"{kind}-practice", name, slip=next(slip for here, slip in slips if here))
    elif value and not practice and (wrong := address_mistake(value)):
        yield facts.finding(f"{kind}-wrong", name, code=f"{kind}-{wrong[0]}", slip=wrong[1])


def key(facts: Facts) -> Iterator[Finding]:
    """OPENAI_API_KEY is a key, where one is needed."""
    value, line, mode = facts.env.get(KEY, ""), facts.line(KEY), facts.mode
    wrong = mistake(value)
    own = f"put your key right after {KEY}= {facts.place(KEY)}"
    if mode == "practice":
        own = f"unset {KEY}" if facts.shell.get(KEY) else "workshop use practice"
    if not value:
        comment = line and "#" in facts.file.assignments(KEY)[-1].text
        commented = re.compile(rf"#\s*(export\s+)?{KEY}\s*=\s*\S")
        off = [each.line for each in facts.file.statements if not each.kept_for and commented.match(each.text)]
        if mode != "practice":
            own = own if line else f"add the line {KEY}= and your key to .env"
            if mode != "openai" and not comment:
                own += " (any word, if that server wants none)"
            own += " (never on a command line), or: workshop use practice"
        if off and not line and mode != "practice":
            yield facts.finding("key-commented", line=off[-1])
        else:
            row = "key-comment" if comment else "key-missing"
            yield facts.finding(row, KEY, own=own, how="empty" if line else "not set")
    elif is_placeholder(value) and (wrong or mode == "openai"):
        row = "key-placeholder/practice" if value == PRACTICE_KEY else "key-placeholder"
        yield facts.finding(row, KEY, own=f"{own}, or: workshop use practice" if mode == "openai" else own)
    elif wrong:
        yield facts.finding("key-wrong", KEY, code=f"key-{wrong[0]}", slip=wrong[1], own=own)
    elif mode == "openai":
        vendor = next((name for start, name in TABLE["vendors"].items() if value.startswith(start)), None)
        if vendor:
            yield facts.finding("key-vendor", KEY, vendor=vendor, own=own)
        elif not value.startswith("sk-") or len(value) < 20:
            yield facts.finding("key-unusual", KEY)
    elif mode == "practice" and is_real(value):
        # A key that the shell or a Codespaces secret holds ready is no mistake.
        url = f"line {facts.line(URL)} of .env" if facts.line(URL) else "the shell"
        yield facts.finding("key-unused" if line else "key-unused/shell", KEY, url=url)


def tracing(facts: Facts) -> Iterator[Finding]:
    """Traces, and the prompts in them, go to OpenAI only when the model calls do."""
    if facts.mode != "openai" and not env.is_on(facts.env.get(TRACING, "")):
        yield facts.finding("tracing/practice" if facts.mode == "practice" else "tracing", TRACING)


def temporal_address(facts: Facts) -> Iterator[Finding]:
    """TEMPORAL_ADDRESS reads host:port, and goes with the key and the namespace."""
    value = facts.env.get(ADDRESS, "")
    host, _, port = value.rpartition(":")
    right = facts.settings.temporal_port
    form = f"write {ADDRESS}=host:port {facts.place(ADDRESS)}, such as {HOST}:{right}"
    local = host.strip("[]") in LOOPBACK
    forgotten = env.forgotten(facts.env, facts.settings)
    if not value:
        pass
    elif wrong := mistake(value) or mistake(value, "temporal"):
        yield facts.finding("temporal-wrong", ADDRESS, code=f"temporal-{wrong[0]}", slip=wrong[1], form=form)
    elif not port_number(port):
        yield facts.finding("temporal-bad-port", ADDRESS, form=form)
    elif local and int(port) == facts.settings.temporal_ui_port:
        yield facts.finding("temporal-ui-port", ADDRESS, right=right, form=form)
    elif local and int(port) != right and ADDRESS not in forgotten:
        yield facts.finding("temporal-port", ADDRESS, port=port, right=right)
    for name, wanted in forgotten.items():
        known = facts.mode in ("practice", "openai")
        follow = f"workshop use {facts.mode}" if known else f"set {name}={wanted} in .env"
        if facts.shell.get(name):
            follow = f"unset {name}, then: {follow}"
        yield facts.finding("port-forgotten" if name == ADDRESS else "port-forgotten/ui", name, follow=follow)
    if host.endswith((".tmprl.cloud", ".temporal.io")) and not facts.env.get(NAMESPACE):
        yield facts.finding("temporal-namespace/cloud", ADDRESS)


def temporal_config(facts: Facts) -> Iterator[Finding]:
    """Temporal's other variables and its own configuration file go with the server that is meant."""
    address, ours = facts.env.get(ADDRESS, ""), f"{HOST}:{facts.settings.temporal_port}"
    if address:
        for name in PROFILES:
            if name in facts.env:
                yield facts.finding("temporal-unused", name)
    others = [name for name in facts.env if name.startswith("TEMPORAL_") and name not in OURS]
    if address and not others and TEMPORAL_KEY not in facts.env:
        return
    from workshop import temporal  # here, so that the other checks need not wait for it

    try:
        config = temporal.connection(facts.env)
        without_file = temporal.connection({ADDRESS: ours, **facts.env})
    except WorkshopError:
        gone = [name for name in others if name.endswith("_PATH") and not os.path.isfile(facts.env[name])]
        name = next((name for name in [*gone, *PROFILES] if name in facts.env), "")
        row = "temporal-path" if gone else "temporal-profile" if name else "temporal-file/unreadable"
        yield facts.finding(row, name, file=TEMPORAL_FILE)
        return
    from_file = not address and config != {key: value for key, value in without_file.items() if key != "target_host"}
    if from_file and not any(name in facts.env for name in PROFILES):
        yield facts.finding("temporal-file", ADDRESS, file=TEMPORAL_FILE, ours=ours)
    elif config.get("tls") and is_local(f"http://{address or ours}", facts.settings.temporal_port):
        name = next(name for name in (TEMPORAL_KEY, *others) if name in facts.env)
        yield facts.finding("temporal-tls", name)


def ports(facts: Facts) -> Iterator[Finding]:
    """Each WORKSHOP_..._PORT is a port, and another one."""
    for name, twin in read_ports(facts.env)[1].items():
        yield facts.finding("port-twice" if twin else "port-setting", name, other=twin)


def proxies(facts: Facts) -> Iterator[Finding]:
    """No proxy stands between the programs of this machine, and each is of a kind that the HTTP client knows.

    The rules are httpx's: small letters win over capitals, and NO_PROXY lists hosts, with * for all.
    """
    found = {name.lower(): name for name in sorted(facts.env) if name.lower() in (*PROXIES, "no_proxy")}
    excepting = found.pop("no_proxy", "NO_PROXY")
    entries = [entry.strip() for entry in facts.env.get(excepting, "").split(",")]
    if "*" in entries:
        return
    if unreadable := [entry for entry in entries if entry and not _reads_exemption(entry)]:
        row = "proxy-exempt/brackets" if "[" in unreadable[0] else "proxy-exempt"
        yield facts.finding(row, excepting, number=entries.index(unreadable[0]) + 1)
    for name in found.values():
        url = facts.env[name] if "://" in facts.env[name] else f"http://{facts.env[name]}"
        try:
            httpx.Proxy(url)
        except ValueError:
            yield facts.finding("proxy-scheme", name)
        except httpx.InvalidURL:
            yield facts.finding("proxy-malformed", name)
        else:
            if url.lower().startswith("socks") and importlib.util.find_spec("socksio") is None:
                yield facts.finding("proxy-socks", name)
    here = found.get("http_proxy") or found.get("all_proxy")
    hosts = [host_of(facts.env.get(name, "")) for name in (URL, WEATHER)]
    patterns = [rf"(?:\w+://)?{re.escape(host)}(?::\d+)?" for host in hosts if host in LOOPBACK]
    if here and not all(any(re.fullmatch(pattern, entry) for entry in entries) for pattern in patterns):
        why = "no_proxy wins over NO_PROXY, and" if "no_proxy" in facts.env and "NO_PROXY" in facts.env else "NO_PROXY"
        yield facts.finding("proxy-loopback", here, why=why)


def _reads_exemption(entry: str) -> bool:
    """Whether httpx can read an entry of NO_PROXY: it makes a pattern of addresses out of it, as here."""
    if "://" not in entry:
        try:
            ipaddress.IPv6Address(entry.partition("/")[0])
            entry = f"all://[{entry}]"
        except ValueError:
            entry = f"all://*{entry}"
    try:
        httpx.URL(entry)
    except httpx.InvalidURL:
        return False
    return True


def certificates(facts: Facts) -> Iterator[Finding]:
    """The files that HTTP clients read as they start are there: without them none starts, not even for practice."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    uses: dict[str, Callable[[str], object]] = {
        "SSL_CERT_FILE": context.load_verify_locations,
        "SSL_CERT_DIR": os.listdir,
        "SSLKEYLOGFILE": lambda path: setattr(context, "keylog_filename", path),
    }
    if facts.env.get("SSL_CERT_FILE"):
        del uses["SSL_CERT_DIR"]  # nobody looks at it then
    for name, use in uses.items():
        try:
            if path := facts.env.get(name):
                use(path)
        except OSError as error:
            empty = isinstance(error, ssl.SSLError)
            wrong = "names a file without a certificate" if empty else f"cannot be used: {error.strerror}"
            row = "certificates/folder" if name == "SSL_CERT_DIR" else "certificates"
            yield facts.finding(row, name, wrong=wrong)


def is_placeholder(key: str) -> bool:
    """Whether `key` only stands where a key should be."""
    return not key.startswith("#") and any(re.match(pattern, key, re.DOTALL) for pattern in TABLE["placeholders"])


def is_real(key: str) -> bool:
    """Whether `key` looks like a key that somebody pays for."""
    return key.lstrip(" \"'").startswith("sk-") and not is_placeholder(key)


def key_state(key: str) -> str:
    """`set`, `not set`, `looks like a placeholder`, or what is wrong with it."""
    if not key:
        return "not set"
    if is_placeholder(key):
        return "looks like a placeholder"
    wrong = mistake(key)
    return wrong[1] if wrong else "set"
