"""What waits for its bundle: a kill's remainder is cut off, and somebody else's file is left as it is."""

from pathlib import Path

import pytest
from eth_hash.auto import keccak

from ledger.audit.bundle.shelf import BlockShelf
from ledger.blobs.unixfs import build_dag
from ledger.errors import SetupError

BLOCK = b"FM a block"
DIGEST = build_dag(BLOCK).root


@pytest.mark.parametrize("cut", [1, 3, 20, 46])
def test_a_block_half_written_is_cut_off_and_can_be_put_again(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "b.car.part"
    with BlockShelf(path) as shelf:
        shelf.put_block(DIGEST, BLOCK)
    path.write_bytes(path.read_bytes()[:cut])
    with BlockShelf(path) as shelf:
        assert len(shelf) == 0
        shelf.put_block(DIGEST, BLOCK)
    with BlockShelf(path) as shelf:
        assert shelf.read_block(DIGEST) == BLOCK


@pytest.mark.parametrize(
    "data", [b"thesis\n" * 100, b"PK\x03\x04 half of a download", keccak(b"any") * 9, b"\x80" * 50]
)
def test_a_file_of_somebody_elses_is_left_as_it_is(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "b.car.part"
    path.write_bytes(data)
    with pytest.raises(SetupError, match="holds nothing of an unfinished bundle"):
        BlockShelf(path)
    assert path.read_bytes() == data
