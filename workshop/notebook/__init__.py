"""What a notebook touches: `from workshop.notebook import exercise` and `ex = exercise("03")`."""

from workshop.notebook.ex import Exercise, exercise

__all__ = ["Exercise", "exercise"]
