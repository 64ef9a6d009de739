"""ROC curves as SVG: where they begin and end, and that chance lies on the dotted line."""

import numpy as np
import pytest

from node.cli.roc_picture import Line, count_decades, draw_panel, trace
from node.leakage.figures import Curve, measure_curve, measure_recognition

LEFT, TOP, SIDE = 50, 28, 236


def test_a_curve_is_a_staircase_from_the_left_edge_to_the_upper_right_corner() -> None:
    curve = Curve((0, 1, 10, 100), (10, 10, 50, 100), 100, 100)
    assert trace(curve, 2) == pytest.approx(
        np.array(
            [
                (LEFT, TOP + SIDE / 2),
                (LEFT, TOP + SIDE / 2),
                (LEFT, TOP + SIDE / 2),
                (LEFT + SIDE / 2, TOP + SIDE / 2),
                (LEFT + SIDE / 2, TOP + SIDE * -np.log10(0.5) / 2),
                (LEFT + SIDE, TOP + SIDE * -np.log10(0.5) / 2),
                (LEFT + SIDE, TOP),
            ]
        )
    )


def test_a_curve_begins_where_the_first_record_is_found() -> None:
    assert trace(Curve((0, 10, 100), (0, 0, 100), 100, 100), 2) == [(LEFT + SIDE, TOP)]
    assert trace(Curve((0,), (0,), 0, 0), 2) == []


def test_chance_lies_on_the_dotted_line() -> None:
    rng = np.random.default_rng(9)
    is_member = rng.random(200_000) < 0.5
    curve = measure_curve(rng.normal(size=200_000), is_member)
    corners = [(x - LEFT, TOP + SIDE - y) for x, y in trace(curve, 2) if x > LEFT + SIDE / 4]
    assert corners
    assert all(x == pytest.approx(y, abs=8) for x, y in corners)


@pytest.mark.parametrize(("trials", "decades"), [(0, 1), (8, 1), (80, 2), (813, 3), (16_069, 5), (10**9, 6)])
def test_axes_reach_down_to_a_single_trial(trials: int, decades: int) -> None:
    assert count_decades([Curve((0,), (0,), trials, 1)]) == decades


def test_a_panel_says_in_words_what_it_shows_and_has_a_bar_for_each_interval() -> None:
    rng = np.random.default_rng(9)
    is_member = np.arange(400) < 200
    scores = rng.normal(size=400) + 2 * is_member
    recognition = measure_recognition(scores, is_member, 0.01)
    assert recognition is not None
    line = Line("as it is", measure_curve(scores, is_member), (recognition, None))
    panel = draw_panel("shadows", [line, line], 3)
    said = panel.findtext("desc")
    assert said is not None
    assert f"as it is: {recognition.recognised.share:.1%} of the records found at 1.0% false alarms" in said
    kinds = [one.get("class", "") for one in panel.iter("path")]
    assert [kinds.count(f"{what} {kind}") for what in ("curve", "whisker") for kind in ("first", "second")] == [
        1
    ] * 4
