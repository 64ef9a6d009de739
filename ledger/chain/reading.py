"""A circle's history read once and whole: what commands and audits begin with.

Everything is tied to one block: the logs go up to it, the contract's running hash is that of its end, and it is
still the same block afterwards. What does not fit is read again and elsewhere first: logs that an endpoint has not
indexed yet, an answer of another machine behind the same address, a reorganisation in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.chain.circle import BlockMark, Circle, wait_for_block
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.rpc.client import ChainUnreachable
from ledger.chain.rpc.patience import insist
from ledger.circle.history import History, HistoryFault
from ledger.circle.manifest import MalformedManifest


class OtherHash(HistoryFault):
    """The events fold to another hash than the contract's. anchored, folded: the two."""

    def __init__(self, anchored: bytes, folded: bytes) -> None:
        super().__init__("the endpoint's events are not the ones the contract wrote: ask another endpoint")
        self.anchored, self.folded = anchored, folded


class Unsettled(ChainUnreachable):
    """The chain changed while it was read."""


@dataclass(frozen=True)
class Reading:
    """A circle as it was at the end of one block."""

    history: History
    """What the events fold to."""
    placed: list[PlacedEvent]
    """The events, in order."""
    mark: BlockMark
    """The block."""

    def check_still_there(self, circle: Circle) -> None:
        """Raises Unsettled where the block was taken back."""
        _check_still_there(circle, self.mark)


class KnownEvents:
    """A circle's events as the last reading had them: the next one asks for the blocks behind its block alone."""

    def __init__(self) -> None:
        self._last: Reading | None = None

    def fetch(self, circle: Circle, first_block: int, head: int) -> list[PlacedEvent]:
        """The events of these blocks, both included, in order; all anew where the last time's block is gone."""
        last = self._last
        if last is None or last.mark.number > head or circle.fetch_mark(last.mark.number) != last.mark:
            return circle.fetch_events(first_block, head)
        if last.mark.number == head:
            return last.placed
        return [*last.placed, *circle.fetch_events(last.mark.number + 1, head)]

    def keep(self, reading: Reading) -> None:
        """Of a reading whose events were held against the contract's hash."""
        self._last = reading

    def forget(self) -> None:
        """The next reading begins anew."""
        self._last = None


def read_history(circle: Circle, first_block: int, since: int = 0, known: KnownEvents | None = None) -> Reading:
    """A circle's events up to the newest block, folded.

    first_block: where it opened, or earlier. since: a block that has to be in it, e.g. a call's own. known: of an
    earlier reading from the same block on; what is read now is kept there.
    Raises ChainUnreachable, RpcFault, and HistoryFault (OtherHash) where patience does not help.
    """
    faults = (HistoryFault, MalformedManifest, Unsettled)
    return insist(
        circle.rpc,
        lambda: _read(circle, first_block, since, known or KnownEvents()),
        faults,
        circle.rpc.patience.fault_s,
    )


def _read(circle: Circle, first_block: int, since: int, known: KnownEvents) -> Reading:
    head = wait_for_block(circle.rpc, max(first_block, since))
    mark = circle.fetch_mark(head)
    if mark is None:
        raise _make_unsettled_error(circle)
    placed = known.fetch(circle, first_block, head)
    try:
        history = _fold(circle, placed, head)
    except (HistoryFault, MalformedManifest):
        known.forget()
        # In between the chain may have changed: then nobody told anything wrong.
        _check_still_there(circle, mark)
        raise
    _check_still_there(circle, mark)
    known.keep(reading := Reading(history, placed, mark))
    return reading


def _fold(circle: Circle, placed: Sequence[PlacedEvent], head: int) -> History:
    history = History(circle.terms)
    for place in placed:
        history.apply(place.event)
    anchored = circle.fetch_history_hash(head)
    if anchored != history.hash:
        raise OtherHash(anchored, history.hash)
    if history.opened is None or history.opened.task != circle.task:
        raise HistoryFault("the endpoint's events do not begin with the circle's opening: ask another endpoint")
    return history


def _check_still_there(circle: Circle, mark: BlockMark) -> None:
    if circle.fetch_mark(mark.number) != mark:
        raise _make_unsettled_error(circle)


def _make_unsettled_error(circle: Circle) -> Unsettled:
    return Unsettled(f"the chain at {circle.rpc.url} does not hold still: wait until it does, or correct --rpc")
