"""What a member does for the circle beside its rounds: evidence, disputes, votes, watching."""
