"""eth_getProof (EIP-1186): an account and slots of its storage, with the trie nodes that prove them."""

from collections.abc import Sequence
from typing import Any

import rlp
from eth.rlp.accounts import Account
from eth_hash.auto import keccak
from trie.constants import BLANK_NODE_HASH
from trie.hexary import HexaryTrie

from ledger.testchain.evm.vm import Header
from ledger.testchain.storage.store import ChainStore

MAX_SLOTS = 1024
_HASHED_BYTES = 32
_NO_ACCOUNT = Account(nonce=0, balance=0)


def account_proof(store: ChainStore, header: Header, address: bytes, slots: Sequence[int]) -> dict[str, Any]:
    """Prove an account after a block, and slots of its storage, against the header's state root.

    address: 20 bytes. What is not there is proved to be absent. Source: EIP-1186; an absent account's hashes
    are those of an empty one, as go-ethereum has it.
    """
    state = HexaryTrie(store, header.state_root)
    encoded = state.get(keccak(address))
    account = rlp.decode(encoded, sedes=Account) if encoded else _NO_ACCOUNT
    storage = HexaryTrie(store, account.storage_root)
    return {
        "address": "0x" + address.hex(),
        "accountProof": _nodes(state, keccak(address)),
        "balance": hex(account.balance),
        "codeHash": "0x" + account.code_hash.hex(),
        "nonce": hex(account.nonce),
        "storageHash": "0x" + account.storage_root.hex(),
        "storageProof": [_slot_proof(storage, slot) for slot in slots],
    }


def _slot_proof(storage: HexaryTrie, slot: int) -> dict[str, Any]:
    key = keccak(slot.to_bytes(32, "big"))
    encoded = storage.get(key)
    value = int.from_bytes(rlp.decode(encoded), "big") if encoded else 0
    return {"key": hex(slot), "value": hex(value), "proof": _nodes(storage, key)}


def _nodes(trie: Any, key: bytes) -> list[str]:
    """The nodes from the root to a key. One below 32 bytes is inside its parent and has no place of its own."""
    if trie.root_hash == BLANK_NODE_HASH:
        return []
    encoded = [rlp.encode(node) for node in trie.get_proof(key)]
    return ["0x" + node.hex() for index, node in enumerate(encoded) if not index or len(node) >= _HASHED_BYTES]
