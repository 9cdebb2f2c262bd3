"""A learner's code and its errors: imported here, told as type, message, file and line, never as a traceback."""

import ast
import importlib
import linecache
import os
import re
import signal
import traceback
from collections.abc import Iterable, Iterator
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any, get_origin, get_type_hints

import httpx

from workshop.checks.meant import meant
from workshop.checks.pristine import comes_from, tree_of
from workshop.checks.verdict import NotPassed, Verdict, incorrect
from workshop.errors import WorkshopError
from workshop.exercises import GIVEN
from workshop.history import ChainedError, Place
from workshop.text import shorten as in_one_line
from workshop.why.remedies import recognise_slip

IMPORT_SECONDS = 10
CELL = re.compile(r"<ipython-input|[\\/]ipykernel_\d+[\\/]")  # how IPython names a cell
# What Python raises when the code is wrong, and not what it was given.
MISTAKES = (AttributeError, ImportError, IndexError, KeyError, NameError, TypeError, UnboundLocalError)
LOOK = "Look at that line, and at the values it uses."
RAISES = "Your own `raise` did that: let it be reached only when something is wrong."
# Slips that are words which Python does not know: what was meant may be near.
SAID = ("name-unknown", "unreadable", "argument-missing", "activity-not-decorated")  # and there is no more to say
UNKNOWN = (
    *(*SAID, "keyword-unknown", "agent-keyword", "plugin-keyword", "arguments-too-many"),
    *("no-such-attribute", "no-such-module", "no-such-name", "nothing-there", "workflow-not-decorated"),
)


def import_module(folder: Path, name: str) -> ModuleType:
    """Imports `name`.py from the learner's folder, which is first on the path.

    Raises:
        NotPassed: it is not there, raises, or does not end.
    """
    if not (folder / f"{name}.py").is_file():
        missing = f"There is no {name}.py beside the notebook."
        raise NotPassed(Verdict("not attempted", "file-missing", missing, "Run the cell that writes it."))

    def too_long(*_: Any) -> None:
        seen = f"Importing {name}.py does not end."
        slip = "Put what should run only when the file is started below `if __name__ == '__main__':`."
        raise NotPassed(Verdict("raised", "import-hangs", seen, slip))

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(IMPORT_SECONDS)
    try:
        return importlib.import_module(name)
    except NotPassed:
        raise
    except BaseException as error:  # SystemExit, too: whatever stops an import
        raise raised(error, folder, f"Importing {name}.py", "import-failed") from None
    finally:
        signal.alarm(0)


def written(file: str, folder: Path = Path()) -> str:
    """What stands in a file of the learner's; "" if it is not there."""
    path = folder / file
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def sleeps(text: str) -> list[tuple[ast.Call, bool]]:
    """Each call of workflow.sleep, or another sleep, and whether it is awaited; these come last."""
    nodes = list(ast.walk(tree_of(text)))
    waits = {id(node.value) for node in nodes if isinstance(node, ast.Await)}
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("sleep")]
    return sorted(((call, id(call) in waits) for call in calls), key=lambda sleep: sleep[1])


def unforeseen(error: BaseException, folder: Path) -> Verdict:
    """The verdict on an exception that no check expected, if it came out of the learner's code.

    Raises:
        WorkshopError: it is the check's own, or that of what it works with.
    """
    if at := place(error, folder):
        if any(isinstance(link, SystemExit) for link in _with_causes(error)):  # the event loop cancels everything else
            seen = f"Your code called exit() or sys.exit() ({told(at)}): that ends a worker, not a workflow."
            return Verdict("raised", "exits", seen, "Return, or raise an exception.")
        return raised(error, folder, "Your code", "raised").verdict
    frame = traceback.extract_tb(error.__traceback__)[-1]
    raise WorkshopError(
        f"The check could not be made: {brief(error)} ({Path(frame.filename).name}, line {frame.lineno}). "
        "That is the workshop's fault, not your code's.",
        "try again; if it happens again: workshop doctor",
    ) from error


def raised(error: BaseException, folder: Path, doing: str, code: str) -> NotPassed:
    """The verdict on an exception of the learner's code."""
    error = _complete(error)
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    at, here = place(error, folder), frames[-1] if frames else None
    names: list[str] = [*here.f_locals, *here.f_globals] if here else []
    if isinstance(error, AttributeError) and error.obj is not None:
        own = here.f_locals.items() if at and here and here.f_code.co_filename == at.file else ()
        names = [*dir(error.obj), *(f"{name}.{error.name}" for name, one in own if hasattr(one, str(error.name)))]
    return raised_elsewhere(brief(error), doing, code, at, names)


def raised_elsewhere(
    error: str, doing: str, code: str, place: Place | None = None, names: Iterable[str] = ()
) -> NotPassed:
    """The same for an exception of which a history tells type, message and line.

    Args:
        error: "Type: message".
        doing: what raised it; begins the sentence.
        code: of the verdict, unless it is a known slip: that has a code and a remedy of its own.
        place: the learner's line that raised it, where it is known.
        names: that could have been used there, besides those in the file.
    """
    text = shorten(error)
    line = place.code.strip() if place else ""
    seen = f"{doing} raised {text}{f' ({told(place)})' if place else ''}"
    if line.startswith("raise NotImplementedError"):
        step = "write it, and run the cell again"
        return NotPassed(Verdict("not attempted", "not-written", f"{seen}: that is not written yet.", step))
    here = Path(place.file).name if place and not CELL.search(place.file) else ""
    known = recognise_slip(text, f"{here}, line {place.line}: {line}" if place else "")
    slip = known.slip if known else RAISES if line.startswith("raise ") else LOOK if place else ""
    source = _source(place.file) if place else ""
    may_be_near = known is None or known.code in UNKNOWN
    if may_be_near and (hint := meant(text, source, names, place.line if place else 0, here)):
        slip = f"{hint} {known.why if known and known.code not in SAID else ''}".strip()
    elif place and (made := comes_from(here, source, place.line)):
        slip = f"{slip if known else ''} {made}".strip()
    return NotPassed(Verdict("raised", known.code if known else code, f"{seen}.", slip))


def _source(file: str) -> str:
    """The text of a file, or of a cell."""
    linecache.checkcache(file)
    return "".join(linecache.getlines(file))


def _complete(error: BaseException) -> BaseException:
    """Python's own words for what a notebook calls "incomplete input"."""
    if isinstance(error, SyntaxError) and error.msg == "incomplete input":
        try:
            ast.parse(_source(error.filename or ""), error.filename or "")
        except SyntaxError as better:
            return better
    return error


def brief(error: BaseException) -> str:
    """Type and message, in a line."""
    if isinstance(error, SyntaxError):
        return shorten(f"{type(error).__name__}: {error.msg}")
    # An exception group or a wrapper says less than what it holds.
    while error.__cause__ is not None and type(error) is RuntimeError:
        error = error.__cause__
    return shorten(str(ChainedError(type(error).__name__, str(error))))


def shorten(text: str, length: int = 300) -> str:
    """Text in one line, without its full stop: a sentence goes on after it."""
    return in_one_line(text, length).rstrip(".")


def place(error: BaseException, folder: Path) -> Place | None:
    """The innermost line of the learner's files that raised it, or else of a cell."""
    found = None
    for link in _with_causes(error):
        if isinstance(link, SyntaxError) and _is_theirs(link.filename or "", folder):
            return Place(link.filename or "", link.lineno or 0, "", link.text or "")
        for frame in traceback.extract_tb(link.__traceback__):
            at = Place(frame.filename, frame.lineno or 0, frame.name, frame.line or "")
            if CELL.search(at.file):
                found = found or at
            elif _is_theirs(at.file, folder) and not (found and Path(at.file).name in GIVEN):
                found = at
    return found


def told(place: Place) -> str:
    """A line of a learner's in words: `workflows.py, line 12: the code`."""
    where = "the cell" if CELL.search(place.file) else Path(place.file).name
    return f"{where}, line {place.line}{f': `{shorten(place.code.strip(), 80)}`' if place.code.strip() else ''}"


def _is_theirs(file: str, folder: Path) -> bool:
    return bool(CELL.search(file)) or Path(file).parent == folder


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def activities_in(module: ModuleType) -> dict[str, Any]:
    """Name -> activity, for every activity that a module defines: functions, and methods of classes."""
    found: dict[str, Any] = {}
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__:
            methods = [method for method in vars(value).values() if _definition(method)]
            if methods:
                instance = _instance(value, module)
                found |= {_definition(method).name: getattr(instance, method.__name__) for method in methods}
        elif not isinstance(value, type) and _definition(value):
            found[_definition(value).name or value.__name__] = value
    return found


def _definition(value: Any) -> Any:
    return getattr(value, "__temporal_activity_definition", None) if callable(value) else None


def _instance(cls: type, module: ModuleType) -> Any:
    """The module's own instance of a class, or one whose state is made up: its worker.py, which makes it, may not be
    written yet.
    """
    if (made := next((value for value in vars(module).values() if type(value) is cls), None)) is not None:
        return made
    url = os.environ.get("WEATHER_API_URL", "")
    made_up = {str: lambda: url, httpx.AsyncClient: lambda: httpx.AsyncClient(base_url=url)}
    made_up |= dict.fromkeys((int, float), lambda: 1000)  # a limit or a timeout that is none
    try:
        hints = get_type_hints(cls.__init__)  # type: ignore[misc]
        given = {}
        for each in signature(cls).parameters.values():
            if each.default is each.empty:
                kind = hints.get(each.name, str)
                kind = get_origin(kind) or kind  # dict[str, str] is made as dict is
                given[each.name] = made_up.get(kind, kind)()
        return cls(**given)
    except Exception as error:
        seen = f"The activity is a method of {cls.__name__}, which the check could not make: {brief(error)}."
        raise incorrect("class-needs-arguments", seen, "Give its arguments types, or default values.") from None


def workflows_in(module: ModuleType) -> list[type]:
    """The workflow classes that a module defines."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and "__temporal_workflow_definition" in vars(value)
    ]
