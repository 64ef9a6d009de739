"""Who is gone or silent is waited for once, and it costs."""

import pytest

from ledger.circle.events import Committed, Drawn, Ejected, Joined
from ledger.circle.history import Phase
from tests.support.contract.copied import Deploy, copied
from tests.support.contract.harness import DIGEST, WINDOW_S, CircleUnderTest

pytestmark = pytest.mark.rule("R3.5a")

DOZER = 4
INITIAL = 32768


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Five seats with a quorum of three, in round 1."""
    opened = deploy(start_seats=5, quorum=3, last_round=99)
    opened.join_all()
    return opened


def miss(circle: CircleUnderTest) -> None:
    """A round for which the dozer is waited for in vain."""
    circle.commit_all(range(4))
    circle.machine.pass_time(WINDOW_S)
    circle.do(0, "advance")
    circle.attest_all(range(4))
    circle.settle()


def dozing(circle: CircleUnderTest) -> int:
    return int(circle.view("standing")[4])


def test_a_dozing_seat_is_waited_for_once(circle: CircleUnderTest) -> None:
    miss(circle)
    assert dozing(circle) == 1 << DOZER
    started_s = circle.machine.now_s
    for _ in range(5):
        circle.do(DOZER, "wake")
        circle.whole_round(range(4))
    # It woke in each of them, and nobody waited: the rounds took no window.
    assert circle.machine.now_s == started_s


def test_what_is_waited_for_in_vain_costs_reputation(circle: CircleUnderTest) -> None:
    before = circle.reputations[DOZER]
    miss(circle)
    assert circle.reputations[DOZER] == before - (before >> 3)
    after = circle.reputations[DOZER]
    circle.do(DOZER, "wake")
    circle.whole_round(range(4))
    # Nobody waited for it any more, so that there is nothing to pay for.
    assert circle.reputations[DOZER] == after


def test_commit_and_not_attest_costs_reputation_and_is_waited_for_once(circle: CircleUnderTest) -> None:
    for number in (1, 2):
        circle.commit_all(range(5) if number == 1 else range(4))
        if number == 2:
            # It is late, and closes nothing; nobody waits for what it will attest.
            assert circle.state.phase == Phase.ATTEST
        circle.attest_all(range(4))
        if number == 1:
            assert circle.refusal(0, "settle", number) == "settle: attest phase is not due"
            circle.machine.pass_time(WINDOW_S)
        before = circle.reputations
        after = circle.settle()
        if number == 1:
            risen = 7 * before[DOZER] + 65535 >> 3
            assert after[DOZER] == risen - (risen >> 3)
            circle.do(DOZER, "wake")
    assert dozing(circle) == 1 << DOZER


def test_a_given_up_round_costs_the_silent_reputation_too(circle: CircleUnderTest) -> None:
    circle.commit_all(range(4))
    circle.machine.pass_time(WINDOW_S)
    circle.do(0, "advance")
    circle.attest_all(range(2))
    circle.machine.pass_time(WINDOW_S + 16 * WINDOW_S - 1)
    assert circle.refusal(0, "settle", 1) == "settle: attest phase is not due"
    circle.machine.pass_time(1)
    lowered = INITIAL - (INITIAL >> 3)
    assert circle.settle() == {0: INITIAL, 1: INITIAL, 2: lowered, 3: lowered, 4: lowered}
    assert dozing(circle) == 0b11100


def test_who_dozes_may_commit_late_and_is_on_the_roster_then(circle: CircleUnderTest) -> None:
    miss(circle)
    circle.do(DOZER, "wake")
    assert (circle.state.roster, circle.view("standing")[5]) == (0b01111, 1 << DOZER)
    assert circle.do(DOZER, "commit", 2, DIGEST) == [Committed(2, DOZER, DIGEST)]
    assert (circle.state.roster, circle.view("standing")[5]) == (0b11111, 0)
    assert circle.refusal(DOZER, "commit", 2, DIGEST) == "commit: already committed"
    assert isinstance(circle.commit_all(range(4))[-1], Drawn)
    assert circle.state.committed == 0b11111


def test_who_is_late_makes_up_a_quorum(circle: CircleUnderTest) -> None:
    miss(circle)
    circle.do(DOZER, "wake")
    circle.commit_all([0, 1])
    circle.machine.pass_time(WINDOW_S)
    assert isinstance(circle.do(DOZER, "commit", 2, DIGEST)[-1], Drawn)


def test_who_woke_in_the_round_before_is_late_in_the_next(circle: CircleUnderTest) -> None:
    miss(circle)
    circle.commit_all(range(4))
    circle.do(DOZER, "wake")
    assert circle.view("standing")[5] == 0
    circle.attest_all(range(4))
    circle.settle()
    assert (circle.state.roster, circle.view("standing")[5]) == (0b01111, 1 << DOZER)


def test_who_has_shown_for_some_rounds_that_it_is_there_is_waited_for_again(circle: CircleUnderTest) -> None:
    miss(circle)
    circle.do(DOZER, "wake")
    rounds = 0
    while dozing(circle):
        assert circle.reputations[DOZER] < 49152
        circle.do(DOZER, "commit", circle.twin.number, DIGEST)
        circle.whole_round_of(range(4), DOZER)
        rounds += 1
    assert circle.reputations[DOZER] >= 49152
    assert rounds == 7
    assert circle.state.roster == 0b11111


@pytest.mark.parametrize("every", [2, 10])
def test_who_is_there_in_one_round_of_several_costs_the_others_one_window_in_all(
    circle: CircleUnderTest, every: int
) -> None:
    for _ in range(12):
        circle.whole_round(range(5))
    assert circle.reputations[DOZER] > 57344
    miss(circle)
    started_s = circle.machine.now_s
    circle.do(DOZER, "wake")
    for number in range(1, 3 * every):
        if number % every == 1:
            circle.do(DOZER, "commit", circle.twin.number, DIGEST)
            circle.whole_round_of(range(4), DOZER)
        else:
            circle.whole_round(range(4))
            circle.do(DOZER, "wake")
        assert dozing(circle) == 1 << DOZER
    assert circle.machine.now_s == started_s


def test_who_missed_one_round_is_waited_for_after_two_in_which_it_took_part(circle: CircleUnderTest) -> None:
    for _ in range(12):
        circle.whole_round(range(5))
    miss(circle)
    circle.do(DOZER, "wake")
    for left in (1 << DOZER, 0):
        circle.do(DOZER, "commit", circle.twin.number, DIGEST)
        circle.whole_round_of(range(4), DOZER)
        assert dozing(circle) == left
    assert circle.state.roster == 0b11111


def test_who_joins_dozes_not_and_pays_for_nobody(deploy_large: Deploy) -> None:
    circle = deploy_large(start_seats=256, quorum=2, last_round=9, unbonding_s=0)
    circle.join_all()
    circle.commit_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    circle.commit_all([2])
    # Seat 7 is on the roster and has not committed; in the attest phase another takes it.
    circle.machine.pass_time(WINDOW_S)
    circle.do_cold(7, "leave", 7)
    circle.do(0, "release", 7)
    (joined,) = circle.join(256)
    assert isinstance(joined, Joined)
    assert joined.seat == 7
    circle.attest_all(range(3))
    assert circle.settle()[7] == INITIAL
    assert (dozing(circle) >> 6 & 0b111, circle.state.roster) == (0b101, 0b10000111)


def test_who_was_not_heard_for_256_rounds_is_ejected_at_no_cost(deploy: Deploy) -> None:
    circle = deploy(start_seats=5, quorum=3, last_round=999, bond=100)
    circle.join_all()
    miss(circle)
    circle.put_forward(255)
    assert circle.refusal(0, "eject", DOZER) == "eject: neither low nor absent"
    circle.put_forward(256)
    (ejected,) = circle.do(0, "eject", DOZER)
    assert isinstance(ejected, Ejected)
    assert ejected.burned == 0
    # Who is on the roster is not absent, though it attested long ago.
    circle.put_forward(600)
    assert circle.refusal(0, "eject", 1) == "eject: neither low nor absent"


@pytest.mark.parametrize("is_about", ["late", "woken"])
def test_who_asks_to_be_on_a_roster_is_not_absent(deploy: Deploy, is_about: str) -> None:
    circle = deploy(start_seats=5, quorum=3, last_round=999, bond=100)
    circle.join_all()
    miss(circle)
    circle.put_forward(400)
    if is_about == "late":
        circle.do(DOZER, "wake")
    else:
        circle.commit_all(range(4))
        circle.do(DOZER, "wake")
    assert circle.refusal(0, "eject", DOZER) == "eject: neither low nor absent"
