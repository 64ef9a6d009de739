"""What a run's peers reported, put together: the figures behind summary, plot and benchmark."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Final

from node.demo.launcher import PeerProcess
from node.operating.merit import MainFigure, find_main

LEARNING: Final = ("training", "evaluation")


@dataclass
class RunResults:
    """Figures of one run."""

    attacks: dict[int, str] = field(default_factory=dict)
    """Seat → `honest` or what its peer does wrong."""
    main: MainFigure | None = None
    """The figure that the task is judged by; None where it reports none."""
    merits: dict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    """Seat → round → that figure."""
    backdoor: dict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    """Seat → round → share of marked examples that get the attack's label, 0..1."""
    reputation: dict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    """Seat → round → 0..1."""
    spent: dict[int, float] = field(default_factory=dict)
    """Seat → ε that its peer has spent after its last round, where the circle has privacy terms."""
    verdicts: dict[tuple[int, int], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """(judge's seat, judged seat) → how many verdicts of each kind."""
    seconds: list[float] = field(default_factory=list)
    """Of each honest peer's rounds."""
    cpu_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Section → CPU seconds of each honest peer's rounds."""
    bytes_sent: list[int] = field(default_factory=list)
    """Of each honest peer's rounds."""
    gas: list[int] = field(default_factory=list)
    """Of each honest peer's rounds, units."""

    @property
    def honest(self) -> list[int]:
        """Seats that do as the protocol says."""
        return sorted(seat for seat, attack in self.attacks.items() if attack == "honest")

    @property
    def poisoners(self) -> list[int]:
        """The other seats."""
        return sorted(seat for seat, attack in self.attacks.items() if attack != "honest")

    def final_merits(self) -> list[float]:
        """The honest peers' main figure after their last round."""
        return [values[max(values)] for seat in self.honest if (values := self.merits.get(seat))]

    def final_backdoors(self) -> list[float]:
        """What share of marked examples the honest peers gave the attack's label after their last round."""
        return [values[max(values)] for seat in self.honest if (values := self.backdoor.get(seat))]

    def mean_cpu_s(self) -> dict[str, float]:
        """CPU seconds per peer-round, by section."""
        return {name: fmean(values) for name, values in self.cpu_s.items() if values}

    def overhead_cpu_s(self) -> float:
        """CPU seconds per peer-round beyond training and evaluation."""
        return sum(value for name, value in self.mean_cpu_s().items() if name not in LEARNING)


def collect(peers: Iterable[PeerProcess]) -> RunResults:
    """Read every peer's events. The first round is left out of the costs: it holds start-up."""
    results = RunResults()
    for peer in peers:
        seat = None
        for event in peer.read_events():
            if event["event"] == "joined":
                seat = event["seat"]
                results.attacks[seat] = peer.attack
            elif event["event"] == "round" and seat is not None:
                _add_round(results, seat, event, counts=peer.attack == "honest")
    return results


def _add_round(results: RunResults, seat: int, event: dict[str, Any], *, counts: bool) -> None:
    number = event["round"]
    results.main = results.main or find_main(event["figures"], event["better"])
    main = "" if results.main is None else results.main.name
    for name, values in ((main, results.merits), ("backdoor", results.backdoor)):
        # A figure that is no number comes as null.
        if (figure := event["figures"].get(name)) is not None:
            values[seat][number] = figure
    results.reputation[seat][number] = event["reputation"]
    if "privacy" in event:
        results.spent[seat] = event["privacy"]["spent_epsilon"]
    for judged, verdict in event["verdicts"].items():
        results.verdicts[seat, int(judged)][verdict] += 1
    if counts and number > 1:
        results.seconds.append(event["seconds"])
        results.bytes_sent.append(event["bytes_sent"])
        results.gas.append(event["gas"])
        for name, value in event["cpu_s"].items():
            results.cpu_s[name].append(value)


def count_accepted(results: RunResults, judges: Sequence[int], judged: int) -> tuple[int, int]:
    """How often these judges accepted a seat, and how often they judged it."""
    counts: Counter[str] = Counter()
    for judge in judges:
        counts += results.verdicts.get((judge, judged), Counter())
    total = sum(counts.values()) - counts["unavailable"]
    return counts["accepted"], total
