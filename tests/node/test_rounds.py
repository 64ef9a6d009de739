"""What a peer does next, for every situation the chain can show it."""

import pytest
from circle_history import PARAMETERS, SEATS, SEED, attestations, commits, drawn, history_of, settled

from ledger.events import Drawn, Left, Settled, Woken
from ledger.history import History
from ledger.reputation import pack
from node.rounds import Means, Step, duty_rank, next_step


def test_before_round_one_there_is_nothing_to_do() -> None:
    assert next_step(History(PARAMETERS), 0, overdue=False) == Step.WAIT


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
    # Seat 2 committed and may still attest: that is better than giving up. Seat 3 did not: it wakes.
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


def test_who_missed_the_round_wakes_before_it_settles_it() -> None:
    history = history_of(*drawn(0, 1, 2), *attestations(0, 1, 2))
    assert next_step(history, 3, overdue=False) == Step.WAKE
    history.apply(Woken(1, 3))
    assert next_step(history, 3, overdue=False) == Step.SETTLE


def test_who_missed_the_commits_wakes_once() -> None:
    history = history_of(*settled(0, 1, 2), *commits(0, 1, 2, number=2), Drawn(2, SEED, 0b0111))
    assert next_step(history, 3, overdue=False) == Step.WAKE
    history.apply(Woken(2, 3))
    assert next_step(history, 3, overdue=False) == Step.WAIT


def test_who_is_not_on_the_roster_asks_for_the_round_under_way_and_commits() -> None:
    history = history_of(*settled(0, 1, 2))
    assert next_step(history, 3, overdue=False) == Step.WAKE
    history.apply(Woken(2, 3))
    assert next_step(history, 3, overdue=False) == Step.COMMIT


def test_a_newcomer_waits_for_the_next_round_unless_this_one_cannot_end_without_it() -> None:
    history = history_of(*settled(0, 1, 2), *commits(0, 1, number=2))
    history.woken |= 0b1000  # as one is who joined in this round
    assert next_step(history, 3, overdue=False) == Step.WAIT
    assert next_step(history, 3, overdue=True) == Step.WAKE
    history.apply(commits(2, number=2)[0])
    assert next_step(history, 3, overdue=True) == Step.WAIT


def test_when_the_last_one_missing_has_left_the_phase_is_closed_at_once() -> None:
    history = history_of(*commits(0, 1, 2))
    assert next_step(history, 0, overdue=False) == Step.WAIT
    history.apply(Left(3, 1000))
    assert next_step(history, 0, overdue=False) == Step.ADVANCE


def test_after_the_last_round_a_peer_is_done() -> None:
    history = history_of(*settled(0, 1, 2, 3))
    assert next_step(history, 0, overdue=False) == Step.COMMIT
    for event in [*commits(0, 1, 2, number=2), Drawn(2, SEED, 0b0111), *attestations(0, 1, 2, number=2)]:
        history.apply(event)
    history.apply(Settled(2, 0b0111, pack(history.settled(history.rounds[1]))))
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


NO_BASE, NO_UPDATE = Means(base=False), Means(update=False)


@pytest.mark.parametrize("overdue", [False, True])
def test_who_lacks_its_base_commits_to_nothing_and_has_nobody_wait_for_it(overdue: bool) -> None:
    committing = history_of(*commits(1, 2, 3))
    assert next_step(committing, 0, overdue=overdue, means=NO_BASE) == Step.WAIT
    attesting = history_of(*drawn(1, 2, 3), *attestations(1, 2))
    assert next_step(attesting, 0, overdue=False, means=NO_BASE) == Step.WAIT, "it does not wake either"
    committed = history_of(*drawn(0, 1, 2, 3), *attestations(1, 2))
    assert next_step(committed, 0, overdue=False, means=NO_BASE) == Step.WAIT


def test_who_lacks_its_base_still_does_the_chores() -> None:
    assert next_step(history_of(*commits(0, 1, 2)), 0, overdue=True, means=NO_BASE) == Step.ADVANCE
    late = history_of(*drawn(0, 1, 2, 3), *attestations(1, 2, 3))
    assert next_step(late, 0, overdue=True, means=NO_BASE) == Step.SETTLE
    short = history_of(*drawn(0, 1, 2), *attestations(1))
    assert next_step(short, 0, overdue=True, lapsed=True, means=NO_BASE) == Step.SETTLE


def test_who_lost_its_update_sits_the_round_out_and_wakes_for_the_next_one() -> None:
    events = [*drawn(0, 1, 2, 3), *attestations(1, 2, 3)]
    assert next_step(history_of(*events), 0, overdue=False, means=NO_UPDATE) == Step.WAKE
    woken = history_of(*events, Woken(1, 0))
    assert next_step(woken, 0, overdue=False, means=NO_UPDATE) == Step.WAIT
    assert next_step(woken, 0, overdue=True, means=NO_UPDATE) == Step.SETTLE
    assert next_step(woken, 0, overdue=False) == Step.EXCHANGE, "should it be found after all"
    assert next_step(history_of(*commits(1, 2, 3)), 0, overdue=False, means=NO_UPDATE) == Step.COMMIT
