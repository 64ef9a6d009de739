"""The bundle: one file with all that an audit goes by (R32)."""
