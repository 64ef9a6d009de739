"""A circle with a coalition in it: the twin, everybody's purse, what is true, and the calls made so far.

Nothing here runs on a chain: a world is a value, and its trace can be played again on the contract.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from ledger.circle.draw import mask_of, seats_of
from ledger.circle.events import Answer
from ledger.circle.history import Phase
from ledger.circle.verdict_word import encode_verdicts
from scripts.search.coalitions.twin import COALITION_FROM, SearchTwin, machine, network
from tests.support.contract.machines import START_S, Moment
from tests.support.contract.terms import ContractTerms
from tests.support.contract.twin.rounds import PATIENCE_WINDOWS
from tests.support.contract.twin.state import Case, Foretold

DEPLOYED_IN_BLOCK: Final = 2
TERM_ROUNDS: Final = 64


@dataclass(frozen=True)
class Done:
    """A call that was made."""

    sender: str
    """Its key's address."""
    call: str
    """The function's name."""
    arguments: tuple[object, ...]
    """In the contract's order."""
    value: int
    """Wei."""


@dataclass(frozen=True)
class Waited:
    """Time or blocks that passed."""

    seconds: int = 0
    """On the clock."""
    blocks: int = 0
    """Without a call."""


@dataclass
class Person:
    """Somebody honest."""

    hot: str
    """The hot key's address."""
    cold: str
    """The cold key's address."""
    is_asleep: bool = False
    """Away, now."""
    slept_at: int = -1
    """The last step at which it was not there."""


@dataclass(frozen=True)
class Facts:
    """What the goals compare with: a circle just before a call. Masks are of seats."""

    number: int
    """The round under way."""
    phase: Phase
    """That it is in."""
    deadline_s: int
    """Of the phase, Unix seconds."""
    reputations: dict[int, int]
    """0..65535, by seat."""
    strikes: dict[int, int]
    """By seat."""
    bonds: dict[int, int]
    """Wei by seat."""
    roster: int
    """Mask of who is waited for."""
    late: int
    """Mask of who is not waited for and may commit all the same."""
    committed: int
    """Mask of who has a commit that stands."""
    attested: int
    """Mask of who committed and attested."""
    members: int
    """Mask of the seats that are held."""
    dozing: int
    """Mask of who kept silent and is not waited for until it shows itself."""
    below: int
    """Mask of who is below the reputation floor."""
    suspended: int
    """Mask of whose suspension has not been ended."""
    dispute_deadlines: tuple[int, ...]
    """Of each dispute's stage, Unix seconds."""


@dataclass
class World:
    """One circle, and what is known of it beside the chain."""

    twin: SearchTwin
    """The circle."""
    people: list[Person]
    """The honest."""
    schemers: list[str]
    """The coalition's keys."""
    now_s: int = START_S
    """Unix seconds."""
    block: int = DEPLOYED_IN_BLOCK
    """The last one."""
    said: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """(round, judge) → (judged, accepted) masks of seats."""
    bad: set[tuple[int, int]] = field(default_factory=set)
    """Updates (round, seat) that an honest judge rejects."""
    false_records: set[tuple[int, int]] = field(default_factory=set)
    """(round, judge) whose anchored record is not the one that follows."""
    withheld: set[tuple[int, int]] = field(default_factory=set)
    """(round, judge) where the judge shows nothing of what it judged from."""
    equivocated: set[tuple[str, int]] = field(default_factory=set)
    """(hot key, round) of two updates that one seat signed and honest people saw."""
    convictions: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    """(seat, tenure) → the rounds under way then."""
    tried: Counter[tuple[int, int, int, int]] = field(default_factory=Counter)
    """Claims that honest people have raised, (round, judge, its tenure, target), and how often."""
    lies: list[tuple[int, int, int]] = field(default_factory=list)
    """The claims that are right, (round, judge, target)."""
    trace: list[Done | Waited] = field(default_factory=list)
    """All that was done, in order."""
    paid: Counter[str] = field(default_factory=Counter)
    """Wei put in, by account."""
    got: Counter[str] = field(default_factory=Counter)
    """Wei had out, by account."""
    accepted: Counter[str] = field(default_factory=Counter)
    """Call → how often it was made and taken."""
    refused: Counter[str] = field(default_factory=Counter)
    """Call → how often it reverted."""

    @property
    def terms(self) -> ContractTerms:
        """Of the circle."""
        return self.twin.terms

    @property
    def calls(self) -> int:
        """How many were made."""
        return self.accepted.total() + self.refused.total()

    @property
    def moment(self) -> Moment:
        """The block a call would run in."""
        return Moment(self.now_s, self.block + 1)

    # ---------------------------------------------------------------------------------------------- what is done

    def take(self, done: Done) -> Foretold:
        """Make a call in a block of its own."""
        twin, self.block = self.twin, self.block + 1
        owed = twin.owed.get(done.sender, 0)
        foretold = twin.take(done.sender, done.call, done.arguments, done.value, Moment(self.now_s, self.block))
        self.trace.append(done)
        if foretold.reason is not None:
            self.refused[done.call] += 1
            return foretold
        self.accepted[done.call] += 1
        self.paid[done.sender] += done.value
        if done.call == "withdraw":
            self.got[done.sender] += owed
        if done.call == "attest":
            self._note(done.sender)
        return foretold

    def _note(self, judge_key: str) -> None:
        judge = self.twin.seat_of(judge_key)
        if judge is None or not self.twin.committed >> judge & 1:
            return
        judged, accepted = self.twin.said[judge]
        about = self.twin.neighbours(judge)
        of_judged = mask_of([seat for place, seat in enumerate(about) if judged >> place & 1])
        of_accepted = mask_of([seat for place, seat in enumerate(about) if accepted >> place & 1])
        number = self.twin.number
        self.said[number, judge] = of_judged, of_accepted
        self.lies += [(number, judge, seat) for seat in seats_of(of_judged) if self.is_false(number, judge, seat)]

    def falsify_record(self, number: int, judge: int) -> None:
        """The record that a judge has anchored is not the one that follows."""
        if (number, judge) in self.said and (number, judge) not in self.false_records:
            self.false_records.add((number, judge))
            self.lies.append((number, judge, judge))

    def wait(self, seconds: int = 0, blocks: int = 0) -> None:
        """Time passes, or blocks without a call."""
        self.now_s, self.block = self.now_s + seconds, self.block + blocks
        self.trace.append(Waited(seconds, blocks))

    def price(self, call: str) -> int:
        """Wei that a call asks for."""
        bond = self.terms.dispute_bond
        return {"join": self.terms.bond, "dispute": bond, "appeal": 4 * bond}.get(call, 0)

    def done(self, sender: str, call: str, *arguments: object) -> Done:
        """A call with the wei that it asks for."""
        return Done(sender, call, arguments, self.price(call))

    # ----------------------------------------------------------------------------------------------- who is who

    def person_in(self, seat: int) -> Person | None:
        """The honest person that sits there, or gave it up and is not released; None for the coalition."""
        held = self.twin.seats.get(seat)
        if held is None or held.is_released:
            return None
        return next((person for person in self.people if person.hot == held.peer), None)

    def is_schemers(self, seat: int) -> bool:
        """Taken by the coalition, and not released."""
        held = self.twin.seats.get(seat)
        return held is not None and not held.is_released and held.peer in self._schemers

    @property
    def _schemers(self) -> frozenset[str]:
        return frozenset(self.schemers)

    @property
    def hostile(self) -> list[int]:
        """The coalition's bonded seats."""
        own = self._schemers
        return [s for s, held in self.twin.seats.items() if not held.is_released and held.peer in own]

    @property
    def honest(self) -> list[int]:
        """The bonded seats of honest people."""
        own = self._schemers
        return [s for s, held in self.twin.seats.items() if not held.is_released and held.peer not in own]

    # -------------------------------------------------------------------------------------------- what is true

    def is_false(self, number: int, judge: int, target: int) -> bool:
        """Whether a claim is right (R26.3), with all blobs at hand; about the judge itself: all that it attested."""
        if (said := self.said.get((number, judge))) is None:
            return False
        about = seats_of(said[0]) if target == judge else [target]
        if target == judge and (number, judge) in self.false_records:
            return True
        return any(self._is_false_verdict(number, said, seat) for seat in about)

    def _is_false_verdict(self, number: int, said: tuple[int, int], target: int) -> bool:
        judged, accepted = (mask >> target & 1 for mask in said)
        return bool(judged) and bool(accepted) == ((number, target) in self.bad)

    def is_wronged(self, number: int, judge: int, target: int) -> bool:
        """The judge rejected an update that is to be accepted."""
        said = self.said.get((number, judge))
        return said is not None and self.is_false(number, judge, target) and not said[1] >> target & 1

    def answer(self, case: Case) -> Answer:
        """What an honest voter says."""
        spoke = (case.round, case.judge) in self.said
        if spoke and (case.round, case.judge) in self.withheld:
            judged = self.said[case.round, case.judge][0]
            if case.target == case.judge or judged >> case.target & 1:
                return Answer.WITHHELD
        is_false = self.is_false(case.round, case.judge, case.target)
        return Answer.UPHOLDS if is_false else Answer.REJECTS

    def verdicts(self, seat: int, rejected: int = 0, unjudged: int = 0) -> int:
        """The word in which a seat accepts all its neighbours but those of a mask."""
        about = self.twin.neighbours(seat)
        judged = mask_of(list(about)) & ~unjudged
        return encode_verdicts(self.twin.draw, self.twin.number, about, judged, judged & ~rejected)

    @staticmethod
    def word(case: Case, answer: int) -> int:
        """What a vote says."""
        return case.round << 18 | case.judge << 10 | case.target << 2 | answer

    # ---------------------------------------------------------------------------------------------------- money

    def wealth(self, accounts: frozenset[str]) -> int:
        """Wei that these have in the circle or had out of it, less what they put in."""
        twin, bond = self.twin, self.terms.dispute_bond
        total = sum(self.got[account] + twin.owed.get(account, 0) - self.paid[account] for account in accounts)
        total += sum(held.bond for held in twin.seats.values() if not held.is_released and held.cold in accounts)
        for case in twin.disputes:
            if case.outcome is None:
                total += bond * (case.challenger in accounts) + 4 * bond * (case.appellant in accounts)
        return total

    @property
    def balance(self) -> int:
        """Wei that the contract must hold."""
        return self.paid.total() - self.got.total() - self.twin.burned

    # --------------------------------------------------------------------------------------------------- clocks

    def deadlines(self) -> list[int]:
        """Times at which something comes due, from now on."""
        twin, attest_s = self.twin, self.terms.attest_window_s
        due = [twin.deadline_s, *(case.deadline for case in twin.disputes if case.outcome is None)]
        if twin.phase == Phase.ATTEST:
            due += [twin.deadline_s + PATIENCE_WINDOWS * attest_s, twin.drawn_until_s]
        for held in twin.seats.values():
            if not held.is_released:
                due += [held.free_at] if held.free_at else []
                due += [held.announced[2]] if held.announced else []
        return sorted({second for second in due if second > self.now_s})

    def facts(self) -> Facts:
        """What is now."""
        twin = self.twin
        return Facts(
            twin.number,
            twin.phase,
            twin.deadline_s,
            dict(twin.reputations),
            {seat: held.strikes for seat, held in twin.seats.items()},
            {seat: held.bond for seat, held in twin.seats.items()},
            twin.roster,
            twin.late,
            twin.committed,
            twin.attested,
            twin.members,
            twin.dozing,
            twin.below,
            twin.suspended,
            tuple(case.deadline for case in twin.disputes),
        )

    def copy(self) -> "World":
        """Another that may be led elsewhere."""
        return replace(
            self,
            twin=self.twin.copy(),
            people=[replace(person) for person in self.people],
            schemers=list(self.schemers),
            said=dict(self.said),
            bad=set(self.bad),
            false_records=set(self.false_records),
            withheld=set(self.withheld),
            equivocated=set(self.equivocated),
            convictions={key: list(rounds) for key, rounds in self.convictions.items()},
            tried=Counter(self.tried),
            lies=list(self.lies),
            trace=list(self.trace),
            paid=Counter(self.paid),
            got=Counter(self.got),
            accepted=Counter(self.accepted),
            refused=Counter(self.refused),
        )


def new_world(terms: ContractTerms, honest: int, twin: type[SearchTwin] = SearchTwin) -> World:
    """A circle that nobody has joined yet; so many honest people know of it."""
    accounts = machine()
    people = [Person(accounts.accounts[i], accounts.colds[i]) for i in range(honest)]
    return World(twin(terms, network(), bytes(32)), people, accounts.accounts[COALITION_FROM:])
