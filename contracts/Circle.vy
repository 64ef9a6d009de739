# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy off
"""
@title Circle: the seats, rounds, verdicts, reputations and bonds of one learning task
@license Apache-2.0
@notice A round is commit -> exchange -> attest -> settle. Peers anchor the digest of their update; once all have
        committed, the hash of that block draws who judges whom; peers attest whom they judged and whom they
        accepted, and anyone settles the verdicts into reputations. Disputes are heard by `Court`, whose code runs
        here. There is no owner, no pause, no upgrade and no parameter that can change after deployment.
@dev The norm is docs/protocol.md; `@custom:rule` names the rules of each call. All storage is declared in `store`;
     what is pure, and what reads or writes single seats or coin, is in contracts/modules too. A mask is a word with
     a bit for each seat.
     Every event is folded into one running hash, `history`, so that a log which leaves one out, adds one or
     reorders them is noticed by whoever folds it again.
     Money moves in two ways only: into the circle with `join`, `dispute` and `appeal`; out of it with `withdraw`,
     to whom it is owed, and by burning. The balance is what is pledged plus what is owed, see `books`.
"""

# The phases, and the calls that lead from one to the next:
#
#   0 GATHERING
#        |
#        |  join: START_SEATS are held
#        v
#   1 COMMIT <------------------------------------------------------------------+    round 1, 2 .. LAST_ROUND
#        |                                                                      |
#        |  commit, advance: QUORUM have committed, and either the whole        |
#        |  roster has or the deadline is over. This block draws the seed       |
#        v                                                                      |
#   2 ATTEST <---+                                                              |
#        |       |  advance: nobody attested in the 256 blocks after, so the    |
#        |-------+  seed is lost. This block draws it anew                      |
#        |                                                                      |
#        |  settle: QUORUM have attested, and either all who are waited for     |
#        |  have or the deadline is over. Without a quorum the round is         |
#        |  given up, 16 attest windows behind the deadline                     |
#        |----------------------------------------------------------------------+
#        |
#        |  settle of LAST_ROUND
#        v
#   3 FINISHED
#
# A seat's life:
#
#   empty --join--> held --leave, eject, report_equivocation, a second conviction--> given up --release--> empty
#
# A seat that attests is on the next round's roster; one that did not calls wake to be on it again. join and wake
# are taken until FINISHED. From its commit to the end of that round a seat can neither put new keys in force, nor
# restart, nor be released. Every call that is not named here is taken in any phase.

from contracts.modules import bits      # masks: counting, the lowest seat; printable text
from contracts.modules import checks    # a reason for every revert
from contracts.modules import draw      # who judges whom, and juries
from contracts.modules import entries   # the running hash of all events
from contracts.modules import money     # coin pledged, owed, burned
from contracts.modules import phases    # the clock: phase, round, deadline
from contracts.modules import seats     # who holds a seat, how it stands, giving it up
from contracts.modules import signed    # what peers sign
from contracts.modules import store     # all storage
from contracts.modules import verdicts  # verdicts, and what becomes of reputations

initializes: store
initializes: money[store := store]
initializes: seats[store := store]

exports: store.owed


# ------------------------------------------------------------------------------------------------------ constants

# @dev Bounds of the terms.
MAX_DEGREE: constant(uint256) = 20
MAX_WINDOW_S: constant(uint256) = 30 * 86400
MAX_DELAY_S: constant(uint256) = 365 * 86400
MAX_BOND: constant(uint256) = 2**128
MAX_JURY: constant(uint256) = 21
# @dev Unbonding takes so many dispute windows at least: a seat given up meanwhile can still be heard on a claim.
UNBONDING_WINDOWS: constant(uint256) = 8

# @dev Who may join.
OPEN: constant(uint256) = 0             # whoever posts the bond
BY_INVITER: constant(uint256) = 1       # whom the inviter's key has invited
BY_MEMBERS: constant(uint256) = 2       # whom the inviter or a seat in good standing has invited

# @dev The reputation, of 65535, of a seat just taken; a seat with as much may invite.
INITIAL: constant(uint256) = 32768
# @dev A dozing seat that attests two rounds running is waited for again from this reputation on.
AWAKE: constant(uint256) = 49152
# @dev A round that is still short of its quorum so many attest windows behind its deadline may be given up.
PATIENCE: constant(uint256) = 16
# @dev A seat that is ejected loses its bond divided by this.
EJECTED_PART: constant(uint256) = 2
# @dev A word below this in `seed` is no seed yet, see _draw.
SEED_LEAST: constant(uint256) = 2**128
# @dev Keccak-256 of the code that contracts/Court.vy compiles to; scripts/contracts/compile.py writes it.
COURT_HASH: constant(bytes32) = 0x5bf61e0dd4efc8cf63fa848c10dceaf70459f59292a79859525fbdeef4946798


# ----------------------------------------------------------------------------------------------------- immutables

# @dev SHA-256 of the manifest.
TASK: public(immutable(bytes32))
# @dev The terms, see Terms.
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
COURT: immutable(address)


# ---------------------------------------------------------------------------------------------------------- types

# @dev What a circle is deployed with; the constructor checks every bound.
struct Terms:
    start_seats: uint256                # 2..256: round 1 opens when so many seats are held
    quorum: uint256                     # 2..start_seats: short of so many no phase closes; the circle waits
    last_round: uint256                 # 1..2**21 - 1: after it the circle is finished
    commit_window_s: uint256            # 1 s..30 days: how long a commit phase waits for its roster
    attest_window_s: uint256            # 1 s..30 days: how long an attest phase waits for those who committed
    degree: uint256                     # 1..20: how many neighbours judge a peer
    reputation_shift: uint256           # 1..8: a settlement moves 1 / 2**shift of the way to a share
    reputation_floor: uint256           # 256..32767: below it a seat is judged, but its verdicts weigh nothing
    eject_after: uint256                # 0..255 rounds in a row below the floor: the seat may be ejected; 0: never
    bond: uint256                       # 0..2**128 wei, of a seat
    unbonding_s: uint256                # 0 s..365 days: how long a bond waits for late evidence
    rotation_delay_s: uint256           # 0 s..365 days: how long announced keys wait
    dispute_bond: uint256               # 0..2**128 wei, of a claim; 0: no disputes
    dispute_window_s: uint256           # 1 s..30 days: how long a stage of a dispute takes at most
    jury_seats: uint256                 # 1..21: how many jurors are drawn
    admission: uint256                  # OPEN, BY_INVITER or BY_MEMBERS
    inviter: address                    # whose invitations count; empty exactly where admission is OPEN
    court: address                      # where the code of Court lies


# --------------------------------------------------------------------------------------------------------- events

# @dev The circle is deployed.
event Opened:
    task: indexed(bytes32)              # SHA-256 of the manifest
    manifest: Bytes[16384]              # the task, as the constructor took it


# @dev A seat is taken.
event Joined:
    seat: indexed(uint256)              # its number
    peer: indexed(address)              # its hot key
    cold: address                       # its cold key
    inviter: address                    # whose invitation was used; empty: admission is open
    endpoint: String[256]               # where the peer is reached


# @dev A seat has another endpoint.
event Moved:
    seat: indexed(uint256)              # its number
    endpoint: String[256]               # where the peer is reached from now on


# @dev A seat asks to be on the next round's roster.
event Woken:
    round: uint256                      # the one under way
    seat: uint256                       # its number


# @dev A seat has anchored its update.
event Committed:
    round: uint256                      # the one under way
    seat: uint256                       # its number
    digest: bytes32                     # of the update's root block


# @dev The commit phase is closed, or the seed was lost and is drawn again: this block's hash gives the seed.
event Drawn:
    round: indexed(uint256)             # the one under way
    committed: uint256                  # mask: the seats that committed


# @dev A seat has anchored its verdicts.
event Attested:
    seat: uint256                       # its number
    verdicts: uint256                   # as `attest` took them
    record: bytes32                     # digest of the record that holds every figure behind them


# @dev A round is settled.
event Settled:
    round: indexed(uint256)             # the one that ends
    attested: uint256                   # mask: the seats that attested
    reputations: uint256[16]            # all of them after the round, see `reputation_words`


# @dev A seat is given up by its cold key.
event Left:
    seat: indexed(uint256)              # its number
    burned: uint256                     # wei of its bond
    free_at: uint256                    # Unix seconds, when it may be released


# @dev A seat is taken from who held it, for being low or absent for too long.
event Ejected:
    seat: indexed(uint256)              # its number
    burned: uint256                     # wei of its bond
    free_at: uint256                    # Unix seconds, when it may be released


# @dev A seat that was given up is empty and may be taken again.
event Released:
    seat: indexed(uint256)              # its number
    bond: uint256                       # wei that its cold key is owed now


# @dev New keys of a seat are announced.
event Rotating:
    seat: indexed(uint256)              # its number
    peer: address                       # the new hot key
    cold: address                       # the new cold key
    rotates_at: uint256                 # Unix seconds, from when they can be put in force; 0: called off


# @dev New keys of a seat are in force.
event Rotated:
    seat: indexed(uint256)              # its number
    peer: indexed(address)              # its hot key
    cold: address                       # its cold key


# @dev A peer is proved to have announced two updates for one round.
event Equivocated:
    seat: indexed(uint256)              # its number
    round: uint256                      # the one of the two updates
    reporter: address                   # who brought the proof
    bond: uint256                       # wei that are burned
    free_at: uint256                    # Unix seconds, when the seat may be released


# @dev An account has taken what it was owed.
event Withdrawn:
    account: indexed(address)           # who
    amount: uint256                     # wei


# ---------------------------------------------------------------------------------------------------- constructor

@deploy
def __init__(manifest: Bytes[16384], terms: Terms):
    """
    @notice Open a circle: nothing that stands here can change later.
    @custom:rule R3.1
    @param manifest The task: model layout, codec, rule and their parameters. Emitted whole, so that the chain
           alone tells what was agreed; its SHA-256 is the task digest.
    @param terms Everything else that was agreed, see Terms. Where there are disputes, seats have a bond and
           unbonding takes eight dispute windows at least.
    """
    assert len(manifest) > 0, "circle: manifest is empty"
    # Some chains count milliseconds: a deadline would not fit in the clock.
    assert block.timestamp < phases.DEADLINE - MAX_DELAY_S, "circle: chain's clock is not in seconds"
    assert terms.start_seats >= 2 and terms.start_seats <= store.MAX_SEATS, "circle: start seats not in 2..256"
    assert terms.quorum >= 2 and terms.quorum <= terms.start_seats, "circle: quorum not in 2..start seats"
    assert terms.last_round >= 1 and terms.last_round <= phases.MAX_ROUNDS, "circle: last round not in 1..2^21-1"
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
    assert terms.jury_seats >= 1 and terms.jury_seats <= MAX_JURY, "circle: jury seats not in 1..21"
    assert terms.admission <= BY_MEMBERS, "circle: admission not in 0..2"
    assert (terms.admission == OPEN) == (terms.inviter == empty(address)), "circle: inviter does not fit admission"
    if terms.dispute_bond > 0:
        assert terms.bond > 0, "circle: disputes need a bond"
        assert (
            terms.unbonding_s >= UNBONDING_WINDOWS * terms.dispute_window_s
        ), "circle: unbonding below 8 dispute windows"
    # Its code runs as this contract's own.
    assert terms.court.codehash == COURT_HASH, "circle: court is not this version's"
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
    COURT = terms.court
    store.court_terms = store.CourtTerms(
        quorum=terms.quorum, reputation_shift=terms.reputation_shift, reputation_floor=terms.reputation_floor,
        bond=terms.bond, unbonding_s=terms.unbonding_s, dispute_bond=terms.dispute_bond,
        dispute_window_s=terms.dispute_window_s, jury_seats=terms.jury_seats,
    )
    store.clock = entries._fold(0, entries.OPENED, 0, TASK, empty(bytes32), empty(bytes32))
    log Opened(task=TASK, manifest=manifest)


# ---------------------------------------------------------------------------------------------------------- court

@external
@payable
@raw_return
def __default__() -> Bytes[544]:
    """
    @notice Calls about disputes: `Court`'s code, run as this contract's own, on its storage, coin and events.
    @dev The code is the one whose hash this contract was compiled with, so this is no upgrade. What it reverts with
         is passed on.
    @custom:rule R3
    @return What it returned.
    """
    return raw_call(COURT, msg.data, max_outsize=544, is_delegate_call=True)


# ------------------------------------------------------------------------------------------------- seat functions

@external
@payable
def join(
    endpoint: String[256], cold: address, nonce: uint256, expiry: uint256, r: uint256, vs: uint256
) -> uint256:
    """
    @notice Take a free seat for the caller's key and post the bond. The round under way does not wait for it; the
            next one does.
    @custom:rule R3.4
    @param endpoint Where the peer is reached, e.g. `wss://host:port http://host:port`; 1..256 bytes of printable
           ASCII.
    @param cold The key that may leave, rotate keys and is owed the bond; it need not be online.
    @param nonce With expiry what was signed: Invitation(peer, nonce, expiry).
    @param expiry Until when the invitation may be used, in Unix seconds.
    @param r With vs the inviter's signature (EIP-2098); ignored where admission is open.
    @param vs See r.
    @return The seat's number.
    """
    clock: uint256 = store.clock
    checks._require(store.seat_plus_one[msg.sender] == 0, "join: already seated")
    checks._require(phases._phase(clock) != phases.FINISHED, "join: circle is finished")
    seats._check_endpoint(endpoint)
    checks._require(cold != empty(address), "join: cold key is empty")
    checks._require(msg.value == BOND, "join: value is not the bond")
    seats._check_key(msg.sender)
    inviter: address = self._invited(nonce, expiry, r, vs)
    seat: uint256 = phases._seat_count(clock)
    if seat < store.MAX_SEATS:
        clock += 1 << phases.COUNT_BIT
    else:
        seat = bits._lowest(store.vacant)
        checks._require(seat < store.MAX_SEATS, "join: no free seat")
        seats._forget(~(1 << seat))
    # All else of it is zero: it is new, or was released.
    tenure: uint256 = store.seats[seat].tenure + 1
    store.seats[seat].hot = msg.sender
    store.seats[seat].cold = cold
    store.seats[seat].bond = msg.value
    store.seats[seat].since = phases._round(clock) | (store.dispute_count << seats.DISPUTE_BIT)
    store.seats[seat].tenure = tenure
    store.pledged += msg.value
    store.seat_plus_one[msg.sender] = seat + 1
    store.key_of[msg.sender] = seat | (tenure << 16)
    seats._set_reputation(seat, INITIAL, REPUTATION_FLOOR)
    store.members |= 1 << seat
    store.woken |= 1 << seat
    clock = entries._fold(
        clock, entries.JOINED, seat, entries._word(msg.sender), keccak256(abi_encode(cold, inviter)),
        keccak256(endpoint),
    )
    log Joined(seat=seat, peer=msg.sender, cold=cold, inviter=inviter, endpoint=endpoint)
    if phases._phase(clock) == phases.GATHERING and bits._count(store.members) == START_SEATS:
        clock = self._open_round(clock, 1, 0)
    store.clock = clock
    return seat


@external
def move(endpoint: String[256]):
    """
    @notice Publish a new endpoint for the caller's seat.
    @custom:rule R3.6
    @param endpoint As in `join`.
    """
    seat: uint256 = seats._seat_of(msg.sender)
    seats._check_endpoint(endpoint)
    store.clock = entries._fold(
        store.clock, entries.MOVED, seat, keccak256(endpoint), empty(bytes32), empty(bytes32)
    )
    log Moved(seat=seat, endpoint=endpoint)


@external
def wake():
    """
    @notice Ask to be on the next round's roster again after absence. In a commit phase the seat may take part in
            this round too, but is not waited for. A suspension whose term is over ends.
    @dev A seat that did not attest in a round is not on the next one's roster, and one that was waited for in vain
         may take part but is not waited for (`dozing`): so a dead peer costs the others one deadline, however often
         it wakes. A seat that wakes in a commit phase and does not come to commit loses nothing: it was not counted
         on, and others could close the phase between its two calls.
    @custom:rule R3.6
    """
    seat: uint256 = seats._seat_of(msg.sender)
    clock: uint256 = store.clock
    checks._require(phases._phase(clock) != phases.FINISHED, "wake: circle is finished")
    bit: uint256 = 1 << seat
    store.woken |= bit
    if phases._phase(clock) == phases.COMMIT and store.roster & bit == 0:
        store.late |= bit
    if store.suspended & bit != 0 and phases._round(clock) >= store.seats[seat].suspended_until:
        store.suspended ^= bit
    store.clock = entries._fold(clock, entries.WOKEN, seat, empty(bytes32), empty(bytes32), empty(bytes32))
    log Woken(round=phases._round(clock), seat=seat)


@external
def leave(seat: uint256):
    """
    @notice Give a seat up. Its cold key calls this; the bond can be released once it has waited for late evidence.
            A seat on the way to be ejected loses as much of what that costs as it has strikes.
    @custom:rule R23.1
    @param seat Its number.
    """
    seats._check_cold(seat)
    burned: uint256 = 0
    if EJECT_AFTER > 0:
        burned = store.seats[seat].bond // EJECTED_PART * min(seats._strikes(seat), EJECT_AFTER) // EJECT_AFTER
    free_at: uint256 = self._give_up(entries.LEFT, seat, burned)
    log Left(seat=seat, burned=burned, free_at=free_at)


@external
def eject(seat: uint256):
    """
    @notice Remove a seat that has been below the reputation floor too long, at half of its bond, or one that has
            not taken part for 256 rounds. Anyone may call it.
    @custom:rule R23.2
    @param seat Its number.
    """
    checks._require(seat < store.MAX_SEATS and (store.members >> seat) & 1 == 1, "eject: seat is not held")
    burned: uint256 = 0
    if EJECT_AFTER > 0 and seats._strikes(seat) >= EJECT_AFTER:
        burned = store.seats[seat].bond // EJECTED_PART
    else:
        checks._require(seats._is_absent(seat), "eject: neither low nor absent")
    free_at: uint256 = self._give_up(entries.EJECTED, seat, burned)
    log Ejected(seat=seat, burned=burned, free_at=free_at)


@external
def release(seat: uint256):
    """
    @notice Owe the bond of a seat given up to its cold key, and make the seat free. Anyone may call it.
    @custom:rule R23.3
    @param seat Its number.
    """
    held: store.Seat = store.seats[seat]
    checks._require(held.free_at != 0, "release: seat is not given up")
    checks._require(block.timestamp >= held.free_at, "release: unbonding is not over")
    checks._require(held.disputes == 0, "release: a dispute is open")
    clock: uint256 = store.clock
    checks._require(not seats._is_in_round(clock, seat), "release: seat is in a round")
    store.seats[seat] = empty(store.Seat)
    store.seats[seat].tenure = held.tenure
    store.vacant |= 1 << seat
    money._owe(held.cold, held.bond)
    store.clock = entries._fold(
        clock, entries.RELEASED, seat, convert(held.bond, bytes32), empty(bytes32), empty(bytes32)
    )
    log Released(seat=seat, bond=held.bond)


@external
@nonreentrant
def withdraw() -> uint256:
    """
    @notice Take what the circle owes the caller.
    @custom:rule R27
    @return Wei that were paid.
    """
    amount: uint256 = store.owed[msg.sender]
    checks._require(amount > 0, "withdraw: nothing is owed")
    store.owed[msg.sender] = 0
    store.owing -= amount
    store.clock = entries._fold(
        store.clock, entries.WITHDRAWN, 0, entries._word(msg.sender), convert(amount, bytes32), empty(bytes32)
    )
    log Withdrawn(account=msg.sender, amount=amount)
    checks._require(
        raw_call(msg.sender, b"", value=amount, revert_on_failure=False), "withdraw: caller refuses coin"
    )
    return amount


# -------------------------------------------------------------------------------------------------- key functions

@external
def rotate(seat: uint256, hot: address, cold: address):
    """
    @notice Announce new keys for a seat; they take effect when the new hot key calls `finish_rotation` after the
            delay. The cold key calls this. Announcing the present keys calls off the rotation under way.
    @custom:rule R24
    @param seat Its number.
    @param hot The new hot key: this seat's present one, or one that no seat not yet released has or had.
    @param cold The new cold key.
    """
    seats._check_cold(seat)
    checks._require(hot != empty(address) and cold != empty(address), "rotate: key is empty")
    held: address = store.seats[seat].hot
    rotates_at: uint256 = 0
    if hot != held or cold != msg.sender:
        rotates_at = block.timestamp + ROTATION_DELAY_S
        if hot != held:
            seats._check_key(hot)
    store.seats[seat].next_hot = hot
    store.seats[seat].next_cold = cold
    store.seats[seat].rotates_at = rotates_at
    store.clock = entries._fold(
        store.clock, entries.ROTATING, seat, entries._word(hot), entries._word(cold), convert(rotates_at, bytes32)
    )
    log Rotating(seat=seat, peer=hot, cold=cold, rotates_at=rotates_at)


@external
def finish_rotation(seat: uint256):
    """
    @notice Put announced keys in force. The new hot key calls this, between two of the seat's rounds.
    @custom:rule R24
    @param seat Its number.
    """
    held: store.Seat = store.seats[seat]
    checks._require(held.rotates_at != 0, "rotate: no rotation is under way")
    # Nobody is made to hold a seat: the new key itself puts the rotation in force.
    checks._require(msg.sender == held.next_hot, "rotate: not the new key")
    checks._require(block.timestamp >= held.rotates_at, "rotate: delay is not over")
    clock: uint256 = store.clock
    # One key signs all of a round, so that its author is never in doubt.
    checks._require(not seats._is_in_round(clock, seat), "rotate: seat is in a round")
    if held.next_hot != held.hot:
        seats._check_key(held.next_hot)
        store.seat_plus_one[held.hot] = 0
        store.seat_plus_one[held.next_hot] = seat + 1
        store.key_of[held.next_hot] = seat | (held.tenure << 16)
    store.seats[seat].hot = held.next_hot
    store.seats[seat].cold = held.next_cold
    store.seats[seat].rotates_at = 0
    store.clock = entries._fold(
        clock, entries.ROTATED, seat, entries._word(held.next_hot), entries._word(held.next_cold), empty(bytes32)
    )
    log Rotated(seat=seat, peer=held.next_hot, cold=held.next_cold)


# ------------------------------------------------------------------------------------------------ round functions

# commit and attest, which every peer calls in every round, spell out what phases.vy and seats.vy have functions for
# and assert instead of calling checks.vy: that burns less gas.

@external
def commit(round: uint256, digest: bytes32):
    """
    @notice Anchor the caller's update of this round. The last of the roster to commit, or the first after the
            deadline that makes the quorum, closes the phase; its block's hash draws who judges whom.
    @custom:rule R3.8, R3.7
    @param round The one under way, so that no commit lands in another.
    @param digest SHA-256 multihash digest of the update's root block.
    """
    seat: uint256 = store.seat_plus_one[msg.sender]
    assert seat != 0, "seat: caller has none"
    seat = unsafe_sub(seat, 1)
    clock: uint256 = store.clock
    assert (clock >> phases.PHASE_BIT) & 3 == phases.COMMIT, "commit: phase is closed"
    assert round == (clock >> phases.ROUND_BIT) & phases.MAX_ROUNDS, "commit: not this round"
    assert digest != empty(bytes32), "commit: digest is empty"
    missing: uint256 = store.missing
    if (missing >> seat) & 1 == 0:
        late: uint256 = store.late
        if (late >> seat) & 1 == 0:
            assert (store.roster >> seat) & 1 == 1, "commit: not on the roster"
            raise "commit: already committed"
        store.late = late ^ (1 << seat)
        store.roster |= 1 << seat
    else:
        missing ^= 1 << seat
        store.missing = missing
    clock = entries._fold(clock, entries.COMMITTED, seat, digest, empty(bytes32), empty(bytes32))
    log Committed(round=round, seat=seat, digest=digest)
    if missing == 0 or block.timestamp >= clock & phases.DEADLINE:
        committed: uint256 = store.roster ^ missing
        if bits._count(committed) >= QUORUM:
            clock = self._draw(clock, committed, 0)
    store.clock = clock


@external
def attest(said: uint256, record: bytes32):
    """
    @notice Anchor the caller's verdicts of this round. The first one fixes the seed, in a later block than the one
            that closed the commit phase and at most 256 blocks after it.
    @dev The neighbours follow from the seed, so nobody can judge whom it likes; and what was said under one seed is
         not taken under another, should the chain reorganise. What a seat says that did not commit, or about places
         beyond its neighbours, counts for nothing.
    @custom:rule R3.10
    @param said What the caller says, in bits:
             127                64 63  62       42 41       21 20       0
             |  seed, last 8 bytes | 0 |   round   | accepted |  judged  |
           Bit j of judged: the update of the caller's neighbour number j was fetched and judged; of accepted: it
           was accepted. All above is 0.
    @param record Digest of the record that holds every figure behind the verdicts.
    """
    seat: uint256 = store.seat_plus_one[msg.sender]
    assert seat != 0, "seat: caller has none"
    seat = unsafe_sub(seat, 1)
    clock: uint256 = store.clock
    round: uint256 = (clock >> phases.ROUND_BIT) & phases.MAX_ROUNDS
    assert (clock >> phases.PHASE_BIT) & 3 == phases.ATTEST, "attest: phase is closed"
    assert (said & phases.TIME) >> verdicts.ROUND_BIT == round, "attest: not this round"
    seed: uint256 = store.seed
    if seed < SEED_LEAST:
        seed = self._fixed(seed, round)
        store.seed = seed
    assert said >> 64 == seed & phases.TIME, "attest: not this round's seed"
    assert (said >> verdicts.ACCEPTED_BIT) & verdicts.SAID & ~said == 0, "attest: accepted an unjudged one"
    assert record != empty(bytes32), "attest: record is empty"
    word: uint256 = store.said[seat >> 2]
    lane: uint256 = (seat & 3) << 6
    assert (word >> (lane | verdicts.ROUND_BIT)) & phases.MAX_ROUNDS != round, "attest: already attested"
    store.said[seat >> 2] = (word & ~(phases.TIME << lane)) | ((said & phases.TIME) << lane)
    store.clock = entries._fold(clock, entries.ATTESTED, seat, convert(said, bytes32), record, empty(bytes32))
    log Attested(seat=seat, verdicts=said, record=record)


@external
def advance():
    """
    @notice Close a commit phase whose deadline has passed with its quorum, or that waits for nobody any more; or
            draw again where nobody attested while the chain could tell the hash of the closing block. Anyone may
            call it.
    @custom:rule R3.11, R3.7
    """
    clock: uint256 = store.clock
    if phases._phase(clock) == phases.ATTEST:
        seed: uint256 = store.seed
        checks._require(
            seed < SEED_LEAST and block.number > (seed & phases.TIME) + draw.HASHES, "advance: seed is not lost"
        )
        # Or a round could be kept open, and what was pledged for it, by drawing again and again.
        first: uint256 = seed >> 64
        checks._require(block.timestamp < first + PATIENCE * ATTEST_WINDOW_S, "advance: round is to be given up")
        store.clock = self._draw(clock, store.committed, first)
        return
    checks._require(phases._phase(clock) == phases.COMMIT, "advance: phase is not commit")
    missing: uint256 = store.missing
    committed: uint256 = store.roster ^ missing
    checks._require(bits._count(committed) >= QUORUM, "advance: commit phase is not due")
    checks._require(missing == 0 or block.timestamp >= clock & phases.DEADLINE, "advance: commit phase is not due")
    store.clock = self._draw(clock, committed, 0)


@external
def settle(round: uint256):
    """
    @notice Turn the round's verdicts into reputations and open the next round, once all that committed and are
            waited for have attested, or after the deadline with the quorum. Anyone may call it.
    @dev Only seats that committed count. Were some of them gone for good, a round short of its quorum could never
         end and the circle with it: long after the deadline it is given up, that is, settled as if nobody had
         judged anybody. A seat that did not commit, or not attest, pays in either case and is not waited for again.
    @custom:rule R3.12, R3.7, R13
    @param round The one under way.
    """
    clock: uint256 = store.clock
    assert phases._phase(clock) == phases.ATTEST, "settle: phase is not attest"
    assert round == phases._round(clock), "settle: not this round"
    committed: uint256 = store.committed
    # The committed seats in the order of the ring, and with each what it said of this round.
    seed: bytes32 = convert(store.seed, bytes32)
    ring: uint256[256] = empty(uint256[256])
    count: uint256 = 0
    ring, count = draw._ring(seed, committed)
    attested: uint256 = 0
    for place: uint256 in range(count, bound=256):
        seat: uint256 = ring[place]
        lane: uint256 = store.said[seat >> 2] >> unsafe_mul(64, seat & 3)
        if (lane >> verdicts.ROUND_BIT) & phases.MAX_ROUNDS == round:
            attested |= 1 << seat
            ring[place] = seat | ((lane & phases.TIME) << 8)
    members: uint256 = store.members
    dozing: uint256 = store.dozing
    # Whose verdicts weigh: nobody's in a round that is given up.
    able: uint256 = 0
    deadline: uint256 = clock & phases.DEADLINE
    if bits._count(attested) >= QUORUM:
        assert (
            committed & ~attested & members & ~dozing == 0 or block.timestamp >= deadline
        ), "settle: attest phase is not due"
        able = attested & members & ~store.suspended
    else:
        assert block.timestamp >= deadline + PATIENCE * ATTEST_WINDOW_S, "settle: attest phase is not due"
    # As many words as there are seats; the others hold nothing.
    words: uint256 = min(16, phases._seat_count(clock))
    reputations: uint256[16] = empty(uint256[16])
    for index: uint256 in range(words, bound=16):
        reputations[index] = store.reputations[index]
    before: uint256 = store.below
    below: uint256 = before
    reputations, below = verdicts._settled(
        reputations, ring, count, draw._steps(seed, count, DEGREE), draw._links(count, DEGREE), attested, able,
        before, REPUTATION_SHIFT, REPUTATION_FLOOR,
    )
    missing: uint256 = store.missing
    if missing != 0:
        reputations, below = verdicts._lowered(reputations, missing, below, REPUTATION_SHIFT, REPUTATION_FLOOR)
    for index: uint256 in range(words, bound=16):
        store.reputations[index] = reputations[index]
    if below | before != 0:
        store.below = below
        seats._strike(below, before)
    # A seat that was waited for in vain dozes; one that attests two rounds running is waited for again from a
    # reputation of AWAKE on. Who takes part now and then costs the others nothing.
    silent: uint256 = missing | (committed & ~attested)
    if dozing | silent != 0:
        back: uint256 = dozing & attested & store.steady
        if back != 0:
            back = verdicts._reaching(reputations, back, AWAKE)
        dozing = (dozing | silent) & ~back
        store.dozing = dozing
        store.steady = dozing & attested
    clock = entries._fold(
        clock, entries.SETTLED, 0, convert(attested, bytes32), keccak256(abi_encode(reputations)),
        seed if convert(seed, uint256) >= SEED_LEAST else empty(bytes32),
    )
    log Settled(round=round, attested=attested, reputations=reputations)
    if round == LAST_ROUND:
        store.clock = phases._set_time(clock, round, phases.FINISHED, block.timestamp)
    else:
        store.clock = self._open_round(clock, round + 1, attested)


# ------------------------------------------------------------------------------------------------ fault functions

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
    @notice Prove that a peer announced two updates for one round. Its seat is lost and its bond burned, all of it:
            there is nothing in copying a proof, nor in convicting oneself.
    @custom:rule R25
    @param author Whose updates they are: a hot key, present or past, of a seat not released since.
    @param round The round they were announced for.
    @param first One of two different digests that `author` signed as Announcement(round, author, digest).
    @param first_r With first_vs the signature of the first (EIP-2098).
    @param first_vs See first_r.
    @param second The other digest.
    @param second_r With second_vs the signature of the second.
    @param second_vs See second_r.
    """
    checks._require(first != second, "equivocation: same digest twice")
    self._check_author(author, round, first, first_r, first_vs)
    self._check_author(author, round, second, second_r, second_vs)
    key: uint256 = store.key_of[author]
    seat: uint256 = key & 65535
    checks._require(
        key != 0 and store.seats[seat].tenure == key >> 16 and store.seats[seat].hot != empty(address),
        "equivocation: author has no seat",
    )
    checks._require(round >= seats._since_round(seat), "equivocation: before it joined")
    is_member: bool = (store.members >> seat) & 1 == 1
    bond: uint256 = store.seats[seat].bond
    checks._require(is_member or bond > 0, "equivocation: nothing to lose")
    # A peer that comes back with the same key is not convicted of the same once more.
    charge: bytes32 = keccak256(abi_encode(author, round))
    checks._require(not store.charged[charge], "equivocation: already proved")
    store.charged[charge] = True
    clock: uint256 = store.clock
    free_at: uint256 = store.seats[seat].free_at
    if is_member:
        free_at = seats._vacate(clock, seat, UNBONDING_S)
    store.seats[seat].bond = 0
    store.clock = entries._fold(
        clock, entries.EQUIVOCATED, seat, keccak256(abi_encode(round, free_at)), entries._word(msg.sender),
        convert(bond, bytes32),
    )
    log Equivocated(seat=seat, round=round, reporter=msg.sender, bond=bond, free_at=free_at)
    money._burn(bond)


# ---------------------------------------------------------------------------------------------------------- views

@external
@view
def terms() -> Terms:
    """
    @notice What the circle was deployed with.
    @return The terms, as the constructor took them.
    """
    return Terms(
        start_seats=START_SEATS, quorum=QUORUM, last_round=LAST_ROUND, commit_window_s=COMMIT_WINDOW_S,
        attest_window_s=ATTEST_WINDOW_S, degree=DEGREE, reputation_shift=REPUTATION_SHIFT,
        reputation_floor=REPUTATION_FLOOR, eject_after=EJECT_AFTER, bond=BOND, unbonding_s=UNBONDING_S,
        rotation_delay_s=ROTATION_DELAY_S, dispute_bond=DISPUTE_BOND, dispute_window_s=DISPUTE_WINDOW_S,
        jury_seats=JURY_SEATS, admission=ADMISSION, inviter=INVITER, court=COURT,
    )


@external
@view
def state() -> (uint256, uint256, uint256, uint256, uint256, uint256, uint256, bytes32, bytes24):
    """
    @notice The round under way, at a glance.
    @return The round: 0 before the first one, the last one when finished.
    @return The phase: 0 gathering, 1 commit, 2 attest, 3 finished.
    @return The phase's deadline in Unix seconds; when finished, the time of that.
    @return How many seats were ever taken.
    @return The roster, a mask.
    @return Which seats have committed, a mask.
    @return Which of those have attested, a mask.
    @return The seed of the last exchange; 0 while nobody can know it, and for a round in which nobody attested.
    @return The running hash of all events, see `history`.
    """
    clock: uint256 = store.clock
    round: uint256 = phases._round(clock)
    committed: uint256 = store.committed
    if phases._phase(clock) == phases.COMMIT:
        committed = store.roster ^ store.missing
    attested: uint256 = 0
    for seat: uint256 in range(phases._seat_count(clock), bound=256):
        if (committed >> seat) & 1 == 1 and verdicts._round_of(store.said[seat >> 2] >> (64 * (seat & 3))) == round:
            attested |= 1 << seat
    return (
        round, phases._phase(clock), clock & phases.DEADLINE, phases._seat_count(clock), store.roster, committed,
        attested,
        convert(self._seed(clock), bytes32), entries._history(clock),
    )


@external
@view
def history() -> bytes24:
    """
    @notice The running hash of all events so far.
    @return The hash, which folding the events gives.
    """
    return entries._history(store.clock)


@external
@view
def seat_of(peer: address) -> uint256:
    """
    @notice Where a peer sits.
    @param peer A hot key.
    @return The number of its seat; reverts for a key that has none.
    """
    return seats._seat_of(peer)


@external
@view
def is_seated(peer: address) -> bool:
    """
    @notice Whether a peer sits anywhere.
    @param peer A hot key.
    @return True while it holds a seat.
    """
    return store.seat_plus_one[peer] != 0


@external
@view
def seat_at(seat: uint256) -> store.Seat:
    """
    @notice Who sits in a seat.
    @param seat Its number.
    @return All that is kept of a seat; zeros, but for the tenure, once it is released, and for one never taken.
    """
    return store.seats[seat]


@external
@view
def standing() -> (uint256, uint256, uint256, uint256, uint256, uint256, uint256):
    """
    @notice How all seats stand, in masks.
    @return The seats that are held.
    @return The seats below the reputation floor: quarantined.
    @return The seats that are free to be taken again.
    @return The seats that asked to be on the next round's roster.
    @return The seats that doze: they were waited for in vain.
    @return The seats that may commit in this round and are not waited for.
    @return The seats that are suspended.
    """
    return (
        store.members, store.below, store.vacant, store.woken, store.dozing, store.late, store.suspended,
    )


@external
@view
def strikes_of(seat: uint256) -> uint256:
    """
    @notice How near a seat is to being ejected.
    @param seat Its number.
    @return After how many settlements in a row it has been below the floor.
    """
    checks._require(seat < store.MAX_SEATS, "seat: no such number")
    return seats._strikes(seat)


@external
@view
def reputation_words() -> uint256[16]:
    """
    @notice All reputations.
    @return Seat s's reputation (0..65535) in word s % 16, bits 16 * (s // 16) and up.
    """
    return store.reputations


@external
@view
def books() -> (uint256, uint256):
    """
    @notice Whose the contract's coin is.
    @return Wei pledged in bonds of seats, disputes and appeals.
    @return Wei owed to those who may withdraw it.
    """
    return store.pledged, store.owing


# ------------------------------------------------------------------------------------------------------- internal

@internal
@view
def _check_author(author: address, round: uint256, digest: bytes32, r: uint256, vs: uint256):
    """
    @notice Revert unless an author announced an update.
    @param author The hot key that must have signed.
    @param round The round it was announced for.
    @param digest The update's digest.
    @param r With vs the signature (EIP-2098).
    @param vs See r.
    """
    signer: address = signed._signer(signed._announcement(round, author, digest), r, vs)
    checks._require(signer == author and author != empty(address), "equivocation: bad signature")


@internal
def _invited(nonce: uint256, expiry: uint256, r: uint256, vs: uint256) -> address:
    """
    @notice Check the caller's invitation and use it up.
    @param nonce As in `join`.
    @param expiry As in `join`.
    @param r As in `join`.
    @param vs As in `join`.
    @return Who invited the caller; the empty address where admission is open.
    """
    if ADMISSION == OPEN:
        return empty(address)
    checks._require(block.timestamp <= expiry, "join: invitation has expired")
    hash: bytes32 = signed._invitation(msg.sender, nonce, expiry)
    signer: address = signed._signer(hash, r, vs)
    checks._require(signer != empty(address), "join: invitation is not signed")
    if signer != INVITER:
        checks._require(ADMISSION == BY_MEMBERS, "join: inviter may not invite")
        seat: uint256 = store.seat_plus_one[signer]
        checks._require(seat != 0, "join: inviter may not invite")
        checks._require(seats._reputation(seat - 1) >= INITIAL, "join: inviter lacks standing")
    checks._require(not store.invitations[hash], "join: invitation was used")
    store.invitations[hash] = True
    return signer


@internal
def _open_round(clock: uint256, round: uint256, attested: uint256) -> uint256:
    """
    @notice Open a round.
    @dev Seats that attested are there; those that joined or woke asked to be. Nobody else may commit, and a seat
         that dozes is not waited for.
    @custom:rule R3.5
    @param clock The clock.
    @param round The round to open.
    @param attested The seats that attested in the round before.
    @return The clock in the commit phase of the round.
    """
    wanted: uint256 = (attested | store.woken) & store.members
    dozing: uint256 = store.dozing
    roster: uint256 = wanted & ~dozing
    store.roster = roster
    store.missing = roster
    store.late = wanted & dozing
    store.woken = 0
    return phases._set_time(clock, round, phases.COMMIT, block.timestamp + COMMIT_WINDOW_S)


@internal
def _draw(clock: uint256, committed: uint256, first: uint256) -> uint256:
    """
    @notice Close the commit phase, or draw again.
    @dev Nobody knows this block's hash in it, so whoever closes cannot take that back when it dislikes the draw.
         Until the first attestation `seed` is below SEED_LEAST and holds, in bits:
           127                64 63             0
           |       first        | block's number |
         The digests stay out of it: the last committer could otherwise grind its own until the neighbours suit it.
    @custom:rule R3.9
    @param clock The clock.
    @param committed The seats that committed.
    @param first When the attest phase was to end at first, where this draws again; else 0.
    @return The clock in the attest phase of the round.
    """
    round: uint256 = phases._round(clock)
    deadline: uint256 = block.timestamp + ATTEST_WINDOW_S
    store.seed = block.number | ((first if first != 0 else deadline) << 64)
    store.committed = committed
    log Drawn(round=round, committed=committed)
    drawn: uint256 = entries._fold(
        clock, entries.DRAWN, 0, convert(committed, bytes32), empty(bytes32), empty(bytes32)
    )
    return phases._set_time(drawn, round, phases.ATTEST, deadline)


@internal
@view
def _fixed(drawn: uint256, round: uint256) -> uint256:
    """
    @notice Compute the seed from the block in which the commit phase was closed, or revert where the chain does not
            tell its hash, yet or any more.
    @custom:rule R3.9
    @param drawn What `seed` holds until then, see _draw.
    @param round The round under way.
    @return The seed.
    """
    number: uint256 = drawn & phases.TIME
    assert block.number > number, "attest: seed is not drawn yet"
    assert block.number <= number + draw.HASHES, "attest: seed is lost"
    return convert(keccak256(abi_encode(blockhash(number), round, self)), uint256)


@internal
@view
def _seed(clock: uint256) -> uint256:
    """
    @notice Find the seed of the last exchange.
    @param clock The clock.
    @return The seed; 0 where there is none, or none yet.
    """
    seed: uint256 = store.seed
    if seed >= SEED_LEAST:
        return seed
    number: uint256 = seed & phases.TIME
    if phases._phase(clock) == phases.ATTEST and block.number > number and block.number <= number + draw.HASHES:
        return self._fixed(seed, phases._round(clock))
    return 0


@internal
def _give_up(kind: uint256, seat: uint256, burned: uint256) -> uint256:
    """
    @notice Give a seat up at a price: what `leave` and `eject` have in common.
    @param kind The entry that this folds.
    @param seat The seat's number.
    @param burned Wei of its bond that are burned.
    @return When it may be released, in Unix seconds.
    """
    clock: uint256 = store.clock
    store.seats[seat].bond -= burned
    free_at: uint256 = seats._vacate(clock, seat, UNBONDING_S)
    store.clock = entries._fold(
        clock, kind, seat, convert(burned, bytes32), convert(free_at, bytes32), empty(bytes32)
    )
    money._burn(burned)
    return free_at
