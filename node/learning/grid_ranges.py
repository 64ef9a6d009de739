"""What the grid makes of a model's values, tensor by tensor: their units, and whatever it cannot hold.

A public state holds 24 bits and a sign of each value, in counts of 2**(exponent − 16), each tensor with an
exponent of its own.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from ledger.arithmetic.exact import GRID_BITS
from ledger.circle.manifest import MAX_EXPONENT, Tensor
from ledger.codec import LARGEST
from node.learning.layout import Layout, Vector

# Values may grow so many times beyond what they were before or after the first training: a running variance that
# moves a tenth of its way with each batch ends ten times as far off.
_HEADROOM: Final = 16.0
# A tensor that neither starts from zero nor reaches so many counts in its first training is one of tiny values.
_FEWEST_COUNTS: Final = 16.0
# It may still grow to about 1, as a layer's scale does that begins with a millionth.
_LEAST_EXPONENT: Final = -8
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Misfit:
    """A tensor that the grid does not hold as it is."""

    name: str
    """The tensor's name in the model."""
    largest: float
    """Its largest magnitude, as the model has it."""
    limit: float
    """What the grid holds of it: at most this magnitude, or, where all becomes 0, at least this."""
    is_clipped: bool
    """Whether values are too large and are set to the limit; otherwise all are so small that they become 0."""

    def __str__(self) -> str:
        if self.is_clipped:
            return f"{self.name} is clipped: its largest value {self.largest:.3g} is beyond ±{self.limit:.3g}"
        return f"{self.name} becomes 0: its largest value {self.largest:.3g} is below {self.limit:.3g}"

    def to_fields(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"tensor": self.name, "largest": self.largest, "limit": self.limit, "is_clipped": self.is_clipped}


class MisfitReporter:
    """Says of each tensor once what the grid does not hold of it, not in every round."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, bool], tuple[int, Misfit]] = {}
        """By tensor and whether it was clipped: the first round of it, and what was the matter."""

    def report(self, misfits: Iterable[Misfit], round_number: int) -> None:
        """Log what is new. round_number: in which this was to be published, 0 for the genesis."""
        for misfit in misfits:
            if (what := (misfit.name, misfit.is_clipped)) in self.told:
                continue
            self.told[what] = round_number, misfit
            _log.warning(
                "tensor beyond its grid round=%d tensor=%s how=%s largest=%.3g limit=%.3g",
                round_number,
                misfit.name,
                "clipped" if misfit.is_clipped else "zeroed",
                misfit.largest,
                misfit.limit,
            )


def find_misfits(vector: Vector, layout: Layout) -> list[Misfit]:
    """The tensors that lose values beyond their range, or all they have, in the order of the layout.

    vector: (d,), float32, in the layout's units; what is not finite counts as beyond. Zeros lose nothing.
    """
    return [misfit for tensor, values in _parts(vector, layout) if (misfit := _misfit(tensor, values)) is not None]


def choose_exponents(layout: Layout, genesis: Vector, trained: Vector | None = None) -> Layout:
    """The layout with the unit that each tensor's values ask for.

    genesis: (d,), float32, the values that all start from, in the units of a layout whose exponents are 0. trained:
    the same after a first training, None where there is none. The exponent is 0 for values of ordinary size: from
    2**-12 to 15.8 at most. It is the least above that with room for 16 times the largest value; and for a tensor
    that holds something from the start and stays below 2**-12, the one below that gives its largest value 16 to 32
    counts, −8 at the least.
    """
    after = genesis if trained is None or not np.isfinite(trained).all() else trained
    pairs = zip(_parts(genesis, layout), _parts(after, layout), strict=True)
    return replace(
        layout, exponents=tuple(_exponent(_largest(before), _largest(late)) for (_, before), (_, late) in pairs)
    )


def _parts(vector: Vector, layout: Layout) -> Iterator[tuple[Tensor, Vector]]:
    for tensor, here in zip(layout.tensors, layout.blocks.tensors, strict=True):
        yield tensor, vector[here]


def _misfit(tensor: Tensor, values: Vector) -> Misfit | None:
    largest, unit = _largest(values), 2.0**tensor.exponent
    least = 2.0 ** -(GRID_BITS + 1)
    # Half a count rounds to the even count, 0.
    if 0 < largest <= least:
        return Misfit(tensor.name, largest * unit, least * unit, is_clipped=False)
    if not largest <= LARGEST:
        return Misfit(tensor.name, largest * unit, LARGEST * unit, is_clipped=True)
    return None


def _largest(values: Vector) -> float:
    return float(np.abs(values).max(initial=0.0))


def _exponent(before: float, after: float) -> int:
    largest = max(before, after)
    few = _FEWEST_COUNTS * 2.0**-GRID_BITS
    if before > 0 and largest < few:
        return max(_LEAST_EXPONENT, -_doublings(few, largest))
    if largest <= LARGEST / _HEADROOM:
        return 0
    return min(_doublings(largest * _HEADROOM, LARGEST), MAX_EXPONENT)


def _doublings(above: float, below: float) -> int:
    """The least number of times that `below` must be doubled to reach `above`; both above 0."""
    mantissa, exponent = np.frexp(above / below)
    return int(exponent) - int(mantissa == 0.5)
