"""How much gas a call may burn at most; what is not burnt is not paid."""

from typing import Final

TRANSFER_GAS: Final = 21_000
# What one transaction may ask for at most (EIP-7825).
_TRANSACTION_GAS_MAX: Final = 1 << 24

# Measured at 64 seats, with a jury of 21, a long endpoint and an invitation, and a margin on top.
_GAS_LIMITS: Final = {
    "join": 450_000,
    "commit": 160_000,
    "attest": 220_000,
    "advance": 150_000,
    "move": 120_000,
    "wake": 120_000,
    "leave": 200_000,
    "eject": 220_000,
    "release": 200_000,
    "withdraw": 150_000,
    "rotate": 250_000,
    "finish_rotation": 220_000,
    "report_equivocation": 300_000,
    "dispute": 400_000,
    "summon": 300_000,
    "vote": 150_000,
    "appeal": 120_000,
    "resolve": 1_100_000,
    "restart": 100_000,
}
_SETTLE_BASE_GAS, _SETTLE_SEAT_GAS = 300_000, 14_000


def gas_limit(call: str, seats: int = 0) -> int | None:
    """What one call of the circle may burn at most, None where only an estimate tells.

    seats: how many are taken, for `settle`.
    """
    if call == "settle":
        return _SETTLE_BASE_GAS + _SETTLE_SEAT_GAS * seats
    return _GAS_LIMITS.get(call)


def with_margin(estimate: int) -> int:
    """A limit above an estimate: the state may change until the block."""
    return max(estimate, min(estimate + estimate // 5 + 5_000, _TRANSACTION_GAS_MAX))
