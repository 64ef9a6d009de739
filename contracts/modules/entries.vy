# pragma version 0.4.3
"""
@title The clock, and the running hash of all events in it
@license Apache-2.0
@notice `ledger/history.py` folds the same.
"""

# What an entry is about.
OPENED: constant(uint256) = 1
JOINED: constant(uint256) = 2
MOVED: constant(uint256) = 3
WOKEN: constant(uint256) = 4
COMMITTED: constant(uint256) = 5
DRAWN: constant(uint256) = 6
ATTESTED: constant(uint256) = 7
SETTLED: constant(uint256) = 8
LEFT: constant(uint256) = 9
EJECTED: constant(uint256) = 10
RELEASED: constant(uint256) = 11
ROTATING: constant(uint256) = 12
ROTATED: constant(uint256) = 13
EQUIVOCATED: constant(uint256) = 14
DISPUTED: constant(uint256) = 15
SUMMONED: constant(uint256) = 16
VOTED: constant(uint256) = 17
RESOLVED: constant(uint256) = 18
WITHDRAWN: constant(uint256) = 19
REFERRED: constant(uint256) = 20
APPEALED: constant(uint256) = 21
RESTARTED: constant(uint256) = 22

GATHERING: constant(uint256) = 0
COMMIT: constant(uint256) = 1
ATTEST: constant(uint256) = 2
FINISHED: constant(uint256) = 3

MAX_ROUNDS: constant(uint256) = 2**21 - 1

# The clock, one word:
#   255                    64 63      55 54    53 52     32 31          0
#   |  running hash, 24 bytes | seat count | phase |  round  | deadline, s |
COUNT_BIT: constant(uint256) = 55
PHASE_BIT: constant(uint256) = 53
ROUND_BIT: constant(uint256) = 32
DEADLINE: constant(uint256) = 2**32 - 1
TIME: constant(uint256) = 2**64 - 1     # all of it but the hash


@internal
@pure
def _round(clock: uint256) -> uint256:
    return (clock >> ROUND_BIT) & MAX_ROUNDS


@internal
@pure
def _phase(clock: uint256) -> uint256:
    return (clock >> PHASE_BIT) & 3


@internal
@pure
def _seat_count(clock: uint256) -> uint256:
    return (clock >> COUNT_BIT) & 511


@internal
@pure
def _history(clock: uint256) -> bytes24:
    return convert(slice(convert(clock, bytes32), 0, 24), bytes24)


@internal
@pure
def _set_time(clock: uint256, round: uint256, phase: uint256, deadline: uint256) -> uint256:
    return (clock & ~(2**COUNT_BIT - 1)) | (phase << PHASE_BIT) | (round << ROUND_BIT) | deadline


@internal
@pure
def _fold(
    clock: uint256, kind: uint256, seat: uint256, first: bytes32, second: bytes32, third: bytes32
) -> uint256:
    """
    @return The clock with this entry in its running hash: 24 bytes of
            keccak(history | kind, 1 byte | round, 5 bytes | seat, 2 bytes || first || second || third).
    """
    head: uint256 = (clock & ~TIME) | (kind << 56) | (((clock >> ROUND_BIT) & MAX_ROUNDS) << 16) | seat
    entry: bytes32 = keccak256(abi_encode(head, first, second, third))
    return (convert(entry, uint256) & ~TIME) | (clock & TIME)


@internal
@pure
def _word(account: address) -> bytes32:
    return convert(convert(account, uint160), bytes32)
