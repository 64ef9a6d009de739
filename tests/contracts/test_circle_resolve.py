"""How a dispute ends."""

from collections.abc import Callable

import pytest
from circle_harness import DAY_S, DIGEST, WINDOW_S, CircleUnderTest

from ledger.events import Outcome, Resolved
from ledger.topology import seats_of

Deploy = Callable[..., CircleUnderTest]
JUDGE, TARGET, CHALLENGER, STRANGER = 0, 1, 9, 10
CLAIM = (1, JUDGE, TARGET, DIGEST)
BOND, DISPUTE_BOND = 1002, 100


@pytest.fixture
def circle(deploy: Deploy) -> CircleUnderTest:
    """Eight bonded seats, and a dispute with a jury of five of them."""
    opened = deploy(start_seats=8, quorum=2, last_round=9, bond=BOND, dispute_bond=DISPUTE_BOND, jury_seats=5)
    opened.join_all()
    opened.whole_round(range(8))
    raise_dispute(opened)
    return opened


def raise_dispute(circle: CircleUnderTest, *claim: object) -> int:
    number = len(circle.history.disputes)
    circle.do(CHALLENGER, "dispute", *(claim or CLAIM))
    circle.do(CHALLENGER, "summon", number)
    return number


def vote(circle: CircleUnderTest, upholding: int, rejecting: int, number: int = 0) -> None:
    jury = seats_of(circle.history.disputes[number].jury)
    for place, seat in enumerate(jury[: upholding + rejecting]):
        circle.do(seat, "vote", number, place < upholding)


def resolve(circle: CircleUnderTest, number: int = 0) -> Resolved:
    (resolved,) = circle.do(STRANGER, "resolve", number)
    assert isinstance(resolved, Resolved)
    return resolved


def test_upheld_the_judge_falls_to_a_quarter_and_pays_a_quarter_of_a_bond(circle: CircleUnderTest) -> None:
    before = circle.reputations[JUDGE]
    vote(circle, 3, 0)
    assert resolve(circle) == Resolved(0, Outcome.UPHELD, 250)
    assert circle.reputations[JUDGE] == before >> 2
    assert circle.view("standing")[1] == 1 << JUDGE
    assert circle.view("books") == (8 * BOND - 250, DISPUTE_BOND + 250)
    circle.do(CHALLENGER, "withdraw")


def test_who_has_fallen_comes_back_as_from_any_quarantine(circle: CircleUnderTest) -> None:
    vote(circle, 3, 0)
    resolve(circle)
    circle.whole_round(range(8))
    circle.whole_round(range(8))
    circle.whole_round(range(8))
    assert circle.view("standing")[1] == 0


def test_rejected_the_challengers_bond_is_burned(circle: CircleUnderTest) -> None:
    before = circle.reputations
    vote(circle, 1, 3)
    assert resolve(circle) == Resolved(0, Outcome.REJECTED, 0)
    assert circle.reputations == before
    assert circle.twin.burned == DISPUTE_BOND
    assert circle.view("books") == (8 * BOND, 0)


def test_where_most_kept_silent_it_is_as_if_it_had_not_been(circle: CircleUnderTest) -> None:
    vote(circle, 2, 0)
    assert circle.refusal(STRANGER, "resolve", 0) == "resolve: votes are still open"
    circle.machine.pass_time(WINDOW_S)
    assert resolve(circle) == Resolved(0, Outcome.VOID, 0)
    circle.do(CHALLENGER, "withdraw")
    # A jury that did not come does not shield the verdict for good.
    number = raise_dispute(circle)
    vote(circle, 3, 0, number)
    assert resolve(circle, number).outcome == Outcome.UPHELD


@pytest.mark.parametrize("upholding", [3, 0])
def test_what_a_jury_has_decided_is_not_disputed_again(circle: CircleUnderTest, upholding: int) -> None:
    vote(circle, upholding, 3 - upholding)
    resolve(circle)
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: already disputed"


@pytest.mark.parametrize(
    ("upholding", "rejecting", "outcome"),
    [(2, 1, Outcome.UPHELD), (1, 2, Outcome.REJECTED), (2, 2, Outcome.REJECTED), (0, 0, Outcome.VOID)],
)
def test_at_the_deadline_the_votes_cast_decide_if_more_than_half_voted(
    circle: CircleUnderTest, upholding: int, rejecting: int, outcome: Outcome
) -> None:
    vote(circle, upholding, rejecting)
    assert circle.refusal(STRANGER, "resolve", 0) == "resolve: votes are still open"
    circle.machine.pass_time(WINDOW_S)
    assert resolve(circle).outcome == outcome


def test_all_votes_cast_end_it_before_the_deadline(circle: CircleUnderTest) -> None:
    vote(circle, 2, 3)
    assert resolve(circle).outcome == Outcome.REJECTED


@pytest.mark.parametrize("number", [1, 2**256 - 1])
def test_without_a_dispute_there_is_nothing_to_resolve(circle: CircleUnderTest, number: int) -> None:
    assert circle.refusal(STRANGER, "resolve", number) == "resolve: no such open dispute"


def test_a_dispute_is_resolved_once(circle: CircleUnderTest) -> None:
    vote(circle, 3, 0)
    resolve(circle)
    assert circle.refusal(STRANGER, "resolve", 0) == "resolve: no such open dispute"


def test_a_judge_pays_no_more_than_it_has_left(circle: CircleUnderTest) -> None:
    number = raise_dispute(circle, 1, JUDGE, 2, DIGEST)
    for open_ in (0, number):
        vote(circle, 3, 0, open_)
    circle.do(STRANGER, "report_equivocation", *circle.announcements(JUDGE, 1))
    assert resolve(circle).paid == 0
    assert resolve(circle, number).paid == 0


def test_four_upheld_disputes_take_nearly_all_of_a_bond_and_the_fifth_the_rest(circle: CircleUnderTest) -> None:
    numbers = [0, *(raise_dispute(circle, 1, JUDGE, target, DIGEST) for target in (2, 3, 4, 5))]
    for number in numbers:
        vote(circle, 3, 0, number)
    assert [resolve(circle, number).paid for number in numbers] == [250, 250, 250, 250, 2]
    circle.do_cold(JUDGE, "leave", JUDGE)
    circle.machine.pass_time(DAY_S)
    circle.do(STRANGER, "release", JUDGE)
    assert circle.cold_refusal(JUDGE, "withdraw") == "withdraw: nothing is owed"


def test_a_judge_that_left_pays_out_of_the_bond_that_waits(circle: CircleUnderTest) -> None:
    circle.do_cold(JUDGE, "leave", JUDGE)
    vote(circle, 3, 0)
    circle.machine.pass_time(DAY_S)
    assert circle.refusal(STRANGER, "release", JUDGE) == "release: a dispute is open"
    assert resolve(circle).paid == 250
    circle.do(STRANGER, "release", JUDGE)
    assert circle.view("owed", circle.colds[JUDGE]) == (BOND - 250,)


def test_a_dispute_ends_after_the_circle_too(deploy: Deploy) -> None:
    circle = deploy(start_seats=5, last_round=1, bond=8, dispute_bond=2)
    circle.join_all()
    circle.whole_round(range(5))
    raise_dispute(circle)
    vote(circle, 3, 0)
    assert resolve(circle).outcome == Outcome.UPHELD
