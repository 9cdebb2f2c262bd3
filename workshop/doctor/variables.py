"""Checks of `.env` and of the shell's variables: model, key, weather, tracing, Temporal, ports, proxies."""

import importlib.util
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from workshop import env
from workshop.doctor.finding import Facts, Finding, Level, port_number
from workshop.env import KEY, MANAGED, PRACTICE_KEY, TRACING, URL, WEATHER
from workshop.errors import WorkshopError
from workshop.settings import HOST, PORTS, is_local

ADDRESS, NAMESPACE, TEMPORAL_KEY = "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY"
OURS = (
    *(*MANAGED, ADDRESS, NAMESPACE, TEMPORAL_KEY, "TEMPORAL_UI_URL"),
    *(*PORTS, "WORKSHOP_STATE_DIR", "OPENAI_DEFAULT_MODEL"),
)
# Names that people write for ours, as bare capitals.
MEANT = {re.sub("[^A-Z]", "", name): name for name in OURS}
for _name, _mistaken in {
    KEY: "OPENAIKEY OPENAPIKEY OPENAITOKEN OPENAISECRETKEY OPENAIAPIKEYS CHATGPTAPIKEY",
    URL: "OPENAIAPIBASE OPENAIAPIBASEURL OPENAIBASEURI OPENAIAPIURL OPENAIURL",
    WEATHER: "WEATHERURL WEATHERAPIBASEURL",
    ADDRESS: "TEMPORALHOST TEMPORALURL TEMPORALHOSTURL TEMPORALSERVER",
}.items():
    MEANT |= dict.fromkeys(_mistaken.split(), _name)
STRAYS = {
    ".env.txt": " An editor added the ending.",
    "env.txt": " An editor added the ending.",
    "env": " Its name must begin with a dot.",
    ".env.env": "",
    "dotenv": " Its name must begin with a dot.",
    ".env.local": "",
    ".env.example.txt": "",
}
NOT_TEXT = (
    ("env-nul", "\x00", "there is a NUL character here, so the file was not saved as plain text."),
    # Bytes that are not UTF-8 stand as surrogates.
    ("env-not-utf8", "[\udc80-\udcff]", "this is not UTF-8 text, and scripts stop at it."),
)
LOOPBACK = (HOST, "localhost", "::1", "0.0.0.0")
PROXIES = ("all_proxy", "http_proxy", "https_proxy")

SMART_QUOTES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb"
DASHES = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"

# What a pasted key or address looks like when something went wrong. The first that fits is the best explanation.
SHAPES = [
    ("comment", r"#", "is a comment, not a value"),
    (
        "repeats-name",
        r"(?i)\W*(?:export\s+|set\s+|\$env:)?(?:OPENAI|WEATHER)_[A-Z_]+\s*[=:]",
        "begins with a variable's name",
    ),
    (
        "bearer",
        r"(?i)\W*(?:authorization\s*:\s*)?bearer\b",
        'begins with the word "Bearer", which the client adds itself',
    ),
    ("variable", r"\$[\w{(]|%\w+%$", "is the name of another variable, not its value"),
    ("smart-quotes", f".*[{SMART_QUOTES}]", "has curly quotes in it, as word processors make them"),
    ("quotes", ".*[\"'`]", "has quotation marks in it"),
    ("dashes", f".*[{DASHES}]", "has a long dash in it where a word processor replaced a hyphen"),
    ("invisible", f".*[{INVISIBLE}]", "has an invisible character in it, as web pages and chats add them"),
    ("line-break", r".*[\r\n]", "is broken over two lines"),
    ("nul", r".*\x00", "has a NUL character in it"),
    ("spaces", r".*\s", "has a space in it"),
    ("not-ascii", r".*[^\x21-\x7e]", "has a letter in it that is none of A-Z, 0-9 or punctuation"),
]
PLACEHOLDERS = [
    r".*[<>{}\[\]]",
    r".*(?:\.\.|\u2026|\*\*|x{4}|X{4}|____)",
    r"(?i).*(?:^|[-_ ])(?:your|my|change|changeme|replace|insert|paste|place|placeholder|example|dummy|fake|sample|"
    r"here|todo|fixme|demo|mock)(?:[-_ ]|$)",
    r"(?i)(?:sk-?)?(?:proj-?)?(?:test|key|api[-_]?key|openai[-_]?(?:api[-_]?)?key|secret|token|none|null|nil|undefined|"
    r"true|false|tbd|n/?a|abc\w?|abc123|123\d*|(?:1234567|abcdef)\w*|foo|bar|practice|\?+|-+)?$",
]
OTHER_VENDORS = {
    "sk-ant-": "Anthropic",
    "sk-or-": "OpenRouter",
    "gsk_": "Groq",
    "hf_": "Hugging Face",
    "xai-": "xAI",
    "AIza": "Google",
    "ghp_": "GitHub",
    "github_pat_": "GitHub",
}


def file_is_there(facts: Facts) -> Iterator[Finding]:
    """`.env` exists under this very name, and is text that scripts can read."""
    if facts.unreadable:
        yield Finding("problem", "env-unreadable", facts.unreadable.message, facts.unreadable.next_step)
        return
    strays = [name for name in STRAYS if (facts.root / name).is_file()]
    if facts.missing and strays:
        message = f"There is no .env, but a {strays[0]}, which nothing reads.{STRAYS[strays[0]]}"
        yield Finding("problem", "env-misnamed", message, f"mv {strays[0]} .env")
    elif facts.missing and (facts.shell.get(URL) or facts.shell.get(KEY)):
        yield Finding("warning", "env-missing", "There is no .env; the shell's variables alone count.")
    elif facts.missing:
        message = "There is no .env, so nothing says which model to ask."
        if any((folder / ".env").is_file() for folder in facts.root.resolve().parents):
            message = "There is no .env here, and scripts would read the one in a folder above."
        yield Finding("problem", "env-missing", message, "workshop use practice")
    else:
        for stray in strays:
            if stray in (".env.txt", "env.txt", ".env.env"):
                message = f"Beside .env lies {stray}, which nothing reads: an editor added the ending."
                next_step = f"move what you need from {stray} into .env, then: rm {stray}"
                yield Finding("warning", "env-stray", message, next_step)
    for statement in facts.file.statements:
        for code, pattern, message in NOT_TEXT:
            if re.search(pattern, statement.before + statement.text):
                yield Finding("problem", code, message, env.SAVE_AS_UTF8, statement.line)
                return


def example(facts: Facts) -> Iterator[Finding]:
    """Nobody put a key into `.env.example`, which is in git."""
    try:
        file = env.read(facts.root / ".env.example") or env.EnvFile()
    except WorkshopError:
        return
    for index in file.assignments(KEY):
        if is_real(file.statements[index].value or ""):
            line = file.statements[index].line
            message = f"A key stands in line {line} of .env.example, which nothing reads and git publishes."
            yield Finding("problem", "example-key", message, "move the key into .env, then: git checkout .env.example")


def nearer(facts: Facts) -> Iterator[Finding]:
    """No other `.env` lies between a script and the checkout's."""
    tops = [facts.root / "exercises", facts.root / "solutions"]
    for path in sorted(path for top in tops for pattern in (".env", "*/.env") for path in top.glob(pattern)):
        folder = path.parent.relative_to(facts.root).as_posix()
        message = f"{folder}/.env is nearer to the scripts there, which read it instead of .env."
        yield Finding("warning", "env-nearer", message, f"move what you need into .env, then: rm {folder}/.env")


def lines(facts: Facts) -> Iterator[Finding]:
    """Each line is an assignment or a comment, and its name is spelt right."""
    for statement in facts.file.statements:
        name, text, line = statement.name or "", statement.text, statement.line
        level: Level
        if statement.error:
            ours = next((ours for ours in OURS if ours in text), None)
            after = text.partition("=")[2].lstrip()
            next_step = f"write it as {ours or 'NAME'}=value, with nothing before the name"
            message = "this cannot be read, and counts for nothing."
            if after[:1] in ("'", '"') and after.count(after[0]) % 2:
                next_step = "close the quotation mark, or leave both out"
                message = "a quotation mark is opened here and never closed, so that the line counts for nothing."
            yield Finding("problem" if ours else "warning", "line-unreadable", message, next_step, line)
            continue
        if statement.name is None or statement.kept_for or name in OURS:
            continue
        bare = name.upper().removeprefix("$ENV:").removeprefix("EXPORT").removeprefix("SET")
        if meant := MEANT.get(re.sub("[^A-Z]", "", bare)):
            odd = "" if name.isascii() else ": there is an invisible or foreign character in it"
            message = f"this name is almost {meant}, but not quite{odd}, so nothing reads it."
            level = "warning" if facts.env.get(meant) else "problem"
            yield Finding(level, "name-misspelt", message, f"call it {meant}, in capitals", line)
        elif statement.value is not None:
            continue
        elif re.match(r"\W*(sk|pk)-", name):
            message = "a key stands here by itself, without its name."
            yield Finding("problem", "line-bare-key", message, f"put {KEY}= before it, without spaces", line)
        elif ours := next((ours for ours in OURS if name.startswith(ours)), None):
            message = f"after {ours} comes no equals sign."
            yield Finding("problem", "line-colon", message, f"write it as {ours}=value", line)
        else:
            message = "this is neither NAME=value nor a comment; is it the rest of the line above?"
            yield Finding("warning", "line-bare", message, "join it with the line above, or put # before it", line)


def duplicates(facts: Facts) -> Iterator[Finding]:
    """Each name of ours is set once."""
    for name in OURS:
        *earlier, last = [0, *(facts.file.statements[index].line for index in facts.file.assignments(name))]
        if others := ", ".join(map(str, earlier[1:])):
            message = f"{name} is set here and in line {others} too; only this one counts."
            yield Finding("warning", "duplicate", message, f"take out line {others}", last)


def shell_wins(facts: Facts) -> Iterator[Finding]:
    """The shell does not say something else than `.env`."""
    for name in [] if facts.missing or facts.unreadable else env.overridden(facts.file, facts.shell):
        message = f"The shell sets {name} too, to something else, and the shell wins over .env."
        next_step = f"unset {name}"
        if name == KEY and facts.shell.get("CODESPACES"):
            next_step += "; for good: github.com/settings/codespaces, where it is a secret"
        yield Finding("warning", "shell-wins", message, next_step)


def model_address(facts: Facts) -> Iterator[Finding]:
    """OPENAI_BASE_URL is absent, the practice services' address, or some server's."""
    value, settings = facts.env.get(URL, ""), facts.settings
    if not value:
        yield from _empty(facts, URL, "OpenAI itself is asked")
    elif facts.mode == "practice":
        if value != value.strip() or not is_local(value, settings.practice_port, "/v1"):
            yield facts.wrong(URL, "url-practice", _practice_slip(facts, value, "/v1"), facts.to_practice(URL))
    elif wrong := address_mistake(value):
        next_step = f"write {URL}=https://server.example/v1 {facts.place(URL)}, or: workshop use practice | openai"
        yield facts.wrong(URL, f"url-{wrong[0]}", f"{wrong[1]}.", next_step)
    elif ending := env.request_path(value):
        words = f"ends in {ending}, which the client adds itself."
        yield facts.wrong(URL, "url-path", words, f"leave that ending out {facts.place(URL)}")
    else:
        parts = urlsplit(value)
        ours = parts.port in (settings.temporal_port, settings.temporal_ui_port, settings.lab_port)
        if parts.hostname in LOOPBACK and (ours or facts.env.get(KEY) == PRACTICE_KEY):
            words = f"leads to port {parts.port or 80}, but the practice services are at port {settings.practice_port}."
            yield facts.wrong(URL, "url-port", words, facts.to_practice(URL))
        elif not re.search(r"/v\d", parts.path) and facts.mode != "openai":
            next_step = f"add /v1 {facts.place(URL)}, if that server has it"
            yield facts.wrong(URL, "url-no-v1", "has no /v1 in it; most servers want it.", next_step, "warning")


def weather_address(facts: Facts) -> Iterator[Finding]:
    """WEATHER_API_URL is absent, the practice services' address, or some server's."""
    value = facts.env.get(WEATHER, "")
    if not value:
        yield from _empty(facts, WEATHER, "the real service is asked")
    elif facts.practice_weather:
        if value != value.strip() or not is_local(value, facts.settings.practice_port):
            next_step = f"unset {WEATHER}" if facts.shell.get(WEATHER) else "workshop use --weather practice"
            yield facts.wrong(WEATHER, "weather-practice", _practice_slip(facts, value, ""), next_step)
    elif wrong := address_mistake(value):
        next_step = f"workshop use --weather practice, or take {WEATHER} out {facts.place(WEATHER)}"
        yield facts.wrong(WEATHER, f"weather-{wrong[0]}", f"{wrong[1]}.", next_step)
    elif "/alerts" in value:
        words = "ends in the path of a request, which scripts add themselves."
        yield facts.wrong(WEATHER, "weather-path", words, f"leave /alerts... out {facts.place(WEATHER)}")


def _empty(facts: Facts, name: str, so: str) -> Iterator[Finding]:
    if facts.shell.get(name) == "":
        message = f"The shell sets {name} to nothing, which counts as unset here, but not in every program."
        yield Finding("warning", "empty", message, f"unset {name}")
    elif facts.line(name):
        words = f"is empty, which counts as unset: {so}."
        yield facts.wrong(name, "empty", words, "workshop use practice, or take the line out", "warning")


def _practice_slip(facts: Facts, value: str, path: str) -> str:
    """Names the slip in an address that is almost the practice services'."""
    port = facts.settings.practice_port
    match = env.ON_THIS_MACHINE.fullmatch(value)
    ending = env.request_path(value)
    slips = {
        "has a space around it": value.strip() != value,
        "does not begin with http://": not re.match(r"https?://[^/]", value),
        "begins with https://, but the practice services speak plain http://": value.startswith("https:"),
        f"leads to port {match and match[1]}, but WORKSHOP_PRACTICE_PORT is {port}": match and int(match[1]) != port,
        f"does not lead to {HOST}": not re.match(rf"\w+://({re.escape(HOST)}|localhost):", value, re.I),
        f"ends in {ending}, which the client adds itself": ending,
        f"does not end in {path}": path,
        "has a path after the port": True,
    }
    return next(f"{slip}." for slip, here in slips.items() if here)


def key(facts: Facts) -> Iterator[Finding]:
    """OPENAI_API_KEY is a key, where one is needed."""
    value, line = facts.env.get(KEY, ""), facts.line(KEY)
    own = f"put your key right after {KEY}= {facts.place(KEY)}"
    if facts.mode == "practice":
        own = facts.to_practice(KEY)
    wrong = mistake(value)
    if not value:
        yield from _no_key(facts)
    elif is_placeholder(value) and (wrong or facts.mode == "openai"):
        what = "is the practice services' key" if value == PRACTICE_KEY else "only stands where a key should be"
        next_step = f"{own}, or: workshop use practice" if facts.mode == "openai" else own
        yield facts.wrong(KEY, "key-placeholder", f"{what}; OpenAI refuses it.", next_step)
    elif wrong:
        yield facts.wrong(KEY, f"key-{wrong[0]}", f"{wrong[1]}.", own)
    elif facts.mode == "openai":
        vendor = next((name for start, name in OTHER_VENDORS.items() if value.startswith(start)), None)
        if vendor:
            yield facts.wrong(KEY, "key-vendor", f"is a key of {vendor}, and OpenAI refuses it.", own)
        elif not value.startswith("sk-") or len(value) < 20:
            words = "is set, but does not look like a key of OpenAI: those begin with sk- and are long."
            yield facts.wrong(KEY, "key-unusual", words, "see whether all of it was copied", "warning")
    elif facts.mode == "practice" and is_real(value):
        place = f"line {facts.line(URL)} of .env" if facts.line(URL) else "the shell"
        rest = f"real key is set, yet {URL} ({place}) leads to the practice model: OpenAI is not asked."
        if line:
            next_step = "workshop use openai; or workshop use practice, which puts the key aside"
            yield Finding("problem", "key-unused", f"a {rest}", next_step, line)
        else:  # a key that the shell or a Codespaces secret holds ready is no mistake
            yield Finding("warning", "key-unused", f"A {rest}", "workshop use openai, if that was meant")


def _no_key(facts: Facts) -> Iterator[Finding]:
    file, line = facts.file, facts.line(KEY)
    own = f"put your key right after {KEY}= {facts.place(KEY)}" if line else f"add the line {KEY}= and your key to .env"
    text = file.statements[file.assignments(KEY)[-1]].text if line else ""
    commented = re.compile(rf"#\s*(export\s+)?{KEY}\s*=\s*\S")
    off = [each.line for each in file.statements if not each.kept_for and commented.match(each.text)]
    if off and not line and facts.mode != "practice":
        message = f"{KEY} is not set: its line is commented out."
        yield Finding("problem", "key-commented", message, "take the # away, if that is your key", off[-1])
        return
    if "#" not in text and facts.mode not in ("practice", "openai"):
        own += " (any word, if that server wants none)"
    next_step = f"{own} (never on a command line), or: workshop use practice"
    next_step = "workshop use practice" if facts.mode == "practice" else next_step
    if "#" in text:
        yield facts.wrong(KEY, "key-comment", "is followed by a comment, not by a key.", next_step)
    else:
        yield facts.wrong(KEY, "key-missing", "is empty." if line else "is not set.", next_step)


def tracing(facts: Facts) -> Iterator[Finding]:
    """Traces, and the prompts in them, go to OpenAI only when the model calls do."""
    if facts.mode != "openai" and not env.is_on(facts.env.get(TRACING, "")):
        words = f"is not 1: traces do not follow {URL}, so prompts could still go to OpenAI."
        next_step = f"set {TRACING}=1 {facts.place(TRACING)}"
        next_step = facts.to_practice(TRACING) if facts.mode == "practice" else next_step
        yield facts.wrong(TRACING, "tracing", words, next_step, "warning")


def temporal_address(facts: Facts) -> Iterator[Finding]:
    """TEMPORAL_ADDRESS reads host:port, and goes with the key and the namespace."""
    value = facts.env.get(ADDRESS, "")
    host, _, port = value.rpartition(":")
    form = f"write {ADDRESS}=host:port {facts.place(ADDRESS)}, such as {HOST}:{facts.settings.temporal_port}"
    local = not value or host.strip("[]") in LOOPBACK
    right, ui = facts.settings.temporal_port, facts.settings.temporal_ui_port
    if not value:
        pass
    elif "://" in value:
        words = "begins with a scheme; Temporal's address has none."
        yield facts.wrong(ADDRESS, "temporal-scheme", words, form)
    elif wrong := mistake(value):
        yield facts.wrong(ADDRESS, f"temporal-{wrong[0]}", f"{wrong[1]}.", form)
    elif not host:
        yield facts.wrong(ADDRESS, "temporal-no-port", "has no port.", form)
    elif not port_number(port):
        yield facts.wrong(ADDRESS, "temporal-bad-port", "does not end in a port.", form)
    elif local and int(port) == ui:
        words = f"leads to the web UI's port; workers need Temporal's own, {right}."
        yield facts.wrong(ADDRESS, "temporal-ui-port", words, form)
    elif local and int(port) != right:
        words = f"leads to port {port}, but `workshop up` starts Temporal at {right}."
        next_step = f"set WORKSHOP_TEMPORAL_PORT={port}, or mend {ADDRESS} {facts.place(ADDRESS)}"
        yield facts.wrong(ADDRESS, "temporal-port", words, next_step, "warning")
    if facts.env.get(TEMPORAL_KEY) and local:
        words = "is set, so that TLS is spoken, to a Temporal server on this machine, which knows none."
        yield facts.wrong(TEMPORAL_KEY, "temporal-key", words, f"take it out {facts.place(TEMPORAL_KEY)}")
    if host.endswith((".tmprl.cloud", ".temporal.io")) and not facts.env.get(NAMESPACE):
        words = "leads to Temporal Cloud, which has no namespace called default."
        yield facts.wrong(ADDRESS, "temporal-namespace", words, f"set {NAMESPACE}=name.account in .env")


def ports(facts: Facts) -> Iterator[Finding]:
    """Each WORKSHOP_..._PORT is a port, and another one."""
    seen: dict[int, str] = {}
    for name, default in PORTS.items():
        port = port_number(facts.env.get(name, str(default)))
        if port is None:
            next_step = f"mend or remove it {facts.place(name)}"
            yield facts.wrong(name, "port-setting", "is not a number from 1 to 65535.", next_step)
        elif port in seen:
            yield facts.wrong(name, "port-twice", f"and {seen[port]} are the same port.", f"set {name} to another one")
        else:
            seen[port] = name


def proxies(facts: Facts) -> Iterator[Finding]:
    """No proxy stands between the programs of this machine, and each is of a kind that the HTTP client knows.

    The rules are httpx's: small letters win over capitals, and NO_PROXY lists hosts, with * for all.
    """
    found = {name.lower(): name for name in sorted(facts.env) if name.lower() in PROXIES}
    excepted = facts.env.get("no_proxy", facts.env.get("NO_PROXY", ""))
    exempt = {entry.strip() for entry in excepted.split(",")}
    if "*" in exempt:
        return
    for name in found.values():
        scheme = facts.env[name].partition("://")[0].lower() if "://" in facts.env[name] else "http"
        if scheme not in ("http", "https", "socks5", "socks5h"):
            words = "begins with a scheme that the HTTP client does not know, and so it fails for every address."
            next_step = f"begin it with socks5:// {facts.place(name)}, or: unset {name}"
            yield facts.wrong(name, "proxy-scheme", words, next_step)
        elif scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
            words = "is a SOCKS proxy, and the package for these, socksio, is not installed."
            yield facts.wrong(name, "proxy-socks", words, f"make workshop, or: unset {name}")
    here = found.get("http_proxy") or found.get("all_proxy")
    if here and not all(_is_exempt(facts.env.get(name, ""), exempt) for name in (URL, WEATHER)):
        why = "no_proxy wins over NO_PROXY, and" if "no_proxy" in facts.env and "NO_PROXY" in facts.env else "NO_PROXY"
        words = f"sends requests for this machine to a proxy too, for {why} does not name {HOST}."
        next_step = f"export NO_PROXY={HOST},localhost no_proxy={HOST},localhost; or: unset {here}"
        yield facts.wrong(here, "proxy-loopback", words, next_step)


def _is_exempt(url: str, exempt: set[str]) -> bool:
    """Whether no proxy stands before `url`, or it is not on this machine."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return True
    pattern = rf"(?:\w+://)?{re.escape(host)}(?::\d+)?"
    return host not in LOOPBACK or any(re.fullmatch(pattern, entry) for entry in exempt)


def mistake(value: str) -> tuple[str, str] | None:
    """What cannot be right in a key or an address: a code, and words that follow "OPENAI_API_KEY"; None: nothing."""
    for code, pattern, words in SHAPES:
        if re.match(pattern, value, re.DOTALL):
            return code, words
    return None


def is_placeholder(key: str) -> bool:
    """Whether `key` only stands where a key should be."""
    return not key.startswith("#") and any(re.match(pattern, key, re.DOTALL) for pattern in PLACEHOLDERS)


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


def address_mistake(url: str) -> tuple[str, str] | None:
    """What cannot be right in an http address: a code, and words that follow the variable's name; None: nothing."""
    if re.match(r"(?:sk|pk)-", url):
        return "is-key", "holds a key, not an address"
    if wrong := mistake(url):
        return wrong
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        return "malformed", "has a host or port that is malformed"
    if scheme not in ("http", "https") or "://" not in url:
        return "scheme", "does not begin with http:// or https://"
    if not host or port == 0:
        return "malformed", "has no host in it" if not host else "has a port that is none"
    if parts.username is not None:
        return "userinfo", "has a user or password in it, which the client would not send"
    if "?" in url or "#" in url:
        return "query", "has a ? or # in it, and the client would append to that"
    return None
