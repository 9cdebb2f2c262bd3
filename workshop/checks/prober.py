"""Asks the probe process: starts it at first need, gives each look its time, ends it with this process."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workshop.checks.verdict import Check, Verdict
from workshop.errors import WorkshopError

SECONDS = 25  # that a learner's code may take in all
START = 60.0  # seconds that the probe may take to import its packages, on a busy machine
TELL = 4.0  # seconds until a person is told what is waited for


class Prober:
    """One probe process. Used by one thread at a time."""

    def __init__(self, say: Callable[[str], None] = lambda _: None) -> None:
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._warm = False

    def warm_up(self) -> None:
        """Lets it import its packages, and does not wait for it."""
        if self._process and self._process.poll() is None:
            return
        self._buffer, self._warm = b"", False
        # -P: a file beside the notebook must not be imported in place of a package.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "workshop.checks.probe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # macOS forbids to fork once certain libraries were used, unless it is told that all is well.
            env=os.environ | {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"},
            start_new_session=True,
        )

    def look(self, number: str, check: Check, folder: Path) -> Verdict:
        """What a check finds in a folder."""
        request = {"number": number, "name": check.name, "folder": str(folder), "seconds": SECONDS}
        return Verdict(**self._ask(request, check.doing))

    def practice_url(self) -> str:
        """Where the probe's own practice services answer."""
        return str(self._ask({"practice": True}, "")["practice"])

    def close(self) -> None:
        """Ends the process; it ends its own."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _ask(self, request: dict[str, Any], doing: str) -> dict[str, Any]:
        self.warm_up()
        process = self._process
        assert process
        assert process.stdin
        assert process.stdout
        if doing:
            self._say(f"... {doing}")
        began = time.monotonic()
        told = bool(doing)
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            while b"\n" not in self._buffer:
                if select.select([process.stdout], [], [], 0.2)[0]:
                    piece = os.read(process.stdout.fileno(), 65536)
                    if not piece:
                        raise BrokenPipeError
                    self._buffer += piece
                waited = time.monotonic() - began
                if waited > TELL and not told:
                    told = True
                    doing = "your code is being run" if self._warm else "the first check imports the packages"
                    self._say(f"... {doing}: a moment more")
                if waited > SECONDS + START:
                    raise BrokenPipeError
        except (BrokenPipeError, KeyboardInterrupt) as error:
            # An answer that comes late must not be taken for the next one's.
            process.kill()
            self.close()
            if isinstance(error, KeyboardInterrupt):
                raise
            raise WorkshopError(
                "The check could not be made: its process ended.", "try again, or: workshop doctor"
            ) from None
        line, self._buffer = self._buffer.split(b"\n", 1)
        self._warm = True
        return dict(json.loads(line))
