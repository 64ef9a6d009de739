"""A circle as a program opens it. What is asked of it is computed then and there; nothing is kept on a disk."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GridState
from ledger.audit.bundle.reader import Bundle
from ledger.audit.findings import Report
from ledger.audit.reopening import audit_bundle
from ledger.audit.run import Scope, audit
from ledger.chain.deployment.circle_file import CircleFile
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.history import History
from ledger.circle.manifest import Manifest, Tensor
from ledger.errors import SetupError
from ledger.fetch.fetcher import Unavailable
from ledger.identity.network import Network
from ledger.judging.circle_model import find_last_settled
from node.duties.circle_model import BaseLacking
from node.models.bundled import BundledBlobs, WalkedSource
from node.models.gateways import open_gateways
from node.models.metadata import ModelFacts
from node.models.model_file import to_values, write_model_file
from node.models.taking_out import Source, find_blocks
from node.opened_circle import OpenCircle, open_bundled, open_file

_BLOB_TIMEOUT_S: Final = 30.0
_T = TypeVar("_T")


@dataclass(frozen=True)
class TakenModel:
    """A model that was recomputed from a circle's blobs (R31)."""

    facts: ModelFacts
    """What names it: circle, round, digest, lineage."""
    state: GridState
    """(d,), int32, on the grid."""
    layout: tuple[Tensor, ...]
    """The tensors that the state is made of."""

    @property
    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """Name → values, exact: what the model's `load_state_dict` takes as tensors."""
        found, at = dict[str, NDArray[np.float32]](), 0
        for tensor in self.layout:
            values = to_values(self.state[at : at + tensor.size], tensor.exponent)
            found[tensor.name] = values.reshape(tensor.shape)
            at += tensor.size
        return found

    def save(self, path: Path | str) -> None:
        """Write it as `folkmoot model export` does, for `folkmoot model verify`. Raises SetupError, OSError."""
        write_model_file(Path(path), self.facts, self.layout, self.state)


@dataclass(frozen=True)
class OpenedCircle:
    """A circle up to a block of its chain. Closes with the block of a `with`."""

    network: Network
    """Its name: chain and contract."""
    history: History
    """Its events, folded: rounds, seats, reputations, disputes."""
    placed: Sequence[PlacedEvent]
    """The events themselves, in order, with their places in the chain."""
    first_block: int
    """Number of the block from which on it is there."""
    endpoints: Sequence[str] = ()
    """What tells of the chain; none for a bundle."""
    bundle: Bundle | None = field(default=None, repr=False)
    """The file that it was opened from; None for a chain."""

    @property
    def manifest(self) -> Manifest:
        """What its peers agreed on: task, rule, degree, rounds, codec, privacy."""
        return self.history.manifest

    def audit(self, *, first: int | None = None, sample: int | None = None, seed: int = 0, jobs: int = 1) -> Report:
        """Recompute its verdicts and reputations, as `folkmoot audit` does: all, or so many of a sample.

        first: from this round on. seed: draws the sample. jobs: processes. Raises SetupError and UsageError.
        """
        scope = Scope(first, sample, seed)
        if (bundle := self.bundle) is not None:
            return _run(lambda: audit_bundle(bundle, scope=scope, jobs=jobs))
        about: dict[str, Any] = {"first_block": self.first_block, "read_at_s": int(time.time())}
        return _run(lambda: audit(self.endpoints, self.network.contract, scope=scope, jobs=jobs, **about))

    def take_model(self, number: int | None = None, seat: int | None = None) -> TakenModel:
        """Recompute the circle's model after a settled round, the last by default, or the base of one seat.

        Raises UsageError for a round or seat that there is not, SetupError where a blob is not to be had.
        """
        asked = find_last_settled(self.history) if number is None else number

        async def take(source: Source) -> TakenModel:
            found = await source.recompute(asked, seat)
            return TakenModel(source.make_facts(found), found.state, source.layout)

        try:
            return _run(lambda: self._with_source(take))
        except (BaseLacking, Unavailable) as error:
            raise SetupError(
                f"a blob that the model of round {asked} follows from is not to be had: {error}; name another"
                " round, or try again when more members are up"
            ) from error

    def close(self) -> None:
        """Let go of the bundle's file."""
        if self.bundle is not None:
            self.bundle.close()

    def __enter__(self) -> "OpenedCircle":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    async def _with_source(self, work: Callable[[Source], Awaitable[_T]]) -> _T:
        about = self.network, self.history, find_blocks(self.placed)
        if self.bundle is not None:
            return await work(WalkedSource(*about, BundledBlobs(self.bundle)))
        async with open_gateways(self.history, _BLOB_TIMEOUT_S) as fetch:
            return await work(Source(*about, fetch))


def open_bundle(path: Path | str, *, block_hash: str | None = None) -> OpenedCircle:
    """The circle of a bundle that `folkmoot audit --save` wrote. Opens no connection.

    block_hash: of the block that it must be of, 0x-prefixed hex; None takes the bundle's word for it. Raises
    SetupError where its proofs do not hold.
    """
    return _make(open_bundled(Path(path), block_hash))


def open_circle(path: Path | str = "circle.json", rpc: Sequence[str] = ()) -> OpenedCircle:
    """The circle of a file that `folkmoot deploy` wrote. rpc: endpoints in place of its own. Raises SetupError."""
    file = CircleFile.read(Path(path))
    endpoints = tuple(rpc) or tuple(file.read_rpc_urls())
    return _make(open_file(file, endpoints), endpoints)


def _make(opened: OpenCircle, endpoints: Sequence[str] = ()) -> OpenedCircle:
    network, first_block = opened.circle.network, opened.file.block
    return OpenedCircle(network, opened.history, opened.placed, first_block, endpoints, opened.bundle)


def _run(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run a coroutine to its end, also in a notebook, whose thread has a loop that runs already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    found: list[_T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(asyncio.run(work()))
        except BaseException as error:  # it is raised where it was asked for
            failed.append(error)

    beside = threading.Thread(target=run, name="circle")
    beside.start()
    beside.join()
    if failed:
        raise failed[0]
    return found[0]
