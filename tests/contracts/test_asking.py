"""Claims that only ask a judge to show what it judged from, and jurors who may not vote any more."""

import pytest

from ledger.circle.events import Outcome, Referred, Stage
from tests.support.contract.copied import Deploy, copied
from tests.support.contract.harness import DIGEST, NOBODY, CircleUnderTest
from tests.support.contract.trials import (
    CHALLENGER,
    JUDGE,
    TARGET,
    answer,
    appeal,
    close,
    convict,
    jury_of,
    pass_window,
    raise_claim,
    resolve,
)

pytestmark = pytest.mark.rule("R26.1a")

BOND, DISPUTE_BOND = 1000, 100
TERMS = {
    "start_seats": 9,
    "quorum": 2,
    "last_round": 30,
    "bond": BOND,
    "dispute_bond": DISPUTE_BOND,
    "reputation_shift": 1,
}
ASKER, NOTHING = 2, bytes(32)
QUESTION = (1, JUDGE, JUDGE, NOTHING)


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Nine bonded seats after a round of theirs."""
    opened = deploy(**TERMS, jury_seats=5)
    opened.join_all()
    opened.whole_round(range(9))
    return opened


def owed_to(circle: CircleUnderTest, account: int) -> int:
    owed = circle.view("owed", circle.peers[account])[0]
    assert isinstance(owed, int)
    return owed


def test_who_has_asked_has_its_bond_back_where_the_judge_shows_it_to_the_jury(circle: CircleUnderTest) -> None:
    raise_claim(circle, *QUESTION, by=ASKER)
    answer(circle, 0, rejects=jury_of(circle))
    resolve(circle)
    pass_window(circle)
    assert close(circle).outcome == Outcome.REJECTED
    assert (owed_to(circle, ASKER), circle.twin.burned) == (DISPUTE_BOND, 0)


def test_who_takes_an_answered_question_to_the_circle_pays_for_that(circle: CircleUnderTest) -> None:
    raise_claim(circle, *QUESTION, by=ASKER)
    answer(circle, 0, rejects=jury_of(circle))
    resolve(circle)
    appeal(circle)
    answer(circle, 0, rejects=range(5))
    assert close(circle).outcome == Outcome.REJECTED
    assert (owed_to(circle, ASKER), circle.twin.burned) == (DISPUTE_BOND, 4 * DISPUTE_BOND)
    assert owed_to(circle, CHALLENGER) == 0


def test_a_judge_that_shows_nothing_is_convicted_and_who_asked_is_rewarded(circle: CircleUnderTest) -> None:
    raise_claim(circle, *QUESTION, by=ASKER)
    answer(circle, 0, withheld=jury_of(circle))
    resolve(circle)
    answer(circle, 0, withheld=range(1, 6))
    resolved = close(circle)
    assert (resolved.outcome, resolved.fine) == (Outcome.UPHELD, BOND // 2)
    assert owed_to(circle, ASKER) == DISPUTE_BOND + BOND // 8


def test_who_asks_and_has_no_jury_drawn_pays_as_anyone(circle: CircleUnderTest) -> None:
    circle.do(ASKER, "dispute", *QUESTION)
    pass_window(circle)
    assert close(circle).outcome == Outcome.REJECTED
    assert (owed_to(circle, ASKER), circle.twin.burned) == (0, DISPUTE_BOND)
    circle.do(ASKER, "dispute", *QUESTION)


def test_a_seat_asks_one_judge_at_a_time(circle: CircleUnderTest) -> None:
    raise_claim(circle, *QUESTION, by=ASKER)
    assert circle.refusal(ASKER, "dispute", 1, 3, 3, NOTHING) == "dispute: seat asks already"
    # Another seat may, and the same one with a record to show for it.
    raise_claim(circle, 1, 3, 3, NOTHING, by=4)
    raise_claim(circle, 1, 5, 5, DIGEST, by=ASKER)
    answer(circle, 0, rejects=jury_of(circle))
    resolve(circle)
    pass_window(circle)
    resolve(circle)
    raise_claim(circle, 1, 6, 6, NOTHING, by=ASKER)


def test_only_a_seat_in_good_standing_asks_and_for_a_record_alone(circle: CircleUnderTest) -> None:
    assert circle.refusal(CHALLENGER, "dispute", *QUESTION) == "seat: caller has none"
    assert circle.refusal(ASKER, "dispute", 1, JUDGE, TARGET, NOTHING) == "dispute: asks for no record"
    circle.do_cold(3, "leave", 3)
    assert circle.refusal(3, "dispute", *QUESTION) == "seat: caller has none"
    convict(circle, 1, 5, 6, DIGEST)
    assert circle.refusal(5, "dispute", *QUESTION) == "dispute: not in good standing"


def test_who_asked_is_to_be_seen(circle: CircleUnderTest) -> None:
    raise_claim(circle, *QUESTION, by=ASKER)
    raise_claim(circle, 1, 3, 4, DIGEST)
    assert [circle.view("dispute_at", number)[0][-1] for number in (0, 1)] == [ASKER + 1, 0]
    assert circle.view("dispute_at", 0)[0][4] == NOBODY


def test_a_juror_that_may_not_vote_any_more_pays_nothing_for_its_silence(deploy: Deploy) -> None:
    circle = deploy(**TERMS, jury_seats=6)
    circle.join_all()
    for _ in range(2):
        circle.whole_round(range(9))
    raise_claim(circle, 2, JUDGE, TARGET, DIGEST)
    pass_window(circle)
    circle.machine.pass_time(-1)
    muted, bankrupt, silent = [seat for seat in jury_of(circle) if seat != 8][:3]
    convict(circle, 1, muted, 8, DIGEST)
    circle.do(CHALLENGER, "report_equivocation", *circle.announcements(bankrupt, 1))
    pass_window(circle)
    before = circle.reputations
    event = resolve(circle)
    assert isinstance(event, Referred)
    assert event.stage == Stage.APPEAL
    after = circle.reputations
    assert (after[muted], after[bankrupt]) == (before[muted], before[bankrupt])
    assert after[silent] == before[silent] - (before[silent] >> 1)
