"""`folkmoot audit` with a bundle: --save writes one, and a bundle's name audits it without a network."""

import argparse
import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ledger.errors import SetupError, UsageError
from node.operating.printing import complain
from node.operating.wording import format_count

if TYPE_CHECKING:
    from ledger.audit.bundle.reader import Bundle
    from ledger.audit.findings import Report
    from ledger.audit.run import Progress, Scope
    from ledger.audit.saving import SizeEstimate

_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)


def add_bundle_options(parser: argparse.ArgumentParser) -> None:
    """Declare what is about a bundle; its name itself is the parser's own."""
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE.car",
        help="keep all that the audit goes by in a bundle, or add to one; goes on where it was stopped",
    )
    parser.add_argument(
        "--block-hash",
        metavar="0x…",
        help="of the block that a bundle is of, from elsewhere: another one is refused",
    )
    parser.add_argument(
        "--sign-with",
        type=Path,
        metavar="KEYSTORE",
        help="sign the bundle with this key (`folkmoot keys new` makes one)",
    )
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="first line: the key's password")


def check_bundle_options(options: argparse.Namespace) -> None:
    """Raises UsageError for what does not go together."""
    if options.bundle is not None and options.save is not None:
        raise UsageError("--save goes with --circle or --contract: a bundle is audited as it is")
    if options.sign_with is not None and options.bundle is None and options.save is None:
        raise UsageError("--sign-with signs a bundle: name one, or --save one")
    if options.password_file is not None and options.sign_with is None:
        raise UsageError("--password-file goes with --sign-with")
    if options.block_hash is not None:
        if options.bundle is None:
            raise UsageError("--block-hash says which block a bundle must be of: name a bundle")
        check_hash(options.block_hash)


def check_hash(text: str | None) -> None:
    """Whether --block-hash, where it is given, is one. Raises UsageError."""
    if text is not None and not _HASH.fullmatch(text):
        raise UsageError(f"--block-hash {text[:20]!r} is no hash: give 0x and 64 hex digits")


@dataclass(frozen=True)
class Signer:
    """A key that is open."""

    address: str
    """Its address."""
    key: bytes
    """32 bytes."""


def open_signer(options: argparse.Namespace) -> Signer | None:
    """The key of --sign-with; None without it. Asks for its password. Raises SetupError."""
    if options.sign_with is None:
        return None
    from eth_account import Account

    from node.seat.keys import load_key, read_password

    key = load_key(options.sign_with, read_password(options.password_file, f"password for {options.sign_with}: "))
    return Signer(str(Account.from_key(key).address), key)


def audit_bundle_file(
    options: argparse.Namespace, scope: "Scope", jobs: int | None, progress: "Progress | None"
) -> "Report":
    """Audit a bundle, sign it where that is asked, and say in the report what it proves."""
    from ledger.audit.reopening import audit_bundle, open_bundle

    signer = open_signer(options)
    pinned = None if options.block_hash is None else options.block_hash.lower()
    bundle, _ = open_bundle(options.bundle, pinned)
    with bundle:
        report = asyncio.run(audit_bundle(bundle, scope=scope, progress=progress, jobs=jobs))
        if signer is not None:
            _sign(bundle, signer)
    report.bundle = _describe(options.bundle, pinned)
    return report


def audit_saving(
    options: argparse.Namespace,
    rpc: Sequence[str],
    address: str,
    about: dict[str, Any],
    progress: "Progress | None",
) -> "Report":
    """Audit a circle and write its bundle. about: what `audit_and_save` takes beside."""
    from ledger.audit.reopening import open_bundle
    from ledger.audit.saving import audit_and_save

    signer = open_signer(options)
    path: Path = options.save
    if not path.parent.is_dir():
        raise SetupError(f"there is no folder {path.parent} to save {path.name} in: make it first")
    report, root = audit_and_save(
        rpc,
        address,
        path,
        read_at_s=int(time.time()),
        tell=lambda found: _tell_size(path, found),
        progress=progress,
        **about,
    )
    if root is None:
        complain(f"{path} was not written: the chain could not be read as a circle's, so there is nothing to keep")
        return report
    if signer is not None:
        bundle, _ = open_bundle(path, None)
        with bundle:
            _sign(bundle, signer)
    report.bundle = _describe(path, None)
    return report


def _sign(bundle: "Bundle", signer: Signer) -> None:
    from ledger.audit.bundle.writer import add_signature, sign_bundle
    from ledger.identity.signing import sign

    make: Callable[[bytes], bytes] = lambda message: sign(signer.key, message)  # noqa: E731
    add_signature(bundle, sign_bundle(bundle.network, bundle.name, int(time.time()), signer.address, make))


def _describe(path: Path, pinned: str | None) -> dict[str, Any]:
    from ledger.audit.reopening import describe_bundle, open_bundle

    bundle, proved = open_bundle(path, pinned)
    with bundle:
        return describe_bundle(bundle, proved, pinned)


def _tell_size(path: Path, found: "SizeEstimate") -> None:
    """Before anything is fetched, on stderr."""
    lacking = found.updates - found.held
    here = f"; {format_count(found.held, 'update')} are here already" if found.held else ""
    complain(
        f"{path}: {format_count(lacking, 'update')} to fetch, at most {_megabytes(found.max_bytes)} "
        f"({_megabytes(found.update_max_bytes)} each, the most that the circle allows; most are smaller){here}"
    )
    if 2 * found.max_bytes > found.free_bytes:
        complain(
            f"{path}: there are {_megabytes(found.free_bytes)} free, and while it is written a bundle takes up to "
            "twice its size; if the disk is full it stops, and goes on from there"
        )


def _megabytes(size: int) -> str:
    """In the unit that shows a figure: an update of a small model is some kB."""
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"
