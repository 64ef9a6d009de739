"""The contract's twin in Python: foretells what a call does, from the history fold and the clock alone."""

from circle_foretold import Foretold
from circle_machines import Moment
from twin_faults import FaultCalls
from twin_rounds import RoundCalls
from twin_seats import SeatCalls

from ledger.events import Disputed, Drawn, Ejected, Equivocated, Outcome, Resolved
from ledger.fold.faults import REPORTER_PART
from ledger.history import Phase, Round
from ledger.topology import mask_of

__all__ = ["Foretold", "Twin"]

NOBODY = "0x" + "00" * 20
PAYABLE = ("join", "dispute")


class Twin(SeatCalls, RoundCalls, FaultCalls):
    """Foretells calls with `foretell` and follows the events they made with `follow`."""

    def foretell(
        self, sender: str, call: str, arguments: tuple[object, ...], value: int, moment: Moment
    ) -> Foretold:
        """The effect of a call in a block. value: wei sent along."""
        if value > 0 and call not in PAYABLE:
            return Foretold("")
        foretold: Foretold = getattr(self, f"_{call}")(sender, *arguments, value=value, moment=moment)
        return foretold

    def follow(self, foretold: Foretold, moment: Moment) -> None:
        """Apply what happened. Raises HistoryFault where the fold refuses it."""
        number = self.history.number
        for event in foretold.events:
            self.history.apply(event)
            match event:
                case Drawn():
                    self.deadline_s = moment.now_s + self.terms.attest_window_s
                case Disputed():
                    self.raised_in[event.dispute] = moment.block
                case Ejected():
                    self.burned += event.burned
                case Equivocated():
                    self.burned += event.bond - event.bond // REPORTER_PART
                case Resolved() if event.outcome == Outcome.REJECTED:
                    self.burned += self.terms.dispute_bond
        self.used |= foretold.uses
        if self.history.phase == Phase.FINISHED:
            self.deadline_s = 0
        elif self.history.number != number:
            self.deadline_s = moment.now_s + self.terms.commit_window_s

    # ------------------------------------------------------------------------------ what the views must answer

    @property
    def state(self) -> tuple[object, ...]:
        """`state()`."""
        history = self.history
        current = history.round or Round(0, {})
        return (
            history.number,
            int(history.phase),
            self.deadline_s,
            len(history.seats),
            history.roster,
            current.committed,
            mask_of(list(current.attestations)),
            self.seed,
            history.hash,
        )

    @property
    def clock(self) -> int:
        """The contract's word for the running hash, seat count, phase, round and deadline."""
        history = self.history
        time = len(history.seats) << 55 | history.phase << 53 | history.number << 32 | self.deadline_s
        return int.from_bytes(history.hash, "big") << 64 | time

    @property
    def standing(self) -> tuple[int, int, int, int]:
        """`standing()`."""
        vacant = mask_of([seat for seat, held in self.history.seats.items() if held.is_released])
        return self.history.members, self.history.below, vacant, self.history.woken

    @property
    def books(self) -> tuple[int, int]:
        """`books()`."""
        return self.history.pledged, sum(self.history.owed.values())

    def seat_at(self, seat: int) -> tuple[object, ...]:
        """`seat_at(seat)`; the announced keys are None where no rotation is under way."""
        held = self.history.seats.get(seat)
        if held is None or held.is_released:
            return (NOBODY, NOBODY, 0, 0, held.tenure if held else 0, 0, None, None, 0, 0)
        hot, cold, rotates_at = held.announced or (None, None, 0)
        keys = (hot and hot.lower(), cold and cold.lower())
        first_words = (held.peer.lower(), held.cold.lower(), held.bond, held.since_round, held.tenure)
        return (*first_words, held.free_at or 0, *keys, rotates_at, held.disputes)

    def dispute_at(self, number: int) -> tuple[object, ...]:
        """`dispute_at(number)`."""
        dispute = self.history.disputes[number]
        claim = dispute.claim
        deadline = dispute.deadline if dispute.outcome is None else 0
        opened = self.raised_in[number] if dispute.summoned is None else 0
        said = (claim.round, claim.judge, claim.target, claim.challenger.lower(), deadline, opened)
        jury = dispute.jury if dispute.summoned else dispute.eligible
        return (*said, jury, dispute.upholding, dispute.rejecting)
