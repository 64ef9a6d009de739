"""The IPFS daemon that is to pin a node's blobs, where one is named."""

import asyncio
import time
from typing import Final

from ledger.errors import SetupError, UsageError
from node.doctor.findings import Notebook

_ANSWER_S: Final = 5.0
# What is asked of it takes milliseconds where it is well.
_SLOW_S: Final = 1.0
_FULL: Final = 0.9
_MB: Final = 1e6
_CHECK: Final = "ipfs daemon"


def look_at_daemon(notebook: Notebook, api: str) -> None:
    """api: its multiaddr."""
    # Imported here: few nodes have one, and its client takes its time to load.
    from node.blobs.daemon_pins import DaemonPins, DaemonRoom

    async def ask() -> tuple[str, float, DaemonRoom]:
        async with DaemonPins(api, timeout_s=_ANSWER_S) as pins:
            # The first call opens the connection.
            version, begun = await pins.fetch_version(), time.monotonic()
            await pins.fetch_id()
            return version, time.monotonic() - begun, await pins.fetch_room()

    try:
        version, seconds, room = asyncio.run(ask())
    except SetupError as error:
        notebook.wrong(_CHECK, str(error), "start it (`ipfs daemon`), or correct or leave out --ipfs-api")
        return
    except UsageError as error:
        notebook.wrong(_CHECK, str(error), "correct or leave out --ipfs-api")
        return
    saw = (
        f"{api} is version {version}, answers in {1000 * seconds:.0f} ms and uses {room.used_bytes / _MB:.0f} MB"
        f" of {room.limit_bytes / _MB:.0f}"
    )
    if room.used_bytes > _FULL * room.limit_bytes:
        notebook.warn(
            _CHECK,
            saw,
            "give it more room (`ipfs config Datastore.StorageMax 50GB`), or let it collect what nobody pinned"
            " (`ipfs repo gc`)",
        )
    elif seconds > _SLOW_S:
        notebook.warn(_CHECK, saw, "see what keeps it busy, or name another one with --ipfs-api")
    else:
        notebook.ok(_CHECK, saw)
