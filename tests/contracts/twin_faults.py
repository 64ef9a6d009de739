"""The twin of the fault functions: report_equivocation, dispute, summon, vote, resolve."""

from circle_foretold import Foretold, TwinState, first, hashed
from circle_machines import BareMachine, Moment
from circle_terms import NOBODY
from twin_seats import signer_of

from ledger.events import Disputed, Equivocated, Outcome, Resolved, Summoned, Voted
from ledger.fold.faults import CHALLENGER_PART, DISPUTE_ROUNDS
from ledger.history import Phase
from ledger.signing import announcement_hash
from ledger.topology import jury

HASHES = 256


class FaultCalls(TwinState):
    """Foretells calls about equivocations and false verdicts."""

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
    ) -> Foretold:
        if one == other:
            return Foretold("equivocation: same digest twice")
        for digest, r, vs in ((one, one_r, one_vs), (other, other_r, other_vs)):
            signed = announcement_hash(self.network, number, author, digest)
            if author == NOBODY or signer_of(signed, r, vs) != author:
                return Foretold("equivocation: bad signature")
        seats = self.history.seats.items()
        seat = next((s for s, held in seats if author in held.keys and not held.is_released), None)
        if seat is None:
            return Foretold("equivocation: author has no seat")
        held = self.history.seats[seat]
        refusals = {
            "equivocation: before it joined": number < held.since_round,
            "equivocation: nothing to lose": not held.is_held and held.bond == 0,
            "equivocation: already proved": (author, number) in self.used,
        }
        free_at = self.free_at(moment.now_s) if held.free_at is None else held.free_at
        convicted = Equivocated(seat, number, sender, held.bond, free_at)
        return first(refusals) or Foretold(None, (convicted,), frozenset({(author, number)}))

    def _dispute(
        self, sender: str, number: int, judge: int, target: int, evidence: bytes, *, value: int, moment: Moment
    ) -> Foretold:
        history, now = self.history, self.history.number
        is_settled = 1 <= number < now or (number == now and history.phase == Phase.FINISHED)
        if refused := first(
            {
                "dispute: circle has none": self.terms.dispute_bond == 0,
                "dispute: value is not the bond": value != self.terms.dispute_bond,
                "dispute: round is not settled": not is_settled,
                "dispute: round is too long ago": now - number > DISPUTE_ROUNDS,
            }
        ):
            return refused
        held = history.seats.get(judge)
        if held is None or held.is_released:
            return Foretold("dispute: judge has no seat")
        refusals = {
            "dispute: judge joined later": number < held.since_round,
            "dispute: unbonding is over": held.free_at is not None and moment.now_s >= held.free_at,
            "dispute: target is no other seat": target not in history.seats or target == judge,
        }
        if refused := first(refusals):
            return refused
        refusals = {
            "dispute: nobody can vote": history.eligible_jurors(judge, target, sender) == 0,
            "dispute: already disputed": history.is_disputed(number, judge, held.tenure, target),
        }
        deadline = moment.now_s + self.terms.dispute_window_s
        claim = Disputed(len(history.disputes), number, judge, target, sender, evidence, deadline)
        return first(refusals) or Foretold(None, (claim,))

    def _summon(self, sender: str, number: int, *, value: int, moment: Moment) -> Foretold:
        history = self.history
        if number >= len(history.disputes) or history.disputes[number].summoned is not None:
            return Foretold("summon: no jury is to be drawn")
        dispute = history.disputes[number]
        raised_in = self.raised_in[number]
        refusals = {
            "summon: window is over": dispute.outcome is not None or moment.now_s >= dispute.deadline,
            "summon: not in these 256 blocks": not raised_in < moment.block <= raised_in + HASHES,
        }
        if refused := first(refusals):
            return refused
        block_hash = BareMachine.block_hash(raised_in)
        seed = hashed(["bytes32", "uint256", "address"], block_hash, number, self.contract)
        drawn = jury(seed, dispute.eligible, self.terms.jury_seats)
        return Foretold(None, (Summoned(number, seed, drawn, moment.now_s + self.terms.dispute_window_s),))

    def _vote(self, sender: str, number: int, upholds: bool, *, value: int, moment: Moment) -> Foretold:
        history = self.history
        if (seat := history.seat_of(sender)) is None:
            return Foretold("seat: caller has none")
        if number >= len(history.disputes) or history.disputes[number].outcome is not None:
            return Foretold("vote: no such open dispute")
        dispute = history.disputes[number]
        refusals = {
            "vote: window is over": moment.now_s >= dispute.deadline,
            "vote: not of the jury": dispute.jury >> seat & 1 == 0,
            "vote: already voted": (dispute.upholding | dispute.rejecting) >> seat & 1 == 1,
        }
        return first(refusals) or Foretold(None, (Voted(number, seat, upholds),))

    def _resolve(self, sender: str, number: int, *, value: int, moment: Moment) -> Foretold:
        history = self.history
        if number >= len(history.disputes) or history.disputes[number].outcome is not None:
            return Foretold("resolve: no such open dispute")
        dispute = history.disputes[number]
        if moment.now_s < dispute.deadline and not dispute.is_decided:
            return Foretold("resolve: votes are still open")
        paid = 0
        if dispute.verdict == Outcome.UPHELD:
            paid = min(history.seats[dispute.claim.judge].bond, self.terms.bond // CHALLENGER_PART)
        return Foretold(None, (Resolved(number, int(dispute.verdict), paid),))
