"""Polite stops and impolite environments, as a person at a terminal meets them."""

import signal
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from temporalio.client import Client

from tests.folders import ALL, DURABLE, HELLO_AGENT, HELLO_TEMPORAL
from tests.harness import Solutions
from tests.solution_modules import modules_of
from workshop import env
from workshop.history import Kind
from workshop.processes import PATIENCE, free_port, wait_for
from workshop.services import own_services
from workshop.settings import ROOT
from workshop.temporal import follow
from workshop.why import why


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=lambda signum: signum.name)
async def test_a_polite_stop_lets_the_call_in_flight_finish(solutions: Solutions, signum: signal.Signals) -> None:
    """Case R33: the paid call is not made again, and the next worker goes on."""
    worker = solutions.worker(DURABLE)
    solutions.practice.fault("model", "slow", delay=120)
    starter = solutions.starter(DURABLE)
    solutions.practice.until_in_flight("model", 1)
    worker.signal(signum)
    worker.until_printed("Stopping")
    solutions.practice.clear()
    assert worker.wait() == 0
    assert "Traceback" not in worker.text
    assert "Exception ignored" not in worker.text
    solutions.worker(DURABLE)
    assert starter.wait() == 0
    run = await solutions.history(starter)
    assert [row.attempts for row in run.rows if row.kind == Kind.MODEL] == [1, 1]
    assert solutions.practice.outcomes("model") == ["completed", "completed"]


def test_a_second_ctrl_c_ends_the_worker_at_once(solutions: Solutions) -> None:
    worker = solutions.worker(DURABLE)
    solutions.practice.fault("model", "slow", delay=120)
    starter = solutions.starter(DURABLE)
    solutions.practice.until_in_flight("model", 1)
    worker.signal(signal.SIGINT)
    worker.until_printed("Stopping")
    worker.signal(signal.SIGINT)
    assert worker.wait() == -signal.SIGINT
    assert "Traceback" not in worker.text
    solutions.practice.clear()
    solutions.worker(DURABLE)
    assert starter.wait() == 0


# Presses Ctrl+C as soon as a module is asked for.
IMPATIENT = """
import os, signal, sys
class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Impatient())
"""


@pytest.mark.parametrize(
    ("folder", "script", "module"),
    [
        *((DURABLE, "starter.py", name) for name in ("agents", "workflows")),
        (DURABLE, "worker.py", "temporalio.worker"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_ctrl_c_while_a_script_imports_is_one_line(
    solutions: Solutions, tmp_path: Path, folder: Path, script: str, module: str
) -> None:
    """Case C09."""
    (tmp_path / "sitecustomize.py").write_text(IMPATIENT)
    program = solutions.cold(folder / script, PYTHONPATH=str(tmp_path), INTERRUPT_AT=module)
    assert (program.wait(), program.text) == (-signal.SIGINT, "Stopped.\n")


@pytest.mark.parametrize("script", ["worker.py", "starter.py"])
def test_ctrl_c_while_a_script_connects_is_one_line(solutions: Solutions, script: str) -> None:
    """Case C09: to a server that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        program = solutions.run(DURABLE / script, TEMPORAL_ADDRESS=address)
        with silent.accept()[0]:
            program.signal(signal.SIGINT)
            assert (program.wait(), program.text) == (-signal.SIGINT, "Stopped.\n")


def test_ctrl_c_at_the_starter_leaves_the_workflow_running(solutions: Solutions) -> None:
    starter = solutions.starter(HELLO_TEMPORAL)
    solutions.workflow_id(starter)
    starter.signal(signal.SIGINT)
    assert starter.wait() == 1
    assert "goes on without you" in starter.text
    assert "Traceback" not in starter.text


def test_a_starter_without_a_worker_says_so_once(solutions: Solutions) -> None:
    starter = solutions.starter(HELLO_TEMPORAL).until_printed("Still waiting")
    assert "python worker.py" in starter.text
    solutions.worker(HELLO_TEMPORAL)
    assert starter.wait() == 0
    assert starter.text.count("Still waiting") == 1


@pytest.mark.parametrize("script", ["worker.py", "starter.py"])
def test_a_server_that_is_not_there_is_one_line(solutions: Solutions, script: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    program = solutions.run(DURABLE / script, TEMPORAL_ADDRESS=address)
    assert program.wait() == 1
    assert program.text.startswith(f"No Temporal server to work with at {address}")
    assert "Next: start a server: temporal server start-dev (in the workshop: workshop up)" in program.text
    assert "Traceback" not in program.text


def test_a_certificate_that_is_missing_is_one_line(solutions: Solutions, tmp_path: Path) -> None:
    missing = tmp_path / "client.pem"
    starter = solutions.run(DURABLE / "starter.py", TEMPORAL_TLS_CLIENT_CERT_PATH=str(missing))
    assert starter.wait() == 1
    assert starter.text.startswith("The settings for Temporal cannot be used")
    assert str(missing) in starter.text
    assert "Traceback" not in starter.text


async def test_a_server_that_is_gone_is_not_the_end_of_a_workflow(tmp_path: Path) -> None:
    with own_services(tmp_path, names=["temporal"]) as services:
        client = await Client.connect(services.settings.temporal_address)
    with modules_of(DURABLE) as modules, pytest.raises(SystemExit, match=r"(?s)does not tell the result: .* go on"):
        await modules["waiting"].result_of(client.get_workflow_handle("durable-agent-1"))


def test_for_a_server_elsewhere_there_is_no_link_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEMPORAL_UI_URL", raising=False)
    service = SimpleNamespace(config=SimpleNamespace(target_host="cluster.example:7233"))
    client = SimpleNamespace(namespace="default", service_client=service)
    with modules_of(DURABLE) as modules:
        link = modules["waiting"].ui_link(client, "durable-agent-1")
    assert "127.0.0.1" not in link
    assert "cluster.example" in link


@pytest.mark.parametrize("profile", ["", "prod", "nope"])
def test_temporals_own_file_leads_nobody_astray_and_a_profile_works(
    solutions: Solutions, tmp_path: Path, profile: str
) -> None:
    """Case C03: the file counts where TEMPORAL_ADDRESS does not say which server is meant."""
    file = tmp_path / "temporal.toml"
    other = '[profile.default]\naddress = "cluster.invalid:7233"\nnamespace = "x"\n[profile.default.tls]\n'
    file.write_text(f'{other}[profile.prod]\naddress = "{solutions.settings.temporal_address}"\n')
    changes = {"TEMPORAL_CONFIG_FILE": str(file), "TEMPORAL_PROFILE": profile}
    if profile == "prod":
        changes |= {"TEMPORAL_ADDRESS": "", "TEMPORAL_NAMESPACE": ""}
    folder = copy_out(HELLO_TEMPORAL, tmp_path / "mine", b"")
    solutions.worker(folder, **changes)
    assert solutions.starter(folder, **changes).wait() == 0


def test_a_checkout_with_ports_of_its_own(solutions: Solutions, tmp_path: Path) -> None:
    """Case C38: .env.example, other ports, `workshop use practice`."""
    ports = "".join(f"{name}={port}\n" for name, port in solutions.settings.ports().items())
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text() + ports)
    env.use(tmp_path, "practice", None, {})
    folder = copy_out(DURABLE, tmp_path / "mine", (tmp_path / ".env").read_bytes())
    unset = dict.fromkeys((*env.MANAGED, env.ADDRESS, env.UI, "NO_PROXY", "no_proxy"), "")
    solutions.worker(folder, **unset)
    starter = solutions.starter(folder, **unset)
    assert starter.wait() == 0
    assert f"See it at {solutions.settings.ui_url}/" in starter.text
    assert solutions.practice.outcomes("model") == ["completed", "completed"]


@pytest.mark.parametrize("changes", [{"TEMPORAL_NAMESPACE": "default "}, {"TEMPORAL_ADDRESS": ":"}], ids=str)
def test_a_wrong_connection_is_one_line(solutions: Solutions, changes: dict[str, str]) -> None:
    program = solutions.starter(HELLO_TEMPORAL, **changes)
    assert program.wait() == 1
    assert "or correct TEMPORAL_" in program.text
    assert "Traceback" not in program.text


def copy_out(folder: Path, target: Path, dotenv: bytes) -> Path:
    """A solution folder taken out of the repository, with a .env of its own."""
    target.mkdir()
    for path in folder.glob("*.py"):
        (target / path.name).write_bytes(path.read_bytes())
    (target / ".env").write_bytes(dotenv)
    return target


@pytest.mark.parametrize(("folder", "script"), [(DURABLE, "worker.py"), (HELLO_AGENT, "starter.py")])
def test_a_missing_key_is_one_line(solutions: Solutions, tmp_path: Path, folder: Path, script: str) -> None:
    program = solutions.run(copy_out(folder, tmp_path / "mine", b"") / script, OPENAI_API_KEY="")
    assert program.wait() == 1
    assert program.text.startswith("OPENAI_API_KEY is not set.")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_dotenv_alone_is_enough(solutions: Solutions, tmp_path: Path, encoding: str) -> None:
    """Cases R01 and R07: a byte order mark, and a variable that the shell has set to nothing."""
    env = solutions.env()
    names = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "WEATHER_API_URL")
    dotenv = "".join(f"{name}={env[name]}\r\n" for name in names).encode(encoding)
    folder = copy_out(HELLO_AGENT, tmp_path / "mine", dotenv)
    starter = solutions.starter(folder, OPENAI_AGENTS_DISABLE_TRACING="", **dict.fromkeys(names, ""))
    assert starter.wait() == 0
    assert solutions.practice.outcomes("model") == ["completed", "completed"]
    assert "Tracing" not in starter.text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"], ids=["with a mark", "without: case C11"])
def test_a_dotenv_in_another_encoding_is_one_line(solutions: Solutions, tmp_path: Path, encoding: str) -> None:
    folder = copy_out(HELLO_TEMPORAL, tmp_path / "mine", "OPENAI_API_KEY=practice\n".encode(encoding))
    starter = solutions.starter(folder)
    assert starter.wait() == 1
    assert "cannot be read" in starter.text
    assert "UTF-8" in starter.text
    assert "Traceback" not in starter.text


async def test_why_names_the_variables_that_the_http_client_cannot_read(solutions: Solutions) -> None:
    """Case C01."""
    solutions.worker(HELLO_TEMPORAL, NO_PROXY="127.0.0.1,[::1]", no_proxy="")
    starter = solutions.starter(HELLO_TEMPORAL)
    workflow_id = solutions.workflow_id(starter)
    client = await Client.connect(solutions.settings.temporal_address)
    said = await follow(lambda: why(client, workflow_id), lambda said: said.kind == "unreadable address", PATIENCE)
    assert "NO_PROXY" in str(said)
    assert "activities.py" not in str(said.next_step)


def test_a_socks_proxy_does_not_stand_in_the_way(solutions: Solutions) -> None:
    """Case R09."""
    proxy = {"ALL_PROXY": f"socks5://127.0.0.1:{free_port()}", "NO_PROXY": "localhost,127.0.0.1"}
    solutions.worker(DURABLE, **proxy)
    plain, durable = solutions.starter(HELLO_AGENT, **proxy), solutions.starter(DURABLE, **proxy)
    assert (plain.wait(), durable.wait()) == (0, 0)


@pytest.mark.parametrize("key", ["sk-practice-5e6f7a8b\n", "sk-practice-5e6f7a8b ", "\tsk-practice-5e6f7a8b"])
def test_a_key_with_blanks_around_it_works_and_is_not_shown(solutions: Solutions, key: str) -> None:
    """The HTTP client refuses such a header, and its error, which would be in Temporal's history too, holds it."""
    solutions.worker(DURABLE, OPENAI_API_KEY=key)
    for starter in (solutions.run(HELLO_AGENT / "starter.py", OPENAI_API_KEY=key), solutions.starter(DURABLE)):
        assert starter.wait() == 0
        assert "5e6f7a8b" not in starter.text


@pytest.mark.parametrize("folder", ALL, ids=lambda folder: folder.name)
def test_help_starts_nothing(solutions: Solutions, folder: Path) -> None:
    starter = solutions.starter(folder, "--help")
    assert starter.wait() == 0
    assert "usage:" in starter.text
    assert "Workflow " not in starter.text


def test_a_plain_agent_that_fails_says_what_is_lost(solutions: Solutions) -> None:
    solutions.practice.fault("model", "bad-key")
    starter = solutions.starter(HELLO_AGENT)
    assert starter.wait() == 1
    assert "The run is lost." in starter.text
    assert "Traceback" not in starter.text
    wait_for("the ledger", lambda: solutions.practice.outcomes("model") == ["failed"])
