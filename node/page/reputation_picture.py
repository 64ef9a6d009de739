"""Reputations over the rounds as a drawing in the page: a few lines by name, or a band and those that stand out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from ledger.circle.reputation import FULL
from node.operating.html_page import make_element

_WIDTH, _HEIGHT = 760, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 96, 10, 34
_LINES_MAX: Final = 24
"""With more seats than that the others are a band."""
_NAMED_MAX: Final = 6
_LABEL_GAP: Final = 12

Series = Sequence[int | None]


def draw_reputations(
    rounds: Sequence[int], traced: Mapping[int, Series], floor: int, standing_out: Sequence[int]
) -> Element:
    """rounds: at least one number. traced: seat → values 0..65535. standing_out: seats to be named."""
    named = list(standing_out[:_NAMED_MAX])
    others = {seat: values for seat, values in traced.items() if seat not in named}
    drawn = [*_draw_axes(rounds, floor)]
    if len(traced) > _LINES_MAX:
        drawn += _draw_band(rounds, list(others.values()))
    else:
        drawn += [_draw_line(rounds, values, "rest", f"seat {seat}") for seat, values in others.items()]
    drawn += [
        _draw_line(rounds, traced[seat], f"named dash{place % 3}", f"seat {seat}")
        for place, seat in enumerate(named)
    ]
    drawn += _label({seat: traced[seat] for seat in named})
    title = f"Reputation of {len(traced)} seats in {rounds[-1]} rounds; the floor is {floor / FULL:.2f}."
    return make_element(
        "svg",
        make_element("title", title),
        *drawn,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        class_="reputations",
    )


def _x(number: int, rounds: Sequence[int]) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (number - rounds[0]) / max(1, rounds[-1] - rounds[0])


def _y(value: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value / FULL)


def _draw_axes(rounds: Sequence[int], floor: int) -> Iterator[Element]:
    right = _WIDTH - _RIGHT
    for share in (0, 0.25, 0.5, 0.75, 1):
        height = f"{_y(share * FULL):.1f}"
        yield make_element("line", x1=str(_LEFT), x2=str(right), y1=height, y2=height, class_="grid")
        yield make_element("text", f"{share:g}", x=str(_LEFT - 6), y=height, dy="4", text_anchor="end")
    ends = sorted({rounds[0], rounds[len(rounds) // 2], rounds[-1]})
    for number in ends:
        place = f"{_x(number, rounds):.1f}"
        yield make_element("text", str(number), x=place, y=str(_HEIGHT - _BOTTOM + 16), text_anchor="middle")
    middle = f"{(_LEFT + right) / 2:.1f}"
    yield make_element(
        "text", "as the round opened", x=middle, y=str(_HEIGHT - 4), text_anchor="middle", class_="soft"
    )
    height = f"{_y(floor):.1f}"
    yield make_element("line", x1=str(_LEFT), x2=str(right), y1=height, y2=height, class_="chance")
    yield make_element("text", "floor", x=str(_LEFT + 4), y=height, dy="-4", class_="soft")


def _draw_line(rounds: Sequence[int], values: Series, kind: str, title: str) -> Element:
    points, pen = "", "M"
    for number, value in zip(rounds, values, strict=True):
        if value is None:
            pen = "M"
            continue
        points += f"{pen}{_x(number, rounds):.1f} {_y(value):.1f}"
        pen = "L"
    return make_element("path", make_element("title", title), d=points, class_=f"curve {kind}")


def _draw_band(rounds: Sequence[int], series: Sequence[Series]) -> Iterator[Element]:
    """From the lowest tenth to the highest, and the median."""
    places, ranked = [], []
    for at, number in enumerate(rounds):
        values = sorted(value for one in series if (value := one[at]) is not None)
        if values:
            places.append(number)
            ranked.append([values[int(share * (len(values) - 1))] for share in (0.1, 0.5, 0.9)])
    if not places:
        return
    up = [f"{_x(number, rounds):.1f} {_y(one[2]):.1f}" for number, one in zip(places, ranked, strict=True)]
    down = [f"{_x(number, rounds):.1f} {_y(one[0]):.1f}" for number, one in zip(places, ranked, strict=True)]
    yield make_element("path", d="M" + "L".join([*up, *reversed(down)]) + "Z", class_="band")
    yield _draw_line(places, [one[1] for one in ranked], "rest median", "median of the others")


def _label(named: Mapping[int, Series]) -> Iterator[Element]:
    """At the right end of each line, moved apart where they would meet."""
    ends = []
    for seat, values in named.items():
        known = [value for value in values if value is not None]
        if known:
            ends.append((_y(known[-1]), seat))
    heights = _spread(sorted(ends))
    for height, (_, seat) in zip(heights, sorted(ends), strict=True):
        where = {"x": str(_WIDTH - _RIGHT + 18), "y": f"{height:.1f}"}
        yield make_element("text", f"seat {seat}", dy="4", class_="name", **where)


def _spread(ends: Sequence[tuple[float, int]]) -> list[float]:
    """Where labels go that would be at these heights, so that none meets another and none leaves the picture."""
    heights: list[float] = []
    for wanted, _ in ends:
        heights.append(max([wanted, *(height + _LABEL_GAP for height in heights[-1:])]))
    lowest = float(_HEIGHT - _BOTTOM)
    for place in reversed(range(len(heights))):
        heights[place] = min(heights[place], lowest)
        lowest = heights[place] - _LABEL_GAP
    return heights
