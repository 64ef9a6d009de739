"""Imagined peers in place of the real one: each trains on a random half of a pool, and publishes as a node does."""

from dataclasses import dataclass

import numpy as np

from ledger.arithmetic.exact import GridState, to_float
from ledger.codec import SENT_SHARE
from node.leakage.pool import Pair
from node.learning.encoding import FrameOrigins, add_left_over, encode_state
from node.learning.lean import Leaning, Verdicts
from node.learning.learner import add_residual
from node.learning.private.mechanism import PrivateTraining
from node.learning.template import Template
from node.learning.training import Trainer
from node.tasks.dealt import deal
from node.tasks.interface import Task


@dataclass(frozen=True)
class Publishing:
    """How the steps are made, of all stand-ins alike."""

    task: Task
    """What is trained."""
    template: Template
    """Its model, in the circle's units."""
    codec: str
    """How states travel."""
    origin: GridState
    """The genesis, (d,), int32."""
    seed: int
    """Of training without privacy; with it, noise is the system's own."""
    private: PrivateTraining | None = None
    """Where the circle has privacy terms."""
    share: float = SENT_SHARE
    """Of its values, what a delta frame sends."""


class StandIn:
    """One imagined peer. It keeps from round to round what a peer keeps."""

    def __init__(self, publishing: Publishing, number: int, share: Pair) -> None:
        """number: its own, so that its batches are its own. share: what it trains on. Raises SetupError."""
        self._publishing = publishing
        task, template = publishing.task, publishing.template
        self._trainer = Trainer(
            deal(task, share),
            template.layout,
            seat=number,
            seats=number + 1,
            seed=publishing.seed,
            template=template,
            private=publishing.private,
        )
        self._residual = np.zeros(template.layout.size, np.float32)
        self._last: GridState | None = None
        self._leaning = Leaning(self._trainer.corrected)

    def publish(self, base: GridState, round_number: int) -> GridState:
        """The state that everybody sees after a round from this base. (d,), int32 each. Raises SetupError."""
        publishing = self._publishing
        start = add_residual(to_float(base), self._residual, publishing.codec)
        correction = self._leaning.find(base, Verdicts())
        trained = self._trainer.train(start, round_number, correction)
        self._leaning.note(base, start, trained, correction)
        encoded = encode_state(
            add_left_over(trained, self._residual, publishing.codec),
            publishing.codec,
            publishing.template.layout,
            lambda _: None,
            FrameOrigins(base, self._last, publishing.origin),
            publishing.share,
            is_private=publishing.private is not None,
        )
        self._residual, self._last = encoded.compute_residual(), encoded.state
        return encoded.state
