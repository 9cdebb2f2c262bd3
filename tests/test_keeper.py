"""The process that starts a notebook's programs: they are as `python script` would be, and none is left behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

import psutil
import pytest

from tests.kernels import until_gone
from tests.program import wait_for
from workshop.checks import find
from workshop.checks.prober import Prober
from workshop.errors import WorkshopError
from workshop.notebook.keeper import WARM
from workshop.notebook.keeping import Keeper
from workshop.notebook.scripts import kill
from workshop.processes import Record, fresh_log

# Each ends in another way, and prints to both streams on the way there.
ENDS = {
    "by itself": "",
    "with a code": "raise SystemExit(5)",
    "with a text": "raise SystemExit('No server.')",
    "in an exception": "def f():\n    raise ValueError('x')\nf()",
    "in one caused by another": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('y') from e",
    "before it begins": "x = (",
    "in its last breath": "import atexit\natexit.register(print, 'bye')",
}
BEGIN = """import sys, os, json
print(json.dumps([sys.argv, __name__, __file__, sys.path[0], os.getcwd(), sys.stdin.read()]))
print("to stderr", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def keeper() -> Iterator[Keeper]:
    made = Keeper()
    os.environ.pop("PYTEST_CURRENT_TEST")  # which changes with every test
    made.warm_up()
    yield made
    made.close()


def started(keeper: Keeper, script: Path, *arguments: str) -> tuple[Record, Path]:
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    log = script.with_suffix(".log")
    fresh_log(log).close()
    return keeper.start(script, list(arguments), log), log


def ended(keeper: Keeper, record: Record) -> int:
    wait_for("the program's end", lambda: record.process() is None)
    code = keeper.exit_code(record.pid)
    assert code is not None
    return code


@pytest.mark.parametrize("end", ENDS)
def test_a_program_is_as_python_would_run_it(keeper: Keeper, tmp_path: Path, end: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(BEGIN + ENDS[end])
    cold = subprocess.run(
        [sys.executable, "-u", script.name, "a b"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    record, log = started(keeper, script, "a b")
    assert ended(keeper, record) == cold.returncode
    assert log.read_text() == cold.stdout


def test_the_packages_are_there_already(keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import sys\nloaded = 'agents' in sys.modules and 'openai' in sys.modules\n")
    (tmp_path / "script.py").write_text("import helper\nprint(helper.loaded)")
    record, log = started(keeper, tmp_path / "script.py")
    assert ended(keeper, record) == 0
    assert log.read_text() == f"{sys.platform == 'linux'}\n"


def test_an_environment_that_changed_is_followed(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python and packages read some variables as they start; so then all is started anew."""
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    (tmp_path / "script.py").write_text("import sys\nprint(sys.flags.optimize, 'agents' in sys.modules)")
    record, log = started(keeper, tmp_path / "script.py")
    assert ended(keeper, record) == 0
    assert log.read_text() == "1 False\n"


def test_a_program_is_told_to_end(keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nprint(1)\nsignal.pause()"
    )
    record, log = started(keeper, tmp_path / "script.py")
    wait_for("its first line", log.read_text)
    assert psutil.Process(record.pid).cmdline() == record.command  # which tells it where clocks cannot
    psutil.Process(record.pid).terminate()
    assert ended(keeper, record) == 7


def test_programs_end_with_whoever_had_them_started(tmp_path: Path) -> None:
    """SIGKILL for the kernel: what runs is asked to end, and then made to."""
    (tmp_path / "polite.py").write_text(
        "import signal, sys\nfrom pathlib import Path\n"
        "signal.signal(signal.SIGTERM, lambda *_: (Path('asked').touch(), sys.exit()))\nprint(1)\nsignal.pause()"
    )
    (tmp_path / "stubborn.py").write_text(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(1)\nsignal.pause()"
    )
    kernel = (
        "import time\nfrom pathlib import Path\nfrom workshop.notebook.keeping import Keeper\nkeeper = Keeper()\n"
        "for name in ('polite', 'stubborn'):\n"
        "    log = Path(f'{name}.log')\n    log.touch()\n"
        "    print(keeper.start(Path(f'{name}.py').absolute(), [], log.absolute()).pid, flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", kernel], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout
        pids = [int(one.stdout.readline()) for _ in range(2)]
        keepers = psutil.Process(one.pid).children()
        for name in ("polite", "stubborn"):
            wait_for("its first line", (tmp_path / f"{name}.log").read_text)
        one.kill()
    for pid in (*pids, *(process.pid for process in keepers)):
        until_gone(pid)
    assert (tmp_path / "asked").exists()


def test_a_keeper_that_was_ended_is_replaced(keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import signal\nprint(1)\nsignal.pause()")
    record, log = started(keeper, tmp_path / "script.py")
    wait_for("its first line", log.read_text)
    assert keeper._companion
    os.kill(keeper._companion.pid, signal.SIGKILL)
    until_gone(record.pid)
    assert keeper.exit_code(record.pid) is None  # nobody was there to see it
    (tmp_path / "script.py").write_text("print(1)")
    record, _ = started(keeper, tmp_path / "script.py")
    assert ended(keeper, record) == 0


def test_a_killed_program_has_let_go_of_its_connections(keeper: Keeper, tmp_path: Path) -> None:
    """With its first thread gone, others may hold them a while longer: it has not ended then."""
    (tmp_path / "script.py").write_text(
        "import socket, sys, threading\n"
        "memory = bytearray(b'x') * (300 << 20)\n"  # which takes time to give back, before files are closed
        "for _ in range(200):\n    threading.Thread(target=threading.Event().wait).start()\n"
        "end = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\nend.sendall(b'x')\nthreading.Event().wait()"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        for _ in range(5):
            record, _ = started(keeper, tmp_path / "script.py", str(server.getsockname()[1]))
            end, _ = server.accept()
            with end:
                assert end.recv(1) == b"x"
                assert kill(record)
                assert end.recv(1, socket.MSG_DONTWAIT) == b""


def test_a_log_that_cannot_be_written_is_no_success(keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("print(1)")
    record = keeper.start(tmp_path / "script.py", [], tmp_path / "nowhere" / "log")
    assert ended(keeper, record) == 1


def family(prober: Prober) -> list[psutil.Process]:
    """The process of the checks, and those that it has started."""
    assert prober.practice_url().startswith("http://127.0.0.1:")
    assert prober._probe
    one = psutil.Process(prober._probe.pid)
    return [one, *one.children(recursive=True)]


def test_checks_have_its_imports_too_and_end_alone(keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import signal\nprint(1)\nsignal.pause()")
    record, _ = started(keeper, tmp_path / "script.py")
    prober = Prober(start=keeper.companion)
    first = family(prober)
    assert keeper._companion
    parent = keeper._companion.pid if WARM else os.getpid()
    assert first[0].ppid() == parent
    assert len(first) > 1
    first[0].kill()
    until_gone(first[0].pid)
    second = family(prober)
    assert second[0].ppid() == parent
    prober.close()
    for process in (*first, *second):
        until_gone(process.pid)
    program = record.process()
    assert program  # which runs on
    program.kill()


def test_checks_that_are_ended_while_they_are_made_say_so(keeper: Keeper, tmp_path: Path) -> None:
    told: Queue[str] = Queue()
    prober = Prober("03", told.put, keeper.companion)
    process = family(prober)[0]
    process.suspend()  # so that it cannot answer first
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(prober.look, "03", find("03", "tool"), tmp_path)
        while "a moment more" not in told.get(timeout=60):  # then it waits for the answer
            continue
        process.kill()
        with pytest.raises(WorkshopError, match="try again"):
            asked.result()
    prober.close()


def test_checks_end_with_a_keeper_and_go_on_without(keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("print(1)")
    record, _ = started(keeper, tmp_path / "script.py")
    assert ended(keeper, record) == 0
    prober = Prober(start=keeper.companion)
    first = family(prober)
    assert keeper._companion
    os.kill(keeper._companion.pid, signal.SIGKILL)
    if WARM:
        for process in first:
            until_gone(process.pid)
    second = family(prober)
    prober.close()
    for process in second:
        until_gone(process.pid)


def test_checks_follow_an_environment_that_changed(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    prober = Prober("02", start=keeper.companion)
    assert family(prober)[0].ppid() == os.getpid()
    prober.close()
