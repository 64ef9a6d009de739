"""Screening rules by name. A rule decides from integers alone, so that every verdict can be recomputed."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ledger.errors import UsageError
from ledger.rules.balance import Balance
from ledger.rules.clipping import ClippedSumPlus, SelfCentredClipping
from ledger.rules.interface import Judgement, Rule, ScreeningInput, ScreeningResult, Weights
from ledger.rules.krum import Krum, MultiKrum
from ledger.rules.lent import is_lent_name, make_lent
from ledger.rules.median import Median
from ledger.rules.nearest_neighbour_mixing import NearestNeighbourMixing
from ledger.rules.tether import Tether
from ledger.rules.trimmed_mean import TrimmedMean
from ledger.rules.ubar import Ubar
from ledger.rules.undefended import Undefended

__all__ = [
    "RULES",
    "Judgement",
    "Rule",
    "RuleChoice",
    "ScreeningInput",
    "ScreeningResult",
    "Weights",
    "find_rule",
    "looks_back",
    "rule_of",
    "trace_length",
]

RULES: Final[Mapping[str, Callable[..., Rule]]] = {
    "balance": Balance,
    "cs-plus": ClippedSumPlus,
    "krum": Krum,
    "median": Median,
    "multi-krum": MultiKrum,
    "nnm-trimmed-mean": NearestNeighbourMixing,
    "none": Undefended,
    "scclip": SelfCentredClipping,
    "tether": Tether,
    "trimmed-mean": TrimmedMean,
    "ubar": Ubar,
}


def rule_of(name: str, parameters: Mapping[str, int]) -> Rule:
    """Make a rule.

    Raises UsageError for an unknown name, parameter or value, SetupError for a rule whose file is lacking.
    """
    if is_lent_name(name):
        return make_lent(name, parameters)
    if name not in RULES:
        raise UsageError(f"rule {name!r} is unknown: choose one of {', '.join(RULES)}")
    try:
        return RULES[name](**parameters)
    except (TypeError, ValueError) as error:
        raise UsageError(f"rule {name}: {error}") from error


class RuleChoice(Protocol):
    """What names a rule: a manifest, or a simulated scenario."""

    @property
    def rule(self) -> str:
        """Its name."""
        ...

    @property
    def rule_parameters(self) -> Mapping[str, int]:
        """Those that are not at their defaults, or all."""
        ...


def find_rule(choice: RuleChoice) -> Rule:
    """The rule that a circle agreed on. Raises as `rule_of`."""
    return rule_of(choice.rule, choice.rule_parameters)


def looks_back(rule: Rule) -> bool:
    """Whether a verdict follows from the judge's earlier rounds too, not from this one's updates alone."""
    return rule.needs_base or rule.needs_memory


def trace_length(rule: Rule) -> int:
    """How many values a trace of the judge's memory has; 0 under a rule that keeps none."""
    return rule.sketch_width if isinstance(rule, Tether) else int(getattr(rule, "trace_length", 0))
