"""Nodes' stores are read and never written, and every byte of theirs is hashed."""

import os
from pathlib import Path

import pytest

from ledger.blobs.unixfs import CHUNK_BYTES, BlobTooLarge, build_dag
from node.blobs.store import BlockStore
from node.watch.folders import FolderBlobs

LONG = b"FM" + bytes(CHUNK_BYTES + 10)
LIMIT = 1 << 22


def list_files(folder: Path) -> dict[Path, bytes]:
    """All files below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def block_path(folder: Path, digest: bytes) -> Path:
    """Where a block lies."""
    return folder / "blobs" / "blocks" / digest.hex()[:2] / digest.hex()


def test_a_blob_of_any_of_the_folders_is_found_and_nothing_is_written(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    (one / "blobs").mkdir(parents=True)
    digest = BlockStore(other / "blobs").put(LONG)
    (other / "blobs" / "partial" / "left").write_bytes(b"of a writer that was killed")
    before = list_files(tmp_path)
    blobs = FolderBlobs([one, other, tmp_path / "nowhere"])
    assert blobs.find(digest, LIMIT) == LONG
    assert blobs.find_size(digest, LIMIT) == len(LONG)
    blobs.put_block(digest, b"whatever")
    assert list_files(tmp_path) == before


def test_a_block_that_was_changed_counts_as_missing_and_stays(tmp_path: Path) -> None:
    digest = BlockStore(tmp_path / "blobs").put(b"FM a blob")
    block_path(tmp_path, digest).write_bytes(b"FM another")
    blobs = FolderBlobs([tmp_path])
    assert blobs.find(digest, LIMIT) is None
    assert blobs.find_size(digest, LIMIT) is None
    assert block_path(tmp_path, digest).exists()


def test_a_blob_larger_than_it_may_be_is_refused_by_its_root(tmp_path: Path) -> None:
    digest = BlockStore(tmp_path / "blobs").put(LONG)
    with pytest.raises(BlobTooLarge):
        FolderBlobs([tmp_path]).find(digest, 1000)
    assert FolderBlobs([tmp_path]).find_size(digest, 1000) is None


def test_a_pipe_a_folder_or_a_huge_file_in_a_blocks_place_keeps_nobody_waiting(tmp_path: Path) -> None:
    digests = [build_dag(b"FM" + bytes([number])).root for number in range(3)]
    for digest in digests:
        block_path(tmp_path, digest).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(block_path(tmp_path, digests[0]))
    block_path(tmp_path, digests[1]).mkdir()
    with block_path(tmp_path, digests[2]).open("wb") as file:
        file.truncate(1 << 33)
    blobs = FolderBlobs([tmp_path])
    assert [blobs.read_block(digest) for digest in digests] == [None] * 3
