"""The fold takes no event that a refused call could have made, as far as it can know."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger.circle.draw import mask_of
from ledger.circle.events import (
    Appealed,
    Attested,
    Committed,
    Disputed,
    Drawn,
    Ejected,
    Event,
    Joined,
    Left,
    Moved,
    Outcome,
    Released,
    Resolved,
    Restarted,
    Rotated,
    Rotating,
    Settled,
    Summoned,
    Voted,
    Withdrawn,
    Woken,
)
from ledger.circle.fold.seat_events import EJECTED_PART
from ledger.circle.history import History, HistoryFault
from ledger.circle.reputation import pack
from tests.support.contract.terms import NOBODY

LATER_S: Final = 4_000_000_000
# What the fold cannot know: the time, who called, who signed, and what was sent along.
UNKNOWABLE: Final = frozenset(
    {
        "",
        "advance: commit phase is not due",
        "advance: round is to be given up",
        "advance: seed is not lost",
        "appeal: not this claim",
        "appeal: value is not the bond",
        "appeal: window is over",
        "attest: seed is lost",
        "attest: seed is not drawn yet",
        "dispute: too late to end",
        "dispute: value is not the bond",
        "equivocation: already proved",
        "equivocation: bad signature",
        "equivocation: same digest twice",
        "join: cold key is empty",
        "join: invitation has expired",
        "join: invitation is not signed",
        "join: invitation was used",
        "join: inviter lacks standing",
        "join: inviter may not invite",
        "join: value is not the bond",
        "release: unbonding is not over",
        "resolve: votes are still open",
        "restart: not its key",
        "rotate: delay is not over",
        "rotate: key is empty",
        "rotate: not the new key",
        "seat: caller has none",
        "seat: caller is not its cold key",
        "settle: attest phase is not due",
        "summon: not in these 256 blocks",
        "summon: window is over",
        "vote: not this claim",
        "vote: window is over",
    }
)


def check_fold_refuses(history: History, sender: str, name: str, arguments: tuple[Any, ...], reason: str) -> None:
    """Raises AssertionError where the fold takes an event of a call that the contract refused.

    The fold looks before it changes anything, so the history is the same afterwards.
    """
    if reason in UNKNOWABLE or name not in _EVENTS:
        return
    event = _EVENTS[name](history, sender, arguments)
    if event is None:
        return
    before = history.hash
    try:
        history.apply(event)
    except HistoryFault:
        assert history.hash == before
        return
    raise AssertionError(f"the contract refused ({reason}), the fold takes {event}")


def _joined(history: History, sender: str, arguments: tuple[Any, ...]) -> Event | None:
    endpoint, cold = arguments[:2]
    if not isinstance(endpoint, str):
        return None
    return Joined(history.find_next_seat() or 0, sender, cold, NOBODY, endpoint)


def _moved(history: History, sender: str, arguments: tuple[Any, ...]) -> Event | None:
    seat = history.seat_of(sender)
    return Moved(seat, arguments[0]) if seat is not None and isinstance(arguments[0], str) else None


def _own(make: Callable[..., Event]) -> Callable[[History, str, tuple[Any, ...]], Event | None]:
    """Of the caller's seat."""

    def event(history: History, sender: str, arguments: tuple[Any, ...]) -> Event | None:
        seat = history.seat_of(sender)
        return None if seat is None else make(history, seat, *arguments)

    return event


def _left(history: History, _sender: str, arguments: tuple[Any, ...]) -> Event:
    seat = arguments[0]
    return Left(seat, history.leaving_burn_wei(seat) if seat in history.seats else 0, LATER_S)


def _ejected(history: History, _sender: str, arguments: tuple[Any, ...]) -> Event:
    held = history.seats.get(arguments[0])
    return Ejected(arguments[0], held.bond // EJECTED_PART if held else 0, LATER_S)


def _released(history: History, _sender: str, arguments: tuple[Any, ...]) -> Event:
    held = history.seats.get(arguments[0])
    return Released(arguments[0], held.bond if held else 0)


def _rotated(history: History, sender: str, arguments: tuple[Any, ...]) -> Event:
    held = history.seats.get(arguments[0])
    hot, cold = held.announced[:2] if held and held.announced else (sender, sender)
    return Rotated(arguments[0], hot, cold)


def _drawn(history: History, _sender: str, _arguments: tuple[Any, ...]) -> Event:
    committed = history.rounds[-1].committed if history.rounds else 0
    return Drawn(history.number, b"\x01" * 32, committed)


def _settled(history: History, _sender: str, arguments: tuple[Any, ...]) -> Event:
    attested = mask_of(list(history.rounds[-1].attestations)) if history.rounds else 0
    return Settled(arguments[0], attested, pack(history.reputations))


def _disputed(history: History, sender: str, arguments: tuple[Any, ...]) -> Event:
    number, judge, target, evidence = arguments
    claim = (len(history.disputes), number, judge, target, sender, evidence)
    return Disputed(*claim, history.bonded, LATER_S)


_EVENTS: Final[Mapping[str, Callable[[History, str, tuple[Any, ...]], Event | None]]] = {
    "join": _joined,
    "move": _moved,
    "wake": _own(lambda history, seat: Woken(history.number, seat)),
    "leave": _left,
    "eject": _ejected,
    "release": _released,
    "restart": lambda _history, _sender, arguments: Restarted(arguments[0]),
    "withdraw": lambda history, sender, _arguments: Withdrawn(sender, history.owed.get(sender, 0)),
    "rotate": lambda _history, _sender, arguments: Rotating(arguments[0], arguments[1], arguments[2], LATER_S),
    "finish_rotation": _rotated,
    "commit": _own(lambda _history, seat, number, digest: Committed(number, seat, digest)),
    "attest": _own(lambda _history, seat, said, record: Attested(seat, said, record)),
    "advance": _drawn,
    "settle": _settled,
    "dispute": _disputed,
    "summon": lambda _history, _sender, arguments: Summoned(arguments[0], b"\x01" * 32, 0, LATER_S),
    "vote": _own(lambda _history, seat, number, said: Voted(number, seat, said & 3)),
    "appeal": lambda _history, sender, arguments: Appealed(arguments[0], sender, LATER_S),
    "resolve": lambda _history, _sender, arguments: Resolved(arguments[0], Outcome.VOID, 0, 0),
}
