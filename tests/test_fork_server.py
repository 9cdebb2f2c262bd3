"""Processes that start at once: they are as `python script` would be, and none is left behind."""

import ast
import os
import signal
import socket
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from types import SimpleNamespace

import psutil
import pytest

from tests.kernels import until_gone
from workshop import fork_server, processes
from workshop.checks import find
from workshop.checks.checker import Checker
from workshop.errors import WorkshopError
from workshop.processes import Program, wait_for
from workshop.settings import ROOT

# Each ends in another way, and prints to both streams on the way there.
ENDS = {
    "by itself": "",
    "with a code": "raise SystemExit(5)",
    "with a text": "raise SystemExit('No server.')",
    "in an exception": "def f():\n    raise ValueError('x')\nf()",
    "in one caused by another": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('y') from e",
    "before it begins": "x = (",
    "interrupted": "raise KeyboardInterrupt",
    "told by its own hook": "sys.excepthook = lambda *_: print('hook')\n1 / 0",
    "in its last breath": "import atexit\natexit.register(print, 'bye')",
}
BEGIN = """import sys, os, json
print(json.dumps([sys.argv, __name__, __file__, sys.path[0], os.getcwd(), sys.stdin.read()]))
print("to stderr", file=sys.stderr)
"""


# For a Python of its own whose forks need no packages: its fork server imports none, and starts in no time.
WITHOUT_PACKAGES = "from workshop import fork_server\nfork_server.PRELOAD.clear()\n"


def started(script: Path, *arguments: str) -> Program:
    return fork_server.start(script, arguments, os.environ, script.with_suffix(".log"))


@pytest.mark.parametrize("end", ENDS)
def test_a_program_is_as_python_would_run_it(tmp_path: Path, end: str) -> None:
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
    program = started(script, "a b")
    assert program.wait() == cold.returncode
    assert program.text == cold.stdout


def test_the_packages_are_there_already(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import sys\nloaded = 'agents' in sys.modules and 'openai' in sys.modules\n")
    (tmp_path / "script.py").write_text("import helper\nprint(helper.loaded)")
    program = started(tmp_path / "script.py")
    assert program.wait() == 0
    assert program.text == f"{sys.platform == 'linux'}\n"


def test_all_that_a_solution_imports_is_among_them() -> None:
    """Asked in a Python of its own: the tests' fork server has imported more."""
    files = [path for file in ("worker", "starter", "workflows") for path in ROOT.glob(f"solutions/*/**/{file}.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    names = {module for module in modules if module.startswith(("agents", "temporalio"))}
    assert {"agents", "temporalio.worker"} <= names
    script = f"import sys, workshop.preload; print({names!r} - set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_an_environment_that_changed_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python and packages read some variables as they start; so then all is started anew."""
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    (tmp_path / "script.py").write_text("import sys\nprint(sys.flags.optimize, 'agents' in sys.modules)")
    program = started(tmp_path / "script.py")
    assert program.wait() == 0
    assert program.text == "1 False\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each script starts with its imports before it")
@pytest.mark.parametrize("name", ["PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"])
def test_variables_that_containers_set_do_not_make_it_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "" if os.environ.get(name) else "1")
    text = "import sys\nprint(sys.dont_write_bytecode, 'agents' in sys.modules)"
    (tmp_path / "script.py").write_text(text)
    program = started(tmp_path / "script.py")
    assert program.wait() == 0
    assert program.text == f"{bool(os.environ.get('PYTHONDONTWRITEBYTECODE'))} True\n"


def test_a_program_is_told_to_end(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nprint(1)\nsignal.pause()"
    )
    program = started(tmp_path / "script.py")
    program.until_printed("1")
    assert psutil.Process(program.pid).cmdline() == program.command  # which tells it where clocks cannot
    psutil.Process(program.pid).terminate()
    assert program.wait() == 7


def test_programs_end_with_whoever_had_them_started(tmp_path: Path) -> None:
    """SIGKILL for the kernel: nothing that it had started goes on, be it deaf to signals, or paused; no file stays."""
    (temporary := tmp_path / "t").mkdir()
    (tmp_path / "stubborn.py").write_text(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(1)\nsignal.pause()"
    )
    kernel = (
        "import os, time\nfrom pathlib import Path\nfrom workshop.checks.checker import Checker\n"
        f"{WITHOUT_PACKAGES}"
        "for name in ('a', 'b'):\n"
        "    log = Path(f'{name}.log').absolute()\n"
        "    print(fork_server.start(Path('stubborn.py').absolute(), [], os.environ, log).pid)\n"
        "Checker().settings('temporal')\nprint('on', flush=True)\ntime.sleep(600)"
    )
    env = os.environ | {"TMPDIR": str(temporary)}
    command = [sys.executable, "-c", kernel]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout
        pids = [int(one.stdout.readline()) for _ in range(2)]
        for name in ("a", "b"):
            wait_for("its first line", (tmp_path / f"{name}.log").read_text)
        assert one.stdout.readline() == "on\n"
        others = psutil.Process(one.pid).children(recursive=True)
        assert {"temporal"} <= {process.name() for process in others}
        os.kill(pids[0], signal.SIGSTOP)
        one.kill()
    for pid in {*pids, *(process.pid for process in others)}:
        until_gone(pid)
    assert not list(temporary.iterdir())


def test_a_program_that_will_not_end_holds_up_nobody(tmp_path: Path) -> None:
    """Whoever had it started ends as usual: then it is asked to end, and then made to."""
    (tmp_path / "stubborn.py").write_text(
        "import signal\nfrom pathlib import Path\n"
        "signal.signal(signal.SIGTERM, lambda *_: Path('asked').touch())\nprint(1)\nwhile True:\n    signal.pause()"
    )
    starter = (
        f"import os\nfrom pathlib import Path\n{WITHOUT_PACKAGES}"
        "script = Path('stubborn.py').absolute()\n"
        "print(fork_server.start(script, [], os.environ, script.with_suffix('.log')).until_printed('1').pid)"
    )
    ran = subprocess.run([sys.executable, "-c", starter], cwd=tmp_path, capture_output=True, text=True, check=True)
    until_gone(int(ran.stdout))
    assert (tmp_path / "asked").exists()


def test_what_a_fork_prints_is_not_seen_by_whoever_started_it() -> None:
    """A check's process runs learners' code: its noise is not the notebook's."""
    code = (
        f"import sys\n{WITHOUT_PACKAGES}"
        "for words in (print,), (exec, 'import sys; sys.stderr.write(\"noise\")'):\n"
        "    process, _ = fork_server.fork(*words)\n    process.join()\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")


def test_an_end_is_known_while_others_are_started(tmp_path: Path) -> None:
    """Whoever starts a process looks whether others have ended: an exit code is not lost to another thread."""
    (tmp_path / "script.py").write_text("raise SystemExit(7)")

    def codes(lane: int) -> set[int]:
        logs = (tmp_path / f"{lane}-{number}.log" for number in range(25))
        return {fork_server.start(tmp_path / "script.py", [], os.environ, log).wait() for log in logs}

    with ThreadPoolExecutor(8) as pool:
        assert set().union(*pool.map(codes, range(8))) == {7}


def test_a_server_that_was_ended_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import signal\nprint(1)\nsignal.pause()")
    program = started(tmp_path / "script.py")
    program.until_printed("1")
    os.kill(psutil.Process(program.pid).ppid(), signal.SIGKILL)
    until_gone(program.pid)
    assert program.exit_code in (None, 255)  # nobody was there to see it
    (tmp_path / "script.py").write_text("print(1)")
    assert started(tmp_path / "script.py").wait() == 0


def test_a_killed_program_has_let_go_of_its_connections(tmp_path: Path) -> None:
    """With its first thread gone, others may hold them a while longer: it has not ended then."""
    (tmp_path / "script.py").write_text(
        "import socket, sys, threading\n"
        "memory = bytearray(b'x') * (300 << 20)\n"  # which takes time to give back, before files are closed
        "for _ in range(200):\n    threading.Thread(target=threading.Event().wait).start()\n"
        "end = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\nend.sendall(b'x')\nthreading.Event().wait()"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        for _ in range(5):
            program = started(tmp_path / "script.py", str(server.getsockname()[1]))
            end, _ = server.accept()
            with end:
                assert end.recv(1) == b"x"
                assert program.kill()
                assert end.recv(1, socket.MSG_DONTWAIT) == b""


def test_a_log_that_cannot_be_written_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("print(1)")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        fork_server.start(tmp_path / "script.py", [], os.environ, tmp_path / "file" / "log")


@pytest.fixture
def checker() -> Iterator[Checker]:
    one = Checker()
    yield one
    one.close()


def services_of(checker: Checker) -> list[psutil.Process]:
    """The processes that answer as the services of the checks."""
    settings = checker.settings("temporal")
    ports = (settings.practice_port, settings.temporal_port)
    return [
        psutil.Process(connection.pid)
        for connection in psutil.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port in ports
    ]


def test_the_services_of_checks_are_replaced_and_end_alone(checker: Checker, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import signal\nprint(1)\nsignal.pause()")
    program = started(tmp_path / "script.py")
    first = services_of(checker)
    assert len(first) == 2
    os.kill(first[0].ppid(), signal.SIGKILL)  # the process that keeps them
    for process in first:
        until_gone(process.pid)
    second = services_of(checker)
    assert not {process.pid for process in first} & {process.pid for process in second}
    checker.close()
    for process in second:
        until_gone(process.pid)
    assert program.running
    program.kill()


def test_a_check_that_is_ended_while_it_is_made_says_so(tmp_path: Path) -> None:
    told: Queue[str] = Queue()
    checker = Checker(told.put)
    (tmp_path / "activities.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    verdict = checker.look(find("02", "activity"), tmp_path)
    assert (verdict.outcome, verdict.code) == ("raised", "ended")
    assert "-9" in verdict.seen
    (tmp_path / "activities.py").write_text("import signal, sys\nprint(1)\nsignal.pause()")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(checker.look, find("02", "activity"), tmp_path)
        while "a moment more" not in told.get(timeout=60):
            continue
        assert asked.result().code == "import-hangs"
    checker.close()


def test_a_fork_server_that_ended_is_no_fault_of_the_learners(checker: Checker, tmp_path: Path) -> None:
    (tmp_path / "activities.py").write_text("import time\nwhile True:\n    time.sleep(1)")
    (tmp_path / "script.py").write_text("import signal\nprint(1)\nsignal.pause()")
    program = started(tmp_path / "script.py")
    server = psutil.Process(program.pid).ppid()
    checker.settings()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(checker.look, find("02", "activity"), tmp_path)
        # The guard, the script, the services of checks, and the check itself.
        wait_for("the check to be under way", lambda: len(psutil.Process(server).children()) == 4)
        os.kill(server, signal.SIGKILL)
        with pytest.raises(WorkshopError, match="try again"):
            asked.result()


@pytest.mark.parametrize(("idle", "expected"), [(1.0, 6.0), (0.5, 8.0), (0.0, 9.0)])
def test_a_busy_machine_is_waited_for_longer(monkeypatch: pytest.MonkeyPatch, idle: float, expected: float) -> None:
    """Four seconds have passed, on each of two cores: a machine that is slow is not taken for code that is wrong."""
    times = namedtuple("times", "user system idle iowait")
    clock = iter([100.0, 104.0])
    cores = iter([times(7.0, 1.0, 50.0, 2.0), times(7.0 + 6 * (1 - idle), 1.0, 50.0 + 8 * idle, 2.0 + 2 * (1 - idle))])
    monkeypatch.setattr(processes, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(processes, "psutil", SimpleNamespace(cpu_times=lambda: next(cores)))
    assert processes.Patience(10.0).left == pytest.approx(expected)
