"""The IPFS daemon that is to pin a node's blobs, where one is named."""

import asyncio

from ledger.errors import SetupError
from node.doctor.findings import Notebook

_ANSWER_S = 5.0


def look_at_daemon(notebook: Notebook, api: str) -> None:
    """api: its multiaddr."""
    # Imported here: few nodes have one, and its client takes its time to load.
    from node.blobs.daemon_pins import DaemonPins

    async def ask() -> str:
        async with DaemonPins(api, timeout_s=_ANSWER_S) as pins:
            return await pins.fetch_version()

    try:
        version = asyncio.run(ask())
    except SetupError as error:
        notebook.wrong("ipfs daemon", str(error), "start it (`ipfs daemon`), or correct or leave out --ipfs-api")
    else:
        notebook.ok("ipfs daemon", f"{api} is Kubo {version}")
