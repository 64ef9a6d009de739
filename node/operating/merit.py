"""Figures of merit by name: which of them is the main one, whether more of it is better, and how it is printed.

A task's figures are a mapping from names to numbers, the main one first. Of well-known names the direction is
known; a task says the others' in its attribute `figures`. Of a figure without a direction nothing is derived: it
has no worst value, and no error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, nan
from typing import Final

from node.operating.figures import NONE, format_figure

HIGHER: Final = "higher"
LOWER: Final = "lower"
DIRECTIONS: Final = (HIGHER, LOWER)
ACCURACY: Final = "accuracy"

_HIGHER_WORDS: Final = frozenset(
    (
        "accuracy", "acc", "top1", "top2", "top3", "top5", "top10", "auc", "auroc", "roc_auc", "auprc",
        "pr_auc", "average_precision", "ap", "map", "mean_ap", "precision", "recall", "sensitivity",
        "specificity", "tpr", "tnr", "f1", "f2", "fbeta", "macro_f1", "micro_f1", "weighted_f1",
        "balanced_accuracy", "mcc", "kappa", "iou", "miou", "jaccard", "dice", "r2", "r_squared",
        "explained_variance", "correlation", "pearson", "spearman", "concordance", "c_index", "bleu", "rouge",
        "chrf", "ndcg", "mrr", "hit_rate", "psnr", "ssim", "likelihood", "log_likelihood",
    )
)  # fmt: skip
_LOWER_WORDS: Final = frozenset(
    (
        "loss", "cross_entropy", "nll", "bce", "log_loss", "error", "error_rate", "mae", "mse", "rmse", "rmsle",
        "mape", "smape", "huber", "pinball", "quantile_loss", "perplexity", "ppl", "bits_per_character",
        "bits_per_byte", "bpc", "bpb", "brier", "ece", "fpr", "fnr", "false_alarms", "wer", "cer", "fid", "kl",
        "hamming_loss", "distance", "deviation", "backdoor",
    )
)  # fmt: skip
# What a name may begin with and mean the same: mean_auc, test_accuracy.
_BEFORE: Final = frozenset(
    ("mean", "median", "worst", "best", "test", "valid", "validation", "val", "macro", "micro", "weighted")
)


def find_direction(name: str, told: Mapping[str, str] | None = None) -> str | None:
    """Whether more of a figure is better (`higher`) or worse (`lower`); None where nobody says.

    told: what a task says of its figures, by name; it goes before what is known of a name.
    """
    if told and (said := told.get(name)) in DIRECTIONS:
        return said
    parts = name.lower().replace("-", "_").replace(" ", "_").replace("@", "_at_").split("_")
    while len(parts) > 1 and parts[0] in _BEFORE:
        parts = parts[1:]
    # The longest known beginning decides: `balanced_accuracy_at_5` is one of balanced_accuracy.
    for length in range(min(len(parts), 4), 0, -1):
        start = "_".join(parts[:length])
        if start in _HIGHER_WORDS:
            return HIGHER
        if start in _LOWER_WORDS:
            return LOWER
    # A name of several words, as fraud_recall: if those that are known agree.
    known = {HIGHER for part in parts if part in _HIGHER_WORDS} | {LOWER for part in parts if part in _LOWER_WORDS}
    return known.pop() if len(known) == 1 else None


def find_directions(names: Iterable[str], told: Mapping[str, str] | None = None) -> dict[str, str]:
    """The directions of those figures that have one, by name."""
    return {name: found for name in names if (found := find_direction(name, told)) is not None}


def put_main_first(figures: Mapping[str, float], told: Mapping[str, str] | None = None) -> dict[str, float]:
    """A task's figures, the main one first: what the task names first, else accuracy, else what it gave first."""
    first = [name for name in told or () if name in figures] or [name for name in (ACCURACY,) if name in figures]
    return {name: figures[name] for name in dict.fromkeys((*first, *figures))}


@dataclass(frozen=True)
class MainFigure:
    """The figure that a task is judged by."""

    name: str
    """As the task calls it."""
    direction: str | None
    """`higher` or `lower` is better; None where nobody says."""

    def find_worst(self, values: Iterable[float]) -> float:
        """The worst of some values, those aside that are no number; NaN where there is none, or no direction."""
        found = [value for value in values if isfinite(value)]
        if not found or self.direction is None:
            return nan
        return min(found) if self.direction == HIGHER else max(found)

    def find_best(self, values: Iterable[float]) -> float:
        """The best of them."""
        other = {HIGHER: LOWER, LOWER: HIGHER, None: None}[self.direction]
        return MainFigure(self.name, other).find_worst(values)

    def is_better(self, one: float, other: float) -> bool:
        """Whether one value is better than another; never without a direction."""
        return (one > other) if self.direction == HIGHER else (one < other) if self.direction == LOWER else False

    @property
    def heading(self) -> str:
        """For a table or an axis: the name, and where it is known which way is better."""
        return self.name if self.direction is None else f"{self.name} ({self.direction} is better)"

    def describe(self, mean: float, worst: float) -> str:
        """A sentence's part, such as `auc 0.913 on average, 0.880 the worst`."""
        if self.direction is None:
            return f"{self.name} {format_figure(mean)} on average"
        return f"{self.name} {format_figure(mean)} on average, {format_figure(worst)} the worst"


def find_main(names: Iterable[str], told: Mapping[str, str] | None = None) -> MainFigure | None:
    """The main one of some figures in a task's order, which `put_main_first` makes; None where there are none."""
    name = next(iter(names), None)
    return None if name is None else MainFigure(name, find_direction(name, told))


def format_pair(main: MainFigure | None, mean: float, worst: float) -> str:
    """Mean and worst in a table's cell."""
    if main is None:
        return NONE
    return format_figure(mean) if main.direction is None else f"{format_figure(mean)} / {format_figure(worst)}"
