"""What a simulation found: a row for every peer and round, and what they add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import isfinite, isnan, nan
from typing import Any

import numpy as np

from node.learning.grid_ranges import Misfit
from node.operating.merit import MainFigure, find_main
from node.simulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Row:
    """One peer's round. Counts are of what this peer found as a judge."""

    round: int
    """Its number."""
    seat: int
    """The peer's."""
    attack: str
    """`honest` or the attack's name."""
    committed: bool
    """Whether it published an update."""
    error: float
    """1 − accuracy of its next base where accuracy is the task's main figure; NaN otherwise, and where it was not
    evaluated."""
    reputation: float
    """0..1 after the round; NaN where a baseline keeps none."""
    quarantined: bool
    """After the round."""
    ejected: bool
    """After the round."""
    payload_bytes: int = 0
    """Of its update's frame."""
    honest_accepted: int = 0
    """Honest neighbours that it accepted."""
    honest_rejected: int = 0
    """Honest neighbours that it rejected."""
    hostile_accepted: int = 0
    """Hostile neighbours that it accepted."""
    hostile_rejected: int = 0
    """Hostile neighbours that it rejected."""
    unavailable: int = 0
    """Neighbours that it could not judge."""
    honest_mixed: int = 0
    """Honest neighbours that it mixed in."""
    hostile_mixed: int = 0
    """Hostile neighbours that it mixed in."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """All of its next base's figures, by name."""

    @property
    def is_honest(self) -> bool:
        """Whether the peer follows the protocol."""
        return self.attack == "honest"

    @property
    def merit(self) -> float:
        """The task's main figure, the first; NaN where it was not evaluated."""
        return next(iter(self.figures.values()), nan)


@dataclass(frozen=True)
class Summary:
    """The honest peers' side of a simulation, over its last evaluation and over all its rounds."""

    main: MainFigure | None
    """The figure that the task is judged by; None where it has none."""
    mean: float
    """Its mean over honest peers at the end."""
    worst: float
    """That of the honest peer that is worst off at the end; NaN where nobody says whether more is better."""
    mean_error: float
    """1 − accuracy, the mean over honest peers at the end; NaN where the main figure is another one."""
    worst_error: float
    """The same of the honest peer that is worst off."""
    false_accept: float
    """Share of hostile neighbours that honest judges accepted; NaN where there were none."""
    false_reject: float
    """Share of honest neighbours that honest judges rejected; NaN where there were none."""
    hostile_mixed: float
    """Share of hostile neighbours that entered a next base."""
    honest_mixed: float
    """Share of honest neighbours that entered a next base."""
    out_after: Mapping[int, int | None]
    """Hostile seat → the round from whose settlement on it was quarantined for good; None where it was not at the
    end."""
    honest_quarantined: int
    """Honest peers below the floor at any time."""
    honest_quarantined_end: int
    """Honest peers below the floor at the end."""
    bytes_per_update: float
    """Mean payload of honest updates."""
    figures: Mapping[str, float]
    """Means over honest peers at the end, e.g. a backdoor's success."""

    @property
    def mean_out_after(self) -> float:
        """The mean round after which an attacker was out, over those that were; NaN where none was."""
        found = [number for number in self.out_after.values() if number is not None]
        return float(np.mean(found)) if found else nan

    @property
    def share_out(self) -> float:
        """Share of attackers that were out at the end; NaN without attackers."""
        return _share(sum(n is not None for n in self.out_after.values()), len(self.out_after))

    def to_fields(self) -> dict[str, Any]:
        """Plain values for JSON; what is no number becomes None."""
        fields = asdict(self) | {"mean_out_after": self.mean_out_after, "share_out": self.share_out}
        fields["figures"] = {name: _number(value) for name, value in self.figures.items()}
        fields["main"] = None if self.main is None else self.main.name
        fields["direction"] = None if self.main is None else self.main.direction
        return {name: _number(value) for name, value in fields.items()}


@dataclass(frozen=True)
class Results:
    """A finished simulation."""

    scenario: Scenario
    """What was simulated."""
    rows: Sequence[Row]
    """One a peer and round."""
    digest: str
    """SHA-256 over all rows and the final bases, hex."""
    seconds: Mapping[str, float]
    """Processor time by what it went into, in this process alone."""
    misfits: Sequence[tuple[int, Misfit]] = ()
    """What the grid did not hold of honest peers' tensors, each with the first round of it, 0 for the genesis."""
    told: Mapping[str, str] = field(default_factory=dict)
    """What the task says of its figures: whether `higher` or `lower` is better."""

    @cached_property
    def epsilon_spent(self) -> dict[int, float]:
        """Seat → ε of its peer after the last round; of none where there is no budget. Loads the task's data."""
        from node.simulator.privacy_spending import compute_spent

        return compute_spent(self.scenario)

    @cached_property
    def summary(self) -> Summary:
        """What the rows add up to."""
        return summarise(self.rows, self.told)

    def to_frame(self) -> Any:
        """A pandas data frame with a line a peer and round, the scenario's columns first.

        Raises SetupError without pandas.
        """
        from node.simulator.frames import frame_of_rows

        return frame_of_rows([self])


def summarise(rows: Sequence[Row], told: Mapping[str, str] | None = None) -> Summary:
    """Add up the rows of a simulation. told: what the task says of its figures."""
    honest = [row for row in rows if row.is_honest]
    evaluated = max((row.round for row in honest if row.figures), default=0)
    last = [row for row in honest if row.round == evaluated and row.figures]
    main = find_main(last[0].figures, told) if last else None
    merits = [row.figures.get(main.name, nan) for row in last] if main else []
    known = [value for value in merits if isfinite(value)]
    errors = [row.error for row in last if not isnan(row.error)]
    accepted, rejected = _total(honest, "hostile_accepted"), _total(honest, "hostile_rejected")
    right, wrong = _total(honest, "honest_accepted"), _total(honest, "honest_rejected")
    below = {row.seat for row in honest if row.quarantined}
    end = max((row.round for row in rows), default=0)
    payloads = [row.payload_bytes for row in honest if row.committed]
    return Summary(
        main=main,
        mean=float(np.mean(known)) if known else nan,
        worst=main.find_worst(known) if main else nan,
        mean_error=float(np.mean(errors)) if errors else nan,
        worst_error=max(errors, default=nan),
        false_accept=_share(accepted, accepted + rejected),
        false_reject=_share(wrong, right + wrong),
        hostile_mixed=_share(_total(honest, "hostile_mixed"), accepted + rejected),
        honest_mixed=_share(_total(honest, "honest_mixed"), right + wrong),
        out_after=_out_after(rows),
        honest_quarantined=len(below),
        honest_quarantined_end=sum(row.quarantined for row in honest if row.round == end),
        bytes_per_update=float(np.mean(payloads)) if payloads else nan,
        figures=_mean_figures(last),
    )


def _out_after(rows: Sequence[Row]) -> dict[int, int | None]:
    found: dict[int, int | None] = {}
    hostile = (row for row in rows if not row.is_honest and not isnan(row.reputation))
    for row in sorted(hostile, key=lambda row: row.round):
        is_out = row.quarantined or row.ejected
        found[row.seat] = (found.get(row.seat) or row.round) if is_out else None
    return found


def _mean_figures(rows: Sequence[Row]) -> dict[str, float]:
    names = dict.fromkeys(name for row in rows for name in row.figures)
    return {name: float(np.mean([row.figures[name] for row in rows if name in row.figures])) for name in names}


def _total(rows: Sequence[Row], column: str) -> int:
    return sum(getattr(row, column) for row in rows)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else nan


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value
