"""Updates that nobody can read: too large, or no update at all. Their author cannot judge anybody either."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np
import zstandard

from ledger.blobs.contents.records import RECORD_MAGIC, UPDATE_MAGIC, Update, encode_update
from node.attacks.attack import Attack

_BOMB_BYTES: Final = 1 << 24
_NOISE_BYTES: Final = 500


class Oversize(Attack):
    """Commit a blob `factor` times as large as any update may be; fetching must stop at its root block."""

    name = "oversize"
    summary = "commits blobs larger than an update may be"

    def __init__(self, factor: float = 4.0) -> None:
        if not 1 < factor <= 1000:
            raise ValueError("factor is above 1 and at most 1000")
        self.factor = factor
        self.is_unreadable = True

    def blob(self, blob: bytes, limit: int, round_number: int, rng: np.random.Generator) -> bytes:  # noqa: ARG002
        return UPDATE_MAGIC + rng.bytes(int(self.factor * limit))


class Malformed(Attack):
    """Commit bytes that are no update, one kind after the other, or one kind alone.

    kind: 0 for a new one each round, else 1 noise, 2 cut short, 3 another author's name, 4 an earlier round, 5
    another circle's, 6 an unknown codec, 7 a payload cut short, 8 a decompression bomb, 9 another kind of blob.
    """

    name = "malformed"
    summary = "commits bytes that are no update: cut short, misnamed, a bomb, …"

    def __init__(self, kind: float = 0) -> None:
        if not 0 <= kind <= len(KINDS):
            raise ValueError(f"kind is in 0..{len(KINDS)}")
        self.kind = int(kind)
        self.is_unreadable = True

    def blob(self, blob: bytes, limit: int, round_number: int, rng: np.random.Generator) -> bytes:  # noqa: ARG002
        place = self.kind - 1 if self.kind else (round_number - 1) % len(KINDS)
        return KINDS[place](blob, rng)


def _noise(blob: bytes, rng: np.random.Generator) -> bytes:  # noqa: ARG001
    return UPDATE_MAGIC + rng.bytes(_NOISE_BYTES)


def _cut_short(blob: bytes, rng: np.random.Generator) -> bytes:  # noqa: ARG001
    return blob[: len(blob) // 2]


def _another_author(blob: bytes, rng: np.random.Generator) -> bytes:
    return _changed(blob, author=rng.bytes(20))


def _earlier_round(blob: bytes, rng: np.random.Generator) -> bytes:  # noqa: ARG001
    return _changed(blob, round=_update(blob).round - 1)


def _another_network(blob: bytes, rng: np.random.Generator) -> bytes:
    return _changed(blob, network=rng.bytes(32))


def _unknown_codec(blob: bytes, rng: np.random.Generator) -> bytes:  # noqa: ARG001
    return _changed(blob, codec="float32")


def _short_payload(blob: bytes, rng: np.random.Generator) -> bytes:  # noqa: ARG001
    return _changed(blob, payload=_update(blob).payload[:-1])


def _bomb(blob: bytes, rng: np.random.Generator) -> bytes:  # noqa: ARG001
    return _changed(blob, payload=zstandard.ZstdCompressor().compress(bytes(_BOMB_BYTES)))


def _another_kind(blob: bytes, rng: np.random.Generator) -> bytes:  # noqa: ARG001
    return RECORD_MAGIC + blob[4:]


def _update(blob: bytes) -> Update:
    return msgspec.msgpack.decode(blob[4:], type=Update)


def _changed(blob: bytes, **fields: Any) -> bytes:
    return encode_update(msgspec.structs.replace(_update(blob), **fields))


KINDS: Final[tuple[Callable[[bytes, np.random.Generator], bytes], ...]] = (
    _noise,
    _cut_short,
    _another_author,
    _earlier_round,
    _another_network,
    _unknown_codec,
    _short_payload,
    _bomb,
    _another_kind,
)
