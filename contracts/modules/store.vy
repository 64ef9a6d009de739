# pragma version 0.4.3
"""
@title What a circle keeps
@license Apache-2.0
@notice All storage of a circle, declared once: `Circle` and `Court` both run on it, so both must lay it out alike.
"""

struct Seat:
    hot: address                        # signs and sends for the node; the last one of a seat that was given up
    cold: address                       # leaves, rotates the keys, is owed the bond
    bond: uint256
    since: uint256                      # the round under way when it joined | disputes raised by then << 32
    tenure: uint256                     # how many have sat here before, plus 1
    free_at: uint256                    # unix seconds: when a seat given up may be released; 0 while it is held
    next_hot: address
    next_cold: address
    rotates_at: uint256                 # unix seconds, 0: no rotation under way
    disputes: uint256                   # open ones about what it said
    convictions: uint256
    suspended_until: uint256            # a round

struct Dispute:
    round: uint256
    judge: uint256
    target: uint256
    challenger: address
    appellant: address
    stage: uint256
    deadline: uint256                   # unix seconds; 0: resolved
    opened: uint256                     # number of the block that raised it
    electorate: uint256                 # mask: the seats bonded then
    jury: uint256                       # mask; before it is summoned, of the seats it is drawn from
    jury_upholding: uint256             # masks: what the jury answered
    jury_rejecting: uint256
    jury_withheld: uint256
    upholding: uint256                  # masks: what the circle answered
    rejecting: uint256
    withheld: uint256
    asker: uint256                      # seat + 1 whose claim only asks the judge to show; 0: it is another claim

struct CourtTerms:
    quorum: uint256
    reputation_shift: uint256
    reputation_floor: uint256
    bond: uint256
    unbonding_s: uint256
    dispute_bond: uint256
    dispute_window_s: uint256
    jury_seats: uint256


clock: uint256                          # see contracts/modules/entries.vy
missing: uint256                        # bit s: seat s is on the round's roster and has not committed
roster: uint256                         # bit s: seat s may commit in this round and is waited for
late: uint256                           # bit s: seat s may commit in this round and is not waited for
committed: uint256                      # bit s: seat s committed; written when the commit phase closes
seed: uint256                           # of this round's exchange; before it is known, see Circle._draw
woken: uint256                          # bit s: seat s asked to be on the next round's roster
members: uint256                        # bit s: seat s is held: not left, ejected or empty
vacant: uint256                         # bit s: seat s was released and may be taken again
below: uint256                          # bit s: seat s is below the reputation floor: quarantined
dozing: uint256                         # bit s: seat s was waited for in vain and has not shown itself since
suspended: uint256                      # bit s: seat s was convicted and has not woken since its term was over

seat_plus_one: HashMap[address, uint256]
seats: HashMap[uint256, Seat]
key_of: HashMap[address, uint256]       # every key ever used: its last seat | tenure << 16
said: uint256[64]                       # verdicts, see contracts/modules/verdicts.vy
reputations: uint256[16]                # sixteen lanes of 16 bits each
strikes: uint256[8]                     # rounds in a row below the floor: 32 lanes of 8 bits, seat s in word s / 32

invitations: HashMap[bytes32, bool]     # used ones
disputes: HashMap[uint256, Dispute]
dispute_count: public(uint256)
charged: HashMap[bytes32, bool]         # claims raised and rounds in which an author was convicted

owed: public(HashMap[address, uint256])
pledged: uint256                        # bonds of seats, of open disputes and of their appeals
owing: uint256                          # sum of owed

court_terms: CourtTerms                 # the court has no immutables
asking: uint256                         # bit s: seat s has a claim open that only asks a judge to show
