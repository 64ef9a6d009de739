"""Seats and keys in the fold: what members may do, what follows from it, and what cannot have been."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.circle.events import (
    Attested,
    Committed,
    Disputed,
    Drawn,
    Ejected,
    Equivocated,
    Event,
    Joined,
    Left,
    Moved,
    Released,
    Restarted,
    Rotated,
    Rotating,
    Settled,
    Withdrawn,
    Woken,
)
from ledger.circle.history import MAX_SEATS, CircleTerms, History, HistoryFault, Phase
from ledger.circle.reputation import INITIAL, pack
from tests.support.histories import parts
from tests.support.histories.parts import (
    NOBODY,
    address,
    cold,
    current_round,
    digest,
    endpoint,
    joined,
    manifest_of,
    opened,
    said,
)

PARAMETERS = CircleTerms(3, 2, 3, 2, 3, 16384, eject_after=1, bond=1001)
OPEN: list[Event] = [opened(manifest_of(3, degree=2)), *(joined(seat) for seat in range(3))]
LATER = 1_700_000_000


def fold(*events: Event, parameters: CircleTerms = PARAMETERS) -> History:
    return parts.fold(parameters, events)


def committed(number: int, *seats: int) -> list[Committed]:
    return [Committed(number, seat, digest("update", number, seat)) for seat in seats]


def first_round(reputations: list[int]) -> list[Event]:
    """Three seats commit, judge nobody, and the contract reports these reputations."""
    attested: list[Event] = [Attested(seat, said(digest("seed"), 1), digest("record", seat)) for seat in range(3)]
    return [
        *committed(1, 0, 1, 2),
        Drawn(1, digest("seed"), 0b111),
        *attested,
        Settled(1, 0b111, pack(dict(enumerate(reputations)))),
    ]


LOW = first_round([INITIAL, INITIAL, 100])


# ----------------------------------------------------------------------------------------------- what follows


def test_a_joiner_pledges_the_bond_and_its_keys_and_inviter_are_known() -> None:
    history = fold(*OPEN, replace(joined(3), inviter=address(0)))
    held = history.seats[3]
    assert (held.peer, held.cold, held.inviter, held.bond) == (address(3), cold(3), address(0), 1001)
    assert history.seats[0].inviter == NOBODY
    assert history.pledged == 4 * 1001
    assert held.since_round == 1
    assert history.members == 0b1111


def test_who_leaves_while_commits_are_open_is_no_longer_on_the_roster() -> None:
    history = fold(*OPEN, Left(1, 0, LATER))
    assert history.roster == 0b101
    assert history.seat_of(address(1)) is None
    assert not history.is_woken(1)
    assert history.pledged == 3 * 1001


@pytest.mark.rule("R23.1")
def test_who_leaves_in_a_commit_phase_takes_its_commit_along_and_can_be_released() -> None:
    history = fold(*OPEN, *committed(1, 0, 1), Left(1, 0, LATER), *committed(1, 2))
    assert (history.roster, current_round(history).committed) == (0b101, 0b101)
    assert not history.is_in_round(1)
    history.apply(Released(1, 1001))
    history.apply(Drawn(1, digest("seed"), 0b101))
    assert set(current_round(history).find_neighbours(2)) == {0, 2}
    assert 1 not in current_round(history).tenures


def test_who_leaves_in_an_attest_phase_stays_in_the_round_and_is_judged_and_its_verdicts_weigh_nothing() -> None:
    drawn: list[Event] = [*OPEN, *committed(1, 0, 1, 2), Drawn(1, digest("seed"), 0b111)]
    places = current_round(fold(*drawn)).find_neighbours(2)[1]
    # Of seat 0, seat 1 says that it is rejected, and nobody else says anything.
    verdicts = said(digest("seed"), 1, 1 << places.index(0), 0)
    attested: list[Event] = [Attested(1, verdicts, digest("record")), Left(1, 0, LATER)]
    history = fold(*drawn, *attested)
    with pytest.raises(HistoryFault, match="in its round"):
        history.apply(Released(1, 1001))
    for seat in (0, 2):
        history.apply(Attested(seat, said(digest("seed"), 1), digest("record")))
    assert history.compute_reputations(current_round(history)) == dict.fromkeys(range(3), INITIAL)
    with pytest.raises(HistoryFault, match="given up"):
        fold(*drawn, Left(1, 0, LATER), attested[0])


@pytest.mark.rule("R23.1")
@pytest.mark.parametrize(("strikes", "burned"), [(0, 0), (1, 125), (3, 375), (4, 500), (9, 500)])
def test_who_leaves_burns_as_much_of_what_an_ejection_burns_as_it_has_strikes(strikes: int, burned: int) -> None:
    history = fold(*OPEN, parameters=replace(PARAMETERS, eject_after=4))
    history.seats[1].strikes = strikes
    with pytest.raises(HistoryFault, match="another part"):
        history.apply(Left(1, burned + 1, LATER))
    history.apply(Left(1, burned, LATER))
    assert history.seats[1].bond == 1001 - burned
    assert history.pledged == 3 * 1001 - burned


def absent(number: int, *, since: int = 1, attested: int = 0, **standing: int) -> bool:
    """A circle in round `number` whose seat 1 joined and attested last in these; whether it may be ejected."""
    history = fold(*OPEN)
    history.rounds += [replace(current_round(history), number=one) for one in range(2, number + 1)]
    history.seats[1].since_round, history.seats[1].attested_round = since, attested
    history.roster = 0b101
    for name, mask in standing.items():
        setattr(history, name, mask)
    try:
        history.apply(Ejected(1, 0, LATER))
    except HistoryFault:
        return False
    return True


@pytest.mark.rule("R23.2")
def test_a_seat_that_nobody_waits_for_is_ejected_for_nothing_after_256_rounds_of_absence() -> None:
    assert absent(257)
    assert not absent(256)
    assert not absent(300, since=45)
    assert absent(300, since=44)
    assert not absent(300, attested=45)
    assert absent(300, attested=44)
    for name in ("roster", "late", "woken"):
        assert not absent(300, **{name: 0b010})


def test_strikes_come_before_absence() -> None:
    history = fold(*OPEN)
    history.rounds += [replace(current_round(history), number=number) for number in range(2, 300)]
    history.roster, history.seats[1].strikes = 0b101, 1
    with pytest.raises(HistoryFault, match="another part"):
        history.apply(Ejected(1, 0, LATER))
    history.apply(Ejected(1, 500, LATER))


@pytest.mark.rule("R23.4")
def test_who_starts_anew_goes_on_from_the_genesis_and_keeps_a_quarter_of_its_reputation() -> None:
    history = fold(*OPEN, *LOW, Restarted(1))
    assert history.reputations[1] == INITIAL // 4
    assert history.seats[1].begun_round == 2
    for event in committed(2, 0, 1):
        history.apply(event)
    assert current_round(history).begun == {0: 0, 1: 2}
    assert current_round(history).tenures == {0: 1, 1: 1}
    assert history.rounds[0].begun[1] == 0
    with pytest.raises(HistoryFault, match="in its round"):
        history.apply(Restarted(1))


def test_before_the_first_round_a_leaver_is_missing_from_the_start() -> None:
    history = fold(OPEN[0], joined(0), joined(1), Left(0, 0, LATER), joined(2))
    assert history.phase == Phase.GATHERING
    history.apply(joined(3))
    assert history.phase == Phase.COMMIT
    assert history.roster == 0b1110


@pytest.mark.rule("R23.3", "R27")
def test_a_released_bond_is_owed_to_the_cold_key_and_can_be_taken_once() -> None:
    history = fold(*OPEN, Left(1, 0, LATER), Released(1, 1001))
    assert history.owed == {cold(1): 1001}
    assert history.pledged == 2 * 1001
    history.apply(Withdrawn(cold(1), 1001))
    assert history.owed == {}
    with pytest.raises(HistoryFault, match="another amount"):
        history.apply(Withdrawn(cold(1), 1001))


@pytest.mark.rule("R24")
def test_a_rotation_keeps_seat_bond_and_reputation_and_the_round_keeps_its_author() -> None:
    rotation: list[Event] = [Rotating(1, address(9), cold(9), LATER), Rotated(1, address(9), cold(9))]
    history = fold(*OPEN, *LOW, *rotation)
    assert history.seat_of(address(9)) == 1
    assert history.seat_of(address(1)) is None
    assert history.seats[1].cold == cold(9)
    assert history.seats[1].keys == [address(1), address(9)]
    assert history.reputations[1] == INITIAL
    assert history.rounds[0].peers[1] == address(1)
    for event in committed(2, 1):
        history.apply(event)
    assert current_round(history).peers[1] == address(9)
    assert current_round(history).tenures[1] == history.rounds[0].tenures[1] == 1


def test_strikes_grow_below_the_floor_and_end_above_it() -> None:
    history = fold(*OPEN, *LOW)
    assert [history.seats[seat].strikes for seat in range(3)] == [0, 0, 1]
    history.reputations[2] = 2 * INITIAL - 1
    again: list[Event] = [*committed(2, 0, 1, 2), Drawn(2, digest("seed"), 0b111)]
    for event in again:
        history.apply(event)
    for seat in range(3):
        history.apply(Attested(seat, said(digest("seed"), 2), digest("record", seat)))
    history.apply(Settled(2, 0b111, pack(history.compute_reputations(current_round(history)))))
    assert history.seats[2].strikes == 0


def test_a_round_given_up_short_of_its_quorum_counts_strikes_like_any_other() -> None:
    history = fold(*OPEN, *LOW)
    history.reputations[0] = 100
    again: list[Event] = [*committed(2, 0, 1, 2), Drawn(2, digest("seed"), 0b111)]
    for event in again:
        history.apply(event)
    history.apply(Attested(0, said(digest("seed"), 2), digest("record")))
    history.reputations[2] = 2 * INITIAL - 1
    history.apply(Settled(2, 0b001, pack(history.compute_reputations(current_round(history)))))
    assert [history.seats[seat].strikes for seat in range(3)] == [1, 0, 0]


def test_strikes_are_counted_to_255() -> None:
    history = fold(*OPEN)
    history.seats[2].strikes = 255
    for event in LOW:
        history.apply(event)
    assert history.seats[2].strikes == 255


def test_who_asked_to_be_woken_and_leaves_is_not_waited_for_and_neither_is_its_successor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 3)
    history = fold(*OPEN, Woken(1, 1), Woken(1, 2), Left(1, 0, LATER))
    assert (history.is_woken(1), history.is_woken(2)) == (False, True)
    history = fold(*OPEN, *committed(1, 0, 1, 2), Woken(1, 1), Left(1, 0, LATER))
    assert not history.is_woken(1)


def test_an_ejected_seat_loses_half_of_its_bond() -> None:
    history = fold(*OPEN, *LOW, Ejected(2, 500, LATER))
    assert history.seats[2].bond == 501
    assert not history.seats[2].is_held
    assert history.roster == 0b011


def test_only_when_all_seats_were_taken_is_the_lowest_released_one_taken_again() -> None:
    taken = [joined(seat) for seat in range(MAX_SEATS)]
    parameters = replace(PARAMETERS, start_seats=256)
    history = fold(OPEN[0], *taken, parameters=parameters)
    assert history.phase == Phase.COMMIT
    with pytest.raises(HistoryFault, match="not the next free one"):
        history.apply(joined(256))
    for event in (Left(7, 0, LATER), Left(3, 0, LATER), Released(7, 1001)):
        history.apply(event)
    assert history.find_next_seat() == 7
    history.apply(Released(3, 1001))
    history.reputations[3] = 5
    history.apply(joined(3, peer=300))
    assert (history.seats[3].peer, history.seats[3].tenure) == (address(300), 2)
    assert history.reputations[3] == INITIAL
    assert history.find_next_seat() == 7
    history.apply(Woken(1, 3))
    for commit in committed(1, 3):
        history.apply(commit)
    assert current_round(history).tenures[3] == 2


@given(st.text(max_size=300))
def test_an_endpoint_is_printable_ascii_of_1_to_256_characters(text: str) -> None:
    allowed = 1 <= len(text) <= 256 and all(32 <= ord(letter) <= 126 for letter in text)
    history = fold(OPEN[0])
    try:
        history.apply(replace(joined(0), endpoint=text))
    except HistoryFault:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize(("length", "is_possible"), [(0, False), (1, True), (256, True), (257, False)])
def test_an_endpoint_has_1_to_256_characters_to_the_last_one(length: int, is_possible: bool) -> None:
    history = fold(OPEN[0])
    if is_possible:
        history.apply(replace(joined(0), endpoint="x" * length))
        assert history.seats[0].endpoints == ["x" * length]
        return
    with pytest.raises(HistoryFault, match="endpoint"):
        history.apply(replace(joined(0), endpoint="x" * length))


def test_a_bond_of_one_wei_is_pledged_owed_and_taken_and_then_there_is_none() -> None:
    history = fold(*OPEN, Left(1, 0, LATER), Released(1, 1), parameters=replace(PARAMETERS, bond=1))
    assert history.seats[1].bond == 0
    assert history.owed == {cold(1): 1}
    history.apply(Withdrawn(cold(1), 1))
    assert history.owed == {}


def test_before_the_first_round_nobody_is_on_a_roster_and_a_circle_has_256_seats() -> None:
    assert fold(OPEN[0], joined(0)).roster == 0
    assert MAX_SEATS == 256


def test_where_nothing_is_said_of_ejection_bonds_and_disputes_there_are_none() -> None:
    parameters = CircleTerms(3, 2, 3, 2, 3, 16384)
    assert (parameters.eject_after, parameters.bond, parameters.dispute_bond) == (0, 0, 0)
    with pytest.raises(HistoryFault, match="too early"):
        fold(*OPEN, *LOW, Ejected(2, 0, LATER), parameters=parameters)


# ----------------------------------------------------------------------------------------------- what cannot be


GONE = [*OPEN, Left(1, 0, LATER)]
FREE = [*GONE, Released(1, 1001)]
TURNING = [*OPEN, Rotating(1, address(9), cold(9), LATER)]
TURNED = [*TURNING, Rotated(1, address(9), cold(9))]


@pytest.mark.rule("R4")
@pytest.mark.parametrize(
    ("story", "says"),
    [
        ([*OPEN, Left(3, 0, LATER)], "seat 3 is empty"),
        ([*GONE, Left(1, 0, LATER)], "seat 1 was given up"),
        ([*GONE, Moved(1, endpoint(1))], "seat 1 was given up"),
        ([*GONE, Woken(1, 1)], "seat 1 was given up"),
        ([*GONE, *committed(1, 1)], "not on the roster"),
        ([*GONE, replace(joined(3), peer=address(1))], "another seat's key"),
        ([*GONE, Rotating(1, address(9), cold(9), LATER)], "seat 1 was given up"),
        ([*TURNING, Left(1, 0, LATER), Rotated(1, address(9), cold(9))], "seat 1 was given up"),
        ([*OPEN, Released(1, 1001)], "while it is held"),
        ([*GONE, Released(1, 1000)], "another bond"),
        ([*FREE, Released(1, 0)], "seat 1 is empty"),
        ([*FREE, Equivocated(1, 1, address(0), 0, LATER)], "seat 1 is empty"),
        ([*FREE, Moved(1, endpoint(1))], "seat 1 is empty"),
        ([*OPEN, Ejected(1, 500, LATER)], "too early"),
        ([*OPEN, *LOW, Ejected(1, 500, LATER)], "too early"),
        ([*OPEN, *LOW, Ejected(2, 501, LATER)], "another part"),
        ([*OPEN, *LOW, Ejected(2, 500, LATER), Ejected(2, 250, LATER)], "given up"),
        ([*OPEN, Rotating(1, address(1), cold(1), LATER)], "the keys it has"),
        ([*OPEN, Rotating(1, address(9), cold(1), 0)], "the keys it has"),
        ([*OPEN, Rotating(1, address(2), cold(1), LATER)], "a seat's key"),
        ([*OPEN, Rotated(1, address(9), cold(9))], "other keys"),
        ([*TURNING, Rotated(1, address(8), cold(9))], "other keys"),
        ([*TURNING, Rotated(1, address(9), cold(8))], "other keys"),
        ([*TURNING, Rotating(1, address(1), cold(1), 0), Rotated(1, address(9), cold(9))], "other keys"),
        ([*TURNING, *committed(1, 1), Rotated(1, address(9), cold(9))], "in its round"),
        ([*TURNING, joined(3, peer=9), Rotated(1, address(9), cold(9))], "a seat's key"),
        ([*TURNED, Rotating(1, address(1), cold(9), LATER)], "a seat's key"),
        ([*TURNED, Rotated(1, address(9), cold(9))], "other keys"),
        ([*TURNED, Joined(3, address(1), cold(3), NOBODY, endpoint(3))], "another seat's key"),
        ([*OPEN, Withdrawn(cold(1), 1)], "another amount"),
        ([*OPEN, Withdrawn(cold(1), 0)], "another amount"),
        ([*FREE, Withdrawn(cold(1), 1000)], "another amount"),
        ([*FREE, Withdrawn(address(1), 1001)], "another amount"),
        ([*OPEN, Equivocated(1, 0, address(0), 1000, LATER)], "another bond"),
        ([*OPEN, joined(3), Equivocated(3, 0, address(0), 1001, LATER)], "another's signatures"),
        ([*GONE, Equivocated(1, 1, address(0), 1001, LATER + 1)], "free at another time"),
        ([*GONE, *[Equivocated(1, 1, address(0), bond, LATER) for bond in (1001, 0)]], "nothing left"),
    ],
)
def test_what_the_contract_cannot_have_written_is_a_fault_with_its_reason(story: list[Event], says: str) -> None:
    fold(*story[:-1])
    with pytest.raises(HistoryFault, match=says):
        fold(*story)


def test_without_ejection_nobody_is_ejected() -> None:
    with pytest.raises(HistoryFault, match="too early"):
        fold(*OPEN, *LOW, Ejected(2, 500, LATER), parameters=replace(PARAMETERS, eject_after=0))


def test_a_key_of_a_released_seat_may_join_again() -> None:
    history = fold(*FREE, Joined(3, address(1), cold(1), NOBODY, endpoint(3)))
    assert history.seat_of(address(1)) == 3


# ----------------------------------------------------------------------------------------------- second tenures


def test_who_takes_a_seat_again_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the last holder's is left: keys, endpoints, bond, strikes, disputes, reputation."""
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 3)
    history = fold(*OPEN, *LOW, Ejected(2, 500, LATER), Released(2, 501))
    assert history.reputations[2] < INITIAL
    history.apply(joined(2, peer=300))
    held = history.seats[2]
    assert (held.tenure, held.since_round, held.strikes, held.bond) == (2, 2, 0, 1001)
    assert (held.keys, held.endpoints) == ([address(300)], [endpoint(300)])
    assert history.reputations[2] == current_round(history).reputations[2] == INITIAL
    assert history.is_woken(2)
    assert not history.is_key_taken(address(2)), "the former holder's key is nobody's any more"
    with pytest.raises(HistoryFault, match="another's signatures"):
        history.apply(Equivocated(2, 1, address(0), 1001, LATER))
    history.apply(Equivocated(2, 2, address(0), 1001, LATER))


def test_who_takes_a_seat_again_is_neither_on_the_roster_nor_dozing_nor_suspended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the attest phase of a round that waited for who sat there before: its successor does not pay for that."""
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 3)
    history = fold(*OPEN, *committed(1, 0, 1), Drawn(1, digest("seed"), 0b011), Left(2, 0, LATER))
    history.seats[2].suspended_until, history.dozing = 70, 0b100
    history.apply(Released(2, 1001))
    assert (history.suspended, history.dozing, history.roster) == (0b100, 0b100, 0b111)
    history.apply(joined(2, peer=300))
    assert (history.suspended, history.dozing, history.roster) == (0, 0, 0b011)
    for seat in (0, 1):
        history.apply(Attested(seat, said(digest("seed"), 1), digest("record")))
    history.apply(Settled(1, 0b011, pack(history.compute_reputations(current_round(history)))))
    assert history.reputations[2] == INITIAL
    assert (history.roster, history.dozing) == (0b111, 0)


def test_a_verdict_of_the_last_holder_is_not_its_successors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 3)
    parameters = replace(PARAMETERS, dispute_bond=100)
    gone: list[Event] = [*OPEN, *LOW, Left(2, 500, LATER), Released(2, 501), joined(2, peer=300)]
    with pytest.raises(HistoryFault, match="joined later"):
        fold(*gone, Disputed(0, 1, 2, 0, address(500), digest("evidence"), 0b111, LATER), parameters=parameters)
    history = fold(
        *OPEN, *LOW, Disputed(0, 1, 2, 0, address(500), digest("evidence"), 0b111, LATER), parameters=parameters
    )
    assert history.is_disputed(1, 2, 1, 0)
    assert not history.is_disputed(1, 2, 2, 0)
