"""What the circle's transactions cost, learnt from their receipts behind the page, or from a bundle's proofs."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import ReceiptRow, to_bytes
from ledger.chain.proofs.headers import decode_header
from ledger.chain.proofs.items import BadProof
from ledger.chain.proofs.receipts import read_cumulative_gas
from ledger.chain.rpc import answers
from ledger.chain.rpc.client import Rpc
from ledger.errors import Foreseen
from ledger.untrusted.text import make_printable
from node.watch.source import Source

_log = logging.getLogger(__name__)
_KEPT_MAX: Final = 100_000
WANTED_MAX: Final = 20_000
"""So many receipts may be waited for; what was asked for last comes first."""
_PAUSE_S: Final = 5.0
# A receipt that the endpoint has not got is waited for no more, and asked for again after so long.
_AGAIN_S: Final = 60.0
_GAS_MAX: Final = 1 << 40
_PRICE_MAX: Final = 1 << 80


@dataclass(frozen=True, slots=True)
class Paid:
    """What one transaction cost."""

    gas: int
    """Units."""
    price_wei: int | None
    """For a unit; None where nobody says."""
    sender: str
    """Who paid, in lower case; empty where nobody says."""


class GasBook:
    """One source's. `run` asks the endpoint; all else is called from any thread."""

    def __init__(self, rpc: Rpc | None, bundle: Bundle | None) -> None:
        """rpc: a connection of its own, so that nothing waits for it; None for a bundle, or where there is none."""
        self._rpc = rpc
        self._paid: dict[str, Paid] = {} if bundle is None else read_bundled_gas(bundle)
        self._wanted: dict[str, None] = {}
        # Transaction → when the endpoint had no receipt of it, or none that can be, on the monotonic clock.
        self._untold: dict[str, float] = {}
        self._is_ended = False
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self.trouble = ""
        """Why nothing more is learnt now, in words; empty while all is well."""
        self.version = 0
        """Rises with what is learnt."""
        self.sizes: dict[bytes, int | None] = {}
        """Digest of an update → its bytes, as far as somebody looked; None where it is not here."""

    def find(self, transaction: str) -> Paid | None:
        """What a transaction cost; None where that is not known, or not yet."""
        return self._paid.get(transaction)

    def ask(self, transactions: Iterable[str]) -> int:
        """Have these asked for, the first one first. Returns how many of them are waited for.

        Of more than WANTED_MAX the first so many: others would drive out what was learnt of these.
        """
        if self._rpc is None:
            return 0
        with self._lock:
            now = time.monotonic()
            lacking = [
                one
                for one in islice(transactions, WANTED_MAX)
                if one not in self._paid and not self._is_untold(one, now)
            ]
            for one in reversed(lacking):
                self._wanted.pop(one, None)
                self._wanted[one] = None
            while len(self._wanted) > WANTED_MAX:
                del self._wanted[next(iter(self._wanted))]
        if lacking and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)
        return len(lacking)

    def _is_untold(self, transaction: str, now: float) -> bool:
        at = self._untold.get(transaction)
        return at is not None and now - at < _AGAIN_S

    async def run(self) -> None:
        """Ask for one receipt after the other until cancelled; an endpoint in trouble is left alone for a while."""
        self._loop = asyncio.get_running_loop()
        try:
            await self._ask_on()
        finally:
            # The thread that asks cannot be called off: it ends behind the question under way.
            self._is_ended = True

    async def _ask_on(self) -> None:
        while True:
            if not self._wanted:
                self._wake.clear()
                if not self._wanted:
                    await self._wake.wait()
            if not await asyncio.to_thread(self._ask_some):
                await asyncio.sleep(_PAUSE_S)

    def _ask_some(self, most: int = 50) -> bool:
        """Ask for some. Returns whether the endpoint is fit for more."""
        for _ in range(most):
            with self._lock:
                if not self._wanted or self._is_ended:
                    return True
                one = next(reversed(self._wanted))
            try:
                found = self._fetch(one)
            except Foreseen as error:
                self.trouble = make_printable(str(error), 300)
                self.version += 1
                _log.info("receipt not told transaction=%s reason=%s", one, error)
                return False
            with self._lock:
                self._wanted.pop(one, None)
                self.trouble = ""
                if found is not None:
                    self._put(one, found)
                else:
                    self._untold.pop(one, None)
                    self._untold[one] = time.monotonic()
                    while len(self._untold) > _KEPT_MAX:
                        del self._untold[next(iter(self._untold))]
                self.version += 1
        return True

    def _fetch(self, transaction: str) -> Paid | None:
        assert self._rpc is not None
        receipt = self._rpc.request("eth_getTransactionReceipt", [transaction], answers.receipt_parser(transaction))
        if receipt is None or receipt.gas > _GAS_MAX:
            return None
        price = receipt.price_wei if receipt.price_wei <= _PRICE_MAX else None
        return Paid(receipt.gas, price, receipt.sender.lower())

    def _put(self, transaction: str, paid: Paid) -> None:
        self._paid[transaction] = paid
        while len(self._paid) > _KEPT_MAX:
            del self._paid[next(iter(self._paid))]


def find_gas_book(source: Source) -> GasBook:
    """The one that goes with a source."""
    book = source.__dict__.get("gas_book")
    if book is None:
        made = GasBook(source.receipts_rpc, source.bundle)
        book = source.__dict__.setdefault("gas_book", made)
    found: GasBook = book
    return found


async def run_gas_book(source: Source) -> None:
    """Learn what the views of a source ask for, until cancelled."""
    book = await asyncio.to_thread(find_gas_book, source)
    await book.run()


def read_bundled_gas(bundle: Bundle) -> dict[str, Paid]:
    """Transaction → its gas, as far as a bundle's receipts tell: each says how much its block had used by then.

    The proofs were checked when the bundle was opened.
    """
    roots = {row.number: decode_header(to_bytes(row.rlp)).receipts_root for row in bundle.read_headers() if row.rlp}
    transactions: dict[int, dict[str, None]] = {}
    for event in bundle.read_events():
        transactions.setdefault(event.block, {})[event.transaction] = None
    receipts: dict[int, list[ReceiptRow]] = {}
    for row in bundle.read_receipts():
        receipts.setdefault(row.block, []).append(row)
    found: dict[str, Paid] = {}
    for block, rows in receipts.items():
        named = list(transactions.get(block, ()))
        # Both are in the order of the block; where some have no proof, which is whose is not known.
        if len(named) != len(rows) or block not in roots:
            continue
        used = {row.index: _read_used(roots[block], row) for row in rows}
        for name, row in zip(named, rows, strict=True):
            before = 0 if row.index == 0 else used.get(row.index - 1)
            after = used[row.index]
            if before is not None and after is not None and 0 <= after - before <= _GAS_MAX:
                found[name] = Paid(after - before, None, "")
    return found


def _read_used(root: bytes, row: ReceiptRow) -> int | None:
    try:
        return read_cumulative_gas(root, row.index, [to_bytes(node) for node in row.proof])
    except BadProof:
        return None
