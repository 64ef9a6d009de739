"""HTTP requests that nobody meant, made of valid ones; and clients of the servers that speak it."""

import http.client
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from scripts.fuzz.damage import mutate_bytes
from scripts.fuzz.live.server import Server
from scripts.fuzz.live.wire import WAIT_S, Wire, choose_manner, connect, pack_input, unpack_input
from scripts.fuzz.trees import mutate_json

_METHODS: Final = (
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"PRI",
    b"get",
    b"G\x00T",
    b"",
)
_VERSIONS: Final = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.", b"http/1.1", b"", b"HTTP/99999999999.1")
_HEADERS: Final = (
    *(b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 99999999999999999999", b"Content-Length: +3"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Expect: 100-continue", b"Upgrade: h2c"),
    *(b"Connection: Upgrade\r\nUpgrade: websocket", b"Range: bytes=0-", b"Range: bytes=-9999999999999999999"),
    *(
        b"Accept: " + b"a/b," * 2000,
        b"Accept: \xff\xfe",
        b"If-None-Match: " + b'"x",' * 1000,
        b"Accept-Encoding: br",
    ),
    *(b"Host: evil.example", b"Host: [::1", b"Host: 127.0.0.1:99999999", b"Host: \xff", b"Host:", b"Host: a:b:c"),
    *(b"Cookie: " + b"a=b; " * 1000, b"X: " + b"y" * 9000, b"Content-Encoding: gzip", b"Content-Encoding: deflate"),
    *(b" folded: x", b"no colon", b"\x00: x", b"Origin: null", b"Sec-Fetch-Site: cross-site", b"Content-Type: ;;="),
    *(
        b"Sec-WebSocket-Key: x",
        b"Sec-WebSocket-Version: 13",
        b"Authorization: Basic \xff",
        b"Content-Type: a/b; charset=x",
    ),
)
_TARGETS: Final = (
    *(
        b"*",
        b"//",
        b"/../../etc/passwd",
        b"http://other.example/",
        b"/%00",
        b"/%ff%fe",
        b"/" + b"a" * 9000,
        b"?",
        b"/#",
    ),
    *(b"/%", b"/\xe2\x80\xae", b"/a?b=" + b"c" * 4000, b"/" + b"%41" * 3000, b"host:1", b"/;x=1", b"/\\", b""),
)
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})")


@dataclass(frozen=True)
class Request:
    """A valid request."""

    target: bytes
    """Path and query."""
    method: bytes = b"GET"
    """Its method."""
    headers: tuple[bytes, ...] = ()
    """Lines beside Host."""
    body: bytes = b""
    """JSON, or bytes, or nothing."""

    def encode(self) -> bytes:
        """As it is sent."""
        lines = [self.method + b" " + self.target + b" HTTP/1.1", b"Host: 127.0.0.1", *self.headers]
        if self.body:
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


def make_request(rng: random.Random, samples: Sequence[Request]) -> bytes:
    """A request with some parts changed."""
    sample = rng.choice(samples)
    kind = rng.random()
    if kind < 0.06:
        return sample.encode()
    if kind < 0.2:
        return mutate_bytes(rng, sample.encode(), [one.encode() for one in samples[:4]])
    body = sample.body
    if body and rng.random() < 0.85:
        is_json = body[:1] in b"[{" and rng.random() < 0.9
        body = mutate_json(rng, body, ()) if is_json else mutate_bytes(rng, body, [body])
        if rng.random() < 0.85:
            return Request(sample.target, sample.method, sample.headers, body).encode()
    method = rng.choice(_METHODS) if rng.random() < 0.15 else sample.method
    version = rng.choice(_VERSIONS) if rng.random() < 0.08 else b"HTTP/1.1"
    headers = [b"Host: 127.0.0.1", *sample.headers, *([b"Content-Length: %d" % len(body)] if body else [])]
    for _ in range(rng.choice((0, 0, 1, 1, 2, 40))):
        headers.insert(rng.randrange(len(headers) + 1), rng.choice(_HEADERS))
    if rng.random() < 0.1:
        del headers[rng.randrange(len(headers))]
    line = b" ".join((method, _change_target(rng, sample.target), version))
    return b"\r\n".join((line, *headers)) + b"\r\n\r\n" + body


def _change_target(rng: random.Random, target: bytes) -> bytes:
    kind = rng.random()
    if kind < 0.15:
        return rng.choice(_TARGETS)
    if kind < 0.3:
        return mutate_bytes(rng, target, [target]).replace(b"\n", b"")
    path, mark, query = target.partition(b"?")
    if kind < 0.6 and mark:
        pairs = query.split(b"&")
        at = rng.randrange(len(pairs))
        name, _, _ = pairs[at].partition(b"=")
        pairs[at] = name + b"=" + rng.choice(_VALUES)
        pairs += [rng.choice(pairs)] * rng.choice((0, 0, 1, 300))
        return path + mark + b"&".join(pairs)
    if kind < 0.8:
        parts = path.split(b"/")
        parts[rng.randrange(len(parts))] = rng.choice(_VALUES)
        return b"/".join(parts) + mark + query
    return target  # a header or the method is another one


_VALUES: Final = (
    *(
        b"",
        b"0",
        b"1",
        b"2",
        b"3",
        b"-1",
        b"255",
        b"256",
        b"9999999",
        b"99999999",
        b"1e3",
        b"0x1",
        b"%D9%A1",
        b"1,2,3",
    ),
    *(
        b",",
        b"0,0,0",
        b"1," * 300,
        b"NaN",
        b"null",
        b"raw",
        b"car",
        b"%00",
        b"%ff",
        b"a" * 200,
        b"%E2%80%AE",
        b"+1",
        b" 1",
    ),
)


@dataclass
class HttpClient:
    """Says requests to one server."""

    server: Server
    """Whom."""
    samples: Sequence[Request]
    """Of what its requests are made."""
    good: Request
    """A request that is answered with `good_status` at any time."""
    good_status: int = 200
    """See good."""
    marks_of_faults: tuple[bytes, ...] = ()
    """What no answer holds, beside the statuses of broken servers."""
    wire: Wire = field(default_factory=Wire)
    """Its connections."""

    def make(self, rng: random.Random) -> bytes:
        """An input."""
        manner = choose_manner(rng)
        requests = [make_request(rng, self.samples) for _ in range(rng.choice((1, 1, 1, 1, 2)))]
        return pack_input(manner, requests)

    def say(self, data: bytes) -> int:
        """Send an input. Returns how many inputs that was: a request after another one is one more."""
        manner, pieces = unpack_input(data)
        self.wire.send(connect(self.server.address), manner, pieces)
        return 1

    def hear(self) -> tuple[int, list[str]]:
        """How many answers said yes since the last time, and what in them is a fault."""
        taken, faults = 0, list[str]()
        for answer in self.wire.collect():
            statuses = [int(one) for one in _STATUS.findall(answer)]
            taken += any(status < 400 for status in statuses)
            broken = [status for status in statuses if status in (500, 501, 502)]
            marks = [mark for mark in self.marks_of_faults if mark in answer]
            if broken or marks:
                faults.append(f"answered {answer[:200]!r}")
        self.wire.go_on()
        return taken, faults

    def probe(self) -> None:
        """Ask something valid. Raises OSError, HTTPException or AssertionError where it is not answered."""
        connection = http.client.HTTPConnection(*self.server.address, timeout=WAIT_S)
        try:
            headers = dict(line.decode().split(": ", 1) for line in self.good.headers)
            connection.request(
                self.good.method.decode(), self.good.target.decode(), self.good.body or None, headers
            )
            answer = connection.getresponse()
            answer.read()
            assert answer.status == self.good_status, f"a valid request is answered with {answer.status}"
        finally:
            connection.close()

    def close(self) -> None:
        """End all connections."""
        self.wire.close()
