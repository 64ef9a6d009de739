"""Being asked to slow down: every service has words of its own for it."""

from typing import Final

# Each service has a number of its own; -32005 is that of EIP-1474, and some give it for other limits too.
_CODES: Final = frozenset({429, -32029, -32090, -32016, -32007})
_LIMIT: Final = -32005
_WORDS: Final = (
    "too many requests",
    "rate limit",
    "ratelimit",
    "rate exceeded",
    "request limit",
    "requests per second",
    "compute units",
    "throughput",
    "retry in",
    "retry after",
    "slow down",
    "too many connections",
    "quota",
)
# A limit on what is asked for: asking for less helps, waiting does not.
_SIZE_WORDS: Final = ("result", "range", "logs", "response size", "blocks")


def is_throttling(method: str, code: int, message: str) -> bool:
    """Whether a JSON-RPC error says that the same request may be made again later."""
    lowered = message.lower()
    if "revert" in lowered:
        return False
    if code in _CODES or any(words in lowered for words in _WORDS):
        return True
    is_size = method == "eth_getLogs" and any(words in lowered for words in _SIZE_WORDS)
    return code == _LIMIT and not is_size
