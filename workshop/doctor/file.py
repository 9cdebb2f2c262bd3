"""Checks of the file `.env` itself: is it there, can it be read, does each line say what was meant."""

import re
from collections.abc import Iterator

from workshop import envfile, modes
from workshop.doctor import shapes
from workshop.doctor.finding import Facts, Finding, Level
from workshop.envfile import Statement
from workshop.errors import WorkshopError
from workshop.modes import KEY, MANAGED
from workshop.settings import PORTS

STRAYS = (".env.txt", "env.txt", "env", ".env.env", "dotenv", ".env.local", ".env.example.txt")
TEMPORAL = ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY", "TEMPORAL_UI_URL")
OURS = (*MANAGED, *TEMPORAL, *PORTS, "WORKSHOP_STATE_DIR", "OPENAI_DEFAULT_MODEL")
# Names that people write for ours, as bare capitals.
MEANT = {re.sub("[^A-Z]", "", name): name for name in OURS} | {
    **dict.fromkeys(
        ("OPENAIKEY", "OPENAPIKEY", "OPENAITOKEN", "OPENAISECRETKEY", "OPENAIAPIKEYS", "CHATGPTAPIKEY"), KEY
    ),
    **dict.fromkeys(("OPENAIAPIBASE", "OPENAIAPIBASEURL", "OPENAIBASEURI", "OPENAIAPIURL", "OPENAIURL"), modes.URL),
    **dict.fromkeys(("WEATHERURL", "WEATHERAPIBASEURL"), modes.WEATHER),
    **dict.fromkeys(("TEMPORALHOST", "TEMPORALURL", "TEMPORALHOSTURL", "TEMPORALSERVER"), "TEMPORAL_ADDRESS"),
}


def there(facts: Facts) -> Iterator[Finding]:
    """`.env` exists under this very name, and is text that scripts can read."""
    if facts.unreadable:
        yield Finding("problem", "env-unreadable", facts.unreadable.message, facts.unreadable.next_step)
        return
    strays = [name for name in STRAYS if (facts.root / name).is_file()]
    if facts.file is None:
        yield _missing(facts, strays)
        return
    for stray in strays:
        if stray in (".env.txt", "env.txt", ".env.env"):
            message = f"Beside .env lies {stray}, which nothing reads: an editor added the ending."
            yield Finding(
                "warning", "env-stray", message, f"move what you need from {stray} into .env, then: rm {stray}"
            )
    for statement in facts.file.statements:
        if "\x00" in statement.before + statement.text:
            message = "there is a NUL character here, so the file was not saved as plain text."
            yield Finding("problem", "env-nul", message, envfile.SAVE_AS_UTF8, statement.line)
            return
        # Bytes that are not UTF-8 stand as surrogates.
        if re.search("[\udc80-\udcff]", statement.before + statement.text):
            message = "this is not UTF-8 text, and scripts stop at it."
            yield Finding("problem", "env-not-utf8", message, envfile.SAVE_AS_UTF8, statement.line)
            return


def _missing(facts: Facts, strays: list[str]) -> Finding:
    if strays:
        why = " An editor added the ending." if strays[0].endswith(".txt") else " Its name must begin with a dot."
        why = why if strays[0] in (".env.txt", "env.txt", "env", "dotenv") else ""
        message = f"There is no .env, but a {strays[0]}, which nothing reads.{why}"
        return Finding("problem", "env-misnamed", message, f"mv {strays[0]} .env")
    if facts.shell.get(modes.URL) or facts.shell.get(KEY):
        return Finding("warning", "env-missing", "There is no .env; the shell's variables alone count.")
    message = "There is no .env, so nothing says which model to ask."
    if any((folder / ".env").is_file() for folder in facts.root.resolve().parents):
        message = "There is no .env here, and scripts would read the one in a folder above."
    return Finding("problem", "env-missing", message, "workshop use practice")


def example(facts: Facts) -> Iterator[Finding]:
    """Nobody put a key into `.env.example`, which is in git."""
    try:
        file = envfile.read(facts.root / ".env.example")
    except WorkshopError:
        return
    for index in file.assignments(KEY) if file else []:
        if file and shapes.is_real(file.statements[index].value or ""):
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
    for statement in facts.file.statements if facts.file else []:
        if statement.error:
            yield _not_understood(statement)
        elif statement.name is not None and (finding := _misnamed(facts, statement)):
            yield finding


def _not_understood(statement: Statement) -> Finding:
    ours = next((name for name in OURS if name in statement.text), None)
    after = statement.text.partition("=")[2].lstrip()
    if after[:1] in ("'", '"') and after.count(after[0]) % 2:
        next_step = "close the quotation mark, or leave both out"
        message = "a quotation mark is opened here and never closed, so that the line counts for nothing."
    else:
        next_step = f"write it as {ours or 'NAME'}=value, with nothing before the name"
        message = "this cannot be read, and counts for nothing."
    return Finding("problem" if ours else "warning", "line-unreadable", message, next_step, statement.line)


def _misnamed(facts: Facts, statement: Statement) -> Finding | None:
    name = statement.name or ""
    if name in OURS:
        return None
    squashed = re.sub("[^A-Z]", "", name.upper().removeprefix("$ENV:").removeprefix("EXPORT").removeprefix("SET"))
    if meant := MEANT.get(squashed):
        odd = "" if name.isascii() else ": there is an invisible or foreign character in it"
        message = f"this name is almost {meant}, but not quite{odd}, so nothing reads it."
        level: Level = "warning" if facts.env.get(meant) else "problem"
        return Finding(level, "name-misspelt", message, f"call it {meant}, in capitals", statement.line)
    if statement.value is not None:
        return None
    if re.match(r"\W*(sk|pk)-", name):
        message = "a key stands here by itself, without its name."
        return Finding("problem", "line-bare-key", message, f"put {KEY}= before it, without spaces", statement.line)
    if ours := next((ours for ours in OURS if name.startswith(ours)), None):
        message = f"after {ours} comes no equals sign."
        return Finding("problem", "line-colon", message, f"write it as {ours}=value", statement.line)
    message = "this is neither NAME=value nor a comment; is it the rest of the line above?"
    return Finding("warning", "line-bare", message, "join it with the line above, or put # before it", statement.line)


def duplicates(facts: Facts) -> Iterator[Finding]:
    """Each name of ours is set once."""
    for name in OURS:
        found = [facts.file.statements[index].line for index in facts.file.assignments(name)] if facts.file else []
        if len(found) > 1:
            earlier = ", ".join(map(str, found[:-1]))
            message = f"{name} is set here and in line {earlier} too; only this one counts."
            yield Finding("warning", "duplicate", message, f"take out line {earlier}", found[-1])


def shell_wins(facts: Facts) -> Iterator[Finding]:
    """The shell does not say something else than `.env`."""
    for name in modes.overridden(facts.file, facts.shell) if facts.file else []:
        message = f"The shell sets {name} too, to something else, and the shell wins over .env."
        next_step = f"unset {name}"
        if name == KEY and facts.shell.get("CODESPACES"):
            next_step += "; for good: github.com/settings/codespaces, where it is a secret"
        yield Finding("warning", "shell-wins", message, next_step)
