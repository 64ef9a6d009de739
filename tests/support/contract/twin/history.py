"""How each event is folded into the running hash: the table of R4."""

from typing import TYPE_CHECKING

from eth_hash.auto import keccak
from eth_utils.address import to_canonical_address

from ledger.circle import events
from ledger.circle.events import Event

if TYPE_CHECKING:
    from tests.support.contract.twin.state import TwinState

NOTHING = bytes(32)


def entry_of(event: Event, state: "TwinState") -> tuple[int, int, tuple[bytes, bytes, bytes]]:
    """Kind, seat, and the three words of an event."""
    kind, seat, *words = _entry(event, state)
    first, second, third = [*words, NOTHING, NOTHING, NOTHING][:3]
    return kind, seat, (first, second, third)


def _entry(event: Event, state: "TwinState") -> tuple[int, int, *tuple[bytes, ...]]:
    match event:
        case events.Joined(seat, peer, cold, inviter, endpoint):
            return 2, seat, word(peer), hashed(cold, inviter), keccak(endpoint.encode())
        case events.Moved(seat, endpoint):
            return 3, seat, keccak(endpoint.encode())
        case events.Woken():
            return 4, event.seat
        case events.Committed():
            return 5, event.seat, event.digest
        case events.Drawn():
            return 6, 0, word(event.committed)
        case events.Attested(seat, said, record):
            return 7, seat, word(said), record
        case events.Settled():
            seed = state.seed if state.is_seed_known else NOTHING
            return 8, 0, word(event.attested), hashed(*event.reputations), seed
        case events.Left(seat, burned, free_at):
            return 9, seat, word(burned), word(free_at)
        case events.Ejected(seat, burned, free_at):
            return 10, seat, word(burned), word(free_at)
        case events.Released(seat, bond):
            return 11, seat, word(bond)
        case events.Rotating(seat, peer, cold, rotates_at):
            return 12, seat, word(peer), word(cold), word(rotates_at)
        case events.Rotated(seat, peer, cold):
            return 13, seat, word(peer), word(cold)
        case events.Equivocated():
            what = hashed(event.round, event.free_at)
            return 14, event.seat, what, word(event.reporter), word(event.bond)
    return _court_entry(event, state)


def _court_entry(event: Event, state: "TwinState") -> tuple[int, int, *tuple[bytes, ...]]:
    number = getattr(event, "dispute", None)
    judge = 0 if number is None or number >= len(state.disputes) else state.disputes[number].judge
    match event:
        case events.Disputed():
            claim = (event.dispute, event.round, event.target, event.challenger, event.evidence)
            return 15, event.judge, hashed(*claim, event.electorate, event.deadline)
        case events.Summoned(number, seed, jury, deadline):
            return 16, judge, hashed(number, seed, jury, deadline)
        case events.Voted(number, seat, answer):
            return 17, seat, word(number), word(answer)
        case events.Resolved(number, outcome, fine, free_at):
            return 18, judge, word(number), word(outcome), hashed(fine, free_at)
        case events.Withdrawn(account, amount):
            return 19, 0, word(account), word(amount)
        case events.Referred(number, stage, deadline):
            return 20, judge, word(number), word(stage), word(deadline)
        case events.Appealed(number, appellant, deadline):
            return 21, judge, word(number), word(appellant), word(deadline)
        case events.Restarted(seat):
            return 22, seat, NOTHING
    raise AssertionError(f"no entry for {event}")


def word(value: int | str | bytes) -> bytes:
    """A number, an account or 32 bytes as the contract hashes it."""
    if isinstance(value, bytes):
        return value
    return to_canonical_address(value).rjust(32, b"\0") if isinstance(value, str) else value.to_bytes(32, "big")


def hashed(*values: int | str | bytes) -> bytes:
    """The keccak of their words."""
    return keccak(b"".join(map(word, values)))
