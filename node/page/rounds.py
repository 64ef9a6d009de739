"""What a page shows of a circle's rounds, summed up where it is much: who judged whom how, and reputations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.audit.findings import Report
from ledger.circle.draw import seats_of
from ledger.circle.history import History, Round

VERDICTS_MAX: Final = 250_000
"""So many verdicts are embedded at most; some ten bytes each."""
ROWS_MAX: Final = 60
"""So many rows a table of rounds has."""
POINTS_MAX: Final = 240
"""So many points a line of a picture has."""


@dataclass(frozen=True)
class RoundRow:
    """Some rounds, one after the other, in figures."""

    first: int
    """The first round."""
    last: int
    """The last one, itself included."""
    committed: int
    """How many commits there were."""
    attested: int
    """How many attestations."""
    accepted: int
    """How many verdicts accepted."""
    rejected: int
    """How many rejected."""
    unjudged: int
    """How many neighbours of those who attested had no verdict."""
    findings: int
    """How many findings are about these rounds."""


def list_rows(history: History, report: Report) -> list[RoundRow]:
    """At most ROWS_MAX rows of about as many rounds each."""
    drawn = [round_ for round_ in history.rounds if round_.seed is not None]
    size = -(-len(drawn) // ROWS_MAX) or 1
    about: dict[int, int] = {}
    for finding in report.findings:
        if finding.round is not None:
            about[finding.round] = about.get(finding.round, 0) + 1
    return [_make_row(drawn[at : at + size], history.terms.degree, about) for at in range(0, len(drawn), size)]


def _make_row(rounds: Sequence[Round], degree: int, about: dict[int, int]) -> RoundRow:
    said = [one for round_ in rounds for one in round_.attestations.values()]
    judged = sum(one.judged.bit_count() for one in said)
    accepted = sum(one.accepted.bit_count() for one in said)
    asked = sum(len(round_.find_neighbours(degree)[judge]) for round_ in rounds for judge in round_.attestations)
    return RoundRow(
        rounds[0].number,
        rounds[-1].number,
        sum(len(round_.commits) for round_ in rounds),
        len(said),
        accepted,
        judged - accepted,
        asked - judged,
        sum(about.get(round_.number, 0) for round_ in rounds),
    )


def embed_rounds(history: History, report: Report) -> tuple[list[dict[str, object]], int]:
    """(rounds for the page's script, how many were left out). Those with findings come first, then the newest."""
    drawn = [round_ for round_ in history.rounds if round_.attestations]
    found = {(finding.round, finding.seat) for finding in report.findings}
    told = {round_ for round_, _ in found}
    left, chosen = VERDICTS_MAX, list[Round]()
    for round_ in sorted(drawn, key=lambda one: (one.number not in told, -one.number)):
        size = sum(one.judged.bit_count() for one in round_.attestations.values())
        if size > left:
            continue
        left -= size
        chosen.append(round_)
    chosen.sort(key=lambda one: one.number)
    return [_embed(round_, history.terms.degree, found) for round_ in chosen], len(drawn) - len(chosen)


def _embed(round_: Round, degree: int, found: set[tuple[int | None, int | None]]) -> dict[str, object]:
    neighbours = round_.find_neighbours(degree)
    return {
        "number": round_.number,
        "committed": sorted(round_.commits),
        "judges": {
            judge: {
                "accepted": seats_of(one.accepted),
                "rejected": seats_of(one.judged & ~one.accepted),
                "unjudged": sorted(seat for seat in neighbours[judge] if not one.judged >> seat & 1),
            }
            for judge, one in sorted(round_.attestations.items())
        },
        "found": sorted({seat for number, seat in found if number == round_.number and seat is not None}),
    }


def trace_reputations(history: History) -> tuple[list[int], dict[int, list[int | None]]]:
    """(rounds, seat → its reputation as each of these opened, 0..65535; None while nobody had it)."""
    rounds = history.rounds
    step = -(-len(rounds) // POINTS_MAX) or 1
    chosen = rounds[::step]
    if rounds and chosen[-1] is not rounds[-1]:
        chosen.append(rounds[-1])
    traced: dict[int, list[int | None]] = {
        seat: [round_.reputations.get(seat) for round_ in chosen] for seat in sorted(history.reputations)
    }
    numbers = [round_.number for round_ in chosen]
    if rounds and rounds[-1].settled:
        numbers.append(rounds[-1].number + 1)
        for seat, values in traced.items():
            values.append(history.reputations[seat])
    return numbers, traced
