"""The twin of the seat and key calls: join, move, wake, leave, eject, release, restart, rotate, withdraw."""

from ledger.circle.events import (
    Ejected,
    Joined,
    Left,
    Moved,
    Released,
    Restarted,
    Rotated,
    Rotating,
    Withdrawn,
    Woken,
)
from ledger.circle.history import Phase
from ledger.identity.signing import BadSignature, invitation_hash, recover
from tests.support.contract.machines import Moment
from tests.support.contract.terms import BY_MEMBERS, NOBODY, OPEN
from tests.support.contract.twin.state import INITIAL, Refused, Seat, TwinState

# An endpoint as it reaches the contract: text, or bytes that are none.
Endpoint = str | bytes
ABSENT_ROUNDS = 256


class SeatCalls(TwinState):
    """Calls about seats and keys: each checks, then does and emits."""

    def _join(
        self,
        sender: str,
        endpoint: Endpoint,
        cold: str,
        nonce: int,
        expiry: int,
        r: int,
        vs: int,
        *,
        value: int,
        moment: Moment,
    ) -> None:
        self.require(self.seat_of(sender) is None, "join: already seated")
        self.require(self.phase != Phase.FINISHED, "join: circle is finished")
        self._check_endpoint(endpoint)
        self.require(int(cold, 16) != 0, "join: cold key is empty")
        self.require(value == self.terms.bond, "join: value is not the bond")
        self.require(not self.is_key_taken(sender), "seat: key is another seat's")
        signed, inviter = self._inviter(sender, nonce, expiry, r, vs, moment)
        if (seat := self.next_seat()) is None:
            raise Refused("join: no free seat")
        if signed is not None:
            self.used.add(signed)
        tenure = self.seats[seat].tenure + 1 if seat in self.seats else 1
        newest = [_text(endpoint)]
        seated = (sender, cold, value, self.number, len(self.disputes), tenure, [sender], newest)
        self.seats[seat] = Seat(*seated)
        self.reputations[seat] = INITIAL
        # R3.4: woken, not on the roster under way, though who sat there before may be; R3.5a: not dozing.
        self.woken |= 1 << seat
        self.roster, self.late, self.dozing = (m & ~(1 << seat) for m in (self.roster, self.late, self.dozing))
        self.emit(Joined(seat, sender, cold, inviter, _text(endpoint)))
        if self.phase == Phase.GATHERING and self.members.bit_count() == self.terms.start_seats:
            self.open_round(1, 0, moment)

    def _inviter(
        self, sender: str, nonce: int, expiry: int, r: int, vs: int, moment: Moment
    ) -> tuple[bytes | None, str]:
        """The invitation that is used up, and who signed it."""
        if self.terms.admission == OPEN:
            return None, NOBODY
        self.require(moment.now_s <= expiry, "join: invitation has expired")
        signed = invitation_hash(self.network, sender, nonce, expiry)
        if (signer := signer_of(signed, r, vs)) is None:
            raise Refused("join: invitation is not signed")
        if signer != self.terms.inviter:
            seat = self.seat_of(signer)
            if self.terms.admission != BY_MEMBERS or seat is None:
                raise Refused("join: inviter may not invite")
            self.require(self.reputations[seat] >= INITIAL, "join: inviter lacks standing")
        self.require(signed not in self.used, "join: invitation was used")
        return signed, signer

    def _move(self, sender: str, endpoint: Endpoint, *, value: int, moment: Moment) -> None:
        seat = self.seat_of_caller(sender)
        self._check_endpoint(endpoint)
        self.seats[seat].endpoints.append(_text(endpoint))
        self.emit(Moved(seat, _text(endpoint)))

    def _wake(self, sender: str, *, value: int, moment: Moment) -> None:
        seat = self.seat_of_caller(sender)
        self.require(self.phase != Phase.FINISHED, "wake: circle is finished")
        held, bit = self.seats[seat], 1 << seat
        self.woken |= bit
        if self.phase == Phase.COMMIT and not self.roster & bit:
            self.late |= bit
        if held.suspended_until is not None and self.number >= held.suspended_until:
            held.suspended_until = None
        self.emit(Woken(self.number, seat))

    def _leave(self, sender: str, seat: int, *, value: int, moment: Moment) -> None:
        held = self._held_by_cold(sender, seat)
        burned = 0
        if after := self.terms.eject_after:
            burned = self.fine(seat, held.bond // 2 * min(held.strikes, after) // after)
        self.burned += burned
        self.emit(Left(seat, burned, self.vacate(seat, moment)))

    def _eject(self, sender: str, seat: int, *, value: int, moment: Moment) -> None:
        held, after = self.held(seat, "eject: seat is not held"), self.terms.eject_after
        is_low = 0 < after <= held.strikes
        self.require(is_low or self._is_absent(seat), "eject: neither low nor absent")
        burned = self.fine(seat, held.bond // 2) if is_low else 0
        self.burned += burned
        self.emit(Ejected(seat, burned, self.vacate(seat, moment)))

    def _is_absent(self, seat: int) -> bool:
        held = self.seats[seat]
        is_expected = (self.roster | self.late | self.woken) >> seat & 1
        return not is_expected and self.number - max(held.since_round, held.spoke_in) >= ABSENT_ROUNDS

    def _release(self, sender: str, seat: int, *, value: int, moment: Moment) -> None:
        held = self.seats.get(seat)
        if held is None or held.free_at is None or held.is_released:
            raise Refused("release: seat is not given up")
        self.require(moment.now_s >= held.free_at, "release: unbonding is not over")
        self.require(held.disputes == 0, "release: a dispute is open")
        self.require(not self.is_in_round(seat), "release: seat is in a round")
        bond = self.fine(seat, held.bond)
        self.owe(held.cold, bond)
        held.is_released = True
        self.emit(Released(seat, bond))

    def _restart(self, sender: str, seat: int, *, value: int, moment: Moment) -> None:
        held = self.held(seat, "seat: is not held")
        self.require(sender in (held.peer, held.cold), "restart: not its key")
        self.require(not self.is_in_round(seat), "restart: seat is in a round")
        self.reputations[seat] //= 4
        self.emit(Restarted(seat))

    def _withdraw(self, sender: str, *, value: int, moment: Moment) -> None:
        amount = self.owed.get(sender, 0)
        self.require(amount > 0, "withdraw: nothing is owed")
        self.owed[sender] = 0
        self.emit(Withdrawn(sender, amount))

    # ------------------------------------------------------------------------------------------------ keys

    def _rotate(self, sender: str, seat: int, hot: str, cold: str, *, value: int, moment: Moment) -> None:
        held, rotates_at = self._held_by_cold(sender, seat), 0
        self.require(NOBODY not in (hot, cold), "rotate: key is empty")
        if hot != held.peer:
            self._check_key(hot)
        if (hot, cold) != (held.peer, held.cold):
            rotates_at = moment.now_s + self.terms.rotation_delay_s
        held.announced = (hot, cold, rotates_at) if rotates_at else None
        self.emit(Rotating(seat, hot, cold, rotates_at))

    def _finish_rotation(self, sender: str, seat: int, *, value: int, moment: Moment) -> None:
        held = self.seats.get(seat)
        if held is None or held.announced is None:
            raise Refused("rotate: no rotation is under way")
        hot, cold, rotates_at = held.announced
        self.require(sender == hot, "rotate: not the new key")
        self.require(moment.now_s >= rotates_at, "rotate: delay is not over")
        self.require(not self.is_in_round(seat), "rotate: seat is in a round")
        if hot != held.peer:
            self._check_key(hot)
            held.keys.append(hot)
        held.peer, held.cold, held.announced = hot, cold, None
        self.emit(Rotated(seat, hot, cold))

    def _held_by_cold(self, sender: str, seat: int) -> Seat:
        held = self.held(seat, "seat: is not held")
        self.require(held.cold == sender, "seat: caller is not its cold key")
        return held

    def _check_key(self, key: str) -> None:
        self.require(self.seat_of(key) is None, "seat: key has a seat")
        self.require(not self.is_key_taken(key), "seat: key is another seat's")

    def _check_endpoint(self, endpoint: Endpoint) -> None:
        raw = endpoint.encode() if isinstance(endpoint, str) else endpoint
        self.require(len(raw) > 0, "seat: endpoint is empty")
        self.require(all(32 <= byte <= 126 for byte in raw), "seat: endpoint is not printable")


def signer_of(message_hash: bytes, r: int, vs: int) -> str | None:
    """Who made an EIP-2098 signature; None for none."""
    s, v = vs & ((1 << 255) - 1), 27 + (vs >> 255)
    try:
        return recover(message_hash, r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v]))
    except BadSignature:
        return None


def _text(endpoint: Endpoint) -> str:
    return endpoint if isinstance(endpoint, str) else endpoint.decode("ascii")
