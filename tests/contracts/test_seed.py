"""The draw of who judges whom: known to everybody a block later, and to nobody who could still take it back."""

import pytest
from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak

from ledger.circle.events import Drawn, Settled
from ledger.circle.history import Phase
from tests.support.contract.attacking import attacker, data_of
from tests.support.contract.copied import Deploy, copied
from tests.support.contract.harness import DIGEST, RECORD, WINDOW_S, CircleUnderTest
from tests.support.contract.machines import BareMachine

pytestmark = pytest.mark.rule("R3.9")

STRANGER = 9
ZERO = bytes(32)


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Four seats, a quorum of three, in round 1."""
    opened = deploy(start_seats=4, quorum=3, last_round=9)
    opened.join_all()
    return opened


def seed_of(circle: CircleUnderTest, block: int, number: int = 1) -> bytes:
    return keccak(
        abi_encode(["bytes32", "uint256", "address"], (BareMachine.block_hash(block), number, circle.address))
    )


def test_the_seed_follows_from_the_hash_of_the_block_that_closes_the_phase(circle: CircleUnderTest) -> None:
    for number in (1, 2):
        circle.commit_all(range(4))
        closing = circle.machine.moment.block
        circle.machine.pass_blocks(1)
        assert circle.state.seed == seed_of(circle, closing, number)
        circle.attest_all(range(4))
        assert circle.state.seed == seed_of(circle, closing, number)
        circle.settle()


def test_the_log_tells_the_seed_by_its_own_block(circle: CircleUnderTest) -> None:
    drawn = circle.commit_all(range(4))[-1]
    assert drawn == Drawn(1, seed_of(circle, circle.machine.moment.block), 0b1111)


def test_the_digests_do_not_move_the_seed(deploy: Deploy) -> None:
    seeds = []
    for order in ((0, 1, 2), (2, 0, 1)):
        circle = deploy(start_seats=3)
        circle.join_all()
        for seat in order:
            circle.do(seat, "commit", 1, bytes([order[0] + 1] * 32))
        seeds.append(circle.twin.draw)
        circle.attest_all(range(3))
    assert seeds[0] == seeds[1]


def test_nobody_knows_the_seed_in_the_block_that_draws_it(circle: CircleUnderTest) -> None:
    with circle.machine.one_block():
        circle.commit_all(range(4))
        assert circle.state.seed == ZERO
        reason = circle.refusal(0, "attest", circle.verdicts(0), RECORD)
    assert reason == "attest: seed is not drawn yet"
    circle.attest_all(range(4))


@pytest.mark.parametrize("by", ["commit", "advance"])
def test_who_closes_cannot_take_the_draw_back_because_it_dislikes_it(circle: CircleUnderTest, by: str) -> None:
    grinder, machine, sender = attacker(circle.machine, "DrawGrinder"), circle.machine, circle.peers[STRANGER]
    # Every other seed would suit it, could it see one in the call that it can still take back.
    data = data_of("advance_if(address,uint256,uint256)", circle.address, 2, 1)
    if by == "commit":
        # A key that has code may take its own commit back.
        sender = circle.peers[3]
        machine.set_code(sender, machine.code(grinder))
        grinder = sender
        data = data_of("commit_if(address,uint256,bytes32,uint256,uint256)", circle.address, 1, DIGEST, 2, 1)
    circle.commit_all(range(3))
    machine.pass_time(WINDOW_S if by == "advance" else 0)
    for _ in range(24):
        assert machine.run(sender, grinder, data).reason == "grinder: not this draw"
    assert circle.state.phase == Phase.COMMIT
    circle.check()


@pytest.mark.parametrize(("blocks", "is_lost"), [(255, False), (256, True)])
def test_a_seed_is_fixed_while_its_block_is_known(circle: CircleUnderTest, blocks: int, is_lost: bool) -> None:
    circle.commit_all(range(4))
    circle.machine.pass_blocks(blocks)
    assert (circle.state.seed == ZERO) == (blocks > 256)
    outcome = circle.call(circle.peers[0], "attest", circle.verdicts(0), RECORD)
    assert (outcome == "attest: seed is lost") == is_lost


def test_a_lost_seed_is_drawn_anew_by_anyone(circle: CircleUnderTest) -> None:
    circle.commit_all(range(4))
    first = circle.twin.draw
    assert circle.refusal(STRANGER, "advance") == "advance: seed is not lost"
    circle.machine.pass_blocks(256)
    circle.machine.pass_time(WINDOW_S // 2)
    (drawn,) = circle.do(STRANGER, "advance")
    assert isinstance(drawn, Drawn)
    assert (drawn.committed, drawn.seed != first) == (0b1111, True)
    assert circle.state.deadline_s == circle.machine.now_s + WINDOW_S
    # What was said under the first is not taken under the second.
    circle.attest_all(range(4))
    circle.settle()


def test_a_seed_that_somebody_attested_under_is_not_drawn_anew(circle: CircleUnderTest) -> None:
    circle.commit_all(range(4))
    circle.attest_all([0])
    circle.machine.pass_blocks(1000)
    assert circle.refusal(STRANGER, "advance") == "advance: seed is not lost"
    circle.attest_all(range(1, 4))
    circle.settle()


def test_who_did_not_commit_fixes_the_seed_as_well(circle: CircleUnderTest) -> None:
    circle.commit_all(range(3))
    circle.machine.pass_time(WINDOW_S)
    circle.do(0, "advance")
    tail = int.from_bytes(circle.twin.draw[-8:], "big")
    circle.do(3, "attest", tail << 64 | 1 << 42, RECORD)
    circle.machine.pass_blocks(1000)
    circle.attest_all(range(3))
    circle.settle()


def test_a_round_in_which_nobody_said_anything_has_no_seed(circle: CircleUnderTest) -> None:
    circle.commit_all(range(4))
    circle.machine.pass_blocks(300)
    circle.machine.pass_time(17 * WINDOW_S)
    (settled,) = circle.do(0, "settle", 1)
    assert isinstance(settled, Settled)
    assert (circle.state.phase, circle.state.seed, circle.state.roster) == (Phase.COMMIT, ZERO, 0)
