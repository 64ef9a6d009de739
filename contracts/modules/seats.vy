# pragma version 0.4.3
"""
@title Seats: who holds them, how they stand, how they are given up
@license Apache-2.0
@notice What `Circle` and `Court` read and write of single seats.
"""

from contracts.modules import bits      # masks: counting, the lowest seat; printable text
from contracts.modules import checks    # a reason for every revert
from contracts.modules import phases    # the clock: phase, round, deadline
from contracts.modules import store     # all storage
from contracts.modules import verdicts  # verdicts, and what becomes of reputations

uses: store

# @dev A seat that has not attested in so many rounds and is on no roster may be ejected.
ABSENT_ROUNDS: constant(uint256) = 256

# Seat.since:
#   255                         32 31           0
#   |  disputes raised by then    |    round    |
ROUNDS: constant(uint256) = 2**32 - 1
DISPUTE_BIT: constant(uint256) = 32


@internal
@view
def _seat_of(peer: address) -> uint256:
    """
    @notice Find a peer's seat.
    @param peer A hot key.
    @return The number of its seat; reverts for a key that has none.
    """
    seat: uint256 = store.seat_plus_one[peer]
    assert seat != 0, "seat: caller has none"
    return unsafe_sub(seat, 1)


@internal
@view
def _check_cold(seat: uint256):
    """
    @notice Revert unless the caller is the cold key of a seat that is held.
    @param seat Its number.
    """
    checks._require(seat < store.MAX_SEATS and (store.members >> seat) & 1 == 1, "seat: is not held")
    checks._require(store.seats[seat].cold == msg.sender, "seat: caller is not its cold key")


@internal
@view
def _check_key(key: address):
    """
    @notice Revert unless a key may become a seat's hot key.
    @dev Evidence signed with a key must always lead to one seat, also after that seat changed its keys.
    @param key The key: neither the hot key of a seat, nor one that a seat not released since had in this tenure.
    """
    checks._require(store.seat_plus_one[key] == 0, "seat: key has a seat")
    known: uint256 = store.key_of[key]
    held: uint256 = known & 65535
    checks._require(
        known == 0 or store.seats[held].tenure != known >> 16 or store.seats[held].hot == empty(address),
        "seat: key is another seat's",
    )


@internal
@pure
def _check_endpoint(endpoint: String[256]):
    """
    @notice Revert unless an endpoint may be published.
    @param endpoint 1..256 bytes of printable ASCII.
    """
    checks._require(len(endpoint) > 0, "seat: endpoint is empty")
    checks._require(bits._is_printable(endpoint), "seat: endpoint is not printable")


@internal
@view
def _since_round(seat: uint256) -> uint256:
    """
    @notice Read when a seat was taken.
    @param seat Its number.
    @return The round that was under way then.
    """
    return store.seats[seat].since & ROUNDS


@internal
@view
def _is_in_round(clock: uint256, seat: uint256) -> bool:
    """
    @notice Tell whether a seat has committed in a round that is not settled.
    @param clock The clock.
    @param seat Its number.
    @return True between its commit and the round's end.
    """
    if phases._phase(clock) == phases.COMMIT:
        return ((store.roster ^ store.missing) >> seat) & 1 == 1
    return phases._phase(clock) == phases.ATTEST and (store.committed >> seat) & 1 == 1


@internal
@view
def _is_absent(seat: uint256) -> bool:
    """
    @notice Tell whether a seat neither takes part nor is about to, and has not for long.
    @param seat Its number.
    @return True where it may be ejected for that.
    """
    lane: uint256 = store.said[seat >> 2] >> (64 * (seat & 3))
    since: uint256 = max(self._since_round(seat), verdicts._round_of(lane))
    return (
        ((store.roster | store.late | store.woken) >> seat) & 1 == 0
        and phases._round(store.clock) >= since + ABSENT_ROUNDS
    )


@internal
@view
def _reputation(seat: uint256) -> uint256:
    """
    @notice Read a reputation.
    @param seat A seat's number.
    @return 0..65535.
    """
    return (store.reputations[seat & 15] >> (16 * (seat >> 4))) & verdicts.LANE


@internal
def _set_reputation(seat: uint256, reputation: uint256, lowest: uint256):
    """
    @notice Write a reputation, and whether it is below the floor.
    @param seat A seat's number.
    @param reputation 0..65535.
    @param lowest The floor.
    """
    lane: uint256 = 16 * (seat >> 4)
    word: uint256 = store.reputations[seat & 15]
    store.reputations[seat & 15] = (word & ~(verdicts.LANE << lane)) | (reputation << lane)
    if reputation < lowest:
        store.below |= 1 << seat
    else:
        store.below &= ~(1 << seat)


@internal
@view
def _strikes(seat: uint256) -> uint256:
    """
    @notice Read after how many settlements in a row a seat was below the floor.
    @param seat Its number.
    @return 0..255; 255 stands for more, too.
    """
    return (store.strikes[seat >> 5] >> (8 * (seat & 31))) & 255


@internal
def _strike(below: uint256, before: uint256):
    """
    @notice Count a settlement: one strike more for each seat held and below the floor, none where it came back.
    @param below The seats below the floor after the settlement.
    @param before The seats below it before.
    """
    members: uint256 = store.members
    for index: uint256 in range(8):
        if ((below | before) & members) >> (32 * index) & (2**32 - 1) == 0:
            continue
        word: uint256 = store.strikes[index]
        for place: uint256 in range(32):
            lane: uint256 = 8 * place
            if ((below & members) >> (32 * index + place)) & 1 == 0:
                word &= ~(255 << lane)
            elif (word >> lane) & 255 < 255:
                word += 1 << lane
        store.strikes[index] = word


@internal
def _forget(mask: uint256):
    """
    @notice Clear what the rounds keep of a seat, for its next holder.
    @param mask All seats but that one.
    """
    store.vacant &= mask
    store.roster &= mask
    store.missing &= mask
    store.late &= mask
    store.dozing &= mask
    store.suspended &= mask


@internal
def _vacate(clock: uint256, seat: uint256, unbonding_s: uint256) -> uint256:
    """
    @notice Give a seat up: nobody holds it any more, its bond waits.
    @dev A seat given up in a commit phase takes along what it has committed, or a phase that stays open would hold
         it; what it committed in an attest phase stands and is judged. Either way nobody waits for it any longer.
    @param clock The clock.
    @param seat Its number.
    @param unbonding_s How long its bond waits after the phase under way.
    @return When the seat may be released, in Unix seconds.
    """
    mask: uint256 = ~(1 << seat)
    store.members &= mask
    store.woken &= mask
    if phases._phase(clock) == phases.COMMIT:
        store.roster &= mask
        store.missing &= mask
        store.late &= mask
    store.strikes[seat >> 5] &= ~(255 << (8 * (seat & 31)))
    store.seat_plus_one[store.seats[seat].hot] = 0
    store.seats[seat].rotates_at = 0
    free_at: uint256 = max(block.timestamp, clock & phases.DEADLINE) + unbonding_s
    store.seats[seat].free_at = free_at
    return free_at
