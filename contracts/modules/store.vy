# pragma version 0.4.3
"""
@title What a circle keeps
@license Apache-2.0
@notice All storage of a circle, declared once: `Circle` and `Court` both run on it, so both must lay it out alike.
@dev The order of the words below is their layout. A mask is a word with a bit for each seat: bit s is seat s.
"""

# @dev Seats are numbered from 0 to below this.
MAX_SEATS: constant(uint256) = 256


# @dev What is kept of a seat, see `Circle.seat_at`. All but the tenure is zero once the seat is released.
struct Seat:
    hot: address                        # signs and sends for the node; of a seat given up: the last one
    cold: address                       # leaves, rotates the keys, is owed the bond
    bond: uint256                       # wei, what is left of it
    since: uint256                      # the round under way when it joined | disputes raised by then << 32
    tenure: uint256                     # how many have sat here before, plus 1
    free_at: uint256                    # Unix seconds: when a seat given up may be released; 0: it is held
    next_hot: address                   # the hot key announced by the rotation under way
    next_cold: address                  # the cold key announced by it
    rotates_at: uint256                 # Unix seconds: when the announced keys may take effect; 0: no rotation
    disputes: uint256                   # how many are open about what it said
    convictions: uint256                # of this tenure
    suspended_until: uint256            # the round from which it may wake again after a conviction
    silent_until: uint256               # Unix seconds: when the last jury's window ended in which it paid for silence


# @dev What is kept of a dispute, see `Court.dispute_at`.
struct Dispute:
    round: uint256                      # with judge and target: which verdict is said to be false
    judge: uint256                      # a seat
    target: uint256                     # a seat; the judge itself: the claim is about its record or base
    challenger: address                 # raised it and pledged the dispute bond
    appellant: address                  # appealed and pledged four; empty: nobody did
    stage: uint256                      # 0 drawing, 1 jury, 2 appeal, 3 circle
    deadline: uint256                   # Unix seconds, when the stage ends; 0: resolved, or never raised
    opened: uint256                     # number of the block that raised it
    electorate: uint256                 # mask: the seats bonded then
    jury: uint256                       # mask: the jury; in stage 0 the seats it is drawn from
    jury_upholding: uint256             # mask: jurors that answered: the verdict does not follow
    jury_rejecting: uint256             # mask: jurors that answered: it follows
    jury_withheld: uint256              # mask: jurors that answered: the judge does not show what it follows from
    upholding: uint256                  # mask: seats that answered the same in stage 3, as the circle
    rejecting: uint256                  # mask: likewise
    withheld: uint256                   # mask: likewise
    asker: uint256                      # seat + 1 whose claim only asks the judge to show; 0: it is another claim


# @dev The terms that the court needs: it has no immutables.
struct CourtTerms:
    quorum: uint256                     # this many seats must be bonded where a claim is raised
    reputation_shift: uint256           # a penalty takes 1 / 2**shift of a reputation
    reputation_floor: uint256           # a seat below it is quarantined
    bond: uint256                       # wei, a seat's full bond
    unbonding_s: uint256                # how long a seat given up waits for its release
    dispute_bond: uint256               # wei; 0: no disputes
    dispute_window_s: uint256           # how long a stage takes at most
    jury_seats: uint256                 # how many jurors are drawn


clock: uint256                          # running hash, count of seats, phase, round, deadline: see phases.vy
missing: uint256                        # mask: on the round's roster and not committed
roster: uint256                         # mask: may commit in this round and is waited for
late: uint256                           # mask: may commit in this round and is not waited for
committed: uint256                      # mask: committed; written when the commit phase closes
seed: uint256                           # of this round's exchange; before it is known see Circle._draw
woken: uint256                          # mask: asked to be on the next round's roster
members: uint256                        # mask: held, that is, not given up and not empty
vacant: uint256                         # mask: was released and may be taken again
below: uint256                          # mask: below the reputation floor: quarantined
dozing: uint256                         # mask: was waited for in vain and has not shown itself since
suspended: uint256                      # mask: was convicted and has not woken since its term was over

seat_plus_one: HashMap[address, uint256]  # by hot key: its seat + 1; 0: it holds none
seats: HashMap[uint256, Seat]           # by number
key_of: HashMap[address, uint256]       # every hot key ever used: its last seat | tenure << 16
said: uint256[64]                       # the last verdicts of each seat, see verdicts.vy
reputations: uint256[16]                # see verdicts.vy
strikes: uint256[8]                     # rounds in a row below the floor: lanes of 8 bits, seat s in word s // 32

invitations: HashMap[bytes32, bool]     # those used up, by what was signed
disputes: HashMap[uint256, Dispute]     # by number
dispute_count: public(uint256)          # how many were ever raised: the number of the next one
charged: HashMap[bytes32, bool]         # claims raised, and rounds in which an author was convicted

owed: public(HashMap[address, uint256]) # wei that an account may withdraw
pledged: uint256                        # wei: bonds of seats, of open disputes and of their appeals
owing: uint256                          # wei: sum of owed

court_terms: CourtTerms                 # written when the circle is deployed
asking: uint256                         # mask: has a claim open that only asks a judge to show
steady: uint256                         # mask: attested in the round settled last, and dozed on; means nothing of others
