# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy off
"""
@title Circle: the seats, rounds, verdicts, reputations and bonds of one learning task
@license Apache-2.0
@notice A round is commit -> exchange -> attest -> settle. Peers anchor the digest of their update, the circle
        draws a seed once all have committed, peers attest whom they judged and whom they accepted, and anyone
        settles the verdicts into reputations. There is no owner, no pause, no upgrade and no parameter that can
        change after deployment.
@dev Every event is folded into one running hash, `history`, so that a log which leaves one out, adds one or
     reorders them is noticed by whoever folds it again.
     Money moves in two ways only: into the circle with `join` and `dispute`, out of it with `withdraw` (to who is
     owed it) and by burning. The balance is what is pledged plus what is owed, see `books`.
"""

from contracts.modules import bits
from contracts.modules import draw
from contracts.modules import signed
from contracts.modules import verdicts


# ---------------------------------------------------------------------------------------------------- types

struct Terms:
    start_seats: uint256
    quorum: uint256
    last_round: uint256
    commit_window_s: uint256
    attest_window_s: uint256
    degree: uint256
    reputation_shift: uint256
    reputation_floor: uint256
    eject_after: uint256
    bond: uint256
    unbonding_s: uint256
    rotation_delay_s: uint256
    dispute_bond: uint256
    dispute_window_s: uint256
    jury_seats: uint256
    admission: uint256
    inviter: address
    mixes_parent: uint256

struct Seat:
    hot: address                        # signs and sends for the node
    cold: address                       # leaves, rotates the keys, is owed the bond
    bond: uint256
    since_round: uint256                # the round under way when it joined
    tenure: uint256                     # how many have sat here before, plus 1
    free_at: uint256                    # unix seconds: when a seat given up may be released; 0 while it is held
    next_hot: address
    next_cold: address
    rotates_at: uint256                 # unix seconds, 0: no rotation under way
    disputes: uint256                   # open ones about its verdicts

struct Dispute:
    round: uint256
    judge: uint256
    target: uint256
    challenger: address
    deadline: uint256                   # unix seconds, 0: resolved
    opened: uint256                     # block number; 0: its jury is summoned
    jury: uint256                       # mask of seats; before it is summoned, of those it is drawn from
    upholding: uint256
    rejecting: uint256


# --------------------------------------------------------------------------------------------------- events

event Opened:
    task: indexed(bytes32)
    manifest: Bytes[16384]

event Joined:
    seat: indexed(uint256)
    peer: indexed(address)
    cold: address
    inviter: address
    endpoint: String[256]

event Moved:
    seat: indexed(uint256)
    endpoint: String[256]

event Woken:
    round: uint256
    seat: uint256

event Committed:
    round: uint256
    seat: uint256
    digest: bytes32

event Drawn:
    round: indexed(uint256)
    seed: bytes32
    committed: uint256

event Attested:
    seat: uint256
    verdicts: uint256                   # seed's last 8 bytes << 64 | round << 42 | accepted << 21 | judged
    record: bytes32

event Settled:
    round: indexed(uint256)
    attested: uint256
    reputations: uint256[16]

event Left:
    seat: indexed(uint256)
    free_at: uint256

event Ejected:
    seat: indexed(uint256)
    burned: uint256
    free_at: uint256

event Released:
    seat: indexed(uint256)
    bond: uint256

event Rotating:
    seat: indexed(uint256)
    peer: address
    cold: address
    rotates_at: uint256

event Rotated:
    seat: indexed(uint256)
    peer: indexed(address)
    cold: address

event Equivocated:
    seat: indexed(uint256)
    round: uint256
    reporter: address
    bond: uint256
    free_at: uint256

event Disputed:
    dispute: indexed(uint256)
    round: uint256
    judge: uint256
    target: uint256
    challenger: address
    evidence: bytes32
    deadline: uint256

event Summoned:
    dispute: indexed(uint256)
    seed: bytes32
    jury: uint256
    deadline: uint256

event Voted:
    dispute: indexed(uint256)
    seat: uint256
    upholds: bool

event Resolved:
    dispute: indexed(uint256)
    outcome: uint256
    paid: uint256

event Withdrawn:
    account: indexed(address)
    amount: uint256


# ------------------------------------------------------------------------------------------------- constants

MAX_SEATS: constant(uint256) = 256
MAX_ROUNDS: constant(uint256) = 2**21 - 1
MAX_DEGREE: constant(uint256) = 20
MAX_WINDOW_S: constant(uint256) = 30 * 86400
MAX_DELAY_S: constant(uint256) = 365 * 86400
MAX_BOND: constant(uint256) = 2**128
# So many attest windows behind its deadline a round that is still short of the quorum may be given up.
PATIENCE: constant(uint256) = 16
# So many rounds back verdicts may be disputed.
DISPUTE_ROUNDS: constant(uint256) = 256
# Who proves an equivocation is paid this part of the bond; the rest is burned, so that convicting oneself costs.
REPORTER_PART: constant(uint256) = 4
# What an ejected seat loses of its bond.
EJECTED_PART: constant(uint256) = 2
# What a judge whose verdict was false loses of a full bond to the challenger, and what is left of its reputation.
CHALLENGER_PART: constant(uint256) = 4
CUT_SHIFT: constant(uint256) = 2
# Coin sent here is gone; the address has no code, so sending cannot fail.
BURNED: constant(address) = 0x000000000000000000000000000000000000dEaD

GATHERING: constant(uint256) = 0
COMMIT: constant(uint256) = 1
ATTEST: constant(uint256) = 2
FINISHED: constant(uint256) = 3

OPEN: constant(uint256) = 0             # admission: whoever posts the bond
BY_INVITER: constant(uint256) = 1       # whom the inviter's key has invited
BY_MEMBERS: constant(uint256) = 2       # whom the inviter or a seat in good standing has invited

VOID: constant(uint256) = 0             # outcome of a dispute: too few of the jury voted
UPHELD: constant(uint256) = 1
REJECTED: constant(uint256) = 2

# What a history entry is about.
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

INITIAL: constant(uint256) = 32768      # reputation of who joins, of 65535

# The clock, one word:
#   255                    64 63      55 54    53 52     32 31          0
#   |  running hash, 24 bytes | seat count | phase |  round  | deadline, s |
COUNT_BIT: constant(uint256) = 55
PHASE_BIT: constant(uint256) = 53
ROUND_BIT: constant(uint256) = 32
DEADLINE: constant(uint256) = 2**32 - 1
TIME: constant(uint256) = 2**64 - 1     # all of it but the hash


# ------------------------------------------------------------------------------------------------ immutables

TASK: public(immutable(bytes32))
START_SEATS: immutable(uint256)
QUORUM: immutable(uint256)
LAST_ROUND: immutable(uint256)
COMMIT_WINDOW_S: immutable(uint256)
ATTEST_WINDOW_S: immutable(uint256)
DEGREE: immutable(uint256)
REPUTATION_SHIFT: immutable(uint256)
REPUTATION_FLOOR: immutable(uint256)
EJECT_AFTER: immutable(uint256)
BOND: immutable(uint256)
UNBONDING_S: immutable(uint256)
ROTATION_DELAY_S: immutable(uint256)
DISPUTE_BOND: immutable(uint256)
DISPUTE_WINDOW_S: immutable(uint256)
JURY_SEATS: immutable(uint256)
ADMISSION: immutable(uint256)
INVITER: immutable(address)
MIXES_PARENT: immutable(uint256)


# --------------------------------------------------------------------------------------------------- storage

clock: uint256
missing: uint256                        # bit s: seat s is on the round's roster and has not committed
roster: uint256                         # bit s: seat s may commit in this round and is waited for
committed: uint256                      # bit s: seat s committed; written when the commit phase closes
seed: bytes32                           # of this round's exchange
woken: uint256                          # bit s: seat s asked to be on the next round's roster
members: uint256                        # bit s: seat s is held: not left, ejected or empty
vacant: uint256                         # bit s: seat s was released and may be taken again
below: uint256                          # bit s: seat s is below the reputation floor: quarantined

seat_plus_one: HashMap[address, uint256]
seats: HashMap[uint256, Seat]
key_of: HashMap[address, uint256]       # every key ever used: its last seat | tenure << 16
said: uint256[64]                       # verdicts, see contracts/modules/verdicts.vy
reputations: uint256[16]                # sixteen lanes of 16 bits each
strikes: uint256[8]                     # rounds in a row below the floor: 32 lanes of 8 bits, seat s in word s / 32

invitations: HashMap[bytes32, bool]     # used ones
disputes: HashMap[uint256, Dispute]
dispute_count: public(uint256)
charged: HashMap[bytes32, bool]         # verdicts disputed and rounds in which an author was convicted

owed: public(HashMap[address, uint256])
pledged: uint256                        # bonds of seats and of open disputes
owing: uint256                          # sum of owed


# ----------------------------------------------------------------------------------------------- constructor

@deploy
def __init__(manifest: Bytes[16384], terms: Terms):
    """
    @param manifest The task: model layout, codec, rule and their parameters. Emitted whole, so that the chain
           alone tells what was agreed; its SHA-256 is the task digest.
    @param terms start_seats: round 1 opens when so many are seated. quorum: a phase closes at its deadline only
           with this many; short of it the circle waits. degree: how many neighbours judge a peer.
           reputation_shift: a settlement moves a reputation by 1 / 2**shift of the way to its share.
           reputation_floor: below it a seat is quarantined: still judged, its own verdicts weigh nothing.
           eject_after: so many rounds in a row below the floor and a seat may be ejected, 0: never.
           bond, dispute_bond: wei; dispute_bond 0: no disputes. admission: 0 open, 1 invited by the inviter,
           2 invited by the inviter or a member in good standing. mixes_parent: 1 for a chain whose prevrandao
           is the same in every block; draws then take the parent block's hash in as well.
    """
    assert len(manifest) > 0, "circle: manifest is empty"
    # Some chains count milliseconds: a deadline would not fit in the clock.
    assert block.timestamp < DEADLINE - MAX_DELAY_S, "circle: chain's clock is not in seconds"
    assert terms.start_seats >= 2 and terms.start_seats <= MAX_SEATS, "circle: start seats not in 2..256"
    assert terms.quorum >= 2 and terms.quorum <= terms.start_seats, "circle: quorum not in 2..start seats"
    assert terms.last_round >= 1 and terms.last_round <= MAX_ROUNDS, "circle: last round not in 1..2^21-1"
    assert (
        terms.commit_window_s >= 1 and terms.commit_window_s <= MAX_WINDOW_S
    ), "circle: commit window not in 1 s..30 days"
    assert (
        terms.attest_window_s >= 1 and terms.attest_window_s <= MAX_WINDOW_S
    ), "circle: attest window not in 1 s..30 days"
    assert terms.degree >= 1 and terms.degree <= MAX_DEGREE, "circle: degree not in 1..20"
    assert terms.reputation_shift >= 1 and terms.reputation_shift <= 8, "circle: reputation shift not in 1..8"
    assert (
        terms.reputation_floor >= 256 and terms.reputation_floor < INITIAL
    ), "circle: reputation floor not in 256..32767"
    assert terms.eject_after <= 255, "circle: eject after not in 0..255 rounds"
    assert terms.bond <= MAX_BOND and terms.dispute_bond <= MAX_BOND, "circle: bond not in 0..2^128 wei"
    assert terms.unbonding_s <= MAX_DELAY_S, "circle: unbonding not in 0 s..365 days"
    assert terms.rotation_delay_s <= MAX_DELAY_S, "circle: rotation delay not in 0 s..365 days"
    assert (
        terms.dispute_window_s >= 1 and terms.dispute_window_s <= MAX_WINDOW_S
    ), "circle: dispute window not in 1 s..30 days"
    assert terms.jury_seats >= 1 and terms.jury_seats <= 21, "circle: jury seats not in 1..21"
    assert terms.admission <= BY_MEMBERS, "circle: admission not in 0..2"
    assert (terms.admission == OPEN) == (terms.inviter == empty(address)), "circle: inviter does not fit admission"
    assert terms.mixes_parent <= 1, "circle: mixes parent not 0 or 1"
    TASK = sha256(manifest)
    START_SEATS = terms.start_seats
    QUORUM = terms.quorum
    LAST_ROUND = terms.last_round
    COMMIT_WINDOW_S = terms.commit_window_s
    ATTEST_WINDOW_S = terms.attest_window_s
    DEGREE = terms.degree
    REPUTATION_SHIFT = terms.reputation_shift
    REPUTATION_FLOOR = terms.reputation_floor
    EJECT_AFTER = terms.eject_after
    BOND = terms.bond
    UNBONDING_S = terms.unbonding_s
    ROTATION_DELAY_S = terms.rotation_delay_s
    DISPUTE_BOND = terms.dispute_bond
    DISPUTE_WINDOW_S = terms.dispute_window_s
    JURY_SEATS = terms.jury_seats
    ADMISSION = terms.admission
    INVITER = terms.inviter
    MIXES_PARENT = terms.mixes_parent
    self.clock = self._fold(0, OPENED, 0, TASK, empty(bytes32), empty(bytes32))
    log Opened(task=TASK, manifest=manifest)


# --------------------------------------------------------------------------------------------- seat functions

@external
@payable
def join(
    endpoint: String[256], cold: address, nonce: uint256, expiry: uint256, r: uint256, vs: uint256
) -> uint256:
    """
    @notice Take a free seat for the caller's key and post the bond. The round under way does not wait for it; the
            next one does.
    @param endpoint Where the peer is reached, e.g. `wss://host:port http://host:port`.
    @param cold The key that may leave, rotate keys and is owed the bond; it need not be online.
    @param nonce With expiry (unix seconds) what was signed: Invitation(peer, nonce, expiry).
    @param r With vs the inviter's signature (EIP-2098); ignored where admission is open.
    @return The seat's number.
    """
    clock: uint256 = self.clock
    self._require(self.seat_plus_one[msg.sender] == 0, "join: already seated")
    self._require(self._phase(clock) != FINISHED, "join: circle is finished")
    self._check_endpoint(endpoint)
    self._require(cold != empty(address), "join: cold key is empty")
    self._require(msg.value == BOND, "join: value is not the bond")
    self._check_key(msg.sender)
    inviter: address = self._invited(nonce, expiry, r, vs)
    seat: uint256 = self._seat_count(clock)
    if seat < MAX_SEATS:
        clock += 1 << COUNT_BIT
    else:
        seat = bits._lowest(self.vacant)
        self._require(seat < MAX_SEATS, "join: no free seat")
        self.vacant ^= 1 << seat
    tenure: uint256 = self.seats[seat].tenure + 1
    self.seats[seat] = Seat(
        hot=msg.sender, cold=cold, bond=msg.value, since_round=self._round(clock), tenure=tenure, free_at=0,
        next_hot=empty(address), next_cold=empty(address), rotates_at=0, disputes=0,
    )
    self.pledged += msg.value
    self.seat_plus_one[msg.sender] = seat + 1
    self.key_of[msg.sender] = seat | (tenure << 16)
    self._set_reputation(seat, INITIAL)
    self.members |= 1 << seat
    self.woken |= 1 << seat
    clock = self._fold(
        clock, JOINED, seat, self._word(msg.sender), keccak256(abi_encode(cold, inviter)), keccak256(endpoint)
    )
    log Joined(seat=seat, peer=msg.sender, cold=cold, inviter=inviter, endpoint=endpoint)
    if self._phase(clock) == GATHERING and bits._count(self.members) == START_SEATS:
        clock = self._open_round(clock, 1, 0)
    self.clock = clock
    return seat


@external
def move(endpoint: String[256]):
    """
    @notice Publish a new endpoint for the caller's seat.
    """
    seat: uint256 = self._seat_of(msg.sender)
    self._check_endpoint(endpoint)
    self.clock = self._fold(self.clock, MOVED, seat, keccak256(endpoint), empty(bytes32), empty(bytes32))
    log Moved(seat=seat, endpoint=endpoint)


@external
def wake():
    """
    @notice Ask to be on the roster again after absence: of this round if its commit phase is open, and the next.
    @dev A seat that did not attest in a round is not on the next one's roster, so one dead peer costs the others
         one deadline, not every deadline.
    """
    seat: uint256 = self._seat_of(msg.sender)
    clock: uint256 = self.clock
    self._require(self._phase(clock) != FINISHED, "wake: circle is finished")
    self.woken |= 1 << seat
    roster: uint256 = self.roster
    if self._phase(clock) == COMMIT and (roster >> seat) & 1 == 0:
        self.roster = roster | (1 << seat)
        self.missing |= 1 << seat
    self.clock = self._fold(clock, WOKEN, seat, empty(bytes32), empty(bytes32), empty(bytes32))
    log Woken(round=self._round(clock), seat=seat)


@external
def leave(seat: uint256):
    """
    @notice Give a seat up. Its cold key calls this; the bond can be released once it has waited for late evidence.
    """
    self._check_cold(seat)
    clock: uint256 = self.clock
    free_at: uint256 = self._vacate(clock, seat)
    self.clock = self._fold(clock, LEFT, seat, convert(free_at, bytes32), empty(bytes32), empty(bytes32))
    log Left(seat=seat, free_at=free_at)


@external
def eject(seat: uint256):
    """
    @notice Remove a seat that has been below the reputation floor too long. Anyone may call it.
    """
    self._require(seat < MAX_SEATS and (self.members >> seat) & 1 == 1, "eject: seat is not held")
    self._require(EJECT_AFTER > 0 and self._strikes(seat) >= EJECT_AFTER, "eject: not low for long enough")
    clock: uint256 = self.clock
    burned: uint256 = self.seats[seat].bond // EJECTED_PART
    self.seats[seat].bond -= burned
    free_at: uint256 = self._vacate(clock, seat)
    self.clock = self._fold(
        clock, EJECTED, seat, convert(burned, bytes32), convert(free_at, bytes32), empty(bytes32)
    )
    log Ejected(seat=seat, burned=burned, free_at=free_at)
    self._burn(burned)


@external
def release(seat: uint256):
    """
    @notice Owe the bond of a seat given up to its cold key, and make the seat free. Anyone may call it.
    """
    held: Seat = self.seats[seat]
    self._require(held.free_at != 0, "release: seat is not given up")
    self._require(block.timestamp >= held.free_at, "release: unbonding is not over")
    self._require(held.disputes == 0, "release: a dispute is open")
    clock: uint256 = self.clock
    self._require(not self._is_in_round(clock, seat), "release: seat is in a round")
    self.seats[seat] = empty(Seat)
    self.seats[seat].tenure = held.tenure
    self.vacant |= 1 << seat
    self._owe(held.cold, held.bond)
    self.clock = self._fold(clock, RELEASED, seat, convert(held.bond, bytes32), empty(bytes32), empty(bytes32))
    log Released(seat=seat, bond=held.bond)


@external
@nonreentrant
def withdraw() -> uint256:
    """
    @notice Take what the circle owes the caller.
    @return Wei.
    """
    amount: uint256 = self.owed[msg.sender]
    self._require(amount > 0, "withdraw: nothing is owed")
    self.owed[msg.sender] = 0
    self.owing -= amount
    self.clock = self._fold(
        self.clock, WITHDRAWN, 0, self._word(msg.sender), convert(amount, bytes32), empty(bytes32)
    )
    log Withdrawn(account=msg.sender, amount=amount)
    self._require(raw_call(msg.sender, b"", value=amount, revert_on_failure=False), "withdraw: caller refuses coin")
    return amount


# ---------------------------------------------------------------------------------------------- key functions

@external
def rotate(seat: uint256, hot: address, cold: address):
    """
    @notice Announce new keys for a seat; they take effect when the new one calls `finish_rotation` after the
            delay. The cold key calls this. The seat's present keys again: the rotation under way is called off.
    """
    self._check_cold(seat)
    self._require(hot != empty(address) and cold != empty(address), "rotate: key is empty")
    held: address = self.seats[seat].hot
    rotates_at: uint256 = 0
    if hot != held or cold != msg.sender:
        rotates_at = block.timestamp + ROTATION_DELAY_S
        if hot != held:
            self._check_key(hot)
    self.seats[seat].next_hot = hot
    self.seats[seat].next_cold = cold
    self.seats[seat].rotates_at = rotates_at
    self.clock = self._fold(
        self.clock, ROTATING, seat, self._word(hot), self._word(cold), convert(rotates_at, bytes32)
    )
    log Rotating(seat=seat, peer=hot, cold=cold, rotates_at=rotates_at)


@external
def finish_rotation(seat: uint256):
    """
    @notice Put announced keys in force. The new hot key calls this, between two of the seat's rounds.
    """
    held: Seat = self.seats[seat]
    self._require(held.rotates_at != 0, "rotate: no rotation is under way")
    # Nobody is made to hold a seat: the new key itself puts the rotation in force.
    self._require(msg.sender == held.next_hot, "rotate: not the new key")
    self._require(block.timestamp >= held.rotates_at, "rotate: delay is not over")
    clock: uint256 = self.clock
    # One key signs all of a round, so that its author is never in doubt.
    self._require(not self._is_in_round(clock, seat), "rotate: seat is in a round")
    if held.next_hot != held.hot:
        self._check_key(held.next_hot)
        self.seat_plus_one[held.hot] = 0
        self.seat_plus_one[held.next_hot] = seat + 1
        self.key_of[held.next_hot] = seat | (held.tenure << 16)
    self.seats[seat].hot = held.next_hot
    self.seats[seat].cold = held.next_cold
    self.seats[seat].rotates_at = 0
    self.clock = self._fold(
        clock, ROTATED, seat, self._word(held.next_hot), self._word(held.next_cold), empty(bytes32)
    )
    log Rotated(seat=seat, peer=held.next_hot, cold=held.next_cold)


# -------------------------------------------------------------------------------------------- round functions

@external
def commit(round: uint256, digest: bytes32):
    """
    @notice Anchor the caller's update of this round. The last of the roster to commit, or the first after the
            deadline that makes the quorum, closes the phase and fixes the seed.
    @param digest SHA-256 multihash digest of the update's root block.
    """
    seat: uint256 = self.seat_plus_one[msg.sender]
    assert seat != 0, "seat: caller has none"
    seat = unsafe_sub(seat, 1)
    clock: uint256 = self.clock
    assert (clock >> PHASE_BIT) & 3 == COMMIT, "commit: phase is closed"
    assert round == (clock >> ROUND_BIT) & MAX_ROUNDS, "commit: not this round"
    assert digest != empty(bytes32), "commit: digest is empty"
    missing: uint256 = self.missing
    if (missing >> seat) & 1 == 0:
        assert (self.roster >> seat) & 1 == 1, "commit: not on the roster"
        raise "commit: already committed"
    missing ^= 1 << seat
    self.missing = missing
    clock = self._fold(clock, COMMITTED, seat, digest, empty(bytes32), empty(bytes32))
    log Committed(round=round, seat=seat, digest=digest)
    if missing == 0 or block.timestamp >= clock & DEADLINE:
        committed: uint256 = self.roster ^ missing
        if bits._count(committed) >= QUORUM:
            clock = self._draw(clock, committed)
    self.clock = clock


@external
def attest(said: uint256, record: bytes32):
    """
    @notice Anchor the caller's verdicts of this round.
    @param said The last 8 bytes of the seed << 64 | round << 42 | accepted << 21 | judged. Bit j of judged: the
           update of the caller's neighbour number j was fetched and judged; of accepted: it was accepted. The
           neighbours follow from the seed, so nobody can judge whom it likes; and what was said under one seed is
           not taken under another, should the chain reorganise. Of a seat that did not commit, and about places
           beyond its neighbours, it says nothing.
    @param record Digest of the record that holds every figure behind the verdicts.
    """
    seat: uint256 = self.seat_plus_one[msg.sender]
    assert seat != 0, "seat: caller has none"
    seat = unsafe_sub(seat, 1)
    clock: uint256 = self.clock
    round: uint256 = (clock >> ROUND_BIT) & MAX_ROUNDS
    assert (clock >> PHASE_BIT) & 3 == ATTEST, "attest: phase is closed"
    assert (said & TIME) >> verdicts.ROUND_BIT == round, "attest: not this round"
    assert said >> 64 == convert(self.seed, uint256) & TIME, "attest: not this round's seed"
    assert (said >> verdicts.ACCEPTED_BIT) & verdicts.SAID & ~said == 0, "attest: accepted an unjudged one"
    assert record != empty(bytes32), "attest: record is empty"
    word: uint256 = self.said[seat >> 2]
    lane: uint256 = (seat & 3) << 6
    assert (word >> (lane | verdicts.ROUND_BIT)) & MAX_ROUNDS != round, "attest: already attested"
    self.said[seat >> 2] = (word & ~(TIME << lane)) | ((said & TIME) << lane)
    self.clock = self._fold(clock, ATTESTED, seat, convert(said, bytes32), record, empty(bytes32))
    log Attested(seat=seat, verdicts=said, record=record)


@external
def advance():
    """
    @notice Close a commit phase whose deadline has passed with its quorum, or that waits for nobody any more.
            Anyone may call it.
    """
    clock: uint256 = self.clock
    self._require(self._phase(clock) == COMMIT, "advance: phase is not commit")
    missing: uint256 = self.missing
    committed: uint256 = self.roster ^ missing
    self._require(bits._count(committed) >= QUORUM, "advance: commit phase is not due")
    self._require(missing == 0 or block.timestamp >= clock & DEADLINE, "advance: commit phase is not due")
    self.clock = self._draw(clock, committed)


@external
def settle(round: uint256):
    """
    @notice Turn the round's verdicts into reputations and open the next round, once all that committed have
            attested, or after the deadline with the quorum. Anyone may call it.
    @dev Only who committed can attest. Were some of them gone for good, a round short of its quorum could never
         end and the circle with it: long after the deadline it is settled without moving a reputation.
    """
    clock: uint256 = self.clock
    assert self._phase(clock) == ATTEST, "settle: phase is not attest"
    assert round == self._round(clock), "settle: not this round"
    committed: uint256 = self.committed
    ring: uint256[256] = empty(uint256[256])
    count: uint256 = 0
    ring, count = draw._ring(self.seed, committed)
    attested: uint256 = 0
    for place: uint256 in range(count, bound=256):
        seat: uint256 = ring[place]
        lane: uint256 = self.said[seat >> 2] >> unsafe_mul(64, seat & 3)
        if (lane >> verdicts.ROUND_BIT) & MAX_ROUNDS == round:
            attested |= 1 << seat
            ring[place] = seat | ((lane & TIME) << 8)
    deadline: uint256 = clock & DEADLINE
    reputations: uint256[16] = self.reputations
    if bits._count(attested) >= QUORUM:
        assert attested == committed or block.timestamp >= deadline, "settle: attest phase is not due"
        before: uint256 = self.below
        below: uint256 = before
        reputations, below = verdicts._settled(
            reputations, ring, count, draw._steps(self.seed, count, DEGREE), draw._links(count, DEGREE), attested,
            before, REPUTATION_SHIFT, REPUTATION_FLOOR,
        )
        self.reputations = reputations
        if below | before != 0:
            self.below = below
            self._strike(below, before)
    else:
        assert block.timestamp >= deadline + PATIENCE * ATTEST_WINDOW_S, "settle: attest phase is not due"
    clock = self._fold(
        clock, SETTLED, 0, convert(attested, bytes32), keccak256(abi_encode(reputations)), empty(bytes32)
    )
    log Settled(round=round, attested=attested, reputations=reputations)
    if round == LAST_ROUND:
        self.clock = self._set_time(clock, round, FINISHED, 0)
    else:
        self.clock = self._open_round(clock, round + 1, attested)


# ------------------------------------------------------------------------------------------ fault functions

@external
def report_equivocation(
    author: address,
    round: uint256,
    first: bytes32,
    first_r: uint256,
    first_vs: uint256,
    second: bytes32,
    second_r: uint256,
    second_vs: uint256,
):
    """
    @notice Prove that a peer announced two updates for one round. Its seat is lost and its bond with it: a part is
            owed to the caller, the rest burned.
    @param first With second the two digests that `author` signed as Announcement(round, author, digest).
    """
    self._require(first != second, "equivocation: same digest twice")
    self._check_author(author, round, first, first_r, first_vs)
    self._check_author(author, round, second, second_r, second_vs)
    key: uint256 = self.key_of[author]
    seat: uint256 = key & 65535
    held: Seat = self.seats[seat]
    self._require(
        key != 0 and held.tenure == key >> 16 and held.hot != empty(address),
        "equivocation: author has no seat",
    )
    self._require(round >= held.since_round, "equivocation: before it joined")
    is_member: bool = (self.members >> seat) & 1 == 1
    self._require(is_member or held.bond > 0, "equivocation: nothing to lose")
    # Whoever comes back with the same key is not convicted of the same once more.
    self._charge(keccak256(abi_encode(author, round)), "equivocation: already proved")
    clock: uint256 = self.clock
    free_at: uint256 = held.free_at
    if is_member:
        free_at = self._vacate(clock, seat)
    self.seats[seat].bond = 0
    reward: uint256 = held.bond // REPORTER_PART
    self._owe(msg.sender, reward)
    self.clock = self._fold(
        clock, EQUIVOCATED, seat, keccak256(abi_encode(round, free_at)), self._word(msg.sender),
        convert(held.bond, bytes32),
    )
    log Equivocated(seat=seat, round=round, reporter=msg.sender, bond=held.bond, free_at=free_at)
    self._burn(held.bond - reward)


@external
@payable
def dispute(round: uint256, judge: uint256, target: uint256, evidence: bytes32) -> uint256:
    """
    @notice Claim that a judge's verdict about a target was false, and pledge the dispute bond for it. Seats drawn
            by a seed recompute the verdict and vote, once `summon` has drawn them.
    @param evidence Digest of what shows it: the record that recomputation gives.
    @return The dispute's number.
    """
    self._require(DISPUTE_BOND > 0, "dispute: circle has none")
    self._require(msg.value == DISPUTE_BOND, "dispute: value is not the bond")
    clock: uint256 = self.clock
    now: uint256 = self._round(clock)
    self._require(
        round >= 1 and (round < now or (round == now and self._phase(clock) == FINISHED)),
        "dispute: round is not settled",
    )
    self._require(round + DISPUTE_ROUNDS >= now, "dispute: round is too long ago")
    self._require(judge < MAX_SEATS and self.seats[judge].hot != empty(address), "dispute: judge has no seat")
    self._require(round >= self.seats[judge].since_round, "dispute: judge joined later")
    # One dispute after another could otherwise keep a bond for ever.
    free_at: uint256 = self.seats[judge].free_at
    self._require(free_at == 0 or block.timestamp < free_at, "dispute: unbonding is over")
    self._require(target < self._seat_count(clock) and target != judge, "dispute: target is no other seat")
    eligible: uint256 = self._eligible(judge, target, msg.sender)
    self._require(eligible != 0, "dispute: nobody can vote")
    self._charge(self._claim(round, judge, target), "dispute: already disputed")
    id: uint256 = self.dispute_count
    self.dispute_count = id + 1
    deadline: uint256 = block.timestamp + DISPUTE_WINDOW_S
    self.disputes[id] = Dispute(
        round=round, judge=judge, target=target, challenger=msg.sender, deadline=deadline, opened=block.number,
        jury=eligible, upholding=0, rejecting=0,
    )
    self.seats[judge].disputes += 1
    self.pledged += msg.value
    self.clock = self._fold(
        clock, DISPUTED, judge, keccak256(abi_encode(id, round, target, msg.sender, evidence, deadline)),
        empty(bytes32), empty(bytes32),
    )
    log Disputed(
        dispute=id, round=round, judge=judge, target=target, challenger=msg.sender, evidence=evidence,
        deadline=deadline,
    )
    return id


@external
def summon(id: uint256):
    """
    @notice Draw the jury of a dispute; its window begins anew. Anyone may call it, in the 256 blocks after the one
            in which the dispute was raised.
    @dev The seed is the hash of that block, which nobody knew in it: a challenger who saw the jury at once could
         take its claim back and try again until the jury is its own. Who is eligible was settled with the claim, so
         that nobody changes the draw by waking or leaving. Not to summon costs the bond, see `resolve`.
    """
    held: Dispute = self.disputes[id]
    self._require(held.opened != 0, "summon: no jury is to be drawn")
    self._require(block.timestamp < held.deadline, "summon: window is over")
    self._require(
        block.number > held.opened and block.number <= held.opened + 256, "summon: not in these 256 blocks"
    )
    seed: bytes32 = keccak256(abi_encode(blockhash(held.opened), id, self))
    jury: uint256 = draw._jury(seed, held.jury, JURY_SEATS)
    deadline: uint256 = block.timestamp + DISPUTE_WINDOW_S
    self.disputes[id].opened = 0
    self.disputes[id].jury = jury
    self.disputes[id].deadline = deadline
    self.clock = self._fold(
        self.clock, SUMMONED, held.judge, keccak256(abi_encode(id, seed, jury, deadline)), empty(bytes32),
        empty(bytes32),
    )
    log Summoned(dispute=id, seed=seed, jury=jury, deadline=deadline)


@external
def vote(id: uint256, upholds: bool):
    """
    @notice Say, as one of the jury, what recomputing the disputed verdict gave.
    @param upholds The verdict on chain is not the one that follows from the blobs.
    """
    seat: uint256 = self._seat_of(msg.sender)
    held: Dispute = self.disputes[id]
    self._require(held.deadline != 0, "vote: no such open dispute")
    self._require(block.timestamp < held.deadline, "vote: window is over")
    self._require(held.opened == 0 and (held.jury >> seat) & 1 == 1, "vote: not of the jury")
    self._require(((held.upholding | held.rejecting) >> seat) & 1 == 0, "vote: already voted")
    if upholds:
        self.disputes[id].upholding = held.upholding | (1 << seat)
    else:
        self.disputes[id].rejecting = held.rejecting | (1 << seat)
    self.clock = self._fold(
        self.clock, VOTED, seat, convert(id, bytes32), convert(upholds, bytes32), empty(bytes32)
    )
    log Voted(dispute=id, seat=seat, upholds=upholds)


@external
def resolve(id: uint256):
    """
    @notice Close a dispute that a majority of its jury has decided, or whose window is over. Anyone may call it.
    @dev Upheld: the judge's reputation falls to a quarter, and part of its bond is the challenger's. Rejected, or no
         jury was summoned: the challenger's bond is burned. Half of the jury or more kept silent: as if it had not
         been.
    """
    held: Dispute = self.disputes[id]
    self._require(held.deadline != 0, "resolve: no such open dispute")
    size: uint256 = bits._count(held.jury)
    upholding: uint256 = bits._count(held.upholding)
    rejecting: uint256 = bits._count(held.rejecting)
    self._require(
        block.timestamp >= held.deadline
        or (held.opened == 0 and (2 * max(upholding, rejecting) > size or upholding + rejecting == size)),
        "resolve: votes are still open",
    )
    self.disputes[id].deadline = 0
    self.seats[held.judge].disputes -= 1
    outcome: uint256 = VOID
    paid: uint256 = 0
    is_decided: bool = 2 * (upholding + rejecting) > size
    if is_decided or held.opened != 0:
        outcome = UPHELD if upholding > rejecting else REJECTED
    if not is_decided:
        # A jury that did not come must not shield the verdict for good.
        self.charged[self._claim(held.round, held.judge, held.target)] = False
    if outcome == UPHELD:
        paid = min(self.seats[held.judge].bond, BOND // CHALLENGER_PART)
        self.seats[held.judge].bond -= paid
        self._owe(held.challenger, paid)
        cut: uint256 = verdicts._reputation(self.reputations, held.judge) >> CUT_SHIFT
        self._set_reputation(held.judge, cut)
    self.clock = self._fold(
        self.clock, RESOLVED, held.judge, convert(id, bytes32), convert(outcome, bytes32), convert(paid, bytes32)
    )
    log Resolved(dispute=id, outcome=outcome, paid=paid)
    if outcome == REJECTED:
        self._burn(DISPUTE_BOND)
    else:
        self._owe(held.challenger, DISPUTE_BOND)


# ------------------------------------------------------------------------------------------------------ views

@external
@view
def terms() -> Terms:
    return Terms(
        start_seats=START_SEATS, quorum=QUORUM, last_round=LAST_ROUND, commit_window_s=COMMIT_WINDOW_S,
        attest_window_s=ATTEST_WINDOW_S, degree=DEGREE, reputation_shift=REPUTATION_SHIFT,
        reputation_floor=REPUTATION_FLOOR, eject_after=EJECT_AFTER, bond=BOND, unbonding_s=UNBONDING_S,
        rotation_delay_s=ROTATION_DELAY_S, dispute_bond=DISPUTE_BOND, dispute_window_s=DISPUTE_WINDOW_S,
        jury_seats=JURY_SEATS, admission=ADMISSION, inviter=INVITER, mixes_parent=MIXES_PARENT,
    )


@external
@view
def state() -> (uint256, uint256, uint256, uint256, uint256, uint256, uint256, bytes32, bytes24):
    """
    @return round, phase, deadline (unix seconds), seat count, roster, committed, attested, seed (of the last
            exchange), history
    """
    clock: uint256 = self.clock
    round: uint256 = self._round(clock)
    committed: uint256 = self.committed
    if self._phase(clock) == COMMIT:
        committed = self.roster ^ self.missing
    attested: uint256 = 0
    for seat: uint256 in range(self._seat_count(clock), bound=256):
        if (committed >> seat) & 1 == 1 and self._lane_round(self.said[seat >> 2] >> (64 * (seat & 3))) == round:
            attested |= 1 << seat
    return (
        round, self._phase(clock), clock & DEADLINE, self._seat_count(clock), self.roster, committed, attested,
        self.seed, self._history(clock),
    )


@external
@view
def history() -> bytes24:
    return self._history(self.clock)


@external
@view
def seat_of(peer: address) -> uint256:
    """
    @return The peer's seat; reverts for who has none.
    """
    return self._seat_of(peer)


@external
@view
def is_seated(peer: address) -> bool:
    return self.seat_plus_one[peer] != 0


@external
@view
def seat_at(seat: uint256) -> Seat:
    return self.seats[seat]


@external
@view
def standing() -> (uint256, uint256, uint256, uint256):
    """
    @return Masks of seats: held, quarantined, free to be taken again, on the next round's roster by their wish
    """
    return self.members, self.below, self.vacant, self.woken


@external
@view
def strikes_of(seat: uint256) -> uint256:
    """
    @return For how many rounds in a row the seat has been below the floor.
    """
    self._require(seat < MAX_SEATS, "seat: no such number")
    return self._strikes(seat)


@external
@view
def reputation_words() -> uint256[16]:
    """
    @return Seat s's reputation (0..65535) in word s % 16, bits 16 * (s // 16) and up.
    """
    return self.reputations


@external
@view
def dispute_at(id: uint256) -> Dispute:
    return self.disputes[id]


@external
@view
def books() -> (uint256, uint256):
    """
    @return Wei pledged in bonds of seats and disputes, and wei owed to those who may withdraw it.
    """
    return self.pledged, self.owing


# --------------------------------------------------------------------------------------------------- internal

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
def _lane_round(lane: uint256) -> uint256:
    return (lane >> verdicts.ROUND_BIT) & MAX_ROUNDS


@internal
@pure
def _word(account: address) -> bytes32:
    return convert(convert(account, uint160), bytes32)


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
def _require(holds: bool, reason: String[32]):
    """
    @dev One copy of what turns a reason into a revert: each `assert` has its own, and a contract is 24,576 bytes
         at most (EIP-170). Calls made every round keep `assert`, which costs nothing where it holds.
    """
    assert holds, reason


@internal
@view
def _seat_of(peer: address) -> uint256:
    seat: uint256 = self.seat_plus_one[peer]
    assert seat != 0, "seat: caller has none"
    return unsafe_sub(seat, 1)


@internal
@view
def _check_cold(seat: uint256):
    self._require(seat < MAX_SEATS and (self.members >> seat) & 1 == 1, "seat: is not held")
    self._require(self.seats[seat].cold == msg.sender, "seat: caller is not its cold key")


@internal
@view
def _check_key(key: address):
    # Evidence signed with a key must always lead to one seat, also after that seat changed its keys.
    self._require(self.seat_plus_one[key] == 0, "seat: key has a seat")
    known: uint256 = self.key_of[key]
    held: uint256 = known & 65535
    self._require(
        known == 0 or self.seats[held].tenure != known >> 16 or self.seats[held].hot == empty(address),
        "seat: key is another seat's",
    )


@internal
@view
def _check_author(author: address, round: uint256, digest: bytes32, r: uint256, vs: uint256):
    signer: address = signed._signer(signed._announcement(round, author, digest), r, vs)
    self._require(signer == author and author != empty(address), "equivocation: bad signature")


@internal
@pure
def _check_endpoint(endpoint: String[256]):
    self._require(len(endpoint) > 0, "seat: endpoint is empty")
    self._require(bits._is_printable(endpoint), "seat: endpoint is not printable")


@internal
def _invited(nonce: uint256, expiry: uint256, r: uint256, vs: uint256) -> address:
    """
    @return Who invited the caller; the empty address where admission is open. Uses the invitation up.
    """
    if ADMISSION == OPEN:
        return empty(address)
    self._require(block.timestamp <= expiry, "join: invitation has expired")
    hash: bytes32 = signed._invitation(msg.sender, nonce, expiry)
    signer: address = signed._signer(hash, r, vs)
    self._require(signer != empty(address), "join: invitation is not signed")
    if signer != INVITER:
        self._require(ADMISSION == BY_MEMBERS, "join: inviter may not invite")
        seat: uint256 = self.seat_plus_one[signer]
        self._require(seat != 0, "join: inviter may not invite")
        standing: uint256 = verdicts._reputation(self.reputations, seat - 1)
        self._require(standing >= INITIAL, "join: inviter lacks standing")
    self._require(not self.invitations[hash], "join: invitation was used")
    self.invitations[hash] = True
    return signer


@internal
@view
def _eligible(judge: uint256, target: uint256, challenger: address) -> uint256:
    """
    @return Who may be drawn to vote on a dispute: held, on the roster, in good standing, and no party to it.
    """
    parties: uint256 = (1 << judge) | (1 << target)
    caller: uint256 = self.seat_plus_one[challenger]
    if caller != 0:
        parties |= 1 << (caller - 1)
    return self.members & self.roster & ~self.below & ~parties


@internal
@view
def _claim(round: uint256, judge: uint256, target: uint256) -> bytes32:
    return keccak256(abi_encode(round, judge, self.seats[judge].tenure, target))


@internal
def _charge(what: bytes32, reason: String[32]):
    self._require(not self.charged[what], reason)
    self.charged[what] = True


@internal
def _vacate(clock: uint256, seat: uint256) -> uint256:
    """
    @return When the seat may be released.
    @dev What it has committed stands and is judged; it is waited for no longer.
    """
    mask: uint256 = ~(1 << seat)
    self.members &= mask
    self.woken &= mask
    missing: uint256 = self.missing
    if self._phase(clock) == COMMIT and (missing >> seat) & 1 == 1:
        self.missing = missing & mask
        self.roster &= mask
    self.strikes[seat >> 5] &= ~(255 << (8 * (seat & 31)))
    self.seat_plus_one[self.seats[seat].hot] = 0
    self.seats[seat].rotates_at = 0
    free_at: uint256 = block.timestamp + UNBONDING_S
    self.seats[seat].free_at = free_at
    return free_at


@internal
@view
def _is_in_round(clock: uint256, seat: uint256) -> bool:
    if self._phase(clock) == COMMIT:
        return ((self.roster ^ self.missing) >> seat) & 1 == 1
    return self._phase(clock) == ATTEST and (self.committed >> seat) & 1 == 1


@internal
def _set_reputation(seat: uint256, reputation: uint256):
    lane: uint256 = 16 * (seat >> 4)
    word: uint256 = self.reputations[seat & 15]
    self.reputations[seat & 15] = (word & ~(verdicts.LANE << lane)) | (reputation << lane)
    if reputation < REPUTATION_FLOOR:
        self.below |= 1 << seat
    else:
        self.below &= ~(1 << seat)


@internal
@view
def _strikes(seat: uint256) -> uint256:
    return (self.strikes[seat >> 5] >> (8 * (seat & 31))) & 255


@internal
def _strike(below: uint256, before: uint256):
    """
    @dev One more for each seat held below the floor, none left for each that came back.
    """
    members: uint256 = self.members
    for index: uint256 in range(8):
        if ((below | before) & members) >> (32 * index) & (2**32 - 1) == 0:
            continue
        word: uint256 = self.strikes[index]
        for place: uint256 in range(32):
            lane: uint256 = 8 * place
            if ((below & members) >> (32 * index + place)) & 1 == 0:
                word &= ~(255 << lane)
            elif (word >> lane) & 255 < 255:
                word += 1 << lane
        self.strikes[index] = word


@internal
def _open_round(clock: uint256, round: uint256, attested: uint256) -> uint256:
    # Who attested is here; who joined or woke asked to be. Nobody else is waited for.
    roster: uint256 = (attested | self.woken) & self.members
    self.roster = roster
    self.missing = roster
    self.woken = 0
    return self._set_time(clock, round, COMMIT, block.timestamp + COMMIT_WINDOW_S)


@internal
def _draw(clock: uint256, committed: uint256) -> uint256:
    # Only now, with every digest fixed, is it decided who judges whom. The digests stay out of the seed: the last
    # committer could otherwise grind its own until the neighbours suit it.
    round: uint256 = self._round(clock)
    seed: bytes32 = self._random(round)
    self.seed = seed
    self.committed = committed
    log Drawn(round=round, seed=seed, committed=committed)
    drawn: uint256 = self._fold(clock, DRAWN, 0, seed, convert(committed, bytes32), empty(bytes32))
    return self._set_time(drawn, round, ATTEST, block.timestamp + ATTEST_WINDOW_S)


@internal
@view
def _random(purpose: uint256) -> bytes32:
    parent: bytes32 = empty(bytes32)
    if MIXES_PARENT == 1:
        parent = blockhash(block.number - 1)
    return keccak256(abi_encode(block.prevrandao, parent, purpose, self))


@internal
def _owe(account: address, amount: uint256):
    """
    @dev Out of what is pledged.
    """
    if amount > 0:
        self.pledged -= amount
        self.owing += amount
        self.owed[account] += amount


@internal
def _burn(amount: uint256):
    """
    @dev Out of what is pledged.
    """
    if amount > 0:
        self.pledged -= amount
        send(BURNED, amount)
