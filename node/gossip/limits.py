"""How much a peer may ask of us, how often we try, and what we count."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds and intervals of the overlay; seconds unless the name says otherwise."""

    degree: int = 6
    """Links to keep; half of them at least are ones that this node dialled itself."""
    max_inbound: int = 16
    """Links that others dialled."""
    max_sockets: int = 64
    """Accepted sockets, with those still in their handshake."""
    dial_parallel: int = 2
    """Dials under way at once."""
    handshake_s: float = 5.0
    """For a handshake, from the connection to its end."""
    heartbeat_s: float = 15.0
    """Between two pings of a silent link."""
    send_s: float = 10.0
    """A peer that takes nothing for so long is dropped."""
    close_s: float = 1.0
    """For a connection's goodbye."""
    gather_s: float = 0.01
    """Messages wait about so long for others to share their frame, and are taken back if the peer sends the same
    meanwhile. Measured with 16 nodes: a third fewer messages and half the CPU."""
    queue_messages: int = 1024
    """Messages that wait for one link at most."""
    queue_bytes: int = 512 * 1024
    """Their bytes at most."""
    messages_per_s: float = 500.0
    """A sender's rate in the long run."""
    burst_messages: float = 2000.0
    """What a sender may send at once."""
    flood_s: float = 10.0
    """Senders faster than `messages_per_s` are slowed down; after so long without a pause it is a fault."""
    backoff_s: float = 0.5
    """Before a peer is dialled again after a failure; doubles with each."""
    max_backoff_s: float = 60.0
    """The most of that."""
    stable_s: float = 5.0
    """A link that lived so long clears its peer's failures."""
    cool_off_s: float = 300.0
    """No link, in either direction, with a peer that broke the protocol."""
    tend_s: float = 1.0
    """Between two looks at whether links are wanted."""
    rotate_s: float = 120.0
    """Every so often one link of our own is exchanged, so that the graph keeps mixing."""
    pull_s: float = 3.0
    """Between two questions for announcements that are lacking, on average."""
    witnesses: int = 3
    """Members that are asked to dial this node back."""
    ask_again_s: float = 10.0
    """A witness that has not answered may not have seen the endpoint on chain yet."""
    retest_s: float = 60.0
    """While nobody reaches this node."""
    dial_back_s: float = 30.0
    """A member is dialled back no oftener, wherever its endpoint points."""
    dial_back_parallel: int = 2
    """Members dialled back at once."""
    keep_rounds: int = 2
    """Rounds before the present one whose announcements are taken."""
    ahead_rounds: int = 1
    """Rounds after the present one whose announcements are taken."""


@dataclass
class Stats:
    """Counters since the start. Bytes are message bytes, without WebSocket and TLS framing."""

    bytes_sent: int = 0
    """Of messages to all links."""
    bytes_received: int = 0
    """Of messages from all links."""
    announced: int = 0
    """Announcements of this node's own that it signed."""
    heard: int = 0
    """Other authors' announcements, each once."""
    drops: int = 0
    """Messages not sent because the link's queue was full."""
    not_yet: int = 0
    """Messages of rounds, members or digests unknown here."""
    faults: int = 0
    """Connections on which the other end broke the protocol."""


class TokenBucket:
    """Paces one sender. The clock is an argument."""

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._tokens, self._filled_at = burst, now
        self._empty_since: float | None = None

    def take(self, cost: float, now: float) -> float:
        """Seconds to wait before the message that costs so much may be looked at; 0 if none."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_s) - cost
        self._filled_at = now
        if self._tokens >= 0:
            self._empty_since = None
            return 0.0
        if self._empty_since is None:
            self._empty_since = now
        return -self._tokens / self._per_s

    def measure_empty_s(self, now: float) -> float:
        """Seconds since the sender last kept to its rate."""
        return 0.0 if self._empty_since is None else now - self._empty_since
