# pragma version 0.4.3
"""
@title The running hash of all events
@license Apache-2.0
@notice Every event is folded into one hash, so that a log which leaves one out, adds one or reorders them is
        noticed by whoever folds it again (docs/protocol.md, R4, lists what each kind folds).
@dev The hash lies in the upper 24 bytes of the clock, see `phases`.
"""

from contracts.modules import phases    # the clock: phase, round, deadline

# @dev What an entry is about.
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


@internal
@pure
def _history(clock: uint256) -> bytes24:
    """
    @notice Read the running hash.
    @param clock The clock.
    @return The hash.
    """
    return convert(slice(convert(clock, bytes32), 0, 24), bytes24)


@internal
@pure
def _fold(
    clock: uint256, kind: uint256, seat: uint256, first: bytes32, second: bytes32, third: bytes32
) -> uint256:
    """
    @notice Fold an event into the running hash.
    @dev The new hash is the first 24 bytes of keccak(head || first || second || third), where head is

           255                     64 63   56 55          16 15    0
           |  running hash, 24 bytes  | kind |    round     | seat |

    @custom:rule R4
    @param clock The clock, whose round the entry carries.
    @param kind What the event is.
    @param seat Whom it is about; 0 for nobody.
    @param first With second and third the event's fields or hashes of them.
    @param second See first.
    @param third See first.
    @return The clock with the new hash.
    """
    head: uint256 = (
        (clock & ~phases.TIME) | (kind << 56) | (((clock >> phases.ROUND_BIT) & phases.MAX_ROUNDS) << 16) | seat
    )
    entry: bytes32 = keccak256(abi_encode(head, first, second, third))
    return (convert(entry, uint256) & ~phases.TIME) | (clock & phases.TIME)


@internal
@pure
def _word(account: address) -> bytes32:
    """
    @notice Write an address as a field of an entry.
    @param account Any address.
    @return The address behind 12 bytes of zeros.
    """
    return convert(convert(account, uint160), bytes32)
