"""What a peer's next frame may be relative to: its own last commit, as the chain has it now."""

import logging

from ledger.blobs.contents.records import update_max_bytes
from ledger.circle.history import History
from ledger.errors import PeerFault
from ledger.judging.frame_chains import (
    CircleTask,
    Lost,
    States,
    earlier,
    fetched_of,
    is_key_due,
    lineage,
    published,
)
from node.blobs.store import BlockStore
from node.blobs.stored import StoredBlobs
from node.learning.learner import Previous
from node.state.peer_state import KeptCommit

_log = logging.getLogger(__name__)


def is_anchored(commit: KeptCommit, history: History, seat: int) -> bool:
    """Whether what an update is relative to is still its author's previous commit on chain."""
    links = earlier(history, commit.round, seat, history.seats[seat].begun_round)
    return commit.reference in (b"", *(link.digest for link in links[:1]))


def previous(
    history: History, network: bytes, number: int, seat: int, store: BlockStore, states: States
) -> Previous | None:
    """What the frame of round `number` is relative to; None for a key frame."""
    tenure = history.seats[seat].tenure
    links = earlier(history, number, seat, history.seats[seat].begun_round)
    # What was never served nobody could decode from.
    if not links or store.is_sealed(links[0].digest):
        return None
    limit = update_max_bytes(history.manifest)
    last = lineage(history, history.rounds[links[0].round - 1], seat)
    try:
        blobs = StoredBlobs(store, limit, {link.digest: True for link in last if store.has(link.digest)})
        found = published(fetched_of(last, tenure, blobs), CircleTask(history.manifest, network, states))
    except (Lost, PeerFault) as reason:
        _log.info("sending a key frame round=%d reason=%s", number, reason)
        return None
    return None if is_key_due(number, seat, found.depth) else Previous(links[0].digest, found.state)
