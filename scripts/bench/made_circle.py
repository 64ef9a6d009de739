"""Circles to audit without chain and processes: events as a contract would emit them, and all blobs, in a folder.

`make_circle` trains: the simulator's peers learn the task, publish, judge and attest. `write_events` makes a long
history of events alone, whose digests name nothing.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from eth_utils.address import to_checksum_address

from ledger.blobs.unixfs import build_dag
from ledger.circle.draw import mask_of
from ledger.circle.events import EVENTS, Attested, Committed, Drawn, Event, Joined, Opened, Settled
from ledger.circle.history import CircleTerms, History
from ledger.circle.manifest import Manifest
from ledger.circle.reputation import pack
from ledger.circle.verdict_word import encode_verdicts
from ledger.codec import DELTA
from ledger.identity.addresses import NOBODY
from ledger.identity.network import Network
from ledger.judging.frame_chains import find_frame_chain

_EVENTS: Final = "events"
_BLOBS: Final = "blobs"
_HEAD: Final = "circle.json"
_END: Final = "end"
_LENGTH_BYTES: Final = 4
# An honest judge of a long history rejects so many of a hundred.
_REJECTED_PERCENT: Final = 3
# The contract's words have 256 bits, msgpack's integers 64.
_WORD: Final = 1
_DECODER: Final = msgspec.msgpack.Decoder(ext_hook=lambda _, word: int.from_bytes(word))


def author_address(seat: int) -> str:
    """A made-up peer's key, checksummed."""
    return str(to_checksum_address(sha256(f"bench peer {seat}".encode()).digest()[:20]))


@dataclass(frozen=True)
class MadeCircle:
    """A circle in a folder."""

    folder: Path
    """Where its files lie."""

    @cached_property
    def _head(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode((self.folder / _HEAD).read_bytes())
        return found

    @property
    def terms(self) -> CircleTerms:
        """The contract's immutables."""
        return CircleTerms(**self._head["terms"])

    @property
    def network(self) -> Network:
        """Which circle it is."""
        return Network.of(0, self._head["contract"])

    def read_events(self) -> Iterator[Event]:
        """All events, in order, one in memory at a time."""
        with (self.folder / _EVENTS).open("rb") as file:
            while length := file.read(_LENGTH_BYTES):
                name, *values = _DECODER.decode(file.read(int.from_bytes(length)))
                yield EVENTS[name](*[tuple(value) if isinstance(value, list) else value for value in values])

    def read_end(self) -> bytes:
        """The running hash behind the last event."""
        return (self.folder / _END).read_bytes()

    def fold(self, rounds: int | None = None) -> History:
        """The history, up to where so many rounds are settled."""
        history = History(self.terms)
        for event in self.read_events():
            history.apply(event)
            if isinstance(event, Settled) and event.round == rounds:
                break
        return history

    def read_blob(self, digest: bytes) -> bytes:
        """A blob by its digest. Raises FileNotFoundError."""
        return (self.folder / _BLOBS / digest.hex()).read_bytes()

    def read_round(self, history: History, number: int) -> dict[bytes, bytes | None]:
        """Digest → bytes of a round's updates and of all that they may hang on."""
        round_ = history.rounds[number - 1]
        if history.manifest.codec != DELTA:
            return {digest: self.read_blob(digest) for digest in round_.commits.values()}
        chains = (find_frame_chain(history, round_, seat) for seat in round_.commits)
        return {link.digest: self.read_blob(link.digest) for chain in chains for link in chain}


class CircleWriter:
    """Writes a circle's events while it folds them, and its blobs."""

    def __init__(self, folder: Path, manifest: Manifest, seats: Sequence[str], contract: str) -> None:
        """seats: the peers' keys."""
        (folder / _BLOBS).mkdir(parents=True, exist_ok=True)
        self._file = (folder / _EVENTS).open("wb")
        self._folder = folder
        terms = CircleTerms(len(seats), len(seats) // 2 + 1, manifest.rounds, manifest.degree, 3, 16384, 16)
        head = {"terms": msgspec.to_builtins(terms), "contract": contract}
        (folder / _HEAD).write_bytes(msgspec.json.encode(head))
        self.history = History(terms)
        encoded = manifest.encode()
        self.write(Opened(sha256(encoded).digest(), encoded))
        for seat, peer in enumerate(seats):
            self.write(Joined(seat, peer, peer, NOBODY, f"wss://peer-{seat}:4001 http://peer-{seat}:8080"))

    def write(self, event: Event) -> None:
        """Fold and keep an event."""
        self.history.apply(event)
        packed = msgspec.msgpack.encode([type(event).__name__, *map(_to_plain, astuple(event))])
        self._file.write(len(packed).to_bytes(_LENGTH_BYTES) + packed)

    def write_blob(self, blob: bytes) -> bytes:
        """Keep a blob. Returns its digest."""
        digest = build_dag(blob).root
        (self._folder / _BLOBS / digest.hex()).write_bytes(blob)
        return digest

    def settle(self, number: int) -> None:
        """Close the round under way."""
        round_ = self.history.rounds[number - 1]
        reputations = self.history.compute_reputations(round_)
        self.write(Settled(number, mask_of(list(round_.attestations)), pack(reputations)))

    def close(self) -> None:
        """Everything is on disk."""
        (self._folder / _END).write_bytes(self.history.hash)
        self._file.close()


def make_circle(
    folder: Path, *, peers: int, rounds: int, degree: int, task: str, samples: int, codec: str
) -> MadeCircle:
    """A circle whose peers learn the task, under the default rule, in a folder; what lies there is taken as it is."""
    made = MadeCircle(folder / f"{task}-{codec}-{peers}x{rounds}-{degree}-{samples}")
    if (made.folder / "complete").exists():
        return made
    from node.simulator.blobs import CHAIN_ID
    from node.simulator.contract import author_of
    from node.simulator.engine import LocalEngine
    from node.simulator.scenario import Scenario
    from node.simulator.simulation import SimulatedRound, simulate

    scenario = Scenario(
        task=task,
        peers=peers,
        rounds=rounds,
        degree=degree,
        samples=samples,
        codec=codec,
        evaluate_every=rounds,
        test_examples=200,
        records=True,
    )
    engine = LocalEngine(scenario)
    keys = [str(to_checksum_address(author_of(scenario.seed, seat))) for seat in range(peers)]
    contract = Network.of(CHAIN_ID, "0x" + author_of(scenario.seed, -1).hex()).contract
    writer = CircleWriter(made.folder, engine.manifest, keys, contract)
    writer.write_blob(_encode_genesis(scenario, engine))

    def keep(lap: SimulatedRound) -> None:
        number, exchange = lap.round.number, lap.exchange
        for seat, fetched in sorted(exchange.fetched.items()):
            assert fetched.blob is not None
            writer.write(Committed(number, seat, writer.write_blob(fetched.blob)))
        writer.write(Drawn(number, exchange.seed, lap.round.committed))
        linked = lap.round.find_neighbours(degree)
        for seat, one in sorted(lap.judged.items()):
            word = encode_verdicts(exchange.seed, number, linked[seat], one.judged, one.accepted)
            if one.checkpoint is not None:
                writer.write_blob(one.checkpoint)
            writer.write(Attested(seat, word, writer.write_blob(one.record)))
        writer.settle(number)

    simulate(scenario, engine=engine, watch=keep)
    writer.close()
    (made.folder / "complete").touch()
    return made


def make_long_history(folder: Path, *, seats: int, rounds: int, degree: int) -> MadeCircle:
    """Events alone of a circle of honest peers who reject one another now and then; what lies there is taken."""
    made = MadeCircle(folder / f"events-{seats}x{rounds}-{degree}")
    if (made.folder / "complete").exists():
        return made
    drawing = random.Random(0)
    manifest = _bare_manifest(rounds, degree)
    contract = author_address(-1)
    writer = CircleWriter(made.folder, manifest, [author_address(seat) for seat in range(seats)], contract)
    for number in range(1, rounds + 1):
        for seat in range(seats):
            writer.write(Committed(number, seat, drawing.randbytes(32)))
        seed, everyone = drawing.randbytes(32), (1 << seats) - 1
        writer.write(Drawn(number, seed, everyone))
        for seat, order in sorted(writer.history.rounds[-1].find_neighbours(degree).items()):
            accepted = mask_of([other for other in order if drawing.randrange(100) >= _REJECTED_PERCENT])
            word = encode_verdicts(seed, number, order, mask_of(order), accepted)
            writer.write(Attested(seat, word, drawing.randbytes(32)))
        writer.settle(number)
    writer.close()
    (made.folder / "complete").touch()
    return made


def _to_plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_to_plain(one) for one in value]
    return msgspec.msgpack.Ext(_WORD, value.to_bytes(32)) if isinstance(value, int) else value


def _bare_manifest(rounds: int, degree: int) -> Manifest:
    from node.simulator.engine import LocalEngine
    from node.simulator.scenario import Scenario

    return LocalEngine(Scenario(task="digits", peers=4, rounds=rounds, degree=degree, samples=50)).manifest


def _encode_genesis(scenario: Any, engine: Any) -> bytes:
    from ledger.codec import blocks_of
    from node.learning.learner import encode_genesis_blob

    return encode_genesis_blob(engine.initial(scenario.seed), blocks_of(engine.manifest.sizes))
