"""Training many perceptrons at once is the training of each one."""

import numpy as np
import pytest
import torch
from torch import nn

from ledger.codec import PLAIN, quantise
from node.attacks.attack import Attack
from node.learning.layout import Layout
from node.learning.training import Trainer, layout_of, make_initial_state
from node.simulator.learning import PeersTraining
from node.simulator.scenario import Scenario
from node.simulator.stacked_perceptrons import can_stack, stack_perceptrons

SCENARIO = Scenario(task="digits", peers=5, samples=50, skew=0.5, test_examples=None, options={"batch_size": 7})


def test_stacked_training_is_the_trainers_but_for_rounding() -> None:
    school = PeersTraining(SCENARIO, {})
    base = quantise(make_initial_state(school.task, 0), school.layout.blocks, PLAIN).state
    corrections = [None, np.linspace(-1e-2, 1e-2, base.size, dtype=np.float32), None]
    trained = school.train(3, [0, 2, 4], np.stack([base] * 3), [{}] * 3, corrections)
    for place, seat in enumerate([0, 2, 4]):
        trainer = Trainer(school.task, school.layout, seat=seat, seats=5, seed=0)
        alone = trainer.train(np.ldexp(base.astype(np.float32), -16), 3, corrections[place])
        np.testing.assert_allclose(trained[place].state, alone, atol=2e-6)
        assert np.abs(alone - np.ldexp(base.astype(np.float32), -16)).max() > 0.01


def test_stacked_evaluation_is_the_tasks_own() -> None:
    school = PeersTraining(SCENARIO, {})
    blocks = school.layout.blocks
    states = np.stack([quantise(make_initial_state(school.task, seed), blocks, PLAIN).state for seed in range(10)])
    trainer = Trainer(school.task, school.layout, seat=0, seats=5, seed=0)
    for state, figures in zip(states, school.evaluate(1, [0] * 10, states, [{}] * 10, Attack()), strict=True):
        assert figures == pytest.approx(trainer.evaluate(np.ldexp(state.astype(np.float32), -16)))


def test_the_private_loss_is_the_trainers_but_for_rounding() -> None:
    school = PeersTraining(SCENARIO, {})
    state = quantise(make_initial_state(school.task, 0), school.layout.blocks, PLAIN).state
    trainer = Trainer(school.task, school.layout, seat=1, seats=5, seed=0)
    assert school.compute_loss(1, 1, state, {}) == pytest.approx(
        trainer.compute_loss(np.ldexp(state.astype(np.float32), -16))
    )


@pytest.mark.parametrize(
    "model",
    [
        nn.Linear(4, 2),
        nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)),
        nn.Sequential(nn.Linear(4, 3), nn.ReLU()),
        nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2)),
        nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Dropout(), nn.Linear(3, 2)),
    ],
)
def test_other_models_are_left_to_the_trainer(model: nn.Module) -> None:
    assert stack_perceptrons(model, layout_of(model)) is None


def test_a_frozen_layer_is_left_to_the_trainer() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    model[0].weight.requires_grad = False
    assert stack_perceptrons(model, layout_of(model)) is None


def test_every_layer_is_found_in_the_flat_vector() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    layout: Layout = layout_of(model)
    found = stack_perceptrons(model, layout)
    assert found is not None
    # In name order: 0.bias (3), 0.weight (12), 2.bias (2), 2.weight (6).
    assert found.weights == ((3, 3, 4), (17, 2, 3))
    assert found.biases == (0, 15)


def test_data_of_different_sizes_are_not_stacked() -> None:
    pair, longer = (torch.zeros(3, 4), torch.zeros(3).long()), (torch.zeros(4, 4), torch.zeros(4).long())
    assert can_stack([pair, pair])
    assert not can_stack([pair, longer])
    assert not can_stack([(torch.zeros(3, 4), torch.zeros(3))])
    assert not can_stack([["anything"]])
