"""Peers that claim differential privacy and do something else; where a circle has no privacy terms they are honest.

What they claim decides nothing about others: it harms those in the liar's own data, and whoever relies on the
circle's word for them.
"""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ledger.blobs.contents.records import UPDATE_MAGIC, Update, decode_blob, encode_update
from ledger.privacy.statement import PrivacyStatement, make_statement
from ledger.privacy.terms import PrivacyTerms
from node.attacks.attack import Attack
from node.attacks.view import PeerView, Vector

if TYPE_CHECKING:
    from node.learning.private.mechanism import Mechanism

LEAST_SHARE: Final = 1e-6
"""Of the noise that is owed: no noise at all has no grid to be rounded to."""


class LessNoise(Attack):
    """Claim the circle's noise and train with `share` of it; 0: with next to none.

    The model is the better for it, and nothing hides the examples. An audit sees steps that are too small for the
    noise that they must hold (A12).
    """

    name = "less-noise"
    summary = "claims the circle's noise of privacy, and trains with little of it or none"

    def __init__(self, share: float = 0.0) -> None:
        if not 0 <= share < 1:
            raise ValueError("share is from 0 to below 1")
        self.share = share

    def mechanism(self, mechanism: "Mechanism", round_number: int) -> "Mechanism":  # noqa: ARG002
        return replace(mechanism, sigma=mechanism.sigma * max(self.share, LEAST_SHARE))


class FalseStatement(Attack):
    """Train as agreed, and say something else about it."""

    _terms: PrivacyTerms | None = None

    def restate(self, said: PrivacyStatement, terms: PrivacyTerms) -> PrivacyStatement:
        """What to say instead. said: the true statement."""
        raise NotImplementedError

    def publish(self, view: PeerView) -> Vector:
        self._terms = view.privacy
        return view.trained

    def blob(self, blob: bytes, limit: int, round_number: int, rng: np.random.Generator) -> bytes:  # noqa: ARG002
        if self._terms is None:
            return blob
        update = decode_blob(blob, UPDATE_MAGIC, Update, limit)
        assert update.privacy is not None
        return encode_update(msgspec.structs.replace(update, privacy=self.restate(update.privacy, self._terms)))


class Uncharged(FalseStatement):
    """Train on, and say that nothing was charged since the last update: what is spent stands still.

    An audit sees an update that was not charged and is not its base (A12).
    """

    name = "uncharged"
    summary = "trains on, and says that no privacy was spent on it"

    def restate(self, said: PrivacyStatement, terms: PrivacyTerms) -> PrivacyStatement:
        before = said.rounds - said.charged
        return make_statement(terms, before, 0, examples=said.examples, rate=said.rate, sigma=Decimal(said.sigma))


class MoreExamples(FalseStatement):
    """Say that one has `factor` times the examples that one has, so that a step seems to take each more seldom.

    Nobody sees it where all of its updates say so: the rate is its author's word. A peer that thinks of it later
    (`sleeper:more-examples`) contradicts what it said before (A12).
    """

    name = "more-examples"
    summary = "says that it has more examples than it has, so that less privacy seems spent"

    def __init__(self, factor: float = 2.0) -> None:
        if not 1 < factor <= 1000:
            raise ValueError("factor is above 1 and at most 1000")
        self.factor = factor

    def restate(self, said: PrivacyStatement, terms: PrivacyTerms) -> PrivacyStatement:
        examples, rate = int(said.examples * self.factor), None
        if not examples:
            rate = max(1, int(said.rate / self.factor))
        return make_statement(
            terms, said.rounds, said.charged, examples=examples, rate=rate, sigma=Decimal(said.sigma)
        )
