"""An optional second home for blobs: an IPFS daemon (Kubo) that pins them and finds blocks on the wider network.

Control goes through ipfshttpclient, in a thread. Bulk goes over HTTP as a stream, `dag/import` in and `block/get`
out, because ipfshttpclient holds whole files in memory.
"""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import aiohttp
import ipfshttpclient
from ipfshttpclient.exceptions import AddressError, CommunicationError, ErrorResponse
from ipfshttpclient.http_common import multiaddr_to_url_data

from ledger.blobs.car import encode_car_header, encode_section_head
from ledger.blobs.cid import RAW, Cid, cid_of, digest_of
from ledger.blobs.unixfs import CHUNK_BYTES, Dag
from ledger.errors import SetupError
from ledger.fetch.fetcher import Unavailable
from ledger.untrusted.host_names import NameResolver

_ANSWER_BYTES_MAX = 1 << 16
_READ_BYTES = 1 << 16
_CONNECT_S = 10.0


class KuboPins:
    """One daemon's RPC API. api: its multiaddr, such as /ip4/127.0.0.1/tcp/5001. timeout_s: for one call.

    Every method raises SetupError, one sentence with the next step, if the daemon cannot be reached or refuses.
    """

    def __init__(self, api: str, *, timeout_s: float = 60.0) -> None:
        _quieten_ipfshttpclient()
        try:
            self._url, unix_path, _, _ = multiaddr_to_url_data(api, "api/v0")
            # Not connect(): it refuses every Kubo from 0.8 on, though all calls made here still work.
            self._client = ipfshttpclient.Client(api, timeout=timeout_s)
        except AddressError as error:
            raise SetupError(f"{api!r} is no daemon's multiaddr: write it like /ip4/127.0.0.1/tcp/5001") from error
        if unix_path:
            raise SetupError(f"{api!r} is a Unix socket: give the daemon's TCP address")
        self.api = api
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, _CONNECT_S))
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections to the daemon."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def fetch_version(self) -> str:
        """The daemon's version; the cheapest way to see that it is there."""
        return str((await self._control(self._client.version))["Version"])

    async def publish(self, dag: Dag) -> Cid:
        """Put all blocks of a blob into the daemon and pin its root. Returns the root's CID."""
        root = cid_of(dag.root, dag.codec)
        # Pinned below and not by the import, whose errors can come after its status: a pin needs every block.
        try:
            async with self._post("dag/import", {"pin-roots": "false"}, _make_car_form(dag)) as response:
                answer = await _read_bounded(response, _ANSWER_BYTES_MAX)
        except TimeoutError as error:
            raise self._unreachable(error) from error
        if response.status != 200:
            raise SetupError(f"the IPFS daemon at {self.api} does not import: {answer[:200]!r}; look at its log")
        await self._control(lambda: self._client.pin.add(root.text))
        return root

    async def is_pinned(self, cid: Cid) -> bool:
        """Whether the daemon keeps the blob with this root."""
        try:
            await self._control(lambda: self._client.pin.ls(cid.text, type="recursive"))
        except _Refused:
            return False
        return True

    async def unpin(self, cid: Cid) -> None:
        """Let the daemon's next garbage collection have the blob. Does nothing if it is not pinned."""
        if await self.is_pinned(cid):
            await self._control(lambda: self._client.pin.rm(cid.text))

    async def fetch_block(self, digest: bytes) -> bytes:
        """One block, from the daemon or from the network it is part of. Raises Unavailable."""
        try:
            async with self._post("block/get", {"arg": cid_of(digest, RAW).text}) as response:
                block = await _read_bounded(response, CHUNK_BYTES)
        # The daemon is there; it is the network that does not give it the block.
        except TimeoutError as error:
            raise Unavailable(digest, {self.api: f"no block within {self._timeout.total} s"}) from error
        if response.status != 200:
            raise Unavailable(digest, {self.api: f"status {response.status} {block[:200]!r}"})
        # [REJECT] a block that does not hash to the digest it was asked for by
        if digest_of(block) != digest:
            raise Unavailable(digest, {self.api: f"sent {len(block)} bytes that are another block"})
        return block

    @asynccontextmanager
    async def _post(
        self, command: str, query: dict[str, str], body: aiohttp.MultipartWriter | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            connector = aiohttp.TCPConnector(resolver=NameResolver())
            self._session = aiohttp.ClientSession(connector=connector, trust_env=False, timeout=self._timeout)
        try:
            request = self._session.post(self._url + command, params=query, data=body, allow_redirects=False)
            async with request as response:
                yield response
        except aiohttp.ClientError as error:
            raise self._unreachable(error) from error

    async def _control(self, call: Callable[[], Any]) -> Any:
        """Run one call of ipfshttpclient in a thread."""
        try:
            return await asyncio.to_thread(call)
        except ErrorResponse as error:
            raise _Refused(f"the IPFS daemon at {self.api} refuses: {error}; look at its log") from error
        except CommunicationError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> SetupError:
        return SetupError(
            f"no IPFS daemon answers at {self.api} ({type(error).__name__}): start it, or run without one"
        )


class _Refused(SetupError):
    """The daemon answered, and the answer is no."""


def _make_car_form(dag: Dag) -> aiohttp.MultipartWriter:
    """A multipart form with the blob's CAR as its one file, made while it is sent."""
    form = aiohttp.MultipartWriter("form-data")
    part = form.append(_stream_car(dag), {"Content-Type": "application/vnd.ipld.car"})
    part.set_content_disposition("form-data", name="file", filename="blob.car")
    return form


async def _stream_car(dag: Dag) -> AsyncIterator[bytes]:
    yield encode_car_header(cid_of(dag.root, dag.codec))
    for digest, codec, data in dag.blocks():
        yield encode_section_head(Cid(codec, digest), len(data)) + data


async def _read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, or its first limit + 1 bytes if it is longer."""
    body = bytearray()
    while len(body) <= limit and (chunk := await response.content.read(_READ_BYTES)):
        body += chunk
    return bytes(body[: limit + 1])


def _quieten_ipfshttpclient() -> None:
    """Ignore the one warning that ipfshttpclient 0.7 causes in urllib3 2, which the pin urllib3<3 answers."""
    warnings.filterwarnings(
        "ignore", message="The 'strict' parameter is no longer needed", category=FutureWarning, module="urllib3"
    )
