"""Differential privacy: what one example can do to a published state is bounded, and hidden in noise."""
