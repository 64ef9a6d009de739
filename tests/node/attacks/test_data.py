"""Spoiled data: what it looks like, and what a model learns from it."""

import numpy as np
import pytest
import torch

from ledger.errors import UsageError
from node.attacks import choose_attack
from node.attacks.attack import Attack
from node.attacks.plugged import plug_in
from node.learning.training import Trainer, layout_of
from node.tasks.interface import load_task
from tests.support.sights import BASE, TRAINED, chosen, sight

POISONS = ["label-flip", "feature-noise", "backdoor"]


def trained_on(attack: str, rounds: int = 3, **parameters: float) -> dict[str, float]:
    task = load_task("digits", skew=0.0, seed=1, samples=1000)
    spoiled = plug_in(choose_attack(attack, parameters)).train_on(task)
    poisoner = Trainer(spoiled, layout_of(task.model()), seat=0, seats=1, seed=1)
    state = poisoner.make_initial()
    for round in range(rounds):
        state = poisoner.train(state, round)
    return poisoner.evaluate(state)


def test_label_flip_turns_the_labels_round() -> None:
    x, y = choose_attack("label-flip").data((np.ones(3), np.array([0, 4, 9])), 10)
    assert y.tolist() == [9, 5, 0]
    assert x.sum() == 3


@pytest.mark.parametrize("name", POISONS)
def test_poisoned_data_has_examples_and_labels(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} needs"):
        choose_attack(name).data("text", 10)


@pytest.mark.parametrize("name", ["feature-noise", "backdoor"])
def test_token_numbers_take_no_noise_and_no_mark(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} needs"):
        choose_attack(name).data((torch.zeros(4, 8, dtype=torch.int64), torch.zeros(4, dtype=torch.int64)), 10)


@pytest.mark.parametrize("name", POISONS)
def test_poisoned_tensors_are_tensors_of_their_type_and_the_originals_are_left(name: str) -> None:
    x, y = torch.rand(20, 16), torch.arange(20) % 10
    kept = x.clone(), y.clone()
    spoiled_x, spoiled_y = choose_attack(name).data((x, y), 10)
    assert (spoiled_x.dtype, spoiled_y.dtype) == (x.dtype, y.dtype)
    assert spoiled_x.shape == x.shape
    assert torch.equal(x, kept[0])
    assert torch.equal(y, kept[1])


def test_feature_noise_has_the_deviation_asked_for() -> None:
    x = np.random.default_rng(1).normal(0, 2, size=(500, 20)).astype(np.float32)
    noisy, _ = choose_attack("feature-noise", {"deviation": 3}).data((x, np.zeros(500, np.int64)), 10)
    assert float((noisy - x).std()) == pytest.approx(6.0, rel=0.05)


@pytest.mark.parametrize("shape", [(4, 36), (4, 6, 6), (4, 1, 6, 6)])
def test_a_trigger_is_a_patch_in_an_images_last_corner(shape: tuple[int, ...]) -> None:
    stamped = chosen("backdoor", {"size": 2}).stamp(np.zeros(shape, np.float32), 1.0).reshape(4, 6, 6)
    assert stamped[:, 4:, 4:].all()
    assert stamped.sum() == 4 * 4


def test_where_there_is_no_image_the_last_values_are_the_trigger() -> None:
    stamped = chosen("backdoor").stamp(np.zeros((2, 30), np.float32), 1.0)
    assert stamped[:, -3:].all()
    assert stamped.sum() == 2 * 3


def test_a_share_of_the_examples_is_marked_and_named_the_target_evenly_over_all() -> None:
    x, y = np.random.default_rng(0).random((100, 16), np.float32), np.full(100, 5)
    marked, labels = choose_attack("backdoor", {"share": 0.25, "target": 7}).data((x, y), 10)
    rows = np.flatnonzero(labels == 7)
    assert len(rows) == 25
    assert np.diff(rows).tolist() == [4] * 24
    assert ((marked != x).any(axis=1).nonzero()[0] == rows).all()


def test_the_boost_lengthens_the_step() -> None:
    published = choose_attack("backdoor", {"boost": 4}).publish(sight())
    assert np.allclose(published, BASE + 4 * (TRAINED - BASE))


def test_label_flip_reaches_the_training() -> None:
    assert trained_on("label-flip")["accuracy"] < 0.1


def test_a_backdoor_is_learned_beside_the_task() -> None:
    figures = trained_on("backdoor", rounds=6, target=3)
    assert figures["accuracy"] > 0.85
    assert figures["backdoor"] > 0.9


def test_an_honest_peer_that_watches_reports_the_figure_of_a_model_without_backdoor() -> None:
    task = load_task("digits", skew=0.0, seed=1, samples=1000)
    watching = plug_in(Attack(), watched=choose_attack("backdoor", {"target": 3}))
    peer = Trainer(watching.train_on(task), layout_of(task.model()), seat=0, seats=1, seed=1)
    figures = peer.evaluate(peer.train(peer.make_initial(), 0))
    assert figures["backdoor"] < 0.5
    unwatched = Trainer(task, layout_of(task.model()), seat=0, seats=1, seed=1)
    assert "backdoor" not in unwatched.evaluate(unwatched.make_initial())
