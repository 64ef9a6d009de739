"""How one peer is to be run."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ledger.chain.transactions.sender import FeeLimits
from ledger.codec import SENT_SHARE
from ledger.privacy.accountant import Charge
from node.duties.watcher import WATCH_SHARE
from node.learning.crew import Crew
from node.learning.layout import Layout
from node.operating.data_folder import DataFolder
from node.operating.listening import Listening
from node.seat.seating import JoinRequest


@dataclass(frozen=True)
class PeerConfig:
    """Where a peer keeps its data and listens, and how it follows the chain."""

    folder: DataFolder
    """Where it keeps its data."""
    listening: Listening = field(default_factory=Listening)
    """Where it listens."""
    name: str | None = None
    """What its seat calls itself; empty for nothing, None for what it has called itself so far."""
    seat: int | None = None
    """Join only when this seat is the next free one, so that who sits where is known."""
    take_over: bool = False
    """Serve the seat although another process with this key does."""
    confirmations: int = 0
    """How many blocks must lie on top of an event's before the peer acts on it."""
    ws_url: str | None = None
    """The chain's WebSocket, to be woken by."""
    max_fee_wei: int = FeeLimits().max_fee_wei
    """Never offered more per gas."""
    join_request: JoinRequest = field(default_factory=JoinRequest)
    """What it joins with."""
    sent_share: float = SENT_SHARE
    """Of its values, what a delta frame sends."""
    make_crew: Callable[[Layout, int, int], Crew] | None = None
    """Given layout, seat and seats: the processes that train for it. None where it trains by itself."""
    watch_share: float = WATCH_SHARE
    """Of one core's time, for recomputing what others said."""
    dispute_budget_wei: int | None = None
    """What may be at stake in claims at a time; None for BUDGET_BONDS of the circle's dispute bonds."""
    privacy_budget_milli: int | None = None
    """Epsilon that the peer holds itself to, in thousandths; None for the circle's."""
    privacy_earlier: tuple[Charge, ...] = ()
    """What was spent on the same data in other circles."""
    genesis: bytes | None = None
    """The circle's genesis blob, where it came with the circle file."""
    archive: bool = False
    """Keep all blobs for ever, not only those that somebody may ask this seat for."""
    train_in_full: bool = False
    """Never end a round's training early, however long the others have been waiting."""
    fail_at: Callable[[int, str], None] = lambda *_: None
    """Told of each round and step; for tests, which end the process there."""
