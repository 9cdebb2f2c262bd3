"""Runs at the start of every kernel of .venv, whoever starts it: JupyterLab, VS Code, `pytest --nbmake`. A kernel of
another Python does not read it.

After a restart nothing of the workshop is loaded that could say which cell the notebook needs, so this does. It runs in
the notebook's own namespace, and leaves no name there.
"""


def _name_the_first_cell() -> None:
    from typing import Any

    from IPython import get_ipython

    def show(here: Any, kind: type, error: NameError, trace: Any, tb_offset: int | None = None) -> list[str]:
        """In place of the traceback of a missing `ex`, what to do; all other errors as always."""
        if error.name == "ex" and "ex" not in here.user_ns:
            lines = [
                "ex is not defined: this kernel is new, or was restarted.",
                "  Next: run the notebook's first code cell again",
            ]
        else:
            lines = here.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=tb_offset)
        here._showtraceback(kind, error, lines)
        return lines

    shell: Any = get_ipython()
    if not shell.custom_exceptions:  # a learner's own handler stays
        shell.set_custom_exc((NameError,), show)


_name_the_first_cell()
del _name_the_first_cell
