"""A circle's history as its events give it, for tests that need one in a certain moment."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from eth_utils.address import to_checksum_address

from ledger.circle.draw import mask_of
from ledger.circle.events import Attested, Committed, Drawn, Event, Joined, Opened, Settled
from ledger.circle.history import CircleTerms, History
from ledger.circle.manifest import Manifest, Tensor
from ledger.circle.reputation import pack
from ledger.circle.verdict_word import encode_verdicts

SEATS, QUORUM, ROUNDS = 4, 3, 2
NOBODY = "0x" + 40 * "0"
BOND, DISPUTE_BOND = 1000, 100
WINDOW_S = 300
SEED = hashlib.sha256(b"seed").digest()


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


def peer(seat: int) -> str:
    """A seat's hot key."""
    return str(to_checksum_address(bytes([seat + 1]) * 20))


def cold(seat: int) -> str:
    """A seat's cold key."""
    return str(to_checksum_address(bytes([seat + 101]) * 20))


def manifest(degree: int = 3, rounds: int = ROUNDS) -> Manifest:
    """A tiny task."""
    return Manifest(
        version=1,
        task="tiny",
        task_options={},
        layout=(Tensor("weight", (2, 2), 0),),
        genesis="00" * 32,
        codec="int8-zstd",
        degree=degree,
        rule="none",
        rule_parameters={},
        rounds=rounds,
        frozen="",
        frozen_marks="",
        checkpoint_every=16,
    )


def history_of(*events: Event, endpoints: Sequence[str] = ()) -> History:
    """A circle of four seats in round 1, and then these events. endpoints: of the first seats, if not made up."""
    history = history_in(endpoints=endpoints)
    for event in events:
        history.apply(event)
    return history


def history_in(rounds: int = ROUNDS, endpoints: Sequence[str] = ()) -> History:
    """A circle of four seats and so many rounds, in round 1."""
    encoded = manifest(rounds=rounds).encode()
    history = History(replace(PARAMETERS, last_round=rounds))
    history.apply(Opened(hashlib.sha256(encoded).digest(), encoded))
    for seat in range(SEATS):
        made_up = f"wss://127.0.0.1:{seat + 1} http://127.0.0.1:{seat + 1}"
        endpoint = endpoints[seat] if seat < len(endpoints) else made_up
        history.apply(Joined(seat, peer(seat), cold(seat), NOBODY, endpoint))
    return history


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
