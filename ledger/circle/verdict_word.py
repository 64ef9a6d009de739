"""One judge's verdicts in the word it sends to the contract (R10), see contracts/modules/verdicts.vy.

Bit j of `judged` and `accepted` is about the judge's j-th neighbour: a judge can speak of its neighbours alone.
The seed's tail keeps a word from being taken under another seed, should the chain reorganise.

     127            64  63  62       42 41        21 20         0
    |  seed's last 8 B | 0 |   round    | accepted  |  judged   |
"""

from collections.abc import Sequence
from typing import Final

SEED_BIT: Final = 64
SEED_BYTES: Final = 8
ROUND_BIT: Final = 42
ACCEPTED_BIT: Final = 21
MAX_ROUND: Final = (1 << 21) - 1
_SAID: Final = (1 << 21) - 1


def encode_verdicts(seed: bytes, round_number: int, order: Sequence[int], judged: int, accepted: int) -> int:
    """The word for `attest`. order: the judge's neighbours, see `topology.neighbours`. judged, accepted: masks.

    Verdicts about others than the neighbours do not fit in and are left out.
    """
    tail = int.from_bytes(seed[-SEED_BYTES:], "big")
    return (
        tail << SEED_BIT | round_number << ROUND_BIT | _bits(order, accepted) << ACCEPTED_BIT | _bits(order, judged)
    )


def round_of(word: int) -> int:
    """The round a word is about; beyond MAX_ROUND for a word that is none."""
    return (word & (1 << SEED_BIT) - 1) >> ROUND_BIT


def is_under(word: int, seed: bytes) -> bool:
    """Whether a word was said under this seed."""
    return word >> SEED_BIT == int.from_bytes(seed[-SEED_BYTES:], "big")


def is_consistent(word: int) -> bool:
    """Whether nothing is accepted that was not judged."""
    return word >> ACCEPTED_BIT & _SAID & ~word == 0


def decode_verdicts(word: int, order: Sequence[int]) -> tuple[int, int]:
    """(judged, accepted) as masks of seats; what is said of places beyond the neighbours' says nothing."""
    judged, accepted = word & _SAID, word >> ACCEPTED_BIT & _SAID
    everyone = _mask(order, judged)
    # Most are accepted: only those in one of the two alone are gone through a second time.
    return everyone, everyone ^ _mask(order, judged ^ accepted)


def _bits(order: Sequence[int], mask: int) -> int:
    return sum(1 << place for place, seat in enumerate(order) if mask >> seat & 1)


def _mask(order: Sequence[int], bits: int) -> int:
    mask = 0
    bits &= (1 << len(order)) - 1
    while bits:
        lowest = bits & -bits
        bits ^= lowest
        mask |= 1 << order[lowest.bit_length() - 1]
    return mask
