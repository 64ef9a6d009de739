"""Moves with the coalition's seats: it comes, leaves, takes out its money, changes keys, equivocates."""

from random import Random

from scripts.search.coalitions.rounds import RoundMoves
from scripts.search.coalitions.twin import COALITION_FROM, ENDPOINT, UNSIGNED, announcements, machine


class SeatMoves(RoundMoves):
    """Each takes the chance that decides what it draws."""

    def come(self, chance: Random) -> None:
        """It takes seats, as many as it may have."""
        accounts = machine()
        for _ in range(chance.choice([1, 1, 3])):
            hot = self.anyone(chance)
            if len(self.world.hostile) < self.most and self.world.twin.seat_of(hot) is None:
                cold = accounts.colds[accounts.accounts.index(hot)]
                self.by(hot, "join", ENDPOINT, cold, *UNSIGNED)

    def leave(self, chance: Random) -> None:
        """It leaves with one seat, or with all but one."""
        own = [seat for seat in self.world.hostile if self.world.twin.seats[seat].is_held]
        count = chance.choice([1, 1, len(own) - 1, len(own)])
        for seat in own[: max(0, count)]:
            self.by(self.world.twin.seats[seat].cold, "leave", seat)

    def lie_and_leave(self, chance: Random) -> None:
        """It lies in a round, and leaves before that can be disputed."""
        self.sweep()
        self.commit(chance)
        self.sweep()
        if chance.random() < 0.5:
            self.attest_lies(chance)
        else:
            self.attest(chance, 2, alone=True)
        if chance.random() < 0.5:
            self.sweep()
        self.leave(chance)
        if chance.random() < 0.5:
            self.pass_to(max(self.world.now_s, self.world.twin.deadline_s))

    def cash(self, chance: Random) -> None:
        """It releases what is free and withdraws what it is owed."""
        for seat in self.world.hostile:
            self.by(self.anyone(chance), "release", seat)
        accounts = machine()
        for account in [*accounts.accounts[COALITION_FROM:], *accounts.colds[COALITION_FROM:]]:
            if self.world.twin.owed.get(account):
                self.by(account, "withdraw")

    def rotate(self, chance: Random) -> None:
        """A seat changes its hot key, or begins to, or ends it."""
        for seat in self.world.hostile[:1]:
            held = self.world.twin.seats[seat]
            if held.is_held:
                self.by(held.cold, "rotate", seat, self.anyone(chance), held.cold)
            if held.announced:
                self.by(held.announced[0], "finish_rotation", seat)

    def equivocate(self, chance: Random) -> None:
        """A seat signs two updates, and is reported: by itself, or by one that sees it."""
        for seat in self.world.hostile[-1:]:
            key, number = self.key_of(seat), self.world.twin.number
            if chance.random() < 0.5:
                self.by(self.anyone(chance), "report_equivocation", *announcements(key, number))
            else:
                self.world.equivocated.add((key, number))

    def eject(self, chance: Random) -> None:
        """It ejects whoever may be."""
        for seat, held in list(self.world.twin.seats.items()):
            if held.is_held and held.strikes:
                self.by(self.anyone(chance), "eject", seat)
