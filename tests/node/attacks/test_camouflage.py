"""Camouflage is as long as an honest step, looks like noise, and pushes the same way in every round."""

import numpy as np
import pytest

from node.attacks.tuned import compute_typical_length
from node.attacks.view import PeerView
from tests.support.sights import chosen, sight

SIZE = 20_000


def noisy_round(number: int) -> PeerView:
    """Eight peers that learnt the same little and published it under noise."""
    random = np.random.default_rng(number)
    base = np.zeros(SIZE, np.float32)
    way = np.zeros(SIZE, np.float32)
    way[:100] = 1.0
    states = {seat: base + way + random.normal(0, 1, SIZE).astype(np.float32) for seat in range(8)}
    return sight(base, base, honest=states, bases=dict.fromkeys(states, base), round=number)


@pytest.mark.parametrize("part", [0.02, 0.2, 1.0])
def test_it_is_as_long_as_an_honest_step(part: float) -> None:
    seen = noisy_round(1)
    poison = chosen("camouflage", {"part": part}).publish(seen)
    assert np.linalg.norm(poison - seen.base) == pytest.approx(compute_typical_length(seen), rel=0.02)


def test_it_pushes_against_what_the_honest_learn_and_better_the_longer_it_looks() -> None:
    attack, found = chosen("camouflage", {"part": 0.5}), []
    for number in range(1, 13):
        seen = noisy_round(number)
        step = attack.publish(seen) - seen.base
        found.append(float(step[:100].mean()))
    assert all(value < 0 for value in found[1:])
    assert np.mean(found[6:]) < 1.5 * np.mean(found[:2])


def test_its_noise_is_another_in_each_peer_and_the_push_the_same() -> None:
    seen = noisy_round(1)
    one, other = (chosen("camouflage", {"part": part}).publish(seen) for part in (1.0, 1.0))
    assert one.tolist() == other.tolist()
    one, other = (
        chosen("camouflage", {"part": 0.2}).publish(
            sight(seen.base, seen.base, honest=seen.honest, bases=seen.bases, rng=np.random.default_rng(rank))
        )
        for rank in range(2)
    )
    alike = float(one @ other) / float(np.linalg.norm(one) * np.linalg.norm(other))
    assert alike == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("parameters", [{"part": 0.0}, {"part": 1.1}, {"length": 0.0}])
def test_what_makes_no_sense_is_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(Exception, match="camouflage"):
        chosen("camouflage", parameters)
