"""--track, of the commands whose rounds are worth a curve."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from node.tracking.destination import Destination


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
