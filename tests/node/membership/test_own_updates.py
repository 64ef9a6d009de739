"""What a seat knows of the updates it has made, and which of them it announces."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ledger.circle.events import Committed, Event
from node.behaviour import Behaviour
from node.blobs.store import BlockStore
from node.membership.announcing import Announcing
from node.membership.member import Membership
from node.membership.own_state import OwnState, RecentWork
from node.operating.data_folder import DataFolder
from node.round.announcements import AnnouncementJournal
from node.state.peer_state import Base, OwnCommit, PeerState, StateFile
from tests.support.fake_follower import FakeFollower
from tests.support.histories.moments import attestations, commits, drawn, history_of, settled
from tests.support.stand_ins import as_any

SEAT = 0
ONE, OTHER = b"FMU3 one update", b"FMU3 another update of the same round"


class Heard:
    """The gossip of a peer, and what it is made to say."""

    def __init__(self) -> None:
        self.announced: list[tuple[int, bytes]] = []
        self.others: set[bytes] = set()
        self.looked = 0

    def expect(self, number: int, peers: list[str]) -> None:
        """Who is to be expected."""

    async def look(self, number: int, timeout_s: float) -> None:
        self.looked += 1

    def has_announced_another(self, number: int, digest: bytes) -> bool:
        return bool(self.others - {digest})

    async def announce(self, number: int, digest: bytes) -> None:
        self.announced.append((number, digest))


class Scene:
    """A seat with the updates that it has made for round 1, the first of them committed."""

    def __init__(self, folder: Path, *blobs: bytes, after: tuple[Event, ...] = ()) -> None:
        self.store, self.gossip = BlockStore(folder / "blobs"), Heard()
        self.digests = [self.store.put(blob, sealed=True) for blob in blobs]
        self.others = commits(1, 2, 3)
        self.follower = FakeFollower(history_of(Committed(1, SEAT, self.digests[0]), *self.others, *after))
        journal = AnnouncementJournal(folder / "journal")
        journal.settle(is_new=True, number=1)
        self.parts = SimpleNamespace(
            follower=self.follower,
            history=self.follower.history,
            address=self.follower.sender.address,
            services=SimpleNamespace(store=self.store, gossip=self.gossip),
            behaviour=Behaviour(),
            journal=journal,
            meter=SimpleNamespace(measure_section=lambda _: nullcontext(), measure_awaited=lambda _, work: work),
            unseal=self.store.unseal,
        )
        made = tuple(OwnCommit(1, digest, bytes(32), None) for digest in self.digests)
        nothing = PeerState(bytes(32), Base(np.zeros(4, np.int32)), np.zeros(4, np.float32))
        state = PeerState(bytes(32), nothing.base, nothing.residual, made)
        file = StateFile(folder / "state")
        self.own = OwnState(as_any(self.parts), SEAT, file, state, as_any(None), RecentWork())
        self.announcing = Announcing(as_any(self.parts), self.own)

    async def announce(self) -> None:
        round_ = self.follower.history.rounds[0]
        await self.announcing.announce(round_)


def test_an_update_is_taken_for_announced_once_its_seal_is_broken(tmp_path: Path) -> None:
    scene = Scene(tmp_path, ONE, OTHER)
    assert scene.own.find_announced(1) == []
    scene.store.unseal(scene.digests[1])
    assert [one.digest for one in scene.own.find_announced(1)] == [scene.digests[1]]
    assert scene.own.find_announced(1, besides=scene.digests[1]) == []
    assert scene.own.find_announced(2) == []


def test_only_who_made_an_update_here_finishes_its_round(tmp_path: Path) -> None:
    seen = drawn(0, 1, 2, 3)[4:]
    scene = Scene(tmp_path, ONE, after=(*seen,))
    assert scene.own.is_finishing()
    scene.own.state = PeerState(bytes(32), scene.own.base, np.zeros(4, np.float32))
    assert not scene.own.is_finishing(), "another process made it"
    attested = Scene(tmp_path / "attested", ONE, after=(*seen, *attestations(SEAT)))
    assert not attested.own.is_finishing()


async def test_the_committed_update_is_announced_and_served(tmp_path: Path) -> None:
    scene = Scene(tmp_path, ONE)
    await scene.announce()
    await scene.announce()
    assert scene.gossip.announced == [(1, scene.digests[0])] * 2
    assert not scene.store.is_sealed(scene.digests[0])
    assert scene.gossip.looked == 1, "others are asked once, until the chain goes back"


@pytest.mark.parametrize("where", ["folder", "gossip", "journal"])
async def test_where_another_update_of_the_round_was_announced_this_one_is_not(tmp_path: Path, where: str) -> None:
    scene = Scene(tmp_path, ONE, OTHER)
    if where == "folder":
        scene.store.unseal(scene.digests[1])
    elif where == "gossip":
        scene.gossip.others = {scene.digests[1]}
    else:
        assert scene.parts.journal.may_sign(1, scene.parts.address, scene.digests[1])
    await scene.announce()
    assert scene.gossip.announced == []


def test_a_member_is_one_as_long_as_the_chain_names_its_key(tmp_path: Path) -> None:
    parts = SimpleNamespace(
        history=history_of(*settled(0, 1, 2, 3)), address=FakeFollower(history_of()).sender.address
    )
    network = FakeFollower(history_of()).circle.network
    with DataFolder.open(tmp_path, network, "0x" + "11" * 32) as folder:
        membership = Membership(as_any(parts), folder)
        assert membership.held is None
        assert membership.bonded_seat == SEAT
        closed: list[int] = []
        membership.begin(as_any(SimpleNamespace(seat=SEAT, close=lambda: closed.append(SEAT))))
        assert membership.held is membership.member
        membership.recent.judged.append(as_any("an exchange"))
        membership.start_anew("0x" + "22" * 32)
        assert (membership.held, closed, list(membership.recent.judged)) == (None, [SEAT], [])
        assert membership.folder.state != folder.state
