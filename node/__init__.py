"""One peer: training, screening, storage, gossip and the round it lives through."""
