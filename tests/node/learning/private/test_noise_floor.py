"""No honest step lacks the noise in it, as the mechanism makes it and a frame rounds it."""

import numpy as np
import pytest

from ledger.arithmetic.exact import GridState, to_float
from ledger.audit.noise_checks import Fault, NoiseChecks
from ledger.audit.shared_steps import EveryonesSteps, draw_shared_places, show_step
from ledger.audit.step_noise import MeasuredStep, StepNoise
from ledger.codec import PLAIN, frame_steps, quantise
from ledger.privacy.planning import parse_privacy_terms
from node.learning.layout import Vector, layout_of
from node.learning.private.budget import UnchargedTraining
from node.learning.training import Trainer
from node.tasks.interface import load_task
from tests.support.histories.parts import manifest_of

pytestmark = pytest.mark.rule("R22.3")

SEATS, ROUNDS, SAMPLES = 4, 30, 100


def measured_steps(terms_text: str) -> tuple[list[StepNoise | None], list[Fault]]:
    """Of four peers that mix all of their states, thirty rounds long, with what a frame leaves over.

    Returns each step's noise, and whatever is found.
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
    measured: list[StepNoise | None] = []
    found: list[Fault | None] = []
    checks, variance = (
        NoiseChecks(manifest_of(ROUNDS, layout=layout.tensors), SEATS),
        terms.compute_noise_variance(),
    )
    everyones, places = EveryonesSteps(), draw_shared_places(layout.blocks, 0)
    for number in range(1, ROUNDS + 1):
        states = []
        for seat, peer in enumerate(peers):
            wanted = peer.train(to_float(base), number) + left_over[seat]
            state = quantise(wanted, layout.blocks, PLAIN).state
            left_over[seat] = wanted - to_float(state)
            steps = frame_steps(to_float(state), layout.blocks)[layout.blocks.ends - 1]
            step = MeasuredStep(state, base, steps, layout.tensors, layout.blocks, variance)
            measured.append(step.sums.measure())
            found.append(checks.check((seat, 1), number, step))
            assert everyones.check(number, seat, show_step(step, places, is_named=False)) is None
            states.append(state)
        base = np.mean(states, axis=0).astype(np.int32)
    return measured, [one for one in found if one is not None]


@pytest.mark.parametrize("terms", ["epsilon=8", "epsilon=2,steps=8", "epsilon=8,lr=4"])
def test_more_than_a_hundred_honest_steps_of_a_small_model_hold_their_noise(terms: str) -> None:
    measured, found = measured_steps(terms)
    assert len(measured) == SEATS * ROUNDS
    assert all(one is not None and not one.is_too_small for one in measured)
    assert found == []


def test_where_rounding_would_swallow_the_noise_nobody_is_measured() -> None:
    measured, found = measured_steps("epsilon=8,lr=0.002")
    assert set(measured) == {None}
    assert found == []
