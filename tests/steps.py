"""What a run did, on a machine of any speed."""

from workshop.history import Kind, Run


def steps(run: Run) -> list[str]:
    """The kinds of its rows; not the workflow tasks that were begun again because the machine was busy."""
    again = "step begun again"
    return [row.kind for row in run.rows if row.kind != Kind.TASK_TIMEOUT and not row.name.startswith(again)]
