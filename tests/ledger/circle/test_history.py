"""The fold: valid histories end where the contract ends, and no history can be altered unnoticed."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.circle.draw import draw_neighbours
from ledger.circle.events import (
    Attested,
    Committed,
    Drawn,
    Event,
    Joined,
    Left,
    Moved,
    Opened,
    Rotated,
    Rotating,
    Settled,
    Woken,
)
from ledger.circle.history import CircleTerms, History, HistoryFault, Phase
from ledger.circle.manifest import MalformedManifest, manifest_digest
from ledger.circle.reputation import INITIAL, pack
from ledger.circle.verdict_word import encode_verdicts
from ledger.errors import PeerFault
from tests.support import golden
from tests.support.histories import parts
from tests.support.histories.parts import (
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
from tests.support.histories.stories import Story, running_hash

pytestmark = pytest.mark.rule("R4")

STORIES = st.integers(0, 2000)
PARAMETERS = CircleTerms(3, 2, 2, 2, 3, 16384)
OPENED = opened(manifest_of(2, degree=2))
JOINED = [joined(seat) for seat in range(3)]
COMMITTED = [Committed(1, seat, digest("update", seat)) for seat in range(3)]
SEED = digest("seed")
DRAWN = Drawn(1, SEED, 0b111)
ATTESTED = [Attested(seat, said(SEED, 1, 0b11, 0b11), digest("record", seat)) for seat in range(3)]
OPEN: list[Event] = [OPENED, *JOINED]
WORDS = pack(dict.fromkeys(range(3), INITIAL + ((65535 - INITIAL) >> 3)))
SETTLED = Settled(1, 0b111, WORDS)
FIRST_ROUND: list[Event] = [*OPEN, *COMMITTED, DRAWN, *ATTESTED, SETTLED]


def _attested(*seats: int) -> list[Attested]:
    return [ATTESTED[seat] for seat in seats]


def fold(story: Iterable[Event], parameters: CircleTerms = PARAMETERS) -> History:
    return parts.fold(parameters, story)


# ------------------------------------------------------------------------------------------- valid histories


@given(STORIES)
def test_a_valid_history_ends_with_the_contracts_hash_and_reputations(number: int) -> None:
    story = Story(number)
    history = fold(story.events, story.terms)
    assert history.hash == running_hash(story)
    assert history.phase == Phase.FINISHED
    assert [round_.number for round_ in history.rounds] == [1, 2, 3]
    assert all(round_.settled for round_ in history.rounds)
    assert not history.reputation_differences


@given(STORIES)
def test_a_valid_history_ends_so_too_where_seats_are_taken_again(number: int) -> None:
    with patch("ledger.circle.fold.state.MAX_SEATS", 6):
        story = Story(number, rounds=4)
        history = fold(story.events, story.terms)
    assert history.hash == running_hash(story)
    assert not history.reputation_differences
    for round_ in history.rounds:
        for seat, tenure in round_.tenures.items():
            holder = [event for event in story.events if isinstance(event, Joined) and event.seat == seat][
                tenure - 1
            ]
            before = story.events[: story.events.index(Committed(round_.number, seat, round_.commits[seat]))]
            keys = [event.peer for event in before if isinstance(event, Joined | Rotated) and event.seat == seat]
            assert round_.peers[seat] in keys[keys.index(holder.peer) :]


def test_the_stories_do_hold_seats_that_are_taken_again() -> None:
    with patch("ledger.circle.fold.state.MAX_SEATS", 6):
        stories = [Story(number, rounds=4) for number in range(20)]
    tenures = {tenure for story in stories for round_ in story.known.rounds for tenure in round_.tenures.values()}
    assert tenures == {1, 2}


@given(STORIES, st.data())
def test_folding_goes_on_from_wherever_it_stopped(number: int, data: st.DataObject) -> None:
    story = Story(number)
    stop = data.draw(st.integers(0, len(story.events)))
    history = fold(story.events[:stop], story.terms)
    for event in story.events[stop:]:
        history.apply(event)
    assert history.hash == fold(story.events, story.terms).hash


def test_running_hashes_are_the_ones_once_written_down() -> None:
    golden.expect(
        "history",
        {
            "first_round": fold(FIRST_ROUND).hash.hex(),
            "stories": {str(n): fold(Story(n).events, Story(n).terms).hash.hex() for n in range(5)},
        },
    )


@pytest.mark.rule("R3.3")
def test_phases_and_rounds_follow_the_events() -> None:
    history = History(PARAMETERS)
    history.apply(OPENED)
    assert history.phase == Phase.GATHERING
    assert history.round is None
    for event in JOINED:
        history.apply(event)
    assert history.phase == Phase.COMMIT
    assert current_round(history).number == 1
    assert history.roster == 0b111
    for event in [*COMMITTED, DRAWN]:
        history.apply(event)
    assert history.phase == Phase.ATTEST
    assert current_round(history).find_neighbours(2) == draw_neighbours(DRAWN.seed, 0b111, 2)
    for event in [*ATTESTED, SETTLED]:
        history.apply(event)
    assert history.phase == Phase.COMMIT
    assert current_round(history).number == 2
    assert pack(history.reputations) == WORDS


def test_the_circles_members_and_their_newest_endpoint_are_known() -> None:
    history = fold([*OPEN, Moved(1, endpoint(7)), Moved(1, endpoint(8))])
    assert history.seat_of(address(1)) == 1
    assert history.seat_of(address(9)) is None
    assert history.seats[1].endpoints == [endpoint(1), endpoint(7), endpoint(8)]
    assert history.seats[2].author == bytes.fromhex(address(2)[2:])


@pytest.mark.rule("R3.5")
def test_who_attested_joined_or_woke_is_on_the_roster_and_nobody_else() -> None:
    latecomer = joined(3)
    story = [*OPEN, *COMMITTED, DRAWN, ATTESTED[0], latecomer, ATTESTED[1], Settled(1, 0b11, WORDS)]
    assert fold(story).roster == 0b1011
    woken = fold([*story[:-1], Woken(1, 2)])
    assert woken.is_woken(2)
    woken.apply(story[-1])
    assert (woken.roster, woken.late) == (0b1011, 0b0100), "who was waited for in vain is not waited for again"
    assert not woken.is_woken(2)


@pytest.mark.rule("R3.5a")
def test_who_was_waited_for_in_vain_dozes_be_it_for_a_commit_or_an_attestation() -> None:
    missing = fold([*OPEN, *COMMITTED[:2], Drawn(1, SEED, 0b011), *_attested(0, 1)])
    missing.apply(Settled(1, 0b011, pack(missing.compute_reputations(current_round(missing)))))
    silent = fold([*FIRST_ROUND[:-2], Settled(1, 0b011, WORDS)])
    assert missing.dozing == silent.dozing == 0b100


def test_a_dozing_seat_that_wakes_while_commits_are_open_may_commit_and_is_not_waited_for() -> None:
    history = fold([*FIRST_ROUND[:-2], Settled(1, 0b011, WORDS)])
    assert history.roster == 0b011
    history.apply(Woken(2, 2))
    assert (history.roster, history.late) == (0b011, 0b100)
    history.apply(Committed(2, 2, digest("late")))
    assert (history.roster, history.late) == (0b111, 0)


def test_a_new_seat_that_wakes_while_commits_are_open_may_commit_and_is_not_waited_for_either() -> None:
    history = fold([*OPEN, joined(3), Woken(1, 3)])
    assert (history.roster, history.late) == (0b0111, 0b1000)
    history.apply(Woken(1, 2))
    assert (history.roster, history.late) == (0b0111, 0b1000)


@pytest.mark.parametrize(
    ("before", "reputation", "dozes"), [(0b100, 49151, True), (0b100, 49152, False), (0, 65535, True)]
)
def test_who_dozes_and_attests_twice_running_is_awake_again_with_a_high_reputation(
    before: int, reputation: int, dozes: bool
) -> None:
    history = fold(FIRST_ROUND)
    history.dozing, history.steady = 0b100, before
    again: list[Event] = [*(replace(one, round=2) for one in COMMITTED), replace(DRAWN, round=2)]
    for event in again:
        history.apply(event)
    for seat in range(3):
        history.apply(Attested(seat, said(SEED, 2), digest("record", seat)))
    history.apply(Settled(2, 0b111, pack(dict.fromkeys(range(3), reputation))))
    assert (history.dozing, history.steady) == ((0b100, 0b100) if dozes else (0, 0))


@pytest.mark.rule("R3.9")
def test_a_seed_is_drawn_again_until_somebody_attested_under_it() -> None:
    again = replace(DRAWN, seed=digest("again"))
    history = fold([*OPEN, *COMMITTED, DRAWN, again])
    assert current_round(history).seed == again.seed
    attested = replace(ATTESTED[0], verdicts=said(again.seed, 1))
    history.apply(attested)
    with pytest.raises(HistoryFault, match="again after somebody attested"):
        history.apply(again)


def test_what_a_seat_committed_before_is_its_holders_alone() -> None:
    history = fold([*FIRST_ROUND, replace(COMMITTED[0], round=2)])
    assert history.find_previous_round(1, 0, 1) is None
    assert history.find_previous_round(2, 0, 1) is history.rounds[0]
    assert history.find_previous_round(3, 0, 1) is history.rounds[1]
    assert history.find_previous_round(3, 1, 1) is history.rounds[0]
    assert history.find_previous_round(3, 1, 2) is None
    assert history.find_previous_round(3, 7, 1) is None


def test_where_nobody_attested_the_running_hash_says_nothing_of_the_seed() -> None:
    """The contract then never learned it."""
    unmoved = pack(dict.fromkeys(range(3), INITIAL - (INITIAL >> 3)))
    stories = [[*OPEN, *COMMITTED, replace(DRAWN, seed=digest(n)), Settled(1, 0, unmoved)] for n in range(2)]
    assert fold(stories[0]).hash == fold(stories[1]).hash
    assert not fold(stories[0]).reputation_differences
    under = [[*OPEN, *COMMITTED, replace(DRAWN, seed=digest(n))] for n in range(2)]
    assert fold(under[0]).hash == fold(under[1]).hash


@pytest.mark.rule("R12")
def test_quarantine_counts_from_the_reputation_at_the_rounds_opening() -> None:
    history = fold(FIRST_ROUND)
    history.apply(Committed(2, 0, digest("a")))
    history.apply(Committed(2, 1, digest("b")))
    current_round(history).reputations = {**current_round(history).reputations, 0: 16384, 1: 16383}
    assert current_round(history).find_eligible(16384) == {0}


def test_a_latecomer_waits_for_the_next_round_unless_it_wakes_and_is_eligible_then() -> None:
    late: list[Event] = [joined(3), Woken(1, 3), Committed(1, 3, digest("late"))]
    assert current_round(fold([*OPEN, *late])).find_eligible(16384) == {3}
    with pytest.raises(HistoryFault, match="roster"):
        fold([*OPEN, late[0], late[2]])


def test_what_is_said_of_others_than_neighbours_or_by_who_did_not_commit_counts_for_nothing() -> None:
    beyond = replace(ATTESTED[0], verdicts=said(SEED, 1, 0b1101, 0b1001))
    absent = replace(ATTESTED[2], verdicts=said(SEED, 1, 0b1, 0b1))
    history = fold([*OPEN, *COMMITTED[:2], Drawn(1, SEED, 0b011), beyond, absent])
    assert set(current_round(history).attestations) == {0}
    assert current_round(history).attestations[0].judged == 0b010
    with pytest.raises(HistoryFault, match="attested twice"):
        history.apply(absent)


@pytest.mark.rule("R3.12")
def test_in_a_round_given_up_short_of_its_quorum_silence_alone_pays() -> None:
    silent = INITIAL - (INITIAL >> 3)
    after = {0: INITIAL, 1: silent, 2: silent}
    history = fold([*OPEN, *COMMITTED, DRAWN, ATTESTED[0], Settled(1, 0b001, pack(after))])
    assert history.reputations == after
    assert not history.reputation_differences
    assert history.dozing == 0b110
    assert current_round(history).number == 2


# ------------------------------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("story", "says"),
    [
        ([OPENED, OPENED], "opens once"),
        ([replace(OPENED, task=digest("other"))], "not the task's"),
        ([opened(manifest_of(3))], "different rounds"),
        (JOINED, "before the circle opened"),
        ([OPENED, JOINED[1]], "not the next free one"),
        ([OPENED, JOINED[0], JOINED[0]], "not the next free one"),
        ([OPENED, JOINED[0], replace(JOINED[1], peer=address(0))], "joined twice"),
        ([OPENED, replace(JOINED[0], endpoint="")], "endpoint"),
        ([OPENED, replace(JOINED[0], endpoint="x" * 257)], "endpoint"),
        ([OPENED, replace(JOINED[0], endpoint="\x1b[2J")], "endpoint"),
        ([OPENED, Moved(0, endpoint(1))], "seat 0 is empty"),
        ([OPENED, JOINED[0], Moved(0, "é")], "endpoint"),
        ([opened(manifest_of(2, degree=3))], "different degrees"),
        ([OPENED, Woken(0, 0)], "seat 0 is empty"),
        ([*OPEN, Woken(0, 0)], "another round"),
        ([OPENED, JOINED[0], Committed(0, 0, digest(1))], "no COMMIT phase"),
        ([*OPEN, Committed(2, 0, digest(1))], "round 2 is not under way"),
        ([*OPEN, Committed(1, 3, digest(1))], "not on the roster"),
        ([*OPEN, Committed(1, 0, bytes(32))], "committed nothing"),
        ([*OPEN, COMMITTED[0], replace(COMMITTED[0], digest=digest("other"))], "committed twice"),
        ([*OPEN, COMMITTED[0], Drawn(1, digest("seed"), 0b001)], "short of the quorum"),
        ([*OPEN, *COMMITTED, Drawn(1, digest("seed"), 0b011)], "other commits"),
        ([*OPEN, *COMMITTED, Drawn(1, digest("seed"), 0b1111)], "other commits"),
        ([*OPEN, *COMMITTED, Drawn(2, digest("seed"), 0b111)], "round 2 is not under way"),
        ([*OPEN, *COMMITTED, DRAWN, replace(DRAWN, committed=0b011)], "other commits"),
        ([*OPEN, *COMMITTED, DRAWN, ATTESTED[0], DRAWN], "again after somebody attested"),
        ([*OPEN, *COMMITTED, ATTESTED[0]], "no ATTEST phase"),
        ([*OPEN, *COMMITTED, DRAWN, COMMITTED[0]], "no COMMIT phase"),
        ([*OPEN, *COMMITTED, DRAWN, ATTESTED[0], ATTESTED[0]], "attested twice"),
        ([*OPEN, *COMMITTED, DRAWN, replace(ATTESTED[0], seat=3)], "seat 3 is empty"),
        ([*OPEN, *COMMITTED, DRAWN, replace(ATTESTED[0], verdicts=said(SEED, 1, 0b01, 0b11))], "did not judge"),
        ([*OPEN, *COMMITTED, DRAWN, replace(ATTESTED[0], verdicts=said(SEED, 1, 0, 1 << 20))], "did not judge"),
        ([*OPEN, *COMMITTED, DRAWN, replace(ATTESTED[0], verdicts=said(SEED, 2))], "round 2 is not under way"),
        ([*OPEN, *COMMITTED, DRAWN, replace(ATTESTED[0], verdicts=said(digest("fork"), 1))], "another seed"),
        ([*OPEN, *COMMITTED, DRAWN, replace(ATTESTED[0], verdicts=said(SEED, 1) | 1 << 128)], "another seed"),
        ([*OPEN, *COMMITTED, DRAWN, replace(ATTESTED[0], verdicts=1 << 63)], "about no round"),
        ([*OPEN, *COMMITTED, DRAWN, replace(ATTESTED[0], record=bytes(32))], "without a record"),
        ([*OPEN, *COMMITTED, SETTLED], "no ATTEST phase"),
        ([*FIRST_ROUND[:-1], replace(SETTLED, attested=0b011)], "other verdicts"),
        ([*FIRST_ROUND[:-1], replace(SETTLED, round=2)], "round 2 is not under way"),
        ([*FIRST_ROUND, SETTLED], "no ATTEST phase"),
        ([*FIRST_ROUND, "a string"], "unknown event"),
    ],
)
def test_what_the_contract_cannot_have_written_is_a_fault_with_its_reason(story: list[Any], says: str) -> None:
    with pytest.raises(HistoryFault, match=says):
        fold(story)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (joined(3), "after the end"),
        (Woken(1, 0), "after the end"),
        (Committed(1, 0, digest(1)), "no COMMIT phase"),
        (Attested(0, said(SEED, 1), digest(1)), "no ATTEST phase"),
        (Settled(1, 0, WORDS), "no ATTEST phase"),
    ],
)
def test_after_the_end_no_round_goes_on(event: Event, says: str) -> None:
    parameters = replace(PARAMETERS, last_round=1)
    history = fold([opened(manifest_of(1, degree=2)), *FIRST_ROUND[1:]], parameters)
    assert history.phase == Phase.FINISHED
    for harmless in (Moved(0, endpoint(5)), Rotating(1, address(9), cold(9), 5), Rotated(1, address(9), cold(9))):
        history.apply(harmless)
    history.apply(Left(2, 0, 7))
    with pytest.raises(HistoryFault, match=says):
        history.apply(event)


def test_a_manifest_that_cannot_be_is_the_deployers_fault() -> None:
    encoded = manifest_of(2).encode().replace(b'"version":1', b'"version":2')
    with pytest.raises(MalformedManifest, match="version 2"):
        fold([Opened(manifest_digest(encoded), encoded)])


def test_before_the_opening_there_is_no_manifest() -> None:
    with pytest.raises(HistoryFault, match="begin"):
        _ = History(PARAMETERS).manifest


# ------------------------------------------------------------------------------------------- what was altered


def noticed(story: Story, altered: list[Event]) -> bool:
    """The altered events end in a fault, or in a hash that is not the contract's."""
    try:
        history = fold(altered, story.terms)
    except PeerFault:
        return True
    return history.hash != running_hash(story)


@given(STORIES, st.data())
def test_an_event_left_out_is_noticed(number: int, data: st.DataObject) -> None:
    story = Story(number)
    place = data.draw(st.integers(0, len(story.events) - 1))
    assert noticed(story, story.events[:place] + story.events[place + 1 :])


@given(STORIES, STORIES, st.data())
def test_an_event_added_is_noticed(number: int, other: int, data: st.DataObject) -> None:
    story = Story(number)
    added = data.draw(st.sampled_from(story.events + Story(other).events))
    place = data.draw(st.integers(0, len(story.events)))
    assert noticed(story, [*story.events[:place], added, *story.events[place:]])


@given(STORIES, st.data())
def test_two_events_exchanged_are_noticed(number: int, data: st.DataObject) -> None:
    story = Story(number)
    first = data.draw(st.integers(0, len(story.events) - 1))
    second = data.draw(st.integers(0, len(story.events) - 1))
    altered = list(story.events)
    altered[first], altered[second] = altered[second], altered[first]
    # Two draws of a round are one log twice: their seeds follow from their blocks (R3.9).
    assume(not all(isinstance(story.events[place], Drawn) for place in (first, second)))
    assume(altered != story.events)
    assert noticed(story, altered)


def changed(value: Any, name: str, data: st.DataObject) -> Any:
    """The same kind of value, but another one."""
    if name in ("peer", "cold", "inviter", "reporter", "challenger", "appellant", "account"):
        return address(data.draw(st.integers(100, 200)))
    if isinstance(value, str):
        return endpoint(data.draw(st.integers(1000, 2000)))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ 1 << data.draw(st.integers(0, 255))
    if isinstance(value, tuple):
        place = data.draw(st.integers(0, len(value) - 1))
        return (*value[:place], changed(value[place], "", data), *value[place + 1 :])
    place = data.draw(st.integers(0, len(value) - 1))
    return value[:place] + bytes([value[place] ^ data.draw(st.integers(1, 255))]) + value[place + 1 :]


@given(STORIES, st.data())
def test_a_changed_field_is_noticed(number: int, data: st.DataObject) -> None:
    story = Story(number)
    place = data.draw(st.integers(0, len(story.events) - 1))
    event = story.events[place]
    # A seed is in no log (R3.9): the audit compares it with the block that it follows from.
    told = [field.name for field in fields(event) if (type(event), field.name) != (Drawn, "seed")]
    name = data.draw(st.sampled_from(told))
    altered = replace(event, **{name: changed(getattr(event, name), name, data)})
    assert noticed(story, [*story.events[:place], altered, *story.events[place + 1 :]])


# ------------------------------------------------------------------------------------------- reputations


def test_a_reputation_that_the_verdicts_do_not_give_is_kept_beside_the_one_they_do() -> None:
    lied = pack({0: 65535, 1: INITIAL + 4095, 2: INITIAL + 4095})
    history = fold([*FIRST_ROUND[:-1], replace(SETTLED, reputations=lied)])
    assert history.reputation_differences == [(1, {0: (65535, INITIAL + 4095)})]
    # What the contract holds is what counts from here on: it pays and quarantines by it.
    assert history.reputations[0] == current_round(history).reputations[0] == 65535


def test_words_for_seats_that_nobody_holds_are_a_difference_too() -> None:
    history = fold([*FIRST_ROUND[:-1], replace(SETTLED, reputations=(*WORDS[:15], 1 << 240))])
    assert history.reputation_differences == [(1, {})]


@pytest.mark.rule("R13")
def test_verdicts_decide_the_reputations() -> None:
    linked = draw_neighbours(DRAWN.seed, 0b111, 2)
    rejecting = [
        replace(event, verdicts=encode_verdicts(SEED, 1, linked[event.seat], 0b111, 0b110)) for event in ATTESTED
    ]
    after = {0: INITIAL - (INITIAL >> 3), 1: INITIAL + 4095, 2: INITIAL + 4095}
    history = fold([*OPEN, *COMMITTED, DRAWN, *rejecting, Settled(1, 0b111, pack(after))])
    assert not history.reputation_differences
    assert history.reputations == after
