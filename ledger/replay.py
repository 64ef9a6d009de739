"""A judge's round over again, from the chain's history and the blobs."""

from collections.abc import Mapping

from ledger.exact import State
from ledger.history import History, Round
from ledger.screening import Fetched, Screened, screen


def blobs_needed(round_: Round, judge: int) -> dict[int, bytes]:
    """Seat → digest of the updates behind a judge's attestation: its own and those it judged."""
    judged = round_.attestations[judge].judged
    return {s: d for s, d in round_.commits.items() if s == judge or judged >> s & 1}


def replay(
    history: History,
    network: bytes,
    round_: Round,
    judge: int,
    base: State | None,
    blobs: Mapping[bytes, bytes | None],
    *,
    only: int | None = None,
) -> Screened:
    """What the rule gives for an attested round of a judge.

    blobs: digest → bytes, or None for bytes that make no blob (too large, or a broken DAG). only: leave all
    neighbours but this one out. A neighbour that the judge attested not to have judged counts as unavailable to it.
    Raises PeerFault where the judge's own update does not decode, KeyError where a blob it judged is missing from
    `blobs`.
    """
    manifest, judged = history.manifest, round_.attestations[judge].judged
    if only is not None:
        judged &= 1 << only
    linked = round_.neighbours(manifest.degree)[judge]

    def fetched(seat: int) -> Fetched:
        digest, author = round_.commits[seat], round_.author(seat)
        if seat != judge and not judged >> seat & 1:
            return Fetched(digest, author, None)
        return Fetched(digest, author, blobs[digest], invalid=blobs[digest] is None)

    return screen(
        manifest,
        network,
        round_.number,
        fetched(judge),
        base,
        {seat: fetched(seat) for seat in linked},
        round_.eligible(history.parameters.reputation_floor),
    )
