"""The twin of the round functions: commit, attest, advance, settle."""

from circle_foretold import Foretold, TwinState, first, hashed
from circle_machines import Moment

from ledger.events import Attested, Committed, Drawn, Event, Settled
from ledger.history import PATIENCE_WINDOWS, Phase
from ledger.reputation import pack
from ledger.topology import mask_of
from ledger.verdicts import ACCEPTED_BIT, ROUND_BIT, SEED_BIT

SAID, LANE = 2**21 - 1, 2**64 - 1


class RoundCalls(TwinState):
    """Foretells calls about the round under way."""

    def _commit(self, sender: str, number: int, digest: bytes, *, value: int, moment: Moment) -> Foretold:
        history = self.history
        if (seat := history.seat_of(sender)) is None:
            return Foretold("seat: caller has none")
        committed = history.rounds[-1].committed if history.rounds else 0
        refusals = {
            "commit: phase is closed": history.phase != Phase.COMMIT,
            "commit: not this round": number != history.number,
            "commit: digest is empty": digest == bytes(32),
            "commit: not on the roster": history.roster >> seat & 1 == 0,
            "commit: already committed": committed >> seat & 1 == 1,
        }
        if (refused := first(refusals)) is not None:
            return refused
        committed |= 1 << seat
        events: tuple[Event, ...] = (Committed(number, seat, digest),)
        if self._is_commit_due(committed, moment):
            events += (self.drawn(committed, moment),)
        return Foretold(None, events)

    def _attest(self, sender: str, said: int, record: bytes, *, value: int, moment: Moment) -> Foretold:
        history = self.history
        if (seat := history.seat_of(sender)) is None:
            return Foretold("seat: caller has none")
        if history.phase != Phase.ATTEST:
            return Foretold("attest: phase is closed")
        current = history.rounds[-1]
        judged, accepted = said & SAID, said >> ACCEPTED_BIT & SAID
        refusals = {
            "attest: not this round": (said & LANE) >> ROUND_BIT != current.number,
            "attest: not this round's seed": said >> SEED_BIT != int.from_bytes(self.seed, "big") & LANE,
            "attest: accepted an unjudged one": accepted & ~judged != 0,
            "attest: record is empty": record == bytes(32),
            "attest: already attested": seat in current.heard,
        }
        return first(refusals) or Foretold(None, (Attested(seat, said, record),))

    def _advance(self, sender: str, *, value: int, moment: Moment) -> Foretold:
        if self.history.phase != Phase.COMMIT:
            return Foretold("advance: phase is not commit")
        committed = self.history.rounds[-1].committed
        if not self._is_commit_due(committed, moment):
            return Foretold("advance: commit phase is not due")
        return Foretold(None, (self.drawn(committed, moment),))

    def _settle(self, sender: str, number: int, *, value: int, moment: Moment) -> Foretold:
        history = self.history
        refusals = {
            "settle: phase is not attest": history.phase != Phase.ATTEST,
            "settle: not this round": number != history.number,
        }
        if (refused := first(refusals)) is not None:
            return refused
        current = history.rounds[-1]
        attested, words = mask_of(list(current.attestations)), pack(history.reputations)
        if len(current.attestations) >= self.terms.quorum:
            is_due = attested == current.committed or moment.now_s >= self.deadline_s
            words = pack(history.settled(current)) if is_due else ()
        else:
            is_due = moment.now_s >= self.deadline_s + PATIENCE_WINDOWS * self.terms.attest_window_s
        if not is_due:
            return Foretold("settle: attest phase is not due")
        return Foretold(None, (Settled(number, attested, words),))

    def _is_commit_due(self, committed: int, moment: Moment) -> bool:
        if committed.bit_count() < self.terms.quorum:
            return False
        return self.history.roster & ~committed == 0 or moment.now_s >= self.deadline_s

    def drawn(self, committed: int, moment: Moment) -> Drawn:
        """The close of the commit phase in a block."""
        number = self.history.number
        parent = moment.parent_hash if self.terms.mixes_parent else bytes(32)
        types = ["bytes32", "bytes32", "uint256", "address"]
        return Drawn(number, hashed(types, moment.prevrandao, parent, number, self.contract), committed)
