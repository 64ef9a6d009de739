"""Live progress: a table that redraws itself in a terminal, one line a round anywhere else."""

from statistics import fmean
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from node.operating.figures import format_figure
from node.operating.merit import MainFigure, find_main

Events = dict[int, tuple[str, list[dict[str, Any]]]]


def find_reported(peers: Events) -> MainFigure | None:
    """The main figure of what peers have reported so far."""
    rounds = (event for _, events in peers.values() for event in events if event["event"] == "round")
    return next((main for event in rounds if (main := find_main(event["figures"], event["better"]))), None)


class Progress:
    """Shows where each peer is."""

    def __init__(self, console: Console, peers: int, rounds: int) -> None:
        self._console, self._peers, self._rounds = console, peers, rounds
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._lines = 0
        self._joined = False

    def __enter__(self) -> "Progress":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, peers: Events) -> None:
        """peers: index → (attack, events so far)."""
        if self._live:
            self._live.update(self._table(peers), refresh=True)
        else:
            self._print_new(peers)

    def _table(self, peers: Events) -> Table:
        main = find_reported(peers)
        heading = "figure" if main is None else main.name
        table = Table("peer", "seat", "kind", "round", heading, "neighbours in its last round", "reputation")
        for index, (attack, events) in sorted(peers.items()):
            seat = next((str(event["seat"]) for event in events if event["event"] == "joined"), "starting")
            last = next((event for event in reversed(events) if event["event"] == "round"), None)
            kind = Text(attack, "green" if attack == "honest" else "red")
            if last is None:
                table.add_row(str(index), seat, kind, "", "", "", "")
                continue
            verdicts = list(last["verdicts"].values())
            counts = ", ".join(f"{verdicts.count(word)} {word}" for word in sorted(set(verdicts)))
            merit: float | None = last["figures"].get(heading)
            table.add_row(
                str(index),
                seat,
                kind,
                f"{last['round']}/{self._rounds}",
                format_figure(merit) if heading in last["figures"] else "",
                counts,
                f"{last['reputation']:.3f}",
            )
        return table

    def _print_new(self, peers: Events) -> None:
        joined = sum(any(event["event"] == "joined" for event in events) for _, events in peers.values())
        if joined == self._peers and not self._joined:
            self._joined = True
            self._console.print(f"peers     all {joined} have joined", highlight=False)
        while self._lines < self._rounds:
            number = self._lines + 1
            found = [
                (attack, event)
                for attack, events in peers.values()
                for event in events
                if event["event"] == "round" and event["round"] == number
            ]
            if len(found) < self._peers:
                return
            self._lines = number
            honest = [event for attack, event in found if attack == "honest"]
            name = "" if (main := find_reported(peers)) is None else main.name
            merits = [m for event in honest if (m := event["figures"].get(name)) is not None]
            merit = f"honest {name} {fmean(merits):.3f}, " if merits else ""
            seconds = fmean([event["seconds"] for event in honest])
            rejected = sum(verdict == "rejected" for event in honest for verdict in event["verdicts"].values())
            self._console.print(
                f"round {number:>3} {merit}{rejected} rejections by honest peers, {seconds:.1f} s",
                highlight=False,
            )
