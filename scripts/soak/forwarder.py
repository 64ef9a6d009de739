"""A proxy in front of a node: `python -m scripts.soak.forwarder NAMESPACE PORT HOST PORT [CERTIFICATE]`, in a namespace.

Passes bytes on as a proxy in TCP mode does. With a certificate (PEM, key and chain) it ends TLS at its own port and opens
TLS of its own to the node, trusting any certificate there, as a proxy in HTTPS mode does.
"""

import asyncio
import contextlib
import ctypes
import os
import ssl
import sys
from typing import Final

_CLONE_NEWNET: Final = 0x40000000
_READ_BYTES: Final = 1 << 16


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_READ_BYTES):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


async def _serve(port: int, host: str, to_port: int, certificate: str | None) -> None:
    listens = calls = None
    if certificate is not None:
        listens = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        listens.load_cert_chain(certificate)
        calls = ssl.create_default_context()
        calls.check_hostname, calls.verify_mode = False, ssl.CERT_NONE

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection(host, to_port, ssl=calls)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))

    server = await asyncio.start_server(pass_on, "0.0.0.0", port, ssl=listens)
    async with server:
        await server.serve_forever()


def main() -> None:
    namespace, port, host, to_port, *certificate = sys.argv[1:]
    descriptor = os.open(namespace, os.O_RDONLY)
    if ctypes.CDLL(None).setns(descriptor, _CLONE_NEWNET) != 0:
        sys.exit(f"cannot enter the network namespace {namespace}")
    asyncio.run(_serve(int(port), host, int(to_port), certificate[0] if certificate else None))


if __name__ == "__main__":
    main()
