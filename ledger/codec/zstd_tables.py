"""The two tables of a zstd frame, as RFC 8878 writes them down: FSE distributions and Huffman trees.

Whatever the RFC does not allow is refused here, also where libzstd would take it (R9.6).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.errors import PeerFault

MAX_TREE_BITS: Final = 11
_MOST_WEIGHTS: Final = 255
_WEIGHT_BITS: Final = 6


class MalformedFrame(PeerFault):
    """The frame does not decode to a state of the agreed length."""


def require(fact: bool, otherwise: str) -> None:
    """Raises MalformedFrame unless it is so."""
    if not fact:
        raise MalformedFrame(f"the zstd frame {otherwise}")


@dataclass(frozen=True)
class StateTable:
    """What each state of an FSE decoder stands for, and where it leads."""

    bits: int
    """There are 2**bits states."""
    symbols: list[int]
    """Of each state."""
    widths: list[int]
    """How many bits the next state is read from."""
    bases: list[int]
    """What those bits are added to."""


class BackwardBits:
    """Bits of a stretch of bytes, read from its end; the highest set bit of its last byte says where."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        """Raises MalformedFrame if there is no mark."""
        self.data = data
        self.first = start
        self.left = count_bits(data, start, end)

    def read(self, width: int) -> int:
        """The next bits, up to 65 of them. Raises MalformedFrame where they are over."""
        self.left -= width
        if self.left < 0:
            raise MalformedFrame("the zstd frame has a bit stream that is cut off")
        at = self.first + (self.left >> 3)
        return int.from_bytes(self.data[at : at + 9], "little") >> (self.left & 7) & (1 << width) - 1


def count_bits(data: bytes, start: int, end: int) -> int:
    """How many bits a backward stream holds. Raises MalformedFrame if it has no mark."""
    require(end > start and data[end - 1] > 0, "has a bit stream without its mark")
    return (end - start) * 8 - 9 + data[end - 1].bit_length()


def read_distribution(
    data: bytes, start: int, end: int, most_bits: int, most_symbol: int
) -> tuple[StateTable, int]:
    """An FSE table and where its description ends (RFC 8878, 4.1.1). Raises MalformedFrame."""
    # No description is longer: 256 shares of at most 11 bits.
    stream = int.from_bytes(data[start : min(end, start + 512)], "little")
    bits = (stream & 15) + 5
    require(bits <= most_bits, "has a table that is too large")
    place, left = 4, (1 << bits) + 1
    shares: list[int] = []
    while left > 1:
        require(len(shares) <= most_symbol, "has a table of too many symbols")
        width = left.bit_length()
        spare = (1 << width) - 1 - left
        value = stream >> place & (1 << width) - 1
        if value & (1 << width - 1) - 1 < spare:
            value &= (1 << width - 1) - 1
            place += width - 1
        else:
            value -= spare if value >= 1 << width - 1 else 0
            place += width
        shares.append(value - 1)
        left -= abs(value - 1)
        while value == 1:
            more = stream >> place & 3
            place += 2
            shares += [0] * more
            if more < 3:
                break
    require(left == 1 and len(shares) <= most_symbol + 1, "has a table that does not add up")
    stop = start + (place + 7 >> 3)
    require(stop <= end, "has a table that is cut off")
    return make_states(bits, shares), stop


def make_states(bits: int, shares: list[int]) -> StateTable:
    """The table of a distribution that adds up to 2**bits; −1 is a share below one."""
    size = 1 << bits
    symbols, high = [0] * size, size - 1
    for symbol, share in enumerate(shares):
        if share < 0:
            symbols[high] = symbol
            high -= 1
    step, place = (size >> 1) + (size >> 3) + 3, 0
    for symbol, share in enumerate(shares):
        for _ in range(share):
            symbols[place] = symbol
            place = place + step & size - 1
            while place > high:
                place = place + step & size - 1
    counts = [abs(share) for share in shares]
    widths, bases = [0] * size, [0] * size
    for state, symbol in enumerate(symbols):
        count = counts[symbol]
        counts[symbol] += 1
        widths[state] = bits + 1 - count.bit_length()
        bases[state] = (count << widths[state]) - size
    return StateTable(bits, symbols, widths, bases)


def read_tree(data: bytes, start: int, end: int) -> tuple[NDArray[np.int64], int]:
    """How many bits each byte's code has, (256,), 0 for none, and where the tree ends (RFC 8878, 4.2.1)."""
    require(start < end, "has a tree that is cut off")
    header = data[start]
    if header < 128:
        stop = start + 1 + header
        require(stop <= end, "has a tree that is cut off")
        weights = _read_weights(data, start + 1, stop)
    else:
        known = header - 127
        stop = start + 1 + (known + 1 >> 1)
        require(stop <= end, "has a tree that is cut off")
        weights = [nibble for byte in data[start + 1 : stop] for nibble in (byte >> 4, byte & 15)][:known]
    return _measure_codes(weights), stop


def _read_weights(data: bytes, start: int, end: int) -> list[int]:
    table, at = read_distribution(data, start, end, _WEIGHT_BITS, 255)
    # The whole stretch as one number: calling BackwardBits for every weight takes five times as long.
    left, stream = count_bits(data, at, end), int.from_bytes(data[at:end], "little")
    symbols, widths, bases = table.symbols, table.widths, table.bases
    left -= 2 * table.bits
    require(left >= 0, "has a bit stream that is cut off")
    mask = (1 << table.bits) - 1
    now, then = stream >> left + table.bits & mask, stream >> left & mask
    weights: list[int] = []
    while len(weights) < _MOST_WEIGHTS:
        weights.append(symbols[now])
        width = widths[now]
        if left < width:
            require(left == 0 and len(weights) < _MOST_WEIGHTS, "has a tree that does not end with its weights")
            return [*weights, symbols[then]]
        left -= width
        now, then = then, bases[now] + (stream >> left & (1 << width) - 1)
    raise MalformedFrame("the zstd frame has a tree of too many weights")


def _measure_codes(weights: list[int]) -> NDArray[np.int64]:
    require(max(weights) <= MAX_TREE_BITS, "has a tree that is too deep")
    total = sum(1 << weight >> 1 for weight in weights)
    bits = total.bit_length()
    require(0 < bits <= MAX_TREE_BITS, "has a tree that is too deep, or has no leaves")
    rest = (1 << bits) - total
    require(rest & rest - 1 == 0, "has a tree that does not add up")
    all_weights = [*weights, rest.bit_length()]
    require(all_weights.count(1) > 1, "has a tree without its two deepest leaves")
    lengths = np.zeros(256, np.int64)
    lengths[: len(all_weights)] = [bits + 1 - weight if weight else 0 for weight in all_weights]
    return lengths
