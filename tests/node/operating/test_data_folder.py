"""A peer's folder: one process, and the files of one circle never those of another at the same address."""

import logging
import os
from pathlib import Path

import pytest

from ledger.errors import SetupError
from ledger.identity.network import Network
from node.operating.data_folder import DataFolder

NETWORK = Network.of(1337, "0x" + "11" * 20)
ONE, OTHER = "0x" + "aa" * 32, "0x" + "bb" * 32


def open_folder(root: Path, opened_in: str = ONE, network: Network = NETWORK) -> DataFolder:
    """Open it and let it go again."""
    with DataFolder.open(root, network, opened_in) as folder:
        return folder


def test_a_circle_at_the_same_address_finds_nothing_of_the_other_but_what_was_signed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        first = open_folder(tmp_path)
        assert caplog.text == ""
        first.state.write_bytes(b"the first circle's")
        second = open_folder(tmp_path, OTHER)
    assert "another circle was at this address" in caplog.text
    assert first.state.parent.name in caplog.text
    for one, other in (
        (first.state, second.state),
        (first.pending, second.pending),
        (first.evidence, second.evidence),
    ):
        assert one != other
    assert not second.state.exists()
    # A signature convicts under an address and chain id, whatever circle it was made for; a block is its digest.
    assert (first.journal, first.blobs) == (second.journal, second.blobs)
    assert open_folder(tmp_path).state.read_bytes() == b"the first circle's", "nothing was lost"


def test_another_address_or_chain_shares_nothing_but_blobs(tmp_path: Path) -> None:
    first = open_folder(tmp_path)
    for network in (Network.of(1337, "0x" + "22" * 20), Network.of(1, "0x" + "11" * 20)):
        other = open_folder(tmp_path, network=network)
        assert other.others == []
        assert {other.journal, other.state}.isdisjoint({first.journal, first.state})
        assert other.blobs == first.blobs


def test_a_second_process_is_refused_with_folder_and_process(tmp_path: Path) -> None:
    with DataFolder.open(tmp_path / "data", NETWORK, ONE), pytest.raises(SetupError) as refused:
        DataFolder.open(tmp_path / "data", NETWORK, OTHER)
    said = f"the folder {tmp_path / 'data'} is in use by another node (process {os.getpid()})"
    assert str(refused.value).startswith(said)


def test_a_circle_found_later_at_the_address_has_a_place_of_its_own(tmp_path: Path) -> None:
    with DataFolder.open(tmp_path, NETWORK, ONE) as folder:
        moved = folder.of_circle(OTHER)
        assert moved.state != folder.state
        assert moved.state.parent.is_dir()
        with pytest.raises(SetupError, match="is in use"):
            DataFolder.open(tmp_path, NETWORK, OTHER)


def test_every_folder_is_private_and_a_file_in_its_place_is_a_sentence(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        open_folder(tmp_path / "data")
    finally:
        os.umask(before)
    folders = [path for path in (tmp_path / "data", *(tmp_path / "data").rglob("*")) if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="choose another with --folder"):
        DataFolder.open(tmp_path / "file", NETWORK, ONE)
