"""The audit: from an RPC endpoint and a contract address to a report, trusting neither."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from ledger.arithmetic.exact import GridState
from ledger.audit.availability import find_spans, list_availability
from ledger.audit.coin import trace_coin
from ledger.audit.crew import appoint, choose_jobs
from ledger.audit.draw_checks import BlockHeader, check_draws, draw_blocks, fetch_header, fetch_headers
from ledger.audit.equivocation_proofs import EquivocationProof, fetch_proof
from ledger.audit.fault_checks import check_faults
from ledger.audit.findings import Check, Report
from ledger.audit.gather import GatheredBlobs, NeededFrames, gather_blobs, gather_round
from ledger.audit.kinds import Kind
from ledger.audit.membership import MembershipLog
from ledger.audit.plan import AuditPlan, find_first_settled_after, plan_from, plan_sample
from ledger.audit.privacy_statement import list_holders
from ledger.audit.remembered import AuditMemory
from ledger.audit.round_checks import Standing
from ledger.audit.sampling import (
    derive_sample_seed,
    describe_foreknowledge,
    fetch_sample_block,
    find_last_attestation_block,
)
from ledger.audit.shares import absorb, make_part
from ledger.audit.source import BlobSource, Source
from ledger.audit.spill import Spill
from ledger.audit.working_set import SpillingBlobs
from ledger.blobs.contents.checkpoint import checkpoint_max_bytes, first_disputable_round
from ledger.blobs.contents.records import RECORD_MAX_BYTES, decode_genesis, update_max_bytes
from ledger.chain.circle import Circle, NotThere
from ledger.chain.contract.artifact import CodeMismatch
from ledger.chain.placed_event import PlacedEvent
from ledger.chain.reading import KnownEvents, OtherHash, Reading, Unsettled, read_history
from ledger.chain.rpc.failover import connect
from ledger.chain.rpc.patience import EndpointPatience, insist
from ledger.circle.events import Equivocated, Event
from ledger.circle.history import History, HistoryFault, Round
from ledger.circle.manifest import MalformedManifest
from ledger.circle.reputation import FULL, pack
from ledger.errors import PeerFault, UsageError
from ledger.fetch.daemon import find_daemon
from ledger.fetch.fetcher import BlobFetcher
from ledger.identity.network import Network
from ledger.judging.task_checks import check_task

Progress = Callable[[int, int], None]
# Of a missing blob, so many gateways are told of in the finding.
_SAID_MAX: Final = 16


@dataclass(frozen=True)
class Scope:
    """Which rounds an audit recomputes (R22.2)."""

    first: int | None = None
    """From this one on. None for all that can be had of a circle: from the first, or where that is final, from the
    first that can be disputed."""
    sample: int | None = None
    """So many attestations of these, drawn by the seed; None for all."""
    seed: int = 0
    """Draws the sample."""
    seed_block: int | None = None
    """The block whose hash draws the sample in place of a number; None where a number does."""
    since: int | None = None
    """In place of `first`: from the first round on that was settled after this block."""

    def plan(self, history: History) -> AuditPlan:
        """What is to be done. Raises UsageError."""
        first = first_disputable_round(history.number) if self.first is None else self.first
        if first > max(1, len(history.rounds)):
            raise UsageError(f"the circle has no round {first}: its newest is {len(history.rounds)}")
        if self.sample is None:
            return plan_from(history, first)
        return plan_sample(history, first, self.sample, self.seed)


EVERYTHING: Final = Scope()


@dataclass(frozen=True)
class _Folded:
    """A circle's history, the events it came of, and who was in it when."""

    history: History
    """What the events fold to."""
    reading: Reading
    """The events it came of, and the block."""
    membership: MembershipLog
    """Who was in it when."""

    @property
    def placed(self) -> list[PlacedEvent]:
        """The events, in order."""
        return self.reading.placed


async def audit(
    rpc_urls: Sequence[str],
    address: str,
    *,
    first_block: int = 0,
    timeout_s: float = 30.0,
    progress: Progress | None = None,
    memory_bytes: int = 1 << 30,
    patience: EndpointPatience | None = None,
    scope: Scope = EVERYTHING,
    jobs: int | None = None,
    read_at_s: int | None = None,
    cache: Path | None = None,
    known: KnownEvents | None = None,
    ipfs_api: str | None = None,
) -> Report:
    """Recompute a circle's reputations and verdicts: all of them, or those in scope.

    rpc_urls: endpoints of one chain, the next where one fails.
    first_block: where the circle was deployed or earlier; the later, the less is read. timeout_s: for one blob,
    over all gateways together. progress(done, rounds) is called after each round. memory_bytes: for what is kept
    from round to round, beside what judging once needs; the rest lies in a temporary folder. patience: with
    endpoints.
    scope: which rounds. jobs: so many processes recompute, to the same report; None for what is worth it.
    read_at_s: the time now, Unix seconds, for the report. cache: a folder of the auditor's own, where rounds are
    remembered (ledger.audit.remembered); a sample is not. known: of an earlier audit, so that less is read.
    ipfs_api: multiaddr of an IPFS daemon that is asked for what no gateway gives.
    Raises UsageError where the circle has not the rounds in scope, SetupError or PeerFault where chain or address
    cannot be read: what none tells is no finding.
    """
    rpc = connect(rpc_urls, patience=patience)
    async with BlobFetcher(daemon=find_daemon(ipfs_api)) as fetcher:
        return await audit_from(
            Source(rpc, fetcher, read_at_s),
            address,
            first_block=first_block,
            timeout_s=timeout_s,
            progress=progress,
            memory_bytes=memory_bytes,
            scope=scope,
            jobs=jobs,
            cache=cache,
            known=known,
        )


async def audit_from(
    source: Source,
    address: str,
    *,
    first_block: int = 0,
    timeout_s: float = 30.0,
    progress: Progress | None = None,
    memory_bytes: int = 1 << 30,
    scope: Scope = EVERYTHING,
    jobs: int | None = None,
    cache: Path | None = None,
    known: KnownEvents | None = None,
) -> Report:
    """The same from any source: what it says of the circle depends on nothing else. Raises like `audit`."""
    rpc = source.chain
    try:
        circle = await asyncio.to_thread(Circle, rpc, address, since=first_block)
    except NotThere:
        raise
    except CodeMismatch as error:
        report = Report(await asyncio.to_thread(rpc.fetch_number, "eth_chainId"), address, 0)
        report.add(Check.CODE, str(error), Kind.FOREIGN_CODE)
        _note_source(source, report)
        return report
    report, folded, proofs = await asyncio.to_thread(
        insist, rpc, lambda: _read(circle, first_block, known), Unsettled, rpc.patience.fault_s
    )
    _note_source(source, report)
    if folded is None:
        return report
    scope = await asyncio.to_thread(_draw_seed, circle, scope, folded.placed, report)
    if scope.since is not None:
        scope = replace(scope, first=find_first_settled_after(folded.placed, scope.since))
    history, plan = folded.history, scope.plan(folded.history)
    report.history = history
    report.scope, report.sample, report.sample_seed = (
        plan.what,
        plan.sample,
        scope.seed if scope.sample else None,
    )
    memory = None
    if cache is not None:
        memory = await asyncio.to_thread(_open_memory, cache, circle.network, history, scope, report, memory_bytes)
    if memory is not None:
        plan = memory.plan(plan)
        report.scope, report.remembered = plan.what, 0 if memory.known is None else memory.known.rounds
    await asyncio.to_thread(source.note_reading, circle, folded.reading, plan)
    genesis = await _fetch_genesis(source.blobs, history, report, timeout_s)
    work = _Work(source.blobs, circle.network, history, genesis, timeout_s, memory_bytes, jobs)
    truths = await _check_rounds(work, plan, report, progress, memory)
    check_faults(history, folded.placed, truths, proofs, report)
    if report.privacy_terms is not None:
        report.holders = list_holders(history, report.privacy)
    return report


def _note_source(source: Source, report: Report) -> None:
    report.endpoint, report.read_at_s = source.endpoint, source.read_at_s


def _open_memory(
    folder: Path, network: Network, history: History, scope: Scope, report: Report, memory_bytes: int
) -> AuditMemory | None:
    """What is remembered of the circle; None where nothing can be. Raises OSError."""
    if scope.sample is not None:
        return None
    if history.manifest.privacy is not None:
        report.notes.append(
            "nothing is remembered of a circle with privacy terms: how an update follows on the one before is"
            " looked at from the beginning"
        )
        return None
    first = first_disputable_round(history.number) if scope.first is None else scope.first
    is_named = scope.first is not None
    return AuditMemory(folder, network, history, first, is_named=is_named, max_bytes=memory_bytes // 2)


def _draw_seed(circle: Circle, scope: Scope, placed: list[PlacedEvent], report: Report) -> Scope:
    """The scope with the seed that its block gives, where a block is to draw the sample. Raises UsageError."""
    if scope.seed_block is None:
        return scope
    mark = fetch_sample_block(circle, scope.seed_block, report.head)
    report.sample_block, report.sample_block_hash = mark.number, mark.hash
    said = describe_foreknowledge(mark.number, find_last_attestation_block(placed))
    report.notes += [] if said is None else [said]
    return replace(scope, seed=derive_sample_seed(mark.hash, circle.network))


def _read(
    circle: Circle, first_block: int, known: KnownEvents | None
) -> tuple[Report, _Folded | None, dict[str, EquivocationProof]]:
    """Everything that the chain tells, of one moment. Raises Unsettled where it changed meanwhile."""
    report = Report(circle.network.chain_id, circle.network.contract, 0)
    report.count(Check.CODE)
    try:
        reading = read_history(circle, first_block, known=known)
        check_task(reading.history.manifest)
    except OtherHash as fault:
        report.add(
            Check.HISTORY,
            str(fault),
            Kind.FOREIGN_HISTORY,
            contract=fault.anchored.hex(),
            folded=fault.folded.hex(),
        )
        return report, None, {}
    except (HistoryFault, MalformedManifest) as fault:
        kind = Kind.FOREIGN_HISTORY if isinstance(fault, HistoryFault) else Kind.FOREIGN_MANIFEST
        report.add(Check.HISTORY, str(fault), kind)
        return report, None, {}
    report.head, report.head_hash, folded = reading.mark.number, reading.mark.hash, _fold(circle, reading)
    report.head_time_s = fetch_header(circle.rpc, reading.mark.number, reading.mark.hash).time_s
    history = folded.history
    report.count(Check.HISTORY, len(reading.placed))
    report.task, report.rule = history.manifest.task, history.manifest.rule
    report.rounds, report.seats = len(history.rounds), len(history.seats)
    if (terms := history.manifest.privacy) is not None:
        report.privacy_terms = msgspec.to_builtins(terms)
    report.spans, report.availability = find_spans(history), list_availability(history)
    report.coin = trace_coin(history, reading.placed)
    proofs = _check_chain(circle, folded, report.head, report)
    # Reorganised while it was read: what does not fit together is nobody's fault.
    reading.check_still_there(circle)
    return report, folded, proofs


def _fold(circle: Circle, reading: Reading) -> _Folded:
    """Once more, and looking at who comes and goes."""
    history = History(circle.terms)
    membership = MembershipLog(history)
    for place in reading.placed:
        history.apply(place.event)
        membership.note(place)
    return _Folded(history, reading, membership)


def _check_chain(circle: Circle, folded: _Folded, head: int, report: Report) -> dict[str, EquivocationProof]:
    """What needs the chain alone. Returns transaction → the equivocation that it proved."""
    blocks = draw_blocks(folded.placed) | {change.block for change in folded.membership.changes}
    hashes = {place.position[0]: place.block_hash for place in folded.placed}
    headers = fetch_headers(circle.rpc, {block: hashes[block] for block in blocks})
    _list_membership(folded.membership, headers, report)
    check_draws(folded.placed, headers, circle.network, report)
    _check_reputations(circle, folded.history, head, report)
    convicting = _find_transactions(folded.placed, Equivocated)
    found = {transaction: fetch_proof(circle.rpc, transaction, circle.network) for transaction in convicting}
    return {transaction: proof for transaction, proof in found.items() if proof is not None}


def _find_transactions(placed: Iterable[PlacedEvent], kind: type[Event]) -> set[str]:
    return {place.transaction for place in placed if isinstance(place.event, kind)}


def _list_membership(membership: MembershipLog, headers: dict[int, BlockHeader], report: Report) -> None:
    for change in membership.changes:
        header = headers.get(change.block)
        report.membership.append(replace(change, time_s=header.time_s if header else None))


def _check_reputations(circle: Circle, history: History, head: int, report: Report) -> None:
    report.count(Check.REPUTATIONS, sum(len(r.reputations) for r in history.rounds if r.settled))
    for number, differing in history.reputation_differences:
        if not differing:
            fact = "the contract reports reputations of seats that nobody holds"
            report.add(Check.REPUTATIONS, fact, Kind.WRONG_REPUTATION, round_number=number)
        for seat, (reported, recomputed) in differing.items():
            report.add(
                Check.REPUTATIONS,
                "the contract's reputation is not what the verdicts give",
                Kind.WRONG_REPUTATION,
                round_number=number,
                seat=seat,
                contract=reported,
                recomputed=recomputed,
            )
    if circle.fetch_reputation_words(head) != pack(history.reputations):
        report.add(
            Check.REPUTATIONS,
            "the contract's reputations are not those of its last settlement",
            Kind.WRONG_REPUTATION,
        )
    for seat, held in history.seats.items():
        if held.is_held:
            report.reputations[held.peer] = history.reputations[seat] / FULL


@dataclass(frozen=True)
class _Work:
    """What recomputing rounds needs, whichever they are."""

    source: BlobSource
    """Where blobs come from."""
    network: Network
    """Which circle it is."""
    history: History
    """The circle's."""
    genesis: GridState | None
    """(d,), int32; None where it is not to be had."""
    timeout_s: float
    """For one blob, over all gateways together."""
    memory_bytes: int
    """For what is kept from round to round."""
    jobs: int | None
    """Processes; None for what is worth it."""


async def _check_rounds(
    work: _Work, plan: AuditPlan, report: Report, progress: Progress | None, memory: AuditMemory | None
) -> dict[int, bool | None]:
    """What needs the blobs. Returns dispute → whether the claim is right."""
    truths: dict[int, bool | None] = {}
    part, standing = make_part(report), None
    if memory is not None:
        standing = memory.begin(part)
        if (claims := memory.plan_new_claims()).work:
            # What these rounds give was told by the audit that is remembered.
            truths |= await _walk(replace(work, jobs=1), claims, make_part(report), None)
        truths |= memory.find_truths()
    found = await _walk(work, plan, part, progress, memory, standing, truths)
    absorb(part, report)
    report.blobs, report.blob_bytes, report.pruned = part.blobs, part.blob_bytes, part.pruned
    return found | truths


async def _walk(
    work: _Work,
    plan: AuditPlan,
    report: Report,
    progress: Progress | None,
    memory: AuditMemory | None = None,
    standing: Standing | None = None,
    truths: Mapping[int, bool | None] = MappingProxyType({}),
) -> dict[int, bool | None]:
    """All rounds of a plan. Returns dispute → whether the claim is right.

    truths: the same, of disputes about rounds before.
    """
    history = work.history
    room, count = work.memory_bytes // 4, choose_jobs(work.jobs, plan, history)
    left = work.memory_bytes - 2 * room
    with (
        Spill[bytes](room) as blobs_shelf,
        appoint(count, history, work.network, work.genesis, report, plan, left, standing) as auditor,
    ):

        def remember(number: int) -> None:
            if memory is not None:
                memory.save(number, report, {**auditor.false_verdicts, **truths}, auditor.describe_standing())

        blobs = SpillingBlobs(blobs_shelf)
        getting = _BlobSource(work.source, history, GatheredBlobs(blobs), work.timeout_s)
        frames, rounds = NeededFrames(history), list(plan.find_rounds(history))
        for done, round_ in enumerate(rounds, 1):
            needed = plan.find_needed(round_)
            # A round still open has sealed its updates: nobody may serve them yet, and nothing was judged.
            if round_.seed is not None:
                await getting.fetch_updates(round_, needed)
            is_whole = round_.settled and not getting.gathered.missing
            if memory is not None and memory.is_due(round_.number, is_whole=is_whole):
                await asyncio.to_thread(remember, round_.number - 1)
            if round_.seed is not None:
                _note_missing(round_, needed, history, getting.gathered, report)
            await asyncio.to_thread(auditor.examine, round_, {} if round_.seed is None else blobs)
            await getting.fetch_all(auditor.find_awaited(round_), RECORD_MAX_BYTES)
            await getting.fetch_all(
                auditor.read_named_checkpoints(round_, blobs), checkpoint_max_bytes(history.manifest)
            )
            await asyncio.to_thread(auditor.take_up, round_, blobs)
            blobs.keep(frames.note_round(round_, needed))
            if memory is not None and (report.not_recomputed or getting.gathered.missing):
                memory.give_up()
            if progress:
                progress(done, len(rounds))
        if memory is not None and not memory.is_over and rounds:
            await asyncio.to_thread(remember, rounds[-1].number)
        report.blobs, report.blob_bytes = getting.gathered.count, getting.gathered.total_bytes
        return dict(auditor.false_verdicts)


@dataclass(frozen=True)
class _BlobSource:
    """Where the blobs of an audit come from, and where they are put."""

    fetcher: BlobSource
    """Asks the gateways."""
    history: History
    """Says which gateways there are."""
    gathered: GatheredBlobs
    """Where they are put."""
    timeout_s: float
    """For one blob, over all gateways together."""

    async def fetch_updates(self, round_: Round, needed: Mapping[int, bytes]) -> None:
        """A round's updates of these seats, and what they hang on."""
        limit = update_max_bytes(self.history.manifest)
        await gather_round(
            self.fetcher,
            self.history,
            round_,
            self.gathered,
            max_bytes=limit,
            timeout_s=self.timeout_s,
            seats=needed,
        )

    async def fetch_all(self, wanted: list[tuple[int, bytes]], max_bytes: int) -> None:
        """(seat to be asked first, digest) of other blobs."""
        await gather_blobs(
            self.fetcher,
            self.history,
            wanted,
            max_bytes=max_bytes,
            timeout_s=self.timeout_s,
            into=self.gathered,
        )


def _note_missing(
    round_: Round, needed: Mapping[int, bytes], history: History, gathered: GatheredBlobs, report: Report
) -> None:
    """Of rounds that are final nobody has to keep anything (R29), so that a blob of these is told of by number."""
    report.count(Check.BLOBS, len(needed))
    is_final = round_.number < first_disputable_round(history.number)
    for seat, digest in needed.items():
        reasons = gathered.missing.get(digest)
        if reasons is None:
            continue
        if is_final:
            report.pruned += 1
            continue
        said = list(reasons.items())
        more = {"and": f"{len(said) - _SAID_MAX} more"} if len(said) > _SAID_MAX else {}
        report.add(
            Check.BLOBS,
            "nobody serves the update",
            Kind.MISSING_UPDATE,
            round_number=round_.number,
            seat=seat,
            peer=round_.peers[seat],
            digest=digest.hex(),
            **{f"at {gateway}": reason for gateway, reason in said[:_SAID_MAX]},
            **more,
        )


async def _fetch_genesis(
    fetcher: BlobSource, history: History, report: Report, timeout_s: float
) -> GridState | None:
    manifest = history.manifest
    digest = manifest.genesis_digest
    gathered = await gather_blobs(
        fetcher, history, [(0, digest)], max_bytes=update_max_bytes(manifest), timeout_s=timeout_s
    )
    report.count(Check.BLOBS)
    blob = gathered.blobs.get(digest)
    if blob is None:
        report.add(Check.BLOBS, "nobody serves the genesis state", Kind.MISSING_GENESIS, digest=digest.hex())
        return None
    try:
        return decode_genesis(blob, manifest)
    except PeerFault as fault:
        report.add(Check.BLOBS, f"the genesis state is invalid: {fault}", Kind.INVALID_GENESIS, digest=digest.hex())
        return None
