"""The finished cells of the sweep, found by what they simulated, and how their figures are written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from scripts.sweep.cells import SEEDS, Cell
from scripts.sweep.raw import Line

ALL_SEEDS: Final = (0, *SEEDS)
GAP: Final = "–"


@dataclass(frozen=True)
class Shelf:
    """What was simulated, and what is to be."""

    digests: Mapping[Cell, tuple[str, str]]
    """Every declared cell → its scenario's and its sources' digest."""
    lines: Mapping[str, Sequence[Line]]
    """By scenario digest."""
    accept_older: bool = False
    """Whether lines of other sources than today's count."""

    def scenario(self, cell: Cell) -> str:
        """The digest of what a cell simulates, empty for one that is not declared."""
        return self.digests.get(cell, ("", ""))[0]

    def line(self, setting: str, rule: str, attack: str, seed: int = 0) -> Line | None:
        """The newest line of a cell: of the sources as they are, else of older ones where those are accepted."""
        return self._line(Cell(setting, rule, attack, seed))

    def figure(self, name: str, setting: str, rule: str, attack: str, seed: int = 0) -> float | None:
        """A figure of a cell's summary."""
        line = self.line(setting, rule, attack, seed)
        value: float | None = None if line is None else line.summary.get(name)
        return value

    def seeds(self, name: str, setting: str, rule: str, attack: str) -> dict[int, float]:
        """Seed → a figure, of those that there are."""
        found = {seed: self.figure(name, setting, rule, attack, seed) for seed in ALL_SEEDS}
        return {seed: value for seed, value in found.items() if value is not None}

    def missing(self) -> Iterator[Cell]:
        """The declared cells without a line, in their order."""
        return (cell for cell in self.digests if self._line(cell) is None)

    def older(self) -> list[Cell]:
        """The declared cells that other sources than today's answer, whether they are accepted or not."""
        return [
            cell
            for cell, (scenario, code) in self.digests.items()
            if (there := self.lines.get(scenario)) and all(line.code != code for line in there)
        ]

    def simulated_again(self) -> dict[Cell, bool]:
        """The declared cells that earlier sources and the present ones simulated → whether to the same bits."""
        found = {}
        for cell, (scenario, code) in self.digests.items():
            there = [line for line in self.lines.get(scenario, ()) if "result_digest" in line.values]
            now = [line.values["result_digest"] for line in there if line.code == code]
            before = [line.values["result_digest"] for line in there if line.code != code]
            if now and before:
                found[cell] = now[-1] == before[-1]
        return found

    def _line(self, cell: Cell) -> Line | None:
        scenario, code = self.digests.get(cell, ("", ""))
        there = self.lines.get(scenario, ())
        current = [line for line in there if line.code == code]
        return current[-1] if current else there[-1] if there and self.accept_older else None


def told(value: float | None, digits: int = 3) -> str:
    """`.190`; a dash where there is none."""
    if value is None:
        return GAP
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def pair(first: float | None, second: float | None, digits: int = 3) -> str:
    """`.190/.197`; one dash where there is neither."""
    return GAP if first is None and second is None else f"{told(first, digits)}/{told(second, digits)}"


def average(values: Iterable[float | None]) -> float | None:
    """The mean of those that there are."""
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table's lines and an empty one."""
    body = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *body, ""]
