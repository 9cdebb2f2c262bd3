"""Runs a program that must not outlive the notebook's kernel, however that ends.

    python -I guard.py KERNEL_PID COMMAND ...

Hands SIGTERM on, waits, and exits as the program did. When the kernel is gone, it asks the program to stop, and after
some seconds ends it. Standard library only, since it starts beside every worker.
"""

import os
import signal
import subprocess
import sys
import time

GRACE = 5.0  # seconds that a program has to end by itself, once the kernel is gone
LOOK = 0.2  # seconds between two looks at the kernel


def main(kernel: int, command: list[str]) -> int:
    """Runs `command` for as long as process `kernel` is this process's parent; returns its exit code."""
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    deadline = None
    while True:
        try:
            return program.wait(LOOK)
        except subprocess.TimeoutExpired:
            pass
        if deadline is None and os.getppid() != kernel:
            program.terminate()
            deadline = time.monotonic() + GRACE
        if deadline is not None and time.monotonic() > deadline:
            program.kill()


if __name__ == "__main__":
    code = main(int(sys.argv[1]), sys.argv[2:])
    # A program that died by a signal: 128 + its number, as a shell has it.
    sys.exit(code if code >= 0 else 128 - code)
