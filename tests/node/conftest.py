"""What the tests of a node share."""

import os

import pytest

from node.tasks import fashion_mnist
from node.training import use_one_thread


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    use_one_thread()


@pytest.fixture
def installed_fashion_mnist() -> None:
    """Skip where the data set is missing; in CI it may not be."""
    if not fashion_mnist.is_installed():
        why = "Fashion-MNIST is not installed (Debian package dataset-fashion-mnist)"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
