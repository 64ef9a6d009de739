"""Live progress: a table that redraws itself in a terminal, one line a round anywhere else."""

from statistics import fmean
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from node.operating.figures import format_figure

Events = dict[int, tuple[str, list[dict[str, Any]]]]


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
        table = Table("peer", "seat", "kind", "round", "accuracy", "neighbours in its last round", "reputation")
        for index, (attack, events) in sorted(peers.items()):
            seat = next((str(event["seat"]) for event in events if event["event"] == "joined"), "starting")
            last = next((event for event in reversed(events) if event["event"] == "round"), None)
            kind = Text(attack, "green" if attack == "honest" else "red")
            if last is None:
                table.add_row(str(index), seat, kind, "", "", "", "")
                continue
            verdicts = list(last["verdicts"].values())
            counts = ", ".join(f"{verdicts.count(word)} {word}" for word in sorted(set(verdicts)))
            accuracy: float | None = last["figures"].get("accuracy")
            table.add_row(
                str(index),
                seat,
                kind,
                f"{last['round']}/{self._rounds}",
                format_figure(accuracy) if "accuracy" in last["figures"] else "",
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
            accuracies = [a for event in honest if (a := event["figures"].get("accuracy")) is not None]
            accuracy = f"honest accuracy {fmean(accuracies):.3f}, " if accuracies else ""
            seconds = fmean([event["seconds"] for event in honest])
            rejected = sum(verdict == "rejected" for event in honest for verdict in event["verdicts"].values())
            self._console.print(
                f"round {number:>3} {accuracy}{rejected} rejections by honest peers, {seconds:.1f} s",
                highlight=False,
            )
