"""The private part of a peer's model: running statistics, masks, a head of its own. It never leaves the peer.

It lives from round to round in a file of its own. Two rounds are kept: a round that
is trained a second time starts from what it started from.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from node.learning.frozen import read_tensor_bytes
from node.operating.checksummed_file import ChecksummedFile, UnusableFile

# A tensor by its name in `state_dict`. Replaced, never written to.
PrivatePart = Mapping[str, torch.Tensor]

_log = logging.getLogger(__name__)
_MAGIC: Final = b"FMK1"
_ROUNDS: Final = 2


class PrivateParts:
    """What a peer keeps of its model after its last rounds, on disk too where it has a file. At first nothing."""

    def __init__(self, first: PrivatePart | None = None) -> None:
        """first: what to start from, as if it came of round 0."""
        self._rounds: dict[int, PrivatePart] = {} if first is None else {0: first}
        self._file: ChecksummedFile | None = None
        self._network = b""

    @classmethod
    def load(cls, path: Path, network: bytes) -> "PrivateParts":
        """What the file holds, if there is one. One that cannot be used is set aside. Raises OSError."""
        kept = cls()
        kept._file, kept._network = ChecksummedFile(path, _MAGIC), network
        try:
            fields = kept._file.read(network)
        except UnusableFile as unusable:
            _log.warning(
                "private part of the model not usable, kept aside, starting as the task gives it file=%s fault=%s",
                unusable.aside,
                unusable.fault,
            )
            return kept
        if fields is not None:
            kept._rounds = {
                number: {name: _tensor(*one) for name, one in tensors.items()}
                for number, tensors in fields["rounds"].items()
            }
        return kept

    @property
    def latest(self) -> PrivatePart:
        """After the last round trained; empty before the first."""
        return self._rounds[max(self._rounds)] if self._rounds else {}

    def find_before(self, number: int) -> PrivatePart:
        """What the training of a round starts from: the last of an earlier one, else the oldest there is."""
        earlier = [one for one in self._rounds if one < number]
        if earlier:
            return self._rounds[max(earlier)]
        return self._rounds[min(self._rounds)] if self._rounds else {}

    def keep(self, number: int, part: PrivatePart) -> None:
        """Take in what a round's training left, on the disk before this returns. Raises OSError."""
        start = self.find_before(number)
        rounds = {one: held for one, held in self._rounds.items() if one < number}
        if not rounds and start:
            rounds = {number - 1: start}
        rounds[number] = part
        self._rounds = dict(sorted(rounds.items())[-_ROUNDS:])
        if self._file is not None and part:
            rounds_fields = {
                one: {name: _fields(tensor) for name, tensor in held.items()} for one, held in self._rounds.items()
            }
            self._file.write({"network": self._network, "rounds": rounds_fields})


def _fields(tensor: torch.Tensor) -> list[Any]:
    return [str(tensor.dtype).removeprefix("torch."), list(tensor.shape), read_tensor_bytes(tensor)]


def _tensor(dtype: str, shape: list[int], raw: bytes) -> torch.Tensor:
    flat = torch.from_numpy(np.frombuffer(raw, np.uint8).copy())
    found: torch.Tensor = flat.view(getattr(torch, dtype)).reshape(shape)
    return found
