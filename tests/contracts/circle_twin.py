"""The contract's twin in Python: foretells what a call does, from the history fold and the clock alone."""

from dataclasses import dataclass

from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak
from eth_utils.address import to_canonical_address

from ledger.chain.circle import CircleState
from ledger.events import Attested, Committed, Drawn, Event, Joined, Moved, Settled, Woken
from ledger.history import MAX_SEATS, History, Phase, Round
from ledger.reputation import Verdict, pack, settle
from ledger.topology import mask_of

PATIENCE = 16


@dataclass(frozen=True)
class Moment:
    """The block a call runs in."""

    now_s: int
    prevrandao: bytes


@dataclass(frozen=True)
class Foretold:
    """What a call does. reason: why it reverts, else None. settles: it closes the attest phase."""

    reason: str | None = None
    events: tuple[Event, ...] = ()
    closes_attest: bool = False


class Twin:
    """Foretells calls with `foretell` and follows the events they made with `follow`."""

    def __init__(self, history: History, contract: str, commit_window_s: int, attest_window_s: int) -> None:
        self.history, self._contract = history, contract
        self._commit_window_s, self._attest_window_s = commit_window_s, attest_window_s
        self._deadline_s, self._is_closed = 0, False

    # ------------------------------------------------------------------------------------------- what is

    @property
    def phase(self) -> Phase:
        """The contract's phase; unlike the fold it sees the attest phase close."""
        return Phase.SETTLE if self._is_closed else self.history.phase

    @property
    def state(self) -> CircleState:
        """What the contract's `state()` must answer."""
        current = self.history.round or Round(0, {})
        return CircleState(
            round=current.number,
            phase=self.phase,
            deadline_s=self._deadline_s,
            seats=len(self.history.seats),
            committed=current.committed,
            attested=mask_of(list(current.attestations)),
            awaited=self.history.awaited,
            seed=current.seed or bytes(32),
            history=self.history.hash,
        )

    def _is_due(self, present: int, expected: int, now_s: int) -> bool:
        if present.bit_count() < self.history.parameters.quorum:
            return False
        return expected & ~present == 0 or now_s >= self._deadline_s

    # ----------------------------------------------------------------------------------- what a call does

    def foretell(self, sender: str, call: str, arguments: tuple[object, ...], moment: Moment) -> Foretold:
        """The effect of a call in a block."""
        seat = self.history.seat_of(sender)
        if call in ("move", "wake", "commit", "attest"):
            if seat is None:
                return Foretold("seat: caller has none")
            arguments = (seat, *arguments)
        if call == "join":
            arguments = (sender, *arguments)
        foretold: Foretold = getattr(self, f"_{call}")(*arguments, moment)
        return foretold

    def _join(self, sender: str, endpoint: str, moment: Moment) -> Foretold:
        seat = len(self.history.seats)
        refusals = {
            "join: already seated": self.history.seat_of(sender) is not None,
            "join: no free seat": seat == MAX_SEATS,
            "join: circle is finished": self.phase == Phase.FINISHED,
            "join: endpoint is empty": not endpoint,
            "join: endpoint is not printable ASCII": not _is_printable(endpoint),
        }
        return _first(refusals) or Foretold(None, (Joined(seat, sender, endpoint),))

    def _move(self, seat: int, endpoint: str, moment: Moment) -> Foretold:
        refusals = {
            "move: endpoint is empty": not endpoint,
            "move: endpoint is not printable ASCII": not _is_printable(endpoint),
        }
        return _first(refusals) or Foretold(None, (Moved(seat, endpoint),))

    def _wake(self, seat: int, moment: Moment) -> Foretold:
        refusals = {"wake: circle is finished": self.phase == Phase.FINISHED}
        return _first(refusals) or Foretold(None, (Woken(self.state.round, seat),))

    def _commit(self, seat: int, number: int, digest: bytes, moment: Moment) -> Foretold:
        state = self.state
        refusals = {
            "commit: phase is closed": self.phase != Phase.COMMIT,
            "commit: not this round": number != state.round,
            "commit: digest is empty": digest == bytes(32),
            "commit: already committed": state.committed >> seat & 1 == 1,
        }
        if (refused := _first(refusals)) is not None:
            return refused
        committed, events = state.committed | 1 << seat, (Committed(number, seat, digest),)
        if self._is_due(committed, state.awaited, moment.now_s):
            return Foretold(None, (*events, self._drawn(committed, moment)))
        return Foretold(None, events)

    def _attest(
        self, seat: int, number: int, judged: int, accepted: int, record: bytes, moment: Moment
    ) -> Foretold:
        state = self.state
        refusals = {
            "attest: phase is closed": self.phase != Phase.ATTEST,
            "attest: not this round": number != state.round,
            "attest: did not commit": state.committed >> seat & 1 == 0,
            "attest: already attested": state.attested >> seat & 1 == 1,
            "attest: judged one that did not commit": judged & ~(state.committed & ~(1 << seat)) != 0,
            "attest: accepted one that was not judged": accepted & ~judged != 0,
            "attest: record is empty": record == bytes(32),
        }
        if (refused := _first(refusals)) is not None:
            return refused
        closes = self._is_due(state.attested | 1 << seat, state.committed, moment.now_s)
        return Foretold(None, (Attested(number, seat, judged, accepted, record),), closes)

    def _advance(self, moment: Moment) -> Foretold:
        state = self.state
        if self.phase == Phase.COMMIT:
            if not self._is_due(state.committed, state.awaited, moment.now_s):
                return Foretold("advance: commit phase is not due")
            return Foretold(None, (self._drawn(state.committed, moment),))
        due = self._is_due(state.attested, state.committed, moment.now_s)
        refusals = {
            "advance: no phase has a deadline now": self.phase != Phase.ATTEST,
            "advance: attest phase is not due": not due,
        }
        return _first(refusals) or Foretold(None, (), closes_attest=True)

    def _settle(self, number: int, moment: Moment) -> Foretold:
        state = self.state
        due = self._is_due(state.attested, state.committed, moment.now_s)
        given_up = moment.now_s >= self._deadline_s + PATIENCE * self._attest_window_s
        refusals = {
            "settle: not this round": number != state.round,
            "settle: phase is not attested": self.phase not in (Phase.ATTEST, Phase.SETTLE),
            "settle: attest phase is not due": self.phase == Phase.ATTEST and not due and not given_up,
        }
        return _first(refusals) or Foretold(None, (Settled(number, state.attested, self._settled()),))

    def _settled(self) -> tuple[int, ...]:
        history, current = self.history, self.history.round
        assert current is not None
        if len(current.attestations) < history.parameters.quorum:
            return pack(history.reputations)
        verdicts = {seat: Verdict(a.judged, a.accepted) for seat, a in current.attestations.items()}
        shift, floor = history.parameters.reputation_shift, history.parameters.reputation_floor
        return pack(settle(history.reputations, current.committed, verdicts, shift=shift, floor=floor))

    def _drawn(self, committed: int, moment: Moment) -> Drawn:
        number = self.state.round
        words = (moment.prevrandao, number, to_canonical_address(self._contract))
        return Drawn(number, keccak(abi_encode(["bytes32", "uint256", "address"], words)), committed)

    # ----------------------------------------------------------------------------------------- what was

    def follow(self, foretold: Foretold, moment: Moment) -> None:
        """Apply what happened. Raises HistoryFault where the fold refuses it."""
        number = self.state.round
        for event in foretold.events:
            self.history.apply(event)
            if isinstance(event, Drawn):
                self._deadline_s = moment.now_s + self._attest_window_s
        if foretold.closes_attest:
            self._deadline_s, self._is_closed = 0, True
        if self.history.phase == Phase.FINISHED:
            self._deadline_s, self._is_closed = 0, False
        elif self.state.round != number:
            self._deadline_s, self._is_closed = moment.now_s + self._commit_window_s, False


def _first(refusals: dict[str, bool]) -> Foretold | None:
    """The first reason that holds, in the contract's order."""
    return next((Foretold(reason) for reason, holds in refusals.items() if holds), None)


def _is_printable(text: str) -> bool:
    return all(" " <= character <= "~" for character in text)
