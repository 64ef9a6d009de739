"""ROC curves as SVG, both axes logarithmic: what counts for the people in the data lies at few false alarms.

Source of the axes: Carlini et al. 2022, arXiv:2112.03570.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import Final
from xml.etree.ElementTree import Element

from node.leakage.figures import Curve, Recognition
from node.operating.html_page import make_element

LINES: Final = ("first", "second")
"""Classes of the lines, in the order of the curves."""
_SIZE: Final = (308, 318)
_LEFT, _TOP, _SIDE = 50, 28, 236
_DECADES: Final = (1, 6)
_WHISKER: Final = 3


@dataclass(frozen=True)
class Line:
    """One curve of a panel."""

    name: str
    """What it is of."""
    curve: Curve
    """Its points."""
    recognitions: tuple[Recognition | None, ...]
    """Where its interval is drawn."""


def count_decades(curves: Sequence[Curve]) -> int:
    """So many powers of ten down from 1 as one false alarm, or one record found, of the most trials needs."""
    most = max((max(one.members, one.others) for one in curves), default=1)
    least, greatest = _DECADES
    return min(greatest, max(least, ceil(log10(max(1, most)))))


def draw_panel(title: str, lines: Sequence[Line], decades: int) -> Element:
    """False alarms to the right, records found upwards, from 10^-decades to 1. At most as many lines as LINES."""
    shown = zip(LINES, lines, strict=False)
    return make_element(
        "svg",
        make_element("title", f"ROC curve, {title}"),
        make_element("desc", " ".join(map(_describe, lines))),
        *_draw_frame(title, decades),
        *(part for number, (kind, line) in enumerate(shown) for part in _draw_line(line, kind, number, decades)),
        viewBox=f"0 0 {_SIZE[0]} {_SIZE[1]}",
        role="img",
    )


def draw_key(kind: str) -> Element:
    """A piece of a line, for a legend."""
    line = make_element("path", d="M0 6H40", class_=f"curve {kind}")
    return make_element("svg", line, viewBox="0 0 40 12", aria_hidden="true")


def trace(curve: Curve, decades: int) -> list[tuple[float, float]]:
    """The corners of the staircase, in the picture's units; what is below the axes begins at their edge.

    Nothing is drawn up to where the first record is found.
    """
    corners, height = list[tuple[float, float]](), None
    for alarms, found in zip(curve.false_alarms, curve.found, strict=True):
        if not found:
            continue
        x, y = _place_x(alarms / max(1, curve.others), decades), _place_y(found / curve.members, decades)
        corners += [(x, y)] if height is None else [(x, height), (x, y)]
        height = y
    return corners


def _draw_line(line: Line, kind: str, number: int, decades: int) -> Iterator[Element]:
    corners = trace(line.curve, decades)
    if corners:
        yield make_element("path", d="M" + "L".join(map(_format, corners)), class_=f"curve {kind}")
    for found in line.recognitions:
        if found is not None:
            # Whiskers of two lines at one rate stand side by side.
            x = _place_x(found.allowed, decades) + 2 * _WHISKER * number
            low, high = _place_y(found.recognised.low, decades), _place_y(found.recognised.high, decades)
            ends = "".join(f"M{x - _WHISKER:.1f} {y:.1f}H{x + _WHISKER:.1f}" for y in (low, high))
            yield make_element("path", d=f"M{x:.1f} {low:.1f}V{high:.1f}{ends}", class_=f"whisker {kind}")


def _draw_frame(title: str, decades: int) -> Iterator[Element]:
    right, bottom = _LEFT + _SIDE, _TOP + _SIDE
    yield make_element("text", title, x=str(_LEFT), y=str(_TOP - 10), class_="title")
    for power in range(decades + 1):
        share = 10.0**-power
        x, y = _place_x(share, decades), _place_y(share, decades)
        yield make_element("path", d=f"M{x:.1f} {_TOP}V{bottom}M{_LEFT} {y:.1f}H{right}", class_="grid")
        yield _write(x, bottom + 16, f"{100 * share:.6g}%", "middle")
        yield _write(_LEFT - 6, y + 4, f"{100 * share:.6g}%", "end")
    yield make_element("path", d=f"M{_LEFT} {bottom}L{right} {_TOP}", class_="chance")
    yield make_element("path", d=f"M{_LEFT} {_TOP}V{bottom}H{right}V{_TOP}Z", class_="frame")
    yield _write(_LEFT + _SIDE / 2, bottom + 36, "false alarms", "middle")
    middle = _TOP + _SIDE / 2
    yield make_element(
        "text",
        "records found",
        x="10",
        y=str(middle),
        text_anchor="middle",
        transform=f"rotate(-90 10 {middle})",
    )


def _write(x: float, y: float, text: str, anchor: str) -> Element:
    return make_element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def _describe(line: Line) -> str:
    """In words, for whoever does not see it."""
    told = [
        f"{one.recognised.share:.1%} of the records found at {one.allowed:.1%} false alarms"
        for one in line.recognitions
        if one is not None
    ]
    return f"{line.name}: {', '.join(told) or 'too few trials for a figure at few false alarms'}."


def _format(corner: tuple[float, float]) -> str:
    return f"{corner[0]:.1f} {corner[1]:.1f}"


def _place_x(share: float, decades: int) -> float:
    return _LEFT + _SIDE * _scale(share, decades)


def _place_y(share: float, decades: int) -> float:
    return _TOP + _SIDE * (1 - _scale(share, decades))


def _scale(share: float, decades: int) -> float:
    """0 at 10^-decades and below, 1 at 1."""
    return max(0.0, 1 + log10(share) / decades) if share > 0 else 0.0
