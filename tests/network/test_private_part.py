"""A model in three parts, in a real circle: adapters are shared, statistics and a head stay, the base is frozen."""

import signal
from pathlib import Path

from ledger.chain.deployment.circle_file import CircleFile
from ledger.identity.network import Network
from node.learning.genesis import genesis_path
from node.learning.private_part import PrivateParts
from tests.support.network.local_run import LocalRun

LAYERS = """
import torch
from torch import nn


def base(bias):
    layer = nn.Linear(4, 8).requires_grad_(False)
    torch.nn.init.constant_(layer.bias, bias)
    return layer
"""
TASK = """
import torch
from torch import nn
from layers import base


class Adapted:
    private = ("head.*",)
    bias = 0.5

    def model(self):
        model = nn.Sequential()
        model.add_module("base", base(self.bias))
        model.add_module("adapter", nn.Linear(8, 8))
        model.add_module("norm", nn.BatchNorm1d(8))
        model.add_module("head", nn.Linear(8, 2))
        return model

    def data(self, seat, seats):
        y = torch.arange(40) % 2
        return torch.randn(40, 4, generator=torch.Generator().manual_seed(seat)) + 3 * y[:, None], y

    def evaluate(self, model):
        x, y = self.data(99, 100)
        return {"accuracy": (model(x).argmax(1) == y).float().mean().item(), "undefined": float("nan")}


class Other(Adapted):
    bias = 0.25
"""


def test_what_is_private_outlives_a_kill_and_what_is_frozen_is_the_same_for_all(
    run: LocalRun, tmp_path: Path
) -> None:
    (tmp_path / "layers.py").write_text(LAYERS)
    (tmp_path / "task.py").write_text(TASK)
    run.start_chain()
    run.found("honest", "honest", rounds=3, own_task=f"{tmp_path / 'task.py'}:Adapted", options=["--rule", "none"])
    assert genesis_path(run.network.circle_file).is_file()

    run.start_peer(0, "--seat", "0", "--task", f"{tmp_path / 'task.py'}:Other")
    assert run.wait_for_end(0) == 3
    assert "differs from the circle's in base.bias, which is frozen," in run.log(0)
    assert run.events(0, "joined") == [], "before it took a seat"

    run.start_peer(0, "--seat", "0")
    run.start_peer(1, "--seat", "1", "--fail-at", "3:train")
    assert run.wait_for_end(1) == -signal.SIGKILL
    (private,) = (run.network.peers[1].folder / "data").rglob("private.bin")
    assert private.stat().st_mode & 0o777 == 0o600
    file = CircleFile.read(run.network.circle_file)
    network = Network.of(file.chain_id, file.contract).domain_separator
    before = PrivateParts.load(private, network)
    assert sorted(before.latest) == sorted(
        ["head.bias", "head.weight", "norm.num_batches_tracked", "norm.running_mean", "norm.running_var"]
    )
    assert before.latest["norm.num_batches_tracked"] == 2 * 2, "two rounds of two batches"
    run.start_peer(1)
    run.wait_finished()
    assert PrivateParts.load(private, network).latest["norm.num_batches_tracked"] == 3 * 2
    assert [tensor.name for tensor in run.history().manifest.layout] == [
        *("adapter.bias", "adapter.weight", "norm.bias", "norm.weight"),
    ]
    assert all(run.rounds(index)[3]["figures"]["undefined"] is None for index in range(2))
    assert run.findings() == []
