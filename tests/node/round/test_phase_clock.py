"""How late a phase is, and whether the block that a seed follows from is still known."""

from typing import Any

import pytest

from ledger.chain.rpc.client import ChainUnreachable
from ledger.circle.events import Attested, Drawn
from ledger.circle.history import History
from ledger.circle.verdict_word import encode_verdicts
from node.round.phase_clock import PhaseClock
from tests.support.fake_follower import Clock
from tests.support.histories.moments import SEED, drawn, history_of
from tests.support.stand_ins import as_any

WINDOW_S = 60


class Scene:
    """A phase that began now. blocks: how many lie on the draw's; deadline_s: of the phase, Unix time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, history: History) -> None:
        self.time, self.history = Clock(), history
        self.circle = type("Circle", (), {"attest_window_s": WINDOW_S})
        self.blocks: int | Exception = 0
        self.deadline_s, self.asked = self.time.now + WINDOW_S, 0
        monkeypatch.setattr("node.round.phase_clock.time", self.time)
        self.clock = PhaseClock(as_any(self))
        self.clock.note(history)

    async def fetch_state(self) -> Any:
        return type("State", (), {"deadline_s": self.deadline_s})

    async def count_blocks_since_draw(self) -> int:
        self.asked += 1
        if isinstance(self.blocks, Exception):
            raise self.blocks
        return self.blocks

    async def late(self, after_s: float) -> tuple[bool, bool, bool]:
        self.time.now += after_s
        found = await self.clock.measure_lateness()
        return found.overdue, found.lapsed, found.seed_lost


async def test_a_phase_is_overdue_behind_its_deadline_and_lapses_sixteen_windows_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch, history_of())
    assert await scene.late(WINDOW_S) == (False, False, False)
    assert await scene.late(2) == (True, False, False)
    assert await scene.late(16 * WINDOW_S) == (True, True, False)


async def test_a_seed_is_lost_when_its_block_is_and_nobody_attested(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, history_of(*drawn(0, 1, 2)))
    scene.blocks = 255
    assert not (await scene.late(16))[2]
    scene.blocks = 256
    assert not (await scene.late(14))[2], "it is asked now and then"
    assert (await scene.late(2))[2]
    assert (await scene.late(1))[2], "and it stays lost"
    assert scene.asked == 2
    scene.history.apply(Drawn(1, b"\7" * 32, 0b0111))
    scene.clock.note(scene.history)
    assert not (await scene.late(1))[2]


async def test_under_a_seed_that_somebody_attested_under_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, history_of(*drawn(0, 1, 2)))
    scene.blocks = 1000
    scene.history.apply(Attested(0, encode_verdicts(SEED, 1, (), 0, 0), b"\1" * 32))
    assert not (await scene.late(100))[2]
    assert scene.asked == 0


async def test_a_chain_that_does_not_answer_has_lost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, history_of(*drawn(0, 1, 2)))
    scene.blocks = ChainUnreachable("away", "gone")
    assert not (await scene.late(16))[2]


async def test_a_chore_that_was_tried_is_held_off(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, history_of(*drawn(0, 1, 2)))
    scene.clock.hold_off(30)
    assert scene.clock.turn_begins_in_s(0) >= 30
