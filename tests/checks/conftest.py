"""What looks at learners' files."""

from collections.abc import Iterator

import pytest

from workshop.checks.prober import Prober


@pytest.fixture(scope="session")
def prober() -> Iterator[Prober]:
    """A probe process, as a notebook has one."""
    one = Prober()
    one.warm_up()
    yield one
    one.close()
