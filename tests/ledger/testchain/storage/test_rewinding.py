"""Snapshots outlive the process, a failed reorganisation leaves everything as it was, and memory stays bounded."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import UsageError
from ledger.testchain.accounts import DEV_ACCOUNTS
from ledger.testchain.evm.transactions import TransactionRejected
from ledger.testchain.evm.vm import Header, LocalVM
from ledger.testchain.mining.engine import BlockNews, Engine
from ledger.testchain.server.serve import ChainConfig
from ledger.testchain.storage import blocks
from ledger.testchain.storage.blocks import BlockReader

Signed = Callable[..., bytes]


def reopened(engine: Engine, folder: Path) -> Engine:
    engine.close()
    return Engine(folder, 1337, None)


def header(engine: Engine, number: int) -> Header:
    found = engine.chain.header_by_number(number)
    assert found is not None
    return found


def test_snapshots_and_what_a_revert_did_outlive_the_process(tmp_path: Path, signed: Signed) -> None:
    engine = Engine(tmp_path, 1337, 7)
    engine.submit(signed(0, 0))
    kept = engine.mine().header
    snapshots = [engine.chain.snapshot() for _ in range(3)]
    engine.chain.shift_clock(86_400)
    engine.mine()
    engine = reopened(engine, tmp_path)
    assert engine.revert(snapshots[1])
    engine = reopened(engine, tmp_path)
    assert engine.head == kept
    assert engine.next_timestamp() < kept.timestamp + 86_400
    assert [engine.revert(one) for one in ((1 << 63) - 1, 1 << 300, 2, 1, 0)] == [*[False] * 4, True]
    assert engine.chain.snapshot() == 3
    engine.close()


def test_the_same_blocks_come_again_after_a_revert_and_others_after_a_reorganisation(tmp_path: Path) -> None:
    engine = Engine(tmp_path, 1337, 7)
    time, snapshot = engine.head.timestamp, engine.chain.snapshot()
    first = [engine.mine(time).header.hash for _ in range(3)]
    engine.revert(snapshot)
    assert [engine.mine(time).header.hash for _ in range(3)] == first
    engine.reorganise([[], []])
    second = [header(engine, number).hash for number in (1, 2, 3)]
    assert [old == new for old, new in zip(first, second, strict=True)] == [True, False, False]
    engine = reopened(engine, tmp_path)
    engine.reorganise([[], []])
    third = [header(engine, number).hash for number in (1, 2, 3)]
    assert not set(second[1:]) & set(third)
    engine.close()


def test_a_reorganisation_keeps_times_and_drops_snapshots_of_what_it_replaces(tmp_path: Path) -> None:
    engine = Engine(tmp_path, 1337, 7)
    start = engine.head.timestamp
    snapshots = []
    for later_s in (10, 20, 30):
        engine.mine(start + later_s)
        snapshots.append(engine.chain.snapshot())
    engine.reorganise([[], []])
    assert [header(engine, number).timestamp - start for number in (1, 2, 3)] == [10, 20, 30]
    assert [engine.revert(one) for one in reversed(snapshots)] == [False, False, True]
    assert engine.head.block_number == 1
    engine.close()


def test_a_reorganisation_that_fails_changes_nothing(
    tmp_path: Path, signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(tmp_path, 1337, 7)
    engine.submit(signed(0, 0))
    place = engine.mine()
    engine.mine()
    snapshot, head = engine.chain.snapshot(), engine.head

    def break_down(*_: Any) -> None:
        raise RuntimeError("a bug in the machine")

    with monkeypatch.context() as patched:
        patched.setattr(LocalVM, "apply_transaction", break_down)
        with pytest.raises(TransactionRejected, match="a bug in the machine"):
            engine.reorganise([[], [signed(1, 0)]])
    assert engine.head == head
    assert engine.chain.locate(place.transactions[0].hash) == (place, 0)
    assert engine.mine().header.parent_hash == head.hash
    assert engine.revert(snapshot)
    assert engine.head == head
    engine.close()


def test_what_is_told_is_what_happened(tmp_path: Path, signed: Signed) -> None:
    engine = Engine(tmp_path, 1337, 7)
    told: list[BlockNews] = []
    engine.listeners.append(told.append)
    # Logs one word and leaves no code: LOG0 of MSTORE(0, 5).
    engine.submit(signed(0, 0, to=b"", data="0x600560005260206000a000", gas=200_000))
    first, second = engine.mine().header, engine.mine().header
    engine.reorganise([[], []])
    heads = [(news.header.block_number, news.is_removed, news.logs is not None) for news in told]
    assert heads == [(1, False, True), (2, False, False), (1, True, True), (1, False, False), (2, False, False)]
    assert told[0].header == told[2].header == first
    assert {news.header.hash for news in told[3:]}.isdisjoint({first.hash, second.hash})
    engine.close()


def test_blocks_at_hand_are_few_large_ones_or_many_small_ones(
    tmp_path: Path, signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_CACHED_TRANSACTIONS", 10)
    engine = Engine(tmp_path, 1337, 7)
    reader: BlockReader = engine.chain._blocks
    for nonce in range(0, 24, 4):
        for more in range(4):
            engine.submit(signed(0, nonce + more))
        engine.mine()
    assert [len(record.transactions) for record, _, _ in reader._kept.values()] == [4, 4]
    monkeypatch.setattr(blocks, "MAX_CACHED_BYTES", 1)
    for number in range(1, 7):
        record = engine.chain.read_record(engine.chain.header_by_number(number))
        assert [transaction.nonce for transaction in record.transactions] == list(range(4 * number - 4, 4 * number))
        assert len(record.receipts) == 4
        assert list(reader._kept) == [record.header.hash]
    engine.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "chain.example"])
def test_other_machines_are_let_in_only_when_asked_for(tmp_path: Path, host: str) -> None:
    with pytest.raises(UsageError, match="--allow-remote"):
        ChainConfig(tmp_path, host=host)
    assert not ChainConfig(tmp_path, host=host, allow_remote=True).is_local


def test_the_command_line_says_how_to_let_others_in(tmp_path: Path) -> None:
    program = "import sys; from node.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "chain", "--folder", str(tmp_path / "chain"), "--host", "0.0.0.0"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "allow it with --allow-remote" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "chain").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_addresses_of_this_machine_need_no_permission(tmp_path: Path, host: str) -> None:
    assert ChainConfig(tmp_path, host=host).is_local


def test_a_chain_open_to_others_cannot_be_turned_back(start_chain: Callable[..., Any], signed: Signed) -> None:
    chain = start_chain(host="0.0.0.0", allow_remote=True)
    for method, *params in (
        ["evm_snapshot"],
        ["evm_revert", "0x0"],
        ["evm_increaseTime", 1],
        ["evm_mine"],
        ["anvil_reorg", 1, []],
        ["evm_setAutomine", False],
    ):
        error = chain.rpc(method, *params)["error"]
        assert (error["code"], "only offered by a chain that listens on loopback" in error["message"]) == (
            -32601,
            True,
        )
    assert chain.send(signed(0, 0))["status"] == 1
    assert chain.rpc("txpool_status") == {"pending": "0x0", "queued": "0x0"}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("evm_revert", ["0x"]),
        ("evm_revert", [-1]),
        ("evm_setAutomine", [1]),
        ("evm_setIntervalMining", ["soon"]),
        ("evm_setNextBlockTimestamp", ["0x1"]),
        ("anvil_dropTransaction", ["0x12"]),
        ("anvil_mine", [1025]),
        ("anvil_reorg", [0, []]),
        ("anvil_reorg", [1, [["0x00"]]]),
        ("anvil_reorg", [1, {}]),
        ("eth_getProof", [DEV_ACCOUNTS[0].address, "0x0", "latest"]),
        ("eth_getProof", [DEV_ACCOUNTS[0].address, ["0x0"] * 1025, "latest"]),
    ],
)
def test_controls_check_their_parameters(chain: Any, method: str, params: list[Any]) -> None:
    chain.rpc("evm_mine")
    assert chain.rpc(method, *params)["error"]["code"] == -32602
