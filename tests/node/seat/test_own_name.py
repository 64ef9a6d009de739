"""What a node's own seat calls itself: as its operator says, or as before."""

import pytest

from ledger.circle.events import Event, Moved, Rotating
from ledger.circle.history import CircleTerms, History
from ledger.errors import UsageError
from ledger.identity.endpoints import parse_endpoint
from node.seat.own_name import parse_own_name, put_name
from tests.support.histories import parts
from tests.support.histories.parts import address, cold, joined, manifest_of, opened

pytestmark = pytest.mark.rule("R16.2")

PLACE = parse_endpoint("wss://a:1 http://b:2")
TERMS = CircleTerms(3, 2, 3, 2, 3, 16384, eject_after=1, bond=1001)


def circle_of(*later: Event) -> History:
    first: list[Event] = [opened(manifest_of(3, degree=2)), *(joined(seat) for seat in range(3))]
    return parts.fold(TERMS, [*first, *later])


def test_a_name_is_tidied_and_an_empty_or_missing_one_left_as_it_is() -> None:
    assert parse_own_name("  Klinik   Nord ", "127.0.0.1") == "Klinik Nord"
    assert parse_own_name("", "127.0.0.1") == ""
    assert parse_own_name(None, "127.0.0.1") is None


@pytest.mark.parametrize(
    ("typed", "says"),
    [("seat 3", "seat's number"), ("x" * 10_000, "10000 characters"), ("<b>", "U+003C"), ("a\u202eb", "U+202E")],
)
def test_a_name_that_nobody_would_be_shown_is_refused_with_the_reason(typed: str, says: str) -> None:
    with pytest.raises(UsageError, match="would be shown to nobody") as refused:
        parse_own_name(typed, "127.0.0.1")
    assert says in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_name_for_which_a_long_host_leaves_no_room_is_refused() -> None:
    with pytest.raises(UsageError, match="is too long"):
        parse_own_name("東京大学病院" * 3, ".".join(["h" * 60] * 1 + ["i" * 20]))


def test_a_seat_keeps_its_name_unless_its_operator_says_another_or_none() -> None:
    history = circle_of(Moved(1, PLACE.named("Nord").text))
    assert put_name(PLACE, None, history, address(1)).name == "Nord"
    assert put_name(PLACE, "Sued", history, address(1)).name == "Sued"
    assert put_name(PLACE, "", history, address(1)).text == PLACE.text
    assert put_name(PLACE, None, history, address(0)).text == PLACE.text
    assert put_name(PLACE, None, history, address(9)).text == PLACE.text


def test_a_key_that_a_seat_is_rotated_to_keeps_the_name() -> None:
    history = circle_of(Moved(1, PLACE.named("Nord").text), Rotating(1, address(9), cold(1), 1_700_000_000))
    assert put_name(PLACE, None, history, address(9)).name == "Nord"


def test_a_name_with_no_room_at_a_new_address_is_dropped() -> None:
    history = circle_of(Moved(1, PLACE.named("東京大学病院").text))
    far = parse_endpoint(f"wss://{'.'.join(['h' * 60] * 3)}:1 http://b:2")
    assert put_name(far, None, history, address(1)).text == far.text


def test_what_is_no_name_is_not_kept() -> None:
    history = circle_of(Moved(1, f"{PLACE.text} name=seat%203"))
    assert put_name(PLACE, None, history, address(1)).text == PLACE.text
