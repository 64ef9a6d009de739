"""Where a node listens and is reached, known before anything that listens is loaded."""

from dataclasses import dataclass, replace
from typing import Final

from ledger.errors import UsageError
from ledger.identity.endpoints import Endpoint, MalformedEndpoint, parse_gateway

# Where one listens and nobody calls.
_EVERYWHERE: Final = ("0.0.0.0", "::", "0:0:0:0:0:0:0:0")  # noqa: S104


@dataclass(frozen=True)
class Listening:
    """Where to listen. Ports: 0 takes a free one."""

    host: str = "127.0.0.1"
    """The address that is listened on."""
    advertise: str | None = None
    """The host others reach this one at; None: the same."""
    gossip_port: int = 0
    """Of the gossip's WebSocket."""
    gateway_port: int = 0
    """Of the blobs' gateway."""
    ipfs_api: str | None = None
    """Multiaddr of an IPFS daemon that is to pin this peer's blobs, or None."""
    advertise_gateway: str | None = None
    """`http(s)://host:port` where others reach the gateway, behind a proxy; None: at the same host, by its port."""

    @property
    def listens_at(self) -> str:
        """The host to listen on, without brackets."""
        return self.host.removeprefix("[").removesuffix("]")

    @property
    def reached_at(self) -> str:
        """The host others reach this one at, without brackets."""
        return (self.advertise or self.host).removeprefix("[").removesuffix("]")

    def place(self, gossip_port: int, gateway_port: int) -> Endpoint:
        """What others are told, by the ports that are listened on."""
        endpoint = Endpoint.at(self.reached_at, gossip_port, gateway_port)
        if self.advertise_gateway is None:
            return endpoint
        return replace(endpoint, gateway=parse_gateway(self.advertise_gateway))

    def check(self) -> None:
        """Raises UsageError where nobody could reach a node that listens so."""
        for name, port in (("--gossip-port", self.gossip_port), ("--gateway-port", self.gateway_port)):
            if not 0 <= port < 1 << 16:
                raise UsageError(f"{name} {port} is no port: give 1 to 65535, or 0 for any that is free")
        if self.gossip_port == self.gateway_port != 0:
            raise UsageError(f"--gossip-port and --gateway-port are both {self.gossip_port}: choose two")
        self.check_host()

    def check_host(self) -> None:
        """Raises UsageError where the host, or the gateway's URL, is none that others could be sent to."""
        option = "--host" if self.advertise is None else "--advertise"
        try:
            Endpoint.at(self.reached_at, 1, 1)
        except MalformedEndpoint as error:
            raise UsageError(
                f"{option} {self.reached_at[:80]} is no host that others can be given: name it, or give an IPv4 or "
                "IPv6 address without a zone, with --advertise"
            ) from error
        if self.reached_at in _EVERYWHERE:
            raise UsageError(
                f"{option} {self.reached_at} names no machine: give the host that others reach this one at with "
                "--advertise"
            )
        if self.advertise_gateway is None:
            return
        try:
            gateway = parse_gateway(self.advertise_gateway)
        except MalformedEndpoint as error:
            raise UsageError(
                f"--advertise-gateway {self.advertise_gateway[:80]} is no gateway that others can be given: "
                "name it as https://host:port, without a path"
            ) from error
        if gateway.host in _EVERYWHERE:
            raise UsageError(f"--advertise-gateway {self.advertise_gateway} names no machine: give its host")
