"""Equivocations and disputes in the fold: who pays whom, and what cannot have been."""

from dataclasses import replace

import pytest
from histories import BOND, DISPUTE_BOND, Story, address, digest, joined, manifest_of, opened, said
from hypothesis import given
from hypothesis import strategies as st

from ledger.events import (
    Attested,
    Committed,
    Disputed,
    Drawn,
    Ejected,
    Equivocated,
    Joined,
    Left,
    Outcome,
    Released,
    Resolved,
    Settled,
    Summoned,
    Voted,
    Withdrawn,
)
from ledger.history import CircleParameters, History, HistoryFault
from ledger.reputation import INITIAL, pack
from ledger.topology import jury, seats_of

LATER = 1_700_000_000
PARAMETERS = CircleParameters(6, 2, 3, 2, 3, 16384, bond=1001, dispute_bond=100, jury_seats=3)
SEATS = range(6)
OPEN = [opened(manifest_of(3, degree=2)), *(joined(seat) for seat in SEATS)]
ROUND = [
    *(Committed(1, seat, digest("update", seat)) for seat in SEATS),
    Drawn(1, digest("seed"), 0b111111),
    *(Attested(seat, said(digest("seed"), 1, 0b11, 0b11), digest("record", seat)) for seat in SEATS),
]
AFTER = dict.fromkeys(SEATS, INITIAL + ((65535 - INITIAL) >> 3))
STORY = [*OPEN, *ROUND, Settled(1, 0b111111, pack(AFTER))]
CHALLENGER = address(500)
SEED = digest("jury")
JURY = jury(SEED, 0b111100, 3)
OTHER_SEED = next(digest(n) for n in range(99) if jury(digest(n), 0b111100, 3) != JURY)
DISPUTED = Disputed(0, 1, 0, 1, CHALLENGER, digest("evidence"), LATER)
SUMMONED = Summoned(0, SEED, JURY, LATER)
CALLED = [DISPUTED, SUMMONED]
FIRST, SECOND, THIRD = seats_of(JURY)
UPHELD = [*CALLED, Voted(0, FIRST, True), Voted(0, SECOND, True), Resolved(0, Outcome.UPHELD, 250)]
REJECTED = [*CALLED, Voted(0, FIRST, False), Voted(0, SECOND, False), Resolved(0, Outcome.REJECTED, 0)]
VOID = [*CALLED, Voted(0, FIRST, True), Resolved(0, Outcome.VOID, 0)]


def fold(*events, parameters=PARAMETERS):
    history = History(parameters)
    for event in events:
        history.apply(event)
    return history


@given(st.integers(0, 2000))
def test_every_wei_is_pledged_owed_burned_or_paid_out(number):
    story = Story(number)
    paid_in = paid_out = burned = 0
    for event in story.events:
        match event:
            case Joined():
                paid_in += BOND
            case Disputed():
                paid_in += DISPUTE_BOND
            case Withdrawn():
                paid_out += event.amount
            case Ejected():
                burned += event.burned
            case Equivocated():
                burned += event.bond - event.bond // 4
            case Resolved() if event.outcome == Outcome.REJECTED:
                burned += DISPUTE_BOND
    assert story.known.pledged + sum(story.known.owed.values()) == paid_in - paid_out - burned


def test_an_equivocator_loses_seat_and_bond_and_a_quarter_is_the_reporters():
    history = fold(*OPEN, Equivocated(2, 1, CHALLENGER, 1001, LATER))
    assert history.owed == {CHALLENGER: 250}
    assert history.seats[2].bond == 0
    assert not history.seats[2].is_held
    assert history.pledged == 5 * 1001
    assert history.roster == 0b111011


def test_who_left_still_loses_its_bond_for_an_equivocation():
    history = fold(*OPEN, Left(2, LATER), Equivocated(2, 1, CHALLENGER, 1001, LATER))
    assert history.owed == {CHALLENGER: 250}
    assert history.seats[2].free_at == LATER


def test_an_upheld_dispute_cuts_the_judge_and_pays_the_challenger():
    history = fold(*STORY, *UPHELD)
    assert history.disputes[0].outcome == Outcome.UPHELD
    assert history.reputations[0] == AFTER[0] >> 2
    assert history.below == 0b1
    assert history.owed == {CHALLENGER: 350}
    assert history.pledged == 6 * 1001 - 250
    assert history.round.reputations[0] == AFTER[0], "the round under way mixes as it began"


def test_a_rejected_dispute_costs_the_challenger_its_bond():
    history = fold(*STORY, *REJECTED)
    assert history.reputations == AFTER
    assert history.owed == {}
    assert history.pledged == 6 * 1001


def test_a_dispute_too_few_voted_on_is_as_if_it_had_not_been():
    history = fold(*STORY, *VOID)
    assert history.reputations == AFTER
    assert history.owed == {CHALLENGER: 100}


def test_who_never_summons_a_jury_loses_its_bond_and_the_verdict_may_be_disputed_again():
    history = fold(*STORY, DISPUTED, Resolved(0, Outcome.REJECTED, 0), replace(DISPUTED, dispute=1))
    assert history.owed == {}
    assert history.pledged == 6 * 1001 + 100


def test_after_a_void_dispute_the_verdict_may_be_disputed_again_and_after_a_decided_one_not():
    fold(*STORY, *VOID, replace(DISPUTED, dispute=1))
    for decided in (UPHELD, REJECTED):
        with pytest.raises(HistoryFault, match="disputed twice"):
            fold(*STORY, *decided, replace(DISPUTED, dispute=1))


def test_a_tie_is_rejected():
    drawn = jury(SEED, 0b111100, 2)
    history = fold(
        *STORY,
        DISPUTED,
        replace(SUMMONED, jury=drawn),
        *(Voted(0, seat, place == 0) for place, seat in enumerate(seats_of(drawn))),
        Resolved(0, Outcome.REJECTED, 0),
        parameters=replace(PARAMETERS, jury_seats=2),
    )
    assert history.disputes[0].outcome == Outcome.REJECTED


def test_a_judge_pays_no_more_than_it_has_left():
    convicted = Equivocated(0, 1, CHALLENGER, 1001, LATER)
    dispute = replace(DISPUTED, challenger=address(501))
    history = fold(*STORY, dispute, *UPHELD[1:4], convicted, Resolved(0, Outcome.UPHELD, 0))
    assert history.owed == {CHALLENGER: 250, address(501): 100}


def test_a_judges_seat_stays_while_a_dispute_about_it_is_open():
    history = fold(*STORY, Left(0, LATER), DISPUTED)
    with pytest.raises(HistoryFault, match="under dispute"):
        history.apply(Released(0, 1001))
    for event in UPHELD[1:]:
        history.apply(event)
    history.apply(Released(0, 751))


def test_parties_and_seats_in_quarantine_do_not_vote():
    history = fold(*STORY)
    assert history.eligible_jurors(0, 1, CHALLENGER) == 0b111100
    assert history.eligible_jurors(0, 1, address(3)) == 0b110100
    history.reputations[4] = 100
    assert history.eligible_jurors(0, 1, address(3)) == 0b100100
    history.apply(Left(5, LATER))
    assert history.eligible_jurors(0, 1, address(3)) == 0b000100


def test_who_voted_with_which_key_is_known():
    history = fold(*STORY, *UPHELD)
    assert history.disputes[0].voters == {FIRST: address(FIRST), SECOND: address(SECOND)}
    assert history.disputes[0].upholding == 1 << FIRST | 1 << SECOND


@pytest.mark.parametrize(
    ("story", "says"),
    [
        ([*STORY, replace(DISPUTED, dispute=1)], "left out"),
        ([*STORY, replace(DISPUTED, round=0)], "not settled"),
        ([*STORY, replace(DISPUTED, round=2)], "not settled"),
        ([*STORY, replace(DISPUTED, round=3)], "not settled"),
        ([*STORY, replace(DISPUTED, judge=6)], "seat 6 is empty"),
        ([*STORY, replace(DISPUTED, target=6)], "no target"),
        ([*STORY, replace(DISPUTED, target=0)], "no target"),
        ([*STORY, *(Left(seat, LATER) for seat in range(2, 6)), DISPUTED], "nobody to vote"),
        ([*STORY, DISPUTED, replace(SUMMONED, jury=JURY ^ 1 << FIRST)], "another jury"),
        ([*STORY, DISPUTED, replace(SUMMONED, seed=OTHER_SEED)], "another jury"),
        ([*STORY, replace(DISPUTED, challenger=address(FIRST)), SUMMONED], "another jury"),
        ([*STORY, joined(6), replace(DISPUTED, judge=6)], "joined later"),
        ([*STORY, DISPUTED, replace(DISPUTED, dispute=1)], "disputed twice"),
        ([*STORY, SUMMONED], "no dispute 0"),
        ([*STORY, *CALLED, SUMMONED], "has a jury"),
        ([*STORY, *UPHELD, SUMMONED], "closed"),
        ([*STORY, DISPUTED, Resolved(0, Outcome.VOID, 0)], "against its votes"),
        ([*STORY, DISPUTED, Voted(0, FIRST, True)], "uncalled"),
        ([*STORY, Voted(0, FIRST, True)], "no dispute 0"),
        ([*STORY, *CALLED, Voted(1, FIRST, True)], "no dispute 1"),
        ([*STORY, *CALLED, Voted(0, 0, True)], "uncalled"),
        ([*STORY, *CALLED, Voted(0, 300, True)], "uncalled"),
        ([*STORY, *CALLED, Voted(0, FIRST, True), Voted(0, FIRST, False)], "voted twice"),
        ([*STORY, *CALLED, Voted(0, FIRST, False), Voted(0, FIRST, True)], "voted twice"),
        ([*STORY, *CALLED, Left(FIRST, LATER), Voted(0, FIRST, True)], "given up"),
        ([*STORY, *UPHELD, Voted(0, THIRD, True)], "closed"),
        ([*STORY, *UPHELD, Resolved(0, Outcome.UPHELD, 250)], "closed"),
        ([*STORY, *UPHELD[:-1], Resolved(0, Outcome.REJECTED, 0)], "against its votes"),
        ([*STORY, *UPHELD[:-1], Resolved(0, Outcome.UPHELD, 251)], "another sum"),
        ([*STORY, *REJECTED[:-1], Resolved(0, Outcome.VOID, 0)], "against its votes"),
        ([*STORY, *VOID[:-1], Resolved(0, Outcome.UPHELD, 250)], "against its votes"),
        ([*STORY, *VOID[:-1], Resolved(0, Outcome.VOID, 1)], "another sum"),
    ],
)
def test_what_the_contract_cannot_have_written_is_a_fault_with_its_reason(story, says):
    fold(*story[:-1])
    with pytest.raises(HistoryFault, match=says):
        fold(*story)


def test_a_circle_without_disputes_has_none():
    with pytest.raises(HistoryFault, match="no disputes"):
        fold(*STORY, DISPUTED, parameters=replace(PARAMETERS, dispute_bond=0))


def test_a_round_of_long_ago_is_not_disputed_any_more():
    history = fold(*STORY)
    history.rounds += [replace(history.round, number=number) for number in range(3, 258)]
    history.apply(DISPUTED)
    late = fold(*STORY)
    late.rounds += [replace(late.round, number=number) for number in range(3, 259)]
    with pytest.raises(HistoryFault, match="too long ago"):
        late.apply(DISPUTED)
