"""The audit: from an RPC endpoint and a contract address to a report, trusting neither."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ledger.audit.draws import Header, check_draws, draw_blocks, read_headers
from ledger.audit.faults import check_faults
from ledger.audit.findings import Check, Report
from ledger.audit.gather import Frames, Gathered, gather, gather_round
from ledger.audit.kept import Blobs, CarriedStates, Holder, ShelvedStates
from ledger.audit.membership import MembershipLog
from ledger.audit.proofs import Proof, read_proof
from ledger.audit.rounds import RoundAuditor
from ledger.blobs.fetch import BlobFetcher
from ledger.chain.artifact import CodeMismatch
from ledger.chain.circle import Circle, NotThere, Placed
from ledger.chain.failover import connect
from ledger.chain.patience import Patience, insist
from ledger.chain.reading import OtherHash, Reading, Unsettled, read_history
from ledger.errors import PeerFault
from ledger.events import Equivocated, Event
from ledger.exact import State
from ledger.history import History, HistoryFault, Round
from ledger.lineage import Link, States
from ledger.manifest import MalformedManifest
from ledger.records import decode_genesis, update_max_bytes
from ledger.reputation import FULL, pack
from ledger.shelf import Shelf

Progress = Callable[[int, int], None]
# Of a missing blob, so many gateways are told of in the finding.
_SAID_MAX: Final = 16


@dataclass(frozen=True)
class _Folded:
    """A circle's history, the events it came of, and who was in it when."""

    history: History
    placed: list[Placed]
    membership: MembershipLog


async def audit(
    rpc_urls: Sequence[str],
    address: str,
    *,
    first_block: int = 0,
    timeout_s: float = 30.0,
    progress: Progress | None = None,
    memory_bytes: int = 1 << 30,
    patience: Patience | None = None,
) -> Report:
    """Recompute a circle's every verdict and reputation.

    rpc_urls: endpoints of one chain, the next where one fails.
    first_block: where the circle was deployed or earlier; the later, the less is read. timeout_s: for one blob,
    over all gateways together. progress(done, rounds) is called after each round. memory_bytes: for what is kept
    from round to round, beside what judging once needs; the rest lies in a temporary folder. patience: with
    endpoints.
    Raises SetupError or PeerFault where chain or address cannot be read: what none tells is no finding.
    """
    rpc = connect(rpc_urls, patience=patience)
    try:
        circle = await asyncio.to_thread(Circle, rpc, address, since=first_block)
    except NotThere:
        raise
    except CodeMismatch as error:
        report = Report(await asyncio.to_thread(rpc.number, "eth_chainId"), address, 0)
        report.add(Check.CODE, str(error))
        return report
    report, folded, proofs = await asyncio.to_thread(
        insist, rpc, lambda: _read(circle, first_block), Unsettled, rpc.patience.fault_s
    )
    if folded is None:
        return report
    history = folded.history
    async with BlobFetcher() as fetcher:
        truths = await _check_rounds(fetcher, circle, history, report, timeout_s, progress, memory_bytes)
    check_faults(history, folded.placed, truths, proofs, report)
    return report


def _read(circle: Circle, first_block: int) -> tuple[Report, _Folded | None, dict[str, Proof]]:
    """Everything that the chain tells, of one moment. Raises Unsettled where it changed meanwhile."""
    report = Report(circle.network.chain_id, circle.network.contract, 0)
    report.count(Check.CODE)
    try:
        reading = read_history(circle, first_block)
    except OtherHash as fault:
        report.add(Check.HISTORY, str(fault), contract=fault.anchored.hex(), folded=fault.folded.hex())
        return report, None, {}
    except (HistoryFault, MalformedManifest) as fault:
        report.add(Check.HISTORY, str(fault))
        return report, None, {}
    report.head, folded = reading.mark.number, _fold(circle, reading)
    history = folded.history
    report.count(Check.HISTORY, len(reading.placed))
    report.task, report.rule = history.manifest.task, history.manifest.rule
    report.rounds, report.seats = len(history.rounds), len(history.seats)
    proofs = _check_chain(circle, folded, report.head, report)
    # Reorganised while it was read: what does not fit together is nobody's fault.
    reading.check_still_there(circle)
    return report, folded, proofs


def _fold(circle: Circle, reading: Reading) -> _Folded:
    """Once more, and looking at who comes and goes."""
    history = History(circle.parameters)
    membership = MembershipLog(history)
    for place in reading.placed:
        history.apply(place.event)
        membership.note(place)
    return _Folded(history, reading.placed, membership)


def _check_chain(circle: Circle, folded: _Folded, head: int, report: Report) -> dict[str, Proof]:
    """What needs the chain alone. Returns transaction → the equivocation that it proved."""
    blocks = draw_blocks(folded.placed) | {change.block for change in folded.membership.changes}
    hashes = {place.position[0]: place.block_hash for place in folded.placed}
    headers = read_headers(circle.rpc, {block: hashes[block] for block in blocks})
    _list_membership(folded.membership, headers, report)
    check_draws(folded.placed, headers, circle.network, report)
    _check_reputations(circle, folded.history, head, report)
    convicting = _transactions(folded.placed, Equivocated)
    found = {transaction: read_proof(circle.rpc, transaction, circle.network) for transaction in convicting}
    return {transaction: proof for transaction, proof in found.items() if proof is not None}


def _transactions(placed: Iterable[Placed], kind: type[Event]) -> set[str]:
    return {place.transaction for place in placed if isinstance(place.event, kind)}


def _list_membership(membership: MembershipLog, headers: dict[int, Header], report: Report) -> None:
    for change in membership.changes:
        header = headers.get(change.block)
        report.membership.append(replace(change, time_s=header.time_s if header else None))


def _check_reputations(circle: Circle, history: History, head: int, report: Report) -> None:
    report.count(Check.REPUTATIONS, sum(len(r.reputations) for r in history.rounds if r.settled))
    for number, differing in history.reputation_differences:
        if not differing:
            fact = "the contract reports reputations of seats that nobody holds"
            report.add(Check.REPUTATIONS, fact, round_number=number)
        for seat, (reported, recomputed) in differing.items():
            report.add(
                Check.REPUTATIONS,
                "the contract's reputation is not what the verdicts give",
                round_number=number,
                seat=seat,
                contract=reported,
                recomputed=recomputed,
            )
    if circle.reputation_words(head) != pack(history.reputations):
        report.add(Check.REPUTATIONS, "the contract's reputations are not those of its last settlement")
    for seat, held in history.seats.items():
        if held.is_held:
            report.reputations[held.peer] = history.reputations[seat] / FULL


async def _check_rounds(
    fetcher: BlobFetcher,
    circle: Circle,
    history: History,
    report: Report,
    timeout_s: float,
    progress: Progress | None,
    memory_bytes: int,
) -> dict[int, bool | None]:
    """What needs the blobs. Returns dispute → whether its verdict is false."""
    limit = update_max_bytes(history.manifest)
    genesis = await _genesis(fetcher, history, report, timeout_s)
    room = memory_bytes // 4
    with (
        Shelf[bytes](room) as blobs_shelf,
        Shelf[Link](room) as states_shelf,
        Shelf[tuple[Holder, str]](room) as carried_shelf,
    ):
        blobs = Blobs(blobs_shelf)
        gathered, frames = Gathered(blobs), Frames(history)
        # This round's states, and those that the next one's frames hang on.
        beyond = ShelvedStates(states_shelf, 2 * len(history.seats))
        states = States(genesis, room, beyond=beyond)
        carried = CarriedStates(carried_shelf)
        auditor = RoundAuditor(history, circle.network, genesis, report, states=states, carried=carried)
        for done, round_ in enumerate(history.rounds, 1):
            # A round still open has sealed its updates: nobody may serve them yet, and nothing was judged.
            if round_.seed is not None:
                await gather_round(fetcher, history, round_, gathered, max_bytes=limit, timeout_s=timeout_s)
                _note_missing(round_, gathered, report)
            await asyncio.to_thread(auditor.check, round_, {} if round_.seed is None else blobs)
            blobs.keep(frames.after(round_))
            if progress:
                progress(done, len(history.rounds))
    report.blobs, report.blob_bytes = gathered.count, gathered.total_bytes
    return auditor.false_verdicts


def _note_missing(round_: Round, gathered: Gathered, report: Report) -> None:
    report.count(Check.BLOBS, len(round_.commits))
    for seat, digest in round_.commits.items():
        reasons = gathered.missing.get(digest)
        if reasons is None:
            continue
        said = list(reasons.items())
        more = {"and": f"{len(said) - _SAID_MAX} more"} if len(said) > _SAID_MAX else {}
        report.add(
            Check.BLOBS,
            "nobody serves the update",
            round_number=round_.number,
            seat=seat,
            peer=round_.peers[seat],
            digest=digest.hex(),
            **{f"at {gateway}": reason for gateway, reason in said[:_SAID_MAX]},
            **more,
        )


async def _genesis(fetcher: BlobFetcher, history: History, report: Report, timeout_s: float) -> State | None:
    manifest = history.manifest
    digest = manifest.genesis_digest
    gathered = await gather(
        fetcher, history, [(0, digest)], max_bytes=update_max_bytes(manifest), timeout_s=timeout_s
    )
    report.count(Check.BLOBS)
    blob = gathered.blobs.get(digest)
    if blob is None:
        report.add(Check.BLOBS, "nobody serves the genesis state", digest=digest.hex())
        return None
    try:
        return decode_genesis(blob, manifest)
    except PeerFault as fault:
        report.add(Check.BLOBS, f"the genesis state is invalid: {fault}", digest=digest.hex())
        return None
