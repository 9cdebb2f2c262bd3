"""A notebook's kernel as Jupyter starts one, its cells run one by one."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from jupyter_client import BlockingKernelClient, KernelManager

from workshop.processes import wait_for

PATIENCE = 90.0  # seconds for one cell; a bound against hanging


@dataclass(frozen=True)
class Output:
    """What a cell printed and displayed, as text, and the traceback that it showed, if any."""

    text: str
    error: str
    mimes: tuple[str, ...]


class Kernel:
    """One kernel."""

    def __init__(self, where: Path, env: dict[str, str]) -> None:
        self._sockets = TemporaryDirectory()
        self._manager = KernelManager(kernel_name="python3", transport="ipc", ip=f"{self._sockets.name}/kernel")
        self._manager.start_kernel(cwd=str(where), env=env)
        self._client: BlockingKernelClient = self._manager.client()
        self._connect()

    def _connect(self) -> None:
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)

    @property
    def pid(self) -> int:
        provisioner: Any = self._manager.provisioner
        return int(provisioner.pid)

    def run(self, code: str) -> Output:
        """Runs a cell to its end."""
        return self._run(code, lambda text: None)

    def interrupt_when(self, code: str, text: str) -> Output:
        """Runs a cell, and interrupts the kernel once the cell has printed `text`."""
        done = False

        def look(printed: str) -> None:
            nonlocal done
            if text in printed and not done:
                done = True
                self._manager.interrupt_kernel()

        return self._run(code, look)

    @property
    def alive(self) -> bool:
        return bool(self._manager.is_alive())

    def restart(self) -> None:
        """As the button does."""
        self._manager.restart_kernel(now=False)
        self._client.wait_for_ready(timeout=PATIENCE)

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends it as a closed notebook does."""
        self._client.stop_channels()
        if self.alive:
            self._manager.shutdown_kernel(now=False)
        self._manager.cleanup_resources()
        self._sockets.cleanup()

    def _run(self, code: str, look: Callable[[str], None]) -> Output:
        texts: list[str] = []
        errors: list[str] = []
        mimes: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                texts.append(content["text"])
                look("".join(texts))
            elif message["msg_type"] in ("display_data", "execute_result"):
                texts.append(content["data"].get("text/plain", "") + "\n")
                mimes.extend(content["data"])
                look("".join(texts))
            elif message["msg_type"] == "error":
                errors.append("\n".join(content["traceback"]))

        self._client.execute_interactive(code, timeout=PATIENCE, output_hook=hook)
        return Output("".join(texts), "\n".join(errors), tuple(mimes))


@contextmanager
def kernel(where: Path, env: dict[str, str]) -> Iterator[Kernel]:
    """A kernel, ended at the end."""
    assert sys.executable
    one = Kernel(where, env)
    try:
        yield one
    finally:
        one.close()


def until_gone(pid: int) -> None:
    """Returns when a process has ended."""
    wait_for(f"process {pid} to end", lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
