"""What a peer that lacks something does: it says so, asks again, and knows what it can do meanwhile."""

import numpy as np
import pytest

from ledger.judging.frame_chains import HeldBlobs
from node.operating.notices import Notice
from node.round.next_step import Means
from node.state import provisions as provisions_module
from node.state.lacks import AGAIN_S, Lacks
from node.state.peer_state import Base
from node.state.provisions import Provisions
from node.state.recovery import StateLacking
from tests.support.histories.moments import attestations, commits, drawn, history_of
from tests.support.stand_ins import as_any

pytestmark = pytest.mark.rule("R15.1")

SEAT = 0
GENESIS, AFTER = Base(np.zeros(4, np.int32)), Base(np.ones(4, np.int32), 1, b"\1" * 32)


class Recovering:
    """A recovery that lacks what it is told to."""

    def __init__(self) -> None:
        self.lacks, self.asked = True, 0
        self.lacking: StateLacking | None = None

    def _ask(self) -> None:
        self.asked += 1
        if self.lacks:
            raise StateLacking("nobody serves it")

    async def load_genesis(self, own: bytes) -> object:
        self._ask()
        return GENESIS.state

    async def load_own_update(self, round_: object) -> HeldBlobs:
        self._ask()
        return HeldBlobs()

    async def rebuild_base(self, known: object, judged: object) -> Base:
        self.asked += 1
        self.lacking = StateLacking("nobody serves it") if self.lacks else None
        return GENESIS if self.lacks else AFTER


class Scene:
    def __init__(self) -> None:
        self.now, self.followed = 0.0, 0
        self.told: list[Notice] = []
        self.recovery = Recovering()
        lacks = Lacks(self.told.append, lambda: self.now)
        self.provisions = Provisions(as_any(self.recovery), lacks, self.follow)

    async def follow(self) -> None:
        self.followed += 1
        self.recovery.lacks = self.followed < 3


async def test_the_first_state_is_asked_for_until_somebody_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    monkeypatch.setattr(provisions_module, "AGAIN_S", 0.0)
    assert (await scene.provisions.wait_for_genesis(b"own") == GENESIS.state).all()
    assert scene.followed == 3
    assert [notice.kind for notice in scene.told] == ["lacking", "had"]


async def test_a_base_that_cannot_be_had_is_asked_for_now_and_then() -> None:
    scene, history = Scene(), history_of(*drawn(0, 1, 2, 3), *attestations(SEAT))
    assert await scene.provisions.find_base([GENESIS], ()) is GENESIS
    assert scene.provisions.find_means(GENESIS, history, SEAT) == Means(base=False)
    assert await scene.provisions.find_base([GENESIS], ()) is GENESIS
    assert scene.recovery.asked == 1
    scene.now, scene.recovery.lacks = AGAIN_S, False
    assert await scene.provisions.find_base([GENESIS], ()) is AFTER
    assert scene.provisions.find_means(AFTER, history, SEAT) == Means()
    assert [notice.kind for notice in scene.told] == ["lacking", "had"]
    assert await scene.provisions.find_base([AFTER], ()) is AFTER
    assert scene.recovery.asked == 3, "what is not lacking is looked at every time"


async def test_an_update_that_is_lost_keeps_it_out_of_that_round_alone() -> None:
    scene, history = Scene(), history_of(*drawn(0, 1, 2, 3))
    assert history.round is not None
    assert scene.provisions.find_means(GENESIS, history, SEAT) == Means()
    assert await scene.provisions.find_own_update(history.round) is None
    assert scene.provisions.find_means(GENESIS, history, SEAT) == Means(update=False)
    scene.now = AGAIN_S
    assert scene.provisions.find_means(GENESIS, history, SEAT) == Means(), "time to try again"
    scene.recovery.lacks = False
    assert await scene.provisions.find_own_update(history.round) is not None
    assert scene.told[0].says.startswith("nobody serves it; the peer sits the round out")
    history.round.number = 2
    assert scene.provisions.find_means(GENESIS, history, SEAT).update


def test_before_any_round_nothing_is_lacking() -> None:
    assert Scene().provisions.find_means(GENESIS, history_of(*commits(1)), SEAT) == Means()
