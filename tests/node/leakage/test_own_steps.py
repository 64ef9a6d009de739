"""What a peer published, and the bases it had, from its own folder and the chain's history alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ledger.errors import SetupError
from ledger.files import FolderLock
from node.blobs.store import BlockStore
from node.leakage.own_steps import OwnSteps, read_own_steps
from node.operating.data_folder import FolderPlaces
from node.state.peer_state import Base, OwnCommit, PeerState, StateFile
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, NETWORK, PARAMETERS, Circle, genesis_state

SEAT, ROUNDS = 1, 3
DOMAIN = NETWORK.domain_separator


class Folder:
    """One peer's, of a circle that has played its rounds."""

    def __init__(self, root: Path, *, lost: tuple[int, int] | None = None, **options: Any) -> None:
        """lost: round and seat of an update that is not here any more."""
        self.circle = Circle(
            rounds=ROUNDS, rule="tether", rule_parameters={}, genesis=GENESIS_ROOT.hex(), **options
        )
        self.places = FolderPlaces(root, NETWORK, "0x" + "ab" * 32)
        self.places.state.parent.mkdir(parents=True)
        store = BlockStore(self.places.blobs)
        gone = None if lost is None else self.circle.updates[lost]
        for blob in (GENESIS_BLOB, *(one for digest, one in self.circle.blobs.items() if one and digest != gone)):
            store.put(blob)
        self.save(tuple(self.circle.updates[number, SEAT] for number in range(1, ROUNDS + 1)))

    def save(self, digests: tuple[bytes, ...]) -> None:
        commits = tuple(OwnCommit(number, digest, bytes(32), None) for number, digest in enumerate(digests, 1))
        state = PeerState(DOMAIN, Base(genesis_state()), np.zeros(PARAMETERS, np.float32), commits)
        StateFile(self.places.state).save(state)

    def read(self) -> OwnSteps:
        return read_own_steps(self.places, self.circle.known, DOMAIN)


@pytest.mark.parametrize("codec", ["int8", "delta"])
def test_each_step_has_the_base_that_its_update_names(codec: str, tmp_path: Path) -> None:
    """The reader checks each base against the digest in the update; the first is the genesis, and all differ."""
    found = Folder(tmp_path, codec=codec).read()
    assert (found.seat, [one.round for one in found.steps]) == (SEAT, [1, 2, 3])
    assert np.array_equal(found.steps[0].base, genesis_state())
    assert np.array_equal(found.genesis, genesis_state())
    assert all(not np.array_equal(one.base, one.state) for one in found.steps)
    assert not np.array_equal(found.steps[1].base, found.steps[2].base)


def test_updates_that_are_not_the_folders_own_are_left_out(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.save((folder.circle.updates[1, SEAT], bytes(32), folder.circle.updates[3, SEAT]))
    assert [one.round for one in folder.read().steps] == [1, 3]


def test_a_lost_update_of_a_neighbour_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"this folder lacks what round 1 follows from .*--archive"):
        Folder(tmp_path, lost=(1, 0)).read()


def test_a_folder_in_use_is_refused_and_let_go_of_afterwards(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    lock = FolderLock(tmp_path, "another node")
    with pytest.raises(SetupError, match="is in use by"):
        folder.read()
    lock.release()
    assert folder.read().steps
    assert folder.read().steps


def test_another_circles_folder_and_one_that_published_nothing_are_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with pytest.raises(SetupError, match="holds no peer of this circle"):
        read_own_steps(replace(folder.places, opened_in="0x" + "cd" * 32), folder.circle.known, DOMAIN)
    folder.save((bytes(32),))
    with pytest.raises(SetupError, match="has published nothing in this circle"):
        folder.read()
