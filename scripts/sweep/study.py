"""The reputation study: what history, reputation and degree each do for TETHER."""

from collections.abc import Callable
from typing import Final

from scripts.sweep.cells import ALL, CLEAN, DUEL, STUDIED, STUDIES, Study
from scripts.sweep.findings import named
from scripts.sweep.finished_cells import GAP, Shelf, average, pair, table

_FACTORS: Final[dict[str, Callable[[Study], str]]] = {
    "history": lambda one: one.history,
    "reputation": lambda one: "on" if one.reputation else "off",
    "degree": lambda one: str(one.degree),
    "q": lambda one: f"{one.skew:g}",
}
_FIGURES: Final = ("mean_error", "worst_error", "hostile_mixed", "honest_mixed")


def out_of_the_mix(shelf: Shelf) -> list[str]:
    """In the main setting: after how many rounds attackers are quarantined for good, and honest peers wrongly."""
    rows = []
    for attack in ALL:
        if attack != CLEAN and any(shelf.line("main", rule, attack) for rule in DUEL):
            cells = [
                text for rule in DUEL for text in (_out(shelf, "main", rule, attack), _wronged(shelf, rule, attack))
            ]
            rows.append((named(attack), *cells))
    if not rows:
        return []
    said = (
        "Main setting. Out: the share of attackers below the floor (quarantined, so never mixed) at the end, and the mean"
        " round after which they stayed there. Wronged: honest peers below the floor at any time/at the end."
    )
    head = ("attack", *(f"{rule}: {what}" for rule in DUEL for what in ("out", "wronged")))
    return ["### Attackers out, honest peers wronged", "", said, "", *table(head, rows)]


def _out(shelf: Shelf, setting: str, rule: str, attack: str) -> str:
    share = shelf.figure("share_out", setting, rule, attack)
    if share is None:
        return GAP
    after = shelf.figure("mean_out_after", setting, rule, attack)
    return "none" if after is None else f"{share:.0%} after {after:.1f}".replace("%", " %")


def _wronged(shelf: Shelf, rule: str, attack: str, setting: str = "main") -> str:
    ever, end = (
        shelf.figure(name, setting, rule, attack) for name in ("honest_quarantined", "honest_quarantined_end")
    )
    return GAP if ever is None or end is None else f"{ever:.0f}/{end:.0f}"


def study(shelf: Shelf) -> list[str]:
    """Every cell of the study."""
    attacks = [attack for attack in STUDIED if attack != CLEAN]
    rows = []
    for one in STUDIES:
        name = one.setting.name
        row = [f"{one.skew:g}", str(one.degree), one.history, "on" if one.reputation else "off"]
        row += [_errors(shelf, name, CLEAN), _wronged(shelf, "tether", CLEAN, name)]
        for attack in attacks:
            hostile, honest = (
                shelf.figure(one, name, "tether", attack) for one in ("hostile_mixed", "honest_mixed")
            )
            row += [_errors(shelf, name, attack), pair(hostile, honest, 2), _out(shelf, name, "tether", attack)]
            row.append(_wronged(shelf, "tether", attack, name))
        if any(shelf.line(name, "tether", attack) for attack in STUDIED):
            rows.append(row)
    if not rows:
        return []
    columns = [f"{attack}: {what}" for attack in attacks for what in ("error", "mixed", "out", "wronged")]
    said = (
        "TETHER with and without its history (memory_milli 950 and 0) and with and without reputations, otherwise as the"
        " main setting. Mixed: the share of hostile/honest neighbours that entered a next base."
    )
    head = ("q", "degree", "history", "reputation", "clean: error", "clean: wronged", *columns)
    return ["### TETHER with one means taken away", "", said, "", *table(head, rows)]


def _errors(shelf: Shelf, setting: str, attack: str) -> str:
    mean, worst = (shelf.figure(name, setting, "tether", attack) for name in ("mean_error", "worst_error"))
    return pair(mean, worst)


def reputation(shelf: Shelf) -> list[str]:
    """How much each means does, averaged over all others; and the same in sentences."""
    said: list[str] = []
    rows = []
    for attack in STUDIED:
        for factor, level_of in _FACTORS.items():
            levels = _levels(shelf, attack, level_of)
            rows += [
                (named(attack), factor, level, pair(mean, worst), pair(hostile, honest, 2), str(count))
                for level, ((mean, worst, hostile, honest), count) in levels.items()
            ]
            if attack != CLEAN and factor in ("history", "reputation") and len(levels) == 2:
                said.append(_difference(attack, factor, levels))
    if not rows:
        return []
    head = ("attack", "means", "", "error, mean/worst", "mixed, hostile/honest", "cells")
    lead = "Each line averages over all combinations of the other three that were run at every level."
    return ["### How they share the work", "", lead, "", *table(head, rows), *said, ""]


Levels = dict[str, tuple[list[float | None], int]]


def _levels(shelf: Shelf, attack: str, level_of: Callable[[Study], str]) -> Levels:
    """Level of a factor → the averages of `_FIGURES` and over how many cells."""
    done = [one for one in STUDIES if shelf.line(one.setting.name, "tether", attack)]
    others = [factor for factor in _FACTORS.values() if factor is not level_of]
    levels = list(dict.fromkeys(map(level_of, STUDIES)))
    combinations: dict[tuple[str, ...], set[str]] = {}
    for one in done:
        combinations.setdefault(tuple(factor(one) for factor in others), set()).add(level_of(one))
    full = {rest for rest, there in combinations.items() if len(there) == len(levels)}
    found: Levels = {}
    for level in levels:
        some = [o for o in done if level_of(o) == level and tuple(factor(o) for factor in others) in full]
        if some:
            figures = [average(shelf.figure(f, o.setting.name, "tether", attack) for o in some) for f in _FIGURES]
            found[level] = figures, len(some)
    return found


def _difference(attack: str, factor: str, levels: Levels) -> str:
    """What taking a means away does."""
    (on, count), (off, _) = levels["on"], levels["off"]
    error, mixed = (
        "unknown" if a is None or b is None else f"{b - a:+.3f}" for a, b in ((on[0], off[0]), (on[2], off[2]))
    )
    return (
        f"- Against {named(attack)}, taking {factor} away changes the mean error by {error} and the share of hostile"
        f" neighbours mixed in by {mixed}, on average over {count} pairs of cells."
    )
