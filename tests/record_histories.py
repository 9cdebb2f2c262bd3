"""Records a history of each solution for test_replay.py, or of those named: python -m tests.record_histories [polling]

To be run when a change to a workflow is meant to be one that running workflows do not survive.
"""

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path

from temporalio.client import Client

from tests.folders import APPROVAL, CONVERSATION, DURABLE, HELLO_AGENT, HELLO_TEMPORAL, POLLING, ROUTING
from tests.harness import PracticeFrom, Solutions
from workshop.services import own_services

HISTORIES = Path(__file__).parent / "histories" / "solutions"
RUNS = {
    HELLO_AGENT: ["--durable", "Any weather alerts in California?"],
    HELLO_TEMPORAL: ["TX", "--delay", "0.5"],
    DURABLE: ["Any weather alerts in California?"],
    ROUTING: ["Quelles alertes en Floride ?", "--pause", "0.5"],
    APPROVAL: ["Warn the residents of New York and Texas of the storm."],
    CONVERSATION: ["Any weather alerts in California?"],
    # The way with the most events; the warnings do not end, so its bound does.
    POLLING: [
        "Tell me when the warnings for California are over.",
        "--way",
        "timer",
        "--every",
        "0.5",
        "--bound",
        "0.9",
    ],
}
# What is run while the starter waits: a script, and what follows the workflow's ID.
ANSWERS = {APPROVAL: ("decide.py", "yes", "no")}


async def fetch(address: str, workflow_id: str) -> str:
    """A workflow's history as JSON, without the names of machine and processes."""
    client = await Client.connect(address)
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    text = re.sub(r'("identity": )"\d+@[^"]*"', r'\1"worker"', json.dumps(json.loads(history.to_json()), indent=1))
    return re.sub(r'"\d+@[\w.-]+-([0-9a-f]{32})"', r'"sticky-\1"', text)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, own_services(Path(directory)) as services:
        solutions = Solutions(services, PracticeFrom(services.settings.practice_url), Path(directory))
        try:
            for folder, arguments in RUNS.items():
                if sys.argv[1:] and folder.name not in sys.argv[1:]:
                    continue
                solutions.worker(folder)
                starter = solutions.starter(folder, *arguments)
                if folder in ANSWERS:
                    script, *words = ANSWERS[folder]
                    answer = solutions.run(folder / script, solutions.workflow_id(starter), *words)
                    assert answer.wait() == 0, answer.text
                assert starter.wait() == 0, starter.text
                text = asyncio.run(fetch(services.settings.temporal_address, solutions.workflow_id(starter)))
                (HISTORIES / f"{folder.name}.json").write_text(text + "\n", encoding="utf-8")
        finally:
            solutions.close()


if __name__ == "__main__":
    HISTORIES.mkdir(parents=True, exist_ok=True)
    main()
