"""Taking a seat: by joining, or by finishing a rotation to this node's key."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ledger.chain.circle import Circle
from ledger.chain.rpc.client import ChainTrouble
from ledger.chain.transactions.receipts import CallNotDone
from ledger.chain.transactions.sender import NoFunds, Reverted
from ledger.circle.history import History, Phase, Seat
from ledger.errors import SetupError
from ledger.identity.endpoints import Endpoint
from ledger.untrusted.text import format_ether
from node.follower import Follower
from node.seat.seating import (
    JoinRequest,
    SeatLost,
    check_admission,
    explain_loss,
    find_announced_seat,
    find_former_seat,
    is_answerable,
    is_rotation_due,
    make_given_up_notice,
)

_log = logging.getLogger(__name__)
_WAIT_S: Final = 1.0
_MIN_BALANCE_WEI: Final = 10**15


class Entrance:
    """The way to a seat for one key.

    wanted: join only when this seat is the next free one. follow: takes in what the chain has new, waiting so many
    seconds for it. serve: lets others fetch the update with this digest. attend: does what is due of a seat that
    was given up and is not released. stays: whether the node is to stay for that. report: told of waiting.
    """

    def __init__(
        self,
        circle: Circle,
        follower: Follower,
        entry: JoinRequest,
        wanted: int | None,
        follow: Callable[[float], Awaitable[None]],
        serve: Callable[[bytes], None],
        attend: Callable[[], Awaitable[bool]],
        stays: Callable[[], bool],
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._circle, self._follower, self._entry, self._wanted = circle, follower, entry, wanted
        self._follow, self._serve, self._report = follow, serve, report
        self._attend, self._stays = attend, stays
        self._told_of: int | None = None
        self._address = follower.sender.address

    @property
    def _history(self) -> History:
        return self._follower.history

    async def take(self, endpoint: Endpoint) -> int:
        """Take a seat with this endpoint, or find that there is one, whatever its endpoint.

        Raises SeatLost, NoFunds, or SetupError where the circle does not take this peer.
        """
        await self._check_not_lost()
        seat = self._history.seat_of(self._address)
        if seat is None:
            seat = await self._rotate_in()
        if seat is None:
            await self._check_balance(self._history.terms.bond)
        while seat is None:
            check_admission(self._circle.immutables["ADMISSION"], self._entry, self._address)
            await self._wait_for_turn()
            arguments = self._entry.call_arguments(endpoint.text, self._address)
            await self._call("join", *arguments, value_wei=self._history.terms.bond)
            seat = self._history.seat_of(self._address)
        return seat

    async def _check_balance(self, bond_wei: int) -> None:
        """Only of a peer without a seat: a balance is an endpoint's word, and no such word ends a member."""
        balance = await self._follower.fetch_balance_wei()
        if balance < _MIN_BALANCE_WEI + bond_wei:
            bond = f" with a bond of {format_ether(bond_wei)}" if bond_wei else ""
            raise NoFunds(
                f"account {self._address} holds {balance / 10**18:.6f} ETH, too little to take part{bond}: "
                f"fund it, on a local test chain with `folkmoot keys fund {self._address}`"
            )

    async def _check_not_lost(self) -> None:
        """Raises SeatLost for a key that had a seat.

        What it committed in the round under way is served first. Until the seat is released its bond answers for
        what it said (R26, R29): so long the node serves, and votes (R21.3).
        """
        if self._history.seat_of(self._address) is not None:
            return
        served: bytes | None = None
        while (former := find_former_seat(self._history, self._address)) is not None:
            seat, held = former
            round_ = self._history.round
            is_judged = round_ is not None and self._history.is_in_round(seat)
            is_judged = is_judged and round_ is not None and round_.peers[seat] == self._address
            is_staying = is_answerable(held, self._address) and self._stays()
            if not is_judged and not is_staying:
                past = await self._follower.fetch_events()
                raise SeatLost(explain_loss(seat, held, past))
            digest = round_.commits[seat] if round_ is not None and is_judged else None
            if digest is not None and digest != served and self._history.phase == Phase.ATTEST:
                _log.info("seat lost, serving the update until the round is over digest=%s", digest.hex())
                self._serve(digest)
                served = digest
            if is_staying:
                self._tell_given_up(seat, held)
                await self._attend()
            await self._follow(_WAIT_S)

    def _tell_given_up(self, seat: int, held: Seat) -> None:
        if self._told_of == seat:
            return
        self._told_of = seat
        self._report(make_given_up_notice(seat, held).event)

    async def _rotate_in(self) -> int | None:
        """The seat whose keys are being rotated to this one, once they are in force; None where none are."""
        told = False
        while (announced := find_announced_seat(self._history, self._address)) is not None:
            seat, rotates_at = announced
            if not told:
                told = True
                self._report({"event": "waiting", "seat": seat, "until": rotates_at})
            if is_rotation_due(self._history, seat, time.time()):
                await self._finish_rotation(seat)
            await self._follow(_WAIT_S)
        seat_now = self._history.seat_of(self._address)
        if told and seat_now is None:
            raise SetupError("the rotation to this node's key was called off: have it announced again")
        return seat_now

    async def _finish_rotation(self, seat: int) -> None:
        try:
            await self._follower.call(
                "finish_rotation", seat, only_if=lambda history: is_rotation_due(history, seat, time.time())
            )
        except (CallNotDone, ChainTrouble) as error:
            _log.info("rotation not finished yet reason=%s", error)

    async def _call(self, name: str, *arguments: object, value_wei: int = 0) -> None:
        try:
            await self._follower.call(name, *arguments, value_wei=value_wei)
        except Reverted as error:
            # An earlier one may have come through after all, e.g. out of a block that was taken back.
            if "already seated" not in error.reason:
                raise SetupError(f"the circle does not take this peer: {error}") from error
            await self._follower.follow(_WAIT_S)
        await self._follower.follow()

    async def _wait_for_turn(self) -> None:
        wanted = self._wanted
        if wanted is not None and len(self._history.seats) > wanted:
            raise SetupError(f"seat {wanted} is taken: leave out --seat to take the next free one")
        while wanted is not None and len(self._history.seats) < wanted:
            await self._follower.follow(_WAIT_S)
