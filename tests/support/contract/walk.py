"""Random walks: calls of any kind, by anyone, at any time, after each of which contract and twin must agree.

Every step goes through `CircleUnderTest.call`, which asserts that the twin foretold the outcome (the reason of a
refusal, or the events), that the fold takes no event the contract refused, and that state and money are equal.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak

from ledger.circle.draw import seats_of
from ledger.circle.events import Answer, Stage
from ledger.circle.history import Phase
from ledger.identity.network import Network
from ledger.identity.signing import announcement_hash, encode_compact, sign
from tests.support.contract.calldata import functions, read, spoiled
from tests.support.contract.harness import DIGEST, ENDPOINT, NOBODY, RECORD, CircleUnderTest, ContractTerms
from tests.support.contract.machines import BareMachine
from tests.support.contract.terms import BY_INVITER, OPEN
from tests.support.contract.twin.rounds import PATIENCE_WINDOWS
from tests.support.contract.twin.state import Case

ACCOUNTS: Final = 9
WINDOW_S: Final = 10
DISPUTE_WINDOW_S: Final = 3 * WINDOW_S
MAX_SEATS: Final = 256
ENDPOINTS: Final = (ENDPOINT, "wss://a:1", "x" * 256, " ~", "", "a\n", "y" * 32 + "\x00", "ö")
DIGESTS: Final = (DIGEST, DIGEST, RECORD, bytes(32))
HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER: Final = 2 * HALF_ORDER + 1


def random_terms(chance: Random) -> ContractTerms:
    """A small circle whose windows a few calls lead through. The inviter is the last account."""
    start_seats = chance.randint(2, 5)
    admission = chance.choice([OPEN, OPEN, BY_INVITER, 2])
    has_disputes = chance.random() < 0.75
    return ContractTerms(
        start_seats=start_seats,
        quorum=chance.randint(2, start_seats),
        last_round=chance.choice([3, 8, 300, 300]),
        commit_window_s=WINDOW_S,
        attest_window_s=2 * WINDOW_S,
        degree=chance.choice([1, 2, 3, 4, 5, 20]),
        reputation_shift=chance.choice([1, 1, 3, 8]),
        reputation_floor=chance.choice([32767, 30000, 16384, 256]),
        eject_after=chance.choice([0, 1, 2, 3]),
        bond=chance.choice([7, 1001]) if has_disputes else chance.choice([0, 7]),
        unbonding_s=chance.choice([0, WINDOW_S]) + (8 * DISPUTE_WINDOW_S if has_disputes else 0),
        rotation_delay_s=chance.choice([0, 0, WINDOW_S]),
        dispute_bond=101 if has_disputes else 0,
        dispute_window_s=DISPUTE_WINDOW_S,
        jury_seats=chance.choice([1, 3, 21]),
        admission=admission,
        inviter="inviter" if admission != OPEN else NOBODY,
    )


class Walk:
    """One circle under random calls. machine: by default one for it.

    accepted, refused: how many calls of each name were.
    """

    def __init__(self, terms: ContractTerms, check_every: int = 1, machine: BareMachine | None = None) -> None:
        machine = machine or BareMachine(ACCOUNTS)
        if terms.inviter == "inviter":
            terms = terms.but(inviter=machine.accounts[-1])
        self.machine, self.terms = machine, terms
        self.circle = CircleUnderTest(machine, terms, check_every)
        self.twin, self.artifact = self.circle.twin, self.circle.artifact
        self.accepted, self.refused = Counter[str](), Counter[str]()
        self.calls, self._views = functions(self.artifact, views=False), functions(self.artifact, views=True)

    @property
    def steps(self) -> int:
        """How many calls were made."""
        return self.accepted.total() + self.refused.total()

    def call(self, sender: str, name: str, *arguments: object, **options: Any) -> None:
        """Make a call; whether it succeeds is the twin's to say."""
        outcome = self.circle.call(sender, name, *arguments, **options)
        (self.refused if isinstance(outcome, str) else self.accepted)[name] += 1

    def crowd(self) -> None:
        """Use up all but a few seats, so that those given up are taken again. Before the first round only."""
        peer, cold = self.circle.peers[0], self.circle.colds[0]
        for seat in range(MAX_SEATS - 4):
            self.call(peer, "join", ENDPOINT, cold, *self.invite(len(self.circle.peers) - 1, 0, seat))
            self.call(cold, "leave", seat)
            self.machine.pass_time(self.terms.unbonding_s)
            self.call(cold, "release", seat)

    def invite(self, inviter: int, peer: int, nonce: int) -> tuple[int, ...]:
        """An invitation of one account by another, or something else where none is asked for."""
        if self.terms.admission == OPEN:
            return (0, 0, 0, 0)
        return self.circle.invitation(inviter, peer, nonce)

    def take(self, chance: Random) -> None:
        """One step, most often one that leads on."""
        step = chance.choices(STEPS, WEIGHTS)[0]
        while step in _LEADS_ON and not _LEADS_ON[step](self) and chance.random() < 0.85:
            step = chance.choices(STEPS, WEIGHTS)[0]
        getattr(self, step)(chance)

    # ------------------------------------------------------------------------------------- through the rounds

    def commit(self, chance: Random) -> None:
        """Most of those who may commit do."""
        absent = self._absent(chance)
        for seat in seats_of((self.twin.roster | self.twin.late) & self.twin.members & ~absent):
            self.call(self._peer(seat), "commit", self.twin.number, DIGEST)

    def attest(self, chance: Random) -> None:
        """Most who committed judge their neighbours, most often alike."""
        if self.twin.phase != Phase.ATTEST:
            return
        rejected = chance.choice([0, 0, 0b1, 0b10, 0b111, chance.getrandbits(12)])
        unjudged = chance.choice([0, 0, 0, chance.getrandbits(12)])
        for seat in seats_of(self.twin.committed & self.twin.members & ~self._absent(chance)):
            own = chance.getrandbits(12) if chance.random() < 0.2 else rejected
            self.call(self._peer(seat), "attest", self.circle.verdicts(seat, own, unjudged), RECORD)

    def settle(self, chance: Random) -> None:
        """Anyone, most often the round under way."""
        self.call(self._anyone(chance), "settle", self._number(chance))

    def advance(self, chance: Random) -> None:
        """Anyone; now and then after the hash of the closing block is out of reach."""
        if chance.random() < 0.1:
            self.machine.pass_blocks(chance.choice([254, 255, 256]))
        self.call(self._anyone(chance), "advance")

    def wait(self, chance: Random) -> None:
        """Time passes to a deadline, or a second more or less; or until a round is given up."""
        due = [self.twin.deadline_s, *(d.deadline for d in self.twin.disputes if d.outcome is None)]
        if chance.random() < 0.2:
            due.append(self.twin.deadline_s + PATIENCE_WINDOWS * self.terms.attest_window_s)
        due += [held.free_at for held in self.twin.seats.values() if held.free_at]
        due += [held.announced[2] for held in self.twin.seats.values() if held.announced]
        later = [second for second in due if second >= self.machine.now_s]
        if later:
            seconds = chance.choice(later) + chance.choice([-1, 0, 0, 0, 1]) - self.machine.now_s
            self.machine.pass_time(max(0, seconds))

    def round(self, chance: Random) -> None:
        """A round from commit to settlement, as far as it comes."""
        self.commit(chance)
        if self.twin.phase == Phase.COMMIT:
            self.machine.pass_time(max(0, self.twin.deadline_s - self.machine.now_s))
            self.advance(chance)
        self.attest(chance)
        if self.twin.phase == Phase.ATTEST:
            self.machine.pass_time(max(0, self.twin.deadline_s - self.machine.now_s))
            self.call(self._anyone(chance), "settle", self.twin.number)

    # ------------------------------------------------------------------------------------------ seats and keys

    def come(self, chance: Random) -> None:
        """An account without a seat joins, if there is one; invited most often where that is asked for."""
        free = [account for account in self.circle.peers if self.twin.seat_of(account) is None]
        peer = chance.choice(free or self.circle.peers)
        endpoint = ENDPOINT if chance.random() < 0.8 else chance.choice(ENDPOINTS)
        cold = chance.choice(self.circle.colds) if chance.random() < 0.95 else NOBODY
        self.call(peer, "join", endpoint, cold, *self._invitation(peer, chance), **self._value(chance))

    def move(self, chance: Random) -> None:
        """A peer publishes an endpoint."""
        self.call(self._anyone(chance), "move", chance.choice(ENDPOINTS))

    def wake(self, chance: Random) -> None:
        """Some peers ask for the roster."""
        for _ in range(chance.randint(1, 3)):
            self.call(self._anyone(chance), "wake")

    def leave(self, chance: Random) -> None:
        """A cold key gives its seat up."""
        seat = self._seat(chance)
        self.call(self._cold(seat, chance), "leave", seat)

    def eject(self, chance: Random) -> None:
        """Anyone ejects: a seat that is due, if there is one."""
        due = [seat for seat, held in self.twin.seats.items() if held.is_held and held.strikes]
        self.call(self._anyone(chance), "eject", chance.choice(due) if due else self._seat(chance))

    def release(self, chance: Random) -> None:
        """Anyone releases: a seat that was given up, if there is one."""
        given_up = [s for s, held in self.twin.seats.items() if not held.is_held and not held.is_released]
        self.call(self._anyone(chance), "release", chance.choice(given_up) if given_up else self._seat(chance))

    def restart(self, chance: Random) -> None:
        """A seat's hot or cold key says that its base is lost."""
        seat = self._seat(chance)
        held = self.twin.seats.get(seat)
        own = [held.peer, held.cold] if held else []
        self.call(chance.choice([*own, *own, self._anyone(chance)]), "restart", seat)

    def withdraw(self, chance: Random) -> None:
        """Somebody takes what it is owed. The circle itself, named as a cold key, has no key to call with."""
        owed = [account for account in self.twin.owed if account != self.circle.address]
        self.call(chance.choice([*owed, self._anyone(chance)]), "withdraw")

    def rotate(self, chance: Random) -> None:
        """A cold key announces keys: fresh ones, somebody's, or the present ones."""
        seat = self._seat(chance)
        held = self.twin.seats.get(seat)
        own = (held.peer, held.cold) if held else (NOBODY, NOBODY)
        hot = chance.choice([*self.circle.peers, own[0], own[0], NOBODY])
        cold = chance.choice([*self.circle.colds[:3], own[1], own[1], own[1], NOBODY])
        self.call(self._cold(seat, chance), "rotate", seat, hot, cold)

    def finish_rotation(self, chance: Random) -> None:
        """The announced key, or another, puts itself in force."""
        announced = [(s, held.announced[0]) for s, held in self.twin.seats.items() if held.announced]
        seat, caller = chance.choice(announced) if announced else (self._seat(chance), self._anyone(chance))
        self.call(caller if chance.random() < 0.8 else self._anyone(chance), "finish_rotation", seat)

    # ---------------------------------------------------------------------------------------------- the faults

    def report(self, chance: Random) -> None:
        """Two announcements are shown, true ones or spoiled in one place."""
        author = chance.choice(self.circle.peers)
        number = self._number(chance)
        words = list(self._announcements(author, number))
        if chance.random() < 0.5:
            self._spoil(words, chance)
        self.call(self._anyone(chance), "report_equivocation", *words)

    def dispute(self, chance: Random) -> None:
        """Somebody disputes what was said, now and then a judge's record; often the jury is summoned at once."""
        number = chance.choice([self.twin.number - 1, self._number(chance), max(1, self.twin.number - 2)])
        judge = self._seat(chance)
        target = judge if chance.random() < 0.2 else self._seat(chance)
        self.call(self._anyone(chance), "dispute", max(0, number), judge, target, DIGEST, **self._value(chance))
        if chance.random() < 0.7:
            self.summon(chance)

    def summon(self, chance: Random) -> None:
        """Anyone calls a jury, now and then too late."""
        if chance.random() < 0.05:
            self.machine.pass_blocks(chance.choice([254, 255, 256]))
        self.call(self._anyone(chance), "summon", self._dispute_number(chance))

    def vote(self, chance: Random) -> None:
        """Most of those who are asked vote, most often alike."""
        number, answer = self._dispute_number(chance), self._answer(chance)
        asked = self.twin.disputes[number].asked if number < len(self.twin.disputes) else 0
        for seat in seats_of(asked & self.twin.bonded & ~self._absent(chance)):
            own = answer if chance.random() < 0.8 else self._answer(chance)
            self.call(self._peer(seat), "vote", number, self._said(number, own, chance))
        if chance.random() < 0.2:
            self.call(self._anyone(chance), "vote", number, self._said(number, answer, chance))

    def appeal(self, chance: Random) -> None:
        """Anyone asks for the whole circle."""
        number = self._dispute_number(chance)
        said = self._said(number, Answer.REJECTS, chance)
        self.call(self._anyone(chance), "appeal", number, said, **self._value(chance))

    def trial(self, chance: Random) -> None:
        """A dispute from where it stands to its end, as far as it comes."""
        number, answer = self._dispute_number(chance), self._answer(chance)
        if number >= len(self.twin.disputes):
            return
        case = self.twin.disputes[number]
        for _ in range(len(Stage)):
            if case.stage == Stage.DRAWING:
                self.call(self._anyone(chance), "summon", number)
            if case.stage == Stage.APPEAL and chance.random() < 0.8:
                self.call(self._anyone(chance), "appeal", number, self._said(number, Answer.REJECTS, chance))
            for seat in seats_of(case.asked & self.twin.bonded):
                said = answer if case.stage == Stage.CIRCLE or chance.random() < 0.6 else self._answer(chance)
                self.call(self._peer(seat), "vote", number, self._said(number, said, chance))
            self.machine.pass_time(max(0, case.deadline - self.machine.now_s) if chance.random() < 0.5 else 0)
            self.call(self._anyone(chance), "resolve", number)

    def _answer(self, chance: Random) -> int:
        return chance.choice([Answer.UPHOLDS, Answer.UPHOLDS, Answer.REJECTS, Answer.REJECTS, Answer.WITHHELD])

    def _said(self, number: int, answer: int, chance: Random) -> int:
        if number >= len(self.twin.disputes):
            return answer
        said = self.circle.said(number, answer)
        return said if chance.random() < 0.97 else said ^ chance.choice([1, 2, 3, 4, 1 << 10, 1 << 18, 1 << 255])

    def resolve(self, chance: Random) -> None:
        """Anyone closes a dispute."""
        self.call(self._anyone(chance), "resolve", self._dispute_number(chance))

    # ----------------------------------------------------------------------------------------- anything at all

    def stray(self, chance: Random) -> None:
        """Any call at any time with arguments of the right types, most often one the contract refuses."""
        name = chance.choice(self.calls)
        types = self.artifact.find_types("function", name)
        self.call(
            self._anyone(chance), name, *(self._value_of(kind, chance) for kind in types), **self._value(chance)
        )

    def noise(self, chance: Random) -> None:
        """Calldata that is no call, or only just one."""
        if chance.random() < 0.2:
            data = chance.randbytes(chance.choice([0, 1, 3, 4, 36, 100, 500]))
            if not self.is_call(data):
                self._send_noise(data, chance)
        else:
            self.spoiled_call(chance.choice(self.calls), chance)

    def spoiled_call(self, name: str, chance: Random) -> None:
        """A call whose calldata was changed a little."""
        data = spoiled(self.call_data_of(name, chance), chance)
        arguments = read(self.artifact.find_types("function", name), data[4:])
        if arguments is None:
            self._send_noise(data, chance)
        else:
            self.call(self._anyone(chance), name, *arguments, data=data, **self._value(chance))

    def call_data_of(self, name: str, chance: Random) -> bytes:
        """A call with any arguments of the right types."""
        types = self.artifact.find_types("function", name)
        return self._selector(name) + abi_encode(types, tuple(self._value_of(kind, chance) for kind in types))

    def is_call(self, data: bytes) -> bool:
        """Whether calldata begins like one of the contract's functions."""
        return data[:4] in {self._selector(name) for name in (*self.calls, *self._views)}

    def _send_noise(self, data: bytes, chance: Random) -> None:
        self.circle.raw(self._anyone(chance), data, chance.choice([0, 0, 1, self.terms.bond]))
        self.refused["no call"] += 1

    def _selector(self, name: str) -> bytes:
        return keccak(f"{name}({','.join(self.artifact.find_types('function', name))})".encode())[:4]

    # ------------------------------------------------------------------------------------------------- choices

    def _anyone(self, chance: Random) -> str:
        """Mostly a peer with a seat."""
        seated = [held.peer for held in self.twin.seats.values() if held.is_held]
        if seated and chance.random() < 0.7:
            return chance.choice(seated)
        return chance.choice([*self.circle.peers, *self.circle.colds])

    def _peer(self, seat: int) -> str:
        return self.twin.seats[seat].peer

    def _cold(self, seat: int, chance: Random) -> str:
        held = self.twin.seats.get(seat)
        return held.cold if held and chance.random() < 0.9 else chance.choice(self.circle.colds)

    def _seat(self, chance: Random) -> int:
        members = seats_of(self.twin.members)
        if members and chance.random() < 0.8:
            return chance.choice(members)
        return chance.choice([0, 1, 2, 255, 256, 2**255, len(self.twin.seats), chance.randrange(8)])

    def _number(self, chance: Random) -> int:
        offset = chance.choice([0, 0, 0, 0, 0, 0, -1, 1, 2**64])
        return max(0, self.twin.number + offset)

    def _absent(self, chance: Random) -> int:
        return chance.choice([0, 0, 0, 0b1, 0b10, 0b100, chance.getrandbits(MAX_SEATS)])

    def _dispute_number(self, chance: Random) -> int:
        open_ = [number for number, case in enumerate(self.twin.disputes) if case.outcome is None]
        if open_ and chance.random() < 0.9:
            return chance.choice(open_)
        return chance.choice([0, len(self.twin.disputes), 2**256 - 1])

    def _value(self, chance: Random) -> dict[str, int]:
        """Mostly what the call asks for."""
        return {} if chance.random() < 0.9 else {"value": chance.choice([0, 1, self.terms.bond, 2**90])}

    def _invitation(self, peer: str, chance: Random) -> tuple[int, ...]:
        if self.terms.admission == OPEN or chance.random() < 0.05:
            return tuple(chance.choice([0, 1, 2**256 - 1]) for _ in range(4))
        peers = self.circle.peers
        inviter = len(peers) - 1 if chance.random() < 0.6 else chance.randrange(len(peers))
        invited = peers.index(peer) if chance.random() < 0.95 else chance.randrange(len(peers))
        expiry = self.machine.now_s + chance.choice([-1, 0, WINDOW_S])
        words = list(self.circle.invitation(inviter, invited, chance.choice([1, 1, 2, 2**256 - 1]), expiry))
        if chance.random() < 0.05:
            words[chance.randrange(4)] ^= 1 << chance.randrange(256)
        return tuple(words)

    def _announcements(self, author: str, number: int) -> list[object]:
        words: list[object] = [author, number]
        for digest in (DIGEST, RECORD):
            signed = announcement_hash(self.circle.network, number, author, digest)
            words += [digest, *encode_compact(sign(self.machine.keys[author], signed))]
        return words

    def _spoil(self, words: list[Any], chance: Random) -> None:
        match chance.randrange(6):
            case 0:
                words[0] = chance.choice([*self.circle.peers, NOBODY])
            case 1:
                words[1] += 1
            case 2:
                words[2] = words[5]
            case 3:
                place = chance.choice([3, 4, 6, 7])
                words[place] ^= 1 << chance.randrange(256)
            case 4:  # the other s, which signs the same: malleable
                vs = words[4]
                s = ORDER - (vs & (2**255 - 1))
                words[4] = s | ((vs >> 255) ^ 1) << 255
            case 5:
                other = Network.of(self.circle.network.chain_id + 1, self.circle.network.contract)
                signed = announcement_hash(other, words[1], words[0], words[2])
                words[3], words[4] = encode_compact(sign(self.machine.keys[words[0]], signed))

    def _value_of(self, kind: str, chance: Random) -> Any:
        match kind:
            case "uint256":
                near = [self._number(chance), self._seat(chance), self._dispute_number(chance), self.machine.now_s]
                return chance.choice([*near, 0, 1, 2**256 - 1, chance.getrandbits(256)])
            case "bytes32":
                return chance.choice([*DIGESTS, chance.randbytes(32)])
            case "address":
                return chance.choice([*self.circle.peers, *self.circle.colds, NOBODY, self.circle.address])
            case "bool":
                return chance.random() < 0.5
            case "string":
                return chance.choice(ENDPOINTS)
        raise AssertionError(f"no function takes a {kind}")


def _open_cases(walk: Walk, *stages: Stage) -> list[Case]:
    return [case for case in walk.twin.disputes if case.outcome is None and case.stage in (stages or Stage)]


# What a step may be, and how often it is.
_WEIGHTS: Final = {
    "round": 4,
    "commit": 3,
    "attest": 4,
    "settle": 3,
    "advance": 3,
    "wait": 5,
    "come": 5,
    "move": 1,
    "wake": 4,
    "leave": 1,
    "eject": 4,
    "release": 4,
    "withdraw": 3,
    "rotate": 2,
    "finish_rotation": 5,
    "report": 2,
    "dispute": 5,
    "summon": 6,
    "vote": 5,
    "appeal": 4,
    "trial": 3,
    "resolve": 5,
    "restart": 1,
    "stray": 3,
    "noise": 3,
}
STEPS: Final = list(_WEIGHTS)
WEIGHTS: Final = list(_WEIGHTS.values())
# When a step may lead on; at other times it is rarely taken.
_LEADS_ON: Final[Mapping[str, Callable[[Walk], bool]]] = {
    "round": lambda walk: walk.twin.phase == Phase.COMMIT,
    "commit": lambda walk: walk.twin.phase == Phase.COMMIT,
    "attest": lambda walk: walk.twin.phase == Phase.ATTEST,
    "settle": lambda walk: walk.twin.phase == Phase.ATTEST,
    "advance": lambda walk: walk.twin.phase == Phase.COMMIT,
    "come": lambda walk: walk.twin.members.bit_count() < ACCOUNTS - 2,
    "wake": lambda walk: walk.twin.phase != Phase.GATHERING,
    "leave": lambda walk: walk.twin.members.bit_count() > walk.terms.quorum,
    "eject": lambda walk: any(held.strikes for held in walk.twin.seats.values()),
    "release": lambda walk: any(not h.is_held and not h.is_released for h in walk.twin.seats.values()),
    "withdraw": lambda walk: bool(walk.twin.owed),
    "finish_rotation": lambda walk: any(held.announced for held in walk.twin.seats.values()),
    "report": lambda walk: walk.twin.members.bit_count() > walk.terms.quorum,
    "dispute": lambda walk: walk.terms.dispute_bond > 0 and walk.twin.number > 1,
    "summon": lambda walk: bool(_open_cases(walk, Stage.DRAWING)),
    "vote": lambda walk: bool(_open_cases(walk, Stage.JURY, Stage.CIRCLE)),
    "appeal": lambda walk: bool(_open_cases(walk, Stage.APPEAL)),
    "trial": lambda walk: bool(_open_cases(walk)),
    "resolve": lambda walk: bool(_open_cases(walk)),
}
