"""What the sender decides, as plain functions: fees, refusals, fates, nonces, and what is kept over a crash."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.transactions.delivery import TransactionFate, find_fate
from ledger.chain.transactions.fees import GWEI, FeeLimits, Fees, Market, bump, choose_first_fees, is_too_low
from ledger.chain.transactions.gas_limits import gas_limit, with_margin
from ledger.chain.transactions.pending import Call, Pending, PendingEntry
from ledger.chain.transactions.rejections import Rejection, classify_rejection
from ledger.errors import SetupError

WEI = st.integers(0, 10**12)
ADDRESS = "0x" + "22" * 20
CALL = Call("commit", ADDRESS, b"\x01\x02", 0, 100_000)

SAID = {
    "already known": Rejection.KNOWN,
    "transaction already imported": Rejection.KNOWN,
    "Known transaction": Rejection.KNOWN,
    "AlreadyKnown": Rejection.KNOWN,
    "nonce too low: address 0x1, tx: 1 state: 2": Rejection.NONCE_USED,
    "Nonce too low": Rejection.NONCE_USED,
    "OldNonce": Rejection.NONCE_USED,
    "replacement transaction underpriced": Rejection.NONCE_HELD,
    "Replacement transaction underpriced": Rejection.NONCE_HELD,
    "ReplacementNotAllowed": Rejection.NONCE_HELD,
    "nonce too high": Rejection.NONCE_GAP,
    "Transaction nonce is too distant from current sender nonce": Rejection.NONCE_GAP,
    "max fee per gas less than block base fee: address 0x1": Rejection.FEES_LOW,
    "gasPrice is less than the current BaseFee": Rejection.FEES_LOW,
    "transaction underpriced: tip needed 1000000, tip permitted 0": Rejection.FEES_LOW,
    "Gas price below configured minimum gas price": Rejection.FEES_LOW,
    "FeeTooLow": Rejection.FEES_LOW,
    "txpool is full": Rejection.POOL_FULL,
    "rejected due to 0x00 being identified as a spammer": Rejection.POOL_FULL,
    "account limit exceeded: 512 transactions are pooled": Rejection.POOL_FULL,
    "insufficient funds for gas * price + value: balance 0": Rejection.NO_FUNDS,
    "Upfront cost exceeds account balance": Rejection.NO_FUNDS,
    "Insufficient funds for gas * price + value": Rejection.NO_FUNDS,
    "execution reverted: commit: nonce too low": Rejection.REVERTED,
    "intrinsic gas too low": Rejection.OTHER,
    "": Rejection.OTHER,
}


@pytest.mark.parametrize(("message", "refusal"), SAID.items())
def test_every_clients_words_are_understood(message: str, refusal: Rejection) -> None:
    assert classify_rejection(message) is refusal


@given(cap=WEI, share=st.floats(0, 1), base=WEI, most=WEI)
def test_a_higher_offer_is_an_eighth_more_on_both_and_never_beyond_the_limit(
    cap: int, share: float, base: int, most: int
) -> None:
    old, limits = Fees(cap, int(cap * share)), FeeLimits(max_fee_wei=most)
    new = bump(old, base, limits)
    if new is None:
        assert 9 * cap > 8 * most or cap >= most or base > most
        return
    assert new.tip_wei <= new.cap_wei <= most
    assert new.cap_wei >= base
    for before, after in ((old.cap_wei, new.cap_wei), (old.tip_wei, new.tip_wei)):
        assert 8 * after >= 9 * before
        assert after > before


@given(base=WEI, tip=WEI, most=WEI, most_tip=WEI)
def test_a_first_offer_pays_for_the_next_block_and_stays_inside_the_limits(
    base: int, tip: int, most: int, most_tip: int
) -> None:
    fees = choose_first_fees(Market(base, tip, 1), FeeLimits(max_fee_wei=most, max_tip_wei=most_tip))
    assert (fees is None) == (base > most)
    if fees is not None:
        assert base <= fees.cap_wei <= most
        assert fees.tip_wei <= min(fees.cap_wei, max(tip, 0), most_tip)


def test_room_for_six_full_blocks_in_a_row() -> None:
    assert choose_first_fees(Market(10 * GWEI, GWEI, 1), FeeLimits()) == Fees(21 * GWEI, GWEI)
    assert choose_first_fees(Market(0, 0, 1), FeeLimits()) == Fees(0, 0)


def test_an_offer_is_too_low_below_the_base_fee_or_after_some_blocks() -> None:
    fees, limits = Fees(10, 1), FeeLimits(stuck_blocks=3)
    assert not is_too_low(fees, Market(10, 1, 7), 2, limits)
    assert is_too_low(fees, Market(11, 1, 7), 0, limits)
    assert is_too_low(fees, Market(10, 1, 7), 3, limits)


@pytest.mark.parametrize(
    ("nonce", "used", "is_pooled", "head", "expected"),
    [
        (5, 5, True, 12, TransactionFate.WAITING),
        (5, 5, True, 13, TransactionFate.STUCK),
        (5, 4, True, 99, TransactionFate.WAITING),
        (5, 5, False, 99, TransactionFate.DROPPED),
        (5, 4, False, 12, TransactionFate.DROPPED),
        (5, 6, True, 12, TransactionFate.TAKEN),
        (5, 6, False, 12, TransactionFate.TAKEN),
    ],
)
def test_what_became_of_a_transaction(
    nonce: int, used: int, is_pooled: bool, head: int, expected: TransactionFate
) -> None:
    entry = PendingEntry(nonce, CALL, 20, 1, offered_at=10)
    assert find_fate(entry, used, is_pooled, Market(10, 1, head), FeeLimits(stuck_blocks=3)) is expected


def test_gas_limits_leave_a_margin() -> None:
    assert with_margin(100_000) == 125_000
    assert with_margin(16_000_000) == 1 << 24
    assert with_margin(20_000_000) == 20_000_000
    many, few = (gas_limit("settle", seats) for seats in (256, 8))
    assert many is not None
    assert few is not None
    assert many > few
    assert gas_limit("no such call") is None


def test_the_next_nonce_is_after_all_that_is_under_way() -> None:
    pending = Pending(1, ADDRESS)
    assert pending.next_nonce(7) == 7
    pending.add(PendingEntry(9, CALL, 2, 1))
    assert (pending.next_nonce(7), pending.next_nonce(12), pending.lowest_nonce()) == (10, 12, 9)


def test_one_call_is_another_only_where_it_does_something_else() -> None:
    assert CALL.does_same_as(Call("renamed", ADDRESS, b"\x01\x02", 0, 5))
    for other in (
        Call("commit", None, b"\x01\x02", 0, 1),
        Call("commit", ADDRESS, b"\x01", 0, 1),
        Call("commit", ADDRESS, b"\x01\x02", 1, 1),
    ):
        assert not CALL.does_same_as(other)


def test_what_is_under_way_is_found_again_after_a_crash(tmp_path: Path) -> None:
    file = tmp_path / "pending.json"
    pending = Pending(1, ADDRESS, file)
    entry = PendingEntry(3, CALL, 2, 1, raw=b"\x02raw", hashes=["0xaa", "0xbb"])
    pending.add(entry)
    pending.save()
    (found,) = Pending(1, ADDRESS, file).list_open()
    assert (found.nonce, found.call, found.raw, found.hashes) == (3, CALL, b"\x02raw", ["0xaa", "0xbb"])
    assert found.may_be_out, "whether it was sent, only the chain knows"
    pending.end(entry)
    assert not file.exists()
    assert Pending(1, ADDRESS, file).list_open() == []
    assert pending.find_ended_at(3) is pending.find_ended_like(CALL) is entry


def test_a_file_of_another_key_or_of_nothing_known_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "pending.json"
    pending = Pending(1, ADDRESS, file)
    pending.add(PendingEntry(3, CALL, 2, 1))
    pending.save()
    with pytest.raises(SetupError, match="give each key a folder of its own"):
        Pending(2, ADDRESS, file)
    file.write_bytes(b'{"entries": 3}')
    with pytest.raises(SetupError, match="then remove it"):
        Pending(1, ADDRESS, file)
    with pytest.raises(SetupError, match="cannot be read"):
        Pending(1, ADDRESS, tmp_path)
    pending = Pending(1, ADDRESS, tmp_path / "missing" / "pending.json")
    pending.add(PendingEntry(3, CALL, 2, 1))
    with pytest.raises(SetupError, match="cannot be written"):
        pending.save()
