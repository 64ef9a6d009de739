"""What a learner publishes of what it has trained."""

import numpy as np
import pytest
import torch
from torch import nn

from ledger.codec import DELTA, SENT_SHARE, ZSTD
from ledger.exact import State
from ledger.lineage import Fetched, Link, Published, States, published
from ledger.manifest import Manifest
from node.learner import Learner, Previous
from node.meter import Meter
from node.tasks.interface import Task
from node.testing.attacks import behaviour
from node.training import Trainer, layout_of

AUTHOR, NETWORK = bytes(20), bytes(32)


class Points:
    """Random points of many values, so that every weight moves in training."""

    def model(self) -> nn.Module:
        return nn.Linear(200, 50)

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seat)
        return torch.randn(64, 200, generator=generator), torch.randint(0, 50, (64,), generator=generator)


def learner_of(codec: str, **options: float) -> tuple[Learner, Manifest]:
    task = Task("points.py:Points", Points())
    layout = layout_of(task.model())
    manifest = Manifest(
        version=1,
        task="points.py:Points",
        task_options={},
        layout=layout.tensors,
        genesis="00" * 32,
        codec=codec,
        degree=1,
        rule="none",
        rule_parameters={},
        rounds=3,
    )
    trainer = Trainer(task, layout, seat=0, seats=2, seed=1)
    return Learner(trainer, manifest, behaviour("honest"), 1, Meter(), **options), manifest


def published_by(learner: Learner, manifest: Manifest, base: State, previous: Previous | None) -> State:
    """What the learner's update of round 2 decodes to, (d,), int32."""
    prepared = learner.prepare(NETWORK, 2, AUTHOR, base, np.zeros(len(base), np.float32), previous, base)
    link, states = Link(2, bytes(32), AUTHOR), States(base)
    earlier = ()
    if previous is not None:
        before = Link(1, previous.digest, AUTHOR)
        states.put(before, Published(previous.state, bytes(32), 0))
        earlier = (Fetched(before, None),)
    return published(Fetched(link, prepared.blob, earlier=earlier), manifest, NETWORK, states).state


@pytest.mark.parametrize("share", [None, 0.1, 0.5])
def test_a_learner_sends_the_share_of_values_that_it_is_told(share: float | None) -> None:
    learner, manifest = learner_of(DELTA, **({} if share is None else {"share": share}))
    base = np.zeros(manifest.parameters, np.int32)
    state = published_by(learner, manifest, base, Previous(b"\1" * 32, base.copy()))
    wanted = SENT_SHARE if share is None else share
    assert 0.8 * wanted < (state != base).mean() < 1.2 * wanted


def test_under_other_codecs_the_share_changes_nothing() -> None:
    base = np.zeros(10_050, np.int32)
    few, many = (published_by(*learner_of(ZSTD, share=share), base, None) for share in (0.01, 1.0))
    np.testing.assert_array_equal(few, many)
    assert (few != base).mean() > 0.5
