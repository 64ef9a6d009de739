"""A peer's own published steps, as everybody sees them: each round's base and public state, from its own folder.

Bases are recomputed from the chain's history and the blobs that the peer keeps; nobody is asked for any.
"""

from dataclasses import dataclass

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.records import decode_genesis, decode_update, state_digest, update_max_bytes
from ledger.circle.history import History, Round
from ledger.errors import PeerFault, SetupError
from ledger.files import FolderLock
from ledger.judging.frame_chains import (
    BlobMissing,
    CircleTask,
    HeldBlobs,
    StateCache,
    decode_public_state,
    find_frame_chain,
    make_fetched_update,
)
from ledger.judging.replay import digests_behind_attestation, replay
from ledger.rules import find_rule
from ledger.rules.judge_memory import CarriedState
from node.blobs.store import BlockStore
from node.blobs.stored import StoredBlobs
from node.leakage.experiment import PublishedStep
from node.operating.data_folder import FolderPlaces
from node.state.peer_state import StateFile


@dataclass(frozen=True)
class OwnSteps:
    """All that a folder's peer published and can still show."""

    seat: int
    """The peer's."""
    genesis: GridState
    """The circle's first state, (d,), int32."""
    steps: tuple[PublishedStep, ...]
    """Oldest first; without rounds for which it did not train."""


def read_own_steps(places: FolderPlaces, history: History, network: bytes) -> OwnSteps:
    """Read them. network: the circle's name in all that is signed, 32 bytes.

    Raises SetupError where the folder is no peer's of this circle, is in use, or has not all that is needed.
    """
    manifest = history.manifest
    if not places.state.exists():
        raise SetupError(
            f"{places.root} holds no peer of this circle: name the folder that `folkmoot node --folder` was given"
        )
    if not find_rule(manifest).is_replayable:
        raise SetupError(
            f"the rule {manifest.rule} judges by private data, so bases cannot be recomputed: measure the task"
            " alone, without --circle"
        )
    lock = FolderLock(places.root, "a node, or a measurement,")
    try:
        state = StateFile(places.state).load(network, sum(manifest.sizes))
        if state is None:
            raise SetupError(f"{places.state} is damaged: start the node once, and it is made anew")
        made = {one.round: one.digest for one in state.commits}
        return _Reader(history, network, BlockStore(places.blobs)).read(made)
    finally:
        lock.release()


class _Reader:
    def __init__(self, history: History, network: bytes, store: BlockStore) -> None:
        self._history, self._store = history, store
        self._limit = update_max_bytes(history.manifest)
        self._task = CircleTask(history.manifest, network, StateCache())

    def read(self, made: dict[int, bytes]) -> OwnSteps:
        """made: the digests of the peer's updates, by round."""
        seat = self._find_seat(made)
        blob = self._store.find(self._history.manifest.genesis_digest, self._limit)
        if blob is None:
            raise self._lacking("the circle's first state")
        genesis = decode_genesis(blob, self._history.manifest)
        self._task.states.origin = genesis
        carried, steps = CarriedState(genesis), list[PublishedStep]()
        # What was published before its present holder joined, or started anew, followed from other bases.
        for round_ in self._history.rounds[max(self._history.seats[seat].begun_round - 1, 0) :]:
            try:
                if round_.commits.get(seat) == made.get(round_.number, b"") and self._has_trained(round_, seat):
                    steps.append(self._read_step(round_, seat, carried))
                if seat in round_.attestations:
                    carried = self._go_on(round_, seat, carried)
            except (BlobMissing, PeerFault, KeyError) as error:
                raise self._lacking(f"what round {round_.number} follows from ({error})") from error
        if not steps:
            raise SetupError(
                "this folder's peer has trained for nothing that was published: measure the task alone"
            )
        return OwnSteps(seat, genesis, tuple(steps))

    def _has_trained(self, round_: Round, seat: int) -> bool:
        """Not where its budget of privacy was spent, so that it published its base."""
        digest = round_.commits[seat]
        blob = self._store.find(digest, self._limit)
        if blob is None:
            raise BlobMissing(f"the update {digest.hex()[:12]} is not here", digest)
        update = decode_update(
            blob, self._history.manifest, self._task.network, round_.number, round_.author_of(seat)
        )
        return update.privacy is None or update.privacy.charged > 0

    def _find_seat(self, made: dict[int, bytes]) -> int:
        """Where the peer sat. Raises SetupError where the chain has none of its updates."""
        for round_ in reversed(self._history.rounds):
            for seat, digest in round_.commits.items():
                if made.get(round_.number) == digest:
                    return seat
        raise SetupError("this folder's peer has published nothing in this circle yet: measure the task alone")

    def _read_step(self, round_: Round, seat: int, carried: CarriedState) -> PublishedStep:
        commits = find_frame_chain(self._history, round_, seat)
        here = {one.digest: True for one in commits if self._store.has(one.digest)}
        fetched = make_fetched_update(commits, round_.tenures[seat], StoredBlobs(self._store, self._limit, here))
        found = decode_public_state(fetched, self._task)
        if found.base != state_digest(carried.base):
            raise SetupError(
                f"the update of round {round_.number} was made from another base than its blobs give: nothing is"
                " measured"
            )
        return PublishedStep(round_.number, carried.base, found.state)

    def _go_on(self, round_: Round, seat: int, carried: CarriedState) -> CarriedState:
        """What the peer goes on with after a round that it attested."""
        wanted = digests_behind_attestation(round_, seat)
        links = [one.digest for judged in wanted for one in find_frame_chain(self._history, round_, judged)]
        here = {digest: True for digest in links if self._store.has(digest)}
        held = HeldBlobs(StoredBlobs(self._store, self._limit, here))
        return replay(self._history, self._task, round_, seat, carried, held).carried

    def _lacking(self, what: str) -> SetupError:
        return SetupError(
            f"this folder lacks {what}: a node deletes what no dispute needs unless it runs with --archive; measure"
            " the task alone, without --circle"
        )
