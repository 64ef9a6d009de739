"""A machine that runs the contract in this process: py-evm's Prague alone, without blocks, signatures or disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any, cast

from coincurve import PrivateKey
from eth.abc import SignedTransactionAPI
from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.db.backends.memory import MemoryDB
from eth.vm.forks.london.transactions import UnsignedDynamicFeeTransaction
from eth.vm.message import Message
from eth.vm.spoof import SpoofTransaction
from eth_hash.auto import keccak
from eth_typing import Address, Hash32
from eth_utils.address import to_canonical_address, to_checksum_address

from ledger.chain.logs import RawLog
from ledger.testchain.evm.messages import decode_revert_reason
from ledger.testchain.evm.vm import LocalVM
from tests.support.contract.interpreter import LeanVM

CHAIN_ID = 1337
START_S = 2_000_000_000
CALL_GAS = 1 << 24
PURSE_WEI = 10**30
ADMITTED_HASHES = 256


@dataclass(frozen=True)
class Moment:
    """The block a call runs in."""

    now_s: int
    block: int


@dataclass(frozen=True)
class Ran:
    """One transaction. reason: why it reverted ("" for no reason given), None if it did not."""

    reason: str | None
    output: bytes
    gas: int
    logs: tuple[RawLog, ...]
    moment: Moment
    created: str | None


class Refusal(Exception):
    """A view reverted; the message is its reason."""


class BareMachine:
    """Runs one transaction per block. Time stands still unless `pass_time` moves it; blocks are numbered on.

    accounts: hot keys' addresses, without a zero byte, so that the gas of their calldata is the same for all; keys:
    their private keys. colds: as many addresses for cold keys. All of them have coin. vm: what runs the code.
    """

    def __init__(self, accounts: int = 12, vm: type[LocalVM] = LeanVM) -> None:
        self._vm = vm
        self.keys = dict(_signer(number) for number in range(accounts))
        self.accounts = list(self.keys)
        self.colds = [to_checksum_address(_solid(b"cold", number)[:20]) for number in range(accounts)]
        self._disk = MemoryDB()
        chain = MiningChain.configure(
            __name__="BareChain", chain_id=CHAIN_ID, vm_configuration=((0, LocalVM),)
        ).from_genesis(
            AtomicDB(self._disk),
            {"gas_limit": 60_000_000, "difficulty": 0, "timestamp": START_S, "base_fee_per_gas": 1},
            {},
        )
        # Without a base fee gas is free, so that balances show the contract's money alone.
        self._header = chain.get_canonical_head().copy(base_fee_per_gas=0)
        vm_of_head = chain.get_vm(self._header)
        assert isinstance(vm_of_head, LocalVM)
        self._context = vm_of_head.chain_context
        self._state = self._vm.build_state(chain.chaindb.db, self._header, self._context)
        self._is_block_held = False
        for account in (*self.accounts, *self.colds):
            self._state.set_balance(to_canonical_address(account), PURSE_WEI)

    def copy(self) -> "BareMachine":
        """Another one that goes on from here by itself."""
        copied = copy(self)
        self._state.persist()
        copied._disk = MemoryDB(dict(self._disk.kv_store))
        copied._header = self._header.copy(state_root=self._state.state_root)
        copied._state = self._vm.build_state(AtomicDB(copied._disk), copied._header, self._context)
        return copied

    # ---------------------------------------------------------------------------------------------- calls

    def run(self, sender: str, to: str | None, data: bytes, value: int = 0) -> Ran:
        """Run a transaction; to: None to create a contract; value: wei."""
        if not self._is_block_held:
            self._next_block()
        self._state.lock_changes()
        transaction, computation = self._execute(to_canonical_address(sender), to, data, value)
        created = to_checksum_address(computation.msg.storage_address) if to is None else None
        return Ran(
            _reason_of(computation),
            bytes(computation.output),
            LocalVM.finalize_gas_used(transaction, computation),
            tuple(
                _raw_log(
                    to_checksum_address(address),
                    [topic.to_bytes(32, "big") for topic in topics],
                    logged,
                    self._header.block_number,
                )
                for address, topics, logged in computation.get_log_entries()
            ),
            self.moment,
            created,
        )

    def ask(self, to: str, data: bytes, sender: str = "0x" + "aa" * 20) -> bytes:
        """Run a view: as a transaction would, without a sender that pays. Raises Refusal."""
        state, origin, address = self._state, to_canonical_address(sender), to_canonical_address(to)
        state.lock_changes()
        snapshot = state.snapshot()
        self._enter_block()
        message = Message(CALL_GAS, address, origin, 0, data, state.get_code(address))
        context = state.get_transaction_context_class()(gas_price=0, origin=origin)
        computation = state.computation_class.apply_message(state, message, context)
        state.clear_transient_storage()
        state.revert(snapshot)
        if (reason := _reason_of(computation)) is not None:
            raise Refusal(reason)
        return bytes(computation.output)

    # ---------------------------------------------------------------------------------------- time and blocks

    @property
    def moment(self) -> Moment:
        """The block that the last call ran in."""
        return Moment(self.now_s, self._header.block_number)

    @property
    def now_s(self) -> int:
        """The next block's timestamp."""
        return int(self._header.timestamp)

    def pass_time(self, seconds: int) -> None:
        """Let the next block's timestamp be so much later than the last one's."""
        self._header = self._header.copy(timestamp=self._header.timestamp + seconds)

    def pass_blocks(self, count: int) -> None:
        """Leave so many blocks empty."""
        self._header = self._header.copy(block_number=self._header.block_number + count)

    @contextmanager
    def one_block(self) -> Iterator[None]:
        """The calls made here share a block."""
        self._next_block()
        self._is_block_held = True
        try:
            yield
        finally:
            self._is_block_held = False

    @staticmethod
    def block_hash(number: int) -> bytes:
        """What the contract may learn of a block once it is sealed."""
        return keccak(b"block %d" % number)

    def _next_block(self) -> None:
        number = self._header.block_number + 1
        self._header = self._header.copy(block_number=number, mix_hash=keccak(b"prevrandao %d" % number))

    # ---------------------------------------------------------------------------------------------- the world

    def code(self, address: str) -> bytes:
        """What is deployed there."""
        return bytes(self._state.get_code(to_canonical_address(address)))

    def balance(self, address: str) -> int:
        """Wei."""
        return int(self._state.get_balance(to_canonical_address(address)))

    def give(self, address: str, wei: int) -> None:
        """Add coin to an account."""
        self._state.set_balance(to_canonical_address(address), self.balance(address) + wei)

    def set_code(self, address: str, code: bytes) -> None:
        """Put code at an address, as a transaction of EIP-7702 does for a key's own."""
        self._state.set_code(to_canonical_address(address), code)

    def peek(self, address: str, slot: int) -> int:
        """A word of a contract's storage."""
        return int(self._state.get_storage(to_canonical_address(address), slot))

    def poke(self, address: str, slot: int, value: int) -> None:
        """Overwrite a word of a contract's storage."""
        self._state.set_storage(to_canonical_address(address), slot, value)

    def _enter_block(self) -> None:
        hashes = _Hashes(self._header.block_number)
        self._state.execution_context = LocalVM.create_execution_context(self._header, hashes, self._context)

    def _execute(self, sender: bytes, to: str | None, data: bytes, value: int) -> tuple[Any, Any]:
        self._enter_block()
        unsigned = UnsignedDynamicFeeTransaction(
            chain_id=CHAIN_ID,
            nonce=self._state.get_nonce(Address(sender)),
            max_priority_fee_per_gas=0,
            max_fee_per_gas=0,
            gas=CALL_GAS,
            to=b"" if to is None else to_canonical_address(to),
            value=value,
            data=data,
            access_list=(),
        )
        # py-evm does not say that it stands for a signed one.
        transaction = cast(SignedTransactionAPI, SpoofTransaction(unsigned, from_=sender))
        return transaction, self._state.apply_transaction(transaction)


class _Hashes:
    """The hashes of the blocks before one, newest first, made only when asked for."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __iter__(self) -> Iterator[Hash32]:
        for back in range(1, ADMITTED_HASHES + 1):
            yield Hash32(BareMachine.block_hash(self._number - back))


def _reason_of(computation: Any) -> str | None:
    if not computation.is_error:
        return None
    output = bytes(computation.output)
    assert not output or decode_revert_reason(output) is not None, output.hex()
    return decode_revert_reason(output) or ""


def _signer(number: int) -> tuple[str, bytes]:
    """(address without a zero byte, its private key)."""
    for attempt in range(1000):
        key = keccak(b"account %d %d" % (number, attempt))
        address = keccak(PrivateKey(key).public_key.format(compressed=False)[1:])[-20:]
        if 0 not in address:
            return to_checksum_address(address), key
    raise AssertionError("no address without a zero byte")


def _solid(salt: bytes, number: int) -> bytes:
    """32 bytes that depend on the number and hold no zero."""
    return bytes(byte or 1 for byte in keccak(salt + number.to_bytes(4, "big")))


def _raw_log(address: str, topics: list[bytes], data: bytes, number: int) -> RawLog:
    block_hash, nowhere = "0x" + BareMachine.block_hash(number).hex(), "0x" + "00" * 32
    texts = ["0x" + topic.hex() for topic in topics]
    return RawLog(address, texts, "0x" + bytes(data).hex(), hex(number), "0x0", block_hash, nowhere)
