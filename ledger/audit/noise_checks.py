"""What an audit holds against the noise in an author's charged steps, one by one and many together (R22.3)."""

import secrets
from dataclasses import dataclass
from typing import Final

import numpy as np

from ledger.audit.earlier_steps import EarlierSteps, NotNew
from ledger.audit.gridded_noise import find_grid
from ledger.audit.kinds import Kind
from ledger.audit.repeated_noise import find_pieces, find_repeated
from ledger.audit.step_noise import CHANCE_OF_PARTS, MeasuredStep, StepSums
from ledger.circle.manifest import Manifest
from ledger.codec import blocks_of
from ledger.judging.noise_floor import CHANCE

RUN: Final = 32
"""So many updates of one author are looked at together at the most, before it begins anew."""
_OF_GRID: Final = 1


@dataclass(frozen=True)
class Fault:
    """What is wrong with a step's noise."""

    kind: Kind
    """Of the finding."""
    fact: str
    """In a sentence."""
    evidence: dict[str, object]
    """The figures."""


@dataclass(frozen=True)
class _Run:
    """Updates of one author, one after the other."""

    updates: int
    """So many."""
    sums: StepSums
    """Of all of their steps."""


class NoiseChecks:
    """Walks the charged steps of a circle in order. The first thing that is not so is told; one is enough."""

    def __init__(self, manifest: Manifest, authors: int, seed: int | None = None) -> None:
        """authors: at most so many have a seat at a time. seed: draws the samples; None for any."""
        self._earlier = EarlierSteps(blocks_of(manifest.sizes), authors, seed)
        self._pieces = find_pieces(manifest.layout)
        self._runs: dict[tuple[int, int], _Run] = {}
        # Which parts of a step are compared with each other, nobody is to foretell.
        self._seed = secrets.randbits(64) if seed is None else seed

    def check(self, holder: tuple[int, int], round_number: int, step: MeasuredStep) -> Fault | None:
        """What is wrong with a step of which something can be measured. holder: seat and tenure of its author."""
        # In any case: it is kept, for later ones to be compared with.
        not_new = self._earlier.check(holder, step.values, step.is_counted)
        fault = (
            _check_sums(step.sums)
            or _describe_not_new(not_new)
            or self._check_repeated(holder, round_number, step)
            or self._check_grid(holder, round_number, step)
        )
        run = self._runs.pop(holder, None)
        if fault is not None:
            return fault
        run = _Run(1, step.sums) if run is None else _Run(run.updates + 1, run.sums + step.sums)
        fault = _check_sums(run.sums, run.updates) if run.updates > 1 else None
        if fault is None and run.updates < RUN:
            self._runs[holder] = run
        return fault

    def _check_repeated(self, holder: tuple[int, int], round_number: int, step: MeasuredStep) -> Fault | None:
        rng = np.random.default_rng([self._seed, *holder, round_number])
        again = find_repeated(step.values, step.is_counted, self._pieces, rng)
        fact = "its noise is not drawn for each value: it is twice in the step"
        return None if again is None else Fault(Kind.NOISE_TWICE, fact, again.list_figures())

    def _check_grid(self, holder: tuple[int, int], round_number: int, step: MeasuredStep) -> Fault | None:
        rng = np.random.default_rng([self._seed, *holder, round_number, _OF_GRID])
        grid = find_grid(step, rng)
        if grid is None:
            return None
        fact = "its noise lies on a grid, so it is not spread as noise must spread it"
        return Fault(Kind.UNSPREAD_NOISE, fact, {"left": f"{grid.left:.3f}", "most": f"{grid.most:.3f}"})


def _check_sums(sums: StepSums, updates: int = 1) -> Fault | None:
    """What one step, or so many together, show by themselves."""
    noise, spread = sums.measure(), sums.measure_spread()
    if noise is None or spread is None:
        return None
    steps, many = ("its step is", {}) if updates == 1 else ("its newest steps together are", {"updates": updates})
    if noise.is_below(CHANCE if updates == 1 else CHANCE_OF_PARTS):
        fact = f"{steps} smaller than the noise that {'it' if updates == 1 else 'they'} must hold"
        return Fault(Kind.LITTLE_NOISE, fact, noise.list_figures() | many)
    part = "a part of its step is" if updates == 1 else "a part of its newest steps together is"
    if lacking := sums.find_lacking_blocks():
        fact = f"{part} smaller than the noise that it must hold"
        return Fault(Kind.NOISELESS_PART, fact, _list_blocks(sums, lacking) | many)
    if spread.is_too_narrow:
        figures = {"left": f"{spread.left:.3f}", "most": f"{spread.most:.3f}", "values": sums.values}
        fact = f"{steps} not spread as noise must spread {'it' if updates == 1 else 'them'}"
        return Fault(Kind.UNSPREAD_NOISE, fact, figures | many)
    if narrow := sums.find_narrow_blocks():
        fact = f"{part} not spread as noise must spread it"
        return Fault(Kind.UNSPREAD_NOISE, fact, _list_blocks(sums, narrow) | many)
    return None


def _describe_not_new(found: NotNew | None) -> Fault | None:
    if found is None:
        return None
    fact = "its noise is not drawn anew: it lies in earlier steps"
    parts = {"parts": found.parts} if found.parts else {}
    return Fault(Kind.REPEATED_NOISE, fact, found.left.list_figures() | parts)


def _list_blocks(sums: StepSums, blocks: list[int]) -> dict[str, object]:
    return {"blocks": f"{len(blocks)} of {len(sums.counts)}", "first": blocks[0]}
