# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy off
"""
@title Circle: the seats, rounds, verdicts, reputations and bonds of one learning task
@license Apache-2.0
@notice A round is commit -> exchange -> attest -> settle. Peers anchor the digest of their update; once all have
        committed, the hash of that block draws who judges whom; peers attest whom they judged and whom they
        accepted, and anyone settles the verdicts into reputations. Disputes are `Court`'s, whose code runs here.
        There is no owner, no pause, no upgrade and no parameter that can change after deployment.
@dev Every event is folded into one running hash, `history`, so that a log which leaves one out, adds one or
     reorders them is noticed by whoever folds it again.
     Money moves in two ways only: into the circle with `join`, `dispute` and `appeal`, out of it with `withdraw`
     (to who is owed it) and by burning. The balance is what is pledged plus what is owed, see `books`.
"""

from contracts.modules import bits
from contracts.modules import draw
from contracts.modules import entries
from contracts.modules import seating
from contracts.modules import signed
from contracts.modules import store
from contracts.modules import verdicts

initializes: store
initializes: seating[store := store]

exports: store.owed


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
    court: address


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
    burned: uint256
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

event Withdrawn:
    account: indexed(address)
    amount: uint256


# ------------------------------------------------------------------------------------------------- constants

MAX_SEATS: constant(uint256) = 256
MAX_DEGREE: constant(uint256) = 20
MAX_WINDOW_S: constant(uint256) = 30 * 86400
MAX_DELAY_S: constant(uint256) = 365 * 86400
MAX_BOND: constant(uint256) = 2**128
# So many attest windows behind its deadline a round that is still short of the quorum may be given up.
PATIENCE: constant(uint256) = 16
# A seat that has not attested in so many rounds and is on no roster may be ejected.
ABSENT_ROUNDS: constant(uint256) = 256
# What an ejected seat loses of its bond.
EJECTED_PART: constant(uint256) = 2
# A dozing seat that attests is waited for again from this reputation on.
AWAKE: constant(uint256) = 49152
# Unbonding takes so many dispute windows at least: whoever left when a claim was raised can still be heard on it.
UNBONDING_WINDOWS: constant(uint256) = 8
# A word below this in `seed` is no seed yet, see _draw.
SEED_LEAST: constant(uint256) = 2**128
# Of so many blocks back the chain tells the hash.
HASHES: constant(uint256) = 256
# Keccak-256 of the code that contracts/Court.vy compiles to; scripts/compile_contracts.py writes it.
COURT_HASH: constant(bytes32) = 0xebc7b24e73908b4e2fc7f844f5cfa9089a670898b408c4c11399272efafc3938

OPEN: constant(uint256) = 0             # admission: whoever posts the bond
BY_INVITER: constant(uint256) = 1       # whom the inviter's key has invited
BY_MEMBERS: constant(uint256) = 2       # whom the inviter or a seat in good standing has invited

INITIAL: constant(uint256) = 32768      # reputation of who joins, of 65535


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
COURT: immutable(address)


# ----------------------------------------------------------------------------------------------- constructor

@deploy
def __init__(manifest: Bytes[16384], terms: Terms):
    """
    @notice Open a circle: nothing that stands here can change later.
    @param manifest The task: model layout, codec, rule and their parameters. Emitted whole, so that the chain
           alone tells what was agreed; its SHA-256 is the task digest.
    @param terms start_seats: round 1 opens when so many are seated. quorum: a phase closes at its deadline only
           with this many; short of it the circle waits. degree: how many neighbours judge a peer.
           reputation_shift: a settlement moves a reputation by 1 / 2**shift of the way to its share.
           reputation_floor: below it a seat is quarantined: still judged, its own verdicts weigh nothing.
           eject_after: so many rounds in a row below the floor and a seat may be ejected, 0: never.
           bond, dispute_bond: wei; dispute_bond 0: no disputes. admission: 0 open, 1 invited by the inviter,
           2 invited by the inviter or a member in good standing. court: where the code of `Court` lies.
    """
    assert len(manifest) > 0, "circle: manifest is empty"
    # Some chains count milliseconds: a deadline would not fit in the clock.
    assert block.timestamp < entries.DEADLINE - MAX_DELAY_S, "circle: chain's clock is not in seconds"
    assert terms.start_seats >= 2 and terms.start_seats <= MAX_SEATS, "circle: start seats not in 2..256"
    assert terms.quorum >= 2 and terms.quorum <= terms.start_seats, "circle: quorum not in 2..start seats"
    assert terms.last_round >= 1 and terms.last_round <= entries.MAX_ROUNDS, "circle: last round not in 1..2^21-1"
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
    @param nonce With expiry what was signed: Invitation(peer, nonce, expiry).
    @param expiry Unix seconds.
    @param r With vs the inviter's signature (EIP-2098); ignored where admission is open.
    @param vs See r.
    @return The seat's number.
    """
    clock: uint256 = store.clock
    self._require(store.seat_plus_one[msg.sender] == 0, "join: already seated")
    self._require(entries._phase(clock) != entries.FINISHED, "join: circle is finished")
    self._check_endpoint(endpoint)
    self._require(cold != empty(address), "join: cold key is empty")
    self._require(msg.value == BOND, "join: value is not the bond")
    self._check_key(msg.sender)
    inviter: address = self._invited(nonce, expiry, r, vs)
    seat: uint256 = entries._seat_count(clock)
    if seat < MAX_SEATS:
        clock += 1 << entries.COUNT_BIT
    else:
        seat = bits._lowest(store.vacant)
        self._require(seat < MAX_SEATS, "join: no free seat")
        self._forget(~(1 << seat))
    # All else of it is zero: it is new, or was released.
    tenure: uint256 = store.seats[seat].tenure + 1
    store.seats[seat].hot = msg.sender
    store.seats[seat].cold = cold
    store.seats[seat].bond = msg.value
    store.seats[seat].since = entries._round(clock) | (store.dispute_count << seating.DISPUTE_BIT)
    store.seats[seat].tenure = tenure
    store.pledged += msg.value
    store.seat_plus_one[msg.sender] = seat + 1
    store.key_of[msg.sender] = seat | (tenure << 16)
    seating._set_reputation(seat, INITIAL, REPUTATION_FLOOR)
    store.members |= 1 << seat
    store.woken |= 1 << seat
    clock = entries._fold(
        clock, entries.JOINED, seat, entries._word(msg.sender), keccak256(abi_encode(cold, inviter)),
        keccak256(endpoint),
    )
    log Joined(seat=seat, peer=msg.sender, cold=cold, inviter=inviter, endpoint=endpoint)
    if entries._phase(clock) == entries.GATHERING and bits._count(store.members) == START_SEATS:
        clock = self._open_round(clock, 1, 0)
    store.clock = clock
    return seat


@external
def move(endpoint: String[256]):
    """
    @notice Publish a new endpoint for the caller's seat.
    @param endpoint As in `join`.
    """
    seat: uint256 = self._seat_of(msg.sender)
    self._check_endpoint(endpoint)
    store.clock = entries._fold(
        store.clock, entries.MOVED, seat, keccak256(endpoint), empty(bytes32), empty(bytes32)
    )
    log Moved(seat=seat, endpoint=endpoint)


@external
def wake():
    """
    @notice Ask to be on the next round's roster again after absence. In a commit phase it may take part in this round
            too, but is not waited for. It ends a suspension whose term is over.
    @dev A seat that did not attest in a round is not on the next one's roster, and who was waited for in vain may
         take part but is not waited for (`dozing`): so a dead peer costs the others one deadline, however often
         it wakes. Who wakes in a commit phase and does not come to commit loses nothing: it was not counted on, and
         others could close the phase between its two calls.
    """
    seat: uint256 = self._seat_of(msg.sender)
    clock: uint256 = store.clock
    self._require(entries._phase(clock) != entries.FINISHED, "wake: circle is finished")
    bit: uint256 = 1 << seat
    store.woken |= bit
    if entries._phase(clock) == entries.COMMIT and store.roster & bit == 0:
        store.late |= bit
    if store.suspended & bit != 0 and entries._round(clock) >= store.seats[seat].suspended_until:
        store.suspended ^= bit
    store.clock = entries._fold(clock, entries.WOKEN, seat, empty(bytes32), empty(bytes32), empty(bytes32))
    log Woken(round=entries._round(clock), seat=seat)


@external
def leave(seat: uint256):
    """
    @notice Give a seat up. Its cold key calls this; the bond can be released once it has waited for late evidence.
            Who is on the way to be ejected loses as much of what that costs as it has strikes.
    @param seat Its number.
    """
    self._check_cold(seat)
    burned: uint256 = 0
    if EJECT_AFTER > 0:
        burned = store.seats[seat].bond // EJECTED_PART * min(self._strikes(seat), EJECT_AFTER) // EJECT_AFTER
    free_at: uint256 = self._give_up(entries.LEFT, seat, burned)
    log Left(seat=seat, burned=burned, free_at=free_at)


@external
def eject(seat: uint256):
    """
    @notice Remove a seat that has been below the reputation floor too long, at half of its bond, or one that has
            not taken part for 256 rounds. Anyone may call it.
    @param seat Its number.
    """
    self._require(seat < MAX_SEATS and (store.members >> seat) & 1 == 1, "eject: seat is not held")
    burned: uint256 = 0
    if EJECT_AFTER > 0 and self._strikes(seat) >= EJECT_AFTER:
        burned = store.seats[seat].bond // EJECTED_PART
    else:
        self._require(self._is_absent(seat), "eject: neither low nor absent")
    free_at: uint256 = self._give_up(entries.EJECTED, seat, burned)
    log Ejected(seat=seat, burned=burned, free_at=free_at)


@external
def release(seat: uint256):
    """
    @notice Owe the bond of a seat given up to its cold key, and make the seat free. Anyone may call it.
    @param seat Its number.
    """
    held: store.Seat = store.seats[seat]
    self._require(held.free_at != 0, "release: seat is not given up")
    self._require(block.timestamp >= held.free_at, "release: unbonding is not over")
    self._require(held.disputes == 0, "release: a dispute is open")
    clock: uint256 = store.clock
    self._require(not seating._is_in_round(clock, seat), "release: seat is in a round")
    store.seats[seat] = empty(store.Seat)
    store.seats[seat].tenure = held.tenure
    store.vacant |= 1 << seat
    seating._owe(held.cold, held.bond)
    store.clock = entries._fold(
        clock, entries.RELEASED, seat, convert(held.bond, bytes32), empty(bytes32), empty(bytes32)
    )
    log Released(seat=seat, bond=held.bond)


@external
@nonreentrant
def withdraw() -> uint256:
    """
    @notice Take what the circle owes the caller.
    @return Wei.
    """
    amount: uint256 = store.owed[msg.sender]
    self._require(amount > 0, "withdraw: nothing is owed")
    store.owed[msg.sender] = 0
    store.owing -= amount
    store.clock = entries._fold(
        store.clock, entries.WITHDRAWN, 0, entries._word(msg.sender), convert(amount, bytes32), empty(bytes32)
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
    @param seat Its number.
    @param hot The new hot key; no seat's that is not released, but for this one's present one.
    @param cold The new cold key.
    """
    self._check_cold(seat)
    self._require(hot != empty(address) and cold != empty(address), "rotate: key is empty")
    held: address = store.seats[seat].hot
    rotates_at: uint256 = 0
    if hot != held or cold != msg.sender:
        rotates_at = block.timestamp + ROTATION_DELAY_S
        if hot != held:
            self._check_key(hot)
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
    @param seat Its number.
    """
    held: store.Seat = store.seats[seat]
    self._require(held.rotates_at != 0, "rotate: no rotation is under way")
    # Nobody is made to hold a seat: the new key itself puts the rotation in force.
    self._require(msg.sender == held.next_hot, "rotate: not the new key")
    self._require(block.timestamp >= held.rotates_at, "rotate: delay is not over")
    clock: uint256 = store.clock
    # One key signs all of a round, so that its author is never in doubt.
    self._require(not seating._is_in_round(clock, seat), "rotate: seat is in a round")
    if held.next_hot != held.hot:
        self._check_key(held.next_hot)
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


# -------------------------------------------------------------------------------------------- round functions

@external
def commit(round: uint256, digest: bytes32):
    """
    @notice Anchor the caller's update of this round. The last of the roster to commit, or the first after the
            deadline that makes the quorum, closes the phase; its block's hash draws who judges whom.
    @param round The one under way, so that no commit lands in another.
    @param digest SHA-256 multihash digest of the update's root block.
    """
    seat: uint256 = store.seat_plus_one[msg.sender]
    assert seat != 0, "seat: caller has none"
    seat = unsafe_sub(seat, 1)
    clock: uint256 = store.clock
    assert (clock >> entries.PHASE_BIT) & 3 == entries.COMMIT, "commit: phase is closed"
    assert round == (clock >> entries.ROUND_BIT) & entries.MAX_ROUNDS, "commit: not this round"
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
    if missing == 0 or block.timestamp >= clock & entries.DEADLINE:
        committed: uint256 = store.roster ^ missing
        if bits._count(committed) >= QUORUM:
            clock = self._draw(clock, committed, 0)
    store.clock = clock


@external
def attest(said: uint256, record: bytes32):
    """
    @notice Anchor the caller's verdicts of this round. The first one fixes the seed, in a later block than the one
            that closed the commit phase and at most 256 blocks after it.
    @param said The last 8 bytes of the seed << 64 | round << 42 | accepted << 21 | judged. Bit j of judged: the
           update of the caller's neighbour number j was fetched and judged; of accepted: it was accepted. The
           neighbours follow from the seed, so nobody can judge whom it likes; and what was said under one seed is
           not taken under another, should the chain reorganise. Of a seat that did not commit, and about places
           beyond its neighbours, it says nothing.
    @param record Digest of the record that holds every figure behind the verdicts.
    """
    seat: uint256 = store.seat_plus_one[msg.sender]
    assert seat != 0, "seat: caller has none"
    seat = unsafe_sub(seat, 1)
    clock: uint256 = store.clock
    round: uint256 = (clock >> entries.ROUND_BIT) & entries.MAX_ROUNDS
    assert (clock >> entries.PHASE_BIT) & 3 == entries.ATTEST, "attest: phase is closed"
    assert (said & entries.TIME) >> verdicts.ROUND_BIT == round, "attest: not this round"
    seed: uint256 = store.seed
    if seed < SEED_LEAST:
        seed = self._fixed(seed, round)
        store.seed = seed
    assert said >> 64 == seed & entries.TIME, "attest: not this round's seed"
    assert (said >> verdicts.ACCEPTED_BIT) & verdicts.SAID & ~said == 0, "attest: accepted an unjudged one"
    assert record != empty(bytes32), "attest: record is empty"
    word: uint256 = store.said[seat >> 2]
    lane: uint256 = (seat & 3) << 6
    assert (word >> (lane | verdicts.ROUND_BIT)) & entries.MAX_ROUNDS != round, "attest: already attested"
    store.said[seat >> 2] = (word & ~(entries.TIME << lane)) | ((said & entries.TIME) << lane)
    store.clock = entries._fold(clock, entries.ATTESTED, seat, convert(said, bytes32), record, empty(bytes32))
    log Attested(seat=seat, verdicts=said, record=record)


@external
def advance():
    """
    @notice Close a commit phase whose deadline has passed with its quorum, or that waits for nobody any more; or
            draw again where nobody attested while the chain could tell the hash of the closing block. Anyone may
            call it.
    """
    clock: uint256 = store.clock
    if entries._phase(clock) == entries.ATTEST:
        seed: uint256 = store.seed
        self._require(
            seed < SEED_LEAST and block.number > (seed & entries.TIME) + HASHES, "advance: seed is not lost"
        )
        # Or a round could be kept open, and what was pledged for it, by drawing again and again.
        first: uint256 = seed >> 64
        self._require(block.timestamp < first + PATIENCE * ATTEST_WINDOW_S, "advance: round is to be given up")
        store.clock = self._draw(clock, store.committed, first)
        return
    self._require(entries._phase(clock) == entries.COMMIT, "advance: phase is not commit")
    missing: uint256 = store.missing
    committed: uint256 = store.roster ^ missing
    self._require(bits._count(committed) >= QUORUM, "advance: commit phase is not due")
    self._require(missing == 0 or block.timestamp >= clock & entries.DEADLINE, "advance: commit phase is not due")
    store.clock = self._draw(clock, committed, 0)


@external
def settle(round: uint256):
    """
    @notice Turn the round's verdicts into reputations and open the next round, once all that committed and are
            waited for have attested, or after the deadline with the quorum. Anyone may call it.
    @param round The one under way.
    @dev Only who committed can attest. Were some of them gone for good, a round short of its quorum could never
         end and the circle with it: long after the deadline it is given up, that is, settled as if nobody had
         judged anybody. Who did not commit, or not attest, pays in either case and is not waited for again.
    """
    clock: uint256 = store.clock
    assert entries._phase(clock) == entries.ATTEST, "settle: phase is not attest"
    assert round == entries._round(clock), "settle: not this round"
    committed: uint256 = store.committed
    seed: bytes32 = convert(store.seed, bytes32)
    ring: uint256[256] = empty(uint256[256])
    count: uint256 = 0
    ring, count = draw._ring(seed, committed)
    attested: uint256 = 0
    for place: uint256 in range(count, bound=256):
        seat: uint256 = ring[place]
        lane: uint256 = store.said[seat >> 2] >> unsafe_mul(64, seat & 3)
        if (lane >> verdicts.ROUND_BIT) & entries.MAX_ROUNDS == round:
            attested |= 1 << seat
            ring[place] = seat | ((lane & entries.TIME) << 8)
    members: uint256 = store.members
    dozing: uint256 = store.dozing
    able: uint256 = 0
    deadline: uint256 = clock & entries.DEADLINE
    if bits._count(attested) >= QUORUM:
        assert (
            committed & ~attested & members & ~dozing == 0 or block.timestamp >= deadline
        ), "settle: attest phase is not due"
        able = attested & members & ~store.suspended
    else:
        assert block.timestamp >= deadline + PATIENCE * ATTEST_WINDOW_S, "settle: attest phase is not due"
    # As many words as there are seats; the others hold nothing.
    words: uint256 = min(16, entries._seat_count(clock))
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
        self._strike(below, before)
    awake: uint256 = 0
    if dozing & attested != 0:
        awake = verdicts._reaching(reputations, dozing & attested, AWAKE)
    dozing = (dozing | missing | (committed & ~attested)) & ~awake
    store.dozing = dozing
    clock = entries._fold(
        clock, entries.SETTLED, 0, convert(attested, bytes32), keccak256(abi_encode(reputations)),
        seed if convert(seed, uint256) >= SEED_LEAST else empty(bytes32),
    )
    log Settled(round=round, attested=attested, reputations=reputations)
    if round == LAST_ROUND:
        store.clock = entries._set_time(clock, round, entries.FINISHED, block.timestamp)
    else:
        store.clock = self._open_round(clock, round + 1, attested)


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
    @notice Prove that a peer announced two updates for one round. Its seat is lost and its bond burned, all of it:
            there is nothing in copying a proof, nor in convicting oneself.
    @param author Whose updates they are.
    @param round The round they were announced for.
    @param first With second the two digests that `author` signed as Announcement(round, author, digest).
    @param first_r With first_vs the signature of the first (EIP-2098).
    @param first_vs See first_r.
    @param second With first the two digests.
    @param second_r With second_vs the signature of the second.
    @param second_vs See second_r.
    """
    self._require(first != second, "equivocation: same digest twice")
    self._check_author(author, round, first, first_r, first_vs)
    self._check_author(author, round, second, second_r, second_vs)
    key: uint256 = store.key_of[author]
    seat: uint256 = key & 65535
    self._require(
        key != 0 and store.seats[seat].tenure == key >> 16 and store.seats[seat].hot != empty(address),
        "equivocation: author has no seat",
    )
    self._require(round >= seating._since_round(seat), "equivocation: before it joined")
    is_member: bool = (store.members >> seat) & 1 == 1
    bond: uint256 = store.seats[seat].bond
    self._require(is_member or bond > 0, "equivocation: nothing to lose")
    # Whoever comes back with the same key is not convicted of the same once more.
    charge: bytes32 = keccak256(abi_encode(author, round))
    self._require(not store.charged[charge], "equivocation: already proved")
    store.charged[charge] = True
    clock: uint256 = store.clock
    free_at: uint256 = store.seats[seat].free_at
    if is_member:
        free_at = seating._vacate(clock, seat, UNBONDING_S)
    store.seats[seat].bond = 0
    store.clock = entries._fold(
        clock, entries.EQUIVOCATED, seat, keccak256(abi_encode(round, free_at)), entries._word(msg.sender),
        convert(bond, bytes32),
    )
    log Equivocated(seat=seat, round=round, reporter=msg.sender, bond=bond, free_at=free_at)
    seating._burn(bond)


@external
@payable
@raw_return
def __default__() -> Bytes[544]:
    """
    @notice Calls about disputes: `Court`'s code, run as this contract's own, on its storage, coin and events.
    @dev The code is the one whose hash this contract was compiled with, so this is no upgrade. What it reverts with
         is passed on.
    @return What it returned.
    """
    return raw_call(COURT, msg.data, max_outsize=544, is_delegate_call=True)


# ------------------------------------------------------------------------------------------------------ views

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
    @return round, phase, deadline (unix seconds), seat count, roster, committed, attested, seed (of the last
            exchange; zero while nobody can know it, and of a round in which nobody attested), history
    """
    clock: uint256 = store.clock
    round: uint256 = entries._round(clock)
    committed: uint256 = store.committed
    if entries._phase(clock) == entries.COMMIT:
        committed = store.roster ^ store.missing
    attested: uint256 = 0
    for seat: uint256 in range(entries._seat_count(clock), bound=256):
        if (committed >> seat) & 1 == 1 and self._lane_round(store.said[seat >> 2] >> (64 * (seat & 3))) == round:
            attested |= 1 << seat
    return (
        round, entries._phase(clock), clock & entries.DEADLINE, entries._seat_count(clock), store.roster, committed,
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
    @return The number of its seat; reverts for who has none.
    """
    return self._seat_of(peer)


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
    @return All that is kept of a seat; zeros, but for the tenure, where nobody sits.
    """
    return store.seats[seat]


@external
@view
def standing() -> (uint256, uint256, uint256, uint256, uint256, uint256, uint256):
    """
    @notice How all seats stand.
    @return Masks of seats: held; quarantined; free to be taken again; on the next round's roster by their wish;
            dozing; free to commit in this round and not waited for; suspended
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
    self._require(seat < MAX_SEATS, "seat: no such number")
    return self._strikes(seat)


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
    @return Wei pledged in bonds of seats, disputes and appeals, and wei owed to those who may withdraw it.
    """
    return store.pledged, store.owing


# --------------------------------------------------------------------------------------------------- internal

@internal
@pure
def _lane_round(lane: uint256) -> uint256:
    return (lane >> verdicts.ROUND_BIT) & entries.MAX_ROUNDS


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
    seat: uint256 = store.seat_plus_one[peer]
    assert seat != 0, "seat: caller has none"
    return unsafe_sub(seat, 1)


@internal
@view
def _check_cold(seat: uint256):
    self._require(seat < MAX_SEATS and (store.members >> seat) & 1 == 1, "seat: is not held")
    self._require(store.seats[seat].cold == msg.sender, "seat: caller is not its cold key")


@internal
@view
def _check_key(key: address):
    # Evidence signed with a key must always lead to one seat, also after that seat changed its keys.
    self._require(store.seat_plus_one[key] == 0, "seat: key has a seat")
    known: uint256 = store.key_of[key]
    held: uint256 = known & 65535
    self._require(
        known == 0 or store.seats[held].tenure != known >> 16 or store.seats[held].hot == empty(address),
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
        seat: uint256 = store.seat_plus_one[signer]
        self._require(seat != 0, "join: inviter may not invite")
        self._require(seating._reputation(seat - 1) >= INITIAL, "join: inviter lacks standing")
    self._require(not store.invitations[hash], "join: invitation was used")
    store.invitations[hash] = True
    return signer


@internal
@view
def _strikes(seat: uint256) -> uint256:
    return (store.strikes[seat >> 5] >> (8 * (seat & 31))) & 255


@internal
def _strike(below: uint256, before: uint256):
    """
    @dev One more for each seat held below the floor, none left for each that came back.
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
def _open_round(clock: uint256, round: uint256, attested: uint256) -> uint256:
    # Who attested is here; who joined or woke asked to be. Nobody else may commit, and who dozes is not waited for.
    wanted: uint256 = (attested | store.woken) & store.members
    dozing: uint256 = store.dozing
    roster: uint256 = wanted & ~dozing
    store.roster = roster
    store.missing = roster
    store.late = wanted & dozing
    store.woken = 0
    return entries._set_time(clock, round, entries.COMMIT, block.timestamp + COMMIT_WINDOW_S)


@internal
def _draw(clock: uint256, committed: uint256, first: uint256) -> uint256:
    """
    @param first When the attest phase was to end at first, where this draws again; else 0.
    @dev Nobody knows this block's hash in it, so who closes cannot take that back when it dislikes the draw. Until
         the first attestation `seed` holds the block's number and, above 64 bits, `first`. The digests stay out of
         it: the last committer could otherwise grind its own until the neighbours suit it.
    """
    round: uint256 = entries._round(clock)
    deadline: uint256 = block.timestamp + ATTEST_WINDOW_S
    store.seed = block.number | ((first if first != 0 else deadline) << 64)
    store.committed = committed
    log Drawn(round=round, committed=committed)
    drawn: uint256 = entries._fold(
        clock, entries.DRAWN, 0, convert(committed, bytes32), empty(bytes32), empty(bytes32)
    )
    return entries._set_time(drawn, round, entries.ATTEST, deadline)


@internal
@view
def _fixed(drawn: uint256, round: uint256) -> uint256:
    """
    @return The seed that follows from the block in which the commit phase was closed.
    """
    number: uint256 = drawn & entries.TIME
    assert block.number > number, "attest: seed is not drawn yet"
    assert block.number <= number + HASHES, "attest: seed is lost"
    return convert(keccak256(abi_encode(blockhash(number), round, self)), uint256)


@internal
@view
def _seed(clock: uint256) -> uint256:
    """
    @return The seed of the last exchange, 0 for none.
    """
    seed: uint256 = store.seed
    if seed >= SEED_LEAST:
        return seed
    number: uint256 = seed & entries.TIME
    if entries._phase(clock) == entries.ATTEST and block.number > number and block.number <= number + HASHES:
        return self._fixed(seed, entries._round(clock))
    return 0


@internal
def _forget(mask: uint256):
    """
    @dev Who sat in a seat before is nothing to its next holder.
    """
    store.vacant &= mask
    store.roster &= mask
    store.missing &= mask
    store.late &= mask
    store.dozing &= mask
    store.suspended &= mask


@internal
def _give_up(kind: uint256, seat: uint256, burned: uint256) -> uint256:
    """
    @return When the seat may be released.
    """
    clock: uint256 = store.clock
    store.seats[seat].bond -= burned
    free_at: uint256 = seating._vacate(clock, seat, UNBONDING_S)
    store.clock = entries._fold(
        clock, kind, seat, convert(burned, bytes32), convert(free_at, bytes32), empty(bytes32)
    )
    seating._burn(burned)
    return free_at


@internal
@view
def _is_absent(seat: uint256) -> bool:
    """
    @return Whether it neither takes part nor is about to, and has not for long.
    """
    lane: uint256 = store.said[seat >> 2] >> (64 * (seat & 3))
    since: uint256 = max(seating._since_round(seat), self._lane_round(lane))
    return (
        ((store.roster | store.late | store.woken) >> seat) & 1 == 0
        and entries._round(store.clock) >= since + ABSENT_ROUNDS
    )
