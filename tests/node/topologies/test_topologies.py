"""Graphs over the seats."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import SetupError, UsageError
from node.topologies import TOPOLOGIES, Graph, choose_topology
from node.topologies.own_topology import check_graph


def draw(name: str, peers: int, degree: int = 4, seed: int = 0, **parameters: float) -> Graph:
    return choose_topology(name, parameters).draw(peers, degree, np.random.default_rng(seed))


@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", TOPOLOGIES)
@given(peers=st.integers(2, 60), degree=st.integers(1, 20), seed=st.integers(0, 2**32), redrawn=st.integers(0, 1))
def test_every_graph_goes_both_ways_and_links_nobody_with_itself(
    name: str, peers: int, degree: int, seed: int, redrawn: int
) -> None:
    if name == "torus":
        peers = peers // 2 * 2 + 4
    graph = check_graph(draw(name, peers, degree, seed, redrawn=redrawn), peers)
    assert all(seat in graph[other] for seat, near in graph.items() for other in near)


@pytest.mark.parametrize("name", ["ring", "torus", "erdos-renyi", "star", "random-regular"])
def test_equal_seeds_draw_one_graph(name: str) -> None:
    first, again, other = (dict(draw(name, 36, seed=seed, redrawn=1)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_ring_has_two_neighbours_and_with_a_reach_twice_as_many_as_that() -> None:
    assert draw("ring", 5) == {0: (1, 4), 1: (0, 2), 2: (1, 3), 3: (2, 4), 4: (0, 3)}
    assert {len(near) for near in draw("ring", 20, reach=3).values()} == {6}
    assert {len(near) for near in draw("ring", 4, reach=9).values()} == {3}


def test_a_torus_is_a_grid_whose_edges_meet() -> None:
    graph = draw("torus", 12)  # three columns, four rows
    assert graph[0] == (1, 2, 3, 9)
    assert graph[4] == (1, 3, 5, 7)
    assert {len(near) for near in graph.values()} == {4}
    assert draw("torus", 12, columns=6)[0] == (1, 5, 6)


@pytest.mark.parametrize(("peers", "columns"), [(13, 0), (12, 5), (12, 12)])
def test_seats_that_fill_no_grid_make_no_torus(peers: int, columns: int) -> None:
    with pytest.raises(ValueError, match=f"{peers} peers fill no grid"):
        draw("torus", peers, columns=columns)


def test_independent_edges_give_the_degree_in_the_mean() -> None:
    counts = [len(near) for near in draw("erdos-renyi", 400, degree=10).values()]
    assert np.mean(counts) == pytest.approx(10, abs=0.5)
    assert np.var(counts) == pytest.approx(10, rel=0.3)
    assert {len(near) for near in draw("erdos-renyi", 9, probability=1).values()} == {8}


def test_a_star_has_one_hub() -> None:
    graph = draw("star", 6, hub=2)
    assert graph[2] == (0, 1, 3, 4, 5)
    assert {graph[seat] for seat in (0, 1, 3, 4, 5)} == {(2,)}


def test_the_networks_own_draw_is_the_default_and_alone_the_networks() -> None:
    assert choose_topology("random-regular").is_networks
    assert not choose_topology("random-regular", {"redrawn": 0}).is_networks
    assert not any(choose_topology(name).is_networks for name in TOPOLOGIES if name != "random-regular")


def test_a_file_of_edges_is_a_graph(tmp_path: Path) -> None:
    path = tmp_path / "edges.txt"
    path.write_text("# a path, and a chord\n0 1\n1,2\n\n2;3  # the last\n1 0\n0\t3\n")
    graph = choose_topology(f"edges:{path}").draw(5, 4, np.random.default_rng())
    assert graph == {0: (1, 3), 1: (0, 2), 2: (1, 3), 3: (0, 2), 4: ()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 1\n1 1\n", "line 2: '1 1' is no edge"),
        ("0 1 2\n", "line 1: '0 1 2' is no edge"),
        ("a b", "line 1: 'a b' is no edge"),
        ("-1 2", "is no edge"),
    ],
)
def test_a_line_that_is_no_edge_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "edges.txt"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        choose_topology(f"edges:{path}")


def test_an_edge_to_a_seat_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "edges.txt"
    path.write_text("0 7\n")
    with pytest.raises(ValueError, match="links seats 0 and 7, and seats are 0 to 4"):
        choose_topology(f"edges:{path}").draw(5, 4, np.random.default_rng())


def test_a_file_of_edges_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        choose_topology(f"edges:{tmp_path / 'none'}")


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("ringg", {}, "no topology is called 'ringg': choose random-regular, ring"),
        ("ring", {"reach": 0}, "topology ring: reach is 0"),
        ("ring", {"hub": 0}, "topology ring has no parameter 'hub'"),
        ("star", {"redrawn": 2}, "redrawn is 0 or 1"),
        ("erdos-renyi", {"probability": 1.5}, "not in 0..1"),
    ],
)
def test_what_is_no_topology_is_said_in_a_sentence(name: str, parameters: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choose_topology(name, parameters)


class Own:
    """What a user might write."""

    def __init__(self, drawn: object) -> None:
        self.drawn = drawn

    def draw(self, peers: int, degree: int, rng: np.random.Generator) -> object:
        if isinstance(self.drawn, Exception):
            raise self.drawn
        return self.drawn


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ([(0, 1)], r"draw\(\) at .*test_topologies.py:\d+ gave a list"),
        ({0: [0]}, "gave seat 0 itself"),
        ({0: [1, 1]}, "gave seat 0 a neighbour twice"),
        ({0: [3]}, "gave seat 3, and seats are 0 to 2"),
        ({0: [0.5]}, "gave 0.5 for a seat"),
        (ZeroDivisionError("no"), r"draw\(\) failed at .*test_topologies.py:\d+ with ZeroDivisionError: no"),
    ],
)
def test_a_graph_of_ones_own_that_is_none_is_said_with_the_methods_place(drawn: object, said: str) -> None:
    with pytest.raises(SetupError, match=said):
        choose_topology(Own(drawn)).draw(3, 2, np.random.default_rng())


def test_a_graph_of_ones_own_may_go_one_way_and_leave_seats_alone() -> None:
    assert choose_topology(Own({0: np.array([2])})).draw(3, 2, np.random.default_rng()) == {0: (2,), 1: (), 2: ()}
