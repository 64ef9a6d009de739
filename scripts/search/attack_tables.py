"""What the search for the worst attacker found, as Markdown, from its raw lines alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Line = Mapping[str, Any]
_SHOWN: Final = 5
# Fields of a scenario that say in which circle an attacker was.
_CIRCLE: Final = ("peers", "degree", "rounds", "samples", "skew", "seed")


def render(lines: Sequence[Line]) -> str:
    """The whole page."""
    spent = sum(line["cpu_s"] for line in lines)
    parts = [
        "# The worst attacker found\n",
        "A seeded evolution strategy (`scripts/search/attack.py`) over the parameters of the attack `tuned`, whose",
        "colluders know rule, bases, memories and all honest updates of the round and ask the judges' own rule",
        "beforehand how far they can push. Its aim is the mean error of the honest peers. Searched in small circles,",
        "confirmed in larger ones; an attacker found by so few simulations is a lower bound of the worst one.\n",
        f"Budget: {len(lines)} simulations, {spent / 60:.0f} CPU minutes. Task: `auto` (784-128-10 on images).\n",
    ]
    origins = sorted({line["origin"] for line in lines} - {"clean", "confirmed"})
    for origin in origins:
        found = [line for line in lines if line["origin"] == origin]
        parts += [f"## Search: {origin}\n", _setting(found[0]), *_table(found, lines, _SHOWN)]
    confirmed = [line for line in lines if line["origin"] == "confirmed"]
    for circle, hostile in sorted({(_circle(line), _hostile(line)) for line in confirmed}, key=repr):
        found = [line for line in confirmed if (_circle(line), _hostile(line)) == (circle, hostile)]
        parts += ["## Confirmed\n", _setting(found[0]), *_table(found, lines, len(found))]
    return "\n".join(parts).rstrip() + "\n"


def _setting(line: Line) -> str:
    scenario = line["scenario"]
    told = ", ".join(f"{name} {scenario.get(name, 0)}" for name in _CIRCLE)
    return f"{told}; {scenario['malicious']:.0%} of the peers attack.\n"


def _table(found: Sequence[Line], lines: Sequence[Line], most: int) -> list[str]:
    rows = [
        "| rule | error | clean | worst peer | hostile mixed | honest rejected | attackers out after | attacker |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for line in sorted(found, key=lambda one: -one["summary"]["mean_error"])[:most]:
        summary, scenario = line["summary"], line["scenario"]
        rows.append(
            f"| {scenario['rule']} | {summary['mean_error']:.3f} | {_clean(line, lines)} "
            f"| {summary['worst_error']:.3f} | {summary['hostile_mixed']:.0%} | {summary['false_reject']:.1%} "
            f"| {_out(summary['out_after'])} | {_told(scenario.get('attack_parameters', {}))} |"
        )
    return [*rows, ""]


def _circle(line: Line) -> tuple[Any, ...]:
    return tuple(line["scenario"].get(name, 0) for name in _CIRCLE)


def _hostile(line: Line) -> float:
    return float(line["scenario"].get("malicious", 0))


def _clean(line: Line, lines: Sequence[Line]) -> str:
    """The mean error of the same circle under the same rule without attack."""
    for other in lines:
        is_same = other["scenario"]["rule"] == line["scenario"]["rule"] and _circle(other) == _circle(line)
        if other["origin"] == "clean" and is_same:
            return f"{other['summary']['mean_error']:.3f}"
    return "–"


def _out(rounds: Mapping[str, int | None]) -> str:
    numbers = sorted(number for number in rounds.values() if number is not None)
    return f"{len(numbers)} of {len(rounds)}" + (f": {', '.join(map(str, numbers))}" if numbers else "")


def _told(parameters: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in parameters.items())
