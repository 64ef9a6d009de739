"""Whole owners are dealt to seats."""

import pytest

from ledger.errors import SetupError
from node.tasks.owners import deal_owners


def test_each_owner_goes_to_one_seat_and_seats_have_about_as_much() -> None:
    dealt = deal_owners({"a": 5, "b": 4, "c": 3, "d": 2, "e": 1}, 2)

    assert dealt == [["a", "d", "e"], ["b", "c"]]


def test_more_seats_than_owners_are_refused() -> None:
    with pytest.raises(SetupError, match=r"2 owners.*3 seats"):
        deal_owners({"a": 5, "b": 4}, 3)
