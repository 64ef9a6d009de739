"""The run's picture: how good the models are, and reputation, per round."""

from pathlib import Path

from node.demo.results import RunResults
from node.operating.pictures import two_panels


def plot(results: RunResults, final_reputations: dict[int, float], title: str, path: Path) -> None:
    """Write a PNG. final_reputations: seat → 0..1 after the last round."""
    with two_panels(path) as (figure, left, right):
        for seat, attack in sorted(results.attacks.items()):
            is_honest = attack == "honest"
            style = {"color": "#2a6f4e" if is_honest else "#b3261e", "linestyle": "-" if is_honest else "--"}
            first = seat == min(results.honest if is_honest else results.poisoners)
            label = ("honest" if is_honest else attack) if first else None
            if is_honest and (points := results.merits.get(seat)):
                left.plot(list(points), list(points.values()), label=label, marker="o", markersize=3, **style)
            reputations = dict(results.reputation.get(seat, {}))
            if reputations:
                # A round's figure is the one it opened with; what it settled shows at the next.
                reputations[max(reputations) + 1] = final_reputations.get(seat, reputations[max(reputations)])
                right.plot(list(reputations), list(reputations.values()), label=label, **style)
        name, heading = ("figures", "") if results.main is None else (results.main.name, results.main.heading)
        left.set(title=f"{name} of honest peers", xlabel="round", ylabel=heading)
        right.set(title="reputation on chain", xlabel="round opened", ylim=(0, 1.02))
        right.axhline(0.25, color="#888888", linewidth=0.8, linestyle=":")
        right.text(1, 0.26, "quarantine", color="#666666", fontsize=8)
        for axes in (left, right):
            if axes.get_legend_handles_labels()[0]:
                axes.legend(frameon=False)
        figure.suptitle(title)
