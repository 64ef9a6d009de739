"""What a peer offers to others: its gossip and its gateway, and the endpoint record that names them."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from ledger.circle.history import History
from ledger.errors import NotYet, SetupError
from ledger.fetch.daemon import find_daemon
from ledger.fetch.fetcher import BlobFetcher, FetchStats
from ledger.identity.endpoints import Endpoint, Origin, find_endpoint
from ledger.identity.network import Network
from node.blobs.doors import Bounds, Doors
from node.blobs.gateway import STATS, GatewayStats, make_gateway_app
from node.blobs.intake import Intake, Wants, want_nothing
from node.blobs.pin_stats import PinStats
from node.blobs.store import BlockStore
from node.gossip.certificate import Certificate
from node.gossip.gossip import Gossip
from node.gossip.limits import Limits
from node.gossip.messages import Announcement
from node.gossip.reach import Reachability
from node.operating.data_folder import DataFolder
from node.operating.descriptors import raise_limit, share_connections
from node.operating.listening import Listening
from node.operating.meter import Meter
from node.round.exchange import AnnouncedUpdates, Exchange
from node.round.neighbour_patience import NeighbourPatience

if TYPE_CHECKING:
    from node.blobs.pinner import Pinner

_SHUTDOWN_S: Final = 1.0


class Services:
    """A peer's sockets, store and fetching, started and ended together."""

    def __init__(
        self,
        folder: DataFolder,
        network: Network,
        key: bytes,
        history: Callable[[], History],
        meter: Meter,
        serves: Callable[[bytes], bool] = lambda _: True,
        on_equivocation: Callable[[Announcement, Announcement], None] | None = None,
        on_reach: Callable[[Reachability], None] = lambda _: None,
        make_wants: Callable[[BlockStore], Wants] = lambda _: want_nothing,
    ) -> None:
        """serves: whether to hand out the blob with this digest. make_wants: says what to take from others."""
        self._history = history
        shares = share_connections(raise_limit())
        self.store = BlockStore(folder.blobs)
        self._announced = AnnouncedUpdates()
        self.gossip = Gossip(
            network=network,
            key=key,
            certificate=Certificate.load_or_create(folder.root),
            is_member=lambda address: history().seat_of(address) is not None,
            on_announcement=self._hear,
            on_equivocation=on_equivocation,
            endpoint_of=self._endpoint_of,
            on_reach=on_reach,
            limits=Limits(max_sockets=shares.gossip),
            rng=random.Random(),
        )
        self._fetcher = BlobFetcher()
        self._pinner: Pinner | None = None
        self._pin_name = f"folkmoot {network.chain_id} {network.contract}"
        self.exchange = Exchange(
            self.store,
            self._fetcher,
            self.gossip,
            self._announced,
            meter,
            NeighbourPatience(self._is_to_be_had),
        )
        self.doors = Doors(Bounds(shares.gateway, shares.gateway // 2))
        """The gateway's connections."""
        self._intake = Intake(self.store, make_wants(self.store), self._tell_taken)
        gateway = make_gateway_app(
            self.store, serves=serves, middlewares=[self.doors.middleware], intake=self._intake
        )
        self._gateway_stats = gateway[STATS]
        self._runner = web.AppRunner(gateway, access_log=None, lingering_time=0, shutdown_timeout=_SHUTDOWN_S)
        self._listening: asyncio.Server | None = None

    @property
    def _server(self) -> web.Server:
        assert self._runner.server is not None
        return self._runner.server

    @property
    def gateway_stats(self) -> GatewayStats:
        """What the gateway gave out."""
        return self._gateway_stats

    @property
    def fetch_stats(self) -> FetchStats:
        """What was fetched from others."""
        return self._fetcher.stats

    @property
    def bytes_sent(self) -> int:
        """Bodies handed to the network so far, by gateway and gossip."""
        return self._gateway_stats.bytes_sent + self.gossip.stats.bytes_sent

    async def start(self, listening: Listening) -> Endpoint:
        """Listen and say where. Raises SetupError for a port that cannot be had, UsageError for no multiaddr."""
        if listening.ipfs_api is not None:
            # Imported here: few peers have a daemon, and its client takes its time to load.
            from node.blobs.pinner import Pinner

            self._fetcher.daemon = find_daemon(listening.ipfs_api)
            self._pinner = Pinner(listening.ipfs_api, self.store)
            self._pinner.start()
        gossip_port = await self.gossip.start(listening.listens_at, listening.gossip_port)
        await self._runner.setup()
        try:
            self._listening = await self.doors.listen(self._server, listening.listens_at, listening.gateway_port)
        except OSError as error:
            raise SetupError(
                f"port {listening.gateway_port} on {listening.host} cannot be used for the gateway "
                f"({error.strerror}): stop the other program or choose --gateway-port"
            ) from error
        gateway_port = self._listening.sockets[0].getsockname()[1]
        return listening.place(gossip_port, gateway_port)

    @property
    def pin_stats(self) -> PinStats | None:
        """What became of pins, where an IPFS daemon was named."""
        return None if self._pinner is None else self._pinner.stats

    def keep_pins(self, folder: Path, digests: Iterable[bytes]) -> None:
        """Have an IPFS daemon, where one was named, keep these of this peer's blobs, and no others of this circle.

        folder: where its pins are noted.
        """
        if self._pinner is not None:
            self._pinner.keep(folder, self._pin_name, digests)

    def pin(self, digest: bytes) -> None:
        """Have an IPFS daemon keep a blob of the store too, where one was named; from any thread.

        digest: of its root.
        """
        if self._pinner is not None:
            self._pinner.pin(digest)

    def unpin(self, digest: bytes) -> None:
        """Let the daemon have a blob that this peer does not keep any more. digest: of its root."""
        if self._pinner is not None:
            self._pinner.unpin(digest)

    async def close(self) -> None:
        """End every socket and task."""
        if self._pinner is not None:
            await self._pinner.close()
        await self.gossip.close()
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()
        self._intake.close()
        await self._fetcher.close()

    def refresh(self) -> None:
        """Tell gossip who the members are and which round it is."""
        history, directory = self._history(), dict[str, Origin]()
        for held in history.seats.values():
            if held.is_held and (endpoint := find_endpoint(held.endpoint)) is not None:
                directory[held.peer] = endpoint.gossip
        self.gossip.set_directory(directory)
        if history.round is not None:
            self.gossip.enter_round(history.round.number)

    def list_linked_gateways(self) -> list[str]:
        """Of the members that this peer is linked to."""
        texts = [self._endpoint_of(peer) for peer in self.gossip.links]
        found = [find_endpoint(text) for text in texts if text is not None]
        return [endpoint.gateway.text for endpoint in found if endpoint is not None]

    async def _is_to_be_had(self, gateway: str, digest: bytes) -> bool:
        """Whether an author's gateway, or another member, says that it has an update."""
        return self.gossip.is_held(digest) or await self.gossip.prober.probe_block(gateway, digest)

    def _tell_taken(self, digest: bytes) -> None:
        """Others learn that an update of these rounds is here too; of other blobs they ask everybody."""
        for round_ in self._history().rounds[-2:]:
            if digest in round_.commits.values():
                with contextlib.suppress(NotYet):
                    self.gossip.announce_held(round_.number, digest)

    def _endpoint_of(self, address: str) -> str | None:
        seat = self._history().seat_of(address)
        return None if seat is None else self._history().seats[seat].endpoint

    def _hear(self, announcement: Announcement) -> None:
        self._announced.note_heard(announcement.round, announcement.author_address)
