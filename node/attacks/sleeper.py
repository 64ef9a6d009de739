"""A peer that earns reputation first."""

from typing import TYPE_CHECKING

import numpy as np

from ledger.errors import UsageError
from node.attacks.attack import Attack
from node.attacks.view import PeerView, Vector

if TYPE_CHECKING:
    from node.learning.private.mechanism import Mechanism


class Sleeper(Attack):
    """Honest for `asleep` rounds, and then another attack (`sleeper:NAME`; ride where none is named).

    What it says and serves follows the round it published last. Attacks on the data are none to wake into: those
    are loaded once.
    Source: "traitors", Marti and Garcia-Molina 2006, doi:10.1016/j.comnet.2005.07.011 (taxonomy of reputation
    systems).
    """

    name = "sleeper"
    summary = "is honest for some rounds, then attacks (ride, or NAME as sleeper:NAME)"

    def __init__(self, inner: Attack, asleep: float = 5) -> None:
        if inner.poisons_data or isinstance(inner, Sleeper):
            raise UsageError(f"a sleeper cannot wake into {inner.name}: choose an attack on what is published")
        if asleep < 0:
            raise ValueError("asleep is a number of rounds")
        self.inner, self.asleep = inner, int(asleep)
        self.spies = inner.spies
        self._acts: Attack = Attack()

    def mechanism(self, mechanism: "Mechanism", round_number: int) -> "Mechanism":
        return self.inner.mechanism(mechanism, round_number) if self._is_awake(round_number) else mechanism

    def publish(self, view: PeerView) -> Vector:
        self._acts = self.inner if self._is_awake(view.round) else Attack()
        self.is_unreadable = self._acts.is_unreadable
        return self._acts.publish(view)

    def blob(self, blob: bytes, limit: int, round_number: int, rng: np.random.Generator) -> bytes:
        return self._acts.blob(blob, limit, round_number, rng)

    def verdicts(self, judged: int, accepted: int) -> int:
        return self._acts.verdicts(judged, accepted)

    def serves(self, digest: bytes) -> bool:
        return self._acts.serves(digest)

    def also_announces(self, digest: bytes) -> bytes | None:
        return self._acts.also_announces(digest)

    def _is_awake(self, round_number: int) -> bool:
        return round_number > self.asleep
