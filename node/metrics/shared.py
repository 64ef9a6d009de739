"""What every process tells of itself: its version, CPU, memory, files and garbage."""

import platform
from importlib.metadata import version

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, disable_created_metrics
from prometheus_client.core import InfoMetricFamily
from prometheus_client.registry import Collector


class BuildInfo(Collector):
    """`folkmoot_build_info`. part: `node` or `chain`."""

    def __init__(self, part: str) -> None:
        self._value = {"version": version("folkmoot"), "python": platform.python_version(), "part": part}

    def collect(self) -> list[InfoMetricFamily]:
        """See prometheus_client."""
        return [InfoMetricFamily("folkmoot_build", "Version of the program that runs.", value=self._value)]


def make_registry(part: str) -> CollectorRegistry:
    """A registry of one process's own, with `process_*`, `python_gc_*` and the build in it."""
    # One more series for each counter, which nobody asks for.
    disable_created_metrics()
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(BuildInfo(part))
    return registry
