"""What fewer than half of the bonded seats cannot do, however lucky their draws are and however few are awake."""

import pytest

from ledger.circle.events import Outcome, Resolved, Stage
from ledger.circle.history import Phase
from tests.support.contract.copied import Deploy, after_a_round
from tests.support.contract.harness import DAY_S, DIGEST, CircleUnderTest
from tests.support.contract.trials import (
    JUDGE,
    STRANGER,
    answer,
    appeal,
    close,
    jury_of,
    pass_window,
    raise_claim,
    resolve,
)

pytestmark = pytest.mark.rule("R26")

BOND, DISPUTE_BOND, OUTSIDE = 1000, 100, 9
MINORITIES = [(3, 1), (5, 2), (7, 3), (9, 4)]


def attack(circle: CircleUnderTest, number: int, attackers: range, others: str) -> Resolved:
    """A minority has its way wherever it can: it votes for a claim, pays its appeal, and votes again."""
    answer(circle, number, upholds=attackers)
    honest = [seat for seat in range(len(circle.twin.seats)) if seat not in attackers]
    if others == "vote":
        answer(circle, number, rejects=[seat for seat in honest if circle.twin.may_vote(seat, number)])
    case = circle.twin.disputes[number]
    while True:
        if case.stage == Stage.APPEAL:
            appeal(circle, number, by=OUTSIDE)
            answer(circle, number, upholds=attackers)
            if others == "vote":
                answer(circle, number, rejects=honest)
        if isinstance(circle.call(circle.peers[STRANGER], "resolve", number), str):
            pass_window(circle, number)
            resolve(circle, number)
        if case.outcome is not None:
            return Resolved(number, case.outcome, 0, 0)
        answer(circle, number, upholds=[seat for seat in attackers if circle.twin.may_vote(seat, number)])
        if others == "vote":
            answer(circle, number, rejects=[seat for seat in honest if circle.twin.may_vote(seat, number)])


@pytest.mark.parametrize("others", ["vote", "sleep"])
@pytest.mark.parametrize("is_lucky", [True, False])
@pytest.mark.parametrize(("seats", "attackers"), MINORITIES)
def test_a_minority_convicts_nobody(
    deploy: Deploy, seats: int, attackers: int, is_lucky: bool, others: str
) -> None:
    circle = deploy(
        start_seats=seats,
        quorum=2,
        last_round=99,
        bond=BOND,
        dispute_bond=DISPUTE_BOND,
        jury_seats=1 if is_lucky else 21,
    )
    circle.join_all()
    hostile = range(seats - attackers, seats)
    number = 0
    while True:
        circle.whole_round(range(seats))
        number = raise_claim(circle, circle.twin.number - 1, JUDGE, 1, DIGEST, by=OUTSIDE)
        if not is_lucky or set(jury_of(circle, number)) <= set(hostile):
            break
    assert attack(circle, number, hostile, others).outcome != Outcome.UPHELD
    honest = range(seats - attackers)
    assert [circle.twin.seats[seat].bond for seat in honest] == [BOND] * len(honest)
    assert circle.view("standing")[6] == 0
    assert circle.view("owed", circle.peers[OUTSIDE])[0] <= 5 * DISPUTE_BOND


def test_half_is_a_minority_too(deploy: Deploy) -> None:
    circle = after_a_round(
        deploy, start_seats=6, quorum=2, last_round=9, bond=BOND, dispute_bond=DISPUTE_BOND, jury_seats=21
    )
    number = raise_claim(circle, by=OUTSIDE)
    assert attack(circle, number, range(3, 6), "sleep").outcome == Outcome.VOID


def test_a_minority_keeps_nothing_either(deploy: Deploy) -> None:
    circle = after_a_round(
        deploy, start_seats=9, quorum=6, last_round=9, bond=BOND, dispute_bond=DISPUTE_BOND, jury_seats=3
    )
    number = raise_claim(circle, by=OUTSIDE)
    # The liar's friends are the jury; with the liar they are four of nine.
    friends = jury_of(circle, number)
    answer(circle, number, rejects=friends)
    resolve(circle, number)
    appeal(circle, number, by=OUTSIDE)
    liars = [JUDGE, *friends]
    answer(circle, number, rejects=liars, upholds=[seat for seat in range(9) if seat not in liars])
    assert close(circle, number).outcome == Outcome.UPHELD


@pytest.mark.parametrize("circle_is", ["finished", "dead"])
def test_who_leaves_last_takes_nothing(deploy: Deploy, circle_is: str) -> None:
    seats, last, rounds = range(9), 8, 2 if circle_is == "finished" else 99
    circle = deploy(
        start_seats=9,
        quorum=6,
        last_round=rounds,
        degree=4,
        bond=BOND,
        unbonding_s=7 * DAY_S,
        dispute_bond=DISPUTE_BOND,
        jury_seats=7,
    )
    circle.join_all()
    for _ in range(2):
        circle.whole_round(seats)
    assert circle.state.phase == (Phase.FINISHED if circle_is == "finished" else Phase.COMMIT)
    for seat in seats[:-1]:
        circle.do_cold(seat, "leave", seat)
    free_at = max(held.free_at or 0 for held in circle.twin.seats.values())
    # It alone is held; whatever it claims, and however often, it is one of nine.
    for judge in (0, 3):
        for target in (1, 2):
            number = raise_claim(circle, 1, judge, target, DIGEST, by=OUTSIDE)
            assert jury_of(circle, number) in ([last], [])
            assert attack(circle, number, range(last, last + 1), "sleep").outcome == Outcome.VOID
    circle.machine.pass_time(max(0, free_at - circle.machine.now_s))
    for seat in seats[:-1]:
        circle.do(STRANGER, "release", seat)
        assert circle.view("owed", circle.colds[seat]) == (BOND,)


def test_who_stays_alone_is_no_court(deploy: Deploy) -> None:
    circle = after_a_round(
        deploy, start_seats=3, quorum=2, last_round=1, bond=BOND, unbonding_s=DAY_S, dispute_bond=DISPUTE_BOND
    )
    circle.do_cold(0, "leave", 0)
    circle.machine.pass_time(DAY_S // 2)
    circle.do_cold(1, "leave", 1)
    circle.machine.pass_time(DAY_S // 2)
    circle.do(STRANGER, "release", 0)
    # Of two who are bonded, both would have to uphold; and a trial could not end before the other is free.
    assert circle.refusal(2, "dispute", 1, 1, 0, DIGEST) == "dispute: too late to end"
