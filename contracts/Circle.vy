# pragma version 0.4.3
# pragma evm-version prague
"""
@title Circle: the seats, rounds, verdicts and reputations of one learning task
@license Apache-2.0
@notice A round is commit -> exchange -> attest -> settle. Peers anchor the digest of their update, the circle
        draws a seed once all have committed, peers attest whom they judged and whom they accepted, and anyone
        settles the verdicts into reputations. There is no owner, no pause, no upgrade and no parameter that can
        change after deployment.
@dev Every event is folded into one running hash, `history`, so that a log which leaves one out, adds one or
     reorders them is noticed by whoever folds it again.
"""


# ---------------------------------------------------------------------------------------------------- events

event Opened:
    task: indexed(bytes32)
    manifest: Bytes[16384]

event Joined:
    seat: indexed(uint256)
    peer: indexed(address)
    endpoint: String[256]

event Moved:
    seat: indexed(uint256)
    endpoint: String[256]

event Woken:
    round: indexed(uint256)
    seat: indexed(uint256)

event Committed:
    round: indexed(uint256)
    seat: indexed(uint256)
    digest: bytes32

event Drawn:
    round: indexed(uint256)
    seed: bytes32
    committed: uint256

event Attested:
    round: indexed(uint256)
    seat: indexed(uint256)
    judged: uint256
    accepted: uint256
    record: bytes32

event Settled:
    round: indexed(uint256)
    attested: uint256
    reputations: uint256[16]


# ------------------------------------------------------------------------------------------------- constants

MAX_SEATS: constant(uint256) = 256
MAX_WINDOW_S: constant(uint256) = 30 * 86400
# So many attest windows behind its deadline a round that is still short of the quorum may be given up.
PATIENCE: constant(uint256) = 16

GATHERING: constant(uint256) = 0
COMMIT: constant(uint256) = 1
ATTEST: constant(uint256) = 2
SETTLE: constant(uint256) = 3
FINISHED: constant(uint256) = 4

# What a history entry is about; the first word after the previous hash.
OPENED: constant(uint256) = 1
JOINED: constant(uint256) = 2
MOVED: constant(uint256) = 3
WOKEN: constant(uint256) = 4
COMMITTED: constant(uint256) = 5
DRAWN: constant(uint256) = 6
ATTESTED: constant(uint256) = 7
SETTLED: constant(uint256) = 8

# Sixteen lanes of 16 bits; bit 0 of each. Seat s lives in word s % 16, lane s / 16, so `(mask >> word) & LANES`
# puts the bits of that word's sixteen seats each into its own lane.
LANES: constant(uint256) = max_value(uint256) // 65535
LANE: constant(uint256) = 65535
FULL: constant(uint256) = 65535
HALF: constant(uint256) = 32768

# Every other bit, pair, nibble and byte, for counting bits.
BITS: constant(uint256) = max_value(uint256) // 3       # 0x5555...
PAIRS: constant(uint256) = max_value(uint256) // 5      # 0x3333...
NIBBLES: constant(uint256) = max_value(uint256) // 17   # 0x0F0F...
BYTES: constant(uint256) = max_value(uint256) // 257    # 0x00FF...

# 1 in each of the 32 bytes of a word, for looking at them side by side.
ONES: constant(uint256) = max_value(uint256) // 255     # 0x0101...


# ------------------------------------------------------------------------------------------------ immutables

TASK: public(immutable(bytes32))
START_SEATS: public(immutable(uint256))
QUORUM: public(immutable(uint256))
LAST_ROUND: public(immutable(uint256))
COMMIT_WINDOW_S: public(immutable(uint256))
ATTEST_WINDOW_S: public(immutable(uint256))
REPUTATION_SHIFT: public(immutable(uint256))
REPUTATION_FLOOR: public(immutable(uint256))


# --------------------------------------------------------------------------------------------------- storage

# The clock, one word:
#   255       152 151      136 135   128 127      64 63          0
#   |  unused    | seat count |  phase  |   round   | deadline, s |
clock: uint256

committed: uint256                      # bit s: seat s committed in this round
attested: uint256                       # bit s: seat s attested in this round
awaited: uint256                        # bit s: the commit phase waits for seat s until its deadline
woken: uint256                          # bit s: seat s asked to be awaited in the next round
seed: bytes32                           # of this round's exchange, empty until commits close
history: public(bytes32)

seat_plus_one: HashMap[address, uint256]
peers: HashMap[uint256, address]
judged: HashMap[uint256, uint256]       # seat -> mask; slots are reused, valid where `attested` has the bit
accepted: HashMap[uint256, uint256]
reputations: uint256[16]                # sixteen lanes of 16 bits each, see LANES


# ----------------------------------------------------------------------------------------------- constructor

@deploy
def __init__(
    manifest: Bytes[16384],
    start_seats: uint256,
    quorum: uint256,
    last_round: uint256,
    commit_window_s: uint256,
    attest_window_s: uint256,
    reputation_shift: uint256,
    reputation_floor: uint256,
):
    """
    @param manifest The task: model layout, codec, rule and their parameters. Emitted whole, so that the chain
           alone tells what was agreed; its SHA-256 is the task digest.
    @param start_seats Round 1 opens when this many peers have joined.
    @param quorum A phase closes at its deadline only with this many; short of it the circle waits.
    @param reputation_shift A settlement moves a reputation by 1 / 2**shift of the way to its share.
    @param reputation_floor Below it a seat is quarantined: still judged, its own verdicts weigh nothing.
    """
    assert len(manifest) > 0, "circle: manifest is empty"
    assert start_seats >= 2 and start_seats <= MAX_SEATS, "circle: start seats not in 2..256"
    assert quorum >= 2 and quorum <= start_seats, "circle: quorum not in 2..start seats"
    assert last_round >= 1 and last_round < 2**32, "circle: last round not in 1..2^32-1"
    assert commit_window_s >= 1 and commit_window_s <= MAX_WINDOW_S, "circle: commit window not in 1 s..30 days"
    assert attest_window_s >= 1 and attest_window_s <= MAX_WINDOW_S, "circle: attest window not in 1 s..30 days"
    assert reputation_shift >= 1 and reputation_shift <= 8, "circle: reputation shift not in 1..8"
    assert reputation_floor < HALF, "circle: reputation floor not below the initial 32768"
    TASK = sha256(manifest)
    START_SEATS = start_seats
    QUORUM = quorum
    LAST_ROUND = last_round
    COMMIT_WINDOW_S = commit_window_s
    ATTEST_WINDOW_S = attest_window_s
    REPUTATION_SHIFT = reputation_shift
    REPUTATION_FLOOR = reputation_floor
    self._remember(OPENED, 0, 0, TASK, empty(bytes32), empty(bytes32))
    log Opened(task=TASK, manifest=manifest)


# --------------------------------------------------------------------------------------------- seat functions

@external
def join(endpoint: String[256]) -> uint256:
    """
    @notice Take the next free seat. The round under way does not wait for it; the next one does.
    @param endpoint Where the peer is reached, e.g. `wss://host:port http://host:port`.
    @return The seat's number.
    """
    clock: uint256 = self.clock
    seat: uint256 = self._seat_count(clock)
    assert self.seat_plus_one[msg.sender] == 0, "join: already seated"
    assert seat < MAX_SEATS, "join: no free seat"
    assert self._phase(clock) != FINISHED, "join: circle is finished"
    assert len(endpoint) > 0, "join: endpoint is empty"
    assert self._is_printable(endpoint), "join: endpoint is not printable ASCII"
    self.seat_plus_one[msg.sender] = seat + 1
    self.peers[seat] = msg.sender
    self.reputations[seat % 16] |= HALF << (16 * (seat // 16))
    self.woken |= 1 << seat
    clock += 1 << 136
    self.clock = clock
    self._remember(
        JOINED, self._round(clock), seat, convert(convert(msg.sender, uint160), bytes32), keccak256(endpoint),
        empty(bytes32),
    )
    log Joined(seat=seat, peer=msg.sender, endpoint=endpoint)
    if self._phase(clock) == GATHERING and seat + 1 == START_SEATS:
        self._open_round(clock, 1)
    return seat


@external
def move(endpoint: String[256]):
    """
    @notice Publish a new endpoint for the caller's seat.
    """
    seat: uint256 = self._seat_of(msg.sender)
    assert len(endpoint) > 0, "move: endpoint is empty"
    assert self._is_printable(endpoint), "move: endpoint is not printable ASCII"
    self._remember(MOVED, self._round(self.clock), seat, keccak256(endpoint), empty(bytes32), empty(bytes32))
    log Moved(seat=seat, endpoint=endpoint)


@external
def wake():
    """
    @notice Ask to be awaited again after absence: in this round's commit phase if it is open, and in the next.
    @dev A seat that did not attest in a round is not awaited in the next one, so one dead peer costs the others
         one deadline, not every deadline.
    """
    seat: uint256 = self._seat_of(msg.sender)
    clock: uint256 = self.clock
    assert self._phase(clock) != FINISHED, "wake: circle is finished"
    self.woken |= 1 << seat
    if self._phase(clock) == COMMIT:
        self.awaited |= 1 << seat
    self._remember(WOKEN, self._round(clock), seat, empty(bytes32), empty(bytes32), empty(bytes32))
    log Woken(round=self._round(clock), seat=seat)


# -------------------------------------------------------------------------------------------- round functions

@external
def commit(round: uint256, digest: bytes32):
    """
    @notice Anchor the caller's update of this round. The last awaited commit, or the first one after the
            deadline that makes the quorum, closes the phase and fixes the seed.
    @param digest SHA-256 multihash digest of the update's root block.
    """
    seat: uint256 = self._seat_of(msg.sender)
    clock: uint256 = self.clock
    assert self._phase(clock) == COMMIT, "commit: phase is closed"
    assert round == self._round(clock), "commit: not this round"
    assert digest != empty(bytes32), "commit: digest is empty"
    committed: uint256 = self.committed
    assert (committed >> seat) & 1 == 0, "commit: already committed"
    committed |= 1 << seat
    self.committed = committed
    self._remember(COMMITTED, round, seat, digest, empty(bytes32), empty(bytes32))
    log Committed(round=round, seat=seat, digest=digest)
    if self._is_due(clock, committed, self.awaited):
        self._draw(clock, committed)


@external
def attest(round: uint256, judged: uint256, accepted: uint256, record: bytes32):
    """
    @notice Anchor the caller's verdicts of this round.
    @param judged Bit s: seat s's update was fetched and judged.
    @param accepted Bit s: it was accepted.
    @param record Digest of the record that holds every figure behind the verdicts.
    """
    seat: uint256 = self._seat_of(msg.sender)
    clock: uint256 = self.clock
    assert self._phase(clock) == ATTEST, "attest: phase is closed"
    assert round == self._round(clock), "attest: not this round"
    committed: uint256 = self.committed
    assert (committed >> seat) & 1 == 1, "attest: did not commit"
    attested: uint256 = self.attested
    assert (attested >> seat) & 1 == 0, "attest: already attested"
    assert judged & ~(committed & ~(1 << seat)) == 0, "attest: judged one that did not commit"
    assert accepted & ~judged == 0, "attest: accepted one that was not judged"
    assert record != empty(bytes32), "attest: record is empty"
    attested |= 1 << seat
    self.attested = attested
    self.judged[seat] = judged
    self.accepted[seat] = accepted
    self._remember(ATTESTED, round, seat, convert(judged, bytes32), convert(accepted, bytes32), record)
    log Attested(round=round, seat=seat, judged=judged, accepted=accepted, record=record)
    if self._is_due(clock, attested, committed):
        self._set_phase(clock, SETTLE, 0)


@external
def advance():
    """
    @notice Close a phase whose deadline has passed with its quorum. Anyone may call it.
    """
    clock: uint256 = self.clock
    if self._phase(clock) == COMMIT:
        assert self._is_due(clock, self.committed, self.awaited), "advance: commit phase is not due"
        self._draw(clock, self.committed)
    else:
        assert self._phase(clock) == ATTEST, "advance: no phase has a deadline now"
        assert self._is_due(clock, self.attested, self.committed), "advance: attest phase is not due"
        self._set_phase(clock, SETTLE, 0)


@external
def settle(round: uint256):
    """
    @notice Turn the round's verdicts into reputations and open the next round. Anyone may call it.
    @dev Only who committed can attest. Were some of them gone for good, a round short of its quorum could never
         end and the circle with it: long after the deadline it is settled without moving a reputation.
    """
    clock: uint256 = self.clock
    assert round == self._round(clock), "settle: not this round"
    attested: uint256 = self.attested
    reputations: uint256[16] = self.reputations
    if self._phase(clock) == SETTLE or (
        self._phase(clock) == ATTEST and self._is_due(clock, attested, self.committed)
    ):
        reputations = self._settled(reputations, self._seat_count(clock), attested)
        self.reputations = reputations
    else:
        assert self._phase(clock) == ATTEST, "settle: phase is not attested"
        deadline: uint256 = clock & (2**64 - 1)
        assert block.timestamp >= deadline + PATIENCE * ATTEST_WINDOW_S, "settle: attest phase is not due"
    self._remember(
        SETTLED, round, 0, convert(attested, bytes32), keccak256(abi_encode(reputations)), empty(bytes32)
    )
    log Settled(round=round, attested=attested, reputations=reputations)
    if round == LAST_ROUND:
        self._set_phase(clock, FINISHED, 0)
    else:
        self._open_round(clock, round + 1)


# ------------------------------------------------------------------------------------------------------ views

@external
@view
def state() -> (uint256, uint256, uint256, uint256, uint256, uint256, uint256, bytes32, bytes32):
    """
    @return round, phase, deadline (unix seconds), seat count, committed, attested, awaited, seed, history
    """
    clock: uint256 = self.clock
    return (
        self._round(clock), self._phase(clock), clock & (2**64 - 1), self._seat_count(clock), self.committed,
        self.attested, self.awaited, self.seed, self.history,
    )


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
def peer_at(seat: uint256) -> address:
    return self.peers[seat]


@external
@view
def reputation_words() -> uint256[16]:
    """
    @return Seat s's reputation (0..65535) in word s % 16, bits 16 * (s // 16) and up.
    """
    return self.reputations


# --------------------------------------------------------------------------------------------------- internal

@internal
@pure
def _round(clock: uint256) -> uint256:
    return (clock >> 64) & (2**64 - 1)


@internal
@pure
def _phase(clock: uint256) -> uint256:
    return (clock >> 128) & 255


@internal
@pure
def _seat_count(clock: uint256) -> uint256:
    return (clock >> 136) & 65535


@internal
@view
def _seat_of(peer: address) -> uint256:
    seat: uint256 = self.seat_plus_one[peer]
    assert seat != 0, "seat: caller has none"
    return seat - 1


@internal
def _set_phase(clock: uint256, phase: uint256, deadline: uint256):
    self.clock = (self._seat_count(clock) << 136) | (phase << 128) | (self._round(clock) << 64) | deadline


@internal
def _open_round(clock: uint256, round: uint256):
    # Who attested is here; who joined or woke asked to be. Nobody else is waited for.
    self.awaited = self.attested | self.woken
    self.woken = 0
    self.committed = 0
    self.attested = 0
    self.seed = empty(bytes32)
    self.clock = (
        (self._seat_count(clock) << 136) | (COMMIT << 128) | (round << 64) | (block.timestamp + COMMIT_WINDOW_S)
    )


@internal
@view
def _is_due(clock: uint256, present: uint256, expected: uint256) -> bool:
    if self._count(present) < QUORUM:
        return False
    return (expected & ~present == 0) or block.timestamp >= (clock & (2**64 - 1))


@internal
def _draw(clock: uint256, committed: uint256):
    # Only now, with every digest fixed, is it decided who judges whom. The digests stay out of the seed: the last
    # committer could otherwise grind its own until the neighbours suit it.
    round: uint256 = self._round(clock)
    seed: bytes32 = keccak256(abi_encode(block.prevrandao, round, self))
    self.seed = seed
    self._set_phase(clock, ATTEST, block.timestamp + ATTEST_WINDOW_S)
    self._remember(DRAWN, round, 0, seed, convert(committed, bytes32), empty(bytes32))
    log Drawn(round=round, seed=seed, committed=committed)


@internal
@view
def _settled(reputations: uint256[16], seat_count: uint256, attested: uint256) -> uint256[16]:
    """
    @dev Weights are the judges' reputations in 8 bits, so 256 of them fit a lane: 256 * 255 < 2**16.
    """
    words: uint256[16] = reputations
    used: uint256 = min(seat_count, 16)
    # If every judge is quarantined all of them weigh the same; otherwise nobody could ever come back.
    fallback: uint256 = 1
    for seat: uint256 in range(seat_count, bound=256):
        if (attested >> seat) & 1 == 1 and self._weight(words, seat) > 0:
            fallback = 0
            break
    judged_weight: uint256[16] = empty(uint256[16])
    accepted_weight: uint256[16] = empty(uint256[16])
    for seat: uint256 in range(seat_count, bound=256):
        if (attested >> seat) & 1 == 0:
            continue
        weight: uint256 = max(self._weight(words, seat), fallback)
        if weight == 0:
            continue
        judged: uint256 = self.judged[seat]
        accepted: uint256 = self.accepted[seat]
        for word: uint256 in range(used, bound=16):
            judged_weight[word] += unsafe_mul((judged >> word) & LANES, weight)
            accepted_weight[word] += unsafe_mul((accepted >> word) & LANES, weight)
    committed: uint256 = self.committed
    for seat: uint256 in range(seat_count, bound=256):
        if (committed >> seat) & 1 == 0:
            continue
        word: uint256 = seat % 16
        lane: uint256 = 16 * (seat // 16)
        old: uint256 = (words[word] >> lane) & LANE
        new: uint256 = old
        total: uint256 = (judged_weight[word] >> lane) & LANE
        if total > 0:
            share: uint256 = ((accepted_weight[word] >> lane) & LANE) * FULL // total
            new = ((new << REPUTATION_SHIFT) - new + share) >> REPUTATION_SHIFT
        # Who committed and then kept silent about the others pays for it.
        if (attested >> seat) & 1 == 0:
            new -= new >> REPUTATION_SHIFT
        words[word] = words[word] ^ ((old ^ new) << lane)
    return words


@internal
@view
def _weight(words: uint256[16], seat: uint256) -> uint256:
    reputation: uint256 = (words[seat % 16] >> (16 * (seat // 16))) & LANE
    if reputation < REPUTATION_FLOOR:
        return 0
    return reputation >> 8


@internal
@pure
def _count(mask: uint256) -> uint256:
    """
    @dev Population count: sums of 2, 4, 8 bits side by side; a multiplication then adds the 32 bytes, in 16-bit
         lanes because 256 does not fit a byte.
    """
    ones: uint256 = mask - ((mask >> 1) & BITS)
    ones = (ones & PAIRS) + ((ones >> 2) & PAIRS)
    ones = (ones + (ones >> 4)) & NIBBLES
    ones = (ones + (ones >> 8)) & BYTES
    return unsafe_mul(ones, LANES) >> 240


@internal
@pure
def _is_printable(text: String[256]) -> bool:
    """
    @dev Bytes that are no UTF-8 would make an event that no follower decodes, so that one seat could stop them all;
         control characters would reach the terminals of those who list the seats.
    """
    encoded: Bytes[320] = abi_encode(text)  # offset, length, then the text, padded with zeros to whole words
    left: uint256 = len(text)
    for place: uint256 in range(2, 10):
        if left == 0:
            break
        # Spaces instead of the padding: shifted right by the bits of text in this word.
        used: uint256 = min(left, 32)
        word: uint256 = extract32(encoded, 32 * place, output_type=uint256) | ((32 * ONES) >> (8 * used))
        # Each byte below 128, so the sums do not carry; then at least 32 and at most 126.
        if word & (128 * ONES) != 0:
            return False
        if ((word + 96 * ONES) & ~(word + ONES)) & (128 * ONES) != 128 * ONES:
            return False
        left -= used
    return True


@internal
def _remember(kind: uint256, round: uint256, seat: uint256, first: bytes32, second: bytes32, third: bytes32):
    self.history = keccak256(abi_encode(self.history, kind, round, seat, first, second, third))
