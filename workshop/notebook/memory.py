"""What is remembered between kernels: hints shown, what each check found last, predictions made, plain runs."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any


class Memory:
    """A small file, of an exercise or of all. If it is missing or damaged, all of it starts over."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, what: str) -> dict[str, Any]:
        """All of one kind: hints and verdicts by the name of their check, predictions and the quiz by their own names,
        plain runs by their question.
        """
        found = self._whole().get(what)
        return found if isinstance(found, dict) else {}

    def keep(self, what: str, name: str, value: Any) -> None:
        memory = self._whole() | {what: self.read(what) | {name: value}}
        # Not worth stopping a lesson for: a full disk, a folder that may not be written.
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part = self._file.with_suffix(".part")
            part.write_text(json.dumps(memory), encoding="utf-8")
            part.replace(self._file)

    def forget(self) -> None:
        self._file.unlink(missing_ok=True)

    def _whole(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
