"""Two threads on one chain, never both at once: what must be quick, and simulations, which may take seconds."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ledger.testchain.evm.messages import ExecutionFailed


class Turns:
    """Whose turn it is. Whoever waited goes next, so that neither thread keeps the other out."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._is_taken = False
        self._chain_waits = self._simulation_waits = False
        # Set when the chain had its turn while a simulation waited.
        self._is_owed = False
        self._is_over = False

    @contextmanager
    def chain(self) -> Iterator[None]:
        """The chain's turn: blocks, reads, the pool."""
        with self._changed:
            self._chain_waits = True
            while self._is_taken or self._is_owed:
                self._changed.wait()
            self._chain_waits, self._is_taken = False, True
        try:
            yield
        finally:
            with self._changed:
                self._is_taken, self._is_owed = False, self._simulation_waits
                if self._simulation_waits:
                    self._changed.notify_all()

    @contextmanager
    def simulation(self) -> Iterator[None]:
        """A simulation's turn; it calls `give_way` on its way. Raises ExecutionFailed where the chain stops."""
        try:
            self._take()
            yield
        finally:
            self._leave()

    def give_way(self) -> None:
        """Let the chain go first if it waits. Raises ExecutionFailed where it is stopping."""
        if self._chain_waits or self._is_over:
            self._leave()
            self._take()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """In the middle of a simulation, what touches no state: the chain need not wait for it."""
        self._leave()
        try:
            yield
        finally:
            self._take()

    def stop(self) -> None:
        """End the simulation that runs, and let none begin."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _take(self) -> None:
        with self._changed:
            self._simulation_waits = True
            while self._is_taken or (self._chain_waits and not self._is_owed):
                self._changed.wait()
            self._simulation_waits = self._is_owed = False
            self._is_taken = True
        if self._is_over:
            raise ExecutionFailed("execution aborted (the chain is stopping)")

    def _leave(self) -> None:
        with self._changed:
            self._is_taken = False
            if self._chain_waits:
                self._changed.notify_all()
