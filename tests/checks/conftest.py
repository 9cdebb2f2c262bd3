"""What looks at learners' files."""

from collections.abc import Iterator

import pytest

from workshop import fork_server
from workshop.checks.checker import Checker


@pytest.fixture(scope="session")
def checker() -> Iterator[Checker]:
    """What makes checks, as a notebook has one."""
    one = Checker()
    fork_server.warm_up()
    yield one
    one.close()
