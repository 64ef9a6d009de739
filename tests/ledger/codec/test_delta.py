"""Codec v2: frames of differences, lost ones among them, and bytes from somebody who means harm."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ledger import codec as codecs
from ledger.arithmetic.exact import to_float
from ledger.blobs.contents.records import state_digest
from ledger.codec import (
    BLOCK,
    DELTA,
    LARGEST,
    PLAIN,
    RESIDUAL_SHARE,
    SENT_SHARE,
    ZSTD,
    Blocks,
    MalformedFrame,
    OutsideGrid,
    choose_share,
    compute_residual,
    delta_encoder,
    is_key,
    max_payload_bytes,
)
from ledger.codec.delta import (
    MAX_STEP_BYTE,
    OPEN,
    SKIP,
    STEPS,
    WIDE,
    Sections,
    most_gaps,
    most_wides,
    nibbles_of,
    pack,
)
from ledger.codec.frames import Quantised
from ledger.codec.header import DELTA_FRAME, DENSE, KEY_FRAME, SPARSE, FrameHeader, read_header
from ledger.errors import UsageError
from tests.support import golden
from tests.support.memory import peak_bytes
from tests.support.specification import codec as specification

pytestmark = pytest.mark.rule("R9.4")

LENGTHS = [0, 1, 2, 255, 256, 300, 4095, 4097, 9000]
GRID_LARGEST = 127 << 17


def encode(
    vector: NDArray[np.float32],
    codec: str,
    previous: NDArray[np.int32] | None = None,
    origin: NDArray[np.int32] | None = None,
    before: NDArray[np.int32] | None = None,
    share: float = SENT_SHARE,
) -> Quantised:
    """The frame of a vector of one tensor."""
    return codecs.encode(vector, codec, Blocks((len(vector),)), previous, origin, before, share)


def encode_delta(
    vector: NDArray[np.float32],
    previous: NDArray[np.int32] | None = None,
    origin: NDArray[np.int32] | None = None,
    before: NDArray[np.int32] | None = None,
    share: float = SENT_SHARE,
) -> Quantised:
    return delta_encoder.encode_delta(vector, Blocks((len(vector),)), previous, origin, before, share)


def decode(payload: bytes, codec: str, length: int, *states: NDArray[np.int32] | None) -> NDArray[np.int32]:
    return codecs.decode(payload, codec, Blocks((length,)), *states)


def draws(name: int = 1) -> np.random.Generator:
    return np.random.default_rng(name)


def state_of(length: int, exponent: int = -4, name: int = 1) -> NDArray[np.int32]:
    """(length,), int32: values of about 2**exponent."""
    return np.rint(draws(name).normal(size=length) * 2.0 ** (exponent + 16)).astype(np.int32)


def moved(state: NDArray[np.int32], exponent: int = -8, name: int = 2) -> NDArray[np.float32]:
    """A float vector some way from a state; few values move far, most hardly."""
    vector = to_float(state) + draws(name).laplace(size=len(state)) * 2.0**exponent
    return np.clip(vector, -LARGEST, LARGEST).astype(np.float32)


def frame(
    kind: int = KEY_FRAME,
    layout: int = SPARSE,
    steps: bytes | list[int] = b"\x18",
    map_: NDArray[np.uint8] | bytes | list[int] = b"",
    codes: NDArray[np.int8] | Sequence[Any] = (),
    wides: Sequence[Any] = (),
) -> bytes:
    """A hand-made frame. steps: 0x18 stands for a step of 8 grid units."""
    return pack(
        kind,
        layout,
        Sections(
            np.frombuffer(bytes(steps), np.uint8),
            np.frombuffer(bytes(map_), np.uint8),
            np.array(codes, np.int8),
            np.array(wides, np.int32),
        ),
    )


def dense(
    small: NDArray[np.int8] | list[int],
    codes: NDArray[np.int8] | Sequence[Any] = (),
    wides: Sequence[Any] = (),
    **fields: Any,
) -> bytes:
    """A hand-made dense frame. small: the nibbles, −8..7."""
    return frame(layout=DENSE, map_=nibbles_of(np.array(small, np.int8)), codes=codes, wides=wides, **fields)


def raw_header(payload: bytes, **changes: int) -> bytes:
    """The payload with fields of its header replaced."""
    header, size = read_header(payload)
    names = ["steps_at", "map_at", "codes_at", "wides_at"]
    stored = tuple(changes.pop(name, length) for name, length in zip(names, header.stored, strict=True))
    return replace(header, stored=stored, **changes).encode() + payload[size:]


# ------------------------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("exponent", [-20, -8, 0, 6])
@pytest.mark.parametrize("kind", ["delta", "key", "key of a stranger", "key without a genesis"])
def test_what_is_encoded_is_what_is_decoded(length: int, exponent: int, kind: str) -> None:
    last, genesis = state_of(length), state_of(length, name=7)
    origin = None if kind == "key without a genesis" else genesis
    previous, before = (last, None) if kind == "delta" else (None, last if kind == "key" else None)
    for state in (last, genesis):
        state.setflags(write=False)
    quantised = encode(moved(last, exponent), DELTA, previous, origin, before)
    assert quantised.state.dtype == np.int32
    assert quantised.state.shape == (length,)
    assert len(quantised.payload) <= max_payload_bytes(Blocks((length,)))
    assert is_key(quantised.payload) == (kind != "delta")
    decoded = decode(quantised.payload, DELTA, length, previous, origin)
    assert decoded.dtype == np.int32
    assert (decoded == quantised.state).all()


def test_a_delta_frame_moves_few_values_and_none_too_far() -> None:
    last = state_of(50_000)
    vector = moved(last)
    found = encode(vector, DELTA, last).state.astype(np.int64)
    wanted = np.rint(np.ldexp(vector, 16)).astype(np.int64)
    changed = found != last
    assert 0.5 * SENT_SHARE < changed.mean() < 1.5 * SENT_SHARE
    assert (np.sign(found - last)[changed] == np.sign(wanted - last)[changed]).all()
    assert (np.abs(found - last) <= np.abs(wanted - last)).all()
    # What moves most is what is sent.
    assert np.abs(wanted - last)[changed].min() >= np.abs(wanted - last)[~changed].max()


def test_neither_kind_of_frame_is_further_from_the_vector_than_the_others_step() -> None:
    last, genesis = state_of(50_000), state_of(50_000, name=5)
    delta = encode(moved(last), DELTA, last).state
    key = encode(moved(last), DELTA, None, genesis, last).state
    step, key_step = int(np.gcd.reduce(delta - last)), int(np.gcd.reduce(key - genesis))
    assert 1.75 * step < key_step < 2.5 * step
    assert np.abs(np.ldexp(moved(last), 16) - delta).max() <= 1.125 * step + 1
    assert np.abs(np.ldexp(moved(last), 16) - key).max() <= key_step / 2 + 1


def test_frames_are_as_much_smaller_as_they_should_be() -> None:
    last, genesis = state_of(100_000), state_of(100_000, name=5)
    assert len(encode(moved(last), DELTA, last).payload) < 400_000 / 100
    assert len(encode(moved(last), DELTA, None, genesis, last).payload) < 400_000 / 5


@pytest.mark.parametrize("length", [1000, 30_000])
def test_moves_of_nearly_one_length_are_neither_all_sent_nor_all_left_out(length: int) -> None:
    """As with Adam, whose steps are about as long for every value."""
    last = state_of(length)
    signs = np.where(draws().random(length) < 0.5, -1, 1)
    vector = to_float(last + (signs * draws().integers(1000, 1100, length)).astype(np.int32))
    changed = encode(vector, DELTA, last).state != last
    assert 0.5 * SENT_SHARE < changed.mean() < 1.5 * SENT_SHARE


def test_a_model_that_stands_still_takes_next_to_nothing() -> None:
    last = state_of(100_000)
    quantised = encode(to_float(last), DELTA, last)
    assert (quantised.state == last).all()
    assert len(quantised.payload) < 100


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1.0])
def test_a_frame_sends_the_share_that_its_author_chose(share: float) -> None:
    last = state_of(50_000)
    frame = encode(moved(last), DELTA, last, share=share)
    changed = (frame.state != last).mean()
    assert 0.8 * share < changed < 1.2 * share
    assert (decode(frame.payload, DELTA, len(last), last) == frame.state).all()


def test_who_names_no_share_sends_the_usual_one() -> None:
    assert choose_share(DELTA, None) == choose_share(ZSTD, None) == SENT_SHARE
    assert [choose_share(DELTA, share) for share in (1e-9, 0.1, 1.0)] == [1e-9, 0.1, 1.0]


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, np.nan, np.inf])
def test_a_share_that_no_frame_can_send_is_said_in_a_sentence(share: float) -> None:
    with pytest.raises(UsageError, match=f"sent share is {share:g}: give a number above 0, at most 1, e.g. 0.1"):
        choose_share(DELTA, share)


@pytest.mark.parametrize("codec", [PLAIN, ZSTD])
def test_a_share_under_a_codec_that_sends_everything_is_said_in_a_sentence(codec: str) -> None:
    with pytest.raises(UsageError, match=f"for codec 'delta' alone, not for '{codec}': leave it out"):
        choose_share(codec, 0.1)


def test_a_wish_that_stays_the_same_is_fulfilled() -> None:
    """What a frame leaves out is asked for again; the steps grow finer as there is less to go."""
    state, wish = state_of(5000), state_of(5000, name=3)
    for _ in range(150):
        state = encode_delta(to_float(wish), state, share=0.2).state
    assert (state == wish).all()


def test_what_is_left_out_is_ones_own_doing_and_not_the_way_to_the_neighbours() -> None:
    previous = np.array([0, 0, 0, 0], np.int32)
    base = np.array([100, 100, 0, 0], np.int32)
    wanted = to_float(np.array([101, 150, 7, 90], np.int32))
    state = np.array([0, 128, 0, 64], np.int32)
    assert (to_float(np.array([1, 22, 7, 26], np.int32)) == compute_residual(wanted, base, state, previous)).all()
    assert (to_float(np.array([101, 22, 7, 26], np.int32)) == compute_residual(wanted, base, state, None)).all()


def kept_by(peers: int, rounds: int, keeps: Callable[..., Any]) -> float:
    """The longest that what a peer keeps for itself grows, where a few peers average and pull apart in between."""
    pulls = [to_float(state_of(3000, -9, name)) for name in range(peers)]
    states = [np.zeros(3000, np.int32)] * peers
    residuals, lengths = [np.zeros(3000, np.float32)] * peers, []
    for _ in range(rounds):
        base = np.rint(np.mean(states, axis=0)).astype(np.int32)
        for peer in range(peers):
            wanted = (to_float(base) + residuals[peer] + pulls[peer]).astype(np.float32)
            previous, states[peer] = states[peer], encode(wanted, DELTA, states[peer]).state
            residuals[peer] = keeps(wanted, base, states[peer], previous)
            lengths.append(float(np.linalg.norm(residuals[peer]) / np.linalg.norm(pulls[peer])))
    return max(lengths)


def test_what_peers_keep_for_themselves_stays_bounded() -> None:
    def all_of_it(
        wanted: NDArray[np.float32], base: NDArray[np.int32], state: NDArray[np.int32], previous: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        return wanted - to_float(state)

    def as_we_do(
        wanted: NDArray[np.float32], base: NDArray[np.int32], state: NDArray[np.int32], previous: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        return np.float32(RESIDUAL_SHARE) * compute_residual(wanted, base, state, previous)

    assert kept_by(4, 80, as_we_do) < 4
    assert kept_by(4, 80, all_of_it) > 40


# ------------------------------------------------------------------------------------------- wild values


@st.composite
def wild(draw: st.DrawFn) -> NDArray[np.float32]:
    """Vectors with a few values far from the rest, so far that one byte does not hold their codes."""
    length = draw(st.sampled_from([1, 3, 40, 300, 5000]))
    vector = draws(draw(st.integers(0, 99))).normal(size=length) * 2.0 ** draw(st.integers(-18, 6))
    for place in draw(st.lists(st.integers(0, length - 1), max_size=30)):
        vector[place] = draw(st.floats(-LARGEST, LARGEST, width=32))
    return np.clip(vector, -LARGEST, LARGEST).astype(np.float32)


@settings(deadline=None)
@given(wild(), st.sampled_from(["delta", "key", "stranger"]), st.floats(0, 1))
@example(np.full(3, LARGEST, np.float32), "stranger", 0.02)
@example(np.array([-LARGEST, LARGEST, 0], np.float32), "delta", 1.0)
@example(np.array([1e-45, -0.0, 0.0], np.float32), "key", 0.0)
def test_any_vector_inside_the_grid_makes_a_frame_that_fits(
    vector: NDArray[np.float32], kind: str, share: float
) -> None:
    last = np.where(np.arange(len(vector)) % 2, GRID_LARGEST, -GRID_LARGEST).astype(np.int32)
    previous, before = (last, None) if kind == "delta" else (None, last if kind == "key" else None)
    quantised = encode_delta(vector, previous, -last, before, share)
    assert len(quantised.payload) <= max_payload_bytes(Blocks((len(vector),)))
    assert np.abs(quantised.state).max() <= GRID_LARGEST
    assert (decode(quantised.payload, DELTA, len(vector), previous, -last) == quantised.state).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 255.0, -3.4e38])
@pytest.mark.parametrize("place", [0, 4096, 5000])
def test_what_no_frame_can_hold_is_refused(bad: float, place: int) -> None:
    vector = np.zeros(5001, np.float32)
    vector[place] = bad
    with pytest.raises(OutsideGrid):
        encode(vector, DELTA)


# ------------------------------------------------------------------------------------------- lost frames


def test_after_a_lost_frame_all_decodes_again_from_the_next_key_frame() -> None:
    length, genesis = 3000, state_of(3000, name=9)
    frames, states, last = [], [], None
    for number in range(40):
        vector = moved(genesis if last is None else last, name=number)
        quantised = encode(vector, DELTA, None if number % 8 == 0 else last, genesis, last)
        last = quantised.state
        frames.append(quantised.payload)
        states.append(last)
    assert [is_key(one) for one in frames] == [number % 8 == 0 for number in range(40)]
    for lost in range(40):
        held, found = None, []
        for number, payload in enumerate(frames):
            readable = number != lost and (is_key(payload) or held is not None)
            held = decode(payload, DELTA, length, held, genesis) if readable else None
            found.append(held)
        dark = range(lost, min(lost - lost % 8 + 8, 40))
        for number, here in enumerate(found):
            assert (here is None) == (number in dark)
            assert here is None or (here == states[number]).all()


def test_a_delta_frame_alone_is_refused() -> None:
    last = state_of(300)
    payload = encode(moved(last), DELTA, last).payload
    with pytest.raises(MalformedFrame, match="relative"):
        decode(payload, DELTA, 300, None, state_of(300, name=9))


# ------------------------------------------------------------------------------------------- the specification


def same_as_specified(
    payload: bytes, parameters: int, previous: list[int] | None, origin: list[int] | None
) -> list[int] | None:
    try:
        expected = specification.decode(payload, [parameters], previous, origin)
    except specification.Refused:
        expected = None
    arrays = [None if state is None else np.array(state, np.int32) for state in (previous, origin)]
    try:
        found = decode(payload, DELTA, parameters, *arrays).tolist()
    except MalformedFrame:
        found = None
    assert found == expected
    return expected


numbers = st.integers(-GRID_LARGEST, GRID_LARGEST)
PARAMETERS = 39
references = st.none() | st.lists(numbers, min_size=PARAMETERS, max_size=PARAMETERS)
# Bytes and counts of which most are right and some are not.
step_bytes = st.integers(0, MAX_STEP_BYTE) | st.integers(0, 255)
wide_codes = st.integers(-(1 << 31), (1 << 31) - 1) | st.integers(-300, 300)


@st.composite
def sections(draw: st.DrawFn) -> bytes:
    layout = draw(st.sampled_from([DENSE, SPARSE]))
    length = draw(st.integers(0, 12))
    if layout == DENSE:
        small = draw(st.lists(st.integers(-7, 7), min_size=PARAMETERS, max_size=PARAMETERS))
        for place in draw(st.lists(st.integers(0, PARAMETERS - 1), min_size=length, max_size=length, unique=True)):
            small[place] = OPEN
        map_ = list(nibbles_of(np.array(small, np.int8)).tobytes())
        map_[-1] |= draw(st.sampled_from([0, 0, 0, 0, 16]))
    else:
        map_ = draw(st.lists(st.integers(0, 5) | st.sampled_from([0, 20, 254, 255]), max_size=12))
        if draw(st.booleans()):
            map_ = (map_ + [0] * length)[:length]
    length = max(0, length + draw(st.sampled_from([0] * 8 + [1, -1])))
    codes = draw(st.lists(st.integers(-128, 127) | st.just(WIDE), min_size=length, max_size=length))
    count = max(0, codes.count(WIDE) + draw(st.sampled_from([0] * 8 + [1, -1])))
    wides = draw(st.lists(wide_codes, min_size=count, max_size=count))
    kind = draw(st.sampled_from([KEY_FRAME, DELTA_FRAME]))
    return frame(kind, layout, bytes([draw(step_bytes)]), bytes(map_), codes, wides)


@settings(max_examples=400)
@given(sections(), references, references)
def test_decoding_is_the_specification(
    payload: bytes, previous: list[int] | None, origin: list[int] | None
) -> None:
    same_as_specified(payload, PARAMETERS, previous, origin)


@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([0.02, 0.2, 0.9]), st.sampled_from([600, 5000]))
def test_our_own_frames_decode_as_specified(name: int, key: bool, share: float, length: int) -> None:
    last, genesis = state_of(length, name=name), state_of(length, name=5)
    quantised = encode_delta(moved(last, name=name), None if key else last, genesis, last, share)
    assert same_as_specified(quantised.payload, length, last.tolist(), genesis.tolist()) is not None


def test_blocks_have_steps_of_their_own() -> None:
    payload = dense(np.ones(BLOCK + 3, np.int8), steps=bytes([3 << 3, 4 << 3 | 1]))
    assert decode(payload, DELTA, BLOCK + 3).tolist() == [8] * BLOCK + [18] * 3


def test_steps_never_fall_and_reach_every_value_of_the_grid() -> None:
    assert STEPS[0] == 1
    assert (np.diff(STEPS) >= 0).all()
    assert 7 * int(STEPS[-1]) >= 2 * GRID_LARGEST
    assert STEPS.tolist() == [specification.step_of(byte) for byte in range(MAX_STEP_BYTE + 1)]


def test_the_longest_step_there_is_decodes_and_a_longer_one_does_not() -> None:
    assert decode(dense([1], steps=[183]), DELTA, 1).tolist() == [(8 + 7) << 22 >> 3]
    with pytest.raises(MalformedFrame):
        decode(dense([1], steps=[184]), DELTA, 1)


def test_gaps_of_any_length_are_kept() -> None:
    last = np.zeros(5000, np.int32)
    for places in ([0], [254], [255], [256], [509], [510], [511], [4999], [0, 255], [0, 256, 511, 1021], [3, 4]):
        vector = np.zeros(5000, np.float32)
        vector[places] = 1
        payload = encode_delta(vector, last, share=len(places) / 5000).payload
        assert np.flatnonzero(decode(payload, DELTA, 5000, last)).tolist() == places


# ------------------------------------------------------------------------------------------- golden bytes


def test_frames_are_the_ones_once_written_down() -> None:
    """zstd's own bytes differ between its versions, so of frames it had a part in only the decoding is fixed."""
    last = np.array([0, 5, -70_000, 1 << 20, 3, 3, 3, 3], np.int32)
    wish = to_float(last + np.array([0, 900, 0, -(1 << 19), 0, 4, 0, 0], np.int32))
    delta, key = encode_delta(wish, last, share=0.3), encode_delta(wish, None, last // 2, last, share=0.3)
    known = golden.load("codec_delta") if golden.VECTORS.joinpath("codec_delta.json").exists() else {}
    state, genesis = np.arange(9000, dtype=np.int32) * 37 % 5001, np.zeros(9000, np.int32)
    far = to_float(state + (np.arange(9000, dtype=np.int32) * 7919 % 9973) ** 2 // 5000 - 4000)
    sparse = known.get("sparse_frame") or encode_delta(far, state).payload.hex()
    dense = known.get("dense_frame") or encode_delta(far, None, genesis).payload.hex()
    golden.expect(
        "codec_delta",
        {
            "small_delta": delta.payload.hex(),
            "small_delta_state": delta.state.tolist(),
            "small_key": key.payload.hex(),
            "small_key_state": key.state.tolist(),
            "sparse_frame": sparse,
            "sparse_state": state_digest(decode(bytes.fromhex(sparse), DELTA, 9000, state)).hex(),
            "dense_frame": dense,
            "dense_state": state_digest(decode(bytes.fromhex(dense), DELTA, 9000, None, genesis)).hex(),
        },
    )


# ------------------------------------------------------------------------------------------- hostile frames


def attempt(payload: bytes, parameters: int) -> None:
    """Decode; anything but a state of the agreed length or a MalformedFrame fails the test."""
    last = np.full(parameters, GRID_LARGEST, np.int32)
    try:
        is_key(payload)
        state = decode(payload, DELTA, parameters, last, -last)
    except MalformedFrame:
        return
    assert state.shape == (parameters,)
    assert state.dtype == np.int32
    assert np.abs(state).max(initial=0) <= GRID_LARGEST
    assert (last == GRID_LARGEST).all()


small = st.integers(0, 50)
counts = small | st.integers(0, (1 << 32) - 1) | st.sampled_from([4, 8, 127, 128, (1 << 28) - 1, 1 << 28])


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_a_state_or_a_fault(payload: bytes, parameters: int) -> None:
    attempt(payload, parameters)


@given(st.integers(0, 1), st.integers(0, 2), st.lists(counts, min_size=7, max_size=7), st.binary(max_size=200))
def test_any_header_before_any_bytes_is_a_state_or_a_fault(
    kind: int, layout: int, fields: list[int], rest: bytes
) -> None:
    map_, codes, wides, *stored = fields
    attempt(FrameHeader(kind, layout, map_, codes, wides, tuple(stored)).encode() + rest, 40)


@given(st.integers(0, 1), st.integers(0, 1), st.lists(small, min_size=6, max_size=6), st.binary(max_size=200))
def test_a_header_that_adds_up_before_any_bytes_is_a_state_or_a_fault(
    kind: int, layout: int, fields: list[int], rest: bytes
) -> None:
    map_, all_codes, wides, steps, gaps, codes = fields
    codes = min(codes, max(0, len(rest) - steps - gaps))
    stored = [steps, gaps, codes, max(0, len(rest) - steps - gaps - codes)]
    header = FrameHeader(kind, layout, map_, all_codes, wides, tuple(stored))
    attempt(header.encode() + rest.ljust(sum(stored), b"\0"), 40)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[int, bytes]:
    length = draw(st.sampled_from([1, 40, 700, 4097]))
    last = state_of(length, name=draw(st.integers(0, 3)))
    share = draw(st.sampled_from([0.02, 0.3]))
    key = draw(st.booleans())
    payload = bytearray(encode_delta(moved(last), None if key else last, None, last, share).payload)
    for _ in range(draw(st.integers(1, 4))):
        # Header and body alike, although the header is much shorter.
        place = draw(st.integers(0, min(20, len(payload))) | st.integers(0, max(0, len(payload) - 1)))
        kind = draw(st.sampled_from(["flip", "bit", "insert", "cut", "tail"]))
        if kind == "flip" and place < len(payload):
            payload[place] ^= draw(st.integers(1, 255))
        elif kind == "bit" and place < len(payload):
            payload[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "insert":
            payload[place:place] = draw(st.binary(min_size=1, max_size=4))
        elif kind == "cut":
            del payload[place:]
        else:
            payload += draw(st.binary(max_size=8))
    return length, bytes(payload)


@settings(max_examples=400)
@given(mutated())
def test_mutated_frames_are_a_state_or_a_fault(found: tuple[int, bytes]) -> None:
    length, payload = found
    attempt(payload, length)
    attempt(payload, length + 1)


@given(st.integers(0, 2000))
def test_every_truncation_is_a_fault(cut: int) -> None:
    last = state_of(20_000)
    payload = encode(moved(last), DELTA, last).payload
    with pytest.raises(MalformedFrame):
        decode(payload[: min(cut, len(payload) - 1)], DELTA, 20_000, last)


KEY = dense([1, -2, 3, 4])
PLACED = frame(map_=[0, 1], codes=[1, 2])
ODD = dense([1, 2, 3])
BEHIND = ODD[:-1] + b"\x13"


def test_the_hand_made_frames_decode() -> None:
    """The frames below are refused for what is wrong with them, not for being hand-made."""
    assert decode(KEY, DELTA, 4).tolist() == [8, -16, 24, 32]
    assert decode(PLACED, DELTA, 4).tolist() == [8, 0, 16, 0]
    assert decode(ODD, DELTA, 3).tolist() == [8, 16, 24]
    assert decode(dense([OPEN, 1, OPEN, 0], [99, -8]), DELTA, 4).tolist() == [792, 8, -64, 0]
    assert decode(dense([OPEN, 1, OPEN, 0], [WIDE, WIDE], [1000, -500]), DELTA, 4).tolist() == [8000, 8, -4000, 0]


@pytest.mark.parametrize(
    ("payload", "fact"),
    [
        (b"", "begins with nothing"),
        (b"\4" + KEY[1:], "kind and a layout"),
        (b"\xff" + KEY[1:], "kind and a layout"),
        (KEY[:1], "does not end"),
        (KEY[:7], "does not end"),
        (KEY[:1] + b"\x82\0" + KEY[2:], "more bytes than it needs"),
        (KEY[:1] + b"\x80\x80\x80\0" + KEY[2:], "more bytes than it needs"),
        (KEY[:1] + b"\x80\x80\x80\x80\1" + KEY[2:], "does not end"),
        (raw_header(KEY, kind=DELTA_FRAME), "relative"),
        (KEY + b"\0", "tells"),
        (KEY[:-1], "tells"),
        (raw_header(KEY, codes_at=(1 << 28) - 1), "tells"),
        (raw_header(KEY, map=1), "map of"),
        (raw_header(KEY, map=3), "map of"),
        (raw_header(KEY, codes=3), "codes"),
        (raw_header(KEY, codes=1), "zstd"),
        (raw_header(KEY, wides=3), "wide"),
        (raw_header(KEY, wides=4 * most_wides(4) + 4), "wide"),
        (raw_header(KEY, wides=(1 << 28) - 4), "wide"),
        (raw_header(KEY, wides=4), "zstd"),
        (raw_header(PLACED, codes=3), "codes"),
        (raw_header(PLACED, map=most_gaps(4) + 1), "map of"),
        (raw_header(PLACED, map=(1 << 28) - 1), "map of"),
        (raw_header(KEY, steps_at=0, map_at=3), "stored in more"),
        (dense([1] * 4, steps=b""), "zstd"),
        (dense([1] * 4, steps=[MAX_STEP_BYTE + 1]), "step"),
        (dense([OPEN, 0, 0, 0]), "open"),
        (dense([0] * 4, [1]), "open"),
        (dense([OPEN, OPEN, OPEN, 0], [1, 2, 3]), "codes"),
        (BEHIND, "behind"),
        (frame(map_=[3, 0], codes=[1, 2]), "reach"),
        (frame(map_=[4], codes=[1]), "reach"),
        (frame(map_=[0, SKIP], codes=[1]), "end"),
        (frame(map_=[0, 0], codes=[1]), "end"),
        (frame(map_=[SKIP, 0], codes=[1, 1]), "end"),
        (frame(map_=[0], codes=[WIDE]), "places"),
        (frame(map_=[0], codes=[1], wides=[1]), "places"),
        (frame(map_=[0], codes=[WIDE], wides=[(1 << 31) - 1]), "grid"),
        (frame(map_=[0], codes=[WIDE], wides=[-(1 << 31)]), "grid"),
        (frame(map_=[0], codes=[WIDE], wides=[(GRID_LARGEST >> 3) + 1]), "grid"),
        (frame(map_=[0], codes=[-127], steps=[MAX_STEP_BYTE]), "grid"),
        (dense([OPEN, 0, 0, 0], [127], steps=[MAX_STEP_BYTE]), "grid"),
    ],
)
def test_a_frame_that_breaks_a_rule_is_refused(payload: bytes, fact: str) -> None:
    with pytest.raises(MalformedFrame, match=fact):
        decode(payload, DELTA, 3 if payload == BEHIND else 4)


def with_section(nibbles: bytes, declared: int) -> bytes:
    """A dense frame for `declared` parameters whose map is these stored bytes."""
    steps = bytes(-(-declared // BLOCK))
    header = FrameHeader(KEY_FRAME, DENSE, (declared + 1) // 2, 0, 0, (len(steps), len(nibbles), 0, 0))
    return header.encode() + steps + nibbles


@pytest.mark.parametrize(
    ("section", "fact"),
    [
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (zstandard.ZstdCompressor().compress(bytes(4999)), "declares"),
        (zstandard.ZstdCompressor().compress(bytes(1 << 22)), "declares"),
        (zstandard.ZstdCompressor(write_content_size=False).compress(bytes(5000)), "declares"),
        (zstandard.ZstdCompressor().compress(bytes(5000))[:-1], "zstd"),
        (zstandard.ZstdCompressor().compress(bytes(5000)) + b"\0", "zstd"),
    ],
)
def test_a_section_that_is_not_one_zstd_frame_of_its_size_is_refused(section: bytes, fact: str) -> None:
    with pytest.raises(MalformedFrame, match=fact):
        decode(with_section(section, 10_000), DELTA, 10_000)


def test_what_a_frame_declares_is_refused_before_anything_is_allocated() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 26))
    frames = [
        with_section(bomb, 1 << 27),
        with_section(bomb, 1000),
        raw_header(PLACED, map=1 << 27, codes=1 << 27),
        raw_header(PLACED, wides=1 << 27),
    ]

    def try_all() -> None:
        for payload in frames:
            with pytest.raises(MalformedFrame):
                decode(payload, DELTA, 1000)

    try_all()
    assert peak_bytes(try_all) < 100_000


@pytest.mark.parametrize("layout", [DENSE, SPARSE])
def test_the_fullest_frame_takes_little_more_memory_than_its_state(layout: int) -> None:
    length = 200_000
    steps = bytes(-(-length // BLOCK))
    if layout == DENSE:
        small, codes = np.ones(length, np.int8), np.ones(length // 2, np.int8)
        small[::2] = OPEN
        payload = dense(small, codes, steps=steps)
    else:
        full = length // 4
        payload = frame(map_=bytes(full), codes=np.ones(full, np.int8), steps=steps)
    decode(payload, DELTA, length)
    assert peak_bytes(lambda: decode(payload, DELTA, length)) < 4 * length * 4
