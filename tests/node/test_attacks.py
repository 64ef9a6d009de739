"""What each attack does to an average, and what it leaves alone."""

import numpy as np
import pytest

from ledger.errors import UsageError
from node.tasks.interface import load_task
from node.testing.attacks import ATTACKS, Behaviour, behaviour
from node.training import Trainer, layout_of

BASE = np.array([1.0, 2.0, -3.0], np.float32)
TRAINED = np.array([1.5, 2.0, -4.0], np.float32)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def averaged_accuracy(attack: str | None, rounds: int = 8) -> float:
    """Plain averaging of eight peers on the digits, two of them attacking."""
    task = load_task("digits", skew=0.0, seed=1, samples=1000)
    layout = layout_of(task.model())
    behaviours = [behaviour(attack) if attack and seat < 2 else Behaviour() for seat in range(8)]
    peers = [Trainer(task, layout, seat=seat, seats=8, seed=1, behaviour=behaviours[seat]) for seat in range(8)]
    state, noise = peers[0].initial(), rng()
    for round in range(rounds):
        published = [behaviours[seat].publish(state, peers[seat].train(state, round), noise) for seat in range(8)]
        assert all(update.dtype == np.float32 for update in published)
        state = np.mean(published, axis=0, dtype=np.float32)
    return peers[0].evaluate(state)["accuracy"]


def test_an_honest_peer_changes_nothing():
    honest = behaviour("honest")
    assert honest.publish(BASE, TRAINED, rng()) is TRAINED
    assert honest.data("anything", 10) == "anything"
    assert honest.verdicts(0b1110, 0b0110) == 0b0110
    assert honest.serves(bytes(32))
    assert honest.also_announces(bytes(32)) is None


def test_every_attack_has_a_name_and_a_line_about_it():
    assert set(ATTACKS) == {"sign-flip", "label-flip", "gaussian", "false-verdict", "withhold", "equivocate"}
    assert all(behaviour(name).name == name and len(line) > 20 for name, line in ATTACKS.items())


def test_an_unknown_attack_is_a_usage_error_that_lists_them():
    with pytest.raises(UsageError, match=r"no attack is called 'dos': choose .*gaussian.*withhold"):
        behaviour("dos")


def test_sign_flip_publishes_the_step_reversed_and_lengthened():
    published = behaviour("sign-flip").publish(BASE, TRAINED, rng())
    assert np.allclose(published, BASE - 5 * (TRAINED - BASE))


def test_gaussian_adds_noise_from_the_given_generator():
    first, second = (behaviour("gaussian").publish(BASE, TRAINED, rng()) for _ in range(2))
    assert np.array_equal(first, second)
    noise = behaviour("gaussian").publish(np.zeros(10**5, np.float32), np.zeros(10**5, np.float32), rng())
    assert float(noise.std()) == pytest.approx(behaviour("gaussian").deviation, rel=0.02)


@pytest.mark.parametrize("name", ["sign-flip", "gaussian"])
def test_a_poisoner_left_to_itself_stays_finite(name):
    poisoner, state = behaviour(name), BASE
    for _ in range(200):
        state = poisoner.publish(state, state * np.float32(-20), rng())
    assert np.linalg.norm(state) <= 1000.1 * np.linalg.norm(BASE)


def test_label_flip_turns_the_labels_round():
    x, y = behaviour("label-flip").data((np.ones(3), np.array([0, 4, 9])), 10)
    assert y.tolist() == [9, 5, 0]
    assert x.sum() == 3


def test_label_flip_needs_labels():
    with pytest.raises(UsageError, match="label-flip needs"):
        behaviour("label-flip").data("text", 10)


def test_label_flip_reaches_the_training():
    task = load_task("digits", skew=0.0, seed=1, samples=1000)
    layout = layout_of(task.model())
    poisoner = Trainer(task, layout, seat=0, seats=1, seed=1, behaviour=behaviour("label-flip"))
    state = poisoner.initial()
    for round in range(3):
        state = poisoner.train(state, round)
    assert poisoner.evaluate(state)["accuracy"] < 0.1


def test_a_false_verdict_is_the_opposite_within_the_judged():
    assert behaviour("false-verdict").verdicts(0b1110, 0b0110) == 0b1000


def test_a_withholder_serves_nothing():
    assert not behaviour("withhold").serves(bytes(32))


def test_two_poisoners_in_eight_ruin_a_plain_average():
    honest = averaged_accuracy(None)
    assert honest > 0.9
    assert averaged_accuracy("sign-flip") < 0.3
    assert averaged_accuracy("gaussian") < honest - 0.1
    assert averaged_accuracy("label-flip") < honest - 0.015
