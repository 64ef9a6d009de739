"""Dialling members back who ask for it: at the endpoint that the chain names for them, and nowhere else."""

import asyncio
from collections.abc import Callable

from ledger.errors import NotYet
from node.gossip.limits import Limits
from node.gossip.messages import MAX_SEATS, DialBack, DialledBack
from node.gossip.prober import Prober
from node.gossip.reach import endpoint_digest


class Witness:
    """Answers questions to dial back. Nobody can be made to dial an address that is not its asker's on chain, nor
    any address oftener than `dial_back_s` says.

    endpoint_of: the text that the chain names for an address, None for one without a seat.
    """

    def __init__(self, endpoint_of: Callable[[str], str | None], prober: Prober, limits: Limits) -> None:
        self._endpoint_of, self._prober, self._limits = endpoint_of, prober, limits
        self._asked_at: dict[str, float] = {}
        self._dialling: set[asyncio.Task[None]] = set()

    def take_question(self, peer: str, question: DialBack, answer: Callable[[DialledBack], None]) -> None:
        """Begin to dial a peer back; answer: called with what came of it (R18).

        Raises NotYet where the chain names another endpoint here, or it asked a short while ago, or too many ask.
        """
        now = asyncio.get_running_loop().time()
        text = self._endpoint_of(peer)
        if text is None or endpoint_digest(text) != question.endpoint:
            raise NotYet(f"the chain names another endpoint for {peer}")
        if now - self._asked_at.get(peer, float("-inf")) < self._limits.dial_back_s:
            raise NotYet(f"{peer} was dialled back a short while ago")
        if len(self._dialling) >= self._limits.dial_back_parallel:
            raise NotYet("others are being dialled back")
        self._note(peer, now)
        task = asyncio.create_task(self._dial(peer, text, answer))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    async def close(self) -> None:
        """End what is under way."""
        dialling = list(self._dialling)
        for task in dialling:
            task.cancel()
        await asyncio.gather(*dialling, return_exceptions=True)

    def _note(self, peer: str, now: float) -> None:
        self._asked_at.pop(peer, None)
        self._asked_at[peer] = now
        while len(self._asked_at) > 2 * MAX_SEATS:
            del self._asked_at[next(iter(self._asked_at))]

    async def _dial(self, peer: str, text: str, answer: Callable[[DialledBack], None]) -> None:
        reached = await self._prober.probe_both(text, peer)
        answer(DialledBack(endpoint_digest(text), reached.gossip, reached.gateway))
