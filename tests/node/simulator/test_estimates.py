"""A figure over several seeds."""

from math import isnan, nan, sqrt

import pytest

from node.simulator.estimates import estimate


def test_the_interval_is_students_over_the_values() -> None:
    # Student 1908: 97.5 % of t with 4 degrees of freedom lie below 2.776.
    found = estimate([0.10, 0.12, 0.11, 0.15, 0.12])
    deviation = sqrt(sum((value - 0.12) ** 2 for value in (0.10, 0.12, 0.11, 0.15, 0.12)) / 4)
    assert found.mean == pytest.approx(0.12)
    assert found.half_width == pytest.approx(2.776 * deviation / sqrt(5), rel=1e-3)
    assert (found.count, str(found)) == (5, "0.120 ± 0.023")


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    one, none = estimate([0.25]), estimate([nan, None])
    assert (one.mean, one.count, str(one)) == (0.25, 1, "0.250")
    assert isnan(one.half_width)
    assert isnan(none.mean)
    assert (none.count, str(none)) == (0, "–")


def test_what_is_no_number_counts_for_nothing() -> None:
    assert estimate([0.5, nan, 0.7, None]).count == 2
