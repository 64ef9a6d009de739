"""A model taken out of a circle: recomputed from chain and blobs, with what names it (R31)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger.blobs.contents.records import state_digest
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import Opened, Settled
from ledger.circle.history import History
from ledger.circle.manifest import Tensor
from ledger.errors import UsageError
from ledger.identity.network import Network
from ledger.judging.circle_model import compute_lineage, find_history_after, find_last_settled
from node.duties.circle_model import ModelState, recompute_seat_base, recompute_state
from node.duties.jury import FetchBlobs
from node.models.metadata import ModelFacts


@dataclass(frozen=True)
class Source:
    """A circle as the chain tells of it, and where its blobs come from."""

    network: Network
    """Its name."""
    history: History
    """Its events, folded."""
    blocks: Mapping[int, tuple[int, str]]
    """Round → number and hash of the block with its settlement; 0 → those of the block with the opening."""
    fetch: FetchBlobs
    """Gives its blobs."""

    @property
    def layout(self) -> tuple[Tensor, ...]:
        """Of its models."""
        return self.history.manifest.layout

    async def recompute(self, number: int, seat: int | None) -> ModelState:
        """The circle's model of a settled round, or a seat's base. Raises as `recompute_model`, and UsageError."""
        self.check_there(number, seat)
        domain = self.network.domain_separator
        if seat is None:
            return await recompute_state(self.history, domain, number, self.fetch)
        return await recompute_seat_base(self.history, domain, number, seat, self.fetch)

    def check_there(self, number: int, seat: int | None) -> None:
        """Raises UsageError for a round that is not settled, or a seat that is none."""
        last = find_last_settled(self.history)
        if not 0 <= number <= last:
            raise UsageError(f"round {number} is not settled: name one of 0..{last}")
        if seat is not None and seat not in self.history.seats:
            newest = max(self.history.seats, default=0)
            raise UsageError(f"the circle has no seat {seat}: its seats are 0..{newest}")

    def make_facts(self, found: ModelState) -> ModelFacts:
        """What names a model of this circle."""
        manifest, opened = self.history.manifest, self.history.opened
        assert opened is not None
        after = find_history_after(self.history, found.round)
        block, block_hash = self.blocks[found.round]
        return ModelFacts(
            chain_id=self.network.chain_id,
            contract=self.network.contract.lower(),
            round=found.round,
            seat=found.seat,
            seats=found.seats,
            digest=state_digest(found.state),
            history=after,
            lineage=compute_lineage(self.network.domain_separator, opened.task, found.round, after),
            block=block,
            block_hash=block_hash,
            task=opened.task,
            task_name=manifest.task,
            genesis=manifest.genesis,
            frozen=manifest.frozen,
            exponents=tuple(tensor.exponent for tensor in manifest.layout),
        )


def find_blocks(placed: Iterable[PlacedEvent]) -> dict[int, tuple[int, str]]:
    """Round → number and hash of the block with its settlement; 0 → those of the block with the opening."""
    found: dict[int, tuple[int, str]] = {}
    for one in placed:
        if isinstance(one.event, Opened):
            found[0] = one.position[0], one.block_hash
        elif isinstance(one.event, Settled):
            found[one.event.round] = one.position[0], one.block_hash
    return found
