"""What a learner's update says of privacy: what was charged, and nothing where the circle has no terms."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.records import Update, decode_update
from ledger.circle.manifest import Manifest
from ledger.codec import ZSTD, blocks_of, decode
from ledger.errors import SetupError
from ledger.privacy.statement import check_statement
from node.behaviour import Behaviour
from node.learning.layout import Vector, layout_of
from node.learning.learner import Learner
from node.learning.private.budget import PrivacyBudget
from node.learning.private.charges import ChargeFile
from node.learning.training import Trainer, TrainingDiverged
from node.operating.meter import Meter
from node.tasks.interface import Task
from tests.support.histories.parts import manifest_of
from tests.support.privacy import TERMS

AUTHOR, NETWORK = bytes(20), bytes(32)


class Points:
    def model(self) -> nn.Module:
        return nn.Linear(20, 5)

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(1000, 20, generator=torch.Generator().manual_seed(seat)), torch.arange(1000) % 5


def make_manifest(privacy: bool) -> Manifest:
    terms = TERMS if privacy else None
    return manifest_of(
        9, layout=layout_of(Points().model()).tensors, rule="none", rule_parameters={}, privacy=terms
    )


class Peer:
    """One learner from a folder. budget_milli: None where the circle has no privacy terms."""

    def __init__(self, folder: Path, budget_milli: int | None = 8000) -> None:
        self.manifest = make_manifest(budget_milli is not None)
        self.path = folder / "privacy.txt"
        budget = None if budget_milli is None else PrivacyBudget(TERMS, ChargeFile(self.path), budget_milli)
        task = Task("points.py:Points", Points())
        trainer = Trainer(task, layout_of(Points().model()), seat=0, seats=2, seed=1, private=budget)
        self.learner = Learner(trainer, self.manifest, Behaviour(), 1, Meter(), budget=budget)
        self.residual = np.zeros(self.manifest.state_size, np.float32)

    def base(self, number: int) -> GridState:
        return np.full(self.manifest.state_size, number << 10, np.int32)

    def prepare(self, number: int, rounds_said: int | None) -> Update:
        prepared = self.learner.prepare(
            NETWORK, number, AUTHOR, self.base(number), self.residual, rounds_said=rounds_said
        )
        return decode_update(prepared.blob, self.manifest, NETWORK, number, AUTHOR)

    def said(self, number: int, rounds_said: int | None) -> tuple[int, int]:
        """What an update says: charged, rounds."""
        update = self.prepare(number, rounds_said)
        check_statement(update.privacy, TERMS)
        assert update.privacy is not None
        return update.privacy.charged, update.privacy.rounds


def test_every_update_says_what_was_charged_since_the_last_one(tmp_path: Path) -> None:
    peer = Peer(tmp_path)
    assert [peer.said(1, 0), peer.said(2, 1)] == [(1, 1), (1, 2)]
    # Round 3 was trained and never published, in an earlier life.
    Peer(tmp_path).prepare(3, 2)
    assert Peer(tmp_path).said(3, 2) == (2, 4)
    assert len(ChargeFile(peer.path).charged) == 4


def test_where_the_last_update_is_lost_one_round_is_said(tmp_path: Path) -> None:
    Peer(tmp_path).prepare(1, 0)
    assert Peer(tmp_path).said(2, None) == (1, 2)


def test_what_was_trained_ahead_is_charged_once(tmp_path: Path) -> None:
    peer = Peer(tmp_path)
    peer.learner.train_ahead(5, peer.base(5), peer.residual)
    assert peer.said(5, 0) == (1, 1)
    # Round 5 was missed, so that no update on chain has said this training: the next one publishes it.
    peer.learner.prepare(NETWORK, 6, AUTHOR, peer.base(5), peer.residual, rounds_said=0)
    assert len(ChargeFile(peer.path).charged) == 1


def test_what_was_published_once_is_not_published_again_as_if_nothing_had_been_trained(tmp_path: Path) -> None:
    """An audit accuses an update that says that nothing was charged, and is not its base (A12)."""
    peer = Peer(tmp_path)
    peer.said(5, 0)
    prepared = peer.learner.prepare(NETWORK, 6, AUTHOR, peer.base(5), peer.residual, rounds_said=1)
    said = decode_update(prepared.blob, peer.manifest, NETWORK, 6, AUTHOR).privacy
    assert said is not None
    assert (said.charged, said.rounds) == (1, 2)


def test_training_that_diverges_publishes_no_bare_base_as_if_it_held_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Peer(tmp_path)

    def diverge(start: Vector, number: int, correction: Vector | None) -> Vector:
        raise TrainingDiverged("points.py:Points", number, "weight")

    monkeypatch.setattr(peer.learner._trainer, "train", diverge)
    with pytest.raises(TrainingDiverged):
        peer.learner.prepare(NETWORK, 6, AUTHOR, peer.base(5), peer.residual, origin=peer.base(0), rounds_said=0)


def test_a_peer_whose_budget_is_spent_publishes_its_base_and_says_so(tmp_path: Path) -> None:
    peer = Peer(tmp_path, 2000)
    peer.prepare(1, 0)
    # What rounding left of the update before holds training, and is not published as if it were the base.
    peer.residual += np.float32(0.01)
    update = peer.prepare(2, 1)
    assert update.privacy is not None
    assert (update.privacy.charged, update.privacy.rounds) == (0, 1)
    state = decode(update.payload, ZSTD, blocks_of(peer.manifest.sizes))
    assert np.array_equal(state, peer.base(2))


def test_a_base_does_not_say_that_it_was_charged_for_what_was_never_published(tmp_path: Path) -> None:
    """An audit would look for noise in it (A12)."""
    Peer(tmp_path, 2000).prepare(1, 0)
    peer = Peer(tmp_path, 2000)
    assert peer.said(1, 0) == (0, 0)
    assert peer.said(2, None) == (0, 1)
    assert len(ChargeFile(peer.path).charged) == 1


def test_a_circle_without_terms_has_updates_without_statements(tmp_path: Path) -> None:
    peer = Peer(tmp_path, None)
    assert peer.prepare(1, 0).privacy is None
    assert not peer.path.exists()


def test_a_private_round_leaves_nothing_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Peer(tmp_path).prepare(1, 0)
    assert caplog.records == []


def test_no_verdict_hangs_on_private_data(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="a rule that judges by private data tells of them"):
        Peer(tmp_path).learner.compute_loss(np.zeros(105, np.int32))
    assert Peer(tmp_path, None).learner.compute_loss(np.zeros(105, np.int32)) > 0
