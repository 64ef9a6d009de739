"""Moves in the court: the coalition accuses, shields, baits, stays to the last, sends votes on to another fork."""

from random import Random

from ledger.circle.draw import seats_of
from ledger.circle.events import Answer, Stage
from ledger.circle.history import Phase
from scripts.search.coalitions.goals import Watch
from scripts.search.coalitions.honest import turn
from scripts.search.coalitions.seats import SeatMoves
from scripts.search.coalitions.twin import DIGEST
from scripts.search.coalitions.world import Done
from tests.support.contract.twin.state import Case


class CourtMoves(SeatMoves):
    """Each takes the chance that decides what it draws."""

    def accuse(self, chance: Random) -> None:
        """It disputes what somebody honest said, and pushes that as far as it comes."""
        judges = [j for n, j in self.world.said if not self.world.is_schemers(j) and j in self.world.twin.seats]
        if judges:
            self._raise(chance, self.judged_round(chance), chance.choice(judges[-12:]), Answer.UPHOLDS)

    def accuse_all(self, chance: Random) -> None:
        """The same of everybody honest."""
        for judge in list(self.world.honest):
            self._raise(chance, self.judged_round(chance), judge, Answer.UPHOLDS)

    def accuse_sleepers(self, chance: Random) -> None:
        """The same while everybody honest is away."""
        if not self.may_sleep:
            return
        for person in self.world.people:
            person.is_asleep, person.slept_at = True, len(self.world.trace)
        self.accuse(chance)
        for person in self.world.people:
            person.is_asleep, person.slept_at = False, len(self.world.trace)

    def flood(self, chance: Random) -> None:
        """Many claims about one judge of its own at once, while some of the honest are away."""
        said = [key for key in self.world.said if self.world.is_schemers(key[1])]
        if not said:
            return
        twin, judge, before = self.world.twin, chance.choice(said)[1], len(self.world.twin.disputes)
        if self.may_sleep:
            self.some_sleep(chance)
        for number, one in said[-6:]:
            for target in [*seats_of(self.world.said[number, one][0]), one]:
                if one == judge:
                    self.by(self.anyone(chance), "dispute", number, judge, target, DIGEST)
        for number in range(before, len(twin.disputes)):
            self.by(self.anyone(chance), "summon", number)
        if len(twin.disputes) > before:
            self.pass_to(max(self.world.now_s, twin.disputes[-1].deadline))

    def desert(self, chance: Random) -> None:
        """All honest people but one leave after committing, and the coalition lets the round be given up."""
        self.commit(chance)
        for _ in range(2):
            for person in self.world.people:
                if self.world.twin.phase == Phase.COMMIT:
                    turn(self.world, person, self.take)
        if self.world.twin.phase != Phase.ATTEST:
            return
        for person in self.world.people[1:]:
            seat = self.world.twin.seat_of(person.hot)
            if seat is not None and not self.world.twin.seats[seat].strikes:
                self.take(Done(person.cold, "leave", (seat,), 0))
        self.wait_long(chance)

    def accuse_itself(self, chance: Random) -> None:
        """It disputes a liar of its own: to be cleared, or for the reward."""
        own = [(n, j, t) for n, j, t in self.world.lies if self.world.is_schemers(j)]
        if own:
            number, judge, target = chance.choice(own)
            answer = chance.choice([Answer.UPHOLDS, Answer.REJECTS])
            self._raise(chance, number, judge, answer, target)

    def _raise(self, chance: Random, number: int, judge: int, answer: int, target: int | None = None) -> None:
        twin, disputes = self.world.twin, len(self.world.twin.disputes)
        if target is None:
            said = self.world.said.get((number, judge))
            about = seats_of(said[0]) if said else list(twin.seats)
            target = chance.choice([*about, judge])
        evidence = bytes(32) if target == judge and chance.random() < 0.5 else DIGEST
        self.by(self.anyone(chance), "dispute", number, judge, target, evidence)
        if len(twin.disputes) > disputes and chance.random() < 0.9:
            self.by(self.anyone(chance), "summon", disputes)
            self._push(chance, disputes, answer)

    def be_last(self, chance: Random) -> None:
        """Everybody honest leaves, the coalition stays and disputes what they said."""
        for person in self.world.people:
            seat = self.world.twin.seat_of(person.hot)
            if seat is not None and not self.world.twin.seats[seat].strikes:
                self.take(Done(person.cold, "leave", (seat,), 0))
        if chance.random() < 0.3:
            self.leave(chance)
        self.accuse_all(chance)

    def shield(self, chance: Random) -> None:
        """A claim about a liar of its own is rejected by those of its seats that are asked, as soon as they are."""
        for _ in range(8):
            self.one_acts(chance)
            for number, case in enumerate(self.world.twin.disputes):
                if case.outcome is None and self.world.is_schemers(case.judge):
                    self._vote(chance, number, case, Answer.REJECTS)
                    if chance.random() < 0.5:
                        self.by(self.anyone(chance), "resolve", number)

    def accuse_leavers(self, chance: Random) -> None:
        """It waits until somebody honest is nearly free, and disputes what that one said."""
        twin = self.world.twin
        leavers = [seat for seat in self.world.honest if twin.seats[seat].free_at is not None]
        if not leavers:
            return
        judge, window_s = chance.choice(leavers), self.world.terms.dispute_window_s
        until = (twin.seats[judge].free_at or 0) - chance.choice([1, 1, window_s, 2 * window_s, 4 * window_s])
        self.pass_to(max(self.world.now_s, until))
        said = [number for number, j in self.world.said if j == judge]
        if said and not twin.seats[judge].is_released:
            about = seats_of(self.world.said[said[-1], judge][0])
            before = len(twin.disputes)
            self.by(self.anyone(chance), "dispute", said[-1], judge, chance.choice([*about, judge]), DIGEST)
            if len(twin.disputes) > before and chance.random() < 0.5:
                self.by(self.anyone(chance), "summon", before)

    def bait(self, chance: Random) -> None:
        """A judge of its own that told the truth is disputed; it shows its blobs to the jury and hides them, or
        the other way round, before the circle hears it."""
        said = [(n, j) for n, j in self.world.said if self.world.is_schemers(j)]
        if not said:
            return
        (number, judge), twin, first = chance.choice(said[-6:]), self.world.twin, chance.random() < 0.5
        if first:
            self.world.withheld ^= {(number, judge)}
        before = len(twin.disputes)
        about = [*seats_of(self.world.said[number, judge][0]), judge]
        self.by(self.anyone(chance), "dispute", number, judge, chance.choice(about), DIGEST)
        if len(twin.disputes) == before:
            return
        case = twin.disputes[before]
        self.by(self.anyone(chance), "summon", before)
        self.sweep()
        if case.stage == Stage.JURY:
            self.pass_to(max(self.world.now_s, case.deadline))
        self.world.withheld ^= {(number, judge)}
        if case.outcome is None and case.stage == Stage.APPEAL:
            self.by(self.anyone(chance), "appeal", before, self.world.word(case, 0))
        self._vote(chance, before, case, Answer.UPHOLDS)
        self.sweep()

    def tease(self, chance: Random) -> None:
        """A judge of its own shows nothing until somebody honest has the circle ask for it, and all of it then."""
        said = [key for key in self.world.said if self.world.is_schemers(key[1])]
        if not said:
            return
        twin, (number, judge) = self.world.twin, chance.choice(said[-6:])
        self.sweep()
        self.world.withheld |= {(number, judge)}
        before = len(twin.disputes)
        for person in self.world.people:
            if len(twin.disputes) == before and not person.is_asleep:
                turn(self.world, person, self.take)
        self.world.withheld -= {(number, judge)}
        self.sweep()
        for case in twin.disputes[before:]:
            while case.outcome is None and self.world.now_s < case.deadline:
                self.pass_to(case.deadline)

    def push(self, chance: Random) -> None:
        """It votes, appeals and resolves in one open dispute after the other."""
        for number, case in enumerate(self.world.twin.disputes):
            if case.outcome is None:
                is_own = self.world.is_schemers(case.judge)
                answer = chance.choice([Answer.UPHOLDS, Answer.REJECTS]) if is_own else Answer.UPHOLDS
                self._push(chance, number, answer)

    def _push(self, chance: Random, number: int, answer: int) -> None:
        twin = self.world.twin
        case = twin.disputes[number]
        for _ in range(5):
            self._vote(chance, number, case, answer)
            if case.stage == Stage.APPEAL and chance.random() < 0.7:
                self.by(self.anyone(chance), "appeal", number, self.world.word(case, 0))
            if chance.random() < 0.3:
                self.one_acts(chance)
            if case.outcome is None and chance.random() < 0.6:
                self.pass_to(max(self.world.now_s, case.deadline))
            if case.outcome is None:
                self.by(self.anyone(chance), "resolve", number)
            if case.outcome is not None:
                return

    def _vote(self, chance: Random, number: int, case: Case, answer: int) -> None:
        for seat in self.world.hostile:
            if self.world.twin.may_vote(seat, number) and chance.random() < 0.9:
                says = answer if chance.random() < 0.95 else chance.randrange(3)
                self.by(self.key_of(seat), "vote", number, self.world.word(case, says))

    def fork(self, chance: Random) -> None:
        """The chain goes back to before a claim: it raises another, and sends on the votes it has seen."""
        world = self.world
        lies = [claim for claim in world.lies if world.is_schemers(claim[1])]
        honest = [key for key in world.said if not world.is_schemers(key[1])]
        if not lies or not honest or not world.terms.dispute_bond:
            return
        before, watch = world.copy(), self.watch_copy()
        number = len(world.twin.disputes)
        self._raise(chance, *chance.choice(lies)[:2], Answer.UPHOLDS, chance.choice(lies)[2])
        self.sweep()
        votes = [d for d in world.trace[len(before.trace) :] if isinstance(d, Done) and d.call == "vote"]
        self.world, self.watch = before, watch
        judged, judge = chance.choice(honest[-8:])
        self.by(self.anyone(chance), "dispute", judged, judge, judge, DIGEST)
        if number >= len(self.world.twin.disputes):
            return
        self.by(self.anyone(chance), "summon", number)
        for _ in range(2):
            for vote in votes:
                if vote.arguments[0] == number and vote.sender not in self.world.schemers:
                    self.take(vote)
            self._push(chance, number, Answer.UPHOLDS)
            if self.world.twin.disputes[number].outcome is not None:
                return

    def watch_copy(self) -> Watch:
        """The goals as they stand."""
        watch = self.watch
        return Watch(
            watch.is_firm,
            watch.liability,
            dict(watch.waited),
            dict(watch.excused),
            watch.calls_at_open,
            dict(watch.asked_at),
            dict(watch.suspended_until),
            dict(watch.woke_at),
            dict(watch.charged),
        )
