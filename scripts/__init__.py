"""Tools for whoever works on this repository: run from its root as `python -m scripts.ROOM.TOOL`."""
