"""A process of ours that answers JSON lines with JSON lines, and ends with whoever started it."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TextIO


class Companion:
    """`python -m module arguments`, which uses `requests` and `answers`. Used by one thread at a time."""

    def __init__(self, module: str, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        self._buffer = b""
        # -P: a file beside the notebook must not be imported in place of a package.
        self.command = [sys.executable, "-u", "-P", "-m", module, *arguments]
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(env),
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def ask(
        self, request: dict[str, Any], patience: float, waiting: Callable[[float], None] = lambda _: None
    ) -> dict[str, Any]:
        """Its answer. Meanwhile `waiting` is called now and then, with the seconds that have passed.

        If there is none, or the wait is interrupted, the process is ended: a late answer must not be taken for that to
        the next request.

        Raises:
            BrokenPipeError: it ended, or took longer than `patience` seconds.
        """
        assert self._process.stdin
        assert self._process.stdout
        began = time.monotonic()
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            while b"\n" not in self._buffer:
                if select.select([self._process.stdout], [], [], 0.2)[0]:
                    piece = os.read(self._process.stdout.fileno(), 65536)
                    if not piece:
                        raise BrokenPipeError
                    self._buffer += piece
                waited = time.monotonic() - began
                waiting(waited)
                if waited > patience:
                    raise BrokenPipeError
        except (BrokenPipeError, KeyboardInterrupt):
            self._process.kill()
            self.close()
            raise
        line, self._buffer = self._buffer.split(b"\n", 1)
        return dict(json.loads(line))

    def close(self, patience: float = 5) -> None:
        """Lets it end itself and its own, for so many seconds."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def requests(idle: Callable[[], object] = lambda: None) -> Iterator[dict[str, Any]]:
    """In the companion: what is asked, until the input or the parent process ends; `idle` is called now and then."""
    buffer, parent = b"", os.getppid()
    while True:
        while b"\n" in buffer:
            line, buffer = buffer.split(b"\n", 1)
            yield json.loads(line)
        if not select.select([0], [], [], 1)[0]:
            idle()
            if os.getppid() != parent:
                return
            continue
        data = os.read(0, 65536)
        if not data:
            return
        buffer += data


def answers() -> TextIO:
    """In the companion: where answers go, a line each. All else that is printed goes nowhere from now on."""
    kept = os.fdopen(os.dup(1), "w", buffering=1)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (1, 2):
        os.dup2(null, number)
    os.close(null)
    return kept
