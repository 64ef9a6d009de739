"""What an audit of privacy holds against all authors together: noise that another published, and counts of rounds.

Where several processes recompute, each sees some seats alone; so this is done by whoever joins their parts, from
what each update shows of itself, in the order of the commits on chain.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.audit.findings import Check, Report
from ledger.audit.kinds import Kind
from ledger.audit.step_noise import CHANCE_OF_PARTS, MeasuredStep, StepNoise, Values, measure_left
from ledger.circle.history import Round
from ledger.codec import Blocks

_SHARED: Final = 4096
"""So many values of each step are looked at."""
_STEPS_MAX: Final = 512
"""So many steps at the most; then the older half of them is forgotten."""
_RIDGE: Final = 1e-5

Places = NDArray[np.int64]


def draw_shared_places(blocks: Blocks, seed: int | None) -> Places:
    """The places of a state at which steps of different authors are compared. seed: draws them; None for any."""
    count = min(_SHARED, blocks.state_size)
    return np.sort(np.random.default_rng(seed).choice(blocks.state_size, count, replace=False))


@dataclass(frozen=True)
class ShownStep:
    """A sample of a charged step whose noise can be measured."""

    values: Values
    """At the shared places, in deviations of its noise; 0 where it is not counted."""
    count: int
    """So many of them are counted."""
    is_named: bool
    """Something is wrong with it already: one finding about it is enough."""


def show_step(step: MeasuredStep, places: Places, *, is_named: bool) -> ShownStep:
    """The sample of a step at the shared places. is_named: as ShownStep has it."""
    return ShownStep(step.values[places], int(step.is_counted[places].sum()), is_named)


@dataclass(frozen=True)
class ShownPrivacy:
    """What an update says, and the step that it publishes."""

    seat: int
    """The author's."""
    rounds: int
    """It says that it was charged for so many."""
    charged: int
    """So many of them since the author's update before."""
    is_first: bool
    """Of its author's tenure, of those looked at."""
    step: ShownStep | None
    """None where its noise is not to be seen."""


@dataclass
class _Basis:
    """What all steps of a circle so far can make, at the shared places."""

    rows: Values
    """Orthonormal, (steps, places)."""
    steps: list[Values] = field(default_factory=list)
    """As they were, of length 1; oldest first."""
    sources: list[tuple[int, int]] = field(default_factory=list)
    """The round and seat of each."""


@dataclass(frozen=True)
class Borrowed:
    """Noise that was there before, whoever published it."""

    left: StepNoise
    """What is left of it without the earlier steps."""
    source: tuple[int, int] | None
    """Round and seat of the earlier step that is most like it, where one is."""


class EveryonesSteps:
    """What a circle's authors have shown so far; steps come in the order of the commits on chain."""

    def __init__(self) -> None:
        self._basis: _Basis | None = None

    def check(self, number: int, seat: int, shown: ShownStep) -> Borrowed | None:
        """Compare a step with all before it, and keep it. number: its round's."""
        if (length := float(np.linalg.norm(shown.values))) == 0:
            return None
        step = shown.values / np.float32(length)
        basis = self._basis or _Basis(np.zeros((0, step.size), np.float32))
        left, found = _find_left(shown, basis.rows), None
        if left is not None and left.is_below(CHANCE_OF_PARTS):
            likeness = np.abs(np.stack(basis.steps) @ step) if basis.steps else np.zeros(1)
            nearest = int(likeness.argmax())
            found = Borrowed(left, basis.sources[nearest] if likeness[nearest] > 0.5 else None)
        self._basis = _extend(basis, step, (number, seat))
        return found


class SharedSteps:
    """Walks what a circle's updates show, round by round."""

    def __init__(self) -> None:
        self._steps = EveryonesSteps()
        self._most_said: dict[str, int] = {}
        """By key: for how many rounds it said that it was charged, in whatever seat."""

    def check(self, round_: Round, shown: Iterable[ShownPrivacy], report: Report) -> None:
        """shown: by a round's updates, in the order of the commits on chain."""
        for one in shown:
            self._check_count(round_, one, report)
            if one.step is not None:
                self._check_step(round_, one.seat, one.step, report)

    def _check_count(self, round_: Round, shown: ShownPrivacy, report: Report) -> None:
        """R30.4: who comes back counts on, in whatever seat."""
        before = self._most_said.get(peer := round_.peers[shown.seat], 0)
        if shown.is_first and shown.rounds < before + min(1, shown.charged):
            fact = (
                "its privacy statement does not follow from the one before:"
                f" it was charged for {before} rounds in an earlier tenure, and says {shown.rounds}"
            )
            report.add(
                Check.PRIVACY, fact, Kind.CONTRADICTION, round_number=round_.number, seat=shown.seat, peer=peer
            )
        self._most_said[peer] = max(before, shown.rounds)

    def _check_step(self, round_: Round, seat: int, shown: ShownStep, report: Report) -> None:
        found = self._steps.check(round_.number, seat, shown)
        if found is None or shown.is_named:
            return
        fact = "its noise is not drawn anew: it lies in earlier steps"
        if found.source is not None:
            number, source = found.source
            fact += f", most of it in seat {source}'s of round {number}"
        report.add(
            Check.PRIVACY,
            fact,
            Kind.REPEATED_NOISE,
            round_number=round_.number,
            seat=seat,
            peer=round_.peers[seat],
            **found.left.list_figures(),
        )


def _find_left(shown: ShownStep, rows: Values) -> StepNoise | None:
    """The noise in what is left of a step without what earlier ones can make; None where they can make all of it.

    rows: orthonormal, (steps, places).
    """
    rest = shown.values - rows.T @ (rows @ shown.values)
    return measure_left(float(rest @ rest), shown.count - len(rows))


def _extend(basis: _Basis, step: Values, source: tuple[int, int]) -> _Basis:
    """step: of length 1."""
    if len(basis.steps) == _STEPS_MAX:
        steps = basis.steps[_STEPS_MAX // 2 :]
        rows = np.linalg.qr(np.stack(steps).T)[0].T.astype(np.float32)
        basis = _Basis(rows, steps, basis.sources[_STEPS_MAX // 2 :])
    basis.steps.append(step)
    basis.sources.append(source)
    rest = step
    for _ in range(2):
        rest = rest - basis.rows.T @ (basis.rows @ rest)
    if (remaining := float(np.linalg.norm(rest))) > _RIDGE:
        basis.rows = np.vstack([basis.rows, rest / np.float32(remaining)])
    return basis
