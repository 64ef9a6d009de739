"""Measure what a round costs and print it as Markdown tables, beside earlier figures of other systems.

The job: 8 peers, MLP 784-128-10 on Fashion-MNIST, 1,000 samples a peer, one epoch a round, everything on this machine.
Usage: python -m scripts.bench.round [--rounds 10] [--quick]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from typing import Any

# Measured earlier with the same job on a machine of 2 cores, not by this script: it installs none of them.
OTHERS = {
    "decentralizepy": ("0.19–0.68", "0.024–0.04", "2.86 (full mesh)", "1.9"),
    "flwr (simulation)": ("0.46–0.74", "0.04", "–", "1.4"),
    "hivemind": ("1.2–1.4", "0.21–0.24", "0.91", "4.5"),
    "p2pfl": ("11.1", "1.6", "2.18", "3.4"),
    "flwr (deployment)": ("34.5", "6.7", "2.3", "4.3"),
}


def run(rounds: int, *options: str) -> dict[str, Any]:
    """One run of the demo; its JSON."""
    command = [sys.executable, "-m", "node.cli.main", "demo", "--json", "--discard", "--rounds", str(rounds)]
    done = subprocess.run([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def cost_row(name: str, found: dict[str, Any], rounds: int) -> str:
    """One line of the table of costs."""
    usage = found["usage"]
    memory = usage.get("peers_pss_bytes", 0) / 1e9, usage.get("chain_pss_bytes", 0) / 1e9
    chain = usage.get("chain_cpu_s", 0.0) / (8 * rounds)
    return (
        f"| {name} | {found['round_seconds']:.2f} | {found['overhead_cpu_s']:.3f} | {chain:.3f} "
        f"| {found['bytes_sent'] / 1e6:.2f} | {memory[0]:.2f} + {memory[1]:.2f} | {found['gas']:,.0f} |"
    )


def split_rows(found: dict[str, Any]) -> list[str]:
    """Where the CPU seconds go, most first."""
    parts = sorted(found["cpu_s"].items(), key=lambda part: -part[1])
    return [f"| {name} | {1000 * value:.1f} |" for name, value in parts]


def main() -> None:
    """Run the cells and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="costs only, no attacks")
    options = parser.parse_args()
    fixed = ["--task", "fashion-mnist"]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {options.rounds} rounds\n"
    )
    full = run(options.rounds, *fixed, "--poisoners", "0", "--degree", "7")
    four = run(options.rounds, *fixed, "--poisoners", "0", "--degree", "4")
    print(
        "| system | s a round | CPU s a peer-round beyond training | chain CPU s | MB sent | GB of 8 peers | gas |"
    )
    print("|---|---|---|---|---|---|---|")
    print(cost_row("folkmoot, degree 7", full, options.rounds))
    print(cost_row("folkmoot, degree 4", four, options.rounds))
    for name, (seconds, overhead, sent, memory) in OTHERS.items():
        print(f"| {name} | {seconds} | {overhead} | none | {sent} | {memory} | none |")
    print("\n| part of a peer-round, degree 4 | CPU ms |\n|---|---|")
    print("\n".join(split_rows(four)))
    print(
        "\n| accuracy of honest peers, mean / worst | degree 7 | degree 4 | degree 4, `--rule none` |\n|---|---|---|---|"
    )
    print(f"| no poisoner | {accuracy(full)} | {accuracy(four)} | |")
    for attack in () if options.quick else ("sign-flip", "label-flip", "gaussian"):
        cells = [
            accuracy(run(options.rounds, *fixed, "--attack", attack, *extra))
            for extra in (("--degree", "7"), ("--degree", "4"), ("--degree", "4", "--rule", "none"))
        ]
        print(f"| 2 of 8 {attack} | {' | '.join(cells)} |", flush=True)


def accuracy(found: dict[str, Any]) -> str:
    """Mean and worst, and whether the audit agreed."""
    clean = "" if found["audit_clean"] else " (audit: findings!)"
    return f"{found['honest_mean']:.3f} / {found['honest_worst']:.3f}{clean}"


if __name__ == "__main__":
    main()
