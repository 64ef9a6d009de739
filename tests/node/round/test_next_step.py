"""What a peer does next, for every situation the chain can show it."""

import pytest

from ledger.circle.draw import mask_of
from ledger.circle.events import Attested, Committed, Drawn, Event, Joined, Left, Settled, Woken
from ledger.circle.history import History, Phase
from ledger.circle.reputation import pack
from ledger.circle.verdict_word import encode_verdicts
from node.round.next_step import Lateness, Means, Step, count_seats_ahead, is_heard, next_step, trains_ahead
from tests.support.histories.moments import (
    PARAMETERS,
    ROUNDS,
    SEATS,
    SEED,
    attestations,
    commits,
    drawn,
    history_in,
    history_of,
    settled,
)
from tests.support.histories.parts import NOBODY, address, cold

pytestmark = pytest.mark.rule("R21")

ALL = Means()


def step(
    history: History,
    seat: int,
    *,
    overdue: bool = False,
    lapsed: bool = False,
    seed_lost: bool = False,
    means: Means = ALL,
) -> Step:
    return next_step(history, seat, Lateness(overdue, lapsed, seed_lost), means)


def test_before_round_one_there_is_nothing_to_do() -> None:
    assert step(History(PARAMETERS), 0, overdue=False) == Step.WAIT


@pytest.mark.parametrize("overdue", [False, True])
def test_who_has_not_committed_commits_also_after_the_deadline(overdue: bool) -> None:
    assert step(history_of(*commits(1, 2, 3)), 0, overdue=overdue) == Step.COMMIT


def test_who_has_committed_waits_for_the_others_until_the_deadline() -> None:
    assert step(history_of(*commits(0, 1, 2)), 0, overdue=False) == Step.WAIT
    assert step(history_of(*commits(0, 1, 2)), 0, overdue=True) == Step.ADVANCE


def test_short_of_the_quorum_a_deadline_closes_nothing() -> None:
    assert step(history_of(*commits(0, 1)), 0, overdue=True) == Step.WAIT
    assert step(history_of(*drawn(0, 1, 2), *attestations(0, 1)), 0, overdue=True) == Step.WAIT


def test_a_round_that_lapsed_short_of_its_quorum_is_given_up_by_anyone() -> None:
    history = history_of(*drawn(0, 1, 2), *attestations(0, 1))
    steps = [step(history, seat, overdue=True, lapsed=True) for seat in range(SEATS)]
    # Seat 2 committed and may still attest: that is better than giving up. Seat 3 did not: it wakes.
    assert steps == [Step.SETTLE, Step.SETTLE, Step.EXCHANGE, Step.WAKE]


def test_a_commit_phase_never_lapses() -> None:
    assert step(history_of(*commits(0, 1)), 0, overdue=True, lapsed=True) == Step.WAIT


@pytest.mark.parametrize("overdue", [False, True])
def test_who_has_committed_exchanges_once_the_seed_is_drawn(overdue: bool) -> None:
    assert step(history_of(*drawn(0, 1, 2)), 0, overdue=overdue) == Step.EXCHANGE


def test_who_has_attested_waits_for_the_others_until_the_deadline() -> None:
    history = history_of(*drawn(0, 1, 2, 3), *attestations(0, 1, 2))
    assert step(history, 0, overdue=False) == Step.WAIT
    assert step(history, 0, overdue=True) == Step.SETTLE


def test_when_all_have_attested_the_round_is_settled_at_once_by_anyone() -> None:
    history = history_of(*drawn(0, 1, 2), *attestations(0, 1, 2))
    assert [step(history, seat, overdue=False) for seat in range(3)] == [Step.SETTLE] * 3


def test_who_missed_the_round_wakes_before_it_settles_it() -> None:
    history = history_of(*drawn(0, 1, 2), *attestations(0, 1, 2))
    assert step(history, 3, overdue=False) == Step.WAKE
    history.apply(Woken(1, 3))
    assert step(history, 3, overdue=False) == Step.SETTLE


def test_who_missed_the_commits_wakes_once() -> None:
    history = history_of(*settled(0, 1, 2), *commits(0, 1, 2, number=2), Drawn(2, SEED, 0b0111))
    assert step(history, 3, overdue=False) == Step.WAKE
    history.apply(Woken(2, 3))
    assert step(history, 3, overdue=False) == Step.WAIT


def test_who_is_not_on_the_roster_asks_for_the_round_under_way_and_commits() -> None:
    history = history_of(*settled(0, 1, 2))
    assert step(history, 3, overdue=False) == Step.WAKE
    history.apply(Woken(2, 3))
    assert step(history, 3, overdue=False) == Step.COMMIT


def test_a_newcomer_waits_for_the_next_round_unless_this_one_cannot_end_without_it() -> None:
    history = history_of(*settled(0, 1, 2), *commits(0, 1, number=2))
    history.woken |= 0b1000  # as one is who joined in this round
    assert step(history, 3, overdue=False) == Step.WAIT
    assert step(history, 3, overdue=True) == Step.WAKE
    history.apply(commits(2, number=2)[0])
    assert step(history, 3, overdue=True) == Step.WAIT


def test_when_the_last_one_missing_has_left_the_phase_is_closed_at_once() -> None:
    history = history_of(*commits(0, 1, 2))
    assert step(history, 0, overdue=False) == Step.WAIT
    history.apply(Left(3, 0, 1000))
    assert step(history, 0, overdue=False) == Step.ADVANCE


def test_after_the_last_round_a_peer_is_done() -> None:
    history = history_of(*settled(0, 1, 2, 3))
    assert step(history, 0, overdue=False) == Step.COMMIT
    for event in [*commits(0, 1, 2, number=2), Drawn(2, SEED, 0b0111), *attestations(0, 1, 2, number=2)]:
        history.apply(event)
    history.apply(Settled(2, 0b0111, pack(history.compute_reputations(history.rounds[1]))))
    assert [step(history, seat, overdue=True) for seat in range(4)] == [Step.DONE] * 4


def test_everyone_has_another_place_in_the_order_of_chores() -> None:
    history = history_of(*drawn(0, 1, 2, 3))
    assert sorted(count_seats_ahead(history, seat) for seat in range(SEATS)) == [0, 1, 2, 3]


def test_who_did_not_commit_comes_after_all_who_did() -> None:
    history = history_of(*drawn(0, 1, 3))
    assert count_seats_ahead(history, 2) == 3
    assert sorted(count_seats_ahead(history, seat) for seat in (0, 1, 3)) == [0, 1, 2]


def test_the_order_of_chores_changes_with_the_round_before_a_seed_is_drawn() -> None:
    first = history_of(*commits(0, 1, 2, 3))
    second = history_of(*settled(0, 1, 2, 3), *commits(0, 1, 2, 3, number=2))
    orders = [[count_seats_ahead(history, seat) for seat in range(SEATS)] for history in (first, second)]
    assert orders[0] != orders[1]


NO_BASE, NO_UPDATE = Means(base=False), Means(update=False)


@pytest.mark.rule("R15.1")
@pytest.mark.parametrize("overdue", [False, True])
def test_who_lacks_its_base_commits_to_nothing_and_has_nobody_wait_for_it(overdue: bool) -> None:
    committing = history_of(*commits(1, 2, 3))
    assert step(committing, 0, overdue=overdue, means=NO_BASE) == Step.WAIT
    attesting = history_of(*drawn(1, 2, 3), *attestations(1, 2))
    assert step(attesting, 0, overdue=False, means=NO_BASE) == Step.WAIT, "it does not wake either"
    committed = history_of(*drawn(0, 1, 2, 3), *attestations(1, 2))
    assert step(committed, 0, overdue=False, means=NO_BASE) == Step.WAIT


def test_who_lacks_its_base_still_does_the_chores() -> None:
    assert step(history_of(*commits(0, 1, 2)), 0, overdue=True, means=NO_BASE) == Step.ADVANCE
    late = history_of(*drawn(0, 1, 2, 3), *attestations(1, 2, 3))
    assert step(late, 0, overdue=True, means=NO_BASE) == Step.SETTLE
    short = history_of(*drawn(0, 1, 2), *attestations(1))
    assert step(short, 0, overdue=True, lapsed=True, means=NO_BASE) == Step.SETTLE


@pytest.mark.rule("R15.1")
def test_who_lost_its_update_sits_the_round_out_and_wakes_for_the_next_one() -> None:
    events = [*drawn(0, 1, 2, 3), *attestations(1, 2, 3)]
    assert step(history_of(*events), 0, overdue=False, means=NO_UPDATE) == Step.WAKE
    woken = history_of(*events, Woken(1, 0))
    assert step(woken, 0, overdue=False, means=NO_UPDATE) == Step.WAIT
    assert step(woken, 0, overdue=True, means=NO_UPDATE) == Step.SETTLE
    assert step(woken, 0, overdue=False) == Step.EXCHANGE, "should it be found after all"
    assert step(history_of(*commits(1, 2, 3)), 0, overdue=False, means=NO_UPDATE) == Step.COMMIT


# ------------------------------------------------------------------------------------------- dozing and suspended


def dozer() -> list[Event]:
    """Seat 3 was waited for in round 1 in vain, and the round is over."""
    return settled(0, 1, 2)


def test_who_dozes_commits_once_it_has_woken_although_nobody_waits_for_it() -> None:
    history = history_of(*dozer())
    assert history.dozing == 0b1000
    assert step(history, 3) == Step.WAKE
    history.apply(Woken(2, 3))
    assert (history.late, history.roster) == (0b1000, 0b0111)
    assert step(history, 3) == Step.COMMIT
    for event in commits(0, 1, 2, number=2):
        history.apply(event)
    assert step(history, 0) == Step.ADVANCE, "nobody waits for who is late"


def test_who_dozes_and_committed_is_not_waited_for_with_its_verdicts() -> None:
    history = history_of(*dozer(), Woken(2, 3), *commits(0, 1, 2, 3, number=2))
    history.apply(Drawn(2, SEED, 0b1111))
    for event in attestations(0, 1, 2, number=2):
        history.apply(event)
    assert history.round is not None
    assert is_heard(history, history.round)
    assert step(history, 0) == Step.SETTLE
    assert step(history, 3) == Step.EXCHANGE


def test_who_left_with_its_update_committed_is_not_waited_for_with_its_verdicts() -> None:
    history = history_of(*drawn(0, 1, 2, 3), *attestations(0, 1, 2))
    assert step(history, 0) == Step.WAIT
    history.apply(Left(3, 0, 10**6))
    assert step(history, 0) == Step.SETTLE


@pytest.mark.rule("R21.2")
def test_who_sits_a_round_out_trains_ahead_for_the_next_one() -> None:
    missed = history_of(*drawn(0, 1, 2))
    assert not trains_ahead(missed, 3), "it has not woken yet"
    missed.apply(Woken(1, 3))
    assert trains_ahead(missed, 3)
    assert not trains_ahead(missed, 0), "it has a part in this round"
    history = history_of(*dozer(), Woken(2, 3))
    assert not trains_ahead(history, 3), "it may commit in this round"


@pytest.mark.rule("R21.2")
def test_a_newcomer_trains_ahead_while_it_waits_for_the_next_round() -> None:
    joining = Joined(4, address(4), cold(4), NOBODY, "wss://127.0.0.1:5 http://127.0.0.1:5")
    assert trains_ahead(history_of(joining), 4)


def test_in_the_last_round_nobody_trains_ahead() -> None:
    history = history_of(*dozer(), *commits(0, 1, 2, number=2), Drawn(2, SEED, 0b0111), Woken(2, 3))
    assert history.number == ROUNDS
    assert not trains_ahead(history, 3)


@pytest.mark.parametrize("others", [2, 5])
@pytest.mark.parametrize("own", [3, 30])
def test_a_peer_that_returns_gets_in_although_the_others_close_the_phase_when_they_are_done(
    own: int, others: int
) -> None:
    """others, own: how long they and it train, in ticks; attesting takes all of them one."""
    history = history_in(rounds=200)
    for event in [*drawn(0, 1, 2), *attestations(0, 1, 2)]:
        history.apply(event)
    history.apply(settlement(history))
    trained_from, ready, opened = None, 0, 0
    attested: list[int] = []
    for tick in range(200):
        round_ = history.round
        assert round_ is not None
        # Seat 3's base is that of the last round it attested; what it has trained from it, it keeps.
        base = attested[-1] if attested else 0
        does = step(history, 3)
        if does == Step.WAKE:
            history.apply(Woken(round_.number, 3))
            does = step(history, 3)
        if (does == Step.COMMIT or trains_ahead(history, 3)) and trained_from != base:
            trained_from, ready = base, tick + own
        if does == Step.COMMIT and tick >= ready:
            history.apply(Committed(round_.number, 3, bytes([4]) * 32))
        if history.phase == Phase.COMMIT and tick >= opened + others:
            for event in commits(0, 1, 2, number=round_.number):
                history.apply(event)
            history.apply(Drawn(round_.number, SEED, round_.committed))
        elif history.phase == Phase.ATTEST:
            if step(history, 3) == Step.EXCHANGE:
                history.apply(attestations(3, number=round_.number)[0])
                attested.append(round_.number)
            for event in attestations(0, 1, 2, number=round_.number):
                history.apply(event)
            history.apply(settlement(history))
            opened = tick
    assert len(attested) >= 200 // (own + 2 * others + 2), attested


def settlement(history: History) -> Settled:
    round_ = history.round
    assert round_ is not None
    return Settled(round_.number, mask_of(list(round_.attestations)), pack(history.compute_reputations(round_)))


def test_a_suspension_that_is_over_is_ended_when_there_is_nothing_else_to_do() -> None:
    history = history_of(*commits(0))
    history.seats[0].suspended_until = 2
    assert step(history, 0) == Step.WAIT
    history.seats[0].suspended_until = history.seats[1].suspended_until = 1
    assert step(history, 0) == Step.WAKE
    assert step(history, 1) == Step.COMMIT
    assert step(history, 0, means=NO_BASE) == Step.WAIT
    history.apply(Woken(1, 0))
    assert step(history, 0) == Step.WAIT


def test_a_seed_that_was_lost_is_drawn_again_before_anything_else() -> None:
    history = history_of(*drawn(0, 1, 2))
    assert [step(history, seat, seed_lost=True) for seat in range(SEATS)] == [Step.ADVANCE] * SEATS
    assert step(history, 0, overdue=True, lapsed=True, seed_lost=True) == Step.SETTLE, "not for ever"
    history.apply(Drawn(1, b"\7" * 32, 0b0111))
    assert step(history, 0) == Step.EXCHANGE
    history.apply(Attested(0, encode_verdicts(b"\7" * 32, 1, (), 0, 0), b"\1" * 32))
    assert step(history, 1, seed_lost=True) == Step.EXCHANGE, "somebody attested under it"
