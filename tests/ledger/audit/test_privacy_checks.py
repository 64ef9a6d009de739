"""A12: statements go on, and who claims noise and adds none is named."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.arithmetic.exact import to_float
from ledger.audit.findings import Check, Report
from ledger.audit.privacy_checks import REFUTES, StepNoise, measure_noise
from ledger.circle.manifest import Tensor
from ledger.judging.noise_floor import NOISE_FLOOR
from tests.support.histories.circles import PARAMETERS
from tests.support.histories.private_circles import NOISE, Private, audited, private_circle

pytestmark = [pytest.mark.rule("R22.3"), pytest.mark.rule("R30.4")]


def named(report: Report) -> list[tuple[str, int | None, int | None]]:
    return [(finding.check.value, finding.round, finding.seat) for finding in report.findings]


def test_a_hundred_honest_updates_have_no_finding_and_each_is_told_of() -> None:
    report = audited(private_circle(rounds=20))
    assert report.clean
    assert report.examined[Check.PRIVACY] == len(report.privacy) == 100
    shares = [line.noise_milli for line in report.privacy if line.noise_milli is not None]
    assert len(shares) == 100
    # Rounding to eight bits adds to it; with 5,000 values of this size, up to a half.
    assert 950 < min(shares) <= max(shares) < 1600
    assert report.notes == [REFUTES]


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_who_says_noise_and_adds_less_is_named_in_every_round_it_does(noise: float) -> None:
    report = audited(private_circle(Private(3, noise=noise)))
    assert named(report) == [("A12", number, 3) for number in (1, 2, 3)]
    assert all("smaller than the noise" in finding.fact for finding in report.findings)
    assert all(float(finding.evidence["share_of_noise"]) < NOISE_FLOOR for finding in report.findings)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({2: {"rounds": 1}}, "charged for 1 rounds before and for 1 since, and says 1"),
        ({2: {"rounds": 4}, 3: {"rounds": 5}}, "and says 4"),
        ({2: {"examples": 2000}, 3: {"examples": 2000}}, "before, now"),
    ],
)
def test_a_statement_that_does_not_follow_from_the_one_before_names_its_author(
    changes: dict[int, dict[str, Any]], says: str
) -> None:
    report = audited(private_circle(Private(3, changes=changes)))
    assert named(report)[0] == ("A12", 2, 3)
    assert says in report.findings[0].fact
    assert {finding.seat for finding in report.findings} == {3}


def test_who_spent_more_than_it_published_and_who_pauses_are_no_finding() -> None:
    crashed = {2: {"rounds": 3, "charged": 2}, 3: {"rounds": 4}}
    assert audited(private_circle(Private(3, changes=crashed))).clean
    paused = {2: {"rounds": 1, "charged": 0}, 3: {"rounds": 1, "charged": 0}}
    report = audited(private_circle(Private(3, changes=paused)))
    assert report.clean
    assert [line.rounds for line in report.privacy if line.seat == 3] == [1, 1, 1]


def test_who_trains_without_being_charged_from_the_first_is_named_at_once() -> None:
    class Uncounted(Private):
        def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
            return super().trained(number, base) + np.float32(0.3 * (number == 1))

    never = {number: {"rounds": 0, "charged": 0} for number in (1, 2, 3)}
    report = audited(private_circle(Uncounted(3, changes=never)))
    assert named(report) == [("A12", 1, 3)]
    assert audited(private_circle(Private(3, changes=never))).clean


def test_who_trains_without_being_charged_is_named() -> None:
    class Unaccounted(Private):
        def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
            return super().trained(number, base) + np.float32(0.3 * (number > 1))

    uncharged = {2: {"rounds": 1, "charged": 0}, 3: {"rounds": 1, "charged": 0}}
    report = audited(private_circle(Unaccounted(3, changes=uncharged)))
    assert named(report) == [("A12", 2, 3), ("A12", 3, 3)]
    assert "was not charged, and published another state" in report.findings[0].fact


@pytest.mark.parametrize("kept", [slice(4096), slice(4096, None), slice(1)])
def test_much_noise_in_one_part_makes_up_for_none_in_another(kept: slice) -> None:
    class Lopsided(Private):
        def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
            vector = to_float(base)
            there = np.zeros_like(vector)
            there[kept] = np.random.default_rng(number).normal(size=PARAMETERS)[kept] + (kept.stop == 1)
            # As long as the noise of the whole, and a tenth more.
            return vector + there * np.float32(1.1 * NOISE * PARAMETERS**0.5 / np.linalg.norm(there))

    report = audited(private_circle(Lopsided(3)))
    assert named(report) == [("A12", number, 3) for number in (1, 2, 3)]
    assert {finding.fact for finding in report.findings} == {
        "a part of its step is smaller than the noise that it must hold"
    }
    assert report.findings[0].evidence["blocks"] == "1 of 2"
    shares = [line.noise_milli for line in report.privacy if line.seat == 3]
    assert all(share is not None and share > 1000 for share in shares)


def test_who_adds_the_same_noise_again_is_named_from_the_second_time_on() -> None:
    class Repeating(Private):
        def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
            noise: NDArray[np.float32] = np.random.default_rng(5).normal(size=PARAMETERS).astype(np.float32)
            return to_float(base) + np.float32(NOISE) * noise

    report = audited(private_circle(Repeating(3), rounds=4))
    assert named(report) == [("A12", number, 3) for number in (2, 3, 4)]
    assert {finding.fact for finding in report.findings} == {
        "its noise is not drawn anew: its step is too near to the one before"
    }


def test_the_share_of_noise_is_reckoned_in_the_models_own_units() -> None:
    layout = (Tensor("a", (2,), 0), Tensor("b", (2,), 3))
    base, steps = np.zeros(4, np.int32), np.ones(4, np.int32)
    state = np.array([1 << 16, 0, 0, 1 << 16], np.int32)
    measured = measure_noise(state, base, steps, layout, Fraction(1, 4))
    assert measured == StepNoise(Fraction(1 + 64, 4) / Fraction(1, 4), 4)


@pytest.mark.parametrize("values", [10, 105, 530, 5000])
def test_chance_accuses_nobody_however_few_values_there_are(values: int) -> None:
    noise = np.random.default_rng(values).normal(size=(2000, values))
    measured = [StepNoise(Fraction(ratio), values) for ratio in (noise**2).mean(1)]
    assert not any(one.is_too_small for one in measured)
    assert all(one.ratio > one.least for one in measured)


@pytest.mark.parametrize(("values", "share", "is_named"), [(530, 0.5, True), (530, 0.8, False), (10, 0.0, False)])
def test_fewer_values_take_more_to_accuse(values: int, share: float, is_named: bool) -> None:
    assert StepNoise(Fraction(share**2), values).is_too_small == is_named


def test_noise_that_rounding_swallows_is_measured_nowhere() -> None:
    """A base on the frame's own grid, as the genesis is, hides what is less than half a step."""
    step, size = 1 << 6, 5000
    layout, steps = (Tensor("a", (size,), 0),), np.full(size, step, np.int32)
    rng = np.random.default_rng(0)
    base = step * rng.integers(-100, 100, size).astype(np.int32)

    def measured(deviation: float) -> StepNoise | None:
        """deviation: of the noise, in steps."""
        noise = deviation * rng.normal(size=size)
        state = base + step * np.rint(noise).astype(np.int32)
        return measure_noise(state, base, steps, layout, Fraction(deviation * step / (1 << 16)) ** 2)

    assert measured(0.2) is None
    for deviation in (0.34, 0.5, 1.0, 3.0):
        found = measured(deviation)
        assert found is not None
        assert found.ratio > 0.95
