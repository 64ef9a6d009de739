"""A bundle that its maker altered: consistent in itself, and another one than was saved."""

from pathlib import Path
from typing import Any

from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import to_bytes
from ledger.audit.bundle.writer import Evidence, write_bundle


def read_evidence(bundle: Bundle) -> Evidence:
    """All that went into a bundle."""
    root = bundle.root
    return Evidence(
        bundle.network,
        root.block,
        root.made,
        root.scope,
        bundle.read(root.code.circle.name),
        bundle.read(root.code.court.name),
        to_bytes(root.calls.history),
        list(map(to_bytes, root.calls.reputation_words)),
        bundle.read(root.manifest.name),
        bundle.read_state(),
        list(bundle.read_events()),
        {row.number: row for row in bundle.read_headers()},
        {(row.block, row.index): row for row in bundle.read_receipts()},
        {(row.block, row.index): row for row in bundle.read_transactions()},
        set(bundle.blobs),
        {digest: [name.digest for name in names] for digest, names in bundle.invalid.items()},
        dict(bundle.missing),
    )


def alter_bundle(path: Path, to: Path, **changes: Any) -> None:
    """Write a bundle like the one at `path`, with some of the evidence replaced."""
    with Bundle(path) as bundle:
        evidence = read_evidence(bundle)
        for name, value in changes.items():
            setattr(evidence, name, value)
        write_bundle(to, evidence, bundle.read_block)
