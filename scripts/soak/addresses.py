"""Nodes that are reached otherwise than by one address for good: by name, by proxies, by IPv6, and moving house."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, Final

from scripts.soak.certificate import PROXY_ADDRESS, find_proxy_pem
from scripts.soak.namespaces import show_names_of
from scripts.soak.scenarios import Scenario
from scripts.soak.soak import Member, Soak

NAMED, MOVED, PASSED, ENDED, V6, PROXY = 1, 2, 3, 4, 5, 7
_GOSSIP, _GATEWAY = 7001, 7002
_NAME: Final = "wanderer.example"
_NEW: Final = {NAMED: "10.77.2.1", MOVED: "10.77.2.2"}
# Of the second node behind the proxy.
_OTHER: Final = 10


@dataclass(frozen=True)
class Addresses(Scenario):
    """Eight places: seven nodes, and a machine that holds the proxies."""

    name: str = "addresses"
    """See Scenario."""
    nodes: int = 7
    """See Scenario."""
    rounds: int = 12
    """See Scenario."""
    degree: int = 6
    """See Scenario."""
    behind_nat: tuple[int, ...] = ()
    """See Scenario."""
    by_v6: tuple[int, ...] = (V6,)
    """See Scenario."""
    moves: int = 4
    """When this round opens, two nodes get other addresses; two rounds later one is told its own."""
    attest_window_s: int = 20
    """See Scenario."""
    _proxies: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def extra_places(self) -> int:
        return 1

    def settle(self, soak: Soak) -> None:
        hosts = soak.folder / "hosts"
        _write_hosts(soak, soak.members[NAMED].advertise)
        if not show_names_of(hosts):
            soak.note("names cannot be shown here: the node with a name has its address as before")
        else:
            soak.members[NAMED].advertise = _NAME
        soak.sky.settle(soak.sky.places[PROXY], PROXY_ADDRESS)
        for member, gossip, base in ((soak.members[PASSED], "pass", 0), (soak.members[ENDED], "end", _OTHER)):
            # The proxy's ports and the node's have the same numbers; its gateway is HTTPS outside and HTTP inside.
            member.advertise = PROXY_ADDRESS
            member.options += ("--gossip-port", str(_GOSSIP + base), "--gateway-port", str(_GATEWAY + base))
            member.options += ("--advertise-gateway", f"https://{PROXY_ADDRESS}:{_GATEWAY + base}")
            self._start_proxy(soak, member, _GOSSIP + base, gossip)
            self._start_proxy(soak, member, _GATEWAY + base, "plain")
        soak.note(
            f"{NAMED}: a name; {MOVED}: a number; {PASSED}: a proxy that passes TLS on; {ENDED}: one that ends it; {V6}: IPv6"
        )

    def enter_round(self, soak: Soak, number: int) -> None:
        if number == self.moves:
            for index, address in _NEW.items():
                soak.sky.move(soak.members[index].place, address)
            _write_hosts(soak, _NEW[NAMED])
            soak.note(f"{NAMED} and {MOVED} have other addresses as round {number} opens")
        if number == self.moves + 2:
            member = soak.members[MOVED]
            soak.kill(member)
            member.advertise = member.place.address
            soak.start(member)
            soak.note(f"{MOVED} is started again with its new address as round {number} opens")

    def end(self, soak: Soak) -> None:
        for index, label in (
            (NAMED, "name"),
            (MOVED, "number"),
            (PASSED, "passed on"),
            (ENDED, "TLS ended"),
            (V6, "IPv6"),
        ):
            told = [str(event["kind"]) for event in _notices(soak, soak.members[index])]
            soak.note(f"{index} ({label}) was told: {', '.join(told) or 'nothing'}")

    def close(self) -> None:
        for proxy in self._proxies:
            proxy.terminate()
            proxy.wait(10)
        self._proxies.clear()

    def _start_proxy(self, soak: Soak, member: Member, port: int, mode: str) -> None:
        space = f"/proc/{os.getpid()}/fd/{soak.sky.places[PROXY].space.descriptor}"
        command = [
            sys.executable,
            "-m",
            "scripts.soak.forwarder",
            space,
            str(port),
            member.place.address,
            str(port),
        ]
        self._proxies.append(subprocess.Popen([*command, mode, str(find_proxy_pem(soak.folder.parent))]))


def _notices(soak: Soak, member: Member) -> list[dict[str, Any]]:
    kinds = ("reached", "unreachable", "unheard")
    return [event for event in soak.events(member, "notice") if event["kind"] in kinds]


def _write_hosts(soak: Soak, address: str) -> None:
    # In place: what is mounted is this very file.
    with (soak.folder / "hosts").open("w") as file:
        file.write(f"127.0.0.1 localhost\n{address} {_NAME}\n")
