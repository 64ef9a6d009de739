"""One key on its chain: signing, sending, fees, and what an endpoint says of a transaction."""

import logging
import time
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Receipt
from ledger.chain.rpc.client import BadAnswer, ChainUnreachable, Rpc, RpcFault, Throttled
from ledger.chain.rpc.patience import Backoff
from ledger.chain.transactions.fees import FeeLimits, FeeMarket, Fees, bump, choose_first_fees
from ledger.chain.transactions.pending import Pending, PendingEntry
from ledger.chain.transactions.receipts import FeeLimitReached, explain_rejection, fetch_receipt
from ledger.chain.transactions.rejections import Rejection, classify_rejection

_log = logging.getLogger(__name__)
_BUSY_S: Final = 60.0


class Broadcaster:
    """What `Delivery` asks and tells the chain. Every method raises ChainUnreachable and RpcFault."""

    def __init__(
        self,
        rpc: Rpc,
        account: LocalAccount,
        chain_id: int,
        pending: Pending,
        limits: FeeLimits,
        confirmations: int,
    ) -> None:
        self.rpc, self.address = rpc, account.address
        self._account, self._chain_id, self._pending = account, chain_id, pending
        self._limits, self._confirmations = limits, confirmations
        self.market = FeeMarket(rpc)

    def send_once(self, entry: PendingEntry) -> tuple[Rejection | None, RpcFault | None]:
        """Send an entry's bytes once, signed first if need be. Returns why they were not taken."""
        if not entry.raw:
            self._sign(entry)
        # Before it is sent, so that a process killed in between looks for it.
        self._pending.save()
        try:
            self._send(entry)
        except BadAnswer:
            entry.may_be_out = True
        except ChainUnreachable:
            entry.may_be_out = True
            raise
        except RpcFault as fault:
            rejection = classify_rejection(fault.message)
            if rejection is Rejection.OTHER and self.is_pooled(entry):
                rejection = Rejection.KNOWN
            return rejection, fault
        return None, None

    def _send(self, entry: PendingEntry) -> None:
        """The same bytes again where the endpoint asks for patience: it may have taken them all the same."""
        started, backoff = time.monotonic(), Backoff()
        while True:
            try:
                self.rpc.request("eth_sendRawTransaction", ["0x" + entry.raw.hex()], answers.accept_anything)
                return
            except Throttled as error:
                entry.may_be_out = True
                pause_s = backoff.pause_s(error.pause_s)
                if time.monotonic() + pause_s - started > _BUSY_S:
                    raise
                _log.info("sending again in_s=%.1f call=%s nonce=%d", pause_s, entry.call.name, entry.nonce)
                time.sleep(pause_s)

    def _sign(self, entry: PendingEntry) -> None:
        call = entry.call
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": entry.nonce,
            "value": call.value_wei,
            "gas": call.gas,
            "data": call.data,
            "maxFeePerGas": entry.cap_wei,
            "maxPriorityFeePerGas": entry.tip_wei,
        }
        if call.to is not None:
            fields["to"] = call.to
        signed = self._account.sign_transaction(fields)
        entry.raw = bytes(signed.raw_transaction)
        entry.hashes.append("0x" + signed.hash.hex())

    def check_rejection(self, entry: PendingEntry, rejection: Rejection, fault: RpcFault) -> None:
        """Raise what was refused for good; an older offer that may still be mined is waited for instead."""
        if entry.may_be_out or entry.is_filler:
            _log.warning("not taken again call=%s nonce=%d reason=%s", entry.call.name, entry.nonce, fault.message)
            return
        need_wei = entry.call.gas * entry.cap_wei + entry.call.value_wei
        raise explain_rejection(fault, rejection, self.rpc, entry.call.name, self.address, need_wei) from fault

    def offer_more(self, entry: PendingEntry) -> bool:
        """Raise an entry's fees. False where the limit forbids it; FeeLimitReached if none of it was sent."""
        base_fee = self.market.ask(fresh=True).base_fee_wei
        higher = bump(entry.fees, base_fee, self._limits)
        if higher is not None:
            entry.offer(higher)
            return True
        if not entry.may_be_out:
            raise self.make_limit_error(entry)
        if not entry.is_capped:
            _log.warning("fee limit reached call=%s nonce=%d", entry.call.name, entry.nonce)
        entry.is_capped = True
        return False

    def ask_first_fees(self, name: str) -> Fees:
        """What a new transaction offers. Raises FeeLimitReached where the limit does not pay for the next block."""
        for fresh in (False, True):
            if (fees := choose_first_fees(self.market.ask(fresh=fresh), self._limits)) is not None:
                return fees
        raise FeeLimitReached(name, self.market.ask().base_fee_wei, self._limits.max_fee_wei)

    def make_limit_error(self, entry: PendingEntry) -> FeeLimitReached:
        """Why it waits."""
        asked_wei = max(self.market.ask().base_fee_wei, entry.cap_wei + 1)
        return FeeLimitReached(entry.call.name, asked_wei, self._limits.max_fee_wei)

    def count_nonces(self, block: str) -> int:
        """The key's nonces used by a block, or (`pending`) by the pool without a gap."""
        return self.rpc.request("eth_getTransactionCount", [self.address, block], answers.parse_nonce)

    def fetch_receipt(self, entry: PendingEntry) -> Receipt | None:
        """The receipt of whichever of its hashes is in a block."""
        for transaction in reversed(entry.hashes):
            if (receipt := fetch_receipt(self.rpc, transaction)) is not None:
                return receipt
        return None

    def is_pooled(self, entry: PendingEntry) -> bool:
        """Whether the endpoint knows the latest bytes."""
        if not entry.raw:
            return False
        return self.rpc.request("eth_getTransactionByHash", [entry.hashes[-1]], answers.accept_anything) is not None

    def is_deep(self, receipt: Receipt) -> bool:
        """Whether enough blocks lie on top, and it is still in the block it was in."""
        if self._confirmations == 0:
            return True
        if self.rpc.fetch_head() - receipt.block < self._confirmations:
            return False
        again = fetch_receipt(self.rpc, receipt.transaction)
        return again is not None and again.block_hash == receipt.block_hash
