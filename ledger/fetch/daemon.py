"""An IPFS daemon as the last one to be asked for a block: what it keeps, and what its network gives it.

It is named by its user and still trusted with nothing: every block is hashed as it comes, capped and timed like a
gateway's. The daemon is told how long it may look, and answers by then if it is well; so one that hangs is told
from one whose network has not got the block. One that hangs, lies or is not there is left alone for a while; a line
of the log says when that begins, and one when it ends.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import aiohttp

from ledger.blobs.cid import cid_of
from ledger.fetch.block_request import Failure, GatewayFailed, GatewayPatience, WantedBlock, take_block
from ledger.fetch.daemon_address import parse_daemon_api

_log = logging.getLogger(__name__)
IPFS: Final = "ipfs"
"""The daemon's name among the reasons why a blob is not to be had: where it is, is its user's business."""
# The same of what it did: a library's own words hold its address.
_SAID: Final = {
    Failure.ABSENT: "status 404",
    Failure.BUSY: "busy",
    Failure.REFUSED: "refused",
    Failure.UNREACHABLE: "no connection",
    Failure.SLOW: "stalled, or too slow",
    Failure.WRONG: "sent another block",
}
# How it says that it has not got a block, or has not found it in its time.
_NOT_FOUND: Final = 500
# A block that is not found changes nothing for the next one; so many in a row halve the time for the next.
_VAIN_MAX: Final = 4
_HALVINGS_MAX: Final = 16
_REST_S: Final = 5.0
_REST_MAX_S: Final = 300.0


@dataclass(frozen=True)
class DaemonPatience:
    """How long a daemon may take for a block."""

    look_s: float = 8.0
    """Seconds in which it may look for a block in its network."""
    look_least_s: float = 2.0
    """The same where it has looked in vain often in a row; what it keeps itself comes at once."""
    answer_s: float = 3.0
    """Seconds beyond these until it answers: then it is not well."""
    window_s: float = 6.0
    """Seconds; in each such time window_bytes must come."""
    window_bytes: int = 24_576
    """So many, or all that are left."""


class IpfsDaemon:
    """Blocks from one daemon's /api/v0, whose session is the asker's.

    api: its multiaddr. Raises UsageError where it is none.
    """

    def __init__(self, api: str, patience: DaemonPatience | None = None) -> None:
        self.api, self._patience = api, patience or DaemonPatience()
        self._url = parse_daemon_api(api) / "block" / "get"
        self._vain = 0
        self._rest_s = self._until_s = 0.0

    @property
    def is_resting(self) -> bool:
        """Whether it is left alone for now."""
        return asyncio.get_running_loop().time() < self._until_s

    @property
    def look_s(self) -> float:
        """Seconds in which it may look for the next block."""
        # Bounded: what thousands of blocks in vain halve it by, no float holds.
        halvings = min(self._vain // _VAIN_MAX, _HALVINGS_MAX)
        return max(self._patience.look_least_s, self._patience.look_s / (1 << halvings))

    async def fetch_block(
        self, session: aiohttp.ClientSession, wanted: WantedBlock, note: Callable[[int], None]
    ) -> bytes:
        """One block. note: told of bytes as they come. Raises GatewayFailed."""
        if self.is_resting:
            raise GatewayFailed("left alone after it failed", Failure.UNREACHABLE, is_fatal=True)
        try:
            block = await self._ask(session, wanted, note)
        except GatewayFailed as failure:
            if failure.status == _NOT_FOUND:
                self._note_answer(is_vain=True)
                raise GatewayFailed("not found", Failure.ABSENT) from failure
            self._note_failure(failure)
            raise GatewayFailed(_SAID[failure.kind], failure.kind, is_fatal=True) from failure
        self._note_answer(is_vain=False)
        return block

    async def _ask(self, session: aiohttp.ClientSession, wanted: WantedBlock, note: Callable[[int], None]) -> bytes:
        patience, look_s = self._patience, self.look_s
        # Kubo and js-ipfs both take `timeout` with every call.
        query = {"arg": cid_of(wanted.digest, wanted.codec).text, "timeout": f"{round(1000 * look_s)}ms"}
        request = session.post(
            self._url.with_query(query),
            headers={"Accept-Encoding": "identity"},
            allow_redirects=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )
        begin_s = look_s + patience.answer_s
        return await take_block(
            request, wanted, GatewayPatience(begin_s, patience.window_s, patience.window_bytes), note
        )

    def _note_failure(self, failure: GatewayFailed) -> None:
        is_first = not self._rest_s
        self._rest_s = min(2 * self._rest_s or _REST_S, _REST_MAX_S)
        self._until_s = asyncio.get_running_loop().time() + self._rest_s
        if is_first:
            _log.warning("daemon gives nothing and is left alone api=%s reason=%s", self.api, failure)

    def _note_answer(self, *, is_vain: bool) -> None:
        self._vain = self._vain + 1 if is_vain else 0
        if self._rest_s:
            self._rest_s = self._until_s = 0.0
            _log.info("daemon answers again api=%s", self.api)


@lru_cache(maxsize=8)
def find_daemon(api: str | None) -> IpfsDaemon | None:
    """The daemon at a multiaddr; None for None. One for all of a process, which remembers how it did.

    Raises UsageError.
    """
    return None if api is None else IpfsDaemon(api)
