# pragma version 0.4.3
"""
@title Seats and the coin behind them: what both halves of a circle do to them
@license Apache-2.0
"""

from contracts.modules import entries
from contracts.modules import store
from contracts.modules import verdicts

uses: store

# Coin sent here is gone; the address has no code, so sending cannot fail.
BURNED: constant(address) = 0x000000000000000000000000000000000000dEaD
ROUNDS: constant(uint256) = 2**32 - 1   # of Seat.since
DISPUTE_BIT: constant(uint256) = 32


@internal
@view
def _since_round(seat: uint256) -> uint256:
    return store.seats[seat].since & ROUNDS


@internal
@view
def _is_in_round(clock: uint256, seat: uint256) -> bool:
    """
    @return Whether it has committed in a round that is not settled.
    """
    if entries._phase(clock) == entries.COMMIT:
        return ((store.roster ^ store.missing) >> seat) & 1 == 1
    return entries._phase(clock) == entries.ATTEST and (store.committed >> seat) & 1 == 1


@internal
@view
def _reputation(seat: uint256) -> uint256:
    return (store.reputations[seat & 15] >> (16 * (seat >> 4))) & verdicts.LANE


@internal
def _set_reputation(seat: uint256, reputation: uint256, lowest: uint256):
    """
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
def _vacate(clock: uint256, seat: uint256, unbonding_s: uint256) -> uint256:
    """
    @return When the seat may be released.
    @dev Who leaves in a commit phase takes along what it has committed, or a phase that stays open would hold it;
         what it committed in an attest phase stands and is judged. Either way nobody waits for it any longer.
    """
    mask: uint256 = ~(1 << seat)
    store.members &= mask
    store.woken &= mask
    if entries._phase(clock) == entries.COMMIT:
        store.roster &= mask
        store.missing &= mask
        store.late &= mask
    store.strikes[seat >> 5] &= ~(255 << (8 * (seat & 31)))
    store.seat_plus_one[store.seats[seat].hot] = 0
    store.seats[seat].rotates_at = 0
    free_at: uint256 = max(block.timestamp, clock & entries.DEADLINE) + unbonding_s
    store.seats[seat].free_at = free_at
    return free_at


@internal
def _owe(account: address, amount: uint256):
    """
    @dev Out of what is pledged.
    """
    if amount > 0:
        store.pledged -= amount
        store.owing += amount
        store.owed[account] += amount


@internal
def _burn(amount: uint256):
    """
    @dev Out of what is pledged.
    """
    if amount > 0:
        store.pledged -= amount
        send(BURNED, amount)
