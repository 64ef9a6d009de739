"""Measure how fast the codecs are and how small their frames, single thread, and print it as a Markdown table.

The states stand for a model in training: normal weights, Laplace-distributed moves since the last round. Speeds are float32 megabytes a second of CPU time, the best of some repetitions; `both` is
encoding and decoding one after the other. `order 0` is the entropy of a frame's sections, each for itself: what
an ideal coder of single symbols in zstd's place would come to.

Usage: python -m scripts.bench.codec [--sizes 101770 10000000]
"""

import argparse
import os
import platform
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

# Before numpy is loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np

from ledger.arithmetic.exact import to_float
from ledger.codec import DELTA, PLAIN, ZSTD, Blocks, decode, encode
from ledger.codec.delta import read_sections
from ledger.codec.header import SPARSE, read_header
from ledger.judging.frame_chains import MAX_CHAIN

SIZES = (101_770, 1_000_000, 10_000_000)
_Found = TypeVar("_Found")


def best(work: Callable[[], _Found], repeats: int) -> tuple[float, _Found]:
    """The least CPU seconds of some runs, and what the last gave."""
    found, seconds = work(), []
    for _ in range(repeats):
        started = time.process_time()
        found = work()
        seconds.append(time.process_time() - started)
    return min(seconds), found


def entropy_bytes(symbols: np.ndarray) -> float:
    """Bytes that an ideal coder of independent symbols needs."""
    counts = np.unique(symbols, return_counts=True)[1]
    return float(-(counts * np.log2(counts / counts.sum())).sum() / 8) if len(symbols) else 0.0


def order_0(payload: bytes, blocks: Blocks) -> float:
    """An ideal frame's bytes: that of every value's code, or of gaps and codes each, whichever there is."""
    sections = read_sections(payload, blocks)
    header, size = read_header(payload)
    rest = size + 4 * len(sections.wides) + entropy_bytes(sections.codes)
    if header.layout == SPARSE:
        return rest + entropy_bytes(sections.map)
    return rest + entropy_bytes(np.concatenate([sections.map & 15, sections.map >> 4]))


def rows(parameters: int, repeats: int) -> list[str]:
    random, blocks = np.random.default_rng(1), Blocks((parameters,))
    genesis = np.rint(random.normal(size=parameters) * 1000).astype(np.int32)
    last = np.rint(genesis + random.laplace(size=parameters) * 700).astype(np.int32)
    vector = (to_float(last) + random.laplace(size=parameters) * 0.003).astype(np.float32)
    found, costs = [], {}
    for name, codec, previous in (
        (PLAIN, PLAIN, None),
        (ZSTD, ZSTD, None),
        ("delta: key", DELTA, None),
        ("delta: delta", DELTA, last),
    ):
        coding, quantised = best(partial(encode, vector, codec, blocks, previous, genesis, last), repeats)
        size = len(quantised.payload)
        decoding, _ = best(partial(decode, quantised.payload, codec, blocks, previous, genesis), repeats)
        costs[name] = (coding, decoding, size)
        ideal = f"{order_0(quantised.payload, blocks):,.0f}" if codec == DELTA else "–"
        layout = (
            "–" if codec != DELTA else "sparse" if read_header(quantised.payload)[0].layout == SPARSE else "dense"
        )
        found.append(row(parameters, name, layout, costs[name], ideal))
    mixed = [
        (key + MAX_CHAIN * delta) / (MAX_CHAIN + 1)
        for key, delta in zip(costs["delta: key"], costs["delta: delta"], strict=True)
    ]
    found.append(row(parameters, f"delta: 1 key, {MAX_CHAIN} delta", "–", (mixed[0], mixed[1], mixed[2]), "–"))
    return found


def row(parameters: int, name: str, layout: str, cost: tuple[float, float, float], ideal: str) -> str:
    coding, decoding, size = cost
    megabytes = 4 * parameters / 1e6
    speeds = " | ".join(f"{megabytes / seconds:,.0f}" for seconds in (coding, decoding, coding + decoding))
    return (
        f"| {parameters:,} | {name} | {layout} | {size:,.0f} | {4 * parameters / size:.1f} | {ideal} | {speeds} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    print(f"{platform.machine()}, numpy {np.__version__}; MB of float32 a CPU second\n")
    print("| parameters | frame | layout | bytes | × less | order 0 | encode | decode | both |")
    print("| ---: | --- | --- | " + "---: | " * 6)
    for parameters in options.sizes:
        print("\n".join(rows(parameters, options.repeats)), flush=True)


if __name__ == "__main__":
    main()
