"""The private side of an update: train, choose what to publish, add the residual, encode."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ledger.arithmetic.exact import GridState, to_float
from ledger.blobs.contents.records import (
    Genesis,
    Update,
    encode_genesis,
    encode_update,
    state_digest,
    update_max_bytes,
)
from ledger.circle.manifest import Manifest
from ledger.codec import (
    PLAIN,
    RESIDUAL_SHARE,
    SENT_SHARE,
    Blocks,
    quantise,
)
from ledger.judging.frame_chains import is_chained
from node.learning.encoding import FrameOrigins, add_left_over, encode_state
from node.learning.grid_ranges import MisfitReporter
from node.learning.layout import Vector
from node.learning.lean import Leaning, Verdicts
from node.learning.private.budget import PrivacyBudget, Spending
from node.learning.training import Trainer, TrainingDiverged
from node.operating.meter import Meter

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreviousCommit:
    """A peer's last commit on chain."""

    digest: bytes
    """32 bytes."""
    state: GridState
    """What it published, (d,), int32."""


@dataclass(frozen=True)
class TrainedUpdate:
    """What a peer has when it has trained and is about to publish; all of it is its own or public."""

    round: int
    """The one that it trained in."""
    seat: int
    """The peer's."""
    network: bytes
    """The circle's, 32 bytes."""
    manifest: Manifest
    """The circle's."""
    base: Vector
    """The model that the round began with, (d,), float32."""
    state: Vector
    """What training gave, (d,), float32."""
    rng: np.random.Generator
    """The peer's own noise of this round."""


class Choice(Protocol):
    """Chooses what to publish. A peer that follows the protocol hands back what it was given."""

    def update(self, trained: TrainedUpdate) -> Vector:
        """What to encode and publish, (d,), float32."""
        ...

    def blob(self, blob: bytes, limit: int, round_number: int, rng: np.random.Generator) -> bytes:
        """What to store and commit instead of the update blob. limit: the most bytes one may have."""
        ...


@dataclass(frozen=True)
class PreparedUpdate:
    """An update ready to be stored: its blob, and the residual that stays behind, (d,), float32."""

    blob: bytes
    residual: Vector


def encode_genesis_blob(initial: Vector, blocks: Blocks) -> bytes:
    """The blob of the state all peers start from: int8, so the same bytes with every zstd (R9.5)."""
    return encode_genesis(Genesis(PLAIN, quantise(initial, blocks, PLAIN).payload))


def add_residual(start: Vector, residual: Vector, codec: str) -> Vector:
    """What training starts from: under a chained codec, with part of what the last frame left out of it.

    start: the base, (d,), float32. residual: see ledger.codec.compute_residual.
    """
    return start + np.float32(RESIDUAL_SHARE) * residual if is_chained(codec) else start


class Learner:
    """Makes one peer's updates."""

    def __init__(
        self,
        trainer: Trainer,
        manifest: Manifest,
        choice: Choice,
        seed: int,
        meter: Meter,
        share: float = SENT_SHARE,
        budget: PrivacyBudget | None = None,
    ) -> None:
        """share: of the values, what a delta frame sends; see ledger.codec.delta_encoder.

        budget: what the trainer trains from, where the circle has differential privacy.
        """
        self._trainer, self._manifest, self._choice = trainer, manifest, choice
        self._seed, self._meter, self._share = seed, meter, share
        self._budget = budget
        self._teller = MisfitReporter()
        self._trained: tuple[bytes, Vector] | None = None
        self._leaning = Leaning(trainer.corrected)

    def train_ahead(
        self,
        round_number: int,
        base: GridState,
        residual: Vector,
        origin: GridState | None = None,
        verdicts: Verdicts | None = None,
    ) -> None:
        """Train for a round that is still to come, so that its update needs encoding only. As `prepare`."""
        with self._meter.measure_section("training"):
            start = add_residual(to_float(base), residual, self._manifest.codec)
            self._train(start, base, round_number, origin, verdicts)

    def prepare(
        self,
        network: bytes,
        round_number: int,
        author: bytes,
        base: GridState,
        residual: Vector,
        previous: PreviousCommit | None = None,
        origin: GridState | None = None,
        rounds_said: int | None = 0,
        verdicts: Verdicts | None = None,
    ) -> PreparedUpdate:
        """Train from the base and encode. Raises TrainingDiverged where training leaves the finite
        numbers from the genesis on, or in a circle with privacy terms; else, from a later base, the base itself
        is published.

        What was trained from the same start before is taken, for whichever round that was: a peer that missed a
        round goes on from an unchanged base, and need not miss the next one too. With privacy terms, only what no
        update has said yet: one that says that nothing was charged publishes its base (R30.3).

        previous: what the frame may be relative to; None for one that needs the genesis, `origin`, at most.
        rounds_said: for how many rounds the peer's last update said that its privacy was charged; None: not known.
        verdicts: how the peer has judged of late; None where it has not.
        """
        start = to_float(base)
        begun = add_residual(start, residual, self._manifest.codec)
        if self._budget is not None and rounds_said == self._budget.rounds_charged:
            self._trained = None
        with self._meter.measure_section("training"):
            trained = self._train(begun, base, round_number, origin, verdicts)
        with self._meter.measure_section("encode"):
            rng, seat = np.random.default_rng([self._seed, round_number]), self._trainer.seat
            wanted = self._choice.update(
                TrainedUpdate(round_number, seat, network, self._manifest, start, trained, rng)
            )
            reference, last = (b"", None) if previous is None else (previous.digest, previous.state)
            if self._budget is not None and not self._budget.has_trained:
                # R30.3: its base and nothing else. What rounding left over holds training.
                residual = np.zeros_like(residual)
            quantised = encode_state(
                add_left_over(wanted, residual, self._manifest.codec),
                self._manifest.codec,
                self._trainer.layout,
                lambda misfits: self._teller.report(misfits, round_number),
                FrameOrigins(base, last, origin),
                self._share,
                is_private=self._budget is not None,
            )
            update = Update(
                network,
                round_number,
                author,
                state_digest(base),
                self._manifest.codec,
                quantised.payload,
                reference,
                None if self._budget is None else self._budget.make_statement(rounds_said),
            )
            limit = update_max_bytes(self._manifest)
            blob = self._choice.blob(encode_update(update), limit, round_number, rng)
            return PreparedUpdate(blob, quantised.compute_residual())

    def _train(
        self,
        start: Vector,
        base: GridState,
        number: int,
        origin: GridState | None,
        verdicts: Verdicts | None = None,
    ) -> Vector:
        name = hashlib.sha256(start.data).digest()
        if self._trained is None or self._trained[0] != name:
            self._trained = name, self._train_anew(start, base, number, origin, verdicts or Verdicts(0))
        return self._trained[1]

    def _train_anew(
        self, start: Vector, base: GridState, number: int, origin: GridState | None, verdicts: Verdicts
    ) -> Vector:
        correction = self._leaning.find(base, verdicts)
        try:
            trained = self._trainer.train(start, number, correction)
        except TrainingDiverged as fault:
            if origin is None or np.array_equal(base, origin) or self._budget is not None:
                # With privacy terms a charged update must hold noise (R22.3), and a base has none.
                raise
            # What the neighbours put into the base is not its task's fault, and must not end it: it publishes the
            # base as it is, so that it still judges, and mixes what comes.
            _log.warning("publishing the base untrained round=%d reason=%s", number, fault)
            return to_float(base)
        self._leaning.note(base, start, trained, correction)
        return trained

    def compute_loss(self, state: GridState) -> float:
        """The peer's private loss of anybody's state."""
        return self._trainer.compute_loss(to_float(state))

    def close(self) -> None:
        """End the processes that train, where there are some."""
        self._trainer.close()

    def compute_spending(self) -> Spending | None:
        """Where the budget of privacy stands; None where there is none."""
        return None if self._budget is None else self._budget.compute_spending()

    @property
    def told_figures(self) -> Mapping[str, str]:
        """What the task says of its figures: whether `higher` or `lower` is better."""
        return self._trainer.task.told_figures

    def evaluate(self, base: GridState) -> dict[str, float]:
        """The task's own figures for a model, e.g. accuracy, the main one first."""
        with self._meter.measure_section("evaluation"):
            return self._trainer.evaluate(to_float(base))
