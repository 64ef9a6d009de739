"""No honest step is too small for the noise in it, as the mechanism makes it and a frame rounds it."""

import numpy as np
import pytest

from ledger.arithmetic.exact import GridState, to_float
from ledger.audit.privacy_checks import SampledStep, StepNoise, measure_noise
from ledger.codec import PLAIN, frame_steps, quantise
from ledger.privacy.planning import parse_privacy_terms
from node.learning.layout import Vector, layout_of
from node.learning.private.budget import UnchargedTraining
from node.learning.training import Trainer
from node.tasks.interface import load_task

pytestmark = pytest.mark.rule("R22.3")

SEATS, ROUNDS, SAMPLES = 4, 30, 100


def measured_steps(terms_text: str) -> tuple[list[StepNoise | None], list[StepNoise | None]]:
    """Of four peers that mix all of their states, thirty rounds long, with what a frame leaves over.

    Returns each step's noise, and that of each change from a step to the next.
    """
    task, terms = (
        load_task("breast-cancer", skew=0.2, seed=0, samples=SAMPLES),
        parse_privacy_terms(terms_text, ROUNDS, SAMPLES),
    )
    layout = layout_of(task.model())
    peers = [
        Trainer(task, layout, seat=seat, seats=SEATS, seed=0, private=UnchargedTraining(terms))
        for seat in range(SEATS)
    ]
    base: GridState = quantise(peers[0].make_initial(), layout.blocks, PLAIN).state
    left_over: list[Vector] = [np.zeros(base.size, np.float32) for _ in peers]
    found: list[StepNoise | None] = []
    changes: list[StepNoise | None] = []
    before: dict[int, SampledStep] = {}
    variance = terms.compute_noise_variance()
    for number in range(1, ROUNDS + 1):
        states = []
        for seat, peer in enumerate(peers):
            wanted = peer.train(to_float(base), number) + left_over[seat]
            state = quantise(wanted, layout.blocks, PLAIN).state
            left_over[seat] = wanted - to_float(state)
            steps = frame_steps(to_float(state), layout.blocks)
            found.append(measure_noise(state, base, steps, layout.tensors, variance))
            step = SampledStep(state - base, steps, variance)
            if seat in before:
                changes.append(step.measure_change(before[seat], layout.tensors))
            before[seat] = step
            states.append(state)
        base = np.mean(states, axis=0).astype(np.int32)
    return found, changes


@pytest.mark.parametrize("terms", ["epsilon=8", "epsilon=2,steps=8", "epsilon=8,lr=4"])
def test_more_than_a_hundred_honest_steps_of_a_small_model_hold_their_noise(terms: str) -> None:
    steps, changes = measured_steps(terms)
    assert len(steps) == SEATS * ROUNDS
    assert len(changes) == SEATS * (ROUNDS - 1)
    assert not any(one is None or one.is_too_small for one in [*steps, *changes])


def test_where_rounding_would_swallow_the_noise_nobody_is_measured() -> None:
    steps, changes = measured_steps("epsilon=8,lr=0.002")
    assert {*steps, *changes} == {None}
