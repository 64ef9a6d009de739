"""Calldata that is no call reverts and changes nothing; what is one is carried out, however it is written."""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger.chain.contract.artifact import load_circle_artifact
from tests.support.contract.calldata import functions, read, spoiled
from tests.support.contract.twin.circle import PAYABLE
from tests.support.contract.walk import Walk, random_terms

ARTIFACT = load_circle_artifact()
PLENTY = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def walk() -> Walk:
    """A circle in the midst of a round, which goes on living from test to test."""
    chance = Random(3)
    opened = Walk(
        random_terms(chance).but(
            start_seats=3, bond=7, dispute_bond=3, unbonding_s=240, admission=0, inviter="0x" + "00" * 20
        )
    )
    while opened.twin.number < 2:
        opened.take(chance)
    return opened


@pytest.mark.parametrize("name", functions(ARTIFACT, views=False))
@PLENTY
@given(chance=st.randoms(use_true_random=False))
def test_spoiled_calldata_of_every_function(walk: Walk, name: str, chance: Random) -> None:
    for _ in range(4):
        walk.spoiled_call(name, chance)
    walk.circle.check()


@PLENTY
@given(data=st.binary(max_size=600), value=st.sampled_from([0, 1, 7]))
def test_bytes_behind_no_selector(walk: Walk, data: bytes, value: int) -> None:
    if not walk.is_call(data):
        walk.circle.raw(walk.circle.peers[0], data, value)


@pytest.mark.parametrize("name", functions(ARTIFACT, views=True))
@PLENTY
@given(chance=st.randoms(use_true_random=False))
def test_views_change_nothing_whatever_they_are_asked(walk: Walk, name: str, chance: Random) -> None:
    types = ARTIFACT.find_types("function", name)
    data = spoiled(walk.call_data_of(name, chance), chance)
    ran = walk.machine.run(walk.circle.peers[0], walk.circle.address, data)
    assert not ran.logs
    if read(types, data[4:]) is None:
        assert ran.reason is not None
    walk.circle.check()


def test_coin_is_taken_where_it_is_asked_for_only(walk: Walk) -> None:
    circle = walk.circle
    circle.raw(circle.peers[0], b"", 1)
    for name in (*functions(ARTIFACT, views=False), *functions(ARTIFACT, views=True)):
        if name not in PAYABLE:
            circle.raw(circle.peers[0], walk.call_data_of(name, Random(1)), 1)
