"""What some moves cost and do, played through on the twin under the default terms of an open circle."""

from collections.abc import Iterator
from random import Random
from typing import Any

from ledger.circle.history import Phase
from scripts.search.coalitions.goals import Watch
from scripts.search.coalitions.honest import turn
from scripts.search.coalitions.moves import Moves
from scripts.search.coalitions.search import seat_all
from scripts.search.coalitions.twin import DIGEST
from scripts.search.coalitions.world import new_world
from tests.support.contract.terms import ContractTerms

BOND_WEI = 10**17
ROUND_S = 50
DEFAULTS = ContractTerms(
    start_seats=8,
    quorum=5,
    last_round=90,
    commit_window_s=60,
    attest_window_s=60,
    degree=4,
    reputation_shift=3,
    reputation_floor=16384,
    eject_after=16,
    bond=BOND_WEI,
    unbonding_s=3 * 86400,
    dispute_bond=BOND_WEI // 20,
    dispute_window_s=6 * 3600,
    jury_seats=7,
)


def _play(terms: ContractTerms, hostile: int) -> Moves:
    world = new_world(terms, terms.start_seats - hostile)
    play = Moves(world, Watch(is_firm=False), most=hostile, may_sleep=False)
    seat_all(play, hostile)
    return play


def stalls(rounds: int = 400) -> str:
    """One seat of eight stays away whenever it is waited for, and does its work while it is not."""
    play = _play(DEFAULTS.but(last_round=rounds), 1)
    world, waited, reputation = play.world, 0, 0
    (seat,) = world.hostile
    while world.twin.phase != Phase.FINISHED:
        if world.twin.dozing >> seat & 1:
            play.by(play.key_of(seat), "wake")
            play.by(play.key_of(seat), "commit", world.twin.number, DIGEST)
            _commit_all(play)
            play.attest_truly(_Same())
        elif world.twin.roster >> seat & 1:
            waited += 1
            play.pass_to(max(world.now_s, world.twin.deadline_s))
        play.sweep()
        reputation = max(reputation, world.twin.reputations[seat])
    return (
        f"one of 8 stays away whenever it is waited for: {waited} of {rounds} rounds waited a commit window; its "
        f"reputation was {reputation / 65535:.2f} at most"
    )


def _commit_all(play: Moves) -> None:
    for person in play.world.people:
        turn(play.world, person, play.take)


def lies(seats: int, quorum: int, hostile: int, quiet_rounds: int = 8, rounds: int = 420) -> str:
    """So many reject everybody honest in each round, after some quiet ones, and shield each other."""
    terms = DEFAULTS.but(start_seats=seats, quorum=quorum, last_round=rounds)
    play = _play(terms, hostile)
    world, lowest = play.world, 65535
    honest, liars = list(world.honest), list(world.hostile)
    convicted: dict[int, int] = {}
    burned = dict.fromkeys(honest, 0)
    for _ in range(8 * rounds):
        if world.twin.phase == Phase.FINISHED:
            break
        number, before = world.twin.number, world.now_s
        play.sweep()
        play.commit(_Same())
        play.attest(_Same(), 2 if number > quiet_rounds else 0)
        play.sweep()
        play.pass_to(world.now_s + ROUND_S)
        if number > quiet_rounds:
            lowest = min([lowest, *(world.twin.reputations[seat] for seat in honest)])
        for seat in liars:
            if world.twin.seats[seat].convictions and seat not in convicted:
                convicted[seat] = world.twin.number
        if world.twin.number == number and world.now_s <= before + ROUND_S:
            play.pass_to(max(world.now_s + 1, world.twin.deadline_s))
    play.pass_to(world.now_s + 4 * terms.dispute_window_s)
    convicted |= {s: world.twin.number for s in liars if world.twin.seats[s].convictions and s not in convicted}
    for seat in honest:
        burned[seat] = BOND_WEI - world.twin.seats[seat].bond
    left = sum(world.twin.seats[seat].bond for seat in liars)
    return (
        f"{hostile} of {seats} lie from round {quiet_rounds + 1} on: {len(convicted)} convicted, the last by round "
        f"{max(convicted.values(), default=0)}; lowest honest reputation {lowest / 65535:.2f}; of honest bonds "
        f"{sum(burned.values()) / 10**18:g} ETH are burned; the liars keep {left / 10**18:g} ETH of "
        f"{hostile * BOND_WEI / 10**18:g}"
    )


class _Same(Random):
    """Draws nothing bad: every seat of the coalition does the same."""

    def random(self) -> float:
        """Below any share."""
        return 0.5

    def choice(self, seq: Any) -> Any:
        """The first."""
        return seq[0]


def figures() -> Iterator[str]:
    """A line for each."""
    yield stalls()
    for seats, quorum, hostile in ((8, 5, 2), (8, 7, 3), (7, 6, 3), (9, 8, 4), (8, 8, 4)):
        yield lies(seats, quorum, hostile)
