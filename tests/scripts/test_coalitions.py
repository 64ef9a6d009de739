"""A coalition of at most half of the quorum searches for what it could take, and finds nothing in the whole rules.

`python -m scripts.search.coalition` searches as long as one likes.
"""

from collections.abc import Callable

import pytest

from scripts.search.coalitions.mends import MENDS, CommitHoldsABond, NoCircleStage
from scripts.search.coalitions.search import played, random_plan, replayed, search
from scripts.search.coalitions.small import (
    Broken,
    Small,
    SmallTwin,
    deserted,
    explored,
    finished,
    heard,
    opened,
    settled,
)


def test_a_coalition_finds_nothing() -> None:
    tally = search(6_000)
    assert not tally.found, [run.found for run in tally.found]
    # It is worth something: it led through all calls, and honest people convicted liars and were accused.
    assert set(tally.accepted) >= {"dispute", "summon", "vote", "appeal", "resolve", "leave", "release", "withdraw"}
    assert tally.accepted["vote"] > 300


def test_what_the_coalition_tried_goes_on_the_contract_as_the_twin_foretold() -> None:
    runs = [played(random_plan(number)) for number in (1, 2, 5)]
    assert sum(replayed(run) for run in runs) > 200


# Those that are found within a few thousand calls; the script takes all of them.
@pytest.mark.parametrize(
    "mend",
    [
        "ElectorateOnTheRoster",
        "NoCircleStage",
        "WholeFinePaid",
        "EquivocationPaysTheReporter",
        "FineAvoidedByLeaving",
        "CommitHoldsABond",
        "ConvictionLiftedAtOnce",
        "LeaversVerdictsCount",
        "SecondConvictionEjectsNobody",
        "SilentSeatsPayNothing",
        "SilentJurorsPayNothing",
        "AskingCostsTheBond",
        "DozingSeatsWaitedFor",
    ],
)
def test_without_a_mend_the_coalition_finds_the_hole_again(mend: str) -> None:
    tally = search(15_000, 0, MENDS[mend])
    assert tally.found


@pytest.mark.parametrize("start", [opened, settled, heard, finished, deserted])
@pytest.mark.parametrize(("seats", "quorum"), [(3, 2), (5, 3)])
def test_in_no_order_of_steps_a_bond_is_taken_without_the_share_or_stays_behind(
    start: Callable[[int, int], Small], seats: int, quorum: int
) -> None:
    assert explored(start(seats, quorum), 3).states > 20


class JuryDecides(NoCircleStage, SmallTwin):
    """Small, without the circle's stage."""


class CommitHolds(CommitHoldsABond, SmallTwin):
    """Small, with commits that hold a leaver's bond."""


def test_trying_every_order_finds_a_bond_taken_by_a_jury_alone() -> None:
    with pytest.raises(Broken, match="took of the bond"):
        explored(deserted(3, 2, JuryDecides), 4)


def test_trying_every_order_finds_a_bond_that_stays_behind() -> None:
    with pytest.raises(Broken, match="stay in the circle"):
        explored(opened(3, 2, CommitHolds), 2)
