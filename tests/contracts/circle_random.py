"""Random calls, valid and not, by random accounts: contract and twin must agree after each.

Every rule goes through `CircleUnderTest.call`, which asserts that the twin foretold the outcome (the reason of a
refusal, or the events), that the fold takes no event the contract refused, and that all state is equal after it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from circle_harness import DIGEST, ENDPOINT, RECORD, CircleTerms, CircleUnderTest
from circle_machines import BareMachine
from circle_twin import PATIENCE
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger.history import Phase
from ledger.topology import seats_of

Rule = TypeVar("Rule")
ACCOUNTS = 7
WHO = st.integers(0, ACCOUNTS - 1)
MASK = st.one_of(st.integers(0, 2**ACCOUNTS - 1), st.sampled_from([2**256 - 1, 1 << 255]))
# Mostly the round under way.
ROUND_OFFSET = st.sampled_from([0, 0, 0, 0, 0, -1, 1, 2**64])
ENDPOINTS = st.sampled_from(["wss://a:1 http://a:2", "x" * 256, " ~", "", "wss://ö:1", "a\n", "y" * 32 + "\x00"])
MOSTLY = st.sampled_from([True, True, True, False])
DIGESTS = st.sampled_from([DIGEST, DIGEST, RECORD, bytes(32)])
STRAY_ARGUMENTS: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "join": (ENDPOINTS,),
    "move": (ENDPOINTS,),
    "wake": (),
    "commit": (ROUND_OFFSET, DIGESTS),
    "attest": (ROUND_OFFSET, MASK, MASK, DIGESTS),
    "advance": (),
    "settle": (ROUND_OFFSET,),
}
# Who stays away: mostly nobody or one.
ABSENT = st.one_of(st.just(0), st.integers(0, ACCOUNTS - 1).map(lambda seat: 1 << seat), MASK)
RARELY = st.sampled_from([False, False, True])
WINDOW_S = 10


def in_phase(*phases: Phase) -> Callable[[Rule], Rule]:
    """The rule is worth a step in these phases only; `stray` makes the same call in the others."""
    decorator: Callable[[Rule], Rule] = precondition(lambda self: self.circle.twin.phase in phases)
    return decorator


class RandomCircle(RuleBasedStateMachine):
    """One circle under random calls. steps: how many calls all circles of this process have taken."""

    steps = 0

    @initialize(data=st.data())
    def deploy(self, data: st.DataObject) -> None:
        """A small circle with random terms, so that a few calls lead through whole rounds."""
        start_seats = data.draw(st.integers(2, 5), "start seats")
        terms = CircleTerms(
            start_seats=start_seats,
            quorum=data.draw(st.integers(2, start_seats), "quorum"),
            last_round=data.draw(st.sampled_from([6, 3, 1]), "last round"),
            commit_window_s=WINDOW_S,
            attest_window_s=2 * WINDOW_S,
            reputation_shift=data.draw(st.sampled_from([1, 3, 8]), "shift"),
            reputation_floor=data.draw(st.sampled_from([32767, 16384, 0]), "floor"),
        )
        self.machine = BareMachine(ACCOUNTS)
        self.circle = CircleUnderTest(self.machine, terms)
        if data.draw(MOSTLY, "gathered"):
            self.gather()

    def call(self, who: int, name: str, *arguments: object) -> None:
        """Make a call; whether it succeeds is the twin's to say."""
        type(self).steps += 1
        self.circle.call(self.circle.peers[who], name, *arguments)

    @property
    def number(self) -> int:
        """The round under way."""
        return self.circle.twin.state.round

    # What leads through the rounds.

    @in_phase(Phase.GATHERING)
    @rule()
    def gather(self) -> None:
        """Everyone who is missing joins."""
        for seat in range(len(self.circle.twin.history.seats), self.circle.terms.start_seats):
            self.call(seat, "join", ENDPOINT)

    @in_phase(Phase.COMMIT)
    @rule(absent=ABSENT)
    def most_commit(self, absent: int) -> None:
        """Everyone seated, but for some."""
        for seat in seats_of((1 << len(self.circle.twin.history.seats)) - 1 & ~absent):
            self.call(self.account(seat), "commit", self.number, DIGEST)

    @in_phase(Phase.ATTEST)
    @rule(absent=ABSENT, accepted=MASK)
    def most_attest(self, absent: int, accepted: int) -> None:
        """Everyone committed, but for some, of one opinion."""
        committed = self.circle.twin.state.committed
        for seat in seats_of(committed & ~absent):
            judged = committed & ~(1 << seat)
            self.call(self.account(seat), "attest", self.number, judged, accepted & judged, RECORD)

    @in_phase(Phase.ATTEST, Phase.SETTLE)
    @rule(who=WHO)
    def settle(self, who: int) -> None:
        """Anyone, of the round under way."""
        self.call(who, "settle", self.number)

    @in_phase(Phase.COMMIT, Phase.ATTEST)
    @rule(who=WHO)
    def advance(self, who: int) -> None:
        """Anyone."""
        self.call(who, "advance")

    @in_phase(Phase.COMMIT, Phase.ATTEST)
    @rule(offset=st.sampled_from([-1, 0, 0, 1]), is_patient=RARELY)
    def wait(self, offset: int, is_patient: bool) -> None:
        """Time passes to the deadline, or to where a round is given up, or one second more or less."""
        patience_s = PATIENCE * self.circle.terms.attest_window_s if is_patient else 0
        seconds = self.circle.twin.state.deadline_s + patience_s + offset - self.machine.now_s
        self.machine.pass_time(max(0, seconds))

    @in_phase(Phase.COMMIT)
    @rule(silent=ABSENT, missing=ABSENT, opinions=st.lists(MASK, min_size=1, max_size=ACCOUNTS))
    def whole_round(self, silent: int, missing: int, opinions: list[int]) -> None:
        """A round from commit to settlement, each judge with its own opinion, as far as it comes."""
        self.most_commit(missing)
        if self.circle.twin.phase == Phase.COMMIT:
            self.wait(0, False)
            self.advance(0)
        for seat in seats_of(self.circle.twin.state.committed & ~silent):
            self.attest(self.account(seat), 2**ACCOUNTS - 1, opinions[seat % len(opinions)])
        if self.circle.twin.phase == Phase.ATTEST:
            self.wait(0, False)
        self.settle(0)

    # What a single seat may do.

    @in_phase(Phase.COMMIT)
    @rule(who=WHO)
    def commit(self, who: int) -> None:
        """Anyone, once or again."""
        self.call(self.seated(who), "commit", self.number, DIGEST)

    @in_phase(Phase.ATTEST)
    @rule(who=WHO, judged=MASK, accepted=MASK)
    def attest(self, who: int, judged: int, accepted: int) -> None:
        """Anyone, of those it may judge."""
        who = self.seated(who)
        seat = self.circle.twin.history.seat_of(self.circle.peers[who])
        assert seat is not None
        judged &= self.circle.twin.state.committed & ~(1 << seat)
        self.call(who, "attest", self.number, judged, accepted & judged, RECORD)

    @in_phase(Phase.COMMIT, Phase.ATTEST, Phase.SETTLE)
    @rule(who=WHO)
    def wake(self, who: int) -> None:
        """Anyone."""
        self.call(self.seated(who), "wake")

    @rule(endpoint=st.one_of(st.just(ENDPOINT), ENDPOINTS))
    def come_late(self, endpoint: str) -> None:
        """The next account joins."""
        self.call(min(len(self.circle.twin.history.seats), ACCOUNTS - 1), "join", endpoint)

    @rule(who=WHO, data=st.data())
    def stray(self, who: int, data: st.DataObject) -> None:
        """Any call at any time, most often one the contract refuses."""
        name = data.draw(st.sampled_from(sorted(STRAY_ARGUMENTS)), "call")
        arguments = [data.draw(strategy) for strategy in STRAY_ARGUMENTS[name]]
        if name in ("commit", "attest", "settle"):
            arguments[0] = max(0, self.number + arguments[0])
        self.call(who, name, *arguments)

    def seated(self, who: int) -> int:
        """One of the accounts that have a seat."""
        return self.account(who % len(self.circle.twin.history.seats))

    def account(self, seat: int) -> int:
        """Which of the machine's accounts sits there."""
        return self.circle.peers.index(self.circle.twin.history.seats[seat].peer)

    @invariant()
    def agree(self) -> None:
        """Contract and twin hold the same state."""
        if hasattr(self, "circle"):
            self.circle.check()
