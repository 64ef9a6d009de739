"""A zstd frame has one meaning for everybody, or none (R9.6): hand-made frames, and what this program writes."""

import numpy as np
import pytest
import zstandard

from ledger.codec.frames import compress, decompress, store
from ledger.codec.zstd_frames import check_blocks, read_start
from ledger.codec.zstd_tables import MalformedFrame

pytestmark = pytest.mark.rule("R9.6")

# 0 and 1 have a bit each: sixteen literals, two bytes of bits and the mark.
PLAIN = bytes([1, 0] * 8)
TREE = b"\x80\x10"
BITS = (0xAAAA).to_bytes(2, "little")
STREAM = BITS + b"\1"


def frame_of(literals: bytes, sequences: bytes = b"\0", size: int = 16) -> bytes:
    """A single segment of one compressed block, the last."""
    block = literals + sequences
    header = (1 | 2 << 1 | len(block) << 3).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd\x20" + bytes([size]) + header + block


def coded(tree: bytes, stream: bytes, kind: int = 2, count: int = 16) -> bytes:
    """A section of literals in one Huffman stream."""
    stored = len(tree) + len(stream)
    return (kind | count << 4 | stored << 14).to_bytes(3, "little") + tree + stream


def test_the_frame_that_the_others_are_made_from_is_right() -> None:
    assert decompress(frame_of(coded(TREE, STREAM)), 16) == PLAIN


@pytest.mark.parametrize(
    ("frame", "fact"),
    [
        (frame_of(coded(TREE, BITS + b"\2")), "last literal"),
        (frame_of(coded(TREE, BITS[:1] + b"\1")), "last literal"),
        (frame_of(coded(TREE, STREAM + b"\0")), "mark"),
        (frame_of(coded(TREE, b"")), "mark"),
        (frame_of(coded(b"\x80\x20", STREAM)), "deepest"),
        (frame_of(coded(b"\x81\x11", STREAM)), "last literal"),
        (frame_of(coded(b"\x84\x11\x11\x10", STREAM)), "does not add up"),
        (frame_of(coded(b"\x80\xc0", STREAM)), "too deep"),
        (frame_of(coded(b"\x80\x00", STREAM)), "no leaves"),
        (frame_of(coded(b"\xff\x10", STREAM)), "cut off"),
        (frame_of(coded(b"", STREAM, kind=3)), "there is not"),
        (frame_of(coded(TREE, STREAM), b"\0\0"), "behind its literals"),
        (frame_of(coded(TREE, STREAM), b"\x80\0"), "too many sequences"),
        (frame_of(coded(TREE, STREAM), b"\1\x01"), "reserved"),
        (frame_of(coded(TREE, STREAM), b"\1\x00"), "cut off"),
        (frame_of(coded(TREE, STREAM), b"\xff\0\0"), "too many sequences"),
        (frame_of(coded(TREE, STREAM), b""), "cut off"),
        (frame_of(bytes([16 << 3]) + PLAIN), "no smaller"),
        (frame_of(coded(TREE, STREAM) + b"\0", b"") + b"\0", "ends elsewhere"),
        (frame_of(coded(TREE, STREAM))[:-1], "cut off"),
    ],
)  # fmt: skip
def test_a_frame_that_not_every_decoder_takes_is_refused(frame: bytes, fact: str) -> None:
    """Whatever the zstd that is at hand makes of it: what a lax one would give is given here."""
    with pytest.raises(MalformedFrame, match=fact):
        check_blocks(frame, read_start(frame, 16), PLAIN)
    with pytest.raises(MalformedFrame):
        decompress(frame, 16)


def test_a_frame_may_not_be_in_many_small_blocks_nor_in_empty_ones() -> None:
    start = b"\x28\xb5\x2f\xfd\x60" + (5000 - 256).to_bytes(2, "little")
    sizes = {"right": (4000, 1000), "many": (4000, 500, 500), "empty": (5000, 0)}
    frames = {
        name: start
        + b"".join(
            (int(place == len(own) - 1) | size << 3).to_bytes(3, "little") + bytes(size)
            for place, size in enumerate(own)
        )
        for name, own in sizes.items()
    }
    assert decompress(frames["right"], 5000) == bytes(5000)
    with pytest.raises(MalformedFrame, match="too many blocks"):
        decompress(frames["many"], 5000)
    with pytest.raises(MalformedFrame, match="nothing"):
        decompress(frames["empty"], 5000)


def samples() -> dict[str, bytes]:
    draws = np.random.default_rng(0)
    halves = np.clip(draws.laplace(size=(30_000, 2)) * 0.2, -7, 7).round().astype(np.int8)
    return {
        "codes": np.clip(draws.laplace(size=200_000) * 18, -127, 127).astype(np.int8).tobytes(),
        "gaps": np.minimum(draws.geometric(0.03, 3000) - 1, 255).astype(np.uint8).tobytes(),
        "map that is nearly all zeros": (halves[:, 0] & 15 | halves[:, 1] << 4).astype(np.uint8).tobytes(),
        "noise": draws.bytes(300_000),
        "zeros": bytes(300_000),
        "nothing": b"",
        "one": b"\7",
    }


@pytest.mark.parametrize("name", samples())
def test_what_is_written_is_read_and_no_longer_than_what_it_holds_needs(name: str) -> None:
    plain = samples()[name]
    frame = compress(plain, 1)
    assert decompress(frame, len(plain)) == plain
    shares = np.bincount(np.frombuffer(plain, np.uint8), minlength=256) / max(len(plain), 1)
    bits = -sum(share * np.log2(share) for share in shares if share)
    # About a Huffman code of its bytes, or better, though sequences are few.
    assert len(frame) <= (bits + 0.4) * len(plain) / 8 + 160


def test_what_zstd_would_write_in_too_many_sequences_is_written_otherwise() -> None:
    draws = np.random.default_rng(0)
    words = [draws.bytes(5) for _ in range(40)]
    plain = b"".join(words[place] for place in draws.integers(0, 40, 4000))
    usual = zstandard.ZstdCompressor(level=3).compress(plain)
    with pytest.raises(MalformedFrame, match="too many sequences"):
        decompress(usual, len(plain))
    assert decompress(compress(plain, 3), len(plain)) == plain


@pytest.mark.parametrize("size", [0, 1, 1 << 17, (1 << 17) + 1, 300_000])
def test_what_does_not_compress_is_stored(size: int) -> None:
    plain = np.random.default_rng(size).bytes(size)
    frame = store(plain)
    assert decompress(frame, size) == plain
    assert len(frame) <= size + (size >> 8) + 128
