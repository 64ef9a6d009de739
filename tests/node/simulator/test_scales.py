"""Models with tensors of very different scales learn, and what the grid does not hold is told by name."""

import logging
from typing import Any

import numpy as np
import pytest

from ledger.arithmetic.exact import to_float
from ledger.codec import CODECS, encode
from node.cli.main import main
from node.learning.layout import Layout
from node.learning.training import make_initial_state
from node.simulator import Results, Scenario, simulate
from node.simulator.engine import LocalEngine
from node.simulator.files import fields_of
from node.tasks.interface import load_task

TASKS = '''
import torch
from torch import nn


class Pixels(nn.Module):
    """Scales raw pixels by buffers of its own."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.full((6,), 123.675))
        self.register_buffer("variance", torch.full((6,), 3410.0))
        self.net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x):
        return self.net((x - self.mean) / self.variance.sqrt())


class Raw:
    """Two classes of raw pixels, and a model that shares all it holds."""

    learning_rate = 0.05
    shared = ("*",)

    def model(self):
        return Pixels()

    def data(self, seat, seats):
        generator = torch.Generator().manual_seed(seat)
        y = torch.randint(2, (60,), generator=generator)
        return 123.675 + 58.395 * (torch.randn(60, 6, generator=generator) + 2.0 * y[:, None] - 1), y

    def evaluate(self, model):
        x, y = self.data(99, 100)
        return {"accuracy": (model(x).argmax(1) == y).float().mean().item()}


class Wild(Raw):
    """Its first layer's bias runs away in round 2; the weight of another has always been next to nothing."""

    def model(self):
        model = nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 2))
        with torch.no_grad():
            model[1].weight.fill_(1e-9)
        return model

    def train(self, model, data, *, round, seed):
        with torch.no_grad():
            model[0].bias.fill_(300.0 * (round > 1) + 1)
'''


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tasks") / "scales.py"
    path.write_text(TASKS)
    return str(path)


def scenario_of(tasks: str, name: str, **fields: Any) -> Scenario:
    plain: dict[str, Any] = {"peers": 4, "rounds": 3, "degree": 3, "rule": "none"}
    return Scenario(task=f"{tasks}:{name}", **(plain | fields))


@pytest.mark.parametrize("codec", CODECS)
def test_one_trip_of_a_mixed_model_leaves_every_tensor_its_values(tasks: str, codec: str) -> None:
    task = load_task(f"{tasks}:Raw", skew=0, seed=0, samples=60)
    layout = Layout.from_tensors(LocalEngine(scenario_of(tasks, "Raw")).manifest.layout)
    assert {one.name: one.exponent for one in layout.tensors if one.exponent} == {"mean": 3, "variance": 8}
    vector = make_initial_state(task, 0, layout)
    again = to_float(encode(vector, codec, layout.blocks).state)
    for here in layout.blocks.tensors:
        assert np.abs(again[here] - vector[here]).max() <= np.abs(vector[here]).max() / 16


@pytest.mark.parametrize("codec", CODECS)
def test_a_model_with_large_buffers_learns_as_if_they_were_not_there(tasks: str, codec: str) -> None:
    results = simulate(scenario_of(tasks, "Raw", rounds=8, codec=codec))
    assert results.summary.mean_error < 0.15
    assert results.misfits == ()


@pytest.fixture(scope="module")
def wild(tasks: str) -> Results:
    return simulate(scenario_of(tasks, "Wild"))


def test_who_is_clipped_or_becomes_zero_is_told_with_its_first_round(wild: Results) -> None:
    assert [(number, one.name, one.is_clipped) for number, one in wild.misfits] == [
        (0, "1.weight", False),
        (2, "0.bias", True),
    ]
    told = fields_of(wild)["misfits"]
    assert told[0] == {
        "round": 0,
        "tensor": "1.weight",
        "largest": pytest.approx(1e-9),
        "limit": 2.0**-25,
        "is_clipped": False,
    }
    assert told[1] == {"round": 2, "tensor": "0.bias", "largest": 301.0, "limit": 254.0, "is_clipped": True}


def test_what_an_attacker_loses_is_not_told(tasks: str) -> None:
    attack = {"attack": "gaussian", "attack_parameters": {"deviation": 1e6}, "malicious": (1,)}
    found = simulate(scenario_of(tasks, "Raw", rounds=1, **attack))
    assert found.misfits == ()


def test_the_log_and_the_table_name_the_tensor(
    tasks: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.WARNING, "node.learning.grid_ranges"):
        command = ["simulate", "--task", f"{tasks}:Wild", "--peers", "4", "--rounds", "3", "--degree", "3"]
        assert main([*command, "--rule", "none"]) == 0
    said = [record.getMessage() for record in caplog.records]
    assert [line.split(" largest")[0] for line in said] == [
        "tensor beyond its grid round=0 tensor=1.weight how=zeroed",
        "tensor beyond its grid round=2 tensor=0.bias how=clipped",
    ]
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("caution")] == [
        "caution  rule none, from round 0 on: tensor 1.weight becomes 0: its largest value 1e-09 is below 2.98e-08",
        "caution  rule none, from round 2 on: tensor 0.bias is clipped: its largest value 301 is beyond ±254",
    ]
