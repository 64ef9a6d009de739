"""How a dispute goes from stage to stage, and how it ends."""

import pytest

from ledger.circle.events import Appealed, Joined, Outcome, Referred, Resolved, Stage
from tests.support.contract.copied import Deploy, after_a_round, copied
from tests.support.contract.harness import DIGEST, WINDOW_S, CircleUnderTest
from tests.support.contract.trials import (
    CHALLENGER,
    CLAIM,
    JUDGE,
    STRANGER,
    TARGET,
    answer,
    appeal,
    close,
    jury_of,
    pass_window,
    raise_claim,
    resolve,
)

pytestmark = pytest.mark.rule("R26.5")

BOND, DISPUTE_BOND, FINE = 1002, 100, 501
APPELLANT = 11


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Nine bonded seats, and a dispute with a jury of five of them."""
    opened = after_a_round(
        deploy, start_seats=9, quorum=2, last_round=9, bond=BOND, dispute_bond=DISPUTE_BOND, jury_seats=5
    )
    raise_claim(opened)
    return opened


def hear_jury(circle: CircleUnderTest, upholding: int, rejecting: int, withheld: int = 0) -> Referred | Resolved:
    """So many of the jury answer so; then the dispute is taken on, at the deadline if they are too few."""
    jury = jury_of(circle)
    answer(circle, 0, upholds=jury[:upholding], withheld=jury[upholding : upholding + withheld])
    answer(circle, 0, rejects=jury[upholding + withheld : upholding + withheld + rejecting])
    if 2 * max(upholding + withheld, rejecting) <= 5 and upholding + withheld + rejecting < 5:
        assert circle.refusal(STRANGER, "resolve", 0) == "resolve: votes are still open"
        pass_window(circle)
    return resolve(circle)


@pytest.mark.parametrize(
    ("upholding", "rejecting", "withheld", "stage"),
    [
        (3, 0, 0, Stage.CIRCLE),
        (0, 0, 3, Stage.CIRCLE),
        (2, 0, 1, Stage.CIRCLE),
        (2, 2, 1, Stage.CIRCLE),
        (0, 3, 0, Stage.APPEAL),
        (2, 3, 0, Stage.APPEAL),
        (2, 0, 0, Stage.APPEAL),
        (2, 2, 0, Stage.APPEAL),
        (0, 0, 0, Stage.APPEAL),
    ],
)
def test_a_jury_takes_nothing_from_anybody_it_refers(
    circle: CircleUnderTest, upholding: int, rejecting: int, withheld: int, stage: Stage
) -> None:
    referred = hear_jury(circle, upholding, rejecting, withheld)
    assert referred == Referred(0, stage, circle.machine.now_s + WINDOW_S)
    assert circle.view("books") == (9 * BOND + DISPUTE_BOND, 0)
    assert circle.twin.burned == 0


def test_a_juror_that_kept_silent_to_the_deadline_pays_in_reputation(circle: CircleUnderTest) -> None:
    before, silent = circle.reputations, jury_of(circle)[2:]
    hear_jury(circle, 1, 1)
    assert circle.reputations == {s: r - (r >> 3) if s in silent else r for s, r in before.items()}


def test_of_windows_that_overlap_a_silent_juror_pays_for_one(circle: CircleUnderTest) -> None:
    before = circle.reputations
    flood = [0, *(raise_claim(circle, 1, JUDGE, target, DIGEST) for target in (2, 3, 4, 5))]
    circle.machine.pass_time(WINDOW_S // 2)
    overlapping = raise_claim(circle, 1, JUDGE, 6, DIGEST)
    drawn = {seat for number in [*flood, overlapping] for seat in jury_of(circle, number)}
    for number in [*flood, overlapping]:
        pass_window(circle, number)
        resolve(circle, number)
    assert circle.reputations == {s: r - (r >> 3) if s in drawn else r for s, r in before.items()}


def test_a_juror_silent_in_the_next_window_too_pays_again(circle: CircleUnderTest) -> None:
    silent = jury_of(circle)
    pass_window(circle)
    later = raise_claim(circle, 1, JUDGE, 2, DIGEST)
    resolve(circle)
    before = circle.reputations
    again = sorted(set(silent) & set(jury_of(circle, later)))
    assert again
    pass_window(circle, later)
    resolve(circle, later)
    assert all(circle.reputations[seat] == before[seat] - (before[seat] >> 3) for seat in again)


def test_who_need_not_vote_any_more_pays_nothing_for_silence(circle: CircleUnderTest) -> None:
    before = circle.reputations
    hear_jury(circle, 3, 0)
    assert circle.reputations == before


def test_who_took_a_silent_jurors_seat_later_pays_nothing(deploy_large: Deploy) -> None:
    circle = deploy_large(
        start_seats=256, quorum=2, last_round=9, bond=8, dispute_bond=1, unbonding_s=8 * WINDOW_S, jury_seats=1
    )
    circle.join_all()
    circle.commit_all([0, 1])
    circle.machine.pass_time(WINDOW_S)
    circle.commit_all([2])
    circle.attest_all(range(3))
    circle.settle()
    raise_claim(circle)
    (silent,) = jury_of(circle)
    circle.do_cold(silent, "leave", silent)
    circle.machine.pass_time(9 * WINDOW_S)
    circle.do(STRANGER, "release", silent)
    (joined,) = circle.join(256)
    assert isinstance(joined, Joined)
    assert joined.seat == silent
    resolve(circle)
    assert circle.reputations[silent] == 32768


def test_what_a_jury_rejected_and_nobody_appealed_costs_the_challenger_its_bond(circle: CircleUnderTest) -> None:
    before = circle.reputations
    hear_jury(circle, 1, 3)
    assert circle.refusal(STRANGER, "resolve", 0) == "resolve: votes are still open"
    pass_window(circle)
    assert resolve(circle) == Resolved(0, Outcome.REJECTED, 0, 0)
    assert circle.reputations == before
    assert circle.twin.burned == DISPUTE_BOND
    assert circle.view("books") == (9 * BOND, 0)
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: already disputed"


@pytest.mark.parametrize(("upholding", "rejecting"), [(2, 2), (2, 0), (0, 2), (0, 0)])
def test_where_a_jury_was_of_no_mind_it_is_as_if_it_had_not_been(
    circle: CircleUnderTest, upholding: int, rejecting: int
) -> None:
    hear_jury(circle, upholding, rejecting)
    pass_window(circle)
    assert resolve(circle) == Resolved(0, Outcome.VOID, 0, 0)
    circle.do(CHALLENGER, "withdraw")
    # A jury that did not come does not shield the verdict for good.
    raise_claim(circle)


def test_anyone_appeals_to_the_circle_for_four_dispute_bonds(circle: CircleUnderTest) -> None:
    hear_jury(circle, 0, 3)
    appealed = circle.do(APPELLANT, "appeal", 0, circle.said(0))
    assert appealed == [Appealed(0, circle.peers[APPELLANT], circle.machine.now_s + WINDOW_S)]
    assert circle.view("books") == (9 * BOND + 5 * DISPUTE_BOND, 0)


@pytest.mark.parametrize("value", [0, DISPUTE_BOND, 4 * DISPUTE_BOND - 1, 4 * DISPUTE_BOND + 1])
def test_an_appeals_bond_is_neither_more_nor_less(circle: CircleUnderTest, value: int) -> None:
    hear_jury(circle, 0, 3)
    assert circle.refusal(APPELLANT, "appeal", 0, circle.said(0), value=value) == "appeal: value is not the bond"


@pytest.mark.parametrize("bit", [1, 2, 1 << 2, 1 << 10, 1 << 18, 1 << 255])
def test_an_appeal_names_its_claim(circle: CircleUnderTest, bit: int) -> None:
    hear_jury(circle, 0, 3)
    assert circle.refusal(APPELLANT, "appeal", 0, circle.said(0) ^ bit) == "appeal: not this claim"


def test_an_appeal_comes_before_the_deadline_and_once(circle: CircleUnderTest) -> None:
    nothing = "appeal: nothing to appeal"
    assert circle.refusal(APPELLANT, "appeal", 0, circle.said(0)) == nothing
    hear_jury(circle, 0, 3)
    circle.machine.pass_time(WINDOW_S)
    assert circle.refusal(APPELLANT, "appeal", 0, circle.said(0)) == "appeal: window is over"
    circle.machine.pass_time(-1)
    appeal(circle, by=APPELLANT)
    assert circle.refusal(APPELLANT, "appeal", 0, circle.said(0)) == nothing
    for number in (1, 2**256 - 1):
        assert circle.refusal(APPELLANT, "appeal", number, circle.said(0)) == nothing


def test_more_than_half_of_all_bonded_convict_and_the_bonds_come_back(circle: CircleUnderTest) -> None:
    hear_jury(circle, 0, 3)
    appeal(circle, by=APPELLANT)
    answer(circle, 0, upholds=range(1, 5))
    assert circle.refusal(STRANGER, "resolve", 0) == "resolve: votes are still open"
    answer(circle, 0, withheld=[5])
    assert resolve(circle) == Resolved(0, Outcome.UPHELD, FINE, 0)
    assert circle.view("owed", circle.peers[CHALLENGER]) == (DISPUTE_BOND + FINE // 4,)
    assert circle.view("owed", circle.peers[APPELLANT]) == (4 * DISPUTE_BOND,)
    assert circle.twin.burned == FINE - FINE // 4
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: already disputed"


def test_rejected_by_the_circle_all_bonds_are_burned(circle: CircleUnderTest) -> None:
    hear_jury(circle, 0, 3)
    appeal(circle, by=APPELLANT)
    answer(circle, 0, upholds=[5, 6, 7, 8], rejects=range(5))
    assert resolve(circle) == Resolved(0, Outcome.REJECTED, 0, 0)
    assert circle.twin.burned == 5 * DISPUTE_BOND
    assert circle.view("books") == (9 * BOND, 0)
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: already disputed"


def test_who_keeps_silent_before_the_circle_counts_for_nobody(circle: CircleUnderTest) -> None:
    before = circle.reputations
    hear_jury(circle, 3, 0)
    answer(circle, 0, upholds=range(1, 5), rejects=range(5, 9))
    assert circle.refusal(STRANGER, "resolve", 0) == "resolve: votes are still open"
    pass_window(circle)
    assert resolve(circle) == Resolved(0, Outcome.VOID, 0, 0)
    assert circle.reputations == before
    assert circle.view("owed", circle.peers[CHALLENGER]) == (DISPUTE_BOND,)
    raise_claim(circle)


@pytest.mark.parametrize("is_upheld", [True, False])
def test_a_juror_whom_recomputing_shows_to_be_wrong_pays_an_eighth_of_a_bond(
    circle: CircleUnderTest, is_upheld: bool
) -> None:
    jury, before = jury_of(circle), circle.reputations
    wrong = jury[3:] if is_upheld else jury[:3]
    # Three say it is false, two that it is not; nobody who says that it was withheld is ever at fault.
    answer(circle, 0, upholds=jury[:2], withheld=[jury[2]], rejects=jury[3:])
    resolve(circle)
    answer(circle, 0, **{"upholds" if is_upheld else "rejects": range(5)})
    resolve(circle)
    at_fault = [seat for seat in wrong if is_upheld or seat != jury[2]]
    assert {s for s in jury if circle.twin.seats[s].bond == BOND - BOND // 8} == set(at_fault)
    assert {s for s in jury if circle.reputations[s] == before[s] - (before[s] >> 3)} == set(at_fault)


def test_answers_of_withheld_put_no_juror_at_fault(circle: CircleUnderTest) -> None:
    jury, before = jury_of(circle), circle.reputations
    answer(circle, 0, upholds=jury[:3], rejects=jury[3:])
    resolve(circle)
    answer(circle, 0, withheld=range(1, 6))
    assert close(circle).outcome == Outcome.UPHELD
    assert {s: r for s, r in circle.reputations.items() if s != JUDGE} == {
        s: r for s, r in before.items() if s != JUDGE
    }


def test_a_juror_pays_no_more_than_it_has_left(circle: CircleUnderTest) -> None:
    jury = jury_of(circle)
    answer(circle, 0, upholds=jury[:3], rejects=jury[3:])
    resolve(circle)
    circle.do(STRANGER, "report_equivocation", *circle.announcements(jury[4], 1))
    answer(circle, 0, upholds=[seat for seat in range(1, 9) if seat != jury[4]][:5])
    resolve(circle)
    assert [circle.twin.seats[seat].bond for seat in jury[3:]] == [BOND - BOND // 8, 0]


@pytest.mark.parametrize("number", [1, 2**256 - 1])
def test_without_a_dispute_there_is_nothing_to_resolve(circle: CircleUnderTest, number: int) -> None:
    assert circle.refusal(STRANGER, "resolve", number) == "resolve: no such open dispute"


def test_a_dispute_is_resolved_once(circle: CircleUnderTest) -> None:
    hear_jury(circle, 0, 3)
    pass_window(circle)
    resolve(circle)
    assert circle.refusal(STRANGER, "resolve", 0) == "resolve: no such open dispute"


def test_a_stage_left_lying_is_taken_on_by_anyone_later(circle: CircleUnderTest) -> None:
    circle.machine.pass_time(1000 * WINDOW_S)
    resolve(circle)
    assert circle.twin.disputes[0].deadline == circle.machine.now_s + WINDOW_S
    circle.machine.pass_time(1000 * WINDOW_S)
    assert resolve(circle) == Resolved(0, Outcome.VOID, 0, 0)


def test_a_dispute_ends_after_the_circle_too(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=5, last_round=1, bond=8, dispute_bond=2)
    raise_claim(circle, 1, JUDGE, TARGET, DIGEST)
    answer(circle, 0, upholds=jury_of(circle))
    resolve(circle)
    answer(circle, 0, upholds=range(1, 4))
    assert close(circle).outcome == Outcome.UPHELD
