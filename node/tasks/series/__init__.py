"""The task `series`: what comes next in a time series of one's own."""
