"""Calldata that is no call, or only just one; and what the contract must read in it.

The contract pads what is cut off within an argument's last bytes with zeros and ignores what comes behind, as the
ABI allows it; anything else that is not the value of its type must revert.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from eth_utils.address import to_checksum_address

from ledger.chain.contract.artifact import Artifact

ENDPOINT_MAX_BYTES = 256
WORD = 32
MAX = 2**256
SELECTOR = b"\xff" * 4


def functions(artifact: Artifact, *, views: bool) -> list[str]:
    """The names of the contract's functions that only read, or of the others."""
    names = [(entry["name"], entry["stateMutability"]) for entry in artifact.abi if entry["type"] == "function"]
    return sorted(name for name, mutability in names if (mutability in ("view", "pure")) == views)


def read(types: Sequence[str], data: bytes) -> tuple[Any, ...] | None:
    """The arguments in calldata behind the selector; None where there are none. Endpoints come as bytes."""
    if len(data) < sum(2 * WORD if kind == "string" else WORD for kind in types):
        return None
    found: list[Any] = []
    for place, kind in enumerate(types):
        value = _argument(kind, data, place * WORD)
        if value is None:
            return None
        found.append(value)
    return tuple(found)


def _argument(kind: str, data: bytes, at: int) -> Any:
    word = _word(data, at)
    match kind:
        case "uint256":
            return word
        case "bytes32":
            return word.to_bytes(WORD, "big")
        case "bool":
            return word == 1 if word < 2 else None
        case "address":
            return to_checksum_address(word.to_bytes(WORD, "big")[12:]) if word < 2**160 else None
        case "string":
            return _string(data, word)
    raise AssertionError(f"no function takes a {kind}")


def _string(data: bytes, offset: int) -> bytes | None:
    # An offset so large that it wraps around leads back into the calldata, selector included.
    whole, at = SELECTOR + data, (len(SELECTOR) + offset) % MAX
    size = _word(whole, at)
    if size > ENDPOINT_MAX_BYTES:
        return None
    start = at + WORD
    return whole[start : start + size].ljust(size, b"\0")


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + WORD].ljust(WORD, b"\0"), "big") if at < MAX else 0


def spoiled(data: bytes, chance: Random) -> bytes:
    """Calldata a little changed: cut, lengthened, or with a word or a bit of one spoiled. The selector stays."""
    if len(data) == 4:
        return data + chance.randbytes(chance.randrange(1, 70))
    match chance.randrange(5):
        case 0:
            return data[: chance.randrange(4, len(data))]
        case 1:
            return data + chance.randbytes(chance.choice([1, 31, 32, 200]))
        case 2:
            at = 4 + WORD * chance.randrange((len(data) - 4) // WORD)
            words = (MAX - 1, 1 << 255, 1 << 160, 2, 0, 257, chance.randrange(MAX), chance.randrange(0, 700))
            return data[:at] + chance.choice(words).to_bytes(WORD, "big") + data[at + WORD :]
        case 3:
            at = chance.randrange(4, len(data))
            return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
    return data[:4] + chance.randbytes(len(data) - 4)
