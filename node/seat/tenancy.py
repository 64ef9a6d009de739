"""Which process acts for a seat: the one that moved its endpoint last (R16.1).

Two processes with one key, each with a folder and a journal of its own, would sooner or later sign two updates for
one round, and that costs the seat and its bond (R25). So a process moves the seat's endpoint only when it can serve
and nobody with its key answers at the present one; and one that finds another endpoint on chain stands by.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ledger.circle.history import History
from ledger.errors import SetupError
from ledger.identity.endpoints import Endpoint, Origin, find_endpoint, show_addresses
from node.follower import Follower, Overtaken
from node.gossip.prober import FoundPeer
from node.operating.notices import Notice, Notices

_log = logging.getLogger(__name__)
# Two processes that cannot reach each other would otherwise take the endpoint from each other for ever.
_TAKEN_BACK_MAX: Final = 3
_LAG_S: Final = 10
# How often it is asked who is at another endpoint, while another one is on chain.
_ASK_S: Final = 15.0

Who = Callable[[Origin], Awaitable[FoundPeer]]


class KeyInUse(SetupError):
    """Another process with this key serves its seat."""


class Action(Enum):
    """What a process does that finds another endpoint than its own on chain."""

    STAY = "it is this process under another name"
    TAKE = "nobody with this key answers there"
    STAND_BY = "another process with this key answers there"


def decide(found: FoundPeer, own: str, *, may_take: bool) -> Action:
    """found: who answers at the endpoint on chain. own: this node's address. may_take: whether it may move it."""
    if found.peer == own:
        return Action.STAY if found.is_self else Action.STAND_BY
    return Action.TAKE if may_take else Action.STAND_BY


@dataclass(frozen=True)
class _Named:
    """What the chain names for a seat: the text, and how many there have been in its tenure.

    Two processes may have one text, where a name leads to this one today and to that one tomorrow: the number tells
    their moves apart.
    """

    text: str
    number: int


@dataclass
class _Away:
    """Another process's endpoint is on chain, or may be."""

    named: _Named
    """That endpoint."""
    asked_at: float = float("-inf")
    """When it was asked last who is there, by the clock."""
    is_told: bool = False
    """The operator was told."""
    stands_by: bool = False
    """This process waits, and does not serve the seat."""


@dataclass
class Tenancy:
    """One process's hold of its key's seat."""

    follower: Follower
    """Follows the chain, and moves the endpoint."""
    who: Who
    """Asks who answers at a gossip address."""
    rest: Callable[[bool], None]
    """With True, has gossip keep no links."""
    notices: Notices
    """Tell the operator."""
    take_over: bool = False
    """Move the endpoint whoever answers at the present one."""
    clock: Callable[[], float] = time.monotonic
    """Seconds."""
    _own: _Named | None = None
    _taken_back: int = 0
    _unseen: _Named | None = None
    _away: _Away | None = None

    @property
    def is_away(self) -> bool:
        """Another endpoint is on chain: this process makes no calls but to finish a round it has committed to."""
        return self._away is not None

    @property
    def _address(self) -> str:
        return self.follower.sender.address

    @property
    def _history(self) -> History:
        return self.follower.history

    def is_named(self, history: History, seat: int) -> bool:
        """Whether the chain names this process, so that what it has made may be sent (R16.1)."""
        return _find_named(history, seat) == self._own

    async def check_free(self) -> None:
        """Before anything listens. Raises KeyInUse where another process with this key serves its seat."""
        seat = self._history.seat_of(self._address)
        if seat is not None and not self.take_over:
            await self._check_unanswered(seat)

    async def settle(self, seat: int, endpoint: Endpoint, *, is_new: bool) -> None:
        """This process can serve: have the chain name its endpoint. Raises KeyInUse, and what a call raises.

        is_new: it has just come by the seat. Otherwise it moves also where the text stays as it is: another process
        may have the same, and learns by the move that it is displaced.
        """
        named = _find_named(self._history, seat)
        self._own = named if is_new and named.text == endpoint.text else None
        while self._own is None:
            if not self.take_over:
                await self._check_unanswered(seat)
            await self._move(seat, endpoint)
        self.take_over = False

    async def holds(self, seat: int, endpoint: Endpoint, *, is_finishing: bool) -> bool:
        """Whether this process is to act for its seat now.

        is_finishing: it committed to the round under way, so that nobody else can attest in it.
        """
        named = _find_named(self._history, seat)
        if named == self._own:
            if self._away is not None:
                self._come_back(seat, named.text)
            return True
        if self._away is None or self._away.named != named:
            self._away = _Away(named)
        if self.clock() - self._away.asked_at >= _ASK_S:
            self._away.asked_at = self.clock()
            await self._ask(seat, endpoint, self._away)
        if self._away is not None and not is_finishing:
            self.rest(True)
        return self._away is None or is_finishing

    async def _ask(self, seat: int, endpoint: Endpoint, away: _Away) -> None:
        text = away.named.text
        found = await self._find_who_is_at(text)
        action = decide(found, self._address, may_take=self._taken_back < _TAKEN_BACK_MAX)
        # With fewer on chain than at its own move, a reorganisation took that back, and nobody changed anything.
        is_changed = self._own is not None and away.named.number > self._own.number
        if is_changed and action != Action.STAY and not away.is_told:
            away.is_told = True
            self._say_changed(seat, text)
        if action == Action.STAY:
            self._own = away.named
            self._come_back(seat, text)
        elif action == Action.TAKE:
            self._taken_back += 1
            _log.warning("taking endpoint back seat=%d from=%s reason=%s", seat, text, found.reason)
            await self._move(seat, endpoint)
            if self.is_named(self._history, seat):
                self._come_back(seat, endpoint.text)
        elif not away.stands_by:
            away.stands_by = True
            self._say_standing_by(seat, text, is_answered=found.peer == self._address)

    async def _find_who_is_at(self, text: str) -> FoundPeer:
        """text: an endpoint as the chain names it."""
        endpoint = find_endpoint(text)
        return FoundPeer(None, reason="no wss://host:port") if endpoint is None else await self.who(endpoint.gossip)

    async def _check_unanswered(self, seat: int) -> None:
        named = _find_named(self._history, seat).text
        found = await self._find_who_is_at(named)
        if found.peer == self._address and not found.is_self:
            raise KeyInUse(
                f"another process with this key serves seat {seat} at {show_addresses(named)}, and two would sign "
                "against each other: end that one first, or start this one with --take-over"
            )

    async def _move(self, seat: int, endpoint: Endpoint) -> None:
        """Raises what a call raises, and ChainUnreachable where an earlier move is in no event and not gone."""
        before = _find_named(self._history, seat)
        if self._unseen == before:
            # A move costs gas: another one only where the contract itself has nothing of the first.
            await self.follower.fetch_state()
        try:
            await self.follower.call(
                "move", endpoint.text, only_if=lambda history: _find_named(history, seat) == before
            )
        except Overtaken as error:
            _log.info("endpoint not moved reason=%s", error)
            return
        # The chain's events may lag behind its receipts.
        for _ in range(_LAG_S):
            named = _find_named(self._history, seat)
            if named == _Named(endpoint.text, before.number + 1):
                self._own = named
            if named != before:
                return
            await self.follower.follow(1.0)
        self._unseen = before

    def _come_back(self, seat: int, named: str) -> None:
        self._away = None
        self.rest(False)
        says = f"the chain names this process's endpoint for seat {seat} again, {named}: it takes part"
        self.notices.tell(Notice("endpoint_back", says, False, {"seat": seat, "endpoint": named}))

    def _say_changed(self, seat: int, named: str) -> None:
        says = (
            f"the endpoint of seat {seat} was changed to {show_addresses(named)} with this node's key, and not by "
            "this process: if you did not do it, somebody else has the key, and the cold key should rotate it "
            "(folkmoot seat rotate)"
        )
        self.notices.tell(Notice("endpoint_changed", says, True, {"seat": seat, "endpoint": named}))

    def _say_standing_by(self, seat: int, named: str, *, is_answered: bool) -> None:
        why = "another process with this key answers there" if is_answered else "it was taken back too often"
        says = (
            f"standing by: the chain names {show_addresses(named)} for seat {seat}, and {why}; this process serves "
            "its blobs and signs nothing, so that the key signs no round twice: end one of the two"
        )
        self.notices.tell(Notice("standing_by", says, True, {"seat": seat, "endpoint": named}))


def _find_named(history: History, seat: int) -> _Named:
    held = history.seats[seat]
    return _Named(held.endpoint, len(held.endpoints))
