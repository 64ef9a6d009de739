"""A TCP relay in front of a chain, whose connections can be cut, refused and hung."""

import asyncio
import contextlib
from urllib.parse import urlsplit


class SocketProxy:
    """Forwards bytes to `target`. is_down: new connections are closed at once. opened: how many have been taken."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._host, self._port = parts.hostname, parts.port
        self.is_down, self.opened = False, 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "SocketProxy":
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """End every connection, without a word of WebSocket."""
        for writer in self._writers:
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        ends = {writer}
        self._writers.add(writer)
        try:
            if not self.is_down:
                far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
                ends.add(far_writer)
                self._writers.add(far_writer)
                await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            self._writers -= ends
            for end in ends:
                end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
