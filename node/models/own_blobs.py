"""Blobs out of a node's own folder, and from gateways where it does not have them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from ledger.errors import UsageError
from node.blobs.store import BlockStore
from node.duties.jury import FetchBlobs


class OwnBlobsFirst:
    """A `FetchBlobs` that asks others only for what a node's store lacks. The node may be running."""

    def __init__(self, folder: Path, beyond: FetchBlobs) -> None:
        """folder: what `folkmoot node --folder` was given. Raises UsageError where no node was in it, OSError."""
        blobs = folder / "blobs"
        if not blobs.is_dir():
            raise UsageError(f"--folder {folder}: no node was here: name the folder that it was given")
        self._store, self._beyond = BlockStore(blobs), beyond

    async def __call__(self, wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
        """As any FetchBlobs."""
        found: dict[bytes, bytes | None] = {}
        for digest in wanted:
            blob = await asyncio.to_thread(self._store.find, digest, max_bytes)
            if blob is not None:
                found[digest] = blob
        lacking = {digest: seat for digest, seat in wanted.items() if digest not in found}
        if lacking:
            fetched = await self._beyond(lacking, max_bytes)
            found.update((digest, fetched[digest]) for digest in lacking)
        return found
