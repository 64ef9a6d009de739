"""Traces of steps that are nearly all noise: how much of it is left in one, and what stands out from it (R12.5)."""

from dataclasses import dataclass
from math import isqrt
from typing import Final

PULL_BITS: Final = 10
SHARE_BITS: Final = 30
_DECAY_BITS: Final = 30


@dataclass(frozen=True)
class NoiseScale:
    """How a trace of so many rounds is brought to the size of the noise in it.

    With a the part of a trace that stays each round and m rounds, a trace of steps of length 1 that have nothing in
    common has the squared length (1 − a) / (1 + a) · (1 − a^2m).
    """

    gain: int
    """What makes the trace's noise as long as that of one step, in 2**−20."""
    pull: int
    """1 / √share, in 2**−10: how much the trace counts in a mean."""
    share: int
    """What is left of one step's squared noise in the trace that is corrected for its beginning, in 2**−30."""


def compute_decay(memory_milli: int, meetings: int) -> int:
    """(memory_milli / 1000)**meetings, in 2**−30, rounded down at each factor."""
    decay = 1 << _DECAY_BITS
    for _ in range(meetings):
        decay = decay * memory_milli // 1000
        if not decay:
            break
    return decay


def compute_noise_scale(memory_milli: int, meetings: int, gain_bits: int) -> NoiseScale:
    """Of a trace of `meetings` rounds, 1 or more. memory_milli: 0..999. gain_bits: the gain's unit."""
    one, decay = 1 << _DECAY_BITS, compute_decay(memory_milli, meetings)
    stays, goes = 1000 + memory_milli, 1000 - memory_milli
    return NoiseScale(
        gain=isqrt((stays << 2 * (gain_bits + _DECAY_BITS)) // (goes * (one * one - decay * decay))),
        pull=isqrt((stays * (one - decay) << 2 * PULL_BITS) // (goes * (one + decay))),
        share=(goes * (one + decay) << SHARE_BITS) // (stays * (one - decay)),
    )


def compute_edge(noise_milli: int, young_milli: int, shares: list[int], values: int, unit: int) -> int:
    """The largest λ₁ that honest noise gives: unit · (noise + young · mean share) · (1 + √(n / values))².

    shares: of each of the n traces, in 2**−30. values: of how many values a trace's noise is. Rounded down.
    The last factor is where the largest eigenvalue of n vectors of white noise ends (Marchenko and Pastur 1967).
    """
    count = len(shares)
    level = (noise_milli * count << SHARE_BITS) + young_milli * sum(shares)
    spread = values + count + isqrt(4 * values * count)
    return unit * level * spread // (1000 * count * values << SHARE_BITS)
