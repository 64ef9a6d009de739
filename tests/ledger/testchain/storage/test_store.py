"""The store keeps whole blocks or nothing."""

from pathlib import Path

import pytest

from ledger.errors import SetupError
from ledger.testchain.storage.store import ChainStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chain.sqlite"


def test_what_a_block_wrote_is_there_after_reopening(path: Path) -> None:
    store = ChainStore(path)
    with store.block():
        store[b"node"] = b"1"
        store.set_meta("name", b"m")
        store.add_logs(7, 1 << 2047, b"logs")
    store.close()
    store = ChainStore(path)
    assert (store[b"node"], store.get_meta("name"), store.logs(7)) == (b"1", b"m", b"logs")
    assert list(store.blooms(0, 10)) == [(7, 1 << 2047)]
    store.close()


def test_a_failed_block_leaves_nothing_behind(path: Path) -> None:
    store = ChainStore(path)
    store[b"kept"] = b"old"

    def fail() -> None:
        with store.block():
            store[b"kept"] = b"new"
            store[b"node"] = b"1"
            store.add_logs(1, 1, b"logs")
            assert store[b"kept"] == b"new"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store[b"kept"] == b"old"
    assert b"node" not in store
    assert store.logs(1) is None
    store.close()


def test_py_evm_batches_join_the_open_block(path: Path) -> None:
    store = ChainStore(path)

    def fail() -> None:
        with store.block():
            with store.atomic_batch() as batch:
                batch[b"node"] = b"1"
            assert store[b"node"] == b"1"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert b"node" not in store
    with store.atomic_batch() as batch:
        batch[b"node"] = b"2"
    store.close()
    store = ChainStore(path)
    assert store[b"node"] == b"2"
    store.close()


def test_a_value_may_change_its_size_and_be_deleted(path: Path) -> None:
    store = ChainStore(path)
    for value in (b"small", bytes(5000), b"small again", b""):
        store[b"pointer"] = value
        assert store[b"pointer"] == value
    del store[b"pointer"]
    assert b"pointer" not in store
    with pytest.raises(KeyError):
        del store[b"pointer"]
    store.close()


def test_a_file_that_is_no_store_is_named(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(SetupError, match="choose another data directory"):
        ChainStore(path)
