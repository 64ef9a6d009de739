"""Asking an endpoint for what makes its facts provable: state proofs, receipts, signed transactions (R32.4).

An endpoint that does not give one of these is not asked for it again; what it said stays its word.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
import rlp

from ledger.audit.bundle.car_file import BLOCK_BYTES_MAX
from ledger.audit.bundle.recording import make_header_row
from ledger.audit.bundle.rows import (
    HeaderRow,
    ReceiptRow,
    SlotProof,
    State,
    TransactionRow,
    encode_block,
    to_bytes,
    to_hex,
)
from ledger.chain.proofs.accounts import SLOTS
from ledger.chain.proofs.headers import Header, decode_header
from ledger.chain.proofs.receipts import make_receipts_trie, make_transactions_trie
from ledger.chain.proofs.tries import Trie
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Nonsense
from ledger.chain.rpc.client import ChainTrouble, Rpc
from ledger.circle import events

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_TRANSACTIONS_MAX: Final = 2000
_NODES_MAX: Final = 128
# Whose place in the chain says what the running hash does not.
PLACED: Final = (
    events.Opened,
    events.Joined,
    events.Drawn,
    events.Settled,
    events.Left,
    events.Ejected,
    events.Released,
    events.Rotated,
    events.Restarted,
    events.Equivocated,
    events.Disputed,
    events.Summoned,
    events.Resolved,
    events.Referred,
)


@dataclass
class Prover:
    """Asks one endpoint. refused: the methods that it does not answer."""

    rpc: Rpc
    """The endpoint."""
    refused: set[str] = field(default_factory=set)
    """Methods that it does not answer, or not as it should."""

    def fetch_state(self, contract: str, block: int) -> State | None:
        """The proofs of the circle's account and words; None where they are not given."""

        def parse(raw: Any) -> State:
            if not isinstance(raw, dict) or not isinstance(raw.get("storageProof"), list):
                raise Nonsense("a proof is no object")
            proofs = {answers.parse_quantity(one.get("key")): one for one in raw["storageProof"]}
            return State(
                _parse_nodes(raw.get("accountProof")),
                [
                    SlotProof(slot, _word(proofs[slot].get("value")), _parse_nodes(proofs[slot].get("proof")))
                    for slot in SLOTS
                ],
            )

        words = [f"0x{slot:064x}" for slot in SLOTS]
        return self._ask("eth_getProof", [contract, words, hex(block)], parse)

    def fetch_header(self, number: int) -> HeaderRow | None:
        """A block's header."""
        return self._ask("eth_getBlockByNumber", [hex(number), False], make_header_row)

    def fetch_receipts(self, contract: str, header: HeaderRow) -> list[ReceiptRow]:
        """Proofs of the receipts with the circle's logs in a block; none where they are not given."""
        proved = _open(header)
        if proved is None:
            return []

        def parse(raw: Any) -> tuple[Trie, list[int]]:
            trie = make_receipts_trie(raw)
            return trie, [index for index, one in enumerate(raw) if _has_log_of(one, contract)]

        found = self._ask("eth_getBlockReceipts", [hex(header.number)], parse)
        if found is None:
            return []
        trie, wanted = found
        if trie.root != proved.receipts_root:
            _log.warning("receipts do not give their root block=%d", header.number)
            self.refused.add("eth_getBlockReceipts")
            return []
        rows = [
            ReceiptRow(header.number, index, list(map(to_hex, trie.show(rlp.encode(index))))) for index in wanted
        ]
        return [row for row in rows if len(encode_block(row)) < BLOCK_BYTES_MAX - 2]

    def make_transaction(self, told: dict[str, Any], header: HeaderRow | None) -> TransactionRow:
        """A transaction's row, with as much of a proof as the endpoint gives. Raises Nonsense."""
        found = answers.parse_digest(told.get("hash"))
        to = told.get("to")
        raw = self._fetch_raw(found)
        row = TransactionRow(
            found,
            answers.parse_height(told.get("blockNumber")),
            answers.parse_quantity(told.get("transactionIndex"), 1 << 32),
            to_hex(answers.parse_data(told.get("from"))),
            None if to is None else to_hex(answers.parse_data(to)),
            answers.parse_nonce(told.get("nonce")),
            to_hex(answers.parse_data(told.get("input"))),
            None if raw is None else to_hex(raw),
            [],
        )
        proof = [] if raw is None or header is None else self._show_transaction(row, header)
        return msgspec.structs.replace(row, proof=proof)

    def _show_transaction(self, row: TransactionRow, header: HeaderRow) -> list[str]:
        proved = _open(header)
        if proved is None or "whole blocks" in self.refused:
            return []
        hashes = self._ask("eth_getBlockByNumber", [hex(header.number), False], _parse_transactions)
        signed = [self._fetch_raw(one) for one in hashes or []]
        if not signed or None in signed:
            return []
        trie = make_transactions_trie([one for one in signed if one is not None])
        if trie.root != proved.transactions_root:
            _log.warning("transactions do not give their root block=%d", header.number)
            return []
        return list(map(to_hex, trie.show(rlp.encode(row.index))))

    def _fetch_raw(self, transaction: str) -> bytes | None:
        raw = self._ask("eth_getRawTransactionByHash", [transaction], answers.or_null(answers.parse_data))
        return raw or None

    def _ask(self, method: str, params: list[Any], parse: Callable[[Any], _T]) -> _T | None:
        if method in self.refused:
            return None
        try:
            return self.rpc.request(method, params, parse)
        except ChainTrouble as error:
            _log.info("not given method=%s reason=%s", method, error)
            self.refused.add(method)
            return None


def find_placed_blocks(placed: Iterable[Any]) -> set[int]:
    """The blocks of the events whose place says something. placed: PlacedEvents."""
    return {place.position[0] for place in placed if isinstance(place.event, PLACED)}


def _open(row: HeaderRow) -> Header | None:
    return None if row.rlp is None else decode_header(to_bytes(row.rlp))


def _has_log_of(receipt: dict[str, Any], contract: str) -> bool:
    return any(str(log.get("address")).lower() == contract.lower() for log in receipt["logs"])


def _parse_nodes(raw: Any) -> list[str]:
    if not isinstance(raw, list) or len(raw) > _NODES_MAX:
        raise Nonsense("a proof's nodes are no list")
    return [to_hex(answers.parse_data(node)) for node in raw]


def _parse_transactions(raw: Any) -> list[str]:
    found = raw.get("transactions") if isinstance(raw, dict) else None
    if not isinstance(found, list) or len(found) > _TRANSACTIONS_MAX:
        raise Nonsense("a block's transactions are no list, or too many")
    return [answers.parse_digest(one) for one in found]


def _word(raw: Any) -> str:
    return to_hex(answers.parse_quantity(raw).to_bytes(32, "big"))
