"""What a peer must not forget: its base, its residual and the round it is in the middle of.

Everything public can be recomputed from chain and blobs; the residual of the codec cannot, and recomputing takes
time.
"""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GridState
from ledger.circle.history import History
from ledger.circle.round import NO_RECORD
from ledger.rules.judge_memory import CarriedState, JudgeMemory
from node.operating.checksummed_file import ChecksummedFile, UnusableFile
from node.state.vector_files import VectorFiles

_log = logging.getLogger(__name__)
_MAGIC: Final = b"FMS4"
# A reorganisation may bring these rounds back, and what was announced in one must be committed there again.
KEPT_ROUNDS: Final = 32
KEPT_COMMITS: Final = 64

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class OwnCommit:
    """An update made for a round; it is in the store, and on chain or not, or not any more."""

    round: int
    """The one it was made for."""
    digest: bytes
    """Of the update, 32 bytes."""
    base_record: bytes
    """Record digest of the attestation that its base came of, 32 bytes."""
    residual: Vector | None
    """As it is after this update, (d,), float32; None once a later round's has been made."""
    reference: bytes = b""
    """Digest of the commit that a delta frame is relative to; empty for a key frame."""


@dataclass(frozen=True)
class Base:
    """The model a round starts from. Round 0 and zeros: the circle's genesis."""

    state: GridState
    """(d,), int32."""
    round: int = 0
    """The one that the seat attested and came to this by."""
    record: bytes = NO_RECORD
    """The record digest of that attestation, 32 bytes."""
    memory: JudgeMemory = field(default_factory=JudgeMemory)
    """What the rule remembers beside it."""

    @property
    def carried(self) -> CarriedState:
        """What goes into the next screening."""
        return CarriedState(self.state, self.memory)

    def is_on_chain(self, history: History, seat: int) -> bool:
        """Whether the attestation that it came of is on chain, and of the line that the seat goes on with."""
        if self.round == 0:
            return True
        if self.round > len(history.rounds):
            return False
        # R23.4: a seat that starts anew has no base from before.
        if seat in history.seats and self.round < history.seats[seat].begun_round:
            return False
        attestation = history.rounds[self.round - 1].attestations.get(seat)
        return attestation is not None and attestation.record == self.record

    def is_latest(self, history: History, seat: int) -> bool:
        """Whether it stands and the seat's present holder has attested to nothing since it began."""
        if seat not in history.seats:
            return False
        since = max(self.round, history.seats[seat].begun_round - 1)
        return self.is_on_chain(history, seat) and all(seat not in r.attestations for r in history.rounds[since:])


@dataclass(frozen=True)
class PeerState:
    """What a peer goes on from.

    A base that came of a later attestation is not on disk: it is recomputed from the blobs in the store.
    """

    network: bytes
    """The circle's domain separator, 32 bytes."""
    base: Base
    """The model of its next round."""
    residual: Vector
    """(d,), float32, as it was before the commits that have one of their own."""
    commits: tuple[OwnCommit, ...] = ()
    """Its own of the last rounds."""

    def residual_for(self, number: int, history: History, seat: int) -> Vector:
        """What the updates that are on chain left over, for the update of this round."""
        found = self.residual
        for commit in sorted(self.commits, key=lambda commit: commit.round):
            if commit.round < number and commit.residual is not None and _is_on_chain(commit, history, seat):
                found = commit.residual
        return found

    def with_commit(self, commit: OwnCommit, history: History, seat: int) -> "PeerState":
        """Keep an update just made; of older rounds' the digest is enough, of those long past nothing."""
        residual = self.residual_for(commit.round, history, seat)
        kept = tuple(
            replace(other, residual=None) if other.round < commit.round else other
            for other in self.commits
            if other.round > commit.round - KEPT_ROUNDS and other.digest != commit.digest
        )
        return replace(self, residual=residual, commits=(*kept, commit)[-KEPT_COMMITS:])


def _is_on_chain(commit: OwnCommit, history: History, seat: int) -> bool:
    return (
        commit.round <= len(history.rounds) and history.rounds[commit.round - 1].commits.get(seat) == commit.digest
    )


class StateFile:
    """One peer's state on disk: a file that names its vectors, and beside it a folder with those."""

    def __init__(self, path: Path) -> None:
        self._file = ChecksummedFile(path, _MAGIC)
        self._vectors = VectorFiles(_vectors_of(path))

    def save(self, state: PeerState) -> None:
        """Write whole or not at all; of the vectors only what is not there yet. Raises OSError."""
        fields, named = self._to_fields(state)
        self._file.write(fields)
        self._vectors.keep(named)

    def save_ahead(self, base: Base) -> None:
        """Write a base that the next save will name; one that does not removes it again. Raises OSError."""
        self._vectors.put(base.state)

    def load(self, network: bytes, parameters: int) -> PeerState | None:
        """The saved state, None if there is none. One that cannot be used is set aside. Raises OSError."""
        try:
            fields = self._file.read(network)
            state = None if fields is None else self._from_fields(fields, parameters)
        except UnusableFile as unusable:
            self._vectors.move(_vectors_of(unusable.aside))
            _log.warning(
                "state file not usable, kept aside, rebuilding from chain and blobs file=%s fault=%s",
                unusable.aside,
                unusable.fault,
            )
            return None
        return state

    def _to_fields(self, state: PeerState) -> tuple[dict[str, Any], list[bytes]]:
        """The file's, and the vectors that they name."""
        put, vectors = self._vectors.put, [one.residual for one in state.commits]
        left = [None if vector is None else put(vector) for vector in vectors]
        base, residual = put(state.base.state), put(state.residual)
        commits = [
            [one.round, one.digest, one.base_record, name, one.reference]
            for one, name in zip(state.commits, left, strict=True)
        ]
        fields = {
            "network": state.network,
            "base": base,
            "base_round": state.base.round,
            "base_record": state.base.record,
            "memory": state.base.memory.to_fields(),
            "residual": residual,
            "commits": commits,
        }
        return fields, [base, residual, *(name for name in left if name is not None)]

    def _from_fields(self, fields: dict[str, Any], parameters: int) -> PeerState:
        """Raises UnusableFile where a vector is lacking or has another length."""

        def get(name: bytes, dtype: type[np.int32] | type[np.float32]) -> NDArray[Any]:
            found = self._vectors.get(name, dtype)
            if found is None:
                raise self._file.set_aside("damaged")
            if len(found) != parameters:
                raise self._file.set_aside("of another circle")
            return found

        memory = JudgeMemory.from_fields(fields["memory"])
        return PeerState(
            network=fields["network"],
            base=Base(get(fields["base"], np.int32), fields["base_round"], fields["base_record"], memory),
            residual=get(fields["residual"], np.float32),
            commits=tuple(
                OwnCommit(number, digest, record, None if left is None else get(left, np.float32), reference)
                for number, digest, record, left, reference in fields["commits"]
            ),
        )


def _vectors_of(path: Path) -> Path:
    """The folder beside a state file."""
    return path.with_name(path.name + ".vectors")
