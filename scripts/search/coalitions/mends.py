"""The rules that stop a minority, each of which can be taken out: then the search must find the hole again.

Used by the search alone. Each class is the twin but for one rule; its first line says what the rule was.
"""

from typing import Any, Final

from ledger.circle.draw import seats_of
from ledger.circle.events import Equivocated, Outcome, Stage
from scripts.search.coalitions.twin import SearchTwin
from tests.support.contract.machines import Moment
from tests.support.contract.twin.state import Case

FOREVER_S: Final = 10**9


class ElectorateOnTheRoster(SearchTwin):
    """The electorate is all who are bonded, leavers included."""

    def _dispute(self, sender: str, *arguments: Any, **at: Any) -> None:
        super()._dispute(sender, *arguments, **at)
        self.disputes[-1].electorate = self.members & self.roster & ~self.below & ~self.suspended


class MajorityOfVotesCast(SearchTwin):
    """More than half of the electorate convicts, who is silent counted against."""

    def _circles_outcome(self, case: Any) -> Outcome:
        if 2 * case.against(Stage.CIRCLE) > case.voted(Stage.CIRCLE).bit_count():
            return Outcome.UPHELD
        return super()._circles_outcome(case)


class NoCircleStage(SearchTwin):
    """The whole circle confirms what a jury found before anything is taken."""

    def _resolve(self, sender: str, number: int, **at: Any) -> None:
        super()._resolve(sender, number, **at)
        case = self.disputes[number]
        if case.outcome is None and case.stage == Stage.CIRCLE and case.appellant is None and case.jury:
            self._close(number, Outcome.UPHELD, at["moment"])


class NoAppeal(SearchTwin):
    """Who raised a claim can have the whole circle hear what a jury rejected."""

    def _resolve(self, sender: str, number: int, **at: Any) -> None:
        super()._resolve(sender, number, **at)
        case = self.disputes[number]
        if case.outcome is None and case.stage == Stage.APPEAL:
            is_rejected = 2 * case.rejecting(Stage.JURY) > case.jury.bit_count()
            self._close(number, Outcome.REJECTED if is_rejected else Outcome.VOID, at["moment"])


class WholeFinePaid(SearchTwin):
    """A quarter of a fine is paid, the rest burned."""

    def _convict(self, case: Any, moment: Moment) -> tuple[int, int]:
        fine, free_at = super()._convict(case, moment)
        self.owe(case.challenger, fine - fine // 4)
        self.burned -= fine - fine // 4
        return fine, free_at


class FineAvoidedByLeaving(SearchTwin):
    """A conviction costs who has left as much as who is held."""

    def _convict(self, case: Any, moment: Moment) -> tuple[int, int]:
        held = self.seats[case.judge]
        if held.is_held:
            return super()._convict(case, moment)
        held.convictions += 1
        return 0, 0


class UnbondingFromTheCall(SearchTwin):
    """Unbonding begins at the phase's deadline, not at the call."""

    def vacate(self, seat: int, moment: Moment) -> int:
        super().vacate(seat, moment)
        free_at = moment.now_s + self.terms.unbonding_s
        self.seats[seat].free_at = free_at
        return free_at


class CommitHoldsABond(SearchTwin):
    """Who leaves in a commit phase takes its commit with it."""

    def vacate(self, seat: int, moment: Moment) -> int:
        committed = self.committed
        free_at = super().vacate(seat, moment)
        self.committed = committed
        return free_at


class LeavingBurnsNothing(SearchTwin):
    """Leaving burns what an ejection would, as far as there are strikes."""

    def _leave(self, sender: str, seat: int, **at: Any) -> None:
        strikes = self._held_by_cold(sender, seat).strikes
        self.seats[seat].strikes = 0
        try:
            super()._leave(sender, seat, **at)
        finally:
            self.seats[seat].strikes = 0 if self.seats[seat].free_at else strikes


class LateDisputesTaken(SearchTwin):
    """A dispute is taken only where it can end before its judge is free."""

    def _dispute(self, sender: str, number: int, judge: int, *arguments: Any, **at: Any) -> None:
        held, terms = self.seats.get(judge), self.terms
        free_at = held.free_at if held else None
        self.terms = terms.but(unbonding_s=FOREVER_S)
        if held and free_at is not None:
            held.free_at = FOREVER_S * 10
        try:
            super()._dispute(sender, number, judge, *arguments, **at)
        finally:
            self.terms = terms
            if held and free_at is not None:
                held.free_at = free_at


class ConvictionLiftedAtOnce(SearchTwin):
    """A convicted judge is suspended for a term of rounds."""

    def _convict(self, case: Any, moment: Moment) -> tuple[int, int]:
        done = super()._convict(case, moment)
        self.seats[case.judge].suspended_until = None
        return done


class SecondConvictionEjectsNobody(SearchTwin):
    """The second conviction takes the seat and all of its bond."""

    def _convict(self, case: Any, moment: Moment) -> tuple[int, int]:
        held = self.seats[case.judge]
        convictions, held.convictions = held.convictions, 0
        done = super()._convict(case, moment)
        held.convictions = convictions + 1
        return done


class SilentSeatsPayNothing(SearchTwin):
    """Who is waited for in vain in a round loses reputation."""

    def _settled(self, weights: dict[int, int], attested: int, missed: int) -> dict[int, int]:
        return super()._settled(weights, attested | self.committed, 0)


class SilentJurorsPayNothing(SearchTwin):
    """A juror that does not vote loses reputation."""

    def _lower(self, number: int, seats: int) -> list[int]:
        if self.disputes[number].stage == Stage.JURY:
            return []
        return super()._lower(number, seats)


class EachSilenceCharged(SearchTwin):
    """Windows that a juror pays for do not overlap, however many claims are raised at once."""

    def _owes_for_silence(self, seat: int, case: Case) -> bool:
        return True


class AskingCostsTheBond(SearchTwin):
    """Who has asked a judge to show has its bond back where the judge then shows."""

    def _close(self, number: int, outcome: Outcome, moment: Moment) -> None:
        case = self.disputes[number]
        asker, case.asker = case.asker, None
        super()._close(number, outcome, moment)
        case.asker = asker


class DozingSeatsWaitedFor(SearchTwin):
    """Who was waited for in vain is not waited for again until it was there for some rounds."""

    def _doze(self, attested: int, silent: int) -> None:
        self.dozing = 0


class WakersWaitedFor(SearchTwin):
    """Who wakes in a commit phase is not waited for, so it loses nothing where others close the phase."""

    def _wake(self, sender: str, **at: Any) -> None:
        late = self.late
        super()._wake(sender, **at)
        woken = self.late & ~late & ~self.dozing
        self.late, self.roster = self.late & ~woken, self.roster | woken


class ConvictedVerdictsCount(SearchTwin):
    """The verdicts of a convicted judge weigh nothing, in the round under way too."""

    def _weights(self) -> dict[int, int]:
        able = seats_of(self.attested & self.members)
        weights = {s: 0 if self.below >> s & 1 else self.reputations[s] // 256 for s in able}
        return weights if any(weights.values()) else dict.fromkeys(able, 1)


class LeaversVerdictsCount(SearchTwin):
    """The verdicts of who has left in the round weigh nothing."""

    def _weights(self) -> dict[int, int]:
        able = seats_of(self.attested & ~self.suspended)
        weights = {s: 0 if self.below >> s & 1 else self.reputations[s] // 256 for s in able}
        return weights if any(weights.values()) else dict.fromkeys(able, 1)


class VoteNamesNoClaim(SearchTwin):
    """A vote names its claim, so that it lands on no other one after a reorganisation."""

    def _vote(self, sender: str, number: int, said: int, **at: Any) -> None:
        if number < len(self.disputes):
            case = self.disputes[number]
            said = case.round << 18 | case.judge << 10 | case.target << 2 | said & 3
        super()._vote(sender, number, said, **at)


class EquivocationPaysTheReporter(SearchTwin):
    """All of an equivocator's bond is burned."""

    def _report_equivocation(self, sender: str, *arguments: Any, **at: Any) -> None:
        super()._report_equivocation(sender, *arguments, **at)
        convicted = self._emitted[-1]
        assert isinstance(convicted, Equivocated)
        self.owe(sender, convicted.bond // 4)
        self.burned -= convicted.bond // 4


class FewCanBeACircle(SearchTwin):
    """A claim is heard only where as many are bonded as the quorum."""

    def _dispute(self, sender: str, *arguments: Any, **at: Any) -> None:
        terms, self.terms = self.terms, self.terms.but(quorum=1)
        try:
            super()._dispute(sender, *arguments, **at)
        finally:
            self.terms = terms


class WithheldProvesTheJuryWrong(SearchTwin):
    """Jurors pay only for what most of the electorate found by recomputing, not for what was hidden later."""

    def _punish_jurors(self, number: int) -> None:
        case = self.disputes[number]
        _, upholding, withheld = case.votes[Stage.CIRCLE]
        case.votes[Stage.CIRCLE][1], case.votes[Stage.CIRCLE][2] = upholding | withheld, 0
        super()._punish_jurors(number)
        case.votes[Stage.CIRCLE][1], case.votes[Stage.CIRCLE][2] = upholding, withheld


MENDS: Final[dict[str, type[SearchTwin]]] = {
    mend.__name__: mend
    for mend in (
        ElectorateOnTheRoster,
        MajorityOfVotesCast,
        FewCanBeACircle,
        NoCircleStage,
        NoAppeal,
        WithheldProvesTheJuryWrong,
        VoteNamesNoClaim,
        WholeFinePaid,
        EquivocationPaysTheReporter,
        FineAvoidedByLeaving,
        LeavingBurnsNothing,
        UnbondingFromTheCall,
        CommitHoldsABond,
        LateDisputesTaken,
        ConvictionLiftedAtOnce,
        ConvictedVerdictsCount,
        LeaversVerdictsCount,
        SecondConvictionEjectsNobody,
        SilentSeatsPayNothing,
        SilentJurorsPayNothing,
        EachSilenceCharged,
        AskingCostsTheBond,
        DozingSeatsWaitedFor,
        WakersWaitedFor,
    )
}
