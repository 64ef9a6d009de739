"""Saying two things at once, which an honest node's own gossip refuses to do."""

from ledger.identity.network import Network
from node.gossip.gossip import Gossip
from node.gossip.messages import sign_announcement


def announce_another(gossip: Gossip, network: Network, key: bytes, round_number: int, digest: bytes) -> None:
    """Sign and flood one more announcement of a round, past the check that would keep the node from it."""
    gossip.spread(sign_announcement(network, key, gossip.address, round_number, digest))
