"""Bundles: a whole file whose blocks hash to their names all the same, whatever was changed in them."""

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ledger.audit.bundle.car_file import encode_header, encode_section
from ledger.audit.bundle.facts import check_facts
from ledger.audit.bundle.names import DAG_JSON, BadBundle, BlockName
from ledger.audit.bundle.offline import BundledBlobs, BundledChain, read_code_task
from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.writer import add_signature, sign_bundle, write_bundle
from ledger.chain.contract.artifact import CodeMismatch
from ledger.errors import Foreseen
from ledger.identity.signing import sign
from scripts.fuzz.damage import mutate_bytes
from scripts.fuzz.decoders.decoder import Decoder, through_file
from scripts.fuzz.trees import mutate_json
from tests.support.sample_bundle import KEY, NETWORK, make_evidence, read_block

_SIGNER: Final = "0x23Ac426b66695c2D3A94b4A4d0d1F2e867772F2b"
_Blocks = list[tuple[BlockName, bytes]]


def make(folder: Path) -> Iterator[Decoder]:
    """Those of this module."""
    path = folder / "sample.car"
    write_bundle(path, make_evidence(), read_block)
    with Bundle(path) as bundle:
        block = sign_bundle(NETWORK, bundle.name, 1_800_000_007, _SIGNER, lambda message: sign(KEY, message))
        add_signature(bundle, block)
    with Bundle(path) as bundle:
        roots, blocks = bundle.roots, [(name, bundle.read(name)) for name in bundle.names]
    sample = path.read_bytes()

    def change(rng: random.Random, _: bytes, others: Sequence[bytes]) -> bytes:
        return _change_block(rng, roots, blocks, others)

    reads = through_file(folder / "bundle.car", _read)
    yield Decoder("bundle", (sample,), reads, (BadBundle,), change, 0.6)


def _read(path: Path) -> object:
    with Bundle(path) as bundle:
        chain, _ = BundledChain(bundle), BundledBlobs(bundle)
        for digest in (*bundle.blobs, *bundle.invalid):
            try:
                bundle.read_blob(digest, 1 << 20)
                bundle.find_blob(digest, 1 << 20)
            except Foreseen:
                continue
        with suppress(CodeMismatch):
            read_code_task(bundle)
        return check_facts(bundle), chain.first_block


def _change_block(
    rng: random.Random, roots: Sequence[BlockName], blocks: _Blocks, others: Sequence[bytes]
) -> bytes:
    """A CAR in which one block is another one, and whatever named it names that."""
    held = dict(blocks)
    name = rng.choice([*held])
    if name.codec == DAG_JSON and rng.random() < 0.85:
        held[name] = mutate_json(rng, held[name], ())
    else:
        held[name] = mutate_bytes(rng, held[name], [held[name], *others])
    renamed: dict[BlockName, tuple[BlockName, bytes]] = {}

    def rename(one: BlockName) -> BlockName:
        renamed[one] = one, held[one]  # while it is looked at: what names itself keeps its name
        block = held[one]
        for other in held:
            for spell in (_spell_text, _spell_binary):
                if other != one and spell(other) in block:
                    new = renamed[other][0] if other in renamed else rename(other)
                    block = block.replace(spell(other), spell(new))
        renamed[one] = BlockName.of(one.codec, block), block
        return renamed[one][0]

    for one in held:
        if one not in renamed:
            rename(one)
    heads = [renamed[root][0] for root in roots]
    return encode_header(heads) + b"".join(encode_section(*renamed[one]) for one in held)


def _spell_text(name: BlockName) -> bytes:
    return name.text.encode()


def _spell_binary(name: BlockName) -> bytes:
    return name.binary
