"""A chain in memory that changes its mind: a circle's events in blocks, taken back and mined again elsewhere."""

from random import Random

from ledger.chain.circle import BlockMark
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.rpc.client import RpcFault
from ledger.circle.events import Ejected, Equivocated, Event, Joined, Left, Moved
from tests.support.histories.parts import endpoint, fold
from tests.support.histories.stories import Story


def held_after(events: list[Event]) -> list[int]:
    """The seats that are held after these events, in order."""
    seats = set()
    for event in events:
        if isinstance(event, Joined):
            seats.add(event.seat)
        elif isinstance(event, Left | Ejected | Equivocated):
            seats.discard(event.seat)
    return sorted(seats)


class ForkedChain:
    """Source of a tracker. Blocks hold the events of a story in order, and peers that move in between.

    unrest: how likely the chain changes before it answers, per question. lag: blocks it does not know yet.
    asked: the methods asked since the beginning.
    """

    FIRST = 7

    def __init__(self, number: int) -> None:
        self.story, self._random = Story(number), Random(number)
        self.terms = self.story.terms
        self.unrest, self.lag = 0.0, 0
        self.asked: list[str] = []
        self._blocks: list[tuple[str, list[Event]]] = [("0x" + f"{index:064x}", []) for index in range(self.FIRST)]
        self._forks = 0
        self.mine(1)

    # ---- what happens to it

    def mine(self, events: int, moves: int = 0) -> None:
        """One more block with the next of the story's events, and peers that move to where nobody was."""
        told = sum(not isinstance(event, Moved) or event in self.story.events for event in self.events())
        content: list[Event] = list(self.story.events[told : told + events])
        self._forks += 1
        seats = held_after(self.events() + content)
        content += [
            Moved(self._random.choice(seats), f"{endpoint(self._forks)}#{n}") for n in range(moves) if seats
        ]
        self._blocks.append((f"0x{self._forks:032x}{len(self._blocks):032x}", content))

    def reorganise(self, depth: int) -> None:
        """Take blocks back and mine as many and one."""
        depth = min(depth, len(self._blocks) - self.FIRST - 1)
        del self._blocks[len(self._blocks) - depth :]
        for _ in range(depth + 1):
            self.mine(self._random.randrange(3), self._random.randrange(2))

    def cut(self, depth: int) -> None:
        """Take blocks back and mine none."""
        del self._blocks[len(self._blocks) - min(depth, len(self._blocks) - self.FIRST - 1) :]

    def events(self, last: int | None = None) -> list[Event]:
        stop = len(self._blocks) if last is None else last + 1
        return [event for _, content in self._blocks[:stop] for event in content]

    # ---- what it answers

    def fetch_head(self) -> int:
        self._ask("head")
        return len(self._blocks) - 1 - self.lag

    def fetch_mark(self, number: int) -> BlockMark | None:
        self._ask("mark")
        return BlockMark(number, self._blocks[number][0]) if number < len(self._blocks) - self.lag else None

    def fetch_events(self, first: int, last: int) -> list[PlacedEvent]:
        self._ask("logs")
        return self._logs(first, min(last, len(self._blocks) - 1 - self.lag))

    def fetch_events_to_head(self, first: int) -> list[PlacedEvent]:
        self._ask("logs_to_head")
        if first >= len(self._blocks) - self.lag:
            raise RpcFault("fork", "eth_getLogs", -32000, "invalid block range params", None)
        return self._logs(first, len(self._blocks) - 1 - self.lag)

    def fetch_history_hash(self, block: int) -> bytes:
        self._ask("history_hash")
        if block >= len(self._blocks) - self.lag:
            raise RpcFault("fork", "eth_call", -32000, "header not found", None)
        return fold(self.terms, self.events(block)).hash

    def _logs(self, first: int, last: int) -> list[PlacedEvent]:
        found = []
        for number in range(first, last + 1):
            block_hash, content = self._blocks[number]
            found += [PlacedEvent((number, index), block_hash, "0x", event) for index, event in enumerate(content)]
        return found

    def _ask(self, method: str) -> None:
        self.asked.append(method)
        if self._random.random() < self.unrest:
            if self._random.random() < 0.5:
                self.reorganise(self._random.randrange(1, 12))
            else:
                self.mine(self._random.randrange(4), self._random.randrange(2))
