"""A circle's history as its events give it, for tests that need one in a certain moment."""

from collections.abc import Sequence
from dataclasses import replace

from ledger.circle.draw import mask_of
from ledger.circle.events import Attested, Committed, Drawn, Event, Settled
from ledger.circle.history import CircleTerms, History
from ledger.circle.reputation import pack
from ledger.circle.verdict_word import encode_verdicts
from tests.support.histories.parts import BOND, DISPUTE_BOND, begun, digest

SEATS, QUORUM, ROUNDS = 4, 3, 2
WINDOW_S = 300
SEED = digest("seed")


PARAMETERS = CircleTerms(
    start_seats=SEATS,
    quorum=QUORUM,
    last_round=ROUNDS,
    degree=3,
    reputation_shift=3,
    reputation_floor=16384,
    eject_after=1,
    bond=BOND,
    dispute_bond=DISPUTE_BOND,
    dispute_window_s=WINDOW_S,
    jury_seats=3,
)


def history_of(*events: Event, endpoints: Sequence[str] = ()) -> History:
    """A circle of four seats in round 1, and then these events. endpoints: of the first seats, if not made up."""
    history = history_in(endpoints=endpoints)
    for event in events:
        history.apply(event)
    return history


def history_in(rounds: int = ROUNDS, endpoints: Sequence[str] = ()) -> History:
    """A circle of four seats and so many rounds, in round 1."""
    return begun(replace(PARAMETERS, last_round=rounds), endpoints)


def commits(*seats: int, number: int = 1) -> list[Event]:
    return [Committed(number, seat, bytes([seat + 1]) * 32) for seat in seats]


def drawn(*seats: int) -> list[Event]:
    return [*commits(*seats), Drawn(1, SEED, mask_of(seats))]


def attestations(*seats: int, number: int = 1) -> list[Event]:
    return [Attested(seat, encode_verdicts(SEED, number, (), 0, 0), b"\1" * 32) for seat in seats]


def settled(*seats: int) -> list[Event]:
    """Everyone of these seats committed, judged nobody and the round is over."""
    before = [*drawn(*seats), *attestations(*seats)]
    reputations = history_of(*before).compute_reputations(history_of(*before).rounds[0])
    return [*before, Settled(1, mask_of(seats), pack(reputations))]
