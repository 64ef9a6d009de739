"""What honest people do, as a node does: they keep to the rounds, and act before a deadline that they know of.

What is assumed of them, and of nobody else:

- A seat that is awake acts before time passes a deadline, and within 256 blocks: it commits, attests what is true,
  votes what is true on every dispute it is asked about, also once it has left and until it is released.
- It wakes for the next round when it has no part in this one, and for this one where that cannot end without it.
- Somebody honest and awake disputes a lie in a settled round, one at a time of each judge, has the jury drawn, and
  appeals where the jury did not find for a claim that is right: it has five dispute bonds to pledge for each.
- Where a judge shows it nothing of what it judged from it asks for that by a claim, whatever comes to light later.
- It leaves only while it has no strikes, and takes its bond when it is free.
"""

from collections.abc import Callable, Iterator
from typing import Final

from ledger.circle.draw import mask_of
from ledger.circle.events import Stage
from ledger.circle.history import Phase
from scripts.search.coalitions.twin import DIGEST, ENDPOINT, RECORD, UNSIGNED, announcements
from scripts.search.coalitions.world import Done, Person, World
from tests.support.contract.twin.faults import DISPUTE_ROUNDS, TRIAL_WINDOWS
from tests.support.contract.twin.state import HASHES, Case

# A claim that ended void is raised once more, no oftener: what the others do about it has not changed.
TRIES: Final = 2


def acts(world: World, person: Person) -> Iterator[Done]:
    """What this person would do now, the most urgent first."""
    seat = world.twin.voting_seat_of(person.hot)
    if seat is not None:
        yield from _votes(world, person, seat)
        yield from _round(world, person, seat)
    yield from _trials(world, person)
    yield from _claims(world, person)
    yield from _chores(world, person)
    if seat is not None:
        yield from _own(world, person, seat)
    if world.twin.owed.get(person.cold, 0):
        yield Done(person.cold, "withdraw", (), 0)
    if world.twin.owed.get(person.hot, 0):
        yield Done(person.hot, "withdraw", (), 0)


def _votes(world: World, person: Person, seat: int) -> Iterator[Done]:
    for number, case in _open(world):
        if world.now_s < case.deadline and world.twin.may_vote(seat, number):
            yield Done(person.hot, "vote", (number, world.word(case, world.answer(case))), 0)


def _round(world: World, person: Person, seat: int) -> Iterator[Done]:
    twin, bit = world.twin, 1 << seat
    if not twin.members & bit:
        return
    if twin.phase == Phase.COMMIT and (twin.roster | twin.late) & ~twin.committed & bit:
        yield Done(person.hot, "commit", (twin.number, DIGEST), 0)
    is_seed_known = twin.drawn_in < world.block + 1 <= twin.drawn_in + HASHES
    if twin.phase == Phase.ATTEST and twin.committed & bit and seat not in twin.said and is_seed_known:
        bad = mask_of([one for number, one in world.bad if number == twin.number])
        yield Done(person.hot, "attest", (world.verdicts(seat, bad), RECORD), 0)
    if twin.phase in (Phase.COMMIT, Phase.ATTEST) and _wakes(world, bit):
        yield Done(person.hot, "wake", (), 0)


def _wakes(world: World, bit: int) -> bool:
    """A person without a part in the round asks for one in the next; and in this one, where it cannot end without."""
    twin = world.twin
    is_short = twin.phase == Phase.COMMIT and twin.committed.bit_count() < world.terms.quorum
    is_wanted = is_short and world.now_s >= twin.deadline_s
    has_part = twin.roster | twin.late if twin.phase == Phase.COMMIT else twin.committed
    return not has_part & bit and (is_wanted or not twin.woken & bit)


def _trials(world: World, person: Person) -> Iterator[Done]:
    for number, case in _open(world):
        is_fresh = case.raised_in < world.block + 1 <= case.raised_in + HASHES
        if case.stage == Stage.DRAWING and is_fresh and world.now_s < case.deadline:
            yield Done(person.hot, "summon", (number,), 0)
        is_appealable = case.stage == Stage.APPEAL and world.now_s < case.deadline
        if is_appealable and world.is_false(case.round, case.judge, case.target):
            yield world.done(person.hot, "appeal", number, world.word(case, 0))
        if world.now_s >= case.deadline or world.twin._is_decided(case):
            yield Done(person.hot, "resolve", (number,), 0)


def _claims(world: World, person: Person) -> Iterator[Done]:
    twin = world.twin
    if not world.terms.dispute_bond:
        return
    # One claim at a time against a judge; an open one that is wrong shields no lie.
    right = [case for _, case in _open(world) if world.is_false(case.round, case.judge, case.target)]
    busy = {case.judge for case in right}
    for number, judge, target in world.lies:
        held = twin.seats[judge]
        if judge in busy or held.is_released or number < held.since_round or held.convictions > 1:
            continue
        key = (number, judge, held.tenure, target)
        if key not in twin.used and world.tried[key] < TRIES and _is_in_time(world, number, judge):
            yield world.done(person.hot, "dispute", number, judge, target, DIGEST)
    yield from _questions(world, person, busy)


def _questions(world: World, person: Person, busy: set[int]) -> Iterator[Done]:
    """A person that sees nothing of what a judge judged from has the circle ask for it, one judge at a time."""
    twin, seat = world.twin, world.twin.seat_of(person.hot)
    if seat is None or not twin._is_good(seat) or any(case.asker == seat for _, case in _open(world)):
        return
    for number, judge in sorted(world.withheld):
        held = twin.seats.get(judge)
        if judge in busy or held is None or held.is_released or number < held.since_round or held.convictions > 1:
            continue
        key = (number, judge, held.tenure, judge)
        if key not in twin.used and world.tried[key] < TRIES and _is_in_time(world, number, judge):
            yield world.done(person.hot, "dispute", number, judge, judge, bytes(32))


def _is_in_time(world: World, number: int, judge: int) -> bool:
    twin, terms = world.twin, world.terms
    is_settled = number < twin.number or twin.phase == Phase.FINISHED
    ends_s, free_at = world.now_s + TRIAL_WINDOWS * terms.dispute_window_s, twin.seats[judge].free_at
    is_open = ends_s <= twin.deadline_s + terms.unbonding_s and (free_at is None or ends_s <= free_at)
    are_enough = twin.bonded.bit_count() >= terms.quorum
    return is_settled and is_open and are_enough and twin.number - number <= DISPUTE_ROUNDS


def _chores(world: World, person: Person) -> Iterator[Done]:
    twin, terms = world.twin, world.terms
    if twin.phase == Phase.COMMIT and twin._is_commit_due(world.moment):
        yield Done(person.hot, "advance", (), 0)
    if twin.phase == Phase.ATTEST:
        if twin._is_draw_lost(world.moment) and world.now_s < twin.drawn_until_s:
            yield Done(person.hot, "advance", (), 0)
        elif _is_settle_due(world):
            yield Done(person.hot, "settle", (twin.number,), 0)
    for seat, held in twin.seats.items():
        if held.is_held and 0 < terms.eject_after <= held.strikes:
            yield Done(person.hot, "eject", (seat,), 0)
    for key, number in sorted(world.equivocated):
        held_by = next((h for h in twin.seats.values() if not h.is_released and key in h.keys), None)
        if held_by is None or number < held_by.since_round or (key, number) in twin.used:
            continue
        if held_by.is_held or held_by.bond:
            yield Done(person.hot, "report_equivocation", announcements(key, number), 0)


def _is_settle_due(world: World) -> bool:
    twin, terms = world.twin, world.terms
    attested = twin.attested
    has_quorum = attested.bit_count() >= terms.quorum
    awaited = twin.committed & twin.members & ~twin.dozing & ~attested
    patience_s = 0 if has_quorum else 16 * terms.attest_window_s
    return (has_quorum and not awaited) or world.now_s >= twin.deadline_s + patience_s


def _own(world: World, person: Person, seat: int) -> Iterator[Done]:
    held = world.twin.seats[seat]
    is_free = held.free_at is not None and world.now_s >= held.free_at
    if is_free and held.disputes == 0 and not world.twin.is_in_round(seat):
        yield Done(person.hot, "release", (seat,), 0)


def _open(world: World) -> list[tuple[int, Case]]:
    return [(number, case) for number, case in enumerate(world.twin.disputes) if case.outcome is None]


def join(world: World, person: Person) -> Done:
    """How a person takes a seat."""
    return world.done(person.hot, "join", ENDPOINT, person.cold, *UNSIGNED)


def turn(world: World, person: Person, take: Callable[[Done], object], up_to: int | None = None) -> bool:
    """One thing a person does, if there is one. up_to: a later round it does not commit to yet. Returns whether."""
    done = next((d for d in acts(world, person) if up_to is None or not _is_later(d, up_to)), None)
    if done is None:
        return False
    if done.call == "dispute":
        number, judge, target, _ = done.arguments
        world.tried[number, judge, world.twin.seats[judge].tenure, target] += 1  # type: ignore[index]  # all are numbers
    take(done)
    return True


def _is_later(done: Done, up_to: int) -> bool:
    return done.call == "commit" and done.arguments[0] != up_to


def sweep(world: World, take: Callable[[Done], object]) -> None:
    """All who are awake do what there is to do, by turns, until nobody has anything more.

    A round takes its time: what opens meanwhile is for the next sweep.
    """
    is_quiet, up_to, left = False, world.twin.number, 1000
    while not is_quiet:
        is_quiet = True
        for person in world.people:
            if not person.is_asleep and turn(world, person, take, up_to):
                is_quiet, left = False, left - 1
                assert left > 0, "honest people do not come to rest"
