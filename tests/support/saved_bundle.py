"""A bundle as `folkmoot audit --save` writes one, of a circle that there never was."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ledger.audit.findings import Report
from ledger.audit.saving import audit_and_save
from ledger.blobs.unixfs import build_dag
from ledger.chain.rpc.patience import EndpointPatience
from ledger.fetch.fetcher import BlockCache, Unavailable
from tests.support.circle_endpoint import URL, Endpoint, drawn_seed
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, NETWORK, Circle, FalseJudge

LIAR = 4
READ_AT_S = 1_800_000_000


class _Gateways:
    """In the place of a fetcher: gives every blob that there is."""

    def __init__(self, blobs: Mapping[bytes, bytes | None]) -> None:
        self._blobs = blobs

    async def __aenter__(self) -> "_Gateways":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def fetch(self, root: bytes, _gateways: Any, *, cache: BlockCache, **_: Any) -> bytes:
        blob = self._blobs.get(root)
        if blob is None:
            raise Unavailable(root, {})
        for block in build_dag(blob).blocks():
            cache.put_block(block.digest, block.data)
        return blob


def make_circle(rounds: int = 3, *, has_liar: bool = True, **more: Any) -> Circle:
    """Five peers; the last says the opposite of what the rule gives about seat 0, in three rounds."""
    cheats = {LIAR: FalseJudge(LIAR, 0, (1, 2, 3))} if has_liar else {}
    return Circle(rounds=rounds, genesis=GENESIS_ROOT.hex(), seed_of=drawn_seed, cheats=cheats, **more)


def save_bundle(path: Path, circle: Circle) -> Report:
    """The bundle's file, and the report that comes with it."""
    rpc = Endpoint(circle, None).rpc()
    rpc.patience = EndpointPatience(fault_s=0.6, catch_up_s=0.0)
    gateways = _Gateways({GENESIS_ROOT: GENESIS_BLOB, **circle.blobs})
    with (
        patch("ledger.audit.saving.connect", lambda *_, **__: rpc),
        patch("ledger.audit.saving.BlobFetcher", lambda *_, **__: gateways),
    ):
        report, _ = audit_and_save([URL], NETWORK.contract, path, read_at_s=READ_AT_S, tell=lambda _: None)
    return report
