"""What is special about a notebook's kernel: its event loop runs, its modules stay, its tracebacks are long."""

import asyncio
import re
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutine
from pathlib import Path
from shutil import get_terminal_size
from traceback import walk_tb
from typing import Any, ParamSpec, TypeVar

from workshop.checks import pristine
from workshop.errors import WorkshopError
from workshop.exercises import number_of
from workshop.shown import Item, Shown
from workshop.text import WIDTH, Say
from workshop.why.remedies import RUN_SYNC

P = ParamSpec("P")
T = TypeVar("T")


def show(say: Say, what: Shown, handle: Any = None) -> Any:
    """Shows something in a notebook; elsewhere, prints its lines.

    Args:
        handle: what an earlier call returned: shown in its place, where there is a notebook.
    """
    if shell() is None:
        for line in what.lines(get_terminal_size((WIDTH, 0)).columns):
            say(line)
        return None
    from IPython.display import display

    forms = what._repr_mimebundle_()  # also of a result that shows nothing at the end of a cell
    if handle is None:
        put: Any = display
        return put(forms, raw=True, display_id=True)
    handle.update(forms, raw=True)
    return handle


class Stopped(Exception):
    """Stops the cell, and the cells that would run after it, with a line and no traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Interrupted(KeyboardInterrupt):
    """A cell that its reader has stopped: a line, and no traceback of ours."""

    def _render_traceback_(self) -> list[str]:
        return ["Interrupted."]


def says_what_to_fix(method: Callable[P, T]) -> Callable[P, T | None]:
    """Lets a method print what a person can fix, and return None then: no cell stops because of it."""

    @wraps(method)
    def call(*args: P.args, **options: P.kwargs) -> T | None:
        try:
            return method(*args, **options)
        except WorkshopError as error:
            speaker: Any = args[0]
            step = [Item(error.next_step, "Next", indent=2)] if error.next_step else []
            show(speaker._say, Shown([Item(error.message), *step]))
            return None
        except KeyboardInterrupt:
            raise Interrupted from None

    return call


def result_of(coroutine: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
    """The result of a coroutine, from code that is not one: a notebook's own loop cannot be waited in.

    Raises:
        TimeoutError: there was none in that many seconds.
    """
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(asyncio.run(coroutine))
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result.result(seconds)


def shell() -> Any:
    """IPython's shell, or None outside of a notebook."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return get_ipython()


def variable(name: str) -> Any:
    """A variable of the notebook; None if there is none of that name."""
    here = shell()
    return here.user_ns.get(name) if here else None


# A variable, or the number of a TODO -> what the last cell that was to set it raised instead.
_raised: dict[str, BaseException] = {}


@dataclass(frozen=True)
class TodoRun:
    """A TODO, as its cell last ran in this kernel."""

    lines: str
    file: str  # that the cell wrote, or ""
    made: dict[str, Any] | None  # what was set in it, by name; None if the cell raised


_todos: dict[str, TodoRun] = {}  # by their numbers


def last_run(todo: int | None) -> TodoRun | None:
    """None for a TODO whose cell was not run in this kernel."""
    return _todos.get(str(todo))


def raised_instead(name: str, todo: int | None) -> BaseException | None:
    """What the cell raised that was to set a variable, or that holds its TODO; None if that went well since."""
    known = (name,) if variable(name) is not None else (name, str(todo))
    return next((error for key, error in reversed(_raised.items()) if key in known), None)


def prepare(folder: Path) -> None:
    """Prepares a kernel for an exercise: changed files are imported again, and the usual mistake in notebooks is
    explained in a line.
    """
    here = shell()
    if here is None:
        return
    while str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True  # a file and its byte code can be written within the same second
    if getattr(here, "_workshop_folder", None) is None:
        here.events.register("pre_run_cell", lambda *_: _begin(here))
        here.events.register("post_run_cell", lambda result: _note(here, result))
        here.set_custom_exc((RuntimeError, NameError), _show)
    here._workshop_folder, here._workshop_before = folder, dict(here.user_ns)


def _begin(here: Any) -> None:
    """Once a file of the exercise has changed, its modules are imported again: all, since they import each other."""
    here._workshop_before = dict(here.user_ns)
    folder = here._workshop_folder
    files = changed_at(folder)
    if files == getattr(here, "_workshop_files", None):
        return
    here._workshop_files = files
    for name, module in sys.modules.copy().items():
        file = getattr(module, "__file__", None)
        if file and Path(file).parent == folder:
            del sys.modules[name]


def changed_at(folder: Path) -> dict[str, int]:
    """The Python files of a folder, with the times of their last changes."""
    times = {}
    for path in folder.glob("*.py"):
        with suppress(OSError):  # replaced at this moment
            times[path.name] = path.stat().st_mtime_ns
    return times


def cell_of(number: str, name: str) -> str:
    """The cell of an exercise's notebook that sets a variable, with its heading and first line; "" if none does."""
    sets = re.compile(
        rf"^(?:[\w, ]*\b{name}\b[\w, ]*=(?!=)|from .* import .*\b{name}\b|import {name}$|def {name}\b)", re.M
    )
    heading = ""
    for kind, source in pristine.cells(pristine.pristine_notebook(number)):
        if kind == "markdown" and (found := re.match(r"## (.*)", source)):
            heading = found[1]
        elif kind == "code" and not pristine.WRITES.match(source) and (line := sets.search(source)):
            return f'the cell of "{heading}" that has this line: {source[line.start() :].partition(chr(10))[0]}'
    return ""


def _note(here: Any, result: Any) -> None:
    cell = str(result.info.raw_cell) if result.info else ""
    error = result.error_before_exec or result.error_in_exec
    for number, lines in re.findall(r"^[ \t]*# TODO (\d+)\b[^\n]*\n(.*?)^[ \t]*# END TODO \1\b", cell, re.M | re.S):
        made, writes = None, pristine.WRITES.match(cell)
        if error is None:
            before = _raised.get(number)
            for name in [name for name, one in _raised.items() if one is before]:
                del _raised[name]  # what the same cell was to set then
            names = re.findall(r"^[ \t]*(\w+)[ \t]*(?::[^=\n]*)?=(?!=)", lines, re.M)
            # Not what is a function's own.
            made = {name: here.user_ns[name] for name in names if name in here.user_ns}
        _todos[number] = TodoRun(lines, writes[1] if writes else "", made)
    # What was set in another way is set all the same, as by `def`.
    other = [name for name in _raised if variable(name) is not here._workshop_before.get(name)]
    for name in [*other, *re.findall(r"^[ \t]*(?:# TODO )?(\w+)[ \t]*(?:=(?!=)|:[ \t])", cell, re.M)]:
        _raised.pop(name, None)
        if error is not None and variable(name) is here._workshop_before.get(name):
            _raised[name] = error  # the last one is the last in the table


def _show(here: Any, kind: type, error: BaseException, trace: Any, tb_offset: int | None = None) -> list[str]:
    """A line in place of the traceback of that mistake, or of a name whose cell was not run; else as usual."""
    frames = [frame for frame, _ in walk_tb(trace)]
    in_cell = kind is NameError and frames and frames[-1].f_globals is here.user_ns
    name = str(getattr(error, "name", "")) if in_cell else ""
    if name and (cell := cell_of(number_of(here._workshop_folder), name)):
        lines = [f"{name} is not defined: the cell that sets it was not run in this kernel.", f"  Next: run {cell}"]
    elif name and name in "abcd":  # a choice
        lines = [f"{name} is not defined.", f'  Next: a choice has quotes: "{name}"']
    elif re.search(RUN_SYNC.pattern, str(error)):
        for frame in frames:
            unused = frame.f_locals.get("main")  # what asyncio.run was given
            if iscoroutine(unused):
                unused.close()  # or else some later cell would be told that it was never awaited
        lines = [f"{kind.__name__}: {error}", f"  Next: {RUN_SYNC.slip}"]
    else:
        lines = here.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=tb_offset)
    here._showtraceback(kind, error, lines)
    return lines
