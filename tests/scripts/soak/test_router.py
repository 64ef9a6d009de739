"""A router in front of a node: answers come through, callers do not, and checksums stay right."""

import ipaddress
import struct

import pytest

from scripts.soak.packets import FIN, find_ends, find_tcp
from scripts.soak.router import CLOSING_S, IDLE_S, Router

INNER, OUTER, OTHER, THIRD = (
    ipaddress.ip_address(text).packed for text in ("192.168.4.2", "10.77.1.4", "10.77.1.1", "10.77.1.2")
)


def checksum(data: bytes) -> int:
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(
    source: bytes, destination: bytes, ports: tuple[int, int], flags: int = 0, body: bytes = b"odd"
) -> bytearray:
    """IPv4 with TCP, both checksums right."""
    tcp = bytearray(struct.pack(">HHIIBBHHH", *ports, 7, 9, 5 << 4, flags, 1000, 0, 0) + body)
    head = bytearray(struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, source, destination))
    tcp[16:18] = checksum(source + destination + struct.pack(">HH", 6, len(tcp)) + tcp).to_bytes(2, "big")
    head[10:12] = checksum(bytes(head)).to_bytes(2, "big")
    return head + tcp


def is_whole(sent: bytearray) -> bool:
    """Both checksums hold."""
    tcp = bytes(sent[20:])
    return (
        checksum(bytes(sent[:20])) == 0
        and checksum(bytes(sent[12:20]) + struct.pack(">HH", 6, len(tcp)) + tcp) == 0
    )


def ports_of(sent: bytearray) -> tuple[int, int]:
    found: tuple[int, int] = struct.unpack(">HH", sent[20:24])
    return found


def call(router: Router, port: int, whom: bytes = OTHER, now: float = 0.0, flags: int = 0) -> bytearray:
    """What is outside of a packet from inside."""
    sent = packet(INNER, whom, (port, 7001), flags)
    assert router.send(sent, now)
    return sent


def test_a_call_has_the_outer_address_and_its_answer_comes_back_inside() -> None:
    router = Router(INNER, OUTER)
    sent = call(router, 40000)
    assert find_ends(sent) == (OUTER, OTHER)
    assert is_whole(sent)
    answer = packet(OTHER, OUTER, (7001, ports_of(sent)[0]))
    assert router.receive(answer, 1.0)
    assert find_ends(answer) == (OTHER, INNER)
    assert ports_of(answer) == (7001, 40000)
    assert is_whole(answer)


def test_nobody_comes_in_whom_the_node_did_not_call() -> None:
    router = Router(INNER, OUTER)
    outer_port = ports_of(call(router, 40000))[0]
    assert not router.receive(packet(THIRD, OUTER, (7001, outer_port)), 1.0)
    assert not router.receive(packet(OTHER, OUTER, (7002, outer_port)), 1.0)
    assert not router.receive(packet(OTHER, OUTER, (7001, 7001)), 1.0)
    assert router.refused == 3


def test_one_inner_port_keeps_its_outer_one_for_all_whom_it_calls() -> None:
    router = Router(INNER, OUTER)
    first, second = call(router, 40000), call(router, 40000, THIRD)
    assert ports_of(first)[0] == ports_of(second)[0] != ports_of(call(router, 40001))[0]
    assert router.mappings == 2


@pytest.mark.parametrize(("flags", "lasts_s"), [(0, IDLE_S), (FIN, CLOSING_S)], ids=["idle", "closing"])
def test_a_mapping_is_forgotten_after_its_time(flags: int, lasts_s: float) -> None:
    router = Router(INNER, OUTER)
    port = ports_of(call(router, 40000, flags=flags))[0]
    assert router.receive(packet(OTHER, OUTER, (7001, port), flags), lasts_s - 1)
    assert not router.receive(packet(OTHER, OUTER, (7001, port)), 3 * lasts_s)


def test_what_is_not_tcp_is_dropped() -> None:
    udp = packet(INNER, OTHER, (1, 2))
    udp[9] = 17
    assert find_tcp(udp) is None
    assert not Router(INNER, OUTER).send(udp, 0.0)
