"""What is fed: a function of bytes, what it may raise, and how its inputs are made."""

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.fuzz.damage import mutate_bytes

Change = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


@dataclass(frozen=True)
class Decoder:
    """One thing that reads bytes of others."""

    name: str
    """For the table and for the command that feeds an input again."""
    samples: tuple[bytes, ...]
    """Valid inputs."""
    read: Callable[[bytes], object]
    """Takes an input, or refuses it."""
    refuses: tuple[type[Exception], ...]
    """What it says that it raises; anything else is a fault."""
    change: Change = mutate_bytes
    """Makes an input of a sample: (randomness, the sample, all samples)."""
    share: float = 1.0
    """Of the inputs, against the others; less where one input takes long."""

    def make_input(self, seed: int, number: int) -> bytes:
        """The input of this number: the same one each time."""
        rng = random.Random(f"{seed} {self.name} {number}")
        sample = rng.choice(self.samples)
        kind = rng.random()
        if kind < 0.01:
            return sample
        change = mutate_bytes if kind < 0.2 else self.change
        return change(rng, sample, self.samples)


def through_file(path: Path, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A function of bytes from one of a path. path: where the bytes are put, over those before."""

    def take(data: bytes) -> object:
        path.write_bytes(data)
        return read(path)

    return take


def through_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """A function of bytes from one of a text: what is no UTF-8 becomes unpaired characters, as in file names."""
    return lambda data: read(data.decode("utf-8", "surrogateescape"))


def inside_zlib(change: Change) -> Change:
    """The same change, of what a sample unpacks to."""

    def changed(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
        return zlib.compress(change(rng, zlib.decompress(data), others), 1)

    return changed
