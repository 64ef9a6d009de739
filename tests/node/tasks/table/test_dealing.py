"""Whose rows are whose, the same on every machine."""

import numpy as np
import pytest

from ledger.errors import SetupError
from node.tasks.table.dealing import deal_owners, sort_into_bands, split_held_out
from node.tasks.table.encoding import EncodedTable


def make(rows: int, seed: int = 0) -> EncodedTable:
    x = np.random.default_rng(seed).random((rows, 3)).astype(np.float32)
    return EncodedTable(x, np.arange(rows) % 2, np.arange(rows), 0, {})


def test_a_row_stays_on_its_side_when_others_are_added() -> None:
    table = make(1000)
    train, test = split_held_out(table, 0.2, None)
    assert 150 < len(test) < 250
    assert sorted([*train, *test]) == list(range(1000))
    fewer = EncodedTable(table.x[::2], table.y[::2], table.lines[::2], 0, {})
    _, test_of_fewer = split_held_out(fewer, 0.2, None)
    assert set(2 * test_of_fewer) == {row for row in test if row % 2 == 0}


def test_the_rows_of_one_patient_lie_on_one_side() -> None:
    groups = [f"patient {row // 5}" for row in range(1000)]
    _, test = split_held_out(make(1000), 0.2, groups)
    held = {groups[row] for row in test}
    assert len(test) == 5 * len(held) > 0


def test_a_table_too_small_to_hold_rows_out_is_refused() -> None:
    with pytest.raises(SetupError, match="give more rows"):
        split_held_out(make(1), 0.2, None)


def test_owners_are_dealt_whole_and_evenly() -> None:
    owners = ["a"] * 50 + ["b"] * 30 + ["c"] * 25 + ["d"] * 5
    shares = deal_owners(owners, 3)
    assert [sorted({owners[row] for row in share}) for share in shares] == [["a"], ["b"], ["c", "d"]]
    with pytest.raises(SetupError, match="4 owners, which do not go round 5 seats"):
        deal_owners(owners, 5)


def test_numbers_fall_into_ten_bands_of_equal_many() -> None:
    bands = sort_into_bands(np.random.default_rng(0).random(200).astype(np.float32))
    assert (np.bincount(bands) == 20).all()
