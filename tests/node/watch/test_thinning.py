"""A line with fewer points has the ends and the extremes of the whole one."""

from hypothesis import given
from hypothesis import strategies as st

from node.watch.thinning import thin


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=300), st.integers(10, 60))
def test_both_ends_and_the_extremes_stay(values: list[float | None], most: int) -> None:
    kept = thin(values, most)
    assert kept == sorted(set(kept))
    assert len(kept) <= max(most, 4)
    known = [value for value in values if value is not None]
    shown = [values[place] for place in kept if values[place] is not None]
    if known:
        assert min(shown) == min(known)  # type: ignore[type-var]
        assert max(shown) == max(known)  # type: ignore[type-var]
    if values:
        assert (kept[0], kept[-1]) == (0, len(values) - 1)


def test_a_short_row_stays_as_it_is() -> None:
    assert thin([1.0, None, 2.0], 10) == [0, 1, 2]
    assert thin([], 10) == []
