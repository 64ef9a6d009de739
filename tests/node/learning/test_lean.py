"""What a peer holds back of what it trains."""

import numpy as np
import pytest

from ledger.arithmetic.exact import GRID_BITS, GridState, to_float
from ledger.circle.round import NO_RECORD, Attestation, Round
from node.learning.layout import Vector
from node.learning.lean import ENOUGH, LOOKED_BACK, OF_LATE, Leaning, Verdicts

SIZE = 64
SEEN_ENOUGH = Verdicts()
# Two directions at right angles: the circle's way, and one peer's own.
COMMON = np.ones(SIZE, np.float32)
OWN = np.repeat(np.array([1, -1], np.float32), SIZE // 2)


def on_grid(vector: Vector) -> GridState:
    return np.rint(np.ldexp(vector, GRID_BITS)).astype(np.int32)


def run(
    leaning: Leaning, rounds: int, *, moved: float = 1.0, verdicts: Verdicts = SEEN_ENOUGH
) -> tuple[Vector, Vector]:
    """A peer that adds COMMON and twice OWN each round, in a circle whose base moves by COMMON times `moved`.

    Returns what the last round's training added, and what of it is published, (SIZE,), float32 each.
    """
    base = np.zeros(SIZE, np.float32)
    published = base
    for _ in range(rounds):
        lean, trained = leaning.find(on_grid(base), verdicts), base + COMMON + 2 * OWN
        leaning.note(on_grid(base), base, trained)
        published = (trained if lean is None else lean.hold_back(base, trained)) - base
        base = to_float(on_grid(base + np.float32(moved) * COMMON))
    return COMMON + 2 * OWN, published


def part_along(vector: Vector, way: Vector) -> float:
    return float(np.vdot(vector, way) / np.vdot(way, way))


def test_nothing_is_held_back_before_a_mixture_is_known() -> None:
    trained, published = run(Leaning(1.0), 1)
    np.testing.assert_array_equal(published, trained)


def test_what_a_peer_adds_each_round_beyond_the_circle_is_held_back() -> None:
    _, published = run(Leaning(1.0), 40)
    assert part_along(published, OWN) == pytest.approx(0, abs=0.01)
    assert part_along(published, COMMON) == pytest.approx(1, abs=0.01)


def test_half_of_it_is_held_back_where_half_is_asked_for() -> None:
    _, published = run(Leaning(0.5), 40)
    assert part_along(published, OWN) == pytest.approx(1, abs=0.01)
    assert part_along(published, COMMON) == pytest.approx(1, abs=0.01)


def test_what_goes_the_circles_way_stays_whole_where_the_others_cut_it() -> None:
    _, published = run(Leaning(1.0), 40, moved=0.7)
    assert part_along(published, COMMON) == pytest.approx(1, abs=0.01)


def test_nobody_holds_back_who_is_told_not_to_or_rejects_many() -> None:
    for leaning, verdicts in ((Leaning(0.0), Verdicts()), (Leaning(1.0), Verdicts(ENOUGH, 0.4))):
        trained, published = run(leaning, 40, verdicts=verdicts)
        np.testing.assert_array_equal(published, trained)


def test_a_base_thrown_about_makes_no_step_longer_than_twice_what_was_trained() -> None:
    leaning, base, thrown = Leaning(1.0), np.zeros(SIZE, np.int32), on_grid(np.float32(1000) * OWN)
    start = to_float(base)
    leaning.note(base, start, start + COMMON)
    lean = leaning.find(thrown, Verdicts())
    assert lean is not None
    assert np.linalg.norm(lean.move) <= np.linalg.norm(COMMON)
    step = lean.hold_back(to_float(thrown), to_float(thrown) + COMMON) - to_float(thrown)
    assert np.linalg.norm(step) <= 2.001 * np.linalg.norm(COMMON)


def test_a_training_that_left_the_finite_numbers_teaches_nothing() -> None:
    leaning, base = Leaning(1.0), np.zeros(SIZE, np.int32)
    leaning.note(base, to_float(base), np.full(SIZE, np.nan, np.float32))
    assert leaning.find(base + 1, Verdicts()) is None


def test_a_base_that_has_not_moved_says_nothing_of_the_circle() -> None:
    leaning, base = Leaning(1.0), np.zeros(SIZE, np.int32)
    leaning.note(base, to_float(base), COMMON)
    assert leaning.find(base.copy(), Verdicts()) is None
    assert leaning.find(base + 1, Verdicts()) is not None


def test_a_peer_holds_little_back_before_it_has_seen_whom_to_reject() -> None:
    weights = [Verdicts(judged).weight for judged in (0, 8, 40, ENOUGH, 2 * ENOUGH)]
    assert weights == [0, 0.1, 0.5, 1, 1]


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
