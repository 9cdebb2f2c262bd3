"""The kills that the workshop has made, noted in the moment: no history and no ledger knows that it was SIGKILL."""

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

NOTES = "kills.jsonl"


@dataclass(frozen=True)
class Kill:
    """SIGKILL for a worker of this machine."""

    worker: str  # its identity, pid@host
    at: datetime


def note_kill(state_dir: Path, pid: int, at: datetime) -> None:
    """Notes that a process was killed. A file that cannot be written is not worth stopping a lesson for."""
    with suppress(OSError):
        state_dir.mkdir(parents=True, exist_ok=True)
        with (state_dir / NOTES).open("a", encoding="utf-8") as file:  # two notebooks may note at once
            file.write(f"{json.dumps([f'{pid}@{socket.gethostname()}', at.isoformat()])}\n")


def noted_kills(state_dir: Path) -> list[Kill]:
    """All that were noted, oldest first, without lines that are damaged."""
    try:
        lines = (state_dir / NOTES).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        with suppress(ValueError, TypeError):
            worker, moment = json.loads(line)
            found.append(Kill(str(worker), datetime.fromisoformat(moment).astimezone(UTC)))
    return found
