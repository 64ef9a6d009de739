"""No call is lost and none made twice, whatever becomes of its transaction: on our chain and a foreign one."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.chain.rpc.client import ChainUnreachable
from ledger.chain.transactions.pending import PendingEntry
from ledger.chain.transactions.sender import (
    CALLS_AT_ONCE,
    FeeLimitReached,
    FeeLimits,
    NoFunds,
    NoReceipt,
    PlannedCall,
    Receipt,
    Reverted,
)
from ledger.errors import SetupError
from tests.support.chains.fault_proxy import fault_proxy
from tests.support.chains.kinds import ChainProcess
from tests.support.chains.senders import (
    GWEI,
    PACE,
    PAYEE,
    base_fee,
    count,
    fees_of,
    hash_of,
    hold,
    mine,
    paid,
    pooled,
    raise_base_fee,
    sender_on,
    started,
    stranger_sends,
    until,
)

SEND = "eth_sendRawTransaction"
REVERTING = bytes.fromhex("60006000fd")


def test_a_call_costs_two_requests_once_nonce_and_fees_are_known(chain: ChainProcess) -> None:
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url, pace=type(PACE)())
        sender.transfer(PAYEE, 1)
        proxy.seen.clear()
        sender.transfer(PAYEE, 2)
        assert proxy.seen[SEND] == 1
        assert set(proxy.seen) == {SEND, "eth_getTransactionReceipt"}
    assert (paid(chain), sender.gas_spent) == (3, 42_000)


def test_calls_side_by_side_share_a_block_and_each_is_made_once(chain: ChainProcess) -> None:
    hold(chain)
    votes = [PlannedCall("vote", (number, 0)) for number in range(4)]
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url)
        proxy.lose_requests[SEND] = 1
        assert [type(one) for one in sender.call_all(PAYEE, votes, timeout_s=3.0)] == [NoReceipt] * 4
        mine(chain)
        receipts = [one for one in sender.call_all(PAYEE, votes) if isinstance(one, Receipt)]
        assert len(set(proxy.sent)) == 4, "the same calls wait for what was sent"
    assert len({one.transaction for one in receipts}) == 4
    assert len({one.block for one in receipts}) == 1
    assert (count(chain, sender), sender.gas_spent) == (4, sum(one.gas for one in receipts))


def test_calls_side_by_side_are_few_and_end_in_time(chain: ChainProcess) -> None:
    hold(chain)
    votes = [PlannedCall("vote", (number, 0)) for number in range(CALLS_AT_ONCE + 4)]
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url)
        assert {type(one) for one in sender.call_all(PAYEE, votes[4:], timeout_s=0.0)} == {NoReceipt}
        assert SEND not in proxy.seen, "nothing is begun once the time is over"
        assert {type(one) for one in sender.call_all(PAYEE, votes, timeout_s=3.0)} == {NoReceipt}
        assert len(proxy.sent) == CALLS_AT_ONCE, "a pool that keeps sixteen has room for what is urgent"


def test_behind_a_call_that_is_in_no_block_in_time_no_other_is_looked_for(
    chain: ChainProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(chain)
    sender = sender_on(chain)
    wait, waited_for = sender._delivery.wait, list[int]()

    def spy(entry: PendingEntry, timeout_s: float, on_trouble: Callable[[], None] | None) -> Receipt:
        waited_for.append(entry.nonce)
        return wait(entry, timeout_s, on_trouble)

    monkeypatch.setattr(sender._delivery, "wait", spy)
    votes = [PlannedCall("vote", (number, 0)) for number in range(5)]
    assert {type(one) for one in sender.call_all(PAYEE, votes, timeout_s=3.0)} == {NoReceipt}
    assert waited_for == [0]
    mine(chain)
    assert {type(one) for one in sender.call_all(PAYEE, votes)} == {Receipt}


def test_an_answer_lost_after_the_send_leads_to_one_call(chain: ChainProcess) -> None:
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url)
        proxy.lose_answers[SEND] = 1
        sender.transfer(PAYEE, 7)
        assert len(set(proxy.sent)) == 1
    assert (paid(chain), count(chain, sender)) == (7, 1)


def test_a_send_that_never_arrived_is_repeated_with_the_same_bytes(chain: ChainProcess) -> None:
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url)
        proxy.lose_requests[SEND] = 2
        sender.transfer(PAYEE, 7)
        assert len(proxy.sent) == 1
    assert (paid(chain), count(chain, sender)) == (7, 1)


def test_a_call_repeated_after_the_chain_went_silent_is_made_once(chain: ChainProcess) -> None:
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url)
        sender.transfer(PAYEE, 1)
        proxy.lose_answers[SEND] = proxy.lose_requests["eth_getTransactionReceipt"] = 10**6
        with pytest.raises(ChainUnreachable):
            sender.transfer(PAYEE, 7)
        proxy.lose_answers.clear()
        proxy.lose_requests.clear()
        sender.transfer(PAYEE, 7)
        sender.transfer(PAYEE, 7)
        assert len(set(proxy.sent)) == 3
    assert (paid(chain), count(chain, sender)) == (15, 3)


def test_a_call_that_is_known_already_is_waited_for(chain: ChainProcess) -> None:
    hold(chain)
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url)
        with pytest.raises(NoReceipt, match="is in no block after"):
            sender.transfer(PAYEE, 7, timeout_s=0.3)
        with started(lambda: sender.transfer(PAYEE, 7)) as call:
            until(lambda: proxy.seen["eth_getTransactionByHash"] > 2, "another look")
            mine(chain)
            call.result()
        assert len(set(proxy.sent)) == 1
    assert (paid(chain), count(chain, sender)) == (7, 1)


def test_a_nonce_used_by_another_program_is_left_to_it(chain: ChainProcess) -> None:
    sender = sender_on(chain)
    sender.transfer(PAYEE, 1)
    chain.receipt(stranger_sends(chain, 1))
    sender.transfer(PAYEE, 7)
    assert (paid(chain), count(chain, sender)) == (8, 3)


def test_a_nonce_that_waits_for_another_program_is_left_to_it(chain: ChainProcess) -> None:
    sender = sender_on(chain)
    sender.transfer(PAYEE, 1)
    hold(chain)
    theirs = stranger_sends(chain, 1)
    with started(lambda: sender.transfer(PAYEE, 7)) as call:
        until(lambda: count(chain, sender, "pending") == 3, "both in the pool")
        mine(chain)
        call.result()
    assert chain.receipt(theirs)["status"] == "0x1"
    assert (paid(chain), count(chain, sender)) == (8, 3)


def test_a_dropped_transaction_is_sent_again_with_the_same_bytes(chain: ChainProcess) -> None:
    hold(chain)
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url)
        with started(lambda: sender.transfer(PAYEE, 7)) as call:
            transaction = hash_of(until(lambda: proxy.sent, "sent")[0])
            for _ in range(2):
                until(lambda: pooled(chain, transaction), "in the pool")
                chain.rpc("anvil_dropTransaction", transaction)
            until(lambda: pooled(chain, transaction), "in the pool again")
            mine(chain)
            assert call.result().transaction == transaction
        assert len(set(proxy.sent)) == 1
    assert (paid(chain), count(chain, sender)) == (7, 1)


def test_a_call_whose_nonce_a_stranger_took_is_made_with_the_next(chain: ChainProcess) -> None:
    hold(chain)
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url)
        with started(lambda: sender.transfer(PAYEE, 7)) as call:
            until(lambda: proxy.sent, "sent")
            until(lambda: count(chain, sender, "pending") == 1, "in the pool")
            stranger_sends(chain, 0)
            mine(chain)
            until(lambda: len(set(proxy.sent)) == 2, "sent with the next nonce")
            until(lambda: count(chain, sender, "pending") == 2, "in the pool")
            mine(chain)
            call.result()
    assert (paid(chain), count(chain, sender)) == (7, 2)


def test_two_programs_with_one_key_are_told_so(chain: ChainProcess) -> None:
    hold(chain)
    sender = sender_on(chain)
    with started(lambda: sender.transfer(PAYEE, 7)) as call:
        for nonce in range(2):
            until(lambda: count(chain, sender, "pending") == nonce + 1, "in the pool")  # noqa: B023
            stranger_sends(chain, nonce)
            mine(chain)
        with pytest.raises(SetupError, match="another program sends transactions of"):
            call.result()
    assert paid(chain) == 0


def test_when_the_base_fee_rises_the_offer_does(chain: ChainProcess) -> None:
    hold(chain)
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url)
        with started(lambda: sender.transfer(PAYEE, 7)) as call:
            first = fees_of(until(lambda: proxy.sent, "sent")[0])
            raise_base_fee(chain, 2 * first[0])
            until(lambda: fees_of(proxy.sent[-1])[0] > base_fee(chain), "a higher offer")
            until(lambda: pooled(chain, hash_of(proxy.sent[-1])), "in the pool")
            mine(chain)
            call.result()
        for before, after in zip(first, fees_of(proxy.sent[-1]), strict=True):
            assert 8 * after >= 9 * before
    assert (paid(chain), count(chain, sender)) == (7, 1)


def test_a_transaction_that_no_block_takes_offers_more_and_is_made_once(chain: ChainProcess) -> None:
    hold(chain)
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url, limits=FeeLimits(stuck_blocks=0))
        with started(lambda: sender.transfer(PAYEE, 7)) as call:
            offers = [fees_of(raw) for raw in until(lambda: len(set(proxy.sent)) > 2 and proxy.sent, "offers")]
            mine(chain)
            call.result()
        for before, after in pairwise(offers):
            assert before == after or all(8 * b >= 9 * a for a, b in zip(before, after, strict=True))
    assert (paid(chain), count(chain, sender)) == (7, 1)


def test_what_costs_more_than_allowed_is_not_sent(chain: ChainProcess) -> None:
    sender = sender_on(chain, limits=FeeLimits(max_fee_wei=1000))
    with pytest.raises(FeeLimitReached, match=r"raise the limit"):
        sender.transfer(PAYEE, 7)
    assert count(chain, sender, "pending") == 0


def test_a_transaction_that_waits_for_a_higher_limit_goes_on_with_it(chain: ChainProcess, tmp_path: Path) -> None:
    hold(chain)
    file = tmp_path / "pending.json"
    poor = sender_on(chain, limits=FeeLimits(max_fee_wei=3 * GWEI), pending_file=file)
    with started(lambda: poor.transfer(PAYEE, 7, timeout_s=6)) as call:
        until(lambda: count(chain, poor, "pending") == 1, "in the pool")
        raise_base_fee(chain, 4 * GWEI)
        with pytest.raises(FeeLimitReached, match=r"needs more than .* gwei per gas and the limit is 3"):
            call.result()
    rich = sender_on(chain, pending_file=file)
    with started(lambda: rich.transfer(PAYEE, 7)) as call:
        until(lambda: mine(chain) or call.done(), "mined")
        call.result()
    assert (paid(chain), count(chain, rich)) == (7, 1)
    assert not file.exists()


def test_a_receipt_counts_once_it_is_as_deep_as_wanted(chain: ChainProcess) -> None:
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url, confirmations=2)
        with started(lambda: sender.transfer(PAYEE, 7)) as call:
            until(lambda: paid(chain), "mined")
            mine(chain)
            until(lambda: proxy.seen["eth_blockNumber"] > 3, "another look")
            assert not call.done()
            mine(chain)
            assert call.result().block == 1


def test_a_call_whose_block_vanishes_is_made_again_with_the_same_nonce(chain: ChainProcess) -> None:
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url, confirmations=3)
        mine(chain, 3)
        with started(lambda: sender.transfer(PAYEE, 7)) as call:
            until(lambda: paid(chain), "mined")
            mine(chain)
            until(lambda: proxy.seen["eth_blockNumber"], "seen in a block")
            old = chain.rpc("eth_getTransactionReceipt", hash_of(proxy.sent[0]))["blockHash"]
            chain.rpc("anvil_reorg", 3, [])
            until(lambda: mine(chain) or call.done(), "deep enough")
            receipt = call.result()
        assert receipt.block_hash != old
        assert chain.rpc("eth_getTransactionReceipt", receipt.transaction)["blockHash"] == receipt.block_hash
        assert len(set(proxy.sent)) == 1
    assert (paid(chain), count(chain, sender)) == (7, 1)


def test_a_call_made_anew_after_a_reorganisation_is_the_old_one(chain: ChainProcess) -> None:
    sender = sender_on(chain)
    mine(chain, 3)
    first = sender.transfer(PAYEE, 7)
    chain.rpc("anvil_reorg", 1, [])
    assert sender.transfer(PAYEE, 7).transaction == first.transaction
    assert (paid(chain), count(chain, sender)) == (7, 1)


def test_calls_lost_in_a_reorganisation_are_made_before_the_next(chain: ChainProcess) -> None:
    sender = sender_on(chain)
    mine(chain, 3)
    for value in (1, 2):
        sender.transfer(PAYEE, value)
    chain.rpc("anvil_reorg", 2, [])
    sender.transfer(PAYEE, 4)
    until(lambda: paid(chain) == 7, "all three")
    assert count(chain, sender) == 3


def test_a_missing_nonce_is_filled(chain: ChainProcess) -> None:
    hold(chain)
    theirs = stranger_sends(chain, 0)
    sender = sender_on(chain)
    with started(lambda: sender.transfer(PAYEE, 7)) as call:
        until(lambda: count(chain, sender, "pending") == 2, "both in the pool")
        chain.rpc("anvil_dropTransaction", theirs)
        until(lambda: count(chain, sender, "pending") == 2, "the gap is filled")
        until(lambda: mine(chain) or call.done(), "mined")
        call.result()
    assert (paid(chain), count(chain, sender)) == (7, 2)


@pytest.mark.parametrize("has_arrived", [True, False])
def test_a_killed_process_finds_its_transaction_again(
    chain: ChainProcess, tmp_path: Path, has_arrived: bool
) -> None:
    hold(chain)
    file = tmp_path / "pending.json"
    with fault_proxy(chain.url) as proxy:
        (proxy.lose_answers if has_arrived else proxy.lose_requests)[SEND] = 10**6
        script = (
            "import sys; from pathlib import Path; from ledger.chain.rpc.client import Rpc; "
            "from ledger.chain.transactions.sender import Sender; url, key, chain_id, file, payee = sys.argv[1:]; "
            "Sender(Rpc(url), bytes.fromhex(key[2:]), int(chain_id), pending_file=Path(file)).transfer(payee, 7)"
        )
        arguments = [proxy.url, chain.keys[0], str(chain.chain_id), str(file), PAYEE]
        child = subprocess.Popen([sys.executable, "-c", script, *arguments])
        until(lambda: proxy.seen[SEND], "sent")
        child.kill()
        child.wait()
        proxy.lose_answers.clear()
        proxy.lose_requests.clear()
        sender = sender_on(chain, proxy.url, pending_file=file)
        with started(lambda: sender.transfer(PAYEE, 7)) as call:
            until(lambda: count(chain, sender, "pending") == 1, "in the pool")
            mine(chain)
            call.result()
        assert len(set(proxy.sent)) == 1
    assert (paid(chain), count(chain, sender)) == (7, 1)
    assert not file.exists()


def test_what_was_left_behind_is_mended_before_something_else_is_called(chain: ChainProcess) -> None:
    hold(chain)
    with fault_proxy(chain.url) as proxy:
        sender = sender_on(chain, proxy.url)
        with pytest.raises(NoReceipt):
            sender.transfer(PAYEE, 3, timeout_s=0.3)
        chain.rpc("anvil_dropTransaction", hash_of(proxy.sent[0]))
        with started(lambda: sender.transfer(PAYEE, 4)) as call:
            until(lambda: count(chain, sender, "pending") == 2, "both in the pool")
            mine(chain)
            call.result()
    assert (paid(chain), count(chain, sender)) == (7, 2)


def test_who_cannot_pay_is_told_how_to_be_funded(chain: ChainProcess) -> None:
    sender = sender_on(chain)
    with pytest.raises(NoFunds, match="fund it, on a local test chain with `folkmoot keys fund"):
        sender.transfer(PAYEE, 10**30)
    sender.transfer(PAYEE, 7)
    assert (paid(chain), count(chain, sender)) == (7, 1)


def test_a_refusal_of_the_contract_costs_nothing_where_it_is_known_beforehand(chain: ChainProcess) -> None:
    sender = sender_on(chain)
    with pytest.raises(Reverted):
        sender.create(REVERTING)
    assert (sender.gas_spent, count(chain, sender, "pending")) == (0, 0)


def test_a_call_that_failed_in_its_block_is_told_with_its_cost(chain: ChainProcess) -> None:
    sender = sender_on(chain)
    with pytest.raises(Reverted, match=r"out of gas|without a reason"):
        sender.send({"data": REVERTING}, "deploy", 30.0, 100_000)
    assert sender.gas_spent > 21_000
    with pytest.raises(Reverted):
        sender.send({"data": REVERTING}, "deploy", 30.0, 100_000)
    assert count(chain, sender) == 2
