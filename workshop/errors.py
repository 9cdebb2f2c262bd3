"""The one exception that a person is meant to read."""


class WorkshopError(Exception):
    """Something a person can fix. Printed once, at the edge, without a traceback.

    Args:
        message: what happened and why, one sentence.
        next_step: the one thing to do now, a command where there is one.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(f"{message}\n  Next: {next_step}" if next_step else message)
        self.message = message
        self.next_step = next_step

    def __reduce__(self) -> tuple[type["WorkshopError"], tuple[str, str]]:
        """So that it can come from another process."""
        return type(self), (self.message, self.next_step)
