"""Columns are scaled by ranges that everybody knows."""

import numpy as np
import pytest

from ledger.errors import UsageError
from node.tasks.series.columns import Column, parse_columns


def test_columns_are_read_from_one_line() -> None:
    assert parse_columns("riders:0:25:log, temperature:-30:45") == (
        Column("riders", 0, 25, is_log=True),
        Column("temperature", -30, 45),
    )


@pytest.mark.parametrize("is_log", [False, True])
def test_a_range_becomes_minus_one_to_one_and_comes_back(is_log: bool) -> None:
    column = Column("riders", -2, 25, is_log)
    values = np.array([-2, -1.9, 0, 1, 12, 25, 30])

    scaled = column.scale(values)

    assert scaled[0] == pytest.approx(-1)
    assert scaled[5] == pytest.approx(1)
    assert (np.diff(scaled) > 0).all()
    assert column.unscale(scaled) == pytest.approx(values)


def test_what_is_far_beyond_a_range_is_cut_and_what_is_missing_stays_so() -> None:
    scaled = Column("riders", 0, 1).scale(np.array([1e12, -1e12, np.nan]))

    assert scaled[:2].tolist() == [3, -3]
    assert np.isnan(scaled[2])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "NAME:LOW:HIGH"),
        ("riders", "NAME:LOW:HIGH"),
        ("riders:0", "NAME:LOW:HIGH"),
        ("riders:a:b", "NAME:LOW:HIGH"),
        ("riders:0:inf", "NAME:LOW:HIGH"),
        ("riders:0:25:cube", "NAME:LOW:HIGH"),
        ("riders:25:0", "lower number first"),
        ("riders:0:1e300", "lower number first"),
        ("a:0:1,a:0:2", "'a' twice"),
        (",".join(f"c{one}:0:1" for one in range(65)), "at most 64"),
    ],
)
def test_columns_that_cannot_be_are_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_columns(text)
