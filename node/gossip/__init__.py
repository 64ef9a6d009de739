"""Announcements between registered peers: WebSockets over TLS, an own overlay, anti-entropy."""

from node.gossip.certificate import Certificate
from node.gossip.gossip import Gossip
from node.gossip.limits import Limits, Stats
from node.gossip.messages import Announcement
from node.gossip.reach import Reachability

__all__ = ["Announcement", "Certificate", "Gossip", "Limits", "Reachability", "Stats"]
