"""A round as a peer lives it: what to do next, announcing, getting the neighbours' updates."""
