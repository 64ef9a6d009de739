"""Histories as the contract can write them, made at random from a number; and its running hash, a second time."""

from random import Random
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak

from ledger.circle import events
from ledger.circle.draw import draw_jury, mask_of, seats_of
from ledger.circle.history import CircleTerms, History, Phase
from ledger.circle.members import Dispute
from ledger.circle.reputation import INITIAL, pack
from ledger.circle.verdict_word import encode_verdicts
from tests.support.histories.parts import (
    BOND,
    DISPUTE_BOND,
    address,
    cold,
    current_round,
    digest,
    endpoint,
    joined,
    manifest_of,
    opened,
)

# In the order of the contract's constants OPENED = 1 … RESTARTED = 22.
KINDS = ["Opened", "Joined", "Moved", "Woken", "Committed", "Drawn", "Attested", "Settled", "Left", "Ejected"]
KINDS += [
    "Released",
    "Rotating",
    "Rotated",
    "Equivocated",
    "Disputed",
    "Summoned",
    "Voted",
    "Resolved",
    "Withdrawn",
    "Referred",
    "Appealed",
    "Restarted",
]
WINDOW_S = 500


def running_hash(story: "Story") -> bytes:
    """The contract's `history` after these events, from its ABI encoding; rounds counted beside the fold."""
    running, clock_bits, seed = 0, 64, bytes(32)
    for event, number in zip(story.events, story.numbers, strict=True):
        kind = KINDS.index(type(event).__name__) + 1
        seat = getattr(event, "seat", getattr(event, "judge", 0))
        if isinstance(event, events.Summoned | events.Resolved | events.Referred | events.Appealed):
            seat = story.judges[event.dispute]
        if isinstance(event, events.Drawn):
            drawn, seed = event.seed, bytes(32)
        elif isinstance(event, events.Attested):
            seed = drawn
        head = running << clock_bits | kind << 56 | number << 16 | seat
        words = (_words(event) + [bytes(32)] * 3)[:3]
        if isinstance(event, events.Settled):
            words[2] = seed
        entry = keccak(abi_encode(["uint256", "bytes32", "bytes32", "bytes32"], [head, *words]))
        running = int.from_bytes(entry, "big") >> clock_bits
    return running.to_bytes(24, "big")


def _words(event: events.Event) -> list[bytes]:
    """What the contract folds of an event beside kind, round and seat: up to three words."""

    def hashed(types: list[str], *values: Any) -> bytes:
        return keccak(abi_encode(types, values))

    def word(kind: str, value: int | str) -> bytes:
        return abi_encode([kind], [value])

    match event:
        case events.Opened():
            return [event.task]
        case events.Joined():
            keys = hashed(["address", "address"], event.cold, event.inviter)
            return [word("address", event.peer), keys, keccak(event.endpoint.encode())]
        case events.Moved():
            return [keccak(event.endpoint.encode())]
        case events.Committed():
            return [event.digest]
        case events.Drawn():
            return [word("uint256", event.committed)]
        case events.Attested():
            return [word("uint256", event.verdicts), event.record]
        case events.Settled():
            return [word("uint256", event.attested), hashed(["uint256[16]"], event.reputations)]
        case events.Left() | events.Ejected():
            return [word("uint256", event.burned), word("uint256", event.free_at)]
        case events.Released():
            return [word("uint256", event.bond)]
        case events.Rotating():
            return [word("address", event.peer), word("address", event.cold), word("uint256", event.rotates_at)]
        case events.Rotated():
            return [word("address", event.peer), word("address", event.cold)]
        case events.Equivocated():
            what = hashed(["uint256", "uint256"], event.round, event.free_at)
            return [what, word("address", event.reporter), word("uint256", event.bond)]
        case events.Disputed():
            types = ["uint256", "uint256", "uint256", "address", "bytes32", "uint256", "uint256"]
            said = (event.dispute, event.round, event.target, event.challenger, event.evidence, event.electorate)
            return [hashed(types, *said, event.deadline)]
        case events.Summoned():
            types = ["uint256", "bytes32", "uint256", "uint256"]
            return [hashed(types, event.dispute, event.seed, event.jury, event.deadline)]
        case events.Voted():
            return [word("uint256", event.dispute), word("uint256", event.answer)]
        case events.Resolved():
            ended = hashed(["uint256", "uint256"], event.fine, event.free_at)
            return [word("uint256", event.dispute), word("uint256", event.outcome), ended]
        case events.Referred():
            return [word("uint256", event.dispute), word("uint256", event.stage), word("uint256", event.deadline)]
        case events.Appealed():
            appellant = word("address", event.appellant)
            return [word("uint256", event.dispute), appellant, word("uint256", event.deadline)]
        case events.Withdrawn():
            return [word("address", event.account), word("uint256", event.amount)]
    return []


class Story:
    """A valid history. number: which one. events: from the deployment to the end, in order.

    Peers come late, move, wake, leave, start anew, rotate their keys, equivocate, dispute, vote and appeal, miss
    commits and attestations, and now and then a seed is drawn again or a round is given up short of its quorum;
    phases close as the contract closes them. `known` is the fold so far, which says what is possible next. numbers:
    the round each event fell into.
    """

    def __init__(self, number: int, rounds: int = 3) -> None:
        self._random = draw = Random(number)
        start = draw.randint(2, 6)
        self.terms = CircleTerms(
            start_seats=start,
            quorum=draw.randint(2, start),
            last_round=rounds,
            degree=4,
            reputation_shift=draw.randint(1, 8),
            reputation_floor=draw.randint(256, INITIAL - 1),
            eject_after=draw.randint(0, 2),
            bond=BOND,
            dispute_bond=draw.choice([0, DISPUTE_BOND]),
            dispute_window_s=WINDOW_S,
            jury_seats=draw.randint(1, 5),
        )
        self.known = History(self.terms)
        self.events: list[events.Event] = []
        self.numbers: list[int] = []
        self.judges: list[int] = []
        self._keys, self._time = 0, 1_700_000_000
        self._write(opened(manifest_of(rounds)))
        while self.known.phase == Phase.GATHERING:
            self._bystand()
            self._join()
        while self.known.phase != Phase.FINISHED:
            self._commits()
            self._attestations()
            settled = self._settlement()
            self._write(settled)
            self._bystand()

    def _write(self, event: events.Event) -> None:
        self.events.append(event)
        self.numbers.append(self.known.number)
        self.known.apply(event)

    def _commits(self) -> None:
        draw, known = self._random, self.known
        absent = {seat for seat in known.seats if draw.random() < 0.2}
        while True:
            self._bystand()
            current = current_round(known)
            awaited = seats_of(known.roster & ~current.committed)
            waiting = awaited + seats_of(known.late)
            enough = len(current.commits) >= known.terms.quorum
            if enough and (not awaited or draw.random() < 0.2):
                break
            if not waiting:
                self._let_somebody_in()
                continue
            seat = draw.choice([s for s in waiting if s not in absent] or waiting)
            self._write(
                events.Committed(known.number, seat, digest("update", known.number, seat, len(self.events)))
            )
        for _ in range(draw.choice([1, 1, 1, 2])):
            seed = digest("seed", known.number, draw.random())
            self._write(events.Drawn(known.number, seed, current.committed))

    def _attestations(self) -> None:
        draw, known = self._random, self.known
        judges = seats_of(current_round(known).committed)
        draw.shuffle(judges)
        few = min(known.terms.quorum, len(judges))
        for judge in judges[: draw.choice([len(judges), draw.randint(few, len(judges)), draw.randint(0, 1)])]:
            self._bystand()
            if not known.seats[judge].is_held:
                continue
            current = current_round(known)
            assert current.seed is not None
            order = current.find_neighbours(4)[judge]
            judged = mask_of([seat for seat in order if draw.random() < 0.9])
            accepted = judged & draw.getrandbits(256) if draw.random() < 0.6 else judged
            word = encode_verdicts(current.seed, known.number, order, judged, accepted)
            self._write(events.Attested(judge, word, digest("record", known.number, judge)))

    def _settlement(self) -> events.Settled:
        known, current = self.known, current_round(self.known)
        return events.Settled(
            known.number, mask_of(list(current.attestations)), pack(known.compute_reputations(current))
        )

    def _let_somebody_in(self) -> None:
        """The circle is short of its quorum: it waits for who wakes or joins."""
        asleep = seats_of(self.known.members & ~self.known.roster & ~self.known.late)
        seat = self.known.find_next_seat()
        if not asleep:
            if seat is None:
                return  # until a seat is released
            asleep = [seat]
            self._write(joined(seat, self._new_key()))
        self._write(events.Woken(self.known.number, self._random.choice(asleep)))

    def _bystand(self) -> None:
        """What anyone may do at any time."""
        for happens in (
            self._join,
            self._move,
            self._wake,
            self._restart,
            self._change_keys,
            self._go,
            self._accuse,
            self._hear,
        ):
            if self._random.random() < 0.08 and self.known.seats:
                happens()
        for seat, held in list(self.known.seats.items()):
            can_go = not held.is_held and not held.is_released and not self.known.is_in_round(seat)
            if can_go and held.disputes == 0 and self._random.random() < 0.3:
                self._write(events.Released(seat, held.bond))
        for account, amount in list(self.known.owed.items()):
            if self._random.random() < 0.2:
                self._write(events.Withdrawn(account, amount))

    def _held(self) -> list[int]:
        return seats_of(self.known.members)

    def _later(self) -> int:
        self._time += self._random.randint(1, 1000)
        return self._time

    def _new_key(self) -> int:
        self._keys += 1
        return self._keys

    def _join(self) -> None:
        seat = self.known.find_next_seat()
        if self.known.phase != Phase.FINISHED and seat is not None and seat < 12:
            self._write(joined(seat, self._new_key()))

    def _move(self) -> None:
        if self._held():
            seat = self._random.choice(self._held())
            self._write(events.Moved(seat, endpoint(self._random.randint(100, 999))))

    def _wake(self) -> None:
        if self._held() and self.known.phase != Phase.FINISHED:
            self._write(events.Woken(self.known.number, self._random.choice(self._held())))

    def _restart(self) -> None:
        able = [seat for seat in self._held() if not self.known.is_in_round(seat)]
        if able and self._random.random() < 0.3:
            self._write(events.Restarted(self._random.choice(able)))

    def _change_keys(self) -> None:
        for seat in self._held():
            held = self.known.seats[seat]
            if held.announced is None:
                if self._random.random() < 0.3:
                    peer = self._random.choice([held.peer, address(self._new_key())])
                    self._write(events.Rotating(seat, peer, cold(self._new_key()), self._later()))
            elif self._random.random() < 0.2:
                self._write(events.Rotating(seat, held.peer, held.cold, 0))
            elif not self.known.is_in_round(seat):
                self._write(events.Rotated(seat, *held.announced[:2]))

    def _go(self) -> None:
        """Somebody leaves, is ejected or convicted."""
        if not self._held() or self._random.random() < 0.5:
            return
        low = [s for s in self._held() if 0 < self.terms.eject_after <= self.known.seats[s].strikes]
        seat = self._random.choice(low or self._held())
        held = self.known.seats[seat]
        if low:
            self._write(events.Ejected(seat, held.bond // 2, self._later()))
        elif self._random.random() < 0.5:
            number = max(self.known.number, held.since_round)
            self._write(events.Equivocated(seat, number, address(seat + 1), held.bond, self._later()))
        else:
            self._write(events.Left(seat, self.known.leaving_burn_wei(seat), self._later() + 8 * WINDOW_S))

    def _accuse(self) -> None:
        known = self.known
        settled = [round_.number for round_ in known.rounds if round_.settled]
        if not settled or self.terms.dispute_bond == 0:
            return
        judge, target = self._random.choice(seats_of(known.bonded) or [0]), self._random.choice(list(known.seats))
        number, held = self._random.choice(settled), known.seats[judge]
        now_s = self._later()
        is_late = held.free_at is not None and now_s + 4 * WINDOW_S > held.free_at
        if held.is_released or number < held.since_round or is_late:
            return
        if known.is_disputed(number, judge, held.tenure, target):
            return
        if known.bonded.bit_count() < self.terms.quorum:
            return
        self.judges.append(judge)
        words = (address(500), digest("evidence"), known.bonded, now_s + WINDOW_S)
        self._write(events.Disputed(len(known.disputes), number, judge, target, *words))

    def _summon(self, dispute: Dispute) -> None:
        seed = digest("jury", dispute.number, self._random.random())
        drawn = draw_jury(seed, dispute.pool, self.terms.jury_seats)
        self._write(events.Summoned(dispute.number, seed, drawn, self._later() + WINDOW_S))

    def _hear(self) -> None:
        """Each open dispute goes on a little."""
        for dispute in self.known.disputes:
            if dispute.outcome is not None:
                continue
            if dispute.stage == events.Stage.DRAWING and self._random.random() < 0.8:
                self._summon(dispute)
            elif dispute.stage == events.Stage.APPEAL and self._random.random() < 0.6:
                self._write(events.Appealed(dispute.number, address(501), self._later() + WINDOW_S))
            share = self._random.choice([0.0, 0.5, 0.9])
            answers = self._random.choice([(1, 1, 1, 0), (1, 0, 2), (0, 0, 0, 1)])
            for seat in seats_of(dispute.asked):
                if self.known.may_vote(seat, dispute) and self._random.random() < share:
                    self._write(events.Voted(dispute.number, seat, self._random.choice(answers)))
            if dispute.is_decided or self._random.random() < 0.5:
                self._take_on(dispute)

    def _take_on(self, dispute: Dispute) -> None:
        """Its stage ends by the votes, or else at its deadline."""
        if not dispute.is_decided:
            self._time = max(self._time, dispute.deadline)
        number, stage = dispute.number, dispute.next_stage
        if stage is not None:
            self._write(events.Referred(number, int(stage), self._later() + WINDOW_S))
            return
        fine, free_at, held = 0, 0, self.known.seats[dispute.claim.judge]
        if dispute.verdict == events.Outcome.UPHELD:
            fine = held.bond if held.convictions else min(held.bond, BOND // 2)
            free_at = self._later() if held.convictions and held.is_held else 0
        self._write(events.Resolved(number, int(dispute.verdict), fine, free_at))
