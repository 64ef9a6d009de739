"""Computations once more, slowly and with no library: what the fast ones are compared with."""
