"""What `folkmoot simulate` is asked to run: options made into scenarios."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ledger.errors import UsageError
from node.cli.bench_options import parse_bench
from node.cli.options import parse_privacy, parse_rule_parameters, parse_task_options
from node.operating.pairs import parse_pairs

if TYPE_CHECKING:
    from node.simulator import Scenario

_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "task": str,
    "peers": int,
    "rounds": int,
    "samples": int,
    "degree": int,
    "rule": str,
    "skew": float,
    "attack": str,
    "partition": str,
    "topology": str,
    "sight": str,
    "drift": float,
    "churn": float,
    "codec": str,
    "sent-share": float,
}
# An option of pairs, the field that holds them and what one is.
_PAIRS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "attack-parameter": ("attack_parameters", float),
    "rule-parameter": ("rule_parameters", int),
    "partition-parameter": ("partition_parameters", float),
    "topology-parameter": ("topology_parameters", float),
    "option": ("options", str),
}
# What a reader takes, in words, and as an example.
_TAKEN: Final[Mapping[Callable[[str], Any], tuple[str, str]]] = {
    int: ("whole numbers", "4,10"),
    float: ("numbers", "0.2,0.9"),
}
_SETTLED_BY_PRIVACY: Final = ("rounds", "samples")


def make_scenarios(options: argparse.Namespace) -> list["Scenario"]:
    """All runs, in order: every combination of the grid, in it each rule and then each baseline, once a seed.

    Raises UsageError.
    """
    from node.simulator import grid
    from node.simulator.grid import parse_seeds

    axes = _parse_grid(options.grid)
    if options.compare:
        if options.rule_parameter or any(name.startswith("rule") for name in axes):
            raise UsageError(
                "--rule-parameter, and a grid's, says nothing about which rule of --compare it is for: use --rule"
            )
        axes["rule"] = _split(options.compare)
    if options.seeds is not None:
        axes["seed"] = parse_seeds(options.seeds)
    if options.privacy and any(name in axes for name in _SETTLED_BY_PRIVACY):
        raise UsageError("the terms of --privacy follow from --rounds and --samples: leave them out of the grid")
    scenarios = grid(_make_scenario(options), _split(options.baseline or ""), **axes)
    if options.privacy:
        _check_private(scenarios)
    return scenarios


def _make_scenario(options: argparse.Namespace) -> "Scenario":
    from node.attacks.settings import parse_attack_parameters
    from node.simulator import Scenario
    from node.simulator.privacy_budget import make_privacy_numbers

    terms = parse_privacy(options.privacy, options.rounds, options.samples)
    return Scenario(
        task=options.task,
        peers=options.peers,
        rounds=options.rounds,
        degree=options.degree,
        rule=options.rule,
        rule_parameters=parse_rule_parameters(options.rule_parameter),
        attack=options.attack,
        attack_parameters=parse_attack_parameters(options.attack_parameter),
        malicious=_parse_malicious(options.malicious),
        sight=options.sight,
        **parse_bench(options),
        skew=options.skew,
        samples=options.samples,
        seed=options.seed,
        sent_share=options.sent_share,
        error_feedback=not options.no_error_feedback,
        options=parse_task_options(options),
        data=options.data,
        device=options.device,
        privacy={} if terms is None else make_privacy_numbers(terms),
        late=parse_pairs(options.late, int, ":", int, "--late {} is no pair such as 7:10"),
        own_initialisations=options.own_initialisations,
        drift=options.drift,
        churn=options.churn,
        reputation=not options.no_reputation,
        evaluate_every=options.evaluate_every,
        test_examples=_parse_count(options.test_examples),
        records=options.records,
        **({} if options.codec is None else {"codec": options.codec}),
    )


def _parse_grid(texts: Sequence[str]) -> dict[str, list[Any]]:
    """`NAME=VALUE,VALUE` by field, in order."""
    found: dict[str, list[Any]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        option, dot, pair = name.strip().replace("_", "-").partition(".")
        if option in _PAIRS and pair:
            field, read = _PAIRS[option]
            # The pair's own name keeps its underscores.
            field, option = f"{field}.{name.strip().partition('.')[2]}", f"{option}.NAME"
        elif option == "malicious":
            field, read = option, _parse_malicious
        elif option in _READERS and not dot:
            field, read = option.replace("-", "_"), _READERS[option]
        else:
            known = ", ".join([*_READERS, "malicious", *(f"{one}.NAME" for one in _PAIRS)])
            raise UsageError(f"--grid {text[:60]!r}: choose from {known}, as skew=0.2,0.9; seeds are --seeds 0-4")
        if field in found:
            raise UsageError(f"--grid names {name.strip()} twice: give all its values at once")
        try:
            found[field] = [read(value) for value in _split(values)]
        except ValueError as error:
            what, example = _TAKEN[read]
            raise UsageError(
                f"--grid {text[:60]!r}: give {what} with commas between, as {name.strip()}={example}"
            ) from error
    return found


def _check_private(scenarios: Sequence["Scenario"]) -> None:
    from ledger.circle.manifest import MalformedManifest
    from ledger.judging.task_checks import check_goes_with_privacy
    from node.own_rules import choose_rule

    try:
        for one in scenarios:
            check_goes_with_privacy(one.rule, choose_rule(one.rule, one.rule_parameters), one.codec)
    except MalformedManifest as error:
        raise UsageError(str(error)) from error


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _parse_malicious(text: str) -> float | tuple[int, ...]:
    kind, colon, seats = text.partition(":")
    try:
        if colon and kind == "seats":
            return tuple(int(seat) for seat in seats.split(","))
        return float(text)
    except ValueError as error:
        raise UsageError(f"--malicious {text[:60]!r}: give a share as 0.2, or seats as seats:3,7") from error


def _parse_count(text: str) -> int | None:
    if text == "all":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise UsageError(f"--test-examples {text[:60]!r}: give a number, or all") from error
