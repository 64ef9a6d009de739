"""What rounds cost: gas and coin by kind of call and by seat, and bytes where somebody here knows them."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ledger.blobs.contents.records import update_max_bytes
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import (
    Appealed,
    Attested,
    Committed,
    Disputed,
    Drawn,
    Ejected,
    Equivocated,
    Event,
    Joined,
    Left,
    Moved,
    Opened,
    Referred,
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
from ledger.circle.history import History
from node.watch.figures import read_told, tell_files
from node.watch.folders import read_size
from node.watch.gas_book import GasBook, find_gas_book
from node.watch.query import Query
from node.watch.shelf import find_shelf
from node.watch.source import Source
from node.watch.view import View

ROUNDS: Final = 100
"""So many rounds, the newest, unless others are asked for."""
_ROUNDS_MAX: Final = 2000
_TRANSACTIONS_MAX: Final = 6000
_SIZES_MAX: Final = 300
_SIZES_KEPT: Final = 200_000
_ROUND_MAX: Final = 9_999_999
# The call whose transaction emits an event first.
_CALLS: Final[Mapping[type, str]] = {
    Opened: "deploy",
    Joined: "join",
    Moved: "move",
    Woken: "wake",
    Committed: "commit",
    Drawn: "advance",
    Attested: "attest",
    Settled: "settle",
    Left: "leave",
    Ejected: "eject",
    Released: "release",
    Rotating: "rotate",
    Rotated: "finish_rotation",
    Equivocated: "report_equivocation",
    Disputed: "dispute",
    Summoned: "summon",
    Voted: "vote",
    Resolved: "resolve",
    Withdrawn: "withdraw",
    Referred: "resolve",
    Appealed: "appeal",
    Restarted: "restart",
}
_SAYS_LIVE: Final = (
    "Gas and coin are from the receipts of the circle's transactions, as the endpoint tells them. Calls that were"
    " reverted are not among them: they leave no event."
)
_SAYS_BUNDLE: Final = (
    "Gas is from the receipts that this bundle proves, which are few: an audit has those of comings, draws and"
    " settlements. A bundle does not hold what a unit of gas cost, so there is no coin."
)
_SAYS_BYTES: Final = (
    "Bytes sent are each node's own word, of folders on this machine. Sizes of updates are known where a folder or"
    " the bundle holds them."
)


@dataclass
class _Transaction:
    """One that emitted events of the circle."""

    hash: str
    call: str
    """The contract's function."""
    seat: int | None
    """Whose call its event says that it is; None where the event does not say."""


@dataclass
class _SeatSum:
    """What one seat's key paid in the rounds shown."""

    transactions: int = 0
    gas: int = 0
    wei: int | None = 0
    calls: dict[str, int] = field(default_factory=dict)


def sum_costs(source: Source, query: Query) -> dict[str, Any]:
    """GET /api/costs?from=&to=: columns a round, sums a seat. Round 0 is all before the first. Raises BadQuery."""
    view, book = source.view, find_gas_book(source)
    newest = view.history.number
    last = min(query.number("to", _ROUND_MAX, least=0, most=_ROUND_MAX), newest)
    first = query.number("from", max(0, last - ROUNDS + 1), least=0, most=_ROUND_MAX)
    rounds = _choose_rounds(view, first, last)
    pending = book.ask(one.hash for _, some in reversed(rounds) for one in some)
    numbers = [number for number, _ in rounds]
    columns, seats = _add_up(rounds, book, _find_payers(view.history))
    _add_bytes(seats, _sum_bytes(source, numbers))
    for seat, sizes in _measure_updates(source, book, numbers):
        seats.setdefault(seat, {"seat": seat})["updateBytes"] = sizes
    return {
        "rounds": numbers,
        **columns,
        "seats": [seats[seat] for seat in sorted(seats, key=lambda seat: (seat is None, seat or 0))],
        "pending": pending,
        "leftOut": max(0, (numbers[0] if numbers else 0) - first),
        "trouble": book.trouble or None,
        "says": f"{_SAYS_LIVE if source.bundle is None else _SAYS_BUNDLE} {_SAYS_BYTES}",
    }


def tell_costs(source: Source) -> Hashable:
    """For how long an answer holds: until the circle goes on, a receipt comes or a node reports."""
    return source.revision, find_gas_book(source).version, tell_files(source)


def list_transactions(entries: Iterable[PlacedEvent]) -> list[_Transaction]:
    """The transactions behind events, in order, each once."""
    found: dict[str, _Transaction] = {}
    for entry in entries:
        if entry.transaction not in found:
            call = _CALLS.get(type(entry.event), "other")
            found[entry.transaction] = _Transaction(entry.transaction, call, _find_caller(entry.event))
    return list(found.values())


def _find_caller(event: Event) -> int | None:
    """The seat whose key made the call, where that follows from the event."""
    return event.seat if isinstance(event, Joined | Moved | Woken | Committed | Attested | Voted) else None


def _choose_rounds(view: View, first: int, last: int) -> list[tuple[int, list[_Transaction]]]:
    """Rounds with their transactions, ascending: the newest of those asked for, as many as are not too much."""
    chosen: list[tuple[int, list[_Transaction]]] = []
    count = 0
    for number in range(last, first - 1, -1):
        some = list_transactions(view.list_round(number))
        count += len(some)
        if chosen and (count > _TRANSACTIONS_MAX or len(chosen) >= _ROUNDS_MAX):
            break
        chosen.append((number, some))
    return chosen[::-1]


def _find_payers(history: History) -> dict[str, int]:
    """Address, in lower case → the seat that it has or had a key of."""
    payers: dict[str, int] = {}
    for number, seat in history.seats.items():
        for key in (*seat.keys, seat.cold, seat.peer):
            payers[key.lower()] = number
    return payers


def _add_up(
    rounds: Sequence[tuple[int, list[_Transaction]]], book: GasBook, payers: Mapping[str, int]
) -> tuple[dict[str, Any], dict[int | None, dict[str, Any]]]:
    calls: dict[str, dict[str, list[int]]] = {}
    wei: list[int | None] = []
    known, total = [0] * len(rounds), [len(some) for _, some in rounds]
    sums: dict[int | None, _SeatSum] = {}
    for place, (_, some) in enumerate(rounds):
        spent: int | None = 0
        for one in some:
            paid = book.find(one.hash)
            if paid is None:
                continue
            known[place] += 1
            columns = calls.setdefault(one.call, {"gas": [0] * len(rounds), "count": [0] * len(rounds)})
            columns["gas"][place] += paid.gas
            columns["count"][place] += 1
            cost = None if paid.price_wei is None else paid.gas * paid.price_wei
            spent = None if spent is None or cost is None else spent + cost
            payer = payers.get(paid.sender, one.seat) if paid.sender else one.seat
            seat = sums.setdefault(payer, _SeatSum())
            seat.transactions += 1
            seat.gas += paid.gas
            seat.wei = None if seat.wei is None or cost is None else seat.wei + cost
            seat.calls[one.call] = seat.calls.get(one.call, 0) + paid.gas
        wei.append(spent if known[place] else None)
    columns_ = {
        "calls": calls,
        "coinWei": [None if one is None else str(one) for one in wei],
        "known": known,
        "transactions": total,
    }
    return columns_, {payer: _describe_sum(payer, one) for payer, one in sums.items()}


def _describe_sum(payer: int | None, one: _SeatSum) -> dict[str, Any]:
    return {
        "seat": payer,
        "transactions": one.transactions,
        "gas": one.gas,
        "coinWei": None if one.wei is None else str(one.wei),
        "calls": one.calls,
    }


def _sum_bytes(source: Source, numbers: Sequence[int]) -> Iterator[tuple[int, dict[str, int]]]:
    """By seat: bytes sent in the rounds shown, and in how many of them the node reported."""
    shown = set(numbers)
    for seat, told in read_told(source).items():
        sent = [one.bytes_sent for one in told if one.round in shown]
        if sent:
            yield seat, {"rounds": len(sent), "sum": sum(sent)}


def _add_bytes(seats: dict[int | None, dict[str, Any]], sent: Iterable[tuple[int, dict[str, int]]]) -> None:
    for seat, one in sent:
        seats.setdefault(seat, {"seat": seat})["bytesSent"] = one


def _measure_updates(source: Source, book: GasBook, numbers: Sequence[int]) -> Iterator[tuple[int, dict[str, int]]]:
    """By seat: how many updates' sizes are known of the newest rounds shown, and their sum."""
    history, left = source.view.history, _SIZES_MAX
    max_bytes = update_max_bytes(history.manifest)
    if len(book.sizes) > _SIZES_KEPT:
        book.sizes.clear()
    found: dict[int, list[int]] = {}
    for number in reversed(numbers):
        round_ = history.rounds[number - 1] if number else None
        # R5: what is committed is sealed until the phase closes.
        if round_ is None or round_.seed is None:
            continue
        for seat, digest in round_.commits.items():
            if digest not in book.sizes and left > 0:
                left -= 1
                book.sizes[digest] = _find_size(source, digest, max_bytes)
            if (size := book.sizes.get(digest)) is not None:
                found.setdefault(seat, []).append(size)
    for seat, sizes in found.items():
        yield seat, {"updates": len(sizes), "sum": sum(sizes)}


def _find_size(source: Source, digest: bytes, max_bytes: int) -> int | None:
    shelf = find_shelf(source)
    size = shelf.folders.find_size(digest, max_bytes)
    if size is not None or source.bundle is None:
        return size
    return read_size(digest, source.bundle.read_block(digest), max_bytes)
