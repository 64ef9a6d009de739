"""What the tests with real processes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.network.local_run import LocalRun
from tests.support.network.second_makings import made_once


@pytest.fixture(scope="module", autouse=True)
def second_makings() -> Iterator[None]:
    """A second process for each task file, not for each deployment."""
    with made_once():
        yield


@pytest.fixture
def run(tmp_path: Path) -> Iterator[LocalRun]:
    """A network of one test, ended with it."""
    local = LocalRun(tmp_path / "run")
    with local.network:
        try:
            yield local
        finally:
            local.open_all_gates()
