"""A circle under test: every call is foretold by the twin, run by the contract, and compared in full."""

from copy import copy, deepcopy
from typing import Any

from eth_abi.abi import decode as abi_decode

from ledger.chain.circle import ContractState
from ledger.chain.contract.artifact import Artifact, load_circle_artifact
from ledger.chain.logs import LogDecoder
from ledger.circle.draw import mask_of
from ledger.circle.events import Answer, Event, Joined, Referred, Resolved, Restarted, Settled
from ledger.circle.history import History, Phase
from ledger.circle.manifest import manifest_digest
from ledger.circle.reputation import pack, unpack
from ledger.circle.verdict_word import encode_verdicts
from ledger.identity.network import Network
from ledger.identity.signing import announcement_hash, encode_compact, invitation_hash, sign
from tests.support.contract.machines import CHAIN_ID, BareMachine, Ran
from tests.support.contract.possible import check_fold_refuses
from tests.support.contract.terms import DAY_S, NOBODY, WINDOW_S, ContractTerms, manifest_bytes
from tests.support.contract.twin.circle import Twin

__all__ = ["DAY_S", "DIGEST", "ENDPOINT", "NOBODY", "RECORD", "WINDOW_S", "CircleUnderTest", "ContractTerms"]

DIGEST, RECORD = b"\xd1" * 32, b"\xec" * 32
ENDPOINT = "wss://peer.example.org:4001 https://peer.example.org:4002"
BURNED = "0x000000000000000000000000000000000000dEaD"
UNSIGNED = (0, 0, 0, 0)
EVERYTHING_EVERY = 64
APPEAL_BONDS = 4


class CircleUnderTest:
    """One deployed circle, its twin, the fold of its events, and the accounts of its machine.

    twin: what the protocol says; it foretells. history: what nodes and auditors make of the events; it follows.
    peers[i] is the account that `join_all` seats at i, colds[i] its cold key. check_every: compare the whole state
    after so many calls; with many seats that, not the calls, would take most of the time.
    """

    def __init__(self, machine: BareMachine, terms: ContractTerms, check_every: int = 1) -> None:
        self.machine, self.terms = machine, terms
        self.peers, self.colds = machine.accounts, machine.colds
        self._check_every, self._calls = check_every, 0
        self.artifact = load_circle_artifact()
        self._decoder = LogDecoder(self.artifact)
        self.court = _created(machine.run(self.peers[0], None, bytes.fromhex(self.artifact.court_bytecode[2:])))
        self.terms = terms = terms.but(court=self.court)
        manifest = manifest_bytes(terms)
        ran = machine.run(self.peers[0], None, self.artifact.encode_creation((manifest, terms.words)))
        self.address = _created(ran)
        self.network = Network.of(CHAIN_ID, self.address)
        self.artifact.read_immutables(machine.code(self.address), self.address)
        self.twin, self.history = Twin(terms, self.network, manifest_digest(manifest)), History(terms.circle_terms)
        self._burned_before = machine.balance(BURNED)
        (opened,) = self._events(ran)
        self.history.apply(opened)
        self.clock_slot = next(s for s in range(8) if machine.peek(self.address, s) == self.twin.clock)
        self.gas = ran.gas
        self.check()

    def copy(self) -> "CircleUnderTest":
        """The same circle on a machine of its own: what happens to one does not happen to the other."""
        copied = copy(self)
        copied.machine = self.machine.copy()
        copied.twin, copied.history = deepcopy((self.twin, self.history))
        return copied

    # --------------------------------------------------------------------------------------------- calls

    def call(
        self, sender: str, name: str, *arguments: object, value: int | None = None, data: bytes | None = None
    ) -> str | list[Event]:
        """Make a call. Returns its events, or the reason it was refused; asserts that the twin foretold it.

        value: wei, by default what the call asks for. data: the calldata where it is not the canonical one.
        """
        if value is None:
            value = self.price(name)
        ran = self.machine.run(sender, self.address, data or self.artifact.encode_call(name, *arguments), value)
        foretold = self.twin.take(sender, name, arguments, value, ran.moment)
        assert ran.reason == foretold.reason, f"{name}{arguments} by {sender} in phase {self.history.phase.name}"
        self.gas = ran.gas
        if ran.reason is not None:
            assert not ran.logs
            check_fold_refuses(self.history, sender, name, arguments, ran.reason)
            self._check_now_and_then(())
            return ran.reason
        return self._take_events(ran, foretold.events)

    def follow(self, ran: Ran, *calls: tuple[Any, ...]) -> list[Event]:
        """What an attacker's contract did in a transaction of its own: calls are (sender, name, *arguments).

        Asserts that it did just this, and that everything agrees.
        """
        assert ran.reason is None, ran.reason
        foretold: list[Event] = []
        for sender, name, *arguments in calls:
            taken = self.twin.take(sender, name, tuple(arguments), self.price(name), ran.moment)
            assert taken.reason is None, taken.reason
            foretold += taken.events
        events = self._take_events(ran, tuple(foretold))
        self.check()
        return events

    def price(self, name: str) -> int:
        """The wei that a call asks for."""
        bond = self.terms.dispute_bond
        return {"join": self.terms.bond, "dispute": bond, "appeal": APPEAL_BONDS * bond}.get(name, 0)

    def _take_events(self, ran: Ran, foretold: tuple[Event, ...]) -> list[Event]:
        events = self._events(ran)
        assert tuple(events) == foretold
        for event in events:
            self.history.apply(event)
        assert self.history.hash == self.twin.hash
        self._check_now_and_then(foretold)
        return events

    def do(self, seat: int, name: str, *arguments: object, **options: Any) -> list[Event]:
        """A call by the peer of a seat that must succeed. Returns its events."""
        return self._succeed(self.peers[seat], name, *arguments, **options)

    def do_cold(self, seat: int, name: str, *arguments: object, **options: Any) -> list[Event]:
        """The same by the cold key of a seat."""
        return self._succeed(self.colds[seat], name, *arguments, **options)

    def refusal(self, seat: int, name: str, *arguments: object, **options: Any) -> str:
        """A call by the peer of a seat that must fail. Returns the reason."""
        return self._fail(self.peers[seat], name, *arguments, **options)

    def cold_refusal(self, seat: int, name: str, *arguments: object, **options: Any) -> str:
        """The same by the cold key of a seat."""
        return self._fail(self.colds[seat], name, *arguments, **options)

    def raw(self, sender: str, data: bytes, value: int = 0) -> Ran:
        """Send any bytes that make no call: they must revert and change nothing."""
        ran = self.machine.run(sender, self.address, data, value)
        assert ran.reason is not None, data.hex()
        assert not ran.logs
        self._check_now_and_then(())
        return ran

    def view(self, name: str, *arguments: object) -> tuple[Any, ...]:
        """What a view answers. Raises Refusal."""
        answer = self.machine.ask(self.address, self.artifact.encode_call(name, *arguments))
        return decode_result(self.artifact, name, answer)

    def _succeed(self, sender: str, name: str, *arguments: object, **options: Any) -> list[Event]:
        outcome = self.call(sender, name, *arguments, **options)
        assert isinstance(outcome, list), outcome
        return outcome

    def _fail(self, sender: str, name: str, *arguments: object, **options: Any) -> str:
        outcome = self.call(sender, name, *arguments, **options)
        assert isinstance(outcome, str), outcome
        return outcome

    # ------------------------------------------------------------------------------------ what peers sign

    def join(self, peer: int, *invitation: int, endpoint: str = ENDPOINT, cold: int | None = None) -> list[Event]:
        """The account joins with its own cold key or another's; invitation: nonce, expiry, r, vs."""
        key = self.colds[peer if cold is None else cold]
        return self.do(peer, "join", endpoint, key, *(invitation or UNSIGNED))

    def join_refusal(self, peer: int, *invitation: int, endpoint: str = ENDPOINT, **options: Any) -> str:
        """The same, refused. Returns the reason."""
        return self.refusal(peer, "join", endpoint, self.colds[peer], *(invitation or UNSIGNED), **options)

    def invitation(self, inviter: int, peer: int, nonce: int = 1, expiry: int | None = None) -> tuple[int, ...]:
        """What an account signs to invite another: nonce, expiry (by default in a day), r, vs."""
        until = self.machine.now_s + DAY_S if expiry is None else expiry
        signed = invitation_hash(self.network, self.peers[peer], nonce, until)
        return (nonce, until, *encode_compact(sign(self.machine.keys[self.peers[inviter]], signed)))

    def announcements(self, author: int, number: int, network: Network | None = None) -> tuple[Any, ...]:
        """The arguments of `report_equivocation` for two updates that an account announced in one round."""
        found: list[Any] = [self.peers[author], number]
        for digest in (b"\x01" * 32, b"\x02" * 32):
            signed = announcement_hash(network or self.network, number, self.peers[author], digest)
            found += [digest, *encode_compact(sign(self.machine.keys[self.peers[author]], signed))]
        return tuple(found)

    def verdicts(self, seat: int, rejected: int = 0, unjudged: int = 0) -> int:
        """The word in which a seat accepts all its neighbours but those of a mask."""
        order = self.twin.neighbours(seat)
        judged = mask_of(order) & ~unjudged
        return encode_verdicts(self.twin.draw, self.twin.number, order, judged, judged & ~rejected)

    def said(self, number: int, answer: int = Answer.REJECTS) -> int:
        """The word that names a dispute's claim, with an answer."""
        case = self.twin.disputes[number]
        return case.round << 18 | case.judge << 10 | case.target << 2 | answer

    def vote(self, seats: "range | list[int]", number: int, answer: int) -> None:
        """Each of these seats answers alike, until the stage is decided."""
        for seat in seats:
            self.do(seat, "vote", number, self.said(number, answer))

    # --------------------------------------------------------------------------------------- whole phases

    def join_all(self, count: int | None = None) -> None:
        """Seat the next `count` peers, by default as many as open round 1."""
        first = len(self.twin.seats)
        for peer in range(first, first + (self.terms.start_seats if count is None else count)):
            self.join(peer)

    def commit_all(self, seats: list[int] | range) -> list[Event]:
        """Each of these seats commits. Returns the last one's events."""
        number = self.twin.number
        return [self.do(seat, "commit", number, DIGEST) for seat in seats][-1]

    def attest_all(self, seats: list[int] | range, rejected: int = 0) -> list[Event]:
        """Each of these seats judges all its neighbours and accepts all but the mask `rejected`."""
        events: list[Event] = []
        for seat in seats:
            events = self.do(seat, "attest", self.verdicts(seat, rejected), RECORD)
        return events

    def settle(self) -> dict[int, int]:
        """Settle this round. Returns the reputations after it."""
        self.do(0, "settle", self.twin.number)
        return self.reputations

    def whole_round(self, seats: list[int] | range, rejected: int = 0) -> dict[int, int]:
        """Commit, attest and settle with these seats, who must be all that are waited for."""
        self.commit_all(seats)
        self.attest_all(seats, rejected)
        return self.settle()

    def whole_round_of(self, seats: list[int] | range, *more: int) -> dict[int, int]:
        """The same where some others have committed already."""
        self.commit_all(seats)
        self.attest_all([*seats, *more])
        return self.settle()

    def wait_until_free(self) -> None:
        """Time passes until every seat given up may be released."""
        free_at = max((held.free_at or 0 for held in self.twin.seats.values()), default=0)
        self.machine.pass_time(max(0, free_at - self.machine.now_s))

    # ------------------------------------------------------------------------------------ what takes long

    def put_forward(self, number: int) -> None:
        """The round under way is this one, in contract, twin and fold alike: hundreds of rounds take long."""
        self.twin.number = self.history.rounds[-1].number = number
        self.machine.poke(self.address, self.clock_slot, self.twin.clock)

    def put_off(self, deadline_s: int) -> None:
        """The phase's deadline is another, in contract and twin alike."""
        self.twin.deadline_s = deadline_s
        self.machine.poke(self.address, self.clock_slot, self.twin.clock)

    # ---------------------------------------------------------------------------------------- comparisons

    @property
    def state(self) -> ContractState:
        """What the contract says."""
        values = self.view("state")
        return ContractState(values[0], Phase(values[1]), *values[2:])

    @property
    def reputations(self) -> dict[int, int]:
        """What the contract says."""
        (words,) = self.view("reputation_words")
        return unpack(words, len(self.history.seats))

    def check(self) -> None:
        """Contract, twin and fold agree in every word of the state, and in every wei."""
        self.check_words()
        for seat in range(len(self.twin.seats) + 1):
            self._check_seat(seat)
        for number in range(len(self.twin.disputes)):
            self._check_dispute(number)
        assert self.view("dispute_count") == (len(self.twin.disputes),)
        for account in {*self.peers, *self.colds, *self.twin.owed}:
            self._check_owed(account)
        self._check_fold()

    def check_words(self) -> None:
        """They agree in what the circle holds in a word for all seats."""
        self._check_state()
        self._check_reputations()

    def _check_state(self) -> None:
        assert self.view("state") == self.twin.state(self.machine.moment)
        assert self.view("standing") == self.twin.standing
        pledged, owing = self.view("books")
        assert (pledged, owing) == self.twin.books
        assert self.machine.balance(self.address) == pledged + owing
        assert self.machine.balance(BURNED) - self._burned_before == self.twin.burned

    def _check_reputations(self) -> None:
        (words,) = self.view("reputation_words")
        assert words == pack(self.twin.reputations) == pack(self.history.reputations)
        assert not self.history.reputation_differences

    def _check_fold(self) -> None:
        fold, twin = self.history, self.twin
        assert (fold.phase, fold.number) == (twin.phase, twin.number)
        assert (fold.members, fold.below, fold.woken, fold.roster) == (
            twin.members,
            twin.below,
            twin.woken,
            twin.roster,
        )
        assert (fold.dozing, fold.late, fold.suspended) == (twin.dozing, twin.late, twin.suspended)
        assert fold.pledged == twin.pledged
        assert {a: w for a, w in fold.owed.items() if w} == {a: w for a, w in twin.owed.items() if w}

    def _check_seat(self, seat: int) -> None:
        (found,) = self.view("seat_at", seat)
        # Keys announced once stay in their slots; without a time they mean nothing. Nor does a term that was ended.
        expected = self.twin.seat_at(seat)
        if found[8] == 0:
            found = (*found[:6], None, None, *found[8:])
        if expected[11] is None:
            found = (*found[:11], None, *found[12:])
        assert found == expected
        if seat in self.twin.seats:
            assert self.view("strikes_of", seat) == (self.twin.seats[seat].strikes,)

    def _check_dispute(self, number: int) -> None:
        (found,) = self.view("dispute_at", number)
        assert found == self.twin.dispute_at(number)

    def _check_owed(self, account: str) -> None:
        assert self.view("owed", account) == (self.twin.owed.get(account, 0),)

    def _check_now_and_then(self, events: tuple[Event, ...]) -> None:
        """The clock and the money always; what a call may have changed, and everything from time to time.

        Reading through views takes longer than calling. A call that was refused has changed nothing.
        """
        self._calls += 1
        assert self.machine.peek(self.address, self.clock_slot) == self.twin.clock
        assert self.machine.balance(self.address) == sum(self.twin.books)
        if self._calls % (self._check_every * EVERYTHING_EVERY) == 0:
            self.check()
        elif events and self._calls % self._check_every == 0:
            self._check_state()
            if any(isinstance(event, Joined | Settled | Referred | Resolved | Restarted) for event in events):
                self._check_reputations()
            for event in events:
                self._check_touched(event)

    def _check_touched(self, event: Event) -> None:
        for name in ("seat", "judge"):
            if (seat := getattr(event, name, None)) is not None:
                self._check_seat(seat)
        if (number := getattr(event, "dispute", None)) is not None:
            self._check_dispute(number)
            case = self.twin.disputes[number]
            self._check_seat(case.judge)
            self._check_owed(case.challenger)
        for name in ("account", "reporter", "appellant"):
            if (account := getattr(event, name, None)) is not None:
                self._check_owed(account)

    def _events(self, ran: Ran) -> list[Event]:
        # The court's code runs as the circle's own: its events too are of the one address.
        assert all(log.address == self.address for log in ran.logs)
        return [self._decoder.decode(log) for log in ran.logs]


def _created(ran: Ran) -> str:
    assert ran.reason is None, ran.reason
    assert ran.created is not None
    return ran.created


def decode_result(artifact: Artifact, name: str, data: bytes) -> tuple[Any, ...]:
    """What a function returned."""
    return abi_decode(artifact.find_types("function", name, "outputs"), data)
