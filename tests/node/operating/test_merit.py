"""Which way a figure is better, and what follows from it."""

from math import isnan

import pytest

from node.operating.merit import MainFigure, find_direction, find_directions, find_main, format_pair, put_main_first


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("accuracy", "higher"),
        ("test accuracy", "higher"),
        ("AUC", "higher"),
        ("top3", "higher"),
        ("recall_at_1_percent", "higher"),
        ("fraud_recall", "higher"),
        ("val_loss", "lower"),
        ("cross-entropy", "lower"),
        ("mean_squared_error", "lower"),
        ("mae_kw", "lower"),
        ("backdoor", "lower"),
        ("glossary", None),
        ("temperature", None),
        ("", None),
    ],
)
def test_which_way_is_better_follows_from_a_name_or_is_not_said(name: str, better: str | None) -> None:
    assert find_direction(name) == better


def test_what_a_task_says_goes_before_what_a_name_tells() -> None:
    told = {"loss": "higher", "beauty": "lower"}
    assert find_directions(["loss", "beauty", "odd", "auc"], told) == {
        "loss": "higher",
        "beauty": "lower",
        "auc": "higher",
    }


def test_the_main_figure_is_the_one_told_first_else_accuracy_else_the_first() -> None:
    figures = {"loss": 1.0, "accuracy": 0.5, "auc": 0.7}
    assert list(put_main_first(figures, {"auc": "higher", "loss": "lower"})) == ["auc", "loss", "accuracy"]
    assert list(put_main_first(figures)) == ["accuracy", "loss", "auc"]
    assert list(put_main_first({"rmse": 1.0, "r2": 0.5})) == ["rmse", "r2"]
    assert find_main([]) is None


def test_the_worst_of_a_figure_follows_its_direction_and_there_is_none_without() -> None:
    values = [0.2, float("nan"), 0.9]
    assert MainFigure("auc", "higher").find_worst(values) == 0.2
    assert MainFigure("mae", "lower").find_worst(values) == 0.9
    assert MainFigure("mae", "lower").find_best(values) == 0.2
    assert isnan(MainFigure("odd", None).find_worst(values))
    assert format_pair(MainFigure("odd", None), 0.5, 0.1) == "0.500"
    assert format_pair(MainFigure("auc", "higher"), 0.5, 0.1) == "0.500 / 0.100"
    assert format_pair(None, 0.5, 0.1) == "–"
