"""eth_getLogs of one contract, in pieces as large as the endpoint bears."""

import logging
from itertools import pairwise
from typing import Any, Final

from ledger.chain.logs import LogDecoder, RawLog
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Nonsense
from ledger.chain.rpc.client import AnswerLost, BadAnswer, Rpc, RpcFault

_log = logging.getLogger(__name__)
# Endpoints draw the line at 500 to 10,000 blocks, or at so many results or bytes; each says so in its own words.
FIRST_BLOCKS: Final = 2_000
MOST_BLOCKS: Final = 50_000
# Some two billion: an endpoint that claims more would have us ask for ever.
MOST_SPAN: Final = 1 << 31
# More than any honest answer of ours holds in a piece: 256 seats leave some 600 logs a round.
MOST_LOGS: Final = 20_000
_PARSE_ERROR, _METHOD_NOT_FOUND = -32700, -32601


class LogReader:
    """One contract's logs behind one endpoint, which remembers how many blocks that endpoint bears. Blocking."""

    def __init__(self, rpc: Rpc, address: str, decoder: LogDecoder) -> None:
        self._rpc, self._address, self._decoder = rpc, address, decoder
        self._blocks = FIRST_BLOCKS

    def read(self, first: int, last: int) -> list[PlacedEvent]:
        """The logs of these blocks, both included, in order, none left out and none twice.

        Raises ChainUnreachable, or RpcFault where the endpoint refuses even a single block.
        """
        if last - first > MOST_SPAN:
            raise RpcFault(
                self._rpc.url, "eth_getLogs", 0, f"a chain of {last} blocks is more than can be read", None
            )
        logs: list[PlacedEvent] = []
        while first <= last:
            until = min(first + self._blocks - 1, last)
            try:
                piece = self._ask(first, until, hex(until))
            except AnswerLost as error:
                # Too large, or too slow in coming: less is asked for.
                if not error.is_heavy or until == first:
                    raise
                self._blocks = max(1, (until - first + 1) // 4)
                continue
            except RpcFault as fault:
                self._shrink(fault, until - first + 1)
                continue
            logs += piece
            first = until + 1
            # Slowly up, so that a limit just found is not run into at every other piece.
            self._blocks = min(MOST_BLOCKS, self._blocks + self._blocks // 4 + 1)
        return logs

    def read_to_head(self, first: int) -> list[PlacedEvent]:
        """The logs from a block to the newest one. One request where the endpoint bears it. Raises like `read`."""
        try:
            return self._ask(first, None, "latest")
        except (RpcFault, AnswerLost) as fault:
            head = self._rpc.fetch_head()
            if head <= first or (isinstance(fault, AnswerLost) and not fault.is_heavy):
                raise
            if isinstance(fault, RpcFault):
                self._shrink(fault, head - first + 1)
            return self.read(first, head)

    def _shrink(self, fault: RpcFault, blocks: int) -> None:
        """Ask for half as many from now on. Raises the fault again where that cannot help."""
        if blocks <= 1 or isinstance(fault, BadAnswer) or fault.code in (_PARSE_ERROR, _METHOD_NOT_FOUND):
            raise fault
        self._blocks = max(1, blocks // 2)
        _log.debug("range of logs refused blocks=%d next=%d reason=%s", blocks, self._blocks, fault.message)

    def _ask(self, first: int, last: int | None, to_block: str) -> list[PlacedEvent]:
        query: dict[str, Any] = {"address": self._address, "fromBlock": hex(first), "toBlock": to_block}
        return self._rpc.request("eth_getLogs", [query], lambda raw: self._parse(raw, first, last))

    def _parse(self, raw: Any, first: int, last: int | None) -> list[PlacedEvent]:
        """An answer's events in order. Raises Nonsense."""
        if isinstance(raw, list) and len(raw) > MOST_LOGS:
            raise RpcFault(self._rpc.url, "eth_getLogs", 0, f"{len(raw)} logs at once", None)
        logs = answers.parse_shape(raw, list[RawLog])
        for log in logs:
            _check(log, self._address, first, last)
        found = sorted((self._decoder.decode_placed(log) for log in logs), key=lambda placed: placed.position)
        for before, place in pairwise(found):
            if before.position == place.position:
                raise Nonsense(f"log {place.position} is listed twice")
            if before.position[0] == place.position[0] and before.block_hash != place.block_hash:
                raise Nonsense(f"block {place.position[0]} has two hashes")
        return found


def _check(log: RawLog, address: str, first: int, last: int | None) -> None:
    """[REJECT] What was not asked for: another contract's, of another block, or of a block taken back."""
    number = log.position[0]
    if log.address.lower() != address.lower():
        raise Nonsense(f"a log of {log.address[:42]!r} among {address}'s")
    if number < first or (last is not None and number > last):
        raise Nonsense(f"a log of block {number} for blocks {first} to {last or 'latest'}")
    if log.removed:
        raise Nonsense(f"log {log.position}, which it calls removed")
