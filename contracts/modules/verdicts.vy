# pragma version 0.4.3
"""
@title Verdicts become reputations
@license Apache-2.0
@notice Pure functions of a round's verdicts (docs/protocol.md, R13). The Python ledger's reputation is the same.
"""

from contracts.modules import bits      # masks: counting, the lowest seat; printable text
from contracts.modules import phases    # the clock: phase, round, deadline

# Reputations: sixteen words of sixteen lanes of 16 bits, seat s in word s % 16, lane s // 16:
#   255      240 239      224       31      16 15       0
#   |  s = w+240 |  s = w+224 | ... |  s = w+16 |  s = w |
LANE: constant(uint256) = 65535
# @dev The full share: the reputation of a seat whose every verdict accepts it, for ever.
FULL: constant(uint256) = 65535

# What one judge says of a round, a lane of 64 bits, four seats to a word, seat s in word s // 4, lane s % 4:
#   63  62       42 41       21 20       0
#   | 0 |   round   | accepted |  judged  |
# Bit j of judged and accepted is about the seat steps[j] ahead of the judge on the round's ring.
ROUND_BIT: constant(uint256) = 42
ACCEPTED_BIT: constant(uint256) = 21
SAID: constant(uint256) = 2**21 - 1
# @dev Where the accepted bits begin in a place of the ring, behind the seat's 8 bits and its judged bits.
ACCEPTED_AT: constant(uint256) = 29


@internal
@pure
def _settled(
    reputations: uint256[16],
    places: uint256[256],
    count: uint256,
    steps: uint256[20],
    links: uint256,
    attested: uint256,
    able: uint256,
    below: uint256,
    inertia: uint256,
    lowest: uint256,
) -> (uint256[16], uint256):
    """
    @notice Turn the verdicts of a round into reputations.
    @dev A judge weighs its reputation in 8 bits, or nothing below the floor. If every able judge is below it, all
         weigh the same; otherwise nobody could ever come back. 256 such weights fit a lane: 256 * 255 < 2**16.
         Nearly all verdicts of a quiet round say "accepted": those are summed for sixteen places at once, and only
         the others, and the seats they are about, are looked at one by one.
    @custom:rule R13
    @param reputations Before the round.
    @param places The committed seats in the order of the round's ring: each one's number in the lowest 8 bits, the
           lane of what it said above them.
    @param count How many seats are on the ring.
    @param steps How far ahead on the ring each neighbour of a judge sits.
    @param links How many of the steps count.
    @param attested The seats that attested.
    @param able Those of them whose verdicts count.
    @param below The seats below the floor before the round.
    @param inertia A reputation moves by 1 / 2**inertia of the way to its share.
    @param lowest The floor.
    @return The reputations after the round.
    @return The seats below the floor after it.
    """
    words: uint256[16] = reputations
    # The judges' weights, sixteen places to a word, around the ring twice so that every step is one shift away.
    weights: uint256[34] = empty(uint256[34])
    # By place: the weight that did not judge it in the low half, the weight that did not accept it in the high half.
    lost: uint256[256] = empty(uint256[256])
    judges: uint256 = able & ~below
    nobody: bool = judges == 0
    if nobody:
        judges = able
    full: uint256 = (1 << links) - 1
    place: uint256 = 0
    seat: uint256 = 0
    for index: uint256 in range((count + 15) >> 4, bound=16):
        packed: uint256 = 0
        for inner: uint256 in range(16):
            seat = places[place] & 255
            if (judges >> seat) & 1 == 1 and place < count:
                weight: uint256 = 1
                if not nobody:
                    weight = (words[seat & 15] >> (((seat >> 4) << 4) | 8)) & 255
                packed |= weight << (inner << 4)
                refused: uint256 = ~(places[place] >> ACCEPTED_AT) & full
                if refused != 0:
                    # Who is accepted is judged, so what is not refused is neither.
                    unjudged: uint256 = ~(places[place] >> 8) & full
                    for step: uint256 in range(20):
                        if refused & 1 == 1:
                            target: uint256 = unsafe_add(place, steps[step])
                            if target >= count:
                                target = unsafe_sub(target, count)
                            lost[target] = unsafe_add(lost[target], unsafe_mul(weight, 2**128 | (unjudged & 1)))
                        refused = refused >> 1
                        if refused == 0:
                            break
                        unjudged = unjudged >> 1
            place = unsafe_add(place, 1)
        weights[index] |= packed
        again: uint256 = unsafe_add(index << 4, count)
        weights[again >> 4] |= packed << ((again & 15) << 4)
        weights[unsafe_add(again >> 4, 1)] |= packed >> unsafe_sub(256, (again & 15) << 4)
    # Seats whose judges all accepted move towards a full share; it is the same step for sixteen of them at once.
    plain: uint256 = attested & ~below
    quarantined: uint256 = below
    place = 0
    for index: uint256 in range((count + 15) >> 4, bound=16):
        totals: uint256 = 0
        for step: uint256 in range(links, bound=20):
            first: uint256 = unsafe_sub(unsafe_add(index << 4, count), steps[step])
            offset: uint256 = (first & 15) << 4
            totals = unsafe_add(
                totals,
                (weights[first >> 4] >> offset) | (weights[unsafe_add(first >> 4, 1)] << unsafe_sub(256, offset)),
            )
        for inner: uint256 in range(16):
            total: uint256 = (totals >> (inner << 4)) & LANE
            less: uint256 = lost[place]
            seat = places[place] & 255
            place = unsafe_add(place, 1)
            if less == 0 and total != 0 and (plain >> seat) & 1 == 1:
                continue
            if place > count:
                break
            plain &= ~(1 << seat)
            lane: uint256 = (seat >> 4) << 4
            old: uint256 = (words[seat & 15] >> lane) & LANE
            new: uint256 = old
            judged: uint256 = unsafe_sub(total, less & LANE)
            if judged != 0:
                share: uint256 = unsafe_div(unsafe_mul(unsafe_sub(total, less >> 128), FULL), judged)
                new = unsafe_add(unsafe_sub(new << inertia, new), share) >> inertia
            # Who committed and then kept silent about the others pays for it.
            if (attested >> seat) & 1 == 0:
                new = unsafe_sub(new, new >> inertia)
            words[seat & 15] ^= (old ^ new) << lane
            if new < lowest:
                quarantined |= 1 << seat
            else:
                quarantined &= ~(1 << seat)
    for index: uint256 in range(16):
        # (old * (2**n - 1) + FULL) / 2**n is old + (FULL - old) / 2**n, and FULL - old is the complement.
        moved: uint256 = unsafe_mul((plain >> index) & bits.LANES, FULL >> inertia)
        words[index] = unsafe_add(words[index], (~words[index] >> inertia) & moved)
    return words, quarantined


@internal
@pure
def _lowered(
    reputations: uint256[16], missing: uint256, below: uint256, inertia: uint256, lowest: uint256
) -> (uint256[16], uint256):
    """
    @notice Lower the reputations of seats that were waited for and did not commit: they pay as those do that commit
            and do not attest.
    @custom:rule R13
    @param reputations Before that.
    @param missing These seats.
    @param below The seats below the floor before that.
    @param inertia A reputation loses 1 / 2**inertia of itself.
    @param lowest The floor.
    @return The reputations after that.
    @return The seats below the floor after it.
    """
    words: uint256[16] = reputations
    quarantined: uint256 = below
    left: uint256 = missing
    for seat: uint256 in range(256):
        if left & 1 == 1:
            lane: uint256 = (seat >> 4) << 4
            old: uint256 = (words[seat & 15] >> lane) & LANE
            new: uint256 = unsafe_sub(old, old >> inertia)
            words[seat & 15] ^= (old ^ new) << lane
            if new < lowest:
                quarantined |= 1 << seat
        left = left >> 1
        if left == 0:
            break
    return words, quarantined


@internal
@pure
def _reaching(reputations: uint256[16], seats: uint256, least: uint256) -> uint256:
    """
    @notice Find the seats with a high reputation.
    @custom:rule R3.5a
    @param reputations Those of all seats.
    @param seats The seats to look at.
    @param least The reputation to reach.
    @return Those of `seats` that reach it.
    """
    reaching: uint256 = 0
    left: uint256 = seats
    for seat: uint256 in range(256):
        if left & 1 == 1 and (reputations[seat & 15] >> ((seat >> 4) << 4)) & LANE >= least:
            reaching |= 1 << seat
        left = left >> 1
        if left == 0:
            break
    return reaching


@internal
@pure
def _round_of(lane: uint256) -> uint256:
    """
    @notice Read of which round a lane of verdicts is.
    @param lane The lane; anything above its 64 bits is not looked at.
    @return The round; 0 for a seat that never attested.
    """
    return (lane >> ROUND_BIT) & phases.MAX_ROUNDS
