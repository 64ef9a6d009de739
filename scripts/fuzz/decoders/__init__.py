"""All that reads bytes of others within a process, and valid samples for each, made by what writes them."""

from pathlib import Path

from scripts.fuzz.decoders import answers, blobs, bundles, chain, files, learning, words
from scripts.fuzz.decoders.decoder import Decoder


def list_decoders(folder: Path) -> list[Decoder]:
    """All of them, by name. folder: an empty one, for those that read files."""
    found = [
        one for module in (answers, blobs, bundles, chain, files, learning, words) for one in module.make(folder)
    ]
    return sorted(found, key=lambda one: one.name)
