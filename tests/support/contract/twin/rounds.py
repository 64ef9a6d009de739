"""The twin of the round calls: commit, attest, advance, settle."""

from ledger.circle.draw import mask_of, seats_of
from ledger.circle.events import Attested, Committed, Drawn, Settled
from ledger.circle.history import Phase
from ledger.circle.reputation import pack
from tests.support.contract.machines import Moment
from tests.support.contract.twin.state import AWAKE, HASHES, TwinState

PATIENCE_WINDOWS = 16
MAX_STRIKES = 255
FULL = 65535
SAID, LANE = 2**21 - 1, 2**64 - 1


class RoundCalls(TwinState):
    """Calls about the round under way: each checks, then does and emits."""

    def _commit(self, sender: str, number: int, digest: bytes, *, value: int, moment: Moment) -> None:
        seat = self.seat_of_caller(sender)
        self.require(self.phase == Phase.COMMIT, "commit: phase is closed")
        self.require(number == self.number, "commit: not this round")
        self.require(digest != bytes(32), "commit: digest is empty")
        self.require((self.roster | self.late) >> seat & 1 == 1, "commit: not on the roster")
        self.require(self.committed >> seat & 1 == 0, "commit: already committed")
        self.committed |= 1 << seat
        self.roster |= 1 << seat
        self.late &= ~(1 << seat)
        self.emit(Committed(number, seat, digest))
        if self._is_commit_due(moment):
            self._draw(moment)

    def _is_commit_due(self, moment: Moment) -> bool:
        if self.committed.bit_count() < self.terms.quorum:
            return False
        return self.roster & ~self.committed == 0 or moment.now_s >= self.deadline_s

    def _draw(self, moment: Moment) -> None:
        """R3.9: the seed is the hash of this block, which nobody knows in it."""
        self.drawn_in, self.is_seed_known = moment.block, False
        self.emit(Drawn(self.number, self.draw, self.committed))
        self.deadline_s = moment.now_s + self.terms.attest_window_s
        if self.phase == Phase.COMMIT:
            self.phase = Phase.ATTEST
            self.drawn_until_s = self.deadline_s + PATIENCE_WINDOWS * self.terms.attest_window_s

    def _is_draw_lost(self, moment: Moment) -> bool:
        return not self.is_seed_known and moment.block > self.drawn_in + HASHES

    def _advance(self, sender: str, *, value: int, moment: Moment) -> None:
        if self.phase == Phase.ATTEST:
            self.require(self._is_draw_lost(moment), "advance: seed is not lost")
            self.require(moment.now_s < self.drawn_until_s, "advance: round is to be given up")
        else:
            self.require(self.phase == Phase.COMMIT, "advance: phase is not commit")
            self.require(self._is_commit_due(moment), "advance: commit phase is not due")
        self._draw(moment)

    def _attest(self, sender: str, said: int, record: bytes, *, value: int, moment: Moment) -> None:
        seat = self.seat_of_caller(sender)
        self.require(self.phase == Phase.ATTEST, "attest: phase is closed")
        judged, accepted = said & SAID, said >> 21 & SAID
        self.require((said & LANE) >> 42 == self.number, "attest: not this round")
        self.require(moment.block > self.drawn_in, "attest: seed is not drawn yet")
        self.require(not self._is_draw_lost(moment), "attest: seed is lost")
        self.require(said >> 64 == int.from_bytes(self.draw[-8:], "big"), "attest: not this round's seed")
        self.require(accepted & ~judged == 0, "attest: accepted an unjudged one")
        self.require(record != bytes(32), "attest: record is empty")
        self.require(seat not in self.said, "attest: already attested")
        self.said[seat] = (judged, accepted)
        self.seats[seat].spoke_in = self.number
        self.seed, self.is_seed_known = self.draw, True
        self.emit(Attested(seat, said, record))

    # ------------------------------------------------------------------------------------------ settlement

    def _settle(self, sender: str, number: int, *, value: int, moment: Moment) -> None:
        self.require(self.phase == Phase.ATTEST, "settle: phase is not attest")
        self.require(number == self.number, "settle: not this round")
        attested = self.attested
        has_quorum = attested.bit_count() >= self.terms.quorum
        patience_s = 0 if has_quorum else PATIENCE_WINDOWS * self.terms.attest_window_s
        awaited = self.committed & self.members & ~self.dozing & ~attested
        is_due = (has_quorum and awaited == 0) or moment.now_s >= self.deadline_s + patience_s
        self.require(is_due, "settle: attest phase is not due")
        missed = self.roster & ~self.committed
        self.reputations = self._settled(self._weights() if has_quorum else {}, attested, missed)
        self._strike()
        self._doze(attested, missed | self.committed & ~attested)
        self.emit(Settled(number, attested, pack(self.reputations)))
        if number == self.terms.last_round:
            self.phase, self.deadline_s = Phase.FINISHED, moment.now_s
        else:
            self.open_round(number + 1, attested, moment)

    def _weights(self) -> dict[int, int]:
        """R13.1: what each able judge weighs."""
        able = seats_of(self.attested & self.members & ~self.suspended)
        weights = {s: 0 if self.below >> s & 1 else self.reputations[s] // 256 for s in able}
        return weights if any(weights.values()) else dict.fromkeys(able, 1)

    def _settled(self, weights: dict[int, int], attested: int, missed: int) -> dict[int, int]:
        """R13.2 and R13.3."""
        shift, settled = self.terms.reputation_shift, dict(self.reputations)
        total, accepting = dict.fromkeys(settled, 0), dict.fromkeys(settled, 0)
        for judge, weight in weights.items():
            judged, accepted = self.said[judge]
            for place, seat in enumerate(self.neighbours(judge)):
                total[seat] += weight * (judged >> place & 1)
                accepting[seat] += weight * (accepted >> place & 1)
        for seat in seats_of(self.committed):
            new = self.reputations[seat]
            if total[seat]:
                new = (new * 2**shift - new + accepting[seat] * FULL // total[seat]) // 2**shift
            settled[seat] = new if attested >> seat & 1 else new - new // 2**shift
        for seat in seats_of(missed):
            settled[seat] -= settled[seat] // 2**shift
        return settled

    def _strike(self) -> None:
        """R23.2: one more for each seat held below the floor, none left for each that is not."""
        for seat in seats_of(self.members):
            held = self.seats[seat]
            held.strikes = min(held.strikes + 1, MAX_STRIKES) if self.below >> seat & 1 else 0

    def _doze(self, attested: int, silent: int) -> None:
        """R3.5a."""
        again = self.dozing & self.steady & attested
        back = mask_of([seat for seat in seats_of(again) if self.reputations[seat] >= AWAKE])
        self.dozing = (self.dozing | silent) & ~back
        self.steady = self.dozing & attested
