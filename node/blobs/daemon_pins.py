"""The pins of an IPFS daemon: what it keeps, told to it over its RPC API (/api/v0 of Kubo, which js-ipfs has too).

Control goes through ipfshttpclient, in a thread. Bulk goes over HTTP as a stream, because ipfshttpclient holds
whole answers in memory: blobs as a CAR to `dag/import`, and the list of pins from `pin/ls`.
"""

import asyncio
import contextlib
import json
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import ipfshttpclient
from ipfshttpclient.client.base import ResponseBase
from ipfshttpclient.exceptions import CommunicationError, ErrorResponse
from ipfshttpclient.exceptions import Error as ClientError

from ledger.blobs.car import encode_car_header, encode_section_head
from ledger.blobs.cid import BadCid, Cid, parse_cid
from ledger.errors import SetupError
from ledger.fetch.daemon_address import parse_daemon_api
from ledger.untrusted.host_names import NameResolver
from ledger.untrusted.text import make_printable

_ANSWER_BYTES_MAX: Final = 1 << 16
_READ_BYTES: Final = 1 << 16
_LINE_BYTES_MAX: Final = 4096
_SAID_MAX: Final = 200
_NOT_PINNED: Final = "is not pinned"
_CONNECT_S: Final = 10.0
# A blob takes its time by its size; the daemon has to take a piece of it in so long.
_STALL_S: Final = 60.0

# One block of a blob, in the order of a CAR.
NamedBlock = tuple[Cid, bytes]


@dataclass(frozen=True)
class DaemonRoom:
    """What a daemon says of its disk."""

    used_bytes: int
    """Of its repository."""
    limit_bytes: int
    """At which it collects what is not pinned."""


class DaemonPins:
    """One daemon. api: its multiaddr, such as /ip4/127.0.0.1/tcp/5001. timeout_s: for one call of control.

    Raises UsageError for another address. Every method raises SetupError, one sentence with the next step, if the
    daemon cannot be reached, answers nonsense or refuses.
    """

    def __init__(self, api: str, *, timeout_s: float = 30.0) -> None:
        _quieten_ipfshttpclient()
        self._url = parse_daemon_api(api)
        # Not connect(): it refuses every Kubo from 0.8 on, though all calls made here still work.
        self._client = ipfshttpclient.Client(api, timeout=timeout_s)
        self.api = api
        # The library bounds each wait, and not all of an answer that drips.
        self._connect_s, self._call_s = min(timeout_s, _CONNECT_S), 2 * timeout_s
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
        return make_printable(str(await self._ask(self._client.version, "Version")), _SAID_MAX)

    async def fetch_id(self) -> str:
        """The daemon's peer ID, letters and digits: whose pins these are."""
        found = str(await self._ask(self._client.id, "ID"))
        if not (found.isascii() and found.isalnum() and len(found) <= _SAID_MAX):
            raise self._nonsense("id", found)
        return found

    async def fetch_room(self) -> DaemonRoom:
        """How much of its disk it uses. js-ipfs writes numbers as text."""
        found = await self._control(self._client.repo.stat)
        try:
            return DaemonRoom(int(found["RepoSize"]), int(found["StorageMax"]))
        except (KeyError, TypeError, ValueError) as error:
            raise self._nonsense("repo/stat", found) from error

    async def publish(self, root: Cid, blocks: AsyncIterator[NamedBlock], name: str = "") -> None:
        """Put all blocks of a blob into the daemon and pin its root, under a name where it has names for pins."""
        # Pinned below and not by the import, whose errors can come after its status: a pin needs every block.
        async with self._post("dag/import", {"pin-roots": "false"}, _make_car_form(root, blocks)) as response:
            answer = await _read_bounded(response, _ANSWER_BYTES_MAX)
            if response.status != 200:
                raise self._refused("dag/import", answer)
        named = {"name": name} if name else {}
        pinned = await self._ask(lambda: self._client.pin.add(root.text, opts=dict(named)), "Pins")
        if not isinstance(pinned, list) or root not in map(_find_cid, pinned):
            raise self._nonsense("pin/add", pinned)

    async def find_pin(self, cid: Cid) -> str | None:
        """The name of the pin of a blob with this root, empty where it has none; None where there is no pin."""
        try:
            found = await self._ask(
                lambda: self._client.pin.ls(cid.text, type="recursive", opts={"names": True}), "Keys"
            )
        except _Refused as refusal:
            # Kubo and js-ipfs both say so. Any other refusal says nothing of pins.
            if _NOT_PINNED in str(refusal):
                return None
            raise
        if not isinstance(found, dict):
            raise self._nonsense("pin/ls", found)
        for key, about in found.items():
            if _find_cid(key) == cid:
                return str(about.get("Name", "")) if isinstance(about, dict) else ""
        return None

    async def unpin(self, cid: Cid) -> None:
        """Let the daemon's next garbage collection have the blob, which is pinned."""
        await self._ask(lambda: self._client.pin.rm(cid.text), "Pins")

    async def list_pins(self) -> AsyncIterator[bytes]:
        """The digests of the roots that it has pinned, whoever did. Other pins are left out."""
        async with self._post("pin/ls", {"type": "recursive", "stream": "true"}) as response:
            if response.status != 200:
                raise self._refused("pin/ls", await _read_bounded(response, _ANSWER_BYTES_MAX))
            async for line in _read_lines(response):
                try:
                    found = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise self._nonsense("pin/ls", line) from error
                cid = _find_cid(found.get("Cid") if isinstance(found, dict) else None)
                if cid is not None:
                    yield cid.digest

    @asynccontextmanager
    async def _post(
        self, command: str, query: dict[str, str], body: aiohttp.MultipartWriter | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s, sock_read=_STALL_S)
            connector = aiohttp.TCPConnector(resolver=NameResolver())
            self._session = aiohttp.ClientSession(connector=connector, trust_env=False, timeout=timeout)
        url = self._url.joinpath(*command.split("/"))
        try:
            request = self._session.post(url, params=query, data=body, allow_redirects=False)
            async with request as response:
                yield response
        # ValueError: a line, or a header, longer than aiohttp reads.
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._unreachable(error) from error

    async def _ask(self, call: Callable[[], Any], what: str) -> Any:
        """One field of the answer to a call of control."""
        found = await self._control(call)
        try:
            return found[what]
        except (KeyError, TypeError, IndexError) as error:
            raise self._nonsense(what, found) from error

    async def _control(self, call: Callable[[], Any]) -> Any:
        """Run one call of ipfshttpclient in a thread, which keeps nobody from ending."""
        try:
            async with asyncio.timeout(self._call_s):
                found = await _run_aside(call)
                return found.as_json() if isinstance(found, ResponseBase) else found
        except TimeoutError as error:
            raise self._unreachable(error) from error
        except ErrorResponse as error:
            raise self._refused("the call", str(error)) from error
        except CommunicationError as error:
            raise self._unreachable(error) from error
        # For an answer that is empty or nested deeply the library has no error of its own.
        except (ClientError, AssertionError, RecursionError, LookupError, TypeError, ValueError) as error:
            raise self._nonsense("a call", error) from error

    def _unreachable(self, error: Exception) -> SetupError:
        return SetupError(
            f"no IPFS daemon answers at {self.api} ({type(error).__name__}): start it, or run without one"
        )

    def _refused(self, command: str, answer: object) -> SetupError:
        return _Refused(f"the IPFS daemon at {self.api} refuses {command}: {_quote(answer)}; look at its log")

    def _nonsense(self, command: str, answer: object) -> SetupError:
        return SetupError(f"the IPFS daemon at {self.api} answers {command} with nonsense: {_quote(answer)}")


class _Refused(SetupError):
    """The daemon answered, and the answer is no."""


async def _run_aside(call: Callable[[], Any]) -> Any:
    """What a call gives that may hang, in a thread that ends with the process."""
    loop, future = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def work() -> None:
        value, error = None, None
        try:
            value = call()
        except Exception as raised:
            error = raised
        # The loop may be closed by now.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=work, name="ipfs daemon", daemon=True).start()
    return await future


def _quote(answer: object) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)
    return make_printable(text.strip(), _SAID_MAX)


def _find_cid(text: object) -> Cid | None:
    """A CID that one of our blobs may have; Kubo writes base32, js-ipfs base58."""
    try:
        return parse_cid(text) if isinstance(text, str) else None
    except BadCid:
        return None


def _make_car_form(root: Cid, blocks: AsyncIterator[NamedBlock]) -> aiohttp.MultipartWriter:
    """A multipart form with the blob's CAR as its one file, made while it is sent."""
    form = aiohttp.MultipartWriter("form-data")
    part = form.append(_stream_car(root, blocks), {"Content-Type": "application/vnd.ipld.car"})
    part.set_content_disposition("form-data", name="file", filename="blob.car")
    return form


async def _stream_car(root: Cid, blocks: AsyncIterator[NamedBlock]) -> AsyncIterator[bytes]:
    yield encode_car_header(root)
    async for cid, data in blocks:
        yield encode_section_head(cid, len(data)) + data


async def _read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, or its first limit + 1 bytes if it is longer."""
    body = bytearray()
    while len(body) <= limit and (chunk := await response.content.read(_READ_BYTES)):
        body += chunk
    return bytes(body[: limit + 1])


async def _read_lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The lines of a body, none longer than _LINE_BYTES_MAX. Raises ValueError."""
    rest = b""
    while chunk := await response.content.read(_READ_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > _LINE_BYTES_MAX:
            raise ValueError(f"a line of more than {_LINE_BYTES_MAX} bytes")
    if rest.strip():
        yield rest


def _quieten_ipfshttpclient() -> None:
    """Ignore the one warning that ipfshttpclient 0.7 causes in urllib3 2, which the pin urllib3<3 answers."""
    warnings.filterwarnings(
        "ignore", message="The 'strict' parameter is no longer needed", category=FutureWarning, module="urllib3"
    )
