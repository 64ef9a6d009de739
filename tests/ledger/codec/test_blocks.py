"""Blocks begin anew at each tensor, whatever the codec: no tensor's values spoil another's."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ledger.arithmetic.exact import to_float
from ledger.blobs.contents.records import state_digest
from ledger.codec import (
    BLOCK,
    CODECS,
    DELTA,
    LARGEST,
    PLAIN,
    SENT_SHARE,
    SNAPSHOTS,
    ZSTD,
    Blocks,
    MalformedFrame,
    blocks_of,
    decode,
    encode,
    frame_steps,
    max_payload_bytes,
    quantise,
)
from ledger.codec.delta import Sections, nibbles_of, pack, read_sections
from ledger.codec.frames import Quantised
from ledger.codec.header import DENSE, KEY_FRAME, read_header
from tests.support import golden
from tests.support.specification import arithmetic
from tests.support.specification import codec as codec_specification

pytestmark = pytest.mark.rule("R9.2")

sizes_lists = st.lists(st.sampled_from([0, 1, 2, 7, 300, 4095, 4096, 4097, 9000]), max_size=6).map(tuple)


def normal(size: int, exponent: int, name: int | list[int]) -> NDArray[np.float32]:
    return (np.random.default_rng(name).normal(size=size) * 2.0**exponent).astype(np.float32)


def mixed(sizes: tuple[int, ...], exponents: Sequence[int], name: int = 0) -> NDArray[np.float32]:
    """A vector whose tensors are of these scales."""
    parts = [
        normal(size, exponent, [name, place])
        for place, (size, exponent) in enumerate(zip(sizes, exponents, strict=False))
    ]
    clipped: NDArray[np.float32] = np.clip(np.concatenate([np.empty(0, np.float32), *parts]), -LARGEST, LARGEST)
    return clipped


def frames(
    vector: NDArray[np.float32], blocks: Blocks, last: NDArray[np.int32]
) -> Iterator[tuple[str, NDArray[np.int32] | None, Quantised]]:
    """A frame of each kind: its codec, what its reader has, and the frame."""
    for codec in SNAPSHOTS:
        yield codec, None, quantise(vector, blocks, codec)
    yield DELTA, last, encode(vector, DELTA, blocks, last)
    yield DELTA, None, encode(vector, DELTA, blocks, None, last, last)
    yield DELTA, None, encode(vector, DELTA, blocks, None, last)


# ------------------------------------------------------------------------------------------- the cut


@given(sizes_lists)
@example(())
@example((0, 0, 5))
@example((4096, 0, 8192, 1, 1))
def test_blocks_are_the_specifications(sizes: tuple[int, ...]) -> None:
    blocks = Blocks(sizes)
    assert np.repeat(np.arange(blocks.count), blocks.lengths).tolist() == codec_specification.blocks(sizes)
    assert blocks.ends.tolist() == np.cumsum(blocks.lengths).tolist()
    assert blocks.count == len(blocks.lengths) == sum(-(-size // BLOCK) for size in sizes)
    assert [here.stop - here.start for here in blocks.tensors] == list(sizes)
    assert blocks.state_size == sum(sizes)


def test_the_blocks_of_one_layout_are_reckoned_once() -> None:
    assert blocks_of((3, 4)) is blocks_of((3, 4))


@settings(max_examples=40, deadline=None)
@given(sizes_lists.filter(sum), st.lists(st.integers(-16, 6), min_size=6, max_size=6), st.integers(0, 99))
def test_what_is_encoded_is_what_is_decoded_and_as_specified(
    sizes: tuple[int, ...], exponents: list[int], name: int
) -> None:
    blocks, vector = Blocks(sizes), mixed(sizes, exponents, name)
    last = quantise(mixed(sizes, exponents, name + 1), blocks).state
    for codec, previous, frame in frames(vector, blocks, last):
        assert len(frame.payload) <= max_payload_bytes(blocks)
        assert (decode(frame.payload, codec, blocks, previous, last) == frame.state).all()
        if codec == DELTA:
            held = None if previous is None else last.tolist()
            twin = codec_specification.decode(frame.payload, sizes, held, last.tolist())
            assert twin == frame.state.tolist()
        if codec == PLAIN:
            shifts, codes = frame.payload[: blocks.count], np.frombuffer(frame.payload[blocks.count :], np.int8)
            twin = arithmetic.expand(codes.tolist(), shifts, codec_specification.blocks(sizes))
            assert twin == frame.state.tolist()


def test_a_frame_of_other_tensors_is_refused_where_its_blocks_are_others() -> None:
    vector = mixed((5000,), (0,))
    for codec in CODECS:
        payload = encode(vector, codec, Blocks((5000,))).payload
        with pytest.raises(MalformedFrame):
            decode(payload, codec, Blocks((1000, 1000, 3000)))


# ------------------------------------------------------------------------------------------- apart from each other


SIZES = (6, 6, 192, 32, 5000, 128, 4)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SIZES) - 1), st.integers(-16, 7), st.integers(-10, 2), st.integers(0, 99))
@example(4, 7, -3, 0)
def test_no_tensor_of_a_whole_frame_is_changed_by_another_ones_values(
    place: int, loud: int, ordinary: int, name: int
) -> None:
    blocks = Blocks(SIZES)
    quiet = mixed(SIZES, [ordinary] * len(SIZES), name)
    here = list(blocks.tensors)[place]
    changed = quiet.copy()
    changed[here] = np.clip(normal(SIZES[place], loud, name), -LARGEST, LARGEST)
    apart = np.ones(len(quiet), bool)
    apart[here] = False
    for codec in SNAPSHOTS:
        assert (quantise(quiet, blocks, codec).state == quantise(changed, blocks, codec).state)[apart].all()
    assert (frame_steps(quiet, blocks) == frame_steps(changed, blocks))[apart].all()


def test_the_steps_of_a_whole_frame_are_the_shortest_that_hold_each_blocks_largest_value() -> None:
    # 127 codes of 1,024 grid units hold 65,536, the number 1; of 512 they do not. Zeros need one unit.
    vector = np.array([0.5, 1.0, 0.0, 0.0], np.float32)
    assert frame_steps(vector, Blocks((2, 2))).tolist() == [1024, 1024, 1, 1]


def own_bound(moves: NDArray[np.int64], share: float) -> np.int64:
    """What no move of a tensor that is left out or rounded is above, by its own moves alone, in grid units."""
    moves = np.sort(np.abs(moves))
    reached = moves[min(int(len(moves) * (1 - share / 2)), len(moves) - 1)]
    return max(reached, moves[-1] / 16, 2 * moves[-1] / 127)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-16, 6), min_size=7, max_size=7),
    st.sampled_from([SENT_SHARE, 0.1, 0.5]),
    st.booleans(),
    st.integers(0, 99),
)
@example([6, 6, -9, -9, -9, -9, -9], SENT_SHARE, False, 0)
@example([-9, -9, -9, -9, 6, -9, -9], SENT_SHARE, False, 0)
@example([-9, -9, -9, -9, 6, -9, -9], SENT_SHARE, True, 0)
def test_a_tensors_error_in_a_delta_frame_is_bounded_by_its_own_moves(
    exponents: list[int], share: float, is_key: bool, name: int
) -> None:
    """Whatever the others hold: so no tensor falls silent because another moves further."""
    blocks = Blocks(SIZES)
    last = quantise(mixed(SIZES, [-2] * 7, name), blocks).state
    vector = np.clip(to_float(last) + mixed(SIZES, exponents, name + 1), -LARGEST, LARGEST).astype(np.float32)
    previous, origin, before = (None, last, last) if is_key else (last, None, None)
    frame = encode(vector, DELTA, blocks, previous, origin, before, share)
    wanted = np.rint(vector * np.float32(65536)).astype(np.int64)
    for here in blocks.tensors:
        moves, missed = wanted[here] - last[here], wanted[here] - frame.state[here]
        assert np.abs(missed).max() <= 1.125 * own_bound(moves, share) + 1
        if not is_key and np.abs(moves).max() > 0:
            assert (frame.state[here] != last[here]).any()


def test_a_loud_tensor_leaves_the_others_their_places() -> None:
    """Half of the share is each tensor's own; the loudest, with two thirds of all values, takes but the rest."""
    sizes = (40_000, 10_000, 10_000)
    blocks, last = Blocks(sizes), np.zeros(60_000, np.int32)
    state = encode(mixed(sizes, (4, -8, -9)), DELTA, blocks, last).state
    sent = [float(np.count_nonzero(state[here])) / (here.stop - here.start) for here in blocks.tensors]
    assert sent[1] == pytest.approx(SENT_SHARE / 2, rel=0.4)
    assert sent[2] == pytest.approx(SENT_SHARE / 2, rel=0.4)
    assert np.count_nonzero(state) == pytest.approx(SENT_SHARE * 60_000, rel=0.2)


def test_tensors_that_move_alike_share_one_step() -> None:
    """Equal steps take next to nothing, and what moves furthest is sent wherever it lies."""
    sizes = (20_000, 30, 5000, 128)
    frame = encode(mixed(sizes, (-6, -6, -6, -6)), DELTA, Blocks(sizes), np.zeros(25_158, np.int32))
    steps = read_sections(frame.payload, Blocks(sizes)).steps
    assert len(steps) == 5 + 1 + 2 + 1
    assert len(np.unique(steps)) == 1


def test_a_lone_far_value_makes_only_its_own_tensor_coarser() -> None:
    """More than a frame can hold of codes that one byte does not hold: they are all in one tensor."""
    sizes = (3000, 3000)
    blocks, vector, last = Blocks(sizes), mixed(sizes, (-12, -12)), np.zeros(6000, np.int32)
    vector[:200] = 200
    frame = encode(vector, DELTA, blocks, last, share=0.5)
    steps = read_sections(frame.payload, blocks).steps
    assert steps[0] > steps[1]
    alone = encode(vector[3000:], DELTA, Blocks((3000,)), last[3000:], share=0.5)
    assert (frame.state[3000:] == alone.state).mean() > 0.9


def test_a_tensor_of_which_hardly_anything_moves_is_sent_in_few_steps() -> None:
    """As the rows of an embedding that were not met: a step of one count would take a byte and more for each."""
    sizes = (10_000, 10_000)
    vector, last = mixed(sizes, (-7, -7)), np.zeros(20_000, np.int32)
    vector[100:10_000] = 0
    frame = encode(vector, DELTA, Blocks(sizes), last)
    step = int(np.gcd.reduce(frame.state[:10_000]))
    assert np.abs(frame.state[:10_000]).max() <= 18 * step


# ------------------------------------------------------------------------------------------- golden bytes


def test_frames_are_the_ones_once_written_down() -> None:
    """zstd's own bytes differ between its versions, so of frames it had a part in only the decoding is fixed."""
    sizes = (2, 4097, 0, 3)
    blocks = Blocks(sizes)
    vector = np.concatenate([[100, -7], np.arange(4097) % 64 / 64, [2.0**-14, 0, -(2.0**-15)]]).astype(np.float32)
    hand = pack(
        KEY_FRAME,
        DENSE,
        Sections(
            np.array([13 << 3, 3 << 3, 4 << 3, 0], np.uint8),
            nibbles_of(np.array([7, -1] + [1, -2] * 2048 + [3, -7, 6, 5], np.int8)),
            np.empty(0, np.int8),
            np.empty(0, np.int32),
        ),
    )
    known = golden.load("codec_blocks") if golden.VECTORS.joinpath("codec_blocks.json").exists() else {}
    zstd = bytes.fromhex(known.get("zstd_frame") or quantise(vector, blocks, ZSTD).payload.hex())
    dense = bytes.fromhex(known.get("dense_frame") or hand.hex())
    plain = quantise(vector, blocks, PLAIN)
    golden.expect(
        "codec_blocks",
        {
            "sizes": sizes,
            "plain_shifts": plain.payload[:5].hex(),
            "plain_ends": plain.state[[0, 1, 4097, 4098, 4099, 4100, 4101]].tolist(),
            "plain_state": state_digest(plain.state).hex(),
            "zstd_frame": zstd.hex(),
            "zstd_state": state_digest(decode(zstd, ZSTD, blocks)).hex(),
            "dense_frame": dense.hex(),
            "dense_state": state_digest(decode(dense, DELTA, blocks)).hex(),
        },
    )


def test_a_header_that_counts_other_blocks_is_refused() -> None:
    blocks = Blocks((3, 3))
    payload = encode(np.ones(6, np.float32), DELTA, blocks).payload
    header, size = read_header(payload)
    steps, *rest = header.stored
    assert steps == 2
    short = replace(header, stored=(1, *rest)).encode() + payload[size + 1 :]
    with pytest.raises(MalformedFrame, match="zstd"):
        decode(short, DELTA, blocks)
