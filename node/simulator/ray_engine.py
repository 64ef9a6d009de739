"""The same work spread over a Ray cluster: each worker holds all data and does some peers' share of every round.

Peers are trained in the same groups as in one process, and everything else goes peer by peer, so the results are
the same to the bit as long as the machines' processors and torch releases are.
"""

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from ledger.circle.manifest import Manifest
from ledger.errors import SetupError
from node.learning.layout import Vector
from node.learning.lean import Corrected
from node.learning.private_part import PrivatePart
from node.simulator.engine import LocalEngine, PreparedPeer
from node.simulator.judging import JudgeTurn, SharedRound, TurnVerdicts
from node.simulator.learning import GROUP, GridStates, Matrix, TrainedModel
from node.simulator.publishing import Reference
from node.simulator.scenario import Scenario

# Groups of peers that a worker is given at once.
_GROUPS_AT_ONCE: Final = 4


class _Worker:
    """One process of the cluster."""

    def __init__(self, scenario: Scenario) -> None:
        import torch

        torch.set_num_threads(1)
        self._engine = LocalEngine(scenario)

    def do(self, name: str, *arguments: Any) -> Any:
        """Call the engine's method of this name."""
        return getattr(self._engine, name)(*arguments)


class RayEngine:
    """Work on the cluster that RAY_ADDRESS names, else on a Ray started on this machine."""

    def __init__(self, scenario: Scenario, workers: int | None = None) -> None:
        """workers: processes, by default as many as the cluster has cores. Raises SetupError without Ray."""
        try:
            ray: Any = importlib.import_module("ray")
        except ImportError as error:
            raise SetupError(
                "Ray is not installed: pip install 'folkmoot[ray]', or simulate with --engine local"
            ) from error
        self._ray = ray
        if not ray.is_initialized():
            # Ray would report to its makers that it is used.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            ray.init(log_to_driver=False, include_dashboard=False, configure_logging=False)
        count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        remote = ray.remote(num_cpus=1)(_Worker)
        self.batch = _GROUPS_AT_ONCE * GROUP * count
        self._workers: list[Any] = [remote.remote(scenario) for _ in range(count)]
        self._manifest: Manifest | None = None

    @property
    def manifest(self) -> Manifest:
        """What a circle of this scenario would have agreed on."""
        if self._manifest is None:
            self._manifest = self._one("__getattribute__", "manifest")
        return self._manifest

    @property
    def told_figures(self) -> Mapping[str, str]:
        """What the task says of its figures."""
        found: Mapping[str, str] = self._one("__getattribute__", "told_figures")
        return found

    @cached_property
    def corrected(self) -> Corrected:
        """What of its lean a peer's training corrects."""
        found: Corrected = self._one("__getattribute__", "corrected")
        return found

    def initial(self, seed: int) -> Vector:
        """An untrained model, (d,), float32."""
        found: Vector = self._one("initial", seed)
        return found

    def prepare(
        self,
        number: int,
        seats: Sequence[int],
        bases: GridStates,
        kept: Sequence[PrivatePart],
        residuals: Matrix | None,
        references: Sequence[Reference | None],
        corrections: Sequence[Vector | None],
    ) -> list[PreparedPeer]:
        """Train honest peers and encode."""
        return self._spread(
            len(seats),
            lambda some: (
                "prepare",
                number,
                list(seats[some]),
                bases[some],
                list(kept[some]),
                None if residuals is None else residuals[some],
                list(references[some]),
                list(corrections[some]),
            ),
        )

    def train(
        self,
        number: int,
        seats: Sequence[int],
        bases: GridStates,
        kept: Sequence[PrivatePart],
        corrections: Sequence[Vector | None],
    ) -> list[TrainedModel]:
        """Train alone."""
        return self._spread(
            len(seats),
            lambda some: (
                "train",
                number,
                list(seats[some]),
                bases[some],
                list(kept[some]),
                list(corrections[some]),
            ),
        )

    def screen(self, exchange: SharedRound, turns: Sequence[JudgeTurn]) -> list[TurnVerdicts]:
        """All judges' verdicts."""
        # Sent once and mapped into every worker on a machine, not copied.
        shared = self._ray.put(exchange)
        return self._spread(len(turns), lambda some: ("screen", shared, list(turns[some])))

    def evaluate(
        self, number: int, seats: Sequence[int], states: GridStates, kept: Sequence[PrivatePart]
    ) -> list[dict[str, float]]:
        """Each seat's figures."""
        return self._spread(
            len(seats), lambda some: ("evaluate", number, list(seats[some]), states[some], list(kept[some]))
        )

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            self._ray.kill(worker)
        self._workers = []

    def _one(self, *call: Any) -> Any:
        return self._ray.get(self._workers[0].do.remote(*call))

    def _spread(self, count: int, call: Callable[[slice], tuple[Any, ...]]) -> list[Any]:
        """Call the workers with whole groups each, and put their lists together in order."""
        groups = -(-count // GROUP)
        share = -(-groups // len(self._workers)) * GROUP
        slices = [slice(start, start + share) for start in range(0, count, share)]
        pending = [worker.do.remote(*call(some)) for worker, some in zip(self._workers, slices, strict=False)]
        return [item for part in self._ray.get(pending) for item in part]
