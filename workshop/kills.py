"""The kills that the workshop has made, noted in the moment: no history and no ledger knows that it was SIGKILL."""

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

KEPT = 200  # kills


@dataclass(frozen=True)
class Kill:
    """SIGKILL for a worker of this machine."""

    worker: str  # its identity, pid@host
    at: datetime


def note_kill(state_dir: Path, pid: int, at: datetime) -> Kill:
    """Notes that a process was killed. A file that cannot be written is not worth stopping a lesson for."""
    kill = Kill(f"{pid}@{socket.gethostname()}", at)
    lines = [f"{json.dumps([one.worker, one.at.isoformat()])}\n" for one in (*noted_kills(state_dir), kill)]
    with suppress(OSError):
        state_dir.mkdir(parents=True, exist_ok=True)
        _file(state_dir).write_text("".join(lines[-KEPT:]), encoding="utf-8")
    return kill


def noted_kills(state_dir: Path) -> list[Kill]:
    """All that were noted, oldest first; none of a file that is missing or damaged."""
    found = []
    with suppress(OSError, ValueError, TypeError):
        for line in _file(state_dir).read_text(encoding="utf-8").splitlines():
            worker, moment = json.loads(line)
            found.append(Kill(str(worker), datetime.fromisoformat(moment).astimezone(UTC)))
    return found


def _file(state_dir: Path) -> Path:
    return state_dir / "kills.jsonl"
