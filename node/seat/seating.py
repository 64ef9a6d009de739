"""How a peer comes by its seat, and what has become of it: pure functions of the history."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ledger.blobs.contents.records import decode_update
from ledger.chain.deployment.terms import Admission
from ledger.circle import events
from ledger.circle.events import Event
from ledger.circle.history import History
from ledger.circle.manifest import Manifest
from ledger.circle.members import Seat
from ledger.errors import PeerFault, SetupError
from ledger.untrusted.text import format_ether
from node.operating.notices import Notice
from node.seat.invitations import Invitation

NO_INVITATION: Final = (0, 0, 0, 0)
# The chain's clock may be a little behind this machine's.
CLOCK_SLACK_S: Final = 1.0


class SeatLost(SetupError):
    """The peer's key had a seat and has none any more: it stops, and does not join again by itself."""


@dataclass(frozen=True)
class JoinRequest:
    """What a peer joins with."""

    cold: str | None = None
    """The address that may leave and rotate; None: the node's own key."""
    invitation: Invitation | None = None
    """None where admission is open."""

    def call_arguments(self, endpoint: str, address: str) -> tuple[object, ...]:
        """Of `join`. address: the node's own."""
        invited = self.invitation.call_arguments() if self.invitation else NO_INVITATION
        return endpoint, self.cold or address, *invited


def check_admission(admission: int, entry: JoinRequest, address: str) -> None:
    """Raises SetupError where the circle lets only invited peers in and there is no invitation."""
    if admission != Admission.OPEN and entry.invitation is None:
        who = "its inviter" if admission == Admission.INVITER else "one of its members"
        raise SetupError(
            f"this circle takes only who is invited: have {who} run `folkmoot invite {address}`, and give the file "
            "with --invitation"
        )


def find_announced_seat(history: History, address: str) -> tuple[int, int] | None:
    """(seat, Unix time) of a rotation to this key that is under way."""
    for seat, held in history.seats.items():
        if held.announced is not None and held.announced[0] == address != held.peer:
            return seat, held.announced[2]
    return None


def is_rotation_due(history: History, seat: int, now_s: float) -> bool:
    """Whether a seat's announced keys can be put in force now."""
    announced = history.seats[seat].announced
    return announced is not None and now_s >= announced[2] + CLOCK_SLACK_S and not history.is_in_round(seat)


def find_former_seat(history: History, address: str) -> tuple[int, Seat] | None:
    """The seat that this key had and has no more; its last holder's, where another has taken it since."""
    for seat, held in history.seats.items():
        if address in held.keys and (not held.is_held or held.peer != address):
            return seat, held
    return None


def is_answerable(held: Seat, address: str) -> bool:
    """Whether a key's seat, given up, has a bond that still answers for what the key said."""
    return held.peer == address and not held.is_held and not held.is_released and held.bond > 0


def make_given_up_notice(seat: int, held: Seat) -> Notice:
    """For who runs the node of a seat that was given up."""
    free = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(held.free_at or 0))
    says = (
        f"seat {seat} was given up: until it is released, from {free} on, its bond of {format_ether(held.bond)} "
        "answers for what it said, so this node goes on serving what it judged from and voting in disputes, and "
        "ends then"
    )
    return Notice("seat_given_up", says, True, {"seat": seat, "free_at": held.free_at, "bond_wei": held.bond})


def explain_loss(seat: int, held: Seat, past: Iterable[Event]) -> str:
    """A sentence with a next step. past: the circle's events."""
    if held.is_held:
        return f"seat {seat} goes on with the key {held.peer}: start its node with that one"
    how = "given up"
    claims: dict[int, int] = {}
    for event in past:
        if isinstance(event, events.Disputed):
            claims[event.dispute] = event.judge
        is_convicted = isinstance(event, events.Resolved) and event.free_at > 0
        whose = claims.get(event.dispute) if isinstance(event, events.Resolved) else getattr(event, "seat", None)
        if whose == seat and (is_convicted or isinstance(event, events.Left | events.Ejected | events.Equivocated)):
            how = _HOW[type(event)]
    freed = f", its bond is got back by `folkmoot seat release {seat}`" if held.bond else ""
    return f"seat {seat} of this key was {how}{freed}: to take part again, start a node with a fresh key"


_HOW: Final[dict[type, str]] = {
    events.Left: "given up by its cold key",
    events.Ejected: "ejected after too many rounds below the reputation floor",
    events.Resolved: "taken away because what it said was found false a second time",
    events.Equivocated: "taken away because its key signed two updates for one round",
}


def is_authored(blob: bytes, manifest: Manifest, network: bytes, number: int, author: bytes) -> bool:
    """Whether an update made earlier names this author: after a rotation the former key's is worthless."""
    try:
        decode_update(blob, manifest, network, number, author)
    except PeerFault:
        return False
    return True
