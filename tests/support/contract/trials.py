"""Disputes led through their stages, as tests need them."""

from ledger.circle.draw import seats_of
from ledger.circle.events import Answer, Referred, Resolved, Stage
from tests.support.contract.harness import DIGEST, CircleUnderTest

JUDGE, TARGET, CHALLENGER, STRANGER = 0, 1, 9, 10
CLAIM = (1, JUDGE, TARGET, DIGEST)


def raise_claim(circle: CircleUnderTest, *claim: object, by: int = CHALLENGER) -> int:
    """Raise a claim and have its jury drawn, if there can be one. Returns the dispute's number."""
    number = len(circle.twin.disputes)
    circle.do(by, "dispute", *(claim or CLAIM))
    if circle.twin.disputes[number].stage == Stage.DRAWING:
        circle.do(by, "summon", number)
    return number


def answer(circle: CircleUnderTest, number: int, **answers: range | list[int]) -> None:
    """These seats vote, as far as they are asked: `upholds=[1, 2], rejects=range(3, 5)`."""
    for name, seats in answers.items():
        asked = circle.twin.disputes[number].asked
        circle.vote([seat for seat in seats if asked >> seat & 1], number, Answer[name.upper()])


def resolve(circle: CircleUnderTest, number: int = 0) -> Resolved | Referred:
    """Anyone takes the dispute on."""
    (event,) = circle.do(STRANGER, "resolve", number)
    assert isinstance(event, Resolved | Referred)
    return event


def close(circle: CircleUnderTest, number: int = 0) -> Resolved:
    """The same where that ends the dispute."""
    event = resolve(circle, number)
    assert isinstance(event, Resolved)
    return event


def appeal(circle: CircleUnderTest, number: int = 0, by: int = CHALLENGER) -> None:
    """Anyone has the circle hear it."""
    circle.do(by, "appeal", number, circle.said(number))


def pass_window(circle: CircleUnderTest, number: int = 0) -> None:
    """Until the stage's deadline."""
    circle.machine.pass_time(max(0, circle.twin.disputes[number].deadline - circle.machine.now_s))


def convict(circle: CircleUnderTest, *claim: object, by: int = CHALLENGER) -> Resolved:
    """A claim that all who are asked uphold, to its end."""
    number = raise_claim(circle, *claim, by=by)
    everyone = range(len(circle.twin.seats))
    case = circle.twin.disputes[number]
    if case.stage == Stage.JURY:
        answer(circle, number, upholds=[s for s in everyone if circle.twin.may_vote(s, number)])
        resolve(circle, number)
    for seat in everyone:
        if 2 * case.against(Stage.CIRCLE) <= case.electorate.bit_count() and circle.twin.may_vote(seat, number):
            circle.vote([seat], number, Answer.UPHOLDS)
    resolved = resolve(circle, number)
    assert isinstance(resolved, Resolved)
    return resolved


def jury_of(circle: CircleUnderTest, number: int = 0) -> list[int]:
    """The seats drawn."""
    return seats_of(circle.twin.disputes[number].jury)
