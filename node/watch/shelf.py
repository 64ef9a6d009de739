"""Small blobs that views go by, fetched behind the page a few at a time, and what was read of each.

A view asks for digests and gets what is known by now; what is lacking comes later, and the view says so. Blobs are
looked for in the folders of nodes on this machine, then in the bundle or at the members' gateways, and every byte
is hashed. Nothing is kept but what was read of them.
"""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from ledger.audit.bundle.names import BadBundle
from ledger.audit.bundle.reader import Bundle
from ledger.errors import PeerFault
from ledger.fetch.fetcher import BlobFetcher, Unavailable
from ledger.fetch.gateways import gateways_of
from ledger.untrusted.text import make_printable
from node.watch.folders import FolderBlobs
from node.watch.query import NotReady
from node.watch.source import Source

_log = logging.getLogger(__name__)
PARALLEL: Final = 8
"""So many blobs are fetched at a time."""
WANTED_MAX: Final = 20_000
"""So many may wait; the ones asked for last are fetched first, and the others forgotten."""
_KEPT_MAX: Final = 50_000
KEPT_MAX_BYTES: Final = 256 << 20
"""What is kept takes so much memory at most, about: what one view goes by, of the largest circle, has less."""
# The place of one, with a small value in it.
_EACH_BYTES: Final = 600
_TIMEOUT_S: Final = 8.0
# What was not to be had is asked for again after so long, where somebody still wants it.
_AGAIN_S: Final = 20.0
_REASON_MAX: Final = 200


@dataclass(frozen=True)
class Want:
    """A blob that a view goes by."""

    kind: str
    """What is read of it: two views may ask for one digest, and mean different things."""
    digest: bytes
    """Of its root, 32 bytes."""
    seat: int
    """Whose gateway is asked first."""
    max_bytes: int
    """The most bytes that it may have."""
    read: Callable[[bytes], object]
    """Makes of it what is kept; small, and of nothing but the blob. Raises PeerFault. Runs in a worker thread."""

    @property
    def key(self) -> tuple[str, bytes]:
        """What it is known by."""
        return self.kind, self.digest


@runtime_checkable
class Weighty(Protocol):
    """What is read of a blob and is not small."""

    @property
    def memory_bytes(self) -> int:
        """Bytes of memory that it takes, about."""


@dataclass(frozen=True)
class Found:
    """What became of a blob that was had."""

    value: object
    """What was read of it."""
    size_bytes: int
    """How long it is."""

    @property
    def weight(self) -> int:
        """Bytes of memory that it takes, about."""
        return _EACH_BYTES + (self.value.memory_bytes if isinstance(self.value, Weighty) else 0)


@dataclass(frozen=True)
class Lost:
    """A blob that was not to be had, or is none."""

    says: str
    """Why, in words."""
    is_final: bool
    """The bytes are there and wrong: asking again changes nothing."""
    at_s: float
    """When, on the monotonic clock."""

    @property
    def weight(self) -> int:
        """Bytes of memory that it takes, about."""
        return _EACH_BYTES


class Shelf:
    """One source's. `run` fetches; all else is called from any thread."""

    def __init__(self, source: Source) -> None:
        self._source, self._folders = source, FolderBlobs(source.folders)
        self._results: dict[tuple[str, bytes], Found | Lost] = {}
        self._wanted: dict[tuple[str, bytes], Want] = {}
        self._under_way = set[tuple[str, bytes]]()
        self._refuted = set[tuple[str, bytes]]()
        self._weight = 0
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self.version = 0
        """Rises with every blob that was read or given up."""

    @property
    def folders(self) -> FolderBlobs:
        """What lies in the folders of nodes here."""
        return self._folders

    def find(self, kind: str, digest: bytes) -> Found | Lost | None:
        """What became of a blob; None where it was not asked for, or is not here yet."""
        return self._results.get((kind, digest))

    def ask(self, wants: Iterable[Want]) -> None:
        """Have these fetched, the first one first, before all that was asked for earlier."""
        now = time.monotonic()
        with self._lock:
            for want in reversed(list(wants)):
                found = self._results.get(want.key)
                is_lost = isinstance(found, Lost) and not found.is_final and now - found.at_s > _AGAIN_S
                if (found is not None and not is_lost) or want.key in self._under_way:
                    continue
                # The one asked for last is at the end, from where it is taken.
                self._wanted.pop(want.key, None)
                self._wanted[want.key] = want
            while len(self._wanted) > WANTED_MAX:
                del self._wanted[next(iter(self._wanted))]
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    def refute(self, key: tuple[str, bytes], says: str) -> None:
        """What a blob says does not follow, wherever it is had. says: that, in words."""
        with self._lock:
            self._refuted.add(key)
            self._keep(key, _lose(says, is_final=True))
            self.version += 1

    async def run(self) -> None:
        """Fetch until cancelled."""
        self._loop = asyncio.get_running_loop()
        async with BlobFetcher(daemon=self._source.daemon) as fetcher, asyncio.TaskGroup() as tasks:
            for _ in range(PARALLEL):
                tasks.create_task(self._serve(fetcher))

    async def _serve(self, fetcher: BlobFetcher) -> None:
        while True:
            want = self._take()
            if want is None:
                self._wake.clear()
                if not self._wanted:
                    await self._wake.wait()
                continue
            self.put(want.key, await self._fetch(fetcher, want))

    def _take(self) -> Want | None:
        with self._lock:
            if not self._wanted:
                return None
            want = self._wanted.pop(next(reversed(self._wanted)))
            self._under_way.add(want.key)
            return want

    def put(self, key: tuple[str, bytes], result: Found | Lost) -> None:
        """Note what became of a blob."""
        with self._lock:
            self._under_way.discard(key)
            if key in self._refuted or (isinstance(result, Lost) and isinstance(self._results.get(key), Found)):
                return  # what is known of it is stronger
            self._keep(key, result)
            self.version += 1

    def _keep(self, key: tuple[str, bytes], result: Found | Lost) -> None:
        before = self._results.pop(key, None)
        self._results[key] = result
        self._weight += result.weight - (before.weight if before is not None else 0)
        while len(self._results) > _KEPT_MAX or (self._weight > KEPT_MAX_BYTES and len(self._results) > 1):
            self._weight -= self._results.pop(next(iter(self._results))).weight

    async def _fetch(self, fetcher: BlobFetcher, want: Want) -> Found | Lost:
        try:
            blob = await self._find_blob(fetcher, want)
            value = await asyncio.to_thread(want.read, blob)
        except PeerFault as fault:
            said = str(fault).removeprefix(f"{want.digest.hex()[:12]}: ")
            return _lose(f"it is no such blob: {said}", is_final=True)
        except Unavailable as error:
            # Without its digest, so that many that are lost alike are told of together.
            return _lose(str(error).removeprefix(f"{error.digest.hex()[:12]} "), is_final=False)
        except BadBundle:
            return _lose("the bundle does not hold it", is_final=True)
        except NotReady as error:
            return _lose(str(error), is_final=False)
        except Exception as error:
            # A fault of this program: the view says so, and the others go on.
            _log.error("reading a blob failed digest=%s", want.digest.hex(), exc_info=error)
            return _lose(f"reading it failed: {type(error).__name__}", is_final=True)
        return Found(value, len(blob))

    async def _find_blob(self, fetcher: BlobFetcher, want: Want) -> bytes:
        """Raises PeerFault, Unavailable, BadBundle, NotReady."""
        blob = await asyncio.to_thread(self._folders.find, want.digest, want.max_bytes)
        if blob is not None:
            return blob
        bundle = self._source.bundle
        if bundle is not None:
            return await asyncio.to_thread(read_bundled, bundle, want.digest, want.max_bytes)
        gateways = gateways_of(self._source.view.history, random.Random(), [want.seat])
        return await fetcher.fetch(
            want.digest, gateways, max_bytes=want.max_bytes, timeout_s=_TIMEOUT_S, cache=self._folders
        )


def find_shelf(source: Source) -> Shelf:
    """The one that goes with a source."""
    found: Shelf = source.__dict__.setdefault("shelf", Shelf(source))
    return found


async def run_shelf(source: Source) -> None:
    """Fetch what the views of a source ask for, until cancelled."""
    await find_shelf(source).run()


def read_bundled(bundle: Bundle, digest: bytes, max_bytes: int) -> bytes:
    """A blob of a bundle. Raises Unavailable, BadBundle where it is not here, PeerFault where it is none."""
    reasons = bundle.missing.get(digest)
    if reasons is None:
        return bundle.read_blob(digest, max_bytes)
    raise Unavailable(digest, reasons)


def _lose(says: str, *, is_final: bool) -> Lost:
    return Lost(make_printable(says, _REASON_MAX), is_final, time.monotonic())
