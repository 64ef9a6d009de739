"""Facts of models that no chain knows, and a circle in memory whose models are taken out."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from ledger.fetch.fetcher import Unavailable
from node.models.metadata import ModelFacts
from node.models.taking_out import Source
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, NETWORK, Circle

FACTS = ModelFacts(
    chain_id=31337,
    contract="0x" + "1a" * 20,
    round=3,
    seat=None,
    seats=(0, 2),
    digest=bytes(range(32)),
    history=bytes(range(24)),
    lineage=bytes(32),
    block=77,
    block_hash="0x" + "ab" * 32,
    task=bytes(32),
    task_name="tiny",
    genesis="0c" * 32,
    frozen="",
    exponents=(0, -3),
)


def facts_with(**fields: Any) -> ModelFacts:
    """The same but for these."""
    return replace(FACTS, **fields)


def circle_of_three(rounds: int = 3, **more: Any) -> Circle:
    """Three seats that play some rounds."""
    return Circle(seats=3, rounds=rounds, genesis=GENESIS_ROOT.hex(), degree=2, **more)


class Gateways:
    """Hands out a circle's blobs but for those that are lost, and notes what it was asked for."""

    def __init__(self, circle: Circle, lost: Collection[bytes] = ()) -> None:
        self.blobs = {r: b for r, b in (circle.blobs | {GENESIS_ROOT: GENESIS_BLOB}).items() if r not in lost}
        self.asked: list[bytes] = []

    async def __call__(self, wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
        self.asked += wanted
        for digest in wanted:
            if digest not in self.blobs:
                raise Unavailable(digest, {"http://127.0.0.1:1": "refused"})
        return self.blobs


def serve_from(
    monkeypatch: pytest.MonkeyPatch, module: str, circle: Circle, lost: Collection[bytes] = ()
) -> Gateways:
    """A module's open_gateways opens a circle's gateways, which have all of its blobs but these."""
    gateways = Gateways(circle, lost)

    @asynccontextmanager
    async def open_gateways(
        history: object, timeout_s: float, ipfs_api: str | None = None
    ) -> AsyncIterator[Gateways]:
        yield gateways

    monkeypatch.setattr(f"{module}.open_gateways", open_gateways)
    return gateways


def source_of(circle: Circle, lost: Collection[bytes] = ()) -> Source:
    """A circle as commands know it; round n was settled in block 10 n."""
    history = circle.history()
    blocks = {number: (10 * number, f"0x{number:064x}") for number in range(len(history.rounds) + 1)}
    return Source(NETWORK, history, blocks, Gateways(circle, lost))
