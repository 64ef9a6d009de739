"""Sending a key's transactions: one sender, its own nonces, every receipt looked up."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from msgspec.structs import replace

from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.rpc.answers import Receipt
from ledger.chain.rpc.client import Rpc, RpcFault
from ledger.chain.transactions.broadcast import Broadcaster
from ledger.chain.transactions.delivery import Delivery, DeliveryPace
from ledger.chain.transactions.fees import FeeLimits
from ledger.chain.transactions.gas_limits import TRANSFER_GAS, gas_limit, with_margin
from ledger.chain.transactions.pending import Call, Pending, PendingEntry
from ledger.chain.transactions.receipts import (
    CallNotDone,
    FeeLimitReached,
    NoFunds,
    NoReceipt,
    Refused,
    Reverted,
    explain_rejection,
    read_revert_reason,
)
from ledger.chain.transactions.rejections import classify_rejection

__all__ = [
    "CALLS_AT_ONCE",
    "DeliveryPace",
    "FeeLimitReached",
    "FeeLimits",
    "NoFunds",
    "NoReceipt",
    "PlannedCall",
    "Receipt",
    "Refused",
    "Reverted",
    "Sender",
    "gas_limit",
]

CALLS_AT_ONCE: Final = 12
"""So many transactions under way at most by `Sender.call_all`: some nodes keep sixteen of an account (Reth; Geth
where its pool is full) and refuse the next, which may be more urgent than these."""


@dataclass(frozen=True)
class PlannedCall:
    """One call of the circle."""

    name: str
    """The contract's function."""
    arguments: tuple[object, ...] = ()
    """Its arguments."""
    value_wei: int = 0
    """What it pays in."""


class Sender:
    """One key on one chain. Blocking, and not to be shared between threads.

    Where a call ends in NoReceipt or ChainUnreachable, its transaction may still be mined: the same call again
    waits for that one and sends no other.
    """

    def __init__(
        self,
        rpc: Rpc,
        key: bytes,
        chain_id: int,
        *,
        limits: FeeLimits | None = None,
        confirmations: int = 0,
        pending_file: Path | None = None,
        pace: DeliveryPace | None = None,
        keeps_nonces: bool = False,
    ) -> None:
        """confirmations: blocks on top of a receipt's before it counts. pending_file: where transactions under way
        are noted, so that a process killed and started again does not lose track of them. keeps_nonces: for calls
        that the chain would do twice, such as transfers: what was sent under one nonce is sent under no other, so
        that an endpoint which hides it cannot have both; where its nonce is said to be used, that is Refused.

        Raises SetupError for a pending_file that cannot be used.
        """
        self.rpc, self.chain_id = rpc, chain_id
        account: LocalAccount = Account.from_key(key)
        self.address: str = account.address
        pending, limits = Pending(chain_id, self.address, pending_file), limits or FeeLimits()
        wire = Broadcaster(rpc, account, chain_id, pending, limits, confirmations)
        self._delivery = Delivery(
            wire, pending, limits, confirmations, pace or DeliveryPace(), keeps_nonces=keeps_nonces
        )

    @property
    def gas_spent(self) -> int:
        """Gas burnt so far, units."""
        return self._delivery.gas_spent

    @property
    def fees_wei(self) -> int:
        """What that gas cost, at the price of each transaction."""
        return self._delivery.fees_wei

    def note_reorganisation(self) -> None:
        """The chain took blocks back, so what was sent may not be what is wanted now: after a reorganisation the
        same verdicts may be about others. Nothing is sent again by itself, and what is under way is replaced by a
        transaction that does nothing; a caller that still wants a call makes it again.
        """
        self._delivery.start_over()

    def fetch_balance_wei(self) -> int:
        """The account's balance."""
        return self.rpc.fetch_number("eth_getBalance", self.address, "latest")

    def call(
        self,
        contract: str,
        name: str,
        *arguments: object,
        seats: int = 0,
        value_wei: int = 0,
        timeout_s: float = 60.0,
        on_trouble: Callable[[], None] | None = None,
    ) -> Receipt:
        """Send one call of the circle and wait for its block.

        on_trouble: called before anything is sent again; what it raises ends the call.
        Raises Reverted, NoFunds, NoReceipt after timeout_s (FeeLimitReached), ChainUnreachable.
        """
        call = _make_call(contract, PlannedCall(name, arguments, value_wei), seats)
        return self._finish(self._begin(call), timeout_s, on_trouble)

    def call_all(
        self,
        contract: str,
        calls: Sequence[PlannedCall],
        *,
        seats: int = 0,
        folded: int | None = None,
        timeout_s: float = 60.0,
        on_trouble: Callable[[], None] | None = None,
    ) -> list[Receipt | CallNotDone | Refused]:
        """Send calls of the circle one after the other, and wait for the blocks of all of them together.

        folded: the newest block whose events the caller knows; what was done above it is not done again, None for
        anything may be. timeout_s: for all; what could not be sent by then, or beside CALLS_AT_ONCE others, is
        NoReceipt too. on_trouble: as in `call`. Returns what became of each, in order. Raises ChainUnreachable and
        RpcFault; the same calls again wait for what was sent.
        """
        until_s = time.monotonic() + timeout_s
        wanted = [_make_call(contract, one, seats) for one in calls]
        # All of them before anything is swept: what is in a block by now is not to be sent once more.
        begun = [self._delivery.resume(call, above=folded) for call in wanted]
        self._delivery.sweep()
        sent: list[PendingEntry | CallNotDone | Refused] = []
        for call, under_way in zip(wanted, begun, strict=True):
            try:
                sent.append(under_way or self._submit_beside(call, until_s))
            except (CallNotDone, Refused) as error:
                sent.append(error)
        done: list[Receipt | CallNotDone | Refused] = []
        is_late = False
        for entry in sent:
            if not isinstance(entry, PendingEntry):
                done.append(entry)
                continue
            if is_late:
                # Its nonce comes after one that is in no block: there is nothing to look for.
                done.append(NoReceipt(f"`{entry.call.name}` waits for others that are in no block yet"))
                continue
            try:
                done.append(self._finish(entry, max(0.0, until_s - time.monotonic()), on_trouble))
            except (Reverted, NoReceipt, Refused) as error:
                is_late = isinstance(error, NoReceipt)
                done.append(error)
        return done

    def create(self, data: bytes, timeout_s: float = 120.0) -> Receipt:
        """Deploy creation bytecode. Raises like `call`."""
        return self.send({"data": data}, "deploy", timeout_s)

    def transfer(self, to: str, value_wei: int, timeout_s: float = 60.0) -> Receipt:
        """Send coin. Raises like `call`."""
        return self.send({"to": to, "value": value_wei}, "transfer", timeout_s, TRANSFER_GAS)

    def send(
        self,
        fields: dict[str, Any],
        name: str,
        timeout_s: float,
        gas: int | None = None,
        on_trouble: Callable[[], None] | None = None,
    ) -> Receipt:
        """Sign (EIP-1559), send and wait. fields: to, data, value. gas: limit; None asks for an estimate."""
        to, data, value = fields.get("to"), bytes(fields.get("data", b"")), fields.get("value", 0)
        return self._finish(self._begin(Call(name, to, data, value, gas or 0)), timeout_s, on_trouble)

    def _begin(self, call: Call) -> PendingEntry:
        """Send it, unless it is under way already. A call without gas has it estimated."""
        if (entry := self._delivery.resume(call)) is not None:
            return entry
        self._delivery.sweep()
        return self._submit(call)

    def _submit_beside(self, call: Call, until_s: float) -> PendingEntry:
        """Send it beside others. until_s: on the monotonic clock. Raises NoReceipt too."""
        if time.monotonic() >= until_s or self._delivery.count_open() >= CALLS_AT_ONCE:
            raise NoReceipt(f"`{call.name}` was not sent beside others that are under way: send it after them")
        return self._submit(call)

    def _submit(self, call: Call) -> PendingEntry:
        return self._delivery.submit(call if call.gas else replace(call, gas=self._estimate(call)))

    def _finish(self, entry: PendingEntry, timeout_s: float, on_trouble: Callable[[], None] | None) -> Receipt:
        receipt = self._delivery.wait(entry, timeout_s, on_trouble)
        if not receipt.is_success:
            raise Reverted(entry.call.name, self._find_revert_reason(entry.call, receipt))
        return receipt

    def _estimate(self, call: Call) -> int:
        try:
            return with_margin(self.rpc.fetch_number("eth_estimateGas", self._make_message(call)))
        except RpcFault as fault:
            refusal = classify_rejection(fault.message)
            raise explain_rejection(fault, refusal, self.rpc, call.name, self.address, call.value_wei) from fault

    def _make_message(self, call: Call) -> dict[str, str]:
        """The call as eth_call and eth_estimateGas take it."""
        message = {"from": self.address, "data": "0x" + call.data.hex(), "value": hex(call.value_wei)}
        return message if call.to is None else {**message, "to": call.to}

    def _find_revert_reason(self, call: Call, receipt: Receipt) -> str:
        """Replay a failed call on the state before its block, to learn the contract's reason."""
        for block in (receipt.block, receipt.block - 1):
            try:
                self.rpc.fetch_data("eth_call", self._make_message(call), hex(block))
            except RpcFault as fault:
                if (reason := read_revert_reason(fault)) is not None:
                    return reason
        return "out of gas, or a reason that is gone by now"


def _make_call(contract: str, planned: PlannedCall, seats: int) -> Call:
    data = load_circle_artifact().encode_call(planned.name, *planned.arguments)
    return Call(planned.name, contract, data, planned.value_wei, gas_limit(planned.name, seats) or 0)
