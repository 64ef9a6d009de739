"""The votes of a jury, and of the circle."""

import pytest

from ledger.circle.events import Answer, Stage, Voted
from tests.support.contract.copied import Deploy, after_a_round, copied
from tests.support.contract.harness import DAY_S, DIGEST, WINDOW_S, CircleUnderTest
from tests.support.contract.trials import (
    CHALLENGER,
    JUDGE,
    STRANGER,
    TARGET,
    answer,
    convict,
    jury_of,
    pass_window,
    raise_claim,
    resolve,
)

pytestmark = pytest.mark.rule("R26.4")


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Eight seats, and a dispute with a jury of five of them."""
    opened = after_a_round(
        deploy, start_seats=8, quorum=2, last_round=300, bond=800, dispute_bond=100, jury_seats=5
    )
    raise_claim(opened)
    return opened


@pytest.fixture
def heard(circle: CircleUnderTest) -> CircleUnderTest:
    """The same before the whole circle."""
    answer(circle, 0, upholds=jury_of(circle)[:3])
    resolve(circle)
    assert circle.twin.disputes[0].stage == Stage.CIRCLE
    return circle


def test_a_juror_says_what_recomputing_gave(circle: CircleUnderTest) -> None:
    for seat, said in zip(jury_of(circle), Answer, strict=False):
        assert circle.do(seat, "vote", 0, circle.said(0, said)) == [Voted(0, seat, said)]
    (held,) = circle.view("dispute_at", 0)
    first, second, third = (1 << seat for seat in jury_of(circle)[:3])
    assert held[10:16] == (second, first, third, 0, 0, 0)


def test_a_bonded_seat_says_it_before_the_circle(heard: CircleUnderTest) -> None:
    for seat, said in zip((JUDGE, TARGET, 2), Answer, strict=True):
        assert heard.do(seat, "vote", 0, heard.said(0, said)) == [Voted(0, seat, said)]
    (held,) = heard.view("dispute_at", 0)
    assert held[13:16] == (0b010, 0b001, 0b100)


@pytest.mark.parametrize("again", Answer)
def test_nobody_votes_twice_in_a_stage(circle: CircleUnderTest, again: Answer) -> None:
    first = jury_of(circle)[0]
    answer(circle, 0, upholds=[first])
    assert circle.refusal(first, "vote", 0, circle.said(0, again)) == "vote: already voted"


def test_a_juror_votes_again_before_the_circle(heard: CircleUnderTest) -> None:
    first = jury_of(heard)[0]
    answer(heard, 0, rejects=[first])
    assert heard.refusal(first, "vote", 0, heard.said(0)) == "vote: already voted"


def test_the_jury_alone_votes_at_first(circle: CircleUnderTest) -> None:
    others = [seat for seat in range(8) if seat not in jury_of(circle)]
    assert {JUDGE, TARGET} <= set(others)
    for seat in others:
        assert circle.refusal(seat, "vote", 0, circle.said(0)) == "vote: not asked"


@pytest.mark.parametrize("other", ["round", "judge", "target", "answer", "beyond"])
def test_a_vote_names_its_claim(circle: CircleUnderTest, other: str) -> None:
    bit = {"round": 1 << 18, "judge": 1 << 10, "target": 1 << 2, "answer": 2, "beyond": 1 << 255}[other]
    first = jury_of(circle)[0]
    assert circle.refusal(first, "vote", 0, circle.said(0, Answer.UPHOLDS) ^ bit) == "vote: not this claim"


def test_a_vote_lands_on_no_other_claim_after_a_reorganisation(deploy: Deploy) -> None:
    signed = []
    for order in ((1, 2), (2, 1)):
        circle = deploy(start_seats=6, quorum=3, last_round=9, bond=8, dispute_bond=1, jury_seats=21)
        circle.join_all()
        circle.whole_round(range(6))
        for target in order:
            raise_claim(circle, 1, JUDGE, target, DIGEST)
        signed.append((circle, 0, circle.said(0, Answer.UPHOLDS)))
    (_, number, said), (forked, *_) = signed
    assert forked.refusal(3, "vote", number, said) == "vote: not this claim"


def test_who_has_no_seat_does_not_vote(circle: CircleUnderTest) -> None:
    first = jury_of(circle)[0]
    for sender in (circle.colds[first], circle.peers[STRANGER]):
        assert circle.call(sender, "vote", 0, circle.said(0)) == "seat: caller has none"


def test_who_left_votes_with_its_last_key_until_it_is_released(heard: CircleUnderTest) -> None:
    heard.do_cold(2, "leave", 2)
    heard.do_cold(3, "leave", 3)
    answer(heard, 0, rejects=[2])
    heard.machine.pass_time(2 * DAY_S)
    heard.do(STRANGER, "release", 3)
    assert heard.refusal(3, "vote", 0, heard.said(0)) == "seat: caller has none"


def test_a_seat_votes_with_the_key_it_has(circle: CircleUnderTest) -> None:
    first, second = jury_of(circle)[:2]
    for seat, key in ((first, 8), (second, 11)):
        circle.do_cold(seat, "rotate", seat, circle.peers[key], circle.colds[seat])
    answer(circle, 0, upholds=[first])
    circle.machine.pass_time(DAY_S)
    for seat, key in ((first, 8), (second, 11)):
        circle.do(key, "finish_rotation", seat)
    assert circle.refusal(second, "vote", 0, circle.said(0)) == "seat: caller has none"
    assert circle.refusal(11, "vote", 0, circle.said(0)) == "vote: window is over"


def test_who_is_below_the_floor_suspended_or_without_half_its_bond_does_not_vote(deploy: Deploy) -> None:
    circle = deploy(start_seats=8, quorum=2, last_round=30, bond=800, dispute_bond=100, reputation_shift=1)
    circle.join_all()
    for _ in range(2):
        circle.whole_round(range(8))
    assert convict(circle, 1, 5, 6, DIGEST).fine == 400
    number = raise_claim(circle, 1, JUDGE, TARGET, DIGEST)
    answer(circle, number, upholds=jury_of(circle, number))
    resolve(circle, number)
    refused = "vote: not in good standing"
    assert circle.view("standing")[1] == 1 << 5
    assert circle.refusal(5, "vote", number, circle.said(number)) == refused
    circle.whole_round(range(8))
    # Back above the floor it is suspended still.
    assert circle.view("standing")[1] == 0
    circle.machine.pass_time(-WINDOW_S)
    assert circle.refusal(5, "vote", number, circle.said(number)) == refused


def test_who_lost_its_bond_by_an_equivocation_does_not_vote(heard: CircleUnderTest) -> None:
    # It is neither below the floor nor suspended; what it could lose by a false vote is gone.
    heard.do(2, "report_equivocation", *heard.announcements(3, 1))
    assert (heard.view("standing")[1], heard.view("standing")[6]) == (0, 0)
    assert heard.refusal(3, "vote", 0, heard.said(0)) == "vote: not in good standing"


def test_votes_are_cast_before_the_deadline(circle: CircleUnderTest) -> None:
    first, second = jury_of(circle)[:2]
    circle.machine.pass_time(WINDOW_S - 1)
    answer(circle, 0, upholds=[first])
    circle.machine.pass_time(1)
    assert circle.refusal(second, "vote", 0, circle.said(0)) == "vote: window is over"


@pytest.mark.parametrize("number", [1, 2**256 - 1])
def test_without_a_dispute_there_is_no_vote(circle: CircleUnderTest, number: int) -> None:
    assert circle.refusal(2, "vote", number, circle.said(0)) == "vote: no such open dispute"


def test_a_closed_dispute_takes_no_votes(heard: CircleUnderTest) -> None:
    answer(heard, 0, rejects=range(5))
    resolve(heard)
    assert heard.refusal(6, "vote", 0, heard.said(0)) == "vote: no such open dispute"


def test_neither_before_a_jury_is_drawn_nor_while_it_may_be_appealed_does_anybody_vote(
    circle: CircleUnderTest,
) -> None:
    answer(circle, 0, rejects=jury_of(circle))
    resolve(circle)
    circle.do(CHALLENGER, "dispute", 1, JUDGE, 2, DIGEST)
    for seat in range(8):
        for number in (0, 1):
            assert circle.refusal(seat, "vote", number, circle.said(number)) == "vote: not asked"
    pass_window(circle)
