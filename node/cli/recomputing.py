"""What recomputing says of a claim, with blobs from whoever serves them: before coin or a vote is put on it."""

import argparse
import asyncio
from dataclasses import dataclass
from typing import Any, Final

from ledger.errors import SetupError, UsageError
from node.models.gateways import open_gateways
from node.opened_circle import OpenCircle

_TIMEOUT_MAX_S: Final = 86_400


@dataclass(frozen=True)
class Recomputed:
    """What recomputing a claim gave."""

    truth: Any
    """A `Truth` of ledger.judging.false_verdicts; None where nobody gave even the circle's first state."""
    lacking: str
    """Which blob was not to be had, and why."""
    record: bytes
    """Digest of the record that the judge should have anchored, `WITHOUT_RECORD` where that is not known."""


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """--timeout."""
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="for one blob (default 30)")


def check_timeout(options: argparse.Namespace) -> None:
    """Raises UsageError."""
    if not 0 < options.timeout <= _TIMEOUT_MAX_S:
        raise UsageError(f"--timeout is above 0 and at most {_TIMEOUT_MAX_S} seconds, not {options.timeout:g}")


def check_begun(found: Recomputed) -> None:
    """Raises SetupError where not even a beginning could be made."""
    if found.truth is None:
        raise SetupError(
            f"nobody gives the circle's first state ({found.lacking}), so nothing can be recomputed: try again "
            "when more members are up; nothing was sent"
        )


def recompute_claim(opened: OpenCircle, round_number: int, judge: int, target: int, timeout_s: float) -> Recomputed:
    """Fetch what the claim follows from, each blob once, and look."""
    from ledger.circle.events import WITHOUT_RECORD
    from ledger.fetch.fetcher import Unavailable

    try:
        return asyncio.run(fetch_and_recompute(opened, round_number, judge, target, timeout_s))
    except Unavailable as error:
        return Recomputed(None, describe_lacking(error), WITHOUT_RECORD)


async def fetch_and_recompute(
    opened: OpenCircle, number: int, judge: int, target: int, timeout_s: float
) -> Recomputed:
    """As `recompute_claim`. Raises Unavailable where nobody gives the circle's first state."""
    from ledger.circle.events import WITHOUT_RECORD
    from ledger.judging.false_verdicts import Examination
    from node.duties.jury import recompute_attestation, recompute_truth

    history, network = opened.history, opened.circle.network.domain_separator
    async with open_gateways(history, timeout_s) as fetch:
        answered = await recompute_truth(history, network, number, judge, target, fetch)
        record = None
        # The verdict may follow from fewer blobs than the whole record does.
        if judge in history.rounds[number - 1].attestations:
            whole = await recompute_attestation(history, network, number, judge, fetch)
            record = whole.record if isinstance(whole, Examination) else None
    lacking = "" if answered.lacking is None else describe_lacking(answered.lacking)
    return Recomputed(answered.truth, lacking, record or WITHOUT_RECORD)


def describe_lacking(error: Any) -> str:
    """Which blob was not to be had, and what one of those said that were asked. error: Unavailable."""
    asked = [f"{gateway}: {reason}" for gateway, reason in error.reasons.items()]
    of_whom = f"of any of {len(asked)} gateways, e.g. {asked[0]}" if asked else "as no gateway is named"
    return f"blob {error.digest.hex()[:12]} is not to be had {of_whom}"


def describe_base_lacking(history: Any, error: Any) -> str:
    """Whose base cannot be recomputed, and for lack of which blob. error: BaseLacking."""
    return (
        f"the base of seat {error.seat} after round {error.round_number} cannot be recomputed:"
        f" {name_blob(history, error.lacking.digest)}{describe_lacking(error.lacking)}"
    )


def name_blob(history: Any, digest: bytes) -> str:
    """What the chain calls a blob, to put before its digest; empty where it names none."""
    for round_ in history.rounds:
        for seat, committed in round_.commits.items():
            if committed == digest:
                return f"of the update of seat {seat} in round {round_.number}, "
        for seat, said in round_.attestations.items():
            if said.record == digest:
                return f"of the record of seat {seat} in round {round_.number}, "
    return ""
