"""Whether a step's noise is new, or lies in what its author published before (R22.3).

Noise that is drawn for one step knows nothing of earlier ones: once what can be made of these is taken from the
step, the noise in what is left is still as large as it was, but for one value for each step taken away.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.audit.step_noise import CHANCE_OF_PARTS, StepNoise, Values, measure_left
from ledger.codec import Blocks

_OWN: Final = 8
"""So many of its author's last steps are taken from each part of a step."""
_PART: Final = 512
"""So many values of a part are looked at."""
_VALUES_MAX: Final = 1 << 17
_ROOM: Final = 1 << 24
"""Values that are kept of all authors' last steps together."""
_RIDGE: Final = 1e-5

Places = NDArray[np.int64]


@dataclass(frozen=True)
class NotNew:
    """Noise that was there before."""

    left: StepNoise
    """What is left of it without the earlier ones."""
    parts: int
    """In so many parts of the step by themselves; 0: in the step as a whole."""


class EarlierSteps:
    """What each author has published so far, as a sample of places that nobody can foretell."""

    def __init__(self, blocks: Blocks, authors: int, seed: int | None = None) -> None:
        """authors: at most so many keep steps at a time. seed: draws the sample; None for any."""
        rng = np.random.default_rng(seed)
        self._places, self._is_place = _draw_places(blocks, min(_VALUES_MAX, _ROOM // (_OWN * authors)), rng)
        # Of each seat's present holder.
        self._own: dict[int, tuple[int, deque[Values]]] = {}

    def check(self, holder: tuple[int, int], values: Values, is_counted: NDArray[np.bool_]) -> NotNew | None:
        """Compare a step with its author's before it, and keep it. holder: seat and tenure of its author.

        values: in deviations of its noise, (d,), 0 where it is not counted; is_counted: (d,).
        """
        seat, tenure = holder
        if self._own.get(seat, (0,))[0] != tenure:
            self._own[seat] = tenure, deque(maxlen=_OWN)
        own = self._own[seat][1]
        step = values[self._places] * self._is_place
        counts = (is_counted[self._places] & self._is_place).sum(1)
        found = _find_in_own(step, counts, own)
        own.append(step)
        return found


def _find_in_own(step: Values, counts: Places, own: "deque[Values]") -> NotNew | None:
    """step: (parts, values). counts: of how many of them the noise is to be seen, (parts,)."""
    if not own:
        return None
    before = np.stack(own, axis=1)
    products = (before @ before.transpose(0, 2, 1)).astype(np.float64)
    size = np.trace(products, axis1=1, axis2=2)[:, None, None]
    # What is added makes more be left, never less.
    products += (_RIDGE * size + 1e-30) * np.eye(len(own))
    weights = np.linalg.solve(products, (before @ step[:, :, None]).astype(np.float64))
    rest = step - (weights.transpose(0, 2, 1) @ before)[:, 0]
    left, free = (rest**2).sum(1), np.maximum(counts - len(own), 0)
    whole = measure_left(float(left[free > 0].sum()), int(free.sum()))
    if whole is None:
        return None
    # From the last one by itself it is as far as the noise of both: what is common to both is in neither's way.
    is_in_both = before[:, -1] != 0
    apart = ((step - before[:, -1]) ** 2 * is_in_both)[counts > 0]
    change = measure_left(float(apart.sum()) / 2, int(is_in_both[counts > 0].sum()))
    each = [measure_left(one, n) for one, n in zip(left.tolist(), free.tolist(), strict=True)]
    lacking = [one for one in each if one is not None and one.is_below(CHANCE_OF_PARTS)]
    if whole.is_below(CHANCE_OF_PARTS):
        return NotNew(whole, 0)
    if change is not None and change.is_below(CHANCE_OF_PARTS):
        return NotNew(change, 0)
    return NotNew(min(lacking, key=lambda one: one.ratio), len(lacking)) if lacking else None


def _draw_places(blocks: Blocks, room: int, rng: np.random.Generator) -> tuple[Places, NDArray[np.bool_]]:
    """Places in a state, (parts, values), and which of them are any.

    A part is of one block, or of several where blocks are small or many.
    """
    parts_max = max(1, room // _PART)
    size = max(_PART, -(-blocks.state_size // parts_max))
    parts: list[list[NDArray[np.int64]]] = [[]]
    filled = 0
    for end, length in zip(blocks.ends.tolist(), blocks.lengths.tolist(), strict=True):
        if filled and filled + length > size:
            parts.append([])
            filled = 0
        parts[-1].append(np.arange(end - length, end))
        filled += length
    places = np.zeros((len(parts), _PART), np.int64)
    is_place = np.zeros(places.shape, bool)
    for number, part in enumerate(map(np.concatenate, parts)):
        chosen = np.sort(rng.choice(part, min(_PART, part.size), replace=False))
        places[number, : chosen.size], is_place[number, : chosen.size] = chosen, True
    return places, is_place
