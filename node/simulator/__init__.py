"""Hundreds of peers in one process: the network's own rules, codec and topology, without chain and sockets.

    from node.simulator import Scenario, grid, simulate, simulate_all

    results = simulate(Scenario(peers=20, rounds=30, attack="sign-flip", malicious=0.2))
    results.summary.mean_error       # or main, mean and worst, whatever the task is judged by
    runs = simulate_all(grid(results.scenario, ["fedavg"], rule=["none", "tether"], seed=range(5)))
    print(runs)

The same scenario gives the same results, to the bit, on one machine and torch release.
"""

from node.simulator.files import write_files
from node.simulator.grid import grid
from node.simulator.results import Results, Row, Summary
from node.simulator.running import simulate_all
from node.simulator.runs import Runs
from node.simulator.scenario import BASELINES, Scenario
from node.simulator.simulation import simulate

__all__ = [
    "BASELINES",
    "Results",
    "Row",
    "Runs",
    "Scenario",
    "Summary",
    "grid",
    "simulate",
    "simulate_all",
    "write_files",
]
