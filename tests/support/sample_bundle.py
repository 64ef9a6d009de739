"""A small bundle with every kind of row and every proof in it, the same on every machine."""

from typing import Any

import rlp
from eth_account import Account
from eth_hash.auto import keccak
from eth_utils.address import to_canonical_address

from ledger.audit.bundle.rows import (
    EventRow,
    HeaderRow,
    Made,
    ReceiptRow,
    ScopeRow,
    SlotProof,
    State,
    TransactionRow,
    to_hex,
)
from ledger.audit.bundle.writer import Evidence
from ledger.blobs.unixfs import build_dag
from ledger.chain.proofs.accounts import SLOTS
from ledger.chain.proofs.tries import Trie
from ledger.identity.network import Network

NETWORK = Network.of(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
KEY = keccak(b"a key for tests")
CODE, COURT_CODE, MANIFEST = b"the circle's code", b"the court's code", b'{"version":1}'
BLOB, OTHER_BLOB, NO_BLOB = b"FM an update", b"FM another update", b"\x00 no blob at all"
LOST = keccak(b"a lost blob")
WORDS = {slot: (slot + 1).to_bytes(32, "big") * (slot % 3 > 0) or bytes(32) for slot in SLOTS}
TOPIC, DATA = keccak(b"a topic"), b"\x05" * 32
CONTRACT = to_canonical_address(NETWORK.contract)


def make_evidence(**changes: Any) -> Evidence:
    """The evidence. changes: fields of it to be replaced."""
    raw = sign_transaction()
    transactions = Trie({rlp.encode(0): raw})
    receipts = Trie({rlp.encode(0): b"\x02" + rlp.encode([1, 21_000, bytes(256), [[CONTRACT, [TOPIC], DATA]]])})
    drawn = make_header(7, transactions_root=transactions.root, receipts_root=receipts.root)
    storage = Trie(
        {keccak(slot.to_bytes(32, "big")): encode_word(word) for slot, word in WORDS.items() if any(word)}
    )
    accounts = {keccak(CONTRACT): rlp.encode([1, 0, storage.root, keccak(CODE)]), keccak(b"\x01" * 20): b"another"}
    state = Trie(accounts)
    head = make_header(9, state_root=state.root)
    proofs = [
        SlotProof(slot, to_hex(WORDS[slot]), list(map(to_hex, storage.show(keccak(slot.to_bytes(32, "big"))))))
        for slot in SLOTS
    ]
    sender = Account.from_key(KEY).address.lower()
    fields: dict[str, Any] = {
        "network": NETWORK,
        "block": head,
        "made": Made(1_800_000_000, "endpoint.example:8545", "folkmoot 0.1.0"),
        "scope": ScopeRow(1, None, None),
        "circle_code": CODE,
        "court_code": COURT_CODE,
        "history": WORDS[0][:24],
        "reputation_words": [WORDS[slot] for slot in SLOTS[1:]],
        "manifest": MANIFEST,
        "state": State(list(map(to_hex, state.show(keccak(CONTRACT)))), proofs),
        "events": [
            EventRow(7, 0, drawn.hash, to_hex(keccak(raw)), [to_hex(TOPIC)], to_hex(DATA)),
            EventRow(8, 3, to_hex(keccak(b"block 8")), to_hex(keccak(b"transaction")), [to_hex(TOPIC)], "0x"),
        ],
        "headers": {7: drawn, 9: head},
        "receipts": {(7, 0): ReceiptRow(7, 0, list(map(to_hex, receipts.show(rlp.encode(0)))))},
        "transactions": {
            (7, 0): TransactionRow(
                to_hex(keccak(raw)), 7, 0, sender, None, 3, to_hex(b"creation"), to_hex(raw),
                list(map(to_hex, transactions.show(rlp.encode(0)))),
            )
        },
        "whole": {build_dag(BLOB).root, build_dag(OTHER_BLOB).root},
        "invalid": {build_dag(NO_BLOB).root: [build_dag(NO_BLOB).root]},
        "missing": {LOST: {"http://gateway.example": "status 404", "http://other.example": 'said "né"'}},
    }  # fmt: skip
    return Evidence(**{**fields, **changes})


def read_block(digest: bytes) -> bytes | None:
    """A blob's block."""
    return {build_dag(blob).root: blob for blob in (BLOB, OTHER_BLOB, NO_BLOB)}.get(digest)


def make_header(number: int, **roots: bytes) -> HeaderRow:
    """A header with these roots."""
    names = ("state_root", "transactions_root", "receipts_root")
    begin = [bytes(32), bytes(32), bytes(20), *(roots.get(name, bytes(32)) for name in names), bytes(256)]
    numbers = [0, number, 30_000_000, 21_000, 1_700_000_000 + number]
    fields = [*begin, *numbers, b"", bytes(32), bytes(8), 10**9]
    encoded = rlp.encode(fields)
    return HeaderRow(number, to_hex(keccak(encoded)), 1_700_000_000 + number, to_hex(encoded))


def encode_word(word: bytes) -> bytes:
    """A word as a storage trie holds it."""
    encoded: bytes = rlp.encode(int.from_bytes(word, "big"))
    return encoded


def sign_transaction() -> bytes:
    """A transaction that makes a contract."""
    fields = {"chainId": 31337, "nonce": 3, "value": 0, "gas": 200_000, "data": b"creation", "to": b""}
    fields |= {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    return bytes(Account.from_key(KEY).sign_transaction(fields).raw_transaction)
