"""Ways to deal a pool of examples."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import SetupError, UsageError
from node.partitions import PARTITIONS, Partition, Pool, choose_partition, deal_pool
from node.partitions.by_quantity import apportion
from node.partitions.interface import Indices

SIDE = 4


def make_pool(examples: int, classes: int = 10, owners: int = 60) -> Pool:
    """Images of random pixels, each its own; labels and owners in turn."""
    rng = np.random.default_rng(7)
    x = torch.from_numpy(rng.standard_normal((examples, SIDE * SIDE), dtype=np.float32))
    numbers = np.arange(examples)
    return Pool(x, torch.from_numpy(numbers % classes), (numbers * 7919 + 3) % owners)


def deal(name: str, pool: Pool, seats: int, samples: int, seed: int = 0, **parameters: float) -> list[Indices]:
    partition = choose_partition(name, parameters)
    assert partition is not None
    return list(partition.deal(pool, seats, samples, np.random.default_rng(seed)))


@settings(max_examples=20, deadline=None)
@pytest.mark.parametrize("name", PARTITIONS)
@given(
    seats=st.integers(1, 40),
    classes=st.integers(1, 12),
    samples=st.integers(2, 60),
    seed=st.integers(0, 2**32),
)
def test_every_partition_is_disjoint_and_leaves_no_seat_without_an_example(
    name: str, seats: int, classes: int, samples: int, seed: int
) -> None:
    shares = deal(name, make_pool(900, classes), seats, samples, seed)
    together = np.concatenate(shares)
    assert len(shares) == seats
    assert min(map(len, shares)) >= 1
    assert len(np.unique(together)) == len(together)
    assert together.min() >= 0
    assert together.max() < 900
    if name != "owner":
        assert len(together) == seats * min(samples, 900 // seats)


@pytest.mark.parametrize("name", PARTITIONS)
def test_equal_seeds_deal_alike_and_other_seeds_otherwise(name: str) -> None:
    pool = make_pool(900)
    first, again, other = (deal(name, pool, 8, 40, seed) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def home_share(shares: list[Indices], pool: Pool) -> float:
    """The mean share of a seat's most frequent label."""
    return float(np.mean([np.bincount(pool.labels[share]).max() / len(share) for share in shares]))


def test_a_smaller_alpha_leaves_a_seat_fewer_labels() -> None:
    pool = make_pool(4000)
    shown = [home_share(deal("dirichlet", pool, 10, 200, alpha=alpha), pool) for alpha in (1000, 5, 0.5, 0.05)]
    assert shown == sorted(shown)
    assert shown[0] < 0.16
    assert shown[-1] > 0.9


def test_a_label_that_runs_out_is_made_up_for_by_others() -> None:
    pool = make_pool(200)
    shares = deal("dirichlet", pool, 10, 20, alpha=0.01)
    assert [len(share) for share in shares] == [20] * 10


def test_two_shards_are_at_most_four_labels() -> None:
    pool = make_pool(4000)
    assert max(len(np.unique(pool.labels[share])) for share in deal("shards", pool, 20, 100)) <= 4


def test_a_power_law_gives_the_kth_largest_seat_its_share() -> None:
    sizes = sorted((len(share) for share in deal("power-law", make_pool(9000), 20, 400)), reverse=True)
    harmonic = sum(1 / rank for rank in range(1, 21))
    for rank, size in enumerate(sizes, 1):
        assert size == pytest.approx(1 + (8000 - 20) / rank / harmonic, abs=1)


def test_a_power_law_of_zero_is_an_equal_split() -> None:
    assert {len(share) for share in deal("power-law", make_pool(900), 9, 50, exponent=0)} == {50}


def test_quantities_are_the_more_unequal_the_smaller_alpha() -> None:
    pool = make_pool(9000)
    spread = [np.std([len(share) for share in deal("quantity", pool, 20, 200, alpha=a)]) for a in (100, 1, 0.1)]
    assert spread == sorted(spread)


@given(
    weights=st.lists(st.floats(0, 1e6), min_size=1, max_size=30).filter(lambda some: sum(some) > 0),
    more=st.integers(0, 1000),
)
def test_apportioned_sizes_add_up_and_are_at_least_one(weights: list[float], more: int) -> None:
    sizes = apportion(len(weights) + more, np.array(weights))
    assert sum(sizes) == len(weights) + more
    assert min(sizes) >= 1


def test_noise_grows_with_the_seat_and_keeps_the_examples_shape() -> None:
    partition, x = choose_partition("noise", {"variance": 0.5}), torch.zeros(50, 400)
    assert partition is not None
    seen = [partition.see(x, seat, 5, np.random.default_rng(1)) for seat in range(5)]
    assert [float(one.var()) for one in seen] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5], rel=0.05)
    assert {(one.shape, one.dtype) for one in seen} == {(x.shape, x.dtype)}


def test_rotation_turns_every_seats_images_by_its_own_quarter_turns() -> None:
    partition = choose_partition("rotation")
    assert partition is not None
    flat = make_pool(3).x
    images = flat.reshape(3, 1, SIDE, SIDE)
    for seat in range(8):
        turned = torch.rot90(images, seat % 4, (-2, -1))
        assert torch.equal(partition.see(images, seat, 8, np.random.default_rng()), turned)
        assert torch.equal(partition.see(flat, seat, 8, np.random.default_rng()), turned.reshape(3, -1))


def test_an_owners_examples_are_never_parted() -> None:
    pool = make_pool(900)
    assert pool.named_owners is not None
    held = [set(pool.named_owners[share]) for share in deal("owner", pool, 7, 10)]
    assert sum(map(len, held)) == 60 == len(set().union(*held))


def test_a_column_may_name_the_owners() -> None:
    pool = Pool(torch.tensor([[0.0, 5.0], [1.0, 6.0], [0.0, 5.0], [1.0, 6.0]]), torch.zeros(4))
    assert sorted(share.tolist() for share in deal("owner", pool, 2, 10, column=1)) == [[0, 2], [1, 3]]


def test_owners_that_do_not_go_round_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="60 owners do not go round 61 seats"):
        deal("owner", make_pool(900), 61, 10)


def test_a_task_that_names_no_owners_is_told_what_to_write() -> None:
    with pytest.raises(UsageError, match=r"a method owners\(seat, seats\)"):
        deal("owner", Pool(torch.zeros(9, 2), torch.zeros(9)), 3, 3)


@pytest.mark.parametrize("name", ["fang", "dirichlet", "shards"])
def test_no_partition_by_label_deals_what_has_none(name: str) -> None:
    with pytest.raises(UsageError, match="deals by labels"):
        deal(name, Pool(torch.zeros(9, 2), torch.zeros(9)), 3, 3)


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("dirichlet", {"alpha": 0}, "partition dirichlet: alpha is 0, not above 0"),
        ("dirichlet", {"beta": 1}, "partition dirichlet has no parameter 'beta': choose from alpha"),
        ("power-law", {"exponent": -1}, "not in 0..20"),
        ("rotation", {"turns": 5}, "not 2, 3 or 4"),
        ("owner", {"column": 0.5}, "column is a whole number"),
        ("task", {"alpha": 1}, "takes no --partition-parameter"),
        ("dirichlett", {}, "no partition is called 'dirichlett': choose task, fang, dirichlet"),
    ],
)
def test_what_cannot_be_dealt_is_said_in_a_sentence(name: str, parameters: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choose_partition(name, parameters)


def test_fewer_examples_than_seats_are_a_setup_error() -> None:
    for name in ("dirichlet", "quantity", "noise"):
        with pytest.raises(SetupError, match="7 examples do not go round 8 seats"):
            deal(name, make_pool(7), 8, 10)


class Halves(Partition):
    """What a user might write: the first half for seat 0, the rest in turn."""

    def __init__(self, dealt: object = None) -> None:
        self.dealt = dealt

    def deal(self, pool: Pool, seats: int, samples: int, rng: np.random.Generator) -> object:  # type: ignore[override]
        return self.dealt


@pytest.mark.parametrize(
    ("dealt", "said"),
    [
        ([[0]], "gave 1 shares for 2 seats"),
        ([[0], []], "gave seat 1 a share of shape"),
        ([[0], [0.5]], "gave seat 1 places of dtype float64"),
        ([[0], [9]], "gave seat 1 places outside 0 to 8"),
        ([[0], [-1]], "gave seat 1 places outside 0 to 8"),
        ([[0, 1], [1]], "gave an example twice"),
        (None, "what deal.. gave failed"),
    ],
)
def test_a_split_of_ones_own_that_is_none_is_said_with_the_methods_place(dealt: object, said: str) -> None:
    partition = choose_partition(Halves(dealt))
    assert partition is not None
    with pytest.raises(SetupError, match=said) as raised:
        partition.deal(make_pool(9), 2, 4, np.random.default_rng())
    assert "Halves" in str(raised.value)
    if dealt is not None:
        assert "test_partitions.py:" in str(raised.value)


def test_what_a_seat_sees_keeps_shape_dtype_and_finite_values() -> None:
    class Blind:
        def __init__(self, seen: object) -> None:
            self.seen = seen

        def see(self, x: torch.Tensor, seat: int, seats: int, rng: np.random.Generator) -> object:
            return self.seen

    x = torch.zeros(2, 3)
    for seen, said in [
        (torch.zeros(2, 4), "keep both"),
        (x.double(), "keep both"),
        (x / 0, "not finite"),
        (None, "give a tensor"),
    ]:
        partition = choose_partition(Blind(seen))
        assert partition is not None
        with pytest.raises(SetupError, match=said):
            partition.see(x, 0, 2, np.random.default_rng())


def test_a_pool_is_dealt_with_what_each_seat_sees_of_it() -> None:
    partition, pool = choose_partition("rotation"), make_pool(80)
    assert partition is not None

    def generate(purpose: str, *numbers: int) -> np.random.Generator:
        return np.random.default_rng([len(purpose), *numbers])

    dealt = deal_pool(partition, "rotation", pool, seats=4, samples=10, generate=generate)
    assert [len(y) for _, y in dealt] == [10] * 4
    rows = {tuple(row.tolist()) for row in pool.x}
    assert all(tuple(row.tolist()) in rows for row in dealt[0][0])
    assert not any(tuple(row.tolist()) in rows for row in dealt[1][0])
