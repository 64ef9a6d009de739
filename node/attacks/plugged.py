"""An attack in the place of a peer's behaviour: told what it looks at, and what it answers done."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch
from torch import nn

from ledger.circle.events import Answer
from ledger.judging.screening import JudgeRound, RoundVerdicts
from ledger.rules import find_rule
from ledger.rules.judge_memory import CarriedState
from node.attacks.attack import Attack
from node.attacks.collusion import Collusion, make_empty_verdicts
from node.attacks.equivocation import announce_another
from node.attacks.spoiling import spoil
from node.attacks.view import NOTHING_KNOWN, KnownStates, PeerView, Vector
from node.behaviour import Behaviour, SeatedPeer
from node.learning.learner import TrainedUpdate
from node.learning.private.mechanism import Privacy, PrivateTraining
from node.learning.private.randomness import SystemRandomness
from node.tasks.interface import Task
from node.tasks.pairs import answer_of, fit_dtype


def plug_in(attack: Attack, watched: Attack | None = None) -> Behaviour:
    """The behaviour of a peer that attacks so; the honest one for an attack that does nothing wrong.

    watched: the attack whose figures the peer reports beside its task's, as an honest one does in an experiment.
    """
    return Behaviour() if type(attack) is Attack and watched is None else Plugged(attack, watched or attack)


@dataclass(frozen=True)
class SpoiledTask(Task):
    """A task whose data an attack has spoiled, and whose figures stand beside the attack's."""

    attack: Attack = field(default_factory=Attack)
    measured: Attack = field(default_factory=Attack)
    """The attack whose figures they are."""

    def data(self, seat: int, seats: int) -> Any:
        """As the task gives it, in the model's dtype, and spoiled. Raises UsageError where the attack cannot."""
        data = super().data(seat, seats)
        if not self.attack.poisons_data:
            return data
        # What making a model draws must not move what else is random here.
        with torch.random.fork_rng(devices=[]):
            model = self.model()
        if self.trainer is None:
            data = fit_dtype(model, data[0]), data[1]
        return spoil(self.attack, self, data, lambda: model)

    def evaluate(self, model: nn.Module, seat: int | None = None) -> dict[str, float]:
        """The task's figures, then the attack's, where there are held-out examples to measure it on."""
        figures, test_set = super().evaluate(model, seat), getattr(self.definition, "test_set", None)
        if not self.measured.has_figures or test_set is None:
            return figures
        with self.run_user_code("the model on test_set()"):
            x, y = test_set()
            return {**figures, **self.measured.figures(x, y, lambda stamped: answer_of(model, stamped).argmax(1))}


@dataclass(frozen=True)
class SpoiledTraining:
    """Private training that is charged as agreed, and done as an attack has it."""

    training: PrivateTraining
    """The one agreed on."""
    attack: Attack
    """What is done instead."""

    def begin(self, round_number: int, examples: int) -> Privacy | None:
        """The means of a round; None where the budget lacks it."""
        agreed = self.training.begin(round_number, examples)
        if agreed is None:
            return None
        return Privacy(self.attack.mechanism(agreed.mechanism, round_number), SystemRandomness())


class Plugged(Behaviour):
    """A peer's behaviour that is an attack's. measured: the attack whose figures it reports."""

    def __init__(self, attack: Attack, measured: Attack) -> None:
        self._attack, self._measured = attack, measured
        self._peer: SeatedPeer | None = None
        self._collusion: Collusion | None = None
        self._known: KnownStates = NOTHING_KNOWN

    @property
    def is_unreadable(self) -> bool:
        return self._attack.is_unreadable

    def train_on(self, task: Task) -> Task:
        if not (self._attack.poisons_data or self._measured.has_figures):
            return task
        given = {one.name: getattr(task, one.name) for one in fields(task)}
        return SpoiledTask(**given, attack=self._attack, measured=self._measured)

    def train_privately(self, training: PrivateTraining) -> PrivateTraining:
        return SpoiledTraining(training, self._attack)

    def enter(self, peer: SeatedPeer) -> None:
        self._peer, self._known, self._collusion = peer, NOTHING_KNOWN, None
        if self._attack.spies:
            allies = (peer.seat, *self._attack.accomplices)
            network = peer.network.domain_separator
            self._collusion = Collusion(peer.history, network, allies, peer.genesis, peer.fetch)

    async def before_update(self, number: int) -> None:
        if self._collusion is not None:
            self._known = await self._collusion.look(number)

    def update(self, trained: TrainedUpdate) -> Vector:
        return self._attack.publish(make_view(trained, self._known, self._attack.accomplices))

    def blob(self, blob: bytes, limit: int, round_number: int, rng: np.random.Generator) -> bytes:
        return self._attack.blob(blob, limit, round_number, rng)

    def serves(self, digest: bytes) -> bool:
        return self._attack.serves(digest)

    def after_announcing(self, number: int, digest: bytes) -> None:
        other = self._attack.also_announces(digest)
        if other is not None and self._peer is not None:
            announce_another(self._peer.gossip, self._peer.network, self._peer.key, number, other)

    def judges_instead(
        self, network: bytes, sitting: JudgeRound, author: bytes, digest: bytes, carried: CarriedState
    ) -> RoundVerdicts | None:
        if not self.is_unreadable:
            return None
        return make_empty_verdicts(network, sitting, author, digest, carried)

    def verdicts(self, judged: int, accepted: int) -> int:
        return self._attack.verdicts(judged, accepted)

    def answers(self, answer: Answer, *, is_own: bool) -> Answer:
        return self._attack.answers(answer, is_own=is_own)


def make_view(trained: TrainedUpdate, known: KnownStates, accomplices: tuple[int, ...]) -> PeerView:
    """What an attack looks at when it publishes. accomplices: all seats that collude, or none."""
    manifest, seat = trained.manifest, trained.seat
    return PeerView(
        round=trained.round,
        rounds=manifest.rounds,
        seat=seat,
        base=trained.base,
        trained=trained.state,
        rng=trained.rng,
        honest=known.honest,
        bases=known.bases,
        accomplices={seat: trained.state},
        colluders=accomplices or (seat,),
        peers=known.peers,
        rule=find_rule(manifest),
        degree=manifest.degree,
        memories=known.memories,
        privacy=manifest.privacy,
        layout=manifest.layout,
        # Public, and alike for all who collude.
        seed=int.from_bytes(trained.network[:8], "little"),
        noise_variance=None if manifest.privacy is None else manifest.privacy.compute_noise_variance(),
    )
