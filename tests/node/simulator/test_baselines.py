"""What a network is compared with."""

from dataclasses import replace
from itertools import pairwise
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ledger.arithmetic.exact import to_float
from ledger.errors import UsageError
from node.learning.layout import flatten
from node.learning.template import derive_seed
from node.learning.training import train_by_choices
from node.simulator import BASELINES, Scenario, simulate
from node.simulator.baselines import _Central, _FedAvg
from node.simulator.results import Row

SMALL = Scenario(task="digits", peers=6, rounds=3, degree=3, samples=60, rule="none", test_examples=None)


def simulate_as(baseline: str | None, **changes: Any) -> Any:
    return simulate(replace(SMALL, baseline=baseline, **changes))


def test_a_server_averages_what_its_peers_learnt_from_one_model() -> None:
    scenario = replace(SMALL, baseline="fedavg", rule="none")
    server = _FedAvg(scenario)
    start = server._bases[0].copy()
    trained = server._train(1, range(6))
    server.round(1)
    wanted = np.mean([one.state for one in trained.values()], axis=0)
    assert all(np.array_equal(server._bases[0], base) for base in server._bases.values())
    np.testing.assert_allclose(server._bases[0] / 65536, wanted, atol=2**-16)
    assert not np.array_equal(server._bases[0], start)


def test_where_everyone_hears_of_everyone_plain_averaging_is_what_the_server_does() -> None:
    """The network's `none` under a full graph differs from FedAvg by what its frames leave out alone."""
    network, server = simulate_as(None, degree=5, rounds=6), simulate_as("fedavg", rounds=6)
    assert server.summary.mean_error == pytest.approx(network.summary.mean_error, abs=0.02)
    assert server.summary.mean_error == server.summary.worst_error


def test_peers_weigh_as_much_as_they_have_examples(tmp_path: Path) -> None:
    path = tmp_path / "uneven.py"
    path.write_text(
        "import torch\n"
        "class Uneven:\n"
        "    def model(self):\n"
        "        return torch.nn.Linear(1, 1, bias=False)\n"
        "    def data(self, seat, seats):\n"
        "        return torch.ones(1 + 2 * seat, 1), torch.ones(1 + 2 * seat, 1)\n"
        "    def train(self, model, data, *, round, seed):\n"
        "        with torch.no_grad():\n"
        "            model.weight.fill_(float(len(data[0])))\n"
        "    def evaluate(self, model):\n"
        "        return {'weight': float(model.weight)}\n"
    )
    found = simulate(Scenario(task=f"{path}:Uneven", peers=2, rounds=1, degree=1, baseline="fedavg"))
    assert found.rows[0].figures["weight"] == pytest.approx((1 * 1 + 3 * 3) / 4, abs=1e-4)


def test_one_model_on_all_data_is_trained_on_all_of_it() -> None:
    central = _Central(replace(SMALL, baseline="central"))
    task, template = central._school.task, central._school.template
    data = [task.data(seat, 6) for seat in range(6)]
    x, y = (torch.cat(parts) for parts in zip(*data, strict=True))
    assert len(y) == 360
    model = template.fill(to_float(central._bases[0]), {})
    train_by_choices(model, (x, y), task, derive_seed(0, 1, 0))
    central.round(1)
    np.testing.assert_allclose(to_float(central._bases[5]), flatten(model, template.layout), atol=1e-4)


def test_alone_nobody_learns_what_others_know() -> None:
    alone, central = simulate_as("alone", skew=0.9, rounds=4), simulate_as("central", skew=0.9, rounds=4)
    assert alone.summary.mean_error > central.summary.mean_error + 0.3
    assert len({row.error for row in alone.rows if row.round == 4}) > 3


def test_an_unscreened_server_takes_what_attackers_send() -> None:
    clean, hit = simulate_as("fedavg"), simulate_as("fedavg", attack="sign-flip", malicious=(1, 4))
    assert hit.summary.mean_error > clean.summary.mean_error + 0.1
    assert {row.seat for row in hit.rows if not row.is_honest and row.committed} == {1, 4}


@pytest.mark.parametrize("attack", ["withhold", "malformed"])
def test_what_the_server_cannot_read_it_leaves_out(attack: str) -> None:
    hit = simulate_as("fedavg", attack=attack, malicious=(1, 4))
    assert hit.summary.mean_error == pytest.approx(simulate_as("fedavg").summary.mean_error, abs=0.15)


@pytest.mark.parametrize("baseline", BASELINES)
def test_whoever_misses_a_round_or_comes_later_does_so_in_a_baseline_too(baseline: str) -> None:
    network, found = (simulate_as(name, churn=0.5, late={5: 2}) for name in (None, baseline))

    def there(rows: list[Row]) -> set[tuple[int, int]]:
        return {(row.round, row.seat) for row in rows}

    assert there(found.rows) == there(network.rows)
    assert (1, 5) not in there(found.rows)
    if baseline == "fedavg":
        assert [row.committed for row in found.rows] == [row.committed for row in network.rows]
    if baseline == "alone":
        # The missing ones stay as they were.
        missed = {(row.round, row.seat) for row in network.rows if not row.committed and row.round > 1}
        errors = {(row.round, row.seat): row.error for row in found.rows}
        kept = [errors[n - 1, seat] == errors[n, seat] for n, seat in missed if (n - 1, seat) in errors]
        assert kept
        assert all(kept)


def test_a_baseline_has_no_reputations_and_its_attackers_are_never_out() -> None:
    hit = simulate_as("fedavg", attack="sign-flip", malicious=(1,))
    assert all(isnan(row.reputation) and not row.quarantined for row in hit.rows)
    assert hit.summary.out_after == {}
    assert isnan(hit.summary.false_accept)


@pytest.mark.parametrize("baseline", BASELINES)
def test_the_same_scenario_gives_the_same_baseline(baseline: str) -> None:
    one, again, other = (simulate_as(baseline, rounds=2, seed=seed) for seed in (0, 0, 1))
    assert one.digest == again.digest != other.digest


def test_rows_are_told_round_by_round() -> None:
    told: list[list[int]] = []
    simulate(replace(SMALL, baseline="fedavg"), tell=lambda rows: told.append([row.round for row in rows]))
    assert told == [[number] * 6 for number in (1, 2, 3)]
    assert all(later[0] == former[0] + 1 for former, later in pairwise(told))


def test_data_that_are_no_tensors_have_no_central_baseline(tmp_path: Path) -> None:
    path = tmp_path / "listed.py"
    path.write_text(
        "import torch\n"
        "class Listed:\n"
        "    def model(self):\n"
        "        return torch.nn.Linear(1, 1)\n"
        "    def data(self, seat, seats):\n"
        "        return ['a', 'b']\n"
        "    def train(self, model, data, *, round, seed):\n"
        "        pass\n"
    )
    scenario = Scenario(task=f"{path}:Listed", peers=2, rounds=1, degree=1, baseline="central")
    with pytest.raises(UsageError, match="leave central out"):
        simulate(scenario)
    assert simulate(replace(scenario, baseline="fedavg")).rows


def test_a_baseline_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="'magic' is unknown: choose fedavg, central, alone"):
        replace(SMALL, baseline="magic")
    with pytest.raises(UsageError, match="leave records or the baseline out"):
        replace(SMALL, baseline="alone", records=True)
    privacy = {"steps": 1, "batch": 8, "clip": 1, "sigma": 1, "lr": 0.1}
    with pytest.raises(UsageError, match="nothing is private"):
        replace(SMALL, baseline="central", privacy=privacy)
