"""Bringing a key's transactions into blocks: lost answers, dropped, replaced and stuck ones, gaps, reorganisations.

Two rules hold throughout. The same call never has two nonces that can both be mined. Whatever the endpoint says of
a transaction that may be in a pool, its hashes are looked up before anything else is sent for it.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ledger.chain.rpc.answers import Receipt
from ledger.chain.rpc.client import ChainTrouble, ChainUnreachable
from ledger.chain.transactions.broadcast import Broadcaster
from ledger.chain.transactions.fees import FeeLimits, Market, bump, is_too_low
from ledger.chain.transactions.gas_limits import TRANSFER_GAS
from ledger.chain.transactions.pending import Call, Pending, PendingEntry
from ledger.chain.transactions.receipts import FeeLimitReached, NoReceipt, Refused
from ledger.chain.transactions.rejections import Rejection

_log = logging.getLogger(__name__)
_TRIES: Final = 6
_QUICK_S: Final = 2.0
# How often a nonce must be found used by a stranger, or missing, before it counts: endpoints lag behind each other.
_TAKEN_LOOKS: Final = 3
_GAP_LOOKS: Final = 2
_GAP_MAX: Final = 16


@dataclass(frozen=True)
class DeliveryPace:
    """How often a transaction is looked after. Seconds."""

    poll_s: float = 0.1
    """Between looks for a receipt at first."""
    slow_poll_s: float = 0.5
    """Between looks for a receipt later."""
    look_s: float = 5.0
    """Between closer looks at a transaction that has none."""
    lost_s: float = 10.0
    """For so long a silent chain is borne with once something was sent."""
    taken_s: float = 30.0
    """For so long a nonce must be found used, and no receipt, before it was a stranger: one machine behind an
    address may know the nonce, and another not know the receipt yet."""


class TransactionFate(Enum):
    """What has become of a transaction that has no receipt."""

    WAITING = auto()
    STUCK = auto()
    DROPPED = auto()
    TAKEN = auto()


def find_fate(
    entry: PendingEntry, used: int, is_pooled: bool, market: Market, limits: FeeLimits
) -> TransactionFate:
    """TAKEN: its nonce is used, yet by none of its hashes.

    used: nonces of the key in blocks. is_pooled: whether the endpoint knows its latest hash.
    """
    if used > entry.nonce:
        return TransactionFate.TAKEN
    if not is_pooled:
        return TransactionFate.DROPPED
    if used < entry.nonce:
        return TransactionFate.WAITING
    blocks = 0 if entry.offered_at is None else market.head - entry.offered_at
    return TransactionFate.STUCK if is_too_low(entry.fees, market, blocks, limits) else TransactionFate.WAITING


class Delivery:
    """One key's transactions on one chain. Blocking, and not to be shared between threads."""

    def __init__(
        self,
        broadcaster: Broadcaster,
        pending: Pending,
        limits: FeeLimits,
        confirmations: int,
        pace: DeliveryPace,
        *,
        keeps_nonces: bool = False,
    ) -> None:
        """keeps_nonces: no call gets another nonce once it was sent, whatever an endpoint says of the first."""
        self._broadcaster, self._pending = broadcaster, pending
        self._limits, self._confirmations, self._pace = limits, confirmations, pace
        self._keeps_nonces = keeps_nonces
        self._nonce: int | None = None
        self._gap_looks = 0
        self.gas_spent = self.fees_wei = 0

    # ------------------------------------------------------------------------------------------- sending

    def sweep(self) -> None:
        """End what got into a block while nobody waited. Raises ChainUnreachable, RpcFault."""
        for entry in self._pending.list_open():
            if (receipt := self._broadcaster.fetch_receipt(entry)) is not None:
                self._end(entry, receipt)

    def count_open(self) -> int:
        """How many transactions have not ended, as far as was looked."""
        return len(self._pending.list_open())

    def resume(self, call: Call, *, above: int | None = None) -> PendingEntry | None:
        """What already does a call (its gas is not looked at): not ended yet, or in a block that vanished.

        above: a block's number; what has done it in a later one counts as well.
        """
        if (entry := self._pending.find_like(call)) is not None:
            _log.info("call under way already call=%s nonce=%d", call.name, entry.nonce)
            return entry
        if (done := self._pending.find_ended_like(call)) is None:
            return None
        if (receipt := self._broadcaster.fetch_receipt(done)) is not None:
            is_done = above is not None and receipt.is_success and receipt.block > above
            return done if is_done else None
        self._reopen(done)
        return done

    def submit(self, call: Call) -> PendingEntry:
        """Send a new call.

        Raises NoFunds, FeeLimitReached, SetupError, ChainUnreachable, RpcFault; then nothing was sent.
        """
        fees = self._broadcaster.ask_first_fees(call.name)
        entry = PendingEntry(self._take_next_nonce(), call, fees.cap_wei, fees.tip_wei)
        self._pending.add(entry)
        try:
            self._broadcast(entry)
        except ChainUnreachable as error:
            # It may have arrived: `wait` finds out.
            _log.warning("no answer to a transaction call=%s reason=%s", call.name, error)
        except BaseException:
            if not entry.may_be_out:
                self._pending.forget(entry)
                self._nonce = None
            raise
        return entry

    def wait(self, entry: PendingEntry, timeout_s: float, on_trouble: Callable[[], None] | None = None) -> Receipt:
        """Wait for its block and as many on top as wanted. on_trouble: called before anything is sent again; what
        it raises ends the waiting.

        Raises NoReceipt after timeout_s (FeeLimitReached where that is why), ChainUnreachable, SetupError.
        """
        started, pace = time.monotonic(), self._pace
        # One sent beside others may have been found in a block already, and be open no more.
        is_first = self._pending.list_up_to(entry.nonce) == [entry]
        is_fresh = entry.is_acknowledged and entry.is_new and is_first
        entry.is_new = False
        look_at = started + (pace.look_s if is_fresh else 0.0)
        lost_since: float | None = None
        seen: Receipt | None = None
        while True:
            waited_s = time.monotonic() - started
            time.sleep(pace.poll_s if waited_s < _QUICK_S else pace.slow_poll_s)
            now = time.monotonic()
            try:
                receipt = self._broadcaster.fetch_receipt(entry)
                if receipt is not None and self._broadcaster.is_deep(receipt):
                    self._end(entry, receipt)
                    return receipt
                if receipt is None and (seen is not None or now >= look_at):
                    if on_trouble is not None:
                        on_trouble()
                    look_at = now + self._look(entry)
                seen, lost_since = receipt, None
            except ChainTrouble:
                lost_since, look_at = lost_since or now, now
                if now - lost_since > pace.lost_s:
                    raise
            if waited_s > timeout_s:
                raise self._make_late_error(entry, timeout_s)

    def start_over(self) -> None:
        """Send nothing of the past again, and have what a pool may still hold of it replaced by nothing.

        Raises RpcFault; where the endpoint is silent or the chain too dear, the next call's look does the rest.
        """
        self._pending.forget_ended()
        self._nonce = None
        blanked = [entry for entry in self._pending.list_open() if not entry.is_filler]
        for entry in blanked:
            # All of them first: whatever stops the replacing, none is sent again as it was.
            entry.call, entry.is_filler = self._make_filler(), True
            entry.offer(entry.fees)
        try:
            for entry in blanked:
                base_fee_wei = self._broadcaster.market.ask(fresh=True).base_fee_wei
                entry.offer(bump(entry.fees, base_fee_wei, self._limits) or entry.fees)
                self._broadcast(entry)
            if blanked:
                for nonce in range(self._broadcaster.count_nonces("pending"), self._pending.lowest_nonce()):
                    self._fill(nonce)
        except (ChainUnreachable, FeeLimitReached) as error:
            _log.warning("not replaced now reason=%s", error)

    # --------------------------------------------------------------------------------------- one message

    def _broadcast(self, entry: PendingEntry) -> None:
        """Send an entry's bytes, signed anew where its fees or nonce changed, until it is taken or must wait."""
        for _ in range(_TRIES):
            refusal, fault = self._broadcaster.send_once(entry)
            if refusal is None or refusal is Rejection.KNOWN:
                entry.may_be_out = entry.is_acknowledged = True
                return
            if refusal is Rejection.FEES_LOW:
                if not self._broadcaster.offer_more(entry):
                    return
            elif refusal in (Rejection.NONCE_USED, Rejection.NONCE_HELD):
                # One of its own hashes may be the one that holds the nonce: the next look finds out.
                if entry.may_be_out or entry.is_filler:
                    return
                self._renumber(entry)
            elif refusal in (Rejection.NONCE_GAP, Rejection.POOL_FULL):
                return
            else:
                assert fault is not None
                self._broadcaster.check_rejection(entry, refusal, fault)
                return
        raise self._make_shared_key_error()

    # ------------------------------------------------------------------------------------- closer looks

    def _look(self, awaited: PendingEntry) -> float:
        """Find out what became of everything up to an entry and mend it. Returns seconds until the next look."""
        market = self._broadcaster.market.ask(fresh=True)
        used = self._broadcaster.count_nonces("latest")
        for entry in self._pending.list_up_to(awaited.nonce):
            self._tend(entry, awaited, used, market)
        self._heal_gap(used)
        is_urgent = awaited.taken or self._gap_looks
        return self._pace.slow_poll_s if is_urgent else self._pace.look_s

    def _tend(self, entry: PendingEntry, awaited: PendingEntry, used: int, market: Market) -> None:
        if entry is not awaited and (receipt := self._broadcaster.fetch_receipt(entry)) is not None:
            self._end(entry, receipt)
            return
        what = find_fate(
            entry, used, used <= entry.nonce and self._broadcaster.is_pooled(entry), market, self._limits
        )
        entry.note_taken(time.time() if what is TransactionFate.TAKEN else None)
        if what is TransactionFate.TAKEN:
            is_long = entry.taken >= _TAKEN_LOOKS and entry.taken_s >= self._pace.taken_s
            if is_long and self._is_taken_deep(entry, market):
                self._handle_overtaken(entry, awaited)
        elif what is TransactionFate.DROPPED:
            _log.info("sending again what no pool has call=%s nonce=%d", entry.call.name, entry.nonce)
            self._broadcast(entry)
        elif what is TransactionFate.STUCK and self._broadcaster.offer_more(entry):
            _log.info("offering more call=%s nonce=%d cap_wei=%d", entry.call.name, entry.nonce, entry.cap_wei)
            self._broadcast(entry)
        if entry.offered_at is None:
            entry.offered_at = market.head

    def _handle_overtaken(self, entry: PendingEntry, awaited: PendingEntry) -> None:
        """A stranger used the nonce, so nothing of this entry can be mined any more."""
        _log.warning("nonce used by another program nonce=%d address=%s", entry.nonce, self._broadcaster.address)
        if entry is not awaited or entry.is_filler:
            # Nobody waits for it: a caller that still wants it asks again.
            self._pending.forget(entry)
            return
        entry.overtaken += 1
        if entry.overtaken > 1:
            self._pending.forget(entry)
            raise self._make_shared_key_error()
        self._renumber(entry)
        self._broadcast(entry)

    def _heal_gap(self, used: int) -> None:
        """Fill nonces below the lowest open one that neither a block nor the pool has: all above wait for them."""
        if not self._pending.list_open() or used >= self._pending.lowest_nonce():
            self._gap_looks = 0
            return
        lowest, counted = self._pending.lowest_nonce(), self._broadcaster.count_nonces("pending")
        self._gap_looks = self._gap_looks + 1 if counted < lowest else 0
        if self._gap_looks < _GAP_LOOKS:
            return
        if lowest - counted > _GAP_MAX:
            raise Refused(
                f"{lowest - counted} transactions of {self._broadcaster.address} are missing from the chain at "
                f"{self._broadcaster.rpc.url}: see that it is the right chain and has its history, then start again"
            )
        for nonce in range(counted, lowest):
            self._fill(nonce)

    def _fill(self, nonce: int) -> None:
        done = self._pending.find_ended_at(nonce)
        if done is not None and self._pending.find_like(done.call) is None:
            self._reopen(done)
            self._broadcast(done)
            return
        _log.warning("filling a gap nonce=%d address=%s", nonce, self._broadcaster.address)
        fees = self._broadcaster.ask_first_fees("fill")
        filler = PendingEntry(nonce, self._make_filler(), fees.cap_wei, fees.tip_wei, is_filler=True)
        self._pending.add(filler)
        self._broadcast(filler)
        if not filler.may_be_out:
            self._pending.forget(filler)

    # ------------------------------------------------------------------------------------------- helpers

    def _make_filler(self) -> Call:
        return Call("fill", self._broadcaster.address, b"", 0, TRANSFER_GAS)

    def _reopen(self, entry: PendingEntry) -> None:
        _log.warning("transaction's block vanished call=%s nonce=%d", entry.call.name, entry.nonce)
        self._pending.add(entry)

    def _renumber(self, entry: PendingEntry) -> None:
        if self._keeps_nonces:
            raise Refused(
                f"the chain at {self._broadcaster.rpc.url} says that nonce {entry.nonce} of"
                f" {self._broadcaster.address} is used, which another program did or which is false: `"
                f"{entry.call.name}` is not sent under another one, as both could count"
            )
        self._nonce = None
        old = entry.nonce
        self._pending.forget(entry)
        nonce = self._take_next_nonce()
        # The pool's transaction may not be counted.
        self._pending.move(entry, nonce if nonce != old else self._take_nonce_after(old + 1))

    def _take_next_nonce(self) -> int:
        return self._take_nonce_after(
            self._broadcaster.count_nonces("pending") if self._nonce is None else self._nonce
        )

    def _take_nonce_after(self, counted: int) -> int:
        nonce = self._pending.next_nonce(counted)
        self._nonce = nonce + 1
        return nonce

    def _is_taken_deep(self, entry: PendingEntry, market: Market) -> bool:
        """A nonce taken in a block that may still vanish is not free to be lost."""
        if self._confirmations == 0:
            return True
        return self._broadcaster.count_nonces(hex(max(market.head - self._confirmations, 0))) > entry.nonce

    def _end(self, entry: PendingEntry, receipt: Receipt) -> None:
        if self._pending.end(entry):
            self.gas_spent += receipt.gas
            self.fees_wei += receipt.gas * receipt.price_wei

    def _make_late_error(self, entry: PendingEntry, timeout_s: float) -> NoReceipt:
        name = entry.call.name
        if entry.is_capped:
            return self._broadcaster.make_limit_error(entry)
        depth = f" {self._confirmations} blocks deep" if self._confirmations else ""
        return NoReceipt(
            f"`{name}` ({entry.hashes[-1]}) is in no block{depth} after {timeout_s:.0f} s: see if the chain goes on"
        )

    def _make_shared_key_error(self) -> Refused:
        return Refused(
            f"another program sends transactions of {self._broadcaster.address}: give each node a key of its own"
        )
