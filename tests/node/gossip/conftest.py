from gossip_circle import circle

__all__ = ["circle"]
