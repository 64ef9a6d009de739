"""What a bundle's chain facts prove by themselves, and what of them is an endpoint's word (R32.4)."""

from dataclasses import dataclass, field
from typing import Final

import rlp
from eth_account import Account
from eth_hash.auto import keccak
from eth_utils.address import to_canonical_address

from ledger.audit.bundle.names import BadBundle
from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import EventRow, HeaderRow, TransactionRow, to_bytes, to_hex
from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.proofs.accounts import SLOTS, prove_account, prove_word, read_history_word, read_reputation_words
from ledger.chain.proofs.headers import Header, decode_header
from ledger.chain.proofs.items import BadProof, Item, decode_list
from ledger.chain.proofs.receipts import ProvedLog, find_proved_logs, find_proved_transaction
from ledger.circle.events import Drawn, Settled

# Where to, data and nonce stand in a signed transaction of each type.
_PLACES: Final = {0: (0, 3, 5), 1: (1, 4, 6), 2: (1, 5, 7), 4: (1, 5, 7)}


@dataclass
class Proved:
    """What follows from hashes alone."""

    header: bool = False
    """The block's time and roots follow from its hash."""
    state: bool = False
    """Code, running hash and reputation words follow from the block's state root."""
    headers: int = 0
    """So many headers follow from their hashes …"""
    headers_told: int = 0
    """… and so many are an endpoint's word."""
    headers_bound: int = 0
    """Of those that follow from their hashes, so many hashes are the chain's where the running hash is: that of
    the bundle's own block, and those of the blocks that drew a round that is settled."""
    placed: set[tuple[int, int]] = field(default_factory=set)
    """(block, index) of the events that receipts show in their blocks."""
    transactions: set[str] = field(default_factory=set)
    """Hashes of the transactions that are shown in their blocks."""


def check_facts(bundle: Bundle) -> Proved:
    """Hold every proof in a bundle against what it proves. Raises BadBundle where one does not hold."""
    try:
        return _check(bundle)
    except BadProof as error:
        raise BadBundle(f"{bundle.path} is no proper bundle: a proof in it does not hold: {error}") from None
    except BadBundle as error:
        raise BadBundle(
            error.args[0] if str(bundle.path) in str(error) else f"{bundle.path} is no proper bundle: {error}"
        ) from None


def _check(bundle: Bundle) -> Proved:
    root, proved = bundle.root, Proved()
    head = _check_header(root.block)
    proved.header = head is not None
    headers: dict[int, Header] = {}
    time_s = 0
    for row in bundle.read_headers():
        # [REJECT] R32.4: no block is older than the one before it.
        if row.time_s < time_s or row.time_s > root.block.time_s:
            raise BadBundle(f"the time of block {row.number} is not between those of the blocks around it")
        time_s = row.time_s
        found = _check_header(row)
        if row.number > root.block.number:
            raise BadBundle(f"it is of block {root.block.number} and tells of block {row.number}")
        if found is None:
            proved.headers_told += 1
        else:
            headers[row.number] = found
            proved.headers += 1
    proved.state = _check_state(bundle, head)
    receipts: dict[int, list[ProvedLog]] = {}
    for receipt in bundle.read_receipts():
        logs = find_proved_logs(
            _need_header(headers, receipt.block).receipts_root, receipt.index, list(map(to_bytes, receipt.proof))
        )
        address = to_canonical_address(root.contract)
        receipts.setdefault(receipt.block, []).extend(log for log in logs if log.address == address)
    _place_events(bundle, headers, receipts, proved)
    proved.headers_bound = len(headers.keys() & (_find_settling_draws(bundle) | {root.block.number}))
    for transaction in bundle.read_transactions():
        if _check_transaction(transaction, headers):
            proved.transactions.add(transaction.hash)
    return proved


def _check_header(row: HeaderRow) -> Header | None:
    """[REJECT] R32.4: a header says what its row says, and hashes to it."""
    if row.rlp is None:
        return None
    header = decode_header(to_bytes(row.rlp))
    if (to_hex(header.hash), header.number, header.time_s) != (row.hash, row.number, row.time_s):
        raise BadProof(f"the header of block {row.number} is not the one that its row tells of")
    return header


def _check_state(bundle: Bundle, head: Header | None) -> bool:
    state, calls = bundle.read_state(), bundle.root.calls
    if state is None:
        return False
    if head is None:
        raise BadProof("the state is proved against a header that is not there")
    account = prove_account(
        head.state_root, to_canonical_address(bundle.root.contract), list(map(to_bytes, state.account))
    )
    if keccak(bundle.read(bundle.root.code.circle.name)) != account.code_hash:
        raise BadProof("the circle's code is not the one at its address")
    words: dict[int, bytes] = {}
    for slot in state.storage:
        word = prove_word(account.storage_root, slot.slot, list(map(to_bytes, slot.proof)))
        if to_hex(word) != slot.value:
            raise BadProof(f"slot {slot.slot} of the circle's storage holds another word")
        words[slot.slot] = word
    # A slot told of twice would be one word all the same.
    if tuple(slot.slot for slot in state.storage) != SLOTS:
        raise BadProof("other words of the circle's storage are proved than a bundle has")
    if to_hex(read_history_word(words)) != calls.history:
        raise BadProof("the running hash is not the one that the state proves")
    if [to_hex(word) for word in read_reputation_words(words)] != calls.reputation_words:
        raise BadProof("the reputations are not those that the state proves")
    return True


def _place_events(
    bundle: Bundle, headers: dict[int, Header], receipts: dict[int, list[ProvedLog]], proved: Proved
) -> None:
    """[REJECT] R32.4: what receipts show of the circle is told among the events of their block, in order."""
    for row in bundle.read_events():
        if row.block > bundle.root.block.number:
            raise BadProof(f"an event is of block {row.block}, later than the bundle's")
        header = headers.get(row.block)
        if header is not None and to_hex(header.hash) != row.block_hash:
            raise BadProof(f"an event of block {row.block} names another block hash than its header")
        shown = receipts.get(row.block)
        if shown and shown[0] == _to_log(row, shown[0].address):
            shown.pop(0)
            proved.placed.add((row.block, row.index))
    for block, left in receipts.items():
        if left:
            raise BadProof(f"receipts of block {block} show events that the bundle does not tell of")


def _find_settling_draws(bundle: Bundle) -> set[int]:
    """The blocks whose hashes the running hash covers: of draws of rounds that were settled since."""
    drawing, settling = _make_topic(Drawn.__name__), _make_topic(Settled.__name__)
    found, drawn = set[int](), None
    for row in bundle.read_events():
        topic = row.topics[0] if row.topics else ""
        if topic == drawing:
            drawn = row.block
        elif topic == settling and drawn is not None:
            found.add(drawn)
    return found


def _make_topic(name: str) -> str:
    types = ",".join(load_circle_artifact().find_types("event", name))
    return to_hex(keccak(f"{name}({types})".encode()))


def _to_log(row: EventRow, address: bytes) -> ProvedLog:
    return ProvedLog(address, tuple(map(to_bytes, row.topics)), to_bytes(row.data))


def _check_transaction(row: TransactionRow, headers: dict[int, Header]) -> bool:
    """Whether a transaction is shown in its block. Raises BadProof where it is not what its row says."""
    if row.raw is None:
        return False
    raw = to_bytes(row.raw)
    if to_hex(keccak(raw)) != row.hash:
        raise BadProof(f"transaction {row.hash} is not the one that was signed")
    _check_fields(row, raw)
    if not row.proof:
        return False
    shown = find_proved_transaction(
        _need_header(headers, row.block).transactions_root, row.index, list(map(to_bytes, row.proof))
    )
    if shown != raw:
        raise BadProof(f"another transaction stands in the place of {row.hash}")
    return True


def _check_fields(row: TransactionRow, raw: bytes) -> None:
    kind = raw[0] if raw[:1] < b"\xc0" else 0
    if kind not in _PLACES:
        raise BadProof(f"transaction {row.hash} is of a type that nobody here can read")
    items: list[Item] = decode_list(raw[1:] if kind else raw)
    nonce, to, data = _PLACES[kind]
    if len(items) <= data:
        raise BadProof(f"transaction {row.hash} is cut off")
    told = [
        rlp.encode(row.nonce),
        rlp.encode(b"" if row.to is None else to_bytes(row.to)),
        rlp.encode(to_bytes(row.input)),
    ]
    if [rlp.encode(items[place]) for place in (nonce, to, data)] != told:
        raise BadProof(f"transaction {row.hash} says something else than its row")
    try:
        sender = str(Account.recover_transaction(raw)).lower()
    except Exception as error:  # eth_account raises what its libraries do
        raise BadProof(f"the signature of transaction {row.hash} is none: {str(error)[:80]}") from None
    if sender != row.sender:
        raise BadProof(f"transaction {row.hash} is {sender}'s and not {row.sender}'s")


def _need_header(headers: dict[int, Header], block: int) -> Header:
    if block not in headers:
        raise BadProof(f"something is proved against a header of block {block} that is not there")
    return headers[block]
