"""Equivocations and disputes in the fold: who loses and is owed what, and what cannot have been."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.circle.draw import draw_jury, mask_of, seats_of
from ledger.circle.events import (
    Answer,
    Appealed,
    Attested,
    Committed,
    Disputed,
    Drawn,
    Ejected,
    Equivocated,
    Event,
    Joined,
    Left,
    Outcome,
    Referred,
    Released,
    Resolved,
    Rotated,
    Rotating,
    Settled,
    Stage,
    Summoned,
    Voted,
    Withdrawn,
    Woken,
)
from ledger.circle.history import CircleTerms, History, HistoryFault
from ledger.circle.members import Dispute, Votes
from ledger.circle.reputation import INITIAL, pack
from tests.support.histories import parts
from tests.support.histories.parts import (
    BOND,
    DISPUTE_BOND,
    address,
    current_round,
    digest,
    joined,
    manifest_of,
    opened,
    said,
)
from tests.support.histories.stories import Story

pytestmark = pytest.mark.rule("R26")

LATER, WINDOW_S = 1_700_000_000, 1000
PARAMETERS = CircleTerms(7, 2, 3, 2, 3, 16384, bond=1001, dispute_bond=100, dispute_window_s=WINDOW_S, jury_seats=3)
SEATS, ALL = range(7), 0b1111111
OPEN: list[Event] = [opened(manifest_of(3, degree=2)), *(joined(seat) for seat in SEATS)]
ROUND: list[Event] = [
    *(Committed(1, seat, digest("update", seat)) for seat in SEATS),
    Drawn(1, digest("seed"), ALL),
    *(Attested(seat, said(digest("seed"), 1, 0b11, 0b11), digest("record", seat)) for seat in SEATS),
]
AFTER = dict.fromkeys(SEATS, INITIAL + ((65535 - INITIAL) >> 3))
STORY: list[Event] = [*OPEN, *ROUND, Settled(1, ALL, pack(AFTER))]
CHALLENGER, APPELLANT = address(500), address(501)
POOL = ALL & ~0b11
SEED = digest("jury")
JURY = draw_jury(SEED, POOL, 3)
OTHER_SEED = next(digest(n) for n in range(99) if draw_jury(digest(n), POOL, 3) != JURY)
DISPUTED = Disputed(0, 1, 0, 1, CHALLENGER, digest("evidence"), ALL, LATER)
SUMMONED = Summoned(0, SEED, JURY, LATER + WINDOW_S)
CALLED: list[Event] = [DISPUTED, SUMMONED]
FIRST, SECOND, THIRD = seats_of(JURY)
REJECTS, UPHOLDS, WITHHELD = Answer.REJECTS, Answer.UPHOLDS, Answer.WITHHELD
SOON, PAST = LATER + WINDOW_S, LATER + 2 * WINDOW_S
"""Deadlines of what is taken on before and after the jury's window."""


def votes(answer: Answer, *seats: int) -> list[Voted]:
    return [Voted(0, seat, answer) for seat in seats]


def referred(stage: Stage | int, deadline: int = SOON) -> Referred:
    return Referred(0, stage, deadline)


def resolved(outcome: Outcome, fine: int = 0, free_at: int = 0, dispute: int = 0) -> Resolved:
    return Resolved(dispute, outcome, fine, free_at)


# The jury finds for the claim, or not; then the circle does, or not.
TO_CIRCLE: list[Event] = [*CALLED, *votes(UPHOLDS, FIRST, SECOND), referred(Stage.CIRCLE)]
TO_APPEAL: list[Event] = [*CALLED, *votes(REJECTS, FIRST, SECOND), referred(Stage.APPEAL)]
APPEALED: list[Event] = [*TO_APPEAL, Appealed(0, APPELLANT, PAST)]
UPHELD: list[Event] = [*TO_CIRCLE, *votes(UPHOLDS, *range(1, 5)), resolved(Outcome.UPHELD, 500)]
REJECTED: list[Event] = [*TO_CIRCLE, *votes(REJECTS, *range(1, 5)), resolved(Outcome.REJECTED)]
VOID: list[Event] = [*TO_CIRCLE, *votes(UPHOLDS, *range(1, 4)), resolved(Outcome.VOID)]


def fold(*events: Event, parameters: CircleTerms = PARAMETERS) -> History:
    return parts.fold(parameters, events)


@pytest.mark.rule("R27")
@given(st.integers(0, 2000))
def test_every_wei_is_pledged_owed_burned_or_paid_out(number: int) -> None:
    story = Story(number)
    paid_in = paid_out = burned = 0
    for place, event in enumerate(story.events):
        match event:
            case Joined():
                paid_in += BOND
            case Disputed():
                paid_in += DISPUTE_BOND
            case Appealed():
                paid_in += 4 * DISPUTE_BOND
            case Withdrawn():
                paid_out += event.amount
            case Ejected() | Left():
                burned += event.burned
            case Equivocated():
                burned += event.bond
            case Resolved():
                before = fold(*story.events[:place], parameters=story.terms)
                dispute = before.disputes[event.dispute]
                burned += event.fine - event.fine // 4
                burned += sum(fined(before, dispute).values())
                if event.outcome == Outcome.REJECTED:
                    burned += DISPUTE_BOND * (5 if dispute.appellant else 1)
    assert story.known.pledged + sum(story.known.owed.values()) == paid_in - paid_out - burned


def fined(history: History, dispute: Dispute) -> dict[Any, Any]:
    """Seat → what a juror pays who answered what more than half of the electorate found wrong."""
    size, circle, jurors = dispute.electorate.bit_count(), dispute.circle_votes, dispute.jury_votes
    wrong = jurors.rejecting if 2 * circle.upholding.bit_count() > size else 0
    wrong |= jurors.upholding if 2 * circle.rejecting.bit_count() > size else 0
    held = {seat: history.seats[seat] for seat in seats_of(wrong)}
    sitting = {s: one for s, one in held.items() if not one.is_released and one.since_dispute <= dispute.number}
    return {seat: min(one.bond, BOND // 8) for seat, one in sitting.items()}


# ---------------------------------------------------------------------------------------------- equivocations


@pytest.mark.rule("R25")
def test_an_equivocator_loses_seat_and_bond_and_nobody_is_paid_for_the_report() -> None:
    history = fold(*OPEN, Equivocated(2, 1, CHALLENGER, 1001, LATER))
    assert history.owed == {}
    assert history.seats[2].bond == 0
    assert not history.seats[2].is_held
    assert history.pledged == 6 * 1001
    assert history.roster == ALL & ~0b100


@pytest.mark.rule("R25")
def test_who_left_still_loses_its_bond_for_an_equivocation() -> None:
    history = fold(*OPEN, Left(2, 0, LATER), Equivocated(2, 1, CHALLENGER, 1001, LATER))
    assert history.pledged == 6 * 1001
    assert history.seats[2].free_at == LATER


def test_who_equivocates_in_a_commit_phase_is_not_mixed() -> None:
    history = fold(*OPEN, ROUND[2], Equivocated(2, 1, CHALLENGER, 1001, LATER))
    assert current_round(history).committed == 0


# ----------------------------------------------------------------------------------------------- convictions


def test_an_upheld_claim_costs_half_a_bond_of_which_a_quarter_is_the_challengers() -> None:
    history = fold(*STORY, *UPHELD)
    assert history.disputes[0].outcome == Outcome.UPHELD
    assert history.reputations[0] == AFTER[0] >> 2
    assert history.owed == {CHALLENGER: 125 + 100}
    assert history.pledged == 7 * 1001 - 500
    assert current_round(history).reputations[0] == AFTER[0], "the round under way mixes as it began"


def test_a_convicted_judge_is_suspended_for_64_rounds_and_until_it_wakes() -> None:
    history = fold(*STORY, *UPHELD)
    assert history.suspended == 0b1
    assert not current_round(history).suspended, "the round under way mixes as it began"
    assert history.seats[0].suspended_until == 66
    history.apply(Woken(2, 0))
    assert history.suspended == 0b1
    history.rounds += [replace(current_round(history), number=number) for number in range(3, 67)]
    history.apply(Woken(66, 0))
    assert history.suspended == 0


def test_a_suspended_seat_is_not_mixed_and_its_verdicts_weigh_nothing() -> None:
    second = [Committed(2, seat, digest("second", seat)) for seat in SEATS]
    drawn: list[Event] = [*second, Drawn(2, digest("seed"), ALL)]
    # A floor below what a conviction leaves, or its verdicts would weigh nothing for that.
    history = fold(*STORY, *drawn, parameters=replace(PARAMETERS, reputation_floor=256))
    places = current_round(history).find_neighbours(2)[0]
    # Seat 0 rejects all it judges; who judges seat 0 says nothing of others.
    for seat in SEATS:
        judged = (1 << len(places)) - 1 if seat == 0 else 0
        history.apply(Attested(seat, said(digest("seed"), 2, judged, 0), digest("record", seat)))
    assert any(history.compute_reputations(current_round(history))[seat] < AFTER[seat] for seat in places)
    for event in UPHELD:
        history.apply(event)
    assert all(history.compute_reputations(current_round(history))[seat] == AFTER[seat] for seat in places)
    history.apply(Settled(2, ALL, pack(history.compute_reputations(current_round(history)))))
    assert current_round(history).suspended == 0b1
    current_round(history).committed = ALL
    current_round(history).reputations = {**current_round(history).reputations, 0: 65535}
    assert current_round(history).find_eligible(0) == set(SEATS) - {0}


def second_claim(history: History, *, target: int = 2, fine: int, free_at: int) -> None:
    """A claim about another verdict of seat 0, upheld by the circle as well."""
    drawn = draw_jury(SEED, history.find_jury_pool(0, target, CHALLENGER), 3)
    history.apply(replace(DISPUTED, dispute=1, target=target))
    history.apply(replace(SUMMONED, dispute=1, jury=drawn))
    for seat in seats_of(drawn)[:2]:
        history.apply(Voted(1, seat, UPHOLDS))
    history.apply(Referred(1, Stage.CIRCLE, SOON))
    for seat in range(1, 5):
        history.apply(Voted(1, seat, UPHOLDS))
    history.apply(resolved(Outcome.UPHELD, fine, free_at, dispute=1))


def test_the_second_conviction_takes_the_whole_bond_and_the_seat() -> None:
    history = fold(*STORY, *UPHELD)
    for wrong in ({"fine": 500, "free_at": LATER}, {"fine": 501, "free_at": 0}):
        with pytest.raises(HistoryFault, match=r"another sum|by mistake"):
            second_claim(fold(*STORY, *UPHELD), **wrong)
    second_claim(history, fine=501, free_at=LATER)
    assert history.seats[0].bond == 0
    assert not history.seats[0].is_held
    assert history.owed == {CHALLENGER: 2 * 100 + 125 + 125}


def test_who_has_left_is_convicted_like_anyone_and_has_no_seat_to_lose() -> None:
    gone = Left(0, 0, LATER + 8 * WINDOW_S)
    history = fold(*STORY, gone, *UPHELD)
    second_claim(history, fine=501, free_at=0)
    assert history.pledged == 6 * 1001


def test_a_judge_pays_no_more_than_it_has_left() -> None:
    convicted = Equivocated(0, 1, CHALLENGER, 1001, LATER)
    history = fold(*STORY, *UPHELD[:-1], convicted, resolved(Outcome.UPHELD, 0))
    assert history.owed == {CHALLENGER: 100}


# ------------------------------------------------------------------------------------------------ the stages


def test_a_rejected_claim_costs_the_challenger_its_bond() -> None:
    history = fold(*STORY, *REJECTED)
    assert history.owed == {}
    assert {seat: value for seat, value in history.reputations.items() if seat not in (FIRST, SECOND)} == {
        seat: value for seat, value in AFTER.items() if seat not in (FIRST, SECOND)
    }


def test_a_claim_that_half_of_the_bonded_hear_takes_nothing_from_anybody() -> None:
    """Three of seven uphold: whether the others vote or not, they are not more than half."""
    history = fold(*STORY, *VOID)
    assert history.reputations == AFTER
    assert history.pledged == 7 * 1001
    assert history.owed == {CHALLENGER: 100}


def test_who_never_summons_a_jury_loses_its_bond_and_the_claim_may_be_raised_again() -> None:
    history = fold(*STORY, DISPUTED, resolved(Outcome.REJECTED), replace(DISPUTED, dispute=1))
    assert history.owed == {}
    assert history.pledged == 7 * 1001 + 100


def test_after_a_void_dispute_the_claim_may_be_raised_again_and_after_a_decided_one_not() -> None:
    fold(*STORY, *VOID, replace(DISPUTED, dispute=1))
    for decided in (UPHELD, REJECTED, [*TO_APPEAL, resolved(Outcome.REJECTED)]):
        with pytest.raises(HistoryFault, match="raised twice"):
            fold(*STORY, *decided, replace(DISPUTED, dispute=1))


@pytest.mark.parametrize(
    ("answers", "stage"),
    [
        ((UPHOLDS, UPHOLDS), Stage.CIRCLE),
        ((UPHOLDS, WITHHELD), Stage.CIRCLE),
        ((UPHOLDS, REJECTS, WITHHELD), Stage.CIRCLE),
        ((UPHOLDS, REJECTS, REJECTS), Stage.APPEAL),
        ((REJECTS, REJECTS), Stage.APPEAL),
    ],
)
def test_more_than_half_of_a_jury_refers_to_the_circle_and_all_else_waits_for_an_appeal(
    answers: tuple[Answer, ...], stage: Stage
) -> None:
    cast = [Voted(0, seat, answer) for seat, answer in zip(seats_of(JURY), answers, strict=False)]
    history = fold(*STORY, *CALLED, *cast)
    assert history.disputes[0].is_over(LATER)
    assert history.disputes[0].next_stage == stage
    with pytest.raises(HistoryFault, match="against its votes"):
        fold(*STORY, *CALLED, *cast, referred(Stage.CIRCLE + Stage.APPEAL - stage))
    history.apply(referred(stage))
    assert (history.disputes[0].stage, history.disputes[0].deadline) == (stage, SOON)


def test_a_jury_without_a_decision_is_over_at_its_deadline_and_who_of_it_was_silent_pays() -> None:
    cast = votes(UPHOLDS, FIRST)
    with pytest.raises(HistoryFault, match="open votes"):
        fold(*STORY, *CALLED, *cast, referred(Stage.APPEAL, SUMMONED.deadline + WINDOW_S - 1))
    history = fold(*STORY, *CALLED, *cast, referred(Stage.APPEAL, SUMMONED.deadline + WINDOW_S))
    silent = AFTER[0] - (AFTER[0] >> 3)
    assert history.reputations == AFTER | {SECOND: silent, THIRD: silent}


def test_whom_a_decided_jury_did_not_wait_for_pays_nothing() -> None:
    assert fold(*STORY, *TO_CIRCLE).reputations == AFTER


def test_a_jury_that_rejects_and_nobody_appeals_against_ends_it() -> None:
    history = fold(*STORY, *TO_APPEAL, resolved(Outcome.REJECTED))
    assert history.owed == {}
    undecided = [*CALLED, *votes(REJECTS, FIRST), referred(Stage.APPEAL, PAST + WINDOW_S)]
    assert fold(*STORY, *undecided, resolved(Outcome.VOID)).owed == {CHALLENGER: 100}


def test_an_appeal_pledges_four_bonds_and_has_them_back_unless_it_is_rejected() -> None:
    history = fold(*STORY, *APPEALED)
    assert history.pledged == 7 * 1001 + 5 * 100
    assert history.disputes[0].stage == Stage.CIRCLE
    upheld = fold(*STORY, *APPEALED, *votes(UPHOLDS, *range(1, 5)), resolved(Outcome.UPHELD, 500))
    assert upheld.owed == {CHALLENGER: 225, APPELLANT: 400}
    assert fold(*STORY, *APPEALED, resolved(Outcome.VOID)).owed == {CHALLENGER: 100, APPELLANT: 400}
    rejected = fold(*STORY, *APPEALED, *votes(REJECTS, *range(1, 5)), resolved(Outcome.REJECTED))
    assert rejected.owed == {}
    assert rejected.pledged == 7 * 1001


def test_a_juror_whom_recomputing_contradicts_pays() -> None:
    history = fold(*STORY, *APPEALED, *votes(UPHOLDS, *range(1, 5)), resolved(Outcome.UPHELD, 500))
    assert [history.seats[seat].bond for seat in (FIRST, SECOND, THIRD)] == [876, 876, 1001]
    assert history.reputations[FIRST] == AFTER[0] - (AFTER[0] >> 3)
    assert history.pledged == 7 * 1001 - 500 - 2 * 125
    wrong = fold(*STORY, *REJECTED)
    assert [wrong.seats[seat].bond for seat in (FIRST, SECOND, THIRD)] == [876, 876, 1001]


def test_who_has_left_pays_for_its_mistake_and_who_sits_there_since_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 7)
    before = [*STORY, *APPEALED, *votes(UPHOLDS, *range(1, 5)), Left(FIRST, 0, LATER)]
    assert fold(*before, resolved(Outcome.UPHELD, 500)).seats[FIRST].bond == 876
    taken = fold(*before, Released(FIRST, 1001), joined(FIRST, 300), resolved(Outcome.UPHELD, 500))
    assert (taken.seats[FIRST].bond, taken.reputations[FIRST]) == (1001, INITIAL)


def test_that_updates_were_withheld_proves_nothing_against_a_juror() -> None:
    found = [*votes(WITHHELD, 1, 2, 3), *votes(UPHOLDS, 4)]
    history = fold(*STORY, *APPEALED, *found, resolved(Outcome.UPHELD, 500))
    assert [history.seats[seat].bond for seat in (FIRST, SECOND)] == [1001, 1001]
    withheld = [*CALLED, *votes(WITHHELD, FIRST, SECOND), referred(Stage.CIRCLE)]
    history = fold(*STORY, *withheld, *votes(REJECTS, *range(1, 5)), resolved(Outcome.REJECTED))
    assert history.reputations == AFTER


def test_where_nobody_can_sit_on_a_jury_the_circle_is_asked_at_once() -> None:
    left = [Left(seat, 0, LATER + 4 * WINDOW_S) for seat in range(2, 7)]
    history = fold(*STORY, *left, DISPUTED)
    assert history.disputes[0].stage == Stage.CIRCLE
    ending: list[Event] = [*votes(UPHOLDS, *range(1, 5)), resolved(Outcome.UPHELD, 500)]
    for event in ending:
        history.apply(event)
    assert history.owed == {CHALLENGER: 225}


def test_a_judges_seat_stays_while_a_dispute_about_it_is_open() -> None:
    history = fold(*STORY, Left(0, 0, LATER + 3 * WINDOW_S), DISPUTED)
    with pytest.raises(HistoryFault, match="under dispute"):
        history.apply(Released(0, 1001))
    for event in UPHELD[1:]:
        history.apply(event)
    history.apply(Released(0, 501))


def test_no_claim_is_raised_that_could_not_end_before_the_judge_is_free() -> None:
    fold(*STORY, Left(0, 0, LATER + 3 * WINDOW_S), DISPUTED)
    with pytest.raises(HistoryFault, match="outlast"):
        fold(*STORY, Left(0, 0, LATER + 3 * WINDOW_S - 1), DISPUTED)


def test_a_judge_is_disputed_about_itself_too() -> None:
    history = fold(*STORY, replace(DISPUTED, target=0))
    assert history.disputes[0].pool == ALL & ~0b1


# ---------------------------------------------------------------------------------------------- who is asked


def test_parties_dozing_suspended_and_quarantined_seats_sit_on_no_jury() -> None:
    history = fold(*STORY)
    assert history.find_jury_pool(0, 1, CHALLENGER) == POOL
    assert history.find_jury_pool(0, 1, address(3)) == POOL & ~0b1000
    history.reputations[4] = 100
    history.dozing, history.seats[6].suspended_until = 0b100, 70
    assert history.find_jury_pool(0, 1, address(3)) == 0b0100000
    history.apply(Left(5, 0, LATER))
    assert history.find_jury_pool(0, 1, address(3)) == 0


def test_whoever_is_bonded_is_heard_by_the_circle_also_when_it_has_left() -> None:
    history = fold(*STORY, *TO_CIRCLE, Left(5, 0, LATER))
    assert history.bonded == ALL
    assert history.may_vote(5, history.disputes[0])
    history.apply(Voted(0, 5, UPHOLDS))
    assert not history.may_vote(5, history.disputes[0])


def asked(history: History, seat: int) -> bool:
    return history.may_vote(seat, history.disputes[0])


def test_who_is_asked_is_of_the_jury_and_then_of_the_electorate_in_good_standing_and_with_half_a_bond() -> None:
    assert [asked(fold(*STORY, DISPUTED), seat) for seat in SEATS] == [False] * 7
    assert [asked(fold(*STORY, *CALLED), seat) for seat in SEATS] == [bool(JURY >> seat & 1) for seat in SEATS]
    assert [asked(fold(*STORY, *TO_APPEAL), seat) for seat in SEATS] == [False] * 7
    history = fold(*STORY, *TO_CIRCLE)
    assert [asked(history, seat) for seat in range(8)] == [True] * 7 + [False]
    history.reputations[2] = 100
    history.seats[3].suspended_until = 70
    history.seats[4].bond, history.seats[5].bond = 500, 501
    assert [asked(history, seat) for seat in range(2, 6)] == [False, False, False, True]


def test_who_takes_a_seat_later_has_no_voice_in_what_was_raised_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 7)
    history = fold(*STORY, *TO_CIRCLE, Left(5, 0, LATER), Released(5, 1001), joined(5, 300))
    assert not asked(history, 5)
    assert not history.had_seat(5, history.disputes[0])


def test_who_voted_with_which_key_is_known() -> None:
    turned: list[Event] = [Rotating(5, address(9), address(8), LATER), Rotated(5, address(9), address(8))]
    history = fold(*STORY, *TO_CIRCLE, *turned, Voted(0, 5, UPHOLDS))
    assert history.disputes[0].voters[5] == address(9)
    assert history.disputes[0].voters[FIRST] == address(FIRST)
    assert history.disputes[0].jury_votes.upholding == 1 << FIRST | 1 << SECOND
    assert history.disputes[0].circle_votes.cast == 1 << 5


def test_a_vote_names_the_claim_it_is_about() -> None:
    assert fold(*STORY, DISPUTED).disputes[0].vote_argument(WITHHELD) == 1 << 18 | 0 << 10 | 1 << 2 | 2


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 256])
def test_no_half_of_an_electorate_is_enough(size: int) -> None:
    claim = replace(DISPUTED, electorate=(1 << size) - 1)
    dispute = Dispute(claim, 1, 0, Stage.CIRCLE, LATER)
    for count in range(size + 1):
        dispute.circle_votes = Votes(upholding=mask_of(list(range(count))))
        assert (dispute.verdict == Outcome.UPHELD) == (count > size / 2) == dispute.is_decided
        dispute.circle_votes = Votes(rejecting=mask_of(list(range(count))))
        assert (dispute.verdict == Outcome.REJECTED) == (count > size / 2)


def question(seat: int = SECOND, dispute: int = 0) -> Disputed:
    return replace(DISPUTED, dispute=dispute, target=0, challenger=address(seat), evidence=bytes(32))


def answered(answer: Answer, *later: Event, seat: int = SECOND) -> list[Event]:
    pool = ALL & ~(1 | 1 << seat)
    drawn = draw_jury(SEED, pool, 3)
    return [
        question(seat),
        replace(SUMMONED, jury=drawn),
        *votes(answer, *seats_of(drawn)[:2]),
        *later,
    ]


def test_who_only_asked_has_its_bond_back_where_the_judge_shows() -> None:
    story = answered(REJECTS, referred(Stage.APPEAL), resolved(Outcome.REJECTED))
    history = fold(*STORY, *story)
    assert history.owed == {address(SECOND): 100}
    assert history.disputes[0].asker == SECOND
    assert history.is_disputed(1, 0, 1, 0)


def test_the_appeal_of_an_answered_question_is_burned_and_the_question_is_not() -> None:
    appealed = Appealed(0, APPELLANT, PAST)
    story = answered(
        REJECTS, referred(Stage.APPEAL), appealed, *votes(REJECTS, *range(4)), resolved(Outcome.REJECTED)
    )
    assert fold(*STORY, *story).owed == {address(SECOND): 100}


def test_who_asks_and_draws_no_jury_loses_its_bond() -> None:
    assert fold(*STORY, question(), resolved(Outcome.REJECTED)).owed == {}


def test_a_seat_asks_again_once_it_was_answered() -> None:
    story = answered(REJECTS, referred(Stage.APPEAL), resolved(Outcome.REJECTED))
    fold(*STORY, *story, replace(question(dispute=1), judge=3, target=3))


def test_of_windows_that_overlap_a_silent_juror_pays_for_one() -> None:
    another: list[Event] = [
        Disputed(1, 1, 1, 0, CHALLENGER, digest("evidence"), ALL, LATER + 1),
        replace(SUMMONED, dispute=1, deadline=SOON + 1),
    ]
    over: list[Event] = [referred(Stage.APPEAL, PAST), Referred(1, Stage.APPEAL, PAST + 1)]
    history = fold(*STORY, *CALLED, *another, *over)
    silent = AFTER[0] - (AFTER[0] >> 3)
    assert history.reputations == AFTER | dict.fromkeys(seats_of(JURY), silent)
    # The next one begins where that window ended.
    third: list[Event] = [
        Disputed(2, 1, 0, 2, CHALLENGER, digest("evidence"), ALL, SOON),
        replace(SUMMONED, dispute=2, deadline=PAST),
    ]
    again = fold(*STORY, *CALLED, *another, *over, *third, Referred(2, Stage.APPEAL, PAST + WINDOW_S))
    assert again.reputations == AFTER | dict.fromkeys(seats_of(JURY), silent - (silent >> 3))


def test_a_juror_that_may_not_vote_any_more_is_not_silent() -> None:
    lost = Equivocated(THIRD, 1, CHALLENGER, 1001, LATER)
    history = fold(*STORY, *CALLED, lost, referred(Stage.APPEAL, SUMMONED.deadline + WINDOW_S))
    silent = AFTER[0] - (AFTER[0] >> 3)
    assert history.reputations == AFTER | {FIRST: silent, SECOND: silent}


# -------------------------------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("story", "says"),
    [
        ([replace(DISPUTED, dispute=1)], "left out"),
        ([replace(DISPUTED, round=0)], "not settled"),
        ([replace(DISPUTED, round=2)], "not settled"),
        ([replace(DISPUTED, round=3)], "not settled"),
        ([replace(DISPUTED, judge=7)], "seat 7 is empty"),
        ([replace(DISPUTED, target=7)], "no target"),
        ([replace(DISPUTED, electorate=ALL & ~1)], "another electorate"),
        ([DISPUTED, replace(SUMMONED, jury=JURY ^ 1 << FIRST)], "another jury"),
        ([DISPUTED, replace(SUMMONED, seed=OTHER_SEED)], "another jury"),
        ([replace(DISPUTED, challenger=address(FIRST)), SUMMONED], "another jury"),
        ([joined(7), replace(DISPUTED, judge=7, electorate=0xFF)], "joined later"),
        ([DISPUTED, replace(DISPUTED, dispute=1)], "raised twice"),
        ([replace(DISPUTED, evidence=bytes(32))], "may ask"),
        ([replace(question(), target=1)], "may ask"),
        ([question(), replace(question(dispute=1), judge=3, target=3)], "may ask"),
        ([SUMMONED], "no dispute 0"),
        ([*CALLED, SUMMONED], "in stage jury"),
        ([*UPHELD, SUMMONED], "closed"),
        ([DISPUTED, referred(Stage.APPEAL)], "in stage drawing"),
        ([*TO_CIRCLE, referred(Stage.CIRCLE)], "in stage circle"),
        ([*CALLED, Appealed(0, APPELLANT, LATER)], "in stage jury"),
        ([*TO_CIRCLE, Appealed(0, APPELLANT, LATER)], "in stage circle"),
        ([*CALLED, resolved(Outcome.VOID)], "in stage jury"),
        ([DISPUTED, resolved(Outcome.VOID)], "against its votes"),
        ([*TO_CIRCLE, resolved(Outcome.UPHELD, 500)], "against its votes"),
        ([*UPHELD[:-1], resolved(Outcome.VOID)], "against its votes"),
        ([*UPHELD[:-1], resolved(Outcome.UPHELD, 501)], "another sum"),
        ([*UPHELD[:-1], resolved(Outcome.UPHELD, 500, LATER)], "by mistake"),
        ([*REJECTED[:-1], resolved(Outcome.REJECTED, 1)], "not convicted"),
        ([*REJECTED[:-1], resolved(Outcome.REJECTED, 0, LATER)], "not convicted"),
        ([*UPHELD, UPHELD[-1]], "closed"),
        ([DISPUTED, *votes(UPHOLDS, FIRST)], "in stage drawing"),
        (votes(UPHOLDS, FIRST), "no dispute 0"),
        ([*CALLED, Voted(1, FIRST, UPHOLDS)], "no dispute 1"),
        ([*CALLED, Voted(0, FIRST, 3)], "with nothing"),
        ([*CALLED, *votes(UPHOLDS, 0)], "uncalled"),
        ([*CALLED, *votes(UPHOLDS, 300)], "uncalled"),
        ([*CALLED, *votes(UPHOLDS, FIRST, FIRST)], "uncalled"),
        ([*UPHELD, *votes(UPHOLDS, 5)], "closed"),
    ],
)
def test_what_the_contract_cannot_have_written_is_a_fault_with_its_reason(story: list[Event], says: str) -> None:
    fold(*STORY, *story[:-1])
    with pytest.raises(HistoryFault, match=says):
        fold(*STORY, *story)


def test_fewer_than_a_quorum_of_bonded_seats_hear_nothing() -> None:
    gone: list[Event] = [Left(6, 0, LATER), Released(6, 1001), replace(DISPUTED, electorate=ALL >> 1)]
    fold(*STORY, *gone, parameters=replace(PARAMETERS, quorum=6))
    with pytest.raises(HistoryFault, match="too small an electorate"):
        fold(*STORY, *gone, parameters=replace(PARAMETERS, quorum=7))


def test_a_circle_without_disputes_has_none() -> None:
    with pytest.raises(HistoryFault, match="no disputes"):
        fold(*STORY, DISPUTED, parameters=replace(PARAMETERS, dispute_bond=0))


def test_a_round_of_long_ago_is_not_disputed_any_more() -> None:
    history = fold(*STORY)
    history.rounds += [replace(current_round(history), number=number) for number in range(3, 258)]
    history.apply(DISPUTED)
    late = fold(*STORY)
    late.rounds += [replace(current_round(late), number=number) for number in range(3, 259)]
    with pytest.raises(HistoryFault, match="too long ago"):
        late.apply(DISPUTED)
