"""The task `table`: no line of Python for whoever has a file and a schema."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ledger.errors import SetupError, UsageError
from node.learning.private.refusals import check_private_task
from node.learning.rehearsal import rehearse
from node.learning.training import train_by_choices
from node.simulator import Scenario, simulate
from node.tasks.interface import Task, load_task
from node.tasks.sharing import parts_of

SCHEMA: dict[str, Any] = {
    "version": 1,
    "target": "died",
    "columns": [
        {"name": "age", "type": "number", "low": 20, "high": 100},
        {"name": "sex", "type": "category", "categories": ["f", "m"], "missing": False},
        {"name": "died", "type": "yes-no", "shares": [0.75, 0.25]},
    ],
}
COST = {"name": "cost", "type": "number", "low": 0, "high": 4000}


def write(folder: Path, rows: int = 400) -> Path:
    """Invented people, whose risk rises with their age."""
    generator = np.random.default_rng(1)
    age = generator.integers(20, 100, rows)
    died = generator.random(rows) < (age - 20) / 120
    lines = ["age,sex,died,cost,hospital"]
    for row in range(rows):
        name = "north" if row % 4 else "south"
        lines.append(f"{age[row]},{'fm'[row % 2]},{'yes' if died[row] else 'no'},{30 * age[row] + row % 7},{name}")
    (folder / "people.csv").write_text("\n".join(lines) + "\n")
    return folder / "people.csv"


def make(data: Path | None, schema: dict[str, Any] = SCHEMA, **options: str) -> Task:
    return load_task(
        "table", skew=0.0, seed=0, samples=1000, options={"schema": json.dumps(schema), **options}, data=data
    )


def train(task: Task, epochs: int) -> torch.nn.Module:
    torch.manual_seed(0)
    model = task.model()
    for epoch in range(epochs):
        train_by_choices(model, task.data(0, 1), task, epoch)
    return model


def measure(task: Task, model: torch.nn.Module) -> dict[str, float]:
    with torch.no_grad():
        return task.evaluate(model, 0)


def test_a_peer_learns_from_its_own_file_and_is_measured_on_rows_held_out(tmp_path: Path) -> None:
    task = make(write(tmp_path))
    x, y = task.data(0, 4)
    test_x, _ = task.definition.test_set()
    assert (x.shape, x.dtype, y.dtype) == ((400 - len(test_x), 4), torch.float32, torch.int64)
    assert torch.equal(task.data(3, 4)[0], x)  # whatever its seat: the file is its own
    figures = measure(task, train(task, 5))
    assert list(figures) == ["auc", "recall_at_5_percent", "ap", "accuracy"]
    assert figures["auc"] > 0.65


def test_a_number_is_foretold_in_its_own_unit(tmp_path: Path) -> None:
    schema = SCHEMA | {"target": "cost", "columns": [*SCHEMA["columns"][:2], COST]}
    task = make(write(tmp_path), schema, hidden="16", learning_rate="0.02")
    figures = measure(task, train(task, 20))
    assert list(figures) == ["mae", "rmse", "r2"]
    assert figures["mae"] < 100  # of 600 to 3,000
    assert figures["r2"] > 0.95


def test_several_classes_are_told_by_accuracy(tmp_path: Path) -> None:
    sexes = {"name": "hospital", "type": "category", "categories": ["north", "south", "west"]}
    task = make(
        write(tmp_path), SCHEMA | {"target": "hospital", "columns": [*SCHEMA["columns"][:2], sexes]}, model="linear"
    )
    assert list(measure(task, train(task, 1))) == ["accuracy", "balanced_accuracy"]


def test_one_file_is_dealt_by_owner_or_by_skew(tmp_path: Path) -> None:
    path = write(tmp_path)
    dealt = make(path, dealt="yes")
    shares = [dealt.data(seat, 4)[0] for seat in range(4)]
    assert len({len(share) for share in shares}) == 1
    own = len(make(path).data(0, 1)[0])
    owned = make(path, owner="hospital")
    assert [len(owned.data(seat, 2)[0]) > own / 2 for seat in range(2)] == [True, False]
    assert sum(len(owned.data(seat, 2)[0]) for seat in range(2)) == own
    with pytest.raises(SetupError, match="2 owners, which do not go round 3 seats"):
        owned.data(0, 3)
    with pytest.raises(SetupError, match="no column bank, which the option owner names"):
        make(path, owner="bank").data(0, 2)


def test_balanced_weights_are_those_of_the_schemas_public_shares(tmp_path: Path) -> None:
    task = make(write(tmp_path), class_weights="balanced")
    assert task.choices.class_weights == pytest.approx((2 / 3, 2))
    unstated = SCHEMA | {"columns": [*SCHEMA["columns"][:2], {"name": "died", "type": "yes-no"}]}
    assert make(write(tmp_path), unstated, class_weights="balanced").choices.class_weights == "balanced"


def test_without_a_file_there_is_a_model_and_no_data() -> None:
    task = make(None)
    assert sum(parameter.numel() for parameter in task.model().parameters()) == 5 * 32 + 33 * 2
    with pytest.raises(SetupError, match="name your own, CSV or Parquet, with --data FILE"):
        task.check_own_data()
    # A founder may have none.
    assert "--data FILE" in (rehearse(task, seed=0, seats=2, codec="int8-zstd").untried or "")


def test_a_file_that_does_not_fit_is_told_before_anything_is_paid(tmp_path: Path) -> None:
    path = write(tmp_path)
    make(path).check_own_data()
    path.write_text(path.read_text().replace("age", "Age"))
    with pytest.raises(SetupError, match="has no column age, which the schema names: rename its column 'Age'"):
        make(path).check_own_data()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "age"}, "the schema's target is died"),
        ({"model": "forest"}, "choose linear or mlp"),
        ({"hidden": "0"}, "give 1 to 8 widths"),
        ({"hidden": "99999999999"}, "give 1 to 8 widths"),
        ({"hidden": "²"}, "give 1 to 8 widths"),
        ({"held_out": "1"}, "between 0 and 1"),
        ({"alarm_rate": "0"}, "between 0 and 1"),
        ({"owner": "\x1b[2J"}, "control characters"),
        ({"columns": "9"}, "has no option 'columns'"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make(None, SCHEMA, **options)


def test_a_simulation_deals_the_file_and_tells_the_tasks_own_figures(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    options = {"schema": str(tmp_path / "schema.json"), "model": "linear"}
    scenario = Scenario(task="table", options=options, data=write(tmp_path), peers=4, degree=2, rounds=2, skew=0.0)
    results = simulate(scenario)
    assert {"auc", "accuracy"} < {*results.rows[-1].figures}
    assert results.summary.figures["auc"] > 0.6


def test_balanced_weights_of_ones_own_labels_are_refused_under_differential_privacy(tmp_path: Path) -> None:
    unstated = SCHEMA | {"columns": [*SCHEMA["columns"][:2], {"name": "died", "type": "yes-no"}]}
    for schema, is_refused in ((unstated, True), (SCHEMA, False)):
        task = make(write(tmp_path), schema, class_weights="balanced")
        model = task.model()
        parts = parts_of(model, task.sharing)
        if is_refused:
            with pytest.raises(SetupError, match="counts a peer's own labels, which no noise covers"):
                check_private_task(task, model, parts)
        else:
            check_private_task(task, model, parts)
