"""Where the secrets of private training come from: the operating system, and a cipher keyed by it.

The circle's seed is public, and so is all that follows from it: anyone who knows the noise subtracts it. numpy's
and torch's generators are no better, as their outputs give their states away.
"""

import os
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_KEY_BYTES: Final = 32
_COUNTER_BYTES: Final = 16
_WORD_BYTES: Final = 8

Words = npt.NDArray[np.uint64]


class Randomness(Protocol):
    """A stream of random bits."""

    def draw_words(self, count: int) -> Words:
        """The next words of 64 bits, (count,), uint64."""
        ...


class SystemRandomness:
    """AES-256 in counter mode under a key of the operating system's, which nothing keeps: make one for each round.

    Some 6 ns a word, a tenth of what asking the system for each would take.
    """

    def __init__(self) -> None:
        cipher = Cipher(algorithms.AES(os.urandom(_KEY_BYTES)), modes.CTR(bytes(_COUNTER_BYTES)))
        self._encryptor = cipher.encryptor()

    def draw_words(self, count: int) -> Words:
        size = count * _WORD_BYTES
        stream = bytearray(size)
        if size:
            self._encryptor.update_into(bytes(size), stream)
        return np.frombuffer(stream, np.uint64)
