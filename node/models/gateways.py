"""A circle's blobs from whoever serves them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def open_gateways(history: Any, timeout_s: float, ipfs_api: str | None = None) -> AsyncIterator[Any]:
    """A `FetchBlobs` that gets each blob once, from any gateway that the chain names. timeout_s: for one blob.

    ipfs_api: multiaddr of an IPFS daemon that is asked for what no gateway gives. Raises UsageError.
    """
    from ledger.audit.gather import GatheredBlobs, gather_blobs
    from ledger.audit.spill import Spill
    from ledger.audit.working_set import SpillingBlobs
    from ledger.fetch.daemon import find_daemon
    from ledger.fetch.fetcher import BlobFetcher, Unavailable

    with Spill[bytes]() as shelf:
        blobs = SpillingBlobs(shelf)
        async with BlobFetcher(daemon=find_daemon(ipfs_api)) as fetcher:

            async def fetch(wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
                lacking = [(seat, digest) for digest, seat in wanted.items() if digest not in blobs]
                gathered = GatheredBlobs(blobs)
                await gather_blobs(
                    fetcher, history, lacking, max_bytes=max_bytes, timeout_s=timeout_s, into=gathered
                )
                for digest, reasons in gathered.missing.items():
                    raise Unavailable(digest, reasons)
                return blobs

            yield fetch
