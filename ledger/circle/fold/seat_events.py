"""Seats and keys: joining, moving, leaving, ejection, release, rotation, and paying out."""

from typing import Final

from eth_hash.auto import keccak

from ledger.circle import events
from ledger.circle.fold.state import FoldedCircle, Phase
from ledger.circle.manifest import decode_manifest, manifest_digest
from ledger.circle.members import Seat
from ledger.circle.reputation import INITIAL
from ledger.identity.addresses import encode_address, encode_word
from ledger.identity.endpoints import ENDPOINT_MAX_BYTES

# R23.2: an ejected seat loses this part of its bond.
EJECTED_PART: Final = 2
# R23.4, R26.6: what is left of a reputation is old >> CUT_SHIFT.
CUT_SHIFT: Final = 2
# Of so many former holders of a seat it is remembered where they were reached: they may still serve their blobs.
FORMER_KEPT: Final = 2


def apply_opened(circle: FoldedCircle, event: events.Opened) -> None:
    """The deployment (R3.1)."""
    circle.require(circle.opened is None, "a circle opens once")
    circle.require(manifest_digest(event.manifest) == event.task, "the manifest is not the task's")
    manifest = decode_manifest(event.manifest)
    circle.require(manifest.rounds == circle.terms.last_round, "manifest and contract end in different rounds")
    circle.require(manifest.degree == circle.terms.degree, "manifest and contract have different degrees")
    circle.opened, circle.task_manifest = event, manifest
    circle.remember(event, 0, event.task)


def apply_joined(circle: FoldedCircle, event: events.Joined) -> None:
    """A peer took a seat (R3.4)."""
    circle.require(circle.opened is not None, "a seat was taken before the circle opened")
    circle.require(event.seat == circle.find_next_seat(), f"seat {event.seat} is not the next free one")
    circle.require(circle.seat_of(event.peer) is None, f"{event.peer} joined twice")
    circle.require(not circle.is_key_taken(event.peer), f"{event.peer} is or was another seat's key")
    circle.require(circle.phase != Phase.FINISHED, "a seat was taken after the end")
    circle.require(is_endpoint(event.endpoint), f"seat {event.seat} joined with an impossible endpoint")
    last = circle.seats.get(event.seat)
    circle.seats[event.seat] = Seat(
        event.peer,
        [event.endpoint],
        event.cold,
        event.inviter,
        circle.terms.bond,
        circle.number,
        tenure=last.tenure + 1 if last else 1,
        keys=[event.peer],
        former=[*last.former, last.endpoint][-FORMER_KEPT:] if last else [],
        since_dispute=len(circle.disputes),
    )
    circle.arrivals[event.seat, circle.seats[event.seat].tenure] = (circle.number, event.peer)
    _begin_anew(circle, event.seat)
    keys = keccak(encode_address(event.cold) + encode_address(event.inviter))
    circle.remember(event, event.seat, encode_address(event.peer), keys, keccak(event.endpoint.encode()))
    if circle.phase == Phase.GATHERING and circle.members.bit_count() == circle.terms.start_seats:
        circle.open_round(1, attested=0)


def apply_moved(circle: FoldedCircle, event: events.Moved) -> None:
    """A seat published a new endpoint (R3.6)."""
    held = circle.require_held(event.seat)
    circle.require(is_endpoint(event.endpoint), f"seat {event.seat} moved to an impossible endpoint")
    held.endpoints.append(event.endpoint)
    circle.remember(event, event.seat, keccak(event.endpoint.encode()))


def apply_woken(circle: FoldedCircle, event: events.Woken) -> None:
    """A seat asked to be on the roster again (R3.6)."""
    held, bit = circle.require_held(event.seat), 1 << event.seat
    circle.require(event.round == circle.number, f"seat {event.seat} woke in another round")
    circle.require(circle.phase != Phase.FINISHED, "a seat woke after the end")
    if held.suspended_until is not None and circle.number >= held.suspended_until:
        held.suspended_until = None
    circle.woken |= bit
    if circle.phase == Phase.COMMIT and not circle.roster & bit:
        circle.late |= bit
    circle.remember(event, event.seat)


def apply_left(circle: FoldedCircle, event: events.Left) -> None:
    """A seat was given up (R23.1)."""
    held = circle.require_held(event.seat)
    circle.require(
        event.burned == circle.leaving_burn_wei(event.seat), f"seat {event.seat} left with another part of its bond"
    )
    held.bond -= event.burned
    circle.vacate(event.seat, event.free_at)
    circle.remember(event, event.seat, encode_word(event.burned), encode_word(event.free_at))


def apply_ejected(circle: FoldedCircle, event: events.Ejected) -> None:
    """A seat was below the floor for too long, or absent (R23.2)."""
    held, is_due = circle.require_held(event.seat), circle.is_struck_out(event.seat)
    circle.require(is_due or circle.is_absent(event.seat), f"seat {event.seat} was ejected too early")
    burned = held.bond // EJECTED_PART if is_due else 0
    circle.require(event.burned == burned, f"seat {event.seat} lost another part of its bond")
    held.bond -= event.burned
    circle.vacate(event.seat, event.free_at)
    circle.remember(event, event.seat, encode_word(event.burned), encode_word(event.free_at))


def apply_released(circle: FoldedCircle, event: events.Released) -> None:
    """A seat given up became free again (R23.3)."""
    held = circle.require_taken(event.seat)
    circle.require(not held.is_held, f"seat {event.seat} was released while it is held")
    circle.require(held.disputes == 0, f"seat {event.seat} was released under dispute")
    circle.require(not circle.is_in_round(event.seat), f"seat {event.seat} was released in its round")
    circle.require(event.bond == held.bond, f"seat {event.seat} was released with another bond")
    held.bond, held.is_released = 0, True
    circle.owe(held.cold, event.bond)
    circle.remember(event, event.seat, encode_word(event.bond))


def apply_rotating(circle: FoldedCircle, event: events.Rotating) -> None:
    """New keys were announced for a seat (R24)."""
    held = circle.require_held(event.seat)
    circle.require(
        (event.rotates_at == 0) == ((event.peer, event.cold) == (held.peer, held.cold)),
        f"seat {event.seat} rotates to the keys it has",
    )
    if event.peer != held.peer:
        circle.require(not circle.is_key_taken(event.peer), f"{event.peer} is or was a seat's key")
    held.announced = (event.peer, event.cold, event.rotates_at) if event.rotates_at else None
    circle.remember(
        event, event.seat, encode_address(event.peer), encode_address(event.cold), encode_word(event.rotates_at)
    )


def apply_rotated(circle: FoldedCircle, event: events.Rotated) -> None:
    """A seat's new keys are in force (R24)."""
    held = circle.require_held(event.seat)
    announced = held.announced and held.announced[:2]
    circle.require(announced == (event.peer, event.cold), f"seat {event.seat} rotated to other keys")
    circle.require(not circle.is_in_round(event.seat), f"seat {event.seat} rotated in its round")
    if event.peer != held.peer:
        circle.require(not circle.is_key_taken(event.peer), f"{event.peer} is or was a seat's key")
        held.keys.append(event.peer)
    held.peer, held.cold, held.announced = event.peer, event.cold, None
    circle.remember(event, event.seat, encode_address(event.peer), encode_address(event.cold))


def apply_restarted(circle: FoldedCircle, event: events.Restarted) -> None:
    """A seat goes on from the genesis, and pays for it: that is no way out for a liar (R23.4)."""
    held = circle.require_held(event.seat)
    circle.require(not circle.is_in_round(event.seat), f"seat {event.seat} started anew in its round")
    held.restarted_round = circle.number
    circle.reputations[event.seat] >>= CUT_SHIFT
    circle.remember(event, event.seat)


def apply_withdrawn(circle: FoldedCircle, event: events.Withdrawn) -> None:
    """Somebody took what the circle owed it (R27)."""
    circle.require(0 < event.amount == circle.owed.get(event.account, 0), f"{event.account} took another amount")
    del circle.owed[event.account]
    circle.remember(event, 0, encode_address(event.account), encode_word(event.amount))


def _begin_anew(circle: FoldedCircle, seat: int) -> None:
    """What the circle remembers of earlier holders is not the new holder's."""
    others = ~(1 << seat)
    circle.reputations[seat] = INITIAL
    circle.roster &= others
    circle.late &= others
    circle.dozing &= others
    circle.woken |= 1 << seat
    if circle.round is not None:
        circle.round.receive(seat, INITIAL)
        circle.round.suspended &= others
        circle.round.missed &= others


def is_endpoint(text: str) -> bool:
    """What the contract lets a seat publish: printable ASCII."""
    return 1 <= len(text) <= ENDPOINT_MAX_BYTES and text.isascii() and text.isprintable()
