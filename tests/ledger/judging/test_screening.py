"""From blobs to verdicts and back: what a peer attests is what anyone recomputes."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ledger.arithmetic.exact import to_float
from ledger.blobs.contents.records import (
    ACCEPTED,
    INVALID,
    REJECTED,
    UNAVAILABLE,
    InvalidBlob,
    Update,
    decode_record,
    encode_update,
    state_digest,
)
from ledger.blobs.unixfs import build_dag
from ledger.circle.manifest import Manifest
from ledger.circle.round import Attestation
from ledger.codec import PLAIN, Blocks, MalformedFrame, quantise
from ledger.judging.frame_chains import (
    BlobMissing,
    CircleTask,
    Commit,
    FetchedUpdate,
    HeldBlobs,
    StateCache,
    decode_public_state,
)
from ledger.judging.replay import digests_behind_attestation, replay
from ledger.judging.screening import JudgeRound, RoundVerdicts, screen
from ledger.privacy.statement import make_statement
from ledger.rules.judge_memory import CarriedState
from tests.support import golden
from tests.support.histories.circles import NETWORK, Circle, author, genesis_state
from tests.support.histories.parts import digest, manifest_of
from tests.support.privacy import TERMS

pytestmark = pytest.mark.rule("R10")

MANIFEST = manifest_of(9, codec=PLAIN)
DOMAIN = NETWORK.domain_separator
BASE = genesis_state()


def update_of(seat: int, *, shift: float = 0.0, number: int = 1) -> Update:
    vector = to_float(BASE) * np.float32(1 + shift)
    return Update(
        DOMAIN,
        number,
        author(seat),
        digest("base", seat),
        PLAIN,
        quantise(vector, Blocks((len(vector),)), PLAIN).payload,
        b"",
        None,
    )


def fetched_of(seat: int, blob: bytes | None, number: int = 1) -> FetchedUpdate:
    root = digest("lost", seat) if blob is None else build_dag(blob).root
    return FetchedUpdate((Commit(number, root, author(seat)),), HeldBlobs({} if blob is None else {root: blob}))


OWN_BLOB, NEAR_BLOB = encode_update(update_of(0)), encode_update(update_of(1, shift=0.05))
OWN, NEAR = fetched_of(0, OWN_BLOB), fetched_of(1, NEAR_BLOB)
FAR = fetched_of(2, encode_update(update_of(2, shift=-2.0)))
LOST = fetched_of(3, None)
SPOILT = fetched_of(4, encode_update(update_of(4))[:-1])
BROKEN = FetchedUpdate(fetched_of(5, None).commits, HeldBlobs({fetched_of(5, None).digest: None}))
ALL = {1: NEAR, 2: FAR, 3: LOST, 4: SPOILT, 5: BROKEN}


def state_of(fetched: FetchedUpdate) -> NDArray[np.int32]:
    return decode_public_state(fetched, CircleTask(MANIFEST, DOMAIN, StateCache())).state


def screened(
    neighbours: dict[int, FetchedUpdate] | None = None,
    *,
    judge: FetchedUpdate = OWN,
    eligible: frozenset[int] = frozenset(range(9)),
    number: int = 1,
    manifest: Manifest = MANIFEST,
    base: NDArray[np.int32] | None = BASE,
) -> RoundVerdicts:
    carried = None if base is None else CarriedState(base)
    sitting = JudgeRound(number, 0, digest("seed"), eligible)
    return screen(CircleTask(manifest, DOMAIN), sitting, judge, carried, ALL if neighbours is None else neighbours)


PRIVATE = manifest_of(9, codec=PLAIN, rule="tether", rule_parameters={}, privacy=TERMS)


def private_update(seat: int, *, noise: float, charged: int = 1) -> FetchedUpdate:
    """The base with so much of the terms' noise, and what its author says it was charged."""
    vector = to_float(BASE).copy()
    deviation = float(TERMS.compute_noise_variance()) ** 0.5
    vector += np.float32(noise * deviation) * np.random.default_rng(seat).normal(size=vector.size).astype(
        np.float32
    )
    stated = make_statement(TERMS, 1, charged, examples=1000)
    payload = quantise(vector, Blocks((len(vector),)), PLAIN).payload
    return fetched_of(
        seat, encode_update(msgspec.structs.replace(update_of(seat), payload=payload, privacy=stated))
    )


@pytest.mark.rule("R12.5")
def test_a_neighbour_that_was_charged_is_held_to_its_noise_and_one_that_was_not_is_not() -> None:
    neighbours = {
        1: private_update(1, noise=1.0),
        2: private_update(2, noise=0.0),
        3: private_update(3, noise=0.0, charged=0),
        4: private_update(4, noise=0.8),
        5: private_update(5, noise=1.0),
    }
    found = screened(neighbours, manifest=PRIVATE, judge=private_update(0, noise=1.0))
    assert [entry.seat for entry in found.entries if entry.verdict == ACCEPTED] == [1, 3, 5]
    assert {entry.seat for entry in found.entries if entry.verdict == REJECTED} == {2, 4}
    open_circle = manifest_of(9, codec=PLAIN, rule="tether", rule_parameters={})
    assert "edge" in found.entries[0].figures
    assert "edge" not in screened({1: NEAR}, manifest=open_circle).entries[0].figures


def test_every_kind_of_neighbour_gets_its_verdict() -> None:
    found = screened()
    assert [(e.seat, e.verdict, e.mixed) for e in found.entries] == [
        (1, ACCEPTED, True),
        (2, REJECTED, False),
        (3, UNAVAILABLE, False),
        (4, INVALID, False),
        (5, INVALID, False),
    ]
    assert found.judged == 0b110110
    assert found.accepted == 0b000010


@pytest.mark.rule("R14")
def test_the_record_holds_what_was_decided_and_by_whom() -> None:
    found = screened()
    record = decode_record(found.record)
    assert (record.network, record.round, record.author) == (DOMAIN, 1, author(0))
    assert record.base == digest("base", 0)
    assert record.update == OWN.digest
    assert record.entries == found.entries
    assert record.next_base == state_digest(found.carried.base)
    assert record.next_memory == found.carried.memory.digest()
    assert found.record_digest == build_dag(found.record).root
    figures = found.entries[1].figures
    assert int(figures["distance2"]) > int(figures["limit2"]) > 0
    assert [entry.digest for entry in record.entries] == [ALL[seat].digest for seat in sorted(ALL)]


def written_down(found: RoundVerdicts) -> dict[str, str]:
    return {
        "record": found.record.hex(),
        "record_digest": found.record_digest.hex(),
        "next_base": state_digest(found.carried.base).hex(),
        "next_memory": found.carried.memory.digest().hex(),
    }


def test_a_rule_that_looks_back_is_told_which_holder_of_a_seat_it_met() -> None:
    tether = msgspec.structs.replace(MANIFEST, rule="tether", rule_parameters={})
    neighbours = {1: NEAR, 2: replace(FAR, tenure=3)}
    traces = screened(neighbours, judge=replace(OWN, tenure=2), manifest=tether).carried.memory.traces
    assert {seat: trace.tenure for seat, trace in traces.items()} == {0: 2, 1: 1, 2: 3}


@pytest.mark.rule("R14")
def test_records_are_the_ones_once_written_down() -> None:
    second = {seat: replace(fetched, tenure=2) for seat, fetched in ALL.items()}
    tether = msgspec.structs.replace(MANIFEST, rule="tether", rule_parameters={})
    golden.expect(
        "screening",
        {
            "balance": written_down(screened()),
            # Seats taken again: the judge's and its neighbours' tenures stand in what it remembers.
            "tether": written_down(screened(second, judge=replace(OWN, tenure=2), manifest=tether)),
        },
    )


def test_the_order_in_which_blobs_arrive_changes_nothing() -> None:
    assert screened(dict(reversed(ALL.items()))).record == screened().record


@pytest.mark.rule("R12")
def test_a_quarantined_neighbour_is_accepted_and_not_mixed() -> None:
    found = screened(eligible=frozenset({0, 2}))
    assert found.accepted == 0b10
    assert not found.entries[0].mixed
    assert (found.carried.base == state_of(OWN)).all()


def test_without_neighbours_a_peer_keeps_its_own_state_and_judges_nobody() -> None:
    found = screened({})
    assert found.judged == found.accepted == 0
    assert found.entries == ()
    assert (found.carried.base == state_of(OWN)).all()


def test_a_neighbours_update_of_another_round_network_or_author_is_invalid() -> None:
    replayed = fetched_of(1, encode_update(update_of(1, number=2)))
    foreign = fetched_of(2, encode_update(msgspec.structs.replace(update_of(2), network=digest("x"))))
    stolen = fetched_of(3, NEAR_BLOB)
    found = screened({1: replayed, 2: foreign, 3: stolen})
    assert [entry.verdict for entry in found.entries] == [INVALID] * 3


@pytest.mark.parametrize(
    ("judge", "fault"),
    [
        (replace(OWN, held=HeldBlobs({OWN.digest: None})), InvalidBlob),
        (replace(OWN, held=HeldBlobs({OWN.digest: OWN_BLOB[:-1]})), InvalidBlob),
        (replace(OWN, commits=(replace(OWN.commit, author=author(1)),)), InvalidBlob),
        (
            fetched_of(0, encode_update(msgspec.structs.replace(update_of(0), payload=b"\xff" * 5002))),
            MalformedFrame,
        ),
    ],
    ids=["no-blob", "cut", "other-author", "bad-frame"],
)
def test_a_judge_without_a_state_of_its_own_is_at_fault(judge: FetchedUpdate, fault: type[MalformedFrame]) -> None:
    with pytest.raises(fault):
        screened(judge=judge)


def test_a_judge_whose_own_update_is_not_at_hand_is_at_no_fault() -> None:
    with pytest.raises(BlobMissing):
        screened(judge=replace(OWN, held=HeldBlobs()))


def test_balance_and_no_defence_need_no_base() -> None:
    assert screened(base=None).record == screened().record
    unruled = msgspec.structs.replace(MANIFEST, rule="none", rule_parameters={})
    assert screened(base=None, manifest=unruled).record == screened(manifest=unruled).record


@settings(max_examples=60)
@given(st.binary(max_size=300), st.booleans())
def test_a_neighbour_can_send_anything_at_all(body: bytes, dressed: bool) -> None:
    """Whatever it is, it is judged, and the other verdicts are what they were."""
    blob = b"FMU3" + body if dressed else body
    found = screened({1: NEAR, 2: FAR, 7: fetched_of(7, blob)})
    assert found.entries[2].verdict == INVALID
    assert found.entries[:2] == screened({1: NEAR, 2: FAR}).entries


@settings(max_examples=60)
@given(st.data())
def test_a_neighbour_can_send_an_update_changed_anywhere(data: st.DataObject) -> None:
    blob = bytearray(NEAR_BLOB)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, 200) | st.integers(0, len(blob) - 1))
        blob[place] ^= data.draw(st.integers(1, 255))
    found = screened({1: fetched_of(1, bytes(blob)), 2: FAR})
    assert found.entries[0].verdict in (ACCEPTED, REJECTED, INVALID)
    assert found.entries[1] == screened({2: FAR}).entries[0]


# ------------------------------------------------------------------------------------------- replay


def replayed(circle: Circle, number: int, judge: int, base: None = None) -> tuple[Attestation, RoundVerdicts]:
    history = circle.history()
    round_ = history.rounds[number - 1]
    blobs, _ = circle.served(number)
    return round_.attestations[judge], replay(
        history, CircleTask(history.manifest, DOMAIN, StateCache(BASE)), round_, judge, base, HeldBlobs(blobs)
    )


@pytest.mark.parametrize("rule", ["balance", "none"])
def test_a_replay_gives_what_was_attested(rule: str) -> None:
    parameters = {} if rule == "none" else {"kappa_milli": 500}
    circle = Circle(seats=6, degree=3, rule=rule, rule_parameters=parameters)
    for number in (1, 2, 3):
        for judge in range(6):
            attested, found = replayed(circle, number, judge)
            assert (found.judged, found.accepted) == (attested.judged, attested.accepted)
            assert found.record_digest == attested.record


def test_a_replay_needs_the_judges_update_and_those_it_judged() -> None:
    circle = Circle(seats=6, degree=2)
    round_ = circle.history().rounds[0]
    needed = digests_behind_attestation(round_, 0)
    assert set(needed) == {0, *round_.find_neighbours(2)[0]}
    assert needed[0] == round_.commits[0]


def test_a_replay_without_a_blob_it_needs_says_so() -> None:
    circle = Circle()
    history = circle.history()
    blobs, _ = circle.served(1)
    del blobs[history.rounds[0].commits[1]]
    with pytest.raises(BlobMissing) as lost:
        replay(history, CircleTask(history.manifest, DOMAIN), history.rounds[0], 0, None, HeldBlobs(blobs))
    assert lost.value.digest == history.rounds[0].commits[1]
