"""Checkpoints: what a judge goes on with comes back bit by bit, and nothing else is taken for one."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ledger.blobs.contents.checkpoint import (
    Checkpoint,
    checkpoint_max_bytes,
    decode_checkpoint,
    decode_checkpoint_record,
    encode_checkpoint,
    first_disputable_round,
    is_checkpoint_due,
    pack,
    unpack,
)
from ledger.blobs.contents.records import InvalidBlob, Record, decode_record, encode_record, state_digest
from ledger.blobs.unixfs import build_dag
from ledger.codec import Blocks, blocks_of
from ledger.errors import PeerFault
from ledger.rules.judge_memory import AuthorTrace, CarriedState, InvalidMemory, JudgeMemory, memory_max_bytes
from tests.support import golden
from tests.support.histories.circles import NETWORK, Circle, genesis_state
from tests.support.histories.parts import manifest_of

pytestmark = pytest.mark.rule("R8.1")

DOMAIN, AUTHOR = NETWORK.domain_separator, b"\x22" * 20
MANIFEST = manifest_of(9, rule="tether", rule_parameters={"sketch_width": 8})
GENESIS = genesis_state()
LARGEST = 1 << 24
values = st.one_of(st.integers(-3, 3), st.integers(-LARGEST, LARGEST), st.sampled_from([-LARGEST, LARGEST]))
sizes = st.lists(st.one_of(st.integers(0, 40), st.sampled_from([4095, 4096, 4097])), min_size=1, max_size=4)


def record_of(carried: CarriedState, **fields: Any) -> Record:
    known = Record(
        DOMAIN,
        3,
        AUTHOR,
        bytes(32),
        bytes(32),
        (),
        state_digest(carried.base),
        carried.memory.digest(),
        b"\x09" * 32,
    )
    return msgspec.structs.replace(known, **fields)


def carried_of(seed: int = 1, meetings: int = 3) -> CarriedState:
    moved = np.random.default_rng(seed).integers(-4000, 4000, GENESIS.size).astype(np.int32)
    traces = {seat: AuthorTrace(1, meetings, np.arange(8, dtype=np.int32) - seat) for seat in (0, 7, 255)}
    return CarriedState(GENESIS + moved, JudgeMemory(b"\x05" * 32, traces))


def blob_of(carried: CarriedState, number: int = 3) -> bytes:
    return encode_checkpoint(DOMAIN, number, AUTHOR, carried, GENESIS, blocks_of(MANIFEST.sizes))


@settings(max_examples=60)
@given(st.data())
def test_a_base_comes_back_bit_by_bit_and_has_one_encoding(data: st.DataObject) -> None:
    blocks = Blocks(tuple(data.draw(sizes)))
    base, genesis = (data.draw(arrays(np.int32, blocks.state_size, elements=values)) for _ in range(2))
    genesis = np.clip(genesis, -127 << 17, 127 << 17)
    packed = pack(base, genesis, blocks)
    assert (unpack(packed, genesis, blocks) == base).all()
    assert pack(unpack(packed, genesis, blocks), genesis, blocks) == packed
    assert len(packed) <= 2 * blocks.count + (26 * blocks.state_size + 7) // 8


def test_what_hardly_moved_takes_few_bits() -> None:
    blocks = Blocks((5000,))
    moved = GENESIS.copy()
    moved[:4096] += np.int32(3)
    assert len(pack(GENESIS, GENESIS, blocks)) == 2
    assert len(pack(moved, GENESIS, blocks)) == 2 + 4096 * 3 // 8


@settings(max_examples=60)
@given(st.binary(max_size=40), st.integers(0, 255), st.integers(0, 30))
def test_any_bytes_are_a_base_with_this_one_encoding_or_refused(packed: bytes, width: int, cut: int) -> None:
    genesis, blocks = np.zeros(9, np.int32), Blocks((4, 5))
    for tried in (packed, bytes((width, 1)) + packed, pack(np.full(9, width, np.int32), genesis, blocks)[:cut]):
        try:
            base = unpack(tried, genesis, blocks)
        except InvalidBlob:
            continue
        assert pack(base, genesis, blocks) == tried


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        (b"", "cut off or too large"),
        (bytes((27,)) + bytes(27), "cut off or too large"),
        (bytes((2,)) + b"\x01", "ask for others"),
        (bytes((2,)) + b"\x01\x00\x00", "ask for others"),
        (bytes((2,)) + b"\x01\x00", "more bits than it needs"),
        (bytes((1,)) + b"\xff", "bits behind"),
        (bytes((26,)) + b"\xff" * 16 + b"\x03", "leaves the grid"),
    ],
)
def test_other_spellings_of_a_base_are_refused(packed: bytes, says: str) -> None:
    with pytest.raises(InvalidBlob, match=says):
        unpack(packed, np.zeros(5, np.int32), Blocks((5,)))


def test_what_a_judge_goes_on_with_comes_back_from_its_checkpoint() -> None:
    carried = carried_of()
    found = decode_checkpoint(blob_of(carried), MANIFEST, record_of(carried), GENESIS)
    assert (found.base == carried.base).all()
    assert found.memory.digest() == carried.memory.digest()
    assert found.memory.encode() == carried.memory.encode()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"round": 4}, "another network, round or author"),
        ({"author": b"\x23" * 20}, "another network, round or author"),
        ({"network": bytes(32)}, "another network, round or author"),
        ({"next_base": bytes(32)}, "another base"),
        ({"next_memory": bytes(32)}, "another memory"),
    ],
)
def test_a_checkpoint_that_is_not_what_its_record_says_is_none(fields: dict[str, bytes | int], says: str) -> None:
    carried = carried_of()
    with pytest.raises(InvalidBlob, match=says):
        decode_checkpoint(blob_of(carried), MANIFEST, record_of(carried, **fields), GENESIS)


def test_a_memory_that_no_judge_could_have_is_none() -> None:
    """Also where record and checkpoint agree on it: a rule must not be run on it."""
    one = AuthorTrace(1, 1, np.zeros(8, np.int32))
    hostile = {
        "seed": JudgeMemory(b"\x05" * 31, {}),
        "without a seed": JudgeMemory(b"", {0: one}),
        "short": JudgeMemory(b"\x05" * 32, {0: AuthorTrace(1, 1, np.zeros(7, np.int32))}),
        "never met": JudgeMemory(b"\x05" * 32, {0: AuthorTrace(1, 0, one.values)}),
        "met too often": JudgeMemory(b"\x05" * 32, {0: AuthorTrace(1, 1 << 21, one.values)}),
        "no tenure": JudgeMemory(b"\x05" * 32, {0: AuthorTrace(0, 1, one.values)}),
        "no seat": JudgeMemory(b"\x05" * 32, {256: one}),
    }
    for memory in hostile.values():
        carried = CarriedState(GENESIS, memory)
        with pytest.raises(InvalidMemory):
            decode_checkpoint(blob_of(carried), MANIFEST, record_of(carried), GENESIS)
    order = JudgeMemory(b"\x05" * 32, {0: one, 1: one}).encode()
    head = order[:33]
    with pytest.raises(InvalidMemory):
        JudgeMemory.decode(head + order[33 + 46 :] + order[33 : 33 + 46], 8)
    with pytest.raises(InvalidMemory):
        JudgeMemory.decode(carried_of().memory.encode(), 0)
    with pytest.raises(InvalidMemory):
        JudgeMemory.decode(b"", 8)
    assert JudgeMemory.decode(b"\x00", 0) == JudgeMemory()


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_memory_with_this_one_encoding_or_refused(encoded: bytes) -> None:
    try:
        memory = JudgeMemory.decode(encoded, 8)
    except InvalidMemory:
        return
    assert memory.encode() == encoded


@pytest.mark.rule("R7")
def test_sizes_are_checked_before_anything_else() -> None:
    most = checkpoint_max_bytes(MANIFEST)
    full = {seat: AuthorTrace(1, 2**32 - 1, np.full(8, -1, np.int32)) for seat in range(256)}
    memory = JudgeMemory(b"\x05" * 32, full)
    assert len(memory.encode()) == memory_max_bytes(8)
    largest = encode_checkpoint(
        DOMAIN,
        2**32 - 1,
        AUTHOR,
        CarriedState(np.full_like(GENESIS, -LARGEST), memory),
        GENESIS + 1,
        blocks_of(MANIFEST.sizes),
    )
    assert len(largest) <= most
    with pytest.raises(InvalidBlob, match="the task allows"):
        decode_checkpoint(b"FMC1" + bytes(most), MANIFEST, record_of(carried_of()), GENESIS)


@settings(max_examples=60)
@given(st.binary(max_size=60), st.sampled_from([b"", b"FMC1"]))
def test_any_blob_is_a_checkpoint_or_a_fault(data: bytes, magic: bytes) -> None:
    carried = carried_of()
    for blob in (None, magic + data, blob_of(carried)[: len(data)]):
        with pytest.raises(PeerFault):
            decode_checkpoint(blob, MANIFEST, record_of(carried), GENESIS)


def test_the_blob_is_the_one_once_written_down() -> None:
    manifest = manifest_of(9, layout=[["a", [3], 0], ["b", [2], 0]], rule="none", rule_parameters={})
    genesis = np.array([0, 100, -100, 7, 7], np.int32)
    base = genesis + np.array([1, -1, 300, 0, 0], np.int32)
    memory = JudgeMemory(b"\x05" * 32, {3: AuthorTrace(2, 9, np.array([1, -1], np.int32))})
    blob = encode_checkpoint(DOMAIN, 3, AUTHOR, CarriedState(base, memory), genesis, Blocks((3, 2)))
    golden.expect(
        "checkpoint", {"blob": blob.hex(), "digest": build_dag(blob).root.hex(), "genesis": genesis.tolist()}
    )
    assert manifest.checkpoint_every == 16


def test_an_array_of_another_shape_is_no_checkpoint() -> None:
    carried = carried_of()
    fields = list(msgspec.structs.astuple(Checkpoint(DOMAIN, 3, AUTHOR, b"", b"")))
    for values_ in (fields[:-1], [*fields, 0], [1, *fields[1:]]):
        with pytest.raises(InvalidBlob, match="does not parse"):
            decode_checkpoint(b"FMC1" + msgspec.msgpack.encode(values_), MANIFEST, record_of(carried), GENESIS)


# ----------------------------------------------------------------------------------------------- when it is due


@pytest.mark.rule("R29.1")
def test_a_checkpoint_is_due_in_turn_in_the_last_round_and_when_the_turn_was_missed() -> None:
    def due(number: int, seat: int, before: int | None = None, last: int = 99) -> bool:
        return is_checkpoint_due(4, number, seat, number - 1 if before is None else before, last)

    assert [number for number in range(1, 13) if due(number, 0)] == [4, 8, 12]
    assert [number for number in range(1, 13) if due(number, 3)] == [1, 5, 9]
    assert due(3, 0, last=3)
    assert not due(3, 0)
    assert due(9, 0, before=7)
    assert not due(7, 0, before=4)


@pytest.mark.rule("R29.1")
def test_what_can_be_disputed_reaches_256_rounds_back() -> None:
    assert [first_disputable_round(number) for number in (0, 1, 257, 258, 1000)] == [1, 1, 1, 2, 744]


def test_a_judge_away_in_its_turn_shows_one_when_it_is_back() -> None:
    from tests.support.histories.circles import Away

    circle = Circle(seats=5, rounds=8, checkpoint_every=4, cheats={0: Away(0, (4, 5))})
    assert sorted(number for number, seat in circle.checkpoints if seat == 0) == [6, 8]
    assert sorted(number for number, seat in circle.checkpoints if seat == 1) == [3, 7, 8]


def test_a_record_names_its_checkpoint_where_one_is_due_and_nothing_else() -> None:
    circle = Circle(seats=5, rounds=3, checkpoint_every=4, rule="tether", rule_parameters={})
    history = circle.history()
    for round_ in history.rounds:
        for judge, attestation in round_.attestations.items():
            record = decode_record(circle.read(attestation.record))
            named = circle.checkpoints.get((round_.number, judge), b"")
            assert record.checkpoint == named
            if named:
                again = decode_checkpoint_record(circle.blobs[attestation.record], DOMAIN, round_, judge)
                found = decode_checkpoint(circle.blobs[named], circle.manifest, again, genesis_state())
                assert state_digest(found.base) == record.next_base
            else:
                with pytest.raises(InvalidBlob, match="no checkpoint"):
                    decode_checkpoint_record(circle.blobs[attestation.record], DOMAIN, round_, judge)
    last, record = history.rounds[2], decode_record(circle.read(history.rounds[2].attestations[0].record))
    for other in (
        None,
        encode_record(msgspec.structs.replace(record, round=2)),
        encode_record(msgspec.structs.replace(record, author=bytes(20))),
    ):
        with pytest.raises(InvalidBlob):
            decode_checkpoint_record(other, DOMAIN, last, 0)
