"""What a simulated round was like, as rows."""

from collections.abc import Mapping
from math import nan

from ledger.circle.draw import links
from ledger.circle.reputation import FULL
from node.simulator.contract import Twin
from node.simulator.judging import Judged
from node.simulator.publishing import Published
from node.simulator.results import Row
from node.simulator.scenario import Scenario


def rows_of(
    scenario: Scenario,
    twin: Twin,
    frames: Mapping[int, Published],
    judged: Mapping[int, Judged],
    figures: Mapping[int, Mapping[str, float]],
) -> list[Row]:
    """A row for every seat that has joined, after the round's settlement.

    frames, judged, figures: by seat, of those that published, judged and were evaluated.
    """
    hostile, linked = scenario.hostile, links(len(frames), scenario.degree)
    return [
        Row(
            round=len(twin.rounds),
            seat=seat,
            attack=scenario.attack if seat in hostile else "honest",
            committed=seat in frames,
            error=error_of(figures.get(seat, {})),
            reputation=twin.reputations[seat] / FULL,
            quarantined=twin.is_quarantined(seat),
            ejected=seat in twin.ejected,
            payload_bytes=len(frames[seat].payload) if seat in frames else 0,
            figures=figures.get(seat, {}),
            **(_counts(judged[seat], hostile, linked) if seat in judged else {}),
        )
        for seat in sorted(twin.reputations)
    ]


def error_of(figures: Mapping[str, float]) -> float:
    """1 − accuracy; without one the first figure, without any NaN."""
    if "accuracy" in figures:
        return 1.0 - figures["accuracy"]
    return next(iter(figures.values()), nan)


def _counts(judged: Judged, hostile: frozenset[int], linked: int) -> dict[str, int]:
    """How many of each kind a judge with `linked` neighbours accepted, rejected and mixed in."""
    mask = sum(1 << seat for seat in hostile)
    rejected = judged.judged & ~judged.accepted
    return {
        "honest_accepted": (judged.accepted & ~mask).bit_count(),
        "honest_rejected": (rejected & ~mask).bit_count(),
        "hostile_accepted": (judged.accepted & mask).bit_count(),
        "hostile_rejected": (rejected & mask).bit_count(),
        "unavailable": linked - judged.judged.bit_count(),
        "honest_mixed": len(judged.mixed - hostile),
        "hostile_mixed": len(judged.mixed & hostile),
    }
