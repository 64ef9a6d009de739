"""TETHER: pull everyone into reach, and drop who keeps pushing apart from the rest."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isqrt
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import clipped_mean, clipping_factor
from ledger.arithmetic.sketch import measure
from ledger.arithmetic.spectrum import Spread, gram, measure_spread
from ledger.rules.interface import Judgement, ScreeningInput, ScreeningResult, Weights
from ledger.rules.judge_memory import AuthorTrace, JudgeMemory
from ledger.rules.white_noise import NoiseScale, compute_decay, compute_edge, compute_noise_scale

_DOMAIN: Final = b"folkmoot tether 1"
# A step as long as the reach τ has a sketch of this length.
_UNIT_BITS: Final = 22
# Sketches are multiplied by integers of this many further bits.
_SCALE_BITS: Final = 31
_GAIN_BITS: Final = 20
_FACTOR_BITS: Final = 18
# The squared length of the noise in a trace that was brought to its size: that of one step as long as τ.
_NOISE: Final = 1 << 2 * _UNIT_BITS


@dataclass(frozen=True)
class Reach:
    """How far the judge lets others pull it."""

    tau2: int
    """τ², in grid units squared."""
    inside: frozenset[int]
    """The seats that pass the gate."""
    is_late: bool
    """Nobody is inside and the judge is a latecomer: then all pass."""


@dataclass(frozen=True)
class Cut:
    """Which neighbours are left out for the direction they keep."""

    dropped: frozenset[int] = frozenset()
    """Their seats."""
    has_fired: bool = False
    """Whether the spectral test says that somebody pushes apart from the rest."""
    double_centre: int = 0
    """Twice the median that projections are held against."""
    moving: int = 0
    """How many authors the test counts."""
    edge: int | None = None
    """What λ₁ has to exceed for more than noise, in its own unit; None where steps hold no noise that is known."""


@dataclass(frozen=True)
class Tether:
    """Clip every step to the reach τ, drop by the direction an author keeps, mix with one's own step.

    With b the judge's base, d_j = ‖w_j − b‖ and s = ‖own − b‖:

        τ    = max(least · s, min(lower median of d, reach · s)), or the lower median alone where s = 0
        gate : d_j ≤ gate · max(τ, s); where a latecomer finds nobody inside, all pass, τ is the lower median, and
               nobody is dropped; a latecomer is one that judged in at most `settling` rounds before, and not in all
        z_j  = (w_j − b) · min(1, τ / d_j)
        seen : those who pass must look alike in two sketches, the remembered one, whose seed the judge keeps, and a
               fresh one, drawn after this round's commits. With D the Gram matrix of the steps in the one less that
               in the other, in τ²: |median of D_ji over the others inside and own_votes times the judge's own| ≤
               hidden, and |D_jj| ≤ unseen; else it counts as outside the gate, for what it hides from the first
        e_j  = memory · e_j + (1 − memory) · sketch(z_j / τ), bias-corrected; for the judge's own step as well
        p_j  = projection of e_j − mean e on the top eigenvector of their Gram matrix, over the n authors known:
               those inside the gate, and those met before who are no neighbours now, most often first, up to `most`
        c    = median of all p_j and own_votes copies of the judge's own p
        test : n > few and λ₁ / Σλ > max(spectral / (v − 1), share), v the number of those with ‖e_j − mean e‖ at
               least `still` times its lower median; then of the floor(drop · n) with the largest |p_j − c| those
               are dropped that are at least `far` times as far away as the furthest
        few  : n ≤ few; then the floor(drop · m) − number outside the gate neighbours furthest from c are dropped
        b'   = b + ((own − b) + Σ kept z_j) / (1 + kept)

    In a circle with privacy terms each honest step holds noise whose size everybody knows, and the rule reckons
    with it (R12.5):

        quiet: who was charged and has d_j² below what its noise alone gives counts as outside the gate, and not in
               the median; where the judge has no noise to hold, s counts as 0
        e_j  : of each z_j first offset · the mean of those inside and the judge's own is taken: most of what all
               have in common is the noise in the judge's own base
        and where more than half of the others hold noise:

        p_j  : of traces in units of the noise that is left in them; who has less of it counts more in the mean
        test : λ₁ above the edge of noise alone, (noise + young · mean noise left) · (1 + √(n / values))², and of
               what there is besides the noise, λ₁ − 1 > max(spectral / (v − 1), share) · (Σλ − (v − 1));
               and outer in place of far

    Neighbours are drawn anew each round, so a handful of them says little; all whom the judge has met say who
    pushes together. Those outside the gate or dropped by the test are rejected. Those dropped only because
    few are known are accepted but not mixed. What is named without a formula is a parameter, in thousandths
    but for settling, few, most, own_votes and sketch_width, a power of two; with memory 0 there is no history.
    Source: design of this project; clipping as in He, Karimireddy and Jaggi 2022, arXiv:2202.01545.
    """

    needs_base: ClassVar[bool] = True
    needs_memory: ClassVar[bool] = True
    judges_each_alone: ClassVar[bool] = False
    is_replayable: ClassVar[bool] = True
    gate_milli: int = 3000
    """The gate, in times the larger of τ and s."""
    least_milli: int = 500
    """The shortest reach, in times the judge's own step."""
    reach_milli: int = 4000
    """The longest reach, in times the judge's own step."""
    hidden_milli: int = 80
    """How much the two sketches' inner products may differ at the median, in τ²."""
    unseen_milli: int = 250
    """How much the two sketches' squared lengths may differ, in τ²."""
    memory_milli: int = 950
    """The part of a trace that stays each round; 0: no history."""
    drop_milli: int = 450
    """The largest part of the authors that is dropped."""
    spectral_milli: int = 3500
    """What λ₁ / Σλ must exceed, in times 1 / (v − 1)."""
    share_milli: int = 190
    """What λ₁ / Σλ must exceed in any case."""
    far_milli: int = 500
    """How far away the dropped ones are at least, in times the furthest."""
    still_milli: int = 500
    """How long a trace must be for its author to count, in times the lower median."""
    settling: int = 2
    """A judge that judged in no more rounds may be a latecomer."""
    few: int = 6
    """With so many authors or fewer there is no test."""
    most: int = 64
    """How many authors are looked at."""
    own_votes: int = 3
    """How many copies of the judge's own projection enter the median."""
    sketch_width: int = 4096
    """Values of a sketch, a power of two."""
    offset_milli: int = 500
    """Under privacy terms: what is taken of the mean step before it is remembered."""
    noise_milli: int = 1200
    """Under privacy terms: how far noise alone spreads old traces, in times white noise."""
    young_milli: int = 750
    """Under privacy terms: how much further it spreads those of one round."""
    outer_milli: int = 700
    """Under privacy terms, in place of far: noise takes honest ones further out than their data do."""

    def __post_init__(self) -> None:
        for name, least, most in (
            ("gate_milli", 1000, 10**6),
            ("least_milli", 0, 10**6),
            ("reach_milli", 1, 10**6),
            ("hidden_milli", 0, 10**6),
            ("unseen_milli", 0, 10**6),
            ("memory_milli", 0, 999),
            ("drop_milli", 0, 1000),
            ("spectral_milli", 0, 10**6),
            ("share_milli", 0, 1000),
            ("far_milli", 0, 1000),
            ("still_milli", 0, 1000),
            ("settling", 0, 255),
            ("few", 0, 255),
            ("most", 0, 255),
            ("own_votes", 0, 255),
            ("sketch_width", 8, 1 << 16),
            ("offset_milli", 0, 1000),
            ("noise_milli", 1000, 10**6),
            ("young_milli", 0, 10**6),
            ("outer_milli", 0, 1000),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name} {value} is not in {least}..{most}")
        if self.sketch_width & (self.sketch_width - 1):
            raise ValueError(f"sketch_width {self.sketch_width} is not a power of two")

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """Judge every neighbour and mix (R12.3, and R12.5 where the noise is known)."""
        seats = sorted(inputs.neighbours)
        states = [inputs.neighbours[seat] for seat in seats]
        seed = inputs.memory.seed or _first_seed(inputs)
        seeds = (seed, _fresh_seed(inputs))
        lengths, sketches = measure(inputs.base, [*states, inputs.own], seeds, self.sketch_width)
        distances = dict(zip(seats, lengths[:-1], strict=True))
        floors = inputs.noise_floors or {}
        # Noise is drawn apart from all else, so a step that holds it is no shorter, seen from anybody's base.
        loud = {seat: d2 for seat, d2 in distances.items() if d2 >= floors.get(seat, 0)}
        # Who was not charged publishes its base, and what rounding makes of that says nothing about others' steps.
        is_still = inputs.noise_floors is not None and not floors.get(inputs.judge, 0)
        reach = self._reach(loud, 0 if is_still else lengths[-1], self._may_be_late(inputs))
        steps, fresh = (
            [_unit_step(sketch, length, reach.tau2) for sketch, length in zip(some, lengths, strict=True)]
            for some in sketches
        )
        reach = replace(reach, inside=self._find_unhidden(reach.inside, seats, steps, fresh))
        if inputs.noise_floors is not None:
            steps = self._take_offset(steps, [seat in reach.inside for seat in seats] + [True])
        traces = self._remember(inputs, [*seats, inputs.judge], steps)
        memory = JudgeMemory(seed, {**inputs.memory.traces, **traces})
        known = self._find_known(reach, seats, memory, inputs.judge)
        # Where most have spent their budgets, what is left between them is no noise, and fades.
        is_noisy = 2 * sum(floors.get(seat, 0) > 0 for seat in loud) > len(loud)
        scales = self._find_noise_scales([*known, inputs.judge], memory.traces) if is_noisy else None
        found = self._measure_spread(known, memory.traces, inputs.judge, scales) if known else None
        edge = None if scales is None or not known else self._find_edge(scales[:-1], inputs.base.size)
        cut = Cut() if found is None else self._cut(known, found, reach, len(seats), edge)
        accepted = reach.inside - cut.dropped if cut.has_fired else reach.inside
        mixed = (reach.inside - cut.dropped) & inputs.eligible
        kept = sorted(mixed)
        factors = [clipping_factor(reach.tau2, distances[seat], _FACTOR_BITS) for seat in kept]
        others = [inputs.neighbours[seat] for seat in kept]
        next_base = clipped_mean(inputs.base, inputs.own, others, factors, _FACTOR_BITS)
        figures = _figures(distances, reach, known, found, cut)
        judgements = {seat: Judgement(seat in accepted, figures[seat]) for seat in seats}
        one = 1 << _FACTOR_BITS
        weights = Weights(one, dict(zip(kept, factors, strict=True)), one * len(kept) - sum(factors))
        return ScreeningResult(judgements, mixed, next_base, memory, weights)

    def _may_be_late(self, inputs: ScreeningInput) -> bool:
        """Whether the judge came when others had gone on without it, and not long ago.

        A judge that was there from the start, or has caught up, and finds all out of reach is among liars.
        """
        own = inputs.memory.trace_of(inputs.judge, inputs.tenures.get(inputs.judge, 0))
        judged = own.meetings if own else 0
        return judged <= self.settling and judged + 1 < inputs.round

    def _take_offset(self, steps: Sequence[NDArray[np.int64]], counts: Sequence[bool]) -> list[NDArray[np.int64]]:
        """Each sketch less a part of the mean of those that count, rounded half up."""
        some = [step for step, is_counted in zip(steps, counts, strict=True) if is_counted]
        divisor = 1000 * len(some)
        offset = (2 * self.offset_milli * np.sum(some, axis=0) + divisor) // (2 * divisor)
        return [step - offset for step in steps]

    def _reach(self, distances: Mapping[int, int], own: int, may_be_late: bool) -> Reach:
        """τ² and who is inside the gate, from squared lengths."""
        ranked = sorted(distances.values())
        median = ranked[(len(ranked) - 1) // 2] if ranked else 0
        least, most = (milli**2 * own // 10**6 for milli in (self.least_milli, self.reach_milli))
        tau2 = max(least, min(median, most)) if own else median
        # Neighbours that hardly move must not shut out who trains: a step like one's own is never too long.
        gate2 = self.gate_milli**2 * max(tau2, own)
        inside = frozenset(seat for seat, d2 in distances.items() if d2 * 10**6 <= gate2)
        # A latecomer's own step says nothing about how far the others are; half of them would have to lie to pull
        # it further than the honest ones do.
        if distances and not inside and may_be_late:
            return Reach(median, frozenset(distances), True)
        return Reach(tau2, inside, False)

    def _find_unhidden(
        self,
        inside: frozenset[int],
        seats: Sequence[int],
        steps: Sequence[NDArray[np.int64]],
        fresh: Sequence[NDArray[np.int64]],
    ) -> frozenset[int]:
        """Those inside the gate who hide nothing from the remembered sketch. steps, fresh: of seats and the judge.

        The remembered sketch's seed is public, so a step can be made in its null space; the fresh one's is not
        known to anyone who commits.
        """
        places = [place for place, seat in enumerate(seats) if seat in inside]
        if not places:
            return inside
        some = [*places, len(seats)]
        known, new = (gram(np.stack([one[place] for place in some]).astype(np.int32)) for one in (steps, fresh))
        apart = [[a - b for a, b in zip(row, other, strict=True)] for row, other in zip(known, new, strict=True)]
        found = []
        for number, place in enumerate(places):
            row = apart[number]
            others = [*row[:number], *row[number + 1 : -1], *[row[-1]] * self.own_votes]
            is_hidden = abs(twice_the_median(others)) * 500 > self.hidden_milli << 2 * _UNIT_BITS
            if not is_hidden and abs(row[number]) * 1000 <= self.unseen_milli << 2 * _UNIT_BITS:
                found.append(seats[place])
        return frozenset(found)

    def _remember(
        self, inputs: ScreeningInput, seats: Sequence[int], steps: Sequence[NDArray[np.int64]]
    ) -> dict[int, AuthorTrace]:
        """The traces of all whom the judge meets this round, itself included."""
        traces: dict[int, AuthorTrace] = {}
        for seat, step in zip(seats, steps, strict=True):
            tenure = inputs.tenures.get(seat, 0)
            before = inputs.memory.trace_of(seat, tenure)
            total = (1000 - self.memory_milli) * step + 500
            meetings = 1
            if before is not None and before.values.shape == step.shape:
                total += self.memory_milli * before.values.astype(np.int64)
                meetings += before.meetings
            traces[seat] = AuthorTrace(tenure, meetings, (total // 1000).astype(np.int32))
        return traces

    def _find_known(self, reach: Reach, seats: Sequence[int], memory: JudgeMemory, judge: int) -> list[int]:
        """The authors whose directions are held against each other, ascending; nobody's for a latecomer."""
        if reach.is_late:
            return []
        absent = [
            (-trace.meetings, seat)
            for seat, trace in memory.traces.items()
            if self.memory_milli and trace.values.size == self.sketch_width and seat not in (*seats, judge)
        ]
        places = max(self.most - len(reach.inside), 0)
        return sorted(reach.inside.union(seat for _, seat in sorted(absent)[:places]))

    def _find_noise_scales(self, seats: Sequence[int], traces: Mapping[int, AuthorTrace]) -> list[NoiseScale]:
        return [compute_noise_scale(self.memory_milli, traces[seat].meetings, _GAIN_BITS) for seat in seats]

    def _find_edge(self, scales: Sequence[NoiseScale], parameters: int) -> int:
        """What λ₁ has to exceed. parameters: of the model; a sketch of no fewer values holds all of them."""
        values = min(parameters, self.sketch_width)
        shares = [scale.share for scale in scales]
        return compute_edge(self.noise_milli, self.young_milli, shares, values, _NOISE)

    def _measure_spread(
        self,
        known: Sequence[int],
        traces: Mapping[int, AuthorTrace],
        judge: int,
        scales: Sequence[NoiseScale] | None,
    ) -> Spread:
        """How the traces of the authors known spread; the guest is the judge.

        Bias-corrected, and by the plain mean; or in units of their noise, and by the mean that has least of it.
        """
        chosen = [traces[seat] for seat in (*known, judge)]
        gains = (
            [self._gain(trace.meetings) for trace in chosen] if scales is None else [scale.gain for scale in scales]
        )
        products = gram(np.stack([trace.values for trace in chosen]))
        scaled = [
            [a * b * entry for b, entry in zip(gains, row, strict=True)]
            for a, row in zip(gains, products, strict=True)
        ]
        pulls = None if scales is None else [scale.pull for scale in scales]
        return measure_spread(scaled, 1 << _GAIN_BITS, pulls)

    def _gain(self, meetings: int) -> int:
        """1 / (1 − memory**meetings), in 2**−20: what makes up for a trace that began at zero."""
        decay = compute_decay(self.memory_milli, meetings)
        return (1 << (30 + _GAIN_BITS)) // ((1 << 30) - decay)

    def _cut(
        self, known: Sequence[int], found: Spread, reach: Reach, neighbours: int, edge: int | None = None
    ) -> Cut:
        """Whom to drop of those inside the gate. Of equally far ones, the lower seat. edge: as in Cut."""
        count = len(known)
        # An even share is one among those who move: an author that stands still takes no part in the spread.
        middle = sorted(found.squares)[(count - 1) // 2]
        moving = sum(square * 10**6 >= self.still_milli**2 * middle for square in found.squares)
        # It shrinks with their number; what honest peers have in common does not.
        least = max(self.spectral_milli, self.share_milli * (moving - 1))
        largest, total = found.largest, found.total
        if edge is not None:
            # Noise spreads evenly; what is told from an even spread is what comes on top of it.
            largest, total = largest - _NOISE, total - _NOISE * (moving - 1)
        has_fired = count > self.few and largest * 1000 * (moving - 1) > least * total
        has_fired = has_fired and (edge is None or found.largest > edge)
        centre = twice_the_median([*found.projections, *[found.guest] * self.own_votes])
        away = {seat: abs(2 * p - centre) for seat, p in zip(known, found.projections, strict=True)}
        ranked = sorted(known, key=lambda seat: (-away[seat], seat))
        if has_fired:
            furthest, far = away[ranked[0]], self.far_milli if edge is None else self.outer_milli
            suspects = ranked[: self.drop_milli * count // 1000]
            dropped = [seat for seat in suspects if away[seat] * 1000 >= far * furthest]
        else:
            outside = neighbours - len(reach.inside)
            budget = max(self.drop_milli * neighbours // 1000 - outside, 0) if count <= self.few else 0
            dropped = [seat for seat in ranked if seat in reach.inside][:budget]
        return Cut(reach.inside.intersection(dropped), has_fired, centre, moving, edge)


def twice_the_median(values: Sequence[int]) -> int:
    """The sum of the two middle values."""
    ranked = sorted(values)
    return ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2] if ranked else 0


def _first_seed(inputs: ScreeningInput) -> bytes:
    return hashlib.sha256(_DOMAIN + inputs.seed + inputs.judge.to_bytes(4, "little")).digest()


def _fresh_seed(inputs: ScreeningInput) -> bytes:
    return b"fresh" + _first_seed(inputs)


def _unit_step(sketch: NDArray[np.int64], length2: int, tau2: int) -> NDArray[np.int64]:
    """The sketch of a step clipped to τ, in 2**−22 τ, rounded half up. Zero where τ is."""
    if not tau2:
        return np.zeros_like(sketch)
    scale = isqrt((1 << (2 * (_UNIT_BITS + _SCALE_BITS))) // max(length2, tau2))
    # By Cauchy and Schwarz no entry is above 2**22 · sqrt(runs), so the product fits int64 up to 2**18 runs.
    return (sketch * scale + (1 << (_SCALE_BITS - 1))) >> _SCALE_BITS


def _figures(
    distances: Mapping[int, int], reach: Reach, known: Sequence[int], found: Spread | None, cut: Cut
) -> dict[int, dict[str, int]]:
    """What decided, by seat: lengths in grid units squared; for those inside the gate the rest, in 2**−22 τ.

    In 2**−22 of a step's noise, taken as long as τ, where that is known.
    """
    figures = {seat: {"distance2": d2, "tau2": reach.tau2} for seat, d2 in distances.items()}
    if found is not None:
        shared = {
            "double_centre": cut.double_centre,
            "lambda1": found.largest,
            "trace": found.total,
            "known": len(known),
            "moving": cut.moving,
        }
        if cut.edge is not None:
            shared["edge"] = cut.edge
        for seat, projection in zip(known, found.projections, strict=True):
            if seat in reach.inside:
                figures[seat] |= {"projection": projection, **shared}
    return figures
