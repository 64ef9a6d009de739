"""Gas and coin are from receipts, asked for once and in order; what nobody knows is no number."""

import asyncio
import contextlib
import threading
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.rpc.client import Rpc
from ledger.circle.events import Attested, Committed, Settled
from node.opened_circle import open_bundled
from node.watch import costs as costs_module
from node.watch import gas_book as gas_book_module
from node.watch.costs import list_transactions, sum_costs
from node.watch.gas_book import GasBook, Paid, find_gas_book, run_gas_book
from node.watch.source import BundleSource
from tests.support.histories.circles import Circle
from tests.support.histories.parts import address
from tests.support.saved_bundle import make_circle, save_bundle
from tests.support.stand_ins import as_any
from tests.support.watched_circle import (
    WatchedCircle,
    ask,
    ask_until_known,
    fill_store,
    make_told,
    tell_rounds,
    transaction_of,
    working,
)

GAS = {Committed: 40_000, Attested: 60_000, Settled: 150_000}
PRICE = 3_000_000_000


class Receipts:
    """An endpoint that tells receipts. odd: transaction → what it answers instead."""

    def __init__(self, circle: Circle, odd: dict[str, Any] | None = None) -> None:
        self.asked: list[str] = []
        self.odd, self._events = odd or {}, dict(enumerate(circle.events))
        self._blocks = {transaction_of(block): block for block in self._events}
        self.is_down, self._is_asked = False, threading.Event()

    def wait_asked(self) -> None:
        """Until the first question has come."""
        assert self._is_asked.wait(20)

    def rpc(self) -> Rpc:
        return Rpc("http://endpoint.example", provider=as_any(self))

    def make_request(self, method: str, parameters: list[Any]) -> dict[str, Any]:
        if method != "eth_getTransactionReceipt" or self.is_down:
            return {"error": {"code": -32601, "message": "not now"}}
        transaction = parameters[0]
        self.asked.append(transaction)
        self._is_asked.set()
        if transaction in self.odd:
            return {"result": self.odd[transaction]}
        event = self._events[self._blocks[transaction]]
        seat = getattr(event, "seat", 2)
        return {
            "result": {
                "transactionHash": transaction,
                "blockHash": "0x" + "11" * 32,
                "blockNumber": hex(self._blocks[transaction]),
                "gasUsed": hex(GAS.get(type(event), 100_000)),
                "effectiveGasPrice": hex(PRICE),
                "status": "0x1",
                "from": address(seat).lower(),
            }
        }


async def test_gas_is_by_call_and_round_and_seat_and_coin_is_gas_times_its_price() -> None:
    circle = Circle(rounds=2, seats=4, degree=3)
    receipts = Receipts(circle)
    source = WatchedCircle(circle, rpc=receipts.rpc())
    async with working(source, run_gas_book):
        answer = await ask_until_known(source, sum_costs)
    assert answer["rounds"] == [0, 1, 2]
    assert answer["calls"]["commit"] == {"gas": [0, 160_000, 160_000], "count": [0, 4, 4]}
    assert answer["calls"]["attest"] == {"gas": [0, 240_000, 240_000], "count": [0, 4, 4]}
    assert answer["calls"]["settle"] == {"gas": [0, 150_000, 150_000], "count": [0, 1, 1]}
    assert answer["calls"]["join"]["count"] == [4, 0, 0]
    assert answer["known"] == answer["transactions"] == [5, 10, 10]
    round_gas = 160_000 + 240_000 + 150_000 + 100_000
    assert answer["coinWei"][1:] == [str(round_gas * PRICE)] * 2
    by_seat = {one["seat"]: one for one in answer["seats"]}
    # Seat 2 pays for what says no seat: the draws, the settlements, and here the deployment.
    assert by_seat[0]["calls"] == {"join": 100_000, "commit": 80_000, "attest": 120_000}
    assert by_seat[2]["calls"]["settle"] == 300_000
    assert by_seat[0]["coinWei"] == str(300_000 * PRICE)
    assert sum(one["gas"] for one in answer["seats"]) == sum(sum(one["gas"]) for one in answer["calls"].values())
    assert answer["trouble"] is None


async def test_of_a_round_with_too_many_transactions_some_are_learnt_and_no_more_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gas_book_module, "WANTED_MAX", 7)
    monkeypatch.setattr(gas_book_module, "_KEPT_MAX", 9)
    circle = Circle(rounds=2, seats=4, degree=3)
    receipts = Receipts(circle)
    source = WatchedCircle(circle, rpc=receipts.rpc())
    async with working(source, run_gas_book):
        answer = await ask_until_known(source, sum_costs)
    assert (sum(answer["known"]), sum(answer["transactions"])) == (7, 25)
    assert len(receipts.asked) == 7


async def test_every_receipt_is_asked_for_once_and_the_newest_round_first() -> None:
    circle = Circle(rounds=3, seats=3, degree=2)
    receipts = Receipts(circle)
    source = WatchedCircle(circle, rpc=receipts.rpc())
    ask(source, sum_costs)
    async with working(source, run_gas_book):
        await ask_until_known(source, sum_costs)
        await ask_until_known(source, sum_costs, from_=1, to=2)
    assert len(receipts.asked) == len(set(receipts.asked)) == len(circle.events)
    newest = [transaction_of(block) for block, event in enumerate(circle.events) if isinstance(event, Settled)][-2]
    assert set(receipts.asked[:5]) <= {
        transaction_of(block)
        for block in range(circle.events.index(last_settled(circle, 2)) + 1, len(circle.events))
    }
    assert newest not in receipts.asked[:5]


def last_settled(circle: Circle, number: int) -> Settled:
    """The settlement of a round."""
    return next(event for event in circle.events if isinstance(event, Settled) and event.round == number)


async def test_an_endpoint_that_fails_is_a_sentence_and_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.watch.gas_book._PAUSE_S", 0.01)
    circle = Circle(rounds=1, seats=3, degree=2)
    receipts = Receipts(circle)
    receipts.is_down = True
    source = WatchedCircle(circle, rpc=receipts.rpc())
    async with working(source, run_gas_book), asyncio.timeout(20):
        while True:
            answer = await asyncio.to_thread(ask, source, sum_costs)
            if answer["trouble"]:
                break
            await asyncio.sleep(0.01)
        assert "answers eth_getTransactionReceipt with an error (not now)" in answer["trouble"]
        assert answer["calls"] == {}
        assert answer["coinWei"] == [None, None]
        receipts.is_down = False
        answer = await ask_until_known(source, sum_costs)
    assert answer["known"] == answer["transactions"]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        {
            "transactionHash": transaction_of(4),
            "blockHash": None,
            "blockNumber": None,
            "gasUsed": "0x1",
            "status": "0x1",
        },
        {
            "transactionHash": transaction_of(4),
            "blockHash": "0x" + "11" * 32,
            "blockNumber": "0x4",
            "gasUsed": hex(1 << 60),
            "status": "0x1",
        },
    ],
)
async def test_a_receipt_that_is_none_leaves_a_gap_and_keeps_nobody_waiting(odd: Any) -> None:
    circle = Circle(rounds=1, seats=3, degree=2)
    receipts = Receipts(circle, {transaction_of(4): odd})
    source = WatchedCircle(circle, rpc=receipts.rpc())
    async with working(source, run_gas_book), asyncio.timeout(20):
        ask(source, sum_costs)
        while True:
            answer = await asyncio.to_thread(ask, source, sum_costs)
            if answer["pending"] == 0:
                break
            await asyncio.sleep(0.01)
    assert sum(answer["transactions"]) - sum(answer["known"]) == 1
    assert receipts.asked.count(transaction_of(4)) == 1, "it is not asked for again at once"


async def test_a_receipt_that_came_late_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    circle = Circle(rounds=1, seats=3, degree=2)
    receipts = Receipts(circle, {transaction_of(4): None})
    source = WatchedCircle(circle, rpc=receipts.rpc())
    async with working(source, run_gas_book):
        await ask_until_known(source, sum_costs)
        receipts.odd.clear()
        monkeypatch.setattr("node.watch.gas_book._AGAIN_S", 0.0)
        answer = await ask_until_known(source, sum_costs)
    assert answer["known"] == answer["transactions"]


async def test_the_thread_that_asks_ends_behind_the_question_under_way() -> None:
    """The process would wait for it at its end: for fifty answers of an endpoint that is slow with each."""
    circle = Circle(rounds=2, seats=3, degree=2)
    receipts = Receipts(circle)
    source = WatchedCircle(circle, rpc=receipts.rpc())
    ask(source, sum_costs)
    task = asyncio.create_task(run_gas_book(source))
    async with asyncio.timeout(20):
        await asyncio.to_thread(receipts.wait_asked)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    book = find_gas_book(source)
    asked = len(receipts.asked)
    assert book._ask_some()
    assert len(receipts.asked) <= asked + 1


def test_of_many_transactions_the_newest_rounds_are_shown_and_the_rest_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(costs_module, "_TRANSACTIONS_MAX", 20)
    answer = ask(WatchedCircle(Circle(rounds=5, seats=3, degree=2)), sum_costs, from_=1)
    assert (answer["rounds"], answer["leftOut"]) == ([4, 5], 3)


def test_what_a_book_keeps_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.watch.gas_book._KEPT_MAX", 3)
    monkeypatch.setattr("node.watch.gas_book.WANTED_MAX", 4)
    book = GasBook(as_any(object()), None)
    for number in range(10):
        book._put(str(number), Paid(1, 1, ""))
    assert len(book._paid) == 3
    book.ask(map(str, range(100, 200)))
    assert len(book._wanted) == 4


def test_bytes_are_each_nodes_word_and_sizes_come_from_blobs_here(tmp_path: Path) -> None:
    circle = Circle(rounds=2, seats=3, degree=2)
    fill_store(tmp_path, circle.blobs)
    tell_rounds(tmp_path, [make_told(number, 1, bytes_sent=500 * number) for number in (1, 2)])
    answer = ask(WatchedCircle(circle, [tmp_path]), sum_costs)
    by_seat = {one["seat"]: one for one in answer["seats"]}
    assert by_seat[1]["bytesSent"] == {"rounds": 2, "sum": 1500}
    assert "bytesSent" not in by_seat[0]
    sizes = [len(circle.read(round_.commits[0])) for round_ in circle.known.rounds]
    assert by_seat[0]["updateBytes"] == {"updates": 2, "sum": sum(sizes)}


def test_every_event_has_a_call_by_name() -> None:
    circle = Circle(rounds=1)
    view = WatchedCircle(circle).view
    named = list_transactions([entry for number in range(view.log.rounds + 1) for entry in view.list_round(number)])
    assert {one.call for one in named} == {"deploy", "join", "commit", "advance", "attest", "settle"}


def test_a_bundle_has_what_its_receipts_prove_and_no_coin(tmp_path: Path) -> None:
    path = tmp_path / "circle.car"
    save_bundle(path, make_circle(2, has_liar=False))
    opened = open_bundled(path, None)
    with opened.bundle:
        source = BundleSource(opened.circle, opened.file.block, opened)
        answer = ask(source, sum_costs)
    assert answer["pending"] == 0
    assert set(answer["coinWei"]) == {None}
    assert "so there is no coin" in answer["says"]
    assert find_gas_book(source).find("0x" + "00" * 32) is None
    by_seat = {one["seat"]: one for one in answer["seats"]}
    assert by_seat[0]["updateBytes"]["updates"] == 2
