# pragma version 0.4.3
"""
@title The clock: phase, round, deadline and count of seats in one word
@license Apache-2.0
@notice Pure functions of the clock. What leads from one phase to the next is drawn in `Circle`.
"""

# The clock, one word, so that a call reads and writes it once:
#   255                     64 63        55 54   53 52     32 31           0
#   |  running hash, 24 bytes  | seat count | phase |  round  | deadline, s |
# The running hash is that of entries.vy. The deadline is when a commit or attest phase ends, in Unix seconds; in
# FINISHED it is when the circle finished, in GATHERING it is 0.
COUNT_BIT: constant(uint256) = 55
PHASE_BIT: constant(uint256) = 53
ROUND_BIT: constant(uint256) = 32
DEADLINE: constant(uint256) = 2**32 - 1
# @dev All of the clock but the running hash.
TIME: constant(uint256) = 2**64 - 1
MAX_ROUNDS: constant(uint256) = 2**21 - 1

# @dev The phases.
GATHERING: constant(uint256) = 0
COMMIT: constant(uint256) = 1
ATTEST: constant(uint256) = 2
FINISHED: constant(uint256) = 3


@internal
@pure
def _round(clock: uint256) -> uint256:
    """
    @notice Read the round under way.
    @param clock The clock.
    @return 0 before the first one; the last one when finished.
    """
    return (clock >> ROUND_BIT) & MAX_ROUNDS


@internal
@pure
def _phase(clock: uint256) -> uint256:
    """
    @notice Read the phase under way.
    @param clock The clock.
    @return GATHERING, COMMIT, ATTEST or FINISHED.
    """
    return (clock >> PHASE_BIT) & 3


@internal
@pure
def _seat_count(clock: uint256) -> uint256:
    """
    @notice Read how many seats were ever taken.
    @param clock The clock.
    @return 0..256: the number of the next new seat.
    """
    return (clock >> COUNT_BIT) & 511


@internal
@pure
def _set_time(clock: uint256, round: uint256, phase: uint256, deadline: uint256) -> uint256:
    """
    @notice Begin a phase.
    @param clock The clock.
    @param round The round from now on.
    @param phase The phase from now on.
    @param deadline When it ends, in Unix seconds.
    @return The clock with these three; count of seats and running hash are as before.
    """
    return (clock & ~(2**COUNT_BIT - 1)) | (phase << PHASE_BIT) | (round << ROUND_BIT) | deadline
