"""Accuracy against bytes: the same circles with float32 states, whole int8 frames, and frames of differences.

Each finished run is one line of docs/results/codec.jsonl at once, and a run that is there is not run again;
docs/results/codec.md is written from that file at the end, or with --tables alone.

    python -m scripts.bench.codec_curve --task fashion-mnist --seeds 3
    python -m scripts.bench.codec_curve --task fashion-mnist-cnn --seeds 1 --rounds 30
    python -m scripts.bench.codec_curve --task python-code-large --attacks honest --peers 3 --rounds 12 --seeds 1 --shares 0.1 0.03
    python -m scripts.bench.codec_curve --tables
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before numpy and torch are loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np

from ledger.arithmetic.exact import GRID_BITS, GridState, to_float
from ledger.codec import DELTA, PLAIN, ZSTD, Quantised, blocks_of, quantise
from ledger.codec.delta_encoder import RESIDUAL_SHARE, SENT_SHARE, compute_residual, encode_delta
from node.learning.layout import Vector
from node.learning.private_part import PrivatePart
from node.simulator import Scenario, simulate
from node.simulator.engine import LocalEngine, PreparedPeer
from node.simulator.learning import GridStates, Matrix
from node.simulator.publishing import PublishedFrame, Reference

RAW = Path(__file__).parents[2] / "docs" / "results" / "codec.jsonl"
TABLES = RAW.with_suffix(".md")
FLOAT32 = "float32"
ATTACKS = ("honest", "alie", "ride")
# Evaluations at the end of a run that its accuracy is the mean of.
LAST = 4
HEAD = """# Accuracy against bytes

Written by `scripts/bench/codec_curve.py` from `codec.jsonl`. 10 peers unless a title says otherwise, degree 5, 1,000 examples
a peer (`python-code` and `python-code-large`: transformers of 1 and 10 million parameters on program text); with an attack 20 % of
the peers attack, and their own updates travel as `int8-zstd`. Accuracy is that of the honest peers' next bases, the
mean of the last four evaluations (every third round); the worst peer is the one with the lowest such mean. Points are
percentage points beside float32 with the same seeds. Bytes are those of honest peers' frames, key frames included.

`delta 3 % key 16 carry 0.75` is what the codec `delta` does: 3 % of the values in a delta frame, a key frame in every
sixteenth round here, three quarters of what was left out carried on. Speeds: `scripts/bench/codec.py` and
`codec-speed.md`. Why so: `docs/decisions/0021-frames-of-differences.md`.

Tables that say `blocks across tensors` are of frames whose blocks did not yet begin anew at each tensor, and whose
header was longer by 14 to 19 bytes (`docs/decisions/0026-a-block-and-a-unit-for-each-tensor.md`).
"""
EVERY = 3
PEERS = 10
Line = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """How updates travel."""

    codec: str
    """Its name."""
    share: float = SENT_SHARE
    """Of the values, what a delta frame sends."""
    chain: int = 16
    """Rounds from key frame to key frame."""
    carried: float = RESIDUAL_SHARE
    """The part of what a frame left out that the next training starts from."""

    @property
    def name(self) -> str:
        if self.codec != DELTA:
            return self.codec
        return f"delta {100 * self.share:g} % key {self.chain} carry {self.carried:g}"


CURVE = (
    Way(FLOAT32),
    Way(ZSTD, carried=1.0),
    *(Way(DELTA, share=share) for share in (0.2, 0.1, 0.05, SENT_SHARE, 0.02, 0.01)),
)
# What else could have been chosen, with no attack alone.
CHOICES = (
    *(Way(DELTA, carried=carried) for carried in (0.0, 0.5, 0.9, 1.0)),
    *(Way(DELTA, chain=chain) for chain in (8, 32, 10**6)),
)


class Frames(LocalEngine):
    """Honest peers whose updates travel another way than the scenario's codec."""

    def __init__(self, scenario: Scenario, way: Way) -> None:
        super().__init__(scenario)
        self._way = way
        self._genesis = quantise(self.initial(scenario.seed), blocks_of(self.manifest.sizes), PLAIN).state
        self._published: dict[int, GridState] = {}
        self.payload_bytes: list[int] = []

    def prepare(
        self,
        number: int,
        seats: Sequence[int],
        bases: GridStates,
        kept: Sequence[PrivatePart],
        residuals: Matrix | None,
        references: Sequence[Reference | None],  # noqa: ARG002
        corrections: Sequence[Vector | None],
    ) -> list[PreparedPeer]:
        assert residuals is not None
        is_delta = self._way.codec == DELTA
        starts = np.rint(np.ldexp(residuals, GRID_BITS)).astype(np.int32) + bases if is_delta else bases
        found: list[PreparedPeer] = []
        for place, (seat, one) in enumerate(
            zip(seats, self.train(number, seats, starts, kept, corrections), strict=True)
        ):
            wanted = one.state if is_delta else one.state + residuals[place]
            found.append(PreparedPeer(self._frame(number, seat, bases[place], wanted), one))
        return found

    def _frame(self, number: int, seat: int, base: GridState, wanted: Vector) -> PublishedFrame:
        way, last, blocks = self._way, self._published.get(seat), blocks_of(self.manifest.sizes)
        if way.codec == DELTA:
            previous = None if (number + seat) % way.chain == 0 else last
            found = encode_delta(wanted, blocks, previous, self._genesis, base, way.share)
            residual = np.float32(way.carried) * compute_residual(wanted, base, found.state, previous)
        elif way.codec == FLOAT32:
            found = Quantised(wanted.tobytes(), np.rint(np.ldexp(wanted, GRID_BITS)).astype(np.int32))
            residual = np.zeros_like(wanted)
        else:
            found = quantise(wanted, blocks, way.codec)
            residual = wanted - to_float(found.state)
        self._published[seat] = found.state
        self.payload_bytes.append(len(found.payload))
        return PublishedFrame(found.state, found.payload, residual)


def scenario_of(options: argparse.Namespace, attack: str, seed: int) -> Scenario:
    return Scenario(
        task=options.task,
        peers=options.peers,
        degree=min(5, options.peers - 1),
        rounds=options.rounds,
        rule=options.rule,
        attack=attack,
        malicious=0.0 if attack == "honest" else 0.2,
        skew=options.skew,
        samples=options.samples,
        seed=seed,
        evaluate_every=EVERY,
        test_examples=options.test_examples,
        # The codec alone is measured.
        options={"correction": 0.0},
    )


def run(scenario: Scenario, way: Way) -> Line:
    """Simulate once. Accuracy: mean and worst over honest peers of their means over the last evaluations."""
    started = time.process_time()
    engine = Frames(scenario, way)
    results = simulate(scenario, engine=engine)
    rounds = sorted({row.round for row in results.rows if row.figures})[-LAST:]
    honest = [row for row in results.rows if row.is_honest]
    accuracy = {
        seat: np.mean([row.figures["accuracy"] for row in honest if row.seat == seat and row.round in rounds])
        for seat in {row.seat for row in honest}
    }
    accepted, rejected = (sum(getattr(row, f"honest_{how}") for row in honest) for how in ("accepted", "rejected"))
    return {
        "parameters": len(engine.initial(scenario.seed)),
        "accuracy": round(100 * float(np.mean(list(accuracy.values()))), 3),
        "worst": round(100 * float(min(accuracy.values())), 3),
        "bytes": round(float(np.mean(engine.payload_bytes))),
        "honest_rejected": round(rejected / max(1, accepted + rejected), 4),
        "cpu_s": round(time.process_time() - started, 1),
    }


def jobs(options: argparse.Namespace) -> Iterator[tuple[Line, Scenario, Way]]:
    """All runs wanted, each with the fields that name it."""
    for seed in range(options.seeds):
        for attack in options.attacks:
            for way in ways(options, attack):
                name = {
                    "task": options.task,
                    "rule": options.rule,
                    "attack": attack,
                    "skew": options.skew,
                    "rounds": options.rounds,
                    "seed": seed,
                    "way": way.name,
                }
                if options.peers != PEERS:
                    name["peers"] = options.peers
                yield name, scenario_of(options, attack, seed), way


def ways(options: argparse.Namespace, attack: str) -> list[Way]:
    """The curve, or what is wanted of it, and what else could have been chosen."""
    wanted = [Way(FLOAT32), *(Way(DELTA, share=share) for share in options.shares)]
    curve = wanted if options.shares else CURVE
    return [*curve, *(CHOICES if options.choices and attack == "honest" else ())]


def lines() -> list[Line]:
    return [json.loads(line) for line in RAW.read_text().splitlines()] if RAW.exists() else []


def tables() -> str:
    """Markdown: a table for each task, rule, skew and attack; differences in points from float32, same seeds."""
    found = lines()
    parts = []
    for setting in dict.fromkeys(map(_setting, found)):
        some = [line for line in found if _setting(line) == setting]
        task, rule, skew, rounds, attack, peers, cut = setting
        circle = "" if peers == PEERS else f"{peers} peers, "
        title = f"## {task}, {circle}{rounds} rounds, rule {rule}, skew {skew:g}, {'no attack' if attack == 'honest' else attack}"
        title += "" if cut is None else f" (blocks {cut})"
        rows = [_row(way, some) for way in dict.fromkeys(line["way"] for line in some)]
        head = "| way | bytes a round | × less | accuracy % | points | worst peer % | points | honest rejected % | seeds |"
        parts.append("\n".join([title, "", head, "| --- " + "| ---: " * 8 + "|", *rows]))
    return "\n\n".join([HEAD.rstrip(), *parts]) + "\n"


def _setting(line: Line) -> tuple[Any, ...]:
    return (
        *(line[key] for key in ("task", "rule", "skew", "rounds", "attack")),
        line.get("peers", PEERS),
        line.get("cut"),
    )


def _row(way: str, some: Sequence[Line]) -> str:
    whole = {line["seed"]: line for line in some if line["way"] == FLOAT32}
    own = [line for line in some if line["way"] == way and line["seed"] in whole]
    mean = {key: np.mean([line[key] for line in own]) for key in ("bytes", "accuracy", "worst", "honest_rejected")}
    apart = {key: np.mean([line[key] - whole[line["seed"]][key] for line in own]) for key in ("accuracy", "worst")}
    less = 4 * own[0]["parameters"] / mean["bytes"]
    return (
        f"| {way} | {mean['bytes']:,.0f} | {less:.1f} | {mean['accuracy']:.2f} | {apart['accuracy']:+.2f}"
        f" | {mean['worst']:.2f} | {apart['worst']:+.2f} | {100 * mean['honest_rejected']:.1f} | {len(own)} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="fashion-mnist")
    parser.add_argument("--rule", default="tether")
    parser.add_argument("--attacks", nargs="+", default=list(ATTACKS), choices=ATTACKS)
    parser.add_argument("--rounds", type=int, default=48)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--peers", type=int, default=PEERS)
    parser.add_argument(
        "--shares", type=float, nargs="+", default=[], help="float32 and delta frames of these shares alone"
    )
    parser.add_argument("--skew", type=float, default=0.5)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--test-examples", type=int, default=5000)
    parser.add_argument("--choices", action="store_true", help="the other settings of the codec too")
    parser.add_argument("--tables", action="store_true", help="write the tables of what was run, run nothing")
    options = parser.parse_args()
    if not options.tables:
        known = {json.dumps({key: line[key] for key in line if key in NAMES}) for line in lines()}
        RAW.parent.mkdir(parents=True, exist_ok=True)
        for name, scenario, way in jobs(options):
            if json.dumps(name) in known:
                continue
            line = name | run(scenario, way)
            with RAW.open("a") as stream:
                stream.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
    TABLES.write_text(tables())
    print(TABLES)


NAMES = ("task", "rule", "attack", "skew", "rounds", "seed", "way", "peers")

if __name__ == "__main__":
    main()
