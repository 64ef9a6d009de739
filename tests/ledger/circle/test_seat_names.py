"""Whose names in a circle could be taken for one another's."""

import pytest

from ledger.circle.events import Event, Moved
from ledger.circle.history import CircleTerms, History
from ledger.circle.seat_names import make_name_fields, name_seats
from ledger.identity.endpoints import parse_endpoint
from tests.support.histories import parts
from tests.support.histories.parts import joined, manifest_of, opened

pytestmark = pytest.mark.rule("R16.2")

TERMS = CircleTerms(6, 2, 6, 2, 6, 16384, eject_after=1, bond=1001)


def circle_of(*moves: tuple[int, str]) -> History:
    """Six seats; moves: seat and what it calls itself from then on, `%…` as it stands on chain."""
    events: list[Event] = [opened(manifest_of(6, degree=2)), *(joined(seat) for seat in range(6))]
    for seat, name in moves:
        place = parse_endpoint(f"wss://a:{seat + 1} http://b:{seat + 1}")
        text = f"{place.text} name={name}" if "%" in name else place.named(name or None).text
        events.append(Moved(seat, text))
    return parts.fold(TERMS, events)


def marks_in(*moves: tuple[int, str]) -> dict[int, tuple[str, ...]]:
    return {seat: name.marks for seat, name in name_seats(circle_of(*moves)).items()}


def test_seats_without_a_name_have_none() -> None:
    assert name_seats(circle_of()) == {}
    assert make_name_fields(None) == {"name": None, "name_marks": []}


def test_a_name_that_nobody_else_has_carries_no_mark() -> None:
    assert marks_in((0, "Klinik Nord"), (1, "Klinik Sued")) == {0: (), 1: ()}
    assert name_seats(circle_of((0, "Klinik Nord")))[0].describe() == '"Klinik Nord"'


def test_a_seat_is_called_by_its_newest_endpoint_alone() -> None:
    names = name_seats(circle_of((0, "Nord"), (0, "Sued"), (1, "Ost"), (1, "")))
    assert {seat: name.text for seat, name in names.items()} == {0: "Sued"}


def test_two_with_one_name_are_marked_both() -> None:
    assert marks_in((0, "Nord"), (4, "Nord")) == {0: ("the same as seat 4's",), 4: ("the same as seat 0's",)}


def test_two_whose_names_look_alike_are_marked_both_and_the_script_is_told() -> None:
    assert marks_in((0, "coop"), (4, "соор")) == {
        0: ("like seat 4's",),
        4: ("like seat 0's", "in Cyrillic letters"),
    }
    names = name_seats(circle_of((0, "coop"), (4, "соор")))
    assert names[4].describe() == '"соор" (like seat 0\'s; in Cyrillic letters)'


def test_who_takes_a_name_that_another_has_given_up_is_marked() -> None:
    assert marks_in((0, "Nord"), (0, "Nordwest"), (4, "Nord")) == {0: (), 4: ("once seat 0's",)}
    assert marks_in((0, "Nord"), (0, "nord")) == {0: ()}


def test_many_of_one_name_are_told_in_a_few_words() -> None:
    marks = marks_in(*((seat, "Nord") for seat in range(6)))
    assert marks[5] == ("the same as seat 0's, seat 1's, seat 2's and 2 more",)


def test_what_may_not_be_shown_is_not_and_marks_nobody() -> None:
    assert marks_in((0, "Nord"), (1, "%0ANord"), (2, "seat%203"), (3, "Nord%E2%80%AE")) == {0: ()}
