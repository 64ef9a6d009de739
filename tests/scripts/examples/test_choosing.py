"""Settings are chosen on a part of what is trained on: nothing of what a table reports is in it."""

from pathlib import Path

import numpy as np
import pytest

from ledger.errors import UsageError
from node.tasks.series.task import Series
from node.tasks.table.task import Table
from node.tasks.text.task import Text
from scripts.examples.choosing import weigh
from scripts.examples.example import Choice, Example
from scripts.examples.known import EXAMPLES, find_example
from scripts.examples.rows import ALONE, ROWS
from scripts.examples.validating import hold_out_again

SCHEMA = (
    '{"version": 1, "target": "b", "columns": ['
    '{"name": "a", "type": "number", "low": 0, "high": 1000, "missing": false}, '
    '{"name": "b", "type": "yes-no", "yes": "y", "no": "n", "missing": false}]}'
)


def example_of(task: str, data: Path | None, **options: str) -> Example:
    return Example(
        title="t", task=task, figures=("auc",), attack="label-flip", privacy="epsilon=8", samples=100,
        data=None if data is None else lambda: data, options=options,
    )  # fmt: skip


def test_a_table_is_parted_again_inside_its_training_rows(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(SCHEMA)
    rows = [f"{number},{'yn'[number % 2]}" for number in range(1000)]
    source = tmp_path / "t.csv"
    source.write_text("\n".join(["a,b", *rows, ""]))
    (tmp_path / "parted").mkdir()
    example = example_of("table", source, schema=str(tmp_path / "schema.json"))
    parted = hold_out_again(example, tmp_path / "parted")
    assert parted.data is not None
    whole, part = Table(SCHEMA, data=source), Table(SCHEMA, data=parted.data(), held_out=0.36)
    assert (float(parted.options["held_out"]), parted.samples) == (0.36, 80)
    reported, trained = (set(x[:, 0].tolist()) for x in (whole.test_set()[0], whole.data(0, 1)[0]))
    held, left = (set(x[:, 0].tolist()) for x in (part.test_set()[0], part.data(0, 1)[0]))
    assert not reported & (held | left)
    assert held | left == trained
    assert 0.15 < len(held) / len(trained) < 0.25


def test_a_series_is_parted_again_before_its_end(tmp_path: Path) -> None:
    days = np.datetime64("2020-01-01") + np.arange(100)
    source, folder = tmp_path / "series", tmp_path / "parted"
    source.mkdir(), folder.mkdir()
    for name in "pq":
        lines = "".join(f"{day},{value}\n" for value, day in enumerate(days))
        (source / f"{name}.csv").write_text("time,v\n" + lines)
    parted = hold_out_again(example_of("series", source), folder)
    assert parted.data is not None
    whole, part = (Series("v:0:100", window=3, season=0, dealt=True, data=path) for path in (source, parted.data()))
    # The value that is foretold is the day's number.
    first_reported = min(split.test.truth.min() for split in whole._splits(None))
    assert max(split.test.truth.max() for split in part._splits(None)) < first_reported
    assert [len(split.test.truth) for split in part._splits(None)] == [16, 16]


def test_texts_are_parted_again_before_their_end(tmp_path: Path) -> None:
    source, folder = tmp_path / "texts", tmp_path / "parted"
    folder.mkdir()
    for person in "pq":
        (source / person).mkdir(parents=True)
        for year in (1, 2):
            (source / person / f"{year}.txt").write_text("the day was good. " * 200)
    parted = hold_out_again(example_of("text", source), folder)
    assert parted.data is not None
    whole, part = (
        Text(words=50, context=4, dealt=True, data=path)._parts(None) for path in (source, parted.data())
    )
    for one, other in zip(whole, part, strict=True):
        assert len(other.train) + len(other.test) < len(one.train)


def test_the_better_settings_are_marked_by_the_direction_of_the_figure(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(SCHEMA)
    rng = np.random.default_rng(0)
    rows = [f"{int(value)},{'n' if value < 500 else 'y'}" for value in rng.uniform(0, 1000, 600)]
    source = tmp_path / "t.csv"
    source.write_text("\n".join(["a,b", *rows, ""]))
    rates = ("0.0000001", "0.1")
    example = Example(
        title="t", task="table", figures=("accuracy",), attack="label-flip", privacy="epsilon=8", peers=2, rounds=2,
        samples=200, data=lambda: source, options={"schema": str(tmp_path / "schema.json")}, skew=0.0,
        choices=tuple(Choice((ALONE,), {"alone_options": {"learning_rate": rate}}) for rate in rates),
    )  # fmt: skip
    ((slow, quick),) = weigh(example, ROWS, [0])
    assert (slow.is_best, quick.is_best, str(quick.choice)) == (False, True, "learning_rate=0.1")
    assert slow.figure < quick.figure
    assert list(weigh(example, ["networked"], [0])) == []
    with pytest.raises(UsageError, match="nothing is chosen here"):
        list(weigh(example_of("table", source), ROWS, [0]))


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_an_example_has_is_among_what_was_tried(name: str) -> None:
    example = find_example(name)
    rows = {one.rows for one in example.choices}  # none where nothing was weighed
    assert all(any(one.apply(example) == example for one in example.choices if one.rows == some) for some in rows)
