"""A model of 40 MB on four peers: seconds and bytes of a round, here and under hivemind, in one run."""
