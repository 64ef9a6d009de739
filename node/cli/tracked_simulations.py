"""Simulations' figures, told to trackers. Apart from --track itself, as a node must not load what simulates."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.simulator import Row, Scenario
    from node.tracking.destination import Destination
    from node.tracking.tracker import Tracker

_SIMULATION_PATIENCE_S = 60.0


class TrackedRuns:
    """Tells trackers of simulations."""

    def __init__(self, trackers: "Sequence[Tracker]", scenarios: "Sequence[Scenario]") -> None:
        from node.simulator.columns import find_varying

        self._trackers = trackers
        self._named_by = ["rule", *(name for name in find_varying(scenarios) if name != "rule"), "seed"]

    def start(self, scenario: "Scenario") -> None:
        """What is told from now on is of this run."""
        from node.simulator.columns import describe_run

        told = describe_run(scenario)
        name = " ".join(str(told[key]) if key == "rule" else f"{key} {told[key]}" for key in self._named_by)
        for one in self._trackers:
            one.start_run(name, {key: value for key, value in told.items() if value not in (None, "")})

    def tell(self, rows: "Sequence[Row]") -> None:
        """Rows of one or more rounds."""
        if not self._trackers:
            return
        from node.simulator.tracked_rows import figures_by_round

        for number, figures in figures_by_round(rows).items():
            for one in self._trackers:
                one.log(number, figures)


@contextmanager
def tracked_simulations(
    places: "Sequence[Destination]", scenarios: "Sequence[Scenario]"
) -> "Iterator[TrackedRuns]":
    """What is to be told of the runs. A simulation waits for a tracker for a while: it is run for its figures."""
    from node.tracking.tracker import Tracker

    with ExitStack() as ending:
        trackers = [
            ending.enter_context(
                Tracker(place, patience_s=_SIMULATION_PATIENCE_S, end_patience_s=_SIMULATION_PATIENCE_S)
            )
            for place in places
        ]
        yield TrackedRuns(trackers, scenarios)
