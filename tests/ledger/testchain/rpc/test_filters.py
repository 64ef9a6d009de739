"""Filters that are polled: what they tell, and that there are never too many of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.testchain.mining.engine import Engine
from ledger.testchain.mining.turns import Turns
from ledger.testchain.rpc import filters
from ledger.testchain.rpc.errors import RpcError
from ledger.testchain.rpc.filters import EXPIRY_S, MAX_FILTERS, Filters
from ledger.testchain.rpc.lookups import Lookups
from ledger.testchain.rpc.methods import RpcMethods

Signed = Callable[..., bytes]


class Scene:
    """An engine with filters whose clock the test moves."""

    def __init__(self, folder: Path) -> None:
        self.engine, self.now = Engine(folder, 1337, None), 0.0
        self.rpc = RpcMethods(self.engine, Turns())
        self._methods = Filters(self.engine, Lookups(self.engine), lambda: self.now).methods()

    def ask(self, method: str, *arguments: Any) -> Any:
        return self._methods[method](*arguments)

    def changes(self, name: str) -> Any:
        return self.ask("eth_getFilterChanges", name)

    def send(self, raw: bytes) -> str:
        return "0x" + self.engine.submit(raw).hex()

    def note(self, signed: Signed, author: int, nonce: int) -> str:
        """A contract that logs when it is made is enough of a log."""
        # LOG0 of nothing, then STOP.
        return self.send(signed(author, nonce, to=b"", data="0x5f5fa000", gas=100_000))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "chain")
    yield made
    made.engine.close()


def test_a_block_filter_tells_each_block_once(scene: Scene) -> None:
    scene.engine.mine()
    name = scene.ask("eth_newBlockFilter")
    assert scene.changes(name) == []
    made = ["0x" + scene.engine.mine().header.hash.hex() for _ in range(3)]
    assert scene.changes(name) == made
    assert scene.changes(name) == []


def test_a_pool_filter_tells_what_a_block_could_hold(scene: Scene, signed: Signed) -> None:
    name, whole = (scene.ask("eth_newPendingTransactionFilter", flag) for flag in (False, True))
    early = scene.send(signed(0, 1))
    assert scene.changes(name) == [], "its predecessor is missing"
    first = scene.send(signed(0, 0))
    assert scene.changes(name) == [first, early]
    scene.engine.mine()
    assert [one["hash"] for one in scene.changes(whole)] == [first, early]


def test_a_replacement_is_told_like_any_other(scene: Scene, signed: Signed) -> None:
    name = scene.ask("eth_newPendingTransactionFilter")
    sent = [scene.send(signed(0, 0, maxFeePerGas=fee, maxPriorityFeePerGas=fee)) for fee in (10**10, 2 * 10**10)]
    assert scene.changes(name) == sent


def test_logs_that_a_reorganisation_took_are_told_as_removed(scene: Scene, signed: Signed) -> None:
    name = scene.ask("eth_newFilter", {})
    scene.note(signed, 0, 0)
    scene.engine.mine()
    assert [log["removed"] for log in scene.changes(name)] == [False]
    scene.engine.reorganise([[]])
    assert [log["removed"] for log in scene.changes(name)] == [True]
    assert scene.ask("eth_getFilterLogs", name) == []


def test_a_filter_may_wait_for_blocks_that_are_not_there_yet(scene: Scene, signed: Signed) -> None:
    name = scene.ask("eth_newFilter", {"fromBlock": "0x2", "toBlock": "0x3"})
    for nonce in range(4):
        scene.note(signed, 0, nonce)
        scene.engine.mine()
    assert [log["blockNumber"] for log in scene.changes(name)] == ["0x2", "0x3"]


def test_a_filter_that_nobody_polls_is_gone(scene: Scene) -> None:
    kept, left = scene.ask("eth_newBlockFilter"), scene.ask("eth_newBlockFilter")
    scene.now += EXPIRY_S - 1
    scene.changes(kept)
    scene.now += 2
    assert scene.changes(kept) == []
    with pytest.raises(RpcError, match="filter not found"):
        scene.changes(left)
    assert scene.ask("eth_uninstallFilter", left) is False


def test_there_are_never_more_filters_than_the_bound_and_room_comes_back(scene: Scene) -> None:
    names = [scene.ask("eth_newBlockFilter") for _ in range(MAX_FILTERS)]
    with pytest.raises(RpcError, match="uninstall some"):
        scene.ask("eth_newFilter", {})
    assert scene.ask("eth_uninstallFilter", names[0]) is True
    scene.ask("eth_newFilter", {})
    scene.now += EXPIRY_S + 1
    scene.ask("eth_newFilter", {})


def test_a_filter_that_fell_too_far_behind_is_gone(scene: Scene) -> None:
    name = scene.ask("eth_newBlockFilter")
    for _ in range(filters.MAX_BLOCKS + 1):
        scene.engine._announce(scene.engine.head)
    with pytest.raises(RpcError, match="filter not found"):
        scene.changes(name)


def test_without_filters_nothing_is_kept(scene: Scene, signed: Signed) -> None:
    found = Filters(scene.engine, Lookups(scene.engine))
    name = found.methods()["eth_newBlockFilter"]()
    scene.engine.mine()
    assert found._blocks._items
    found.methods()["eth_uninstallFilter"](name)
    scene.send(signed(1, 0))
    scene.engine.mine()
    assert not found._blocks._items
    assert not found._pooled._items


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("eth_newFilter", [{"topics": 7}], -32602),
        ("eth_newFilter", [{"fromBlock": "0x5", "toBlock": "0x2"}], -32602),
        ("eth_newPendingTransactionFilter", ["yes"], -32602),
        ("eth_getFilterChanges", [7], -32602),
        ("eth_getFilterChanges", ["0x12"], -32000),
        ("eth_getFilterLogs", ["0x12"], -32000),
    ],
)
def test_bad_calls_are_refused(scene: Scene, method: str, arguments: list[Any], code: int) -> None:
    with pytest.raises(RpcError) as refusal:
        scene.rpc.answer(method, arguments)
    assert refusal.value.code == code


def test_of_what_a_caller_wrote_only_the_filter_is_kept(scene: Scene, signed: Signed) -> None:
    scene.engine.mine()
    junk = "junk that nobody needs"
    asked = {"fromBlock": {"blockNumber": "0x1", "more": junk}, "topics": [[None, junk]], "more": junk}
    name = scene.ask("eth_newFilter", asked)
    # LOG1 of nothing, then STOP.
    scene.send(signed(0, 0, to=b"", data="0x5f5f5fa100", gas=100_000))
    scene.engine.mine()
    assert len(scene.ask("eth_getFilterLogs", name)) == len(scene.changes(name)) == 1
    held: Any = scene._methods["eth_newFilter"]
    assert junk not in repr(held.__self__._filters)
