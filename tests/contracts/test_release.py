"""Making a seat free again."""

import pytest

from ledger.circle.events import Released
from tests.support.contract.copied import Deploy
from tests.support.contract.harness import DAY_S, DIGEST, WINDOW_S

pytestmark = pytest.mark.rule("R23.3")

STRANGER = 9


def test_anyone_releases_a_seat_after_the_unbonding_and_the_bond_is_its_cold_keys(deploy: Deploy) -> None:
    circle = deploy(bond=100)
    circle.join_all()
    circle.do_cold(2, "leave", 2)
    circle.machine.pass_time(WINDOW_S + DAY_S - 1)
    assert circle.refusal(STRANGER, "release", 2) == "release: unbonding is not over"
    circle.machine.pass_time(1)
    assert circle.do(STRANGER, "release", 2) == [Released(2, 100)]
    assert circle.view("books") == (200, 100)
    assert circle.view("owed", circle.colds[2]) == (100,)
    assert circle.view("standing")[2] == 0b100
    assert circle.refusal(STRANGER, "release", 2) == "release: seat is not given up"


@pytest.mark.parametrize("seat", [0, 3, 256, 2**256 - 1])
def test_a_seat_that_is_held_or_empty_is_not_released(deploy: Deploy, seat: int) -> None:
    circle = deploy()
    circle.join_all()
    assert circle.refusal(STRANGER, "release", seat) == "release: seat is not given up"


def test_a_seat_is_not_released_in_its_round(deploy: Deploy) -> None:
    circle = deploy(unbonding_s=0)
    circle.join_all()
    circle.commit_all(range(3))
    circle.do_cold(1, "leave", 1)
    circle.wait_until_free()
    assert circle.refusal(0, "release", 1) == "release: seat is in a round"
    circle.attest_all([0, 2])
    circle.settle()
    circle.do(0, "release", 1)


def test_a_seat_that_did_not_commit_is_released_in_the_midst_of_a_round(deploy: Deploy) -> None:
    circle = deploy(unbonding_s=0)
    circle.join_all()
    circle.do(0, "commit", 1, DIGEST)
    circle.do_cold(1, "leave", 1)
    circle.wait_until_free()
    circle.do(0, "release", 1)


def test_a_seat_under_dispute_is_not_released(deploy: Deploy) -> None:
    circle = deploy(bond=100, dispute_bond=10)
    circle.join_all()
    circle.whole_round(range(3))
    circle.do_cold(1, "leave", 1)
    circle.do(5, "dispute", 1, 1, 0, DIGEST)
    circle.wait_until_free()
    # It was left lying; whoever wants the bond takes it on.
    assert circle.refusal(0, "release", 1) == "release: a dispute is open"
    circle.do(0, "resolve", 0)
    circle.do(0, "release", 1)


def test_a_bond_of_nothing_owes_nothing(deploy: Deploy) -> None:
    circle = deploy(bond=0, unbonding_s=0)
    circle.join_all()
    circle.do_cold(1, "leave", 1)
    circle.wait_until_free()
    assert circle.do(0, "release", 1) == [Released(1, 0)]
    assert circle.cold_refusal(1, "withdraw") == "withdraw: nothing is owed"
