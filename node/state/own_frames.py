"""What a peer's next frame may be relative to: its own last commit, as the chain has it now."""

import logging

from ledger.blobs.contents.records import update_max_bytes
from ledger.circle.history import History
from ledger.errors import PeerFault
from ledger.judging.frame_chains import (
    BlobMissing,
    CircleTask,
    StateCache,
    decode_public_state,
    find_earlier_commits,
    find_frame_chain,
    is_key_due,
    make_fetched_update,
)
from node.blobs.store import BlockStore
from node.blobs.stored import StoredBlobs
from node.learning.learner import PreviousCommit
from node.state.peer_state import OwnCommit

_log = logging.getLogger(__name__)


def is_anchored(commit: OwnCommit, history: History, seat: int) -> bool:
    """Whether what an update is relative to is still its author's previous commit on chain."""
    links = find_earlier_commits(history, commit.round, seat, history.seats[seat].begun_round)
    return commit.reference in (b"", *(link.digest for link in links[:1]))


def find_previous_commit(
    history: History, network: bytes, number: int, seat: int, store: BlockStore, states: StateCache
) -> PreviousCommit | None:
    """What the frame of round `number` is relative to; None for a key frame."""
    tenure = history.seats[seat].tenure
    links = find_earlier_commits(history, number, seat, history.seats[seat].begun_round)
    # What was never served nobody could decode from.
    if not links or store.is_sealed(links[0].digest):
        return None
    limit = update_max_bytes(history.manifest)
    last = find_frame_chain(history, history.rounds[links[0].round - 1], seat)
    try:
        blobs = StoredBlobs(store, limit, {link.digest: True for link in last if store.has(link.digest)})
        found = decode_public_state(
            make_fetched_update(last, tenure, blobs), CircleTask(history.manifest, network, states)
        )
    except (BlobMissing, PeerFault) as reason:
        _log.info("sending key frame round=%d reason=%s", number, reason)
        return None
    return None if is_key_due(number, seat, found.depth) else PreviousCommit(links[0].digest, found.state)
