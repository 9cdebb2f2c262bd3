"""The laws of the house: who may import whom, solutions that stand alone, files that say the same."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.folders import ALL, DURABLE, HELLO_AGENT, LESSONS, SOLUTIONS
from workshop.exercises import GIVEN
from workshop.settings import ROOT

# Each room of the helper package, and the rooms below it that it may import.
BELOW = {
    "errors": set(),
    "settings": {"errors"},
    "exercises": {"errors"},
    "text": set(),
    "shown": {"text"},
    "loopback": set(),
    "preload": set(),
    "jupyter": set(),
    # Its client raises WorkshopError; its console sends decisions.
    "practice": {"approval", "errors", "exercises", "loopback", "settings", "shown", "temporal", "text"},
    "processes": {"errors", "settings"},
    "fork_server": {"errors", "preload", "processes"},
    "services": {"errors", "loopback", "processes", "settings", "text"},
    "up_and_down": {"errors", "processes", "services", "settings", "text"},
    "env": {"errors", "settings", "text"},
    "doctor": {"env", "errors", "loopback", "processes", "settings", "temporal", "text"},
    "temporal": {"errors", "processes", "settings"},
    "history": {"errors", "temporal", "text"},
    "audit": {"history", "shown", "temporal", "text"},
    "kills": set(),
    "svg": {"shown", "text"},
    "chart": {"proof", "text"},
    "chart_svg": {"chart", "proof", "svg", "text"},
    "chart_text": {"chart", "proof", "shown", "text"},
    "timeline": {"audit", "chart", "chart_svg", "chart_text", "history", "kills", "proof", "shown", "svg", "text"},
    "proof_picture": {"chart", "chart_svg", "chart_text", "proof", "shown", "svg", "text"},
    "proof": {"history", "text"},
    "approval": {"errors", "history", "temporal", "text"},
    "why": {"approval", "errors", "exercises", "history", "settings", "shown", "temporal", "text"},
    "checks": {
        *("why", "errors", "history", "loopback", "practice", "processes", "proof", "services", "settings"),
        *("exercises", "temporal", "text", "fork_server"),
    },
    "demo": {
        *("errors", "fork_server", "history", "practice", "processes", "proof", "services", "settings", "temporal"),
        "text",
    },
    "compare": {
        *("chart_svg", "demo", "errors", "fork_server", "practice", "processes", "proof", "services", "settings"),
        *("shown", "svg", "text"),
    },
}
TOP = {"cli", "notebook"}  # may import all that is above


def imports(path: Path) -> set[str]:
    """The modules that a file names in its imports, whole."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms(names: set[str]) -> set[str]:
    """The rooms of the helper package among module names."""
    parts = [name.split(".") for name in names if name.startswith("workshop.")]
    return {part[1] for part in parts if part[1] in BELOW.keys() | TOP}


@pytest.mark.parametrize("path", sorted((ROOT / "workshop").rglob("*.py")), ids=lambda path: path.stem)
def test_imports_go_down_only(path: Path) -> None:
    room = path.relative_to(ROOT / "workshop").parts[0].removesuffix(".py")
    if room == "__init__":
        return
    assert room in BELOW or room in TOP, f"{room} has no place in the plan of the house"
    above = rooms(imports(path)) - {room}
    assert above <= BELOW.get(room, BELOW.keys() | {"notebook"})
    assert not {name.split(".")[0] for name in imports(path)} & {"solutions", "exercises", "tests", "bench"}


def test_a_name_means_one_class() -> None:
    names = [
        node.name
        for room in ("workshop", "solutions", "tests", "bench", "tools")
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


def test_one_place_starts_processes() -> None:
    starts = re.compile(r"subprocess\.Popen\(|os\.fork\(|os\.spawn")
    files = sorted((ROOT / "workshop").rglob("*.py"))
    assert [path.stem for path in files if starts.search(path.read_text(encoding="utf-8"))] == ["processes"]


def test_one_place_reads_dotenv_files() -> None:
    """Commands, doctor and notebooks see the same settings. preload only imports it; a check makes it inert."""
    readers = set()
    for path in (ROOT / "workshop").rglob("*.py"):
        if any(name.split(".")[0] == "dotenv" for name in imports(path)):
            readers.add(path.stem)
    assert readers == {"env", "preload", "script"}


@pytest.mark.parametrize("folder", ALL + LESSONS, ids=lambda folder: folder.name)
def test_a_solution_stands_alone(folder: Path) -> None:
    files = {path.name for path in folder.glob("*.py")}
    assert {"activities.py", "workflows.py", "worker.py", "starter.py"} <= files
    for name in files:
        assert not rooms(imports(folder / name))
        assert "workshop" not in {module.split(".")[0] for module in imports(folder / name)}
    for name in GIVEN:
        assert (folder / name).read_bytes() == (DURABLE / name).read_bytes()


def test_the_sandbox_stays_on_and_loops_are_not_nested() -> None:
    forbidden = re.compile(r"UnsandboxedWorkflowRunner|sandboxed=False|nest_asyncio|sandbox_unrestricted")
    for path in SOLUTIONS.rglob("*.py"):
        assert not forbidden.search(path.read_text(encoding="utf-8")), path


def definition(path: Path, name: str) -> str:
    """A function of a file, as code without its layout and comments."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return next(ast.dump(node) for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)


def test_the_agent_is_the_same_plain_and_durable() -> None:
    """No change to the agent's own code: 01 runs it plainly, 03 durably."""
    plain = definition(HELLO_AGENT / "workflows.py", "weather_agent")
    assert plain == definition(DURABLE / "workflows.py", "weather_agent")
    for path in (HELLO_AGENT / "starter.py", DURABLE / "workflows.py"):
        assert "Runner.run(weather_agent(" in path.read_text(encoding="utf-8")


def test_the_lock_file_names_no_host() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    pinned = re.findall(r"^[a-z0-9._-]+==", text, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-z0-9._-]+==.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)) > 50


def test_the_devcontainer_sets_up_starts_and_labels() -> None:
    config = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    known = {
        *("name", "image", "hostRequirements", "updateContentCommand", "postStartCommand"),
        *("forwardPorts", "portsAttributes", "secrets", "customizations"),
    }
    assert set(config) <= known
    assert config["forwardPorts"] == [8233, 8234]
    assert all(config["portsAttributes"][str(port)]["label"] for port in config["forwardPorts"])
    assert set(config["secrets"]["OPENAI_API_KEY"]) == {"description", "documentationUrl"}
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for command in (config["updateContentCommand"], config["postStartCommand"]):
        assert command.split()[:1] == ["make"]
        assert command.split()[1] in targets


def test_nothing_tracked_names_a_machine() -> None:
    """No path of somebody's machine, no registry's host."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    pattern = re.compile(rb"(?<![\w.$}-])/(?:root|work|home/[a-z]+)/|files\.pythonhosted|pypi\.org/simple")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and path.name not in ("test_repository.py", "test_notebook_files.py"):  # they look for it too
            assert not pattern.search(path.read_bytes()), name


def test_notebooks_that_share_their_services_run_one_after_another() -> None:
    """`pytest --nbmake exercises`, as the README has it: only `make test` runs tests side by side."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert "numprocesses" not in options["addopts"]
    assert "--numprocesses=6" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_a_clone_has_the_same_lines_everywhere(tmp_path: Path) -> None:
    """Case C05: git for Windows is told to write CRLF."""
    words = ["git", "clone", "--quiet", "-c", "core.autocrlf=true", str(ROOT), str(tmp_path / "clone")]
    subprocess.run(words, check=True)
    listed = subprocess.run(["git", "ls-files"], cwd=tmp_path / "clone", capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if not name.endswith(".png"):  # each begins with one
            assert b"\r\n" not in (tmp_path / "clone" / name).read_bytes(), name
