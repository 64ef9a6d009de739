"""What a peer learns apart from the others, and what its training does about it."""

import numpy as np
import pytest

from ledger.arithmetic.exact import GRID_BITS, GridState, to_float
from ledger.circle.round import NO_RECORD, Attestation, Round
from node.learning.layout import Vector
from node.learning.lean import ENOUGH, FEW, LOOKED_BACK, NOTHING, OF_LATE, Corrected, Leaning, Verdicts

SIZE = 64
SEEN_ENOUGH = Verdicts()
ALL = Corrected(1.0)
# Two directions at right angles: the circle's way, and one peer's own.
COMMON = np.ones(SIZE, np.float32)
OWN = np.repeat(np.array([1, -1], np.float32), SIZE // 2)


def on_grid(vector: Vector) -> GridState:
    return np.rint(np.ldexp(vector, GRID_BITS)).astype(np.int32)


def run(
    leaning: Leaning, rounds: int, *, moved: float = 1.0, verdicts: Verdicts = SEEN_ENOUGH
) -> tuple[Vector | None, Vector]:
    """A peer that adds COMMON and twice OWN each round, in a circle whose base moves by COMMON times `moved`.

    Returns the last round's correction, and what its training gave with it, (SIZE,), float32 each.
    """
    base = np.zeros(SIZE, np.float32)
    correction: Vector | None = None
    step = base
    for _ in range(rounds):
        correction = leaning.find(on_grid(base), verdicts)
        step = COMMON + 2 * OWN + (0 if correction is None else correction)
        leaning.note(on_grid(base), base, base + step, correction)
        base = to_float(on_grid(base + np.float32(moved) * COMMON))
    return correction, step


def part_along(vector: Vector, way: Vector) -> float:
    return float(np.vdot(vector, way) / np.vdot(way, way))


def test_nothing_is_corrected_before_a_mixture_is_known() -> None:
    correction, _ = run(Leaning(ALL), 1)
    assert correction is None


def test_what_a_peer_adds_each_round_beyond_the_circle_is_corrected() -> None:
    _, step = run(Leaning(ALL), 80)
    assert part_along(step, OWN) == pytest.approx(0, abs=0.01)
    assert part_along(step, COMMON) == pytest.approx(1, abs=0.01)


def test_half_of_it_is_corrected_where_half_is_asked_for() -> None:
    _, step = run(Leaning(Corrected(0.5)), 80)
    assert part_along(step, OWN) == pytest.approx(1, abs=0.01)
    assert part_along(step, COMMON) == pytest.approx(1, abs=0.01)


def test_nobody_corrects_who_is_told_not_to_or_rejects_many() -> None:
    for leaning, verdicts in ((Leaning(NOTHING), Verdicts()), (Leaning(ALL), Verdicts(ENOUGH, 0.4))):
        correction, _ = run(leaning, 40, verdicts=verdicts)
        assert correction is None


def test_values_that_gradients_do_not_move_keep_their_lean() -> None:
    trained = np.arange(SIZE) < SIZE // 4
    correction, _ = run(Leaning(Corrected(1.0, trained)), 40)
    assert correction is not None
    assert np.array_equal(correction != 0, trained)


def test_a_base_thrown_about_corrects_by_no_more_than_twice_what_was_trained() -> None:
    leaning, base, thrown = Leaning(ALL), np.zeros(SIZE, np.int32), on_grid(np.float32(1000) * OWN)
    start = to_float(base)
    leaning.note(base, start, start + COMMON, None)
    correction = leaning.find(thrown, Verdicts())
    assert correction is not None
    assert np.linalg.norm(correction) <= 2.001 * np.linalg.norm(COMMON)


def test_a_training_that_left_the_finite_numbers_teaches_nothing() -> None:
    leaning, base = Leaning(ALL), np.zeros(SIZE, np.int32)
    leaning.note(base, to_float(base), np.full(SIZE, np.nan, np.float32), None)
    assert leaning.find(base + 1, Verdicts()) is None


def test_a_base_that_has_not_moved_says_nothing_of_the_circle() -> None:
    leaning, again, base = Leaning(ALL), Leaning(ALL), np.zeros(SIZE, np.int32)
    for one in (leaning, again):
        one.note(base, to_float(base), COMMON, None)
        assert one.find(base.copy(), Verdicts()) is None
    again.note(base, to_float(base), COMMON, None)
    first, second = (one.find(base + 1, Verdicts()) for one in (leaning, again))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, second)


def test_a_peer_corrects_nothing_before_it_has_seen_whom_to_reject() -> None:
    weights = [Verdicts(judged).weight for judged in (0, FEW, 50, ENOUGH, 2 * ENOUGH)]
    assert weights == [0, 0, 0.25, 1, 1]


def test_verdicts_are_counted_over_the_last_rounds() -> None:
    rounds = [Round(number, {}) for number in range(1, LOOKED_BACK + 5)]
    assert Verdicts.of([], 3) == Verdicts.of(rounds, 3) == Verdicts(0)
    for one in rounds:
        one.attestations = {3: Attestation(0b1111, 0b11111, NO_RECORD)}
    assert Verdicts.of(rounds, 3) == Verdicts(4 * LOOKED_BACK)
    rounds[-OF_LATE].attestations = {3: Attestation(0b1111, 0b0011, NO_RECORD)}
    assert Verdicts.of(rounds, 3) == Verdicts(4 * LOOKED_BACK, 2 / (4 * OF_LATE))
    rounds[-OF_LATE - 1].attestations = {3: Attestation(0b1111, 0, NO_RECORD)}
    assert Verdicts.of(rounds, 3) == Verdicts(4 * LOOKED_BACK, 2 / (4 * OF_LATE)), "too long ago"
    assert Verdicts.of(rounds, 2) == Verdicts(0)
