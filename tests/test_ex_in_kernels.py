"""The notebook's side, in real kernels: where files land, processes that never stay behind, lines and no tracebacks."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.folders import HELLO_TEMPORAL
from tests.harness import PracticeFrom, Solutions
from tests.kernels import Kernel, kernel, until_gone
from tests.tree import exercise_folder, variables
from tools.notebooks import copy_of_the_tree
from workshop.processes import wait_for
from workshop.services import Services

CANARY = "sk-canary-7Q2M9X4T"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_tree(tmp_path_factory.mktemp("of_all") / "tree")


@pytest.fixture(scope="module")
def handed_out(root: Path) -> set[Path]:
    """What is in the tree before any kernel has run there."""
    return set(root.rglob("*"))


@pytest.fixture(scope="module")
def lasting(services: Services, root: Path, handed_out: set[Path]) -> Iterator[Kernel]:
    """A kernel that VS Code would start: in the root of the workspace. Tests that need no new one share it."""
    settings = services.settings
    unused = Solutions(services, PracticeFrom(settings.practice_url), root.parent)
    with kernel(root, variables(unused, root, root / ".workshop")) as one:
        yield one


@pytest.fixture
def notebook(lasting: Kernel, solutions: Solutions, root: Path, handed_out: set[Path]) -> Iterator[Kernel]:
    """That kernel as if it were new, exercise 02 solved and prepared."""
    if not lasting.alive:
        lasting.restart()
    lasting.run(f"import os\nos.chdir({str(root)!r})")
    shutil.rmtree(root / ".workshop", ignore_errors=True)
    for path in set(exercise_folder(root, "02").iterdir()) - handed_out:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    exercise_folder(root, "02", solved=True)
    said = lasting.run('from workshop.notebook import exercise\nex = exercise("02")')
    assert not said.error
    assert said.text.startswith("Exercise 02 is ready: practice model, practice weather")
    assert said.text.count("\n") == 2
    yield lasting
    if lasting.alive:
        lasting.run("ex.worker.stop()\nex.close()")


@pytest.fixture
def own_root(tmp_path: Path) -> Path:
    """A copy of the tree for one test alone."""
    return copy_of_the_tree(tmp_path / "tree")


@pytest.fixture
def own_env(solutions: Solutions, own_root: Path) -> dict[str, str]:
    return variables(solutions, own_root, own_root / ".workshop")


def worker_pid(text: str) -> int:
    found = re.search(r"Worker running: process (\d+) polls the task queue temporal-hello-world", text)
    assert found, text
    assert psutil.pid_exists(int(found[1]))
    return int(found[1])


def started_by(notebook: Kernel) -> set[int]:
    """The processes that run because of a kernel."""
    children = psutil.Process(notebook.pid).children(recursive=True)
    return {child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE}


def test_a_lesson_from_start_to_proof(notebook: Kernel, root: Path) -> None:
    """Files land beside the notebook (case R37); a worker is replaced, killed, missed, and comes back."""
    notebook.run("%%writefile noted.txt\nhere")
    assert (exercise_folder(root, "02") / "noted.txt").read_text() == "here\n"
    assert not (root / "noted.txt").exists()

    first = worker_pid(notebook.run("ex.worker.start()").text)
    again = notebook.run("ex.worker.start()").text
    assert "replaced" in again
    second = worker_pid(again)
    assert first != second
    until_gone(first)

    asked = notebook.run('asked = ex.ask("CA")')
    assert "Warning" in asked.text
    assert not asked.error
    assert notebook.run("print(asked.exit_code, asked.workflow_id)").text.startswith("0 temporal-hello-world-")

    audit = notebook.run("ex.audit()").text
    assert "get_weather_alerts" in audit
    assert "\x1b" not in audit
    everything = 'ex.audit(); ex.why(); ex.ledger(); ex.hint("timer"); ex.solution("timer"); ex.progress(); ex.clear()'
    shown = notebook.run(everything)
    assert shown.mimes == ("text/html", "text/plain") * everything.count("ex.")
    assert "list prices" in shown.text
    assert "list prices" not in notebook.run("ex.ledger()").text  # once is enough
    picture = notebook.run("ex.timeline()")
    assert set(picture.mimes) == {"text/html", "text/plain"}
    assert "✓ 0 recorded calls made again" in picture.text
    assert "It is over." in notebook.run("ex.watch(5)").text

    blank = notebook.run('blank = ex.ask(" ")\nprint(blank.exit_code, blank.workflow_id)').text  # case C20
    assert "nothing was started" in blank
    assert blank.endswith("None None\n")

    killed = notebook.run("ex.worker.kill()").text
    assert f"process {second}" in killed
    until_gone(second)
    missed = notebook.run('ex.ask("TX", wait=1, watch=True)')
    assert missed.mimes[:2] == ("text/html", "text/plain")  # a display of its own, that is updated in place
    assert "waits for: a worker for its next step" in " ".join(missed.text.split())
    missed = missed.text
    assert "No answer after 1 s" in missed
    assert "ex.worker.start()" in missed
    assert "No worker runs." in notebook.run("ex.worker.stop()").text
    bounded = notebook.run("ex.wait(3)").text
    assert "... waiting for temporal-hello-world-" in bounded
    assert "Not finished after 3 s" in bounded

    watched = notebook.interrupt_when("ex.watch(60)", "Watching for")
    assert watched.error == "Interrupted."
    third = worker_pid(notebook.run("ex.worker.start()").text)
    assert "Practice County" in notebook.run("ex.wait()").text
    assert "no worker" in notebook.run("ex.timeline()").text
    proof = notebook.run("proof = ex.proof()\nprint(proof.agree, proof.made_again)").text
    assert "recorded calls made again: 0" in proof
    assert proof.endswith("True 0\n")
    assert "area=TX" in notebook.run("ex.ledger()").text
    assert "polls the task queue" in notebook.run("ex.worker.logs()").text
    assert "completed" in notebook.run("ex.why()").text
    assert "Worker stopped" in notebook.run("ex.worker.stop()").text
    until_gone(third)


def test_a_fault_of_another_notebook_is_told(notebook: Kernel, solutions: Solutions) -> None:
    """Case C32."""
    notebook.run("ex.worker.start()")
    notebook.run('ex.fault("weather", "slow", delay=0.1)')
    assert "Another notebook" not in notebook.run('ex.ask("CA")').text
    for target, kind in (("model", "down"), ("weather", "garbage")):
        solutions.practice.fault(target, kind, times=1)
        asked = notebook.run('ex.ask("CA")').text.splitlines()
        (told,) = [line for line in asked if line.startswith("Another notebook or a terminal has set a fault")]
        assert f"{target} {kind}" in told
        assert told.endswith("ex.clear()")
        solutions.practice.clear(target)
    # One that this notebook has set and cleared is another's when it is set again.
    notebook.run('ex.fault("weather", "slow", delay=0.1)\nex.clear()')
    solutions.practice.fault("weather", "slow", delay=0.1)
    assert "Another notebook" in notebook.run('ex.ask("CA")').text


def test_an_interrupted_cell_ends_what_it_started(notebook: Kernel, root: Path) -> None:
    pid = worker_pid(notebook.run("ex.worker.start()").text)
    before = started_by(notebook)
    asked = notebook.interrupt_when('ex.ask("TX", delay=60, wait=60)', "See it at")
    assert asked.error.endswith("Interrupted.")
    assert "Traceback" not in asked.error
    waiting = notebook.interrupt_when("ex.wait(60)", "... waiting for")
    assert waiting.error.endswith("Interrupted.")
    wait_for("the starter to end", lambda: started_by(notebook) == before)
    # The worker is still the notebook's: it runs, and can be stopped.
    assert str(pid) in notebook.run("print(ex.worker.running, ex.worker.pid)").text
    assert "Worker stopped" in notebook.run("ex.worker.stop()").text
    until_gone(pid)


def test_a_worker_that_is_older_than_its_files_or_not_alone_is_named(
    notebook: Kernel, root: Path, solutions: Solutions
) -> None:
    forgotten = solutions.worker(HELLO_TEMPORAL)
    started = notebook.run("ex.worker.start()").text
    worker_pid(started)
    assert f"Another worker, {forgotten.pid}@" in started
    assert str(HELLO_TEMPORAL) in started
    folder = exercise_folder(root, "02")
    (folder / "starter.py").write_text((folder / "starter.py").read_text() + "\n")
    (folder / "hour.py").write_text("from workflows import *\n")  # as a later cell of a lesson does
    (folder / "activities.py").write_text((folder / "activities.py").read_text())
    assert "older" not in notebook.run("print(ex.worker)").text
    (folder / "activities.py").write_text((folder / "activities.py").read_text() + "\n")
    for cell in ("print(ex.worker)", 'asked = ex.ask("CA")', "ex.why()"):
        assert "older than activities.py" in notebook.run(cell).text
    restarted = notebook.run("ex.worker.restart()").text
    assert "Another worker" in restarted
    assert "No file has changed" not in restarted
    assert forgotten.kill()
    assert "older" not in notebook.run("print(ex.worker)").text
    restarted = notebook.run("ex.worker.restart()").text
    assert "Another worker" not in restarted
    assert "No file has changed since the worker was started before" in restarted


def test_a_worker_that_dies_is_told_with_its_last_lines(notebook: Kernel, root: Path) -> None:
    folder = exercise_folder(root, "02")
    worker = (folder / "worker.py").read_text()
    (folder / "worker.py").write_text(worker.replace("workflows=[TemporalHelloWorld]", "workflows=[Misspelt]"))
    said = notebook.run("ex.worker.start()")
    assert "ended (exit code 1)" in said.text
    assert "NameError: name 'Misspelt' is not defined (worker.py, line " in said.text
    assert "Traceback" not in said.text + said.error
    (folder / "worker.py").unlink()
    assert "There is no worker.py" in notebook.run("ex.worker.start()").text
    (folder / "agents.py").write_text("")
    assert "agents.py hides the package agents" in notebook.run('ex.ask("CA")').text
    assert "shadow" in notebook.run('print(ex.check("activity").code)').text


def test_the_usual_slip_of_notebooks_is_named(own_root: Path, own_env: dict[str, str]) -> None:
    """Case R39, and variables of a notebook, of which a module is always as its file is."""
    folder = exercise_folder(own_root, "01", solved=True)
    with kernel(folder, own_env) as one:
        one.run('from workshop.notebook import exercise\nex = exercise("01")')
        assert "not attempted: tool" in one.run('weather_tool = None\nex.check("tool")').text
        one.run("from activities import get_weather_alerts\nfrom agents import Runner, function_tool")
        assert "passed: tool" in one.run('weather_tool = function_tool(get_weather_alerts)\nex.check("tool")').text
        one.run("from workflows import weather_agent\nagent = weather_agent(weather_tool)")
        assert "passed: agent" in one.run('ex.check("agent", agent)').text

        one.run("# TODO 3: run it\nresult = Runner.rnu(agent)\n# END TODO 3")
        assert "rnu" in one.run('ex.check("run")').text
        one.run('# TODO 3: run it\nanswer = await Runner.run(agent, "Texas?")\n# END TODO 3')
        assert "ran, and set no result, but answer" in one.run('ex.check("run")').text
        one.run("import asyncio")
        for call in ('Runner.run_sync(agent, "Texas?")', 'asyncio.run(Runner.run(agent, "Texas?"))'):
            slip = one.run(f"result = {call}")
            assert "such as `await Runner.run(...)`" in slip.error
            assert "Traceback" not in slip.error
            checked = one.run('ex.check("run")')
            assert "raised: run" in checked.text
            assert "such as `await Runner.run(...)`" in checked.text
            assert not checked.error
        assert "NameError" in one.run("unknown_name").error  # all other errors as always
        one.run("# TODO 3: run it\nraise NotImplementedError")
        assert "not attempted: run" in one.run('ex.check("run")').text
        one.run('result = await Runner.run(agent, "Any weather alerts in Texas?")')
        assert "passed: run" in one.run('ex.check("run")').text

        # The old result is still there, and is not what the cell made.
        for slip, error in (
            ("Runner.run('Texas?', agent)", "AttributeError"),
            ("Runner.rnu(agent)", "rnu"),
            ("", "Syntax"),
        ):
            one.run(f"result = await {slip}")
            checked = one.run('ex.check("run")').text
            assert "raised: run" in checked
            assert error in checked
        one.run('result = await Runner.run(agent, "Any weather alerts in Texas?")')
        assert "passed: run" in one.run('ex.check("run")').text

        # What the cell of a TODO did, if that is not what was asked.
        one.run('# TODO 3: run it\nresult = print(await Runner.run(agent, "Texas?"))\n# END TODO 3')
        assert "ran, and result is None" in one.run('ex.check("run")').text
        one.run('# TODO 3: run it\nresult = None\nmine = await Runner.run(agent, "Texas?")\n# END TODO 3')
        assert "what you made is kept in mine" in one.run('ex.check("run")').text
        one.run('question = "Texas?"')
        once = "result = await Runner.run(agent, question)"
        one.run(f"# TODO 3: run it\n{once}\n{once}\n# END TODO 3")
        assert "runs the agent 2 times" in one.run('ex.check("run")').text
        assert "passed: run" in one.run(f'{once}\nex.check("run")').text
        one.run("# TODO 3: run it\nresult = (await Runner.run(agent)\n# END TODO 3")
        assert "'(' was never closed (the cell, line 2: " in one.run('ex.check("run")').text
        one.run("# TODO 3: run it\nresult = await runner.run(agent)\n# END TODO 3")
        assert "Did you mean Runner?" in one.run('ex.check("run")').text
        (folder / "workflows.py").rename(folder / "workflow.py")
        one.run("# TODO 2: the agent\n# END TODO 2")
        assert "ran in the notebook, and wrote no file" in one.run('ex.check("agent")').text
        (folder / "workflow.py").rename(folder / "workflows.py")

        (folder / "workflows.py").write_text((folder / "workflows.py").read_text().replace("Weather agent", "Anna"))
        assert one.run("from workflows import weather_agent\nprint(weather_agent(weather_tool).name)").text == "Anna\n"


def test_no_piece_of_a_key_is_shown(own_root: Path, own_env: dict[str, str]) -> None:
    """Case R43, with faults refused politely where there are none."""
    folder = exercise_folder(own_root, "02", solved=True)
    (folder / "starter.py").write_text("import os\nprint('key', os.environ['OPENAI_API_KEY'])\n")
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        own_env.pop(name)
    kept = [line for line in (own_root / ".env").read_text().splitlines() if not line.startswith("OPENAI_")]
    (own_root / ".env").write_text("\n".join([f"OPENAI_API_KEY={CANARY}", *kept]))
    with kernel(folder, own_env) as one:
        said = one.run('from workshop.notebook import exercise\nex = exercise("02")').text
        assert "OpenAI" in said
        said += one.run('ex.ask("CA")').text + one.run('ex.fault("model", "down")').text
        assert "key (hidden)" in said
        assert "no faults to set" in said
        said += one.run('ex.check("starter")').text + one.run("ex.progress()").text
        pieces = {CANARY[at : at + 4] for at in range(len("sk-canary-"), len(CANARY) - 3)}
        assert not [piece for piece in pieces if piece in said]


def test_files_of_the_tree_stay_as_they_are(notebook: Kernel, root: Path, handed_out: set[Path]) -> None:
    """Nothing is written but beside the notebook and in the state directory."""
    here = {path.name for path in exercise_folder(root, "02").iterdir()}
    checked = notebook.run('ex.check("activity")')
    assert "passed: activity" in checked.text
    assert checked.mimes == ("text/html", "text/plain")  # where it is made, and not once more by its cell
    assert {path.name for path in exercise_folder(root, "02").iterdir()} == here
    elsewhere = {path.relative_to(root) for path in set(root.rglob("*")) - handed_out}
    elsewhere -= {path.relative_to(root) for path in exercise_folder(root, "02").iterdir()}
    assert {path.parts[0] for path in elsewhere} == {".workshop"}


def test_a_restarted_or_killed_kernel_leaves_no_worker(notebook: Kernel, root: Path) -> None:
    """The last one here: after it the shared kernel would have to be started anew."""
    files = {path.name for path in exercise_folder(root, "02").iterdir()}
    pid = worker_pid(notebook.run("ex.worker.start()").text)
    notebook.restart()
    until_gone(pid)

    # Case C31: nothing of ours is loaded then.
    said = notebook.run("ex.worker.start()").error
    assert (
        said
        == "ex is not defined: this kernel is new, or was restarted.\n  Next: run the notebook's first code cell again"
    )
    assert "Traceback" in notebook.run("unknown_name").error
    notebook.run('from workshop.notebook import exercise\nex = exercise("02")')
    said = notebook.run("print(slip)").error
    assert said.startswith(
        "slip is not defined: the cell that sets it was not run in this kernel.\n  Next: run the cell"
    )
    assert "Step 8: a deliberate mistake" in said
    said = notebook.run('ex.predict("timer", b)').error
    assert said == 'b is not defined.\n  Next: a choice has quotes: "b"'
    assert "Your choice: b" in notebook.run('ex.predict("timer", "b")').text
    pid = worker_pid(notebook.run("ex.worker.start()").text)
    helpers = started_by(notebook)
    notebook.kill()
    until_gone(pid)
    for helper in helpers:
        until_gone(helper)
    assert files <= {path.name for path in exercise_folder(root, "02").iterdir()}
