"""A model as a file that any tool reads (R31.3): safetensors, written to the byte, and read from strangers.

The public package writes metadata in an order of its own choice, so that two files of one model would differ: what
is written here is the same everywhere. What is read may come from anyone: sizes are checked before anything of that
size is made.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GRID_BITS, LARGEST, GridState, to_float
from ledger.circle.manifest import MAX_DIMENSIONS, Tensor
from ledger.errors import SetupError
from ledger.files import PUBLIC, write_whole
from ledger.untrusted.parsing import decode_json
from node.models.metadata import BadMetadata, ModelFacts, decode_facts, is_remainder, show

HEAD_MAX_BYTES: Final = 1 << 23
_LENGTH_BYTES: Final = 8
_METADATA: Final = "__metadata__"
_TENSORS_MAX: Final = 100_000
FLOAT32: Final = "F32"
BFLOAT16: Final = "BF16"
# What can be read; bfloat16 has no type of its own here.
_DTYPES: Final[Mapping[str, str]] = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    BFLOAT16: "<u2",
    FLOAT32: "<f4",
    "F64": "<f8",
    "C64": "<c8",
}


class UnusableFile(SetupError):
    """A file is no safetensors file that this program reads, or no model taken out of a circle."""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


@dataclass(frozen=True)
class FileTensor:
    """Where a tensor's values lie in a file."""

    name: str
    """As the file has it."""
    dtype: str
    """As safetensors calls it, e.g. F32."""
    shape: tuple[int, ...]
    """Its dimensions."""
    start: int
    """Of its first byte, from the file's beginning."""
    stop: int
    """Behind its last byte."""


@dataclass(frozen=True)
class FileHead:
    """What a file says it holds. Its sizes are checked, and the file has as many bytes as they ask for."""

    path: Path
    """Where it was read from."""
    metadata: Mapping[str, str]
    """Unchecked text."""
    tensors: Mapping[str, FileTensor]
    """By name, in ascending order."""

    def read_facts(self) -> ModelFacts:
        """What it says of itself, where it was taken out of a circle. Raises UnusableFile."""
        if is_remainder(self.metadata):
            raise UnusableFile(
                f"{self.path} is what `folkmoot trace --without` left of a model, and no model of a circle:"
                " name the file of the model itself"
            )
        try:
            facts = decode_facts(self.metadata)
            if len(facts.exponents) != len(self.tensors):
                raise BadMetadata(f"{len(facts.exponents)} exponents for {len(self.tensors)} tensors")
        except BadMetadata as error:
            raise UnusableFile(
                f"{self.path} is no model that `folkmoot model export` wrote: of its metadata, {error}"
            ) from error
        return facts

    def read_values(self, name: str) -> NDArray[Any]:
        """A tensor's values in its shape; bfloat16 as float32, which holds them. Raises UnusableFile, OSError."""
        tensor = self.tensors[name]
        with self.path.open("rb") as file:
            file.seek(tensor.start)
            raw = file.read(tensor.stop - tensor.start)
        if len(raw) != tensor.stop - tensor.start:
            raise UnusableFile(f"{self.path} was cut off while it was read: read it again")
        values = np.frombuffer(raw, _DTYPES[tensor.dtype]).reshape(tensor.shape)
        if tensor.dtype == BFLOAT16:
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values


def read_head(path: Path) -> FileHead:
    """What a stranger's file says it holds. Raises UnusableFile."""
    if path.exists() and not path.is_file():
        # A pipe would keep whoever opens it waiting.
        raise UnusableFile(f"{path} is no file: name a safetensors file")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if size < _LENGTH_BYTES or length > size - _LENGTH_BYTES:
                raise UnusableFile(f"{path} is no safetensors file: it is shorter than it says")
            if length > HEAD_MAX_BYTES:
                raise UnusableFile(f"{path} has a head of {length} bytes: at most {HEAD_MAX_BYTES} are read")
            raw = file.read(length)
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read ({error.strerror}): name a safetensors file") from error
    try:
        return _parse(path, raw, size - _LENGTH_BYTES - length)
    except ValueError as error:
        raise UnusableFile(f"{path} is no safetensors file that can be read: {error}") from error


def _parse(path: Path, raw: bytes, data_bytes: int) -> FileHead:
    """Raises ValueError."""
    head: dict[str, Any] = decode_json(raw, dict[str, Any])
    metadata = _convert(head.pop(_METADATA, {}), dict[str, str], "its metadata are no texts")
    if len(head) > _TENSORS_MAX:
        raise ValueError(f"{len(head)} tensors are more than {_TENSORS_MAX}")
    before, found = _LENGTH_BYTES + len(raw), dict[str, FileTensor]()
    for name in sorted(head):
        entry = _convert(head[name], _Entry, f"{show(name)} is no tensor")
        _check_entry(name, entry)
        start, stop = entry.data_offsets
        found[name] = FileTensor(name, entry.dtype, entry.shape, before + start, before + stop)
    at = before
    # None lies over another, and nothing lies between.
    for tensor in sorted(found.values(), key=lambda one: (one.start, one.stop)):
        if tensor.start != at:
            raise ValueError(f"{show(tensor.name)} does not begin where the values before it end")
        at = tensor.stop
    if at - before != data_bytes:
        raise ValueError(f"its tensors take {at - before} bytes, and {data_bytes} are there")
    return FileHead(path, metadata, found)


def _convert(value: Any, kind: Any, fault: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(fault) from error


def _check_entry(name: str, entry: _Entry) -> None:
    if entry.dtype not in _DTYPES:
        raise ValueError(f"{show(name)} is of {show(entry.dtype)}, which is none of {', '.join(_DTYPES)}")
    if len(entry.shape) > MAX_DIMENSIONS or any(size < 0 for size in entry.shape):
        raise ValueError(f"{show(name)} has no possible shape")
    start, stop = entry.data_offsets
    # Python's integers do not overflow, and the length of a file bounds what is read.
    size = prod(entry.shape) * np.dtype(_DTYPES[entry.dtype]).itemsize
    if start < 0 or stop - start != size:
        raise ValueError(f"{show(name)} takes {size} bytes, and {stop - start} are named")


def encode_head(metadata: Mapping[str, str], layout: Iterable[Tensor]) -> bytes:
    """Length and head of a file of float32 tensors (R31.3). Raises SetupError for a name that cannot be one's."""
    head: dict[str, Any] = {_METADATA: dict(metadata)}
    at = 0
    for tensor in layout:
        if tensor.name == _METADATA:
            raise SetupError(f"a tensor of this model is called {_METADATA}, which no safetensors file can hold")
        head[tensor.name] = _Entry(FLOAT32, tensor.shape, (at, at := at + 4 * tensor.size))
    raw = msgspec.json.encode(head)
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(_LENGTH_BYTES, "little") + raw


def encode_model_file(facts: ModelFacts, layout: tuple[Tensor, ...], state: GridState) -> bytes:
    """The file: the same bytes on every machine. state: (d,), int32, within ±2**24. Raises SetupError."""
    values, at = np.empty(state.shape, "<f4"), 0
    for tensor in layout:
        here = slice(at, at := at + tensor.size)
        values[here] = to_values(state[here], tensor.exponent)
    return encode_head(facts.encode(), layout) + values.tobytes()


def write_model_file(path: Path, facts: ModelFacts, layout: tuple[Tensor, ...], state: GridState) -> bytes:
    """Write it whole, or leave what was there, and return its bytes. Raises SetupError, OSError."""
    data = encode_model_file(facts, layout, state)
    write_whole(path, data, mode=PUBLIC)
    return data


def to_values(state: GridState, exponent: int) -> NDArray[np.float32]:
    """The numbers that counts of the grid stand for, in the same shape. state: int32, within ±2**24.

    Exact: 24 bits and powers of two, and no product leaves float32's normal numbers (R9.1).
    """
    return to_float(state) * np.float32(2.0**exponent)


def to_counts(values: NDArray[Any], exponent: int) -> tuple[GridState, NDArray[np.bool_]]:
    """Values as counts of the grid, and which of them are none: no whole ones, beyond it, or no numbers.

    values: floats of any shape. Returns (n,), int32, 0 where it is none; (n,), whether it is none.
    """
    counts = values.reshape(-1).astype(np.float64) * 2.0 ** (GRID_BITS - exponent)
    off = ~((np.abs(counts) <= LARGEST) & (counts == np.rint(counts)))
    return np.where(off, 0.0, counts).astype(np.int32), off
