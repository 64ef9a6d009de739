"""Many scenarios from one: every combination of some fields' values, with the baselines beside the rules."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import product
from typing import Any, Final

from ledger.errors import UsageError
from node.simulator.scenario import Scenario

MAX_RUNS: Final = 100_000
# A field of pairs, and how one of them is named: attack_parameters.z.
_OF_PAIRS: Final = (
    "rule_parameters",
    "attack_parameters",
    "partition_parameters",
    "topology_parameters",
    "options",
    "privacy",
)
_OF_RULES: Final = ("rule", "rule_parameters")
_SEEDS_MAX: Final = 10_000


def grid(base: Scenario, baselines: Sequence[str] = (), /, **axes: Iterable[Any]) -> list[Scenario]:
    """Every combination of the axes' values in `base`: the last axis runs fastest, the seeds fastest of all.

    axes: a field of Scenario, or `attack_parameters.z` for one of its pairs, and its values. baselines: stand once
    beside all rules of a combination. Raises UsageError for a field that there is not, or without values.
    """
    values = {name: _checked(name, found) for name, found in axes.items()}
    seeds = values.pop("seed", [base.seed])
    rules = {name: values.pop(name) for name in list(values) if name.partition(".")[0] in _OF_RULES}
    made: list[Scenario] = []
    for place in _combine(values):
        methods = [
            *(place | rule | {"baseline": base.baseline} for rule in _combine(rules)),
            *(place | {"baseline": name} for name in baselines),
        ]
        made += [_place(base, method | {"seed": seed}) for method in methods for seed in seeds]
        if len(made) > MAX_RUNS:
            raise UsageError(f"more than {MAX_RUNS:,} runs: give the grid fewer values")
    return made


def parse_seeds(text: str) -> list[int]:
    """`0-4,7` as [0, 1, 2, 3, 4, 7]. Raises UsageError."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        if not (first.isdecimal() and (last.isdecimal() if dash else not last)):
            raise UsageError(f"--seeds {text[:60]!r}: give numbers and ranges, as 0-4 or 0,3,7")
        some = range(int(first), int(last or first) + 1)
        if not some or len(found) + len(some) > _SEEDS_MAX:
            raise UsageError(f"--seeds {text[:60]!r}: a range goes upwards, and {_SEEDS_MAX:,} seeds are the most")
        found += some
    return list(dict.fromkeys(found))


def _combine(axes: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for values in product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _checked(name: str, values: Iterable[Any]) -> list[Any]:
    field, dot, pair = name.partition(".")
    if field not in {one.name for one in fields(Scenario)}:
        raise UsageError(
            f"a scenario has no field {field!r}: choose one such as rule, attack, skew, degree or seed"
        )
    if field == "baseline":
        raise UsageError("baselines stand beside the rules, not across the grid: give them after the scenario")
    if field in _OF_PAIRS and not pair:
        raise UsageError(f"{field} holds pairs: name one, as {field}.NAME")
    if dot and field not in _OF_PAIRS:
        raise UsageError(f"{field} holds no pairs: name it without {dot + pair!r}")
    found = list(dict.fromkeys(values))
    if not found:
        raise UsageError(f"the grid gives {name} no values: give at least one")
    return found


def _place(base: Scenario, values: Mapping[str, Any]) -> Scenario:
    changed: dict[str, Any] = {}
    for name, value in values.items():
        field, _, pair = name.partition(".")
        changed[field] = {**changed.get(field, getattr(base, field)), pair: value} if pair else value
    return replace(base, **changed)
