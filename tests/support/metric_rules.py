"""Which metrics there are, read from the source, and what Prometheus' own checker would say of a page of them."""

import ast
import re
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
# How a call that makes a metric is named → what is added to the name that it is given.
_ENDINGS = {
    "Counter": ("_total",),
    "Gauge": ("",),
    "Histogram": ("_bucket", "_sum", "_count"),
    "InfoMetricFamily": ("_info",),
    "make_gauge": ("",),
    "make_gauges": ("",),
    "make_states": ("",),
    "make_count": ("_total",),
    "make_counts": ("_total",),
}
_SHORT_UNITS = {
    "s",
    "ms",
    "us",
    "ns",
    "sec",
    "b",
    "kb",
    "mb",
    "gb",
    "bps",
    "pct",
    "percent",
    "milliseconds",
    "minutes",
}
_TYPES = {"gauge", "counter", "histogram", "summary"}


def find_made_metrics() -> dict[str, tuple[str, ...]]:
    """Family → its series' names, of all calls in node/metrics that make one."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((ROOT / "node" / "metrics").glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _ENDINGS):
                continue
            first = call.args[0] if call.args else None
            name = str(first.value) if isinstance(first, ast.Constant) else ""
            if name.startswith("folkmoot_"):
                found[name] = tuple(name + ending for ending in _ENDINGS[call.func.id])
    return found


def parse_page(page: str) -> dict[str, Metric]:
    """Families by name."""
    return {family.name: family for family in text_string_to_metric_families(page)}


def lint_page(page: str) -> list[str]:
    """What `promtool check metrics` complains of, and more than one family of a name."""
    complaints = []
    families = list(text_string_to_metric_families(page))
    for family in families:
        name = family.name
        words = set(name.split("_"))
        if not family.documentation:
            complaints.append(f"{name}: no help text")
        if family.type == "counter" and not all(s.name.endswith("_total") for s in family.samples):
            complaints.append(f"{name}: a counter ends in _total")
        if family.type != "counter" and name.endswith("_total"):
            complaints.append(f"{name}: only a counter ends in _total")
        if family.type not in ("histogram", "summary") and re.search(r"_(bucket|count|sum)$", name):
            complaints.append(f"{name}: ends as a histogram's series do")
        if words & _SHORT_UNITS:
            complaints.append(f"{name}: a unit is a base unit in a whole word")
        if words & _TYPES:
            complaints.append(f"{name}: its type is not part of its name")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            complaints.append(f"{name}: snake case")
        labels = {label for sample in family.samples for label in sample.labels}
        if family.type not in ("histogram", "summary") and labels & {"le", "quantile"}:
            complaints.append(f"{name}: a label of histograms")
        complaints += [f"{name}: label {one}" for one in labels if not re.fullmatch(r"[a-z][a-z0-9_]*", one)]
    names = [family.name for family in families]
    complaints += [f"{name}: told twice" for name in sorted(set(names)) if names.count(name) > 1]
    return complaints
