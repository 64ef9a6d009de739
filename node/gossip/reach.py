"""Whether others reach this node at its endpoint on chain, by what members say who dialled it back. Pure."""

import hashlib
from dataclasses import dataclass, field

from ledger.errors import NotYet
from ledger.identity.endpoints import show_addresses
from node.gossip.limits import Limits
from node.gossip.messages import DialBack, DialledBack
from node.operating.notices import Notice


def endpoint_digest(text: str) -> bytes:
    """What a question to dial back names an endpoint by: SHA-256 of its text."""
    return hashlib.sha256(text.encode("ascii", "replace")).digest()


@dataclass(frozen=True)
class Reachability:
    """What members found that dialled back."""

    endpoint: str
    """Its text on chain."""
    tried: int
    """How many of them dialled back."""
    gossip: int
    """How many of them reached the gossip there."""
    gateway: int
    """How many of them reached the gateway there."""

    @property
    def has_gossip(self) -> bool:
        """At least half of them reached the gossip address: one who lies alarms nobody where two tell the truth."""
        return 2 * self.gossip >= self.tried

    @property
    def has_gateway(self) -> bool:
        """The same of the gateway."""
        return 2 * self.gateway >= self.tried

    @property
    def is_reached(self) -> bool:
        """Both."""
        return self.has_gossip and self.has_gateway


@dataclass
class ReachabilityTest:
    """One endpoint's test: whom to ask, and what they said. The clock is an argument."""

    limits: Limits
    """How many are asked, and how often."""
    endpoint: str = ""
    """Its text on chain; empty before there is one."""
    _asked: dict[str, float] = field(default_factory=dict)
    _said: dict[str, DialledBack] = field(default_factory=dict)
    _told: tuple[str, bool, bool] | None = None
    _begun: float = 0.0

    def begin(self, endpoint: str, now: float) -> None:
        """Test an endpoint, from the beginning. An empty one: nothing to test."""
        self.endpoint, self._begun = endpoint, now
        self._asked, self._said = {}, {}

    def choose_questions(self, linked: list[str], now: float) -> list[str]:
        """Which of the linked peers to ask now; counts as asking them."""
        if not self.endpoint:
            return []
        if self._is_bad and now - self._begun >= self.limits.retest_s:
            self.begin(self.endpoint, now)
        waiting = [peer for peer in self._asked if peer not in self._said and peer in linked]
        again = [peer for peer in waiting if now - self._asked[peer] >= self.limits.ask_again_s]
        fresh = [peer for peer in linked if peer not in self._asked]
        room = self.limits.witnesses - len(self._said) - (len(waiting) - len(again))
        chosen = [*fresh, *again][: max(room, 0)]
        self._asked.update(dict.fromkeys(chosen, now))
        return chosen

    @property
    def question(self) -> DialBack:
        """What to ask them."""
        return DialBack(endpoint_digest(self.endpoint))

    def hear(self, peer: str, answer: DialledBack) -> Reachability | None:
        """Take an answer in. Returns what it comes to, where that is news. Raises NotYet for one out of date."""
        if not self.endpoint or answer.endpoint != endpoint_digest(self.endpoint) or peer not in self._asked:
            raise NotYet("an answer about another endpoint")
        self._said.setdefault(peer, answer)
        reach = self._reach
        is_settled = len(self._said) >= min(self.limits.witnesses, len(self._asked))
        told = (self.endpoint, reach.has_gossip, reach.has_gateway)
        if told == self._told or not (reach.is_reached or is_settled):
            return None
        self._told = told
        return reach

    @property
    def _reach(self) -> Reachability:
        said = list(self._said.values())
        return Reachability(
            self.endpoint, len(said), sum(one.gossip for one in said), sum(one.gateway for one in said)
        )

    @property
    def _is_bad(self) -> bool:
        return bool(self._said) and not self._reach.is_reached


def make_reach_notice(reach: Reachability) -> Notice:
    """What members found who dialled this peer back."""
    gossip, gateway = [*reach.endpoint.split(" "), ""][:2]
    fields = {"endpoint": reach.endpoint, "gossip": reach.has_gossip, "gateway": reach.has_gateway}
    fields |= {"tried": reach.tried}
    if reach.is_reached:
        return Notice(
            "reached", f"other members reach this peer at {show_addresses(reach.endpoint)}", False, fields
        )
    dead = [f"gossip at {gossip}"] * (not reach.has_gossip) + [f"gateway at {gateway}"] * (not reach.has_gateway)
    says = (
        f"other members do not reach this peer's {' and '.join(dead)} ({_describe_tried(reach)}), so its updates "
        "come late, through the members that it is linked to: check that --advertise names this machine's public "
        "host and that the ports are open and forwarded to it"
    )
    return Notice("unreachable", says, True, fields)


def _describe_tried(reach: Reachability) -> str:
    return "the one that tried" if reach.tried == 1 else f"{reach.tried} tried"
