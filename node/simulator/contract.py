"""The contract's part in memory: rounds, seeds, who is quarantined or ejected, and the settlement of verdicts."""

import hashlib
from collections.abc import Iterable, Mapping

from ledger.circle.draw import mask_of
from ledger.circle.reputation import FULL, INITIAL, count_strikes, settle
from ledger.circle.round import Attestation, Round
from node.simulator.scenario import Scenario, round_seed


def author_of(seed: int, seat: int) -> bytes:
    """A simulated peer's address, 20 bytes."""
    return hashlib.sha256(f"folkmoot simulation {seed} seat {seat}".encode()).digest()[:20]


class SimulatedContract:
    """What the contract knows. reputations: seat → 0..65535; strikes: settlements in a row below the floor.

    ejected: seat → the round whose settlement took its seat.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.rounds: list[Round] = []
        self.reputations: dict[int, int] = {}
        self.strikes: dict[int, int] = {}
        self.ejected: dict[int, int] = {}

    @property
    def floor(self) -> int:
        """Below it a seat is quarantined; without reputations nobody is."""
        return self._scenario.reputation_floor if self._scenario.reputation else 0

    def join(self, seats: Iterable[int]) -> None:
        """Give seats to newcomers, with the reputation that everyone starts from."""
        for seat in seats:
            self.reputations.setdefault(seat, INITIAL)

    def open(self, digests: Mapping[int, bytes]) -> Round:
        """A round whose commits are in: seat → digest of its update. The seed is drawn."""
        number = len(self.rounds) + 1
        opened = Round(
            number,
            dict(self.reputations),
            commits=dict(digests),
            peers={seat: "0x" + author_of(self._scenario.seed, seat).hex() for seat in digests},
            tenures=dict.fromkeys(digests, 1),
            begun=dict.fromkeys(digests, 0),
            seed=round_seed(self._scenario.seed, number),
            committed=mask_of(list(digests)),
        )
        self.rounds.append(opened)
        return opened

    def attest(self, seat: int, judged: int, accepted: int, record: bytes) -> None:
        """A seat's verdicts of the round under way. judged, accepted: masks."""
        self.rounds[-1].hear(seat, Attestation(judged, accepted, record))

    def settle(self) -> None:
        """The round's verdicts become reputations; a peer below the floor for too long loses its seat."""
        round_, scenario = self.rounds[-1], self._scenario
        round_.settled = True
        if not scenario.reputation:
            return
        self.reputations = settle(
            self.reputations,
            round_.committed,
            round_.attestations,
            able=mask_of(list(round_.attestations)),
            shift=scenario.reputation_shift,
            floor=scenario.reputation_floor,
        )
        for seat, reputation in self.reputations.items():
            is_below = reputation < scenario.reputation_floor
            self.strikes[seat] = count_strikes(self.strikes.get(seat, 0), is_below=is_below)
            if 0 < scenario.eject_after <= self.strikes[seat]:
                self.ejected.setdefault(seat, round_.number)

    def is_quarantined(self, seat: int) -> bool:
        """Whether the seat is not to be mixed."""
        return self.reputations.get(seat, FULL) < self.floor
