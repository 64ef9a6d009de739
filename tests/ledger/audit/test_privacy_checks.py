"""A12: statements go on, and who claims noise and adds none is named."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ledger.arithmetic.exact import GRID_BITS, to_float
from ledger.audit.findings import Check, Report
from ledger.audit.privacy_checks import REFUTES
from ledger.codec import blocks_of, frame_steps
from ledger.judging.noise_floor import NOISE_FLOOR
from tests.support.histories.circles import PARAMETERS, Circle, hand_over
from tests.support.histories.private_circles import NOISE, Noisy, Private, audited, draw, private_circle

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


NOT_NEW = "its noise is not drawn anew: it lies in earlier steps"
NOT_SPREAD = "its step is not spread as noise must spread it"
TWICE = "its noise is not drawn for each value: it is twice in the step"


@pytest.mark.parametrize(
    ("noise", "fact", "rounds"),
    [
        (lambda _: draw(5), NOT_NEW, [2, 3, 4, 5]),
        (lambda number: draw(5 + number % 3), NOT_NEW, [4, 5]),
        (lambda number: draw(5 + number // 2) * (-1) ** number, NOT_NEW, [3, 5]),
        (lambda number: np.cos(number) * draw(5) + np.sin(number) * draw(6), NOT_NEW, [2, 3, 4, 5]),
        (lambda number: (draw(5) + draw(10 + number)) * 0.5**0.5, NOT_NEW, [2, 3, 4, 5]),
        (lambda number: np.sign(draw(number)), NOT_SPREAD, [1, 2, 3, 4, 5]),
        (lambda number: 2**0.5 * draw(number) * (np.arange(PARAMETERS) % 2), NOT_SPREAD, [1, 2, 3, 4, 5]),
        (lambda _: np.full(PARAMETERS, 1.2), NOT_SPREAD, [1, 2, 3, 4, 5]),
        (lambda number: np.resize(draw(number)[:1000], PARAMETERS), TWICE, [1, 2, 3, 4, 5]),
    ],
    ids=[
        "the same again", "the same after three rounds", "taken back in the next round", "made of two", "half new",
        "signs", "in every other value", "one number", "a part repeated",
    ],
)  # fmt: skip
def test_noise_that_hides_nothing_is_named_however_large_it_is(
    noise: Callable[[int], NDArray[np.float64]], fact: str, rounds: list[int]
) -> None:
    report = audited(private_circle(Noisy(3, noise), rounds=5, loud=True))
    assert named(report) == [("A12", number, 3) for number in rounds]
    assert {finding.fact.partition(", most")[0] for finding in report.findings} == {fact}


@pytest.mark.parametrize("back", [0, 1, 2])
def test_noise_taken_from_what_another_published_names_its_taker_and_from_whom(back: int) -> None:
    """Also of the same round, where two know each other's: then the later commit's author."""

    borrowing = Noisy(3, lambda number: draw(number, 3) if number <= back else draw(number - back, 1) + 0.1)
    report = audited(private_circle(borrowing, loud=True))
    assert named(report) == [("A12", number, 3) for number in range(1 + back, 4)]
    assert report.findings[0].fact == f"{NOT_NEW}, most of it in seat 1's of round 1"


@pytest.mark.parametrize(
    "noise",
    [
        lambda number: np.where(np.arange(PARAMETERS) % 5, draw(number) * 1.25**0.5, 0),
        lambda number: np.random.default_rng(number).uniform(-(3**0.5), 3**0.5, PARAMETERS),
    ],
    ids=["none in every fifth value", "uniform"],
)
def test_what_is_too_little_to_name_in_one_update_is_named_in_many(
    noise: Callable[[int], NDArray[np.float64]],
) -> None:
    report = audited(private_circle(Noisy(3, noise), rounds=12, loud=True))
    assert {finding.seat for finding in report.findings} == {3}
    first = report.findings[0]
    assert first.fact == "its newest steps together are not spread as noise must spread them"
    assert int(first.evidence["updates"]) > 1


def test_who_publishes_what_it_trained_within_a_rounding_and_says_that_nothing_was_spent_is_named() -> None:
    class Hiding(Private):
        def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
            steps = frame_steps(to_float(base), blocks_of((PARAMETERS,))) / np.float32(1 << GRID_BITS)
            return to_float(base) + (np.sign(draw(number)) * 0.9 * steps).astype(np.float32)

    uncharged = {number: {"rounds": 0, "charged": 0} for number in (1, 2, 3)}
    report = audited(private_circle(Hiding(3, changes=uncharged)))
    assert named(report) == [("A12", number, 3) for number in (1, 2, 3)]


@pytest.mark.parametrize(("says", "is_named"), [(1, True), (2, True), (3, False), (9, False)])
def test_who_leaves_and_comes_back_counts_on(monkeypatch: pytest.MonkeyPatch, says: int, *, is_named: bool) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 5)
    counts = {number: {"rounds": says + number - 3, "charged": 1} for number in (3, 4)}

    def come_back(circle: Circle) -> None:
        hand_over(circle, 3, peer=3)
        circle.peers[3] = Private(3, changes=counts)

    report = audited(private_circle(rounds=4, between={2: come_back}))
    assert named(report) == [("A12", 3, 3)] * is_named
    assert not is_named or "charged for 2 rounds in an earlier tenure" in report.findings[0].fact


def test_how_much_of_a_step_was_seen_is_told() -> None:
    class Coarse(Private):
        def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
            vector = super().trained(number, base)
            vector[0] = 100
            return vector

    report = audited(private_circle(Coarse(3)))
    assert {line.measured for line in report.privacy if line.seat == 3} == {PARAMETERS - 4096}
    assert {line.measured for line in report.privacy if line.seat != 3} == {PARAMETERS}
