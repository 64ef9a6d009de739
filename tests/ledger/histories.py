"""Histories as the contract can write them, made at random from a number; and its running hash, a second time."""

import hashlib
from random import Random

from eth_abi import encode as abi_encode
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from ledger import events
from ledger.history import CircleParameters
from ledger.manifest import Manifest
from ledger.reputation import INITIAL, Verdict, pack, settle
from ledger.topology import mask_of, neighbours, seats_of

KINDS = ["Opened", "Joined", "Moved", "Woken", "Committed", "Drawn", "Attested", "Settled"]
EMPTY = bytes(32)


def digest(*parts):
    """32 bytes named by anything."""
    return hashlib.sha256(repr(parts).encode()).digest()


def address(number):
    """A checksummed address."""
    return to_checksum_address(digest("peer", number)[:20])


def endpoint(number):
    return f"wss://peer-{number}:4001 http://peer-{number}:8080"


def manifest_of(rounds, degree=4, **fields):
    """A manifest of 5,000 parameters."""
    known = {
        "version": 1,
        "task": "tiny",
        "task_options": {},
        "layout": (("weight", (50, 100)),),
        "genesis": "00" * 32,
        "codec": "int8-zstd",
        "degree": degree,
        "rule": "balance",
        "rule_parameters": {"gamma_milli": 300, "kappa_milli": 500},
        "rounds": rounds,
    }
    return Manifest(**(known | fields))


def opened(manifest):
    encoded = manifest.encode()
    return events.Opened(hashlib.sha256(encoded).digest(), encoded)


def running_hash(story):
    """The contract's `history` after these events, from its ABI encoding; rounds counted as the contract counts."""
    running, number, seated, start = EMPTY, 0, 0, story.parameters.start_seats
    for event in story.events:
        words = _words(event)
        kind = KINDS.index(type(event).__name__) + 1
        seat = getattr(event, "seat", 0)
        running = keccak(
            abi_encode(
                ["bytes32", "uint256", "uint256", "uint256", "bytes32", "bytes32", "bytes32"],
                [running, kind, number, seat, *(words + [EMPTY] * 3)[:3]],
            )
        )
        seated += isinstance(event, events.Joined)
        if isinstance(event, events.Joined) and seated == start and number == 0:
            number = 1
        if isinstance(event, events.Settled) and event.round < story.parameters.last_round:
            number += 1
    return running


def _words(event):
    match event:
        case events.Opened():
            return [event.task]
        case events.Joined():
            return [abi_encode(["address"], [event.peer]), keccak(event.endpoint.encode())]
        case events.Moved():
            return [keccak(event.endpoint.encode())]
        case events.Committed():
            return [event.digest]
        case events.Drawn():
            return [event.seed, event.committed.to_bytes(32, "big")]
        case events.Attested():
            return [event.judged.to_bytes(32, "big"), event.accepted.to_bytes(32, "big"), event.record]
        case events.Settled():
            words = abi_encode(["uint256[16]"], [event.reputations])
            return [event.attested.to_bytes(32, "big"), keccak(words)]
    return []


class Story:
    """A valid history. number: which one. events: from the deployment to the end, in order.

    Peers come late, move, wake, miss commits and attestations, and now and then a round is given up short of its
    quorum; phases close as the contract closes them.
    """

    def __init__(self, number, rounds=3):
        self._random = draw = Random(number)
        start = draw.randint(2, 6)
        self.parameters = CircleParameters(
            start_seats=start,
            quorum=draw.randint(2, start),
            last_round=rounds,
            reputation_shift=draw.randint(1, 8),
            reputation_floor=draw.randint(0, INITIAL - 1),
        )
        self.events, self.reputations = [opened(manifest_of(rounds))], {}
        self._woken, self._awaited, self._number, self._committing = 0, 0, 0, False
        while len(self.reputations) < start:
            self._bystand(most_seats=0)
            self._join()
        attested = 0
        for self._number in range(1, rounds + 1):
            attested = self._round(attested)
        if draw.random() < 0.5:
            self._move()

    def _round(self, attested_before):
        draw = self._random
        self._awaited, self._woken = attested_before | self._woken, 0
        committed = self._commits()
        attested = self._attestations(committed)
        if attested.bit_count() >= self.parameters.quorum:
            self.reputations = settle(
                self.reputations,
                committed,
                self._verdicts,
                shift=self.parameters.reputation_shift,
                floor=self.parameters.reputation_floor,
            )
        if draw.random() < 0.3:
            self._bystand()
        # A latecomer's reputation is in the words too.
        self.events.append(events.Settled(self._number, attested, pack(self.reputations)))
        return attested

    def _commits(self):
        draw, committed, self._committing = self._random, 0, True
        absent = {seat for seat in self.reputations if draw.random() < 0.2}
        while True:
            self._bystand()
            waiting = [s for s in self.reputations if not committed >> s & 1]
            willing = [s for s in waiting if s not in absent] or waiting
            enough = committed.bit_count() >= self.parameters.quorum
            if enough and (self._awaited & ~committed == 0 or draw.random() < 0.2 or not waiting):
                break
            seat = draw.choice(willing)
            committed |= 1 << seat
            self.events.append(events.Committed(self._number, seat, digest("update", self._number, seat)))
            if committed.bit_count() >= self.parameters.quorum and self._awaited & ~committed == 0:
                break
        self._committing = False
        self.seed = digest("seed", self._number, draw.random())
        self.events.append(events.Drawn(self._number, self.seed, committed))
        return committed

    def _attestations(self, committed):
        draw, attested = self._random, 0
        self._verdicts = {}
        linked = neighbours(self.seed, committed, 4)
        judges = seats_of(committed)
        draw.shuffle(judges)
        many = draw.choice([len(judges), draw.randint(self.parameters.quorum, len(judges)), draw.randint(0, 1)])
        for judge in judges[:many]:
            self._bystand()
            judged = mask_of([seat for seat in linked[judge] if draw.random() < 0.9])
            verdict = Verdict(judged, judged & draw.getrandbits(256))
            self._verdicts[judge] = verdict
            attested |= 1 << judge
            record = digest("record", self._number, judge)
            self.events.append(events.Attested(self._number, judge, verdict.judged, verdict.accepted, record))
        return attested

    def _bystand(self, most_seats=9):
        """What any seat may do at any time."""
        kind = self._random.random()
        if kind < 0.05 and len(self.reputations) < most_seats:
            self._join()
        elif kind < 0.1 and self.reputations:
            self._move()
        elif kind < 0.15 and self.reputations:
            seat = self._random.choice(list(self.reputations))
            self._woken |= 1 << seat
            if self._committing:
                self._awaited |= 1 << seat
            self.events.append(events.Woken(self._number, seat))

    def _join(self):
        seat = len(self.reputations)
        self.events.append(events.Joined(seat, address(seat), endpoint(seat)))
        self.reputations[seat] = INITIAL
        self._woken |= 1 << seat

    def _move(self):
        seat = self._random.choice(list(self.reputations))
        self.events.append(events.Moved(seat, endpoint(self._random.randint(100, 999))))
