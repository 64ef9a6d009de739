"""Who judges whom and who votes: regular, symmetric, connected, fair, and the same for everyone."""

import hashlib
from itertools import combinations
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.circle.draw import (
    MAX_DEGREE,
    count_neighbours,
    draw_duty_order,
    draw_jury,
    draw_neighbours,
    draw_ring,
    draw_steps,
    mask_of,
    seats_of,
)
from tests.support import golden

pytestmark = pytest.mark.rule("R11")

SEEDS = st.binary(min_size=32, max_size=32)
MASKS = st.sets(st.integers(0, 255), max_size=40).map(mask_of)


def seed(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


def reached(graph: dict[int, tuple[int, ...]], start: int) -> set[int]:
    found, edge = {start}, [start]
    while edge:
        edge = [seat for near in edge for seat in graph[near] if seat not in found]
        found.update(edge)
    return found


@given(SEEDS, MASKS, st.integers(1, MAX_DEGREE))
def test_the_graph_is_regular_symmetric_connected_and_has_no_loops(
    given_seed: bytes, mask: int, degree: int
) -> None:
    graph = draw_neighbours(given_seed, mask, degree)
    seats = seats_of(mask)
    count = len(seats)
    assert sorted(graph) == seats
    everyone = min(degree + (degree % 2 and count % 2), count - 1)
    for seat, linked in graph.items():
        assert len(set(linked)) == len(linked)
        assert len(linked) == everyone
        assert seat not in linked
        assert all(seat in graph[other] for other in linked)
    if seats and degree > 1:
        assert reached(graph, seats[0]) == set(seats)


@pytest.mark.rule("R11.2")
@pytest.mark.parametrize("count", range(2, 20))
@pytest.mark.parametrize("degree", range(1, 21))
def test_every_size_and_degree_works(count: int, degree: int) -> None:
    graph = draw_neighbours(seed(count * 100 + degree), (1 << count) - 1, degree)
    lengths = {len(linked) for linked in graph.values()}
    assert lengths == {min(degree + (degree % 2 and count % 2), count - 1)}
    connected = reached(graph, 0) == set(range(count))
    assert connected or (degree == 1 and count % 2 == 0)


def test_degree_one_on_an_even_ring_makes_pairs() -> None:
    graph = draw_neighbours(seed(1), 0b111111, 1)
    assert all(graph[linked[0]] == (seat,) for seat, linked in graph.items())


def test_nobody_and_one_alone_have_no_neighbours() -> None:
    assert draw_neighbours(seed(1), 0, 4) == {}
    assert draw_neighbours(seed(1), 1 << 200, 4) == {200: ()}
    assert draw_neighbours(seed(1), 0b101, 4) == {0: (2,), 2: (0,)}
    assert {s: set(n) for s, n in draw_neighbours(seed(1), 0b111, 2).items()} == {0: {1, 2}, 1: {0, 2}, 2: {0, 1}}


def test_the_graph_depends_on_seed_mask_and_degree_alone() -> None:
    first = draw_neighbours(seed(5), 0xFFFF, 4)
    assert draw_neighbours(bytes(bytearray(seed(5))), 0xFFFF, 4) == first
    assert draw_neighbours(seed(6), 0xFFFF, 4) != first
    assert draw_neighbours(seed(5), 0x1FFFF, 4) != first


@pytest.mark.parametrize(("count", "degree"), [(9, 3), (10, 3), (12, 4), (13, 4)])
def test_every_pair_is_about_equally_likely(count: int, degree: int) -> None:
    trials = 1200
    met = dict.fromkeys(combinations(range(count), 2), 0)
    for number in range(trials):
        for seat, linked in draw_neighbours(seed(number), (1 << count) - 1, degree).items():
            for other in linked:
                if seat < other:
                    met[seat, other] += 1
    share = sum(met.values()) / len(met) / trials
    deviation = sqrt(trials * share * (1 - share))
    assert max(abs(times - trials * share) for times in met.values()) < 5 * deviation


@pytest.mark.rule("R11.3")
@given(SEEDS, st.sets(st.integers(0, 255), min_size=2, max_size=40).map(mask_of), st.integers(1, MAX_DEGREE))
def test_neighbours_sit_at_the_same_distances_from_everyone_in_the_order_of_a_verdicts_bits(
    given_seed: bytes, mask: int, degree: int
) -> None:
    around, ahead = draw_ring(given_seed, mask), draw_steps(given_seed, mask.bit_count(), degree)
    count = len(around)
    assert sorted(around) == seats_of(mask)
    assert len(ahead) == count_neighbours(count, degree)
    assert all(1 <= step < count for step in ahead)
    for first, second in zip(ahead[::2], ahead[1::2], strict=False):
        assert first + second == count, "each offset is met ahead and behind"
    assert len(ahead) % 2 == 0 or ahead[-1] * 2 == count
    graph = draw_neighbours(given_seed, mask, degree)
    for place, seat in enumerate(around):
        assert graph[seat] == tuple(around[(place + step) % count] for step in ahead)


@pytest.mark.rule("R26.2")
@given(SEEDS, st.sets(st.integers(0, 255)).map(mask_of), st.integers(1, 21))
def test_a_jury_has_the_size_asked_for_or_everyone(given_seed: bytes, eligible: int, size: int) -> None:
    drawn = draw_jury(given_seed, eligible, size)
    assert drawn & ~eligible == 0
    assert drawn.bit_count() == min(size, eligible.bit_count())


@pytest.mark.parametrize("eligible", [0xFF, 0xFF << 248, mask_of(range(0, 256, 32)), 0x8000_0000_0000_007F])
def test_a_jury_is_drawn_from_all_seats_about_alike_wherever_they_lie(eligible: int) -> None:
    trials, size, count = 2000, 3, 8
    drawn = [draw_jury(seed(number), eligible, size) for number in range(trials)]
    deviation = sqrt(trials * (size / count) * (1 - size / count))
    for seat in seats_of(eligible):
        assert abs(sum(mask >> seat & 1 for mask in drawn) - trials * size / count) < 5 * deviation


@pytest.mark.rule("R21")
@given(SEEDS, MASKS)
def test_the_duty_order_is_a_permutation_of_the_committed(given_seed: bytes, mask: int) -> None:
    assert sorted(draw_duty_order(given_seed, mask)) == seats_of(mask)


def test_the_duty_is_fair_and_not_the_ring_itself() -> None:
    trials, count = 1500, 6
    firsts = [draw_duty_order(seed(number), 0b111111)[0] for number in range(trials)]
    deviation = sqrt(trials * (1 / count) * (1 - 1 / count))
    assert all(abs(firsts.count(seat) - trials / count) < 5 * deviation for seat in range(count))


@given(st.sets(st.integers(0, 255)))
def test_masks_and_seats_are_inverses(seats: set[int]) -> None:
    assert set(seats_of(mask_of(seats))) == seats
    assert mask_of(sorted(seats) * 2) == mask_of(seats)


@pytest.mark.rule("R11.1", "R11.2", "R11.3")
def test_graphs_are_the_ones_once_written_down() -> None:
    cases = [(1, 0b1111, 2), (2, 0xFF, 3), (3, 0x1FF, 3), (4, (1 << 31) - 1, 6), (5, 0xF0F00F0F, 5), (6, 0b11, 9)]
    found = []
    for number, mask, degree in cases:
        graph = draw_neighbours(seed(number), mask, degree)
        found.append(
            {
                "seed": seed(number).hex(),
                "committed": mask,
                "degree": degree,
                "neighbours": {str(seat): list(linked) for seat, linked in graph.items()},
                "duty": draw_duty_order(seed(number), mask),
                "jury": seats_of(draw_jury(seed(number), mask, degree)),
            }
        )
    golden.expect("topology", found)
