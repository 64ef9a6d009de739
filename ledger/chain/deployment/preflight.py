"""What is looked at before a deployment is paid for: the right chain, a new enough EVM, enough coin."""

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from ledger.chain.contract.artifact import circle_artifact
from ledger.chain.contract.revert_reasons import explained, reason_in
from ledger.chain.deployment.plan import Plan
from ledger.chain.rpc import answers
from ledger.chain.rpc.client import Rpc, RpcFault
from ledger.chain.transactions.fees import GWEI, FeeLimits, FeeMarket, first_fees
from ledger.chain.transactions.sender import NoFunds
from ledger.errors import SetupError, UsageError
from ledger.untrusted.text import ether

# Runs each kind of instruction that the compiled circle has and older chains lack: MCOPY and transient storage
# (both Cancun) and PUSH0 (Shanghai). Leaves the word 1 behind.
_PROBE: Final = "0x" + bytes.fromhex("5f5f5f5e60015f5d5f5c5f5260205ff3").hex()
_ANSWER: Final = (1).to_bytes(32, "big")
_BLOCKS_LOOKED_AT: Final = 8
_BLOCKS_LEAST: Final = 3
# Stands for a court that is not there yet; all else in the constructor is checked before its court.
_NO_COURT: Final = "0x" + 40 * "f"
_COURT_REASON: Final = "circle: court is not this version's"
# What a creation costs beside what its bytes and the code it leaves do, as measured: test_deploy_circle.
_CONSTRUCTOR_GAS: Final = 250_000


@dataclass(frozen=True)
class Quote:
    """What a deployment costs. gas: units, estimated. price_wei: per unit now. cap_wei: at most, with a margin."""

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


def quote(rpc: Rpc, payer: str, plan: Plan, court: str | None = None) -> Quote:
    """What a deployment costs now. court: one that is there already.

    Raises SetupError with the contract's reason where the circle would be refused.
    """
    price, cap = prices_wei(rpc)
    if court is not None:
        return Quote(_estimate(rpc, payer, plan.circle_data(court)), price, cap)
    return Quote(_estimate(rpc, payer, plan.court_data) + _foreseen(rpc, payer, plan), price, cap)


def _estimate(rpc: Rpc, payer: str, data: bytes) -> int:
    try:
        return rpc.number("eth_estimateGas", {"from": payer, "data": "0x" + data.hex()})
    except RpcFault as fault:
        raise SetupError(_refusal(fault)) from fault


def _foreseen(rpc: Rpc, payer: str, plan: Plan) -> int:
    """What a circle will cost whose court is not there. Raises SetupError where it would be refused otherwise."""
    data = plan.circle_data(_NO_COURT)
    try:
        return rpc.number("eth_estimateGas", {"from": payer, "data": "0x" + data.hex()})
    except RpcFault as fault:
        said = reason_in(fault.data) or fault.message
        if _COURT_REASON not in said and (explained(said) is not None or not fault.is_revert):
            raise SetupError(_refusal(fault)) from fault
    return creation_gas(data, circle_artifact().code_bytes) + _CONSTRUCTOR_GAS + 8 * len(plan.manifest.encode())


def creation_gas(data: bytes, code_bytes: int) -> int:
    """What a creation costs beside what its constructor does (EIP-2028, EIP-3860).

    data: its creation code and arguments. code_bytes: of the code that it leaves.
    """
    zeros = data.count(0)
    words = (len(data) + 31) // 32
    return 53_000 + 4 * zeros + 16 * (len(data) - zeros) + 2 * words + 200 * code_bytes


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


def block_time_s(rpc: Rpc) -> float | None:
    """Seconds from one block to the next, the median of the last few; None where that tells nothing.

    That is on a chain too young, and on one that makes a block for each transaction as it comes.
    """
    head = rpc.head()
    numbers = range(max(head - _BLOCKS_LOOKED_AT, 1), head + 1)
    if len(numbers) < _BLOCKS_LEAST or _makes_blocks_on_demand(rpc):
        return None
    times = [rpc.request("eth_getBlockByNumber", [hex(n), False], answers.block(n)).time_s for n in numbers]
    return float(median(later - earlier for earlier, later in pairwise(times)))


def _makes_blocks_on_demand(rpc: Rpc) -> bool:
    """Whether a development chain says so: ours and Anvil, or Hardhat; no other knows the question."""
    for method in ("anvil_getAutomine", "hardhat_getAutomine"):
        try:
            if rpc.request(method, [], answers.flag):
                return True
        except RpcFault:
            continue
    return False


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
