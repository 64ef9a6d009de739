"""What each call burns in circles of several sizes; contracts/gas.json holds the figures.

Plain names are a call as it mostly is: in the second round of a circle of degree 10 with bonds, all slots in use.
Names with a prefix are the same call in another case: `first_commit` of a round, `closing_…` closes the phase,
`late_commit` is by a seat that dozes, `waiting_settle` of a round that one seat missed, `redrawing_advance` draws
anew, `fresh_…` finds its slots unused, `long_…` carries an endpoint of 256 bytes, `invited_join` an invitation.
`circle_vote` is in a dispute's last stage; a plain `resolve` ends the jury's, `silent_…` where nobody of it voted,
`upheld_…` and `rejected_…` end the dispute, the latter fines the whole jury. `deploy_court` goes before `deploy`.
`rejecting_…` is of a round in which a fifth of the verdicts, at random, reject; `worst_settle` is of degree 20
where every verdict rejects and every seat is quarantined and struck. `…_peer_round` is all of a round, per peer.
Beside the sizes, `code` holds how large the two codes are and what is left until they may not be deployed.
"""

import json
from math import ceil
from pathlib import Path
from random import Random

from ledger.chain.contract.artifact import load_circle_artifact
from ledger.circle.draw import seats_of
from ledger.circle.events import Answer
from tests.support.contract.harness import (
    DAY_S,
    DIGEST,
    ENDPOINT,
    RECORD,
    WINDOW_S,
    CircleUnderTest,
    ContractTerms,
)
from tests.support.contract.machines import BareMachine
from tests.support.contract.terms import BY_MEMBERS

GAS_FILE = Path(__file__).resolve().parents[2] / "contracts" / "gas.json"
SIZES = (8, 32, 128, 256)
LONG_ENDPOINT = "x" * 256
ETHER = 10**18
NEVER = 1 << 30
HASHES = 256
REJECTING_PART = 0.2
# What code may be deployed at most (EIP-170).
CODE_MOST_BYTES = 24_576
Figures = dict[str, int]


def measure(seats: int) -> Figures:
    """Gas of each call in a circle of so many seats. seats: at least 8."""
    terms = ContractTerms(
        seats,
        ceil(2 * seats / 3),
        last_round=19,
        degree=10,
        eject_after=1,
        bond=ETHER,
        dispute_bond=ETHER,
        dispute_window_s=WINDOW_S // 4,
        jury_seats=21,
    )
    circle = CircleUnderTest(BareMachine(seats + 3), terms, check_every=NEVER)
    court = circle.machine.run(circle.peers[0], None, circle.artifact.court_creation)
    figures = {
        "deploy_court": court.gas,
        "deploy": circle.gas,
        **_joining(circle),
        **_rounds(circle),
        **_faults(circle),
        **_seats(circle),
    }
    circle.check()
    return figures | _worst_settlement(seats) | _invited()


def code_sizes() -> dict[str, Figures]:
    """Bytes of the circle's code, with its immutables behind it, and of the court's, and what each has left."""
    artifact = load_circle_artifact()
    sizes = {
        "circle": len(bytes.fromhex(artifact.runtime[2:])) + 32 * len(artifact.immutables),
        "court": len(bytes.fromhex(artifact.court_runtime[2:])),
    }
    return {name: {"runtime_bytes": size, "left_bytes": CODE_MOST_BYTES - size} for name, size in sizes.items()}


def gas_file(measured: dict[int, Figures]) -> str:
    """The text of contracts/gas.json."""
    sizes = {str(seats): figures for seats, figures in measured.items()}
    return json.dumps({"code": code_sizes(), **sizes}, indent=1) + "\n"


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
    fresh, quiet, rejecting = _round(circle), _round(circle), _round(circle, REJECTING_PART)
    return {
        "fresh_attest": fresh["first_attest"],
        **{name: gas for name, gas in quiet.items() if name != "peer_round"},
        "rejecting_settle": rejecting["settle"],
        "quiet_peer_round": quiet["peer_round"],
        "rejecting_peer_round": rejecting["peer_round"],
        **_absence(circle),
    }


def _round(circle: CircleUnderTest, rejecting: float = 0.0) -> Figures:
    """A round of all. rejecting: which part of the verdicts, drawn with a fixed seed, rejects."""
    seats, number, chance = circle.terms.start_seats, circle.twin.number, Random(1)
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


def _absence(circle: CircleUnderTest) -> Figures:
    """A round without the last seat, whose draw is lost once; it wakes and is late for the next one."""
    last, number = circle.terms.start_seats - 1, circle.twin.number
    circle.commit_all(range(last))
    circle.machine.pass_time(WINDOW_S)
    advance = _of(circle, last, "advance")
    circle.machine.pass_blocks(HASHES)
    redrawing = _of(circle, last, "advance")
    circle.attest_all(range(last))
    waiting = _of(circle, last, "settle", number)
    wake = _of(circle, last, "wake")
    late = _of(circle, last, "commit", number + 1, DIGEST)
    circle.commit_all(range(last))
    circle.attest_all(range(last + 1))
    circle.do(last, "settle", number + 1)
    return {
        "advance": advance,
        "redrawing_advance": redrawing,
        "waiting_settle": waiting,
        "wake": wake,
        "late_commit": late,
    }


def _faults(circle: CircleUnderTest) -> Figures:
    """Disputes about the last seat but one: upheld; rejected, its whole jury wrong; rejected, its jury silent.

    Then an equivocation of the third last.
    """
    seats = circle.terms.start_seats
    stranger, judge, author = seats, seats - 2, seats - 3
    many = [seat for seat in range(seats) if seat != judge][: seats // 2 + 1]
    dispute = _of(circle, stranger, "dispute", 1, judge, 0, DIGEST)
    summon = _of(circle, stranger, "summon", 0)
    first, *others = seats_of(circle.twin.disputes[0].jury)
    vote = _of(circle, first, "vote", 0, circle.said(0, Answer.UPHOLDS))
    circle.vote(others, 0, Answer.UPHOLDS)
    referred = _of(circle, stranger, "resolve", 0)
    circle_vote = _of(circle, many[0], "vote", 0, circle.said(0, Answer.UPHOLDS))
    circle.vote(many[1:], 0, Answer.UPHOLDS)
    upheld = _of(circle, stranger, "resolve", 0)
    wrong = _rejected(circle, 1, Answer.UPHOLDS)
    circle.vote(many, 1, Answer.REJECTS)
    rejected = _of(circle, stranger, "resolve", 1)
    silent = _rejected(circle, 2, None)
    appeal = _of(circle, stranger, "appeal", 2, circle.said(2))
    circle.vote(many, 2, Answer.REJECTS)
    circle.do(stranger, "resolve", 2)
    return {
        "dispute": dispute,
        "summon": summon,
        "vote": vote,
        "circle_vote": circle_vote,
        "appeal": appeal,
        "resolve": max(referred, wrong),
        "silent_resolve": silent,
        "upheld_resolve": upheld,
        "rejected_resolve": rejected,
        "report_equivocation": _of(circle, stranger, "report_equivocation", *circle.announcements(author, 1)),
    }


def _rejected(circle: CircleUnderTest, number: int, answer: int | None) -> int:
    """Dispute `number`, to the end of its jury, all of which answers so or, None, keeps silent. Returns its gas."""
    stranger, judge = circle.terms.start_seats, circle.terms.start_seats - 2
    circle.do(stranger, "dispute", 1, judge, number, DIGEST)
    circle.do(stranger, "summon", number)
    if answer is None:
        circle.machine.pass_time(circle.terms.dispute_window_s)
    else:
        circle.vote(seats_of(circle.twin.disputes[number].jury), number, answer)
    return _of(circle, stranger, "resolve", number)


def _seats(circle: CircleUnderTest) -> Figures:
    """The seat found guilty is ejected after a round below the floor; the last seat rotates, leaves, is paid."""
    seats, number = circle.terms.start_seats, circle.twin.number
    stranger, last, guilty, fresh = seats, seats - 1, seats - 2, seats + 1
    # The last one dozes: once the others have committed nobody waits for it.
    here = [last, *(seat for seat in range(last) if seat != seats - 3)]
    circle.commit_all(here)
    circle.attest_all(here, rejected=1 << guilty)
    circle.do(stranger, "settle", number)
    eject = _of(circle, stranger, "eject", guilty)
    restart = _of(circle, 0, "restart", 0)
    rotate = _of_cold(circle, last, "rotate", last, circle.peers[fresh], circle.colds[last])
    circle.machine.pass_time(DAY_S)
    finish = _of(circle, fresh, "finish_rotation", last)
    leave = _of_cold(circle, last, "leave", last)
    circle.machine.pass_time(DAY_S)
    release = _of(circle, stranger, "release", last)
    withdraw = _of_cold(circle, last, "withdraw")
    return {
        "eject": eject,
        "restart": restart,
        "rotate": rotate,
        "finish_rotation": finish,
        "leave": leave,
        "release": release,
        "withdraw": withdraw,
    }


def _worst_settlement(seats: int) -> Figures:
    terms = ContractTerms(
        seats, 2, last_round=3, degree=20, reputation_shift=1, reputation_floor=32767, eject_after=9
    )
    circle = CircleUnderTest(BareMachine(seats + 1), terms, check_every=NEVER)
    circle.join_all()
    circle.commit_all(range(seats))
    circle.attest_all(range(seats), rejected=2**seats - 1)
    figures = {"worst_settle": _of(circle, seats, "settle", 1)}
    assert circle.twin.below == 2**seats - 1
    circle.check()
    return figures


def _invited() -> Figures:
    """Joining by a member's invitation, with a long endpoint."""
    machine = BareMachine(3)
    terms = ContractTerms(3, admission=BY_MEMBERS, inviter=machine.accounts[2], bond=ETHER)
    circle = CircleUnderTest(machine, terms, check_every=NEVER)
    circle.join(0, *circle.invitation(2, 0))
    circle.join(1, *circle.invitation(0, 1), endpoint=LONG_ENDPOINT)
    return {"invited_join": circle.gas}
