"""Seats and keys: joining, moving, leaving, ejection, release, rotation, and paying out."""

from typing import Final

from eth_hash.auto import keccak

from ledger.circle import events
from ledger.circle.fold.state import Phase, State, address, word
from ledger.circle.manifest import decode_manifest, manifest_digest
from ledger.circle.members import Seat
from ledger.circle.reputation import INITIAL
from ledger.identity.endpoints import ENDPOINT_MAX_BYTES

# R23.2: an ejected seat loses this part of its bond.
EJECTED_PART: Final = 2
# R23.4, R26.6: what is left of a reputation is old >> CUT_SHIFT.
CUT_SHIFT: Final = 2
# Of so many former holders of a seat it is remembered where they were reached: they may still serve their blobs.
FORMER_KEPT: Final = 2


def opened(state: State, event: events.Opened) -> None:
    """The deployment (R3.1)."""
    state.require(state.opened is None, "a circle opens once")
    state.require(manifest_digest(event.manifest) == event.task, "the manifest is not the task's")
    manifest = decode_manifest(event.manifest)
    state.require(manifest.rounds == state.parameters.last_round, "manifest and contract end in different rounds")
    state.require(manifest.degree == state.parameters.degree, "manifest and contract have different degrees")
    state.opened, state.task_manifest = event, manifest
    state.remember(event, 0, event.task)


def joined(state: State, event: events.Joined) -> None:
    """A peer took a seat (R3.4)."""
    state.require(state.opened is not None, "a seat was taken before the circle opened")
    state.require(event.seat == state.next_seat(), f"seat {event.seat} is not the next free one")
    state.require(state.seat_of(event.peer) is None, f"{event.peer} joined twice")
    state.require(not state.is_key_taken(event.peer), f"{event.peer} is or was another seat's key")
    state.require(state.phase != Phase.FINISHED, "a seat was taken after the end")
    state.require(is_endpoint(event.endpoint), f"seat {event.seat} joined with an impossible endpoint")
    last = state.seats.get(event.seat)
    state.seats[event.seat] = Seat(
        event.peer,
        [event.endpoint],
        event.cold,
        event.inviter,
        state.parameters.bond,
        state.number,
        tenure=last.tenure + 1 if last else 1,
        keys=[event.peer],
        former=[*last.former, last.endpoints[-1]][-FORMER_KEPT:] if last else [],
        since_dispute=len(state.disputes),
    )
    _begin_anew(state, event.seat)
    keys = keccak(address(event.cold) + address(event.inviter))
    state.remember(event, event.seat, address(event.peer), keys, keccak(event.endpoint.encode()))
    if state.phase == Phase.GATHERING and state.members.bit_count() == state.parameters.start_seats:
        state.open_round(1, attested=0)


def moved(state: State, event: events.Moved) -> None:
    """A seat published a new endpoint (R3.6)."""
    held = state.held(event.seat)
    state.require(is_endpoint(event.endpoint), f"seat {event.seat} moved to an impossible endpoint")
    held.endpoints.append(event.endpoint)
    state.remember(event, event.seat, keccak(event.endpoint.encode()))


def woken(state: State, event: events.Woken) -> None:
    """A seat asked to be on the roster again (R3.6)."""
    held, bit = state.held(event.seat), 1 << event.seat
    state.require(event.round == state.number, f"seat {event.seat} woke in another round")
    state.require(state.phase != Phase.FINISHED, "a seat woke after the end")
    if held.suspended_until is not None and state.number >= held.suspended_until:
        held.suspended_until = None
    state.woken |= bit
    if state.phase == Phase.COMMIT and not state.roster & bit:
        state.late |= bit
    state.remember(event, event.seat)


def left(state: State, event: events.Left) -> None:
    """A seat was given up (R23.1)."""
    held = state.held(event.seat)
    state.require(
        event.burned == state.burned_by_leaving(event.seat), f"seat {event.seat} left with another part of its bond"
    )
    held.bond -= event.burned
    state.vacate(event.seat, event.free_at)
    state.remember(event, event.seat, word(event.burned), word(event.free_at))


def ejected(state: State, event: events.Ejected) -> None:
    """A seat was below the floor for too long, or absent (R23.2)."""
    held, after = state.held(event.seat), state.parameters.eject_after
    is_due = 0 < after <= held.strikes
    state.require(is_due or state.is_absent(event.seat), f"seat {event.seat} was ejected too early")
    burned = held.bond // EJECTED_PART if is_due else 0
    state.require(event.burned == burned, f"seat {event.seat} lost another part of its bond")
    held.bond -= event.burned
    state.vacate(event.seat, event.free_at)
    state.remember(event, event.seat, word(event.burned), word(event.free_at))


def released(state: State, event: events.Released) -> None:
    """A seat given up became free again (R23.3)."""
    held = state.taken(event.seat)
    state.require(not held.is_held, f"seat {event.seat} was released while it is held")
    state.require(held.disputes == 0, f"seat {event.seat} was released under dispute")
    state.require(not state.is_in_round(event.seat), f"seat {event.seat} was released in its round")
    state.require(event.bond == held.bond, f"seat {event.seat} was released with another bond")
    held.bond, held.is_released = 0, True
    state.owe(held.cold, event.bond)
    state.remember(event, event.seat, word(event.bond))


def rotating(state: State, event: events.Rotating) -> None:
    """New keys were announced for a seat (R24)."""
    held = state.held(event.seat)
    state.require(
        (event.rotates_at == 0) == ((event.peer, event.cold) == (held.peer, held.cold)),
        f"seat {event.seat} rotates to the keys it has",
    )
    if event.peer != held.peer:
        state.require(not state.is_key_taken(event.peer), f"{event.peer} is or was a seat's key")
    held.announced = (event.peer, event.cold, event.rotates_at) if event.rotates_at else None
    state.remember(event, event.seat, address(event.peer), address(event.cold), word(event.rotates_at))


def rotated(state: State, event: events.Rotated) -> None:
    """A seat's new keys are in force (R24)."""
    held = state.held(event.seat)
    announced = held.announced and held.announced[:2]
    state.require(announced == (event.peer, event.cold), f"seat {event.seat} rotated to other keys")
    state.require(not state.is_in_round(event.seat), f"seat {event.seat} rotated in its round")
    if event.peer != held.peer:
        state.require(not state.is_key_taken(event.peer), f"{event.peer} is or was a seat's key")
        held.keys.append(event.peer)
    held.peer, held.cold, held.announced = event.peer, event.cold, None
    state.remember(event, event.seat, address(event.peer), address(event.cold))


def restarted(state: State, event: events.Restarted) -> None:
    """A seat goes on from the genesis, and pays for it: that is no way out for a liar (R23.4)."""
    held = state.held(event.seat)
    state.require(not state.is_in_round(event.seat), f"seat {event.seat} started anew in its round")
    held.restarted_round = state.number
    state.reputations[event.seat] >>= CUT_SHIFT
    state.remember(event, event.seat)


def withdrawn(state: State, event: events.Withdrawn) -> None:
    """Somebody took what the circle owed it (R27)."""
    state.require(0 < event.amount == state.owed.get(event.account, 0), f"{event.account} took another amount")
    del state.owed[event.account]
    state.remember(event, 0, address(event.account), word(event.amount))


def _begin_anew(state: State, seat: int) -> None:
    """Nothing that the circle remembers of who sat there before is the new holder's."""
    others = ~(1 << seat)
    state.reputations[seat] = INITIAL
    state.roster &= others
    state.late &= others
    state.dozing &= others
    state.woken |= 1 << seat
    if state.round is not None:
        state.round.reputations[seat] = INITIAL
        state.round.suspended &= others
        state.round.missed &= others


def is_endpoint(text: str) -> bool:
    """What the contract lets a seat publish: printable ASCII."""
    return 1 <= len(text) <= ENDPOINT_MAX_BYTES and text.isascii() and text.isprintable()
