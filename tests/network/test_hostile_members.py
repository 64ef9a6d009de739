"""Malformed updates that are really committed and served, and junk on the sockets of a running network."""

import random
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import zstandard

from ledger.blobs.cid import RAW, digest_of
from ledger.blobs.contents.records import Update, encode_update, update_max_bytes
from ledger.blobs.dagpb import BlockLink, encode_node
from ledger.circle.manifest import Manifest
from ledger.codec import ZSTD
from ledger.identity.endpoints import parse_endpoint
from tests.support.network.local_run import LocalRun
from tests.support.network.villain import Villain

HONEST = (0, 1, 2)
Forge = Callable[[Villain, Manifest, int], bytes]


def oversize(villain: Villain, manifest: Manifest, number: int) -> bytes:
    return villain.store.put(b"FMU3" + secrets.token_bytes(update_max_bytes(manifest)))


def oversize_in_many_blocks(villain: Villain, manifest: Manifest, number: int) -> bytes:
    return villain.store.put(b"FMU3" + secrets.token_bytes(3 << 20))


def tree_of_a_terabyte(villain: Villain, manifest: Manifest, number: int) -> bytes:
    leaf = b"FMU3" + bytes(1000)
    villain.store.put_block(digest_of(leaf), leaf)
    size = 1 << 30
    node = encode_node([BlockLink(digest_of(leaf), RAW, size)] * 1000, [size] * 1000)
    villain.store.put_block(digest_of(node), node)
    return digest_of(node)


def noise(villain: Villain, manifest: Manifest, number: int) -> bytes:
    return villain.store.put(b"FMU3" + secrets.token_bytes(500))


def another_authors_name(villain: Villain, manifest: Manifest, number: int) -> bytes:
    return villain.store.put(update(villain, number, payload=b"", author=bytes(20)))


def an_earlier_round(villain: Villain, manifest: Manifest, number: int) -> bytes:
    return villain.store.put(update(villain, number - 1, payload=b"", author=villain.author))


def bomb(villain: Villain, manifest: Manifest, number: int) -> bytes:
    payload = zstandard.ZstdCompressor().compress(bytes(1 << 26))
    return villain.store.put(update(villain, number, payload=payload, author=villain.author))


def update(villain: Villain, number: int, *, payload: bytes, author: bytes) -> bytes:
    return encode_update(Update(villain.network, number, author, bytes(32), ZSTD, payload, b"", None))


FORGERIES: tuple[Forge, ...] = (
    oversize,
    oversize_in_many_blocks,
    tree_of_a_terabyte,
    noise,
    another_authors_name,
    an_earlier_round,
    bomb,
)


def test_a_malformed_update_is_rejected_by_all_and_found_by_the_audit(run: LocalRun) -> None:
    rounds = len(FORGERIES)
    run.start(
        "honest",
        "honest",
        "honest",
        rounds=rounds,
        options=["--peers", "4", "--degree", "3", "--quorum", "3", "--bond", "0"],
    )
    with Villain(run) as villain:
        manifest = run.history().manifest
        for number, forge in enumerate(FORGERIES, 1):
            villain.commit(number, forge(villain, manifest, number))
            villain.attest_nothing(number)
        run.wait_finished(*HONEST)
        findings = run.findings("--timeout", "10")
    for index in HONEST:
        words = {forge.__name__: run.verdicts(index, n)[villain.seat] for n, forge in enumerate(FORGERIES, 1)}
        assert words == {forge.__name__: "invalid" for forge in FORGERIES}
    assert {found["seat"] for found in findings} == {villain.seat}
    assert {found["round"] for found in findings if found["check"] == "A3"} == set(range(1, rounds + 1))


def test_junk_on_every_socket_does_not_disturb_a_round(run: LocalRun) -> None:
    run.start("honest", "honest", "honest", rounds=3, paced=True)
    for index in HONEST:
        run.wait_joined(index)
    ports = []
    for seat in run.history().seats.values():
        endpoint = parse_endpoint(seat.endpoint)
        ports.append((endpoint.gossip.port, endpoint.gateway.port))
    with ExitStack() as nuisances:
        for gossip, gateway in ports:
            nuisances.enter_context(nuisance(gossip, gateway))
        run.open_gates(3)
        run.wait_finished()
    for index in HONEST:
        words = [word for event in run.rounds(index).values() for word in event["verdicts"].values()]
        assert len(words) == 6
        assert "unavailable" not in words
    assert run.findings() == []


@contextmanager
def nuisance(gossip: int, gateway: int) -> Iterator[None]:
    """Half-open connections held until the end, and a thread that sends junk again and again."""
    over = threading.Event()
    held = [socket.create_connection(("127.0.0.1", port)) for port in (gossip, gateway) for _ in range(20)]
    for connection in held[::2]:
        connection.sendall(b"GET /ipfs/")
    # Daemonic: a socket that hangs must not hang the test; `over` and the timeouts end it.
    thread = threading.Thread(target=pester, args=(gossip, gateway, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)
        for connection in held:
            connection.close()


def pester(gossip: int, gateway: int, over: threading.Event) -> None:
    junk = random.Random(gossip)
    upgrade = (
        b"GET /gossip HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    # A frame that announces 2**62 bytes, and a whole one of 1 MiB.
    huge = b"\x82\xff" + (1 << 62).to_bytes(8, "big") + b"mask" + junk.randbytes(1 << 16)
    large = b"\x82\xff" + (1 << 20).to_bytes(8, "big") + b"mask" + junk.randbytes(1 << 20)
    while not over.wait(0.1):
        send(gossip, junk.randbytes(4096))
        send(gossip, upgrade + huge, tls=True)
        send(gossip, upgrade + large, tls=True)
        send(gateway, junk.randbytes(4096))
        send(gateway, b"GET /ipfs/" + b"b" * 100_000 + b" HTTP/1.1\r\n\r\n")
        send(gateway, b"GET /ipfs/bafkqaaa HTTP/1.1\r\n" + b"X: y\r\n" * 10_000)
        send(gateway, b"POST /ipfs/x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n" + bytes(1 << 20))


def send(port: int, data: bytes, *, tls: bool = False) -> None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            if not tls:
                connection.sendall(data)
                return
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(connection) as secured:
                secured.sendall(data)
    except OSError:
        return  # cut off: what junk deserves
