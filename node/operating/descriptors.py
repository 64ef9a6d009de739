"""How many files this process may have open, and how many of them connections from outside may take."""

import resource
from dataclasses import dataclass
from typing import Final

from ledger.errors import SetupError

NEEDED: Final = 512
_WANTED: Final = 4096
# Store, state, chain, look-ups, links and fetches of our own, and what is accepted before it is turned away.
_RESERVE: Final = 320
_GATEWAY_MAX: Final = 256
_GOSSIP_MAX: Final = 64


@dataclass(frozen=True)
class ConnectionShares:
    """Connections from outside that the gateway and the gossip listener may have at once."""

    gateway: int
    gossip: int


def share_connections(limit: int) -> ConnectionShares:
    """What a limit on open files leaves for connections from outside. Raises SetupError where it is too little."""
    if limit < NEEDED:
        raise SetupError(
            f"this process may have {limit} files open and a node needs {NEEDED}: run `ulimit -n {NEEDED}` first"
        )
    return ConnectionShares(min(_GATEWAY_MAX, limit - _RESERVE - _GOSSIP_MAX), _GOSSIP_MAX)


def raise_limit() -> int:
    """Ask for more open files where the system lets us. Returns how many this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _WANTED:
        soft = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return _WANTED if soft == resource.RLIM_INFINITY else soft
