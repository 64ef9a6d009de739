"""What a peer of a network that ran says to have begun from."""

from ledger.blobs.contents.records import UPDATE_MAGIC, Update, decode_blob, update_max_bytes
from node.blobs.store import BlockStore
from tests.support.network.local_run import LocalRun


def base_of_first_update(run: LocalRun, index: int) -> bytes:
    """Digest of the state that a peer says to have begun from."""
    history, store = run.history(), BlockStore(run.network.peers[index].folder / "data" / "blobs")
    blob = store.find(history.rounds[0].commits[run.seat(index)], update_max_bytes(history.manifest))
    assert blob is not None
    return decode_blob(blob, UPDATE_MAGIC, Update, len(blob)).base
