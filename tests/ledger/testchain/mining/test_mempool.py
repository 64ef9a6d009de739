"""Which transactions are taken, in go-ethereum's words, and in which order they are mined."""

from collections.abc import Callable
from typing import Any

import pytest

from ledger.testchain.evm.transactions import TRANSACTION_GAS_CAP, TransactionRejected, decode_transaction
from ledger.testchain.mining import mempool
from ledger.testchain.mining.mempool import Mempool

GWEI = 10**9
RICH = 10**22


Signed = Callable[..., bytes]
Decoded = Callable[..., Any]


@pytest.fixture
def transaction(signed: Signed) -> Decoded:
    return lambda author, nonce, **changes: decode_transaction(signed(author, nonce, **changes), 1337)


def mined_order(pool: Mempool, base_fee_wei: int = GWEI) -> list[Any]:
    offer, order = pool.offer(base_fee_wei, lambda _sender: 0), []
    while (best := offer.peek()) is not None:
        order.append(best)
        offer.take()
    return order


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chainId": 1}, "wrong chain id: have 1, want 1337"),
        ({"chainId": 1, "gasPrice": GWEI}, "wrong chain id: have 1, want 1337"),
        ({"chainId": None, "gasPrice": GWEI}, "only replay-protected"),
        ({"gas": 20_999}, "intrinsic gas too low: gas 20999, minimum needed 21000"),
        (
            {"gas": 21_016, "data": b"\1"},
            "insufficient gas for floor data gas cost: gas 21016, minimum needed 21040",
        ),
        ({"gas": 53_000, "to": b"", "data": b"\0"}, "intrinsic gas too low: gas 53000, minimum needed 53006"),
        ({"gas": TRANSACTION_GAS_CAP + 1}, "transaction gas limit too high"),
        ({"gas": 10**7, "to": b"", "data": bytes(49_153)}, "max initcode size exceeded"),
        ({"gas": 10**7, "data": bytes(130_000)}, None),
        ({"gas": 10**7, "data": bytes(131_072)}, "oversized data"),
        ({"maxPriorityFeePerGas": 11 * GWEI}, "max priority fee per gas higher than max fee per gas"),
        ({"nonce": 2**64 - 1}, "nonce has max value"),
    ],
)
def test_a_transaction_is_judged_by_itself_first(
    signed: Signed, changes: dict[str, Any], words: str | None
) -> None:
    raw = signed(0, changes.pop("nonce", 0), **changes)
    if words is None:
        decode_transaction(raw, 1337)
    else:
        with pytest.raises(TransactionRejected, match=words.replace("(", r"\(")):
            decode_transaction(raw, 1337)


@pytest.mark.parametrize(
    "raw", [b"", b"\x02", b"\x03\xc0", b"\x04\xc0", b"\xc0", b"\xff" * 9, b"\x02\xc1\x80", b"\x7f"]
)
def test_bytes_that_are_no_transaction_are_rejected(raw: bytes) -> None:
    with pytest.raises(TransactionRejected):
        decode_transaction(raw, 1337)


def test_trailing_bytes_are_rejected(signed: Signed) -> None:
    with pytest.raises(TransactionRejected):
        decode_transaction(signed(0, 0) + b"\0", 1337)


def test_the_known_the_stale_and_the_unaffordable_are_rejected(transaction: Decoded) -> None:
    pool = Mempool()
    pool.add(transaction(0, 5), 5, RICH)
    with pytest.raises(TransactionRejected, match="already known"):
        pool.add(transaction(0, 5), 5, RICH)
    with pytest.raises(TransactionRejected, match="nonce too low"):
        pool.add(transaction(0, 4), 5, RICH)
    cost = 21_000 * 10 * GWEI + 1
    with pytest.raises(TransactionRejected, match=r"insufficient funds for gas \* price \+ value: .*overshot 1$"):
        pool.add(transaction(0, 6), 5, 2 * cost - 1)
    pool.add(transaction(0, 6), 5, 2 * cost)


@pytest.mark.parametrize(
    ("max_fee", "tip", "taken"),
    [(9 * GWEI, 9 * GWEI, True), (9 * GWEI - 1, 9 * GWEI - 1, False), (10 * GWEI, 8 * GWEI, False)],
)
def test_a_replacement_must_pay_an_eighth_more_on_both_fees(
    transaction: Decoded, max_fee: int, tip: int, taken: bool
) -> None:
    pool = Mempool()
    pool.add(transaction(0, 0, maxFeePerGas=8 * GWEI, maxPriorityFeePerGas=8 * GWEI), 0, RICH)
    new = transaction(0, 0, maxFeePerGas=max_fee, maxPriorityFeePerGas=tip)
    if taken:
        pool.add(new, 0, RICH)
        assert mined_order(pool) == [new]
    else:
        with pytest.raises(TransactionRejected, match="replacement transaction underpriced"):
            pool.add(new, 0, RICH)
    assert len(pool) == 1


def test_a_nonce_gap_waits_until_it_is_filled(transaction: Decoded) -> None:
    pool = Mempool()
    zero, one, two = (transaction(0, nonce) for nonce in range(3))
    pool.add(two, 0, RICH)
    pool.add(zero, 0, RICH)
    assert mined_order(pool) == [zero]
    assert pool.pending_nonce(zero.sender, 0) == 1
    pool.add(one, 0, RICH)
    assert mined_order(pool) == [zero, one, two]
    assert pool.pending_nonce(zero.sender, 0) == 3


def test_higher_tips_go_first_but_never_before_the_senders_earlier_nonces(transaction: Decoded) -> None:
    pool = Mempool()
    poor, rich_later = transaction(0, 0, maxPriorityFeePerGas=1), transaction(0, 1, maxPriorityFeePerGas=9 * GWEI)
    middle, capped = transaction(1, 0), transaction(2, 0, maxFeePerGas=GWEI - 1, maxPriorityFeePerGas=1)
    for one in (poor, rich_later, middle, capped):
        pool.add(one, 0, RICH)
    assert mined_order(pool) == [middle, poor, rich_later]


def test_settling_forgets_the_mined_and_whatever_shared_their_nonce(transaction: Decoded) -> None:
    pool = Mempool()
    old, new = transaction(0, 0), transaction(0, 0, maxFeePerGas=20 * GWEI, maxPriorityFeePerGas=2 * GWEI)
    pool.add(new, 0, RICH)
    pool.settle([old], [])
    assert len(pool) == 0
    assert pool.senders() == []
    assert pool.get(new.hash) is None


def test_the_pool_is_bounded_but_replacement_still_works(
    transaction: Decoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mempool, "MAX_TRANSACTIONS", 2)
    monkeypatch.setattr(mempool, "MAX_PER_SENDER", 1)
    pool = Mempool()
    pool.add(transaction(0, 0), 0, RICH)
    with pytest.raises(TransactionRejected, match="account limit exceeded"):
        pool.add(transaction(0, 1), 0, RICH)
    pool.add(transaction(1, 0), 0, RICH)
    with pytest.raises(TransactionRejected, match="txpool is full"):
        pool.add(transaction(2, 0), 0, RICH)
    pool.add(transaction(1, 0, maxFeePerGas=20 * GWEI, maxPriorityFeePerGas=2 * GWEI), 0, RICH)


def test_signatures_are_recovered_by_the_fast_library() -> None:
    from eth_keys.backends import get_backend
    from eth_keys.backends.coincurve import CoinCurveECCBackend

    assert isinstance(get_backend(), CoinCurveECCBackend)
