"""The servers that are fed, and how many of all inputs each gets."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from scripts.fuzz.live.clients import (
    make_chain_client,
    make_gateway_client,
    make_metrics_client,
    make_page_client,
)
from scripts.fuzz.live.gossiping import GossipClient
from scripts.fuzz.live.rounds import Client, feed_server, run_batch
from scripts.fuzz.live.server import Server
from scripts.fuzz.live.websockets import WebSocketClient
from scripts.fuzz.tally import Keeper, Tally

DECODERS: Final = "decoders"
SHARES: Final = {DECODERS: 0.8, "gossip": 0.06, "gateway": 0.05, "chain": 0.05, "page": 0.025, "metrics": 0.015}
"""Area → its share of all inputs."""
_CLIENTS: Final[dict[str, dict[str, Callable[[Server], Client]]]] = {
    "gossip": {"frames": GossipClient},
    "gateway": {"http": make_gateway_client},
    "chain": {"http": make_chain_client, "websocket": WebSocketClient},
    "page": {"http": make_page_client},
    "metrics": {"http": make_metrics_client},
}


def feed(area: str, seed: int, inputs: int, keeper: Keeper) -> list[Tally]:
    """Start a server and feed it so many inputs."""
    clients = _CLIENTS[area]
    with tempfile.TemporaryDirectory() as folder, Server(area, Path(folder)) as server:
        return [
            feed_server(area, name, server, make(server), seed, inputs // len(clients), keeper)
            for name, make in clients.items()
        ]


def replay(area: str, name: str, data: bytes) -> list[str]:
    """Feed a batch that was kept to a new server. Returns what is not as it should be."""
    with tempfile.TemporaryDirectory() as folder, Server(area, Path(folder)) as server:
        client = _CLIENTS[area][name](server)
        try:
            return run_batch(server, client, msgspec.msgpack.decode(data, type=list[bytes]), Tally(area, name))
        finally:
            client.close()
