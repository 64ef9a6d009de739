"""One tensor spoilt in an otherwise honest update, and what becomes of models that share their statistics."""

from pathlib import Path

import numpy as np
import pytest

from ledger.circle.manifest import Tensor
from ledger.errors import UsageError
from node.attacks import choose_attack
from node.simulator import Scenario, simulate
from tests.support.sights import sight, vector

TASK = '''
import torch
from torch import nn


class Home:
    """Two clouds of points, and a network with batch normalisation over unscaled features."""

    learning_rate = 0.05

    def model(self):
        return nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16, momentum=0.5), nn.ReLU(), nn.Linear(16, 2))

    def data(self, seat, seats):
        generator = torch.Generator().manual_seed(seat)
        y = torch.randint(2, (64,), generator=generator)
        return 10 + 3 * torch.randn(64, 4, generator=generator) + 6 * y[:, None], y

    def test_set(self):
        return self.data(999, 1000)

    def evaluate(self, model):
        x, y = self.test_set()
        return {"accuracy": (model(x).argmax(1) == y).float().mean().item()}


class Shared(Home):
    shared = ("*",)
'''


def test_the_smallest_of_all_shared_variances_becomes_negative() -> None:
    layout = (Tensor("a.running_var", (2,), 0), Tensor("b.running_var", (1,), 3), Tensor("weight", (2,), 0))
    trained = vector(0.5, 2.0, 0.05, -9.0, 1.0)
    found = choose_attack("buffer").publish(sight(trained=trained, base=trained, layout=layout))
    np.testing.assert_array_equal(found, vector(0.5, 2.0, -0.1, -9.0, 1.0))
    assert found[2] * 2.0**3 == pytest.approx(-0.8)
    np.testing.assert_array_equal(trained, vector(0.5, 2.0, 0.05, -9.0, 1.0))


def test_where_none_is_shared_the_loudest_small_tensor_is_turned() -> None:
    layout = (Tensor("bias", (2,), 0), Tensor("scale", (1,), 0), Tensor("weight", (200,), 0))
    trained = np.concatenate([vector(0.5, -0.5, 1.0), np.full(200, 5, np.float32)])
    found = choose_attack("buffer").publish(sight(trained=trained, base=trained, layout=layout))
    np.testing.assert_array_equal(found[:4], vector(0.5, -0.5, -1.0, 5.0))


@pytest.mark.parametrize("depth", [0.0, -1.0, float("inf"), float("nan")])
def test_a_depth_that_is_none_is_a_usage_error(depth: float) -> None:
    with pytest.raises(UsageError, match="attack buffer: depth"):
        choose_attack("buffer", {"depth": depth})


@pytest.mark.parametrize("rule", ["tether", "balance"])
@pytest.mark.parametrize("name", ["Home", "Shared"])
def test_one_poisoner_among_eight_breaks_no_honest_model(tmp_path: Path, name: str, rule: str) -> None:
    path = tmp_path / "tasks.py"
    path.write_text(TASK)
    circle = Scenario(task=f"{path}:{name}", peers=8, rounds=6, degree=4, rule=rule, evaluate_every=3)
    hostile = Scenario(**circle.to_fields() | {"attack": "buffer", "malicious": (3,)})
    clean, hit = simulate(circle).summary, simulate(hostile).summary
    assert clean.worst_error < 0.15
    assert hit.worst_error < clean.worst_error + 0.1
