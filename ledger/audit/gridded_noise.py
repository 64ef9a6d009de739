"""Whether noise lies on a grid of its own, so that what lies between its points is training's alone (R22.3)."""

from math import log, pi, sqrt
from typing import Final

import numpy as np

from ledger.audit.step_noise import UNLIKELY, Floats, MeasuredStep, Spread
from ledger.judging.noise_floor import GRID_FREQUENCIES

_FREQUENCIES: Final = np.array(GRID_FREQUENCIES)
_VALUES: Final = 4096
_NEAREST: Final = np.arange(-2, 3)
_CHANCE: Final = 4 * (UNLIKELY + log(4 * _FREQUENCIES.size))


def find_grid(step: MeasuredStep, rng: np.random.Generator) -> Spread | None:
    """The frequency at which values lie together as no noise leaves them; None where there is none.

    rng: which values are looked at is not to be foretold.
    """
    places = np.flatnonzero(step.is_counted)
    if places.size > _VALUES:
        places = rng.choice(places, _VALUES, replace=False)
    if not places.size:
        return None
    blocks, counts = np.unique(np.searchsorted(step.ends, places, side="right"), return_counts=True)
    widths, of_width = np.unique(step.rounding[blocks], return_inverse=True)
    shares = np.bincount(of_width, counts) / places.size
    turned = np.exp(1j * np.outer(_FREQUENCIES, step.values[places].astype(np.float64)))
    most = _bound(widths) @ shares + sqrt(_CHANCE / places.size)
    left = np.abs(turned.mean(1))
    at = int((left - most).argmax())
    found = Spread(float(left[at]), float(most[at]))
    return found if found.is_too_narrow else None


def _bound(rounding: Floats) -> Floats:
    """What rounding leaves of the mean of exp(i t y), at the most, (frequencies, widths).

    rounding: between two codes, in deviations, (widths,). Rounded values lie on the frame's grid themselves.
    """
    between = 2 * pi / rounding
    nearest = np.rint(-_FREQUENCIES[:, None] / between)
    angles = _FREQUENCIES[:, None, None] + (nearest[:, :, None] + _NEAREST) * between[:, None]
    bound: Floats = np.exp(-(angles**2) / 2).sum(2)
    return bound
