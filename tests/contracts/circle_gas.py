"""What each call burns in circles of several sizes; contracts/gas.json holds the figures.

Names with a prefix are the same call where it costs more: `first_commit` of a round finds an empty mask,
`fresh_attest` finds the slots of its seat unused, `closing_…` closes the phase, `long_…` carries an endpoint of
256 bytes, and `quarantined_settle` looks at every judge before it finds that none has weight.
"""

import json
from pathlib import Path

from circle_harness import DIGEST, ENDPOINT, RECORD, CircleTerms, CircleUnderTest
from circle_machines import BareMachine

GAS_FILE = Path(__file__).resolve().parents[2] / "contracts" / "gas.json"
SIZES = (8, 32, 128, 256)
LONG_ENDPOINT = "x" * 256


def measure(seats: int) -> dict[str, int]:
    """Gas of each call in a circle of so many seats. seats: at least 8."""
    terms = CircleTerms(seats, 2, last_round=9, reputation_floor=32767)
    circle = CircleUnderTest(BareMachine(seats), terms, check_every=1 << 30)
    return _joining(circle) | _first_round(circle) | _second_round(circle)


def gas_file(measured: dict[int, dict[str, int]]) -> str:
    """The text of contracts/gas.json."""
    return json.dumps({str(seats): figures for seats, figures in measured.items()}, indent=1) + "\n"


def _joining(circle: CircleUnderTest) -> dict[str, int]:
    last = circle.terms.start_seats - 1
    figures = {}
    for seat in range(last + 1):
        name = {last - 2: "long_join", last - 1: "join", last: "closing_join"}.get(seat, "")
        circle.do(seat, "join", LONG_ENDPOINT if name == "long_join" else ENDPOINT)
        figures[name] = circle.gas
    del figures[""]
    circle.do(last, "move", ENDPOINT)
    figures["move"] = circle.gas
    circle.do(last, "move", LONG_ENDPOINT)
    return {**figures, "long_move": circle.gas}


def _first_round(circle: CircleUnderTest) -> dict[str, int]:
    """All judge all others but one and accept one, so that everybody's reputation falls below the floor."""
    seats = circle.terms.start_seats
    circle.commit_all(range(seats))
    figures = {"closing_commit": circle.gas}
    everyone = 2**seats - 1
    for seat in range(seats):
        judged = everyone & ~(1 << seat) & ~(1 << (seat + 2) % seats)
        circle.do(seat, "attest", 1, judged, 1 << (seat + 1) % seats, RECORD)
        figures.setdefault("fresh_attest", circle.gas)
    circle.settle()
    assert max(circle.reputations.values()) < circle.terms.reputation_floor
    return {**figures, "settle": circle.gas}


def _second_round(circle: CircleUnderTest) -> dict[str, int]:
    """All but the last seat take part; masks and reputations are as full as they get."""
    last = circle.terms.start_seats - 1
    figures = {}
    circle.do(last, "wake")
    figures["wake"] = circle.gas
    for seat, name in zip(range(last), ("first_commit", *["commit"] * last), strict=False):
        circle.do(seat, "commit", 2, DIGEST)
        figures[name] = circle.gas
    circle.machine.pass_time(circle.terms.commit_window_s)
    circle.do(last, "advance")
    figures["advance"] = circle.gas
    for seat in range(last):
        name = {0: "first_attest", last - 1: "closing_attest"}.get(seat, "attest")
        circle.attest_all([seat])
        figures[name] = circle.gas
    circle.settle()
    return {**figures, "quarantined_settle": circle.gas}
