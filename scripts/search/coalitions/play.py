"""A world being played: calls that are looked at, honest people who get their turn, time that passes."""

from dataclasses import dataclass
from random import Random
from typing import Final

from ledger.circle.history import Phase
from scripts.search.coalitions.goals import Watch
from scripts.search.coalitions.honest import sweep
from scripts.search.coalitions.twin import SearchTwin
from scripts.search.coalitions.world import Done, World
from tests.support.contract.machines import Moment
from tests.support.contract.twin.state import Foretold

# Honest people have acted by then: within 256 blocks, as they must.
BLOCKS_UNTIL_SWEEP: Final = 100


@dataclass
class Play:
    """A world being played."""

    world: World
    """What is played."""
    watch: Watch
    """What looks at it."""
    most: int
    """Bonded seats the coalition may have."""
    may_sleep: bool
    """Honest people may be away."""
    swept_in: int = 0
    """The block in which honest people had their last turn."""

    def take(self, done: Done) -> Foretold:
        """Make a call and look at what came of it. Raises Found."""
        before, world = self.world.facts(), self.world
        ghost = self._ghost() if done.call == "settle" else None
        foretold = world.take(done)
        if foretold.reason is None:
            self.watch.look(world, before, done, foretold.events)
            if ghost is not None:
                ghost[0].take(done.sender, done.call, done.arguments, done.value, Moment(world.now_s, world.block))
                self.watch.compare(world, ghost[0].reputations, ghost[1])
        return foretold

    def _ghost(self) -> tuple[SearchTwin, list[int]] | None:
        """The circle as it would be had those said nothing who must weigh nothing."""
        judges = self.watch.weighs_nothing(self.world)
        if not judges:
            return None
        twin = self.world.twin.copy()
        twin.said.update(dict.fromkeys(judges, (0, 0)))
        return twin, judges

    def by(self, sender: str, call: str, *arguments: object) -> Foretold:
        """A call with the wei that it asks for."""
        foretold = self.take(self.world.done(sender, call, *arguments))
        if self.world.block - self.swept_in > BLOCKS_UNTIL_SWEEP:
            self.sweep()
        return foretold

    def sweep(self) -> None:
        """Honest people who are awake act until there is nothing more to do."""
        for person in self.world.people:
            if person.is_asleep:
                person.slept_at = len(self.world.trace)
        sweep(self.world, self.take)
        self.swept_in = self.world.block

    def pass_to(self, until_s: int) -> None:
        """Time passes, from one deadline to the next; before each, and after it, honest people act."""
        while self.world.now_s < until_s:
            number = self.world.twin.number
            self.sweep()
            step = min([until_s, *self.world.deadlines()])
            if self.world.twin.number != number:
                # A round was opened: training for it takes a while.
                step = min(step, self.world.now_s + self.world.terms.commit_window_s // 2)
            if step >= self.world.twin.deadline_s > self.world.now_s:
                self.watch.waits(self.world)
            self.world.wait(seconds=step - self.world.now_s)
            self.watch.releases(self.world)
        self.sweep()

    def key_of(self, seat: int) -> str:
        """The hot key of a seat."""
        return self.world.twin.seats[seat].peer

    def anyone(self, chance: Random) -> str:
        """A key of the coalition, with a seat or without."""
        return chance.choice(self.world.schemers)

    def judged_round(self, chance: Random) -> int:
        """A round that may be disputed, most often the last one."""
        twin = self.world.twin
        last = twin.number if twin.phase == Phase.FINISHED else twin.number - 1
        return max(1, last - chance.choice([0, 0, 0, 1, 2]))

    # ------------------------------------------------------------------------------------------------ the clock

    def wait(self, chance: Random) -> None:
        """Time passes to something due, or a second more or less."""
        if due := self.world.deadlines():
            until = chance.choice([due[0], due[0], chance.choice(due)]) + chance.choice([-1, 0, 0, 0, 1])
            self.pass_to(max(self.world.now_s, until))

    def wait_long(self, chance: Random) -> None:
        """Time passes to the last thing due."""
        if due := self.world.deadlines():
            self.pass_to(due[-1])

    def blocks(self, chance: Random) -> None:
        """Blocks go by."""
        self.sweep()
        self.world.wait(blocks=chance.choice([1, 100, 254, 255, 256]))
        self.sweep()
