"""`folkmoot dispute`: claim on chain that a judge's verdict is not what the blobs give."""

import argparse
import asyncio
from collections.abc import Mapping
from typing import Any, Final

from ledger.errors import SetupError, UsageError
from node.cli.opened import Caller, OpenCircle, add_caller, open_named
from node.cli.options import Subparsers, print_json
from node.printing import say
from node.wording import when

_NO_RECORD: Final = bytes(32)


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("dispute", help="dispute a false verdict", description=__doc__)
    parser.add_argument("round", type=int, metavar="ROUND")
    parser.add_argument("judge", type=int, metavar="JUDGE", help="the seat whose verdict it is")
    parser.add_argument("target", type=int, metavar="TARGET", help="the seat that the verdict is about")
    parser.add_argument(
        "--anyway", action="store_true", help="also where recomputing agrees with the judge, or cannot be done"
    )
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="for one blob (default 30)")
    add_caller(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Recompute, pledge the bond, and have a jury drawn."""
    opened = open_named(options)
    _check_claim(options, opened)
    record = _recomputed(options, opened)
    caller, bond = Caller(options, opened), opened.history.parameters.dispute_bond
    receipt = caller.call("dispute", options.round, options.judge, options.target, record, value_wei=bond)
    opened = opened.again(receipt.block)
    number = next(
        d.claim.dispute
        for d in reversed(opened.history.disputes)
        if d.claim.challenger == caller.address and d.claimed[:2] == (options.round, options.judge)
    )
    dispute = _summoned(opened, caller, number)
    return _print(options, dispute, bond)


def _check_claim(options: argparse.Namespace, opened: OpenCircle) -> None:
    history, number = opened.history, options.round
    if history.parameters.dispute_bond == 0:
        raise UsageError("this circle was deployed without disputes: publish the audit's findings instead")
    if not 1 <= number <= len(history.rounds) or not history.rounds[number - 1].settled:
        raise UsageError(f"round {number} is not settled: dispute one that `folkmoot status` shows as past")
    attested = history.rounds[number - 1].attestations.get(options.judge)
    if attested is None:
        raise UsageError(f"seat {options.judge} attested nothing in round {number}: check round and seat")
    if not attested.judged >> options.target & 1 and not options.anyway:
        raise UsageError(
            f"seat {options.judge} gave no verdict about seat {options.target} in round {number}: check the seats"
        )


def _recomputed(options: argparse.Namespace, opened: OpenCircle) -> bytes:
    """Digest of the judge's record as it should be. Raises UsageError where the claim would fail."""
    from ledger.audit.jury import Truth
    from ledger.blobs.fetch import Unavailable

    try:
        answered, record = asyncio.run(_recompute(options, opened))
    except Unavailable as error:
        if options.anyway:
            return _NO_RECORD
        raise SetupError(
            f"nobody gives the circle's first state, {error}: try again when more members are up"
        ) from error
    if answered.truth == Truth.WITHHELD and not options.anyway:
        raise SetupError(
            f"what seat {options.judge} judged from is not to be had, {answered.lacking}: try again, or claim it "
            "with --anyway, since it is the judge's to show it"
        )
    if answered.truth in (Truth.RIGHT, Truth.UNKNOWABLE) and not options.anyway:
        why = "gives no result" if answered.truth == Truth.UNKNOWABLE else "agrees with the judge"
        raise UsageError(
            f"recomputing seat {options.judge}'s verdict about seat {options.target} {why}, so the bond would be "
            "lost: nothing was sent (--anyway disputes it all the same)"
        )
    return record


async def _recompute(options: argparse.Namespace, opened: OpenCircle) -> tuple[Any, bytes]:
    from ledger.audit.gather import Gathered, gather
    from ledger.audit.jury import Examined
    from ledger.audit.kept import Blobs
    from ledger.blobs.fetch import BlobFetcher, Unavailable
    from ledger.shelf import Shelf
    from node.jury import examined, truth_of

    history, network = opened.history, opened.circle.network.domain_separator
    with Shelf[bytes]() as shelf:
        blobs = Blobs(shelf)
        async with BlobFetcher() as fetcher:

            async def fetch(wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
                lacking = [(seat, digest) for digest, seat in wanted.items() if digest not in blobs]
                gathered = Gathered(blobs)
                await gather(
                    fetcher, history, lacking, max_bytes=max_bytes, timeout_s=options.timeout, into=gathered
                )
                for digest, reasons in gathered.missing.items():
                    raise Unavailable(digest, reasons)
                return blobs

            answered = await truth_of(history, network, options.round, options.judge, options.target, fetch)
            record = None
            # The verdict may follow from fewer blobs than the whole record does.
            if options.judge in history.rounds[options.round - 1].attestations:
                whole = await examined(history, network, options.round, options.judge, fetch)
                record = whole.record if isinstance(whole, Examined) else None
    return answered, record or _NO_RECORD


def _summoned(opened: OpenCircle, caller: Caller, number: int) -> Any:
    """Have the jury drawn; any member may have been faster."""
    from ledger.chain.sender import Reverted

    block = opened.block
    try:
        block = caller.call("summon", number).block
    except Reverted:
        if opened.again(block).history.disputes[number].summoned is None:
            raise
    return opened.again(block).history.disputes[number]


def _print(options: argparse.Namespace, dispute: Any, bond_wei: int) -> int:
    from ledger.chain.preflight import ether
    from ledger.topology import seats_of

    jury = seats_of(dispute.jury)
    if options.json:
        print_json(
            {
                "dispute": dispute.claim.dispute,
                "round": options.round,
                "judge": options.judge,
                "target": options.target,
                "bond_wei": bond_wei,
                "evidence": dispute.claim.evidence.hex(),
                "jury": jury,
                "deadline": dispute.deadline,
            }
        )
        return 0
    seats = ", ".join(map(str, jury)) or "nobody"
    until = when(dispute.deadline)
    say(f"dispute {dispute.claim.dispute}, pledged {ether(bond_wei)}: seats {seats} vote until {until}")
    say("upheld, its bond and a part of the judge's are owed to this key: `folkmoot seat withdraw` takes them")
    return 0
