"""What the codec leaves over is kept from round to round, and must not give the noise back."""

import gc
import weakref
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from ledger.arithmetic.exact import to_float
from ledger.blobs.contents.records import decode_update
from ledger.circle.manifest import Manifest
from ledger.codec import PLAIN, ZSTD, blocks_of, decode
from node.behaviour import Behaviour
from node.learning.layout import layout_of
from node.learning.learner import Learner
from node.learning.private import clipping, mechanism, noise
from node.learning.private.mechanism import Mechanism, Privacy
from node.learning.private.randomness import Randomness, SystemRandomness
from node.learning.training import Trainer
from node.operating.meter import Meter
from node.tasks.interface import Task
from tests.support.histories.parts import manifest_of

AUTHOR, NETWORK, ROUNDS = bytes(20), bytes(32), 10
# Noise of .03 a value and a signal far below.
MECHANISM = Mechanism(
    steps=1, batch=10, rate=Fraction(1, 2), clip=1e-3, sigma=300.0, learning_rate=1.0, examples=20
)


class Flat:
    """20,000 weights."""

    def model(self) -> nn.Module:
        return nn.Linear(200, 100, bias=False)

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(20, 200), torch.arange(20)


class Noisy:
    def begin(self, round_number: int, examples: int) -> Privacy | None:
        return Privacy(MECHANISM, SystemRandomness())


def make_learner(codec: str) -> tuple[Learner, Manifest]:
    task = Task("flat.py:Flat", Flat())
    layout = layout_of(task.model())
    manifest = manifest_of(ROUNDS, layout=layout.tensors, codec=codec, rule="none", rule_parameters={})
    trainer = Trainer(task, layout, seat=0, seats=2, seed=1, private=Noisy())
    return Learner(trainer, manifest, Behaviour(), 1, Meter()), manifest


@pytest.mark.parametrize("codec", [PLAIN, ZSTD])
def test_published_steps_add_up_to_all_of_their_noise(codec: str) -> None:
    """A residual formed before the noise would take out in the next round what noise put in."""
    learner, manifest = make_learner(codec)
    base = np.random.default_rng(1).integers(-(1 << 14), 1 << 14, manifest.state_size).astype(np.int32)
    residual, total = np.zeros(manifest.state_size, np.float32), np.zeros(manifest.state_size)
    for number in range(1, ROUNDS + 1):
        prepared = learner.prepare(NETWORK, number, AUTHOR, base, residual)
        update = decode_update(prepared.blob, manifest, NETWORK, number, AUTHOR)
        total += to_float(decode(update.payload, codec, blocks_of(manifest.sizes)) - base)
        residual = prepared.residual
        learner._trained = None  # the base is the same, and is to be trained on anew
    variance = (MECHANISM.sigma * MECHANISM.clip / MECHANISM.batch) ** 2 * ROUNDS
    assert total.var() / variance == pytest.approx(1.0, abs=0.06)


def test_no_sum_without_noise_outlives_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes into the noise is gone when the update is made."""
    seen: list[weakref.ref[torch.Tensor]] = []
    add_noise, compute = noise.add_noise, clipping.ClippedSums.compute

    def watch_noise(randomness: Randomness, values: torch.Tensor, deviation: float) -> torch.Tensor:
        seen.append(weakref.ref(values))
        return add_noise(randomness, values, deviation)

    def watch_sums(self: clipping.ClippedSums, examples: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        sums = compute(self, examples)
        seen.extend(map(weakref.ref, sums))
        return sums

    monkeypatch.setattr(mechanism, "add_noise", watch_noise)
    monkeypatch.setattr(clipping.ClippedSums, "compute", watch_sums)
    learner, manifest = make_learner(ZSTD)
    zeros = np.zeros(manifest.state_size, np.int32)
    prepared = learner.prepare(NETWORK, 1, AUTHOR, zeros, zeros.astype(np.float32))
    gc.collect()
    assert prepared.blob
    assert len(seen) == 2
    assert all(one() is None for one in seen)
