"""A circle under test: every call is foretold by the twin, run by the contract, and compared in full."""

import copy
from dataclasses import dataclass
from typing import Any

from circle_machines import Machine, Ran
from circle_twin import Foretold, Moment, Twin

from ledger.chain.artifact import circle_artifact
from ledger.chain.circle import CircleState
from ledger.chain.logs import LogDecoder
from ledger.codec import CODECS
from ledger.events import Attested, Committed, Event, Joined, Moved, Settled, Woken
from ledger.history import CircleParameters, History, HistoryFault, Phase
from ledger.manifest import Manifest
from ledger.reputation import pack, unpack
from ledger.topology import mask_of

WINDOW_S = 3600
DIGEST, RECORD = b"\xd1" * 32, b"\xec" * 32
ENDPOINT = "wss://peer.example.org:4001 https://peer.example.org:4002"


@dataclass(frozen=True)
class CircleTerms:
    """The constructor's parameters behind the manifest."""

    start_seats: int = 3
    quorum: int = 2
    last_round: int = 3
    commit_window_s: int = WINDOW_S
    attest_window_s: int = WINDOW_S
    reputation_shift: int = 3
    reputation_floor: int = 16384

    @property
    def arguments(self) -> tuple[int, ...]:
        """In the constructor's order."""
        return tuple(vars(self).values())


def manifest_bytes(rounds: int) -> bytes:
    """A manifest the fold takes."""
    return Manifest(
        version=1,
        task="digits",
        task_options={},
        layout=(("weight", (4, 4)),),
        genesis="ab" * 32,
        codec=CODECS[0],
        degree=4,
        rule="none",
        rule_parameters={},
        rounds=rounds,
    ).encode()


class CircleUnderTest:
    """One deployed circle, its twin, and the accounts of its machine.

    peers[i] is the account that `join_all` seats at i. check_every: compare the whole state after so many calls;
    with many seats that, not the calls, would take most of the time.
    """

    def __init__(self, machine: Machine, terms: CircleTerms, check_every: int = 1) -> None:
        self.machine, self.terms, self.peers = machine, terms, machine.accounts
        self._check_every, self._calls = check_every, 0
        self._artifact = circle_artifact()
        self._decoder = LogDecoder(self._artifact)
        manifest = manifest_bytes(terms.last_round)
        ran = machine.run(self.peers[0], None, self._artifact.creation_data((manifest, *terms.arguments)))
        assert ran.reason is None, ran.reason
        assert ran.created is not None
        self.address = ran.created
        self._artifact.read_immutables(machine.code(self.address), self.address)
        history = History(
            CircleParameters(
                terms.start_seats,
                terms.quorum,
                terms.last_round,
                terms.reputation_shift,
                terms.reputation_floor,
            )
        )
        self.twin = Twin(history, self.address, terms.commit_window_s, terms.attest_window_s)
        (opened,) = self._events(ran)
        history.apply(opened)
        self.gas = ran.gas
        self.check()

    # --------------------------------------------------------------------------------------------- calls

    def call(self, sender: str, name: str, *arguments: object) -> str | list[Event]:
        """Make a call. Returns its events, or the reason it was refused; asserts that the twin foretold it."""
        ran = self.machine.run(sender, self.address, self._artifact.call_data(name, *arguments))
        moment = Moment(ran.timestamp_s, ran.prevrandao)
        foretold = self.twin.foretell(sender, name, arguments, moment)
        assert ran.reason == foretold.reason, f"{name}{arguments} by {sender} in phase {self.twin.phase.name}"
        self.gas = ran.gas
        if ran.reason is not None:
            self._check_fold_refuses(sender, name, arguments, foretold)
            self._check_now_and_then()
            return ran.reason
        events = self._events(ran)
        assert tuple(events) == foretold.events
        self.twin.follow(foretold, moment)
        self._check_now_and_then(foretold.events)
        return events

    def do(self, seat: int, name: str, *arguments: object) -> list[Event]:
        """A call by the peer of a seat that must succeed. Returns its events."""
        outcome = self.call(self.peers[seat], name, *arguments)
        assert isinstance(outcome, list), outcome
        return outcome

    def refusal(self, seat: int, name: str, *arguments: object) -> str:
        """A call by the peer of a seat that must fail. Returns the reason."""
        outcome = self.call(self.peers[seat], name, *arguments)
        assert isinstance(outcome, str), outcome
        return outcome

    def view(self, name: str, *arguments: object) -> tuple[Any, ...]:
        """What a view answers. Raises Refusal."""
        answer = self.machine.ask(self.address, self._artifact.call_data(name, *arguments))
        return self._artifact.result(name, answer)

    # --------------------------------------------------------------------------------------- whole phases

    def join_all(self, count: int | None = None) -> None:
        """Seat the next `count` peers, by default as many as open round 1."""
        first = len(self.twin.history.seats)
        for seat in range(first, first + (self.terms.start_seats if count is None else count)):
            self.do(seat, "join", ENDPOINT)

    def commit_all(self, seats: list[int] | range) -> list[Event]:
        """Each of these seats commits. Returns the last one's events."""
        number = self.state.round
        return [self.do(seat, "commit", number, DIGEST) for seat in seats][-1]

    def attest_all(self, seats: list[int] | range, rejected: int = 0) -> list[Event]:
        """Each of these seats judges all others that committed and accepts all but the mask `rejected`."""
        state, events = self.state, []
        for seat in seats:
            judged = state.committed & ~(1 << seat)
            events = self.do(seat, "attest", state.round, judged, judged & ~rejected, RECORD)
        return events

    def settle(self) -> dict[int, int]:
        """Settle this round. Returns the reputations after it."""
        self.do(0, "settle", self.state.round)
        self.check()
        return self.reputations

    def whole_round(self, seats: list[int] | range, rejected: int = 0) -> dict[int, int]:
        """Commit, attest and settle with these seats, who must be all that are awaited."""
        self.commit_all(seats)
        self.attest_all(seats, rejected)
        return self.settle()

    # ---------------------------------------------------------------------------------------- comparisons

    @property
    def state(self) -> CircleState:
        """What the contract says."""
        values = self.view("state")
        return CircleState(values[0], Phase(values[1]), *values[2:])

    @property
    def reputations(self) -> dict[int, int]:
        """What the contract says."""
        (words,) = self.view("reputation_words")
        return unpack(words, len(self.twin.history.seats))

    def check(self) -> None:
        """Contract and twin agree in every word of the state."""
        self._check_state()
        (words,) = self.view("reputation_words")
        assert words == pack(self.twin.history.reputations)
        assert not self.twin.history.reputation_differences

    def _check_state(self) -> None:
        assert self.state == self.twin.state

    def _check_now_and_then(self, events: tuple[Event, ...] = ()) -> None:
        """Reputations are read where a call may have changed them: reading takes longer than calling."""
        self._calls += 1
        if self._calls % self._check_every == 0:
            moved = any(isinstance(event, Joined | Settled) for event in events)
            self.check() if moved else self._check_state()

    def _events(self, ran: Ran) -> list[Event]:
        assert all(log.address == self.address for log in ran.logs)
        return [self._decoder.decode(log) for log in ran.logs]

    def _check_fold_refuses(self, sender: str, name: str, arguments: tuple[Any, ...], foretold: Foretold) -> None:
        """The fold takes no event that the refused call could have made, as far as it can know."""
        history = self.twin.history
        seat = history.seat_of(sender)
        event: Event | None = None
        if name == "join":
            event = Joined(len(history.seats), sender, *arguments)
        elif name == "settle" and history.round is not None:
            event = Settled(*arguments, mask_of(list(history.round.attestations)), (0,) * 16)
        elif seat is not None:
            event = _EVENTS[name](seat, self.state.round, arguments) if name in _EVENTS else None
        # The fold knows neither the time nor that a deadline closed the attest phase.
        unknowable = foretold.reason in ("settle: attest phase is not due",) or (
            foretold.reason == "attest: phase is closed" and self.twin.phase == Phase.SETTLE
        )
        if event is None or unknowable:
            return
        try:
            copy.deepcopy(history).apply(event)
        except HistoryFault:
            return
        raise AssertionError(f"the contract refused ({foretold.reason}), the fold takes {event}")


_EVENTS = {
    "move": lambda seat, _number, arguments: Moved(seat, *arguments),
    "wake": lambda seat, number, _arguments: Woken(number, seat),
    "commit": lambda seat, _number, arguments: Committed(arguments[0], seat, *arguments[1:]),
    "attest": lambda seat, _number, arguments: Attested(arguments[0], seat, *arguments[1:]),
}
