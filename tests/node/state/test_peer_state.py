"""The peer's state file: whole or not at all, and never another circle's."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from node.state.peer_state import KEPT_ROUNDS, Base, OwnCommit, PeerState, StateFile
from tests.support.disk_steps import DiskSteps
from tests.support.histories.moments import attestations, commits, drawn, history_of, settled

NETWORK = b"\7" * 32


def state_of(size: int = 5, *, pending: bool = True) -> PeerState:
    rng = np.random.default_rng(size)
    commit = OwnCommit(4, b"\3" * 32, b"\5" * 32, rng.normal(size=size).astype(np.float32))
    base = Base(rng.integers(-(2**31), 2**31, size, dtype=np.int32), 3, b"\5" * 32)
    kept = (OwnCommit(3, b"\4" * 32, b"\6" * 32, None), commit) if pending else ()
    return PeerState(NETWORK, base, rng.normal(size=size).astype(np.float32), kept)


def assert_same(found: PeerState | None, expected: PeerState) -> None:
    assert found is not None
    assert (found.network, found.base.round, found.base.record) == (
        expected.network,
        expected.base.round,
        expected.base.record,
    )
    np.testing.assert_array_equal(found.base.state, expected.base.state, strict=True)
    np.testing.assert_array_equal(found.residual, expected.residual, strict=True)
    for one, other in zip(found.commits, expected.commits, strict=True):
        assert (one.round, one.digest, one.base_record) == (other.round, other.digest, other.base_record)
        assert (one.residual is None) == (other.residual is None)
        if one.residual is not None:
            np.testing.assert_array_equal(one.residual, other.residual, strict=True)


@pytest.mark.parametrize("pending", [False, True])
def test_a_state_comes_back_as_it_was_saved(tmp_path: Path, pending: bool) -> None:
    file, state = StateFile(tmp_path / "state.bin"), state_of(pending=pending)
    file.save(state)
    assert_same(file.load(NETWORK, 5), state)


def test_without_a_file_there_is_no_state(tmp_path: Path) -> None:
    assert StateFile(tmp_path / "state.bin").load(NETWORK, 5) is None


def list_vectors(folder: Path) -> set[str]:
    return set(os.listdir(folder / "state.bin.vectors"))


def test_the_last_save_is_what_counts_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file, state = StateFile(tmp_path / "state.bin"), state_of()
    file.save(state)
    before = list_vectors(tmp_path)
    later = replace(state, base=replace(state.base, state=np.arange(5, dtype=np.int32), round=9))
    file.save(later)
    assert_same(file.load(NETWORK, 5), later)
    assert sorted(os.listdir(tmp_path)) == ["state.bin", "state.bin.vectors"]
    assert (len(before), len(list_vectors(tmp_path)), len(before & list_vectors(tmp_path))) == (3, 3, 2)


def test_a_vector_that_is_on_the_disk_is_not_written_again(tmp_path: Path, disk: DiskSteps) -> None:
    file, state = StateFile(tmp_path / "state.bin"), state_of()
    file.save(state)
    disk.steps.clear()
    later = replace(state, base=replace(state.base, state=np.arange(5, dtype=np.int32)))
    file.save_ahead(later.base)
    assert [kind for kind in disk.kinds if kind.startswith("replace")] == [f"replace {name_of(later.base.state)}"]
    disk.steps.clear()
    file.save(later)
    assert [kind for kind in disk.kinds if kind.startswith("replace")] == ["replace state.bin"]
    assert_same(StateFile(tmp_path / "state.bin").load(NETWORK, 5), later)


def name_of(vector: NDArray[Any]) -> str:
    return hashlib.sha256(vector.tobytes()).hexdigest()


def test_a_half_written_successor_does_not_harm_the_state(tmp_path: Path) -> None:
    file, state = StateFile(tmp_path / "state.bin"), state_of()
    file.save(state)
    (tmp_path / "state.bin.tmp").write_bytes(b"FMS4 half")
    (tmp_path / "state.bin.vectors" / f"{name_of(state.base.state)}.tmp").write_bytes(b"half")
    assert_same(file.load(NETWORK, 5), state)
    file.save(state)
    assert sorted(os.listdir(tmp_path)) == ["state.bin", "state.bin.vectors"]
    assert len(list_vectors(tmp_path)) == 3


def test_a_state_is_on_the_disk_before_it_takes_the_place_of_the_last_one(tmp_path: Path, disk: DiskSteps) -> None:
    file, state = StateFile(tmp_path / "state.bin"), state_of()
    file.save(state)
    last = disk.kinds.index("fsync state.bin.tmp")
    assert disk.kinds[last:] == ["fsync state.bin.tmp", "replace state.bin", f"fsync {tmp_path.name}"]
    assert disk.steps[last][2] == (tmp_path / "state.bin").stat().st_size
    # What it names is there before it is.
    for name in list_vectors(tmp_path):
        written = disk.kinds.index(f"fsync {name}.tmp")
        assert disk.kinds[written:][:3] == [f"fsync {name}.tmp", f"replace {name}", "fsync state.bin.vectors"]
    assert (tmp_path / "state.bin").stat().st_mode & 0o077 == 0


@settings(deadline=None, max_examples=60)
@given(at=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_any_changed_byte_is_damage_and_the_file_is_set_aside(
    tmp_path_factory: pytest.TempPathFactory, at: int, flip: int
) -> None:
    path = tmp_path_factory.mktemp("state") / "state.bin"
    file = StateFile(path)
    file.save(state_of())
    raw = bytearray(path.read_bytes())
    raw[at % len(raw)] ^= flip
    path.write_bytes(bytes(raw))
    assert file.load(NETWORK, 5) is None
    assert sorted(os.listdir(path.parent)) == ["state.bin.damaged", "state.bin.damaged.vectors"]
    assert path.with_name("state.bin.damaged").read_bytes() == raw


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("harm", ["lost", "cut", "changed"])
def test_a_damaged_vector_is_damage_of_the_state(tmp_path: Path, at: int, harm: str) -> None:
    file, state = StateFile(tmp_path / "state.bin"), state_of()
    file.save(state)
    residual = state.commits[-1].residual
    assert residual is not None
    path = tmp_path / "state.bin.vectors" / name_of([state.base.state, state.residual, residual][at])
    raw = bytearray(path.read_bytes())
    raw[3] ^= 1
    path.unlink()
    if harm != "lost":
        path.write_bytes(bytes(raw) if harm == "changed" else bytes(raw[:-4]))
    assert StateFile(tmp_path / "state.bin").load(NETWORK, 5) is None
    assert sorted(os.listdir(tmp_path)) == ["state.bin.damaged", "state.bin.damaged.vectors"]
    file = StateFile(tmp_path / "state.bin")
    file.save(state)
    assert_same(file.load(NETWORK, 5), state)


@pytest.mark.parametrize("length", [0, 1, 4, 36, -1])
def test_a_cut_file_is_damage(tmp_path: Path, length: int, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "state.bin"
    file = StateFile(path)
    file.save(state_of())
    path.write_bytes(path.read_bytes()[:length])
    assert file.load(NETWORK, 5) is None
    assert "fault=damaged" in caplog.text
    assert str(tmp_path / "state.bin.damaged") in caplog.text


@pytest.mark.parametrize(("network", "parameters"), [(b"\10" * 32, 5), (NETWORK, 6)])
def test_another_circles_state_is_not_used_and_not_lost(tmp_path: Path, network: bytes, parameters: int) -> None:
    file = StateFile(tmp_path / "state.bin")
    file.save(state_of())
    assert file.load(network, parameters) is None
    assert_same(StateFile(tmp_path / "state.bin.damaged").load(NETWORK, 5), state_of())


SEAT = 2
DIGEST = bytes([SEAT + 1]) * 32


def with_commit(state: PeerState, number: int, digest: bytes, residual: float) -> PeerState:
    left = np.full(5, residual, np.float32)
    return state.with_commit(OwnCommit(number, digest, state.base.record, left), history_of(), SEAT)


def test_what_an_update_left_over_counts_while_it_is_on_chain() -> None:
    state = with_commit(state_of(pending=False), 1, DIGEST, 7.0)
    assert (state.residual_for(2, history_of(*commits(SEAT)), SEAT) == 7.0).all()
    # Taken back, or another update of the round took its place: what was there before counts again.
    for history in (history_of(), history_of(*commits(SEAT - 1))):
        np.testing.assert_array_equal(state.residual_for(2, history, SEAT), state.residual)
    # The round itself is made again from what was there before it.
    np.testing.assert_array_equal(state.residual_for(1, history_of(*commits(SEAT)), SEAT), state.residual)


def test_what_counts_of_a_later_round_is_what_its_own_commit_left_over() -> None:
    state = with_commit(state_of(pending=False), 1, DIGEST, 7.0)
    both = history_of(*settled(0, 1, SEAT), *commits(SEAT, number=2))
    state = state.with_commit(OwnCommit(2, DIGEST, b"", np.full(5, 8.0, np.float32)), both, SEAT)
    assert (state.residual_for(3, both, SEAT) == 8.0).all()
    first = history_of(*settled(0, 1, SEAT))
    assert (state.residual_for(3, first, SEAT) == 7.0).all(), "the second round's is not on chain"


def test_of_two_updates_of_a_round_the_one_on_chain_counts() -> None:
    state = with_commit(with_commit(state_of(pending=False), 1, DIGEST, 7.0), 1, b"\x77" * 32, 8.0)
    assert [commit.digest for commit in state.commits] == [DIGEST, b"\x77" * 32]
    assert (state.residual_for(2, history_of(*commits(SEAT)), SEAT) == 7.0).all()


def test_of_older_rounds_the_digest_is_kept_and_in_the_end_not_even_that() -> None:
    state = state_of(pending=False)
    for number in range(1, KEPT_ROUNDS + 10):
        state = with_commit(state, number, bytes([number]) * 32, float(number))
    assert [commit.round for commit in state.commits] == list(range(10, KEPT_ROUNDS + 10))
    assert [commit.residual is None for commit in state.commits] == [True] * (KEPT_ROUNDS - 1) + [False]


def test_a_base_stands_while_the_attestation_it_came_of_is_on_chain() -> None:
    values = np.zeros(5, np.int32)
    attested = history_of(*drawn(0, 1, 2), *attestations(SEAT))
    assert Base(values).is_on_chain(history_of(), SEAT)
    assert Base(values, 1, b"\1" * 32).is_on_chain(attested, SEAT)
    assert not Base(values, 1, b"\2" * 32).is_on_chain(attested, SEAT)
    assert not Base(values, 1, b"\1" * 32).is_on_chain(history_of(*drawn(0, 1, 2)), SEAT)
    assert not Base(values, 2, b"\1" * 32).is_on_chain(attested, SEAT)


def test_a_base_is_the_latest_until_its_seat_attests_again() -> None:
    """What is trained from an older one names a base that no auditor comes to."""
    values = np.zeros(5, np.int32)
    attested = history_of(*settled(0, 1, SEAT))
    genesis, after = Base(values), Base(values, 1, b"\1" * 32)
    assert genesis.is_latest(history_of(*drawn(0, 1, SEAT)), SEAT)
    assert after.is_latest(attested, SEAT)
    assert genesis.is_on_chain(attested, SEAT)
    assert not genesis.is_latest(attested, SEAT)
    assert not after.is_latest(history_of(*drawn(0, 1, SEAT)), SEAT)
    assert not genesis.is_latest(history_of(), 7), "a seat that a reorganisation took back"
    # Who attested from the seat before its present holder joined does not count.
    attested.seats[SEAT] = replace(attested.seats[SEAT], since_round=2)
    assert genesis.is_latest(attested, SEAT)
