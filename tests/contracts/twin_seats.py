"""The twin of the seat and key functions: join, move, wake, leave, eject, release, withdraw, rotate."""

from circle_foretold import Foretold, TwinState, first
from circle_machines import Moment
from circle_terms import BY_MEMBERS, NOBODY, OPEN

from ledger.events import Ejected, Joined, Left, Moved, Released, Rotated, Rotating, Withdrawn, Woken
from ledger.fold.seats import EJECTED_PART
from ledger.history import Phase
from ledger.reputation import INITIAL
from ledger.signing import BadSignature, invitation_hash, recover

# An endpoint as it reaches the contract: text, or bytes that are none.
Endpoint = str | bytes


class SeatCalls(TwinState):
    """Foretells calls about seats and keys."""

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
    ) -> Foretold:
        seat = self.history.next_seat()
        refused = first(
            {
                "join: already seated": self.history.seat_of(sender) is not None,
                "join: circle is finished": self.history.phase == Phase.FINISHED,
                **_endpoint_refusals(endpoint),
                "join: cold key is empty": int(cold, 16) == 0,
                "join: value is not the bond": value != self.terms.bond,
                "seat: key is another seat's": self.history.is_key_taken(sender),
            }
        )
        if refused is not None:
            return refused
        inviter, uses = NOBODY, frozenset[object]()
        if self.terms.admission != OPEN:
            signed = invitation_hash(self.network, sender, nonce, expiry)
            signer = signer_of(signed, r, vs)
            if refused := self._invitation_refusal(signed, signer, expiry, moment):
                return refused
            inviter, uses = signer or NOBODY, frozenset({signed})
        if seat is None:
            return Foretold("join: no free seat")
        return Foretold(None, (Joined(seat, sender, cold, inviter, _text(endpoint)),), uses)

    def _invitation_refusal(
        self, signed: bytes, signer: str | None, expiry: int, moment: Moment
    ) -> Foretold | None:
        seat = None if signer is None else self.history.seat_of(signer)
        is_member_asked = signer != self.terms.inviter
        may = not is_member_asked or (self.terms.admission == BY_MEMBERS and seat is not None)
        lacks = is_member_asked and seat is not None and self.history.reputations[seat] < INITIAL
        refusals = {
            "join: invitation has expired": moment.now_s > expiry,
            "join: invitation is not signed": signer is None,
            "join: inviter may not invite": not may,
            "join: inviter lacks standing": lacks,
            "join: invitation was used": signed in self.used,
        }
        return first(refusals)

    def _move(self, sender: str, endpoint: Endpoint, *, value: int, moment: Moment) -> Foretold:
        if (seat := self.history.seat_of(sender)) is None:
            return Foretold("seat: caller has none")
        return first(_endpoint_refusals(endpoint)) or Foretold(None, (Moved(seat, _text(endpoint)),))

    def _wake(self, sender: str, *, value: int, moment: Moment) -> Foretold:
        if (seat := self.history.seat_of(sender)) is None:
            return Foretold("seat: caller has none")
        refusals = {"wake: circle is finished": self.history.phase == Phase.FINISHED}
        return first(refusals) or Foretold(None, (Woken(self.history.number, seat),))

    def _leave(self, sender: str, seat: int, *, value: int, moment: Moment) -> Foretold:
        refused = self._cold_refusal(sender, seat)
        return refused or Foretold(None, (Left(seat, self.free_at(moment.now_s)),))

    def _eject(self, sender: str, seat: int, *, value: int, moment: Moment) -> Foretold:
        held, after = self.history.seats.get(seat), self.terms.eject_after
        if held is None or not held.is_held:
            return Foretold("eject: seat is not held")
        if after == 0 or held.strikes < after:
            return Foretold("eject: not low for long enough")
        return Foretold(None, (Ejected(seat, held.bond // EJECTED_PART, self.free_at(moment.now_s)),))

    def _release(self, sender: str, seat: int, *, value: int, moment: Moment) -> Foretold:
        held = self.history.seats.get(seat)
        if held is None or held.free_at is None or held.is_released:
            return Foretold("release: seat is not given up")
        refusals = {
            "release: unbonding is not over": moment.now_s < held.free_at,
            "release: a dispute is open": held.disputes > 0,
            "release: seat is in a round": self.history.is_in_round(seat),
        }
        return first(refusals) or Foretold(None, (Released(seat, held.bond),))

    def _withdraw(self, sender: str, *, value: int, moment: Moment) -> Foretold:
        amount = self.history.owed.get(sender, 0)
        return Foretold(None, (Withdrawn(sender, amount),)) if amount else Foretold("withdraw: nothing is owed")

    def _rotate(self, sender: str, seat: int, hot: str, cold: str, *, value: int, moment: Moment) -> Foretold:
        if (refused := self._cold_refusal(sender, seat)) is not None:
            return refused
        if NOBODY in (hot, cold):
            return Foretold("rotate: key is empty")
        held, rotates_at = self.history.seats[seat], 0
        if (hot, cold) != (held.peer, held.cold):
            rotates_at = moment.now_s + self.terms.rotation_delay_s
        refusals = self._key_refusals(hot) if hot != held.peer else {}
        return first(refusals) or Foretold(None, (Rotating(seat, hot, cold, rotates_at),))

    def _finish_rotation(self, sender: str, seat: int, *, value: int, moment: Moment) -> Foretold:
        held = self.history.seats.get(seat)
        if held is None or held.announced is None:
            return Foretold("rotate: no rotation is under way")
        hot, cold, rotates_at = held.announced
        refusals = {
            "rotate: not the new key": sender != hot,
            "rotate: delay is not over": moment.now_s < rotates_at,
            "rotate: seat is in a round": self.history.is_in_round(seat),
            **(self._key_refusals(hot) if hot != held.peer else {}),
        }
        return first(refusals) or Foretold(None, (Rotated(seat, hot, cold),))

    def _cold_refusal(self, sender: str, seat: int) -> Foretold | None:
        held = self.history.seats.get(seat)
        if held is None or not held.is_held:
            return Foretold("seat: is not held")
        return None if held.cold == sender else Foretold("seat: caller is not its cold key")

    def _key_refusals(self, key: str) -> dict[str, bool]:
        return {
            "seat: key has a seat": self.history.seat_of(key) is not None,
            "seat: key is another seat's": self.history.is_key_taken(key),
        }


def signer_of(message_hash: bytes, r: int, vs: int) -> str | None:
    """Who made an EIP-2098 signature; None for none."""
    s, v = vs & ((1 << 255) - 1), 27 + (vs >> 255)
    try:
        return recover(message_hash, r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v]))
    except BadSignature:
        return None


def _endpoint_refusals(endpoint: Endpoint) -> dict[str, bool]:
    raw = endpoint.encode() if isinstance(endpoint, str) else endpoint
    is_printable = all(32 <= byte <= 126 for byte in raw)
    return {"seat: endpoint is empty": not raw, "seat: endpoint is not printable": not is_printable}


def _text(endpoint: Endpoint) -> str:
    return endpoint if isinstance(endpoint, str) else endpoint.decode("ascii")
