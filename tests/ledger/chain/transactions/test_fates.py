"""What becomes of a transaction, step by step: whatever the endpoint says, a call is made once and not given up."""

from typing import Any

import pytest

from ledger.chain.rpc.client import BadAnswer, ChainUnreachable
from ledger.chain.transactions.delivery import TransactionFate, find_fate
from ledger.chain.transactions.fees import FeeLimits, FeeMarket, Market
from ledger.chain.transactions.pending import Call, PendingEntry
from ledger.chain.transactions.sender import FeeLimitReached, NoReceipt
from ledger.errors import SetupError
from tests.support.chains.pool_chain import ADDRESS, GWEI, LOOK, POLL, SEND, PoolChain, Refused

PAYEE = "0x" + "11" * 20
PAID = [(0, PAYEE, 7)]


# --------------------------------------------------------------------------- a call that may be out keeps its nonce


def test_a_call_that_was_mined_just_before_it_is_sent_again_is_not_made_twice() -> None:
    """The pool had forgotten it when it was asked, and the block came before the bytes did: its nonce is used."""
    chain = PoolChain()
    chain.hidden = {(LOOK, 1)}
    chain.at = {(SEND, 2): chain.mine, (POLL, 60): chain.mine, (POLL, 90): chain.mine}
    assert chain.sender().transfer(PAYEE, 7).transaction == chain.sent[0]
    assert chain.mined == PAID
    assert len(set(chain.sent)) == 1


def test_a_call_whose_nonce_the_pool_holds_otherwise_is_not_made_with_the_next() -> None:
    """The endpoint does not know the call any more, and where it is sent again a dearer offer has its nonce."""
    chain, own = PoolChain(), {}

    def another_offer() -> None:
        own.update(chain.pool)
        chain.pool[0] = "0xdearer", {**chain.pool[0][1], "maxFeePerGas": 10**15, "maxPriorityFeePerGas": 10**15}

    def mined_after_all() -> None:
        chain.pool.update(own)
        chain.mine()

    chain.hidden = {(LOOK, number) for number in range(1, 5)}
    chain.at = {(SEND, 2): another_offer, (POLL, 30): mined_after_all, (POLL, 60): chain.mine}
    chain.sender().transfer(PAYEE, 7)
    assert chain.mined == PAID
    assert len(set(chain.sent)) == 1


def test_a_call_that_may_have_arrived_keeps_its_nonce_also_where_nobody_confirmed_it() -> None:
    """The answer to the first send was lost, and the block came just before the second."""
    chain = PoolChain()
    chain.lost, chain.hidden = {(SEND, 1)}, {(LOOK, 1)}
    chain.at = {(SEND, 2): chain.mine, (POLL, 60): chain.mine, (POLL, 90): chain.mine}
    chain.sender().transfer(PAYEE, 7)
    assert chain.mined == PAID


def test_an_endpoint_that_counts_a_block_before_it_shows_its_receipts_is_waited_for() -> None:
    chain = PoolChain()
    chain.at = {(POLL, 3): chain.mine, (POLL, 60): chain.mine}
    chain.hidden = {(POLL, 3), (POLL, 4)}
    chain.sender().transfer(PAYEE, 7)
    assert chain.mined == PAID
    assert len(chain.sent) == 1


@pytest.mark.parametrize("when", [1, 2])
def test_a_call_whose_answer_was_lost_is_looked_up_before_anything_else_is_sent(when: int) -> None:
    chain = PoolChain()
    chain.lost = {(SEND, number) for number in range(1, when + 1)}
    chain.at = {(POLL, 20): chain.mine, (POLL, 60): chain.mine}
    sender = chain.sender()
    sender.transfer(PAYEE, 7)
    assert chain.mined == PAID
    assert len(set(chain.sent)) == 1


def test_the_same_call_after_a_silent_chain_is_the_one_that_was_sent() -> None:
    chain = PoolChain()
    chain.lost = {(SEND, 1)} | {(POLL, number) for number in range(1, 10**6)}
    sender = chain.sender()
    with pytest.raises(ChainUnreachable):
        sender.transfer(PAYEE, 7)
    chain.lost.clear()
    chain.mine()
    sender.transfer(PAYEE, 7)
    assert chain.mined == PAID


# --------------------------------------------------------------------------- a call that is not out takes the next


def test_a_call_that_was_never_out_takes_the_next_nonce_where_a_stranger_has_its_own() -> None:
    chain = PoolChain(mine_every=3)
    sender = chain.sender()
    sender.transfer(PAYEE, 1)
    chain.stranger(1)
    sender.transfer(PAYEE, 7)
    assert [entry for entry in chain.mined if entry[1] == PAYEE] == [(0, PAYEE, 1), (2, PAYEE, 7)]


def test_a_call_is_renumbered_once_a_stranger_has_had_its_nonce_for_three_looks() -> None:
    chain = PoolChain()
    sender = chain.sender()
    looks = []
    chain.at = {(POLL, 2): lambda: chain.stranger(0), (POLL, 40): chain.mine}
    chain.at |= {(SEND, 2): lambda: looks.append(chain.seen["eth_getTransactionCount"])}
    sender.transfer(PAYEE, 7)
    assert chain.mined[1:] == [(1, PAYEE, 7)]
    assert looks[0] >= 3, "endpoints lag behind each other"


def test_a_call_that_loses_its_nonce_to_strangers_twice_ends_in_a_sentence() -> None:
    chain = PoolChain()
    chain.at = {
        (POLL, 2): lambda: chain.stranger(0),
        (SEND, 2): lambda: None,
        (POLL, 12): lambda: chain.stranger(1),
    }
    with pytest.raises(SetupError, match="give each node a key of its own"):
        chain.sender().transfer(PAYEE, 7)
    assert PAYEE not in [to for _, to, _ in chain.mined]


def test_with_confirmations_a_nonce_counts_as_taken_only_once_the_block_is_deep() -> None:
    chain = PoolChain()
    sender = chain.sender(confirmations=3)
    chain.at = {(POLL, 2): lambda: chain.stranger(0)}
    chain.at |= {
        (POLL, 30): chain.take_back,
        (POLL, 40): lambda: chain.mine(1),
        (POLL, 60): lambda: chain.mine(5),
    }
    chain.at[POLL, 3] = chain.drop
    sender.transfer(PAYEE, 7)
    assert chain.mined == PAID, "the stranger's block vanished before it was deep"


# --------------------------------------------------------------------------- dropped, stuck, missing


def test_what_no_pool_has_is_sent_again_with_the_same_bytes() -> None:
    chain = PoolChain()
    chain.at = {(POLL, 3): chain.drop, (POLL, 9): chain.drop, (POLL, 15): chain.mine}
    chain.sender().transfer(PAYEE, 7)
    assert chain.mined == PAID
    assert len(chain.sent) > 2
    assert len(set(chain.sent)) == 1


def test_what_no_block_takes_offers_more_until_one_does() -> None:
    chain = PoolChain()

    def dearer() -> None:
        chain.base_fee_wei = 20 * GWEI

    chain.at = {(POLL, 3): dearer, (POLL, 20): chain.mine}
    chain.sender().transfer(PAYEE, 7)
    assert chain.mined == PAID
    assert len(set(chain.sent)) == 2


def test_what_would_cost_more_than_allowed_waits_and_says_so() -> None:
    chain = PoolChain()
    sender = chain.sender(limits=FeeLimits(max_fee_wei=5 * GWEI))

    def dearer() -> None:
        chain.base_fee_wei = 20 * GWEI

    chain.at = {(POLL, 3): dearer}
    with pytest.raises(FeeLimitReached, match="the limit is 5"):
        sender.transfer(PAYEE, 7, timeout_s=0.05)
    chain.base_fee_wei = GWEI
    chain.mine()
    sender.transfer(PAYEE, 7)
    assert chain.mined == PAID


def test_an_offer_below_the_base_fee_is_raised_before_it_is_taken() -> None:
    """The fee was asked for a block too early."""
    chain = PoolChain(mine_every=3)
    sender = chain.sender()

    def dearer() -> None:
        chain.base_fee_wei = 50 * GWEI

    polls = []
    chain.at = {(SEND, 1): dearer, (SEND, 2): lambda: polls.append(chain.seen[POLL])}
    sender.transfer(PAYEE, 7)
    assert chain.mined == PAID
    assert len(chain.sent) == 2
    assert polls == [0], "at once, not when it is found to be in no pool"


def test_a_nonce_that_neither_a_block_nor_a_pool_has_is_filled_with_nothing() -> None:
    """A transaction of another program waited below, and the pool forgot it."""
    chain = PoolChain()
    chain.pool[0] = "0xtheirs", {"to": "0x" + "99" * 20, "value": 0, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0}
    chain.at = {(POLL, 4): lambda: chain.pool.pop(0), (POLL, 40): chain.mine}
    chain.sender().transfer(PAYEE, 7)
    assert chain.mined == [(0, ADDRESS.lower(), 0), (1, PAYEE, 7)]


def test_a_gap_that_is_there_at_one_look_only_is_not_filled() -> None:
    chain, theirs = PoolChain(), ("0xtheirs", {"to": PAYEE, "value": 0, "maxFeePerGas": 2**60})
    chain.pool[0] = theirs
    chain.at = {(POLL, 4): lambda: chain.pool.pop(0), (POLL, 5): lambda: chain.pool.update({0: theirs})}
    chain.at[POLL, 40] = chain.mine
    chain.sender().transfer(PAYEE, 7)
    assert chain.mined == [(0, PAYEE, 0), (1, PAYEE, 7)]
    assert len(chain.sent) == 1


def test_a_gap_wider_than_any_crash_leaves_is_a_sentence() -> None:
    chain = PoolChain()
    chain.blocks += [[(nonce, "0x" + "99" * 20, 0, "0x")] for nonce in range(20)]
    chain.at = {(POLL, 4): lambda: chain.take_back(17)}
    with pytest.raises(SetupError, match=r"17 transactions of .* are missing from the chain"):
        chain.sender().transfer(PAYEE, 7)


def test_a_transaction_in_no_block_in_time_is_a_sentence_and_is_found_again() -> None:
    chain = PoolChain()
    sender = chain.sender()
    with pytest.raises(NoReceipt, match=r"`transfer` \(0x[0-9a-f]{64}\) is in no block after 0 s"):
        sender.transfer(PAYEE, 7, timeout_s=0.02)
    chain.mine()
    sender.transfer(PAYEE, 7)
    assert chain.mined == PAID
    assert len(set(chain.sent)) == 1


# --------------------------------------------------------------------------- blocks that vanish


def test_a_receipt_counts_once_it_is_as_deep_as_wanted() -> None:
    chain = PoolChain()
    polls: list[None] = []
    chain.at = {(POLL, 3): chain.mine, (POLL, 9): lambda: polls.append(chain.mine(2))}
    receipt = chain.sender(confirmations=2).transfer(PAYEE, 7)
    assert receipt.block == 1
    assert polls == [None]


def test_a_call_whose_block_vanished_is_made_again_with_its_nonce() -> None:
    chain = PoolChain()
    chain.at = {(POLL, 3): chain.mine, (POLL, 9): chain.take_back, (POLL, 20): lambda: chain.mine(3)}
    chain.sender(confirmations=2).transfer(PAYEE, 7)
    assert chain.mined == PAID
    assert len(set(chain.sent)) == 1


def test_a_call_made_anew_after_its_block_vanished_is_the_old_one() -> None:
    chain = PoolChain(mine_every=2)
    sender = chain.sender()
    first = sender.transfer(PAYEE, 7)
    chain.take_back(len(chain.blocks) - 1)
    assert sender.transfer(PAYEE, 7).transaction == first.transaction
    assert chain.mined == PAID


def test_after_the_chain_went_back_what_is_under_way_is_replaced_by_nothing() -> None:
    chain = PoolChain()
    sender = chain.sender()
    with pytest.raises(NoReceipt):
        sender.transfer(PAYEE, 7, timeout_s=0.02)
    sender.note_reorganisation()
    chain.mine()
    assert chain.mined == [(0, ADDRESS.lower(), 0)]
    chain.mine_every = 2
    sender.transfer(PAYEE, 7)
    assert chain.mined[1:] == [(1, PAYEE, 7)]


def test_after_the_chain_went_back_nothing_of_the_past_is_made_by_itself_and_no_nonce_is_missing() -> None:
    """Two calls were in blocks that vanished, a third waits on top of them: all three nonces do nothing now."""
    chain = PoolChain(mine_every=2)
    sender = chain.sender()
    for value in (1, 2):
        sender.transfer(PAYEE, value)
    chain.mine_every = 0
    with pytest.raises(NoReceipt):
        sender.transfer(PAYEE, 4, timeout_s=0.02)
    chain.take_back(len(chain.blocks) - 1)
    sender.note_reorganisation()
    sent = len(chain.sent)
    sender.note_reorganisation()
    assert len(chain.sent) == sent, "what does nothing need not be replaced"
    chain.mine()
    assert chain.mined == [(nonce, ADDRESS.lower(), 0) for nonce in range(3)]


def test_after_the_chain_went_back_a_call_that_had_ended_is_not_taken_for_done() -> None:
    chain = PoolChain(mine_every=2)
    sender = chain.sender()
    sender.transfer(PAYEE, 7)
    sender.note_reorganisation()
    sender.transfer(PAYEE, 7)
    assert [value for _, to, value in chain.mined if to == PAYEE] == [7, 7]


# --------------------------------------------------------------------------- what a look finds

LIMITS = FeeLimits(stuck_blocks=3)


@pytest.mark.parametrize(
    ("nonce", "used", "is_pooled", "base_fee", "head", "found"),
    [
        (5, 6, True, 1, 10, TransactionFate.TAKEN),
        (5, 6, False, 1, 10, TransactionFate.TAKEN),
        (5, 5, False, 1, 10, TransactionFate.DROPPED),
        (5, 3, False, 1, 10, TransactionFate.DROPPED),
        (5, 5, True, 1, 10, TransactionFate.WAITING),
        (5, 5, True, 1, 12, TransactionFate.WAITING),
        (5, 5, True, 1, 13, TransactionFate.STUCK),
        (5, 4, True, 1, 99, TransactionFate.WAITING),
        (5, 5, True, 100, 10, TransactionFate.WAITING),
        (5, 5, True, 101, 10, TransactionFate.STUCK),
        (5, 4, True, 101, 10, TransactionFate.WAITING),
    ],
)
def test_what_has_become_of_a_transaction_without_a_receipt(
    nonce: int, used: int, is_pooled: bool, base_fee: int, head: int, found: TransactionFate
) -> None:
    entry = PendingEntry(nonce, Call("transfer", PAYEE, b"", 7, 21_000), cap_wei=100, tip_wei=1, offered_at=10)
    assert find_fate(entry, used, is_pooled, Market(base_fee, 1, head), LIMITS) is found


@pytest.mark.parametrize("stuck_blocks", [1, 3])
def test_who_has_waited_since_an_unknown_block_is_not_stuck_for_that(stuck_blocks: int) -> None:
    entry = PendingEntry(5, Call("transfer", PAYEE, b"", 7, 21_000), cap_wei=100, tip_wei=1)
    assert (
        find_fate(entry, 5, True, Market(1, 1, 10**6), FeeLimits(stuck_blocks=stuck_blocks))
        is TransactionFate.WAITING
    )


# --------------------------------------------------------------------------- what the chain asks


@pytest.mark.parametrize(
    "history",
    [
        {},
        {"oldestBlock": "0x1"},
        {"baseFeePerGas": ["0x1", "0x2"]},
        {"oldestBlock": "0x1", "baseFeePerGas": []},
        {"oldestBlock": "0x1", "baseFeePerGas": None},
        {"oldestBlock": "0x1", "baseFeePerGas": ["0x1", None]},
        {"oldestBlock": "0x1", "baseFeePerGas": ["0x1", "many"]},
        {"oldestBlock": None, "baseFeePerGas": ["0x1", "0x2"]},
        {"oldestBlock": "first", "baseFeePerGas": ["0x1", "0x2"]},
    ],
    ids=str,
)
def test_a_fee_history_that_cannot_be_is_the_endpoints_bad_answer(history: dict[str, Any]) -> None:
    chain = PoolChain()
    chain._eth_feeHistory = lambda *_: history
    with pytest.raises(BadAnswer, match="eth_feeHistory"):
        FeeMarket(chain.rpc()).ask()


def test_what_the_chain_asks_is_the_next_blocks_fee_and_the_tip_it_suggests() -> None:
    chain = PoolChain()
    chain.mine(4)
    chain._eth_feeHistory = lambda *_: {"oldestBlock": "0x4", "baseFeePerGas": ["0x5", "0x7"]}
    assert FeeMarket(chain.rpc()).ask() == Market(7, GWEI, 4)


def test_where_no_tip_is_suggested_the_usual_one_is_offered() -> None:
    chain = PoolChain()

    def refused() -> str:
        raise Refused("the method does not exist")

    chain._eth_maxPriorityFeePerGas = refused
    assert FeeMarket(chain.rpc()).ask().tip_wei == GWEI


def test_fees_are_asked_for_again_after_a_block_s_time_and_tips_after_minutes() -> None:
    chain, now = PoolChain(), [0.0]
    market = FeeMarket(chain.rpc(), lambda: now[0])

    def asked() -> tuple[int, int]:
        market.ask()
        return chain.seen["eth_feeHistory"], chain.seen["eth_maxPriorityFeePerGas"]

    assert [asked(), asked()] == [(1, 1), (1, 1)]
    now[0] = 30.0
    assert asked() == (2, 1)
    market.ask(fresh=True)
    assert asked() == (3, 1)
    now[0] = 1000.0
    assert asked() == (4, 2)
