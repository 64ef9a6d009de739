"""Receipts of a block: the trie that its header names, built from what an endpoint tells, and the logs in one."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import rlp

from ledger.chain.proofs.items import BadProof, decode_list, read_fixed, read_number
from ledger.chain.proofs.tries import Trie, check_path
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Nonsense

_RECEIPTS_MAX: Final = 1 << 16
_TYPE_MAX: Final = 0x7F
_LISTED_FROM: Final = 0xC0
# Of an OP chain's deposits, which tell two things more.
_DEPOSIT: Final = 0x7E
_TOPICS_MAX: Final = 4


class ProvedLog(NamedTuple):
    """A log in a proved receipt."""

    address: bytes
    """The contract's, 20 bytes."""
    topics: tuple[bytes, ...]
    """32 bytes each."""
    data: bytes
    """What is not indexed."""


def make_receipts_trie(told: Any) -> Trie:
    """The trie of all receipts of a block, as eth_getBlockReceipts tells them. Raises Nonsense.

    That its root is the header's is for the caller to see.
    """
    if not isinstance(told, list) or len(told) > _RECEIPTS_MAX or not all(isinstance(one, dict) for one in told):
        raise Nonsense("a block's receipts are no list of objects")
    return Trie({rlp.encode(index): _encode_receipt(one) for index, one in enumerate(told)})


def make_transactions_trie(signed: Sequence[bytes]) -> Trie:
    """The trie of all transactions of a block, as they were signed."""
    return Trie({rlp.encode(index): one for index, one in enumerate(signed)})


def find_proved_logs(root: bytes, index: int, nodes: Sequence[bytes]) -> list[ProvedLog]:
    """The logs of transaction `index` of a block with this receipts root, 32 bytes. Raises BadProof."""
    return [_read_log(log) for log in _open_receipt(root, index, nodes)[3]]


def read_cumulative_gas(root: bytes, index: int, nodes: Sequence[bytes]) -> int:
    """The gas that a block had used once transaction `index` was done, units. Raises BadProof."""
    return read_number(_open_receipt(root, index, nodes)[1])


def find_proved_transaction(root: bytes, index: int, nodes: Sequence[bytes]) -> bytes:
    """Transaction `index` of a block with this transactions root, as it was signed. Raises BadProof."""
    found = check_path(root, rlp.encode(index), nodes)
    if not found:
        raise BadProof(f"the block has no transaction {index}")
    return found


def _open_receipt(root: bytes, index: int, nodes: Sequence[bytes]) -> list[Any]:
    receipt = check_path(root, rlp.encode(index), nodes)
    if not receipt:
        raise BadProof(f"the block has no transaction {index}")
    items = decode_list(receipt if receipt[0] >= _LISTED_FROM else receipt[1:])
    if len(items) < _TOPICS_MAX or isinstance(items[3], bytes):
        raise BadProof("what is proved is no receipt")
    return items


def _read_log(log: Any) -> ProvedLog:
    if isinstance(log, bytes) or len(log) != 3 or isinstance(log[1], bytes) or not isinstance(log[2], bytes):
        raise BadProof("what is proved is no log")
    return ProvedLog(read_fixed(log[0], 20), tuple(read_fixed(topic, 32) for topic in log[1]), log[2])


def _encode_receipt(told: dict[str, Any]) -> bytes:
    kind = answers.parse_quantity(told.get("type", "0x0"), _TYPE_MAX)
    before = told.get("status")
    logs = told.get("logs")
    if not isinstance(logs, list):
        raise Nonsense("a receipt has no logs")
    items: list[Any] = [
        answers.parse_data(told.get("root")) if before is None else answers.parse_quantity(before),
        answers.parse_quantity(told.get("cumulativeGasUsed")),
        answers.parse_data(told.get("logsBloom")),
        [_encode_log(log) for log in logs],
    ]
    if kind == _DEPOSIT:
        more = (told.get(name) for name in ("depositNonce", "depositReceiptVersion"))
        items += [answers.parse_quantity(one) for one in more if one is not None]
    encoded: bytes = rlp.encode(items)
    return bytes([kind]) + encoded if kind else encoded


def _encode_log(log: Any) -> list[Any]:
    if not isinstance(log, dict) or not isinstance(log.get("topics"), list):
        raise Nonsense("a receipt has something that is no log")
    topics = [answers.parse_data(topic) for topic in log["topics"]]
    return [answers.parse_data(log.get("address")), topics, answers.parse_data(log.get("data"))]
