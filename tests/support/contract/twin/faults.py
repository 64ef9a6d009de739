"""The twin of the calls about faults: report_equivocation, dispute, summon, vote, appeal, resolve."""

from ledger.circle.draw import draw_jury, mask_of, seats_of
from ledger.circle.events import (
    Answer,
    Appealed,
    Disputed,
    Equivocated,
    Outcome,
    Referred,
    Resolved,
    Stage,
    Summoned,
    Voted,
)
from ledger.circle.history import Phase
from ledger.identity.signing import announcement_hash
from tests.support.contract.machines import Moment
from tests.support.contract.terms import NOBODY
from tests.support.contract.twin.seats import signer_of
from tests.support.contract.twin.state import HASHES, Case, Refused, Seat, TwinState

DISPUTE_ROUNDS = 256
TRIAL_WINDOWS = 4
APPEAL_BONDS = 4
SUSPENDED_ROUNDS = 64


class FaultCalls(TwinState):
    """Calls about equivocations and false verdicts: each checks, then does and emits."""

    def _report_equivocation(
        self,
        sender: str,
        author: str,
        number: int,
        one: bytes,
        one_r: int,
        one_vs: int,
        other: bytes,
        other_r: int,
        other_vs: int,
        *,
        value: int,
        moment: Moment,
    ) -> None:
        self.require(one != other, "equivocation: same digest twice")
        for digest, r, vs in ((one, one_r, one_vs), (other, other_r, other_vs)):
            signer = signer_of(announcement_hash(self.network, number, author, digest), r, vs)
            self.require(author != NOBODY and signer == author, "equivocation: bad signature")
        taken = [(seat, held) for seat, held in self.seats.items() if not held.is_released]
        seat = next((seat for seat, held in taken if author in held.keys), None)
        if seat is None:
            raise Refused("equivocation: author has no seat")
        held = self.seats[seat]
        self.require(number >= held.since_round, "equivocation: before it joined")
        self.require(held.is_held or held.bond > 0, "equivocation: nothing to lose")
        self.require((author, number) not in self.used, "equivocation: already proved")
        self.used.add((author, number))
        bond = self.fine(seat, held.bond)
        self.burned += bond
        free_at = self.vacate(seat, moment) if held.free_at is None else held.free_at
        self.emit(Equivocated(seat, number, sender, bond, free_at))

    # ---------------------------------------------------------------------------------------------- disputes

    def _dispute(
        self, sender: str, number: int, judge: int, target: int, evidence: bytes, *, value: int, moment: Moment
    ) -> None:
        bond, window_s = self.terms.dispute_bond, self.terms.dispute_window_s
        self.require(bond > 0, "dispute: circle has none")
        self.require(value == bond, "dispute: value is not the bond")
        is_settled = 1 <= number < self.number or (number == self.number and self.phase == Phase.FINISHED)
        self.require(is_settled, "dispute: round is not settled")
        self.require(self.number - number <= DISPUTE_ROUNDS, "dispute: round is too long ago")
        held = self.seats.get(judge)
        if held is None or held.is_released:
            raise Refused("dispute: judge has no seat")
        self.require(number >= held.since_round, "dispute: judge joined later")
        self.require(target in self.seats, "dispute: target is no seat")
        ends_s = moment.now_s + TRIAL_WINDOWS * window_s
        is_in_time = held.free_at is None or ends_s <= held.free_at
        self.require(is_in_time and ends_s <= self.deadline_s + self.terms.unbonding_s, "dispute: too late to end")
        self.require(self.bonded.bit_count() >= self.terms.quorum, "dispute: too few are bonded")
        self.require((number, judge, held.tenure, target) not in self.used, "dispute: already disputed")
        asker = self._asker(sender, judge, target) if evidence == bytes(32) else None
        pool = self._pool(judge, target, sender)
        stage, deadline = Stage.DRAWING if pool else Stage.CIRCLE, moment.now_s + window_s
        case = Case(number, judge, held.tenure, target, sender, self.bonded, pool, moment.block, stage, deadline)
        case.asker = asker
        self.used.add(case.claim)
        self.disputes.append(case)
        held.disputes += 1
        claim = (len(self.disputes) - 1, number, judge, target, sender, evidence, case.electorate, deadline)
        self.emit(Disputed(*claim))

    def _asker(self, sender: str, judge: int, target: int) -> int:
        """R26.1: the seat that asks a judge to show what its record follows from."""
        seat = self.seat_of(sender)
        if seat is None:
            raise Refused("seat: caller has none")
        self.require(target == judge, "dispute: asks for no record")
        self.require(self._is_good(seat), "dispute: not in good standing")
        is_busy = any(case.outcome is None and case.asker == seat for case in self.disputes)
        self.require(not is_busy, "dispute: seat asks already")
        return seat

    def _pool(self, judge: int, target: int, challenger: str) -> int:
        parties = 1 << judge | 1 << target
        if (seat := self.seat_of(challenger)) is not None:
            parties |= 1 << seat
        return self.members & self.roster & ~self.below & ~self.suspended & ~self.dozing & ~parties

    def _summon(self, sender: str, number: int, *, value: int, moment: Moment) -> None:
        case = self._open_case(number, "summon: no jury is to be drawn")
        self.require(case.stage == Stage.DRAWING, "summon: no jury is to be drawn")
        self.require(moment.now_s < case.deadline, "summon: window is over")
        is_known = case.raised_in < moment.block <= case.raised_in + HASHES
        self.require(is_known, "summon: not in these 256 blocks")
        seed = self.seed_of(case.raised_in, number)
        case.jury = draw_jury(seed, case.pool, self.terms.jury_seats)
        case.stage, case.deadline = Stage.JURY, moment.now_s + self.terms.dispute_window_s
        self.emit(Summoned(number, seed, case.jury, case.deadline))

    def _vote(self, sender: str, number: int, said: int, *, value: int, moment: Moment) -> None:
        if (seat := self.voting_seat_of(sender)) is None:
            raise Refused("seat: caller has none")
        case = self._open_case(number, "vote: no such open dispute")
        self.require(said >> 2 == _claim(case) and said & 3 <= Answer.WITHHELD, "vote: not this claim")
        self.require(moment.now_s < case.deadline, "vote: window is over")
        self.require(case.asked >> seat & 1 == 1 and self._had_seat(self.seats[seat], number), "vote: not asked")
        self.require(self._is_good(seat), "vote: not in good standing")
        self.require(case.voted(case.stage) >> seat & 1 == 0, "vote: already voted")
        case.votes[case.stage][said & 3] |= 1 << seat
        self.emit(Voted(number, seat, said & 3))

    def _is_good(self, seat: int) -> bool:
        is_able = not (self.below | self.suspended) >> seat & 1
        return is_able and 2 * self.seats[seat].bond >= self.terms.bond

    def may_vote(self, seat: int, number: int) -> bool:
        """Whether a seat's vote would be taken now, if the window is open."""
        case, held = self.disputes[number], self.seats[seat]
        is_asked = case.outcome is None and (case.asked & ~case.voted(case.stage)) >> seat & 1 == 1
        return is_asked and self._had_seat(held, number) and self._is_good(seat)

    def _appeal(self, sender: str, number: int, said: int, *, value: int, moment: Moment) -> None:
        case = self._open_case(number, "appeal: nothing to appeal")
        self.require(case.stage == Stage.APPEAL, "appeal: nothing to appeal")
        self.require(said == _claim(case) << 2, "appeal: not this claim")
        self.require(moment.now_s < case.deadline, "appeal: window is over")
        self.require(value == APPEAL_BONDS * self.terms.dispute_bond, "appeal: value is not the bond")
        case.appellant = sender
        case.stage, case.deadline = Stage.CIRCLE, moment.now_s + self.terms.dispute_window_s
        self.emit(Appealed(number, sender, case.deadline))

    def _open_case(self, number: int, reason: str) -> Case:
        if number >= len(self.disputes) or self.disputes[number].outcome is not None:
            raise Refused(reason)
        return self.disputes[number]

    # -------------------------------------------------------------------------------------------- resolution

    def _resolve(self, sender: str, number: int, *, value: int, moment: Moment) -> None:
        case = self._open_case(number, "resolve: no such open dispute")
        is_past = moment.now_s >= case.deadline
        self.require(is_past or self._is_decided(case), "resolve: votes are still open")
        size = case.jury.bit_count()
        if case.stage == Stage.JURY:
            if is_past:
                self._charge_silent(number, case)
            case.stage = Stage.CIRCLE if 2 * case.against(Stage.JURY) > size else Stage.APPEAL
            case.deadline = moment.now_s + self.terms.dispute_window_s
            self.emit(Referred(number, case.stage, case.deadline))
        elif case.stage == Stage.DRAWING:
            self.used.discard(case.claim)
            self._close(number, Outcome.REJECTED, moment)
        elif case.stage == Stage.APPEAL:
            is_rejected = 2 * case.rejecting(Stage.JURY) > size
            self._close(number, Outcome.REJECTED if is_rejected else Outcome.VOID, moment)
        else:
            self._punish_jurors(number)
            self._close(number, self._circles_outcome(case), moment)

    def _charge_silent(self, number: int, case: Case) -> None:
        """Of the jurors who have not voted and still could: who has paid for no window that overlaps this one."""
        left = [seat for seat in seats_of(case.jury & ~case.voted(Stage.JURY)) if self._is_good(seat)]
        for seat in self._lower(number, mask_of([seat for seat in left if self._owes_for_silence(seat, case)])):
            self.seats[seat].silent_until = case.deadline

    def _owes_for_silence(self, seat: int, case: Case) -> bool:
        return self.seats[seat].silent_until <= case.deadline - self.terms.dispute_window_s

    def _is_decided(self, case: Case) -> bool:
        """Before its deadline."""
        if case.stage not in (Stage.JURY, Stage.CIRCLE):
            return False
        most = max(case.against(case.stage), case.rejecting(case.stage))
        is_jury_heard = case.stage == Stage.JURY and case.voted(Stage.JURY) == case.jury
        return is_jury_heard or 2 * most > case.asked.bit_count()

    def _circles_outcome(self, case: Case) -> Outcome:
        size = case.electorate.bit_count()
        if 2 * case.against(Stage.CIRCLE) > size:
            return Outcome.UPHELD
        return Outcome.REJECTED if 2 * case.rejecting(Stage.CIRCLE) > size else Outcome.VOID

    def _punish_jurors(self, number: int) -> None:
        """R26.5: who voted in the jury against what most of the electorate found by recomputing."""
        case = self.disputes[number]
        size, (rejecting, upholding, _) = case.electorate.bit_count(), case.votes[Stage.CIRCLE]
        wrong = 0
        if 2 * upholding.bit_count() > size:
            wrong = case.votes[Stage.JURY][Answer.REJECTS]
        elif 2 * rejecting.bit_count() > size:
            wrong = case.votes[Stage.JURY][Answer.UPHOLDS]
        for seat in self._lower(number, wrong):
            self.burned += self.fine(seat, self.terms.bond // 8)

    def _lower(self, number: int, seats: int) -> list[int]:
        """Lower the reputation of those of a mask who still sit there. Returns them."""
        found = [seat for seat in seats_of(seats) if self._had_seat(self.seats[seat], number)]
        for seat in found:
            self.reputations[seat] -= self.reputations[seat] // 2**self.terms.reputation_shift
        return found

    @staticmethod
    def _had_seat(held: Seat, number: int) -> bool:
        """Who sits there has sat there since before a dispute was raised."""
        return not held.is_released and held.joined_at <= number

    def _close(self, number: int, outcome: Outcome, moment: Moment) -> None:
        case = self.disputes[number]
        case.outcome = outcome
        self.seats[case.judge].disputes -= 1
        if outcome == Outcome.VOID:
            self.used.discard(case.claim)
        fine, free_at = self._convict(case, moment) if outcome == Outcome.UPHELD else (0, 0)
        bond, appealed = self.terms.dispute_bond, APPEAL_BONDS * self.terms.dispute_bond if case.appellant else 0
        is_lost = outcome == Outcome.REJECTED
        if is_lost and (case.asker is None or case.stage == Stage.DRAWING):
            self.burned += bond
        else:
            self.owe(case.challenger, bond)
        if is_lost:
            self.burned += appealed
        else:
            self.owe(case.appellant or NOBODY, appealed)
        self.emit(Resolved(number, int(outcome), fine, free_at))

    def _convict(self, case: Case, moment: Moment) -> tuple[int, int]:
        """R26.6. Returns the fine, and when the seat is free if this gave it up."""
        seat, held = case.judge, self.seats[case.judge]
        held.convictions += 1
        fine = self.fine(seat, self.terms.bond // 2 if held.convictions == 1 else held.bond)
        self.owe(case.challenger, fine // 4)
        self.burned += fine - fine // 4
        self.reputations[seat] //= 4
        held.suspended_until = self.number + SUSPENDED_ROUNDS
        is_given_up = held.convictions > 1 and held.is_held
        return fine, self.vacate(seat, moment) if is_given_up else 0


def _claim(case: Case) -> int:
    """What `said` names before the answer."""
    return case.round << 16 | case.judge << 8 | case.target
