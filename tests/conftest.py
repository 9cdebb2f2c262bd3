"""What every test shares: the real services on free ports, and the solutions as processes."""

import gc
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from tests.harness import PracticeFrom, Solutions
from workshop.services import Services, own_services
from workshop.settings import ROOT, Settings

# The same examples everywhere, or a suite that was green would be red by chance. To look for others:
# make test ARGS="-k test_env --hypothesis-profile=search"
hypothesis.settings.register_profile("same", derandomize=True, database=None)
hypothesis.settings.register_profile("search", max_examples=3000, deadline=None)
hypothesis.settings.load_profile("same")


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The Temporal dev server and the practice services, up for the whole test session."""
    # It needs to outlive a kill, not a power cut, and so need not wait for the disk.
    with own_services(
        tmp_path_factory.mktemp("workshop"), server_options=["--sqlite-pragma=synchronous=off"]
    ) as services:
        yield services


@pytest.fixture(scope="session")
def settings(services: Services) -> Settings:
    """Their ports and paths."""
    return services.settings


@pytest.fixture
def practice(services: Services, settings: Settings) -> Iterator[PracticeFrom]:
    """The practice services without faults; its ledger begins at this test."""
    practice = PracticeFrom(settings.practice_url)
    practice.clear()
    yield practice
    practice.clear()


@pytest.fixture
def solutions(
    practice: PracticeFrom, services: Services, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Solutions]:
    """Runs solutions against the services; every process it started is gone afterwards."""
    solutions = Solutions(services, practice, tmp_path, cold=request.node.get_closest_marker("cold") is not None)
    solutions.end_open_workflows()
    yield solutions
    solutions.close()


# Tests of one file, or class, run one after another and share what it has started. The longest begin first, so that
# none is alone at the end.
FIRST = (
    "bank",
    "lab",
    "notebook_runs",
    "ex_in_kernels",
    "fault_table",
    "up_and_down",
    "crashes",
    "approval",
    "conversation",
    "compare",
    "polling",
    "solutions",
    "ex_without_kernel",
    "services",
    "why",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the files."""
    order = {f"test_{name}": at for at, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


class Lanes(LoadScopeScheduling):
    """xdist's own lanes, of which each is given its next file only when it has come to its last test.

    xdist gives it while two are left, and then it waits behind them, for minutes, with other lanes idle. A lane with
    nothing behind its last test would wait, too: it is told what comes next before it begins a test.
    """

    def _reschedule(self, node: WorkerController) -> None:
        if not self.workqueue or self._pending_of(self.assigned_work[node]) <= 1:
            super()._reschedule(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes | None:
    """Ours for `--dist=loadscope`."""
    return Lanes(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spares Python's garbage collector what the files import: it stays, and to look through it takes 0.1 s of CPU."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result


def pytest_configure() -> None:
    """Keeps a learner's own settings and proxies from the tests."""
    ours = ("OPENAI_", "TEMPORAL_", "WEATHER_", "WORKSHOP_", "CODESPACE")
    for name in list(os.environ):
        if name.startswith(ours) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ["XDG_CONFIG_HOME"] = str(ROOT / ".workshop" / "no-config")  # Temporal's own file is there, else
    # Each HTTP client reads all of the machine's certificates at its start: 20 ms of CPU, and nothing here speaks TLS.
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(ROOT / "tests")  # which holds none
    # Temporal's servers end with the tests, and may leave memory and a second core to them: a sixth less CPU.
    os.environ |= {"GOGC": "400", "GOMAXPROCS": "1"}
    # Told to end, pytest stops the services first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A shell starts what runs in its background deaf to Ctrl+C, and so would be all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
