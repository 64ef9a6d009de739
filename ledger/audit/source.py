"""Where an audit reads a circle: an endpoint and gateways, or a bundle in their place."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol
from urllib.parse import urlsplit

from ledger.audit.plan import AuditPlan
from ledger.chain.circle import Circle
from ledger.chain.reading import Reading
from ledger.chain.rpc.client import Rpc


class BlobSource(Protocol):
    """Where blobs come from."""

    async def fetch(self, digest: bytes, gateways: Sequence[str], *, max_bytes: int, timeout_s: float) -> bytes:
        """A blob. Raises Unavailable, or PeerFault where the bytes make none."""


@dataclass
class Source:
    """The two doors of an audit, and what it says of them."""

    chain: Rpc
    """What is asked about the chain."""
    blobs: BlobSource
    """What is asked for blobs."""
    read_at_s: int | None = None
    """When the chain is read, Unix seconds; None where nobody says."""
    host: str | None = None
    """Of the endpoint; None where it is the one that `chain` asks."""

    @property
    def endpoint(self) -> str:
        """The endpoint's host and port, and nothing else of its address."""
        return host_of(self.chain.url) if self.host is None else self.host

    def note_reading(self, circle: Circle, reading: Reading, plan: AuditPlan) -> None:
        """The chain was read, to the end of a block; no blob was asked for yet. Blocking."""


def host_of(url: str) -> str:
    """A URL's host and port."""
    return urlsplit(url).netloc.rpartition("@")[2]


def name_program() -> str:
    """This program and its version."""
    try:
        return f"folkmoot {version('folkmoot')}"
    except PackageNotFoundError:
        return "folkmoot"
