"""`folkmoot privacy`: plan what privacy terms would mean, before a circle is deployed with them."""

import argparse
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from ledger.errors import UsageError
from node.cli.options import Subparsers, add_json, parse_privacy, print_json
from node.operating.printing import say

_PARTS: Final = (1, 2, 4, 10)
"""Peers with this part of the examples are shown too."""
_TERMS: Final = ("delta", "sigma", "clip", "batch", "lr", "steps")


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("privacy", help="plan a circle's privacy terms", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    plan = actions.add_parser("plan", help="the noise that a budget asks for, and what peers will spend")
    plan.add_argument("--epsilon", default="8", help="the budget of a peer for the whole circle (default 8)")
    for name in _TERMS:
        plan.add_argument(f"--{name}", help="as in `folkmoot deploy --privacy`; chosen for you where left out")
    plan.add_argument("--rounds", type=int, default=10, help="of the circle (default 10)")
    plan.add_argument("--samples", type=int, default=1000, help="examples a peer (default 1000)")
    plan.add_argument(
        "--parameters", type=int, default=101_770, help="shared values of the model (default 101770, an MLP's)"
    )
    add_json(plan)
    plan.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what the terms would mean; nothing is deployed."""
    if options.parameters < 1:
        raise UsageError(f"--parameters {options.parameters} is not above 0: give the number of shared values")
    chosen = {"epsilon": options.epsilon} | {name: getattr(options, name) for name in _TERMS}
    text = ",".join(f"{name}={value}" for name, value in chosen.items() if value is not None)
    terms = parse_privacy(text, options.rounds, options.samples)
    if options.json:
        print_json(make_fields(terms, options.rounds, options.samples, options.parameters))
        return 0
    for line in describe_plan(terms, options.rounds, options.samples, options.parameters):
        for part in textwrap.wrap(line, 80, subsequent_indent=9 * " ", break_on_hyphens=False):
            say(part)
    return 0


def make_fields(terms: Any, rounds: int, samples: int, parameters: int) -> dict[str, Any]:
    """The plan for machines."""
    from msgspec import to_builtins

    from ledger.privacy.planning import compute_hidden_steps, compute_outlook

    return {
        "terms": to_builtins(terms),
        "rounds": rounds,
        "parameters": parameters,
        "noise_deviation": float(terms.compute_noise_variance()) ** 0.5,
        "hidden_steps": compute_hidden_steps(terms, parameters),
        "peers": [asdict(compute_outlook(terms, rounds, examples)) for examples in _find_sizes(samples)],
        "epsilon_pld": find_tighter_epsilon(terms, compute_outlook(terms, rounds, samples)),
    }


def describe_plan(terms: Any, rounds: int, samples: int, parameters: int) -> Iterator[str]:
    """The plan for people, line by line."""
    from ledger.privacy.accountant import RATE_ONE
    from ledger.privacy.planning import compute_hidden_steps, compute_outlook

    yield (
        f"privacy  ε {terms.epsilon_milli / 1000:g} at δ {terms.delta} for any one {terms.unit}:"
        f" sigma {terms.sigma}, clip {terms.clip}, batch {terms.batch}, lr {terms.lr}, {terms.steps} steps a round"
    )
    hidden = compute_hidden_steps(terms, parameters)
    yield (
        f"noise    {float(terms.compute_noise_variance()) ** 0.5:.3g} in each of {parameters:,} values: as long as "
        f"{hidden:.2g} honest steps at their longest"
    )
    yield (
        f"room     an attacker's push of {hidden:.2g} such steps is no further away than honest noise in any one"
        " round; kept up, rule tether finds it"
    )
    for examples in _find_sizes(samples):
        outlook = compute_outlook(terms, rounds, examples)
        lasts = "all" if outlook.rounds == rounds else "then it judges on"
        whole = ", each step takes all of them" if terms.batch > examples else ""
        yield (
            f"peer     {examples:,} examples: rate {outlook.rate / RATE_ONE:.4g}{whole},"
            f" {outlook.rounds} of {rounds} rounds ({lasts}), ε {outlook.epsilon_milli / 1000:.3f} spent"
        )
    if terms.delta_value * samples >= 1:
        yield (
            f"δ        {terms.delta} promises nothing to a peer with {samples:,} examples: who gives one of them"
            f" away whole keeps it too; well below 1 / {samples:,} is usual"
        )
    tighter = find_tighter_epsilon(terms, compute_outlook(terms, rounds, samples))
    if tighter is not None:
        yield f"beside   a tighter accountant (PLD) gives ε {tighter:.3f} for the first; that is never anchored"


def find_tighter_epsilon(terms: Any, outlook: Any) -> float | None:
    """ε by privacy loss distributions, where dp-accounting is installed (extra `private`); None elsewhere."""
    from importlib import import_module
    from importlib.util import find_spec

    from ledger.privacy.accountant import RATE_ONE

    if find_spec("dp_accounting") is None or not outlook.rounds:
        return None
    accounting: Any = import_module("dp_accounting")
    pld: Any = import_module("dp_accounting.pld")
    step = accounting.PoissonSampledDpEvent(outlook.rate / RATE_ONE, accounting.GaussianDpEvent(float(terms.sigma)))
    accountant = pld.PLDAccountant()
    accountant.compose(step, outlook.rounds * terms.steps)
    return float(accountant.get_epsilon(float(terms.delta)))


def _find_sizes(samples: int) -> list[int]:
    return sorted({max(1, samples // part) for part in _PARTS}, reverse=True)
