"""Two machines that run the contract in this process: eth-tester, and the virtual machine alone for many seats."""

import warnings
from dataclasses import dataclass
from typing import Any, Protocol

from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.vm.forks.london.transactions import UnsignedDynamicFeeTransaction
from eth.vm.spoof import SpoofTransaction
from eth_hash.auto import keccak
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from eth_utils.address import to_canonical_address, to_checksum_address

from ledger.chain.logs import RawLog
from ledger.testchain.simulate import revert_reason
from ledger.testchain.vm import LocalVM

with warnings.catch_warnings():
    # web3 still imports this module of websockets; nothing here uses it.
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    from web3 import EthereumTesterProvider, Web3

START_S = 2_000_000_000
CALL_GAS = 16_000_000


@dataclass(frozen=True)
class Ran:
    """One transaction. reason: why it reverted, None if it did not; created: the contract it made, if any."""

    reason: str | None
    output: bytes
    gas: int
    logs: tuple[RawLog, ...]
    timestamp_s: int
    prevrandao: bytes
    created: str | None


class Machine(Protocol):
    """Runs one transaction per block and answers calls."""

    accounts: list[str]

    def run(self, sender: str, to: str | None, data: bytes) -> Ran:
        """Run a transaction; to: None to create a contract."""

    def ask(self, to: str, data: bytes) -> bytes:
        """Run a view. Raises Refusal."""

    def code(self, address: str) -> bytes:
        """What is deployed there."""

    def pass_time(self, seconds: int) -> None:
        """Let the next block's timestamp be so much later than the last one's."""


class Refusal(Exception):
    """A view reverted; the message is its reason."""


class EthTester:
    """eth-tester behind web3: ten accounts, every block a second later than the one before.

    It runs every transaction with a prevrandao of zero and writes another into the header afterwards.
    """

    def __init__(self) -> None:
        self._tester = EthereumTester(PyEVMBackend())
        self._web3 = Web3(EthereumTesterProvider(self._tester))
        self.accounts: list[str] = list(self._web3.eth.accounts)

    def run(self, sender: str, to: str | None, data: bytes) -> Ran:
        """See Machine. A failed transaction is replayed for its reason, which its receipt does not tell."""
        fields: dict[str, Any] = {"from": sender, "data": data, "gas": CALL_GAS}
        if to is not None:
            fields["to"] = to
        receipt = self._web3.eth.get_transaction_receipt(self._web3.eth.send_transaction(fields))
        timestamp_s = self._web3.eth.get_block(receipt["blockNumber"])["timestamp"]
        reason = None if receipt["status"] else self._why(fields)
        return Ran(
            reason,
            b"",
            receipt["gasUsed"],
            tuple(_raw_log(log["address"], log["topics"], log["data"]) for log in receipt["logs"]),
            timestamp_s,
            bytes(32),
            receipt["contractAddress"],
        )

    def ask(self, to: str, data: bytes) -> bytes:
        """See Machine."""
        try:
            fields = {"from": self.accounts[0], "to": to, "data": data, "gas": CALL_GAS}
            return bytes(self._web3.eth.call(fields))
        except TransactionFailed as failed:
            raise Refusal(_reason_of(failed)) from failed

    def code(self, address: str) -> bytes:
        """See Machine."""
        return bytes(self._web3.eth.get_code(address))

    def pass_time(self, seconds: int) -> None:
        """See Machine."""
        self._tester.time_travel(self._tester.get_block_by_number("latest")["timestamp"] + seconds)

    def _why(self, fields: dict[str, Any]) -> str:
        try:
            self._web3.eth.call(fields)
        except TransactionFailed as failed:
            return _reason_of(failed)
        raise AssertionError("the transaction failed and its replay did not")


class BareMachine:
    """py-evm without keys, signatures, blocks or disk. Time stands still unless `pass_time` moves it.

    accounts: addresses without a zero byte, so that the gas of their calldata is the same for all.
    """

    def __init__(self, accounts: int = 256) -> None:
        self.accounts = [to_checksum_address(_solid(b"account", number)[:20]) for number in range(accounts)]
        chain = MiningChain.configure(
            __name__="BareChain", chain_id=1337, vm_configuration=((0, LocalVM),)
        ).from_genesis(
            AtomicDB(),
            {"gas_limit": 60_000_000, "difficulty": 0, "timestamp": START_S, "base_fee_per_gas": 1},
            {},
        )
        # Without a base fee nobody needs coin.
        self._header = chain.get_canonical_head().copy(base_fee_per_gas=0)
        self._context = chain.get_vm(self._header).chain_context
        self._state = LocalVM.build_state(chain.chaindb.db, self._header, self._context)

    def run(self, sender: str, to: str | None, data: bytes) -> Ran:
        """See Machine."""
        number = self._header.block_number + 1
        self._header = self._header.copy(block_number=number, mix_hash=keccak(b"prevrandao %d" % number))
        self._state.lock_changes()
        transaction, computation = self._execute(to_canonical_address(sender), to, data)
        reason = None
        if computation.is_error:
            reason = revert_reason(bytes(computation.output)) or repr(computation.error)
        created = to_checksum_address(computation.msg.storage_address) if to is None else None
        return Ran(
            reason,
            bytes(computation.output),
            LocalVM.finalize_gas_used(transaction, computation),
            tuple(
                _raw_log(to_checksum_address(address), [topic.to_bytes(32, "big") for topic in topics], logged)
                for address, topics, logged in computation.get_log_entries()
            ),
            self._header.timestamp,
            bytes(self._header.mix_hash),
            created,
        )

    def ask(self, to: str, data: bytes) -> bytes:
        """See Machine."""
        self._state.lock_changes()
        snapshot = self._state.snapshot()
        _, computation = self._execute(b"\xaa" * 20, to, data)
        self._state.revert(snapshot)
        if computation.is_error:
            raise Refusal(revert_reason(bytes(computation.output)) or repr(computation.error))
        return bytes(computation.output)

    def code(self, address: str) -> bytes:
        """See Machine."""
        return bytes(self._state.get_code(to_canonical_address(address)))

    def pass_time(self, seconds: int) -> None:
        """See Machine."""
        self._header = self._header.copy(timestamp=self._header.timestamp + seconds)

    @property
    def now_s(self) -> int:
        """The next block's timestamp."""
        return int(self._header.timestamp)

    def peek(self, address: str, slot: int) -> int:
        """A word of a contract's storage."""
        return int(self._state.get_storage(to_canonical_address(address), slot))

    def poke(self, address: str, slot: int, value: int) -> None:
        """Overwrite a word of a contract's storage."""
        self._state.set_storage(to_canonical_address(address), slot, value)

    def _execute(self, sender: bytes, to: str | None, data: bytes) -> tuple[Any, Any]:
        self._state.execution_context = LocalVM.create_execution_context(self._header, (), self._context)
        unsigned = UnsignedDynamicFeeTransaction(
            chain_id=1337,
            nonce=self._state.get_nonce(sender),
            max_priority_fee_per_gas=0,
            max_fee_per_gas=0,
            gas=CALL_GAS,
            to=b"" if to is None else to_canonical_address(to),
            value=0,
            data=data,
            access_list=(),
        )
        transaction = SpoofTransaction(unsigned, from_=sender)
        return transaction, self._state.apply_transaction(transaction)


def _solid(salt: bytes, number: int) -> bytes:
    """32 bytes that depend on the number and hold no zero."""
    return bytes(byte or 1 for byte in keccak(salt + number.to_bytes(4, "big")))


def _raw_log(address: str, topics: Any, data: bytes) -> RawLog:
    nowhere = "0x" + "00" * 32
    return RawLog(
        address,
        ["0x" + bytes(topic).hex() for topic in topics],
        "0x" + bytes(data).hex(),
        "0x0",
        "0x0",
        nowhere,
        nowhere,
    )


def _reason_of(failed: TransactionFailed) -> str:
    return str(failed).removeprefix("execution reverted: ")
