"""What a browser asks with is checked before anything acts on it."""

import pytest

from node.watch.query import BadQuery, Query


@pytest.mark.parametrize("raw", ["", "-1", "+1", "1.0", "0x1", "1e3", "٣", "11", "12345678", " 1", "1\n"])
def test_what_is_no_number_in_its_range_is_refused_with_the_range(raw: str) -> None:
    with pytest.raises(BadQuery, match="from is a whole number from 1 to 10"):
        Query({"from": raw}).number("from", None, least=1, most=10)


def test_a_number_that_is_not_given_is_the_default_or_is_asked_for() -> None:
    assert Query({}).number("from", 3, least=1, most=10) == 3
    assert Query({"from": "007"}).number("from", 3, least=1, most=10) == 7
    with pytest.raises(BadQuery, match="from is missing"):
        Query({}).number("from", None, least=1, most=10)


def test_seats_come_once_each_and_in_order() -> None:
    assert Query({"seats": "7,0,7,255"}).seats("seats") == [0, 7, 255]
    assert Query({}).seats("seats") is None
    assert Query({"seats": ""}).seats("seats") == []


@pytest.mark.parametrize("raw", ["256", "1,,2", ",", "a", "1;2", ",".join("1" for _ in range(257))])
def test_what_are_no_seats_is_refused(raw: str) -> None:
    with pytest.raises(BadQuery):
        Query({"seats": raw}).seats("seats")


def test_text_that_is_too_long_is_refused() -> None:
    assert Query({"q": "  <b> "}).text("q") == "<b>"
    with pytest.raises(BadQuery, match="128 characters"):
        Query({"q": "x" * 129}).text("q")
