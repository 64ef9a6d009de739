"""What a single step shows of its noise, and that chance, rounding and the grid's edge accuse nobody."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.arithmetic.exact import GridState
from ledger.audit.gridded_noise import find_grid
from ledger.audit.noise_checks import RUN, NoiseChecks
from ledger.audit.shared_steps import EveryonesSteps, draw_shared_places, show_step
from ledger.audit.step_noise import MeasuredStep, StepNoise
from ledger.circle.manifest import Tensor
from ledger.codec import LARGEST, blocks_of
from tests.support.histories.parts import manifest_of

pytestmark = pytest.mark.rule("R22.3")

GRID = 1 << 16


def measure(
    state: GridState, base: GridState, step: int, variance: float | Fraction, *layout: Tensor
) -> MeasuredStep:
    """step: of all blocks' frames, grid units. layout: one tensor of all values where there is none."""
    tensors = layout or (Tensor("a", (len(state),), 0),)
    blocks = blocks_of(tuple(one.size for one in tensors))
    return MeasuredStep(state, base, np.full(blocks.count, step, np.int32), tensors, blocks, Fraction(variance))


def make_step(values: NDArray[np.float64], deviation: float = 0.1, step: int = 1) -> MeasuredStep:
    """A step from 0, of so many deviations each."""
    state = step * np.rint(values * deviation * GRID / step).astype(np.int32)
    return measure(state, np.zeros_like(state), step, deviation**2)


def test_the_share_of_noise_is_reckoned_in_the_models_own_units() -> None:
    layout = (Tensor("a", (2,), 0), Tensor("b", (2,), 3))
    state = np.array([1 << 16, 0, 0, 1 << 16], np.int32)
    step = measure(state, np.zeros(4, np.int32), 1, Fraction(1, 4), *layout)
    assert step.sums.measure() == StepNoise((1 + 64) / 4 * 4, 4)


@pytest.mark.parametrize("values", [10, 105, 530, 5000])
def test_chance_accuses_nobody_however_few_values_there_are(values: int) -> None:
    noise = np.random.default_rng(values).normal(size=(2000, values))
    measured = [StepNoise(float(ratio), values) for ratio in (noise**2).mean(1)]
    assert not any(one.is_too_small for one in measured)
    assert all(one.ratio > one.least for one in measured)


@pytest.mark.parametrize(("values", "share", "is_named"), [(530, 0.5, True), (530, 0.8, False), (10, 0.0, False)])
def test_fewer_values_take_more_to_accuse(values: int, share: float, *, is_named: bool) -> None:
    assert StepNoise(share**2, values).is_too_small == is_named


@pytest.mark.parametrize("deviation", [0.34, 0.5, 1.0, 3.0, 30.0])
def test_rounding_takes_no_noise_away_and_makes_none_look_like_a_grid(deviation: float) -> None:
    """deviation: in steps. A base on the frame's own grid hides what is less than half a step."""
    step, size = 1 << 6, 5000
    rng = np.random.default_rng(0)
    base = step * rng.integers(-100, 100, size).astype(np.int32)
    state = base + step * np.rint(deviation * rng.normal(size=size)).astype(np.int32)
    sums = measure(state, base, step, Fraction(deviation * step / GRID) ** 2).sums
    noise, spread = sums.measure(), sums.measure_spread()
    assert noise is not None
    assert noise.ratio > 0.95
    assert spread is not None
    assert not spread.is_too_narrow
    assert sums.find_narrow_blocks() == sums.find_lacking_blocks() == []


@pytest.mark.parametrize("width", [0.2, 0.5, 0.9, 1.3])
@pytest.mark.parametrize("frame", [1, 64])
def test_noise_on_a_grid_of_its_own_shows_whatever_training_adds_to_it(width: float, frame: int) -> None:
    """width: of the grid, in deviations. frame: between two codes, grid units; 64 of them are .01 deviations."""
    rng = np.random.default_rng(0)
    learnt = 0.05 * width * rng.normal(size=20_000)
    honest = rng.normal(size=20_000)
    assert find_grid(make_step(learnt + honest, step=frame), rng) is None
    found = find_grid(make_step(learnt + width * np.rint(honest / width), step=frame), rng)
    assert found is not None
    assert found.left > 0.7


@pytest.mark.parametrize("deviation", [0.34, 0.5, 1.0, 3.0, 30.0])
def test_the_grid_of_a_frame_is_nobodys_own(deviation: float) -> None:
    """deviation: in steps of the frame, on whose grid the base lies too."""
    step, size = 1 << 6, 5000
    rng = np.random.default_rng(0)
    base = step * rng.integers(-100, 100, size).astype(np.int32)
    for _ in range(20):
        state = base + step * np.rint(deviation * rng.normal(size=size)).astype(np.int32)
        assert find_grid(measure(state, base, step, Fraction(deviation * step / GRID) ** 2), rng) is None


def test_noise_that_rounding_swallows_is_measured_nowhere() -> None:
    step = make_step(np.random.default_rng(0).normal(size=5000), deviation=0.01, step=2048)
    assert step.sums.measure() is None
    assert step.sums.measure_spread() is None


def test_noise_that_the_grids_edge_cuts_off_is_not_asked_for() -> None:
    edge = int(LARGEST * GRID)
    base = np.full(5000, edge, np.int32)
    base[:1000] = 0
    pushed = base + np.rint(2 * GRID * np.random.default_rng(0).normal(size=5000)).astype(np.int32)
    step = measure(np.minimum(pushed, edge).astype(np.int32), base, 1, 4)
    noise = step.sums.measure()
    assert noise is not None
    assert noise.values == 1000
    assert not noise.is_too_small


def test_what_training_adds_to_noise_never_makes_it_look_less() -> None:
    rng = np.random.default_rng(0)
    for added in (0.0, 1.0, 30.0):
        for shape in (np.ones(5000), rng.normal(size=5000), np.arange(5000) % 2):
            sums = make_step(rng.normal(size=5000) + added * shape).sums
            spread = sums.measure_spread()
            assert spread is not None
            assert not spread.is_too_narrow
            assert sums.find_narrow_blocks() == sums.find_lacking_blocks() == []


@pytest.mark.parametrize("size", [12, 300, 5000])
def test_hundreds_of_honest_updates_raise_nothing(size: int) -> None:
    """Three authors; the same way in each step, small noise beside it, and units whose gradient is always 0."""
    layout = (Tensor("a", (4, size), 0), Tensor("b", (3,), 2))
    rng, d = np.random.default_rng(size), 4 * size + 3
    checks = NoiseChecks(manifest_of(1, layout=layout), 3, size)
    everyones, places = EveryonesSteps(), draw_shared_places(blocks_of((4 * size, 3)), size)
    way = np.where(np.arange(d) % 3, rng.normal(size=d), 0)
    for number in range(1, (400 if size < 5000 else 2 * RUN) // 3):
        for seat in range(3):
            base = rng.integers(-GRID, GRID, d).astype(np.int32)
            wanted = 0.1 * GRID * (rng.normal(size=d) + way * (1 + seat))
            state = base + np.rint(wanted / np.where(np.arange(d) < 4 * size, 1, 4)).astype(np.int32)
            step = measure(state, base, 64, 0.01, *layout)
            assert checks.check((seat, 1), number, step) is None
            assert everyones.check(number, seat, show_step(step, places, is_named=False)) is None
