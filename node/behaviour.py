"""The port of a peer: the few places where what it does may be another's choice. `Behaviour` is the honest one.

A peer asks its behaviour on the very path that it takes anyway, and knows no other than this. A peer that wants
to do otherwise (node.attacks does) plugs in from outside, and builds what it needs to know by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ledger.arithmetic.exact import GridState
from ledger.circle.events import Answer
from ledger.circle.history import History
from ledger.identity.network import Network
from ledger.judging.screening import JudgeRound, RoundVerdicts
from ledger.rules.judge_memory import CarriedState
from node.duties.jury import FetchBlobs
from node.gossip.gossip import Gossip
from node.learning.layout import Vector
from node.learning.learner import TrainedUpdate
from node.learning.private.mechanism import PrivateTraining
from node.tasks.interface import Task


@dataclass(frozen=True)
class SeatedPeer:
    """What a peer hands to its behaviour when it has taken a seat."""

    history: Callable[[], History]
    """Gives the circle's present one."""
    network: Network
    """The circle and its chain."""
    key: bytes
    """The peer's own, 32 bytes."""
    seat: int
    """The peer's."""
    genesis: GridState
    """What every peer starts from, (d,), int32."""
    gossip: Gossip
    """The peer's."""
    fetch: FetchBlobs
    """Gets blobs from whoever serves them."""


class Behaviour:
    """An honest peer: every hook hands back what it was given, or does nothing."""

    @property
    def is_unreadable(self) -> bool:
        """Whether nobody can read the update that it published last, so that it cannot judge anybody either."""
        return False

    def train_on(self, task: Task) -> Task:
        """The task to train and to be measured on."""
        return task

    def train_privately(self, training: PrivateTraining) -> PrivateTraining:
        """What hands out each round's private training. training: the one that charges for it as agreed."""
        return training

    def enter(self, peer: SeatedPeer) -> None:
        """A seat was taken: called before its first round, and again after each seat."""

    async def before_update(self, number: int) -> None:
        """An update of this round is to be made."""

    def update(self, trained: TrainedUpdate) -> Vector:
        """What to encode and publish, (d,), float32. Called off the event loop."""
        return trained.state

    def blob(self, blob: bytes, limit: int, round_number: int, rng: np.random.Generator) -> bytes:  # noqa: ARG002
        """What to store and commit instead of the update blob. limit: the most bytes one may have."""
        return blob

    def serves(self, digest: bytes) -> bool:  # noqa: ARG002
        """Whether to hand out the blob with this digest."""
        return True

    def after_announcing(self, number: int, digest: bytes) -> None:
        """The update of a round was announced. digest: the one committed."""

    def judges_instead(
        self,
        network: bytes,  # noqa: ARG002
        sitting: JudgeRound,  # noqa: ARG002
        author: bytes,  # noqa: ARG002
        digest: bytes,  # noqa: ARG002
        carried: CarriedState,  # noqa: ARG002
    ) -> RoundVerdicts | None:
        """What to attest without a look at the neighbours' updates; None to judge them.

        author: the peer's own, 20 bytes. digest: of its update. carried: what it goes on from.
        """
        return None

    def verdicts(self, judged: int, accepted: int) -> int:  # noqa: ARG002
        """The mask of accepted seats to attest, a part of `judged`. Bit i stands for seat i."""
        return accepted

    def answers(self, answer: Answer, *, is_own: bool) -> Answer:  # noqa: ARG002
        """What to vote in a dispute. answer: what recomputing gives. is_own: it is about what this peer said."""
        return answer
