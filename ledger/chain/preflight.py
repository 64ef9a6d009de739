"""What is looked at before a deployment is paid for: the right chain, a new enough EVM, enough coin."""

from dataclasses import dataclass
from typing import Final

from ledger.chain import answers
from ledger.chain.fees import GWEI, FeeLimits, FeeMarket, first_fees
from ledger.chain.reasons import explained, reason_in
from ledger.chain.rpc import Rpc, RpcFault
from ledger.chain.sender import NoFunds
from ledger.errors import SetupError, UsageError

# Runs each kind of instruction that the compiled circle has and older chains lack: MCOPY and transient storage
# (both Cancun) and PUSH0 (Shanghai). Leaves the word 1 behind.
_PROBE: Final = "0x" + bytes.fromhex("5f5f5f5e60015f5d5f5c5f5260205ff3").hex()
_ANSWER: Final = (1).to_bytes(32, "big")


@dataclass(frozen=True)
class Quote:
    """What a transaction costs. gas: units, estimated. price_wei: per unit now. cap_wei: at most, with a margin."""

    gas: int
    price_wei: int
    cap_wei: int

    @property
    def cost_wei(self) -> int:
        """At the price of now."""
        return self.gas * self.price_wei

    @property
    def most_wei(self) -> int:
        """What must be in the account: a fifth more gas at the highest price."""
        return (self.gas + self.gas // 5) * self.cap_wei


def check_chain(rpc: Rpc, expected: int | None) -> int:
    """The chain's id. Raises UsageError where it is not the expected one, SetupError for an EVM too old."""
    found = rpc.number("eth_chainId")
    if expected is not None and found != expected:
        raise UsageError(f"the chain at {rpc.url} has id {found}, not {expected}: correct --rpc or --chain-id")
    try:
        answer = rpc.data("eth_call", {"data": _PROBE}, "latest")
    except RpcFault as fault:
        raise SetupError(_too_old(found, fault.message)) from fault
    if answer != _ANSWER:
        raise SetupError(_too_old(found, f"a probe of its instructions gave 0x{answer[:32].hex()}"))
    return found


def quote(rpc: Rpc, payer: str, data: bytes) -> Quote:
    """What creating a contract costs now. data: creation code. Raises SetupError with the contract's reason."""
    call = {"from": payer, "data": "0x" + data.hex()}
    try:
        gas = rpc.number("eth_estimateGas", call)
    except RpcFault as fault:
        raise SetupError(_refusal(fault)) from fault
    price, cap = prices_wei(rpc)
    return Quote(gas, price, cap)


def prices_wei(rpc: Rpc) -> tuple[int, int]:
    """Of a unit of gas: expected now, and the most that a first transaction of ours would offer."""
    market, limits = FeeMarket(rpc).ask(fresh=True), FeeLimits()
    fees = first_fees(market, limits)
    if fees is None:
        raise SetupError(
            f"a unit of gas costs {market.base_fee_wei / GWEI:.6g} gwei now, above the limit of "
            f"{limits.max_fee_wei / GWEI:g}: wait until it is cheaper"
        )
    return min(market.base_fee_wei + fees.tip_wei, fees.cap_wei), fees.cap_wei


def check_funds(rpc: Rpc, payer: str, quoted: Quote) -> None:
    """Raises NoFunds where the account could not pay for a deployment."""
    held = rpc.number("eth_getBalance", payer, "latest")
    if held < quoted.most_wei:
        raise NoFunds(
            f"account {payer} holds {ether(held)} and the deployment needs up to {ether(quoted.most_wei)}: "
            f"fund it, on a local test chain with `folkmoot keys fund {payer}`"
        )


def has_randomness(rpc: Rpc) -> bool:
    """Whether the blocks' `prevrandao` changes from one to the next: a circle draws its judges from it."""
    head = rpc.head()
    if head < 2:
        return True
    before, last = (
        rpc.request("eth_getBlockByNumber", [hex(number), False], answers.block(number))
        for number in (head - 1, head)
    )
    return before.prevrandao != last.prevrandao


def ether(wei: int) -> str:
    """For people: 18 decimals cut to 6 digits that count."""
    return f"{wei / 10**18:.6g} ETH"


def _too_old(chain_id: int, said: str) -> str:
    return (
        f"chain {chain_id} cannot run the circle ({said[:200]}): it needs the Cancun instructions, so activate "
        "that fork (`cancunTime` in its genesis) or choose another chain"
    )


def _refusal(fault: RpcFault) -> str:
    sentence = explained(reason_in(fault.data) or fault.message)
    if sentence is not None:
        return sentence
    return f"the chain refuses this deployment ({fault.message[:200]}): check its limits on gas and contract size"
