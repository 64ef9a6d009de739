"""What the seed of a round follows from."""

from collections.abc import Callable

import pytest
from circle_harness import CircleUnderTest
from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak

Deploy = Callable[..., CircleUnderTest]


def seed_of(circle: CircleUnderTest, prevrandao: bytes, parent: bytes, number: int) -> bytes:
    types = ["bytes32", "bytes32", "uint256", "address"]
    return keccak(abi_encode(types, (prevrandao, parent, number, circle.address)))


@pytest.mark.parametrize("mixes_parent", [0, 1])
def test_the_seed_is_of_the_block_that_closes_the_phase(deploy: Deploy, mixes_parent: int) -> None:
    circle = deploy(start_seats=2, last_round=9, mixes_parent=mixes_parent)
    circle.join_all()
    for number in (1, 2):
        circle.commit_all(range(2))
        moment = circle.machine.moment
        parent = moment.parent_hash if mixes_parent else bytes(32)
        assert circle.state.seed == seed_of(circle, moment.prevrandao, parent, number)
        circle.attest_all(range(2))
        circle.settle()


def test_the_digests_do_not_move_the_seed(deploy: Deploy) -> None:
    seeds = []
    for order in ((0, 1, 2), (2, 0, 1)):
        circle = deploy(start_seats=3)
        circle.join_all()
        for seat in order:
            circle.do(seat, "commit", 1, bytes([order[0] + 1] * 32))
        seeds.append(circle.state.seed)
    assert seeds[0] == seeds[1] != bytes(32)


def test_where_prevrandao_stands_still_the_parent_block_tells_rounds_apart(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=9, mixes_parent=1)
    circle.join_all()
    seeds = set()
    for _ in range(3):
        circle.commit_all(range(2))
        seeds.add(circle.state.seed)
        circle.attest_all(range(2))
        circle.settle()
    assert len(seeds) == 3
