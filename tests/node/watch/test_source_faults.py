"""An endpoint that fails between telling an event and its state, or tells what cannot be, leaves no page behind."""

from typing import Any

import pytest

from ledger.chain.circle import Circle as OnChain
from ledger.chain.rpc.client import ChainTrouble
from ledger.circle.history import HistoryFault
from node.watch.source import LiveSource
from tests.support.circle_endpoint import drawn_seed
from tests.support.histories.circles import Circle
from tests.support.watched_chain import Growing, Line, follow

KNOWN = 10


def count(source: LiveSource) -> int:
    """So many events are shown."""
    return sum(len(source.view.list_round(number)) for number in range(source.view.log.rounds + 1))


@pytest.fixture
def chain() -> Growing:
    return Growing(Circle(rounds=2, seed_of=drawn_seed), KNOWN)


@pytest.fixture
def source(chain: Growing) -> LiveSource:
    followed = follow(Line(chain))
    followed.look()
    assert count(followed) == KNOWN
    return followed


@pytest.fixture
def doubts(source: LiveSource, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why another endpoint was to be asked."""
    heard: list[str] = []
    monkeypatch.setattr(source.circle.rpc, "doubt", heard.append)
    return heard


def test_an_event_whose_state_did_not_come_is_shown_with_the_next_look(
    chain: Growing, source: LiveSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tracker has the event already, and never again tells of anything new."""
    fetch_state, failures = OnChain.fetch_state, [1, 2]

    def fail_first(circle: OnChain, block: int) -> Any:
        if failures:
            raise ChainTrouble(f"the chain does not answer, {failures.pop()}")
        return fetch_state(circle, block)

    monkeypatch.setattr(OnChain, "fetch_state", fail_first)
    chain.shown += 1
    for _ in range(2):
        with pytest.raises(ChainTrouble):
            source.look()
        assert count(source) == KNOWN
    source.look()
    assert count(source) == KNOWN + 1


def test_a_look_that_broke_off_at_the_running_hash_is_made_good(chain: Growing, source: LiveSource) -> None:
    chain.shown = len(chain._events)
    chain.lies["history"] = lambda _, __: RuntimeError("not now")
    with pytest.raises(ChainTrouble):
        source.look()
    del chain.lies["history"]
    source.look()
    assert count(source) == chain.shown
    assert source.describe_following().state == "finished"


def test_a_state_that_never_fits_has_another_endpoint_asked(
    chain: Growing, source: LiveSource, doubts: list[str]
) -> None:
    chain.shown += 1
    chain.lies["state"] = lambda _, told: told[:-64] + "00" * 32
    for _ in range(3):
        with pytest.raises(ChainTrouble, match="read again"):
            source.look()
    assert doubts == ["the endpoint's events are not the ones the contract wrote"]
    del chain.lies["state"]
    source.look()
    assert count(source) == KNOWN + 1


def test_an_endpoint_whose_events_cannot_be_is_given_up_for_another_one(
    chain: Growing, source: LiveSource, doubts: list[str]
) -> None:
    chain.shown = len(chain._events)
    chain.lies["eth_getLogs"] = lambda _, logs: logs[:4] + logs[5:]
    with pytest.raises(HistoryFault):
        source.look()
    assert len(doubts) == 1
    assert count(source) == KNOWN, "nothing is shown that the contract does not confirm"


def test_a_reorganisation_whose_state_did_not_come_is_shown_with_the_next_look(
    chain: Growing, source: LiveSource
) -> None:
    """Events in another order, then the same ones in other blocks: the running hash tells the first alone."""
    before = source.view
    chain.swap_last()
    chain.lies["history"] = lambda _, __: RuntimeError("not now")
    with pytest.raises(ChainTrouble):
        source.look()
    del chain.lies["history"]
    source.look()
    assert source.view.history.hash != before.history.hash
    assert source.view.list_round(1) != before.list_round(1)
