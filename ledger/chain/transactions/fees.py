"""What a transaction offers per gas (EIP-1559): first offer, higher offers, and where it stops."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ledger.chain.rpc import answers
from ledger.chain.rpc.client import Rpc, RpcFault

_log = logging.getLogger(__name__)
GWEI: Final = 10**9
_MARKET_LIVE_S: Final = 12.0
_TIP_LIVE_S: Final = 300.0
_USUAL_TIP_WEI: Final = GWEI


@dataclass(frozen=True)
class Fees:
    """Per gas, wei. cap: base fee and tip together at most."""

    cap_wei: int
    tip_wei: int


@dataclass(frozen=True)
class FeeLimits:
    """What the operator is ready to pay per gas, and after how many blocks more is offered."""

    max_fee_wei: int = 500 * GWEI
    """Never more than that."""
    max_tip_wei: int = 5 * GWEI
    """Of what an endpoint suggests; higher offers may go beyond."""
    stuck_blocks: int = 3
    """So many blocks without the transaction, and more is offered."""


@dataclass(frozen=True)
class Market:
    """What the chain asks."""

    base_fee_wei: int
    """Per gas, of the block after `head`."""
    tip_wei: int
    """Per gas, as suggested."""
    head: int
    """Number of the newest block."""


def choose_first_fees(market: Market, limits: FeeLimits) -> Fees | None:
    """Twice the base fee leaves room for six full blocks in a row. None if the next block costs too much."""
    if market.base_fee_wei > limits.max_fee_wei:
        return None
    tip = min(market.tip_wei, limits.max_tip_wei)
    cap = min(2 * market.base_fee_wei + tip, limits.max_fee_wei)
    return Fees(cap, min(tip, cap))


def bump(fees: Fees, base_fee_wei: int, limits: FeeLimits) -> Fees | None:
    """An offer that every client takes in place of the old one: an eighth more on both fees, and a block's price.

    None where that is more than allowed.
    """
    tip, cap = _add_an_eighth(fees.tip_wei), _add_an_eighth(fees.cap_wei)
    if max(cap, base_fee_wei) > limits.max_fee_wei:
        return None
    cap = max(cap, min(2 * base_fee_wei + tip, limits.max_fee_wei))
    return Fees(cap, min(tip, cap))


def is_too_low(fees: Fees, market: Market, blocks_waited: int, limits: FeeLimits) -> bool:
    """Whether a transaction that waits needs a higher offer: no block may take it, or none did for a while."""
    return fees.cap_wei < market.base_fee_wei or blocks_waited >= limits.stuck_blocks


def _add_an_eighth(wei: int) -> int:
    return max((9 * wei + 7) // 8, wei + 1)


class FeeMarket:
    """Asks an endpoint, and keeps the answer for a while."""

    def __init__(self, rpc: Rpc, clock: Callable[[], float] = time.monotonic) -> None:
        self._rpc, self._clock = rpc, clock
        self._market: Market | None = None
        self._market_asked = self._tip_asked = 0.0
        self._tip_wei: int | None = None

    def ask(self, *, fresh: bool = False) -> Market:
        """What the chain asks now, or (not fresh) a few seconds ago. Raises ChainUnreachable, RpcFault."""
        now = self._clock()
        if self._market is None or fresh or now - self._market_asked > _MARKET_LIVE_S:
            base_fee, head = self._rpc.request("eth_feeHistory", ["0x1", "latest", []], answers.parse_next_base_fee)
            self._market = Market(base_fee, self._ask_tip(now), head)
            self._market_asked = now
        return self._market

    def _ask_tip(self, now: float) -> int:
        if self._tip_wei is None or now - self._tip_asked > _TIP_LIVE_S:
            try:
                self._tip_wei = self._rpc.fetch_number("eth_maxPriorityFeePerGas")
            except RpcFault as fault:
                _log.info("no tip suggested, usual one taken reason=%s", fault.message)
                self._tip_wei = _USUAL_TIP_WEI
            self._tip_asked = now
        return self._tip_wei
