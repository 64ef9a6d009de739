"""An account and words of its storage, as a header's state root proves them (R32.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eth_hash.auto import keccak

from ledger.chain.proofs.items import BadProof, decode_item, decode_list, read_fixed, read_number
from ledger.chain.proofs.tries import check_path

HISTORY_SLOT: Final = 0
"""Where the circle keeps its running hash, in the word's first 24 bytes."""
REPUTATION_SLOTS: Final = range(79, 95)
"""Where it keeps its reputation words."""
SLOTS: Final = (HISTORY_SLOT, *REPUTATION_SLOTS)


@dataclass(frozen=True)
class ProvedAccount:
    """What a state root says of an account."""

    code_hash: bytes
    """keccak of its code, 32 bytes."""
    storage_root: bytes
    """32 bytes."""


def prove_account(state_root: bytes, address: bytes, nodes: Sequence[bytes]) -> ProvedAccount:
    """An account that is there. state_root: 32 bytes; address: 20 bytes. Raises BadProof."""
    found = check_path(state_root, keccak(address), nodes)
    if found is None:
        raise BadProof("the state root proves that there is no such account")
    items = decode_list(found)
    if len(items) != 4:
        raise BadProof("what is proved is no account")
    return ProvedAccount(read_fixed(items[3], 32), read_fixed(items[2], 32))


def prove_word(storage_root: bytes, slot: int, nodes: Sequence[bytes]) -> bytes:
    """A word of storage, 32 bytes; zeros where nothing was written. Raises BadProof."""
    found = check_path(storage_root, keccak(slot.to_bytes(32, "big")), nodes)
    return bytes(32) if found is None else read_number(decode_item(found)).to_bytes(32, "big")


def read_history_word(words: Mapping[int, bytes]) -> bytes:
    """The running hash, 24 bytes. words: slot → 32 bytes."""
    return words[HISTORY_SLOT][:24]


def read_reputation_words(words: Mapping[int, bytes]) -> list[bytes]:
    """The sixteen reputation words, 32 bytes each. words: slot → 32 bytes."""
    return [words[slot] for slot in REPUTATION_SLOTS]
