"""Measure the simulator's processor seconds and memory beside a plain FedAvg loop, and print a Markdown table.

Every peer has an MLP 784-128-10 and its own Fashion-MNIST images; nobody attacks; TETHER judges. The loop is what
one writes without this project: torch.nn, torch.optim.SGD, one model after the other, their plain mean, the same
steps on the same images, as many evaluations on as many test images. Each runs in a process of its own, on one
thread, so their seconds hold start-up too. Compare runs of one call alone: other programs make processor seconds
longer.
Usage: python -m scripts.bench.simulate [--peers 20] [--rounds 100] [--samples 1000] [--evaluate-every 1] [--no-loop]
"""

import argparse
import os
import platform
import resource
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import torch
from torch import nn

from node.simulator import Scenario, simulate
from node.simulator.data import make_task, test_examples

BATCH, RATE, MOMENTUM = 32, 0.05, 0.9


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    cpu_s: float
    """Processor seconds of its whole process."""
    sections: Mapping[str, float]
    """Of these, by what they went into."""
    memory_bytes: int
    """The most that its process held at once."""
    accuracy: float
    """The models' mean, after the last round."""
    digest: str = ""
    """Of all figures and final models; empty for the loop."""


def run_simulator(scenario: Scenario) -> Cost:
    """One run of the simulator in this process."""
    results = simulate(scenario)
    return _cost(results.seconds, results.summary.mean, results.digest)


def run_loop(scenario: Scenario) -> Cost:
    """The plain loop over the same data in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(scenario.seed)
    task, parts = make_task(scenario), {"training": 0.0, "evaluation": 0.0}
    shares = [task.data(seat, scenario.peers) for seat in range(scenario.peers)]
    test = test_examples(task, scenario)
    assert test is not None
    server, worker = _make_model(), _make_model()
    accuracy = 0.0
    for number in range(1, scenario.rounds + 1):
        started = time.process_time()
        states = []
        for x, y in shares:
            worker.load_state_dict(server.state_dict())
            _train(worker, x, y)
            states.append({name: value.clone() for name, value in worker.state_dict().items()})
        server.load_state_dict({name: torch.stack([one[name] for one in states]).mean(0) for name in states[0]})
        trained = time.process_time()
        parts["training"] += trained - started
        if number % scenario.evaluate_every == 0 or number == scenario.rounds:
            # Each peer of the network has a model of its own to be judged.
            right = [(_answer(server, test[0]) == test[1]).float().mean() for _ in shares]
            accuracy = float(torch.stack(right).mean())
            parts["evaluation"] += time.process_time() - trained
    return _cost(parts, accuracy)


def _make_model() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def _train(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
    """One epoch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    order = torch.randperm(len(y))
    for rows in order.tensor_split(-(-len(y) // BATCH)):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()


def _answer(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        answers: torch.Tensor = model(x).argmax(1)
    return answers


def _cost(sections: Mapping[str, float], accuracy: float, digest: str = "") -> Cost:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Cost(time.process_time(), dict(sections), 1024 * usage.ru_maxrss, accuracy, digest)


def row(name: str, cost: Cost) -> str:
    """One line of the table."""
    parts = ", ".join(f"{part} {seconds:.1f}" for part, seconds in cost.sections.items())
    return f"| {name} | {cost.cpu_s:.1f} | {parts} | {cost.memory_bytes / 1e9:.2f} GB | {cost.accuracy:.4f} |"


def main() -> None:
    """Run both and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--evaluate-every", type=int, default=1)
    parser.add_argument("--no-loop", action="store_true", help="the simulator alone")
    options = parser.parse_args()
    scenario = Scenario(
        task="fashion-mnist",
        peers=options.peers,
        rounds=options.rounds,
        samples=options.samples,
        evaluate_every=options.evaluate_every,
    )
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {options.peers} peers,"
        f" {options.rounds} rounds, {options.samples} images each\n"
    )
    print("| run | CPU s | of these | memory | accuracy |\n| --- | ---: | --- | ---: | ---: |", flush=True)
    runs = {"folkmoot simulate": run_simulator} | ({} if options.no_loop else {"plain FedAvg loop": run_loop})
    digest = ""
    for name, run in runs.items():
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            cost = pool.submit(run, scenario).result()
        print(row(name, cost), flush=True)
        digest = digest or cost.digest
    print(f"\nDigest of the simulator's figures and final models: {digest}")


if __name__ == "__main__":
    main()
