"""The commands up, down and status, as a person runs them: processes, signals, exit codes, words."""

import http.server
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.kernels import until_gone
from workshop.processes import PATIENCE, free_port, wait_for
from workshop.services import EMBEDDED, Services
from workshop.settings import PORTS, Settings

CANARY = "sk-canary-7Q2M9X4T"


class Terminal:
    """Runs `workshop` with a state directory and ports of its own."""

    def __init__(self, tmp_path: Path) -> None:
        ports = {name: str(free_port()) for name in PORTS}
        practice = f"http://127.0.0.1:{ports['WORKSHOP_PRACTICE_PORT']}"
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "TEMPORAL_"))},
            **ports,
            "WORKSHOP_STATE_DIR": str(tmp_path / "state"),
            "OPENAI_BASE_URL": f"{practice}/v1",
            "OPENAI_API_KEY": CANARY,
            "WEATHER_API_URL": practice,
            "TEMPORAL_ADDRESS": f"127.0.0.1:{ports['WORKSHOP_TEMPORAL_PORT']}",
        }

    @property
    def settings(self) -> Settings:
        return Settings.from_env(self.env)

    def port(self, name: str) -> int:
        return int(self.env[f"WORKSHOP_{name}_PORT"])

    def pids(self) -> dict[str, int]:
        """The services that run."""
        services = Services(self.settings)
        return {name: program.pid for name in services.known if (program := services.running(name))}

    def open(self, *words: str) -> "Command":
        command = [sys.executable, "-c", "from workshop.cli import main; main()", *words]
        return Command(
            command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        with self.open(*words) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)


class Command(subprocess.Popen[str]):
    """A command that a test which fails does not wait for."""

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        if kind:
            self.kill()
        super().__exit__(kind, *rest)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    Services(terminal.settings).stop(wait=True)


def gone(pid: int) -> bool:
    """Whether the process has ended, be it that nobody has asked for its exit code yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What `process` prints up to the line with `words`. It is ended if it does not print them within a minute."""
    assert process.stdout
    text = ""
    bound = threading.Timer(PATIENCE, process.kill)
    bound.start()
    try:
        for line in process.stdout:
            text += line
            if words in line:
                return text
    finally:
        bound.cancel()
    raise AssertionError(f"{words!r} was not said, but: {text}{process.stderr and process.stderr.read()}")


def test_detach_status_second_up_down(terminal: Terminal) -> None:
    first = terminal.run("up", "--no-lab", "--detach")
    assert (first.returncode, first.stderr) == (0, "")
    assert f"Temporal server    127.0.0.1:{terminal.port('TEMPORAL')}\n" in first.stdout
    assert f"Temporal web UI    http://127.0.0.1:{terminal.port('TEMPORAL_UI')}\n" in first.stdout
    assert f"Practice console   http://127.0.0.1:{terminal.port('PRACTICE')}\n" in first.stdout
    assert "JupyterLab" not in first.stdout
    assert "exercises/01_agent_hello_world/exercise.ipynb" in first.stdout
    pids = terminal.pids()
    assert list(pids) == list(EMBEDDED)

    status = terminal.run("status")
    assert status.returncode == 0
    assert f"The Temporal server    running, pid {pids['temporal']}" in status.stdout
    assert f"The practice services  running, pid {pids['practice']}" in status.stdout
    assert "JupyterLab             not running\n" in status.stdout
    assert "practice model, practice weather" in status.stdout
    assert "OPENAI_API_KEY: set" in status.stdout
    said = first.stdout + status.stdout + status.stderr
    assert not [piece for piece in (CANARY[i : i + 4] for i in range(10, len(CANARY) - 3)) if piece in said]

    for again in (terminal.run("up", "--no-lab", "--detach"), terminal.run("up", "--no-lab")):
        assert again.returncode == 0
        assert "All is up already; nothing was started." in again.stdout
    assert terminal.pids() == pids

    down = terminal.run("down")
    assert (down.returncode, down.stdout) == (0, "Stopped the Temporal server and the practice services.\n")
    assert all(gone(pid) for pid in pids.values())
    nothing = terminal.run("down")
    assert (nothing.returncode, nothing.stdout) == (0, "Nothing to stop: no service of this workshop is running.\n")
    assert terminal.run("status").returncode == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_what_the_terminal_started(terminal: Terminal, number: signal.Signals) -> None:
    with terminal.open("up", "--no-lab") as process:
        read_until(process, "Ctrl+C here")
        pids = terminal.pids()
        assert list(pids) == list(EMBEDDED)
        os.killpg(process.pid, number)  # as a terminal does: to all that it runs
        os.killpg(process.pid, number)  # and once more, by an impatient hand
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert out.endswith("\nStopping ...\nStopped all.\n")
    assert all(gone(pid) for pid in pids.values())


def test_ctrl_c_before_all_is_up(terminal: Terminal) -> None:
    with terminal.open("up") as process:
        read_until(process, "Waiting for")  # JupyterLab may be up before the server is, and is not waited for then
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (130, "")
        assert "What had been started is stopped again." in out
    assert terminal.pids() == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
@pytest.mark.skipif(sys.platform != "linux", reason="SIGKILL is noticed by Linux alone")
def test_a_demo_that_is_ended_leaves_nothing(terminal: Terminal, number: signal.Signals) -> None:
    """Case C43."""
    with terminal.open("demo") as process:
        read_until(process, "Killed (SIGKILL)")
        others = psutil.Process(process.pid).children(recursive=True)
        assert len(others) >= 2
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == -number
    for other in others:
        until_gone(other.pid)


def test_a_service_that_dies_is_told_and_can_be_started_again(terminal: Terminal) -> None:
    with terminal.open("up", "--no-lab") as process:
        read_until(process, "Ctrl+C here")
        before = terminal.pids()
        os.kill(before["practice"], signal.SIGKILL)
        said = read_until(process, "Next: ")
        assert "The practice services: ended unexpectedly (SIGKILL)." in said
        assert terminal.run("status").returncode == 3
        assert terminal.run("up", "--no-lab", "--detach").returncode == 0
        after = terminal.pids()
        assert after["temporal"] == before["temporal"]
        assert after["practice"] != before["practice"]
        process.send_signal(signal.SIGTERM)  # stops the one that was started again, too
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert out.endswith("Stopped all.\n")
    assert terminal.pids() == {}


def test_down_from_another_terminal_ends_up(terminal: Terminal) -> None:
    with terminal.open("up", "--no-lab") as process:
        read_until(process, "Ctrl+C here")
        assert terminal.run("down").returncode == 0
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
    assert "Stopped the Temporal server, as another terminal asked." in out
    assert "Stopped the practice services, as another terminal asked." in out


def test_two_ups_at_once(terminal: Terminal) -> None:
    both = [terminal.open("up", "--no-lab", "--detach") for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    codes = sorted(process.returncode for process in both)
    if codes == [0, 1]:
        assert "Another `workshop up` or `workshop down` is at work" in said[0][1] + said[1][1]
    else:
        assert codes == [0, 0]
        assert "nothing was started" in said[0][0] + said[1][0]
    assert list(terminal.pids()) == list(EMBEDDED)
    assert terminal.run("status").returncode == 0


def test_a_taken_port(terminal: Terminal) -> None:
    port = terminal.port("TEMPORAL_UI")
    with http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler):
        taken = terminal.run("up", "--no-lab", "--detach")
        status = terminal.run("status")
    assert (taken.returncode, taken.stdout) == (1, "")
    assert taken.stderr.startswith(f"Port {port}, meant for the Temporal web UI, is taken by ")
    assert "set WORKSHOP_TEMPORAL_UI_PORT to another port" in taken.stderr
    assert taken.stderr.count("\n") == 2
    assert terminal.pids() == {}
    assert status.returncode == 3
    assert f"not running; port {port} is taken by " in status.stdout


def test_killed_services(terminal: Terminal) -> None:
    def kill() -> None:
        for pid in terminal.pids().values():
            os.kill(pid, signal.SIGKILL)
        wait_for("their end", lambda: not terminal.pids())

    for command, code, words in (
        ("status", 3, "The Temporal server    not running\n"),
        ("down", 0, "Nothing to stop: no service of this workshop is running.\n"),
    ):
        up = terminal.run("up", "--no-lab", "--detach")  # the second time over the pid files of dead processes
        assert (up.returncode, up.stderr) == (0, "")
        assert list(terminal.pids()) == list(EMBEDDED)
        kill()
        done = terminal.run(command)
        assert (done.returncode, done.stderr) == (code, "")
        assert words in done.stdout


def test_a_full_disk(terminal: Terminal) -> None:
    # No file may grow beyond 64 KiB: for a program that writes, as good as a full disk.
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, limit[1]))
    try:
        process = terminal.open("up", "--no-lab", "--detach")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith(
        f"Cannot write to {terminal.settings.state_dir}, where the services keep their data and logs: "
    )
    assert "WORKSHOP_STATE_DIR" in err
    assert terminal.pids() == {}


def test_a_state_directory_that_cannot_be(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    terminal.env["WORKSHOP_STATE_DIR"] = str(tmp_path / "file" / "state")
    up = terminal.run("up", "--no-lab", "--detach")
    assert (up.returncode, up.stdout) == (1, "")
    assert "Not a directory" in up.stderr
    assert terminal.run("down").returncode == 0
    assert terminal.run("status").returncode == 3


def test_settings_that_lead_elsewhere_are_told(terminal: Terminal) -> None:
    terminal.env["TEMPORAL_ADDRESS"] = "cluster.example:7233"
    terminal.env["OPENAI_BASE_URL"] = "https://user:hunter2@llm.example/v1"
    status = terminal.run("status")
    assert "Programs use the server that TEMPORAL_ADDRESS names" in status.stdout
    assert "hunter2" not in status.stdout


def test_square_brackets_are_text(terminal: Terminal, tmp_path: Path) -> None:
    state_dir = tmp_path / "[bold red]state[/all]"
    state_dir.parent.mkdir()
    state_dir.write_text("")
    terminal.env["WORKSHOP_STATE_DIR"] = str(state_dir)
    up = terminal.run("up", "--no-lab", "--detach")
    assert up.returncode == 1
    assert f"Cannot write to {state_dir}, where" in up.stderr
