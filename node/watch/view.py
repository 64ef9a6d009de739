"""One moment of a circle, as providers see it: nothing in it changes while they read."""

from dataclasses import dataclass

from ledger.chain.placed_event import PlacedEvent
from ledger.circle.draw import seats_of
from ledger.circle.history import History, Phase
from node.watch.block_times import BlockTimes
from node.watch.event_log import LogSlice


@dataclass(frozen=True)
class View:
    """A circle at the end of one block. Any thread may read it."""

    changes: int
    """How often the history has changed so far."""
    history: History
    """What the events fold to, as the contract's running hash confirms."""
    log: LogSlice
    """The events with their places in the chain."""
    times: BlockTimes
    """When blocks were made, as far as that is known."""
    block: int
    """The newest block that is known to be in it."""
    deadline_s: int | None
    """Until when the phase lasts, Unix seconds; None where no clock runs or nobody said."""

    def list_round(self, number: int) -> list[PlacedEvent]:
        """The events while a round was under way, its settlement included; 0 for those before the first."""
        return self.log.list_round(number)

    def find_time(self, block: int) -> int | None:
        """When a block was made, Unix seconds; None where it is not known yet."""
        return self.times.find(block)

    def find_bounds(self, block: int) -> tuple[int, int] | None:
        """Between which times a block was made whose own is not to be had; None where it is, or may come yet."""
        return self.times.find_bounds(block)

    def list_waited_for(self) -> list[int]:
        """The seats that the phase under way waits for."""
        history, round_ = self.history, self.history.round
        if round_ is None:
            return []
        if history.phase == Phase.COMMIT:
            return seats_of(history.roster & ~round_.committed)
        if history.phase == Phase.ATTEST:
            return [seat for seat in seats_of(round_.committed & history.members) if seat not in round_.heard]
        return []
