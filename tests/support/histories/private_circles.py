"""Circles with privacy terms, what their peers say, and what an audit makes of them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import to_float
from ledger.audit.findings import Report
from ledger.audit.round_checks import RoundAuditor
from ledger.blobs.contents.records import Update, encode_update
from ledger.privacy.decimals import format_decimal
from ledger.privacy.statement import PrivacyStatement, make_statement
from tests.support.histories.circles import NETWORK, PARAMETERS, Circle, Honest, genesis_state
from tests.support.privacy import TERMS

NOISE: Final = float(TERMS.compute_noise_variance()) ** 0.5


class Private(Honest):
    """Adds the noise that the terms ask for, and says so; changes: round → fields of its statement to replace."""

    def __init__(self, seat: int, *, noise: float = 1.0, changes: dict[int, dict[str, Any]] | None = None) -> None:
        super().__init__(seat)
        self.noise, self.changes = noise, changes or {}

    def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
        noise = np.random.default_rng([self.seat, number]).normal(size=PARAMETERS)
        scale = self.noise * NOISE if self.says(number).charged else 0
        return to_float(base) + (scale * noise).astype(np.float32)

    def says(self, number: int) -> PrivacyStatement:
        asked = {"rounds": number, "charged": 1, "examples": 1000} | self.changes.get(number, {})
        return make_statement(TERMS, asked.pop("rounds"), asked.pop("charged"), **asked)

    def blob(self, number: int, update: Update) -> bytes | None:
        return encode_update(msgspec.structs.replace(update, privacy=self.says(number)))


LOUDER: Final = 10
"""So much more noise than NOISE there is in a circle that is loud: frames are fine beside it."""


class Noisy(Private):
    """Of a loud circle; adds noise of its own making; make: round → (5000,), in deviations."""

    def __init__(self, seat: int, make: Callable[[int], NDArray[np.float64]]) -> None:
        super().__init__(seat, noise=LOUDER)
        self.make = make

    def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
        step: NDArray[np.float32] = (self.noise * NOISE * self.make(number)).astype(np.float32)
        return to_float(base) + step


def draw(number: int, seat: int = 99) -> NDArray[np.float64]:
    """(5000,), normal: what a peer in that seat draws in a round."""
    return np.random.default_rng([seat, number]).normal(size=PARAMETERS)


def private_circle(
    cheat: Private | None = None, *, rounds: int = 3, seats: int = 5, loud: bool = False, **more: Any
) -> Circle:
    """loud: with so much noise that frames are fine beside it. more: of `Circle`."""
    noise = LOUDER if loud else 1
    peers: dict[int, Honest] = {seat: Private(seat, noise=noise) for seat in range(seats)}
    if cheat is not None:
        peers[cheat.seat] = cheat
    terms = msgspec.structs.replace(TERMS, lr=format_decimal(noise * Decimal(TERMS.lr)))
    return Circle(
        seats=seats, rounds=rounds, cheats=peers, rule="tether", rule_parameters={}, privacy=terms, **more
    )


def audited(circle: Circle) -> Report:
    history = circle.history()
    report = Report(1, "0x0", 0)
    auditor = RoundAuditor(history, NETWORK, genesis_state(), report)
    for round_ in history.rounds:
        auditor.check(round_, circle.blobs)
    return report
