"""Mutual proof of identity at the start of a connection.

Each side sends a fresh challenge; each answers with a signature over its own address, the TLS certificate of the
connection's server end as it sees it, and the other side's challenge. Somebody in the middle has another
certificate, so what either end signs is of no use at the other.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from coincurve import PrivateKey

from ledger.errors import PeerFault
from ledger.identity.addresses import address_bytes, address_text
from ledger.identity.network import Network
from ledger.identity.signing import address_of, hello_hash, recover, sign
from node.gossip.certificate import Certificate
from node.gossip.messages import (
    PROTOCOL_VERSION,
    BadMessage,
    Challenge,
    Hello,
    decode,
    encode,
    join_frame,
)
from node.gossip.sockets import Socket, receive_payload

_Expected = TypeVar("_Expected", Challenge, Hello)


class HandshakeRefused(PeerFault):
    """The other end is not a member of this network that proves who it is; the message says why."""


class OwnKey(HandshakeRefused):
    """The other end proved this node's own key: this process itself, or another one with the same key."""


class UnknownMember(HandshakeRefused):
    """It proves who it is, and has no seat as far as this node has seen the chain: a newcomer looks the same."""


@dataclass(frozen=True)
class Identity:
    """Who this node is, and where."""

    network: Network
    """The circle that it serves."""
    key: bytes
    """The node's private key, 32 bytes."""
    certificate: Certificate
    """The one its own listener shows."""
    open_nonces: set[bytes] = field(default_factory=set, compare=False)
    """Of the challenges of this process whose handshakes are under way, by which it knows itself."""

    @cached_property
    def address(self) -> str:
        """EIP-55 checksummed."""
        return address_of(PrivateKey(self.key).public_key)

    def __repr__(self) -> str:
        return f"Identity({self.address})"  # never the key


async def shake_hands(
    timeout_s: float,
    socket: Socket,
    identity: Identity,
    certificate_sha256: bytes,
    *,
    is_member: Callable[[str], bool],
    expected: str | None = None,
) -> str:
    """Prove who we are and learn who the other end is. Returns its address.

    certificate_sha256: 32 bytes, of the certificate of the server end as seen here. expected: the address
    that was dialled. Raises HandshakeRefused, also where it takes longer than `timeout_s`, BadMessage or
    BadSignature; Ended if the other end leaves.
    """
    ours = _make_challenge(identity.network)
    identity.open_nonces.add(ours.nonce)
    try:
        async with asyncio.timeout(timeout_s):
            return await _prove_both(socket, identity, certificate_sha256, ours, is_member, expected)
    except TimeoutError as error:
        raise HandshakeRefused(f"no handshake within {timeout_s:g} s") from error
    finally:
        identity.open_nonces.discard(ours.nonce)


async def ask_who(socket: Socket, network: Network, certificate_sha256: bytes) -> tuple[str, bytes]:
    """Learn who the server end is without saying who asks: no link comes of it. The caller sets the timeout.

    Returns its address and the nonce of its challenge. Raises as `shake_hands` does.
    """
    ours = _make_challenge(network)
    await socket.send_bytes(join_frame([encode(ours)]))
    theirs = await _receive(socket, Challenge)
    check_challenge(ours, theirs)
    hello = await _receive(socket, Hello)
    return check_hello(hello, network, certificate_sha256, ours.nonce), theirs.nonce


async def _prove_both(
    socket: Socket,
    identity: Identity,
    certificate_sha256: bytes,
    ours: Challenge,
    is_member: Callable[[str], bool],
    expected: str | None,
) -> str:
    await socket.send_bytes(join_frame([encode(ours)]))
    theirs = await _receive(socket, Challenge)
    check_challenge(ours, theirs)
    signed = hello_hash(identity.network, identity.address, certificate_sha256, theirs.nonce)
    answer = Hello(address_bytes(identity.address), sign(identity.key, signed))
    await socket.send_bytes(join_frame([encode(answer)]))
    hello = await _receive(socket, Hello)
    peer = check_hello(hello, identity.network, certificate_sha256, ours.nonce)
    if peer == identity.address:
        raise OwnKey(f"{peer} is this node itself, or another process with its key")
    if expected is not None and peer != expected:
        raise HandshakeRefused(f"dialled {expected}, but {peer} answered")
    if not is_member(peer):
        raise UnknownMember(f"{peer} is not a member")
    return peer


def _make_challenge(network: Network) -> Challenge:
    return Challenge(PROTOCOL_VERSION, network.domain_separator, secrets.token_bytes(32))


def check_challenge(ours: Challenge, theirs: Challenge) -> None:
    """Raises HandshakeRefused unless both ends speak of the same protocol and network (R17)."""
    if theirs.version != ours.version:
        raise HandshakeRefused(f"protocol version {theirs.version}, this node speaks {ours.version}")
    if theirs.network != ours.network:
        raise HandshakeRefused(
            f"other network {theirs.network.hex()[:12]}, this node serves {ours.network.hex()[:12]}"
        )
    if theirs.nonce == ours.nonce:
        raise HandshakeRefused("the challenge is our own, sent back")


def check_hello(hello: Hello, network: Network, certificate_sha256: bytes, nonce: bytes) -> str:
    """The address that is proved. Raises HandshakeRefused or BadSignature if it is not (R17)."""
    peer = address_text(hello.peer)
    signer = recover(hello_hash(network, peer, certificate_sha256, nonce), hello.signature)
    if signer != peer:
        raise HandshakeRefused(f"{peer} is not proved for this connection's certificate and challenge")
    return peer


async def _receive(socket: Socket, kind: type[_Expected]) -> _Expected:
    frame = None
    while frame is None:  # pings; bounded by the caller's timeout
        frame = await receive_payload(socket, await socket.receive())
    messages = decode(frame)
    if len(messages) != 1 or not isinstance(messages[0], kind):
        raise BadMessage(f"expected one {kind.__name__}, got {[type(one).__name__ for one in messages[:3]]}")
    return messages[0]
