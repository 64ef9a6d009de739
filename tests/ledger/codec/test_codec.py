"""Codec v1: round trips, golden bytes, and bytes from somebody who means harm."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ledger.arithmetic.exact import GRID_BITS, to_float
from ledger.blobs.contents.records import state_digest
from ledger.codec import (
    BLOCK,
    CODECS,
    LARGEST,
    MAX_WINDOW,
    PLAIN,
    SNAPSHOTS,
    ZSTD,
    Blocks,
    MalformedFrame,
    OutsideGrid,
    decode,
    max_payload_bytes,
    quantise,
)
from ledger.codec.frames import Quantised
from ledger.errors import PeerFault
from tests.support import golden
from tests.support.memory import peak_bytes
from tests.support.specification import arithmetic

pytestmark = pytest.mark.rule("R9.3")

LENGTHS = [0, 1, 4095, 4096, 4097, 8192, 8193]
FLOATS = st.floats(-LARGEST, LARGEST, width=32)


def floats(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def one(length: int) -> Blocks:
    """The blocks of a state of one tensor."""
    return Blocks((length,))


def quantised(vector: NDArray[np.float32], codec: str = ZSTD) -> Quantised:
    """The frame of a vector of one tensor."""
    return quantise(vector, one(len(vector)), codec)


def vector_of(length: int, exponent: int = 0, name: int = 1) -> NDArray[np.float32]:
    """(length,), float32, uniform in ±2**exponent, from a fixed seed."""
    return (np.random.default_rng(name).uniform(-1, 1, length) * 2.0**exponent).astype(np.float32)


def steps_of(payload: bytes, length: int) -> list[Fraction]:
    """The quantisation step of each value, as a fraction, read from the plain payload."""
    blocks = -(-length // BLOCK)
    return [Fraction(1 << payload[place // BLOCK], 1 << GRID_BITS) for place in range(length) if blocks]


# ------------------------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("codec", SNAPSHOTS)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("exponent", [-140, -16, -5, 0, 7])
def test_what_is_encoded_is_what_is_decoded(codec: str, length: int, exponent: int) -> None:
    frame = quantised(vector_of(length, exponent), codec)
    assert frame.state.dtype == np.int32
    assert frame.state.shape == (length,)
    assert len(frame.payload) <= max_payload_bytes(one(length))
    if length or codec == PLAIN:
        decoded = decode(frame.payload, codec, one(length))
        assert decoded.dtype == np.int32
        assert (decoded == frame.state).all()


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("exponent", [-20, -9, 0, 7])
def test_every_value_comes_back_within_half_a_step(length: int, exponent: int) -> None:
    vector = vector_of(length, exponent)
    frame = quantised(vector, PLAIN)
    back = to_float(frame.state)
    for wanted, got, step in zip(vector, back, steps_of(frame.payload, length), strict=True):
        assert abs(Fraction(float(wanted)) - Fraction(float(got))) <= step / 2


@given(st.lists(FLOATS, min_size=1, max_size=30))
@example([LARGEST])
@example([-LARGEST, LARGEST])
@example([1e-45, -1e-45])
@example([0.0, -0.0])
@example([float(np.float32(2.0**-17))])
def test_any_finite_values_inside_the_grid_come_back_within_half_a_step(values: list[float]) -> None:
    vector = floats(values)
    frame = quantised(vector, PLAIN)
    step = Fraction(1 << frame.payload[0], 1 << GRID_BITS)
    for wanted, got in zip(vector, to_float(frame.state), strict=True):
        assert abs(Fraction(float(wanted)) - Fraction(float(got))) <= step / 2
    # No coarser step than needed: one bit less and the largest value would not fit (or the step is the grid's).
    largest = max(abs(Fraction(float(value))) for value in vector)
    assert frame.payload[0] == 0 or 127 * step / 2 < largest


@given(
    st.lists(st.integers(-127, 127), min_size=1, max_size=20),
    st.integers(0, 17),
)
def test_decoding_is_the_specification(codes: list[int], shift: int) -> None:
    payload = bytes([shift]) + np.array(codes, np.int8).tobytes()
    assert decode(payload, PLAIN, one(len(codes))).tolist() == arithmetic.expand(codes, [shift], [0] * len(codes))


def test_blocks_have_scales_of_their_own() -> None:
    vector = np.concatenate([np.full(BLOCK, 100, np.float32), np.full(5, 2.0**-16, np.float32)])
    frame = quantised(vector, PLAIN)
    assert frame.payload[0] == 16
    assert frame.payload[1] == 0
    assert (to_float(frame.state) == np.concatenate([np.full(BLOCK, 100), np.full(5, 2.0**-16)])).all()


def test_a_state_is_a_fixed_point() -> None:
    """What has been published once is published again without a loss."""
    first = quantised(vector_of(10_000, 3), PLAIN)
    again = quantised(to_float(first.state), PLAIN)
    assert (again.state == first.state).all()


@pytest.mark.rule("R9.1")
def test_the_largest_value_is_held_and_the_next_float_is_not() -> None:
    assert quantised(floats([LARGEST]), PLAIN).state.tolist() == [127 << 17]
    with pytest.raises(OutsideGrid, match="254"):
        quantised(floats([np.nextafter(np.float32(LARGEST), np.float32(np.inf))]), PLAIN)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 255.0, -1e30, 3.4e38])
@pytest.mark.parametrize("place", [0, 4096, 5000])
def test_what_no_frame_can_hold_is_refused(bad: float, place: int) -> None:
    vector = vector_of(5001)
    vector[place] = bad
    with pytest.raises(OutsideGrid):
        quantised(vector)


def test_zeros_and_denormals_are_zero() -> None:
    vector = floats([0.0, -0.0, 1e-45, -1e-38, 2.0**-126])
    frame = quantised(vector, PLAIN)
    assert frame.payload == bytes(6)
    assert frame.state.tolist() == [0] * 5


# ------------------------------------------------------------------------------------------- error feedback


@pytest.mark.parametrize("exponent", [-8, -2, 2])
def test_over_many_rounds_what_is_published_sums_to_what_was_wanted(exponent: int) -> None:
    """With the residual carried on, the sums differ by half of the last step at most, after 60 rounds as after one.

    The values are multiples of 2**-20, so that float32 adds them without rounding and the sums can be compared.
    """
    draw = np.random.default_rng(3)
    length = 300
    residual = np.zeros(length, np.float32)
    wanted_sum, published_sum = np.zeros(length, np.int64), np.zeros(length, np.int64)
    for _ in range(60):
        trained = draw.integers(-(1 << (20 + exponent)), 1 << (20 + exponent), length)
        wanted = (trained * 2.0**-20).astype(np.float32) + residual
        frame = quantised(wanted, PLAIN)
        residual = (wanted - to_float(frame.state)).astype(np.float32)
        wanted_sum += trained
        published_sum += frame.state.astype(np.int64) << (20 - GRID_BITS)
        half_step = (1 << frame.payload[0] << (20 - GRID_BITS)) // 2
        assert np.abs(wanted_sum - published_sum).max() <= half_step


# ------------------------------------------------------------------------------------------- golden bytes


def test_frames_are_the_ones_once_written_down() -> None:
    """zstd's own bytes differ between its versions, so of those only the decoding is fixed."""
    small = quantised(floats([0.0, 1.0, -1.0, 0.5, 253.99, -254.0, 2.0**-16, 3.14159]), PLAIN)
    tiny = quantised(floats([2.0**-16, -(2.0**-15), 126 * 2.0**-16]), PLAIN)
    known = golden.load("codec") if golden.VECTORS.joinpath("codec.json").exists() else {}
    frame = known.get("zstd_frame") or quantised(floats((np.arange(5000) % 100 - 50) / 16), ZSTD).payload.hex()
    golden.expect(
        "codec",
        {
            "small_payload": small.payload.hex(),
            "small_state": small.state.tolist(),
            "tiny_payload": tiny.payload.hex(),
            "tiny_state": tiny.state.tolist(),
            "zstd_frame": frame,
            "zstd_state": state_digest(decode(bytes.fromhex(frame), ZSTD, one(5000))).hex(),
        },
    )


# ------------------------------------------------------------------------------------------- hostile frames


def attempt(payload: bytes, codec: str, parameters: int) -> None:
    """Decode; anything but a state of the agreed length or a PeerFault fails the test."""
    try:
        state = decode(payload, codec, one(parameters))
    except PeerFault:
        return
    assert state.shape == (parameters,)
    assert state.dtype == np.int32
    assert np.abs(state).max(initial=0) <= 127 << 17


@given(st.binary(max_size=300), st.sampled_from([*CODECS, "", "int8-gzip"]), st.integers(1, 300))
def test_any_bytes_are_a_state_or_a_fault(payload: bytes, codec: str, parameters: int) -> None:
    attempt(payload, codec, parameters)


@st.composite
def mutated(draw: st.DrawFn, codec: str) -> bytes:
    frame = bytearray(quantised(vector_of(draw(st.sampled_from([1, 40, 4097])), 2), codec).payload)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(frame) - 1)))
        kind = draw(st.sampled_from(["flip", "insert", "cut", "tail"]))
        if kind == "flip" and frame:
            frame[place] ^= draw(st.integers(1, 255))
        elif kind == "insert":
            frame[place:place] = draw(st.binary(min_size=1, max_size=4))
        elif kind == "cut":
            del frame[place:]
        else:
            frame += draw(st.binary(max_size=8))
    return bytes(frame)


@given(mutated(ZSTD), st.sampled_from([1, 40, 4097]))
def test_mutated_compressed_frames_are_a_state_or_a_fault(frame: bytes, parameters: int) -> None:
    attempt(frame, ZSTD, parameters)


@given(mutated(PLAIN), st.sampled_from([1, 40, 4097]))
def test_mutated_plain_frames_are_a_state_or_a_fault(frame: bytes, parameters: int) -> None:
    attempt(frame, PLAIN, parameters)


def raw_frame(declared: int, block: tuple[int, int, bytes], *, last: bool = True, width: int = 8) -> bytes:
    """A hand-made zstd frame, single segment: declared content size, then one block (type, size, bytes)."""
    kind, size, data = block
    flag = {1: 0, 2: 1, 4: 2, 8: 3}[width] << 6
    header = (int(last) | kind << 1 | size << 3).to_bytes(3, "little")
    field = declared - 256 if width == 2 else declared
    return b"\x28\xb5\x2f\xfd" + bytes([flag | 0x20]) + field.to_bytes(width, "little") + header + data


RAW, RUN, COMPRESSED, RESERVED = range(4)


def test_a_hand_made_frame_decodes() -> None:
    """The frames below are refused for what is wrong with them, not for being hand-made."""
    assert decode(raw_frame(5, (RAW, 5, b"\0\1\2\3\4")), ZSTD, one(4)).tolist() == [1, 2, 3, 4]
    assert decode(raw_frame(5, (RUN, 5, b"\2"), width=1), ZSTD, one(4)).tolist() == [8] * 4


@pytest.mark.parametrize(
    "frame",
    [
        raw_frame(5, (RAW, 4, b"\0\1\2\3")),
        raw_frame(5, (RAW, 6, b"\0\1\2\3\4\5")),
        raw_frame(5, (RUN, 1 << 20, b"\0")),
        raw_frame(5, (RUN, 4, b"\0")),
        raw_frame(5, (RAW, 5, b"\0\1\2\3")),
        raw_frame(5, (RAW, 5, b"\0\1\2\3\4"), last=False),
        raw_frame(5, (RESERVED, 5, b"\0\1\2\3\4")),
        raw_frame(5, (COMPRESSED, 5, b"\0\1\2\3\4")),
        raw_frame(6, (RUN, 6, b"\0")),
        raw_frame(1 << 60, (RUN, 5, b"\0")),
        raw_frame((1 << 64) - 1, (RUN, 5, b"\0")),
        raw_frame((1 << 64) - 2, (RUN, 5, b"\0")),
        raw_frame(5, (RAW, 5, b"\0\1\2\3\4")) + b"\0",
        raw_frame(5, (RAW, 5, b"\0\1\2\3\4")) * 2,
        raw_frame(5, (RAW, 5, b"\0\1\2\3\4")) + b"\x50\x2a\x4d\x18\0\0\0\0",
        b"\x50\x2a\x4d\x18\0\0\0\0" + raw_frame(5, (RAW, 5, b"\0\1\2\3\4")),
        b"\x50\x2a\x4d\x18\xff\xff\xff\xff",
        raw_frame(5, (RAW, 5, b"\0\1\2\3\4"))[:7],
        b"",
        b"\x28\xb5\x2f\xfd",
        b"\x28\xb5\x2f\xfd\x21\x07\x05" + raw_frame(5, (RAW, 5, b"\0\1\2\3\4"))[-8:],
    ],
    ids=[
        "too-short", "too-long", "run-too-long", "run-too-short", "cut", "never-ends", "reserved-block",
        "bad-block", "declares-one-more", "declares-2**60", "declares-unknown", "declares-error", "trailing-byte",
        "two-frames", "skippable-behind", "skippable-before", "skippable-alone", "header-cut", "empty",
        "magic-alone", "dictionary",
    ],
)  # fmt: skip
def test_a_frame_that_is_not_exactly_one_of_the_agreed_size_is_refused(frame: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode(frame, ZSTD, one(4))


def test_a_frame_without_its_size_is_refused() -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=False)
    with pytest.raises(MalformedFrame, match="declares"):
        decode(compressor.compress(bytes(5)), ZSTD, one(4))


def test_a_frame_with_a_checksum_is_refused() -> None:
    summed = zstandard.ZstdCompressor(write_checksum=True).compress(bytes(5))
    with pytest.raises(MalformedFrame, match="checksum"):
        decode(summed, ZSTD, one(4))


def test_what_a_frame_declares_is_refused_before_anything_is_allocated() -> None:
    bombs = [raw_frame(1 << 60, (RUN, 1 << 20, b"\0")), raw_frame((1 << 30) + 1, (RUN, 1 << 20, b"\0"))]

    def try_all() -> None:
        for bomb in bombs:
            with pytest.raises(MalformedFrame, match=r"above|declares"):
                decode(bomb, ZSTD, one(1000))

    try_all()
    assert peak_bytes(try_all) < 200_000


def test_a_bomb_that_declares_the_agreed_size_gets_no_further() -> None:
    """Many full blocks behind a header of 5 bytes: zstd stops at the first that goes beyond it."""
    block = (RUN << 1 | (1 << 17) << 3).to_bytes(3, "little") + b"\0"
    bomb = raw_frame(5, (RUN, 1 << 17, b"\0"), last=False) + block * 5000

    def attempt_it() -> None:
        with pytest.raises(MalformedFrame):
            decode(bomb, ZSTD, one(4))

    attempt_it()
    assert peak_bytes(attempt_it) < 200_000


def test_a_window_beyond_what_every_decoder_supports_is_refused() -> None:
    length = 2 * MAX_WINDOW
    wide = zstandard.ZstdCompressionParameters.from_level(1, window_log=24)
    frame = zstandard.ZstdCompressor(compression_params=wide).compress(bytes(length))
    with pytest.raises(MalformedFrame, match="window"):
        decode(frame, ZSTD, one(length - length // BLOCK))


def test_our_own_frames_stay_inside_the_window_at_any_length() -> None:
    frame = zstandard.ZstdCompressor(level=3).compress(bytes(MAX_WINDOW + 1))
    assert zstandard.get_frame_parameters(frame).window_size <= MAX_WINDOW


@pytest.mark.parametrize("shift", [18, 31, 32, 255])
def test_a_shift_beyond_the_grid_is_refused(shift: int) -> None:
    with pytest.raises(MalformedFrame, match="shift"):
        decode(bytes([shift, 1]), PLAIN, one(1))


def test_the_code_that_has_no_opposite_is_refused() -> None:
    with pytest.raises(MalformedFrame, match="-128"):
        decode(b"\0\x80", PLAIN, one(1))


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\1\2", bytes(5000)])
def test_a_plain_frame_of_another_length_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedFrame, match="bytes"):
        decode(payload, PLAIN, one(1))


@pytest.mark.parametrize("codec", [*(set(CODECS) - set(SNAPSHOTS)), "", "int9"])
def test_a_codec_of_another_kind_makes_no_snapshot(codec: str) -> None:
    with pytest.raises(ValueError, match="codec"):
        quantised(floats([1.0]), codec)


def test_a_fault_does_not_repeat_a_long_codec_name() -> None:
    with pytest.raises(MalformedFrame) as fault:
        decode(b"", "x" * 10**6, one(1))
    assert len(str(fault.value)) < 200


@pytest.mark.parametrize("length", [1, 100, 4096, 5000, 200_000])
def test_what_does_not_compress_still_fits_the_payloads_limit(length: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, length, np.uint8).tobytes()
    payload = bytes(-(-length // BLOCK)) + noise
    assert len(zstandard.ZstdCompressor(level=3).compress(payload)) <= max_payload_bytes(one(length))
