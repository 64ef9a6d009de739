"""What each call burns in circles of several sizes; contracts/gas.json holds the figures.

Plain names are a call as it mostly is: in the second round of a circle of degree 10 with bonds, all slots in use.
Names with a prefix are the same call in another case: `first_commit` of a round, `closing_…` closes the phase,
`fresh_…` finds its slots unused, `long_…` carries an endpoint of 256 bytes, `invited_join` an invitation;
`rejecting_…` is of a round in which a fifth of the verdicts, at random, reject; `worst_settle` is of degree 20
where every verdict rejects and every seat is quarantined and struck. `…_peer_round` is all of a round, per peer.
"""

import json
from math import ceil
from pathlib import Path
from random import Random

from circle_harness import DAY_S, DIGEST, ENDPOINT, RECORD, WINDOW_S, CircleTerms, CircleUnderTest
from circle_machines import BareMachine
from circle_terms import BY_MEMBERS

from ledger.topology import seats_of

GAS_FILE = Path(__file__).resolve().parents[2] / "contracts" / "gas.json"
SIZES = (8, 32, 128, 256)
LONG_ENDPOINT = "x" * 256
ETHER = 10**18
NEVER = 1 << 30
REJECTING_PART = 0.2
Figures = dict[str, int]


def measure(seats: int) -> Figures:
    """Gas of each call in a circle of so many seats. seats: at least 8."""
    terms = CircleTerms(
        seats,
        ceil(2 * seats / 3),
        last_round=9,
        degree=10,
        eject_after=1,
        bond=ETHER,
        dispute_bond=ETHER,
        jury_seats=21,
    )
    circle = CircleUnderTest(BareMachine(seats + 3), terms, check_every=NEVER)
    figures = {"deploy": circle.gas, **_joining(circle), **_rounds(circle), **_faults(circle), **_seats(circle)}
    circle.check()
    return figures | _worst_settlement(seats) | _invited()


def gas_file(measured: dict[int, Figures]) -> str:
    """The text of contracts/gas.json."""
    return json.dumps({str(seats): figures for seats, figures in measured.items()}, indent=1) + "\n"


def _of(circle: CircleUnderTest, peer: int, name: str, *arguments: object) -> int:
    circle.do(peer, name, *arguments)
    return circle.gas


def _of_cold(circle: CircleUnderTest, seat: int, name: str, *arguments: object) -> int:
    circle.do_cold(seat, name, *arguments)
    return circle.gas


def _joining(circle: CircleUnderTest) -> Figures:
    last = circle.terms.start_seats - 1
    figures = {}
    for seat in range(last + 1):
        name = {last - 2: "long_join", last - 1: "join", last: "closing_join"}.get(seat, "")
        circle.join(seat, endpoint=LONG_ENDPOINT if name == "long_join" else ENDPOINT)
        figures[name] = circle.gas
    del figures[""]
    move, long_move = _of(circle, last, "move", ENDPOINT), _of(circle, last, "move", LONG_ENDPOINT)
    return {**figures, "move": move, "long_move": long_move}


def _rounds(circle: CircleUnderTest) -> Figures:
    fresh = _first_round(circle)
    quiet, rejecting = _round(circle, 0.0), _round(circle, REJECTING_PART)
    return {
        **fresh,
        **{name: gas for name, gas in quiet.items() if name != "peer_round"},
        "rejecting_settle": rejecting["settle"],
        "quiet_peer_round": quiet["peer_round"],
        "rejecting_peer_round": rejecting["peer_round"],
    }


def _round(circle: CircleUnderTest, rejecting: float) -> Figures:
    """A round of all. rejecting: which part of the verdicts, drawn with a fixed seed, rejects."""
    seats, number, chance = circle.terms.start_seats, circle.history.number, Random(1)
    commits = [_of(circle, seat, "commit", number, DIGEST) for seat in range(seats)]
    attests = []
    for seat in range(seats):
        rejected = sum(1 << other for other in range(seats) if chance.random() < rejecting)
        attests.append(_of(circle, seat, "attest", circle.verdicts(seat, rejected), RECORD))
    settle = _of(circle, seats, "settle", number)
    return {
        "first_commit": commits[0],
        "commit": commits[1],
        "closing_commit": commits[-1],
        "first_attest": attests[0],
        "attest": attests[1],
        "settle": settle,
        "peer_round": ceil((sum(commits) + sum(attests) + settle) / seats),
    }


def _first_round(circle: CircleUnderTest) -> Figures:
    """All but the last seat take part, which then wakes. No seat has said anything before."""
    last = circle.terms.start_seats - 1
    circle.commit_all(range(last))
    circle.machine.pass_time(WINDOW_S)
    advance = _of(circle, last, "advance")
    attest = _of(circle, 0, "attest", circle.verdicts(0), RECORD)
    circle.attest_all(range(1, last))
    settle = _of(circle, last, "settle", 1)
    wake = _of(circle, last, "wake")
    return {"advance": advance, "fresh_attest": attest, "fresh_settle": settle, "wake": wake}


def _faults(circle: CircleUnderTest) -> Figures:
    """A dispute about the last seat but one, upheld; then an equivocation of the third last."""
    seats = circle.terms.start_seats
    stranger, judge, author = seats, seats - 2, seats - 3
    dispute = _of(circle, stranger, "dispute", 1, judge, 0, DIGEST)
    summon = _of(circle, stranger, "summon", 0)
    first, *others = seats_of(circle.history.disputes[0].jury)
    vote = _of(circle, first, "vote", 0, True)
    for seat in others:
        circle.do(seat, "vote", 0, True)
    upheld = _of(circle, stranger, "resolve", 0)
    circle.do(stranger, "dispute", 1, judge, 1, DIGEST)
    circle.do(stranger, "summon", 1)
    for seat in seats_of(circle.history.disputes[1].jury):
        circle.do(seat, "vote", 1, False)
    rejected = _of(circle, stranger, "resolve", 1)
    return {
        "dispute": dispute,
        "summon": summon,
        "vote": vote,
        "resolve": upheld,
        "rejected_resolve": rejected,
        "report_equivocation": _of(circle, stranger, "report_equivocation", *circle.announcements(author, 1)),
    }


def _seats(circle: CircleUnderTest) -> Figures:
    """Who was found guilty is ejected after a round below the floor; the last seat rotates, leaves, is paid."""
    seats, number = circle.terms.start_seats, circle.history.number
    stranger, last, guilty, fresh = seats, seats - 1, seats - 2, seats + 1
    here = [seat for seat in range(seats) if seat != seats - 3]
    circle.commit_all(here)
    circle.attest_all(here, rejected=1 << guilty)
    circle.do(stranger, "settle", number)
    eject = _of(circle, stranger, "eject", guilty)
    rotate = _of_cold(circle, last, "rotate", last, circle.peers[fresh], circle.colds[last])
    circle.machine.pass_time(DAY_S)
    finish = _of(circle, fresh, "finish_rotation", last)
    leave = _of_cold(circle, last, "leave", last)
    circle.machine.pass_time(DAY_S)
    release = _of(circle, stranger, "release", last)
    withdraw = _of_cold(circle, last, "withdraw")
    return {
        "eject": eject,
        "rotate": rotate,
        "finish_rotation": finish,
        "leave": leave,
        "release": release,
        "withdraw": withdraw,
    }


def _worst_settlement(seats: int) -> Figures:
    terms = CircleTerms(
        seats, 2, last_round=3, degree=20, reputation_shift=1, reputation_floor=32767, eject_after=9
    )
    circle = CircleUnderTest(BareMachine(seats + 1), terms, check_every=NEVER)
    circle.join_all()
    circle.commit_all(range(seats))
    circle.attest_all(range(seats), rejected=2**seats - 1)
    figures = {"worst_settle": _of(circle, seats, "settle", 1)}
    assert circle.history.below == 2**seats - 1
    circle.check()
    return figures


def _invited() -> Figures:
    """Joining by a member's invitation, with a long endpoint."""
    machine = BareMachine(3)
    terms = CircleTerms(3, admission=BY_MEMBERS, inviter=machine.accounts[2], bond=ETHER)
    circle = CircleUnderTest(machine, terms, check_every=NEVER)
    circle.join(0, *circle.invitation(2, 0))
    circle.join(1, *circle.invitation(0, 1), endpoint=LONG_ENDPOINT)
    return {"invited_join": circle.gas}
