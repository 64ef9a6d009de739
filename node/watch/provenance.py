"""GET /api/provenance: whose updates a model is made of, and how they came into it.

The account is `folkmoot trace`'s. What a page can show of it is chosen here: of many seats and rounds a window.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from ledger.blobs.contents.records import update_max_bytes
from ledger.circle.history import History
from ledger.judging.circle_model import compute_lineage, find_base_round, find_history_after, find_last_settled
from ledger.judging.provenance import ROUNDS_MAX, explain_untraceable
from ledger.untrusted.text import make_printable
from node.operating.wording import format_count
from node.watch.query import SEAT_MAX, BadQuery, Missing, NotReady, Query
from node.watch.source import Source
from node.watch.trace_desk import Account, Failure, Model, TraceDesk

_ROWS_MAX: Final = 16
"""So many seats are drawn as nodes; of more those that one seat's updates went into, or came from, most."""
_COLUMNS_MAX: Final = 12
_SPANS_MAX: Final = 40
_NUMBER_MAX: Final = 10**6


def describe_provenance(source: Source, query: Query) -> dict[str, Any]:
    """`round`, `seat` (or `circle`): which model. `ask`: have its account made, where there is none.

    `of`: a seat to draw the way of; `to`: the last round to draw. Raises BadQuery, Missing, NotReady.
    """
    history, desk = source.view.history, _find_desk(source)
    last = find_last_settled(history)
    number = query.number("round", last, least=0, most=_NUMBER_MAX)
    seat = _parse_seat(query)
    known: dict[str, Any] = {"round": number, "seat": seat, "lastRound": last, "seats": sorted(history.seats)}
    reason = _find_reason(history, number, seat, last)
    if reason is not None:
        return known | {"state": "impossible", "says": reason, "needs": "", "seconds": 0, "account": None}
    model = Model(number, seat, find_history_after(history, number))
    if query.number("ask", 0, least=0, most=1):
        desk.ask(model)
    found = desk.find(model)
    known |= {"needs": _describe_needs(source, history, number), "seconds": 0, "account": None}
    if isinstance(found, Account) and found.fields["lineage"] != _find_lineage(source, history, found).hex():
        found = Failure("the chain took rounds back while it was made: ask again")
    if isinstance(found, Account):
        return known | {"state": "done", "says": "", "account": _describe_account(found, query)}
    return known | _describe_wait(desk, model, found)


def _find_desk(source: Source) -> TraceDesk:
    if source.traces is None:
        raise NotReady("this page makes no accounts")
    return source.traces


def _find_lineage(source: Source, history: History, found: Account) -> bytes:
    """What commits to all that the model came of, by the history that is shown here."""
    number = int(found.fields["round"])
    network = source.circle.network.domain_separator
    return compute_lineage(network, source.circle.task, number, find_history_after(history, number))


def _parse_seat(query: Query) -> int | None:
    return None if query.text("seat") in ("", "circle") else query.number("seat", None, least=0, most=SEAT_MAX)


def _find_reason(history: History, number: int, seat: int | None, last: int) -> str | None:
    """Why there can be no account; None where there can. Raises Missing for what is no model."""
    if number > last:
        raise Missing(f"there is no model of round {number}: the rounds settled are 0 to {last}")
    if seat is not None and find_base_round(history, number, seat) is None:
        raise Missing(f"seat {seat} had no base of its own up to round {number}")
    reason = explain_untraceable(history.manifest.rule)
    if reason is not None:
        return f"there are no shares under rule {history.manifest.rule}: {reason}"
    return f"no account of more than {ROUNDS_MAX} rounds is made" if number > ROUNDS_MAX else None


def _describe_needs(source: Source, history: History, number: int) -> str:
    """What making an account takes, before anybody asks for it."""
    updates = sum(len(round_.commits) for round_ in history.rounds[:number])
    rounds = format_count(number, "round")
    if source.kind == "bundle":
        return f"It judges {rounds} over again from {format_count(updates, 'update')} in the bundle."
    most = (updates * update_max_bytes(history.manifest)) / 1e6
    return (
        f"It judges {rounds} over again. For that it fetches {format_count(updates, 'update')}, at most"
        f" {most:,.1f} MB, from the members' gateways."
    )


def _describe_wait(desk: TraceDesk, model: Model, found: Failure | None) -> dict[str, Any]:
    under_way = desk.under_way
    if under_way is not None and under_way[0] == model:
        return {"state": "working", "says": "the account is being made", "seconds": int(under_way[1])}
    if under_way is not None:
        of_round = under_way[0].round
        return {"state": "busy", "says": f"the account of round {of_round} is being made: ask again after it"}
    if found is not None:
        return {"state": "failed", "says": make_printable(found.says, 1000)}
    return {"state": "idle", "says": "nobody has asked for this account yet"}


def _describe_account(found: Account, query: Query) -> dict[str, Any]:
    fields = found.fields
    peers = fields["peers"]
    return {
        "round": fields["round"],
        "seat": fields["seat"],
        "digest": "0x" + fields["digest"],
        "lineage": "0x" + fields["lineage"],
        "block": fields["block"],
        "bases": fields["bases"],
        "length": fields["length"],
        "residual": fields["residual"],
        "residualBound": fields["residual_bound"],
        "mixings": fields["mixings"],
        "tookS": found.took_s,
        "shares": [
            {
                "seat": one["seat"],
                "tenure": one["tenure"],
                "peer": one["peer"],
                "updates": one["updates"],
                "coefficient": one["coefficient"],
                "putIn": one["put_in"],
                "ofTheWay": one["of_the_way"],
            }
            for one in peers
        ],
        # What the shares leave of the whole way, as they stand there: rounding.
        "leftOver": 1 - sum(one["of_the_way"] for one in peers) if fields["length"] else 0.0,
        "reached": {seat: one["mixed_from"] for seat, one in fields["reached"].items()},
        "influence": _sum_up_influence(peers, fields["round"]),
        "graph": _draw_graph(fields, query),
    }


def _sum_up_influence(peers: Sequence[dict[str, Any]], last: int) -> dict[str, Any]:
    """Seat by seat, the coefficients of its updates in the model, added up over spans of rounds."""
    length = max(1, -(-last // _SPANS_MAX))
    spans = [(first, min(first + length - 1, last)) for first in range(1, last + 1, length)]
    sums: dict[int, list[float]] = defaultdict(lambda: [0.0] * len(spans))
    for peer in peers:
        row = sums[peer["seat"]]
        for one in peer["rounds"]:
            row[(one["round"] - 1) // length] += one["coefficient"]
    return {"spans": spans, "rows": [{"seat": seat, "values": row} for seat, row in sorted(sums.items())]}


def _draw_graph(fields: dict[str, Any], query: Query) -> dict[str, Any]:
    """Nodes: updates of a window of rounds, and at its end the bases. Edges: what part of a next base each was."""
    mixed, last = fields["rounds"], fields["round"]
    to = min(query.number("to", last, least=0, most=_NUMBER_MAX), last)
    window = mixed[max(0, to - _COLUMNS_MAX) : to]
    every = sorted({seat for one in window for seat in one["published"]})
    of = query.number("of", -1, least=0, most=SEAT_MAX)
    if of >= 0 and of not in every:
        raise BadQuery(f"seat {of} published nothing in rounds {max(1, to - _COLUMNS_MAX + 1)} to {to}")
    edges = [edge for one in window for edge in _list_edges(one)]
    focus = None if of < 0 else of
    rows = every
    if len(every) > _ROWS_MAX:
        focus = _find_strongest(fields["peers"], every) if focus is None else focus
        rows = _choose_rows(edges, focus)
    shares = {(one["round"], peer["seat"]): one for peer in fields["peers"] for one in peer["rounds"]}
    nodes = [
        _make_node(one["round"], seat, shares.get((one["round"], seat)))
        for one in window
        for seat in one["published"]
        if seat in rows
    ]
    return {
        "first": window[0]["round"] if window else 0,
        "last": to,
        "of": focus,
        "seats": rows,
        "seatsLeft": len(every) - len(rows),
        "nodes": nodes,
        "edges": [edge for edge in edges if edge["from"] in rows and edge["to"] in rows],
    }


def _make_node(number: int, seat: int, share: dict[str, Any] | None) -> dict[str, Any]:
    """coefficient: of the update in the model; null where it is not in it."""
    return {
        "round": number,
        "seat": seat,
        "coefficient": None if share is None else share["coefficient"],
        "putIn": None if share is None else share["put_in"],
    }


def _list_edges(mixed: dict[str, Any]) -> list[dict[str, Any]]:
    """weight: the part of the base after the round that is that update's, or of what its holder had already."""
    number, edges = mixed["round"], []
    for name, weights in mixed["mixings"].items():
        judge, total = int(name), weights["total"]
        kept = (weights["base"] + weights["own"]) / total
        edges.append({"round": number, "from": judge, "to": judge, "weight": kept})
        edges += [
            {"round": number, "from": int(seat), "to": judge, "weight": weight / total}
            for seat, weight in weights["others"].items()
        ]
    mixing = {int(name) for name in mixed["mixings"]}
    edges += [
        {"round": number, "from": seat, "to": seat, "weight": 1.0}
        for seat in mixed["published"]
        if seat not in mixing
    ]
    return edges


def _find_strongest(peers: Sequence[dict[str, Any]], among: Sequence[int]) -> int:
    """The seat that put most into the model, of those drawn."""
    sums: dict[int, float] = defaultdict(float)
    for peer in peers:
        sums[peer["seat"]] += peer["coefficient"]
    return max(among, key=lambda seat: (sums[seat], -seat))


def _choose_rows(edges: Sequence[dict[str, Any]], focus: int) -> list[int]:
    """The seat, and those that most went to and fro between it and."""
    weights: dict[int, float] = defaultdict(float)
    for edge in edges:
        if focus in (edge["from"], edge["to"]):
            weights[edge["to"] if edge["from"] == focus else edge["from"]] += edge["weight"]
    weights.pop(focus, None)
    nearest = sorted(weights, key=lambda seat: (-weights[seat], seat))[: _ROWS_MAX - 1]
    return sorted([focus, *nearest])
