"""eth_getLogs of one contract, in pieces as large as the endpoint bears."""

import logging
from typing import Any, Final

from ledger.chain.logs import MalformedLog, RawLog
from ledger.chain.rpc import ChainUnreachable, Rpc, RpcFault

_log = logging.getLogger(__name__)
# Endpoints draw the line at 500 to 10,000 blocks, or at so many results or bytes; each says so in its own words.
FIRST_BLOCKS: Final = 2_000
MOST_BLOCKS: Final = 50_000
# More than any honest answer of ours holds in a piece: 256 seats leave some 600 logs a round.
MOST_LOGS: Final = 20_000
_PARSE_ERROR, _METHOD_NOT_FOUND = -32700, -32601


class LogReader:
    """One contract's logs behind one endpoint, which remembers how many blocks that endpoint bears. Blocking."""

    def __init__(self, rpc: Rpc, address: str) -> None:
        self._rpc, self._address = rpc, address
        self._blocks = FIRST_BLOCKS

    def read(self, first: int, last: int) -> list[RawLog]:
        """The logs of these blocks, both included, in order, none left out and none twice.

        Raises ChainUnreachable, MalformedLog, or RpcFault where the endpoint refuses even a single block.
        """
        logs: list[RawLog] = []
        while first <= last:
            until = min(first + self._blocks - 1, last)
            try:
                piece = self._ask(first, until, hex(until))
            except ChainUnreachable:
                # Perhaps the answer was too large or took too long: whoever tries again asks for less.
                self._blocks = max(1, (until - first + 1) // 2)
                raise
            except RpcFault as fault:
                self._shrink(fault, until - first + 1)
                continue
            logs += piece
            first = until + 1
            # Slowly up, so that a limit just found is not run into at every other piece.
            self._blocks = min(MOST_BLOCKS, self._blocks + self._blocks // 4 + 1)
        return logs

    def read_to_head(self, first: int) -> list[RawLog]:
        """The logs from a block to the newest one. One request where the endpoint bears it. Raises like `read`."""
        try:
            return self._ask(first, None, "latest")
        except RpcFault as fault:
            head = self._rpc.number("eth_blockNumber")
            if head <= first:
                raise
            self._shrink(fault, head - first + 1)
            return self.read(first, head)

    def _shrink(self, fault: RpcFault, blocks: int) -> None:
        """Ask for half as many from now on. Raises the fault again where that cannot help."""
        if blocks <= 1 or fault.code in (_PARSE_ERROR, _METHOD_NOT_FOUND):
            raise fault
        self._blocks = max(1, blocks // 2)
        _log.debug("getLogs refused blocks=%d next=%d reason=%s", blocks, self._blocks, fault.message)

    def _ask(self, first: int, last: int | None, to_block: str) -> list[RawLog]:
        query: dict[str, Any] = {"address": self._address, "fromBlock": hex(first), "toBlock": to_block}
        logs = self._rpc.request("eth_getLogs", [query], list[RawLog])
        if len(logs) > MOST_LOGS:
            raise RpcFault(self._rpc.url, "eth_getLogs", 0, f"{len(logs)} logs at once", None)
        ordered = sorted(logs, key=lambda log: log.position)
        for before, log in zip([None, *ordered], ordered, strict=False):
            _check(log, self._address, first, last)
            if before is not None and before.position == log.position:
                raise MalformedLog(f"the endpoint lists log {log.position} twice")
        return ordered


def _check(log: RawLog, address: str, first: int, last: int | None) -> None:
    """[REJECT] What was not asked for: another contract's, of another block, or of a block taken back."""
    number = log.position[0]
    if log.address.lower() != address.lower():
        raise MalformedLog(f"the endpoint lists a log of {log.address[:42]!r} among {address}'s")
    if number < first or (last is not None and number > last):
        raise MalformedLog(f"the endpoint lists a log of block {number} for blocks {first} to {last or 'latest'}")
    if log.removed:
        raise MalformedLog(f"the endpoint lists log {log.position}, which it calls removed")
