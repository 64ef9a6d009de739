"""Disputes in a circle of nine seats, stage by stage, for tests of what is told about them.

Seat 0 judged all others in round 1 and lied about seat 5; the circle is in round 2.
"""

from collections.abc import Sequence

from ledger.circle.draw import draw_jury, mask_of
from ledger.circle.events import (
    Answer,
    Attested,
    Committed,
    Disputed,
    Drawn,
    Event,
    Outcome,
    Referred,
    Resolved,
    Settled,
    Stage,
    Summoned,
    Voted,
)
from ledger.circle.history import CircleTerms
from ledger.circle.reputation import pack
from ledger.circle.verdict_word import encode_verdicts
from tests.support.histories.moments import SEED
from tests.support.histories.parts import address, begun

SEATS, WINDOW_S, NOW = 9, 3600, 1_800_000_000
BOND, DISPUTE_BOND = 10**18, 10**17
CHALLENGER = address(8)
RECORD = b"\7" * 32
PARAMETERS = CircleTerms(
    start_seats=SEATS,
    quorum=5,
    last_round=3,
    degree=8,
    reputation_shift=3,
    reputation_floor=16384,
    eject_after=16,
    bond=BOND,
    dispute_bond=DISPUTE_BOND,
    dispute_window_s=WINDOW_S,
    jury_seats=3,
)


class Court:
    """A circle with its history, and what happens in it next."""

    def __init__(self) -> None:
        self.history = begun(PARAMETERS)
        self.play(1)

    def apply(self, *events: Event) -> None:
        for event in events:
            self.history.apply(event)

    def play(self, number: int, seats: Sequence[int] = range(SEATS)) -> None:
        """A round in which all judge all and accept them."""
        self.apply(*(Committed(number, seat, bytes([seat + 1]) * 32) for seat in seats))
        self.apply(Drawn(number, SEED, mask_of(seats)))
        round_ = self.history.rounds[-1]
        for seat in seats:
            others = mask_of(seats) & ~(1 << seat)
            words = encode_verdicts(SEED, number, round_.find_neighbours(PARAMETERS.degree)[seat], others, others)
            self.apply(Attested(seat, words, b"\1" * 32))
        self.apply(Settled(number, mask_of(seats), pack(self.history.compute_reputations(round_))))

    def dispute(
        self,
        judge: int = 0,
        target: int = 5,
        *,
        number: int = 1,
        challenger: str = CHALLENGER,
        evidence: bytes = RECORD,
    ) -> int:
        history = self.history
        self.apply(
            Disputed(
                len(history.disputes), number, judge, target, challenger, evidence, history.bonded, NOW + WINDOW_S
            )
        )
        return len(history.disputes) - 1

    def summon(self, number: int = 0) -> list[int]:
        drawn = draw_jury(SEED, self.history.disputes[number].pool, PARAMETERS.jury_seats)
        self.apply(Summoned(number, SEED, drawn, NOW + 2 * WINDOW_S))
        return [seat for seat in range(SEATS) if drawn >> seat & 1]

    def vote(self, answer: Answer, *seats: int, number: int = 0) -> None:
        self.apply(*(Voted(number, seat, answer) for seat in seats))

    def refer(self, stage: Stage, number: int = 0) -> None:
        self.apply(Referred(number, stage, NOW + 3 * WINDOW_S))

    def resolve(self, outcome: Outcome, fine: int = 0, number: int = 0) -> None:
        self.apply(Resolved(number, outcome, fine, 0))

    def leave_undecided(self, number: int) -> None:
        """Nobody of its jury votes, and nobody appeals."""
        self.summon(number)
        self.refer(Stage.APPEAL, number)
        self.resolve(Outcome.VOID, number=number)

    def uphold(self, fine: int = BOND // 2) -> None:
        """Dispute 0, from its raising to the conviction of seat 0."""
        self.dispute()
        self.vote(Answer.UPHOLDS, *self.summon())
        self.refer(Stage.CIRCLE)
        self.vote(Answer.UPHOLDS, *range(4, 9))
        self.resolve(Outcome.UPHELD, fine)
