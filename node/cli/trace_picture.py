"""Who was mixed into whom, as a picture: rounds to the right, seats downwards, widths by weight.

A circle with many seats or rounds is summed up: a field for each seat and span of rounds. The colours are those of
Okabe and Ito 2008 (Color Universal Design), and of cividis (Nuñez et al. 2018), which the colour-blind tell apart.
"""

import io
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ledger.circle.draw import seats_of
from ledger.circle.history import Round
from ledger.judging.provenance import Holder, MixedRound
from node.cli.trace_lines import Told, cut_spans, find_reach

_SEATS_MAX, _ROUNDS_MAX, _SPANS_MAX = 16, 30, 40
_REACHED: Final = "#D55E00"
_AUTHOR: Final = "#0072B2"
_PLAIN: Final = "#8A8A8A"
_WIDEST: Final = 4.0
_LETTERS_PER_INCH: Final = 13


def draw_graph(path: Path, told: Told, of: int | None) -> None:
    """Draw a model's account, as the name's ending has it. of: the seat whose reach is marked. Raises OSError."""
    from ledger.files import PUBLIC, write_whole

    write_whole(path, encode_graph(told, of, path.suffix.lower().removeprefix(".")), mode=PUBLIC)


def encode_graph(told: Told, of: int | None, kind: str) -> bytes:
    """The file of such a picture. kind: svg or png."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    seats = sorted({seat for round_ in told.traced.rounds for seat in round_.begun})
    is_small = len(seats) <= _SEATS_MAX and told.traced.round <= _ROUNDS_MAX
    with pyplot.rc_context({"svg.hashsalt": "folkmoot", "svg.fonttype": "none", "font.size": 9}):
        figure = (_draw_small if is_small else _draw_summed)(pyplot, told, seats, of)
        drawn = io.BytesIO()
        figure.savefig(drawn, format=kind, dpi=130, metadata={"Date": None} if kind == "svg" else None)
        pyplot.close(figure)
    return drawn.getvalue()


def _name(told: Told, what: str, marked: str) -> str:
    return f"{told.whose[0].upper()}{told.whose[1:]}: {what}" + (f"\n{marked}" if marked else "")


def _draw_small(pyplot: Any, told: Told, seats: list[int], of: int | None) -> Any:
    """Every update and every mixing."""
    last, rows = told.traced.round, {seat: row for row, seat in enumerate(seats)}
    width = 2.4 + 0.6 * max(8, last)
    figure, axes = pyplot.subplots(figsize=(width, 2 + 0.55 * max(3, len(seats))), layout="constrained")
    parts = find_parts(told, of)
    most = max((part for (_, seat), part in parts.items() if seat != of), default=1) or 1
    for mixed in told.traced.rounds:
        for seat, judge, share in _find_lines(mixed, told.history.rounds[mixed.number - 1]):
            part = parts.get((mixed.number, seat), 0) if share else 0
            colour = _AUTHOR if seat == of and share else _REACHED if part else _PLAIN
            strength = 0.9 if colour == _AUTHOR else 0.2 + 0.6 * min(1, part / most) if part else 0.28
            axes.plot(
                (mixed.number, mixed.number + 1),
                (rows[seat], rows[judge]),
                color=colour,
                alpha=strength if seat != judge else strength / 2,
                linewidth=0.3 + _WIDEST * share,
                linestyle="-" if share else ":",
                zorder=3 if colour == _AUTHOR else 2 if part else 1,
                solid_capstyle="round",
            )
        for seat in mixed.begun:
            step = (mixed.number, seat)
            _draw_update(axes, told, step, rows[seat], of, min(1, parts.get(step, 0) / most))
    _draw_shares(axes, told, rows)
    axes.set(xlim=(0.6, last + 2.2), ylim=(len(seats) - 0.5, -0.9))
    axes.set_xticks(range(1, last + 2), [*map(str, range(1, last + 1)), "bases"])
    axes.set_yticks(list(rows.values()), [f"seat {seat}" for seat in seats])
    below = (
        "updates by round, as large as their coefficients in the model, hollow where they are not in it; a line is"
        " as wide as its weight, dotted where one was accepted and not mixed"
    )
    axes.set_xlabel(textwrap.fill(below, int(width * _LETTERS_PER_INCH)), fontsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(left=False)
    marked = (
        f"blue: updates of seat {of}, and into whom they were mixed; orange: what followed from them, the stronger"
        " the more of them is in it; grey: nothing of them"
    )
    marked = "" if of is None else textwrap.fill(marked, int(width * _LETTERS_PER_INCH))
    figure.suptitle(_name(told, "who was mixed into whom", marked), fontsize=10)
    return figure


def _find_lines(mixed: MixedRound, round_: Round) -> list[tuple[int, int, float]]:
    """From which seat's update to which seat's next base, and with what weight, of 1 for all of a base.

    Weight 0 where it was accepted and not mixed.
    """
    lines = []
    for judge, weights in mixed.mixings.items():
        lines.append((judge, judge, (weights.base + weights.own) / weights.total))
        lines += [(seat, judge, weight / weights.total) for seat, weight in weights.others.items()]
        accepted = seats_of(round_.attestations[judge].accepted)
        lines += [(seat, judge, 0.0) for seat in accepted if seat not in weights.others]
    return lines + [(seat, seat, 1.0) for seat in mixed.begun if seat not in mixed.mixings]


def _draw_update(axes: Any, told: Told, step: tuple[int, int], row: int, of: int | None, part: float) -> None:
    share = told.traced.account.steps.get(step)
    is_own = step[1] == of
    colour = _AUTHOR if is_own else _REACHED if part else _PLAIN
    axes.scatter(step[0], row, s=16 + (500 * share.coefficient if share else 0), color="white", zorder=4)
    axes.scatter(
        step[0],
        row,
        s=16 + (500 * share.coefficient if share else 0),
        facecolor=colour if share else "white",
        edgecolor=colour,
        alpha=0.35 + 0.65 * part if part and not is_own else 1,
        linewidth=1.2,
        zorder=5,
        marker="s" if is_own else "o",
    )


def _draw_shares(axes: Any, told: Told, rows: Mapping[int, int]) -> None:
    """Each seat's share of the way, at the end of its row."""
    place = told.traced.round + 1.2
    axes.text(place, -0.7, "of the way", va="center", fontsize=8)
    for seat, row in rows.items():
        share = sum(one.along for owner, one in told.traced.account.owners.items() if owner[0] == seat)
        axes.text(place, row, f"{100 * share:.1f} %", va="center")


def find_parts(told: Told, of: int | None) -> dict[tuple[int, int], float]:
    """(round, seat) of each update that followed from earlier ones of seat `of` → their coefficients in it."""
    bases: dict[Holder, float] = {}
    found: dict[tuple[int, int], float] = {}
    for mixed in told.traced.rounds if of is not None else ():
        here = {seat: bases.get(mixed.find_holder(seat), 0.0) for seat in mixed.begun}
        found |= {(mixed.number, seat): part for seat, part in here.items() if part}
        seen = {seat: part + (seat == of) for seat, part in here.items()}
        after = dict(bases)
        for judge, weights in mixed.mixings.items():
            total = weights.base * here[judge] + weights.own * seen[judge]
            total += sum(weight * seen[seat] for seat, weight in weights.others.items())
            after[mixed.find_holder(judge)] = total / weights.total
        bases = after
    return found


def _draw_summed(pyplot: Any, told: Told, seats: list[int], of: int | None) -> Any:
    """A field for each seat and span: the coefficients of its updates; and when each seat was first reached."""
    import numpy as np

    last, rows = told.traced.round, {seat: row for row, seat in enumerate(seats)}
    spans = cut_spans(last, _SPANS_MAX)
    fields = np.zeros((len(seats), len(spans)))
    length = spans[0][1]
    for (number, seat), share in told.traced.account.steps.items():
        place = (number - 1) // length
        fields[rows[seat], place] += share.coefficient / (spans[place][1] - spans[place][0] + 1)
    figure, (axes, bars) = pyplot.subplots(
        1, 2, figsize=(11, 2 + 0.12 * max(16, len(seats))), width_ratios=(5, 1), sharey=True, layout="constrained"
    )
    shown = axes.imshow(
        np.ma.masked_equal(fields, 0),
        aspect="auto",
        cmap="cividis",
        vmin=0,
        extent=(0.5, spans[-1][0] - 0.5 + length, len(seats) - 0.5, -0.5),
        interpolation="none",
    )
    figure.colorbar(shown, ax=axes, location="left", pad=0.01, label="coefficient in the model, mean over the span")
    axes.set_facecolor("white")
    axes.set_xlabel(f"round, in spans of {length}; white: nothing of it is in the model")
    ticks = list(rows.values())[:: max(1, len(seats) // 32)]
    axes.set_yticks(ticks, [f"seat {seats[row]}" for row in ticks], fontsize=7)
    if of is not None:
        for seat, number in find_reach(told, of).mixed.items():
            if seat in rows:
                axes.plot([number], [rows[seat]], marker="|", color=_REACHED, markersize=9, markeredgewidth=3)
        if of in rows:
            axes.axhline(rows[of], color=_REACHED, linewidth=1.2)
    along = [
        100 * sum(one.along for owner, one in told.traced.account.owners.items() if owner[0] == seat)
        for seat in seats
    ]
    bars.barh(range(len(seats)), along, color=[_REACHED if seat == of else _PLAIN for seat in seats])
    bars.set_xlabel("of the way, %")
    marked = f"orange: seat {of}, and from which round on each base has a part of its updates"
    figure.suptitle(_name(told, "whose updates are in it", "" if of is None else marked), fontsize=10)
    return figure
