"""What looks at learners' files."""

from collections.abc import Iterator

import pytest

from workshop import warm
from workshop.checks.run import Checker


@pytest.fixture(scope="session")
def checker() -> Iterator[Checker]:
    """What makes checks, as a notebook has one."""
    one = Checker()
    warm.warm_up()
    yield one
    one.close()
