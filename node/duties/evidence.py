"""Two announcements that convict their author: kept on disk until the chain has been told."""

import logging
from pathlib import Path
from typing import Final

import msgspec

from ledger.chain.deployment.circle_file import read_json, write_json
from ledger.circle.history import History
from ledger.errors import PeerFault, SetupError
from ledger.files import PRIVATE, make_folder
from ledger.identity.network import Network
from ledger.identity.signing import announcement_hash, encode_compact, recover
from node.gossip.messages import Announcement

_log = logging.getLogger(__name__)
_FILE_MAX_BYTES: Final = 1 << 12
_FILES_MAX: Final = 1024


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Two digests that one author signed for one round. Digests and signatures are hex without 0x."""

    chain_id: int
    """EIP-155 chain id."""
    contract: str
    """The circle's address."""
    author: str
    """The address that signed."""
    round: int
    """The one that both are of."""
    first: str
    """One digest, 32 bytes."""
    first_signature: str
    """65 bytes."""
    second: str
    """The other digest, 32 bytes."""
    second_signature: str
    """65 bytes."""

    def call_arguments(self) -> tuple[object, ...]:
        """Of `report_equivocation`."""
        first, second = bytes.fromhex(self.first), bytes.fromhex(self.second)
        return (
            self.author,
            self.round,
            first,
            *encode_compact(bytes.fromhex(self.first_signature)),
            second,
            *encode_compact(bytes.fromhex(self.second_signature)),
        )

    @classmethod
    def read(cls, path: Path) -> "Evidence":
        """Raises SetupError for what is no evidence."""
        return read_json(
            path,
            cls,
            "evidence of an equivocation",
            max_bytes=_FILE_MAX_BYTES,
            writer="a running node",
        )


def make_evidence(network: Network, first: Announcement, second: Announcement) -> Evidence:
    """What two announcements of one author and round show."""
    return Evidence(
        chain_id=network.chain_id,
        contract=network.contract,
        author=first.author_address,
        round=first.round,
        first=first.digest.hex(),
        first_signature=first.signature.hex(),
        second=second.digest.hex(),
        second_signature=second.signature.hex(),
    )


def check_evidence(evidence: Evidence, network: Network) -> None:
    """Raises SetupError unless it is about this circle, and its author signed both (R25)."""
    if (evidence.chain_id, evidence.contract.lower()) != (network.chain_id, network.contract.lower()):
        raise SetupError(
            f"the evidence is about the circle at {evidence.contract[:42]} on chain {evidence.chain_id}: name that "
            "circle with --circle"
        )
    if evidence.first == evidence.second:
        raise SetupError("the two announcements say the same, which convicts nobody: there is nothing to report")
    pairs = (evidence.first, evidence.first_signature), (evidence.second, evidence.second_signature)
    for digest, signature in pairs:
        if not _is_signed(evidence, network, digest, signature):
            raise SetupError(f"{evidence.author[:42]} did not sign both announcements: there is nothing to report")


def _is_signed(evidence: Evidence, network: Network, digest: str, signature: str) -> bool:
    try:
        said = bytes.fromhex(digest)
        signed = announcement_hash(network, evidence.round, evidence.author, said)
        return len(said) == 32 and recover(signed, bytes.fromhex(signature)) == evidence.author
    except (ValueError, OverflowError, PeerFault):
        return False


def find_convicted_seat(history: History, author: str, number: int) -> int | None:
    """The seat that such evidence would cost its author; None where there is nothing left to lose."""
    for seat, held in history.seats.items():
        if author in held.keys and not held.is_released and number >= held.since_round:
            return seat if held.is_held or held.bond > 0 else None
    return None


class EvidenceStore:
    """One small file for each author and round that this node has seen two announcements of."""

    def __init__(self, folder: Path, network: Network, own: str) -> None:
        """own: the address of this node's key, which does not report itself."""
        self._folder, self._network, self._own = folder, network, own
        make_folder(folder)
        self._kept: dict[tuple[int, str], Evidence] = {}
        for path in sorted(folder.glob("*.json"))[:_FILES_MAX]:
            try:
                evidence = Evidence.read(path)
                check_evidence(evidence, network)
            except SetupError as error:
                _log.warning("evidence not used file=%s reason=%s", path.name, error)
                continue
            self._kept[evidence.round, evidence.author] = evidence

    def add(self, first: Announcement, second: Announcement) -> None:
        """Keep what two announcements show. Their signatures are checked already."""
        evidence = make_evidence(self._network, first, second)
        if evidence.author == self._own:
            _log.error("two updates signed with this node's key, perhaps used elsewhere too round=%d", first.round)
            return
        key = (evidence.round, evidence.author)
        if key in self._kept or len(self._kept) >= _FILES_MAX:
            return
        self._kept[key] = evidence
        try:
            write_json(self._folder / f"{evidence.round}-{evidence.author}.json", evidence, mode=PRIVATE)
        except OSError as error:
            _log.warning("evidence not written author=%s reason=%s", evidence.author, error.strerror)

    def list_open(self, history: History) -> list[Evidence]:
        """What would still convict somebody, one for each seat."""
        found: dict[int, Evidence] = {}
        for evidence in self._kept.values():
            seat = find_convicted_seat(history, evidence.author, evidence.round)
            if seat is not None:
                found.setdefault(seat, evidence)
        return list(found.values())
