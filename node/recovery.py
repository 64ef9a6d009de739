"""Where a peer starts from: the circle's genesis, its own saved state, and what the chain says happened since."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import numpy as np

from ledger.blobs.fetch import Unavailable
from ledger.blobs.unixfs import build
from ledger.errors import PeerFault, SetupError
from ledger.exact import State
from ledger.history import History, Round
from ledger.records import decode_genesis, update_max_bytes
from ledger.replay import blobs_needed, replay
from node.blobs.store import BlockStore
from node.exchange import Exchange
from node.state import PeerState, StateFile

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_TIMEOUT_S: Final = 60.0

Work = Callable[[Callable[[], _T]], Awaitable[_T]]


def confirmed(state: PeerState, history: History, seat: int) -> PeerState:
    """The state once a pending commit is found on chain; the very same object if there is nothing new."""
    pending = state.commit
    if pending is None or pending.round > len(history.rounds):
        return state
    is_on_chain = history.rounds[pending.round - 1].commits.get(seat) == pending.digest
    return state.with_commit_confirmed() if is_on_chain else state


class Recovery:
    """Rebuilds one seat's state. Blobs come from the peer's own store first, then from the other members."""

    def __init__(self, history: History, network: bytes, seat: int, store: BlockStore, exchange: Exchange) -> None:
        self._history, self._network, self._seat = history, network, seat
        self._store, self._exchange = store, exchange
        self._max_bytes = update_max_bytes(history.manifest)

    async def genesis(self, own: bytes) -> State:
        """The state all start from. own: the genesis blob as this machine makes it. Raises SetupError."""
        digest = self._history.manifest.genesis_digest
        if build(own).root == digest:
            self._store.put(own)
        elif not self._store.has(digest):
            await self._fetch_genesis(digest)
        return decode_genesis(self._store.get(digest, self._max_bytes), self._history.manifest)

    async def state(self, genesis: State, file: StateFile) -> PeerState:
        """The saved state brought up to the chain, or one rebuilt from the blobs. Raises SetupError."""
        saved = file.load(self._network, self._history.manifest.parameters)
        state = saved or PeerState(self._network, genesis, 0, np.zeros(genesis.shape, np.float32))
        state = confirmed(state, self._history, self._seat)
        for round_ in self._history.rounds:
            if round_.number > state.base_round and self._seat in round_.attestations:
                state = await self._replayed(state, round_)
        return state

    async def _fetch_genesis(self, digest: bytes) -> None:
        """Another release of torch draws other initial values: then the state comes from those who have it."""
        try:
            found = await self._exchange.blobs(
                self._history, {digest: 0}, max_bytes=self._max_bytes, timeout_s=_TIMEOUT_S
            )
        except Unavailable as error:
            raise SetupError(
                "this machine's torch draws another initial state than the circle's and no member serves it: "
                "check --task and its options, or start again when another member is up"
            ) from error
        if found[digest] is None:
            raise SetupError(
                "the circle's initial state makes no blob: nobody can take part, ask for another circle"
            )

    async def _replayed(self, state: PeerState, round_: Round) -> PeerState:
        _log.info("rebuilding base round=%d", round_.number)
        needed = {digest: seat for seat, digest in blobs_needed(round_, self._seat).items()}
        try:
            blobs = await self._exchange.blobs(
                self._history, needed, max_bytes=self._max_bytes, timeout_s=_TIMEOUT_S
            )
            screened = await asyncio.to_thread(
                replay, self._history, self._network, round_, self._seat, state.base, blobs
            )
        except (Unavailable, PeerFault) as error:
            raise SetupError(
                f"the state after round {round_.number} cannot be rebuilt ({error}): start again when the other "
                "members are up, or put back the peer's own data folder"
            ) from error
        return PeerState(self._network, screened.next_base, round_.number, state.residual, state.commit)
