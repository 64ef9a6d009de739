"""The peer's state file: whole or not at all, and never another circle's."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import SetupError
from node.state import PeerState, PendingCommit, StateFile

NETWORK = b"\7" * 32


def state_of(size: int = 5, *, pending: bool = True) -> PeerState:
    rng = np.random.default_rng(size)
    commit = PendingCommit(4, b"\3" * 32, rng.normal(size=size).astype(np.float32)) if pending else None
    base = rng.integers(-(2**31), 2**31, size, dtype=np.int32)
    return PeerState(NETWORK, base, 3, rng.normal(size=size).astype(np.float32), commit)


def assert_same(found: PeerState | None, expected: PeerState) -> None:
    assert found is not None
    assert (found.network, found.base_round) == (expected.network, expected.base_round)
    np.testing.assert_array_equal(found.base, expected.base, strict=True)
    np.testing.assert_array_equal(found.residual, expected.residual, strict=True)
    assert (found.commit is None) == (expected.commit is None)
    if found.commit is not None and expected.commit is not None:
        assert (found.commit.round, found.commit.digest) == (expected.commit.round, expected.commit.digest)
        np.testing.assert_array_equal(found.commit.residual, expected.commit.residual, strict=True)


@pytest.mark.parametrize("pending", [False, True])
def test_a_state_comes_back_as_it_was_saved(tmp_path: Path, pending: bool) -> None:
    file, state = StateFile(tmp_path / "state.bin"), state_of(pending=pending)
    file.save(state)
    assert_same(file.load(NETWORK, 5), state)


def test_without_a_file_there_is_no_state(tmp_path: Path) -> None:
    assert StateFile(tmp_path / "state.bin").load(NETWORK, 5) is None


def test_the_last_save_is_what_counts_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file, state = StateFile(tmp_path / "state.bin"), state_of()
    file.save(state)
    file.save(replace(state, base_round=9))
    assert_same(file.load(NETWORK, 5), replace(state, base_round=9))
    assert os.listdir(tmp_path) == ["state.bin"]


def test_a_half_written_successor_does_not_harm_the_state(tmp_path: Path) -> None:
    file, state = StateFile(tmp_path / "state.bin"), state_of()
    file.save(state)
    (tmp_path / "state.bin.tmp").write_bytes(b"FMS1 half")
    assert_same(file.load(NETWORK, 5), state)
    file.save(state)
    assert os.listdir(tmp_path) == ["state.bin"]


@settings(deadline=None, max_examples=60)
@given(at=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_any_changed_byte_is_damage_and_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, at: int, flip: int
) -> None:
    file = StateFile(tmp_path_factory.mktemp("state") / "state.bin")
    file.save(state_of())
    raw = bytearray(file.path.read_bytes())
    raw[at % len(raw)] ^= flip
    file.path.write_bytes(bytes(raw))
    with pytest.raises(SetupError, match="is damaged: move it away and start again"):
        file.load(NETWORK, 5)


@pytest.mark.parametrize("length", [0, 1, 4, 36, -1])
def test_a_cut_file_is_damage(tmp_path: Path, length: int) -> None:
    file = StateFile(tmp_path / "state.bin")
    file.save(state_of())
    file.path.write_bytes(file.path.read_bytes()[:length])
    with pytest.raises(SetupError, match="is damaged"):
        file.load(NETWORK, 5)


@pytest.mark.parametrize(("network", "parameters"), [(b"\10" * 32, 5), (NETWORK, 6)])
def test_another_circles_state_is_refused(tmp_path: Path, network: bytes, parameters: int) -> None:
    file = StateFile(tmp_path / "state.bin")
    file.save(state_of())
    with pytest.raises(SetupError, match="belongs to another circle: choose another --data folder"):
        file.load(network, parameters)


def test_a_confirmed_commit_hands_over_its_residual() -> None:
    state = state_of()
    assert state.commit is not None
    confirmed = state.with_commit_confirmed()
    assert confirmed.commit is None
    np.testing.assert_array_equal(confirmed.residual, state.commit.residual)
    np.testing.assert_array_equal(confirmed.base, state.base)
