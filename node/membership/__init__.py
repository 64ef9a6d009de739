"""A peer in its circle: what it has once it is seated, and what it does there round after round."""
