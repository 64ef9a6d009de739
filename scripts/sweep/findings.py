"""What the cells of the sweep say in sentences: goals met or not, and where TETHER is beaten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from scripts.sweep.cells import CLEAN, EVENTS, GRIDS, OTHERS, SETTINGS, Cell
from scripts.sweep.finished_cells import GAP, Shelf, pair, table, told

OURS: Final = "tether"
REFERENCE: Final = "balance"
# Below this a difference says little: another seed changes as much.
TELLING_DIFFERENCE: Final = 0.005
# What was to be reached: setting, attack, mean and worst error.
GOALS: Final = (
    ("main", "ride", 0.23, 0.25),
    ("forty", "ride", 0.29, 0.35),
    ("skewed", CLEAN, 0.28, 0.31),
)


@dataclass(frozen=True)
class Duel:
    """TETHER and another rule in one cell, means over the seeds that both were run with."""

    setting: str
    """A key of SETTINGS."""
    attack: str
    """Its name."""
    rival: str
    """The other rule's name."""
    ours: tuple[float, float]
    """TETHER's mean and worst error."""
    theirs: tuple[float, float]
    """The rival's mean and worst error."""
    seeds: int
    """How many."""

    @property
    def behind(self) -> tuple[float, float]:
        """By how much TETHER's mean and worst error are above the rival's; negative where below."""
        return self.ours[0] - self.theirs[0], self.ours[1] - self.theirs[1]

    @property
    def lost(self) -> str:
        """By how much the rival is better, in words."""
        by = zip(("mean", "worst"), self.behind, strict=True)
        said = " and ".join(f"{name} by {told(amount)}" for name, amount in by if amount > 0)
        return f"{said}, over {self.seeds} seeds" if self.seeds > 1 else said

    @property
    def cell(self) -> str:
        """The cell with TETHER's figures."""
        return f"{SETTINGS[self.setting].title}, {named(self.attack)}: TETHER {pair(*self.ours)}"


def named(attack: str) -> str:
    return "no attack" if attack == CLEAN else f"`{attack}`"


def duels(shelf: Shelf, rival: str) -> Iterator[Duel]:
    """Every cell of the grids and events in which both rules were run; where two settings come to the same, once."""
    names = [one.name for one in (*GRIDS, *EVENTS)]
    attacks = dict.fromkeys((cell.setting, cell.attack) for cell in shelf.digests if cell.setting in names)
    seen: set[tuple[str, ...]] = set()
    for setting, attack in attacks:
        found = tuple(shelf.scenario(Cell(setting, rule, attack)) for rule in (OURS, rival))
        if found not in seen and (duel := _duel(shelf, setting, attack, rival)) is not None:
            seen.add(found)
            yield duel


def _duel(shelf: Shelf, setting: str, attack: str, rival: str) -> Duel | None:
    found = []
    seeds: list[int] = []
    for rule in (OURS, rival):
        means, worsts = (shelf.seeds(name, setting, rule, attack) for name in ("mean_error", "worst_error"))
        other = shelf.seeds("mean_error", setting, rival if rule == OURS else OURS, attack)
        seeds = sorted(means.keys() & other.keys())
        if not seeds:
            return None
        found.append((fmean(means[seed] for seed in seeds), fmean(worsts[seed] for seed in seeds)))
    return Duel(setting, attack, rival, found[0], found[1], len(seeds))


def goals(shelf: Shelf) -> list[str]:
    """The goals as a table, and the comparison with BALANCE."""
    rows = []
    for setting, attack, mean, worst in GOALS:
        ours, theirs = (_errors(shelf, setting, rule, attack) for rule in (OURS, REFERENCE))
        verdict = GAP if ours is None else "met" if ours[0] <= mean and ours[1] <= worst else "**missed**"
        label = f"{SETTINGS[setting].title}, {named(attack)}"
        rows.append((label, f"≤ {pair(mean, worst, 2)}", _told(ours), verdict, _told(theirs)))
    return table(("cell", "goal", "TETHER", "", "BALANCE"), rows) + against_reference(shelf)


def _errors(shelf: Shelf, setting: str, rule: str, attack: str) -> tuple[float, float] | None:
    means, worsts = (shelf.seeds(name, setting, rule, attack) for name in ("mean_error", "worst_error"))
    return (fmean(means.values()), fmean(worsts.values())) if means and worsts else None


def _told(errors: tuple[float, float] | None) -> str:
    return GAP if errors is None else pair(*errors)


def against_reference(shelf: Shelf) -> list[str]:
    """In how many cells TETHER is at least as good as BALANCE, and all in which it is not."""
    all_duels = list(duels(shelf, REFERENCE))
    if not all_duels:
        return ["TETHER and BALANCE have not met yet.", ""]
    means, worsts = (sum(duel.behind[place] <= 0 for duel in all_duels) for place in (0, 1))
    count = len(all_duels)
    lost = sorted((d for d in all_duels if max(d.behind) > 0), key=lambda d: -max(d.behind))
    said = [
        f"TETHER's mean error is at most BALANCE's in {means} of {count} cells, its worst error in {worsts} of {count}"
        " (the goal: in all). "
        + ("BALANCE is better, by however little, in these:" if lost else "BALANCE is better in none."),
        "",
    ]
    return said + [f"- {d.cell}; BALANCE {pair(*d.theirs)} ({d.lost})" for d in lost] + ([""] if lost else [])


def _beaten(some: Sequence[Duel]) -> str:
    """One cell and all rules that beat TETHER there."""
    return f"{some[0].cell}; {', '.join(f'{d.rival} {pair(*d.theirs)} ({d.lost})' for d in some)}"


def losses(shelf: Shelf) -> list[str]:
    """Where any rule beats TETHER by a difference that tells, worst first; smaller differences are counted."""
    met = [duel for rival in (REFERENCE, *OTHERS) for duel in duels(shelf, rival)]
    if not met:
        return ["TETHER has met no other rule yet.", ""]
    lost = [duel for duel in met if max(duel.behind) > 0]
    telling = sorted((d for d in lost if max(d.behind) >= TELLING_DIFFERENCE), key=lambda d: -max(d.behind))
    cells: dict[tuple[str, str], list[Duel]] = {}
    for duel in telling:
        cells.setdefault((duel.setting, duel.attack), []).append(duel)
    said = [f"- {_beaten(some)}" for some in cells.values()]
    if not said:
        said = [f"- In no cell is TETHER beaten by {told(TELLING_DIFFERENCE)} or more, in mean or in worst error."]
    if small := len(lost) - len(telling):
        said.append(f"- In {small} further comparisons another rule is ahead by less than that.")
    return [*said, ""]
