from tests.support.gossip_circle import circle

__all__ = ["circle"]
