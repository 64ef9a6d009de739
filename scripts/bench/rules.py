"""Measure what screening costs, single thread, and print it as Markdown tables, beside byzfl on the same values.

One judge with 10 neighbours; d parameters a state. Each size runs in a process of its own, one thread to it. CPU
milliseconds are the least of some repetitions. Memory is the peak beyond what was there when the inputs were made.
Copying the same bytes, the 12 states a judge looks at, into arrays that are there already, is the unit of the ratios.

Usage: python -m scripts.bench.rules [--full] [--without-numba] [--sizes 1000000 10000000]
--full adds d = 10**8: 10 GB of memory, about a minute. --without-numba: as where the extra `fast` is not installed.
"""

import argparse
import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import time
import types
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

from ledger.arithmetic.compiled import LONG, loops_for
from ledger.arithmetic.exact import GridState, to_float
from ledger.rules import RULES, ScreeningInput, rule_of
from ledger.rules.judge_memory import JudgeMemory

NEIGHBOURS = 10
LIARS = 2
SIZES = (10**5, 10**6, 10**7)
FULL = 10**8
# byzfl is slow and takes doubles: from here on it is left out.
MOST_FOR_BYZFL = 10**7
MOST_REPEATS = 15
CHUNK = 1 << 20
OURS = ("balance", "tether")
# Wide enough that every neighbour is accepted and mixed, which costs most.
PARAMETERS = {"balance": {"gamma_milli": 3000}}
INSTALL = "`pip install --no-deps --target DIRECTORY byzfl==0.0.11`, then run with PYTHONPATH=DIRECTORY"


@dataclass
class Cost:
    """Of one rule at one size."""

    cpu_ms: float
    """The least seen."""
    wall_ms: float
    """The least seen."""
    extra_mb: float
    """Peak memory beyond the inputs."""


@dataclass
class Size:
    """All costs at one size."""

    parameters: int
    """Values of a state."""
    copy_ms: float
    """CPU time of copying a judge's twelve states."""
    ours: dict[str, Cost] = field(default_factory=dict)
    """Rule → its cost."""
    theirs: dict[str, Cost] = field(default_factory=dict)
    """byzfl's aggregator → its cost; empty where byzfl is not importable."""


def measured(work: Callable[[], Any], repeats: int) -> Cost:
    """Memory from the first call: the peak never comes down again."""
    before = resident_mb()
    cpu_s, wall_s = [], []
    for _ in range(repeats):
        started = time.process_time(), time.perf_counter()
        work()
        cpu_s.append(time.process_time() - started[0])
        wall_s.append(time.perf_counter() - started[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return Cost(1e3 * min(cpu_s), 1e3 * min(wall_s), max(peak - before, 0.0))


def resident_mb() -> float:
    """Of this process now, in units of 10**6 bytes as near as the kernel's kibibytes come."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1000


def made_states(size: int) -> tuple[GridState, GridState, dict[int, GridState]]:
    """Base, own and neighbours: values in ±½, steps of at most 2**-6; made in pieces, so that nothing else peaks."""
    random = np.random.default_rng(7)
    base, own, *others = [np.empty(size, np.int32) for _ in range(2 + NEIGHBOURS)]
    for start in range(0, size, CHUNK):
        piece = slice(start, min(start + CHUNK, size))
        base[piece] = random.integers(-(1 << 15), 1 << 15, piece.stop - start, dtype=np.int32)
        for state in (own, *others):
            state[piece] = base[piece] + random.integers(-1024, 1024, piece.stop - start, dtype=np.int32)
    return base, own, dict(enumerate(others, 1))


def rules(names: tuple[str, ...], size: int, repeats: int) -> dict[str, Cost]:
    """Every named rule on the same states; a rule that looks back in its second round."""
    base, own, neighbours = made_states(size)
    everyone = frozenset(neighbours)
    found: dict[str, Cost] = {}
    for name in names:
        rule = rule_of(name, PARAMETERS.get(name, {}))
        memory = JudgeMemory()
        if rule.needs_memory and repeats > 1:
            memory = rule.screen(ScreeningInput(base, own, neighbours, everyone, 1, 10)).memory
        situation = ScreeningInput(base, own, neighbours, everyone, 2, 10, memory=memory)
        found[name] = measured(partial(rule.screen, situation), repeats)
    return found


def copying(size: int, repeats: int) -> float:
    """CPU milliseconds to copy the judge's 12 states."""
    base, own, neighbours = made_states(size)
    states = [base, own, *neighbours.values()]
    targets = [np.zeros(size, np.int32) for _ in states]

    def copy() -> None:
        for target, state in zip(targets, states, strict=True):
            np.copyto(target, state)

    return measured(copy, repeats).cpu_ms


def byzfl_aggregators() -> Any:
    """Its module of aggregators, or None. The package's own first file is passed by: it also needs torchvision."""
    if (spec := importlib.util.find_spec("byzfl")) is None:
        return None
    package = types.ModuleType("byzfl")
    package.__path__ = list(spec.submodule_search_locations or [])
    sys.modules["byzfl"] = package
    return importlib.import_module("byzfl.aggregators")


def theirs(size: int, repeats: int) -> dict[str, Cost]:
    """byzfl on the float32 values of the neighbours' states, an array of (10, d)."""
    module = byzfl_aggregators()
    if module is None or size > MOST_FOR_BYZFL:
        return {}
    vectors = np.stack([to_float(state) for state in made_states(size)[2].values()])
    mixing, trimmed = module.NNM(f=LIARS), module.TrMean(f=LIARS)
    works: dict[str, Callable[[], Any]] = {
        "byzfl Krum": lambda: module.Krum(f=LIARS)(vectors),
        "byzfl trimmed mean": lambda: trimmed(vectors),
        "byzfl NNM + trimmed mean": lambda: trimmed(mixing(vectors)),
    }
    return {name: measured(work, repeats) for name, work in works.items()}


def child(size: int, names: tuple[str, ...]) -> None:
    """Measure one size in this process and print JSON. The rules come first, while nothing else has peaked."""
    repeats = max(2, min(MOST_REPEATS, 3 * 10**7 // size)) if size < FULL else 1
    # A process compiles once: no cost of a judgement.
    loops_for(size)
    ours = rules(names, size, repeats)
    found = Size(size, copying(size, max(repeats, 2)), ours, theirs(size, min(repeats, 3)))
    print(json.dumps(asdict(found)))


def measure(size: int, names: tuple[str, ...], own_options: list[str]) -> Size:
    """One size, in a process of its own with one thread."""
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "scripts.bench.rules", "--child", str(size), "--rules", *names, *own_options]
    done = subprocess.run(command, env={**os.environ, **alone}, stdout=subprocess.PIPE, check=True)
    values = json.loads(done.stdout)
    for key in ("ours", "theirs"):
        values[key] = {name: Cost(**cost) for name, cost in values[key].items()}
    return Size(**values)


def table(found: Size) -> list[str]:
    """One size's lines."""
    lines = [
        f"\nd = {found.parameters:,}; copying the same bytes: {found.copy_ms:.1f} CPU ms\n",
        "| rule | CPU ms | × copy | × tether | wall ms | MB beyond the inputs |",
        "|---|---|---|---|---|---|",
    ]
    unit = found.ours["tether"].cpu_ms if "tether" in found.ours else float("nan")
    for name, cost in {**found.ours, **found.theirs}.items():
        ratios = f"{cost.cpu_ms / found.copy_ms:.1f} | {cost.cpu_ms / unit:.2f}"
        # Only what ran first in its process: a later peak below an earlier one cannot be seen.
        memory = f"{cost.extra_mb:.0f}" if name in found.ours else ""
        lines.append(f"| {name} | {cost.cpu_ms:.1f} | {ratios} | {cost.wall_ms:.1f} | {memory} |")
    return lines


def main() -> None:
    """Run the sizes and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="also d = 10**8")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--without-numba", action="store_true", help="leave the compiled loops out")
    parser.add_argument("--rules", nargs="+", default=list(OURS), choices=sorted(RULES))
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = tuple(options.rules)
    if options.without_numba:
        sys.modules["numba"] = None  # type: ignore[assignment]  # so it cannot be imported
    if options.child is not None:
        child(options.child, names)
        return
    own_options = ["--without-numba"] if options.without_numba else []
    # Not imported here: a child would inherit the peak of memory.
    has_numba = not options.without_numba and importlib.util.find_spec("numba") is not None
    loops = f"numba {version('numba')} from d = {LONG:,} on" if has_numba else "without numba"
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}, "
        f"{loops}; {NEIGHBOURS} neighbours, one thread"
    )
    if importlib.util.find_spec("byzfl") is None:
        print(f"\nbyzfl is not installed, so its lines are missing: {INSTALL}.")
    for size in [*options.sizes, *([FULL] if options.full else [])]:
        print("\n".join(table(measure(size, names, own_options))), flush=True)


if __name__ == "__main__":
    main()
