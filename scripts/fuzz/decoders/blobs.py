"""Blobs: names, blocks, frames, and what a round leaves behind."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from ledger.arithmetic.exact import GridState
from ledger.blobs.car import encode_car_header
from ledger.blobs.cid import BadCid, cid_of, parse_binary, parse_cid
from ledger.blobs.contents.checkpoint import (
    Checkpoint,
    decode_checkpoint,
    decode_checkpoint_record,
    encode_checkpoint,
    pack,
    unpack,
)
from ledger.blobs.contents.records import (
    Genesis,
    InvalidBlob,
    Record,
    decode_genesis,
    decode_record,
    decode_update,
    encode_genesis,
    encode_record,
    read_reference,
    state_digest,
)
from ledger.blobs.dagpb import MalformedBlob, encode_node, parse_node
from ledger.blobs.unixfs import BlobTooLarge, build_dag, parse_children, parse_root, read_dag
from ledger.circle.history import History
from ledger.circle.manifest import Manifest
from ledger.codec import CODECS, DELTA, PLAIN, MalformedFrame, blocks_of, decode, encode, quantise
from ledger.codec.frames import compress, decompress
from ledger.errors import PeerFault
from ledger.rules import find_rule, trace_length
from ledger.rules.judge_memory import CarriedState, InvalidMemory, JudgeMemory
from node.watch.rule_figures import find_reading, read_record
from scripts.fuzz.decoders.decoder import Decoder, through_text
from scripts.fuzz.trees import mutate_msgpack
from tests.support.histories.circles import NETWORK, PARAMETERS, Circle, genesis_state, genesis_vector
from tests.support.histories.private_circles import Private
from tests.support.privacy import TERMS

_BLOCKS: Final = blocks_of((4200, 0, 800))
_LARGEST_BLOB: Final = 1 << 22
_SIZE: Final = 2_600_000


def make(_: Path) -> Iterator[Decoder]:
    """Those of this module."""
    yield from _make_names()
    yield from _make_frames()
    yield from _make_dags()
    yield from _make_contents()


def _make_names() -> Iterator[Decoder]:
    cids = [cid_of(bytes(range(32)), codec) for codec in (0x55, 0x70)]
    texts = tuple(cid.text.encode() for cid in cids)
    yield Decoder(
        "cid text", (*texts, b"zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA"), _parse_text, (BadCid,)
    )
    binary = tuple(cid.binary for cid in cids)
    yield Decoder("cid bytes", (*binary, encode_car_header(cids[0])), parse_binary, (BadCid,))


_parse_text: Final = through_text(parse_cid)


def _make_frames() -> Iterator[Decoder]:
    vector = genesis_vector()
    states = {codec: encode(vector, codec, _BLOCKS).state for codec in CODECS if codec != DELTA}
    previous = next(iter(states.values()))
    moved = np.where(np.arange(PARAMETERS) % 9, vector, vector + np.float32(0.25)).astype(np.float32)
    for codec in CODECS:
        frames = [encode(vector, codec, _BLOCKS, None, previous).payload]
        if codec == DELTA:
            frames += [
                encode(moved, codec, _BLOCKS, previous, previous, share=share).payload for share in (0.01, 0.9)
            ]
        frames.append(encode(np.zeros_like(vector), codec, _BLOCKS, None, previous).payload)

        def read(data: bytes, codec: str = codec) -> GridState:
            return decode(data, codec, _BLOCKS, previous, previous)

        yield Decoder(f"frame {codec}", tuple(frames), read, (MalformedFrame,))
    plain = [bytes(4000), np.random.default_rng(1).bytes(4000), (b"folkmoot " * 500)[:4000]]
    packed = tuple(compress(one, level) for one in plain for level in (1, 3))
    yield Decoder("zstd", packed, lambda data: decompress(data, 4000), (MalformedFrame,))


def _make_dags() -> Iterator[Decoder]:
    large = build_dag(b"FM" + bytes(_SIZE - 2))
    nodes = tuple(node.data for node in large.nodes)
    leaves = _Leaves({block.digest: block.data for block in large.blocks()})
    one = parse_node(nodes[0])
    nodes += (encode_node(one.links[:1], one.blocksizes[:1]),)
    yield Decoder("dag-pb node", nodes, parse_node, (MalformedBlob,), share=0.5)

    def read_tree(data: bytes) -> bytes:
        part = parse_root(bytes(32), data, _LARGEST_BLOB)
        parse_children(part, data)
        return read_dag(bytes(32), lambda digest: data if not any(digest) else leaves[digest], _LARGEST_BLOB)

    yield Decoder("unixfs", (nodes[0], b"FM" + bytes(1000)), read_tree, (MalformedBlob, BlobTooLarge), share=0.3)


class _Leaves(dict[bytes, bytes]):
    """What is named and not there is a leaf all the same."""

    def __missing__(self, digest: bytes) -> bytes:
        return b"FM" + digest


def _make_contents() -> Iterator[Decoder]:
    circle = Circle(rule="tether", rule_parameters={}, codec=DELTA, rounds=2)
    private = Circle(seats=3, degree=2, rounds=2, cheats={seat: Private(seat) for seat in range(3)}, privacy=TERMS)
    manifest, genesis = circle.manifest, genesis_state()
    history, blocks = circle.history(), blocks_of(circle.manifest.sizes)
    for name, one in (("update", circle), ("private update", private)):
        updates = tuple(one.read(root) for root in one.updates.values())
        yield Decoder(name, updates, _reader_of_updates(one), (InvalidBlob,), mutate_msgpack)
    records = tuple(
        circle.read(attested.record)
        for round_ in history.rounds
        for attested in round_.attestations.values()
        if attested.record in circle.blobs
    )
    yield Decoder("record", records, decode_record, (InvalidBlob,), mutate_msgpack)
    shown = [one for one in map(decode_record, records) if one.checkpoint]
    with_checkpoint = tuple(map(encode_record, shown[:1]))
    yield Decoder(
        "record with checkpoint",
        with_checkpoint,
        _reader_of_named(history, shown[0]),
        (InvalidBlob,),
        mutate_msgpack,
        0.5,
    )
    carried = next(iter(circle.carried.values()))
    record = shown[0]
    here = (record.network, record.round, record.author)
    checkpoints = tuple(
        encode_checkpoint(*here, one, genesis, blocks)
        for one in (carried, CarriedState(genesis + 7, carried.memory))
    )
    yield Decoder(
        "checkpoint", checkpoints, _reader_of_checkpoints(manifest, record, genesis), (PeerFault,), mutate_msgpack
    )
    bases = tuple(pack(base, genesis, blocks) for base in (genesis, genesis + 100, carried.base))
    yield Decoder("checkpoint base", bases, lambda data: unpack(data, genesis, blocks), (InvalidBlob,))
    values = trace_length(find_rule(manifest))
    yield Decoder(
        "judge memory",
        (carried.memory.encode(), b"\0"),
        lambda data: JudgeMemory.decode(data, values),
        (InvalidMemory,),
    )
    payload = quantise(genesis_vector(), blocks, PLAIN).payload
    geneses = (encode_genesis(Genesis(PLAIN, payload)),)
    yield Decoder(
        "genesis",
        geneses,
        lambda data: decode_genesis(data, manifest),
        (InvalidBlob, MalformedFrame),
        mutate_msgpack,
    )
    reading = find_reading("tether")
    yield Decoder("record shown", records, lambda data: read_record(data, reading), (PeerFault,), mutate_msgpack)


def _reader_of_updates(circle: Circle) -> Any:
    """Round and author are taken to be those that a blob names, so that reading goes on behind them."""
    known = [msgspec.msgpack.decode(circle.read(root)[4:])[1:3] for root in circle.updates.values()]

    def read(data: bytes) -> object:
        read_reference(data, circle.manifest)
        named = next((pair for pair in known if pair[1] in data), known[0])
        return decode_update(data, circle.manifest, NETWORK.domain_separator, *named)

    return read


def _reader_of_named(history: History, record: Record) -> Any:
    round_ = history.rounds[record.round - 1]
    judge = next(seat for seat in round_.attestations if round_.author_of(seat) == record.author)
    return lambda data: decode_checkpoint_record(data, NETWORK.domain_separator, round_, judge)


def _reader_of_checkpoints(manifest: Manifest, record: Record, genesis: GridState) -> Any:
    """The record is taken to name whatever is there, so that reading goes on behind its digests."""

    def read(data: bytes) -> object:
        named = record
        try:
            fields = msgspec.msgpack.decode(data[4:], type=Checkpoint)
            base = unpack(fields.base, genesis, blocks_of(manifest.sizes))
            memory = hashlib.sha256(fields.memory).digest()
            named = msgspec.structs.replace(record, next_base=state_digest(base), next_memory=memory)
        except (msgspec.MsgspecError, UnicodeDecodeError, PeerFault):
            pass  # then it is read with the record as it is
        return decode_checkpoint(data, manifest, named, genesis)

    return read
