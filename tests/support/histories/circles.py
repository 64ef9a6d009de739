"""A whole circle in memory: real codec, screening, contract twin and blobs; anyone in it can be told to cheat."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from eth_utils.address import to_canonical_address
from numpy.typing import NDArray

from ledger.arithmetic.exact import to_float
from ledger.blobs.contents.checkpoint import encode_checkpoint
from ledger.blobs.contents.records import (
    Genesis,
    Update,
    decode_record,
    encode_genesis,
    encode_record,
    encode_update,
    state_digest,
)
from ledger.blobs.unixfs import build_dag
from ledger.circle.draw import draw_neighbours, mask_of
from ledger.circle.events import Attested, Committed, Drawn, Event, Left, Released, Settled, Woken
from ledger.circle.history import CircleTerms, History
from ledger.circle.reputation import pack
from ledger.circle.verdict_word import encode_verdicts
from ledger.codec import DELTA, PLAIN, Blocks, blocks_of, encode, quantise
from ledger.errors import PeerFault
from ledger.identity.network import Network
from ledger.judging.frame_chains import (
    CircleTask,
    FetchedUpdate,
    StateCache,
    decode_public_state,
    find_earlier_commits,
    find_frame_chain,
    is_key_due,
    make_fetched_update,
)
from ledger.judging.replay import make_judge_round
from ledger.judging.screening import RoundVerdicts, screen
from ledger.rules.judge_memory import CarriedState
from tests.support.histories.parts import address, current_round, digest, fold, joined, manifest_of, opened

NETWORK = Network.of(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
PARAMETERS = 5000


def author(seat: int) -> bytes:
    return to_canonical_address(address(seat))


def genesis_vector() -> NDArray[np.float32]:
    """(5000,), float32: a model of length about 1 a coordinate."""
    return np.random.default_rng(0).normal(size=PARAMETERS).astype(np.float32)


def genesis_state() -> NDArray[np.int32]:
    """(5000,), int32: the same as everybody starts from it."""
    return quantise(genesis_vector(), Blocks((PARAMETERS,))).state


GENESIS_BLOB = encode_genesis(Genesis(PLAIN, quantise(genesis_vector(), Blocks((PARAMETERS,)), PLAIN).payload))
GENESIS_ROOT = build_dag(GENESIS_BLOB).root


@dataclass(frozen=True)
class Said:
    """What a peer attests: its verdicts as masks of seats, and its record's digest."""

    seat: int
    judged: int
    accepted: int
    record: bytes


@dataclass
class Honest:
    """What a peer does in a round. Every method can be overridden to cheat."""

    seat: int

    def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
        """The vector to publish, (5000,), float32."""
        noise = np.random.default_rng([self.seat, number]).normal(size=PARAMETERS)
        return to_float(base) + 0.02 * noise.astype(np.float32)

    def is_key(self, number: int, depth: int) -> bool:
        """Whether to publish a frame that needs no other, `depth` frames behind the last one."""
        return is_key_due(number, self.seat, depth)

    def states(self, circle: "Circle") -> StateCache:
        """The states it has decoded so far."""
        return circle.states

    def loss(self, state: NDArray[np.int32]) -> float:
        """Its private loss, for a rule that asks for one: how far it is to the first state."""
        return float(np.abs(state - genesis_state()).sum())

    def claimed_base(self, number: int, base: NDArray[np.int32]) -> bytes:
        return state_digest(base)

    def blob(self, number: int, update: Update) -> bytes | None:
        """The bytes to commit to; None for no commit."""
        return encode_update(update)

    def received(self, number: int, fetched: dict[int, FetchedUpdate]) -> dict[int, FetchedUpdate]:
        """seat → what fetching gave."""
        return fetched

    def verdicts(self, circle: "Circle", number: int, screened: RoundVerdicts) -> RoundVerdicts:
        """What it makes of its round, record and checkpoint included."""
        return screened

    def attestation(self, number: int, said: Said) -> Said | None:
        """What to attest; None for silence."""
        return said

    def next_base(self, number: int, next_base: NDArray[np.int32]) -> NDArray[np.int32]:
        return next_base

    def commits_last(self, number: int) -> bool:
        return False


class Circle:
    """Peers who play some rounds. cheats: seat → its peer; withheld: (round, seat) of blobs lost since.

    unshown: (round, seat) of checkpoints that are not served.
    between: round → what else happens once it is settled, given the circle. seed_of: round → what is drawn. room:
    bytes for the states that all remember. `known` is the fold so far.
    """

    def __init__(
        self,
        *,
        seats: int = 5,
        rounds: int = 3,
        degree: int = 4,
        rule: str = "balance",
        cheats: Mapping[int, Honest] | None = None,
        withheld: Collection[tuple[int, int]] = (),
        between: Mapping[int, Callable[["Circle"], object]] | None = None,
        seed_of: Callable[[int], bytes] | None = None,
        room: int = 1 << 40,
        unshown: Collection[tuple[int, int]] = (),
        **manifest: Any,
    ) -> None:
        self.peers = {seat: Honest(seat) for seat in range(seats)} | dict(cheats or {})
        self.seed_of = seed_of or (lambda number: digest("seed", number))
        self.manifest = manifest_of(rounds, degree, rule=rule, **{"checkpoint_every": 2} | manifest)
        self.terms = CircleTerms(
            seats, 2, rounds, degree, 3, 16384, eject_after=1, bond=1000, dispute_bond=100, jury_seats=3
        )
        self.withheld, self.unshown = set(withheld), set(unshown)
        self.known = History(self.terms)
        self.events: list[Event] = []
        self.write(opened(self.manifest), *(joined(seat) for seat in self.peers))
        self.states = StateCache(genesis_state(), room)
        self.blobs: dict[bytes, bytes | None] = {}
        self.updates: dict[tuple[int, int], bytes] = {}
        self.checkpoints: dict[tuple[int, int], bytes] = {}
        self.carried = dict.fromkeys(self.peers, CarriedState(genesis_state()))
        for number in range(1, rounds + 1):
            self._round(number)
            if between is not None and number in between:
                between[number](self)

    def write(self, *written: Event) -> None:
        """Events that the contract emits now."""
        for event in written:
            self.known.apply(event)
            self.events.append(event)

    def until(self, number: int) -> History:
        """The history when this round had just opened; all of it where it never did."""
        history = History(self.terms)
        for event in self.events:
            history.apply(event)
            if history.number == number:
                break
        return history

    def take(self, seat: int, peer: int) -> None:
        """Another peer takes a seat that was released."""
        self.write(joined(seat, peer))
        self.peers[seat], self.carried[seat] = Honest(seat), CarriedState(genesis_state())

    def read(self, root: bytes) -> bytes:
        """The bytes of a blob that can be made."""
        blob = self.blobs[root]
        assert blob is not None
        return blob

    def author(self, seat: int) -> bytes:
        return to_canonical_address(self.known.seats[seat].peer)

    def _round(self, number: int) -> None:
        committed = self._commits(number)
        self.seed = self.seed_of(number)
        self.write(Drawn(number, self.seed, committed))
        self._attestations(number, committed)
        current = current_round(self.known)
        self.write(
            Settled(number, mask_of(list(current.attestations)), pack(self.known.compute_reputations(current)))
        )

    def _commits(self, number: int) -> int:
        committed = 0
        for seat, peer in sorted(self.peers.items(), key=lambda item: (item[1].commits_last(number), item[0])):
            if not self.known.seats[seat].is_held:
                continue
            base = self.carried[seat].base
            previous = self._previous(number, seat, peer)
            reference, state = (b"", None) if previous is None else previous
            payload = encode(
                peer.trained(number, base),
                self.manifest.codec,
                blocks_of(self.manifest.sizes),
                state,
                genesis_state(),
                base,
            ).payload
            claimed = peer.claimed_base(number, base)
            here = (NETWORK.domain_separator, number, self.author(seat))
            blob = peer.blob(number, Update(*here, claimed, self.manifest.codec, payload, reference, None))
            if blob is None:
                continue
            root = build_dag(blob).root
            self.blobs[root] = blob
            self.updates[number, seat] = root
            committed |= 1 << seat
            if not self.known.roster >> seat & 1:
                self.write(Woken(number, seat))
            self.write(Committed(number, seat, root))
        return committed

    def _previous(self, number: int, seat: int, peer: Honest) -> tuple[bytes, NDArray[np.int32]] | None:
        """Digest and state of what a delta frame is relative to; None for a key frame."""
        tenure = self.known.seats[seat].tenure
        links = find_earlier_commits(self.known, number, seat, self.known.seats[seat].begun_round)
        if self.manifest.codec != DELTA or not links:
            return None
        last = find_frame_chain(self.known, self.known.rounds[links[0].round - 1], seat)
        try:
            found = decode_public_state(
                make_fetched_update(last, tenure, self.blobs),
                CircleTask(self.manifest, NETWORK.domain_separator, self.states),
            )
        except PeerFault:
            return None
        return None if peer.is_key(number, found.depth) else (links[0].digest, found.state)

    def _attestations(self, number: int, committed: int) -> None:
        for judge, linked in draw_neighbours(self.seed, committed, self.manifest.degree).items():
            peer = self.peers[judge]
            fetched = peer.received(number, {seat: self._fetched(number, seat) for seat in linked})
            try:
                screened = screen(
                    CircleTask(self.manifest, NETWORK.domain_separator, peer.states(self), peer.loss),
                    make_judge_round(self.known, current_round(self.known), judge),
                    self._fetched(number, judge),
                    self.carried[judge],
                    fetched,
                )
                screened = peer.verdicts(self, number, screened)
                said = Said(judge, screened.judged, screened.accepted, screened.record_digest)
                carried = screened.carried
                self._keep(number, judge, screened)
            except PeerFault:
                # Its own update does not decode: it attests what it likes.
                said, carried = Said(judge, 0, 0, digest("nothing")), self.carried[judge]
            attested = peer.attestation(number, said)
            if attested is None:
                continue
            self.carried[judge] = replace(carried, base=peer.next_base(number, carried.base))
            word = encode_verdicts(self.seed, number, linked, attested.judged, attested.accepted)
            self.write(Attested(judge, word, attested.record))

    def _keep(self, number: int, judge: int, screened: RoundVerdicts) -> None:
        self.blobs |= {build_dag(blob).root: blob for blob in screened.blobs}
        if screened.checkpoint is not None:
            self.checkpoints[number, judge] = build_dag(screened.checkpoint).root

    def _fetched(self, number: int, seat: int) -> FetchedUpdate:
        round_ = self.known.rounds[number - 1]
        return make_fetched_update(find_frame_chain(self.known, round_, seat), round_.tenures[seat], self.blobs)

    def history(self) -> History:
        """The fold of the events so far."""
        return fold(self.terms, self.events)

    def served(self, number: int) -> tuple[dict[bytes, bytes | None], set[bytes]]:
        """(blobs, missing) of a round and of what its updates may hang on, as an auditor gets them."""
        round_ = self.known.rounds[number - 1]
        roots = {link.digest for seat in round_.commits for link in find_frame_chain(self.known, round_, seat)}
        missing = {self.updates[place] for place in self.withheld if self.updates[place] in roots}
        roots |= {a.record for a in round_.attestations.values() if a.record in self.blobs}
        roots |= {root for place, root in self.checkpoints.items() if place[0] == number}
        missing |= {self.checkpoints[p] for p in self.unshown if p[0] == number and p in self.checkpoints}
        return {root: self.blobs[root] for root in roots - missing}, missing


class Away(Honest):
    """Commits nothing in some rounds."""

    def __init__(self, seat: int, rounds: Collection[int]) -> None:
        super().__init__(seat)
        self.rounds = rounds

    def blob(self, number: int, update: Update) -> bytes | None:
        return None if number in self.rounds else super().blob(number, update)


class Poisoner(Honest):
    """Publishes its base turned round, three times as large."""

    def trained(self, number: int, base: NDArray[np.int32]) -> NDArray[np.float32]:
        return np.float32(-3) * super().trained(number, base)


class FalseJudge(Honest):
    """Says the opposite about one seat in some rounds, where it judged it."""

    def __init__(self, seat: int, about: int, rounds: tuple[int, ...]) -> None:
        super().__init__(seat)
        self.about, self.rounds = about, rounds

    def attestation(self, number: int, said: Said) -> Said | None:
        return flipped(said, self.about) if number in self.rounds and said.judged >> self.about & 1 else said


class FalseCheckpoint(Honest):
    """Goes on from another base in some rounds, and says so in record and checkpoint."""

    def __init__(self, seat: int, rounds: tuple[int]) -> None:
        super().__init__(seat)
        self.rounds = rounds

    def verdicts(self, circle: Circle, number: int, screened: RoundVerdicts) -> RoundVerdicts:
        return forged(circle, screened) if number in self.rounds else screened


def forged(circle: Circle, screened: RoundVerdicts, shift: int = 5000) -> RoundVerdicts:
    """The same verdicts and a record of another next base; where a checkpoint is due it holds that base."""
    carried = replace(screened.carried, base=screened.carried.base + np.int32(shift))
    record = decode_record(screened.record)
    checkpoint = screened.checkpoint and encode_checkpoint(
        record.network, record.round, record.author, carried, genesis_state(), blocks_of(circle.manifest.sizes)
    )
    record = msgspec.structs.replace(
        record,
        next_base=state_digest(carried.base),
        checkpoint=build_dag(checkpoint).root if checkpoint else b"",
    )
    return replace(screened, carried=carried, record=encode_record(record), checkpoint=checkpoint)


def hand_over(circle: Circle, seat: int, peer: int = 300) -> None:
    """The seat's holder leaves, and another one takes it; MAX_SEATS must be the circle's."""
    burned = circle.known.leaving_burn_wei(seat)
    circle.write(Left(seat, burned, 1_700_000_000), Released(seat, circle.known.seats[seat].bond - burned))
    circle.take(seat, peer)


def flipped(said: Said, seat: int) -> Said:
    """The same attestation with the opposite verdict on a seat, judged or not."""
    return replace(said, judged=said.judged | 1 << seat, accepted=said.accepted ^ 1 << seat)
