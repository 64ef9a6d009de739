"""Sending a key's transactions: one sender, its own nonces, every receipt looked up."""

import logging
import time
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from ledger.chain.artifact import circle_artifact
from ledger.chain.circle import revert_reason
from ledger.chain.rpc import ChainUnreachable, Rpc, RpcFault
from ledger.errors import NotYet, SetupError

_log = logging.getLogger(__name__)
_POLL_S = 0.1
_SLOW_POLL_S = 0.5
_TIP_WEI = 10**9
_FEES_LIVE_S = 12.0

# What each call may burn at most, measured (tests/contracts) with a margin; what is not burnt is not paid.
_GAS_LIMITS = {"commit": 160_000, "attest": 220_000, "advance": 150_000, "move": 120_000, "wake": 100_000}
_SETTLE_BASE_GAS, _SETTLE_SEAT_GAS = 250_000, 14_000
_JOIN_GAS = 400_000


def gas_limit(call: str, seats: int = 0) -> int:
    """What one call of the circle may burn at most. seats: how many are taken, for `settle`."""
    if call == "settle":
        return _SETTLE_BASE_GAS + _SETTLE_SEAT_GAS * seats
    return _GAS_LIMITS.get(call, _JOIN_GAS)


class Reverted(NotYet):
    """The contract refused; reason: its `module: fact` string. Most often another peer was faster."""

    def __init__(self, call: str, reason: str) -> None:
        super().__init__(f"{call} was refused: {reason}")
        self.call, self.reason = call, reason


class NoFunds(SetupError):
    """The account cannot pay for a transaction."""


class NoReceipt(NotYet):
    """A transaction was sent and is not in a block yet."""


@dataclass(frozen=True)
class Receipt:
    """What a transaction cost. gas: units; price_wei: per unit; contract: address it created, if any."""

    transaction: str
    block: int
    gas: int
    price_wei: int
    contract: str | None


class Sender:
    """One key on one chain. Blocking, and not to be shared between threads."""

    def __init__(self, rpc: Rpc, key: bytes, chain_id: int) -> None:
        self.rpc, self.chain_id = rpc, chain_id
        self._account: LocalAccount = Account.from_key(key)
        self.address: str = self._account.address
        self._nonce: int | None = None
        self._cap_wei, self._fees_asked = 0, -_FEES_LIVE_S
        self.gas_spent = 0

    def balance_wei(self) -> int:
        """The account's balance."""
        return self.rpc.number("eth_getBalance", self.address, "latest")

    def call(
        self, contract: str, name: str, *arguments: object, seats: int = 0, timeout_s: float = 60.0
    ) -> Receipt:
        """Send one call of the circle and wait for its block.

        Raises Reverted, NoFunds, NoReceipt after timeout_s, ChainUnreachable.
        """
        data = circle_artifact().call_data(name, *arguments)
        return self.send({"to": contract, "data": data, "gas": gas_limit(name, seats)}, name, timeout_s)

    def create(self, data: bytes, timeout_s: float = 120.0) -> Receipt:
        """Deploy creation bytecode. Raises like `call`."""
        estimate = self._estimate({"from": self.address, "data": "0x" + data.hex()}, "deploy")
        return self.send({"data": data, "gas": estimate + estimate // 5}, "deploy", timeout_s)

    def transfer(self, to: str, value_wei: int, timeout_s: float = 60.0) -> Receipt:
        """Send coin. Raises like `call`."""
        return self.send({"to": to, "value": value_wei, "gas": 21_000}, "transfer", timeout_s)

    def send(self, fields: dict[str, Any], name: str, timeout_s: float) -> Receipt:
        """Sign (EIP-1559), send and wait. fields: to, data, value, gas."""
        transaction = self._submit(fields, name)
        receipt = self._await(transaction, name, timeout_s)
        self.gas_spent += int(receipt["gasUsed"], 16)
        if int(receipt["status"], 16) != 1:
            raise Reverted(name, self._why(fields, receipt))
        return Receipt(
            transaction,
            int(receipt["blockNumber"], 16),
            int(receipt["gasUsed"], 16),
            int(receipt["effectiveGasPrice"], 16),
            receipt.get("contractAddress"),
        )

    def _submit(self, fields: dict[str, Any], name: str) -> str:
        tip, cap = self._fees()
        for attempt in range(3):
            if self._nonce is None:
                self._nonce = self.rpc.number("eth_getTransactionCount", self.address, "pending")
            signed = self._account.sign_transaction(
                {
                    "type": 2,
                    "chainId": self.chain_id,
                    "nonce": self._nonce,
                    "value": 0,
                    "maxFeePerGas": cap,
                    "maxPriorityFeePerGas": tip,
                    **fields,
                }
            )
            transaction = "0x" + signed.hash.hex()
            try:
                self.rpc.request("eth_sendRawTransaction", ["0x" + signed.raw_transaction.hex()], str)
            except RpcFault as fault:
                # "already known": an answer was lost after a send; the transaction is where it should be.
                if "already known" in fault.message:
                    pass
                elif "nonce too low" in fault.message and attempt < 2:
                    self._nonce = None
                    continue
                else:
                    raise self._explained(fault, name, fields, cap) from fault
            except ChainUnreachable:
                self._nonce = None
                raise
            self._nonce += 1
            return transaction
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _explained(self, fault: RpcFault, name: str, fields: dict[str, Any], cap: int) -> Exception:
        self._nonce = None
        if "insufficient funds" in fault.message:
            need = fields["gas"] * cap + fields.get("value", 0)
            return NoFunds(
                f"account {self.address} cannot pay for `{name}` (up to {need / 10**18:.6f} ETH): fund it, "
                f"on a local test chain with `folkmoot keys fund {self.address}`"
            )
        if (reason := revert_reason(fault)) is not None:
            return Reverted(name, reason)
        return SetupError(f"the chain at {self.rpc.url} refused `{name}`: {fault.message}")

    def _fees(self) -> tuple[int, int]:
        """Tip and cap per gas, wei: twice the base fee leaves room for six full blocks in a row (EIP-1559)."""
        if time.monotonic() - self._fees_asked > _FEES_LIVE_S:
            block = self.rpc.request("eth_getBlockByNumber", ["latest", False], dict[str, Any])
            self._cap_wei = 2 * int(block["baseFeePerGas"], 16) + _TIP_WEI
            self._fees_asked = time.monotonic()
        return _TIP_WEI, self._cap_wei

    def _await(self, transaction: str, name: str, timeout_s: float) -> dict[str, Any]:
        started = time.monotonic()
        while True:
            waited = time.monotonic() - started
            time.sleep(_POLL_S if waited < 2 else _SLOW_POLL_S)
            found = self.rpc.request("eth_getTransactionReceipt", [transaction], object)
            if isinstance(found, dict):
                return found
            if waited > timeout_s:
                raise NoReceipt(
                    f"`{name}` ({transaction}) is in no block after {timeout_s:.0f} s: see if the chain goes on"
                )

    def _estimate(self, call: dict[str, Any], name: str) -> int:
        try:
            return self.rpc.number("eth_estimateGas", call)
        except RpcFault as fault:
            raise self._explained(fault, name, {"gas": 0}, 0) from fault

    def _why(self, fields: dict[str, Any], receipt: dict[str, Any]) -> str:
        """Replay a failed call on the state before its block, to learn the contract's reason."""
        call = {"from": self.address, "to": fields.get("to"), "data": "0x" + bytes(fields.get("data", b"")).hex()}
        for block in (receipt["blockNumber"], hex(int(receipt["blockNumber"], 16) - 1)):
            try:
                self.rpc.data("eth_call", call, block)
            except RpcFault as fault:
                if (reason := revert_reason(fault)) is not None:
                    return reason
        return "out of gas, or a reason that is gone by now"
