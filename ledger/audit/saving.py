"""An audit that keeps what it goes by: it audits a circle from an endpoint and writes the bundle (R32)."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ledger.audit.bundle.names import BlockName
from ledger.audit.bundle.proving import Prover, find_placed_blocks
from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.recording import RecordedBlobs, RecordedChain
from ledger.audit.bundle.rows import HeaderRow, Made, ReceiptRow, ScopeRow, State, TransactionRow
from ledger.audit.bundle.shelf import BlockShelf
from ledger.audit.bundle.writer import Evidence, write_bundle
from ledger.audit.findings import Report
from ledger.audit.kinds import Kind
from ledger.audit.plan import AuditPlan
from ledger.audit.reopening import open_bundle
from ledger.audit.run import EVERYTHING, Progress, Scope, audit_from
from ledger.audit.source import Source, name_program
from ledger.blobs.contents.checkpoint import first_disputable_round
from ledger.blobs.contents.records import update_max_bytes
from ledger.chain.circle import Circle
from ledger.chain.reading import Reading
from ledger.chain.rpc.client import BadAnswer
from ledger.chain.rpc.failover import connect
from ledger.chain.rpc.patience import EndpointPatience
from ledger.circle.events import Equivocated, Opened
from ledger.circle.history import History
from ledger.errors import SetupError, UsageError
from ledger.fetch.daemon import find_daemon
from ledger.fetch.fetcher import BlobFetcher

PART: Final = ".part"
_WORD_BYTES: Final = 32
_HISTORY_BYTES: Final = 24
_OTHER_EVENTS: Final = (Kind.FOREIGN_HISTORY, Kind.FOREIGN_MANIFEST)
_SAVE_ANEW: Final = "where a bundle is added to, it may tell of another chain: save under another name"


@dataclass(frozen=True)
class SizeEstimate:
    """What is to be fetched, before it is."""

    updates: int
    """So many different ones at most."""
    held: int
    """So many of them are here already."""
    update_max_bytes: int
    """None is larger; most are smaller."""
    free_bytes: int
    """Room where the bundle goes."""

    @property
    def max_bytes(self) -> int:
        """All that may come, at most; records and checkpoints are beside it where a sample needs them."""
        return (self.updates - self.held) * self.update_max_bytes


@dataclass(frozen=True)
class _Kept:
    """What the chain said."""

    circle: Circle
    """The circle."""
    reading: Reading
    """Its events, and the block."""
    state: State | None
    """The block's proofs, fetched while the endpoint still has its state."""


class SavingSource(Source):
    """A network's two doors, with somebody behind each who writes down what comes in."""

    def __init__(
        self,
        chain: RecordedChain,
        blobs: RecordedBlobs,
        read_at_s: int,
        folder: Path,
        tell: Callable[[SizeEstimate], None],
    ) -> None:
        super().__init__(chain, blobs, read_at_s)
        self._recorded, self._gathered, self._folder, self._tell = chain, blobs, folder, tell
        self._prover = Prover(chain)
        self._kept: _Kept | None = None

    @property
    def is_read(self) -> bool:
        """The chain was read, so there is something to keep."""
        return self._kept is not None

    def note_reading(self, circle: Circle, reading: Reading, plan: AuditPlan) -> None:
        """Fetch what proves it now: an endpoint soon forgets a block's state. Raises SetupError."""
        _check_same_chain(circle, self._gathered.earlier)
        state = self._prover.fetch_state(circle.network.contract, reading.mark.number)
        self._kept = _Kept(circle, reading, state)
        self._tell(self._estimate(reading.history, plan))

    def _estimate(self, history: History, plan: AuditPlan) -> SizeEstimate:
        wanted = {digest for round_ in plan.find_rounds(history) for digest in plan.find_needed(round_).values()}
        held = sum(self._gathered.has(digest) for digest in wanted)
        free = shutil.disk_usage(self._folder).free
        return SizeEstimate(len(wanted), held, update_max_bytes(history.manifest), free)

    def write(self, path: Path, report: Report, scope: Scope) -> BlockName:
        """Write the bundle. Asks the endpoint for receipts and transactions. Blocking. Raises OSError."""
        return write_bundle(path, self._make_evidence(report, scope), self._gathered.read_block)

    def _make_evidence(self, report: Report, scope: Scope) -> Evidence:
        kept, recorded, gathered = self._kept, self._recorded, self._gathered
        assert kept is not None
        circle, reading = kept.circle, kept.reading
        assert reading.history.opened is not None
        earlier = gathered.earlier
        blobs_before = (set(earlier.blobs), earlier.invalid, earlier.missing) if earlier else (set(), {}, {})
        whole = gathered.whole | blobs_before[0]
        invalid = {digest: [name.digest for name in names] for digest, names in blobs_before[1].items()}
        invalid |= gathered.invalid
        missing = blobs_before[2] | gathered.missing
        headers = self._collect_headers(reading, scope.seed_block)
        words = recorded.read_call("reputation_words")
        return Evidence(
            circle.network,
            headers[reading.mark.number],
            Made(report.read_at_s or 0, report.endpoint, name_program()),
            ScopeRow(
                first_disputable_round(reading.history.number) if scope.first is None else scope.first,
                scope.sample,
                report.sample_seed if scope.seed_block is None else None,
                scope.seed_block,
            ),
            circle.code,
            recorded.code[circle.court.lower()],
            recorded.read_call("history")[:_HISTORY_BYTES],
            [words[at : at + _WORD_BYTES] for at in range(0, len(words), _WORD_BYTES)],
            reading.history.opened.manifest,
            kept.state,
            (recorded.read_event(place.position) for place in reading.placed),
            headers,
            self._collect_receipts(reading, headers),
            self._collect_transactions(reading, headers),
            whole,
            {digest: blocks for digest, blocks in invalid.items() if digest not in whole},
            {digest: why for digest, why in missing.items() if digest not in whole and digest not in invalid},
        )

    def _collect_headers(self, reading: Reading, seed_block: int | None) -> dict[int, HeaderRow]:
        """Of all blocks that a check or a proof needs."""
        hashes = {place.position[0]: place.block_hash for place in reading.placed}
        wanted = find_placed_blocks(reading.placed) | {reading.mark.number}
        wanted |= set() if seed_block is None else {seed_block}
        found = {number: row for number, row in self._recorded.headers.items() if number in wanted}
        for number in sorted(wanted - set(found)):
            row = self._prover.fetch_header(number)
            if row is not None:
                found[number] = row
        for number, row in found.items():
            # An earlier bundle's running hash says nothing of where its events were.
            if row.hash != hashes.get(number, row.hash):
                raise SetupError(
                    f"what was told of block {number} names hash {hashes[number]}, the endpoint has {row.hash}: "
                    f"{_SAVE_ANEW}"
                )
        return found

    def _collect_receipts(
        self, reading: Reading, headers: dict[int, HeaderRow]
    ) -> dict[tuple[int, int], ReceiptRow]:
        earlier, contract = self._gathered.earlier, self._recorded_contract()
        found = {(row.block, row.index): row for row in earlier.read_receipts()} if earlier else {}
        found = {place: row for place, row in found.items() if place[0] in headers}
        proved = {block for block, _ in found}
        for number in sorted(find_placed_blocks(reading.placed) - proved):
            if number in headers:
                rows = self._prover.fetch_receipts(contract, headers[number])
                found |= {(row.block, row.index): row for row in rows}
        return found

    def _recorded_contract(self) -> str:
        assert self._kept is not None
        return self._kept.circle.network.contract

    def _collect_transactions(
        self, reading: Reading, headers: dict[int, HeaderRow]
    ) -> dict[tuple[int, int], TransactionRow]:
        """Those that made the circle, and that proved an equivocation."""
        wanted = {place.transaction for place in reading.placed if isinstance(place.event, Equivocated | Opened)}
        found = {}
        for transaction in sorted(wanted):
            told = self._recorded.transactions.get(transaction)
            if told is not None:
                block = int(told["blockNumber"], 16)
                row = self._prover.make_transaction(told, headers.get(block))
                found[row.block, row.index] = row
        return found


def audit_and_save(
    rpc_urls: Sequence[str],
    address: str,
    path: Path,
    *,
    read_at_s: int,
    tell: Callable[[SizeEstimate], None],
    first_block: int = 0,
    timeout_s: float = 30.0,
    progress: Progress | None = None,
    patience: EndpointPatience | None = None,
    scope: Scope = EVERYTHING,
    jobs: int | None = None,
    ipfs_api: str | None = None,
) -> tuple[Report, BlockName | None]:
    """Audit, and put what the audit went by into a bundle; one that is there already is added to.

    path: the bundle; what was fetched waits beside it, under the same name and `.part`, until the bundle is whole.
    read_at_s: the time now, Unix seconds. tell: called before anything is fetched. The rest as `run.audit` has it.
    Returns the report, and the name of the bundle's root: None where the chain could not be read as a circle's, so
    that there is nothing to keep. Raises like `run.audit`; SetupError where the bundle that is there is another
    circle's, or of a chain that has gone another way since; OSError.
    """
    rpc = connect(rpc_urls, patience=patience)
    with contextlib.ExitStack() as closing:
        # As a stranger's: what is in it goes into the new one.
        earlier = closing.enter_context(open_bundle(path, None)[0]) if path.exists() else None
        if earlier is not None:
            _check_same_circle(earlier, address)
            scope = _widen(scope, earlier)
        shelf = closing.enter_context(BlockShelf(path.with_name(path.name + PART)))

        async def run() -> tuple[Report, SavingSource]:
            async with BlobFetcher(daemon=find_daemon(ipfs_api)) as fetcher:
                blobs = RecordedBlobs(fetcher, shelf, earlier)
                source = SavingSource(RecordedChain(rpc, earlier), blobs, read_at_s, path.parent, tell)
                report = await audit_from(
                    source,
                    address,
                    first_block=first_block,
                    timeout_s=timeout_s,
                    progress=progress,
                    scope=scope,
                    jobs=jobs,
                )
            return report, source

        try:
            report, source = asyncio.run(run())
        except BadAnswer as error:
            if earlier is None:
                raise
            raise SetupError(f"{error}; or {path} tells of other blocks than the chain: {_SAVE_ANEW}") from error
        if earlier is not None and any(one.kind in _OTHER_EVENTS for one in report.findings):
            raise SetupError(
                f"the events of {path}, and those that came since, are not the ones that the contract wrote "
                f"({report.findings[-1].fact}): {_SAVE_ANEW}, and see whether there is a finding then"
            )
        root = source.write(path, report, scope) if source.is_read else None
        shelf.discard()
    return report, root


def _check_same_circle(earlier: Bundle, address: str) -> None:
    if earlier.root.contract != address.lower():
        raise SetupError(
            f"{earlier.path} is of the circle {earlier.network.contract}, not of {address}: save under another name"
        )


def _check_same_chain(circle: Circle, earlier: Bundle | None) -> None:
    if earlier is None:
        return
    if earlier.root.chain_id != circle.network.chain_id:
        raise SetupError(
            f"{earlier.path} is of chain {earlier.root.chain_id}, not of {circle.network.chain_id}: save under "
            "another name"
        )
    block = earlier.root.block
    mark = circle.fetch_mark(block.number)
    if mark is None or mark.hash != block.hash:
        found = "has no such block" if mark is None else f"has {mark.hash} there"
        raise SetupError(
            f"{earlier.path} goes to block {block.number} with hash {block.hash}, the endpoint {found}: its chain "
            "went another way, or is another one; keep the file as it is, and save under another name"
        )


def _widen(scope: Scope, earlier: Bundle) -> Scope:
    """A bundle that is added to stays good for all that it was good for. Raises UsageError."""
    was = earlier.root.scope
    if was.sample is not None:
        return scope
    if scope.sample is not None:
        raise UsageError(f"{earlier.path} has all rounds from {was.first} on: add to it without --sample")
    if scope.first is not None and scope.first != was.first:
        raise UsageError(f"{earlier.path} begins with round {was.first}: add to it without --from")
    return replace(scope, first=was.first)
