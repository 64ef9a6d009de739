"""`folkmoot trace` on a bundle: without a network, and with claims that the bundle proves (R33.8)."""

import argparse
import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ledger.errors import SetupError, UsageError
from node.cli.audit_bundle import check_hash
from node.cli.options import choose_rpc_urls, parse_patience, print_json
from node.opened_circle import OpenCircle, open_bundled
from node.operating.printing import complain, say
from node.operating.wording import format_count

_UNSAID: Final = (
    "unsaid   whose data these are: a seat is a key. Who sat in another seat too, or",
    "         whose update somebody published as its own, is in there as that seat.",
    "         Nor what a seat decided: one of which nothing is in a model was judged",
    "         with others, and stood among the bases of the median",
)


def add_bundle_options(parser: argparse.ArgumentParser) -> None:
    """--bundle, --proof, --check and --block-hash."""
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="FILE.car",
        help="from a bundle that `folkmoot audit --from 1 --save` wrote, without a network, in place of --circle",
    )
    parser.add_argument(
        "--proof",
        type=Path,
        metavar="FILE.car",
        help="with --of: write a bundle with what is found of that seat as a claim, to be checked with --check;"
        " without --bundle the circle is audited into it first",
    )
    parser.add_argument(
        "--check", type=Path, metavar="FILE.car", help="recompute the claims that --proof wrote, without a network"
    )
    parser.add_argument(
        "--block-hash",
        metavar="0x…",
        help="of the block that the bundle is of, from elsewhere: another one is refused",
    )


def check_bundle_options(options: argparse.Namespace) -> None:
    """Raises UsageError for what does not go together."""
    if options.proof is not None and options.of is None:
        raise UsageError(
            "--proof proves which updates of a seat are in a model, or that none is: name it with --of"
        )
    if options.block_hash is not None and options.bundle is None and options.check is None:
        raise UsageError("--block-hash says which block a bundle must be of: give --bundle or --check")
    check_hash(options.block_hash)
    others = ("model", "round", "seat", "of", "without", "graph", "bundle", "proof", "contract", "folder")
    if options.check is not None and any(getattr(options, name) is not None for name in others):
        raise UsageError("--check takes all it needs from the file: give at most --block-hash with it")
    if options.bundle is not None and (options.contract is not None or options.folder is not None):
        raise UsageError("--bundle takes the place of --contract and --folder: leave these out")


class BundleFetch:
    """A `Fetch` that reads a bundle's blobs when they are asked for."""

    def __init__(self, bundle: Any) -> None:
        self._bundle = bundle

    async def __call__(self, wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
        """As any. Raises Unavailable, BadBundle."""
        from ledger.fetch.fetcher import Unavailable

        for digest in wanted:
            if digest not in self._bundle.blobs and digest not in self._bundle.invalid:
                raise Unavailable(digest, self._bundle.missing.get(digest, {"": "the bundle does not have it"}))
        return _BundledBlobs(self._bundle, max_bytes)


class _BundledBlobs(Mapping[bytes, bytes | None]):
    """Digest → bytes, None for what is no blob; nothing is kept."""

    def __init__(self, bundle: Any, max_bytes: int) -> None:
        self._bundle, self._max_bytes = bundle, max_bytes

    def __getitem__(self, digest: bytes) -> bytes | None:
        from ledger.errors import PeerFault

        if digest not in self._bundle.blobs and digest not in self._bundle.invalid:
            raise KeyError(digest)
        try:
            blob: bytes = self._bundle.read_blob(digest, self._max_bytes)
        except PeerFault:
            return None
        return blob

    def __iter__(self) -> Iterator[bytes]:
        yield from self._bundle.blobs
        yield from self._bundle.invalid

    def __len__(self) -> int:
        return len(self._bundle.blobs) + len(self._bundle.invalid)


def check_replaceable(path: Path | None, bundle: Any) -> None:
    """Whether --proof may be written: nothing is there, or the same bundle. Raises SetupError."""
    from ledger.audit.bundle.reader import Bundle

    if path is None or not path.exists():
        return
    with Bundle(path) as found:
        if found.name != bundle.name:
            raise SetupError(f"--proof {path} is there, and is another bundle: move it, or name another file")


def save_bundle(options: argparse.Namespace, opened: OpenCircle) -> None:
    """Audit a circle from its first round into --proof. Raises SetupError."""
    from ledger.audit.run import Scope
    from ledger.audit.saving import audit_and_save

    urls = choose_rpc_urls(options) or opened.file.read_rpc_urls()
    report, root = audit_and_save(
        urls,
        opened.circle.network.contract,
        options.proof,
        read_at_s=int(time.time()),
        tell=lambda found: complain(f"{options.proof}: {format_count(found.updates, 'update')} to fetch at most"),
        first_block=opened.file.block,
        timeout_s=options.timeout,
        ipfs_api=options.ipfs_api,
        patience=parse_patience(options),
        scope=Scope(1),
    )
    if root is None:
        raise SetupError(
            "the chain could not be read as a circle's, so there is nothing to prove: `folkmoot audit`"
        )
    if not report.clean:
        complain(
            f"the audit has {format_count(len(report.findings), 'finding')}: see `folkmoot audit {options.proof}`"
        )


def check_proof(options: argparse.Namespace) -> int:
    """Recompute a file's claims. 0: all hold; 1: one does not."""
    from ledger.audit.claims import is_same_claim, make_verdict_claim, read_claims
    from ledger.audit.tracing import check_traceable

    opened = open_bundled(options.check, options.block_hash)
    with opened.bundle as bundle:
        claims, history = read_claims(bundle), opened.history
        if not claims:
            raise UsageError(
                f"{options.check} is a bundle without a claim: `folkmoot trace --bundle … --proof` adds one"
            )
        for claim in claims:
            if claim.of not in history.seats:
                raise SetupError(
                    f"{options.check} claims something of seat {claim.of}, which the circle never had: it proves"
                    " nothing"
                )
            check_traceable(history, claim.round, claim.seat, by_verdicts=claim.digest is None)
        found = {
            place: make_verdict_claim(bundle.name, history, claim.round, claim.seat, claim.of)
            for place, claim in enumerate(claims)
            if claim.digest is None
        }
        # One account for all claims about a model: a stranger's file asks for no more work than it has models.
        for model in {(claim.round, claim.seat) for claim in claims if claim.digest is not None}:
            places = [n for n, one in enumerate(claims) if n not in found and (one.round, one.seat) == model]
            made = _recompute(options, opened, bundle, model, [claims[place].of for place in places])
            found |= dict(zip(places, made, strict=True))
        told = [(claim, is_same_claim(claim, found[place])) for place, claim in enumerate(claims)]
        pinned = options.block_hash is not None
        _tell(options, told, opened, bundle.root.block.hash, opened.proved.state, pinned)
    return 0 if all(holds for _, holds in told) else 1


def _recompute(
    options: argparse.Namespace, opened: OpenCircle, bundle: Any, model: tuple[int, int | None], seats: list[int]
) -> list[Any]:
    """What the account of a model, a round and a seat, says of each of these seats. Raises SetupError."""
    from ledger.audit.claims import make_account_claim
    from ledger.audit.tracing import Room, trace
    from ledger.fetch.fetcher import Unavailable

    domain = opened.circle.network.domain_separator
    with Room() as room:
        try:
            traced = asyncio.run(trace(opened.history, domain, *model, BundleFetch(bundle), room))
        except Unavailable as lacking:
            raise SetupError(
                f"{options.check} lacks blob {lacking.digest.hex()[:12]}, which its claim follows from"
            ) from lacking
        return [make_account_claim(bundle.name, traced, seat) for seat in seats]


def _tell(
    options: argparse.Namespace, told: list[Any], opened: OpenCircle, block: str, is_proved: bool, pinned: bool
) -> None:
    network = opened.circle.network
    if options.json:
        claims = [_make_fields(claim) | {"holds": holds} for claim, holds in told]
        print_json(
            {
                "contract": network.contract,
                "chain_id": network.chain_id,
                "block": opened.block,
                "block_hash": block,
                "state_proved": is_proved,
                "pinned": pinned,
                "claims": claims,
            }
        )
        return
    say(f"circle   {network.contract} on chain {network.chain_id}")
    say(f"block    {opened.block}, {block}")
    if is_proved:
        say("proved   the events are the circle's, by the state root of that block")
    else:
        say("word     the running hash is as the maker's endpoint told it: no proof of the state")
    if not pinned:
        say("word     that the block is the chain's: give its hash from elsewhere with")
        say("         --block-hash")
    for line in _UNSAID:
        say(line)
    for claim, holds in told:
        for line in describe_claim(claim):
            say(line)
        say(
            f"{'holds' if holds else 'FALSE':9}"
            + ("recomputed from the file" if holds else "the file gives another account")
        )


def describe_claim(claim: Any) -> list[str]:
    """What is claimed."""
    model = "the circle's model" if claim.seat is None else f"the base of seat {claim.seat}"
    by = "" if claim.digest is not None else "by the verdicts on chain, at their word"
    if claim.excluded or claim.digest is None:
        whose = f"no update of seat {claim.of} is" if claim.excluded else f"updates of seat {claim.of} may be"
        return [f"claim    {whose} in {model} of round {claim.round}", *([f"         {by}"] if by else [])]
    numbers = [update.round for update in claim.updates]
    return [
        f"claim    {format_count(len(numbers), 'update')} of seat {claim.of} are in {model} of round {claim.round}",
        f"         of rounds {numbers[0]} to {numbers[-1]}, digest of the model {claim.digest[2:14]}…",
    ]


def _make_fields(claim: Any) -> dict[str, Any]:
    return {
        "basis": claim.basis,
        "digest": claim.digest,
        "excluded": claim.excluded,
        "of": claim.of,
        "round": claim.round,
        "seat": claim.seat,
        "updates": [
            {"round": one.round, "tenure": one.tenure, "coefficient": int(one.coefficient) / 2**60}
            for one in claim.updates
        ],
    }
