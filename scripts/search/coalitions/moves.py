"""What the coalition may do next: any call with any arguments, and moves of several calls that lead towards a goal.

A run is a list of genes, (move, number), and the number decides all that the move draws: so a run can be played
again, cut, and changed in places.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from scripts.search.coalitions.court import CourtMoves
from scripts.search.coalitions.twin import DIGEST, ENDPOINT, RECORD, UNSIGNED, announcements, machine

CALLS: Final = (
    "join", "move", "wake", "leave", "eject", "release", "restart", "rotate", "finish_rotation", "withdraw",
    "commit", "attest", "advance", "settle", "report_equivocation", "dispute", "summon", "vote", "appeal",
    "resolve",
)  # fmt: skip


class Moves(CourtMoves):
    """All of them."""

    def stray(self, chance: Random) -> None:
        """Any call with arguments of the right types, a few times."""
        for _ in range(chance.randint(1, 4)):
            call = chance.choice(CALLS)
            self.by(self._sender(call, chance), call, *self._arguments(call, chance))

    def _sender(self, call: str, chance: Random) -> str:
        seats = [self.world.twin.seats[seat] for seat in self.world.hostile]
        if call in ("leave", "rotate") and seats:
            return chance.choice(seats).cold
        return chance.choice([held.peer for held in seats] or self.world.schemers)

    def _arguments(self, call: str, chance: Random) -> tuple[Any, ...]:
        twin, world = self.world.twin, self.world
        seat = chance.randrange(len(twin.seats) + 1)
        number = max(0, chance.choice([twin.number, twin.number, twin.number - 1]))
        dispute = chance.randrange(len(twin.disputes) + 1)
        claim = world.word(twin.disputes[dispute], chance.randrange(4)) if dispute < len(twin.disputes) else 0
        hot = self.anyone(chance)
        accounts = machine()
        cold = accounts.colds[accounts.accounts.index(hot)]
        fits = len(world.hostile) < self.most
        made: dict[str, tuple[Any, ...]] = {
            "join": (ENDPOINT if fits else "", cold, *UNSIGNED),
            "move": (ENDPOINT,),
            "rotate": (seat, hot, cold),
            "commit": (number, DIGEST),
            "attest": (number << 42 | chance.getrandbits(21), RECORD),
            "settle": (number,),
            "report_equivocation": announcements(hot, number),
            "dispute": (number, seat, chance.randrange(len(twin.seats) + 1), chance.choice([DIGEST, bytes(32)])),
            "vote": (dispute, claim),
            "appeal": (dispute, claim & ~3),
        }
        if call in ("leave", "eject", "release", "restart", "finish_rotation"):
            return (seat,)
        return made.get(call, (dispute,) if call in ("summon", "resolve") else ())


# What a move may be, and how often it is.
WEIGHTS: Final[dict[str, int]] = {
    "one_acts": 6,
    "all_act": 4,
    "honest_round": 8,
    "one_comes": 2,
    "some_leave": 2,
    "some_sleep": 3,
    "commit": 4,
    "attest_truly": 3,
    "attest_lies": 4,
    "close": 3,
    "race": 3,
    "trap": 2,
    "keep_silent": 4,
    "wake": 3,
    "withhold": 2,
    "accuse": 5,
    "accuse_all": 2,
    "accuse_sleepers": 2,
    "flood": 2,
    "desert": 1,
    "be_last": 1,
    "shield": 3,
    "accuse_itself": 4,
    "accuse_leavers": 2,
    "bait": 2,
    "tease": 2,
    "push": 5,
    "fork": 2,
    "come": 3,
    "leave": 2,
    "lie_and_leave": 2,
    "cash": 2,
    "rotate": 2,
    "equivocate": 1,
    "eject": 2,
    "wait": 6,
    "wait_long": 1,
    "blocks": 1,
    "stray": 4,
}
MOVES: Final[dict[str, Callable[[Moves, Random], None]]] = {name: getattr(Moves, name) for name in WEIGHTS}
