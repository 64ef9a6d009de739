"""Whom to dial, and when again. Pure: clock and randomness are arguments."""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from ledger.identity.endpoints import Origin
from node.gossip.limits import Limits
from node.gossip.messages import MAX_SEATS

_MAX_RECORDS = 4 * MAX_SEATS


@dataclass
class _Record:
    failures: int = 0
    """In a row."""
    not_before: float = 0.0
    """It is not dialled until then, by the caller's clock."""
    shunned_until: float = 0.0
    """There is no link with it until then."""


class AddressBook:
    """The members' endpoints, with what happened when they were dialled."""

    def __init__(self, own: str, limits: Limits, rng: random.Random) -> None:
        self._own, self._limits, self._rng = own, limits, rng
        self._endpoints: dict[str, Origin] = {}
        self._records: dict[str, _Record] = {}

    def set_directory(self, directory: Mapping[str, Origin]) -> None:
        """Replace the endpoints."""
        named = list(directory.items())[:MAX_SEATS]
        endpoints: dict[str, Origin] = {to_checksum_address(address): place for address, place in named}
        endpoints.pop(self._own, None)
        for peer, place in endpoints.items():
            if self._endpoints.get(peer) != place:
                self.note_success(peer)  # what failed was another endpoint
        self._endpoints = endpoints

    def url_of(self, peer: str) -> Origin:
        return self._endpoints[peer]

    def choose(self, count: int, taken: Collection[str], now: float) -> list[str]:
        """Up to `count` random members that are not taken, not backing off and not shunned."""
        free = sorted(
            peer for peer in self._endpoints if peer not in taken and self._record_of(peer).not_before <= now
        )
        free = [peer for peer in free if not self.is_shunned(peer, now)]
        return self._rng.sample(free, min(max(count, 0), len(free)))

    def note_failure(self, peer: str, now: float) -> None:
        """Back off: the wait doubles with each failure in a row, ± half of it at random."""
        record = self._record_of(peer)
        wait = min(self._limits.backoff_s * 2 ** min(record.failures, 16), self._limits.max_backoff_s)
        record.failures += 1
        record.not_before = now + wait * self._rng.uniform(0.5, 1.5)

    def note_success(self, peer: str) -> None:
        """The link was good: the next failure starts from the shortest wait again."""
        record = self._record_of(peer)
        record.failures, record.not_before = 0, 0.0

    def shun(self, peer: str, now: float) -> None:
        """The peer itself, authenticated, broke the protocol."""
        self._record_of(peer).shunned_until = now + self._limits.cool_off_s

    def is_shunned(self, peer: str, now: float) -> bool:
        record = self._records.get(peer)
        return record is not None and record.shunned_until > now

    def _record_of(self, peer: str) -> _Record:
        while len(self._records) >= _MAX_RECORDS and peer not in self._records:
            del self._records[next(iter(self._records))]  # members come and go; the oldest is forgotten
        return self._records.setdefault(peer, _Record())
