"""What the seats of a circle call themselves, and whose names could be taken for one another's (R16.2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ledger.circle.history import History
from ledger.circle.members import Seat
from ledger.identity.display_names import list_scripts, make_skeleton
from ledger.identity.endpoints import find_seat_name

# Of a seat's endpoints so many are looked at for names it had before, and of seats so many are told of.
_BEFORE_MAX: Final = 64
_TOLD_MAX: Final = 3


@dataclass(frozen=True)
class SeatName:
    """What a seat calls itself: its operator's word."""

    text: str
    """As it may be shown."""
    marks: tuple[str, ...] = ()
    """What whoever reads it should know: a few words each."""

    def describe(self) -> str:
        """In quotation marks, which no name has, and its marks in brackets."""
        return f'"{self.text}"' + (f" ({'; '.join(self.marks)})" if self.marks else "")


def name_seats(history: History) -> dict[int, SeatName]:
    """Seat → its name, of those that have one that may be shown."""
    names = {seat: find_seat_name(held.endpoint) for seat, held in history.seats.items()}
    present = {seat: name for seat, name in names.items() if name is not None}
    if not present:
        return {}
    skeletons = {seat: make_skeleton(name) for seat, name in present.items()}
    earlier = {seat: _find_earlier(held) - {skeletons.get(seat)} for seat, held in history.seats.items()}
    return {seat: SeatName(name, tuple(_mark(seat, present, skeletons, earlier))) for seat, name in present.items()}


def make_name_fields(name: SeatName | None) -> dict[str, object]:
    """For machines: `name`, null without one, and `name_marks`."""
    return {
        "name": None if name is None else name.text,
        "name_marks": [] if name is None else list(name.marks),
    }


def _find_earlier(held: Seat) -> set[str | None]:
    """The skeletons of names that the seat's present holder had."""
    named = (text for text in held.endpoints[-_BEFORE_MAX:] if " name=" in text)
    return {make_skeleton(name) for name in map(find_seat_name, named) if name is not None}


def _mark(
    seat: int, names: Mapping[int, str], skeletons: Mapping[int, str], earlier: Mapping[int, set[str | None]]
) -> Iterable[str]:
    name, skeleton = names[seat], skeletons[seat]
    alike = [other for other in names if other != seat and skeletons[other] == skeleton]
    same = [other for other in alike if names[other] == name]
    if same:
        yield f"the same as {_tell_whose(same)}"
    if unlike := [other for other in alike if names[other] != name]:
        yield f"like {_tell_whose(unlike)}"
    if before := [other for other, had in earlier.items() if other != seat and skeleton in had]:
        yield f"once {_tell_whose(before)}"
    if scripts := list_scripts(name):
        yield f"in {' and '.join(scripts)} letters"


def _tell_whose(seats: list[int]) -> str:
    told = ", ".join(f"seat {seat}'s" for seat in seats[:_TOLD_MAX])
    return told if len(seats) <= _TOLD_MAX else f"{told} and {len(seats) - _TOLD_MAX} more"
