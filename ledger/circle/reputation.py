"""The contract's settlement in Python, to the bit: verdicts become reputations.

Source: contracts/modules/verdicts.vy, `_settled`; docs/protocol.md R13.
"""

from collections.abc import Mapping
from typing import Final

from ledger.circle.draw import seats_of
from ledger.circle.round import Attestation

FULL: Final = 65535
INITIAL: Final = 32768
_MAX_STRIKES: Final = 255
_SEATS: Final = 256


def settle(
    reputations: Mapping[int, int],
    committed: int,
    attestations: Mapping[int, Attestation],
    *,
    able: int,
    missed: int = 0,
    shift: int,
    floor: int,
) -> dict[int, int]:
    """The reputations after a round.

    reputations: seat → 0..65535 before it. committed: mask. attestations: by judge's seat.
    able: mask of the judges whose verdicts count: held, not suspended; 0 where the round is given up. missed: mask
    of the seats that were waited for and did not commit.
    A seat moves 1 / 2**shift of the way to the share of its judges' weight that accepted it; one that committed and
    attested nothing then loses 1 / 2**shift, and one that missed the commit phase too. An able judge weighs its
    reputation in 8 bits, nothing below `floor` (unless all are below it: then each weighs 1). The floor is at least
    256, so that a weight above it is not 0.
    """
    judges = [judge for judge in attestations if able >> judge & 1]
    weights = {judge: _weight(reputations[judge], floor) for judge in judges}
    if not any(weights.values()):
        weights = dict.fromkeys(judges, 1)
    settled = dict(reputations)
    # A simulation may have more seats than a circle.
    totals, accepting = _sum_weights(attestations, weights, max(_SEATS, 1 + max(reputations, default=0)))
    for seat in seats_of(committed):
        new = reputations[seat]
        if totals[seat]:
            share = accepting[seat] * FULL // totals[seat]
            new = ((new << shift) - new + share) >> shift
        settled[seat] = new if seat in attestations else lessen(new, shift)
    for seat in seats_of(missed):
        settled[seat] = lessen(reputations[seat], shift)
    return settled


def lessen(reputation: int, shift: int) -> int:
    """What silence leaves of a reputation."""
    return reputation - (reputation >> shift)


def count_strikes(strikes: int, *, is_below: bool) -> int:
    """Settlements in a row that left a seat below the floor, up to 255, after one more (R23.2)."""
    return min(strikes + 1, _MAX_STRIKES) if is_below else 0


def pack(reputations: Mapping[int, int]) -> tuple[int, ...]:
    """Sixteen words as the contract stores them: seat s in word s % 16, bits 16 · (s // 16) and up."""
    words = [0] * 16
    for seat, reputation in reputations.items():
        words[seat % 16] |= reputation << 16 * (seat // 16)
    return tuple(words)


def unpack(words: "tuple[int, ...] | list[int]", seats: int) -> dict[int, int]:
    """The inverse of `pack` for the first `seats` seats."""
    return {seat: words[seat % 16] >> 16 * (seat // 16) & FULL for seat in range(seats)}


def _sum_weights(
    attestations: Mapping[int, Attestation], weights: Mapping[int, int], seats: int
) -> tuple[list[int], list[int]]:
    """By seat, of so many, the weight of the judges that judged it, and of those that accepted it."""
    totals, others = [0] * seats, [0] * seats
    for judge, weight in weights.items():
        said = attestations[judge]
        for seat in seats_of(said.judged):
            totals[seat] += weight
        # Most are accepted: only the others are gone through.
        for seat in seats_of(said.judged & ~said.accepted):
            others[seat] -= weight
        for seat in seats_of(said.accepted & ~said.judged):
            others[seat] += weight
    return totals, [total + other for total, other in zip(totals, others, strict=True)]


def _weight(reputation: int, floor: int) -> int:
    return 0 if reputation < floor else reputation >> 8
