"""Whom to dial, and when again. Pure: clock and randomness are arguments."""

import logging
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from eth_utils.address import to_checksum_address
from yarl import URL

from node.gossip.limits import Limits
from node.gossip.messages import MAX_SEATS

_log = logging.getLogger(__name__)
_MAX_ENDPOINT_CHARACTERS = 256
_MAX_RECORDS = 4 * MAX_SEATS


@dataclass
class _Record:
    failures: int = 0
    not_before: float = 0.0
    shunned_until: float = 0.0


class Prospects:
    """The members' endpoints, with what happened when they were dialled."""

    def __init__(self, own: str, limits: Limits, rng: random.Random) -> None:
        self._own, self._limits, self._rng = own, limits, rng
        self._endpoints: dict[str, URL] = {}
        self._records: dict[str, _Record] = {}

    def set_directory(self, directory: Mapping[str, str]) -> None:
        """Replace the endpoints. Those that are no `wss://host:port` are left out: their members dial us."""
        endpoints: dict[str, URL] = {}
        for address, text in list(directory.items())[:MAX_SEATS]:
            url = endpoint_of(text)
            if url is None:
                _log.warning("gossip.bad_endpoint peer=%s endpoint=%r", address, text[:64])
            else:
                endpoints[to_checksum_address(address)] = url
        endpoints.pop(self._own, None)
        for peer, url in endpoints.items():
            if self._endpoints.get(peer) != url:
                self.worked(peer)  # what failed was another endpoint
        self._endpoints = endpoints

    def endpoint(self, peer: str) -> URL:
        return self._endpoints[peer]

    def choose(self, count: int, taken: Collection[str], now: float) -> list[str]:
        """Up to `count` random members that are not taken, not backing off and not shunned."""
        free = sorted(
            peer for peer in self._endpoints if peer not in taken and self._record(peer).not_before <= now
        )
        free = [peer for peer in free if not self.is_shunned(peer, now)]
        return self._rng.sample(free, min(max(count, 0), len(free)))

    def failed(self, peer: str, now: float) -> None:
        """Back off: the wait doubles with each failure in a row, ± half of it at random."""
        record = self._record(peer)
        wait = min(self._limits.backoff_s * 2 ** min(record.failures, 16), self._limits.max_backoff_s)
        record.failures += 1
        record.not_before = now + wait * self._rng.uniform(0.5, 1.5)

    def worked(self, peer: str) -> None:
        """The link was good: the next failure starts from the shortest wait again."""
        record = self._record(peer)
        record.failures, record.not_before = 0, 0.0

    def shun(self, peer: str, now: float) -> None:
        """The peer itself, authenticated, broke the protocol."""
        self._record(peer).shunned_until = now + self._limits.cool_off_s

    def is_shunned(self, peer: str, now: float) -> bool:
        record = self._records.get(peer)
        return record is not None and record.shunned_until > now

    def _record(self, peer: str) -> _Record:
        while len(self._records) >= _MAX_RECORDS and peer not in self._records:
            del self._records[next(iter(self._records))]  # members come and go; the oldest is forgotten
        return self._records.setdefault(peer, _Record())


def endpoint_of(text: str) -> URL | None:
    """The URL of a member's endpoint, or None unless it is a bare `wss://host:port`; anyone may write it."""
    if len(text) > _MAX_ENDPOINT_CHARACTERS:
        return None
    try:
        url = URL(text)
        is_bare = url.path in ("", "/") and not (url.query_string or url.fragment or url.user or url.password)
        return url.origin() if url.scheme == "wss" and url.host and url.port and is_bare else None
    except ValueError:
        return None
