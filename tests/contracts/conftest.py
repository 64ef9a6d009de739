"""Circles to test, each on a machine of its own."""

from collections.abc import Callable

import pytest

from tests.support.contract.copied import deployed
from tests.support.contract.harness import CircleUnderTest, ContractTerms
from tests.support.contract.machines import BareMachine


@pytest.fixture
def deploy() -> Callable[..., CircleUnderTest]:
    """Deploys a circle with these changed terms."""
    return deployed


@pytest.fixture
def deploy_large() -> Callable[..., CircleUnderTest]:
    """Deploys a circle with these changed terms on a machine with 258 accounts."""
    return lambda **terms: CircleUnderTest(BareMachine(258), ContractTerms(**terms), check_every=32)
