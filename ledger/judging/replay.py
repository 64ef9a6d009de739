"""A judge's round over again, from the chain's history and the blobs."""

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.blobs.contents.checkpoint import is_checkpoint_due
from ledger.circle.draw import mask_of
from ledger.circle.history import History, Round
from ledger.judging.frame_chains import BlobMissing, CircleTask, FetchedUpdate, HeldBlobs, find_frame_chain
from ledger.judging.screening import JudgeRound, RoundVerdicts, screen
from ledger.rules.judge_memory import CarriedState


def digests_behind_attestation(round_: Round, judge: int) -> dict[int, bytes]:
    """Seat → digest of the updates behind a judge's attestation: its own and those it judged."""
    judged = round_.attestations[judge].judged
    return {s: d for s, d in round_.commits.items() if s == judge or judged >> s & 1}


def find_attested_before(history: History, round_: Round, seat: int) -> Iterator[Round]:
    """The earlier rounds that its base follows from (R15): those the seat attested since it began, newest first."""
    # By number: a slice of a long history would be copied whole for the one round that most callers want.
    for place in range(round_.number - 2, max(round_.begun[seat] - 1, 0) - 1, -1):
        before = history.rounds[place]
        if seat in before.attestations:
            yield before


def shows_checkpoint(history: History, round_: Round, seat: int) -> bool:
    """Whether a judge that attests the round shows a checkpoint (R29.1)."""
    before = next(find_attested_before(history, round_, seat), None)
    last = round_.number - 1 if before is None else before.number
    return is_checkpoint_due(history.manifest.checkpoint_every, round_.number, seat, last, history.manifest.rounds)


@dataclass(frozen=True)
class ReplayStart:
    """Where what a judge brings into a round can be recomputed from."""

    checkpoint: Round | None
    """The round whose checkpoint is taken; None where it is the genesis, or nothing is needed."""
    rounds: tuple[Round, ...]
    """Those that come after it, oldest first; all their updates matter."""


def find_replay_starts(history: History, round_: Round, judge: int, *, looks_back: bool) -> Iterator[ReplayStart]:
    """From the judge's last checkpoint before the round, the one before that, and so on, back to its beginning.

    looks_back: whether the rule does. Under one that does not, a base follows from the last round alone.
    """
    behind: list[Round] = []
    for before in find_attested_before(history, round_, judge):
        if shows_checkpoint(history, before, judge):
            yield ReplayStart(before, tuple(reversed(behind)))
        behind.append(before)
        if not looks_back:
            break
    yield ReplayStart(None, tuple(reversed(behind)))


def make_judge_round(history: History, round_: Round, judge: int) -> JudgeRound:
    """A judge's part in a round; the seed must be drawn."""
    assert round_.seed is not None
    eligible = round_.find_eligible(history.terms.reputation_floor)
    return JudgeRound(round_.number, judge, round_.seed, eligible, shows_checkpoint(history, round_, judge))


def replay(
    history: History,
    task: CircleTask,
    round_: Round,
    judge: int,
    carried: CarriedState | None,
    held: HeldBlobs,
    *,
    only: int | None = None,
) -> RoundVerdicts:
    """What the rule gives for an attested round of a judge.

    held: the blobs of the judge's update and of those it judged, and what they hang on. only: leave all neighbours
    but this one out. A neighbour that the judge attested not to have judged counts as unavailable to it.
    Raises PeerFault where the judge's own update does not decode, Lost where a blob is missing from `held`.
    """
    judged = round_.attestations[judge].judged
    if only is not None:
        judged &= 1 << only
    linked = round_.find_neighbours(task.manifest.degree)[judge]

    def fetched(seat: int) -> FetchedUpdate:
        links, tenure = find_frame_chain(history, round_, seat), round_.tenures[seat]
        if seat != judge and not judged >> seat & 1:
            return FetchedUpdate(links, HeldBlobs(), tenure)
        lacking = held.find_lacking(links, task.manifest, task.states)
        if lacking is not None:
            raise BlobMissing(f"the blob {lacking.hex()[:12]} is not to be had", lacking)
        return FetchedUpdate(links, held, tenure)

    neighbours = {seat: fetched(seat) for seat in linked}
    screened = screen(task, make_judge_round(history, round_, judge), fetched(judge), carried, neighbours)
    if screened.judged != judged & mask_of(linked):
        # A blob that was here went away meanwhile: nobody can tell, least of all against the judge.
        raise BlobMissing("an update that the judge judged is not to be had any more")
    return screened
