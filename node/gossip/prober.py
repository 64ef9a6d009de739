"""Who answers at an endpoint. Asked without saying who asks, and without a link coming of it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp import ClientError

from ledger.blobs.cid import RAW, cid_of
from ledger.errors import PeerFault
from ledger.fetch.block_request import RAW_TYPE, parse_gateway_url
from ledger.identity.endpoints import Origin, find_endpoint
from ledger.identity.network import Network
from ledger.untrusted.host_names import NameResolver
from node.blobs.gateway import PROBE
from node.gossip.dialler import Dialler
from node.gossip.handshake import ask_who
from node.gossip.limits import Limits
from node.gossip.sockets import CODE_UNWANTED, ConnectionEnded, hang_up

# 503: it is there, and has much to do.
_ANSWERS: Final = (200, 429, 503)


@dataclass(frozen=True)
class FoundPeer:
    """The peer that proved itself at a gossip endpoint."""

    peer: str | None
    """Its address; None where nobody did."""
    is_self: bool = False
    """It was this very process."""
    reason: str = ""
    """Why nobody did."""


@dataclass(frozen=True)
class ReachedPlaces:
    """Which of a seat's two places answered as they should."""

    gossip: bool
    gateway: bool


class Prober:
    """Dials endpoints, each with one short attempt. Use it inside a running loop; close it.

    own_nonces: of this process's handshakes under way, by which it knows itself.
    """

    def __init__(self, network: Network, limits: Limits, own_nonces: Collection[bytes] = ()) -> None:
        self._network, self._limits, self._own_nonces = network, limits, own_nonces
        self._dialler: Dialler | None = None
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """End every connection."""
        if self._dialler is not None:
            await self._dialler.close()
        if self._session is not None:
            await self._session.close()

    async def probe_both(self, text: str, peer: str) -> ReachedPlaces:
        """Whether a peer proves to be at an endpoint, as the chain names it, and whether its gateway answers."""
        endpoint = find_endpoint(text)
        if endpoint is None:
            return ReachedPlaces(gossip=False, gateway=False)
        found, gateway = await asyncio.gather(
            self.probe_gossip(endpoint.gossip), self.probe_gateway(endpoint.gateway.text)
        )
        return ReachedPlaces(found.peer == peer, gateway)

    async def probe_gossip(self, place: Origin) -> FoundPeer:
        """The peer that proves to be there. Never raises for what the other end does."""
        try:
            async with asyncio.timeout(2 * self._limits.handshake_s):
                return await self._ask(place)
        except (ConnectionEnded, PeerFault, OSError, ClientError, TimeoutError) as error:
            return FoundPeer(None, reason=f"{error}"[:200] or type(error).__name__)

    async def probe_gateway(self, base: str) -> bool:
        """Whether a trustless gateway answers at `http(s)://host:port` to the spec's probe, a block of no bytes."""
        return await self._head(base, PROBE) in _ANSWERS

    async def probe_block(self, base: str, digest: bytes) -> bool:
        """Whether the gateway says that it has the block with this digest."""
        return await self._head(base, cid_of(digest, RAW).text) == HTTPStatus.OK

    async def _head(self, base: str, cid: str) -> int:
        """The status of a HEAD for one raw block, 0 where none came."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._limits.max_sockets, force_close=True, resolver=NameResolver()
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._limits.handshake_s),
                auto_decompress=False,
            )
        try:
            url = (parse_gateway_url(base) / "ipfs" / cid).with_query(format="raw")
            async with self._session.head(url, headers={"Accept": RAW_TYPE}, allow_redirects=False) as response:
                return response.status
        except (PeerFault, OSError, ClientError, TimeoutError, ValueError):
            return 0

    async def _ask(self, place: Origin) -> FoundPeer:
        if self._dialler is None:
            self._dialler = Dialler(self._limits)
        socket, certificate = await self._dialler.dial(place)
        try:
            async with asyncio.timeout(self._limits.handshake_s):
                peer, nonce = await ask_who(socket, self._network, certificate)
                # Before hanging up: then the other side's handshake is over, and its nonce forgotten.
                return FoundPeer(peer, is_self=nonce in self._own_nonces)
        finally:
            await hang_up(socket, CODE_UNWANTED, "only asking", self._limits.close_s)
