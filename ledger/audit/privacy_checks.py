"""A12: what an update says of privacy follows on earlier ones, and its step is as large as its noise.

Both can refute and neither can prove: who foretells the noise, or understates its rate, is seen by nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isqrt, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GRID_BITS, GridState, squared_distance, to_float
from ledger.audit.findings import Check, PrivacyLine, Report
from ledger.audit.kinds import Kind, Unit
from ledger.circle.history import History, Round
from ledger.circle.manifest import Tensor
from ledger.codec import Blocks, blocks_of, frame_steps
from ledger.judging.noise_floor import CHANCE, COARSEST, NOISE_FLOOR
from ledger.privacy.statement import PrivacyStatement, find_contradiction

REFUTES: Final = (
    "privacy: these checks refute and cannot prove: a peer that draws noise which another can foretell, or trains"
    " with a higher rate than it says, passes them"
)

_SAMPLED_MAX: Final = 65_536
"""So many values of a step are kept, to be compared with the next one's. Which they are, nobody can foretell."""
_LARGEST: Final = 2**25
"""In grid units, far above any noise: a longer change counts as this much."""
_CHANCE_OF_BLOCKS: Final = 2 * CHANCE
"""As CHANCE, for a block by itself: noise alone is below with a probability under e⁻⁴², some 10⁻¹⁸."""


@dataclass(frozen=True)
class StepNoise:
    """A step, measured in the noise that it must hold."""

    ratio: Fraction
    """χ: the step's squared length in parts of what the noise alone gives on average."""
    values: int
    """Of how many values; from 1."""

    @property
    def is_too_small(self) -> bool:
        """Whether the noise cannot be in it (R22.3), chance and rounding included."""
        return self.is_below(CHANCE)

    def is_below(self, chance: int) -> bool:
        """Whether it is below the floor by more than that much chance, as CHANCE has it, can make of it."""
        return self.ratio < NOISE_FLOOR and (1 - self.ratio) ** 2 * self.values > chance

    @property
    def least(self) -> float:
        """What the ratio has to be."""
        return max(0.0, min(float(NOISE_FLOOR), 1 - sqrt(CHANCE / self.values)))


def measure_noise(
    state: GridState,
    base: GridState,
    steps: NDArray[np.int32],
    layout: Sequence[Tensor],
    variance: Fraction,
    finest: Fraction | None = None,
) -> StepNoise | None:
    """χ = ‖state − base‖² / (m s²), exactly, of the m values whose frame is fine enough (R22.3); None for none.

    steps: between two codes of the state's frame, (d,), int32. variance: s², in the model's units. finest: the
    variance that a frame has to be fine enough for, where that is another.
    """
    total, count, at = Fraction(0), 0, 0
    for tensor in layout:
        place = slice(at, at + tensor.size)
        unit = Fraction(2) ** (tensor.exponent - GRID_BITS)
        counted = steps[place] <= isqrt(floor(COARSEST**2 * (finest or variance) / unit**2))
        total += squared_distance(state[place][counted], base[place][counted]) * unit**2
        count += int(np.count_nonzero(counted))
        at += tensor.size
    return StepNoise(total / (count * variance), count) if count else None


def find_lacking_blocks(
    state: GridState,
    base: GridState,
    steps: NDArray[np.int32],
    layout: Sequence[Tensor],
    blocks: Blocks,
    variance: Fraction,
) -> list[int]:
    """The blocks, by number, whose part of a step cannot hold its part of the noise, chance and rounding included.

    Noise is owed in each value, so what lies in one part of a state makes up for none in another. As measure_noise.
    """
    found, tensor, tensor_end = [], -1, 0
    for number, (end, length) in enumerate(zip(blocks.ends.tolist(), blocks.lengths.tolist(), strict=True)):
        while tensor_end < end:
            tensor += 1
            tensor_end += layout[tensor].size
        place, part = slice(end - length, end), Tensor("", (length,), layout[tensor].exponent)
        noise = measure_noise(state[place], base[place], steps[place], [part], variance)
        # There are many blocks, in many updates, and chance must accuse nobody in any of them.
        if noise is not None and noise.is_below(_CHANCE_OF_BLOCKS):
            found.append(number)
    return found


@dataclass(frozen=True)
class SampledStep:
    """Of a charged step, the values that are compared with those of the next one."""

    step: GridState
    """What was added to the base, grid units."""
    steps: NDArray[np.int32]
    """Between two codes of its frame, grid units."""
    variance: Fraction
    """s², of the noise that it must hold in each value, in the model's units."""

    def measure_change(self, before: "SampledStep", layout: Sequence[Tensor]) -> StepNoise | None:
        """How far this step is from the one before, in the noise of both: drawn anew, that adds up."""
        change = np.clip(self.step - before.step, -_LARGEST, _LARGEST)
        return measure_noise(
            change,
            np.zeros_like(change),
            np.maximum(self.steps, before.steps),
            layout,
            self.variance + before.variance,
            min(self.variance, before.variance),
        )


@dataclass(frozen=True)
class LastUpdate:
    """What a holder's next update is compared with."""

    round: int
    """The round of this one."""
    said: PrivacyStatement
    """Its statement."""
    steps: NDArray[np.int32]
    """The widest steps of its blocks' frames."""
    sampled: SampledStep | None
    """Of its step; None where it was not charged, or its base is not known."""


class PrivacyChecks:
    """Walks a circle's updates in order, with what each author said before."""

    def __init__(self, history: History, report: Report) -> None:
        self._history, self._report = history, report
        self._blocks: Blocks = blocks_of(history.manifest.sizes)
        self._last: dict[tuple[int, int], LastUpdate] = {}
        """By seat and tenure."""
        self._sample, self._sampled_layout = _draw_sample(history.manifest.layout)

    def check(
        self, round_: Round, seat: int, said: PrivacyStatement | None, state: GridState, base: GridState | None
    ) -> None:
        """An update that is valid by itself. base: its author's, (d,), int32; None where it is not known.

        It must be the one that the update names.
        """
        terms = self._history.manifest.privacy
        if terms is None or said is None:
            return
        if REFUTES not in self._report.notes:
            self._report.notes.append(REFUTES)
        self._report.count(Check.PRIVACY)
        self._report.count_of(Unit.STATEMENTS, seat, round_.peers[seat])
        holder = (seat, round_.tenures[seat])
        last = self._last.get(holder)
        previous = self._history.find_previous_round(round_.number, seat, round_.tenures[seat])
        is_next = last is not None and previous is not None and last.round == previous.number
        all_steps = frame_steps(to_float(state), self._blocks)
        steps = all_steps[self._blocks.ends - 1]
        sampled = None
        if base is not None and said.charged > 0:
            variance = terms.compute_noise_variance(said.sigma_value)
            sampled = SampledStep(state[self._sample] - base[self._sample], all_steps[self._sample], variance)
        self._last[holder] = LastUpdate(round_.number, said, steps, sampled)
        # R30.4: counts go on, and what was said once stays.
        if last is not None and (reason := find_contradiction(said, last.said, is_next=is_next)) is not None:
            self._find(
                Kind.CONTRADICTION,
                round_,
                seat,
                f"its privacy statement does not follow from the one before: {reason}",
            )
        noise = None
        if base is not None:
            variance = terms.compute_noise_variance(said.sigma_value)
            noise = measure_noise(state, base, all_steps, self._history.manifest.layout, variance)
            if said.charged > 0 and noise is not None and noise.is_too_small:
                self._find(
                    Kind.LITTLE_NOISE,
                    round_,
                    seat,
                    "its step is smaller than the noise that it must hold",
                    share_of_noise=f"{int(1000 * noise.ratio) / 1000:.3f}",
                    least=f"{noise.least:.3f}",
                    values=noise.values,
                )
            elif said.charged > 0 and noise is not None:
                layout = self._history.manifest.layout
                lacking = find_lacking_blocks(state, base, all_steps, layout, self._blocks, variance)
                if lacking:
                    self._find(
                        Kind.NOISELESS_PART,
                        round_,
                        seat,
                        "a part of its step is smaller than the noise that it must hold",
                        blocks=f"{len(lacking)} of {self._blocks.count}",
                        first=lacking[0],
                    )
                elif is_next and last is not None and sampled is not None and last.sampled is not None:
                    self._check_change(round_, seat, sampled, last.sampled)
            # What rounding left of the update before may be added: where that was not read, nothing is said.
            room = np.maximum(steps, last.steps) if is_next and last is not None else None
            if previous is None and not self._has_published_before(round_, seat):
                room = steps
            if said.charged == 0 and room is not None and self._moves(state, base, 2 * room):
                self._find(
                    Kind.UNCHARGED_STEP,
                    round_,
                    seat,
                    "it was not charged, and published another state than its base",
                )
        self._report.privacy.append(
            PrivacyLine(
                round_.number,
                seat,
                said.epsilon_milli,
                said.rounds,
                said.charged,
                round_.tenures[seat],
                said.sigma,
                said.rate,
                said.examples,
                None if noise is None else int(1000 * noise.ratio),
            )
        )

    def _check_change(self, round_: Round, seat: int, step: SampledStep, before: SampledStep) -> None:
        change = step.measure_change(before, self._sampled_layout)
        if change is not None and change.is_too_small:
            self._find(
                Kind.REPEATED_NOISE,
                round_,
                seat,
                "its noise is not drawn anew: its step is too near to the one before",
                share_of_noise=f"{int(1000 * change.ratio) / 1000:.3f}",
                least=f"{change.least:.3f}",
                values=change.values,
            )

    def _has_published_before(self, round_: Round, seat: int) -> bool:
        """Whether this key committed to anything before, in any seat: rounding may be left of that."""
        peer, earlier = round_.peers[seat], self._history.rounds[: round_.number - 1]
        return any(before.peers[other] == peer for before in earlier for other in before.commits)

    def _moves(self, state: GridState, base: GridState, room: NDArray[np.int32]) -> bool:
        return bool((np.abs(state - base) > np.repeat(room, self._blocks.lengths)).any())

    def _find(self, kind: Kind, round_: Round, seat: int, fact: str, **evidence: object) -> None:
        self._report.add(
            Check.PRIVACY, fact, kind, round_number=round_.number, seat=seat, peer=round_.peers[seat], **evidence
        )


def _draw_sample(layout: Sequence[Tensor]) -> tuple[NDArray[np.int64], list[Tensor]]:
    """Places in a state, in order, and the tensors that they make up."""
    ends = np.cumsum([tensor.size for tensor in layout])
    size = int(ends[-1])
    chosen = np.sort(np.random.default_rng().choice(size, min(size, _SAMPLED_MAX), replace=False))
    counts = np.diff(np.searchsorted(chosen, ends), prepend=0).tolist()
    return chosen, [Tensor(one.name, (n,), one.exponent) for one, n in zip(layout, counts, strict=True) if n]
