"""Figures and health of a running node or chain, for Prometheus and for whoever restarts processes."""
