"""Blobs that are no updates: every kind is refused for a reason of its own, and nothing in them is believed."""

import numpy as np
import pytest

from ledger.blobs.contents.records import Update, decode_update, encode_update, update_max_bytes
from ledger.codec import ZSTD, blocks_of, decode, quantise
from ledger.errors import PeerFault
from node.attacks import choose_attack
from node.attacks.unreadable import KINDS
from tests.support.histories.parts import manifest_of

NETWORK, AUTHOR = bytes(range(32)), bytes(range(20))
MANIFEST = manifest_of(20, 3, codec=ZSTD, rule="none", rule_parameters={})


def honest_blob(number: int) -> bytes:
    vector = np.random.default_rng(0).normal(size=MANIFEST.state_size).astype(np.float32)
    return encode_update(
        Update(
            NETWORK, number, AUTHOR, bytes(32), ZSTD, quantise(vector, blocks_of(MANIFEST.sizes)).payload, b"", None
        )
    )


def check(blob: bytes, number: int) -> None:
    """As a judge does."""
    update = decode_update(blob, MANIFEST, NETWORK, number, AUTHOR)
    decode(update.payload, update.codec, blocks_of(MANIFEST.sizes))


def test_an_honest_blob_is_readable() -> None:
    check(honest_blob(1), 1)


def test_every_kind_of_malformed_blob_is_a_fault_of_its_own() -> None:
    malformed, reasons = choose_attack("malformed"), set()
    for number in range(1, len(KINDS) + 1):
        blob = malformed.blob(
            honest_blob(number), update_max_bytes(MANIFEST), number, np.random.default_rng(number)
        )
        assert blob.startswith(b"FM")
        with pytest.raises(PeerFault) as caught:
            check(blob, number)
        reasons.add(str(caught.value)[:30])
    assert len(reasons) >= len(KINDS) - 1


def test_one_kind_alone_can_be_asked_for() -> None:
    malformed = choose_attack("malformed", {"kind": 4})
    for number in (2, 3):
        blob = malformed.blob(honest_blob(number), update_max_bytes(MANIFEST), number, np.random.default_rng(0))
        with pytest.raises(PeerFault, match=f"names round {number - 1}"):
            check(blob, number)


def test_an_oversize_blob_is_larger_than_any_update_may_be() -> None:
    limit = update_max_bytes(MANIFEST)
    blob = choose_attack("oversize").blob(honest_blob(1), limit, 1, np.random.default_rng(0))
    assert len(blob) == 4 + 4 * limit
    with pytest.raises(PeerFault, match="the task allows"):
        check(blob, 1)
