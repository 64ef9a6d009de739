"""What all tests share: a quiet web3, and a fresh chain of either kind."""

import logging
import warnings
from collections.abc import Iterator

import pytest

from tests.support.chains.kinds import CHAINS, ChainProcess
from tests.support.disk_steps import DiskSteps

with warnings.catch_warnings():
    # web3 still imports this module of websockets; nothing here uses it. Once imported, it warns no more.
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    import websockets.legacy  # noqa: F401


@pytest.fixture(autouse=True)
def log_levels() -> None:
    """A command that a test or a fixture ran in this process has set levels; every test begins without them."""
    for name in ("ledger", "node", "urllib3", "requests", "web3"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture(params=list(CHAINS))
def chain(request: pytest.FixtureRequest) -> Iterator[ChainProcess]:
    """A fresh chain with instant blocks: the test runs once against ours and once against Anvil."""
    with CHAINS[request.param]() as process:
        yield process


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> DiskSteps:
    """The disk as the test's code uses it, step by step."""
    return DiskSteps(monkeypatch)
