"""Frames that hang on earlier ones: what has to be fetched, what is refused, and what is merely lost."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.audit.findings import Report
from ledger.audit.round_checks import RoundAuditor
from ledger.blobs.contents.records import InvalidBlob, Update, decode_record, encode_update, read_reference
from ledger.circle.events import Left, Released
from ledger.codec import DELTA, blocks_of, encode
from ledger.judging.frame_chains import (
    MAX_CHAIN,
    BlobMissing,
    CircleTask,
    Commit,
    DecodedState,
    FetchedUpdate,
    HeldBlobs,
    StateCache,
    decode_public_state,
    find_frame_chain,
    find_lacking_blobs,
    is_key_due,
    make_fetched_update,
)
from ledger.judging.replay import replay
from ledger.rules.judge_memory import CarriedState
from tests.support.histories.circles import NETWORK, Circle, Honest, genesis_state
from tests.support.histories.parts import digest

pytestmark = pytest.mark.rule("R28")

DOMAIN = NETWORK.domain_separator


class Keyed(Honest):
    """Publishes a key frame in these rounds, else never."""

    def __init__(self, seat: int, rounds: tuple[int, ...] = (1,)) -> None:
        super().__init__(seat)
        self.rounds = rounds

    def is_key(self, number: int, depth: int) -> bool:
        return number in self.rounds


class Referring(Keyed):
    """Names another reference from round 2 on."""

    def __init__(self, seat: int, reference: Callable[..., Any]) -> None:
        super().__init__(seat)
        self.reference = reference

    def blob(self, number: int, update: Update) -> bytes | None:
        changed = msgspec.structs.replace(update, reference=self.reference(update))
        return super().blob(number, changed if number > 1 else update)


def circle_of(**options: Any) -> Circle:
    return Circle(codec=DELTA, **options)


def decoded(
    circle: Circle, number: int, seat: int, *, without: Collection[Any] = (), states: StateCache | None = None
) -> DecodedState:
    """A seat's state of a round, from all blobs but those of `without`, (round, seat)."""
    history = circle.history()
    round_ = history.rounds[number - 1]
    lost = {circle.updates[place] for place in without}
    blobs = {root: blob for root, blob in circle.blobs.items() if root not in lost}
    fetched = make_fetched_update(find_frame_chain(history, round_, seat), round_.tenures[seat], blobs)
    return decode_public_state(fetched, CircleTask(circle.manifest, DOMAIN, states or StateCache(genesis_state())))


def audited(circle: Circle) -> Report:
    history = circle.history()
    report = Report(NETWORK.chain_id, NETWORK.contract, 0)
    auditor = RoundAuditor(history, NETWORK, genesis_state(), report)
    for round_ in history.rounds:
        auditor.check(round_, circle.served(round_.number)[0])
    return report


@pytest.mark.parametrize("rule", ["balance", "tether"])
def test_a_circle_of_delta_frames_audits_clean(rule: str) -> None:
    circle = circle_of(rounds=4, rule=rule, rule_parameters={})
    report = audited(circle)
    assert report.findings == []
    references = [read_reference(circle.read(circle.updates[number, 2]), circle.manifest) for number in (1, 2, 3)]
    assert references == [b"", circle.updates[1, 2], circle.updates[2, 2]]
    assert [decoded(circle, number, 2).depth for number in (1, 2, 3, 4)] == [0, 1, 2, 3]


def test_what_is_fetched_goes_back_to_the_last_key_frame_and_no_further() -> None:
    circle = circle_of(rounds=4, cheats={3: Keyed(3, rounds=(1, 3))})
    history = circle.history()
    round_, held, asked = history.rounds[3], HeldBlobs(), []
    while wanted := find_lacking_blobs(history, round_, [3], held, StateCache()):
        asked += list(wanted)
        held.add({root: circle.blobs[root] for root in wanted})
    assert asked == [circle.updates[4, 3], circle.updates[3, 3]]


def test_a_state_in_memory_serves_for_older_blobs_and_is_held_though_the_memory_forgets_it() -> None:
    circle = circle_of(rounds=4, cheats={3: Keyed(3)})
    history = circle.history()
    links = find_frame_chain(history, history.rounds[3], 3)
    newest = {links[0].digest: circle.blobs[links[0].digest]}
    known, held = StateCache(genesis_state(), 1), HeldBlobs(newest)
    known.put(links[1], decoded(circle, 3, 3))
    assert held.find_lacking(links, circle.manifest, known) is None
    known.put(Commit(9, digest("another"), bytes(20)), DecodedState(np.zeros(5000, np.int32), bytes(32)))
    assert known.get(links[1:]) is None
    found = decode_public_state(FetchedUpdate(links, held), CircleTask(circle.manifest, DOMAIN, known))
    assert np.array_equal(found.state, decoded(circle, 4, 3).state)
    assert found.depth == 3
    assert HeldBlobs(newest).find_lacking(links, circle.manifest, known) == links[1].digest
    # The round's own blob is needed all the same.
    known.put(links[0], found)
    assert HeldBlobs().find_lacking(links, circle.manifest, known) == links[0].digest


def test_the_digest_of_a_round_is_asked_for_also_where_its_state_is_known() -> None:
    """A replay reads the blob itself: a state in memory does not stand in for it."""
    circle = circle_of(rounds=2)
    history = circle.history()
    links, known = find_frame_chain(history, history.rounds[1], 3), StateCache(genesis_state())
    decoded(circle, 2, 3, states=known)
    assert known.get(links) is not None
    assert HeldBlobs().find_lacking(links, circle.manifest, known) == links[0].digest


class Heir(Keyed):
    """Takes seat 3 over in round 3, and sends a frame that hangs on the last holder's update of round 2."""

    def __init__(self, circle: Circle) -> None:
        super().__init__(3)
        self.last, self.state = circle.updates[2, 3], decoded(circle, 2, 3).state
        self.blocks = blocks_of(circle.manifest.sizes)

    def blob(self, number: int, update: Update) -> bytes | None:
        vector, genesis = self.trained(number, genesis_state()), genesis_state()
        payload = encode(vector, DELTA, self.blocks, self.state, genesis, genesis).payload
        return super().blob(number, msgspec.structs.replace(update, payload=payload, reference=self.last))


def taken_over(monkeypatch: pytest.MonkeyPatch, heir: type[Heir] | None = None, rounds: int = 4) -> Circle:
    """A circle in which another peer takes seat 3 between rounds 2 and 3."""
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 5)

    def take_over(circle: Circle) -> None:
        circle.write(Left(3, 0, 0), Released(3, 1000))
        circle.take(3, 300)
        if heir is not None:
            circle.peers[3] = heir(circle)

    return circle_of(rounds=rounds, between={2: take_over})


def test_frames_of_a_seats_new_holder_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    circle = taken_over(monkeypatch)
    history = circle.history()
    assert [round_.tenures[3] for round_ in history.rounds] == [1, 1, 2, 2]
    reached = [[link.round for link in find_frame_chain(history, round_, 3)] for round_ in history.rounds]
    assert reached == [[1], [2, 1], [3], [4, 3]]
    assert [decoded(circle, number, 3).depth for number in (1, 2, 3, 4)] == [0, 1, 0, 1]
    assert audited(circle).findings == []


def test_a_frame_that_hangs_on_an_update_of_the_seats_last_holder_is_invalid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    circle = taken_over(monkeypatch, Heir, rounds=3)
    with pytest.raises(InvalidBlob, match="another than its author's previous commit"):
        decoded(circle, 3, 3)
    found = audited(circle).findings
    assert ("A3", 3, 3) in {(f.check, f.round, f.seat) for f in found}
    assert {f.seat for f in found} == {3}


def test_after_a_lost_frame_everything_decodes_again_from_the_next_key_frame() -> None:
    circle = circle_of(rounds=5, cheats={3: Keyed(3, rounds=(1, 4))})
    for number in (2, 3):
        with pytest.raises(BlobMissing):
            decoded(circle, number, 3, without={(2, 3)})
    for number in (1, 4, 5):
        found = decoded(circle, number, 3, without={(2, 3)})
        assert np.array_equal(found.state, decoded(circle, number, 3).state)


def test_of_a_frame_that_hangs_on_a_lost_one_nothing_is_said() -> None:
    """The judge never got round 1's update, so it cannot read round 2's, and rejects nobody for that."""

    class Unlucky(Honest):
        def received(self, number: int, fetched: dict[int, FetchedUpdate]) -> dict[int, FetchedUpdate]:
            mine = {} if number == 1 else {fetched[3].digest: fetched[3].blob}
            return fetched | {3: replace(fetched[3], held=HeldBlobs(mine))}

        def states(self, circle: Circle) -> StateCache:
            return StateCache(genesis_state())

    circle = circle_of(rounds=2, cheats={0: Unlucky(0)})
    first, second = (round_.attestations for round_ in circle.history().rounds)
    assert first[0].judged == second[0].judged == 0b10110
    assert second[1].judged >> 3 & 1
    assert audited(circle).findings == []


def test_no_more_frames_follow_a_key_frame_than_a_reader_has_to_fetch() -> None:
    endless = Keyed(3, rounds=())
    circle = circle_of(rounds=MAX_CHAIN + 3, seats=4, degree=3, cheats={3: endless})
    assert decoded(circle, MAX_CHAIN + 1, 3).depth == MAX_CHAIN
    with pytest.raises(InvalidBlob, match="key frame"):
        decoded(circle, MAX_CHAIN + 2, 3, states=circle.states)
    with pytest.raises(InvalidBlob):
        decoded(circle, MAX_CHAIN + 2, 3)
    attested = circle.history().rounds[MAX_CHAIN + 1].attestations[0]
    assert attested.judged >> 3 & 1, "it is judged"
    assert not attested.accepted >> 3 & 1, "and rejected"


def depths_of(seat: int, rounds: NDArray[np.int64] | range) -> list[int]:
    """How far behind a key frame an author of a seat is in each of its rounds, ascending."""
    depth, found = None, []
    for number in rounds:
        depth = 0 if depth is None or is_key_due(number, seat, depth) else depth + 1
        found.append(depth)
    return found


def test_key_frames_come_in_turn_seat_by_seat() -> None:
    depths = np.array([depths_of(seat, range(1, 200)) for seat in range(3 * (MAX_CHAIN + 1))])
    assert (depths[:, 0] == 0).all(), "nobody has a frame to refer to in its first round"
    assert set((depths[:, 1:] == 0).sum(axis=0)) == {3}
    assert depths.max() == MAX_CHAIN


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_who_misses_its_turn_ends_its_chain_all_the_same(share: float) -> None:
    random = np.random.default_rng(1)
    for seat in range(20):
        depths = depths_of(seat, np.flatnonzero(random.random(1000) < share))
        assert max(depths) <= MAX_CHAIN
        assert np.mean(np.array(depths) == 0) < 2.5 / (MAX_CHAIN + 1) + 1 / len(depths)


def test_a_circle_whose_authors_keep_to_their_turns_audits_clean() -> None:
    circle = circle_of(rounds=MAX_CHAIN + 2, seats=4, degree=2)
    keys = {
        seat: [
            n
            for (n, at), root in circle.updates.items()
            if at == seat and not read_reference(circle.read(root), circle.manifest)
        ]
        for seat in circle.peers
    }
    assert keys == {0: [1, 17], 1: [1, 16], 2: [1, 15], 3: [1, 14]}
    assert audited(circle).findings == []


@pytest.mark.parametrize(
    "reference",
    [lambda update: digest("nowhere"), lambda update: b"", lambda update: update.base],
    ids=["nowhere", "none", "base"],
)
def test_an_update_relative_to_anything_but_its_authors_previous_commit_is_invalid(
    reference: Callable[..., Any],
) -> None:
    circle = circle_of(rounds=2, cheats={3: Referring(3, reference)})
    with pytest.raises(InvalidBlob):
        decoded(circle, 2, 3)
    assert {(f.check, f.round, f.seat) for f in audited(circle).findings} >= {("A3", 2, 3)}


def test_a_reference_under_a_codec_whose_frames_stand_alone_is_invalid() -> None:
    circle = Circle(rounds=2, cheats={3: Referring(3, lambda update: digest("any"))})
    with pytest.raises(InvalidBlob, match="previous commit"):
        decoded(circle, 2, 3)


def test_what_hangs_on_an_invalid_update_is_invalid_too() -> None:
    class Spoiler(Keyed):
        def blob(self, number: int, update: Update) -> bytes | None:
            return encode_update(update)[:-1] if number == 1 else super().blob(number, update)

    circle = circle_of(rounds=2, cheats={3: Spoiler(3)})
    spoilt = circle.updates[1, 3]
    update = msgspec.msgpack.decode(circle.read(circle.updates[2, 3])[4:])
    assert update[6] == b"", "an honest program sends a key frame then"
    history = circle.history()
    links = find_frame_chain(history, history.rounds[1], 3)
    delta = circle.read(circle.updates[2, 2])
    forged = msgspec.msgpack.decode(delta[4:])
    forged[2], forged[6] = links[0].author, spoilt
    fetched = make_fetched_update(
        links, 1, circle.blobs | {links[0].digest: b"FMU3" + msgspec.msgpack.encode(forged)}
    )
    with pytest.raises(InvalidBlob, match="relative to one that is invalid"):
        decode_public_state(fetched, CircleTask(circle.manifest, DOMAIN, StateCache(genesis_state())))


def test_a_state_decoded_for_its_author_is_nobody_elses() -> None:
    """A copied digest names another author inside: a state in memory must not hide that."""
    circle = Circle(rounds=1)
    states = StateCache()
    decoded(circle, 1, 2, states=states)
    history = circle.history()
    blob = circle.blobs[circle.updates[1, 2]]
    link = Commit(1, circle.updates[1, 2], history.rounds[0].author_of(4))
    copied = make_fetched_update([link], 1, {link.digest: blob})
    with pytest.raises(InvalidBlob, match="names author"):
        decode_public_state(copied, CircleTask(circle.manifest, DOMAIN, states))


def test_a_replay_says_which_earlier_blob_it_lacks() -> None:
    circle = circle_of(rounds=3)
    history = circle.history()
    blobs = dict(circle.blobs)
    del blobs[circle.updates[1, 2]]
    states = StateCache(genesis_state())
    with pytest.raises(BlobMissing) as lacking:
        replay(
            history,
            CircleTask(history.manifest, DOMAIN, states),
            history.rounds[2],
            0,
            circle.carried[0],
            HeldBlobs(blobs),
        )
    assert lacking.value.digest == circle.updates[1, 2]


def test_without_the_genesis_no_chained_frame_can_be_read() -> None:
    with pytest.raises(BlobMissing, match="genesis"):
        decoded(circle_of(rounds=1), 1, 2, states=StateCache())


def test_the_states_kept_are_bounded_and_the_latest() -> None:
    states = StateCache(limit_bytes=100)
    links = [Commit(1, digest("state", number), bytes(20)) for number in range(4)]
    for link in links[:2]:
        states.put(link, DecodedState(np.zeros(10, np.int32), bytes(32)))
    states.get(links[:1])
    states.put(links[2], DecodedState(np.zeros(10, np.int32), bytes(32)))
    assert [states.get([link]) is not None for link in links] == [True, False, True, False]
    states.put(links[3], DecodedState(np.zeros(1000, np.int32), bytes(32)))
    assert [states.get([link]) is not None for link in links] == [False, False, False, True]
    kept = states.get(links[3:])
    assert kept is not None
    with pytest.raises(ValueError, match="read-only"):
        kept.state[0] = 1


def test_a_state_is_not_taken_for_one_that_hangs_on_another_commit() -> None:
    """A chain that was reorganised may put another commit before this one, and then this one is invalid."""
    circle = circle_of(rounds=2)
    history = circle.history()
    links, states = find_frame_chain(history, history.rounds[1], 3), StateCache(genesis_state())
    decode_public_state(make_fetched_update(links, 1, circle.blobs), CircleTask(circle.manifest, DOMAIN, states))
    other = (links[0], replace(links[1], digest=circle.updates[1, 2]))
    with pytest.raises(InvalidBlob, match="previous commit"):
        decode_public_state(
            make_fetched_update(other, 1, circle.blobs), CircleTask(circle.manifest, DOMAIN, states)
        )
    assert decode_public_state(
        make_fetched_update(links, 1, circle.blobs), CircleTask(circle.manifest, DOMAIN, states)
    ).predecessors == (links[1],)


def test_what_was_found_invalid_is_not_decoded_again() -> None:
    circle = circle_of(rounds=MAX_CHAIN + 2, seats=4, degree=3, cheats={3: Keyed(3, rounds=())})
    history = circle.history()
    links, states = find_frame_chain(history, history.rounds[MAX_CHAIN + 1], 3), StateCache(genesis_state())
    with pytest.raises(InvalidBlob) as first:
        decode_public_state(
            make_fetched_update(links, 1, circle.blobs), CircleTask(circle.manifest, DOMAIN, states)
        )
    with pytest.raises(InvalidBlob, match="frames away") as second:
        decode_public_state(
            make_fetched_update(links, 1, {links[0].digest: b"not read again"}),
            CircleTask(circle.manifest, DOMAIN, states),
        )
    assert str(first.value) == str(second.value)


def test_records_of_a_rule_that_looks_back_anchor_its_memory() -> None:
    circle = Circle(rounds=2, rule="tether", rule_parameters={})
    history, carried = circle.history(), CarriedState(genesis_state())
    for round_ in history.rounds:
        states = StateCache(genesis_state())
        screened = replay(
            history, CircleTask(history.manifest, DOMAIN, states), round_, 1, carried, HeldBlobs(circle.blobs)
        )
        carried = screened.carried
        assert screened.record_digest == round_.attestations[1].record
        assert decode_record(screened.record).next_memory == carried.memory.digest()
    assert carried.memory.digest() == circle.carried[1].memory.digest()
    assert len(carried.memory.traces) == 5
