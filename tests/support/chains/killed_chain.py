"""A chain that kills its own process at a named moment: python killed_chain.py DATA PORT MOMENT OPERATION COUNT.

MOMENT: one of MOMENTS, of the COUNTth transaction of the store that OPERATION makes. OPERATION: `any`, or `rewind`
for those that take blocks off the chain. COUNT 0: never.
"""

import os
import signal
import sys
from pathlib import Path

from ledger.testchain.mining import engine
from ledger.testchain.server.serve import ChainConfig, run_chain
from ledger.testchain.storage.store import ChainStore

MOMENTS = ("before-flush", "in-flush", "after-flush", "after-commit")
CHAIN_ID = 1337
_data, _port, _moment, _operation, _count = sys.argv[1:] if __name__ == "__main__" else ("", "0", "", "", "0")


class KilledStore(ChainStore):
    """Dies of SIGKILL at the moment the command line names."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._seen, self._is_rewind = 0, False

    def drop_snapshots(self, first_id: int) -> None:
        self._is_rewind = True
        super().drop_snapshots(first_id)

    def drop_snapshots_above(self, number: int) -> None:
        self._is_rewind = True
        super().drop_snapshots_above(number)

    def _flush(self, writes: dict[bytes, bytes | None]) -> None:
        self._seen += _operation == "any" or self._is_rewind
        self._die("before-flush")
        items = list(writes.items())
        super()._flush(dict(items[: len(items) // 2]))
        self._die("in-flush")
        super()._flush(dict(items[len(items) // 2 :]))
        self._die("after-flush")

    def _remember(self, writes: dict[bytes, bytes | None]) -> None:
        self._die("after-commit")
        self._is_rewind = False
        super()._remember(writes)

    def _die(self, moment: str) -> None:
        if _moment == moment and self._seen == int(_count) and (_operation == "any" or self._is_rewind):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    engine.ChainStore = KilledStore  # type: ignore[attr-defined]  # what it imported
    run_chain(ChainConfig(Path(_data), port=int(_port), chain_id=CHAIN_ID))
