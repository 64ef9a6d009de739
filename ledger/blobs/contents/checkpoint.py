"""Checkpoints: at agreed rounds a judge shows what it goes on with, so that nobody has to look behind them.

A checkpoint is a blob with the judge's next base and next memory; its digest stands in the judge's record of that
round. Whoever has one of them recomputes the judge's later rounds from there (R29.1).
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import LARGEST, GridState
from ledger.blobs.cid import DIGEST_BYTES
from ledger.blobs.contents.records import InvalidBlob, Record, decode_blob, decode_record, state_digest
from ledger.circle.fold.fault_events import DISPUTE_ROUNDS
from ledger.circle.manifest import Manifest
from ledger.circle.round import Round
from ledger.codec import Blocks, blocks_of
from ledger.rules import find_rule, trace_length
from ledger.rules.judge_memory import CarriedState, JudgeMemory, memory_max_bytes

CHECKPOINT_MAGIC: Final = b"FMC1"
_OVERHEAD_BYTES: Final = 128
# Of base and genesis no value is above LARGEST (R9.1, R12.3), so that a difference takes 26 bits in zigzag.
_WIDTH_MAX: Final = 26


class Checkpoint(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a judge goes on with after a round."""

    network: bytes
    """The circle's domain separator, 32 bytes."""
    round: int
    """The one after which."""
    author: bytes
    """The judge's address, 20 bytes."""
    base: bytes
    """How far the next base is from the genesis, see `pack`."""
    memory: bytes
    """The bytes whose SHA-256 is its digest."""


def is_checkpoint_due(every: int, number: int, seat: int, before: int, last: int) -> bool:
    """Whether a judge that attests round `number` shows a checkpoint.

    It does in the circle's last round, and where round + seat has reached a multiple of `every` since `before`, the
    round that the judge attested before this one; number − 1 where it is the first of its tenure. So who is away
    when it is its turn shows one when it is back.
    """
    return number == last or (number + seat) // every > (before + seat) // every


def first_disputable_round(number: int) -> int:
    """The earliest round that can be disputed while round `number` is under way, or was the last.

    Earlier rounds are final, but for claims raised in time (R29.1).
    """
    return max(1, number - DISPUTE_ROUNDS)


def encode_checkpoint(
    network: bytes, number: int, author: bytes, carried: CarriedState, genesis: GridState, blocks: Blocks
) -> bytes:
    """The checkpoint blob: the same bytes on every machine. genesis: (d,), int32."""
    packed = pack(carried.base, genesis, blocks)
    return CHECKPOINT_MAGIC + msgspec.msgpack.encode(
        Checkpoint(network, number, author, packed, carried.memory.encode())
    )


def decode_checkpoint_record(blob: bytes | None, network: bytes, round_: Round, judge: int) -> Record:
    """A judge's record of a round, with a checkpoint in it. blob: None for bytes that make no blob.

    Raises InvalidBlob where it is no such record.
    """
    if blob is None:
        raise InvalidBlob("no blob can be made of the bytes at the record's digest")
    record = decode_record(blob)
    # [REJECT] R8: a record names the network, round and author that anchored it.
    if (record.network, record.round, record.author) != (network, round_.number, round_.author_of(judge)):
        raise InvalidBlob("the record names another network, round or author than its judge's")
    if len(record.checkpoint) != DIGEST_BYTES:
        raise InvalidBlob("the record names no checkpoint where one is due")
    return record


def decode_checkpoint(blob: bytes | None, manifest: Manifest, record: Record, genesis: GridState) -> CarriedState:
    """What a judge goes on with after the round of its record, from the blob that the record names.

    blob: None for bytes that make no blob. genesis: (d,), int32. Raises PeerFault where it is not what the record
    says, or no judge could have come to it.
    """
    if blob is None:
        raise InvalidBlob("no blob can be made of the bytes at the checkpoint's digest")
    found = decode_blob(blob, CHECKPOINT_MAGIC, Checkpoint, checkpoint_max_bytes(manifest))
    # [REJECT] R8: a checkpoint names the network, round and author of its record.
    if (found.network, found.round, found.author) != (record.network, record.round, record.author):
        raise InvalidBlob("the checkpoint names another network, round or author than its record")
    base = unpack(found.base, genesis, blocks_of(manifest.sizes))
    # [REJECT] R29.1: it holds what the record says that the judge goes on with.
    if state_digest(base) != record.next_base:
        raise InvalidBlob("the checkpoint holds another base than its record names")
    memory = JudgeMemory.decode(found.memory, trace_length(find_rule(manifest)))
    if memory.digest() != record.next_memory:
        raise InvalidBlob("the checkpoint holds another memory than its record names")
    return CarriedState(base, memory)


def checkpoint_max_bytes(manifest: Manifest) -> int:
    """The most bytes a checkpoint blob of this task may take; fetching stops there."""
    blocks = blocks_of(manifest.sizes)
    base = 2 * blocks.count + -(-_WIDTH_MAX * blocks.state_size // 8)
    values = trace_length(find_rule(manifest))
    return base + memory_max_bytes(values) + _OVERHEAD_BYTES


def pack(base: GridState, genesis: GridState, blocks: Blocks) -> bytes:
    """A base as its difference from the genesis, one block after the other, each in as few bits as it needs.

    base, genesis: (d,), int32. One byte a block says how many bits, 0..26, a value takes; then come the values in
    zigzag, lowest bit first, each block in whole bytes. One block at a time is unpacked in memory.
    """
    widths, parts = bytearray(), []
    for block in _slices(blocks):
        zigzag = _zigzag(base[block] - genesis[block])
        widths.append(width := int(zigzag.max()).bit_length())
        bits = np.unpackbits(zigzag.view(np.uint8).reshape(-1, 4), axis=1, count=width, bitorder="little")
        parts.append(np.packbits(bits, bitorder="little").tobytes())
    return b"".join((bytes(widths), *parts))


def unpack(packed: bytes, genesis: GridState, blocks: Blocks) -> GridState:
    """The base, (d,), int32. Raises InvalidBlob for anything that `pack` would not have written (R8.1).

    Allocates the base and no more, whatever the bytes say.
    """
    widths = np.frombuffer(packed, np.uint8, min(blocks.count, len(packed))).astype(np.int64)
    # [REJECT] R7: sizes first.
    if len(widths) != blocks.count or (widths > _WIDTH_MAX).any():
        raise InvalidBlob("the checkpoint's widths are cut off or too large")
    sizes = (blocks.lengths * widths + 7) // 8
    if len(packed) != blocks.count + int(sizes.sum()):
        raise InvalidBlob(f"the checkpoint's base has {len(packed)} bytes, its widths ask for others")
    base, at = np.empty_like(genesis), blocks.count
    for block, width, size in zip(_slices(blocks), widths.tolist(), sizes.tolist(), strict=True):
        base[block] = genesis[block] + _unpack_block(packed[at : at + size], block.stop - block.start, width)
        at += size
    if base.size and int(np.abs(base).max()) > LARGEST:
        raise InvalidBlob("the checkpoint's base leaves the grid")
    return base


def _unpack_block(packed: bytes, count: int, width: int) -> NDArray[np.int32]:
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    if bits[count * width :].any():
        raise InvalidBlob("the checkpoint has bits behind a block's last value")
    wide = np.zeros((count, 32), np.uint8)
    wide[:, :width] = bits[: count * width].reshape(count, width)
    zigzag = np.packbits(wide, axis=1, bitorder="little").view("<u4").reshape(count).astype(np.uint32)
    # [REJECT] R8: one base has one encoding.
    if int(zigzag.max()).bit_length() != width:
        raise InvalidBlob("a block of the checkpoint takes more bits than it needs")
    return ((zigzag >> 1).astype(np.int32)) ^ -((zigzag & 1).astype(np.int32))


def _zigzag(values: GridState) -> NDArray[np.uint32]:
    """0, −1, 1, −2 … become 0, 1, 2, 3 …"""
    return ((values << 1) ^ (values >> 31)).astype("<u4")


def _slices(blocks: Blocks) -> list[slice]:
    ends = blocks.ends.tolist()
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
