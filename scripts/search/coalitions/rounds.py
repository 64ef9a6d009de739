"""Moves through the rounds: what honest people are led to do, and how the coalition plays and lies."""

from random import Random

from ledger.circle.draw import mask_of, seats_of
from ledger.circle.history import Phase
from scripts.search.coalitions.honest import join, turn
from scripts.search.coalitions.play import Play
from scripts.search.coalitions.twin import DIGEST, RECORD
from scripts.search.coalitions.world import Done


class RoundMoves(Play):
    """Each takes the chance that decides what it draws."""

    # ----------------------------------------------------------------------------------------------- the honest

    def one_acts(self, chance: Random) -> None:
        """Some honest people do one thing each, so that what comes next comes in between."""
        for person in chance.sample(self.world.people, chance.randint(1, len(self.world.people))):
            if not person.is_asleep:
                turn(self.world, person, self.take)

    def all_act(self, chance: Random) -> None:
        """Honest people do all that there is to do."""
        self.sweep()

    def honest_round(self, chance: Random) -> None:
        """A round is lived through with all who are awake, and the coalition too, as it does at the time."""
        number, lies = self.world.twin.number, chance.choice([0, 0, 1, 2])
        for _ in range(6):
            if self.world.twin.number != number or self.world.twin.phase == Phase.FINISHED:
                return
            self.sweep()
            self.commit(chance)
            self.attest(chance, lies)
            self.sweep()
            if self.world.twin.number == number and chance.random() < 0.7 and (due := self.world.deadlines()):
                self.pass_to(due[0])

    def one_comes(self, chance: Random) -> None:
        """Somebody honest joins."""
        free = [person for person in self.world.people if self.world.twin.voting_seat_of(person.hot) is None]
        if free and self.world.twin.phase != Phase.FINISHED:
            self.take(join(self.world, chance.choice(free)))

    def some_leave(self, chance: Random) -> None:
        """Honest people leave: one, some or all, who have no strikes."""
        people = [person for person in self.world.people if self.world.twin.seat_of(person.hot) is not None]
        count = max(0, chance.choice([1, 1, len(people) // 2, len(people) - 1, len(people)]))
        for person in chance.sample(people, min(count, len(people))):
            seat = self.world.twin.seat_of(person.hot)
            if seat is not None and not self.world.twin.seats[seat].strikes:
                self.take(Done(person.cold, "leave", (seat,), 0))

    def some_sleep(self, chance: Random) -> None:
        """Honest people are away for a while, or back."""
        if not self.may_sleep:
            return
        everybody = self.world.people
        count = len(everybody) if chance.random() < 0.4 else chance.randint(1, len(everybody))
        is_down = chance.random() < 0.5
        for person in chance.sample(everybody, count):
            person.is_asleep = is_down
            person.slept_at = len(self.world.trace)

    # ----------------------------------------------------------------------------------------------- the rounds

    def commit(self, chance: Random) -> None:
        """The coalition commits, now and then to what is to be rejected."""
        twin = self.world.twin
        if twin.phase != Phase.COMMIT:
            return
        number, rotten = twin.number, chance.choice([0, 0, 0.2, 1])
        for seat in seats_of(
            (twin.roster | twin.late) & twin.members & ~twin.committed & mask_of(self.world.hostile)
        ):
            foretold = self.by(self.key_of(seat), "commit", number, DIGEST)
            if foretold.reason is None and chance.random() < rotten:
                self.world.bad.add((number, seat))

    def attest_truly(self, chance: Random) -> None:
        """It attests what is true."""
        self.attest(chance, 0)

    def attest_lies(self, chance: Random) -> None:
        """It rejects who is honest: one of them, or all."""
        self.attest(chance, chance.choice([1, 2]))

    def attest(self, chance: Random, lies: int, *, alone: bool = False) -> None:
        """It attests; lies: 0 none, 1 about one of the honest, 2 about all. alone: one seat of it does."""
        twin, world = self.world.twin, self.world
        if twin.phase != Phase.ATTEST:
            return
        number, bad = twin.number, mask_of([seat for n, seat in world.bad if n == twin.number])
        honest = [seat for seat in seats_of(twin.committed) if not world.is_schemers(seat)]
        victims = mask_of(honest if lies == 2 else honest[:1]) if lies else 0
        for seat in world.hostile[:1] if alone else world.hostile:
            if twin.committed & twin.members & 1 << seat and seat not in twin.said and chance.random() < 0.95:
                rejected = victims | bad if lies or chance.random() < 0.9 else chance.getrandbits(12)
                self.by(self.key_of(seat), "attest", world.verdicts(seat, rejected), RECORD)
                if twin.number == number and chance.random() < 0.1:
                    world.falsify_record(number, seat)
            if twin.number != number or twin.phase != Phase.ATTEST:
                return

    def close(self, chance: Random) -> None:
        """It closes a phase as soon as that is possible."""
        twin = self.world.twin
        if twin.phase == Phase.COMMIT:
            self.by(self.anyone(chance), "advance")
        elif twin.phase == Phase.ATTEST:
            self.by(self.anyone(chance), "settle", twin.number)

    def race(self, chance: Random) -> None:
        """It lets somebody honest do one thing, and closes the phase before the next."""
        if chance.random() < 0.5:
            self.commit(chance)
        self.one_acts(chance)
        self.commit(chance)
        self.close(chance)

    def trap(self, chance: Random) -> None:
        """It holds back the commit that a late phase lacks until somebody who comes, or comes back, has woken."""
        if chance.random() < 0.5:
            self.one_comes(chance)
        asleep = (
            chance.sample(self.world.people, chance.randint(1, len(self.world.people))) if self.may_sleep else []
        )
        for person in asleep:
            person.is_asleep, person.slept_at = True, len(self.world.trace)
        self.pass_to(max(self.world.now_s, self.world.twin.deadline_s) + chance.choice([0, 1]))
        for person in asleep:
            person.is_asleep, person.slept_at = False, len(self.world.trace)
        self.one_acts(chance)
        self.commit(chance)
        self.close(chance)

    def keep_silent(self, chance: Random) -> None:
        """It has the circle wait: for its commits, or for its attestations, and wakes for the next round."""
        self.sweep()
        if chance.random() < 0.5:
            self.commit(chance)
        self.pass_to(max(self.world.now_s, self.world.twin.deadline_s))
        for seat in self.world.hostile:
            if chance.random() < 0.8:
                self.by(self.key_of(seat), "wake")
        self.sweep()

    def wake(self, chance: Random) -> None:
        """Its seats wake."""
        for seat in self.world.hostile:
            if chance.random() < 0.8:
                self.by(self.key_of(seat), "wake")

    def withhold(self, chance: Random) -> None:
        """A judge of the coalition hides what it judged from, or shows it again."""
        said = [key for key in self.world.said if self.world.is_schemers(key[1])]
        if said:
            self.world.withheld ^= {chance.choice(said[-6:])}
