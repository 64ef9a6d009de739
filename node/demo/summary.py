"""The last page of a run, for someone who sees this for the first time."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from node.demo.results import LEARNING, RunResults, count_accepted
from node.operating.merit import ACCURACY
from node.operating.printing import say_json

if TYPE_CHECKING:
    from node.demo.run import DemoOutcome


def print_summary(
    console: Console, picture: Path | None, outcome: "DemoOutcome", reputations: dict[int, float], *, poisoned: bool
) -> None:
    """Print it."""
    results, report = outcome.results, outcome.report
    console.print()
    console.print(_merit_line(results), highlight=False)
    if backdoors := results.final_backdoors():
        console.print(
            f"backdoor  honest peers give {fmean(backdoors):.3f} of the marked examples the attack's label, "
            f"{max(backdoors):.3f} the worst",
            highlight=False,
        )
    console.print(_peers_table(results, reputations))
    if results.seconds:
        console.print(_cost_table(results))
    times = ", ".join(f"{name} {seconds:.1f}" for name, seconds in outcome.seconds.items())
    console.print(f"seconds   {times}", highlight=False)
    _print_audit(console, report)
    if picture is not None:
        console.print(f"picture   {picture}", highlight=False)
    if poisoned and report["rule"] != "none":
        console.print(
            "no defence? the same run with `--rule none` shows what the poisoners do to it", highlight=False
        )


def print_next(console: Console, bundle: Path, options: Sequence[str] = ()) -> None:
    """What can be had of a run that is over, as commands to copy.

    bundle: what its audit saved. options: of each of them.
    """
    program, file = _name_program(), shlex.join((str(bundle), *options))
    console.print(f"evidence  {bundle}: from it, without chain and peers,", highlight=False)
    for what, command in (
        ("the run in a browser", f"watch {file}"),
        ("the report as a page", f"audit {file} --html report.html"),
        ("the model", f"model export --bundle {file} --out model.safetensors"),
        ("whose updates are in it", f"trace --bundle {file}"),
    ):
        console.print(f"          {what}:", highlight=False)
        # Never wrapped: it is there to be copied.
        console.print(f"            {program} {command}", highlight=False, soft_wrap=True)


def _name_program() -> str:
    """As whoever reads this can call it: by its path where its environment is not active, as after `make demo`."""
    if shutil.which("folkmoot") is not None:
        return "folkmoot"
    beside = Path(sys.executable).with_name("folkmoot")
    if not beside.exists():
        return "folkmoot"
    return shlex.quote(os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside))


def make_fields(picture: Path | None, outcome: "DemoOutcome", reputations: dict[int, float]) -> None:
    """Print one JSON object."""
    results = outcome.results
    merits, backdoors, main = results.final_merits(), results.final_backdoors(), results.main
    say_json(
        {
            "figure": None if main is None else main.name,
            "better": None if main is None else main.direction,
            "honest_mean": fmean(merits) if merits else None,
            "honest_worst": None if main is None else main.find_worst(merits),
            "backdoor_mean": fmean(backdoors) if backdoors else None,
            "attacks": results.attacks,
            "reputations": reputations,
            "epsilon_spent": results.spent,
            "verdicts": [
                {"judge": judge, "judged": judged, **counts}
                for (judge, judged), counts in sorted(results.verdicts.items())
            ],
            "round_seconds": _mean(results.seconds),
            "cpu_s": results.mean_cpu_s(),
            "overhead_cpu_s": results.overhead_cpu_s(),
            "bytes_sent": _mean(results.bytes_sent),
            "gas": _mean(results.gas),
            "stages_s": outcome.seconds,
            "usage": outcome.usage,
            "audit_clean": outcome.report["clean"],
            "audit_findings": outcome.report["findings"],
            "plot": str(picture) if picture is not None else None,
            "bundle": str(outcome.bundle) if outcome.bundle is not None else None,
        }
    )


def _merit_line(results: RunResults) -> str:
    merits, main = results.final_merits(), results.main
    if main is None or not merits:
        return "figures   the task reports none"
    worst = f", {main.find_worst(merits):.3f} the worst" if main.direction is not None else ""
    told = "" if main.direction is None or main.name == ACCURACY else f"; {main.direction} is better"
    return f"{main.name:<9} honest peers {fmean(merits):.3f} on average{worst}, on held-out data{told}"


def _peers_table(results: RunResults, reputations: dict[int, float]) -> Table:
    merit_heading = "figure" if results.main is None else results.main.name
    headings = ["seat", "kind", merit_heading, "accepted by honest peers", "reputation"]
    table = Table(*headings, *(["ε spent"] if results.spent else []), title="who was taken in")
    for seat, attack in sorted(results.attacks.items()):
        accepted, judged = count_accepted(results, [j for j in results.honest if j != seat], seat)
        merits = results.merits.get(seat)
        value = reputations.get(seat, 0.0)
        table.add_row(
            str(seat),
            Text(attack, "green" if attack == "honest" else "red"),
            f"{merits[max(merits)]:.3f}" if merits else "",
            f"{accepted} of {judged} times",
            f"{value:.3f}" + (" quarantined" if value < 0.25 else ""),
            *([f"{results.spent[seat]:.3f}"] if seat in results.spent else []),
        )
    return table


def _cost_table(results: RunResults) -> Table:
    table = Table("what", "mean", title="what a round costs one honest peer")
    table.add_row("seconds", f"{fmean(results.seconds):.2f}")
    table.add_row("bytes sent", f"{fmean(results.bytes_sent):,.0f}")
    table.add_row("gas", f"{fmean(results.gas):,.0f}")
    for name, value in results.mean_cpu_s().items():
        table.add_row(f"CPU seconds, {name}", f"{value:.4f}")
    table.add_row(f"CPU seconds beyond {' and '.join(LEARNING)}", f"{results.overhead_cpu_s():.4f}")
    return table


def _print_audit(console: Console, report: dict[str, Any]) -> None:
    examined = report["examined"]
    if report["clean"]:
        text = Text(
            f"audit     clean: {examined.get('A5', 0)} verdicts and {examined.get('A7', 0)} reputations "
            "follow from chain and blobs",
            "green",
        )
    else:
        text = Text(f"audit     {len(report['findings'])} findings", "bold red")
    console.print(text)
    for group in report["groups"][:10]:
        whose = "" if group["seat"] is None else f"seat {group['seat']}: "
        console.print(f"          {group['check']} {whose}{group['says']}", highlight=False)


def _mean(values: "list[float] | list[int]") -> float | None:
    return fmean(values) if values else None
