"""The tracker: whatever the chain takes back and whenever, the history becomes what the chain says."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.placed_event import PlacedEvent
from ledger.chain.rollback import KEPT_BLOCKS, MARK_BLOCKS
from ledger.chain.rpc.client import ChainUnreachable, RpcFault
from ledger.chain.tracker import Tracker
from ledger.circle.events import (
    Attested,
    Committed,
    Drawn,
    Ejected,
    Equivocated,
    Event,
    Left,
    Moved,
    Resolved,
    Restarted,
    Rotated,
    Settled,
)
from ledger.circle.history import HistoryFault
from tests.support.chains.forked_chain import ForkedChain
from tests.support.histories.parts import fold


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


CHANGES = (Moved, Left, Ejected, Rotated, Equivocated, Resolved, Restarted)


def follow(chain: ForkedChain, confirmations: int = 0) -> Tracker:
    tracker = Tracker(chain, chain.FIRST, confirmations, Clock())
    tracker.advance()
    return tracker


def clock_of(tracker: Tracker) -> Clock:
    assert isinstance(tracker._clock, Clock)
    return tracker._clock


def grown(number: int, blocks: int = 40) -> ForkedChain:
    chain = ForkedChain(number)
    for index in range(blocks):
        chain.mine(index % 3, index % 2)
    return chain


def assert_same(tracker: Tracker, chain: ForkedChain, confirmations: int = 0) -> None:
    expected = fold(chain.terms, chain.events(len(chain._blocks) - 1 - confirmations))
    assert tracker.history.hash == expected.hash
    assert (tracker.history.phase, tracker.history.seats) == (expected.phase, expected.seats)
    assert tracker.history.rounds == expected.rounds
    assert tracker.history.reputations == expected.reputations


actions = st.lists(
    st.one_of(
        st.tuples(st.just("mine"), st.integers(0, 5)),
        st.tuples(st.just("reorganise"), st.integers(1, 12)),
        st.tuples(st.just("reorganise"), st.integers(100, 200)),
        st.tuples(st.just("cut"), st.integers(1, 5)),
        st.tuples(st.just("quiet"), st.integers(100, 160)),
        st.tuples(st.just("look"), st.integers(1, 120)),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(number=st.integers(0, 10**6), actions=actions, confirmations=st.sampled_from([0, 0, 1, 4]))
def test_the_history_is_what_the_chain_says_after_anything(
    number: int, actions: list[tuple[str, int]], confirmations: int
) -> None:
    chain = ForkedChain(number)
    tracker = follow(chain, confirmations)
    for action, count in actions:
        if action == "mine":
            chain.mine(count, count % 2)
        elif action == "reorganise":
            chain.reorganise(count)
        elif action == "cut":
            chain.cut(count)
        elif action == "quiet":
            for _ in range(count):
                chain.mine(0)
        else:
            for _ in range(count):
                tracker.advance()
    for _ in range(3):
        tracker.advance()
        clock_of(tracker).now += 60
    expected = max(len(chain._blocks) - 1 - confirmations, chain.FIRST)
    assert tracker.history.hash == fold(chain.terms, chain.events(expected)).hash


@settings(max_examples=60)
@given(
    number=st.integers(0, 10**6), unrest=st.sampled_from([0.05, 0.3, 0.6]), confirmations=st.sampled_from([0, 2])
)
def test_a_chain_that_changes_between_two_questions_is_never_called_a_lie(
    number: int, unrest: float, confirmations: int
) -> None:
    chain = grown(number)
    chain.unrest = unrest
    tracker = Tracker(chain, chain.FIRST, confirmations, Clock())
    for _ in range(40):
        try:
            tracker.advance()
        except (ChainUnreachable, RpcFault):
            continue
    chain.unrest = 0.0
    tracker.advance()
    clock_of(tracker).now += 60
    tracker.advance()
    assert_same(tracker, chain, confirmations)


def test_a_shallow_rollback_keeps_what_the_chains_share_and_an_old_history_as_it_was() -> None:
    chain = grown(1)
    tracker = follow(chain)
    before, known = tracker.history, tracker.history.hash
    chain.reorganise(3)
    chain.asked.clear()
    assert tracker.advance()
    assert_same(tracker, chain)
    assert tracker.rollbacks == 1
    assert before.hash == known
    assert before is not tracker.history
    assert chain.asked == ["logs_to_head", "head", "logs", "history_hash"]


def test_a_rollback_deeper_than_what_is_kept_reads_everything_again() -> None:
    chain = grown(2, 3 * KEPT_BLOCKS)
    tracker = follow(chain)
    chain.reorganise(2 * KEPT_BLOCKS)
    assert tracker.advance()
    assert_same(tracker, chain)
    assert tracker.rollbacks == 1


@pytest.mark.parametrize("blocks", [10, 40, 3 * KEPT_BLOCKS])
def test_the_block_of_the_newest_draw_is_known_however_long_ago_it_was(blocks: int) -> None:
    chain = grown(5, blocks)
    tracker = follow(chain)
    draws = [
        log.position[0]
        for log in chain.fetch_events(chain.FIRST, chain.fetch_head())
        if isinstance(log.event, Drawn)
    ]
    assert tracker.drawn_in == max(draws, default=chain.FIRST)
    for _ in range(2 * KEPT_BLOCKS):
        chain.mine(0, 1)
    assert tracker.advance()
    assert tracker.drawn_in == max(draws, default=chain.FIRST)


def test_a_quiet_look_is_one_question() -> None:
    chain = grown(3)
    tracker = follow(chain)
    chain.asked.clear()
    assert not any(tracker.advance() for _ in range(50))
    assert chain.asked == ["logs_to_head"] * 50


def test_after_long_silence_the_range_asked_for_stays_short() -> None:
    chain = grown(4)
    tracker = follow(chain)
    asked: list[int] = []
    logs = chain._logs
    chain._logs = lambda first, last: asked.append(last - first + 1) or logs(first, last)
    for _ in range(1000):
        chain.mine(0)
        tracker.advance()
    assert max(asked) <= 3 * KEPT_BLOCKS
    chain.reorganise(20)
    tracker.advance()
    assert_same(tracker, chain)


def test_an_event_counts_when_enough_blocks_lie_on_it() -> None:
    chain = grown(5, 10)
    tracker = follow(chain, confirmations=3)
    assert_same(tracker, chain, 3)
    chain.mine(2, 1)
    for _ in range(3):
        before = tracker.history.hash
        tracker.advance()
        chain.mine(0)
    tracker.advance()
    assert tracker.history.hash != before
    assert_same(tracker, chain, 3)
    rollbacks = tracker.rollbacks
    chain.reorganise(3)
    tracker.advance()
    assert tracker.rollbacks == rollbacks


def test_an_endpoint_that_lags_is_waited_for_and_a_chain_cut_short_believed_in_the_end() -> None:
    chain = grown(6)
    tracker = follow(chain)
    chain.lag = 6
    assert not tracker.advance()
    assert tracker.rollbacks == 0
    chain.lag = 0
    assert not tracker.advance()
    chain.cut(6)
    assert not tracker.advance()
    clock_of(tracker).now += 60
    assert tracker.advance()
    assert tracker.rollbacks == 1
    assert_same(tracker, chain)


@pytest.mark.parametrize("lie", ["leaves one out", "adds one"])
def test_an_endpoint_that_lies_is_named_and_so_is_what_to_do(lie: str) -> None:
    chain = grown(7)
    if lie == "leaves one out":
        logs = chain._logs
        chain._logs = lambda first, last: logs(first, last)[:-1]
    else:
        chain.fetch_history_hash = lambda block: bytes(32)
    tracker = Tracker(chain, chain.FIRST, 0, Clock())
    with pytest.raises(HistoryFault, match="use another endpoint"):
        tracker.advance()


def told_otherwise(chain: ForkedChain, changed: Event) -> Callable[..., Any]:
    """From now on the endpoint tells the chain's present last event otherwise, in whatever look."""
    place = (len(chain._blocks) - 1, len(chain._blocks[-1][1]) - 1)
    honest = chain._logs

    def logs(first: int, last: int) -> list[PlacedEvent]:
        return [
            replace(entry, event=changed) if entry.position == place else entry for entry in honest(first, last)
        ]

    chain._logs = logs
    return honest


def mined_until(chain: ForkedChain, tracker: Tracker, kind: type) -> None:
    """Blocks of one event until the last one is of this kind. The tracker looks at each but the last."""
    while True:
        chain.mine(1)
        if isinstance(chain.events()[-1], kind):
            return
        tracker.advance()


@pytest.mark.parametrize(
    ("kind", "changed", "found_at"),
    [
        (Committed, {"digest": bytes(31) + b"\1"}, Drawn),
        (Attested, {"record": bytes(31) + b"\1"}, Settled),
    ],
)
@pytest.mark.parametrize("confirmations", [0, 2])
def test_an_endpoint_that_lies_once_it_is_trusted_is_found_out_when_the_phase_ends(
    confirmations: int, kind: type, changed: dict[str, Any], found_at: type
) -> None:
    """What it tells is possible, so only the contract's hash shows that it did not happen."""
    chain = ForkedChain(8)
    tracker = follow(chain, confirmations)
    mined_until(chain, tracker, Settled)
    tracker.advance()
    mined_until(chain, tracker, kind)
    honest = told_otherwise(chain, replace(chain.events()[-1], **changed))
    tracker.advance()
    mined_until(chain, tracker, found_at)
    for _ in range(confirmations):
        chain.mine(0)
    with pytest.raises(HistoryFault, match="use another endpoint"):
        tracker.advance()
    chain._logs = honest
    assert tracker.advance()
    assert_same(tracker, chain, confirmations)


def test_a_move_that_did_not_happen_is_found_out_at_once() -> None:
    """A member that believed it would take its key for stolen, and pay for moving back."""
    chain = ForkedChain(8)
    tracker = follow(chain)
    mined_until(chain, tracker, Settled)
    tracker.advance()
    chain.mine(0, 1)
    moved = chain.events()[-1]
    assert isinstance(moved, Moved)
    honest = told_otherwise(chain, replace(moved, endpoint="wss://liar:1 http://liar:2"))
    with pytest.raises(HistoryFault, match="use another endpoint"):
        tracker.advance()
    chain._logs = honest
    assert tracker.advance()
    assert_same(tracker, chain, 0)


def test_the_contracts_hash_is_asked_for_twice_a_round_and_where_seats_change() -> None:
    chain = ForkedChain(8)
    tracker = follow(chain)
    chain.asked.clear()
    before = len(chain.events())
    for _ in range(2):
        mined_until(chain, tracker, Settled)
        tracker.advance()
    told = chain.events()[before:]
    drawn_again = sum(isinstance(event, Drawn) for event in told) - 2
    changes = [event for event in told if isinstance(event, CHANGES)]
    assert changes
    assert chain.asked.count("history_hash") == 2 * 2 + drawn_again + len(changes)
    assert "mark" not in chain.asked, "and nothing is read again for that"


@pytest.mark.parametrize("is_new", [False, True])
def test_what_no_reorganisation_takes_back_is_not_kept_event_by_event(is_new: bool) -> None:
    """A circle of years would fill memory otherwise, and each rollback would fold all of it again."""
    chain = grown(9, 0 if is_new else 3 * KEPT_BLOCKS)
    tracker = follow(chain)
    if is_new:
        for index in range(3 * KEPT_BLOCKS):
            chain.mine(index % 3, 1)
            tracker.advance()
    newest = tracker._kept.recent[-1].position[0]
    assert min(entry.position[0] for entry in tracker._kept.recent) > newest - KEPT_BLOCKS - 2 * MARK_BLOCKS
    kept = [entry.event for entry in tracker._kept.recent]
    assert chain.events()[-len(kept) :] == kept
    base = fold(chain.terms, chain.events()[: -len(kept)])
    assert tracker._kept.marks[0].history.hash == base.hash


def test_a_chain_that_ends_early_is_borne_for_ten_seconds_since_it_was_seen() -> None:
    chain = grown(6)
    tracker = follow(chain)
    clock_of(tracker).now = 1000.0
    chain.cut(6)
    assert not tracker.advance()
    clock_of(tracker).now = 1009.0
    assert not tracker.advance()
    clock_of(tracker).now = 1010.0
    assert tracker.advance()


def test_an_endpoint_of_another_chain_has_no_event_of_the_circle_and_is_said_to_be_wrong() -> None:
    chain = grown(7, 5)
    tracker = follow(chain)
    chain._logs = lambda first, last: []
    with pytest.raises(ChainUnreachable, match="does not hold the circle any more"):
        tracker.advance()


def test_before_the_first_look_nothing_is_folded_and_after_it_everything_up_to_the_head() -> None:
    """A transaction in the circle's first block must not be taken for one whose event was folded."""
    chain = grown(8, 5)
    tracker = Tracker(chain, chain.FIRST, 0, Clock())
    assert tracker.through == chain.FIRST - 1
    tracker.advance()
    assert tracker.through == chain.fetch_head()


def test_an_endpoint_at_the_height_asked_for_that_gives_an_error_is_at_fault_and_does_not_lag() -> None:
    chain = grown(9, 5)
    chain.mine(0, 1)
    tracker = follow(chain)

    def logs_to_head(first: int) -> list[PlacedEvent]:
        assert first == chain.fetch_head()
        raise RpcFault("fork", "eth_getLogs", -32000, "internal error", None)

    chain.fetch_events_to_head = logs_to_head
    with pytest.raises(RpcFault, match="internal error"):
        tracker.advance()
