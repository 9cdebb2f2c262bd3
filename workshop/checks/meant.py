"""What a name or a line that Python does not know was meant to be. Python 3.11 says it of fewer, and in a terminal."""

import ast
import importlib
import inspect
import keyword
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from workshop.checks.pristine import files_with, left_to_set, tree_of
from workshop.exercises import GIVEN

# Where the names are that an exercise uses, by what a learner would write.
HOMES = (
    *("temporalio", "temporalio.common", "temporalio.exceptions", "temporalio.client", "temporalio.worker"),
    *("temporalio.workflow", "temporalio.openai_agents", "temporalio.openai_agents.workflow"),
    *("agents", "datetime", "uuid", "httpx"),
)
LENGTHS = ("days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "weeks")
FEW = 8  # names that a reader looks through


def meant(error: str, source: str = "", known: Iterable[str] = (), line: int = 0, file: str = "") -> str:
    """What was probably meant, as a sentence; "" if nothing is near.

    Args:
        error: "Type: message".
        source: the text of the file or cell that raised it.
        known: other names that could have been used there: a notebook's variables, an object's attributes.
        line: of the source, that raised it; 0 if it is not known.
        file: the name of the source's file; "" for a cell.
    """
    if error.startswith("SyntaxError"):
        lines = ["", *(text.strip() for text in source.splitlines()[:line])]
        return _line(*lines[-2:]) if len(lines) > max(line, 1) else ""
    if found := re.search(r"(?:name|local variable) '(\w+)' (?:is not defined|where it is not)", error):
        return _unset(found[1], source) or _name(found[1], source, known, file) * error.startswith("NameError")
    if found := re.search(r"(Activity|Workflow) <unknown> missing", error):
        return _listed(source)
    if found := re.search(r"(\w+)\.__init__\(\) missing", error):
        near = _near(found[1], re.findall(r"[a-z]\w+", source))  # function_tool, where its class is called
        return _did_you_mean(near) if inspect.isfunction(_found(near)[1]) else ""
    if found := re.search(r"'(\w+)' is an invalid keyword argument", error):
        return _did_you_mean(_near(found[1], LENGTHS))
    if found := re.search(r"(?:(\w+)\.)?(\w+)\(\) got an unexpected keyword argument '(\w+)'", error):
        return _keyword(found[1] or "", found[2], found[3], source)
    if found := re.search(r"(?:(\w+)\.)?(\w+)\(\) (takes|missing) .* positional argument", error):
        return _keyword(found[1] or "", found[2], "", source)
    if found := re.search(r"module '([\w.]+)' has no attribute '(\w+)'", error):
        if found[2] in _names(tree_of(source)):
            return f"{found[2]} has a name of its own here: write it without `{found[1].rpartition('.')[2]}.`"
        module = sys.modules.get(found[1])
        return _did_you_mean(_near(found[2], [one for one in dir(module) if _defines(module, one)]))
    if "'NoneType' object" in error and (idle := _idle(tree_of(source), ast.Name)):
        return f"Nothing uses {' or '.join(idle[:2])}: is that the value that was meant?"
    if found := re.search(r"type object '[\w.]*?(\w+)' has no attribute '\1'", error):
        return f"{found[1]} is the class itself there: write it once, without `{found[1]}.` before it."
    if found := re.search(r"'(\w+)' (?:object )?has no attribute '(\w+)'", error):
        if holder := next((one for one in known if one.endswith(f".{found[2]}")), ""):
            return _did_you_mean(holder)
        if near := _near(found[2], [*known, *dir(_found(found[1])[1])]):
            return _did_you_mean(near)
        owners = [one for one in (*_names(tree_of(source)), "Client") if found[2] in dir(_found(one)[1])]
        return f"It is the {owners[0]} that has {found[2]}." if owners else ""
    if found := re.search(r"cannot import name '(\w+)' from '([\w.]+)'", error):
        home = _found(found[1])[0] or _given(found[1])
        elsewhere = f"It is in {home}: `from {home} import {found[1]}`." if home and home != found[2] else ""
        return elsewhere or _did_you_mean(_near(found[1], dir(sys.modules.get(found[2]))))
    if found := re.search(r"No module named '(\w+)'", error):
        files = [path.stem for path in Path().glob("*.py")]
        return _did_you_mean(_near(found[1], [*files, "agents", "temporalio", "httpx", *sys.stdlib_module_names]))
    return ""


def _line(above: str, line: str) -> str:
    """Of a line that Python cannot read, and the one above it."""
    if above.startswith("@"):
        below = f"{above} is a decorator: right below it stands a `def`, an `async def` or a `class`."
        return f"{below} Of a function that is defined elsewhere, a call makes something: function_tool(...)."
    for pair in re.findall(r"\b([A-Za-z_]\w*) +(?=([A-Za-z_]\w*))", re.sub(r"\".*?\"|'.*?'", "", line)):
        if any(map(keyword.iskeyword, pair)):
            continue
        for name in pair:
            same = [word for word in keyword.kwlist if sorted(word) == sorted(name.lower())]
            if near := same or get_close_matches(name.lower(), keyword.kwlist, 1, 0.8):
                meant = f"`{near[0]}` was probably meant"
                return f"Python does not know {name} there: {meant}. Every letter counts, and so do capitals."
        beside = "a call needs (...), values in a list a comma, a text quotes"
        return f"{pair[0]} and {pair[1]} stand side by side, with nothing between them: {beside}."
    return ""


def _unset(name: str, source: str) -> str:
    """Of a line that looks as if it gave the name a value."""
    if re.search(rf"^[ \t]*{name}[ \t]*==", source, re.M):
        return f"== compares two values; a single = gives {name} its value."
    if re.search(rf"^[ \t]*{name}[ \t]*:[ \t]*[\w.]+\(", source, re.M):
        return f"A colon after {name} declares a type; = gives it its value."
    return ""


def _listed(source: str) -> str:
    """Of what a worker is given in its lists, and is no name of a class or function."""
    keywords = [node for node in ast.walk(tree_of(source)) if isinstance(node, ast.keyword)]
    for node in keywords:
        for one in getattr(node.value, "elts", ()) if node.arg in ("workflows", "activities") else ():
            if not isinstance(one, ast.Name | ast.Attribute | ast.Starred):
                what = f"`{ast.unparse(one)}` stands in the list {node.arg}, in line {one.lineno}"
                return f"{what}: a class or a function belongs there, by its name, without quotes or brackets."
    return ""


def _name(name: str, source: str, known: Iterable[str], file: str) -> str:
    """Of a name that stands there alone, or before a dot."""
    tree = tree_of(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    after = re.findall(rf"(?<![\w.]){name}\.(\w+)", source)
    for node in imports:
        given = [alias.asname or alias.name for alias in node.names]
        if str(node.module).rpartition(".")[2] == name and after and set(after) <= set(given):
            return f"`from {node.module} import {after[0]}` imports {after[0]}, not {name}: write {after[0]} alone."
    if name in LENGTHS and re.search(rf"\b{name}\(", source):
        return f"A length of time is a timedelta, with its unit by name: timedelta({name}=...)."
    modules = list(_modules(imports))  # what the file has already
    if bound := next((bound for bound, module in modules if after and _defines(module, after[0])), ""):
        return _did_you_mean(f"{bound}.{after[0]}")
    client = vars(_found("Client")[1] or object)
    if after and "client" in _names(tree) and inspect.isfunction(client.get(after[0])):
        return _did_you_mean(f"client.{after[0]}")
    if left_to_set(file, name):
        unrun = f"No line that gives {name} its value has run: the lines of the TODO have to, with {name} = ..."
        return _instead(name, tree) or unrun
    there = files_with(name)
    files = " and ".join(sorted(there))
    if file and there and file not in there:
        return f"{name} is a name of {files}, and {file} neither imports nor makes it: does that line belong there?"
    if beside := _given(name):
        return f"`from {beside} import {name}` is missing."
    home, found = _found(name)
    fits = found is not None and all(hasattr(found, one) for one in after)
    if fits and after:
        return f"`from {home} import {name}` is missing."
    code = re.sub(r"^[ \t]*(from|import) .*", "", source, flags=re.M)
    if not after and (dotted := re.search(rf"(?:\w+(?:\(\))?\.)+{name}\b", code)):
        return f"It belongs to {dotted[0].rpartition('.')[0]}: write {dotted[0]}."
    if near := _near(name, [*_names(tree), *known]) or _near(name, ("True", "False", "None", "print", "str")):
        return _did_you_mean(near)
    if bound := next((bound for bound, module in modules if _defines(module, name)), ""):
        return f"It belongs to {bound}: write {bound}.{name}."
    if name in sys.stdlib_module_names:
        module = importlib.import_module(name)
        if not after or hasattr(module, after[0]):
            return f"`import {name}` is missing."
        home, fits = name, hasattr(getattr(module, name, None), after[0])  # datetime.datetime.now
    made = f"{name} is a name of {files}: is its import missing?" if there and not file else ""
    if fits:
        return f"`from {home} import {name}` is missing."
    uses = any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))
    return made or _instead(name, tree) or (f"Nothing in this file makes or imports {name}." if uses else "")


def _instead(name: str, tree: ast.Module) -> str:
    """What a file does in place of giving a name its value, for a name that nothing is near to."""
    if below := next((node for node in tree.body if getattr(node, "name", "") == name), None):
        return f"{name} is made in line {below.lineno}, and not known before that."
    needed = min((node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name), default=0)
    awaits = [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Await)]
    for node in awaits:
        if node.lineno < needed and "sleep" not in ast.unparse(node):
            return f"Line {node.lineno} does not keep what it awaits: {name} = {ast.unparse(node)}."
    if idle := needed and _idle(tree, ast.Name, ast.arg):
        return f"Nothing gives {name} a value, and nothing uses {' or '.join(idle[:2])}: are they meant to be the same?"
    return ""


def _idle(tree: ast.Module, *kinds: type) -> list[str]:
    """What gets a value in a function, and is never used: names of these kinds, each with its line."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.arg)]
    used = {node.id for node in names if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    made = {ast.unparse(node).partition(":")[0]: node for node in names if node.col_offset and type(node) in kinds}
    return [f"{one} in line {node.lineno}" for one, node in made.items() if one not in (*used, "self", "context")]


def _keyword(owner: str, function: str, name: str, source: str) -> str:
    """Of the name of an argument, or of too many or too few without a name: `owner` is the class of a method, or ""."""
    called = getattr(_found(owner)[1], function, None) if owner else _found(function)[1]
    parameters = [one for one in _parameters(called).values() if one.name != "self"]
    if not name:
        names = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
        return f"By position it takes {', '.join(names)}." if names else ""
    names = [one.name for one in parameters if one.kind is not one.VAR_KEYWORD]
    others = [one for one in _names(tree_of(source)) if name in _parameters(_found(one)[1])]
    if others := others or ["timedelta"] * (name in LENGTHS):
        return f"{name} is an argument of {others[0]}(...): it goes between the () of that call."
    if near := _near(name, names):
        return _did_you_mean(near)
    needed = [one.name for one in parameters if one.default is one.empty and one.name in names]
    takes = names if len(names) <= FEW else needed if len(needed) > 1 else []
    return f"It takes {', '.join(takes)}." if takes else ""


def _parameters(called: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(called).parameters
    except (TypeError, ValueError):  # nothing that is called, or not written in Python
        return {}


def _near(name: str, candidates: Iterable[str]) -> str:
    """The candidate that a name was meant to be; "" if none is near."""
    names = [one for one in dict.fromkeys(candidates) if one != name and not one.startswith("_")]
    bare = {one.lower().replace("_", ""): one for one in reversed(names)}
    longer = [one for one in names if one.startswith(name) or one.endswith(f"_{name}")] if len(name) > 2 else []
    if same := bare.get(name.lower().replace("_", "")):
        return " or ".join([same, *longer][:2])
    # A mistyped letter or two; the beginning or the end of a longer name; a longer name than it should be.
    if close := get_close_matches(name, names, 1, 0.86):
        return close[0]
    if 0 < len(longer) <= FEW:
        return " or ".join(longer)
    parts = set(name.lower().split("_"))
    if len(parts) > 1 and (longer := [one for one in names if parts <= set(one.lower().split("_"))]):
        return longer[0]
    if name.endswith("_id") and "id" in names:
        return "id"
    return next(iter(get_close_matches(name, names, 1, 0.83)), "")


def _did_you_mean(name: str) -> str:
    return f"Did you mean {name}?" if name else ""


def _names(tree: ast.Module) -> Iterator[str]:
    """What a file gives a name to, its imports last."""
    for node in sorted(ast.walk(tree), key=lambda node: isinstance(node, ast.alias)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]


def _modules(imports: Iterable[ast.ImportFrom]) -> Iterator[tuple[str, ModuleType]]:
    """The modules that `from package import module` gives a file, by the name that they have there."""
    for node in imports:
        for alias in node.names:
            if module := sys.modules.get(f"{node.module}.{alias.name}"):
                yield alias.asname or alias.name, module


def _defines(module: Any, name: str) -> bool:
    """Whether something is a module's own, and not what it imports itself."""
    if module.__name__ == "temporalio" and name in ("workflow", "activity"):
        return True
    origin = str(getattr(getattr(module, name, None), "__module__", ""))
    package: str = module.__name__.partition(".")[0]
    return origin.partition(".")[0] == package


def _found(name: str) -> tuple[str, Any]:
    """A class or function of the packages, by its name, and the module that has it; None if there is none."""
    modules = [module for home in HOMES if (module := sys.modules.get(home))]
    return next(((one.__name__, getattr(one, name)) for one in modules if _defines(one, name)), ("", None))


def _given(name: str) -> str:
    """The module beside the learner's files, of those that are given, that makes a name; "" if none does."""
    there = [Path(file) for file in GIVEN if Path(file).is_file()]
    makes = rf"^(?:async )?def {name}\b"
    return next((file.stem for file in there if re.search(makes, file.read_text(encoding="utf-8"), re.M)), "")
