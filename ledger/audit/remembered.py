"""What an audit remembers of an earlier one, so that the next one does the new rounds alone.

A file in a folder of the auditor's own holds what all rounds up to one gave: what was found and looked at, what
each judge goes on with, and who published what. It is taken only where everything that it followed from is the
same: the circle, the running hash of its events after that round, the first round, and this program to the byte.
Its digest shows accident, not intent: who can write in the folder can hide a finding, so that an audit with it is
worth as much as the folder's keeping.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

import ledger
from ledger.audit.findings import Report
from ledger.audit.plan import AuditPlan, plan_after, plan_claims
from ledger.audit.round_checks import Standing
from ledger.audit.shares import absorb
from ledger.circle.history import History
from ledger.files import PRIVATE, make_folder, write_whole
from ledger.identity.network import Network
from ledger.rules.judge_memory import CarriedState, JudgeMemory

_MAGIC: Final = b"FMA1"
_DIGEST_BYTES: Final = 32
# Between two times that it is written while an audit runs, so that one which is broken off is not lost.
SAVE_EVERY: Final = 64
_Trace = tuple[int, int, int, bytes]


class _Line(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What one line of a seat goes on with."""

    seat: int
    begun: int
    base: bytes | None
    """(d,) as little-endian int32; None where it is not known."""
    seed: bytes
    traces: list[_Trace]


class _Kept(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The file."""

    program: bytes
    """SHA-256 over this program's source."""
    domain: bytes
    """The circle's domain separator, 32 bytes."""
    first: int
    """The first round that was recomputed."""
    rounds: int
    """The last one."""
    history: bytes
    """The running hash after it, 24 bytes."""
    report: bytes
    """What these rounds added to a report, as JSON."""
    truths: dict[int, bool | None]
    """Dispute → whether the claim is right."""
    copies: list[tuple[bytes, int, int, int]]
    """Who published what first."""
    lines: list[_Line]
    """What the judges go on with."""
    unknown: list[tuple[int, int]]
    """The lines of which it is said that they cannot be recomputed, until their next checkpoint."""


@dataclass(frozen=True)
class Remembered:
    """What was remembered, as an audit goes on with it."""

    first: int
    """The first round that was recomputed."""
    rounds: int
    """The last one."""
    report: Report
    """What these rounds added to a report, and nothing else."""
    truths: dict[int, bool | None]
    """Dispute → whether the claim is right."""
    standing: Standing
    """Where the judges stand after these rounds."""


class AuditMemory:
    """The file of one circle, and what of it still holds."""

    def __init__(
        self, folder: Path, network: Network, history: History, first: int, *, is_named: bool, max_bytes: int
    ) -> None:
        """first: the round that the audit begins with; is_named: it was asked for, so no other will do.

        max_bytes: a file that is larger is neither read nor written. Raises OSError where the disk fails.
        """
        make_folder(folder)
        self._path = folder / f"{network.chain_id}-{network.contract}.audit"
        self._network, self._history, self._max_bytes = network, history, max_bytes
        self._saved, self._is_over = 0, False
        self.known = self._read(first, is_named=is_named)
        self.first = first if self.known is None else self.known.first
        if self.known is not None:
            self._saved = self.known.rounds

    def plan(self, plan: AuditPlan) -> AuditPlan:
        """What is left of the plan."""
        return plan if self.known is None else plan_after(self._history, self.known.first, self.known.rounds)

    def plan_new_claims(self) -> AuditPlan:
        """What disputes about remembered rounds need that were raised since."""
        known, history = self.known, self._history
        if known is None:
            return AuditPlan("no dispute")
        new = [one.claim for one in history.disputes if one.claim.dispute not in known.truths]
        return plan_claims(history, [claim for claim in new if claim.round <= known.rounds])

    def find_truths(self) -> dict[int, bool | None]:
        """Dispute → whether the claim is right, of those decided already."""
        return {} if self.known is None else self.known.truths

    def begin(self, part: Report) -> Standing | None:
        """Put what the remembered rounds gave into an empty report of rounds. Returns where the judges stand."""
        if self.known is None:
            return None
        absorb(self.known.report, part)
        return self.known.standing

    def is_due(self, number: int, *, is_whole: bool) -> bool:
        """Whether to save before round `number` is looked at.

        is_whole: the round is settled, and all blobs are there. What was missing may be there the next time, so
        nothing is remembered from there on.
        """
        if self._is_over:
            return False
        self._is_over = not is_whole
        return self._is_over or number - self._saved > SAVE_EVERY

    def give_up(self) -> None:
        """Something could not be recomputed: nothing is remembered from here on."""
        self._is_over = True

    @property
    def is_over(self) -> bool:
        """Nothing more is remembered in this audit."""
        return self._is_over

    def save(self, number: int, part: Report, truths: dict[int, bool | None], standing: Standing) -> None:
        """Remember all rounds up to this one. Raises OSError."""
        if number <= self._saved or number < self.first:
            return
        kept = _Kept(
            digest_program(),
            self._network.domain_separator,
            self.first,
            number,
            self._history.rounds[number - 1].history_after,
            msgspec.json.encode(part),
            truths,
            standing.copies,
            [*_to_lines(standing)],
            sorted(standing.unknown),
        )
        body = msgspec.msgpack.encode(kept)
        if len(body) <= self._max_bytes:
            write_whole(self._path, _MAGIC + hashlib.sha256(body).digest() + body, mode=PRIVATE)
            self._saved = number

    def _read(self, first: int, *, is_named: bool) -> Remembered | None:
        """What holds of it; None where nothing does, or it was damaged."""
        try:
            with self._path.open("rb") as file:
                data = file.read(len(_MAGIC) + _DIGEST_BYTES + self._max_bytes + 1)
        except FileNotFoundError:
            return None
        head, body = data[: len(_MAGIC) + _DIGEST_BYTES], data[len(_MAGIC) + _DIGEST_BYTES :]
        if head != _MAGIC + hashlib.sha256(body).digest():
            return None
        try:
            kept = msgspec.msgpack.decode(body, type=_Kept)
            report = msgspec.json.decode(kept.report, type=Report)
        except msgspec.MsgspecError:
            return None
        return self._accept(kept, report) if self._holds(kept, first, is_named=is_named) else None

    def _holds(self, kept: _Kept, first: int, *, is_named: bool) -> bool:
        history = self._history
        if (kept.program, kept.domain) != (digest_program(), self._network.domain_separator):
            return False
        if kept.first != first if is_named else kept.first > first:
            return False
        if not kept.first <= kept.rounds <= len(history.rounds):
            return False
        # A claim about a round before all of these is looked at from the beginning.
        new = [one.claim for one in history.disputes if one.claim.dispute not in kept.truths]
        if any(claim.round < kept.first for claim in new):
            return False
        return history.rounds[kept.rounds - 1].history_after == kept.history

    def _accept(self, kept: _Kept, report: Report) -> Remembered:
        carried = {(line.seat, line.begun): _from_line(line) for line in kept.lines}
        standing = Standing(carried, set(kept.unknown), kept.copies)
        return Remembered(kept.first, kept.rounds, report, kept.truths, standing)


@cache
def digest_program() -> bytes:
    """SHA-256 over the source of all that decides what an audit finds."""
    sha, root = hashlib.sha256(), Path(ledger.__path__[0])
    for path in sorted(root.rglob("*.py")):
        source = path.read_bytes()
        sha.update(f"{path.relative_to(root).as_posix()} {len(source)}\n".encode() + source)
    return sha.digest()


def _to_lines(standing: Standing) -> Iterator[_Line]:
    for (seat, begun), carried in sorted(standing.carried.items(), key=lambda item: item[0]):
        if carried is None:
            yield _Line(seat, begun, None, b"", [])
        else:
            seed, traces = carried.memory.to_fields()
            base = np.ascontiguousarray(carried.base, "<i4").tobytes()
            yield _Line(seat, begun, base, seed, [tuple(trace) for trace in traces])


def _from_line(line: _Line) -> CarriedState | None:
    if line.base is None:
        return None
    memory = JudgeMemory.from_fields([line.seed, line.traces])
    return CarriedState(np.frombuffer(line.base, "<i4").astype(np.int32), memory)
