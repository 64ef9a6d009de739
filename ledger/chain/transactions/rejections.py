"""What an endpoint means when it does not take a transaction. Every client has words of its own."""

from enum import Enum, auto
from typing import Final


class Rejection(Enum):
    """KNOWN: it has these very bytes. NONCE_USED: a block has that nonce. NONCE_HELD: the pool has another
    transaction with it. NONCE_GAP: earlier ones are missing. FEES_LOW: it offers too little. POOL_FULL: later.
    NO_FUNDS: the account cannot pay. REVERTED: the contract refuses. OTHER: none of these."""

    KNOWN = auto()
    NONCE_USED = auto()
    NONCE_HELD = auto()
    NONCE_GAP = auto()
    FEES_LOW = auto()
    POOL_FULL = auto()
    NO_FUNDS = auto()
    REVERTED = auto()
    OTHER = auto()


# go-ethereum, Anvil, Besu, Nethermind, Erigon, Reth and eth-tester; the first that fits counts.
_WORDS: Final = (
    (Rejection.REVERTED, ("execution reverted",)),
    (Rejection.KNOWN, ("already known", "already imported", "known transaction", "alreadyknown", "already exists")),
    (Rejection.NONCE_USED, ("nonce too low", "nonce is too low", "oldnonce")),
    (Rejection.NONCE_HELD, ("replacement transaction underpriced", "replacementnotallowed", "could not replace")),
    (Rejection.NONCE_GAP, ("nonce too high", "nonce is too distant", "noncegap", "nonce gap", "nonce too far")),
    (
        Rejection.NO_FUNDS,
        (
            "insufficient funds",
            "insufficientfunds",
            "exceeds account balance",
            "not have enough balance",
        ),
    ),
    (
        Rejection.FEES_LOW,
        (
            "less than block base fee",
            "less than the current basefee",
            "transaction underpriced",
            "gas price below configured minimum",
            "feetoolow",
            "fee too low",
            "fee cap less than",
            "gas price too low",
        ),
    ),
    (Rejection.POOL_FULL, ("pool is full", "limit exceeded", "pool limit", "txpool full", "as a spammer")),
)


def classify_rejection(message: str) -> Rejection:
    """What an error message of eth_sendRawTransaction means."""
    lowered = message.lower()
    for rejection, phrases in _WORDS:
        if any(phrase in lowered for phrase in phrases):
            return rejection
    return Rejection.OTHER
