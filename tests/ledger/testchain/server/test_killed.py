"""Killed at any moment, a chain reopens at its last whole block and has forgotten nothing that it confirmed."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_canonical_address

from ledger.testchain.accounts import DEV_ACCOUNTS
from ledger.testchain.mining.engine import Engine
from ledger.testchain.storage.logs import LogFilter
from tests.support.chains import killed_chain
from tests.support.chains.killed_chain import CHAIN_ID, MOMENTS
from tests.support.chains.process import ChainProcess
from tests.support.warm_start import nursery

SENDERS = 4
PROGRAM = killed_chain.__name__
EVERYTHING = LogFilter(frozenset(), ())
Signed = Callable[..., bytes]


class Load:
    """Keeps a chain busy until it dies. `confirmed`: block number and hash by transaction, as receipts said."""

    def __init__(self, chain: ChainProcess, signed: Signed, notebook: dict[str, Any], rng: random.Random) -> None:
        self._chain, self._signed, self._notebook, self._rng = chain, signed, notebook, rng
        self.confirmed: dict[str, tuple[int, str]] = {}
        self.heights: tuple[int, ...] = ()

    def run(self, *, with_rewinds: bool, stop_after: int | None = None) -> None:
        """Send, wait for receipts, and now and then rewind, until the chain dies or so many rounds are done."""
        rounds = 0
        while rounds != stop_after:
            rounds += 1
            try:
                self._round()
                if with_rewinds:
                    self._revert() if self._rng.random() < 0.5 else self._reorganise()
            except OSError:
                return

    def _round(self) -> None:
        nonces = [self._nonce(sender) for sender in range(SENDERS)]
        sent = [
            self._chain.rpc("eth_sendRawTransaction", "0x" + self._transaction(sender, nonce + more).hex())
            for sender, nonce in enumerate(nonces)
            for more in range(self._rng.randint(1, 3))
        ]
        for one in sent:
            receipt = self._chain.receipt(one)
            self.confirmed[one] = int(receipt["blockNumber"], 16), receipt["blockHash"]

    def _revert(self) -> None:
        snapshot, before = self._chain.rpc("evm_snapshot"), dict(self.confirmed)
        number = self._height()
        self._round()
        # Whether it dies before or after the revert is done, what was confirmed before stays.
        after, self.confirmed, self.heights = self.confirmed, before, (number, self._height())
        assert self._chain.rpc("evm_revert", snapshot) is True
        self.heights = ()
        assert all(self._chain.rpc("eth_getTransactionReceipt", one) is None for one in after.keys() - before)

    def _reorganise(self) -> None:
        number = self._height()
        depth = self._rng.randint(1, min(3, number))
        self.confirmed = {one: place for one, place in self.confirmed.items() if place[0] <= number - depth}
        self.heights = (number,)
        self._chain.rpc("anvil_reorg", depth, [])
        self.heights = ()

    def _transaction(self, sender: int, nonce: int) -> bytes:
        return self._signed(sender, nonce, to=b"", data=self._notebook["bytecode"], gas=2_000_000)

    def _nonce(self, sender: int) -> int:
        return int(self._chain.rpc("eth_getTransactionCount", DEV_ACCOUNTS[sender].address, "pending"), 16)

    def _height(self) -> int:
        return int(self._chain.rpc("eth_blockNumber"), 16)


class Victim:
    """A chain process and its data; `arm` names the moment at which its next start ends."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "chain"
        self._fault: tuple[str, str, int] = ("", "any", 0)
        self.chain = ChainProcess("folkmoot", self._command, [], CHAIN_ID, folder, is_warm=True)

    def arm(self, moment: str, operation: str, count: int) -> None:
        self._fault = moment, operation, count
        self.chain.kill()
        self.chain.start()

    def _command(self, port: int) -> list[str]:
        moment, operation, count = self._fault
        return [PROGRAM, str(self.data), str(port), moment, operation, str(count)]


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    started = Victim(tmp_path)
    yield started
    started.chain.kill()


@pytest.fixture(scope="session")
def logging_contract() -> dict[str, Any]:
    """Its creation logs one word (5 under no topic) and leaves no code: LOG0 of MSTORE(0, 5), STOP."""
    return {"bytecode": bytes.fromhex("600560005260206000a000")}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_while_mining(victim: Victim, signed: Signed, logging_contract: dict[str, Any], moment: str) -> None:
    rng = random.Random(moment)
    load = Load(victim.chain, signed, logging_contract, rng)
    victim.arm(moment, "any", rng.randint(2, 12))
    load.run(with_rewinds=False)
    check_whole(victim, load, signed)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_while_it_takes_blocks_back(
    victim: Victim, signed: Signed, logging_contract: dict[str, Any], moment: str
) -> None:
    rng = random.Random(moment)
    load = Load(victim.chain, signed, logging_contract, rng)
    for _ in range(2):
        victim.arm(moment, "rewind", rng.randint(1, 3))
        load.run(with_rewinds=True)
        check_whole(victim, load, signed)


def test_killed_from_outside_at_no_particular_moment(
    victim: Victim, signed: Signed, logging_contract: dict[str, Any]
) -> None:
    rng = random.Random(1)
    load = Load(victim.chain, signed, logging_contract, rng)
    for _ in range(3):
        victim.arm("", "any", 0)
        load.run(with_rewinds=True, stop_after=rng.randint(1, 4))
        for sender in range(SENDERS):
            victim.chain.rpc("eth_sendRawTransaction", "0x" + load._transaction(sender, load._nonce(sender)).hex())
        check_whole(victim, load, signed)


@pytest.mark.parametrize(("moment", "count"), [("after-commit", 1), *((moment, 2) for moment in MOMENTS)])
def test_killed_while_it_is_created(tmp_path: Path, signed: Signed, moment: str, count: int) -> None:
    command = [PROGRAM, str(tmp_path / "chain"), "0", moment, "any", str(count)]
    assert nursery().run(command, env=os.environ).returncode == -9
    engine = Engine(tmp_path / "chain", CHAIN_ID, None)
    engine.submit(signed(0, 0))
    assert engine.mine().header.block_number == 1
    engine.close()


def check_whole(victim: Victim, load: Load, signed: Signed) -> None:
    """Read everything there is, compare it with what it is made of, and go on from there."""
    victim.chain.kill()
    engine = Engine(victim.data, CHAIN_ID, None)
    try:
        check_blocks(engine)
        if load.heights:
            assert engine.head.block_number in load.heights
            load.heights = ()
        for one, (number, block_hash) in load.confirmed.items():
            place = engine.chain.locate(bytes.fromhex(one[2:]))
            assert place is not None
            assert (place[0].header.block_number, "0x" + place[0].header.hash.hex()) == (number, block_hash)
        sender = to_canonical_address(DEV_ACCOUNTS[5].address)
        engine.submit(signed(5, engine.nonce_of(sender)))
        assert len(engine.mine().transactions) == 1
    finally:
        engine.close()


def check_blocks(engine: Engine) -> None:
    """Blocks follow each other, and every index leads to them and to nothing else."""
    parent, nonces, logs, found = b"\0" * 32, dict[bytes, int](), [], 0
    for number in range(engine.head.block_number + 1):
        header = engine.chain.header_by_number(number)
        assert header is not None
        assert (header.block_number, header.parent_hash) == (number, parent)
        assert engine.chain.header_by_hash(header.hash) == header
        record = engine.chain.read_record(header)
        assert len(record.transactions) == len(record.receipts)
        for index, transaction in enumerate(record.transactions):
            assert engine.chain.locate(transaction.hash) == (record, index)
            assert transaction.nonce == nonces.get(transaction.sender, 0)
            nonces[transaction.sender] = transaction.nonce + 1
        logs += [(number, log.data) for receipt in record.receipts for log in receipt.logs]
        found += len(record.transactions)
        parent = header.hash
    assert parent == engine.head.hash
    assert logs or found <= 1
    assert logs == [
        (log.block_number, log.stored.data)
        for log in engine.chain.search_logs(EVERYTHING, 0, engine.head.block_number + 100)
    ]
    assert all(engine.nonce_of(sender) == nonce for sender, nonce in nonces.items())
    assert count_keys(engine, b"transaction-hash-to-block:") == found
    assert count_keys(engine, b"block-number-to-hash:") == engine.head.block_number + 1
    assert count_keys(engine, b"block-hash-to-score:") == engine.head.block_number + 1
    snapshots = engine.store._db.execute("SELECT MAX(number) FROM snapshots").fetchone()[0]
    assert snapshots is None or snapshots <= engine.head.block_number


def count_keys(engine: Engine, prefix: bytes) -> int:
    query = "SELECT COUNT(*) FROM kv WHERE key >= ? AND key < ?"
    return int(engine.store._db.execute(query, (prefix, prefix[:-1] + b";")).fetchone()[0])
