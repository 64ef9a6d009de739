"""Run as a program: prints digests of what the exact arithmetic gives for inputs made of hash output alone.

The inputs depend on no random generator, no BLAS and no floating point, so every machine has the same ones.
"""

import hashlib
import json

import numpy as np

from ledger.arithmetic.exact import (
    GridState,
    clipped_mean,
    decaying_square_q30,
    mean,
    squared_distance,
    squared_norm,
    to_float,
    weighted_mean,
)
from ledger.blobs.contents.records import state_digest
from ledger.codec import PLAIN, Blocks, quantise
from ledger.rules import ScreeningInput, rule_of
from ledger.rules.judge_memory import JudgeMemory

PARAMETERS = 70_001


def made_state(name: str, bits: int) -> GridState:
    """(70001,), int32, uniform in ±2**bits, from SHAKE-256."""
    raw = np.frombuffer(hashlib.shake_256(name.encode()).digest(4 * PARAMETERS), "<u4")
    return ((raw >> np.uint32(31 - bits)).astype(np.int64) - (1 << bits)).astype(np.int32)


def tether_digests(floors: dict[int, int] | None = None) -> dict[str, object]:
    """Three rounds of one judge with nine neighbours, four of whom lean the same way.

    floors: of the noise in the neighbours' steps; None without privacy terms.
    """
    rule, memory, base = rule_of("tether", {}), JudgeMemory(), made_state("base", 18)
    lean = made_state("lean", 12)
    accepted: list[list[int]] = []
    for number in range(1, 4):
        own, *others = [base + made_state(f"step {number} {seat}", 12) for seat in range(10)]
        neighbours = {seat: state + lean * (seat % 2) for seat, state in enumerate(others, 1)}
        neighbours[30] = base + made_state("far", 20)
        outcome = rule.screen(
            ScreeningInput(
                base,
                own,
                neighbours,
                frozenset({*range(8), 30}),
                number,
                3,
                0,
                b"s" * 32,
                {4: number},
                memory,
                noise_floors=floors,
            )
        )
        accepted.append([seat for seat, judgement in outcome.judgements.items() if judgement.accepted])
        memory, base = outcome.memory, outcome.next_base
    return {
        "accepted": accepted,
        "mixed": sorted(outcome.mixed),
        "figures": {str(seat): judgement.figures for seat, judgement in outcome.judgements.items()},
        "next_base": state_digest(base).hex(),
        "memory": memory.digest().hex(),
    }


def digests() -> dict[str, object]:
    """name → integer or hex digest."""
    own, far = made_state("own", 23), made_state("far", 23)
    near = [own + (made_state(f"near {number}", 20)) for number in range(3)]
    near = [np.clip(state, -(127 << 17), 127 << 17).astype(np.int32) for state in near]
    rule = rule_of("balance", {"gamma_milli": 300, "kappa_milli": 500, "alpha_q15": 12345})
    neighbours = {0: far, 1: near[0], 2: near[1], 5: near[2]}
    outcome = rule.screen(ScreeningInput(own, own, neighbours, frozenset({0, 1, 5}), 4, 10))
    floats = to_float(made_state("floats", 17)) * np.float32(2.0**-11)
    quantised = quantise(floats, Blocks((floats.size,)), PLAIN)
    return {
        "squared_norm": squared_norm(own),
        "squared_distance": squared_distance(own, far),
        "mean": state_digest(mean([own, far, *near])).hex(),
        "weighted_mean": state_digest(weighted_mean(own, near, 23456)).hex(),
        "pulled_mean": state_digest(clipped_mean(far, own, near, [1 << 18, 123_457, 0], 18)).hex(),
        "decaying_square": [decaying_square_q30(300, 500, step, 30) for step in range(0, 30, 7)],
        "balance_accepts": [seat for seat, judgement in outcome.judgements.items() if judgement.accepted],
        "balance_next_base": state_digest(outcome.next_base).hex(),
        "tether": tether_digests(),
        "tether_private": tether_digests(
            {seat: seat << 36 for seat in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 30)} | {0: 1}
        ),
        "payload": hashlib.sha256(quantised.payload).hexdigest(),
        "decoded": state_digest(quantised.state).hex(),
    }


if __name__ == "__main__":
    print(json.dumps(digests()))
