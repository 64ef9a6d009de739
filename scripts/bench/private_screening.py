"""What screening still sees under privacy terms: attackers in noise, with TETHER told of the noise and not."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from statistics import fmean
from typing import Any, Final
from unittest.mock import patch

from node.simulator.scenario import Scenario
from node.simulator.simulation import simulate

ATTACKS: Final[tuple[tuple[str, Mapping[str, float]], ...]] = (
    ("honest", {}),
    ("ride", {}),
    ("half-ride", {}),
    ("alie", {"z": 1}),
    ("min-max", {"perturbation": 0}),
    ("ipm", {}),
    ("lazy", {}),
    ("slow-drift", {}),
    ("sleeper", {}),
    ("tuned", {}),
    ("label-flip", {}),
    ("camouflage", {"part": 1.0}),
    ("camouflage", {"part": 0.2}),
    ("camouflage", {"part": 0.05}),
    ("camouflage", {"part": 0.02}),
)
PEERS, HOSTILE, ROUNDS, DEGREE, SKEW = 10, (8, 9), 20, 4, 0.2
# Where the simulator asks how much noise was agreed on.
_ASKED: Final = ("node.simulator.agreed_noise.find_noise_variance", "node.simulator.attackers.find_noise_variance")


def run_screening(
    epsilons: Mapping[str, Mapping[str, float]], seeds: Iterable[int], samples: int
) -> Iterator[dict[str, Any]]:
    """A cell for each attack, ε and seed, first as the rule is and then without a word of the noise.

    epsilons: ε as text → the numbers that peers train with. samples: of each peer.
    """
    for epsilon, privacy in epsilons.items():
        for seed in seeds:
            for knows in (True, False):
                for attack, parameters in ATTACKS:
                    scenario = Scenario(
                        task="fashion-mnist",
                        peers=PEERS,
                        rounds=ROUNDS,
                        degree=DEGREE,
                        skew=SKEW,
                        samples=samples,
                        seed=seed,
                        evaluate_every=ROUNDS,
                        privacy=privacy,
                        attack=attack,
                        attack_parameters=parameters,
                        malicious=HOSTILE,
                    )
                    cell = {"attack": attack, "parameters": dict(parameters), "epsilon": epsilon, "seed": seed}
                    yield cell | {"knows": knows} | _measure(scenario, knows)


def _measure(scenario: Scenario, knows: bool) -> dict[str, Any]:
    with ExitStack() as asked:
        for name in () if knows else _ASKED:
            asked.enter_context(patch(name, return_value=None))
        found = simulate(scenario).summary
    is_attacked = scenario.attack != "honest"
    return {
        "accuracy": found.mean,
        "rejected": found.false_reject,
        "accepted": found.false_accept if is_attacked else None,
        "mixed": found.hostile_mixed if is_attacked else None,
        "out": list(found.out_after.values()),
    }


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two cells are of the same run."""
    return all(one[name] == other[name] for name in ("attack", "parameters", "epsilon", "seed", "knows"))


def describe_screening(cells: Iterable[Mapping[str, Any]]) -> list[str]:
    """The table, line by line."""
    groups: dict[tuple[str, str, str], dict[bool, list[Mapping[str, Any]]]] = {}
    for cell in cells:
        named = ", ".join(f"{name} {value:g}" for name, value in cell["parameters"].items())
        key = (cell["epsilon"], cell["attack"], named)
        groups.setdefault(key, {}).setdefault(cell["knows"], []).append(cell)
    if not groups:
        return []
    lines = [
        "## What screening still sees",
        "",
        "Written by `python -m scripts.bench.privacy --screening`. 10 peers of 1,000 Fashion-MNIST images, two of them",
        f"attackers that know this round's honest states, {ROUNDS} rounds, degree {DEGREE}, skew {SKEW:g}; K 4, B 250, and noise of",
        "s = .036 in each value. Accuracy is that of the honest peers' next bases on 2,000 test images. Shares are of honest",
        "judges' verdicts over all rounds: honest neighbours rejected, attackers accepted. Out: how many attackers, over all",
        "seeds, were in quarantine for good at the end, and after which rounds. Blind: the same rule, told nothing of the",
        "noise, as before R12.5. Of several seeds: the mean, and from the least to the most.",
        "",
        "| ε | attack | seeds | accuracy | blind | honest rejected | blind | attackers accepted | blind | out | blind |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (epsilon, attack, named), some in groups.items():
        both = [some.get(True, []), some.get(False, [])]
        figures = [*_in_pairs(both, "accuracy", "{:.3f}"), *_in_pairs(both, "rejected", "{:.1%}")]
        figures += [*_in_pairs(both, "accepted", "{:.0%}"), *(_describe_out(one) for one in both)]
        seeds = str(max(map(len, both)))
        lines.append("| " + " | ".join([epsilon, f"{attack} {named}".strip(), seeds, *figures]) + " |")
    return [*lines, ""]


def _in_pairs(both: Iterable[list[Mapping[str, Any]]], name: str, form: str) -> list[str]:
    values = [[cell[name] for cell in cells if cell[name] is not None] for cells in both]
    return [_describe_spread(some, form) if some else "" for some in values]


def _describe_spread(values: list[float], form: str) -> str:
    """The mean, and behind it the least and the most where these are not alike as written."""
    least, most = form.format(min(values)), form.format(max(values))
    return form.format(fmean(values)) + (f" ({least} to {most})" if least != most else "")


def _describe_out(cells: list[Mapping[str, Any]]) -> str:
    rounds = [number for cell in cells for number in cell["out"]]
    out = [number for number in rounds if number is not None]
    if not out:
        return f"0 of {len(rounds)}" if rounds else ""
    when = f"{min(out)}" if min(out) == max(out) else f"{min(out)} to {max(out)}"
    return f"{len(out)} of {len(rounds)}, {when}"
