# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy off
"""
@title Court: disputes about what judges said, and what follows from them
@license Apache-2.0
@notice A claim is heard by a small jury first; nothing is taken from anybody before more than half of all bonded
        seats, whether they vote or not, have confirmed it.
@dev The norm is docs/protocol.md, R26; `@custom:rule` names the rules of each call.
     `Circle` runs this code as its own, on its storage and coin: see `Circle.__default__`. It has neither a
     constructor nor immutables, so its code is the same wherever it is deployed, and `Circle` knows its hash. At
     its own address it finds an empty storage: no seats, no dispute bond, so every call but the views reverts.
"""

# The stages of a dispute, and the calls that lead from one to the next:
#
#   dispute ------- nobody is eligible for the jury -------+
#      |                                                   |
#      |  somebody is                                      |
#      v                                                   |
#   0 DRAWING                                              |
#      |  `--- resolve -------> REJECTED                   |
#      |                                                   |
#      |  summon                                           |
#      v                                                   v
#   1 JURY --- resolve, most are for the claim -------> 3 CIRCLE
#      |                                                ^  |
#      |  resolve, most are not for it                  |  |--- resolve, most are for the claim ---> UPHELD
#      v                                                |  |--- resolve, most are against it ------> REJECTED
#   2 APPEAL --- appeal --------------------------------+  `--- resolve, neither ------------------> VOID
#      |
#      |--- resolve, most of the jury were against it ---> REJECTED
#      `--- resolve, most were not ----------------------> VOID
#
# Most are more than half of the jury, in stage 3 of the electorate, and those who keep silent count in that. For
# the claim are those who answer UPHOLDS or WITHHELD. resolve is taken at a stage's deadline; in stages 1 and 3 also
# earlier, once the votes decide.

from contracts.modules import bits      # masks: counting, the lowest seat; printable text
from contracts.modules import checks    # a reason for every revert
from contracts.modules import draw      # who judges whom, and juries
from contracts.modules import entries   # the running hash of all events
from contracts.modules import money     # coin pledged, owed, burned
from contracts.modules import phases    # the clock: phase, round, deadline
from contracts.modules import seats     # who holds a seat, how it stands, giving it up
from contracts.modules import store     # all storage

initializes: store
initializes: money[store := store]
initializes: seats[store := store]

exports: store.dispute_count


# ------------------------------------------------------------------------------------------------------ constants

# @dev Verdicts may be disputed so many rounds back.
DISPUTE_ROUNDS: constant(uint256) = 256
# @dev A trial takes so many dispute windows at most, if it is not left lying: one a stage.
TRIAL_WINDOWS: constant(uint256) = 4
# @dev An appeal takes so many dispute bonds.
APPEAL_BONDS: constant(uint256) = 4
# @dev A judge convicted for the first time loses a full bond divided by this.
CONVICTED_PART: constant(uint256) = 2
# @dev The challenger is owed what the judge loses divided by this.
CHALLENGER_PART: constant(uint256) = 4
# @dev A juror who voted against what the circle found loses a full bond divided by this.
JUROR_PART: constant(uint256) = 8
# @dev A conviction or a restart leaves a reputation divided by 2**CUT_SHIFT: a quarter.
CUT_SHIFT: constant(uint256) = 2
# @dev A convicted judge is suspended for so many rounds.
SUSPENDED_ROUNDS: constant(uint256) = 64

# @dev The stages of a dispute.
DRAWING: constant(uint256) = 0          # its jury is to be drawn
JURY: constant(uint256) = 1             # its jury votes
APPEAL: constant(uint256) = 2           # the jury did not uphold it, which may be appealed against
CIRCLE: constant(uint256) = 3           # all bonded seats vote

# @dev The answers of a vote.
REJECTS: constant(uint256) = 0          # the verdict follows from the blobs
UPHOLDS: constant(uint256) = 1          # it does not
WITHHELD: constant(uint256) = 2         # the judge does not show what it follows from

# @dev The outcomes of a dispute.
VOID: constant(uint256) = 0             # as if the claim had not been raised
UPHELD: constant(uint256) = 1           # the judge is convicted
REJECTED: constant(uint256) = 2         # who pledged for the claim loses it


# --------------------------------------------------------------------------------------------------------- events

# @dev A claim is raised.
event Disputed:
    dispute: indexed(uint256)           # its number
    round: uint256                      # with judge and target: which verdict is said to be false
    judge: uint256                      # a seat
    target: uint256                     # a seat; the judge itself: the claim is about its record or base
    challenger: address                 # who raised it
    evidence: bytes32                   # digest of the record that recomputing gives; 0: the claim only asks
    electorate: uint256                 # mask: the seats bonded now
    deadline: uint256                   # Unix seconds, when its first stage ends


# @dev The jury of a dispute is drawn.
event Summoned:
    dispute: indexed(uint256)           # its number
    seed: bytes32                       # what the draw follows from
    jury: uint256                       # mask: the jurors
    deadline: uint256                   # Unix seconds, until when they may vote


# @dev A seat has voted.
event Voted:
    dispute: indexed(uint256)           # its number
    seat: uint256                       # who voted
    answer: uint256                     # REJECTS, UPHOLDS or WITHHELD


# @dev The jury has been heard.
event Referred:
    dispute: indexed(uint256)           # its number
    stage: uint256                      # APPEAL or CIRCLE
    deadline: uint256                   # Unix seconds, when that stage ends


# @dev A claim that its jury did not uphold goes before the circle.
event Appealed:
    dispute: indexed(uint256)           # its number
    appellant: address                  # who appealed
    deadline: uint256                   # Unix seconds, until when the circle may vote


# @dev A dispute is over.
event Resolved:
    dispute: indexed(uint256)           # its number
    outcome: uint256                    # VOID, UPHELD or REJECTED
    fine: uint256                       # wei that the judge loses
    free_at: uint256                    # Unix seconds, when its seat may be released if this gives it up; else 0


# @dev A seat starts anew from the genesis.
event Restarted:
    seat: indexed(uint256)              # its number


# ------------------------------------------------------------------------------------------------- seat functions

@external
def restart(seat: uint256):
    """
    @notice Say that the seat's base and memory are lost for good: it starts anew from the genesis, with a quarter
            of its reputation. Its hot or its cold key calls this, between two of the seat's rounds.
    @dev What it said before stays open to dispute.
    @custom:rule R23.4
    @param seat Its number.
    """
    checks._require(seat < store.MAX_SEATS and (store.members >> seat) & 1 == 1, "seat: is not held")
    checks._require(
        msg.sender == store.seats[seat].hot or msg.sender == store.seats[seat].cold, "restart: not its key"
    )
    clock: uint256 = store.clock
    checks._require(not seats._is_in_round(clock, seat), "restart: seat is in a round")
    self._cut(seat)
    store.clock = entries._fold(
        clock, entries.RESTARTED, seat, empty(bytes32), empty(bytes32), empty(bytes32)
    )
    log Restarted(seat=seat)


# ---------------------------------------------------------------------------------------------- dispute functions

@external
@payable
def dispute(round: uint256, judge: uint256, target: uint256, evidence: bytes32) -> uint256:
    """
    @notice Claim that a judge's verdict about a target was false, or that the judge does not show what it follows
            from, and pledge the dispute bond for it. A jury recomputes and votes, once `summon` has drawn it.
    @custom:rule R26.1, R26.1a
    @param round One that is settled, at most 256 rounds back.
    @param judge Whose verdict it is, also of a seat given up since; all bonded seats may be heard on it in the end.
    @param target Whom the verdict is about. The judge itself: its record, the base that its update names, or any
           of its verdicts of that round is claimed to be false.
    @param evidence Digest of what shows it: the record that recomputation gives. Zero: the claim only asks the
           judge to show what its record follows from. A seat in good standing has one such claim open at a time.
    @return The dispute's number.
    """
    bond: uint256 = store.court_terms.dispute_bond
    checks._require(bond > 0, "dispute: circle has none")
    checks._require(msg.value == bond, "dispute: value is not the bond")
    clock: uint256 = store.clock
    now: uint256 = phases._round(clock)
    checks._require(
        round >= 1 and (round < now or (round == now and phases._phase(clock) == phases.FINISHED)),
        "dispute: round is not settled",
    )
    checks._require(round + DISPUTE_ROUNDS >= now, "dispute: round is too long ago")
    checks._require(
        judge < store.MAX_SEATS and store.seats[judge].hot != empty(address), "dispute: judge has no seat"
    )
    checks._require(round >= seats._since_round(judge), "dispute: judge joined later")
    checks._require(target < phases._seat_count(clock), "dispute: target is no seat")
    # Whoever left since the circle stands still must be able to be heard to the end; and one dispute after another
    # must not keep the judge's bond for ever.
    window_s: uint256 = store.court_terms.dispute_window_s
    ends: uint256 = block.timestamp + TRIAL_WINDOWS * window_s
    free_at: uint256 = store.seats[judge].free_at
    checks._require(
        ends <= (clock & phases.DEADLINE) + store.court_terms.unbonding_s and (free_at == 0 or ends <= free_at),
        "dispute: too late to end",
    )
    electorate: uint256 = (max_value(uint256) >> (256 - phases._seat_count(clock))) & ~store.vacant
    checks._require(bits._count(electorate) >= store.court_terms.quorum, "dispute: too few are bonded")
    claim: bytes32 = self._claim(round, judge, target)
    checks._require(not store.charged[claim], "dispute: already disputed")
    store.charged[claim] = True
    asker: uint256 = 0
    if evidence == empty(bytes32):
        asker = self._ask(judge, target)
    pool: uint256 = self._pool(judge, target)
    id: uint256 = store.dispute_count
    store.dispute_count = id + 1
    deadline: uint256 = block.timestamp + window_s
    store.disputes[id].round = round
    store.disputes[id].judge = judge
    store.disputes[id].target = target
    store.disputes[id].challenger = msg.sender
    store.disputes[id].stage = DRAWING if pool != 0 else CIRCLE
    store.disputes[id].deadline = deadline
    store.disputes[id].opened = block.number
    store.disputes[id].electorate = electorate
    store.disputes[id].jury = pool
    store.disputes[id].asker = asker
    store.seats[judge].disputes += 1
    store.pledged += bond
    store.clock = entries._fold(
        clock, entries.DISPUTED, judge,
        keccak256(abi_encode(id, round, target, msg.sender, evidence, electorate, deadline)), empty(bytes32),
        empty(bytes32),
    )
    log Disputed(
        dispute=id, round=round, judge=judge, target=target, challenger=msg.sender, evidence=evidence,
        electorate=electorate, deadline=deadline,
    )
    return id


@external
def summon(id: uint256):
    """
    @notice Draw the jury of a dispute; its window begins anew. Anyone may call it, in the 256 blocks after the one
            in which the dispute was raised.
    @dev The seed is the hash of that block, which nobody knew in it: a challenger who saw the jury at once could
         take its claim back and try again until the jury is its own. The pool was settled with the claim, so nobody
         changes the draw by waking or leaving. Not to summon costs the bond, see `resolve`.
    @custom:rule R26.2
    @param id The dispute's number.
    """
    deadline: uint256 = store.disputes[id].deadline
    checks._require(deadline != 0 and store.disputes[id].stage == DRAWING, "summon: no jury is to be drawn")
    checks._require(block.timestamp < deadline, "summon: window is over")
    opened: uint256 = store.disputes[id].opened
    checks._require(
        block.number > opened and block.number <= opened + draw.HASHES, "summon: not in these 256 blocks"
    )
    seed: bytes32 = keccak256(abi_encode(blockhash(opened), id, self))
    jury: uint256 = draw._jury(seed, store.disputes[id].jury, store.court_terms.jury_seats)
    deadline = self._begin(id, JURY)
    store.disputes[id].jury = jury
    store.clock = entries._fold(
        store.clock, entries.SUMMONED, store.disputes[id].judge, keccak256(abi_encode(id, seed, jury, deadline)),
        empty(bytes32), empty(bytes32),
    )
    log Summoned(dispute=id, seed=seed, jury=jury, deadline=deadline)


@external
def vote(id: uint256, said: uint256):
    """
    @notice Say what recomputing gave: as one of the jury, or in the last stage as a seat that was bonded when the
            claim was raised. The seat's hot key calls this, also of a seat given up and not released.
    @custom:rule R26.4
    @param id The dispute's number.
    @param said Which claim it is, so that a vote lands on no other one after a reorganisation, and the answer:
             255     18 17    10 9       2 1      0
             |  round  |  judge  |  target  | answer |
           answer 0: the verdict follows; 1: it does not; 2: the judge withholds what it follows from.
    """
    key: uint256 = store.key_of[msg.sender]
    seat: uint256 = key & 65535
    checks._require(key != 0 and store.seats[seat].hot == msg.sender, "seat: caller has none")
    deadline: uint256 = store.disputes[id].deadline
    checks._require(deadline != 0, "vote: no such open dispute")
    answer: uint256 = said & 3
    checks._require(said >> 2 == self._named(id) and answer <= WITHHELD, "vote: not this claim")
    checks._require(block.timestamp < deadline, "vote: window is over")
    stage: uint256 = store.disputes[id].stage
    asked: uint256 = 0
    voted: uint256 = 0
    if stage == JURY:
        asked = store.disputes[id].jury
        voted = (
            store.disputes[id].jury_upholding | store.disputes[id].jury_rejecting
            | store.disputes[id].jury_withheld
        )
    elif stage == CIRCLE:
        asked = store.disputes[id].electorate
        voted = store.disputes[id].upholding | store.disputes[id].rejecting | store.disputes[id].withheld
    bit: uint256 = 1 << seat
    checks._require(asked & bit != 0 and self._was_there(id, seat), "vote: not asked")
    checks._require(self._is_good(seat), "vote: not in good standing")
    checks._require(voted & bit == 0, "vote: already voted")
    if stage == JURY:
        if answer == UPHOLDS:
            store.disputes[id].jury_upholding |= bit
        elif answer == REJECTS:
            store.disputes[id].jury_rejecting |= bit
        else:
            store.disputes[id].jury_withheld |= bit
    else:
        if answer == UPHOLDS:
            store.disputes[id].upholding |= bit
        elif answer == REJECTS:
            store.disputes[id].rejecting |= bit
        else:
            store.disputes[id].withheld |= bit
    store.clock = entries._fold(
        store.clock, entries.VOTED, seat, convert(id, bytes32), convert(answer, bytes32), empty(bytes32)
    )
    log Voted(dispute=id, seat=seat, answer=answer)


@external
@payable
def appeal(id: uint256, said: uint256):
    """
    @notice Bring a claim that its jury did not uphold before the whole circle, and pledge four dispute bonds for
            it. Anyone may call it.
    @custom:rule R26.5
    @param id The dispute's number.
    @param said Which claim it is, as in `vote`, with answer 0.
    """
    deadline: uint256 = store.disputes[id].deadline
    checks._require(deadline != 0 and store.disputes[id].stage == APPEAL, "appeal: nothing to appeal")
    checks._require(said == self._named(id) << 2, "appeal: not this claim")
    checks._require(block.timestamp < deadline, "appeal: window is over")
    checks._require(
        msg.value == APPEAL_BONDS * store.court_terms.dispute_bond, "appeal: value is not the bond"
    )
    store.disputes[id].appellant = msg.sender
    store.pledged += msg.value
    deadline = self._begin(id, CIRCLE)
    store.clock = entries._fold(
        store.clock, entries.APPEALED, store.disputes[id].judge, convert(id, bytes32), entries._word(msg.sender),
        convert(deadline, bytes32),
    )
    log Appealed(dispute=id, appellant=msg.sender, deadline=deadline)


@external
def resolve(id: uint256):
    """
    @notice Take a dispute on whose stage is over, at its deadline or once it is decided. Anyone may call it.
    @dev From the jury it goes to the circle if more than half of it found the verdict false or withheld, else it
         may be appealed. Only the circle convicts, and only with more than half of all seats that were bonded when
         the claim was raised: a seat that keeps silent, or may not vote, counts against it.
    @custom:rule R26.5
    @param id The dispute's number.
    """
    deadline: uint256 = store.disputes[id].deadline
    checks._require(deadline != 0, "resolve: no such open dispute")
    is_over: bool = block.timestamp >= deadline
    stage: uint256 = store.disputes[id].stage
    if stage == JURY:
        self._hear_jury(id, is_over)
    elif stage == CIRCLE:
        self._hear_circle(id, is_over)
    else:
        checks._require(is_over, "resolve: votes are still open")
        is_rejected: bool = True
        if stage == APPEAL:
            size: uint256 = bits._count(store.disputes[id].jury)
            is_rejected = 2 * bits._count(store.disputes[id].jury_rejecting) > size
        else:
            # The challenger pays for not having the jury drawn, but the verdict is not shielded for good.
            self._reopen(id)
        self._close(id, REJECTED if is_rejected else VOID)


# ---------------------------------------------------------------------------------------------------------- views

@external
@view
def dispute_at(id: uint256) -> store.Dispute:
    """
    @notice What a dispute is about and how far it is.
    @param id Its number.
    @return All that is kept of it; zeros for a number not given yet.
    """
    return store.disputes[id]


# ------------------------------------------------------------------------------------------------------- internal

@internal
@view
def _claim(round: uint256, judge: uint256, target: uint256) -> bytes32:
    """
    @notice Name a claim, so that it is raised once.
    @param round The round of the verdict.
    @param judge Whose verdict it is.
    @param target Whom it is about.
    @return A key of `charged`.
    """
    return keccak256(abi_encode(round, judge, store.seats[judge].tenure, target))


@internal
@view
def _named(id: uint256) -> uint256:
    """
    @notice Tell what a vote says of a claim before its answer.
    @param id The dispute's number.
    @return Round, judge and target in bits, see `vote`.
    """
    return (store.disputes[id].round << 16) | (store.disputes[id].judge << 8) | store.disputes[id].target


@internal
@view
def _pool(judge: uint256, target: uint256) -> uint256:
    """
    @notice Find the seats that a jury may be drawn from: on the roster, in good standing, and no party to the
            dispute.
    @param judge Whose verdict is disputed.
    @param target Whom it is about.
    @return A mask.
    """
    excluded: uint256 = store.below | store.suspended | store.dozing | (1 << judge) | (1 << target)
    caller: uint256 = store.seat_plus_one[msg.sender]
    if caller != 0:
        excluded |= 1 << (caller - 1)
    return store.members & store.roster & ~excluded


@internal
@view
def _was_there(id: uint256, seat: uint256) -> bool:
    """
    @notice Tell whether the present or last holder of a seat not released joined before a dispute was raised.
    @param id The dispute's number.
    @param seat The seat's number.
    @return False for a seat that is empty or was taken since.
    """
    return store.seats[seat].hot != empty(address) and store.seats[seat].since >> seats.DISPUTE_BIT <= id


@internal
@view
def _is_good(seat: uint256) -> bool:
    """
    @notice Tell whether a seat may vote: it is not below the floor, not suspended, and has half of its bond.
    @param seat Its number.
    @return True where it may.
    """
    return (
        (store.below | store.suspended) >> seat & 1 == 0
        and 2 * store.seats[seat].bond >= store.court_terms.bond
    )


@internal
def _ask(judge: uint256, target: uint256) -> uint256:
    """
    @notice Note that the caller asks a judge to show what its record follows from.
    @dev Nobody can prove whether a judge withheld before it was asked. So asking costs no bond where the judge then
         shows, or whoever withholds until then would burn the bonds of others; and so that asking is no sport, only
         seats in good standing may ask, one claim at a time.
    @custom:rule R26.1a
    @param judge Who is asked.
    @param target Whom the claim is about: the judge.
    @return The caller's seat + 1.
    """
    asker: uint256 = store.seat_plus_one[msg.sender]
    checks._require(asker != 0, "seat: caller has none")
    checks._require(target == judge, "dispute: asks for no record")
    checks._require(self._is_good(asker - 1), "dispute: not in good standing")
    bit: uint256 = 1 << (asker - 1)
    checks._require(store.asking & bit == 0, "dispute: seat asks already")
    store.asking |= bit
    return asker


@internal
def _begin(id: uint256, stage: uint256) -> uint256:
    """
    @notice Begin a stage of a dispute.
    @param id The dispute's number.
    @param stage JURY, APPEAL or CIRCLE.
    @return The stage's deadline.
    """
    deadline: uint256 = block.timestamp + store.court_terms.dispute_window_s
    store.disputes[id].stage = stage
    store.disputes[id].deadline = deadline
    return deadline


@internal
def _hear_jury(id: uint256, is_over: bool):
    """
    @notice End the jury's stage, or revert while votes are still open.
    @custom:rule R26.5
    @param id The dispute's number.
    @param is_over Whether its deadline has passed.
    """
    jury: uint256 = store.disputes[id].jury
    rejecting: uint256 = store.disputes[id].jury_rejecting
    finding: uint256 = store.disputes[id].jury_upholding | store.disputes[id].jury_withheld
    size: uint256 = bits._count(jury)
    is_found: bool = 2 * bits._count(finding) > size
    checks._require(
        is_over or is_found or 2 * bits._count(rejecting) > size or finding | rejecting == jury,
        "resolve: votes are still open",
    )
    if is_over:
        self._charge_silent(id, jury & ~(finding | rejecting))
    stage: uint256 = CIRCLE if is_found else APPEAL
    deadline: uint256 = self._begin(id, stage)
    store.clock = entries._fold(
        store.clock, entries.REFERRED, store.disputes[id].judge, convert(id, bytes32), convert(stage, bytes32),
        convert(deadline, bytes32),
    )
    log Referred(dispute=id, stage=stage, deadline=deadline)


@internal
def _hear_circle(id: uint256, is_over: bool):
    """
    @notice End the circle's stage, or revert while votes are still open.
    @custom:rule R26.5
    @param id The dispute's number.
    @param is_over Whether its deadline has passed.
    """
    size: uint256 = bits._count(store.disputes[id].electorate)
    upholding: uint256 = store.disputes[id].upholding
    is_upheld: bool = 2 * bits._count(upholding | store.disputes[id].withheld) > size
    is_rejected: bool = 2 * bits._count(store.disputes[id].rejecting) > size
    checks._require(is_over or is_upheld or is_rejected, "resolve: votes are still open")
    # Votes are recomputations: a juror that recomputed is in no danger here. That a judge withholds proves nothing.
    wrong: uint256 = 0
    if is_rejected:
        wrong = store.disputes[id].jury_upholding
    elif 2 * bits._count(upholding) > size:
        wrong = store.disputes[id].jury_rejecting
    self._charge_wrong(id, wrong)
    outcome: uint256 = VOID
    if is_upheld:
        outcome = UPHELD
    elif is_rejected:
        outcome = REJECTED
    self._close(id, outcome)


@internal
def _charge_silent(id: uint256, jurors: uint256):
    """
    @notice Lower the reputations of jurors that let a window pass.
    @dev Windows that a seat pays for do not overlap: however many claims are raised at once, a juror that cannot
         answer them all loses no more than for one.
    @custom:rule R26.5
    @param id The dispute's number, at the end of its jury's stage.
    @param jurors Those that have not voted, a mask.
    """
    ends: uint256 = store.disputes[id].deadline
    begins: uint256 = ends - store.court_terms.dispute_window_s
    left: uint256 = jurors
    for seat: uint256 in range(256):
        if left == 0:
            break
        # A juror that may not vote any more is not silent.
        if (
            left & 1 == 1 and self._was_there(id, seat) and self._is_good(seat)
            and store.seats[seat].silent_until <= begins
        ):
            store.seats[seat].silent_until = ends
            self._lower(seat)
        left = left >> 1


@internal
def _charge_wrong(id: uint256, jurors: uint256):
    """
    @notice Lower the reputations of jurors that answered wrongly, and burn some of each one's bond.
    @custom:rule R26.5
    @param id The dispute's number.
    @param jurors Whom it is about, a mask.
    """
    fine: uint256 = store.court_terms.bond // JUROR_PART
    burned: uint256 = 0
    left: uint256 = jurors
    for seat: uint256 in range(256):
        if left == 0:
            break
        # A peer that has taken the seat since has nothing to do with it.
        if left & 1 == 1 and self._was_there(id, seat):
            self._lower(seat)
            bond: uint256 = store.seats[seat].bond
            store.seats[seat].bond = bond - min(bond, fine)
            burned += min(bond, fine)
        left = left >> 1
    money._burn(burned)


@internal
def _lower(seat: uint256):
    """
    @notice Take from a reputation what a settlement takes at most.
    @param seat The seat's number.
    """
    held: uint256 = seats._reputation(seat)
    seats._set_reputation(
        seat, held - (held >> store.court_terms.reputation_shift), store.court_terms.reputation_floor
    )


@internal
def _reopen(id: uint256):
    """
    @notice Let a claim be raised again.
    @param id The dispute's number.
    """
    store.charged[
        self._claim(store.disputes[id].round, store.disputes[id].judge, store.disputes[id].target)
    ] = False


@internal
def _close(id: uint256, outcome: uint256):
    """
    @notice End a dispute, and pay or burn what was pledged for it.
    @custom:rule R26.5
    @param id The dispute's number.
    @param outcome VOID, UPHELD or REJECTED.
    """
    judge: uint256 = store.disputes[id].judge
    challenger: address = store.disputes[id].challenger
    appellant: address = store.disputes[id].appellant
    asker: uint256 = store.disputes[id].asker
    bond: uint256 = store.court_terms.dispute_bond
    appeal_bond: uint256 = 0
    if appellant != empty(address):
        appeal_bond = APPEAL_BONDS * bond
    store.disputes[id].deadline = 0
    store.seats[judge].disputes -= 1
    if asker != 0:
        store.asking &= ~(1 << (asker - 1))
    fine: uint256 = 0
    free_at: uint256 = 0
    burned: uint256 = 0
    if outcome == REJECTED:
        burned = bond + appeal_bond
        if asker != 0 and store.disputes[id].stage != DRAWING:
            burned = appeal_bond
            money._owe(challenger, bond)
    else:
        money._owe(challenger, bond)
        money._owe(appellant, appeal_bond)
        if outcome == VOID:
            self._reopen(id)
        else:
            fine, free_at = self._convict(judge)
            money._owe(challenger, fine // CHALLENGER_PART)
            burned = fine - fine // CHALLENGER_PART
    store.clock = entries._fold(
        store.clock, entries.RESOLVED, judge, convert(id, bytes32), convert(outcome, bytes32),
        keccak256(abi_encode(fine, free_at)),
    )
    log Resolved(dispute=id, outcome=outcome, fine=fine, free_at=free_at)
    money._burn(burned)


@internal
def _convict(judge: uint256) -> (uint256, uint256):
    """
    @notice Convict a judge: fine and suspend it, cut its reputation, at the second conviction give its seat up.
    @custom:rule R26.6
    @param judge Its seat.
    @return What it loses of its bond, in wei.
    @return When its seat may be released if this gives it up, in Unix seconds; else 0.
    """
    clock: uint256 = store.clock
    bond: uint256 = store.seats[judge].bond
    convictions: uint256 = store.seats[judge].convictions + 1
    fine: uint256 = bond
    if convictions == 1:
        fine = min(bond, store.court_terms.bond // CONVICTED_PART)
    store.seats[judge].bond = bond - fine
    store.seats[judge].convictions = convictions
    store.seats[judge].suspended_until = phases._round(clock) + SUSPENDED_ROUNDS
    store.suspended |= 1 << judge
    self._cut(judge)
    free_at: uint256 = 0
    if convictions > 1 and (store.members >> judge) & 1 == 1:
        free_at = seats._vacate(clock, judge, store.court_terms.unbonding_s)
    return fine, free_at


@internal
def _cut(seat: uint256):
    """
    @notice Lower a reputation to a quarter.
    @param seat The seat's number.
    """
    seats._set_reputation(
        seat, seats._reputation(seat) >> CUT_SHIFT, store.court_terms.reputation_floor
    )
