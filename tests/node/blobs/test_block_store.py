"""The block store: what is put comes back, what is damaged or half written does not, and seals hold."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.blobs.cid import digest_of
from ledger.blobs.unixfs import CHUNK_BYTES, BlobTooLarge, build_dag
from node.blobs.store import BlockStore, NotStored
from tests.support.disk_steps import DiskSteps
from tests.support.sample_blobs import blob

SIZES = [2, 3, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES]
BIG = 1 << 30


def path_of(root: Path, digest: bytes) -> Path:
    return root / "blocks" / digest.hex()[:2] / digest.hex()


@pytest.mark.parametrize("size_bytes", SIZES)
def test_a_blob_comes_back_as_it_was_also_after_reopening(tmp_path: Path, size_bytes: int) -> None:
    digest = BlockStore(tmp_path).put(blob(size_bytes))
    assert digest == build_dag(blob(size_bytes)).root
    reopened = BlockStore(tmp_path)
    assert reopened.has(digest)
    assert reopened.get(digest, size_bytes) == blob(size_bytes)
    assert not reopened.is_sealed(digest)


@pytest.mark.parametrize("content", [b"", b"F", b"no magic"])
def test_bytes_without_the_magic_are_no_blob(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match="begins with"):
        BlockStore(tmp_path).put(content)
    assert list((tmp_path / "blocks").iterdir()) == []


def test_a_blob_above_the_limit_is_not_read(tmp_path: Path) -> None:
    store = BlockStore(tmp_path)
    digest = store.put(blob(2 * CHUNK_BYTES))
    with pytest.raises(BlobTooLarge):
        store.get(digest, 2 * CHUNK_BYTES - 1)


def test_what_was_never_put_is_not_stored(tmp_path: Path) -> None:
    store = BlockStore(tmp_path)
    assert not store.has(bytes(32))
    assert store.read_block(bytes(32)) is None
    with pytest.raises(NotStored):
        store.get(bytes(32), BIG)
    with pytest.raises(NotStored):
        store.seal(bytes(32))


def test_a_wrong_block_never_enters(tmp_path: Path) -> None:
    store = BlockStore(tmp_path)
    with pytest.raises(ValueError, match="are not the block"):
        store.put_block(bytes(32), b"FM")
    huge = bytes(CHUNK_BYTES + 1)
    with pytest.raises(ValueError, match="are not the block"):
        store.put_block(digest_of(huge), huge)
    assert list((tmp_path / "blocks").iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"FM", bytes(CHUNK_BYTES), bytes(3 * CHUNK_BYTES)])
def test_a_damaged_block_is_removed_and_can_be_stored_again(tmp_path: Path, damage: bytes) -> None:
    store = BlockStore(tmp_path)
    dag = build_dag(blob(3 * CHUNK_BYTES))
    store.put(dag.data)
    leaf = path_of(tmp_path, dag.leaves[1])
    leaf.write_bytes(damage)
    with pytest.raises(NotStored):
        store.get(dag.root, BIG)
    assert not leaf.exists()
    assert not store.has(dag.root)
    store.put(dag.data)
    assert store.get(dag.root, BIG) == dag.data


def test_a_malformed_blob_is_never_there(tmp_path: Path) -> None:
    store = BlockStore(tmp_path)
    block = b"neither leaf nor node"
    store.put_block(digest_of(block), block)
    assert not store.has(digest_of(block))


def test_blocks_put_one_by_one_make_a_blob(tmp_path: Path) -> None:
    store, dag = BlockStore(tmp_path), build_dag(blob(2 * CHUNK_BYTES))
    for digest, _, data in reversed(list(dag.blocks())):
        assert not store.has(dag.root)
        store.put_block(digest, data)
    assert store.has(dag.root)
    assert store.get(dag.root, BIG) == dag.data


@pytest.mark.rule("R5")
def test_a_sealed_blob_stays_sealed_over_restarts_until_it_is_unsealed(tmp_path: Path) -> None:
    dag = build_dag(blob(3 * CHUNK_BYTES))
    store = BlockStore(tmp_path)
    store.put(dag.data, sealed=True)
    for opened in (store, BlockStore(tmp_path)):
        assert all(opened.is_sealed(digest) for digest in dag.digests)
        assert opened.get(dag.root, BIG) == dag.data
    store.unseal(dag.root)
    store.unseal(dag.root)
    for opened in (store, BlockStore(tmp_path)):
        assert not any(opened.is_sealed(digest) for digest in dag.digests)


def test_a_stored_blob_can_be_sealed_with_all_its_blocks(tmp_path: Path) -> None:
    dag = build_dag(blob(3 * CHUNK_BYTES))
    store = BlockStore(tmp_path)
    store.put(dag.data)
    store.seal(dag.root)
    store.seal(dag.root)
    for opened in (store, BlockStore(tmp_path)):
        assert all(opened.is_sealed(digest) for digest in dag.digests)
    store.unseal(dag.root)
    assert not any(store.is_sealed(digest) for digest in dag.digests)


@pytest.mark.rule("R5")
def test_a_block_of_two_sealed_blobs_stays_sealed_until_both_are_open(tmp_path: Path) -> None:
    store, shared = BlockStore(tmp_path), blob(CHUNK_BYTES)
    first, second = build_dag(shared + b"first"), build_dag(shared + b"second")
    store.put(first.data, sealed=True)
    store.put(second.data, sealed=True)
    store.unseal(first.root)
    assert store.is_sealed(second.leaves[0])
    assert not store.is_sealed(first.root)
    store.unseal(second.root)
    assert not store.is_sealed(second.leaves[0])


KILLS = [(0, "before"), (0, "after"), (1, "after"), (4, "after")]
# Runs in a process of its own and kills itself at the given rename, before or after it.
KILLED = """
import os, signal, sys
from pathlib import Path
from node.blobs.store import BlockStore

root, size, at, when, sealed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]
store, replace, calls = BlockStore(root), os.replace, 0

def killing(source, target):
    global calls
    calls += 1
    if calls > at and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
    if calls > at:
        os.kill(os.getpid(), signal.SIGKILL)

os.replace = killing
store.put(b"FM" + bytes(range(250)) * (size // 250), sealed=sealed == "1")
"""
KILLED_BLOB = b"FM" + bytes(range(250)) * (3 * CHUNK_BYTES // 250)


def put_killed_at(root: Path, rename: int, when: str, *, sealed: bool) -> None:
    arguments = [root, 3 * CHUNK_BYTES, rename, when, int(sealed)]
    command = [sys.executable, "-c", KILLED, *map(str, arguments)]
    assert subprocess.run(command, timeout=60, check=False).returncode == -signal.SIGKILL


@pytest.mark.parametrize("rename", [0, 2, 3])
def test_a_put_that_is_killed_leaves_nothing_half_written(tmp_path: Path, rename: int) -> None:
    dag = build_dag(KILLED_BLOB)
    put_killed_at(tmp_path, rename, "before", sealed=False)
    assert len(list((tmp_path / "partial").iterdir())) == 1

    store = BlockStore(tmp_path)
    assert list((tmp_path / "partial").iterdir()) == []
    assert not store.has(dag.root)
    with pytest.raises(NotStored):
        store.get(dag.root, BIG)
    assert sum(store.read_block(digest) is not None for digest in dag.digests) == rename
    store.put(KILLED_BLOB)
    assert store.get(dag.root, BIG) == KILLED_BLOB


@pytest.mark.rule("R5")
@pytest.mark.parametrize(("rename", "when"), KILLS)
def test_a_sealed_put_that_is_killed_leaves_no_open_block(tmp_path: Path, rename: int, when: str) -> None:
    dag = build_dag(KILLED_BLOB)
    put_killed_at(tmp_path, rename, when, sealed=True)
    store = BlockStore(tmp_path)
    stored = [digest for digest in dag.digests if store.read_block(digest) is not None]
    assert len(stored) == (rename if when == "after" else 0)
    assert all(store.is_sealed(digest) for digest in stored)


def test_a_block_and_a_seal_are_on_the_disk_before_they_count(tmp_path: Path, disk: DiskSteps) -> None:
    store = BlockStore(tmp_path / "store")
    disk.steps.clear()
    digest = store.put(blob(10), sealed=True)
    name = digest.hex()
    kinds = [kind.replace(name, "NAME") for kind in disk.kinds]
    assert kinds[1:3] == ["replace NAME", "fsync sealed"], "the seal first"
    assert kinds[3] == "fsync blocks"
    assert kinds[5:] == ["replace NAME", f"fsync {name[:2]}"]
    assert [size for kind, _, size in disk.steps if kind == "fsync" and size] == [32, 10]
    disk.steps.clear()
    store.unseal(digest)
    assert disk.kinds == ["fsync sealed"]


@pytest.mark.parametrize("step", range(7))
def test_a_full_disk_leaves_no_half_blob_and_no_open_one(tmp_path: Path, disk: DiskSteps, step: int) -> None:
    store = BlockStore(tmp_path / "store")
    disk.steps.clear()
    disk.fail_at = step
    with pytest.raises(OSError, match="No space left"):
        store.put(blob(10), sealed=True)
    disk.fail_at = None
    digest = build_dag(blob(10)).root
    for opened in (store, BlockStore(tmp_path / "store")):
        assert not opened.has(digest) or opened.is_sealed(digest)
        assert opened.read_block(digest) in (None, blob(10))
    assert store.put(blob(10), sealed=True) == digest
    assert BlockStore(tmp_path / "store").get(digest, 10) == blob(10)
    assert BlockStore(tmp_path / "store").is_sealed(digest)


def test_nobody_else_reads_the_store(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        BlockStore(tmp_path / "store").put(blob(10), sealed=True)
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "store").rglob("*") if path.is_file()}
    folders = {path.stat().st_mode & 0o777 for path in (tmp_path / "store").rglob("*") if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


@pytest.mark.parametrize("damage", ["leaf", "root", "nothing stored"])
def test_what_is_not_whole_is_not_found(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    store, dag = BlockStore(tmp_path), build_dag(blob(2 * CHUNK_BYTES))
    assert store.find(dag.root, BIG) is None
    if damage != "nothing stored":
        store.put(dag.data)
        assert store.find(dag.root, BIG) == dag.data
        path = path_of(tmp_path, dag.leaves[1] if damage == "leaf" else dag.root)
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert store.find(dag.root, BIG) is None
    assert (f"block damaged, removed file={path}" in caplog.text) if damage != "nothing stored" else not caplog.text
    assert store.find(dag.root, 10) is None, "nor what is too large"


def test_a_damaged_seal_is_named_and_keeps_back_what_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, dag = BlockStore(tmp_path), build_dag(blob(2 * CHUNK_BYTES))
    store.put(dag.data, sealed=True)
    seal = tmp_path / "sealed" / dag.root.hex()
    seal.write_bytes(seal.read_bytes()[:40].replace(dag.root, bytes(32)))
    (tmp_path / "sealed" / "stray").touch()
    reopened = BlockStore(tmp_path)
    assert all(reopened.is_sealed(digest) for digest in dag.digests)
    assert f"seal damaged file={seal}" in caplog.text
    assert "no seal, not used file=" in caplog.text
    reopened.unseal(dag.root)
    assert not any(reopened.is_sealed(digest) for digest in dag.digests)
