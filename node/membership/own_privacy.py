"""What this peer has spent of its privacy: in its folder, and as its own published updates say it."""

import logging
from collections.abc import Sequence

from ledger.blobs.contents.records import UPDATE_MAGIC, InvalidBlob, Update, decode_blob, update_max_bytes
from ledger.circle.history import History
from ledger.circle.manifest import Manifest
from ledger.errors import SetupError
from ledger.fetch.fetcher import Unavailable
from ledger.privacy.accountant import Charge
from ledger.privacy.statement import PrivacyStatement
from node.learning.private.budget import PrivacyBudget
from node.learning.private.charges import ChargeFile, ChargeKind
from node.learning.private.own_budget import note_budget
from node.membership.parts import PeerParts
from node.operating.data_folder import DataFolder
from node.state.peer_state import PeerState

_log = logging.getLogger(__name__)


async def open_budget(
    parts: PeerParts,
    folder: DataFolder,
    saved: PeerState | None,
    budget_milli: int | None,
    earlier: Sequence[Charge] = (),
) -> PrivacyBudget | None:
    """The peer's budget in this circle, None where the circle has no privacy terms.

    saved: the peer's state on disk. budget_milli: what the peer holds itself to. earlier: what its data cost in
    other circles. Where the folder knows of less than the peer's own updates say, what these say is put in its
    place. Raises SetupError where neither is here.
    """
    terms = parts.history.manifest.privacy
    if terms is None:
        return None
    file = await parts.worker.run(lambda: ChargeFile(folder.charges))
    said = await _find_said(parts, saved, may_ask=not file.is_there)
    if said is not None and said.rounds > len(file.charged):
        _log.warning(
            "privacy charges taken from a published update rounds=%d instead_of=%d", said.rounds, len(file.charged)
        )
        kind = ChargeKind(said.examples, said.rate, said.sigma)
        await parts.worker.run(lambda: file.restore(said.rounds, kind))
    budget = PrivacyBudget(
        terms, file, budget_milli, lambda number: parts.fail_at(number, "charged"), earlier=earlier
    )
    await parts.worker.run(lambda: note_budget(folder.privacy_budget, budget.budget_milli))
    return budget


async def find_rounds_said(parts: PeerParts, number: int, seat: int) -> int | None:
    """For how many rounds this peer's last update before round `number` said that its privacy was charged.

    In this tenure of the seat, or where there was none in it, in an earlier one: it counts on (R30.4). None where
    that update is not to be had.
    """
    history = parts.history
    if history.manifest.privacy is None:
        return 0
    previous = history.find_previous_round(number, seat, history.seats[seat].tenure)
    last = _find_commit_of(history, parts.address) if previous is None else (seat, previous.commits[seat])
    if last is None:
        return 0
    try:
        said = await _read(parts, last[1], last[0], may_ask=True)
    except Unavailable as error:
        _log.warning("last update not to be had round=%d reason=%s", number, error)
        return None
    return None if said is None else said.rounds


async def _find_said(parts: PeerParts, saved: PeerState | None, *, may_ask: bool) -> PrivacyStatement | None:
    """The most that this peer's updates say, on chain or made here. Raises SetupError where none can be had."""
    history = parts.history
    made = [] if saved is None else [one.digest for one in saved.commits]
    found = [await _read(parts, digest, 0, may_ask=False) for digest in made]
    committed = _find_commit_of(history, parts.address)
    if committed is not None:
        seat, digest = committed
        try:
            found.append(await _read(parts, digest, seat, may_ask=may_ask))
        except Unavailable as error:
            raise SetupError(
                "what this peer has spent of its privacy is not known: its folder has no privacy.txt, and its last"
                f" update is not to be had ({error}): put the file back from a copy, or start again when another"
                " member serves the update"
            ) from error
    return max((one for one in found if one is not None), key=lambda one: one.rounds, default=None)


async def _read(parts: PeerParts, digest: bytes, seat: int, *, may_ask: bool) -> PrivacyStatement | None:
    """What an update says; None where it is not here, or no update. may_ask: of others. Raises Unavailable."""
    manifest = parts.history.manifest
    limit = update_max_bytes(manifest)
    blob = await parts.worker.run(lambda: parts.services.store.find(digest, limit))
    if blob is None and may_ask:
        blobs = await parts.fetch_blobs({digest: seat}, limit, asks_daemon=True)
        blob = await parts.worker.run(lambda: blobs[digest])
    return None if blob is None else _decode(blob, manifest)


def _decode(blob: bytes, manifest: Manifest) -> PrivacyStatement | None:
    try:
        return decode_blob(blob, UPDATE_MAGIC, Update, update_max_bytes(manifest)).privacy
    except InvalidBlob:
        return None


def _find_commit_of(history: History, address: str) -> tuple[int, bytes] | None:
    """Seat and digest of the last update that this key has committed to, whichever seat it had then."""
    for round_ in reversed(history.rounds):
        for seat, peer in round_.peers.items():
            if peer == address and seat in round_.commits:
                return seat, round_.commits[seat]
    return None
