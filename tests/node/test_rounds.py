"""What a peer does next, for every situation the chain can show it."""

import pytest
from circle_history import QUORUM, ROUNDS, SEATS, SEED, attestations, commits, drawn, history_of, settled

from ledger.events import Attested, Drawn, Settled, Woken
from ledger.history import CircleParameters, History
from ledger.reputation import pack
from node.rounds import Step, duty_rank, next_step


def test_before_round_one_there_is_nothing_to_do() -> None:
    assert next_step(History(CircleParameters(SEATS, QUORUM, ROUNDS, 3, 16384)), 0, overdue=False) == Step.WAIT


@pytest.mark.parametrize("overdue", [False, True])
def test_who_has_not_committed_commits_also_after_the_deadline(overdue: bool) -> None:
    assert next_step(history_of(*commits(1, 2, 3)), 0, overdue=overdue) == Step.COMMIT


def test_who_has_committed_waits_for_the_others_until_the_deadline() -> None:
    assert next_step(history_of(*commits(0, 1, 2)), 0, overdue=False) == Step.WAIT
    assert next_step(history_of(*commits(0, 1, 2)), 0, overdue=True) == Step.ADVANCE


def test_short_of_the_quorum_a_deadline_closes_nothing() -> None:
    assert next_step(history_of(*commits(0, 1)), 0, overdue=True) == Step.WAIT
    assert next_step(history_of(*drawn(0, 1, 2), *attestations(0, 1)), 0, overdue=True) == Step.WAIT


def test_a_round_that_lapsed_short_of_its_quorum_is_given_up_by_anyone() -> None:
    history = history_of(*drawn(0, 1, 2), *attestations(0, 1))
    steps = [next_step(history, seat, overdue=True, lapsed=True) for seat in range(SEATS)]
    # Seat 2 committed and may still attest: that is better than giving up. Seat 3 did not: it asks to be awaited.
    assert steps == [Step.SETTLE, Step.SETTLE, Step.EXCHANGE, Step.WAKE]


def test_a_commit_phase_never_lapses() -> None:
    assert next_step(history_of(*commits(0, 1)), 0, overdue=True, lapsed=True) == Step.WAIT


@pytest.mark.parametrize("overdue", [False, True])
def test_who_has_committed_exchanges_once_the_seed_is_drawn(overdue: bool) -> None:
    assert next_step(history_of(*drawn(0, 1, 2)), 0, overdue=overdue) == Step.EXCHANGE


def test_who_has_attested_waits_for_the_others_until_the_deadline() -> None:
    history = history_of(*drawn(0, 1, 2, 3), *attestations(0, 1, 2))
    assert next_step(history, 0, overdue=False) == Step.WAIT
    assert next_step(history, 0, overdue=True) == Step.SETTLE


def test_when_all_have_attested_the_round_is_settled_at_once_by_anyone() -> None:
    history = history_of(*drawn(0, 1, 2), *attestations(0, 1, 2))
    assert [next_step(history, seat, overdue=False) for seat in range(3)] == [Step.SETTLE] * 3


def test_who_missed_the_round_asks_to_be_awaited_before_it_settles_it() -> None:
    history = history_of(*drawn(0, 1, 2), *attestations(0, 1, 2))
    assert next_step(history, 3, overdue=False) == Step.WAKE
    history.apply(Woken(1, 3))
    assert next_step(history, 3, overdue=False) == Step.SETTLE


def test_who_missed_the_commits_asks_once_to_be_awaited() -> None:
    history = history_of(*settled(0, 1, 2), *commits(0, 1, 2, number=2), Drawn(2, SEED, 0b0111))
    assert next_step(history, 3, overdue=False) == Step.WAKE
    history.apply(Woken(2, 3))
    assert next_step(history, 3, overdue=False) == Step.WAIT


def test_after_the_last_round_a_peer_is_done() -> None:
    history = history_of(*settled(0, 1, 2, 3))
    assert next_step(history, 0, overdue=False) == Step.COMMIT
    for event in [*commits(0, 1, 2, number=2), Drawn(2, SEED, 0b0111)]:
        history.apply(event)
    for seat in (0, 1, 2):
        history.apply(Attested(2, seat, 0, 0, b"\1" * 32))
    history.apply(Settled(2, 0b0111, pack(history._settled(history.rounds[1]))))
    assert [next_step(history, seat, overdue=True) for seat in range(4)] == [Step.DONE] * 4


def test_everyone_has_another_place_in_the_order_of_chores() -> None:
    history = history_of(*drawn(0, 1, 2, 3))
    assert sorted(duty_rank(history, seat) for seat in range(SEATS)) == [0, 1, 2, 3]


def test_who_did_not_commit_comes_after_all_who_did() -> None:
    history = history_of(*drawn(0, 1, 3))
    assert duty_rank(history, 2) == 3
    assert sorted(duty_rank(history, seat) for seat in (0, 1, 3)) == [0, 1, 2]


def test_the_order_of_chores_changes_with_the_round_before_a_seed_is_drawn() -> None:
    first = history_of(*commits(0, 1, 2, 3))
    second = history_of(*settled(0, 1, 2, 3), *commits(0, 1, 2, 3, number=2))
    orders = [[duty_rank(history, seat) for seat in range(SEATS)] for history in (first, second)]
    assert orders[0] != orders[1]
