"""The search: circles with a coalition in them, led by genes; what came close is changed and tried again."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from ledger.circle.events import Stage
from ledger.circle.history import Phase
from scripts.search.coalitions.goals import BOOKS, STUCK, Found, Watch
from scripts.search.coalitions.honest import join
from scripts.search.coalitions.mends import MENDS
from scripts.search.coalitions.moves import MOVES, WEIGHTS, Moves
from scripts.search.coalitions.twin import ACCOUNTS, ENDPOINT, UNSIGNED, SearchTwin, machine
from scripts.search.coalitions.world import Done, World, new_world
from tests.support.contract.harness import CircleUnderTest
from tests.support.contract.machines import BareMachine
from tests.support.contract.terms import ContractTerms

WINDOW_S: Final = 60
LENGTH: Final = (6, 45)
ELITE: Final = 12
NAMES: Final = list(WEIGHTS)

Gene = tuple[str, int]


@dataclass(frozen=True)
class Plan:
    """A run before it is lived."""

    number: int
    """What chance is seeded with."""
    terms: ContractTerms
    """The circle's."""
    honest: int
    """People at the start."""
    hostile: int
    """Seats of the coalition at the start."""
    may_sleep: bool
    """Honest people may be away."""
    genes: tuple[Gene, ...]
    """Moves in their order, each with the seed of its chance."""


@dataclass
class Run:
    """What came of a plan."""

    plan: Plan
    """What was lived."""
    world: World
    """As it was at the end."""
    closeness: float = 0.0
    """How near it came to a goal."""
    found: Found | None = None
    """The goal it reached."""


@dataclass
class Tally:
    """What a search did."""

    circles: int = 0
    """How many were played."""
    seconds: float = 0.0
    """Of wall time."""
    accepted: Counter[str] = field(default_factory=Counter)
    """Call → how often it was made and taken."""
    refused: Counter[str] = field(default_factory=Counter)
    """Call → how often it reverted."""
    found: list[Run] = field(default_factory=list)
    """The runs that reached a goal."""

    @property
    def calls(self) -> int:
        """How many were made."""
        return self.accepted.total() + self.refused.total()


def random_plan(number: int) -> Plan:
    """A circle of 3 to 12 seats, a coalition of at most half of its quorum, and genes."""
    chance = Random(number)
    seats = chance.randint(3, 12)
    quorum = chance.choice([seats // 2 + 1, seats // 2 + 1, seats, chance.randint(2, seats)])
    most = quorum // 2
    hostile = chance.randint(max(1, most - 1), most)
    dispute_window_s = chance.choice([WINDOW_S // 2, 3 * WINDOW_S, 20 * WINDOW_S])
    bond = chance.choice([1000, 1001, 100_000])
    terms = ContractTerms(
        start_seats=seats,
        quorum=quorum,
        last_round=chance.choice([1, 2, 4, 12, 90]),
        commit_window_s=WINDOW_S,
        attest_window_s=chance.choice([WINDOW_S, WINDOW_S, 12 * WINDOW_S]),
        degree=chance.choice([2, 4, 4, 20]),
        reputation_shift=chance.choice([2, 3, 3, 4]),
        reputation_floor=chance.choice([8192, 16384, 16384]),
        eject_after=chance.choice([0, 4, 6, 16]),
        bond=bond,
        unbonding_s=chance.choice([8, 8, 12]) * dispute_window_s,
        rotation_delay_s=chance.choice([0, WINDOW_S]),
        dispute_bond=bond // 20 if chance.random() < 0.95 else 0,
        dispute_window_s=dispute_window_s,
        jury_seats=chance.choice([1, 3, 7, 21]),
    )
    return Plan(
        number, terms, seats - hostile + chance.randint(0, 2), hostile, chance.random() < 0.4, genes(chance)
    )


def genes(chance: Random) -> tuple[Gene, ...]:
    """A life as it comes."""
    names = chance.choices(NAMES, list(WEIGHTS.values()), k=chance.randint(*LENGTH))
    return tuple((name, chance.getrandbits(32)) for name in names)


def changed(plan: Plan, number: int) -> Plan:
    """The same circle with some genes left out, put in, repeated or drawn anew."""
    chance, found = Random(number), list(plan.genes)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(found) + 1)
        match chance.randrange(4):
            case 0 if len(found) > 1:
                del found[min(place, len(found) - 1)]
            case 1:
                found.insert(place, genes(chance)[0])
            case 2 if found:
                start = chance.randrange(len(found))
                found[place:place] = found[start : start + 4]
            case _ if found:
                found[min(place, len(found) - 1)] = (found[min(place, len(found) - 1)][0], chance.getrandbits(32))
    return Plan(number, plan.terms, plan.honest, plan.hostile, plan.may_sleep, tuple(found[: 2 * LENGTH[1]]))


def played(plan: Plan, twin: type[SearchTwin] = SearchTwin) -> Run:
    """Live a plan to its end: every bond is asked back then, and every wei must come."""
    world = new_world(plan.terms, plan.honest, twin)
    play = Moves(world, Watch(is_firm=True), plan.terms.quorum // 2, plan.may_sleep)
    run = Run(plan, world)
    try:
        seat_all(play, plan.hostile)
        for name, number in plan.genes:
            MOVES[name](play, Random(number))
            run.world, run.closeness = play.world, max(run.closeness, _closeness(play))
        wind_down(play)
    except Found as found:
        run.found = found
    run.world = play.world
    return run


def seat_all(play: Moves, hostile: int) -> None:
    """Everybody takes a seat, and round 1 opens."""
    accounts = machine()
    for hot in play.world.schemers[:hostile]:
        play.by(hot, "join", ENDPOINT, accounts.colds[accounts.accounts.index(hot)], *UNSIGNED)
    for person in play.world.people:
        if play.world.twin.phase == Phase.GATHERING:
            play.take(join(play.world, person))


def wind_down(play: Moves) -> None:
    """Everybody leaves, whatever the circle is at; in bounded time nothing is left in it. Raises Found."""
    world, terms = play.world, play.world.terms
    for person in world.people:
        person.is_asleep, person.slept_at = False, len(world.trace)
    play.sweep()
    for held_seat, held in list(world.twin.seats.items()):
        if held.is_held:
            play.take(Done(held.cold, "leave", (held_seat,), 0))
    last_s = max([world.now_s, *(h.free_at or 0 for h in world.twin.seats.values() if not h.is_released)])
    last_s = max(last_s, world.twin.drawn_until_s, world.twin.deadline_s) + 20 * terms.attest_window_s
    play.pass_to(last_s + 8 * terms.dispute_window_s)
    for seat, held in list(world.twin.seats.items()):
        if not held.is_released:
            reason = play.take(Done(held.cold, "release", (seat,), 0)).reason
            if reason is not None:
                raise Found(STUCK, f"seat {seat}: {reason}")
    for account, owed in list(world.twin.owed.items()):
        if owed:
            play.take(Done(account, "withdraw", (), 0))
    if world.balance:
        raise Found(BOOKS, f"{world.balance} wei stay in the circle")


def _closeness(play: Moves) -> float:
    """The nearer to a goal the more: votes against an honest judge, an honest name lowered, a trial of a liar."""
    world, near = play.world, 0.0
    for case in world.twin.disputes:
        share = case.against(Stage.CIRCLE) / max(1, case.electorate.bit_count())
        jury = case.against(Stage.JURY) / max(1, case.jury.bit_count()) if case.stage else 0
        near = max(near, share + jury / 2 if not world.is_schemers(case.judge) else share / 4)
    low = min((world.twin.reputations[seat] for seat in world.honest), default=65535)
    strikes = max((world.twin.seats[seat].strikes for seat in world.honest), default=0)
    return near + (1 - low / 65535) + strikes / 4 + len(world.convictions) / 8 + len(play.watch.waited) / 16


def plans(first: int, elite: list[Run]) -> Iterator[Plan]:
    """New circles, and changes of those that came closest."""
    number = first
    while True:
        chance = Random(f"choose {number}")
        if elite and chance.random() < 0.5:
            yield changed(chance.choice(elite).plan, number)
        else:
            yield random_plan(number)
        number += 1


def search(calls: int, first: int = 0, twin: type[SearchTwin] = SearchTwin, stop: bool = True) -> Tally:
    """Play plans until so many calls were made. stop: at the first goal that is reached."""
    tally, elite, began = Tally(), list[Run](), time.monotonic()
    for plan in plans(first, elite):
        run = played(plan, twin)
        tally.circles += 1
        tally.accepted += run.world.accepted
        tally.refused += run.world.refused
        if run.found is not None:
            tally.found.append(run)
        elif run.plan.genes:
            elite.append(run)
            elite.sort(key=lambda one: -one.closeness)
            del elite[ELITE:]
        if tally.calls >= calls or (stop and tally.found):
            break
    tally.seconds = time.monotonic() - began
    return tally


def shortened(run: Run, twin: type[SearchTwin] = SearchTwin) -> Run:
    """The same goal with as few genes as leaving out one after the other gives."""
    best = run
    assert run.found is not None
    place = 0
    while place < len(best.plan.genes):
        fewer = (*best.plan.genes[:place], *best.plan.genes[place + 1 :])
        plan = best.plan
        tried = played(Plan(plan.number, plan.terms, plan.honest, plan.hostile, plan.may_sleep, fewer), twin)
        if tried.found is not None and tried.found.goal == run.found.goal:
            best = tried
        else:
            place += 1
    return best


def replayed(run: Run) -> int:
    """Play a trace on the contract; the twin foretells each call. Returns how many. Raises AssertionError."""
    circle = CircleUnderTest(BareMachine(ACCOUNTS), run.plan.terms, check_every=8)
    calls = 0
    for step in run.world.trace:
        if isinstance(step, Done):
            circle.call(step.sender, step.call, *step.arguments, value=step.value)
            calls += 1
        else:
            circle.machine.pass_time(step.seconds)
            circle.machine.pass_blocks(step.blocks)
    circle.check()
    assert circle.machine.balance(circle.address) == run.world.balance
    return calls


__all__ = ["MENDS", "Plan", "Run", "Tally", "played", "random_plan", "replayed", "search", "shortened"]
