"""--track, of the commands whose rounds are worth a curve."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from node.simulator import Row, Scenario
    from node.tracking.destination import Destination
    from node.tracking.tracker import Tracker

_SIMULATION_PATIENCE_S = 60.0


def add_track(parser: argparse.ArgumentParser) -> None:
    """--track, off by default."""
    parser.add_argument(
        "--track",
        action="append",
        default=[],
        metavar="KIND:PLACE",
        help="figures of each round for tensorboard:FOLDER, mlflow:FOLDER, mlflow:http://HOST:PORT or wandb:FOLDER"
        " (offline); repeatable; pip install 'folkmoot[tracking]'",
    )


def parse_track(options: argparse.Namespace) -> "list[Destination]":
    """Where figures go. Raises UsageError, SetupError."""
    from node.tracking.destination import Destination

    return [Destination.parse(text) for text in options.track]


@contextmanager
def tracked_node(
    places: "Sequence[Destination]", starting: Mapping[str, Any], report: Callable[[dict[str, Any]], None]
) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yields a `report` that also tells trackers what a node's rounds were like.

    starting: the node's `starting` event, of which they are told what the chain says to all.
    """
    if not places:
        yield report
        return
    from node.tracking.rounds import figures_of_round
    from node.tracking.tracker import Tracker

    with ExitStack() as ending:
        trackers = [ending.enter_context(Tracker(place)) for place in places]
        for one in trackers:
            settings = {name: starting[name] for name in ("contract", "chain_id", "last_round")}
            one.start_run(f"node {starting['key'][:10]}", settings)

        def pass_on(event: dict[str, Any]) -> None:
            report(event)
            if event["event"] == "round":
                for one in trackers:
                    one.log(event["round"], figures_of_round(event))

        yield pass_on


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
