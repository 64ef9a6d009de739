"""What the weather reads and writes in IP packets: addresses, ports, TCP's flags, checksums. Pure.

Source: RFC 791, RFC 8200 and RFC 9293 for where things stand; RFC 1624 for a checksum that is brought up to date.
"""

from typing import Final

TCP: Final = 6
FIN: Final = 1
SYN: Final = 2
RST: Final = 4
_V4_HEAD: Final = 20
_V6_HEAD: Final = 40


def find_ends(packet: bytes | bytearray) -> tuple[bytes, bytes] | None:
    """Source and destination, 4 or 16 bytes each; None for what is no IP packet."""
    if not packet:
        return None
    version = packet[0] >> 4
    if version == 4 and len(packet) >= _V4_HEAD:
        return bytes(packet[12:16]), bytes(packet[16:20])
    if version == 6 and len(packet) >= _V6_HEAD:
        return bytes(packet[8:24]), bytes(packet[24:40])
    return None


def find_tcp(packet: bytes | bytearray) -> int | None:
    """Where TCP's head begins in an IPv4 packet that is no later fragment; None where there is none."""
    head = (packet[0] & 15) * 4
    is_first = not (packet[6] & 0x1F or packet[7])
    is_tcp = packet[0] >> 4 == 4 and packet[9] == TCP and is_first and len(packet) >= head + 20
    return head if is_tcp else None


def rewrite_source(packet: bytearray, at: int, address: bytes, port: int) -> None:
    """Put another source into an IPv4 packet with TCP, and bring both checksums up to date. at: TCP's head."""
    _rewrite(packet, 12, at, at, address, port)


def rewrite_destination(packet: bytearray, at: int, address: bytes, port: int) -> None:
    """The same with the destination."""
    _rewrite(packet, 16, at, at + 2, address, port)


def _rewrite(packet: bytearray, address_at: int, tcp_at: int, port_at: int, address: bytes, port: int) -> None:
    before = bytes(packet[address_at : address_at + 4])
    ports = bytes(packet[port_at : port_at + 2]), port.to_bytes(2, "big")
    _update_checksum(packet, 10, before, address)
    # TCP's checksum covers the addresses too.
    _update_checksum(packet, tcp_at + 16, before + ports[0], address + ports[1])
    packet[address_at : address_at + 4] = address
    packet[port_at : port_at + 2] = ports[1]


def _update_checksum(packet: bytearray, at: int, before: bytes, after: bytes) -> None:
    """RFC 1624, equation 3: HC' = ~(~HC + ~m + m')."""
    total = ~int.from_bytes(packet[at : at + 2], "big") & 0xFFFF
    for index in range(0, len(before), 2):
        total += ~int.from_bytes(before[index : index + 2], "big") & 0xFFFF
        total += int.from_bytes(after[index : index + 2], "big")
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    packet[at : at + 2] = (~total & 0xFFFF).to_bytes(2, "big")
