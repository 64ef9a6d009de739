"""Several processes recompute one circle, each the rounds of some seats, to the same report as one would.

A judge's rounds follow from one another, so they stay with one process; what all share, copies and the order of
what is found, is put together here, by the process that does one part of the seats meanwhile. The others are given
blobs that were checked by their digests, each blob once, and the history that was held against the contract; they
reach neither network nor disk, but for a temporary folder.
"""

import os
from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

from ledger.arithmetic.exact import GridState
from ledger.audit.copies import CopyLog, PublishedState
from ledger.audit.findings import Report
from ledger.audit.plan import AuditPlan
from ledger.audit.round_checks import RoundAuditor, Standing, find_named_checkpoints
from ledger.audit.shared_steps import SharedSteps, ShownPrivacy
from ledger.audit.shares import Phase, SeatShare, Step, join
from ledger.audit.spill import Spill
from ledger.audit.working_set import CarriedStates, Holder, SpilledStates, SpillingBlobs
from ledger.circle.history import History, Round
from ledger.errors import SetupError
from ledger.identity.network import Network
from ledger.judging.frame_chains import Commit, StateCache, is_chained
from ledger.rules.lent import Maker, lend, list_lent

Blobs = Mapping[bytes, bytes | None]

# So many coordinates each process has to judge at least, some seconds' work: starting one takes about one second.
SHARE: Final = 1 << 26
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_END_S: Final = 10.0


@dataclass(frozen=True)
class Assignment:
    """What a process is told when it starts."""

    history: History
    """Of the circle, the same for all."""
    network: Network
    """Which circle it is."""
    genesis: GridState | None
    """(d,), int32; None where nobody could provide it."""
    plan: AuditPlan
    """The whole work."""
    number: int
    """Which part of the seats this is."""
    parts: int
    """How many there are."""
    memory_bytes: int
    """For what it keeps from round to round."""
    head_hash: str = ""
    """Of the block as of which the chain was read; draws the sample of the noise check."""
    standing: Standing | None = None
    """Where its seats are after the rounds before the plan's."""
    lent: Mapping[str, Maker] = field(default_factory=dict)
    """What the circle's rule is made of, where it is of somebody's own file that this process was lent (R12.6)."""


@dataclass(frozen=True)
class PartDone:
    """What a process answers."""

    steps: list[Step]
    """What it did, in its own order."""
    published: list[tuple[int, PublishedState]] = field(default_factory=list)
    """Of its seats: place of the commit, and what it decodes to."""
    shown: list[tuple[int, ShownPrivacy]] = field(default_factory=list)
    """Alike: what it shows of its privacy."""
    awaited: list[int] = field(default_factory=list)
    """The judges whose checkpoints it asks for."""
    false_verdicts: dict[int, bool | None] = field(default_factory=dict)
    """As RoundAuditor has it, of its judges."""
    standing: Standing | None = None
    """Where its seats are, where that was asked."""


def choose_jobs(wanted: int | None, plan: AuditPlan, history: History) -> int:
    """How many processes do an audit: as wanted, or as cores where each has enough to do; at most one a seat."""
    seats = max(1, len(history.seats))
    if wanted is not None:
        return min(wanted, seats)
    worth = plan.count_work() * history.manifest.state_size // SHARE
    return max(1, min(len(os.sched_getaffinity(0)), seats, worth))


@contextmanager
def appoint(
    jobs: int,
    history: History,
    network: Network,
    genesis: GridState | None,
    report: Report,
    plan: AuditPlan,
    memory_bytes: int,
    standing: Standing | None = None,
) -> "Iterator[RoundAuditor | Crew]":
    """Who recomputes: this process where jobs is 1, else so many of them. memory_bytes: as Crew has it."""
    if jobs > 1:
        with Crew(jobs, history, network, genesis, report, plan, memory_bytes, standing) as crew:
            yield crew
    else:
        with work_alone(history, network, genesis, report, plan, memory_bytes, standing=standing) as auditor:
            yield auditor


@contextmanager
def work_alone(
    history: History,
    network: Network,
    genesis: GridState | None,
    report: Report,
    plan: AuditPlan,
    memory_bytes: int,
    *,
    share: SeatShare | None = None,
    standing: Standing | None = None,
) -> Iterator[RoundAuditor]:
    """One process's auditor, with a bound on what it keeps in memory from round to round."""
    room = memory_bytes // 2
    with Spill[Commit](room) as states_shelf, Spill[tuple[Holder, str]](0) as carried_shelf:
        if is_chained(history.manifest.codec):
            # This round's states, and those that the next one's frames hang on.
            beyond = SpilledStates(states_shelf, 2 * len(history.seats))
            states = StateCache(genesis, room, beyond=beyond)
        else:
            # Nobody needs a state once its round is over.
            states = StateCache(genesis, min(room, 4 * history.manifest.state_size * len(history.seats)))
        carried = CarriedStates(carried_shelf, room)
        yield RoundAuditor(
            history,
            network,
            genesis,
            report,
            states=states,
            carried=carried,
            plan=plan,
            share=share,
            standing=standing,
        )


class Crew:
    """In RoundAuditor's place, with the same calls: its work is done by several processes. Use it with `with`."""

    def __init__(
        self,
        jobs: int,
        history: History,
        network: Network,
        genesis: GridState | None,
        report: Report,
        plan: AuditPlan,
        memory_bytes: int,
        standing: Standing | None = None,
    ) -> None:
        """jobs: how many, this one among them.

        memory_bytes: for what all processes together keep from round to round, beside what judging needs.
        standing: as RoundAuditor has it.
        """
        self._report, self._network = report, network.domain_separator
        self._copies = CopyLog() if standing is None else CopyLog.from_fields(standing.copies)
        self._shared = SharedSteps()
        self._awaited: list[int] = []
        self._told: set[bytes] = set()
        self.false_verdicts: dict[int, bool | None] = {}
        ours, *others = [
            Assignment(
                history,
                network,
                genesis,
                plan,
                number,
                jobs,
                memory_bytes // jobs,
                report.head_hash,
                _share_out(standing, number, jobs),
                list_lent(history.manifest.rule),
            )
            for number in range(jobs)
        ]
        with ExitStack() as stack:
            with _one_thread_each():
                self._workers = [stack.enter_context(_Worker()) for _ in others]
            # Only once all are starting anything waits for one of them.
            for worker, one in zip(self._workers, others, strict=True):
                worker.tell("begin", one)
            self._ours = stack.enter_context(_take_part(ours))
            self._stack = stack.pop_all()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def examine(self, round_: Round, blobs: Blobs) -> None:
        """As RoundAuditor.examine."""
        self._hand_out(blobs)
        done = self._ask("examine", round_.number, blobs, {})
        self._awaited = sorted(judge for part in done for judge in part.awaited)
        for part in done:
            self.false_verdicts |= part.false_verdicts
        steps = [step for part in done for step in part.steps]
        join([step for step in steps if step.phase == Phase.UPDATES], self._report)
        published = sorted((one for part in done for one in part.published), key=lambda one: one[0])
        self._copies.check(round_, [one for _, one in published], self._report)
        shown = sorted((one for part in done for one in part.shown), key=lambda one: one[0])
        self._shared.check(round_, [one for _, one in shown], self._report)
        join([step for step in steps if step.phase != Phase.UPDATES], self._report)

    def find_awaited(self, round_: Round) -> list[tuple[int, bytes]]:
        """As RoundAuditor.find_awaited."""
        return [(judge, round_.attestations[judge].record) for judge in self._awaited]

    def read_named_checkpoints(self, round_: Round, blobs: Blobs) -> list[tuple[int, bytes]]:
        """As RoundAuditor.read_named_checkpoints."""
        return find_named_checkpoints(self._network, round_, self._awaited, blobs)

    def take_up(self, round_: Round, blobs: Blobs) -> None:
        """As RoundAuditor.take_up."""
        if not self._awaited:
            return
        named = [digest for _, digest in (*self.find_awaited(round_), *self.read_named_checkpoints(round_, blobs))]
        shown = {digest: blobs[digest] for digest in named if digest in blobs}
        done = self._ask("take_up", round_.number, shown, shown)
        join([step for part in done for step in part.steps], self._report)
        self._awaited = []

    def describe_standing(self) -> Standing:
        """As RoundAuditor.describe_standing."""
        whole = Standing({}, set(), self._copies.to_fields())
        for part in self._ask("stand", 0, {}, {}):
            assert part.standing is not None
            whole.carried.update(part.standing.carried)
            whole.unknown.update(part.standing.unknown)
        return whole

    def _hand_out(self, blobs: Blobs) -> None:
        """Tell the others what is here, one by one, as it may lie on the disk; of a blob they are told once."""
        here = set(blobs)
        for digest in self._told - here:
            self._tell_all("drop", digest)
        self._told &= here
        for digest in here - self._told:
            blob = blobs[digest]
            self._tell_all("hold", digest, blob)
            # What makes no blob may be had whole the next time.
            self._told |= set() if blob is None else {digest}

    def _tell_all(self, call: str, *arguments: Any) -> None:
        for worker in self._workers:
            worker.tell(call, *arguments)

    def _ask(self, call: str, number: int, ours: Blobs, theirs: Blobs) -> list[PartDone]:
        """Every process at once; the answers in the order of the parts.

        ours, theirs: the blobs for this process, and for the others beside what they hold.
        """
        self._tell_all(call, number, theirs)
        return [self._ours.do(call, number, ours), *(worker.hear() for worker in self._workers)]


def _share_out(standing: Standing | None, number: int, parts: int) -> Standing | None:
    """What one process needs of it; copies stay here."""
    if standing is None:
        return None
    holds = SeatShare(number, parts).holds
    carried = {holder: one for holder, one in standing.carried.items() if holds(holder[0])}
    return Standing(carried, {holder for holder in standing.unknown if holds(holder[0])}, [])


class _Worker:
    """One process, seen from the one that started it."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> "_Worker":
        return self

    def __exit__(self, *_: object) -> None:
        # It ends when its line does.
        self._line.close()
        self._process.join(_END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def tell(self, call: str, *arguments: Any) -> None:
        """Have it do something. Raises SetupError where it is no more."""
        try:
            self._line.send((call, *arguments))
        except (BrokenPipeError, ConnectionError) as error:
            raise self._make_error() from error

    def hear(self) -> PartDone:
        """What came of it. Raises SetupError where it is no more, and what it raised itself."""
        try:
            answer = self._line.recv()
        except (EOFError, ConnectionError) as error:
            raise self._make_error() from error
        if isinstance(answer, Exception):
            raise answer
        found: PartDone = answer
        return found

    def _make_error(self) -> SetupError:
        self._process.join(_END_S)
        return SetupError(
            f"a process of the audit ended by itself (status {self._process.exitcode}), perhaps for lack of memory:"
            " give --jobs 1"
        )


def serve(line: Connection) -> None:
    """A process's life: one part of the seats, until the line ends."""
    # Ctrl-C reaches every process of a terminal; who started this one decides.
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _, assignment = line.recv()
        _serve(line, assignment)
    except (EOFError, ConnectionError, BrokenPipeError):
        return


def _serve(line: Connection, assignment: Assignment) -> None:
    for digest, make in assignment.lent.items():
        lend(digest, make)
    room = assignment.memory_bytes // 4
    with Spill[bytes](room) as shelf, _take_part(replace(assignment, memory_bytes=3 * room)) as part:
        held = SpillingBlobs(shelf)
        while True:
            call, *arguments = line.recv()
            try:
                if call == "hold":
                    digest, held[digest] = arguments
                elif call == "drop":
                    del held[arguments[0]]
                else:
                    number, blobs = arguments
                    line.send(part.do(call, number, ChainMap(blobs, held)))
            except (EOFError, ConnectionError):
                raise
            except Exception as error:  # a fault of ours or the disk's, raised where it is seen
                line.send(error)


@dataclass(frozen=True)
class _Part:
    """One part of the seats, wherever it is worked at."""

    history: History
    """Of the circle."""
    auditor: RoundAuditor
    """Of these seats."""
    share: SeatShare
    """Which they are."""

    def do(self, call: str, number: int, blobs: Blobs) -> PartDone:
        """One call about a round, with what came of it."""
        if call == "stand":
            return PartDone([], standing=self.auditor.describe_standing())
        auditor, round_ = self.auditor, self.history.rounds[number - 1]
        if call == "take_up":
            auditor.take_up(round_, blobs)
            return PartDone(self.share.hand_on())
        known = set(auditor.false_verdicts)
        auditor.examine(round_, blobs)
        places = {seat: place for place, seat in enumerate(round_.commits)}
        return PartDone(
            self.share.hand_on(),
            [(places[one.seat], one) for one in auditor.published],
            [(places[one.seat], one) for one in auditor.shown],
            [judge for judge, _ in auditor.find_awaited(round_)],
            {dispute: truth for dispute, truth in auditor.false_verdicts.items() if dispute not in known},
        )


@contextmanager
def _take_part(assignment: Assignment) -> Iterator[_Part]:
    history, network = assignment.history, assignment.network
    share = SeatShare(assignment.number, assignment.parts)
    report = Report(network.chain_id, network.contract, 0, assignment.head_hash)
    given = history, network, assignment.genesis, report, assignment.plan, assignment.memory_bytes
    with work_alone(*given, share=share, standing=assignment.standing) as auditor:
        yield _Part(history, auditor, share)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started meanwhile compute with one thread each: there are as many of them as there are cores."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ |= dict.fromkeys(_THREADS, "1")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
