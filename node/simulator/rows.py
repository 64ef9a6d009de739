"""What a simulated round was like, as rows."""

from collections.abc import Mapping
from math import nan

from ledger.circle.reputation import FULL
from node.operating.merit import ACCURACY
from node.own_code.own_objects import label_of
from node.simulator.contract import SimulatedContract
from node.simulator.judging import JudgeTurn, TurnVerdicts
from node.simulator.publishing import PublishedFrame
from node.simulator.results import Row
from node.simulator.scenario import Scenario


def make_rows(
    scenario: Scenario,
    contract: SimulatedContract,
    frames: Mapping[int, PublishedFrame],
    turns: Mapping[int, JudgeTurn],
    judged: Mapping[int, TurnVerdicts],
    figures: Mapping[int, Mapping[str, float]],
) -> list[Row]:
    """A row for every seat that has joined, after the round's settlement.

    frames, turns, judged, figures: by seat, of those that published, had a part as a judge, judged and were
    evaluated.
    """
    hostile = scenario.hostile
    return [
        Row(
            round=len(contract.rounds),
            seat=seat,
            attack=label_of(scenario.attack) if seat in hostile else "honest",
            committed=seat in frames,
            error=compute_error(figures.get(seat, {})),
            reputation=contract.reputations[seat] / FULL,
            quarantined=contract.is_quarantined(seat),
            ejected=seat in contract.ejected,
            payload_bytes=len(frames[seat].payload) if seat in frames else 0,
            figures=figures.get(seat, {}),
            **(_counts(judged[seat], hostile, len(turns[seat].neighbours)) if seat in judged else {}),
        )
        for seat in sorted(contract.reputations)
    ]


def compute_error(figures: Mapping[str, float]) -> float:
    """1 − accuracy where that is the main figure, the first; NaN otherwise."""
    return 1.0 - figures[ACCURACY] if next(iter(figures), None) == ACCURACY else nan


def _counts(judged: TurnVerdicts, hostile: frozenset[int], linked: int) -> dict[str, int]:
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
