"""For `pytest --nbmake exercises`: a kernel that dies is told with the cell that killed it."""

from collections.abc import Generator
from traceback import walk_tb

import pytest
from nbclient.exceptions import DeadKernelError
from nbmake.nb_result import NotebookError, NotebookResult
from nbmake.pytest_items import NotebookFailedException


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    try:
        return (yield)
    except DeadKernelError as error:
        # The exception does not say in which cell; nbclient's function that was running it does.
        cells = [frame.f_locals["cell"] for frame, _ in walk_tb(error.__traceback__) if "cell" in frame.f_locals]
        told = "The kernel died in this cell."
        failure = NotebookError(summary=told, trace=f"{'-' * 75}\n{cells[-1].source}\n{told}", failing_cell_index=-1)
        raise NotebookFailedException(NotebookResult(nb=None, error=failure)) from None
