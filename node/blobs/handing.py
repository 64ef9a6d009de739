"""Handing blobs of this peer's own to another member's gateway, block by block (R19.2)."""

import asyncio
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from ledger.blobs.cid import RAW, cid_of
from ledger.blobs.dagpb import FILE_BYTES_MAX
from ledger.blobs.unixfs import parse_children, walk
from ledger.errors import PeerFault
from ledger.fetch.block_request import RAW_TYPE, parse_gateway_url
from ledger.untrusted.host_names import NameResolver
from node.blobs.store import BlockStore, NotStored

_BLOCK_S: Final = 60.0
# A blob may take so long, and a second more for each 64 KiB: who is slower keeps others' copies waiting.
_BLOB_S: Final = 20.0
_PACE: Final = 1 << 16
_CONNECT_S: Final = 3.0
_READ_S: Final = 10.0
Path = tuple[bytes, ...]
"""The blocks that lead to a block, from what the chain names on."""
_ANSWERED: Final = (HTTPStatus.OK, HTTPStatus.CREATED)


class NotTaken(Exception):
    """A gateway did not take a block. is_final: nor will it take others now, as it is away or refuses."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason[:200])
        self.is_final = is_final


class Hander:
    """Use it inside a running loop; close it."""

    def __init__(self, store: BlockStore) -> None:
        self._store = store
        self._session: aiohttp.ClientSession | None = None
        self.bytes_sent = 0

    async def close(self) -> None:
        """End every connection."""
        if self._session is not None:
            await self._session.close()

    async def hand(self, gateway: str, root: bytes, under: bytes | None) -> None:
        """Have a gateway keep the blob with this root, whole; what it has is not sent again.

        under: the root of a record that names it, None for a root that the chain names. Raises NotTaken.
        """
        try:
            blocks, size_bytes = await asyncio.to_thread(self._list_blocks, root, under)
        except (NotStored, PeerFault) as error:
            raise NotTaken(f"it is not here whole: {error}", is_final=False) from error
        base = parse_gateway_url(gateway)
        try:
            async with asyncio.timeout(_BLOB_S + size_bytes / _PACE):
                for digest, path in blocks:
                    await self._hand_block(base, digest, path)
        except TimeoutError as error:
            raise NotTaken("stalled, or too slow", is_final=True) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotTaken(f"{type(error).__name__}: {error}", is_final=True) from error

    def _list_blocks(self, root: bytes, under: bytes | None) -> tuple[list[tuple[bytes, Path]], int]:
        """Digests of the blob's blocks, each once and after those above it, with these; and the blob's bytes."""
        paths: dict[bytes, Path] = {root: () if under is None else (under,)}
        size_bytes = 0
        for part, block in walk(root, self._require, FILE_BYTES_MAX, skip_leaves=True):
            size_bytes = max(size_bytes, part.size_bytes)
            for child in parse_children(part, block) if part.height else ():
                paths.setdefault(child.digest, (*paths[part.digest], part.digest))
        return list(paths.items()), size_bytes

    async def _hand_block(self, base: URL, digest: bytes, path: Path) -> None:
        session = self._open_session()
        url = (base / "ipfs" / cid_of(digest, RAW).text).with_query(format="raw")
        async with session.head(url, headers={"Accept": RAW_TYPE}, allow_redirects=False) as response:
            if response.status == HTTPStatus.OK:
                return
        url = url.extend_query([("under", cid_of(above, RAW).text) for above in path])
        block = await asyncio.to_thread(self._require, digest)
        async with session.put(
            url, data=block, headers={"Content-Type": RAW_TYPE}, allow_redirects=False
        ) as response:
            if response.status not in _ANSWERED:
                is_later = response.status in (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
                raise NotTaken(f"status {response.status}", is_final=not is_later)
        self.bytes_sent += len(block)

    def _require(self, digest: bytes) -> bytes:
        block = self._store.read_block(digest)
        if block is None:
            raise NotStored(digest)
        return block

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=NameResolver(), limit_per_host=2),
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=_BLOCK_S, sock_connect=_CONNECT_S, sock_read=_READ_S),
            )
        return self._session
