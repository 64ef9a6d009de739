"""What the coalition is after, and who finds out: after every call, before and after are compared.

These know the protocol's promise and not its rules: what a call must not have led to, whatever led there.
"""

from dataclasses import dataclass, field

from ledger.circle.draw import seats_of
from ledger.circle.events import (
    Disputed,
    Ejected,
    Equivocated,
    Event,
    Left,
    Outcome,
    Referred,
    Resolved,
    Settled,
    Stage,
    Summoned,
    Voted,
    Woken,
)
from ledger.circle.history import Phase
from scripts.search.coalitions.twin import COALITION_FROM, machine
from scripts.search.coalitions.world import TERM_ROUNDS, Done, Facts, Person, World
from tests.support.contract.twin.faults import TRIAL_WINDOWS
from tests.support.contract.twin.rounds import PATIENCE_WINDOWS

GAIN = "the coalition has more than it put in"
KEPT = "a liar's side paid less than it owes"
LOSS = "somebody honest lost wei"
NAME = "somebody honest lost reputation"
STUCK = "a bond cannot be had back in time"
STALL = "who is gone was waited for again"
FREE = "holding the others up cost nothing"
LASTS = "a conviction did not last"
IMMUNE = "a lie could not be disputed in time"
BOOKS = "the books are wrong"
# Each stage of a trial may be taken on a second after its end.
SLACK_S = 8
MOVES_MONEY = frozenset(
    ["join", "leave", "eject", "release", "withdraw", "dispute", "appeal", "resolve", "report_equivocation"]
)


class Found(Exception):
    """A goal was reached. goal: which. how: what happened."""

    def __init__(self, goal: str, how: str) -> None:
        super().__init__(f"{goal}: {how}")
        self.goal, self.how = goal, how


@dataclass
class Watch:
    """Looks at one world."""

    is_firm: bool
    """All honest people are awake all the time, and are more than half of the bonded."""
    liability: int = 0
    """Wei that the coalition owes for what it was found to have done."""
    waited: dict[tuple[int, int], int] = field(default_factory=dict)
    """(seat, tenure) → the last round in which it was waited for in vain, until it attests again."""
    excused: dict[str, int] = field(default_factory=dict)
    """Hot key → wei burned of its bond by strikes where nobody could have convicted those who lied about it."""
    calls_at_open: int = 0
    """How long the trace was when the round opened."""
    asked_at: dict[int, int] = field(default_factory=dict)
    """Dispute → how long the trace was when its jury was drawn."""
    suspended_until: dict[tuple[int, int], int] = field(default_factory=dict)
    """(seat, tenure) → the last round in which what the convicted says weighs nothing."""
    woke_at: dict[tuple[int, int], int] = field(default_factory=dict)
    """(seat, round) → how long the trace was when the seat woke in a commit phase."""
    charged: dict[tuple[int, int], int] = field(default_factory=dict)
    """(seat, tenure) → the end of the last window in which it paid for silence as a juror, Unix seconds."""
    names: list[Found] = field(default_factory=list)
    """Honest reputations that this call lowered."""

    # ------------------------------------------------------------------------------------------ after a call

    def look(self, world: World, before: Facts, done: Done, events: tuple[Event, ...]) -> None:
        """Raises Found."""
        self._is_firm_now(world)
        self.names = []
        for event in events:
            match event:
                case Settled():
                    self._settled(world, before, event)
                case Referred():
                    self._referred(world, before, event)
                case Resolved():
                    self._resolved(world, before, event)
                case Disputed():
                    self._disputed(world, event)
                case Summoned():
                    self.asked_at[event.dispute] = len(world.trace)
                case Woken() if before.phase == Phase.COMMIT and not before.roster >> event.seat & 1:
                    self.woke_at[event.seat, event.round] = len(world.trace)
                case Voted():
                    self._voted(world, event)
                case Left() | Ejected():
                    self._given_up(world, before, event.seat, event.burned)
                case Equivocated():
                    self._equivocated(world, before, event)
        if before.phase != world.twin.phase or before.number != world.twin.number:
            self.calls_at_open = len(world.trace) if world.twin.phase == Phase.COMMIT else self.calls_at_open
        if done.call == "resolve":
            self._trial_names(world, before, events)
        elif done.call not in ("settle", "join"):
            self._no_names_fell(world, before, done)
        if done.call in MOVES_MONEY:
            self._money(world)
        if self.names:
            raise self.names[0]

    def _is_firm_now(self, world: World) -> None:
        if world.twin.phase == Phase.GATHERING:
            return
        is_away = any(person.is_asleep for person in world.people)
        if is_away or 2 * len(world.hostile) >= world.twin.bonded.bit_count():
            self.is_firm = False

    def _money(self, world: World) -> None:
        if world.balance != sum(world.twin.books):
            raise Found(BOOKS, f"{world.balance} wei are there, {world.twin.books} in the books")
        accounts = machine()
        own = frozenset([*accounts.accounts[COALITION_FROM:], *accounts.colds[COALITION_FROM:]])
        wealth = world.wealth(own)
        if wealth > 0:
            raise Found(GAIN, f"{wealth} wei")
        if wealth > -self.liability:
            raise Found(KEPT, f"it is {-wealth} wei poorer, and owes {self.liability}")
        for person in world.people:
            lost = -world.wealth(frozenset([person.hot, person.cold])) - self.excused.get(person.hot, 0)
            if lost > 0:
                raise Found(LOSS, f"{lost} wei of {person.hot[:8]}")

    def _no_names_fell(self, world: World, before: Facts, done: Done) -> None:
        for seat, reputation in before.reputations.items():
            person = world.person_in(seat)
            if person and world.twin.reputations[seat] < reputation:
                self.names.append(Found(NAME, f"seat {seat} by {done.call}"))

    def _trial_names(self, world: World, before: Facts, events: tuple[Event, ...]) -> None:
        """A trial takes reputation from jurors who slept through their window, and from nobody else honest.

        However many claims were raised at once, that window is paid for once.
        """
        number = next(event.dispute for event in events if isinstance(event, Referred | Resolved))
        case, asked_at = world.twin.disputes[number], self.asked_at.get(number, 0)
        silent = case.jury & ~case.voted(Stage.JURY) if any(isinstance(e, Referred) for e in events) else 0
        for seat, old in before.reputations.items():
            person = world.person_in(seat)
            if world.twin.reputations[seat] >= old:
                continue
            is_paid = silent >> seat & 1 and self._has_paid(world, before, seat, number)
            if silent >> seat & 1:
                key = (seat, world.twin.seats[seat].tenure)
                self.charged[key] = max(self.charged.get(key, 0), before.dispute_deadlines[number])
            if person is None:
                continue
            if is_paid or not silent >> seat & 1 or (person.slept_at < asked_at and not person.is_asleep):
                self.names.append(Found(NAME, f"seat {seat} by dispute {number}"))

    def _has_paid(self, world: World, before: Facts, seat: int, number: int) -> bool:
        """For another window that this dispute's overlaps."""
        begun_s = before.dispute_deadlines[number] - world.terms.dispute_window_s
        return self.charged.get((seat, world.twin.seats[seat].tenure), 0) > begun_s

    # -------------------------------------------------------------------------------------------- the rounds

    def _settled(self, world: World, before: Facts, event: Settled) -> None:
        twin = world.twin
        for seat, old in before.reputations.items():
            new, person = twin.reputations[seat], world.person_in(seat)
            is_silent = bool((before.roster & ~before.committed | before.committed & ~before.attested) >> seat & 1)
            if person and new < old and before.members >> seat & 1:
                self._check_name(world, before, seat, person, is_silent)
            self._check_wait(world, before, seat, is_silent)
        self._check_prosecutable(world, before)

    def _check_name(self, world: World, before: Facts, seat: int, person: Person, is_silent: bool) -> None:
        """R13 takes from an honest seat for silence while it slept or dozed, and where a judge that counts lied."""
        since = self.woke_at.get((seat, before.number), self.calls_at_open)
        was_away = person.is_asleep or person.slept_at >= since or before.dozing >> seat & 1 == 1
        if is_silent and was_away:
            return
        judges = [judge for judge in seats_of(before.attested & before.members) if self._counts(world, judge)]
        if is_silent or not any(world.is_wronged(before.number, judge, seat) for judge in judges):
            raise Found(NAME, f"seat {seat} in the settlement of round {before.number}")

    def weighs_nothing(self, world: World) -> list[int]:
        """Those whose words in this round must weigh nothing: leavers, and the convicted."""
        twin = world.twin
        attested = seats_of(twin.attested)
        return [judge for judge in attested if not twin.members >> judge & 1 or not self._counts(world, judge)]

    def compare(self, world: World, ghost: dict[int, int], judges: list[int]) -> None:
        """A settlement with what would have come had these judges said nothing. Raises Found."""
        for seat, reputation in ghost.items():
            if world.person_in(seat) and world.twin.reputations[seat] != reputation:
                raise Found(
                    LASTS, f"what seats {judges} said moved seat {seat}, and they have left or are convicted"
                )

    def _counts(self, world: World, judge: int) -> bool:
        key = (judge, world.twin.seats[judge].tenure)
        return world.twin.number > self.suspended_until.get(key, 0)

    def _check_wait(self, world: World, before: Facts, seat: int, is_silent: bool) -> None:
        twin, shift = world.twin, world.terms.reputation_shift
        held = twin.seats[seat]
        key = (seat, held.tenure)
        if before.attested >> seat & 1:
            self.waited.pop(key, None)
        if not is_silent or before.dozing >> seat & 1 or not held.is_held:
            return
        old, new = before.reputations[seat], twin.reputations[seat]
        most = old if not before.committed >> seat & 1 else old + (65535 - old) // 2**shift + 1
        if most >= 2**shift and new > most - most // 2**shift:
            raise Found(FREE, f"seat {seat} kept silent in round {before.number} and went from {old} to {new}")

    def waits(self, world: World) -> None:
        """Called where time passes a phase's deadline: who of the silent are others waiting for? Raises Found."""
        twin, quorum = world.twin, world.terms.quorum
        awaited = 0
        if twin.phase == Phase.COMMIT and twin.committed.bit_count() >= quorum:
            awaited = twin.roster & ~twin.committed
        if twin.phase == Phase.ATTEST and twin.attested.bit_count() >= quorum:
            honest_or_not = twin.committed & twin.members & ~twin.attested
            # As the rule has it: asked of the twin, since a mend may be out.
            awaited = honest_or_not & ~twin.dozing
        for seat in seats_of(awaited):
            key = (seat, twin.seats[seat].tenure)
            if self.waited.get(key, twin.number) < twin.number:
                raise Found(STALL, f"seat {seat} in round {self.waited[key]} and again in {twin.number}")
            self.waited[key] = twin.number

    def _check_prosecutable(self, world: World, before: Facts) -> None:
        """A seat that said something in a round settled in time, and has left, can be disputed for four windows more.

        Where a round is late for want of a quorum, what a leaver said in it goes free: it weighs nothing.
        """
        if not self.is_firm or not world.terms.dispute_bond or world.now_s > before.deadline_s + SLACK_S:
            return
        if before.attested.bit_count() < world.terms.quorum:
            return
        for seat in seats_of(before.attested):
            free_at = world.twin.seats[seat].free_at
            least = world.now_s + 2 * TRIAL_WINDOWS * world.terms.dispute_window_s - SLACK_S
            if free_at is not None and world.is_schemers(seat) and free_at < least:
                raise Found(IMMUNE, f"seat {seat} said something in round {before.number} and is free too soon")

    # ---------------------------------------------------------------------------------------------- the court

    def _disputed(self, world: World, event: Disputed) -> None:
        for seat in seats_of(world.twin.disputes[event.dispute].pool):
            if not self._counts(world, seat):
                raise Found(LASTS, f"convicted seat {seat} may be on a jury")

    def _voted(self, world: World, event: Voted) -> None:
        if not self._counts(world, event.seat):
            raise Found(LASTS, f"convicted seat {event.seat} voted")

    def _referred(self, world: World, before: Facts, event: Referred) -> None:
        twin, case = world.twin, world.twin.disputes[event.dispute]
        silent = case.jury & ~case.voted(Stage.JURY)
        for seat, old in before.reputations.items():
            new = twin.reputations[seat]
            is_due = silent >> seat & 1 and twin._had_seat(twin.seats[seat], event.dispute)
            has_bond = 2 * before.bonds[seat] >= world.terms.bond
            is_able = has_bond and not (before.below | before.suspended) >> seat & 1
            is_past = world.now_s >= before.dispute_deadlines[event.dispute]
            is_unpaid = old >= 2**world.terms.reputation_shift and new >= old
            is_unpaid = is_unpaid and not self._has_paid(world, before, seat, event.dispute)
            if is_due and is_able and is_past and is_unpaid and world.is_schemers(seat):
                raise Found(FREE, f"juror {seat} kept silent in dispute {event.dispute}")

    def _resolved(self, world: World, before: Facts, event: Resolved) -> None:
        twin, case, bond = world.twin, world.twin.disputes[event.dispute], world.terms.bond
        if event.outcome == Outcome.REJECTED:
            own = frozenset(world.schemers)
            has_only_asked = case.asker is not None and case.stage != Stage.DRAWING
            self.liability += world.terms.dispute_bond * (case.challenger in own and not has_only_asked)
            self.liability += 4 * world.terms.dispute_bond * (case.appellant in own)
        if event.outcome == Outcome.UPHELD and world.is_schemers(case.judge):
            self._convicted(world, before, case.judge)
        size = case.electorate.bit_count()
        rejecting, upholding, _ = case.votes[Stage.CIRCLE]
        wrong = 0
        if case.stage == Stage.CIRCLE and 2 * upholding.bit_count() > size:
            wrong = case.votes[Stage.JURY][0]
        if case.stage == Stage.CIRCLE and 2 * rejecting.bit_count() > size:
            wrong = case.votes[Stage.JURY][1]
        for seat in seats_of(wrong):
            if world.is_schemers(seat) and twin._had_seat(twin.seats[seat], event.dispute):
                self.liability += min(before.bonds[seat], bond // 8) if seat != case.judge else 0

    def _convicted(self, world: World, before: Facts, judge: int) -> None:
        twin, held = world.twin, world.twin.seats[judge]
        key = (judge, held.tenure)
        rounds = world.convictions.setdefault(key, [])
        rounds.append(twin.number)
        fine = min(before.bonds[judge], world.terms.bond // 2) if len(rounds) == 1 else before.bonds[judge]
        self.liability += fine - fine // 4
        self.suspended_until[key] = twin.number + TERM_ROUNDS - 1
        if len(rounds) > 1 and (held.is_held or held.bond):
            raise Found(LASTS, f"seat {judge} was convicted twice and goes on")

    # ---------------------------------------------------------------------------------------------- the seats

    def _given_up(self, world: World, before: Facts, seat: int, burned: int) -> None:
        person = world.person_in(seat)
        if person is not None:
            if burned and not self.is_firm:
                self.excused[person.hot] = self.excused.get(person.hot, 0) + burned
            return
        after, bond = world.terms.eject_after, before.bonds[seat]
        if after:
            self.liability += bond // 2 * min(before.strikes[seat], after) // after

    def _equivocated(self, world: World, before: Facts, event: Equivocated) -> None:
        if world.is_schemers(event.seat):
            self.liability += before.bonds[event.seat]

    # --------------------------------------------------------------------------------------------- time passes

    def releases(self, world: World) -> None:
        """Every honest seat given up is released when it is promised, with all awake. Raises Found."""
        self._is_firm_now(world)
        if not self.is_firm:
            return
        twin, attest_s = world.twin, world.terms.attest_window_s
        for seat, held in twin.seats.items():
            if held.free_at is None or held.is_released or world.person_in(seat) is None:
                continue
            by = held.free_at + SLACK_S
            if twin.phase == Phase.ATTEST and twin.committed >> seat & 1:
                by = max(by, twin.drawn_until_s + (PATIENCE_WINDOWS + 2) * attest_s)
            if world.now_s > by:
                raise Found(STUCK, f"seat {seat} was to be free at {held.free_at}, now it is {world.now_s}")
