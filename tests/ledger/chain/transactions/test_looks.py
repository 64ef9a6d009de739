"""When a sender looks closer at what it sent, what it does where it is refused, and what it leaves behind."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.transactions import broadcast, delivery
from ledger.chain.transactions.sender import DeliveryPace, NoFunds, NoReceipt
from ledger.errors import SetupError
from tests.support.chains.pool_chain import ADDRESS, AT_ONCE, LOOK, POLL, SEND, PoolChain, Refused

PAYEE = "0x" + "11" * 20
STRANGER = "0x" + "99" * 20
CALM = replace(AT_ONCE, look_s=3600.0)
"""No look but the first, and that only where it is due at once."""
# A sender that goes wrong must not keep the tests for a minute.
SOON_S = 5.0


class Clock:
    """Time that goes on only where somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    time = monotonic

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def refusing(chain: PoolChain, words: str, sends: Collection[int], *, is_taken: bool = False) -> None:
    """The chain refuses these sends, counted from 1, in these words. is_taken: it has the bytes all the same."""
    honest = chain._eth_sendRawTransaction

    def send(raw: str) -> str:
        if chain.seen[SEND] not in sends:
            return honest(raw)
        if is_taken:
            honest(raw)
        raise Refused(words)

    chain._eth_sendRawTransaction = send


def theirs(fee_wei: int = 2**60) -> tuple[str, dict[str, int | str]]:
    """A transaction of another program with this key, as the pool has it."""
    return "0xtheirs", {"to": STRANGER, "value": 0, "maxFeePerGas": fee_wei, "maxPriorityFeePerGas": fee_wei}


# --------------------------------------------------------------------------- when it looks


def test_a_call_that_goes_well_costs_its_sending_and_looks_for_its_receipt() -> None:
    chain = PoolChain(mine_every=3)
    sender = chain.sender(pace=CALM)
    sender.transfer(PAYEE, 1)
    chain.seen.clear()
    sender.transfer(PAYEE, 2)
    assert set(chain.seen) == {SEND, POLL}
    assert chain.seen[SEND] == 1


@pytest.mark.parametrize("is_renumbered", [False, True])
def test_what_no_endpoint_confirmed_is_looked_up_at_once(is_renumbered: bool) -> None:
    """The answer to the send was lost, also where it was the second one, with the nonce behind a stranger's."""
    chain = PoolChain()
    chain.lost = {(SEND, 1 + is_renumbered)}
    chain.at = {(POLL, 1): chain.drop, (POLL, 9): chain.mine}
    if is_renumbered:
        chain.at[SEND, 1] = lambda: chain.stranger(0)
    chain.sender(pace=CALM).transfer(PAYEE, 7, timeout_s=SOON_S)
    assert chain.mined[-1] == (int(is_renumbered), PAYEE, 7)


def test_a_receipt_is_looked_for_often_at_first_and_less_often_later(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, clock = PoolChain(), Clock()
    monkeypatch.setattr(delivery, "time", clock)
    chain.at = {(POLL, 30): chain.mine}
    chain.sender(pace=DeliveryPace(poll_s=0.25, slow_poll_s=1.0, look_s=3600.0)).transfer(PAYEE, 7)
    assert (clock.slept[0], clock.slept[-1]) == (0.25, 1.0)
    assert clock.slept == sorted(clock.slept)


def test_a_nonce_is_no_stranger_s_while_the_receipt_may_only_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two machines behind an address one counts the block, and for twenty seconds the other has no receipt."""
    chain, clock = PoolChain(), Clock()
    monkeypatch.setattr(delivery, "time", clock)

    def answered(
        digest: str, honest: Callable[..., Any] = chain._eth_getTransactionReceipt
    ) -> dict[str, str] | None:
        return honest(digest) if clock.now_s >= mined_s + 20.0 else None

    mined_s = clock.now_s
    chain._eth_getTransactionReceipt = answered
    chain.at = {(POLL, 1): chain.mine}
    chain.sender(pace=DeliveryPace()).transfer(PAYEE, 7)
    assert chain.mined == [(0, PAYEE, 7)]
    assert len(chain.sent) == 1


def test_a_sender_started_again_fills_what_is_missing_below_what_it_finds(tmp_path: Path) -> None:
    """Its first look finds that the pool forgot a transaction of another program, and its own."""
    chain, file = PoolChain(), tmp_path / "pending.json"
    chain.pool[0] = theirs()
    with pytest.raises(NoReceipt):
        chain.sender(pending_file=file).transfer(PAYEE, 7, timeout_s=0.0)
    chain.drop()
    chain.at = {(POLL, chain.seen[POLL] + 20): chain.mine}
    chain.sender(pending_file=file).transfer(PAYEE, 7, timeout_s=SOON_S)
    assert chain.mined == [(0, ADDRESS.lower(), 0), (1, PAYEE, 7)]


# --------------------------------------------------------------------------- where it is refused


def test_a_call_that_was_refused_for_good_is_not_made_by_itself_later() -> None:
    chain = PoolChain(mine_every=2)
    refusing(chain, "insufficient funds for gas * price + value", [1])
    sender = chain.sender()
    with pytest.raises(NoFunds):
        sender.transfer(PAYEE, 7)
    sender.transfer(PAYEE, 5)
    assert chain.mined == [(0, PAYEE, 5)]


def test_what_may_be_out_is_waited_for_also_where_it_is_refused_when_sent_again() -> None:
    """The pool did not know it for a moment, and meanwhile the account cannot pay for a second one."""
    chain = PoolChain()
    chain.hidden = {(LOOK, 1)}
    refusing(chain, "insufficient funds for gas * price + value", [2])
    chain.at = {(POLL, 20): chain.mine}
    chain.sender().transfer(PAYEE, 7)
    assert chain.mined == [(0, PAYEE, 7)]


def test_a_call_taken_by_an_endpoint_that_asked_for_patience_is_not_made_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was mined before the same bytes came again, so that its nonce is used: by itself."""
    chain = PoolChain()
    monkeypatch.setattr(broadcast, "time", Clock())
    refusing(chain, "too many requests", [1], is_taken=True)
    chain.at = {(SEND, 2): chain.mine, (POLL, 30): chain.mine}
    chain.sender().transfer(PAYEE, 7)
    assert chain.mined == [(0, PAYEE, 7)]
    assert len(set(chain.sent)) == 1


def test_a_call_whose_every_nonce_a_stranger_takes_first_ends_in_a_sentence_and_is_forgotten() -> None:
    chain = PoolChain(mine_every=2)
    chain.at = {(SEND, number): partial(chain.stranger, number - 1) for number in range(1, 7)}
    sender = chain.sender()
    with pytest.raises(SetupError, match="give each node a key of its own"):
        sender.transfer(PAYEE, 7, timeout_s=SOON_S)
    sender.transfer(PAYEE, 5)
    assert [entry for entry in chain.mined if entry[1] == PAYEE] == [(6, PAYEE, 5)]


def test_all_the_nonces_that_a_stranger_used_are_passed_over_at_once() -> None:
    chain = PoolChain(mine_every=2)
    sender = chain.sender()
    sender.transfer(PAYEE, 1)
    for nonce in range(1, 10):
        chain.stranger(nonce)
    sender.transfer(PAYEE, 7)
    assert chain.mined[-1] == (10, PAYEE, 7)
    assert len(chain.sent) == 3


def test_a_nonce_that_a_pool_holds_and_does_not_count_is_passed_over() -> None:
    chain = PoolChain()
    chain._eth_getTransactionCount = lambda *_: hex(chain.used)
    chain.pool[0] = theirs()
    chain.at = {(POLL, 3): chain.mine}
    chain.sender(pace=CALM).transfer(PAYEE, 7, timeout_s=SOON_S)
    assert chain.mined == [(0, STRANGER, 0), (1, PAYEE, 7)]


def test_a_missing_nonce_that_nobody_takes_a_filler_for_leaves_nothing_under_way(tmp_path: Path) -> None:
    """The pool is full, and then the transaction that was missing is there after all."""
    chain, file = PoolChain(), tmp_path / "pending.json"
    chain.pool[0] = theirs()
    refusing(chain, "txpool is full", range(2, 10**6))

    def found_again() -> None:
        chain.pool[0] = theirs()
        chain.mine()

    chain.at = {(POLL, 4): lambda: chain.pool.pop(0), (POLL, 20): found_again}
    chain.sender(pending_file=file).transfer(PAYEE, 7)
    assert chain.seen[SEND] > 1
    assert chain.mined == [(0, STRANGER, 0), (1, PAYEE, 7)]
    assert not file.exists()


def test_a_gap_of_sixteen_is_filled() -> None:
    chain = PoolChain()
    chain.blocks += [[(nonce, STRANGER, 0, "0x")] for nonce in range(16)]
    chain.at = {(POLL, 4): lambda: chain.take_back(16), (POLL, 200): chain.mine}
    chain.sender().transfer(PAYEE, 7)
    assert chain.mined == [*((nonce, ADDRESS.lower(), 0) for nonce in range(16)), (16, PAYEE, 7)]


# --------------------------------------------------------------------------- after the chain went back


def test_after_the_chain_went_back_nonces_are_counted_anew() -> None:
    chain = PoolChain(mine_every=2)
    sender = chain.sender()
    for value in (1, 2):
        sender.transfer(PAYEE, value)
    chain.take_back(len(chain.blocks) - 1)
    sender.note_reorganisation()
    sender.transfer(PAYEE, 7)
    assert chain.mined == [(0, PAYEE, 7)]


def test_what_a_silent_endpoint_did_not_replace_after_the_chain_went_back_the_next_call_does() -> None:
    chain = PoolChain()
    sender = chain.sender()
    with pytest.raises(NoReceipt):
        sender.transfer(PAYEE, 7, timeout_s=0.0)
    chain.lost = {(SEND, 2)}
    sender.note_reorganisation()
    chain.drop()
    chain.mine_every = 5
    sender.transfer(PAYEE, 5, timeout_s=SOON_S)
    assert chain.mined == [(0, ADDRESS.lower(), 0), (1, PAYEE, 5)]
