"""What is looked at before a deployment is paid for: the right chain, a new enough EVM, enough coin."""

import re
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.contract.revert_reasons import decode_revert_reason, explain_revert
from ledger.chain.deployment.plan import DeploymentPlan
from ledger.chain.rpc import answers
from ledger.chain.rpc.client import Rpc, RpcFault
from ledger.chain.transactions.fees import GWEI, FeeLimits, FeeMarket, choose_first_fees
from ledger.chain.transactions.sender import NoFunds
from ledger.errors import SetupError, UsageError
from ledger.untrusted.text import format_ether

# Runs each kind of instruction that the compiled circle has and older chains lack: MCOPY and transient storage
# (both Cancun) and PUSH0 (Shanghai). Leaves the word 1 behind.
_PROBE: Final = "0x" + bytes.fromhex("5f5f5f5e60015f5d5f5c5f5260205ff3").hex()
# How clients say that they met an instruction which they do not know, or whose fork is not active (revm).
_NO_INSTRUCTION: Final = re.compile(
    r"(invalid|undefined|unknown|unsupported|bad|illegal|missing)[ _]?(opcode|op ?code|instruction|operation)"
    r"|opcode ?not ?(found|supported)|not ?activated",
    re.IGNORECASE,
)
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
    """What a deployment costs."""

    gas: int
    """Units, estimated."""
    price_wei: int
    """Per unit, now."""
    cap_wei: int
    """Per unit, the most that is offered."""

    @property
    def cost_wei(self) -> int:
        """At the price of now."""
        return self.gas * self.price_wei

    @property
    def most_wei(self) -> int:
        """What must be in the account: a fifth more gas at the highest price."""
        return (self.gas + self.gas // 5) * self.cap_wei


def check_chain(rpc: Rpc, expected: int | None) -> int:
    """The chain's id. Raises UsageError where it is not the expected one.

    Raises SetupError for an EVM too old, or for an endpoint that does not tell, as what it was.
    """
    found = rpc.fetch_number("eth_chainId")
    if expected is not None and found != expected:
        raise UsageError(f"the chain at {rpc.url} has id {found}, not {expected}: correct --rpc or --chain-id")
    try:
        answer = rpc.fetch_data("eth_call", {"data": _PROBE}, "latest")
    except RpcFault as fault:
        if _NO_INSTRUCTION.search(fault.message):
            raise SetupError(_make_too_old_error(found, fault.message)) from fault
        raise SetupError(_make_untold_error(found, rpc.url, f"refuses it ({fault.message[:200]})")) from fault
    if answer != _ANSWER:
        # An EVM without these instructions halts; it gives no other number.
        raise SetupError(_make_untold_error(found, rpc.url, f"answers 0x{answer[:32].hex()} where 1 is right"))
    return found


def quote(rpc: Rpc, payer: str, plan: DeploymentPlan, court: str | None = None) -> Quote:
    """What a deployment costs now. court: one that is there already.

    Raises SetupError with the contract's reason where the circle would be refused.
    """
    price, cap = fetch_prices_wei(rpc)
    if court is not None:
        return Quote(_estimate(rpc, payer, plan.encode_circle_creation(court)), price, cap)
    return Quote(_estimate(rpc, payer, plan.court_data) + _foresee(rpc, payer, plan), price, cap)


def _estimate(rpc: Rpc, payer: str, data: bytes) -> int:
    try:
        return rpc.fetch_number("eth_estimateGas", {"from": payer, "data": "0x" + data.hex()})
    except RpcFault as fault:
        raise SetupError(_make_refusal_error(fault)) from fault


def _foresee(rpc: Rpc, payer: str, plan: DeploymentPlan) -> int:
    """What a circle will cost whose court is not there. Raises SetupError where it would be refused otherwise."""
    data = plan.encode_circle_creation(_NO_COURT)
    try:
        return rpc.fetch_number("eth_estimateGas", {"from": payer, "data": "0x" + data.hex()})
    except RpcFault as fault:
        said = decode_revert_reason(fault.data) or fault.message
        if _COURT_REASON not in said and (explain_revert(said) is not None or not fault.is_revert):
            raise SetupError(_make_refusal_error(fault)) from fault
    return (
        creation_gas(data, load_circle_artifact().code_bytes) + _CONSTRUCTOR_GAS + 8 * len(plan.manifest.encode())
    )


def creation_gas(data: bytes, code_bytes: int) -> int:
    """What a creation costs beside what its constructor does (EIP-2028, EIP-3860).

    data: its creation code and arguments. code_bytes: of the code that it leaves.
    """
    zeros = data.count(0)
    words = (len(data) + 31) // 32
    return 53_000 + 4 * zeros + 16 * (len(data) - zeros) + 2 * words + 200 * code_bytes


def fetch_prices_wei(rpc: Rpc) -> tuple[int, int]:
    """Of a unit of gas: expected now, and the most that a first transaction of ours would offer."""
    market, limits = FeeMarket(rpc).ask(fresh=True), FeeLimits()
    fees = choose_first_fees(market, limits)
    if fees is None:
        raise SetupError(
            f"a unit of gas costs {market.base_fee_wei / GWEI:.6g} gwei now, above the limit of "
            f"{limits.max_fee_wei / GWEI:g}: wait until it is cheaper"
        )
    return min(market.base_fee_wei + fees.tip_wei, fees.cap_wei), fees.cap_wei


def check_funds(rpc: Rpc, payer: str, quoted: Quote) -> None:
    """Raises NoFunds where the account could not pay for a deployment."""
    held = rpc.fetch_number("eth_getBalance", payer, "latest")
    if held < quoted.most_wei:
        raise NoFunds(
            f"account {payer} holds {format_ether(held)} and the deployment needs up to "
            f"{format_ether(quoted.most_wei)}: "
            f"fund it, on a local test chain with `folkmoot keys fund {payer}`"
        )


def measure_block_time_s(rpc: Rpc) -> float | None:
    """Seconds from one block to the next, the median of the last few; None where that tells nothing.

    That is on a chain too young, and on one that makes a block for each transaction as it comes.
    """
    head = rpc.fetch_head()
    numbers = range(max(head - _BLOCKS_LOOKED_AT, 1), head + 1)
    if len(numbers) < _BLOCKS_LEAST or _is_mining_on_demand(rpc):
        return None
    times = [rpc.request("eth_getBlockByNumber", [hex(n), False], answers.block_parser(n)).time_s for n in numbers]
    return float(median(later - earlier for earlier, later in pairwise(times)))


def _is_mining_on_demand(rpc: Rpc) -> bool:
    """Whether a development chain says so: ours and Anvil, or Hardhat; no other knows the question."""
    for method in ("anvil_getAutomine", "hardhat_getAutomine"):
        try:
            if rpc.request(method, [], answers.parse_flag):
                return True
        except RpcFault:
            continue
    return False


def _make_too_old_error(chain_id: int, said: str) -> str:
    return (
        f"chain {chain_id} cannot run the circle ({said[:200]}): it needs the Cancun instructions, so activate "
        "that fork (`cancunTime` in its genesis) or choose another chain"
    )


def _make_untold_error(chain_id: int, url: str, said: str) -> str:
    return (
        f"whether chain {chain_id} has the instructions that the circle needs is not known: {url} was asked to run "
        f"them in an eth_call and {said}: try another endpoint with --rpc"
    )


def _make_refusal_error(fault: RpcFault) -> str:
    sentence = explain_revert(decode_revert_reason(fault.data) or fault.message)
    if sentence is not None:
        return sentence
    return f"the chain refuses this deployment ({fault.message[:200]}): check its limits on gas and contract size"
