"""What a peer must not forget: its base, its residual and the round it is in the middle of.

Everything public can be recomputed from chain and blobs; the residual of the codec cannot, and recomputing takes
time. The file is written whole to a temporary name, synced and renamed, and ends in its own SHA-256, so a
half-written or damaged one is never taken for a state.
"""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgpack
import numpy as np
from numpy.typing import NDArray

from ledger.errors import SetupError
from ledger.exact import State

_MAGIC: Final = b"FMS1"
_CHECKSUM_BYTES: Final = 32

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class PendingCommit:
    """An update that is in the store and may or may not be on chain yet. residual: as it is after it."""

    round: int
    digest: bytes
    residual: Vector


@dataclass(frozen=True)
class PeerState:
    """base: (d,), int32, after the seat's attestation of round base_round (0: genesis). residual: (d,), float32.

    A base that came of a later attestation is not here: it is recomputed from the blobs in the store.
    """

    network: bytes
    base: State
    base_round: int
    residual: Vector
    commit: PendingCommit | None = None

    def with_commit_confirmed(self) -> "PeerState":
        """The pending commit is on chain: its residual is the peer's."""
        assert self.commit is not None
        return replace(self, residual=self.commit.residual, commit=None)


class StateFile:
    """One peer's state on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, state: PeerState) -> None:
        """Write whole or not at all."""
        packed = msgpack.packb(_to_fields(state))
        temporary = self.path.with_name(self.path.name + ".tmp")
        with temporary.open("wb") as file:
            file.write(_MAGIC + packed + hashlib.sha256(packed).digest())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.path)

    def load(self, network: bytes, parameters: int) -> PeerState | None:
        """The saved state, None if there is none. Raises SetupError for a damaged one or another circle's."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        packed, checksum = raw[len(_MAGIC) : -_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
        if not raw.startswith(_MAGIC) or hashlib.sha256(packed).digest() != checksum:
            raise SetupError(
                f"the state file {self.path} is damaged: move it away and start again, the peer then rebuilds its "
                "state from the chain and the blobs"
            )
        state = _from_fields(msgpack.unpackb(packed))
        if state.network != network or state.base.size != parameters:
            raise SetupError(
                f"the state file {self.path} belongs to another circle: choose another --data folder for this one"
            )
        return state


def _to_fields(state: PeerState) -> dict[str, Any]:
    return {
        "network": state.network,
        "base": state.base.astype("<i4").tobytes(),
        "base_round": state.base_round,
        "residual": state.residual.astype("<f4").tobytes(),
        "commit": state.commit
        and [state.commit.round, state.commit.digest, state.commit.residual.astype("<f4").tobytes()],
    }


def _from_fields(fields: dict[str, Any]) -> PeerState:
    commit = fields["commit"]
    return PeerState(
        network=fields["network"],
        base=np.frombuffer(fields["base"], "<i4").astype(np.int32),
        base_round=fields["base_round"],
        residual=np.frombuffer(fields["residual"], "<f4").astype(np.float32),
        commit=commit and PendingCommit(commit[0], commit[1], np.frombuffer(commit[2], "<f4").astype(np.float32)),
    )
