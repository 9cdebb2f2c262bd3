"""Nothing leaves this machine in practice mode, and a key is found nowhere."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import httpx
from temporalio.client import Client

from tests.folders import DURABLE, HELLO_AGENT, HELLO_TEMPORAL, ROUTING
from tests.harness import Solutions
from workshop.processes import Program
from workshop.services import Services
from workshop.settings import ROOT

SECRET = "7Q2M9X4T"
PIECES = [SECRET[i : i + 4] for i in range(len(SECRET) - 3)]

# Runs a script, and writes down what Python resolves and connects to before it happens; Temporal's client, which is not
# Python, knows no address but TEMPORAL_ADDRESS.
WITNESS = """
import os, runpy, sys
def witness(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = args[1] if event == "socket.connect" else args[0]
        with open(os.environ["CONNECT_LOG"], "a") as log:
            print(address[0] if isinstance(address, tuple) else address, file=log)
sys.addaudithook(witness)
script = sys.argv.pop(1)
sys.path[0] = os.path.dirname(script)
os.chdir(sys.path[0])
runpy.run_path(script, run_name="__main__")
"""


def test_practice_mode_stays_on_this_machine(solutions: Solutions, tmp_path: Path) -> None:
    """Case R49: also when the variable that stops traces is missing."""
    witness, log = tmp_path / "witness.py", tmp_path / "connects"
    witness.write_text(WITNESS)

    def run(script: Path) -> Program:
        return solutions.run(witness, str(script), CONNECT_LOG=str(log), OPENAI_AGENTS_DISABLE_TRACING="")

    for folder in (HELLO_TEMPORAL, DURABLE, ROUTING):
        run(folder / "worker.py").until_printed("polls the task queue")
    starters = [run(folder / "starter.py") for folder in (HELLO_AGENT, HELLO_TEMPORAL, DURABLE, ROUTING)]
    assert [starter.wait() for starter in starters] == [0] * 4
    assert all("Tracing" not in program.text for program in starters)
    assert set(log.read_text().split()) == {"127.0.0.1"}


async def history_of(address: str, workflow_id: str) -> str:
    """Everything that the server keeps of a workflow, as JSON."""
    client = await Client.connect(address)
    return (await client.get_workflow_handle(workflow_id).fetch_history()).to_json()


def test_a_key_is_found_nowhere(solutions: Solutions, services: Services) -> None:
    """Case R43."""
    key = f"sk-canary-{SECRET}"
    worker = solutions.worker(DURABLE, OPENAI_API_KEY=key)
    durable = solutions.starter(DURABLE, OPENAI_API_KEY=key)
    assert solutions.starter(HELLO_AGENT, OPENAI_API_KEY=key).wait() == 0
    assert durable.wait() == 0
    solutions.practice.fault("model", "bad-key", times=1)
    failed = solutions.starter(HELLO_AGENT, OPENAI_API_KEY=key)
    assert failed.wait() == 1
    history = asyncio.run(history_of(services.settings.temporal_address, solutions.workflow_id(durable)))
    pages = {
        "worker": worker.text,
        "starter": durable.text,
        "failed starter": failed.text,
        "history": history,
        "ledger": json.dumps(solutions.practice.entries("model")),
        "console": httpx.get(services.settings.practice_url, trust_env=False).text,
    }
    for log in (services.settings.state_dir / "logs").glob("*.log"):
        pages[log.name] = log.read_text()
    commands = (["doctor"], ["doctor", "--report"], ["status"], ["audit"], ["audit", "--json"], ["why"], ["ledger"])
    for arguments in commands:
        command = [str(Path(sys.executable).parent / "workshop"), *arguments]
        env = solutions.env(OPENAI_API_KEY=key, WORKSHOP_STATE_DIR=str(services.settings.state_dir)) | {
            "WORKSHOP_TEMPORAL_PORT": str(services.settings.temporal_port),
            "WORKSHOP_TEMPORAL_UI_PORT": str(services.settings.temporal_ui_port),
            "WORKSHOP_PRACTICE_PORT": str(services.settings.practice_port),
            "WORKSHOP_LAB_PORT": str(services.settings.lab_port),
        }
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr, arguments
        pages[" ".join(arguments)] = done.stdout + done.stderr
    assert {name for name, text in pages.items() if any(piece in text for piece in PIECES)} == set()
    database = b"".join(path.read_bytes() for path in services.settings.state_dir.glob("temporal.db*"))
    assert database
    assert SECRET.encode() not in database
