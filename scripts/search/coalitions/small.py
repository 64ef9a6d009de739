"""A circle so small that all that can be done in it can be tried: every order of steps, to a depth, on the twin.

Anybody does anything: nobody is honest here. What is looked at after every step is the money: the books are right,
no bond is taken without the share that R26 asks for, and from every state everybody gets out what is theirs.

States that differ only in which seat is which are one: the graph is complete, so that all there is of a seat is
what it holds, what it did, and its part in each dispute. The draw of a jury is not a draw here but a step of its
own, to the whole pool or to any one seat of it: whatever could be drawn is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from ledger.circle.draw import mask_of, seats_of
from ledger.circle.events import Outcome, Resolved, Stage
from ledger.circle.history import Phase
from ledger.circle.verdict_word import encode_verdicts
from scripts.search.coalitions.twin import (
    DIGEST,
    ENDPOINT,
    RECORD,
    UNSIGNED,
    SearchTwin,
    announcements,
    machine,
    network,
)
from tests.support.contract.machines import START_S, Moment
from tests.support.contract.terms import ContractTerms

WINDOW_S: Final = 10
BOND: Final = 1000
DISPUTE_BOND: Final = 50
ACCUSER: Final = 10
Step = tuple[str, int, int]


class SmallTwin(SearchTwin):
    """The twin with a draw that is chosen. chosen: mask of the jury that the next summons gives."""

    chosen = 0

    def _summon(self, sender: str, number: int, *, value: int, moment: Moment) -> None:
        super()._summon(sender, number, value=value, moment=moment)
        self.disputes[number].jury = self.chosen

    @property
    def draw(self) -> bytes:
        """Of the round, whatever the block."""
        return bytes([self.number]) * 32


class Broken(AssertionError):
    """The books or a bond are not as promised."""


@dataclass
class Small:
    """One state."""

    twin: SmallTwin
    """The circle."""
    now_s: int = START_S
    """Unix seconds."""
    block: int = 2
    """The last one."""
    paid: int = 0
    """Wei put in, by all together."""
    got: int = 0
    """Wei had out, by all together."""
    path: tuple[Step, ...] = ()
    """The steps that led here."""

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Equal for states that differ only in the seats' numbers, the clock's start, and how they came about."""
        twin, now = self.twin, self.now_s
        seats = sorted(self._seat(seat) for seat in twin.seats)
        cases = tuple(
            (case.round, case.stage, max(0, case.deadline - now), case.appellant is not None)
            if case.outcome is None
            else (case.round, -1 if (case.round, case.judge, case.tenure, case.target) in twin.used else -2)
            for case in twin.disputes
        )
        given_up_s = twin.deadline_s + 16 * twin.terms.attest_window_s
        left = (max(0, twin.deadline_s - now), max(0, given_up_s - now) if twin.phase == Phase.ATTEST else 0)
        clock = (twin.number, int(twin.phase), *left)
        # What was paid and burned leads nowhere any more; that the books were right is looked at in every step.
        return (*clock, tuple(seats), cases)

    def _seat(self, seat: int) -> tuple[int, ...]:
        twin, held = self.twin, self.twin.seats[seat]
        masks = (twin.roster, twin.late, twin.woken, twin.dozing, twin.steady, twin.committed)
        parts: list[int] = []
        for case in twin.disputes:
            parts.append(case.judge == seat)
            if case.outcome is None:
                parts += [case.votes[stage][answer] >> seat & 1 for stage in (1, 3) for answer in (0, 1)]
                parts += [case.electorate >> seat & 1, (case.jury if case.stage else case.pool) >> seat & 1]
        said_now = twin.said.get(seat, (0, 0))
        return (
            -1 if held.free_at is None else max(0, held.free_at - self.now_s),
            held.is_released,
            held.bond,
            held.strikes,
            held.disputes,
            held.convictions,
            held.suspended_until or 0,
            max(0, held.silent_until + twin.terms.dispute_window_s - self.now_s),
            twin.reputations[seat],
            seat in twin.said,
            said_now[1] == said_now[0],
            *(mask >> seat & 1 for mask in masks),
            *(int(part) for part in parts),
        )

    def copy(self) -> "Small":
        """Another that may be led elsewhere."""
        twin = self.twin.copy()
        assert isinstance(twin, SmallTwin)
        return Small(twin, self.now_s, self.block, self.paid, self.got, self.path)

    # ------------------------------------------------------------------------------------------------- calls

    def call(self, sender: str, name: str, *arguments: object, value: int = 0) -> bool:
        """Make a call and look at the money. Returns whether it was taken. Raises Broken."""
        twin, self.block = self.twin, self.block + 1
        bonds = {seat: held.bond for seat, held in twin.seats.items() if not held.is_released}
        owed = twin.owed.get(sender, 0)
        taken = twin.take(sender, name, arguments, value, Moment(self.now_s, self.block))
        if taken.reason is not None:
            return False
        self.paid += value
        self.got += owed if name == "withdraw" else 0
        if self.paid - self.got - twin.burned != sum(twin.books):
            raise Broken(f"the books are wrong after {name}: {self.path}")
        for seat, bond in bonds.items():
            if twin.seats[seat].bond < bond and not self._is_due(seat, name, taken.events):
                raise Broken(f"{name} took of the bond of seat {seat}: {self.path}")
        self.__dict__.pop("key", None)
        return True

    def _is_due(self, seat: int, name: str, events: tuple[Any, ...]) -> bool:
        """Whether a call may have taken of a bond: by the circle's share, by its own deeds, or by paying out."""
        if name in ("release", "report_equivocation", "leave", "eject"):
            return True
        resolved = next((event for event in events if isinstance(event, Resolved)), None)
        if resolved is None:
            return False
        case = self.twin.disputes[resolved.dispute]
        size, (rejecting, upholding, _) = case.electorate.bit_count(), case.votes[Stage.CIRCLE]
        if case.judge == seat and resolved.outcome == Outcome.UPHELD:
            return 2 * case.against(Stage.CIRCLE) > size >= self.twin.terms.quorum
        found_false, found_true = 2 * upholding.bit_count() > size, 2 * rejecting.bit_count() > size
        voted_true, voted_false = (case.votes[Stage.JURY][answer] >> seat & 1 for answer in (0, 1))
        return bool((found_false and voted_true) or (found_true and voted_false))

    # ------------------------------------------------------------------------------------------------- steps

    def steps(self) -> Iterator[Step]:
        """What may be done next, of the small alphabet; what the contract would refuse is tried and dropped."""
        twin = self.twin
        held = seats_of(twin.members)
        yield "wait", 0, 0
        if twin.phase == Phase.COMMIT:
            yield "commit", -1, 0
            yield from (("commit", seat, 0) for seat in seats_of((twin.roster | twin.late) & ~twin.committed))
            yield "advance", 0, 0
        if twin.phase == Phase.ATTEST:
            yield "attest", -1, 1
            yield from (
                ("attest", seat, 0) for seat in seats_of(twin.committed & twin.members) if seat not in twin.said
            )
            yield "settle", 0, 0
        yield from (("leave", seat, 0) for seat in held)
        yield from (("eject", seat, 0) for seat in held if twin.seats[seat].strikes)
        yield from (("report", seat, 0) for seat, one in twin.seats.items() if not one.is_released and one.bond)
        yield from (("release", seat, 0) for seat, one in twin.seats.items() if one.free_at and not one.is_released)
        last = twin.number if twin.phase == Phase.FINISHED else twin.number - 1
        if last and len(twin.disputes) < 2:
            yield from (("dispute", judge, last) for judge, one in twin.seats.items() if not one.is_released)
        for number, case in enumerate(twin.disputes):
            yield from self._trial(number, case)

    def _trial(self, number: int, case: Any) -> Iterator[Step]:
        if case.outcome is not None:
            return
        if case.stage == Stage.DRAWING:
            yield "summon", number, case.pool
            yield from (("summon", number, 1 << seat) for seat in seats_of(case.pool))
        for seat in seats_of(case.asked & ~case.voted(case.stage)):
            if self.twin.may_vote(seat, number):
                yield from (("vote", number, seat << 2 | answer) for answer in (0, 1))
        if case.stage == Stage.APPEAL:
            yield "appeal", number, 0
        yield "resolve", number, 0

    def after(self, step: Step) -> "Small | None":
        """The state that a step leads to; None where nothing of it was taken."""
        other = self.copy()
        other.path = (*self.path, step)
        name, who, what = step
        other.twin.chosen = what if name == "summon" else 0
        return other if getattr(other, f"_{name}")(who, what) else None

    def _wait(self, who: int, what: int) -> bool:
        twin = self.twin
        due = [twin.deadline_s, *(case.deadline for case in twin.disputes if case.outcome is None)]
        due += [held.free_at or 0 for held in twin.seats.values() if not held.is_released]
        due += [twin.deadline_s + 16 * twin.terms.attest_window_s] if twin.phase == Phase.ATTEST else []
        later = [second for second in due if second > self.now_s]
        self.now_s = min(later, default=self.now_s)
        self.__dict__.pop("key", None)
        return bool(later)

    def _commit(self, who: int, what: int) -> bool:
        twin, number = self.twin, self.twin.number
        seats = seats_of((twin.roster | twin.late) & ~twin.committed & twin.members) if who < 0 else [who]
        taken = [self.call(self._key(seat), "commit", number, DIGEST) for seat in seats]
        return any(taken)

    def _attest(self, who: int, what: int) -> bool:
        twin, number = self.twin, self.twin.number
        seats = [s for s in seats_of(twin.committed & twin.members) if s not in twin.said] if who < 0 else [who]
        said = [self._say(seat, bool(what)) for seat in seats if twin.number == number]
        return any(said)

    def _say(self, seat: int, accepts: bool) -> bool:
        twin = self.twin
        about = twin.neighbours(seat)
        judged = mask_of(list(about))
        word = encode_verdicts(twin.draw, twin.number, about, judged, judged if accepts else 0)
        return self.call(self._key(seat), "attest", word, RECORD)

    def _advance(self, who: int, what: int) -> bool:
        return self.call(self._outsider, "advance")

    def _settle(self, who: int, what: int) -> bool:
        return self.call(self._outsider, "settle", self.twin.number)

    def _leave(self, who: int, what: int) -> bool:
        return self.call(self.twin.seats[who].cold, "leave", who)

    def _report(self, who: int, what: int) -> bool:
        number = max(1, self.twin.number)
        return self.call(self._outsider, "report_equivocation", *announcements(self._key(who), number))

    def _eject(self, who: int, what: int) -> bool:
        return self.call(self._outsider, "eject", who)

    def _release(self, who: int, what: int) -> bool:
        return self.call(self._outsider, "release", who)

    def _dispute(self, who: int, what: int) -> bool:
        return self.call(self._outsider, "dispute", what, who, who, DIGEST, value=DISPUTE_BOND)

    def _summon(self, who: int, what: int) -> bool:
        return self.call(self._outsider, "summon", who)

    def _vote(self, who: int, what: int) -> bool:
        case = self.twin.disputes[who]
        claim = case.round << 18 | case.judge << 10 | case.target << 2
        return self.call(self._key(what >> 2), "vote", who, claim | what & 3)

    def _appeal(self, who: int, what: int) -> bool:
        case = self.twin.disputes[who]
        claim = case.round << 18 | case.judge << 10 | case.target << 2
        return self.call(self._outsider, "appeal", who, claim, value=4 * DISPUTE_BOND)

    def _resolve(self, who: int, what: int) -> bool:
        return self.call(self._outsider, "resolve", who)

    def _key(self, seat: int) -> str:
        return self.twin.seats[seat].peer

    @property
    def _outsider(self) -> str:
        return machine().accounts[ACCUSER]

    # ------------------------------------------------------------------------------------------------ the end

    def wind_down(self) -> None:
        """Everybody leaves and time passes: in the end nothing is left in the circle. Raises Broken."""
        end = self.copy()
        for seat in seats_of(end.twin.members):
            end._leave(seat, 0)
        for _ in range(40):
            if end.twin.phase == Phase.ATTEST:
                end._settle(0, 0)
            for number, case in enumerate(end.twin.disputes):
                if case.outcome is None:
                    end._resolve(number, 0)
            for seat, held in end.twin.seats.items():
                if not held.is_released:
                    end._release(seat, 0)
            if all(held.is_released for held in end.twin.seats.values()):
                break
            end._wait(0, 0)
        for account, owed in list(end.twin.owed.items()):
            if owed:
                end.call(account, "withdraw")
        if end.paid - end.got - end.twin.burned:
            raise Broken(f"{end.paid - end.got - end.twin.burned} wei stay in the circle after {self.path}")


@dataclass
class Explored:
    """What an exploration saw."""

    states: int = 0
    """All that differ."""
    steps: int = 0
    """Tried from them."""
    by_depth: list[int] = field(default_factory=list)
    """New states at each depth; their sum is `states`."""


def explored(start: Small, depth: int) -> Explored:
    """All states that so many steps lead to from one. Raises Broken."""
    seen, found, frontier = set[object]([start.key]), Explored(), [start]
    start.wind_down()
    while frontier and len(found.by_depth) <= depth:
        found.by_depth.append(len(frontier))
        found.states += len(frontier)
        reached: list[Small] = []
        for state in frontier if len(found.by_depth) <= depth else ():
            for step in state.steps():
                found.steps += 1
                other = state.after(step)
                if other is not None and other.key not in seen:
                    seen.add(other.key)
                    other.wind_down()
                    reached.append(other)
        frontier = reached
    return found


def opened(seats: int, quorum: int, twin: type[SmallTwin] = SmallTwin) -> Small:
    """A circle in which everybody has a seat."""
    terms = ContractTerms(
        start_seats=seats,
        quorum=quorum,
        last_round=2,
        commit_window_s=WINDOW_S,
        attest_window_s=WINDOW_S,
        degree=20,
        reputation_shift=1,
        reputation_floor=16384,
        eject_after=2,
        bond=BOND,
        unbonding_s=8 * WINDOW_S,
        dispute_bond=DISPUTE_BOND,
        dispute_window_s=WINDOW_S,
        jury_seats=21,
    )
    state, accounts = Small(twin(terms, network(), bytes(32))), machine()
    for hot, cold in zip(accounts.accounts[:seats], accounts.colds[:seats], strict=True):
        state.call(hot, "join", ENDPOINT, cold, *UNSIGNED, value=BOND)
    return state


def settled(seats: int, quorum: int, twin: type[SmallTwin] = SmallTwin) -> Small:
    """The same after round 1, in which all attested."""
    return _led(opened(seats, quorum, twin), 1)


def finished(seats: int, quorum: int, twin: type[SmallTwin] = SmallTwin) -> Small:
    """The same after round 2, the last."""
    return _led(opened(seats, quorum, twin), 2)


def deserted(seats: int, quorum: int, twin: type[SmallTwin] = SmallTwin) -> Small:
    """Finished, and all but one have left."""
    state = finished(seats, quorum, twin)
    for seat in range(1, seats):
        state = _after(state, ("leave", seat, 0))
    return state


def heard(seats: int, quorum: int, twin: type[SmallTwin] = SmallTwin) -> Small:
    """After round 1; a jury of one has found against seat 0, and the circle hears it."""
    state = settled(seats, quorum, twin)
    for step in (("dispute", 0, 1), ("summon", 0, 0b10), ("vote", 0, 1 << 2 | 1), ("resolve", 0, 0)):
        state = _after(state, step)
    return state


STARTS: Final = {
    "opened": opened,
    "settled": settled,
    "heard": heard,
    "finished": finished,
    "deserted": deserted,
}


def _led(state: Small, rounds: int) -> Small:
    for _ in range(rounds):
        for step in (("commit", -1, 0), ("attest", -1, 1), ("settle", 0, 0)):
            state = _after(state, step)
    return state


def _after(state: Small, step: Step) -> Small:
    other = state.after(step)
    assert other is not None, step
    return other
