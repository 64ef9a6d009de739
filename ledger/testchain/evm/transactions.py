"""From the bytes of eth_sendRawTransaction to a transaction whose signature, chain and limits are checked.

Messages follow go-ethereum's wording, which clients match on.
"""

import rlp
from eth.constants import SECPK1_N
from eth.exceptions import PyEVMError
from eth.vm.forks.prague.constants import STANDARD_TOKEN_COST, TOTAL_COST_FLOOR_PER_TOKEN
from eth.vm.forks.shanghai.constants import INITCODE_WORD_COST, MAX_INITCODE_SIZE
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from ledger.testchain.evm.vm import LocalVM, Transaction

MAX_TRANSACTION_BYTES = 128 * 1024
TRANSACTION_GAS_CAP = 1 << 24
TRANSFER_GAS = 21_000
_SUPPORTED_TYPES = (1, 2)
_LEGACY_FIRST_BYTE = 0xC0


class TransactionRejected(Exception):
    """The sender must change something, or the chain already has it; the message is go-ethereum's."""


def decode_transaction(raw: bytes, chain_id: int) -> Transaction:
    """Decode a signed transaction (legacy with EIP-155, EIP-2930 or EIP-1559) and check all it says by itself.

    Raises TransactionRejected. What depends on the state (nonce, balance) is checked by the mempool.
    """
    # Size first: nothing larger is parsed.
    if len(raw) > MAX_TRANSACTION_BYTES:
        raise TransactionRejected(f"oversized data: transaction size {len(raw)}, limit {MAX_TRANSACTION_BYTES}")
    if not raw:
        raise TransactionRejected("typed transaction too short")
    if raw[0] < _LEGACY_FIRST_BYTE and raw[0] not in _SUPPORTED_TYPES:
        raise TransactionRejected("transaction type not supported")
    transaction = _decode(raw)
    _check_chain(transaction, chain_id)
    _check_signature(transaction)
    _check_ranges(transaction)
    _check_gas(transaction)
    return transaction


def creation_gas(to: bytes, data: bytes) -> int:
    """What EIP-3860 adds to the intrinsic gas of a contract creation (py-evm charges it during execution)."""
    return 0 if to else int(INITCODE_WORD_COST * ((len(data) + 31) // 32))


def floor_gas(data: bytes) -> int:
    """What a transaction with this calldata costs at least (EIP-7623)."""
    zeros = data.count(0)
    tokens = zeros + STANDARD_TOKEN_COST * (len(data) - zeros)
    return int(TRANSFER_GAS + TOTAL_COST_FLOOR_PER_TOKEN * tokens)


def check_initcode(to: bytes, data: bytes) -> None:
    """Raise TransactionRejected if a contract creation is larger than EIP-3860 allows."""
    if not to and len(data) > MAX_INITCODE_SIZE:
        raise TransactionRejected(f"max initcode size exceeded: code size {len(data)}, limit {MAX_INITCODE_SIZE}")


def _decode(raw: bytes) -> Transaction:
    try:
        transaction = LocalVM.get_transaction_builder().decode(raw)
        canonical = transaction.encode() == raw
    except (rlp.exceptions.RLPException, ValidationError, PyEVMError, ValueError, TypeError) as error:
        raise TransactionRejected(f"rlp: {error}"[:200]) from error
    if not canonical:
        raise TransactionRejected("rlp: the encoding is not canonical")
    return transaction


def _check_chain(transaction: Transaction, chain_id: int) -> None:
    if transaction.chain_id is None:
        raise TransactionRejected("only replay-protected (EIP-155) transactions allowed over RPC")
    if transaction.chain_id != chain_id:
        raise TransactionRejected(f"wrong chain id: have {transaction.chain_id}, want {chain_id}")


def _check_signature(transaction: Transaction) -> None:
    # EIP-2: of the two valid s values only the lower; the other would give the same payment a second hash.
    if not (0 < transaction.r < SECPK1_N and 0 < transaction.s <= SECPK1_N // 2 and transaction.y_parity in (0, 1)):
        raise TransactionRejected("invalid transaction v, r, s values")
    try:
        _ = transaction.sender  # recovered once and kept on the object
    except (BadSignature, ValidationError) as error:
        raise TransactionRejected("invalid sender") from error


def _check_ranges(transaction: Transaction) -> None:
    if transaction.nonce >= 2**64 - 1:
        raise TransactionRejected("nonce has max value")
    if max(transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas, transaction.value) >= 2**256:
        raise TransactionRejected("rlp: value larger than uint256")
    if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
        raise TransactionRejected(
            "max priority fee per gas higher than max fee per gas: "
            f"maxPriorityFeePerGas: {transaction.max_priority_fee_per_gas}, "
            f"maxFeePerGas: {transaction.max_fee_per_gas}"
        )


def _check_gas(transaction: Transaction) -> None:
    check_initcode(transaction.to, transaction.data)
    if transaction.gas > TRANSACTION_GAS_CAP:
        raise TransactionRejected(
            f"transaction gas limit too high (cap: {TRANSACTION_GAS_CAP}, tx: {transaction.gas})"
        )
    needed = transaction.intrinsic_gas + creation_gas(transaction.to, transaction.data)
    if transaction.gas < needed:
        raise TransactionRejected(f"intrinsic gas too low: gas {transaction.gas}, minimum needed {needed}")
    if transaction.gas < (floor := floor_gas(transaction.data)):
        raise TransactionRejected(
            f"insufficient gas for floor data gas cost: gas {transaction.gas}, minimum needed {floor}"
        )
