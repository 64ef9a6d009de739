"""Fixtures made once and copied for every test: what leads to a circle's state costs more than its copy."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import pytest

from tests.support.contract.harness import CircleUnderTest, ContractTerms
from tests.support.contract.machines import BareMachine

Deploy = Callable[..., CircleUnderTest]


def deployed(**terms: Any) -> CircleUnderTest:
    """A circle with these changed terms."""
    return CircleUnderTest(BareMachine(), ContractTerms(**terms))


def after_a_round(deploy: Deploy, **terms: Any) -> CircleUnderTest:
    """A circle with these changed terms in which as many as open round 1 have joined, and settled it."""
    circle = deploy(**terms)
    circle.join_all()
    circle.whole_round(range(circle.terms.start_seats))
    return circle


def copied(make: Callable[[Deploy], CircleUnderTest]) -> Any:
    """The fixture of what `make` makes when it is first asked for. Each test has a copy; the original rests."""
    original = cache(lambda: make(deployed))

    @wraps(make)
    def copy() -> CircleUnderTest:
        return original().copy()

    del copy.__wrapped__  # its parameter is no fixture
    return pytest.fixture(copy)
