"""Bytes for which there may be no room in memory: beyond a limit they lie in a temporary folder."""

import tempfile
from collections.abc import Hashable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

K = TypeVar("K", bound=Hashable)

_MEMORY_BYTES: Final = 1 << 28


class Spill(Generic[K]):
    """key → bytes. The first `limit_bytes` stay in memory, what comes then is one file each, until it is dropped.

    Raises OSError where the disk fails. `close`, or `with`, removes the folder; it is where TMPDIR says.
    """

    def __init__(self, limit_bytes: int = _MEMORY_BYTES) -> None:
        self._limit_bytes, self._bytes, self._files = limit_bytes, 0, 0
        self._items: dict[K, bytes | Path] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._items, self._bytes = {}, 0
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[K]:
        """Keys, the oldest first."""
        return iter(list(self._items))

    def __len__(self) -> int:
        return len(self._items)

    def put(self, key: K, data: bytes) -> None:
        """Keep these bytes in place of what the key stood for."""
        self.drop(key)
        if self._bytes + len(data) <= self._limit_bytes:
            self._bytes += len(data)
            self._items[key] = data
            return
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="folkmoot-")
        self._files += 1
        path = Path(self._folder.name, str(self._files))
        path.write_bytes(data)
        self._items[key] = path

    def get(self, key: K) -> bytes:
        """The bytes. Raises KeyError."""
        item = self._items[key]
        return item if isinstance(item, bytes) else item.read_bytes()

    def drop(self, key: K) -> None:
        """Forget a key, if it is there."""
        item = self._items.pop(key, None)
        if isinstance(item, bytes):
            self._bytes -= len(item)
        elif item is not None:
            item.unlink(missing_ok=True)
