"""Which gateways may have a blob, in the order in which to ask them."""

import random
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from ledger.circle.history import History
from ledger.identity.endpoints import find_endpoint

# Of the places where a seat's holder was reached before, and of its former holders: the newest of each.
_BEFORE_MAX: Final = 2


def gateways_of(history: History, rng: random.Random, first: Sequence[int] = ()) -> list[str]:
    """Every gateway the chain names, each once: at most five a seat (R20.1).

    Seats `first` come first, then all others that are held, then those given up, then where seats were reached
    before, and their former holders. Within each group the order is drawn: no member can put itself before others.
    """
    seats = list(history.seats)
    rng.shuffle(seats)
    others = [seat for seat in seats if seat not in first]
    found: dict[str, None] = {}
    groups: list[Iterable[str]] = [
        _find_newest(history, first),
        _find_newest(history, [seat for seat in others if history.seats[seat].is_held]),
        _find_newest(history, [seat for seat in others if not history.seats[seat].is_held]),
        (text for seat in seats for text in reversed(history.seats[seat].endpoints[-1 - _BEFORE_MAX : -1])),
        (text for seat in seats for text in reversed(history.seats[seat].former[-_BEFORE_MAX:])),
    ]
    for group in groups:
        found.update(dict.fromkeys(gateway for text in group if (gateway := _parse_gateway(text)) is not None))
    return list(found)


# An audit of a large circle asks for all of them once for every blob.
@lru_cache(4096)
def _parse_gateway(text: str) -> str | None:
    endpoint = find_endpoint(text)
    return None if endpoint is None else endpoint.gateway.text


def _find_newest(history: History, seats: Iterable[int]) -> Iterator[str]:
    return (history.seats[seat].endpoint for seat in seats if seat in history.seats)
