"""The local services, as real processes on free ports: started, found, stopped, and each way to fail."""

import errno
import http.server
import json
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import httpx
import psutil
import pytest

from workshop.errors import WorkshopError
from workshop.processes import Program, free_port, locked, start, stop, wait_for
from workshop.services import Service, Services, catalogue, free_settings
from workshop.settings import Settings

ANSWERS = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
DIES = "print('first line'); print('[bold] the reason'); raise SystemExit(7)"
SILENT = "import signal; signal.pause()"

Make = Callable[..., Services]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return free_settings(tmp_path / "state", tmp_path)


def test_a_free_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_port()
    draw, drawn = random.randrange, iter([first, first])
    monkeypatch.setattr(random, "randrange", lambda *bounds: next(drawn, None) or draw(*bounds))
    assert free_port() != first
    assert next(drawn, None) is None


@pytest.fixture
def make(settings: Settings) -> Iterator[Make]:
    """Makes `Services` out of stand-ins; they are stopped at the end."""
    made: list[Services] = []

    def build(*known: Service) -> Services:
        made.append(Services(settings, known={service.name: service for service in known}))
        return made[-1]

    yield build
    for services in made:
        services.stop()


def stand_in(name: str = "one", code: str = ANSWERS, patience: float = 30) -> Service:
    port = free_port()
    return Service(
        name,
        f"the {name} service",
        [sys.executable, "-c", code, str(port)],
        {f"PORT_OF_{name.upper()}": port},
        f"http://127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}",
        patience,
    )


def port_of(service: Service) -> int:
    return next(iter(service.ports.values()))


def refused(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
    except httpx.ConnectError:
        return True
    return False


def program_of(services: Services, name: str) -> Program:
    program = services.running(name)
    assert program
    return program


def test_a_service_answers_until_it_is_stopped(make: Make) -> None:
    service = stand_in()
    services = make(service)
    assert services.start(["one"]) == ["one"]
    program = program_of(services, "one")
    assert httpx.get(service.health_url, trust_env=False).status_code == 200
    assert services.look("one") == (program, "")
    assert os.getsid(program.pid) == program.pid  # a Ctrl+C in our terminal does not reach it
    assert services.stop() == ["one"]
    assert not program.running
    assert refused(port_of(service))
    assert services.look("one") == (None, "not running")


def test_a_second_start_starts_only_what_is_missing(make: Make) -> None:
    services = make(stand_in("one"), stand_in("two"))
    services.start(["one"])
    first = program_of(services, "one")
    assert services.start(["one", "two"]) == ["two"]
    assert services.start(["one", "two"]) == []
    assert program_of(services, "one") == first
    assert services.stop(["two"]) == ["two"]
    assert services.stop([]) == []
    assert services.running("one") == first


def test_another_process_finds_and_stops_the_service(make: Make, settings: Settings) -> None:
    service = stand_in()
    make(service).start(["one"])
    code = (
        "import json, sys; from pathlib import Path; from workshop.services import *; from workshop.settings import *;"
        "s = Service(**json.loads(sys.argv[1])); "
        "print(Services(Settings.from_env({'WORKSHOP_STATE_DIR': sys.argv[2]}), known={'one': s}).stop())"
    )
    other = [sys.executable, "-c", code, json.dumps(asdict(service)), str(settings.state_dir)]
    assert subprocess.run(other, capture_output=True, text=True, check=True).stdout == "['one']\n"
    assert refused(port_of(service))


def test_stopping_what_does_not_run(make: Make, settings: Settings) -> None:
    services = make(stand_in())
    assert services.stop() == []
    assert not settings.state_dir.exists()  # nothing is made only to find that out


@pytest.mark.parametrize("which", [0, 1])
def test_a_taken_port_is_found_before_anything_starts(make: Make, which: int) -> None:
    both = [stand_in("one"), stand_in("two")]
    services = make(*both)
    port = port_of(both[which])
    with http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler):
        with pytest.raises(WorkshopError) as caught:
            services.start(["one", "two"])
        assert f"Port {port}, meant for {both[which].title}, is taken by " in caught.value.message
        assert f"(pid {os.getpid()})" in caught.value.message
        assert next(iter(both[which].ports)) in caught.value.next_step
        assert [services.running("one"), services.running("two")] == [None, None]
        assert f"not running; port {port} is taken by" in services.look(both[which].name)[1]
    assert services.start(["one", "two"]) == ["one", "two"]


@pytest.mark.parametrize("variable", ["WORKSHOP_TEMPORAL_PORT", "WORKSHOP_TEMPORAL_UI_PORT", "WORKSHOP_PRACTICE_PORT"])
def test_each_port_is_looked_at(settings: Settings, variable: str) -> None:
    services = Services(settings)
    port = {**services.known["temporal"].ports, **services.known["practice"].ports}[variable]
    with http.server.HTTPServer(("", port), http.server.BaseHTTPRequestHandler):  # on every address
        with pytest.raises(WorkshopError, match=f"Port {port}, meant for the ") as caught:
            services.start(["practice", "temporal"])
        assert variable in caught.value.next_step
        assert services.running("temporal") is services.running("practice") is None


def test_a_service_that_dies_tells_why_and_takes_the_others_along(make: Make) -> None:
    good, bad = stand_in("good"), stand_in("bad", DIES)
    services = make(good, bad)
    with pytest.raises(WorkshopError) as caught:
        services.start(["good", "bad"])
    message = caught.value.message
    assert message.startswith("The bad service ended at start (exit code 7).")
    assert "\n    first line\n    [bold] the reason" in message
    assert services.running("good") is None
    assert refused(port_of(good))
    assert not list(services.settings.state_dir.glob("*.pid"))


def test_a_service_that_dies_while_another_is_awaited(make: Make) -> None:
    once = stand_in("once", ANSWERS.replace("serve_forever", "handle_request"))
    services = make(once, stand_in("other"))
    with pytest.raises(WorkshopError, match="The once service ended at start"):
        services.start(["once", "other"])
    assert services.running("other") is None


def test_what_ran_before_a_failed_start_goes_on(make: Make) -> None:
    services = make(stand_in("good"), stand_in("bad", DIES))
    services.start(["good"])
    before = program_of(services, "good")
    with pytest.raises(WorkshopError):
        services.start(["good", "bad"])
    assert services.running("good") == before


def test_a_service_that_never_answers_is_given_up(make: Make) -> None:
    service = stand_in(code=SILENT, patience=0.5)
    services = make(service)
    with pytest.raises(WorkshopError, match=r"The one service did not answer at http://.* within 0 s") as caught:
        services.start(["one"])
    assert "is empty" in caught.value.message
    assert services.running("one") is None


def test_a_running_service_that_does_not_answer(make: Make) -> None:
    service = stand_in()
    services = make(service)
    services.start(["one"])
    program = program_of(services, "one")
    os.kill(program.pid, signal.SIGSTOP)
    try:
        other = make(replace(service, health_url=f"http://127.0.0.1:{free_port()}/", patience=0.3))
        assert other.look("one") == (program, "runs, but does not answer")
        with pytest.raises(WorkshopError, match="did not answer"):
            other.start(["one"])
        assert other.running("one") == program  # not started by that call, so not stopped by it
    finally:
        os.kill(program.pid, signal.SIGCONT)


def test_a_service_that_does_not_heed_sigterm_is_killed(tmp_path: Path) -> None:
    code = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); signal.pause()"
    log = tmp_path / "log.log"
    program = start([sys.executable, "-c", code], os.environ, tmp_path, log)
    wait_for("its first line", log.read_text)
    stop([program], grace=0.2)
    assert not program.running
    assert program.exit_code == -signal.SIGKILL


def test_killed_services_leave_nothing_in_the_way(make: Make) -> None:
    services = make(stand_in("one"), stand_in("two"))
    services.start(["one", "two"])
    for name in ("one", "two"):
        psutil.Process(program_of(services, name).pid).kill()
        wait_for("its end", lambda name=name: services.running(name) is None)
    assert services.look("one") == (None, "not running")
    assert services.stop() == []
    assert not list(services.settings.state_dir.glob("*.pid"))
    assert services.start(["one", "two"]) == ["one", "two"]


@pytest.mark.parametrize("text", ["", "4242", "{", "[]", '{"pid": 1}', "null", "\xff"])
def test_a_pid_file_that_is_none(make: Make, settings: Settings, text: str) -> None:
    services = make(stand_in())
    settings.state_dir.mkdir()
    (settings.state_dir / "one.pid").write_text(text, encoding="latin-1")
    assert services.running("one") is None
    assert services.start(["one"]) == ["one"]


def test_a_recycled_pid_is_left_alone(make: Make, settings: Settings) -> None:
    services = make(stand_in())
    settings.state_dir.mkdir()
    with subprocess.Popen([sys.executable, "-c", SILENT]) as stranger:
        try:
            pid_file = settings.state_dir / "one.pid"
            Program(stranger.pid, 1.0, ["temporal", "server"], "one.log", [7233]).write(pid_file)
            assert services.running("one") is None
            assert services.stop() == []
            assert stranger.poll() is None
            assert not pid_file.exists()
            Program(stranger.pid, 1.0, ["temporal", "server"], "one.log", [7233]).write(pid_file)
            assert services.start(["one"]) == ["one"]
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="where a process's start is counted from the machine's")
def test_a_clock_that_was_set_does_not_lose_the_service(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    services = make(stand_in("one"))
    services.start(["one"])
    booted = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted - 3600)
    assert services.running("one")


def test_another_process_of_that_number_is_nobody_of_ours(make: Make, settings: Settings) -> None:
    """Case C10."""
    services = make(stand_in("one"))
    services.start(["one"])
    program, file = program_of(services, "one"), settings.state_dir / "one.pid"
    for other in (replace(program, command=["sleep", "9"]), replace(program, created=program.created - 3600)):
        other.write(file)
        assert services.running("one") is None
    program.write(file)
    for text in (
        "{}",
        "[1]",
        "null",
        '"1"',
        '{"pid": 1}',
        *(json.dumps(asdict(program) | {"pid": n}) for n in ("a", -1)),
    ):
        file.write_text(text)
        assert services.running("one") is None
        assert services.stop() == []
    program.write(file)
    assert services.stop() == ["one"]


def test_a_changed_port_of_a_running_service(make: Make) -> None:
    service = stand_in()
    make(service).start(["one"])
    moved = replace(service, ports={"PORT_OF_ONE": free_port()})
    with pytest.raises(WorkshopError, match=f"up already on port {port_of(service)}, but PORT_OF_ONE says another"):
        make(moved).start(["one"])


def test_two_commands_at_once(make: Make, settings: Settings) -> None:
    services = make(stand_in())
    settings.state_dir.mkdir()
    with locked(settings.state_dir / "lock", "busy"):
        for wish in (lambda: services.start(["one"]), services.stop):
            with pytest.raises(WorkshopError, match="at work on these services right now"):
                wish()
    assert services.running("one") is None
    assert services.start(["one"]) == ["one"]


@pytest.mark.skipif(sys.platform == "win32", reason="it has no flock")
def test_a_file_system_without_locks_is_one_line(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case C06."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(WorkshopError, match="cannot lock files: No locks available") as caught:
        Services(settings).start(["practice"])
    assert "WORKSHOP_STATE_DIR" in caught.value.next_step


@pytest.mark.parametrize("stray", [".", "logs", "one.pid", "lock"])
def test_a_file_or_directory_in_the_way(make: Make, settings: Settings, stray: str) -> None:
    services = make(stand_in())
    path = settings.state_dir / stray
    path.parent.mkdir(parents=True, exist_ok=True)
    if stray in (".", "logs"):
        path.write_text("not a directory")
    else:
        path.mkdir()
    try:
        with pytest.raises(WorkshopError) as caught:
            services.start(["one"])
        assert str(settings.state_dir) in caught.value.message
        assert caught.value.next_step
        assert refused(port_of(services.known["one"]))
    finally:
        if path.is_dir():
            path.rmdir()


def test_a_missing_command(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    services = Services(settings)
    with pytest.raises(WorkshopError, match=r"The Temporal server cannot start: there is no `temporal` command"):
        services.start(["temporal", "practice"])


def test_a_command_that_cannot_run(make: Make, tmp_path: Path) -> None:
    broken = tmp_path / "temporal"
    broken.write_bytes(b"\x00\x01 made for another machine")
    broken.chmod(0o755)
    with pytest.raises(WorkshopError, match=r"The one service cannot start: .*format"):
        make(replace(stand_in(), command=[str(broken)])).start(["one"])


def test_logs_and_pid_files(make: Make) -> None:
    services = make(stand_in(code="print('said', flush=True)\n" + ANSWERS))
    services.start(["one"])
    assert services.log("one").read_text().startswith("said\n")
    pid_file = services.settings.state_dir / "one.pid"
    assert stat.S_IMODE(pid_file.stat().st_mode) == 0o600  # JupyterLab's holds its token
    services.stop()
    services.log("one").write_text("of the run before")
    services.start(["one"])
    assert services.log("one").with_suffix(".log.old").read_text() == "of the run before"


def test_the_key_and_the_cluster_are_kept_from_the_services(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-7Q2M9X4T")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "cluster.example:7233")
    services = make(stand_in())
    services.start(["one"])
    env = psutil.Process(program_of(services, "one").pid).environ()
    assert not [name for name in env if name.startswith(("OPENAI_", "TEMPORAL_"))]
    assert env["VIRTUAL_ENV"] == sys.prefix


def test_the_temporal_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # Neither a proxy nor the settings of some cluster may come between.
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("TEMPORAL_TLS", "true")
    said: list[str] = []
    services = Services(settings, said.append)
    try:
        assert services.start(["temporal"]) == ["temporal"]
        assert said == ["Waiting for the Temporal server (at most 60 s) ..."]
        program = program_of(services, "temporal")
        listening = [c.laddr for c in psutil.Process(program.pid).net_connections() if c.status == psutil.CONN_LISTEN]
        assert {settings.temporal_port, settings.temporal_ui_port} <= {address.port for address in listening}
        assert {address.ip for address in listening} == {"127.0.0.1"}
        assert (settings.state_dir / "temporal.db").exists()
        psutil.Process(program.pid).kill()  # workflows outlive the server: it comes back on the same file
        wait_for("its end", lambda: services.running("temporal") is None)
        assert services.start(["temporal"]) == ["temporal"]
        assert services.look("temporal")[1] == ""
    finally:
        services.stop()


def test_jupyterlab(settings: Settings) -> None:
    exercise = settings.root / "exercises" / "01_agent_hello_world" / "exercise.ipynb"
    exercise.parent.mkdir(parents=True)
    exercise.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    services = Services(settings)
    try:
        services.start(["lab"])
        program = program_of(services, "lab")
        address, _, token = program.link.partition("?token=")
        assert address == f"http://127.0.0.1:{settings.lab_port}/lab/tree/exercises/01_agent_hello_world/exercise.ipynb"
        assert len(token) > 30
        assert token not in " ".join(program.command)
        with httpx.Client(base_url=f"http://127.0.0.1:{settings.lab_port}", trust_env=False) as client:
            assert client.get("/api/status").status_code == 403
            client.headers["Authorization"] = f"token {token}"
            assert client.get(address).status_code == 200
            assert client.get("/api/status").status_code == 200
            listening = psutil.Process(program.pid).net_connections()
            assert {c.laddr.ip for c in listening if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
            # A notebook's kernel is this Python, with all that is installed beside it.
            assert client.post("/api/kernels", json={"name": "python3"}).status_code == 201
            kernels = psutil.Process(program.pid).children()
            wait_for("the kernel to be a program of its own", lambda: all(kernel.cmdline() for kernel in kernels))
            assert [kernel.cmdline()[0] for kernel in kernels] == [sys.executable]
            assert client.get("/lab/api/news").json() == {"news": []}  # nothing is asked of the network
            # Case C08: nor is a learner asked whether to have news.
            notices = client.get("/lab/api/settings/@jupyterlab/apputils-extension:notification").json()
            assert notices["schema"]["properties"]["fetchNews"]["default"] == "false"
        assert services.stop() == ["lab"]
        assert not [kernel for kernel in kernels if kernel.is_running()]
    finally:
        services.stop()


def test_a_jupyterlab_of_the_learners_own_does_not_lead_astray(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case C07."""
    home, state = tmp_path / "home", settings.state_dir
    monkeypatch.setenv("HOME", str(home))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "IPYTHONDIR"):
        monkeypatch.delenv(name, raising=False)
    startup = "profile_default/startup/00.py"
    kernel = {"argv": ["false", "{connection_file}"], "display_name": "theirs", "language": "python"}
    files = {
        home / ".jupyter/jupyter_server_config.py": "c.ServerApp.base_url = '/theirs/'\n"
        "c.ServerApp.certfile = '/nowhere/cert.pem'\n"
        "c.IdentityProvider.token = 'theirs'\n"
        "c.PasswordIdentityProvider.hashed_password = 'argon2:theirs'\n",
        home / ".jupyter/jupyter_config.json": json.dumps({"ServerApp": {"sock": "/nowhere/socket"}}),
        home / ".jupyter/lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings": '{"theme": "x"}',
        home / ".local/share/jupyter/kernels/python3/kernel.json": json.dumps(kernel),
        home / ".ipython" / startup: f"open({str(tmp_path / 'theirs')!r}, 'w')",
        state / "ipython" / startup: f"open({str(tmp_path / 'ours')!r}, 'w')",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    services = Services(settings)
    try:
        services.start(["lab"])
        link = program_of(services, "lab").link
        with httpx.Client(trust_env=False) as client:
            assert client.get(link, follow_redirects=True).status_code == 200
            base = f"http://127.0.0.1:{settings.lab_port}"
            client.headers["Authorization"] = f"token {link.partition('?token=')[2]}"
            assert client.post(f"{base}/api/kernels", json={"name": "python3"}).status_code == 201
            wait_for("the startup file", (tmp_path / "ours").exists)
            assert not (tmp_path / "theirs").exists()
            themes = client.get(f"{base}/lab/api/settings/@jupyterlab/apputils-extension:themes").json()
            assert themes["settings"] == {"theme": "x"}  # how it looks is theirs
    finally:
        services.stop()


def test_addresses_in_a_codespace(settings: Settings) -> None:
    known = catalogue(replace(settings, forwarding=("fluffy-disco-42", "example.test")))
    assert known["temporal"].link == f"https://fluffy-disco-42-{settings.temporal_ui_port}.example.test"
    assert known["practice"].link == f"https://fluffy-disco-42-{settings.practice_port}.example.test"
    host = f"fluffy-disco-42-{settings.lab_port}.example.test"
    lab = known["lab"]
    assert lab.link.startswith(f"https://{host}/lab?token=")
    # The browser comes under that name then, and Jupyter refuses names that it was not told of.
    assert f"--ServerApp.allow_origin=https://{host}" in lab.command
    assert f"--ServerApp.local_hostnames={host}" in lab.command
    assert lab.health_url == f"http://127.0.0.1:{settings.lab_port}/api"
