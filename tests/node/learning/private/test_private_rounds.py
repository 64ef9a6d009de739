"""A trainer in a circle with differential privacy: its noise is its own, what cannot be trained so is refused."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from ledger.errors import SetupError
from node.learning.private.mechanism import Mechanism, Privacy
from node.learning.private.randomness import SystemRandomness
from node.learning.template import Template
from node.learning.training import Trainer
from node.tasks.interface import Task, load_task

Examples = tuple[torch.Tensor, torch.Tensor]


class Means:
    """Hands out rounds until `rounds` are spent. begun: the round and examples of each."""

    def __init__(self, rounds: int = 9) -> None:
        self.rounds, self.begun = rounds, [(0, 0)][:0]

    def begin(self, round_number: int, examples: int) -> Privacy | None:
        if len(self.begun) == self.rounds:
            return None
        self.begun.append((round_number, examples))
        rate = min(Fraction(1), Fraction(8, examples))
        return Privacy(Mechanism(2, 8, rate, 1.0, 1.0, 0.5, examples), SystemRandomness())


class Points:
    def model(self) -> nn.Module:
        return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))

    def data(self, seat: int, seats: int) -> Examples:
        return torch.randn(20, 4, generator=torch.Generator().manual_seed(seat)), torch.arange(20) % 2


class Batches(Points):
    def model(self) -> nn.Module:
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))


class Running(Points):
    def model(self) -> nn.Module:
        return nn.Sequential(
            nn.Unflatten(1, (2, 2)), nn.InstanceNorm1d(2, track_running_stats=True), nn.Flatten(), nn.Linear(4, 2)
        )


class SharedBuffer(Points):
    shared = ("*",)

    def model(self) -> nn.Module:
        model = super().model()
        model.register_buffer("means", torch.zeros(4))
        return model


class Counting(Points):
    """A buffer that no one shares, and that forward() changes."""

    class Layer(nn.Linear):
        seen: torch.Tensor

        def __init__(self) -> None:
            super().__init__(4, 2)
            self.register_buffer("seen", torch.zeros(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen += x.detach().sum(0)
            return super().forward(x)

    def model(self) -> nn.Module:
        return self.Layer()


class Complex(Points):
    def model(self) -> nn.Module:
        model = super().model()
        model.register_parameter("phase", nn.Parameter(torch.zeros(2, dtype=torch.complex64)))
        return model


class OwnTraining(Points):
    def train(self, model: nn.Module, data: Examples, *, round: int, seed: int) -> None:
        pass


class Forgetful(Points):
    def train(
        self, model: nn.Module, data: Examples, *, round: int, seed: int, privacy: Privacy | None = None
    ) -> None:
        pass


class Careful(Points):
    """given: what its train() was given."""

    given: object = None

    def train(
        self, model: nn.Module, data: Examples, *, round: int, seed: int, privacy: Privacy | None = None
    ) -> None:
        Careful.given = privacy
        if privacy is not None:
            privacy.sgd(model, lambda m, x, y: nn.functional.cross_entropy(m(x), y, reduction="none"), data)


def trainer_of(kind: type, means: Means | None) -> Trainer:
    task = Task(kind.__name__, kind())
    return Trainer(task, Template.of(task, 1).layout, seat=0, seats=2, seed=1, private=means)


@pytest.mark.parametrize("kind", [Points, Careful])
def test_two_runs_with_one_seed_give_different_states(kind: type) -> None:
    """The seed is public: whatever follows from it hides nothing."""
    one, other = (trainer_of(kind, Means()) for _ in range(2))
    base = one.make_initial()
    assert np.array_equal(base, other.make_initial())
    first, second = one.train(base, 1), other.train(base, 1)
    assert not np.isclose(first, second).any()
    assert not np.isclose(first, one.train(base, 1)).any()


def test_a_round_is_asked_for_with_the_number_of_examples() -> None:
    means = Means()
    trainer_of(Points, means).train(trainer_of(Points, None).make_initial(), 3)
    assert means.begun == [(3, 20)]


def test_a_peer_whose_budget_is_spent_gives_its_base_back() -> None:
    trainer = trainer_of(Points, Means(1))
    base = trainer.make_initial()
    assert not np.array_equal(trainer.train(base, 1), base)
    assert np.array_equal(trainer.train(base, 2), base)


def test_elsewhere_a_task_is_told_that_there_is_no_privacy() -> None:
    trainer = trainer_of(Careful, None)
    Careful.given = "nothing yet"
    trainer.train(trainer.make_initial(), 1)
    assert Careful.given is None


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Batches, "1 is a BatchNorm1d, which mixes examples"),
        (Running, "1 is a InstanceNorm1d, which mixes examples"),
        (SharedBuffer, "means is shared and no gradient trains it"),
        (Complex, "phase is complex"),
        (OwnTraining, "which takes no `privacy`"),
    ],
)
def test_what_would_tell_more_than_noisy_sums_is_refused(kind: type, reason: str) -> None:
    with pytest.raises(SetupError, match=reason):
        trainer_of(kind, Means())
    trainer_of(kind, None)


@pytest.mark.parametrize(
    ("kind", "reason"), [(Counting, "changed the buffer seen"), (Forgetful, "took `privacy` and no noise of it")]
)
def test_what_training_did_beside_the_mechanism_is_refused(kind: type, reason: str) -> None:
    trainer = trainer_of(kind, Means())
    with pytest.raises(SetupError, match=reason):
        trainer.train(trainer.make_initial(), 1)


@pytest.mark.parametrize("name", ["digits", "breast-cancer", "python-code"])
def test_the_tasks_that_ship_learn_privately(name: str) -> None:
    task = load_task(name, skew=0.0, seed=0, samples=30)
    trainer = Trainer(task, Template.of(task, 1).layout, seat=0, seats=2, seed=1, private=Means())
    base = trainer.make_initial()
    assert np.isfinite(trainer.train(base, 1)).all()
