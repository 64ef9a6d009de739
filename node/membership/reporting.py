"""One event a round, made beside the next one: its figures take time, and nobody waits for them."""

import asyncio
from collections.abc import Callable, Mapping

from ledger.arithmetic.exact import GridState
from ledger.circle.history import Round
from ledger.judging.screening import RoundVerdicts
from node.learning.private.budget import Spending
from node.membership.parts import Worker
from node.operating.merit import find_directions
from node.seat.round_events import SeatReporter


class RoundReports:
    """One peer's, in the order of the rounds."""

    def __init__(self, teller: SeatReporter, worker: Worker) -> None:
        self._teller, self._worker = teller, worker
        self._task: asyncio.Task[None] | None = None

    async def begin(
        self,
        round_: Round,
        seat: int,
        screened: RoundVerdicts,
        evaluate: Callable[[GridState], dict[str, float]],
        compute_spending: Callable[[], Spending | None],
        told: Mapping[str, str],
    ) -> None:
        """Report a round that was attested in, once the report before is done.

        evaluate: gives a base's figures. compute_spending: says where the budget of privacy stands. told: what the
        task says of its figures' directions.
        """

        async def report() -> None:
            figures = await self._worker.run(lambda: evaluate(screened.carried.base))
            spending = await self._worker.run(compute_spending)
            await self._teller.report_round(
                round_, seat, screened, figures, find_directions(figures, told), spending
            )

        await self.finish()
        self._task = asyncio.create_task(report())

    async def finish(self) -> None:
        """Wait for what is under way."""
        if self._task is not None:
            await self._task

    def close(self) -> None:
        """Wait for nothing more."""
        if self._task is not None:
            self._task.cancel()
