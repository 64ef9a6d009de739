"""Who judges whom, and who votes: pure functions of a seed, the same as contracts/modules/draw.vy."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from eth_hash.auto import keccak

MAX_DEGREE: Final = 20
# The ring takes the numbers of a seed up to here; what comes after draws the offsets.
_OFFSETS_FROM: Final = 255
# The bits set in each byte.
_BITS_OF: Final = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))


def derive_draw_seed(block_hash: bytes, number: int, contract: bytes) -> bytes:
    """What a block draws: the neighbours of a round (R3.9), or the jury of a dispute (R26.2).

    block_hash: 32 bytes, of the block that closed the commit phase or raised the dispute. number: of that round or
    dispute. contract: the circle's address, 20 bytes.
    """
    return keccak(block_hash + number.to_bytes(32, "big") + contract.rjust(32, b"\0"))


def seats_of(mask: int) -> list[int]:
    """The seats whose bits are set, ascending."""
    return list(_read_seats(mask))


# Whom a judge judged is asked for when a round is settled and when it is packed.
@lru_cache(maxsize=1024)
def _read_seats(mask: int) -> tuple[int, ...]:
    # A shift of 256 bits for each seat is most of what folding a large circle took; bytes are looked up instead.
    length = (mask.bit_length() + 7) // 8
    return tuple(
        [
            8 * place + bit
            for place, byte in enumerate(mask.to_bytes(length, "little"))
            if byte
            for bit in _BITS_OF[byte]
        ]
    )


def mask_of(seats: Iterable[int]) -> int:
    """The mask with these seats' bits set."""
    return sum(1 << seat for seat in set(seats))


def draw_neighbours(seed: bytes, committed: int, degree: int) -> dict[int, tuple[int, ...]]:
    """Each committed seat's neighbours of the round; bit j of a verdict is about the j-th of them (R11.3).

    A circulant graph over a random ring: offset 1 (so it is connected) and further offsets drawn without
    repetition, each met ahead and behind. Every seat has `degree` neighbours; one more where an odd degree meets an
    odd number of seats, all others where the degree reaches them. Degree 1 on an even ring pairs the seats up: no
    graph of that degree is connected. seed: 32 bytes. committed: mask of at least 2 seats. degree: 1..20.
    """
    order = draw_ring(seed, committed)
    ahead = draw_steps(seed, len(order), degree)
    if not ahead:
        return dict.fromkeys(order, ())
    # Place p of the ring turned by s holds who sits s ahead of the seat at place p.
    turned = [order[step:] + order[:step] for step in ahead]
    return dict(zip(order, zip(*turned, strict=True), strict=True))


def count_neighbours(count: int, degree: int) -> int:
    """How many neighbours each of `count` seats has."""
    return count - 1 if degree >= count - 1 else degree + (degree & count & 1)


def draw_ring(seed: bytes, mask: int) -> list[int]:
    """The mask's seats in random order (Fisher–Yates, inside out) (R11.1)."""
    order: list[int] = []
    for seat in seats_of(mask):
        place = len(order)
        chosen = draw_number(seed, place) % (place + 1)
        order.append(seat)
        order[place], order[chosen] = order[chosen], order[place]
    return order


def draw_steps(seed: bytes, count: int, degree: int) -> list[int]:
    """How far ahead on the ring each neighbour sits, in the order of the bits of a verdict (R11.2)."""
    reached = count_neighbours(count, degree)
    rest = list(range(2, (count + 1) // 2))
    found: list[int] = []
    for pair in range(reached // 2):
        offset = 1
        if pair > 0:
            place = chosen = pair - 1
            if reached != count - 1:
                chosen += draw_number(seed, _OFFSETS_FROM + pair) % (len(rest) - place)
            rest[place], rest[chosen] = rest[chosen], rest[place]
            offset = rest[place]
        found += [offset, count - offset]
    # On an even ring the offset count/2 meets one seat, every other offset meets two.
    return found + [count // 2] * (reached % 2)


def draw_duty_order(seed: bytes, committed: int) -> list[int]:
    """In which order the seats are to settle the round; the first does it, the next step in if it is silent."""
    return draw_ring(keccak(seed + b"duty"), committed)


def draw_jury(seed: bytes, eligible: int, size: int) -> int:
    """A mask of `size` seats drawn from the mask `eligible`, or all of them where they are not more."""
    return mask_of(draw_ring(seed, eligible)[:size])


def draw_number(seed: bytes, index: int) -> int:
    """32 random bits, eight such from each hash. Modulo at most 256 they favour a residue by 2^-24."""
    return _draw_pool(seed, index // 8) >> 32 * (index % 8) & 0xFFFFFFFF


@lru_cache(maxsize=8)
def _draw_pool(seed: bytes, place: int) -> int:
    # Numbers are asked for one after the other, and hashing is most of what a draw takes.
    return int.from_bytes(keccak(seed + place.to_bytes(32, "big")), "big")
