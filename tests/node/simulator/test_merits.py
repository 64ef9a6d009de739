"""What a task is judged by is told as what it is: which way is better, and never as an error."""

from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import SetupError, UsageError
from node.operating.merit import MainFigure
from node.simulator import Results, Runs, Scenario, simulate
from node.simulator.columns import row_columns, summary_columns
from node.simulator.files import fields_of
from node.simulator.markdown import markdown_table
from node.simulator.plots import plot
from node.simulator.runs import mean_columns
from node.simulator.tracked_rows import figures_by_round

TASKS = '''
import numpy as np
import torch
from torch import nn


def table(count, seed, rate):
    generator = np.random.default_rng(seed)
    y = (generator.random(count) < rate).astype(np.int64)
    x = generator.standard_normal((count, 6)).astype(np.float32)
    x[y == 1, :3] += 1.5
    return torch.from_numpy(x), torch.from_numpy(y)


class Fraud:
    """One in twenty is a fraud; every fourth bank has seen none."""

    learning_rate = 0.05
    class_weights = (1, 20)

    def __init__(self, samples=100, seed=0):
        self.samples, self.seed = samples, seed

    def model(self):
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))

    def data(self, seat, seats):
        return table(self.samples, 100 * self.seed + seat + 1, 0.0 if seat % 4 == 3 else 0.05)

    def evaluate(self, model):
        from sklearn.metrics import roc_auc_score

        x, y = table(1000, 10**6, 0.05)
        p = model(x).softmax(1)[:, 1].numpy()
        return {"auc": float(roc_auc_score(y, p)), "caught": float((p > 0.5)[y.numpy() == 1].mean())}


class Tested(Fraud):
    """It gives its test examples out, too, by which accuracy would be measured."""

    def test_set(self):
        return table(1000, 10**6, 0.05)


class Told(Tested):
    figures = {"caught": "higher", "auc": "higher"}


def series(count, seed):
    generator, t = np.random.default_rng(seed), np.arange(count + 9)
    signal = np.sin(2 * np.pi * t / 7) + 0.1 * generator.standard_normal(len(t))
    windows = torch.from_numpy(signal.astype(np.float32)).unfold(0, 9, 1)
    return windows[:count, :8].clone(), windows[:count, 8].clone()


class Forecast:
    """A regression without a train() of its own."""

    loss, learning_rate = "mse", 0.05

    def __init__(self, samples=100, seed=0):
        self.samples, self.seed = samples, seed

    def model(self):
        return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))

    def data(self, seat, seats):
        return series(self.samples, 1 + seat)

    def evaluate(self, model):
        x, y = series(200, 999)
        p = model(x)[:, 0]
        return {"r2": float(1 - (p - y).pow(2).mean() / y.var()), "rmse": float((p - y).pow(2).mean().sqrt())}


class Trained(Forecast):
    def train(self, model, data, *, round, seed):
        x, y = data
        loss = nn.functional.mse_loss(model(x)[:, 0], y)
        for p, g in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters()))):
            p.data -= 0.05 * g


class Unnamed(Forecast):
    loss = None


class Odd(Forecast):
    def evaluate(self, model):
        return {"temperature": 20.0}
'''


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    path = tmp_path / "merits.py"
    path.write_text(TASKS)
    return Scenario(task=str(path), peers=5, rounds=4, degree=3, samples=100, skew=0.2)


def run(scenario: Scenario, name: str, **fields: Any) -> Results:
    return simulate(replace(scenario, task=f"{scenario.task}:{name}", **fields))


def values(results: Results, name: str) -> list[float]:
    last = results.scenario.rounds
    return [row.figures[name] for row in results.rows if row.round == last and row.is_honest]


def test_an_auc_is_an_auc_its_worst_the_lowest_and_no_error(scenario: Scenario, tmp_path: Path) -> None:
    results = run(scenario, "Fraud")
    told, aucs = results.summary, values(results, "auc")
    assert told.main == MainFigure("auc", "higher")
    assert told.mean == pytest.approx(sum(aucs) / len(aucs))
    assert told.mean > 0.7
    assert told.worst == min(aucs)
    assert isnan(told.mean_error)
    assert isnan(told.worst_error)
    fields = fields_of(results)["summary"]
    assert (fields["main"], fields["direction"], fields["mean_error"]) == ("auc", "higher", None)
    assert markdown_table([results]).startswith("| rule | mean auc (higher is better) | worst auc | false accept |")
    plot([results], tmp_path / "auc.png")
    # Nor is there a column, or a curve, of an error that nobody has.
    for columns in (row_columns([results]), summary_columns([results]), mean_columns(Runs([results]))):
        assert not [name for name in columns if "error" in name]
    told_to_trackers = figures_by_round(results.rows)[4]
    assert (told_to_trackers["auc"], told_to_trackers["worst/auc"]) == (pytest.approx(told.mean), told.worst)
    assert not [name for name in told_to_trackers if "error" in name]


def test_runs_of_two_figures_have_each_its_own_and_a_picture_of_the_first_alone(
    scenario: Scenario, tmp_path: Path
) -> None:
    both = [run(scenario, "Fraud", rounds=1), run(scenario, "Forecast", rounds=1)]
    head = markdown_table(both).splitlines()[0]
    assert "mean auc (higher is better) | worst auc | mean r2 (higher is better) | worst r2 |" in head
    plot(both, tmp_path / "both.png")


def test_beside_accuracy_a_tasks_other_figures_are_told_too() -> None:
    found = simulate(Scenario(task="breast-cancer", peers=3, rounds=1, degree=2, samples=60))
    assert list(found.summary.figures) == ["accuracy", "sensitivity", "specificity"]
    assert found.summary.mean_error == pytest.approx(1 - found.summary.figures["accuracy"])
    assert "| sensitivity | specificity |" in markdown_table([found])


@pytest.mark.parametrize(("name", "main"), [("Tested", "auc"), ("Told", "caught")])
def test_test_examples_do_not_make_an_accuracy_of_it(scenario: Scenario, name: str, main: str) -> None:
    assert run(scenario, name, rounds=1).summary.main == MainFigure(main, "higher")


def test_a_regression_learns_by_the_name_of_its_loss(scenario: Scenario) -> None:
    results = run(scenario, "Forecast", rounds=6)
    assert results.summary.main == MainFigure("r2", "higher")
    assert results.summary.mean > 0.5
    assert results.summary.worst == min(values(results, "r2"))
    with pytest.raises(SetupError, match="name the loss of numbers, mse, mae, huber, bce"):
        run(scenario, "Unnamed")
    assert run(scenario, "Unnamed", rounds=1, options={"loss": "huber"}).summary.main == results.summary.main


def test_the_rule_that_asks_for_a_loss_is_given_the_tasks_own(scenario: Scenario) -> None:
    assert run(scenario, "Forecast", rule="ubar", rounds=2).summary.mean > -1


def test_of_a_figure_without_a_direction_nothing_is_derived(scenario: Scenario, tmp_path: Path) -> None:
    results = run(scenario, "Odd", rounds=1)
    assert results.summary.main == MainFigure("temperature", None)
    assert (results.summary.mean, isnan(results.summary.worst)) == (20.0, True)
    assert markdown_table([results]).startswith("| rule | mean temperature | false accept |")
    plot([results], tmp_path / "odd.png")


@pytest.mark.parametrize("name", ["Forecast", "Trained"])
@pytest.mark.parametrize("attack", ["label-flip", "feature-noise", "sign-flip"])
def test_attacks_that_need_no_classes_run_in_a_regression(scenario: Scenario, name: str, attack: str) -> None:
    assert run(scenario, name, rounds=1, attack=attack, malicious=0.4).rows


def test_one_that_needs_classes_says_so(scenario: Scenario) -> None:
    with pytest.raises(UsageError, match="gives marked examples a class, and this task's targets are numbers"):
        run(scenario, "Forecast", rounds=1, attack="backdoor", malicious=0.4)


def test_a_table_of_two_tasks_has_a_column_for_each_main_figure(scenario: Scenario) -> None:
    lines = markdown_table([run(scenario, "Fraud", rounds=1), run(scenario, "Forecast", rounds=1)]).splitlines()
    assert "| mean auc (higher is better) | worst auc | mean r2 (higher is better) | worst r2 |" in lines[0]
    assert len(lines[2].split("|")) == len(lines[0].split("|"))
