"""What a peer offers to others: its gossip and its gateway, and the endpoint record that names them."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from ledger.blobs.fetch import BlobFetcher
from ledger.endpoints import Endpoint, MalformedEndpoint, parse_endpoint
from ledger.errors import SetupError
from ledger.history import History
from ledger.network import Network
from node.blobs.gateway import STATS, gateway_app
from node.blobs.store import BlockStore
from node.data_folder import DataFolder
from node.exchange import Announced, Exchange
from node.gossip.certificate import Certificate
from node.gossip.gossip import Gossip
from node.gossip.messages import Announcement
from node.gossip.reach import Reach
from node.meter import Meter
from node.patience import Patience
from node.testing.attacks import Behaviour

if TYPE_CHECKING:
    from node.blobs.pinner import Pinner

_KEEPALIVE_S: Final = 15.0


@dataclass(frozen=True)
class Listening:
    """Where to listen. Ports: 0 takes a free one. advertise: the host others reach this one at.

    ipfs_api: multiaddr of an IPFS daemon that is to pin this peer's blobs, or None.
    """

    host: str = "127.0.0.1"
    advertise: str | None = None
    gossip_port: int = 0
    gateway_port: int = 0
    ipfs_api: str | None = None


class Services:
    """A peer's sockets, store and fetching, started and ended together."""

    def __init__(
        self,
        folder: DataFolder,
        network: Network,
        key: bytes,
        history: Callable[[], History],
        behaviour: Behaviour,
        meter: Meter,
        on_equivocation: Callable[[Announcement, Announcement], None] | None = None,
        on_reach: Callable[[Reach], None] = lambda _: None,
    ) -> None:
        self._history = history
        self.store = BlockStore(folder.blobs)
        self._announced = Announced()
        self.gossip = Gossip(
            network=network,
            key=key,
            certificate=Certificate.load_or_create(folder.root),
            is_member=lambda address: history().seat_of(address) is not None,
            on_announcement=self._hear,
            on_equivocation=on_equivocation,
            endpoint_of=self._endpoint_of,
            on_reach=on_reach,
            rng=random.Random(),
        )
        self._fetcher = BlobFetcher()
        self._pinner: Pinner | None = None
        self.exchange = Exchange(
            self.store, self._fetcher, self.gossip, self._announced, meter, Patience(self.gossip.prober.has)
        )
        gateway = gateway_app(self.store, serves=behaviour.serves)
        self._gateway_stats = gateway[STATS]
        self._runner = web.AppRunner(gateway, access_log=None, keepalive_timeout=_KEEPALIVE_S)

    @property
    def bytes_sent(self) -> int:
        """Bodies handed to the network so far, by gateway and gossip."""
        return self._gateway_stats.bytes_sent + self.gossip.stats.bytes_sent

    async def start(self, listening: Listening) -> Endpoint:
        """Listen and say where. Raises SetupError for a port that cannot be had or a daemon that is not there."""
        if listening.ipfs_api is not None:
            # Imported here: few peers have a daemon, and its client takes its time to load.
            from node.blobs.pinner import Pinner

            pinner = Pinner(listening.ipfs_api)
            await pinner.start()
            self._pinner = pinner
        gossip_port = await self.gossip.start(listening.host, listening.gossip_port)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, listening.host, listening.gateway_port).start()
        except OSError as error:
            raise SetupError(
                f"port {listening.gateway_port} on {listening.host} cannot be used for the gateway "
                f"({error.strerror}): stop the other program or choose --gateway-port"
            ) from error
        gateway_port = self._runner.addresses[0][1]
        host = listening.advertise or listening.host
        return Endpoint(f"wss://{host}:{gossip_port}", f"http://{host}:{gateway_port}")

    def pin(self, blob: bytes) -> None:
        """Have an IPFS daemon keep a blob too, where one was named."""
        if self._pinner is not None:
            self._pinner.pin(blob)

    async def close(self) -> None:
        """End every socket and task."""
        if self._pinner is not None:
            await self._pinner.close()
        await self.gossip.close()
        await self._runner.cleanup()
        await self._fetcher.close()

    def refresh(self) -> None:
        """Tell gossip who the members are and which round it is."""
        history, directory = self._history(), {}
        for held in history.seats.values():
            if not held.is_held:
                continue
            try:
                directory[held.peer] = parse_endpoint(held.endpoints[-1]).gossip
            except MalformedEndpoint:
                continue
        self.gossip.set_directory(directory)
        if history.round is not None:
            self.gossip.on_round(history.round.number)

    def _endpoint_of(self, address: str) -> str | None:
        seat = self._history().seat_of(address)
        return None if seat is None else self._history().seats[seat].endpoints[-1]

    def _hear(self, announcement: Announcement) -> None:
        self._announced.heard(announcement.round, announcement.author_address)
