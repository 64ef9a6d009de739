"""Circles to test: on eth-tester, or on the bare virtual machine where there are many seats."""

from collections.abc import Callable

import pytest
from circle_harness import CircleTerms, CircleUnderTest
from circle_machines import BareMachine, EthTester


@pytest.fixture(scope="session")
def tester() -> EthTester:
    """One chain for all unit tests; each deploys its own circle on it."""
    return EthTester()


@pytest.fixture
def deploy(tester: EthTester) -> Callable[..., CircleUnderTest]:
    """Deploys a circle with these changed terms on eth-tester."""
    return lambda **terms: CircleUnderTest(tester, CircleTerms(**terms))


@pytest.fixture
def deploy_large() -> Callable[..., CircleUnderTest]:
    """Deploys a circle with these changed terms on a machine of its own with 257 accounts."""
    return lambda **terms: CircleUnderTest(BareMachine(257), CircleTerms(**terms), check_every=32)
