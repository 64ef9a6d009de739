"""An audit from a bundle alone, and what is said of the bundle itself (R32.4, R32.5)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ledger.audit.bundle.facts import Proved, check_facts
from ledger.audit.bundle.names import BadBundle
from ledger.audit.bundle.offline import BundledBlobs, BundledChain, read_code_task
from ledger.audit.bundle.reader import Bundle
from ledger.audit.findings import Report
from ledger.audit.run import Progress, Scope, audit_from
from ledger.audit.source import Source
from ledger.chain.contract.artifact import CodeMismatch
from ledger.errors import UsageError


async def audit_bundle(
    bundle: Bundle, *, scope: Scope, progress: Progress | None = None, jobs: int | None = None
) -> Report:
    """Recompute from a bundle what was recomputed when it was made. Opens no connection.

    scope: its first round and sample where it names them; else the bundle's.
    Raises UsageError for rounds that the bundle does not go back to, BadBundle.
    """
    chain = BundledChain(bundle)
    made = bundle.root.made
    source = Source(chain, BundledBlobs(bundle), made.at_s, made.endpoint)
    return await audit_from(
        source,
        bundle.network.contract,
        first_block=chain.first_block,
        progress=progress,
        scope=choose_scope(bundle, scope),
        jobs=jobs,
    )


def choose_scope(bundle: Bundle, asked: Scope) -> Scope:
    """The bundle's own rounds, or fewer. Raises UsageError."""
    row = bundle.root.scope
    if asked.first is None and asked.sample is None:
        return Scope(row.first, row.sample, row.seed or 0, row.seed_block)
    if asked.first is not None and asked.first < row.first:
        raise UsageError(f"{bundle.path} begins with round {row.first}: --from {asked.first} goes behind that")
    if row.sample is not None:
        raise UsageError(f"{bundle.path} holds a sample of {row.sample}: audit it without --from and --sample")
    return replace(asked, first=row.first if asked.first is None else asked.first)


def describe_bundle(bundle: Bundle, proved: Proved, pinned: str | None) -> dict[str, Any]:
    """What a report says of its bundle: what it proves, what it takes on somebody's word, who signed it.

    pinned: the block's hash as the reader has it from elsewhere, 0x-prefixed hex.
    """
    return {
        "root": bundle.name.text,
        "header_proved": proved.header,
        "state_proved": proved.state,
        "headers_proved": proved.headers,
        "headers_told": proved.headers_told,
        "headers_bound": proved.headers_bound,
        "events_placed": len(proved.placed),
        "transactions_proved": len(proved.transactions),
        "missing": len(bundle.missing),
        "pinned": pinned is not None,
        "signatures": [{"signer": one.signer, "claimed_s": one.claimed_s} for one in bundle.signatures],
    }


def open_bundle(path: Path, pinned: str | None) -> tuple[Bundle, Proved]:
    """Open a bundle and hold its proofs against what they prove. Raises BadBundle, also for another block."""
    bundle = Bundle(path)
    try:
        block = bundle.root.block
        if pinned is not None and block.hash != pinned:
            raise BadBundle(
                f"{path} is of block {block.number} with hash {block.hash}, not {pinned}: it is of another "
                "chain, or of another time"
            )
        proved = check_facts(bundle)
        if pinned is not None and not proved.header:
            raise BadBundle(
                f"{path} has no header for block {block.number}: a hash from elsewhere says nothing of it"
            )
        _check_manifest(bundle)
    except BaseException:
        bundle.close()
        raise
    return bundle, proved


def _check_manifest(bundle: Bundle) -> None:
    try:
        task = read_code_task(bundle)
    except CodeMismatch:
        return  # a finding of the audit's
    if task != bundle.root.manifest.name.digest:
        raise BadBundle(f"{bundle.path} has another manifest than its circle's code names")
