"""HTTP to a JSON-RPC endpoint: one moment by which a whole answer must be there, and one size that it may have.

The moment holds for everything: looking the name up, connecting, the proxy's answer, TLS, every `100 Continue`,
every header and every byte of the body. All reading goes through `_Reader`, which gives the socket what is left.
"""

import contextlib
import http.client
import io
import queue
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.exceptions import HTTPError as TransportError
from urllib3.exceptions import TimeoutError as TransportTimeout

ANSWER_MAX_BYTES: Final = 64 << 20
_PIECE_BYTES: Final = 1 << 16
_ADDRESSES_MAX: Final = 8
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class TooLarge(requests.RequestException):
    """The body is larger than any answer to us."""


class _Deadline(threading.local):
    """Until when the request of this thread must be over, by time.monotonic."""

    at: float = 0.0

    def left_s(self) -> float:
        """Raises TimeoutError where nothing is left."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is late")
        return left


_deadline: Final = _Deadline()


class _Reader(io.RawIOBase):
    """What a connection reads with. held: the reader in whose place it is, which keeps the socket open."""

    def __init__(self, connection: socket.socket, held: io.BufferedIOBase) -> None:
        self._socket, self._held = connection, held

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Let the socket go."""
        self._held.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Raises TimeoutError once the deadline is over, however often a byte comes."""
        self._socket.settimeout(_deadline.left_s())
        return self._socket.recv_into(buffer)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Reader(sock, self.fp))


class _Connection(HTTPConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        return _connect(self)

    def request(self, *arguments: Any, **options: Any) -> None:
        """A connection that is used again starts with all the time there is."""
        if self.sock is not None:
            self.sock.settimeout(_deadline.left_s())
        super().request(*arguments, **options)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS: Final = {"http": _Pool, "https": _TlsPool}


class Adapter(HTTPAdapter):
    """Reads an answer up to a size and up to a moment, however slowly it comes."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._timeout_s = timeout_s

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Have the pools make connections of ours."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The same through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Raises requests' and urllib3's exceptions, and OSError."""
        _deadline.at = time.monotonic() + self._timeout_s
        response = super().send(request, True, timeout, verify, cert, proxies)
        raw, body = response.raw, bytearray()
        try:
            while piece := raw.read1(_PIECE_BYTES, decode_content=True):
                body += piece
                if len(body) > ANSWER_MAX_BYTES:
                    raise TooLarge(f"more than {ANSWER_MAX_BYTES >> 20} MiB")
                _deadline.left_s()
        except BaseException:
            # Half an answer lies in it: nobody may read the rest for an answer to something else.
            raw.close()
            raise
        raw.release_conn()
        response._content, response._content_consumed = bytes(body), True  # type: ignore[attr-defined]  # private
        return response


def open_session(url: str, timeout_s: float) -> requests.Session:
    """A session for one endpoint."""
    session = requests.Session()
    # Proxies and passwords from the environment are not meant for this machine; looking for them takes time.
    session.trust_env = urlsplit(url).hostname not in _LOOPBACK
    adapter = Adapter(timeout_s)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def is_late(error: Exception) -> bool:
    """Whether an exception means that the answer was not there in time."""
    return isinstance(error, requests.Timeout | TimeoutError | TransportTimeout)


def is_never_sent(error: Exception) -> bool:
    """Whether no connection came about: nobody listens, no such name, or a certificate that is not trusted."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    unmade = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
    return isinstance(error, unmade) or isinstance(reason, NewConnectionError)


def _connect(connection: HTTPConnection) -> socket.socket:
    """A socket to the first of the host's addresses that takes it. Raises urllib3's exceptions."""
    host, port = connection._dns_host, connection.port
    try:
        found = _look_up(host, port or connection.default_port)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    last: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in found[:_ADDRESSES_MAX]:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(_deadline.left_s())
            sock.connect(address)
            sock.settimeout(_deadline.left_s())
            return sock
        except OSError as error:
            sock.close()
            last = error
    if isinstance(last, TimeoutError):
        raise ConnectTimeoutError(connection, "the connection is late") from last
    raise NewConnectionError(connection, str(last)) from last


def _look_up(host: str, port: int) -> list[Any]:
    """The addresses of a host. A resolver cannot be interrupted, so it is left behind where it takes too long."""
    with contextlib.suppress(OSError, UnicodeError):
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    answer: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answer.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answer.put(error if isinstance(error, OSError) else socket.gaierror(str(error)))

    threading.Thread(target=look_up, name="name", daemon=True).start()
    try:
        found = answer.get(timeout=_deadline.left_s())
    except queue.Empty:
        raise socket.gaierror("the name's address is late") from None
    if isinstance(found, OSError):
        raise found
    return found


__all__ = ["ANSWER_MAX_BYTES", "Adapter", "TooLarge", "TransportError", "is_late", "is_never_sent", "open_session"]
