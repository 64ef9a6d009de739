"""What a value will be some steps later."""

from collections.abc import Sequence
from datetime import date, timedelta
from math import pi, sin
from pathlib import Path

import numpy as np
import pytest
import torch

from ledger.errors import SetupError, UsageError
from node.simulator import Scenario, simulate
from node.tasks.series.task import Series
from node.tasks.series.windows import CALENDAR

DAYS = 200


def write(path: Path, values: Sequence[float | None], start: date = date(2024, 1, 1)) -> Path:
    rows = [f"{start + timedelta(days=day)},{'' if one is None else one}" for day, one in enumerate(values)]
    path.write_text("\n".join(["time,x", *rows, ""]))
    return path


def waves(height: float) -> list[float]:
    """A week's wave that grows."""
    return [height * (2 + sin(2 * pi * day / 7)) * (1 + day / DAYS) for day in range(DAYS)]


@pytest.fixture(scope="module")
def stations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stations")
    for number in range(4):
        write(folder / f"s{number}.csv", waves(1 + number))
    return folder


def test_an_example_holds_what_was_and_the_answer_what_came(tmp_path: Path) -> None:
    task = Series(
        "x:0:100", window=3, horizon=2, data=write(tmp_path / "a.csv", [float(one) for one in range(100)])
    )

    x, y = task.data(0, 1)

    assert x.shape[1] == 3 + CALENDAR
    told = (x[:, :3] + 1) * 50
    assert torch.allclose(told[7], torch.tensor([7.0, 8.0, 9.0]))
    assert (y[7] + 1) * 50 == pytest.approx(11)


def test_nothing_that_is_trained_on_reaches_into_the_end_that_is_held_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [float(one) for one in range(100)])
    task = Series("x:0:100", window=3, horizon=2, held_out=0.25, data=path)

    x, y = task.data(0, 1)

    assert float((y.max() + 1) * 50) == pytest.approx(74)
    assert float((x[:, :3].max() + 1) * 50) == pytest.approx(72)
    assert task.evaluate(task.model())["mae_of_last_value"] == pytest.approx(2)


def test_no_window_spans_a_gap_or_an_empty_cell(tmp_path: Path) -> None:
    values: list[float | None] = [float(one) for one in range(60)]
    values[20] = None
    path = write(tmp_path / "a.csv", values)
    path.write_text(path.read_text().replace("2024-01-11,10.0\n", ""))
    task = Series("x:0:100", window=3, held_out=0.1, data=path)

    x, y = task.data(0, 1)

    told = np.rint((torch.cat([x[:, :3], y[:, None]], 1).numpy() + 1) * 50)
    assert (np.diff(told, axis=1) == 1).all()
    assert len(told) == 54 - 3 - 3 - 4


def test_an_untrained_model_says_the_value_of_a_season_before_and_without_one_the_last(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", waves(5))
    for network in ("linear", "mlp", "gru"):
        seasonal, plain = (
            Series("x:0:50", window=14, season=season, network=network, data=path) for season in (7, 0)
        )

        found = seasonal.evaluate(seasonal.model())
        assert found["mae"] == pytest.approx(found["mae_of_last_season"], rel=1e-3)
        found = plain.evaluate(plain.model())
        assert found["mae"] == pytest.approx(found["mae_of_last_value"], rel=1e-3)
        assert "mae_of_last_season" not in found


def test_a_season_that_is_shorter_than_the_horizon_is_not_known_and_not_told(tmp_path: Path) -> None:
    task = Series("x:0:50", window=3, horizon=2, season=1, data=write(tmp_path / "a.csv", waves(5)))

    assert "mae_of_last_season" not in task.evaluate(task.model())


def test_series_are_dealt_whole_and_each_seat_is_measured_on_its_own(stations: Path) -> None:
    task = Series("x:0:30", window=7, dealt=True, samples=20, data=stations)

    shares = [task.data(seat, 4) for seat in range(4)]
    heights = [task.evaluate(task.model(), seat)["mae_of_last_value"] for seat in range(4)]

    assert [len(y) for _, y in shares] == [20] * 4
    assert heights == pytest.approx([heights[0] * one for one in (1, 2, 3, 4)], rel=1e-3)
    assert task.evaluate(task.model())["mae_of_last_value"] == pytest.approx(np.mean(heights))


def test_a_few_rounds_beat_what_the_last_season_says(stations: Path) -> None:
    options: dict[str, int | float | str] = {
        "columns": "x:0:30",
        "window": 7,
        "season": 7,
        "dealt": "yes",
        "width": 16,
        "learning_rate": 0.01,
    }
    found = simulate(
        Scenario(task="series", peers=4, rounds=6, degree=3, evaluate_every=6, options=options, data=stations)
    )

    last = [row.figures for row in found.rows if row.round == 6]
    assert next(iter(last[0])) == "mae"
    assert np.mean([one["mae"] for one in last]) < 0.8 * np.mean([one["mae_of_last_season"] for one in last])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": 0}, "window is 0"),
        ({"horizon": 0}, "horizon is 0"),
        ({"season": -1}, "season is -1"),
        ({"width": 0}, "width 0"),
        ({"held_out": 0.0}, "held_out is 0"),
    ],
)
def test_options_outside_their_ranges_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Series("x:0:1", **options)  # type: ignore[arg-type]


def test_no_file_a_short_one_and_one_to_be_dealt_are_told_before_anything_is_paid(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="--data FILE"):
        Series("x:0:1").check_data()
    path = write(tmp_path / "a.csv", [1.0] * 5)
    with pytest.raises(SetupError, match="no 24 values in a row"):
        Series("x:0:1", data=path).check_data()
    with pytest.raises(SetupError, match="is one series, and peers that share data"):
        Series("x:0:1", dealt=True, data=path).check_data()
    Series("x:0:1", data=write(tmp_path / "b.csv", [1.0] * 300)).check_data()
