"""A script as a process, and waiting for what it does."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0  # seconds; a bound against hanging, never an expectation


def wait_for(what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """Looks until there is something to see, and says what it waited for if there never is."""
    deadline = time.monotonic() + patience
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience:.0f} s for {what}")
        time.sleep(0.1)
    return seen


class Program:
    """A process whose output goes to a file. Ended for certain by `close`."""

    def __init__(self, command: list[str], cwd: Path, env: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("w") as out:
            self._process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    @property
    def text(self) -> str:
        """All that it has printed so far, errors too."""
        return self.log.read_text()

    def until_printed(self, text: str) -> "Program":
        """Returns when it has printed `text`; raises when it ends without having."""

        def look() -> bool:
            if text in self.text:
                return True
            if self._process.poll() is not None and text not in self.text:
                raise AssertionError(f"ended ({self._process.returncode}) without printing {text!r}:\n{self.text}")
            return False

        wait_for(f"{text!r} to be printed", look)
        return self

    def kill(self) -> None:
        """SIGKILL: it cannot clean up."""
        self._process.kill()
        self._process.wait(PATIENCE)

    def signal(self, signum: signal.Signals) -> None:
        self._process.send_signal(signum)

    def wait(self, patience: float = PATIENCE) -> int:
        """Returns the exit code."""
        return self._process.wait(patience)

    def close(self) -> None:
        if self._process.poll() is None:
            self.kill()
