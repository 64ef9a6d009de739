"""What the tests that act as a user share."""

from collections.abc import Iterator

import pytest

from tests.support.network.second_makings import made_once


@pytest.fixture(scope="module", autouse=True)
def second_makings() -> Iterator[None]:
    """A second process for each task file, not for each deployment."""
    with made_once():
        yield
