"""What histories are made of: peers, manifests, the events that a circle begins with, and what events fold to."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from eth_utils.address import to_checksum_address

from ledger.circle.events import Event, Joined, Opened
from ledger.circle.history import CircleTerms, History
from ledger.circle.manifest import Manifest, Tensor
from ledger.circle.round import Round

NOBODY = "0x" + "00" * 20
BOND, DISPUTE_BOND = 1000, 100


def digest(*parts: object) -> bytes:
    """32 bytes named by anything."""
    return hashlib.sha256(repr(parts).encode()).digest()


def address(number: object) -> str:
    """A checksummed address: a peer's hot key."""
    return str(to_checksum_address(digest("peer", number)[:20]))


def cold(number: object) -> str:
    """The address of a seat's cold key."""
    return str(to_checksum_address(digest("cold", number)[:20]))


def endpoint(number: object) -> str:
    """An endpoint record of a host that is nowhere."""
    return f"wss://peer-{number}:4001 http://peer-{number}:8080"


def loopback_endpoint(seat: int) -> str:
    """An endpoint record of this machine, where nobody listens."""
    return f"wss://127.0.0.1:{seat + 1} http://127.0.0.1:{seat + 1}"


def manifest_of(rounds: int, degree: int = 4, **fields: Any) -> Manifest:
    """A manifest of 5,000 parameters."""
    known: dict[str, Any] = {
        "version": 1,
        "task": "tiny",
        "task_options": {},
        "layout": (Tensor("weight", (50, 100), 0),),
        "genesis": "00" * 32,
        "codec": "int8-zstd",
        "degree": degree,
        "rule": "balance",
        "rule_parameters": {"gamma_milli": 300, "kappa_milli": 500},
        "rounds": rounds,
        "frozen": "",
        "frozen_marks": "",
        "checkpoint_every": 16,
    }
    return Manifest(**(known | fields))


def opened(manifest: Manifest) -> Opened:
    """The circle is deployed."""
    encoded = manifest.encode()
    return Opened(hashlib.sha256(encoded).digest(), encoded)


def joined(seat: int, peer: object = None, at: str | None = None) -> Joined:
    """A peer, by its number the seat's unless told, takes a seat of an open circle. at: its endpoint record."""
    number = seat if peer is None else peer
    return Joined(seat, address(number), cold(number), NOBODY, endpoint(number) if at is None else at)


def said(seed: bytes, number: int, judged: int = 0, accepted: int = 0) -> int:
    """The word for `attest`, from bits by neighbour number."""
    return int.from_bytes(seed[-8:], "big") << 64 | number << 42 | accepted << 21 | judged


def fold(terms: CircleTerms, events: Iterable[Event]) -> History:
    """What these events make of a circle of these terms."""
    history = History(terms)
    for event in events:
        history.apply(event)
    return history


def begun(terms: CircleTerms, endpoints: Sequence[str] = ()) -> History:
    """A circle of these terms in round 1, all its seats taken. endpoints: of the first seats, if not made up."""
    made_up = [loopback_endpoint(seat) for seat in range(len(endpoints), terms.start_seats)]
    seats = [joined(seat, at=at) for seat, at in enumerate([*endpoints, *made_up])]
    return fold(terms, [opened(manifest_of(terms.last_round, terms.degree)), *seats])


def current_round(history: History) -> Round:
    """The round that a circle is in. AssertionError where it is in none."""
    assert history.round is not None
    return history.round
