"""Members of a circle that prove who they are to a gossip node and then say what nobody meant."""

import hashlib
import random
import secrets
import ssl
import time
from collections.abc import Callable
from typing import Final

from coincurve import PrivateKey

from ledger.identity.addresses import address_bytes
from ledger.identity.signing import address_of, hello_hash, sign
from node.gossip.certificate import make_client_context
from node.gossip.listener import PATH
from node.gossip.messages import (
    FRAME_BYTES,
    MAX_MESSAGES,
    Announcement,
    BadMessage,
    Challenge,
    DialBack,
    DialledBack,
    Have,
    Hello,
    Message,
    Pull,
    PullAnswer,
    count_for_frame,
    decode,
    encode,
    join_frame,
    sign_announcement,
)
from scripts.fuzz.damage import mutate_bytes
from scripts.fuzz.live.frames import BINARY, Reader, encode_frame, make_broken_frame, request_upgrade
from scripts.fuzz.live.server import Server
from scripts.fuzz.live.serving import DEAD_ENDPOINT, ROUND
from scripts.fuzz.live.wire import WAIT_S, WHOLE, Wire, choose_manner, connect, pack_input, unpack_input
from scripts.fuzz.trees import mutate_plain_msgpack
from tests.support.gossip_circle import NETWORK

_AUTHORS: Final = 40
_ENDS: Final = (Challenge, Hello, PullAnswer, DialledBack)
"""Messages for which a node ends a link, as they come."""
_ROUNDS: Final = (0, 1, 2, ROUND, ROUND + 1, ROUND + 2, 1 << 40, (1 << 63) - 1)
_AGAIN_S: Final = 0.1
# A link on which nothing comes any more ends with the heartbeat after the next.
_ROOM_S: Final = 45.0


class GossipClient:
    """Says frames to one node. A link's frames are an input; each frame that the node looked at counts for one."""

    def __init__(self, server: Server) -> None:
        self._server, self._wire, self._context = server, Wire(), make_client_context()
        self._authors = [_Author(number) for number in range(_AUTHORS)]
        self._taken = 0

    def make(self, rng: random.Random) -> bytes:
        """An input: WebSocket frames, whole in all but the last."""
        frames = [encode_frame(self._make_frame(rng)) for _ in range(rng.randrange(1, 25))]
        valid = self._make_frame(rng)
        kind = rng.random()
        if kind < 0.5:
            frames.append(encode_frame(mutate_plain_msgpack(rng, valid, ())[: FRAME_BYTES + 1000]))
        elif kind < 0.7:
            frames.append(encode_frame(mutate_bytes(rng, valid, [valid])))
        elif kind < 0.85:
            frames.append(make_broken_frame(rng, valid))
        elif kind < 0.9:
            frames.append(encode_frame(bytes(FRAME_BYTES + rng.choice((-1, 0, 1, 1000)))))
        return pack_input(choose_manner(rng), frames)

    def _make_frame(self, rng: random.Random) -> bytes:
        messages = [*map(encode, self._make_messages(rng))]
        return join_frame(messages[: count_for_frame(messages)])

    def _make_messages(self, rng: random.Random) -> list[Message]:
        """Of the right form, and much of it nonsense."""
        many = rng.choice((1, 1, 1, 2, 5, 30, MAX_MESSAGES)) if rng.random() < 0.2 else 1
        return [self._make_message(rng) for _ in range(many)]

    def _make_message(self, rng: random.Random) -> Message:
        number = rng.choice(_ROUNDS)
        few = rng.choice((0, 1, 3, 256)) if rng.random() < 0.1 else 1
        ways: tuple[Callable[[], Message], ...] = (
            lambda: rng.choice(self._authors).announce(rng),
            lambda: rng.choice(self._authors).announce(rng),
            lambda: Have(number, rng.choice(self._authors).digests[0]),
            lambda: Have(number, rng.randbytes(32)),
            lambda: Pull(number, [rng.randbytes(20) for _ in range(few)], [rng.randbytes(20) for _ in range(few)]),
            lambda: DialBack(hashlib.sha256(DEAD_ENDPOINT.encode()).digest()),
            lambda: DialBack(rng.randbytes(32)),
        )
        rare: tuple[Callable[[], Message], ...] = (
            lambda: Announcement(number, rng.randbytes(20), rng.randbytes(32), rng.randbytes(64) + b"\x1b"),
            lambda: PullAnswer(number, [rng.choice(self._authors).announce(rng)], [rng.randbytes(32)]),
            lambda: DialledBack(rng.randbytes(32), True, False),
            lambda: Challenge(1, rng.randbytes(32), rng.randbytes(32)),
        )
        return rng.choice(rare if rng.random() < 0.01 else ways)()

    def say(self, data: bytes) -> int:
        """Prove to be a member, then send an input."""
        manner, frames = unpack_input(data)
        connection, _ = self._link()
        self._wire.send(connection, manner, frames)
        seen = _count_seen(frames) if manner == WHOLE else 1
        self._taken += seen - 1
        return seen

    def hear(self) -> tuple[int, list[str]]:
        """What was taken; the node says no more than that it hangs up."""
        self._wire.collect()
        self._wire.go_on()
        taken, self._taken = self._taken, 0
        return taken, []

    def probe(self) -> None:
        """Link, ask for a round and wait for the answer. Raises OSError, AssertionError."""
        until = time.monotonic() + _ROOM_S
        while True:
            try:
                return self._probe_once()
            except _NoRoom:
                # A node takes so many links at a time; those on which an input stopped half-way have not ended yet.
                if time.monotonic() > until:
                    raise
                time.sleep(_AGAIN_S)

    def _probe_once(self) -> None:
        connection, reader = self._link()
        try:
            connection.sendall(encode_frame(join_frame([encode(Pull(ROUND, [], []))])))
            while True:
                kind, payload = reader.read_frame()
                if kind == BINARY and any(isinstance(one, PullAnswer) for one in decode(payload)):
                    return
                if kind == 8:
                    raise _hung_up(payload)
        except BadMessage as error:
            raise AssertionError(f"the node says what is no message: {error}") from error
        finally:
            connection.close()

    def close(self) -> None:
        """End all links."""
        self._wire.close()

    def _link(self) -> tuple[ssl.SSLSocket, Reader]:
        """A link of a member that is new each time."""
        plain = connect(self._server.address)
        try:
            connection = self._context.wrap_socket(plain, server_hostname="127.0.0.1")
        except OSError:
            plain.close()
            raise
        try:
            connection.settimeout(WAIT_S)
            connection.sendall(request_upgrade(PATH))
            reader = Reader(connection)
            reader.read_upgraded()
            _shake_hands(connection, reader)
        except OSError:
            connection.close()
            raise
        return connection, reader


class _NoRoom(ConnectionError):
    pass


def _hung_up(payload: bytes) -> ConnectionError:
    kind = _NoRoom if payload[2:] == b"full" else ConnectionError
    return kind(f"the node hangs up: {payload[2:]!r}")


class _Author:
    """Who announces: one or two digests a round, and the same again."""

    def __init__(self, number: int) -> None:
        self._key = hashlib.sha256(b"author %d" % number).digest()
        self._address = address_of(PrivateKey(self._key).public_key)
        self.digests = [hashlib.sha256(b"%d %d" % (number, digest)).digest() for digest in range(3)]
        self._made: dict[tuple[int, bytes], Announcement] = {}

    def announce(self, rng: random.Random) -> Announcement:
        """One of its announcements, its signature right."""
        said = rng.choice(_ROUNDS[1:6]), rng.choice(self.digests)
        if said not in self._made:
            self._made[said] = sign_announcement(NETWORK, self._key, self._address, *said)
        return self._made[said]


def _shake_hands(connection: ssl.SSLSocket, reader: Reader) -> None:
    key = secrets.token_bytes(32)
    address = address_of(PrivateKey(key).public_key)
    certificate = connection.getpeercert(binary_form=True)
    assert certificate is not None
    ours = Challenge(1, NETWORK.domain_separator, secrets.token_bytes(32))
    connection.sendall(encode_frame(join_frame([encode(ours)])))
    (theirs,) = decode(_read_message(reader))
    assert isinstance(theirs, Challenge)
    signed = hello_hash(NETWORK, address, hashlib.sha256(certificate).digest(), theirs.nonce)
    connection.sendall(encode_frame(join_frame([encode(Hello(address_bytes(address), sign(key, signed)))])))
    (hello,) = decode(_read_message(reader))
    assert isinstance(hello, Hello)


def _read_message(reader: Reader) -> bytes:
    kind, payload = reader.read_frame()
    if kind != BINARY:
        raise _hung_up(payload)
    return payload


def _count_seen(frames: list[bytes]) -> int:
    """How many frames the node looks at before it ends the link, the one it ends it for included."""
    for number, frame in enumerate(frames, start=1):
        try:
            messages = decode(_unmask(frame))
        except BadMessage:
            return number
        if any(isinstance(one, _ENDS) for one in messages):
            return number
    return len(frames)


def _unmask(frame: bytes) -> bytes:
    length = frame[1] & 0x7F if len(frame) > 1 else 0
    start = 2 + {126: 2, 127: 8}.get(length, 0)
    mask, body = frame[start : start + 4], frame[start + 4 :]
    if len(mask) < 4:
        return b""
    key = (mask * (len(body) // 4 + 1))[: len(body)]
    return (int.from_bytes(body, "big") ^ int.from_bytes(key, "big")).to_bytes(len(body), "big")
