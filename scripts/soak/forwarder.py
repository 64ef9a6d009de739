"""A proxy in front of a node: `python -m scripts.soak.forwarder NAMESPACE PORT HOST PORT MODE PEM`, in a namespace.

MODE: `pass` hands bytes on, as a proxy in TCP mode does; `end` ends TLS and opens TLS of its own to the node; `plain` ends
TLS and speaks plainly to the node, as a proxy in HTTPS mode does. PEM: key and certificate.
"""

import argparse
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


async def _serve(port: int, host: str, to_port: int, mode: str, pem: str) -> None:
    listens = calls = None
    if mode != "pass":
        listens = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        listens.load_cert_chain(pem)
    if mode == "end":
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
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("namespace", metavar="NAMESPACE")
    made.add_argument("port", type=int, metavar="PORT")
    made.add_argument("host", metavar="HOST")
    made.add_argument("to_port", type=int, metavar="PORT")
    made.add_argument("mode", choices=("pass", "end", "plain"), metavar="MODE")
    made.add_argument("pem", metavar="PEM")
    options = made.parse_args()
    descriptor = os.open(options.namespace, os.O_RDONLY)
    if ctypes.CDLL(None).setns(descriptor, _CLONE_NEWNET) != 0:
        sys.exit(f"cannot enter the network namespace {options.namespace}")
    asyncio.run(_serve(options.port, options.host, options.to_port, options.mode, options.pem))


if __name__ == "__main__":
    main()
