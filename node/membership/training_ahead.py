"""Training for the next round beside this one, where the seat has no part in it."""

import asyncio
import logging

from ledger.errors import SetupError
from node.learning.lean import LOOKED_BACK, Verdicts
from node.learning.learner import Learner
from node.membership.own_state import OwnState
from node.membership.parts import PeerParts
from node.state.peer_state import Base

_log = logging.getLogger(__name__)


class TrainingAhead:
    """One seat's."""

    def __init__(self, parts: PeerParts, own: OwnState, learner: Learner) -> None:
        self._parts, self._own, self._learner = parts, own, learner
        self._task: asyncio.Task[None] | None = None
        self._begun_from: Base | None = None

    def begin(self) -> None:
        """Once for each base, one at a time: what comes out is kept until it is wanted."""
        state, history = self._own.state, self._parts.history
        is_busy = self._task is not None and not self._task.done()
        if state.base is self._begun_from or history.round is None or is_busy:
            return
        self._begun_from, number = state.base, history.round.number + 1
        residual = state.residual_for(number, history, self._own.seat)
        origin = self._parts.services.exchange.states.origin
        verdicts = Verdicts.of(history.rounds[-LOOKED_BACK - 1 : -1], self._own.seat)

        def train() -> None:
            self._learner.train_ahead(number, state.base.state, residual, origin, verdicts)

        async def run() -> None:
            try:
                await self._parts.worker.run(train)
            except SetupError as fault:
                # It is raised again when the update is made, and told then.
                _log.info("not trained ahead round=%d reason=%s", number, fault)
            else:
                _log.info("trained ahead round=%d", number)

        self._task = asyncio.create_task(run())

    def close(self) -> None:
        """Wait for nothing more."""
        if self._task is not None:
            self._task.cancel()
