"""A real HTTP endpoint in front of a real one, which fails as networks and services do."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

ANSWER_S = 30.0


class FaultProxy:
    """Forwards JSON-RPC to `target`. What goes wrong is set by attributes.

    lose_answers: of this method so many answers are lost after the chain took the request. lose_requests: so many
    connections end before it did. status: answered to everything. body: answered to everything, with status 200.
    answers: method → result told instead of the chain's; errors: method → error. is_down: connections are closed at
    once. seen: requests by method, as they came; sent: raw transactions, in order.
    """

    def __init__(self, target: str, host: str = "127.0.0.1") -> None:
        self._target = urlsplit(target)
        self.lose_answers: Counter[str] = Counter()
        self.lose_requests: Counter[str] = Counter()
        self.status: int | None = None
        self.body: bytes | None = None
        self.answers: dict[str, Any] = {}
        self.errors: dict[str, dict[str, Any]] = {}
        self.is_down = False
        self.seen: Counter[str] = Counter()
        self.sent: list[str] = []
        self._server = ThreadingHTTPServer((host, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(ANSWER_S)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = proxy.answer(body)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler

    def answer(self, body: bytes) -> tuple[int, bytes | None]:
        """What a request gets; None closes the connection without a word."""
        request = json.loads(body)
        method = request["method"]
        self.seen[method] += 1
        if self.is_down or self._spend(self.lose_requests, method):
            return 0, None
        if self.status is not None:
            return self.status, b"nothing of use"
        if self.body is not None:
            return 200, self.body
        if method in self.answers or method in self.errors:
            told = {"error": self.errors[method]} if method in self.errors else {"result": self.answers[method]}
            return 200, json.dumps({"jsonrpc": "2.0", "id": request["id"], **told}).encode()
        if method == "eth_sendRawTransaction":
            self.sent.append(request["params"][0])
        answer = self._forward(body)
        return 200, None if self._spend(self.lose_answers, method) else answer

    def _forward(self, body: bytes) -> bytes:
        connection = HTTPConnection(self._target.hostname or "", self._target.port, timeout=ANSWER_S)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            return connection.getresponse().read()
        finally:
            connection.close()

    @staticmethod
    def _spend(left: Counter[str], method: str) -> bool:
        if left[method] <= 0:
            return False
        left[method] -= 1
        return True


@contextmanager
def fault_proxy(target: str) -> Iterator[FaultProxy]:
    """Run a proxy while the body runs."""
    proxy = FaultProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
