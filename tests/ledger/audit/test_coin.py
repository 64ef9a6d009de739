"""Every wei that was put down is burned, taken, owed or pledged; and who lost it through what is told."""

from collections import Counter

import pytest

from ledger.audit.coin import CoinFlow, CoinLoss, trace_coin
from ledger.chain.placed_event import PlacedEvent
from ledger.circle import events
from ledger.circle.events import Answer, Event, Outcome, Stage
from tests.support.histories.disputes import BOND, CHALLENGER, DISPUTE_BOND, SEATS, Court
from tests.support.histories.parts import address, joined
from tests.support.histories.stories import Story

pytestmark = pytest.mark.rule("R22.5", "R27")


def place(told: list[Event]) -> list[PlacedEvent]:
    hashes = [f"0x{number:064x}" for number in range(len(told))]
    return [PlacedEvent((number, 0), hashes[number], hashes[number], one) for number, one in enumerate(told)]


@pytest.mark.parametrize("number", range(30))
def test_what_was_put_down_is_burned_taken_owed_or_pledged(number: int) -> None:
    story = Story(number, rounds=6)
    flow = trace_coin(story.known, place(story.events))
    assert flow.put_down == flow.burned + flow.taken + sum(flow.owed.values()) + flow.pledged
    assert flow.burned == sum(loss.wei - loss.paid for loss in flow.losses)
    assert flow.taken == sum(payment.wei for payment in flow.payments)
    assert flow.pledged == story.known.pledged


def test_these_circles_lose_coin_in_every_way_there_is() -> None:
    """Or the test above would show less than it seems to."""
    why = Counter[str]()
    for number in range(60):
        story = Story(number, rounds=6)
        flow = trace_coin(story.known, place(story.events))
        why.update(loss.why.partition(" ")[0] + " " + loss.why.rpartition(" ")[2] for loss in flow.losses)
        fined = sum(dispute.jurors_fined for dispute in story.known.disputes)
        assert fined == sum(loss.wei for loss in flow.losses if "jury that" in loss.why)
    assert {"ejected: long", "its false", "its rejected", "its drawn", "a wrong"} <= set(why)
    assert any(kind.startswith("two") for kind in why)


class Noted(Court):
    """A court whose events are kept, the joining of its seats first."""

    def __init__(self) -> None:
        self.told: list[Event] = [joined(seat) for seat in range(SEATS)]
        super().__init__()

    def apply(self, *told: Event) -> None:
        super().apply(*told)
        self.told += told

    def trace(self) -> CoinFlow:
        return trace_coin(self.history, place(self.told))


def test_a_conviction_tells_who_lost_what_and_to_whom() -> None:
    court = Noted()
    court.uphold()
    flow, last = court.trace(), len(court.told) - 1
    where = (0, 1, last, f"0x{last:064x}")
    why = "its verdict about seat 5 was found false"
    assert flow.losses == [CoinLoss(address(0), 0, BOND // 2, BOND // 8, CHALLENGER, why, *where)]
    assert flow.burned == BOND // 2 - BOND // 8
    assert flow.owed == {CHALLENGER: DISPUTE_BOND + BOND // 8}
    assert (flow.bond, flow.dispute_bond) == (BOND, DISPUTE_BOND)
    assert flow.put_down == SEATS * BOND + DISPUTE_BOND


def test_a_rejected_claim_costs_its_challenger_the_pledge_and_nobody_else_anything() -> None:
    court = Noted()
    court.dispute()
    court.vote(Answer.REJECTS, *court.summon())
    court.refer(Stage.APPEAL)
    court.resolve(Outcome.REJECTED)
    (loss,) = court.trace().losses
    assert (loss.account, loss.seat, loss.wei, loss.paid_to) == (CHALLENGER, None, DISPUTE_BOND, "")
    assert (loss.why, loss.dispute, loss.round) == ("its claim was rejected", 0, 1)


def test_a_juror_that_was_mistaken_loses_an_eighth_of_a_bond() -> None:
    court = Noted()
    court.dispute()
    jury = court.summon()
    court.vote(Answer.REJECTS, jury[0])
    court.vote(Answer.UPHOLDS, *jury[1:])
    court.refer(Stage.CIRCLE)
    court.vote(Answer.UPHOLDS, *[seat for seat in range(1, SEATS) if seat != jury[0]][:5])
    court.resolve(Outcome.UPHELD, BOND // 2)
    losses = {loss.seat: loss for loss in court.trace().losses}
    assert set(losses) == {0, jury[0]}
    assert losses[jury[0]].wei == BOND // 8
    assert losses[jury[0]].paid == 0
    assert court.history.seats[jury[0]].bond == BOND - BOND // 8


def test_what_was_taken_is_a_payment() -> None:
    court = Noted()
    court.uphold()
    court.apply(events.Withdrawn(CHALLENGER, court.history.owed[CHALLENGER]))
    flow = court.trace()
    assert [(one.account, one.wei) for one in flow.payments] == [(CHALLENGER, DISPUTE_BOND + BOND // 8)]
    assert flow.owed == {}
