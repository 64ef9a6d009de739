"""What `folkmoot status` tells of a circle, as values."""

import time
from collections.abc import Callable
from typing import Any


def make_circle_fields(
    file: Any, circle: Any, history: Any, state: Any, block: int, now_s: Callable[[], float]
) -> dict[str, Any]:
    """The circle as it stands, for machines; without what is said only of one machine.

    file: a CircleFile. circle: a Circle. history: a History. state: the ContractState at its end. block: up to
    which all of it was read. now_s: asks for the
    contract's time, Unix seconds; only where disputes are open.
    """
    from ledger.circle.history import Phase
    from node.cli.origin import make_origin_fields
    from node.seat.seat_rows import make_seat_rows

    timed = state.phase in (Phase.COMMIT, Phase.ATTEST)
    return {
        "contract": file.contract,
        "block": block,
        "task": history.manifest.task,
        "rule": history.manifest.rule,
        "origin": make_origin_fields(history.manifest.origin),
        "round": state.round,
        "last_round": circle.terms.last_round,
        "phase": state.phase.name.lower(),
        "seconds_left": max(0, state.deadline_s - int(time.time())) if timed else None,
        "seats": make_seat_rows(history),
        "convicted": [seat for seat, held in history.seats.items() if held.convictions],
        "open_disputes": list_open_disputes(history, now_s),
    }


def list_open_disputes(history: Any, now_s: Callable[[], float]) -> list[dict[str, Any]]:
    """Those that are not closed. history: a History. now_s: asks for the contract's time, where there are any."""
    from node.duties.claims import make_row

    found = list(history.open_disputes.values())
    at_s = now_s() if found else 0.0
    return [make_row(history, one, at_s) for one in found]
