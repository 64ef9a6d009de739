"""Our chain beside those of other makers."""
