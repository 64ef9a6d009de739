"""Settled rounds: in few bytes they say what they said, nothing changes them, and copies share them."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.circle.events import Settled
from ledger.circle.history import History
from ledger.circle.round import Round
from ledger.circle.settled import Attestation, Attestations, Digests, Lasting, Reputations
from ledger.circle.snapshot import copy_history
from tests.support.histories.stories import Story

pytestmark = pytest.mark.rule("R4")

SEATS = st.integers(0, 255)
DIGESTS = st.binary(min_size=32, max_size=32)
FIELDS = ("reputations", "commits", "peers", "tenures", "begun", "attestations")


@st.composite
def attestations(draw: st.DrawFn) -> Attestation:
    judged = draw(st.sets(SEATS, max_size=21))
    accepted = draw(st.sets(st.sampled_from(sorted(judged)))) if judged else set()
    return Attestation(sum(1 << one for one in judged), sum(1 << one for one in accepted), draw(DIGESTS))


def say(round_: Round) -> dict[str, object]:
    """Everything a round says, as it is now."""
    said: dict[str, object] = {name: list(getattr(round_, name).items()) for name in FIELDS}
    masks = (round_.suspended, round_.members, round_.dozing, round_.committed, round_.missed)
    return said | {"heard": set(round_.heard), "masks": masks, "seed": round_.seed, "after": round_.history_after}


@given(st.dictionaries(SEATS, DIGESTS), st.dictionaries(SEATS, st.integers(0, 65535)))
def test_digests_and_reputations_are_what_they_are_made_of_in_the_same_order(
    digests: dict[int, bytes], reputations: dict[int, int]
) -> None:
    assert list(Digests(digests).items()) == list(digests.items())
    assert list(Reputations(reputations).items()) == list(reputations.items())
    assert Digests(digests) == digests
    for seat in (*range(256), -1, 256):
        assert Digests(digests).get(seat) == digests.get(seat)
        assert (seat in Reputations(reputations)) == (seat in reputations)


@given(st.dictionaries(SEATS, attestations(), max_size=20))
def test_attestations_are_what_they_are_made_of(said: dict[int, Attestation]) -> None:
    packed = Attestations(said)
    assert list(packed.items()) == list(said.items())
    assert list(packed.values()) == list(said.values())
    assert packed == said
    assert [packed[seat] for seat in said] == list(said.values())


@given(st.dictionaries(SEATS, st.text()), st.dictionaries(SEATS, st.text()))
def test_what_lasts_is_said_anew_only_where_it_changed(first: dict[int, str], second: dict[int, str]) -> None:
    before = Lasting(first, None)
    after = Lasting(second, before)
    assert list(before.items()) == list(first.items())
    assert list(after.items()) == list(second.items())
    again = Lasting(first, before)
    assert again._table is before._table
    assert again == first


@given(st.integers(0, 300))
def test_a_settled_round_never_changes_and_refuses_to(number: int) -> None:
    story = Story(number)
    history, settled = History(story.terms), []
    for event in story.events:
        under_way = say(history.rounds[-1]) if history.rounds else {}
        history.apply(event)
        if isinstance(event, Settled):
            round_ = history.rounds[event.round - 1]
            settled.append((round_, say(round_)))
            kept = [name for name in FIELDS if under_way[name] != say(round_)[name]]
            assert not kept, "fewer bytes say the same, in the same order"
    assert settled
    for round_, said in settled:
        assert round_ is history.rounds[round_.number - 1]
        assert say(round_) == said
        assert copy.deepcopy(round_) is round_
        with pytest.raises(TypeError, match="does not change"):
            round_.receive(0, 1)
        with pytest.raises(TypeError, match="does not change"):
            round_.commit(0, bytes(32), history.seats[0])


@given(st.integers(0, 300), st.data())
def test_a_copy_stays_as_it_was_and_can_be_folded_on_by_itself(number: int, data: st.DataObject) -> None:
    story = Story(number)
    stop = data.draw(st.integers(0, len(story.events)))
    history = History(story.terms)
    for event in story.events[:stop]:
        history.apply(event)
    copied, exact = copy_history(history), copy.deepcopy(history)
    for event in story.events[stop:]:
        history.apply(event)
    assert vars(copied) == vars(exact)
    for event in story.events[stop:]:
        copied.apply(event)
    assert vars(copied) == vars(history)
    assert all(one is other for one, other in zip(copied.rounds, exact.rounds, strict=False) if other.settled)
