"""What all tests share: a quiet web3, and a fresh chain of either kind."""

import logging
import warnings
from collections.abc import Iterator

import pytest

from scripts.docs.protocol import is_within
from tests.support.chains.kinds import CHAINS, ChainProcess
from tests.support.disk_steps import DiskSteps

with warnings.catch_warnings():
    # web3 still imports this module of websockets; nothing here uses it. Once imported, it warns no more.
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    import websockets.legacy  # noqa: F401


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest --rule R13` runs the tests that check a rule of the norm, or a part of it."""
    parser.addoption("--rule", help="run only tests of this rule of docs/protocol.md and of its parts, e.g. R13")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the rule that was asked for."""
    if (rule := config.getoption("rule")) is None:
        return
    chosen = [
        item
        for item in items
        if any(is_within(number, rule) for mark in item.iter_markers("rule") for number in mark.args)
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


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
