"""The contract's settlement in Python, to the bit: verdicts become reputations.

Source: contracts/modules/verdicts.vy, `_settled`; docs/protocol.md R13.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger.topology import seats_of

FULL: Final = 65535
INITIAL: Final = 32768


@dataclass(frozen=True)
class Verdict:
    """What one judge attested: bit s of judged, accepted stands for seat s."""

    judged: int
    accepted: int


def settle(
    reputations: Mapping[int, int],
    committed: int,
    verdicts: Mapping[int, Verdict],
    *,
    shift: int,
    floor: int,
) -> dict[int, int]:
    """The reputations after a round.

    reputations: seat → 0..65535 before it. committed: mask. verdicts: by judge's seat, of those that attested.
    A seat moves 1 / 2**shift of the way to the share of its judges' weight that accepted it; a committed seat
    that attested nothing then loses 1 / 2**shift. A judge weighs its reputation in 8 bits, nothing below `floor`
    (unless all are below it: then each weighs 1). The floor is at least 256, so that a weight above it is not 0.
    """
    weights = {judge: _weight(reputations[judge], floor) for judge in verdicts}
    if not any(weights.values()):
        weights = dict.fromkeys(verdicts, 1)
    settled = dict(reputations)
    for seat in seats_of(committed):
        total = sum(w for judge, w in weights.items() if verdicts[judge].judged >> seat & 1)
        accepting = sum(w for judge, w in weights.items() if verdicts[judge].accepted >> seat & 1)
        new = reputations[seat]
        if total:
            share = accepting * FULL // total
            new = ((new << shift) - new + share) >> shift
        if seat not in verdicts:
            new -= new >> shift
        settled[seat] = new
    return settled


def pack(reputations: Mapping[int, int]) -> tuple[int, ...]:
    """Sixteen words as the contract stores them: seat s in word s % 16, bits 16 · (s // 16) and up."""
    words = [0] * 16
    for seat, reputation in reputations.items():
        words[seat % 16] |= reputation << 16 * (seat // 16)
    return tuple(words)


def unpack(words: "tuple[int, ...] | list[int]", seats: int) -> dict[int, int]:
    """The inverse of `pack` for the first `seats` seats."""
    return {seat: words[seat % 16] >> 16 * (seat // 16) & FULL for seat in range(seats)}


def _weight(reputation: int, floor: int) -> int:
    return 0 if reputation < floor else reputation >> 8
