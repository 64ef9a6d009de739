"""The contract's twin in Python: docs/protocol.md once more, written down without a look at the contract.

A twin is a value: it runs without a chain, `copy.deepcopy` gives another that may be led elsewhere.
"""

from ledger.circle.draw import mask_of
from ledger.circle.history import Phase
from tests.support.contract.machines import Moment
from tests.support.contract.twin.faults import FaultCalls
from tests.support.contract.twin.rounds import RoundCalls
from tests.support.contract.twin.seats import SeatCalls
from tests.support.contract.twin.state import HASHES, Foretold, Refused

__all__ = ["Foretold", "Twin"]

NOBODY = "0x" + "00" * 20
PAYABLE = ("join", "dispute", "appeal")


class Twin(SeatCalls, RoundCalls, FaultCalls):
    """Takes calls as the contract must take them, and answers what its views must answer."""

    def take(self, sender: str, call: str, arguments: tuple[object, ...], value: int, moment: Moment) -> Foretold:
        """Take a call made in a block: a refused one changes nothing. value: wei sent along."""
        if value > 0 and call not in PAYABLE:
            return Foretold("")
        self._emitted = []
        try:
            getattr(self, f"_{call}")(sender, *arguments, value=value, moment=moment)
        except Refused as refused:
            assert not self._emitted
            return Foretold(str(refused))
        return Foretold(None, tuple(self._emitted))

    # ------------------------------------------------------------------------------ what the views must answer

    def state(self, moment: Moment) -> tuple[object, ...]:
        """`state()`, asked in a block."""
        clock = (self.number, int(self.phase), self.deadline_s, len(self.seats))
        masks = (self.roster, self.committed, self.attested)
        return (*clock, *masks, self._seed_seen(moment), self.hash)

    def _seed_seen(self, moment: Moment) -> bytes:
        if self.is_seed_known:
            return self.seed
        is_in_sight = self.drawn_in < moment.block <= self.drawn_in + HASHES
        return self.draw if self.phase == Phase.ATTEST and is_in_sight else bytes(32)

    @property
    def clock(self) -> int:
        """The contract's word for the running hash, seat count, phase, round and deadline."""
        time = len(self.seats) << 55 | self.phase << 53 | self.number << 32 | self.deadline_s
        return int.from_bytes(self.hash, "big") << 64 | time

    @property
    def standing(self) -> tuple[int, ...]:
        """`standing()`."""
        vacant = mask_of([seat for seat, held in self.seats.items() if held.is_released])
        return self.members, self.below, vacant, self.woken, self.dozing, self.late, self.suspended

    @property
    def books(self) -> tuple[int, int]:
        """`books()`."""
        return self.pledged, sum(self.owed.values())

    def seat_at(self, seat: int) -> tuple[object, ...]:
        """`seat_at(seat)`; the announced keys are None where no rotation is under way."""
        held = self.seats.get(seat)
        if held is None or held.is_released:
            return (NOBODY, NOBODY, 0, 0, held.tenure if held else 0, 0, None, None, 0, 0, 0, None, 0)
        hot, cold, rotates_at = held.announced or (None, None, 0)
        since = held.since_round | held.joined_at << 32
        first_words = (held.peer.lower(), held.cold.lower(), held.bond, since, held.tenure, held.free_at or 0)
        keys = (hot and hot.lower(), cold and cold.lower(), rotates_at)
        return (*first_words, *keys, held.disputes, held.convictions, held.suspended_until, held.silent_until)

    def dispute_at(self, number: int) -> tuple[object, ...]:
        """`dispute_at(number)`."""
        case = self.disputes[number]
        claim = (case.round, case.judge, case.target, case.challenger.lower(), (case.appellant or NOBODY).lower())
        course = (int(case.stage), 0 if case.outcome is not None else case.deadline, case.raised_in)
        votes = [case.votes[stage][answer] for stage in (1, 3) for answer in (1, 0, 2)]
        asker = 0 if case.asker is None else case.asker + 1
        return (*claim, *course, case.electorate, case.jury if case.stage else case.pool, *votes, asker)
