"""The work of a round that goes peer by peer: here in this process; node.simulator.ray_engine spreads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from ledger.circle.manifest import Manifest
from ledger.codec import PLAIN, blocks_of, quantise
from ledger.judging.frame_chains import CircleTask, StateCache
from node.learning.layout import Vector
from node.learning.lean import Corrected
from node.learning.private_part import PrivatePart
from node.learning.training import make_initial_state
from node.own_rules import choose_rule
from node.simulator.attackers import make_attack, make_behaviours
from node.simulator.blobs import make_manifest, make_network
from node.simulator.judging import JudgeTurn, Loss, SharedRound, TurnVerdicts, judge_blobs, judge_states
from node.simulator.learning import GROUP, GridStates, Matrix, PeersTraining, TrainedModel
from node.simulator.publishing import PublishedFrame, Reference, publish
from node.simulator.scenario import Scenario


@dataclass(frozen=True)
class PreparedPeer:
    """What an honest peer made of a round."""

    frame: PublishedFrame | None
    """What it publishes; None where training diverged."""
    trained: TrainedModel
    """What training gave."""


class Engine(Protocol):
    """Where peers' work is done. Every engine gives the same results to the bit."""

    batch: int
    """How many peers are best prepared by one call, a multiple of GROUP."""

    @property
    def manifest(self) -> Manifest:
        """What a circle of this scenario would have agreed on."""
        ...

    @property
    def told_figures(self) -> Mapping[str, str]:
        """What the task says of its figures: whether `higher` or `lower` is better."""
        ...

    @property
    def corrected(self) -> Corrected:
        """What of its lean a peer's training corrects."""
        ...

    def initial(self, seed: int) -> Vector:
        """An untrained model, (d,), float32, in the manifest's units."""
        ...

    def prepare(
        self,
        number: int,
        seats: Sequence[int],
        bases: GridStates,
        kept: Sequence[PrivatePart],
        residuals: Matrix | None,
        references: Sequence[Reference | None],
        corrections: Sequence[Vector | None],
    ) -> list[PreparedPeer]:
        """Train honest peers and encode.

        bases: (seats, d), int32; kept: a private part a seat; residuals: (seats, d), float32; references: one a
        seat; corrections: what each training moves by beside its gradients, (d,), float32.
        """
        ...

    def train(
        self,
        number: int,
        seats: Sequence[int],
        bases: GridStates,
        kept: Sequence[PrivatePart],
        corrections: Sequence[Vector | None],
    ) -> list[TrainedModel]:
        """Train alone, for those that publish something else."""
        ...

    def screen(self, exchange: SharedRound, turns: Sequence[JudgeTurn]) -> list[TurnVerdicts]:
        """All judges' verdicts."""
        ...

    def evaluate(
        self, number: int, seats: Sequence[int], states: GridStates, kept: Sequence[PrivatePart]
    ) -> list[dict[str, float]]:
        """Each seat's figures after a round. states: (seats, d), int32. kept: their private parts."""
        ...


class LocalEngine:
    """All work in this process."""

    batch = GROUP

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._rule = choose_rule(scenario.rule, scenario.rule_parameters)
        self._attack = make_attack(scenario)
        self._network = make_network(scenario)
        self._school = PeersTraining(scenario, make_behaviours(scenario))

    @cached_property
    def manifest(self) -> Manifest:
        """What a circle of this scenario would have agreed on."""
        return make_manifest(self._scenario, self._school.template, self._rule)

    @property
    def told_figures(self) -> Mapping[str, str]:
        """What the task says of its figures."""
        return self._school.task.told_figures

    @property
    def corrected(self) -> Corrected:
        """What of its lean a peer's training corrects."""
        return self._school.corrected

    @cached_property
    def _decoded(self) -> StateCache:
        """The states last decoded from blobs."""
        initial = self.initial(self._scenario.seed)
        return StateCache(quantise(initial, blocks_of(self.manifest.sizes), PLAIN).state)

    def initial(self, seed: int) -> Vector:
        return make_initial_state(self._school.task, seed, self._school.layout)

    def prepare(
        self,
        number: int,
        seats: Sequence[int],
        bases: GridStates,
        kept: Sequence[PrivatePart],
        residuals: Matrix | None,
        references: Sequence[Reference | None],
        corrections: Sequence[Vector | None],
    ) -> list[PreparedPeer]:
        trained = self.train(number, seats, bases, kept, corrections)
        codec, layout, share = self._scenario.codec, self._school.layout, self._scenario.frame_share
        left = [None] * len(seats) if residuals is None else list(residuals)
        is_private = bool(self._scenario.privacy)
        return [
            PreparedPeer(publish(one.state, residual, codec, layout, reference, share, is_private=is_private), one)
            for one, residual, reference in zip(trained, left, references, strict=True)
        ]

    def train(
        self,
        number: int,
        seats: Sequence[int],
        bases: GridStates,
        kept: Sequence[PrivatePart],
        corrections: Sequence[Vector | None],
    ) -> list[TrainedModel]:
        trained: list[TrainedModel] = []
        for start in range(0, len(seats), GROUP):
            some = slice(start, start + GROUP)
            trained += self._school.train(number, seats[some], bases[some], kept[some], corrections[some])
        return trained

    def screen(self, exchange: SharedRound, turns: Sequence[JudgeTurn]) -> list[TurnVerdicts]:
        return [self._judge(exchange, turn) for turn in turns]

    def evaluate(
        self, number: int, seats: Sequence[int], states: GridStates, kept: Sequence[PrivatePart]
    ) -> list[dict[str, float]]:
        return self._school.evaluate(number, seats, states, kept, self._attack)

    def _judge(self, exchange: SharedRound, turn: JudgeTurn) -> TurnVerdicts:
        loss: Loss | None = None
        if not self._rule.is_replayable:
            seat, number, kept = turn.seat, exchange.number, turn.private_part
            loss = lambda state: self._school.compute_loss(seat, number, state, kept)  # noqa: E731
        if not self._scenario.records:
            return judge_states(self._rule, exchange, turn, loss)
        return judge_blobs(CircleTask(self.manifest, self._network, self._decoded, loss), exchange, turn)
