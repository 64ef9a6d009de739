"""A key's transactions that have not ended yet, every hash sent for each nonce, kept over a crash if wanted."""

from collections import deque
from pathlib import Path
from typing import Final

import msgspec

from ledger.chain.transactions.fees import Fees
from ledger.errors import SetupError
from ledger.files import remove, write_whole

_DONE_KEPT: Final = 64
_FILE_MAX_BYTES: Final = 16 << 20


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a transaction is to do."""

    name: str
    """The function's, for people."""
    to: str | None
    """The contract's address; None creates a contract."""
    data: bytes
    """Call data, or creation code."""
    value_wei: int
    """What it carries."""
    gas: int
    """Limit, units."""

    def does_same_as(self, other: "Call") -> bool:
        """Whether both are one intention."""
        return (self.to, self.value_wei, self.data) == (other.to, other.value_wei, other.data)


class PendingEntry(msgspec.Struct, forbid_unknown_fields=True, eq=False):
    """One call and the nonce it has."""

    nonce: int
    """The key's."""
    call: Call
    """What it does."""
    cap_wei: int
    """The latest offer's most per gas."""
    tip_wei: int
    """The latest offer's tip per gas."""
    raw: bytes = b""
    """The latest signed transaction, as sent; empty where the latest offer is not signed yet."""
    hashes: list[str] = []
    """Of all it was signed as, oldest first."""
    may_be_out: bool = False
    """A pool may hold it."""
    is_acknowledged: bool = False
    """An endpoint said that it holds it."""
    is_new: bool = True
    """Nobody waited for it yet."""
    is_filler: bool = False
    """It does nothing but use its nonce."""
    offered_at: int | None = None
    """Number of the block since which the latest offer is known to wait; None before."""
    taken: int = 0
    """Looks in a row that found the nonce used by none of these hashes."""
    taken_since: float = 0.0
    """Unix time of the first of these looks."""
    taken_s: float = 0.0
    """Seconds from the first of these looks to the last."""
    overtaken: int = 0
    """How often it lost its nonce to a stranger."""
    is_capped: bool = False
    """A higher offer was not allowed."""

    @property
    def fees(self) -> Fees:
        """The latest offer."""
        return Fees(self.cap_wei, self.tip_wei)

    def offer(self, fees: Fees) -> None:
        """Offer something else: it must be signed again."""
        self.cap_wei, self.tip_wei = fees.cap_wei, fees.tip_wei
        self.raw, self.offered_at, self.is_capped = b"", None, False

    def note_taken(self, now_s: float | None) -> None:
        """A look found the nonce used by none of these hashes, at a Unix time; None: it did not."""
        if now_s is None:
            self.taken = 0
            return
        self.taken_since = self.taken_since if self.taken else now_s
        self.taken, self.taken_s = self.taken + 1, now_s - self.taken_since

    def renumber(self, nonce: int) -> None:
        """Take another nonce. Only right where no transaction of this entry can be mined any more."""
        self.nonce, self.raw, self.hashes = nonce, b"", []
        self.may_be_out, self.is_acknowledged, self.taken, self.offered_at = False, False, 0, None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    chain_id: int
    address: str
    entries: list[PendingEntry]


class Pending:
    """The open entries of one key, by nonce, and the last ones that ended.

    path: a file that holds the open ones, written before each send, so that a killed process finds them again; it
    is gone when none is open. Raises SetupError where it cannot be read or belongs to another key.
    """

    def __init__(self, chain_id: int, address: str, path: Path | None = None) -> None:
        self._chain_id, self._address, self._path = chain_id, address, path
        self._open = {entry.nonce: entry for entry in self._read()}
        self._done: deque[PendingEntry] = deque(maxlen=_DONE_KEPT)

    def list_open(self) -> list[PendingEntry]:
        """Those not ended, lowest nonce first."""
        return [self._open[nonce] for nonce in sorted(self._open)]

    def list_up_to(self, nonce: int) -> list[PendingEntry]:
        """Those not ended that must be mined before this nonce is, and this one."""
        return [entry for entry in self.list_open() if entry.nonce <= nonce]

    def lowest_nonce(self) -> int:
        """The lowest open nonce. Raises ValueError where none is open."""
        return min(self._open)

    def next_nonce(self, counted: int) -> int:
        """The nonce for the next transaction where the endpoint counts so many."""
        return max(counted, max(self._open, default=-1) + 1)

    def find_like(self, call: Call) -> PendingEntry | None:
        """An open entry that does the same."""
        return next((entry for entry in self.list_open() if entry.call.does_same_as(call)), None)

    def find_ended_like(self, call: Call) -> PendingEntry | None:
        """The latest ended entry that did the same."""
        return next((entry for entry in reversed(self._done) if entry.call.does_same_as(call)), None)

    def find_ended_at(self, nonce: int) -> PendingEntry | None:
        """The ended entry that used a nonce."""
        return next((entry for entry in reversed(self._done) if entry.nonce == nonce), None)

    def add(self, entry: PendingEntry) -> None:
        """Open an entry, or open one again whose block vanished."""
        if entry in self._done:
            self._done.remove(entry)
        self._open[entry.nonce] = entry

    def end(self, entry: PendingEntry) -> bool:
        """It is in a block. Returns whether that is news."""
        if self._open.get(entry.nonce) is not entry:
            return False
        self.forget(entry)
        self._done.append(entry)
        return True

    def forget(self, entry: PendingEntry) -> None:
        """It will never be in a block, or nothing was sent."""
        if self._open.get(entry.nonce) is entry:
            del self._open[entry.nonce]
        self.save()

    def forget_ended(self) -> None:
        """Keep only what is open."""
        self._done.clear()

    def move(self, entry: PendingEntry, nonce: int) -> None:
        """Give an entry another nonce."""
        if self._open.get(entry.nonce) is entry:
            del self._open[entry.nonce]
        entry.renumber(nonce)
        self._open[nonce] = entry

    def save(self) -> None:
        """Write the file whole or not at all. Raises SetupError."""
        if self._path is None:
            return
        try:
            if not self._open:
                remove(self._path)
                return
            write_whole(self._path, msgspec.json.encode(_File(self._chain_id, self._address, self.list_open())))
        except OSError as error:
            raise SetupError(f"{self._path} cannot be written ({error.strerror}): free space or mend it") from error

    def _read(self) -> list[PendingEntry]:
        if self._path is None:
            return []
        try:
            with self._path.open("rb") as file:
                found = msgspec.json.decode(file.read(_FILE_MAX_BYTES), type=_File)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SetupError(f"{self._path} cannot be read ({error.strerror}): mend that") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SetupError(
                f"{self._path} holds no list of transactions ({error}): see that none of this key is under way, "
                "then remove it"
            ) from error
        if (found.chain_id, found.address) != (self._chain_id, self._address):
            raise SetupError(
                f"{self._path} holds transactions of {found.address} on chain {found.chain_id}, not of "
                f"{self._address} on chain {self._chain_id}: give each key a folder of its own"
            )
        for entry in found.entries:
            # Written before it was sent: whether it was, only the chain knows.
            entry.may_be_out, entry.is_new = True, False
        return found.entries
