"""Where the page's circle comes from: an endpoint that is followed, or a bundle. Providers ask this alone.

A source has one `View` at a time, which is replaced as a whole, so that whoever reads one sees one moment.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ledger.chain.circle import Circle, ContractState
from ledger.chain.rpc import answers
from ledger.chain.rpc.client import ChainUnreachable, Rpc, Throttled
from ledger.chain.tracker import Tracker
from ledger.circle.history import History, Phase
from ledger.circle.snapshot import copy_history
from ledger.errors import Foreseen, PeerFault
from ledger.fetch.daemon import IpfsDaemon
from ledger.untrusted.text import make_printable
from node.operating.wording import format_count
from node.watch.audit_watch import make_no_audit
from node.watch.block_times import YEAR_MAX_S, BlockTimes
from node.watch.event_log import EventLog
from node.watch.kept_events import KeptEvents
from node.watch.query import NotReady
from node.watch.trace_desk import TraceDesk
from node.watch.view import View

_log = logging.getLogger(__name__)
_POLL_S: Final = 0.4
_SLOW_POLL_S: Final = 1.0
_SLOW_AFTER_S: Final = 60.0
# After a look that failed; an endpoint that asks for patience is left alone for longer.
_AGAIN_S: Final = 1.0
_AGAIN_MAX_S: Final = 30.0
STALE_AFTER_S: Final = 5.0
"""So long after the last good look people are told that what they see is old."""
# A state and the events of one block that do not fit together: a block came in between, or somebody lies.
_UNFIT_MAX: Final = 3

State = Literal["live", "stale", "finished", "bundle"]


@dataclass(frozen=True)
class Following:
    """How far what is shown can be relied upon to be what is so."""

    state: State
    """As the name says."""
    says: str
    """A sentence for people."""
    since_s: int
    """Unix seconds, from when it has been so."""


class Source:
    """What all sources have in common.

    folders: the folders of nodes on this machine whose own figures may be shown.
    """

    kind: Literal["live", "bundle"]

    def __init__(self, circle: Circle, first_block: int, folders: tuple[Path, ...] = ()) -> None:
        self.circle, self.first_block, self.folders = circle, first_block, folders
        self.bundle: Any = None
        """The `Bundle` that it is read from; None for an endpoint."""
        self.receipts_rpc: Rpc | None = None
        """The same chain on a connection of its own, for receipts, which nothing waits for; None for a bundle."""
        self.daemon: IpfsDaemon | None = None
        """An IPFS daemon that is asked for what no gateway gives. Set before `start`."""
        self.findings: int | None = None
        """How many findings an audit has, None where none has ended; see `note_findings`."""
        self.audit = make_no_audit()
        """The audit behind the page; set before `start`."""
        self.traces: TraceDesk | None = None
        """Where accounts of models are made; None for nowhere. Set before `start`."""
        self._view: View | None = None
        self._watchers: list[Callable[[], None]] = []

    @property
    def view(self) -> View:
        """The newest moment. Raises NotReady before the first one."""
        if self._view is None:
            raise NotReady(
                f"the circle's history is still being read{self._tell_progress()}: ask again in a moment"
            )
        return self._view

    @property
    def revision(self) -> int:
        """Rises with every change of what providers tell; 0 before the first view."""
        return 0 if self._view is None else self._view.changes + self._view.times.version

    @property
    def is_read(self) -> bool:
        """There is a view."""
        return self._view is not None

    @property
    def head(self) -> int:
        """The newest block that was heard of; it may hold no event of the circle."""
        return self.view.block

    def describe_following(self) -> Following:
        """How far what is shown is what is so."""
        raise NotImplementedError

    def on_change(self, watcher: Callable[[], None]) -> None:
        """Have it called whenever something may have changed, in any thread; it must be quick."""
        self._watchers.append(watcher)

    def note_findings(self, count: int | None) -> None:
        """An audit has found so much."""
        self.findings = count
        self._tell()

    def start(self) -> None:
        """Begin reading, in threads of its own."""
        raise NotImplementedError

    def close(self) -> None:
        """End the threads; what is under way ends by its own timeout."""
        raise NotImplementedError

    def _tell_progress(self) -> str:
        """How far reading is, behind a comma; empty where that is not known."""
        return ""

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher()


class LiveSource(Source):
    """A circle that is followed through one endpoint or several.

    times_rpc: the same chain on another connection, for block times, which must not keep the events waiting.
    kept: of an earlier run, and for the next; None for nothing of it.
    """

    kind = "live"

    def __init__(
        self,
        circle: Circle,
        first_block: int,
        times_rpc: Rpc,
        folders: tuple[Path, ...] = (),
        kept: KeptEvents | None = None,
    ) -> None:
        super().__init__(circle, first_block, folders)
        self._log, self._kept = EventLog(kept), kept
        self._tracker = Tracker(circle, first_block, recorder=self._log, earlier=kept)
        self._times = BlockTimes(times_rpc, self._tell)
        self._ending = threading.Event()
        self._looked_at: float | None = None
        self._changed_at = time.monotonic()
        self._since_s = int(time.time())
        self._trouble = "the circle's history is being read"
        self._rollbacks = self._unfit = self._withheld = self._head = 0
        # The tracker's fold that the view was cut from: after a rollback or a reading anew it is another one.
        self._shown: History | None = None
        self._threads: list[threading.Thread] = []

    @property
    def head(self) -> int:
        """See `Source`."""
        return max(self._head, self.view.block)

    def describe_following(self) -> Following:
        """See `Source`."""
        if self._looked_at is None or time.monotonic() - self._looked_at > STALE_AFTER_S:
            return Following("stale", self._trouble or "the endpoint does not answer", self._since_s)
        if self._view is not None and self._view.history.phase == Phase.FINISHED:
            return Following("finished", "the circle is finished", self._since_s)
        return Following("live", f"followed through {self.circle.rpc.url}", self._since_s)

    def start(self) -> None:
        """See `Source`. The threads are daemons: a stalled request does not keep the process."""
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (("follow", self._follow), ("times", self._times.run))
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """See `Source`."""
        self._ending.set()
        self._times.end()
        if self._kept is not None:
            self._kept.close()

    def _tell_progress(self) -> str:
        """See `Source`."""
        return f", {format_count(self._log.rounds, 'round')} so far" if self._log.rounds else ""

    def _follow(self) -> None:
        while not self._ending.is_set():
            pause_s = _POLL_S if time.monotonic() - self._changed_at < _SLOW_AFTER_S else _SLOW_POLL_S
            try:
                self.look()
            except Foreseen as error:
                pause_s = self._note_trouble(error)
            except Exception as error:
                # A fault of this program: the page says so and goes on with the next look.
                _log.error("looking failed", exc_info=error)
                pause_s = self._note_trouble(error)
            self._ending.wait(pause_s)

    def look(self) -> None:
        """Ask once and take in what is new. Blocking; one thread's. Raises Foreseen where nobody says."""
        try:
            self._tracker.advance()
        except PeerFault as fault:
            # An endpoint that is wrong would be asked again and again: another one may be right.
            self.circle.rpc.doubt(str(fault))
            raise
        if not self._is_shown():
            self._publish()
        head = self.circle.fetch_head()
        if head != self._head or self._withheld:
            self._check_complete(head)
            self._head = head
            self._times.want([head], is_lacked=False)
            self._tell()
        self._note_answer()

    def _is_shown(self) -> bool:
        """Whether the view has all that is folded, which a look that broke off may have left behind."""
        folded = self._tracker.history
        return self._view is not None and folded is self._shown and folded.hash == self._view.history.hash

    def _publish(self) -> None:
        """Replace the view, once the contract confirms what was folded. Raises Foreseen."""
        history, block = self._tracker.history, self._tracker.through
        state = self._fetch_state(history, block)
        if self._tracker.rollbacks != self._rollbacks:
            self._rollbacks = self._tracker.rollbacks
            self._times.forget_from(0)
        is_timed = state.phase in (Phase.COMMIT, Phase.ATTEST)
        deadline_s = state.deadline_s if is_timed else None
        changes = 1 if self._view is None else self._view.changes + 1
        log = self._log.cut()
        self._note_answer()
        self._view = View(changes, copy_history(history), log, self._times, block, deadline_s)
        self._shown = history
        self._changed_at = time.monotonic()
        self._tell()

    def _note_answer(self) -> None:
        """The chain has answered, and what it said fits."""
        was_stale = self._looked_at is None or time.monotonic() - self._looked_at > STALE_AFTER_S
        self._looked_at, self._trouble = time.monotonic(), ""
        if was_stale:
            self._since_s = int(time.time())
            self._tell()

    def _check_complete(self, head: int) -> None:
        """Raises ChainUnreachable where the contract has said more for a while than the endpoint's events tell."""
        is_fit = self.circle.fetch_history_hash(head) == self._tracker.history.hash
        # A block may have come between two questions.
        self._withheld = 0 if is_fit else self._withheld + 1
        if self._withheld >= _UNFIT_MAX:
            reason = "the endpoint does not tell all events that the contract wrote"
            self.circle.rpc.doubt(reason)
            raise ChainUnreachable(f"{reason}: it is asked again", reason)

    def _fetch_state(self, history: History, block: int) -> ContractState:
        state = self.circle.fetch_state(block)
        if state.history == history.hash:
            self._unfit = 0
            return state
        self._unfit += 1
        reason = "the endpoint's events are not the ones the contract wrote"
        if self._unfit >= _UNFIT_MAX:
            self._unfit = 0
            self._tracker.doubt()
            self.circle.rpc.doubt(reason)
        raise ChainUnreachable(f"{reason}: they are read again", reason)

    def _note_trouble(self, error: Exception) -> float:
        """What people are told; how long to wait before the next look."""
        if not self._trouble and self._looked_at is not None:
            self._since_s = int(time.time())
        self._trouble = make_printable(str(error) or type(error).__name__)
        _log.info("look failed reason=%s", self._trouble)
        self._tell()
        return min(error.pause_s, _AGAIN_MAX_S) if isinstance(error, Throttled) and error.pause_s else _AGAIN_S


class BundleSource(Source):
    """A circle as a bundle has it; nothing of it changes.

    opened: its `Circle`, history, events and bundle. root: the bundle's CID, as text.
    """

    kind = "bundle"

    def __init__(self, circle: Circle, first_block: int, opened: Any, folders: tuple[Path, ...] = ()) -> None:
        super().__init__(circle, first_block, folders)
        self.bundle = opened.bundle
        log, history = EventLog(), History(circle.terms)
        for entry in opened.placed:
            history.apply(entry.event)
            log.record(entry, history)
        self._times = BlockTimes(circle.rpc, self._tell)
        self._view = View(1, history, log.cut(), self._times, opened.block, None)
        self._since_s = self._read_time(opened.block) or int(time.time())
        self._thread = threading.Thread(target=self._times.run, name="times", daemon=True)

    def describe_following(self) -> Following:
        """See `Source`."""
        says = f"as it was at block {self.view.block}, from {self.bundle.path.name}"
        return Following("bundle", says, self._since_s)

    def start(self) -> None:
        """See `Source`."""
        self._thread.start()

    def close(self) -> None:
        """See `Source`."""
        self._times.end()

    def _read_time(self, block: int) -> int | None:
        parse = answers.or_null(answers.block_parser(block))
        found = self.circle.rpc.request("eth_getBlockByNumber", [hex(block), False], parse)
        if found is None or found.time_s > YEAR_MAX_S:
            return None
        self._times.put(block, found.time_s)
        return found.time_s
