"""A process of ours that answers JSON lines with JSON lines, and ends with whoever started it."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO


class Companion:
    """Our end of a channel to a process that uses `requests` and `answers`. Used by one thread at a time."""

    def __init__(
        self, channel: socket.socket, pid: int, command: list[str], process: "subprocess.Popen[bytes] | None" = None
    ) -> None:
        self.pid, self.command = pid, command
        self._channel = channel
        self._process = process  # None: not a child of this process
        self._buffer = b""

    @classmethod
    def start(cls, module: str, arguments: Sequence[str], env: Mapping[str, str]) -> "Companion":
        """Starts `python -m module arguments`."""
        # -P: a file beside the notebook must not be imported in place of a package.
        command = [sys.executable, "-u", "-P", "-m", module, *arguments]
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env=dict(env),
                start_new_session=True,
            )
        return cls(ours, process.pid, command, process)

    def fork(self, request: dict[str, Any], patience: float, waiting: Callable[[float], None]) -> "Companion":
        """A fork of it, as `request` says, which answers at a channel of its own. Otherwise as `ask`."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                pid = self.ask(request, patience, waiting, [theirs.fileno()])["pid"]
                return Companion(ours, pid, self.command)  # a fork keeps the command line
            except BaseException:
                ours.close()
                raise

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        try:
            return self._channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def ask(
        self,
        request: dict[str, Any],
        patience: float,
        waiting: Callable[[float], None] = lambda _: None,
        files: Sequence[int] = (),
    ) -> dict[str, Any]:
        """Its answer. Meanwhile `waiting` is called now and then, with the seconds that have passed. `files`, by their
        descriptors, go with the request.

        If there is no answer, or the wait is interrupted, the process is ended: a late one must not be taken for that
        to the next request.

        Raises:
            BrokenPipeError: it ended, or took longer than `patience` seconds.
        """
        began = time.monotonic()
        try:
            line = json.dumps(request).encode() + b"\n"
            if files:
                socket.send_fds(self._channel, [line], files)
            else:
                self._channel.sendall(line)
            while b"\n" not in self._buffer:
                if select.select([self._channel], [], [], 0.2)[0]:
                    piece = self._channel.recv(65536)
                    if not piece:
                        raise BrokenPipeError
                    self._buffer += piece
                waited = time.monotonic() - began
                waiting(waited)
                if waited > patience:
                    raise BrokenPipeError
        except OSError:
            self.close(0)
            raise BrokenPipeError from None
        except KeyboardInterrupt:
            self.close(0)
            raise
        line, self._buffer = self._buffer.split(b"\n", 1)
        return dict(json.loads(line))

    def close(self, patience: float = 5) -> None:
        """Lets it end itself and its own, for so many seconds; then ends it."""
        deadline = time.monotonic() + patience
        with self._channel, suppress(OSError):  # of a channel whose other end is gone
            self._channel.shutdown(socket.SHUT_WR)
            while select.select([self._channel], [], [], max(0, deadline - time.monotonic()))[0]:
                if not self._channel.recv(65536):
                    break
            else:
                os.kill(self.pid, signal.SIGKILL)
        if self._process:
            self._process.kill()
            self._process.wait()


def requests(idle: Callable[[], object] = lambda: None) -> Iterator[dict[str, Any]]:
    """In the companion: what is asked, until the input or the parent process ends; `idle` is called now and then.

    To a request that came with a channel for a fork, "channel" is added: its file descriptor.
    """
    buffer, parent = b"", os.getppid()
    with socket.socket(fileno=os.dup(0)) as source:
        _to_nowhere(0)
        while True:
            if not select.select([source], [], [], 1)[0]:
                idle()
                if os.getppid() != parent:
                    return
                continue
            data, files, _, _ = socket.recv_fds(source, 65536, 1)
            if not data:
                return
            buffer += data
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                yield json.loads(line) | ({"channel": files.pop()} if files else {})


def answers() -> TextIO:
    """In the companion: where answers go, a line each. All else that is printed goes nowhere from now on."""
    kept = os.fdopen(os.dup(1), "w", buffering=1)
    _to_nowhere(1, 2)
    return kept


def _to_nowhere(*numbers: int) -> None:
    """Programs that are started from here must not hold the channel open."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in numbers:
        os.dup2(null, number)
    os.close(null)
