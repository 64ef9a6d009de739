"""Metric families of values that are looked up when somebody scrapes."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from node.operating.disk import DiskRoom


def tell_disk(room: DiskRoom | None) -> Iterator[Metric]:
    """Of the data folder's disk; nothing where it could not be looked at."""
    if room is None:
        return
    yield make_gauge("folkmoot_disk_free_bytes", "Left on the disk of the data folder.", room.free_bytes)
    yield make_gauge("folkmoot_disk_size_bytes", "The size of that disk.", room.size_bytes)
    if room.free_inodes is not None:
        yield make_gauge("folkmoot_disk_free_inodes", "Files that can still be made there.", room.free_inodes)


def make_gauge(name: str, text: str, value: float) -> Metric:
    """One value that goes up and down."""
    return GaugeMetricFamily(name, text, value=value)


def make_count(name: str, text: str, value: float) -> Metric:
    """One value that only grows; `_total` is added to its name."""
    return CounterMetricFamily(name, text, value=value)


def make_gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    """One value for each of a label's."""
    return _fill(GaugeMetricFamily(name, text, labels=[label]), values.items())


def make_states(name: str, text: str, label: str, values: Mapping[str, bool]) -> Metric:
    """1 or 0 for each of a label's values."""
    return _fill(
        GaugeMetricFamily(name, text, labels=[label]), ((one, int(is_so)) for one, is_so in values.items())
    )


def make_counts(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    """One value that only grows for each of a label's."""
    return _fill(CounterMetricFamily(name, text, labels=[label]), values.items())


def _fill(
    family: GaugeMetricFamily | CounterMetricFamily, values: Iterable[tuple[str, float]]
) -> GaugeMetricFamily | CounterMetricFamily:
    for one, value in values:
        family.add_metric([one], value)
    return family
