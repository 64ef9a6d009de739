"""The split of examples among peers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import SetupError, UsageError
from node.tasks.partition import partition

GOLDEN = [[3, 4, 19, 35, 36], [6, 10, 21, 23, 34], [2, 5, 27, 33, 37]]
LABELS = np.random.default_rng(0).integers(0, 10, 20_000)


def home_share(labels: np.ndarray, shares: list[np.ndarray], classes: int) -> float:
    """The mean share of a peer's most frequent label or labels."""
    counts = [np.sort(np.bincount(labels[share], minlength=classes))[::-1] for share in shares]
    return float(np.mean([count[0] / count.sum() for count in counts]))


@settings(max_examples=60, deadline=None)
@given(
    seats=st.integers(1, 40),
    classes=st.integers(1, 12),
    samples=st.integers(1, 60),
    skew=st.floats(0, 1),
    seed=st.integers(0, 2**64),
)
def test_shares_are_disjoint_equal_and_as_large_as_asked_for(
    seats: int, classes: int, samples: int, skew: float, seed: int
) -> None:
    labels = np.random.default_rng(1).integers(0, classes, 1_000).astype(np.uint8)
    shares = partition(labels, seats=seats, samples=samples, skew=skew, seed=seed)
    assert [len(share) for share in shares] == [min(samples, 1_000 // seats)] * seats
    assert len(np.unique(np.concatenate(shares))) == sum(map(len, shares))


def test_every_peer_computes_the_same_split() -> None:
    first, second = (partition(LABELS, seats=8, samples=1000, skew=0.4, seed=3) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_split_is_the_one_every_earlier_version_made() -> None:
    shares = partition(np.arange(40) % 4, seats=3, samples=5, skew=0.5, seed=7)
    assert [share.tolist() for share in shares] == GOLDEN


def test_another_seed_splits_differently() -> None:
    first, second = (partition(LABELS, seats=8, samples=1000, skew=0.4, seed=seed)[0] for seed in (3, 4))
    assert not np.array_equal(first, second)


def test_without_skew_every_peer_sees_the_same_mix() -> None:
    shares = partition(LABELS, seats=8, samples=1000, skew=0, seed=3)
    for share in shares:
        assert np.abs(np.bincount(LABELS[share], minlength=10) / 1000 - 0.1).max() < 0.04


@pytest.mark.parametrize(("seats", "classes"), [(10, 10), (8, 10), (20, 10), (15, 10), (3, 10), (40, 10)])
def test_full_skew_leaves_each_peer_its_home_labels(seats: int, classes: int) -> None:
    shares = partition(LABELS, seats=seats, samples=200, skew=1, seed=3)
    labels_each = -(-classes // seats)
    assert all(len(np.unique(LABELS[share])) <= labels_each for share in shares)
    assert set(np.unique(LABELS[np.concatenate(shares)])) == set(range(classes))


def test_more_skew_makes_peers_more_one_sided() -> None:
    shares = {skew: partition(LABELS, seats=10, samples=1000, skew=skew, seed=3) for skew in (0, 0.3, 0.6, 0.9)}
    shown = [home_share(LABELS, split, 10) for split in shares.values()]
    assert shown == sorted(shown)
    # With one home a label and as many seats as labels the home label's share is skew + (1 − skew) / 10.
    assert shown[-1] == pytest.approx(0.91, abs=0.02)


@pytest.mark.parametrize("skew", [-0.1, 1.1, float("nan")])
def test_a_skew_outside_its_range_is_a_usage_error(skew: float) -> None:
    with pytest.raises(UsageError, match="from 0"):
        partition(LABELS, seats=8, samples=10, skew=skew, seed=0)


def test_fewer_examples_than_seats_is_a_setup_error() -> None:
    with pytest.raises(SetupError, match="7 examples do not go round 8 seats"):
        partition(np.zeros(7, np.int64), seats=8, samples=10, skew=0, seed=0)
